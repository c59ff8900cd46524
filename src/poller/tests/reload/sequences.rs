//! Configurations one after the other, whichever they are.

use proptest::prelude::*;

use super::*;

/// A configuration of two projects at most.
fn any_configs() -> impl Strategy<Value = Vec<ProjectConfig>> {
    let ids = prop::sample::subsequence(vec!["i-000", "i-001", "i-002", "i-777"], 0..4);
    let instances = ids.prop_flat_map(|ids| {
        let names = prop::collection::vec(prop::option::of("[a-c]"), ids.len());
        names.prop_map(move |names| {
            let one = |(id, name): (&&str, Option<String>)| InstanceConfig { id: (*id).into(), name };
            ids.iter().zip(names).map(one).collect::<Vec<_>>()
        })
    });
    let limits = (1.0_f64..30.0, 1_u32..20, 1_u32..6).prop_map(|(requests_per_second, burst, concurrency)| Limits {
        requests_per_second,
        burst,
        concurrency,
    });
    let one = (instances, prop::option::of(1_u64..20), limits, 0_usize..3, any::<bool>()).prop_map(
        |(instances, minutes, limits, endpoint, by_name)| {
            // Without both there would be nothing to watch.
            let minutes = minutes.or_else(|| instances.is_empty().then_some(5));
            let project =
                if by_name { CloudProject::Named("eu-de".to_owned()) } else { CloudProject::Id("0123".into()) };
            ProjectConfig {
                instances,
                discovery: minutes
                    .map(|minutes| Discovery { interval: Duration::from_mins(minutes), filter: Filter::default() }),
                limits: Some(limits),
                endpoint: ["https://a.example", "https://a.example", "https://b.example"][endpoint].parse().unwrap(),
                project,
                ..named("prod", &[])
            }
        },
    );
    (prop::collection::vec(one, 1..3), any::<bool>()).prop_map(|(mut configs, is_turned)| {
        for (config, name) in configs.iter_mut().zip(["prod", "other"]) {
            config.name = name.into();
        }
        if is_turned {
            configs.reverse();
        }
        configs
    })
}

proptest! {
    #![proptest_config(proptest::test_runner::Config { cases: 24, ..Default::default() })]
    /// Whatever was before, the last configuration decides what is watched; and what stays never loses a success.
    #[test]
    fn in_the_end_it_is_as_if_the_last_configuration_had_been_the_first(
        steps in prop::collection::vec((any_configs(), 0_u64..2000, any::<bool>()), 1..8),
        failing in prop::option::of(1_u64..5),
    ) {
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let fake = fleet(4);
            let mut site = Site::start(&fake, &steps[0].0);
            if let Some(every) = failing {
                let count = std::sync::atomic::AtomicU64::new(0);
                fake.lock().script = Box::new(move |_, _| {
                    let turn = count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                    turn.is_multiple_of(every).then_some(ErrorKind::Unavailable)
                });
            }
            let mut before = steps[0].0.clone();
            for (configs, seconds, is_renewed) in &steps {
                pass(Duration::from_secs(*seconds)).await;
                let known: BTreeMap<_, _> =
                    site.picture().projects.iter().map(|view| (view.name.clone(), view.clone())).collect();
                if *is_renewed {
                    site.renew("prod");
                }
                site.reload(configs).await;
                for config in configs {
                    let was = before.iter().find(|was| was.name == config.name);
                    let stays = was.is_some_and(|was| was.project == config.project && was.endpoint == config.endpoint);
                    let view = site.project(config.name.as_str());
                    for instance in known.get(&config.name).filter(|_| stays).iter().flat_map(|known| &known.instances) {
                        if let Some(now) = view.instances.iter().find(|now| now.id == instance.id) {
                            assert_eq!((&now.backups, &now.polls), (&instance.backups, &instance.polls));
                        }
                    }
                }
                before.clone_from(configs);
            }
            fake.lock().script = Box::new(|_, _| None);
            pass(3 * HOUR).await;
            let fresh = Site::start(&fake, &steps.last().unwrap().0);
            pass(HOUR).await;
            let of = |site: &Site| -> Vec<_> {
                let one = |view: &Arc<ProjectView>| {
                    let instances = view.instances.iter().map(|view| (view.id.clone(), view.name.clone(), view.rpo, view.backups.clone()));
                    (view.name.clone(), view.up, view.missing, view.poll_interval, instances.collect::<Vec<_>>())
                };
                site.picture().projects.iter().map(one).collect()
            };
            assert_eq!(of(&site), of(&fresh));
        });
    }

    /// Configurations in a hurry, each with other clients, on a cloud that is slow and throttles.
    #[test]
    fn no_number_of_reloads_breaks_a_budget(
        pauses in prop::collection::vec(0_u64..3_000, 1..60), rate in 0.5_f64..10.0, burst in 1_u32..6,
        concurrency in 1_u32..4, latency in 0_u64..4_000, throttled in prop::option::of(2_u64..9),
    ) {
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let fake = fleet(40);
            fake.lock().latency = Duration::from_millis(latency);
            if let Some(every) = throttled {
                let count = std::sync::atomic::AtomicU64::new(0);
                fake.lock().script = Box::new(move |_, _| {
                    let turn = count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                    turn.is_multiple_of(every).then_some(ErrorKind::Throttled)
                });
            }
            let limits = Limits { requests_per_second: rate, burst, concurrency };
            let prod = ProjectConfig { limits: Some(limits), ..named("prod", &[]) };
            let other = ProjectConfig { limits: Some(limits), ..named("other", &["i-001"]) };
            let mut site = Site::start(&fake, std::slice::from_ref(&prod));
            for (index, pause) in pauses.into_iter().enumerate() {
                pass(Duration::from_millis(pause)).await;
                match index % 3 {
                    0 => site.renew("prod"),
                    // Gone, and back with the next.
                    1 => drop(site.reload(std::slice::from_ref(&other)).await),
                    _ => {}
                }
                site.reload(std::slice::from_ref(&prod)).await;
            }
            let cloud = fake.lock();
            for project in 0..2 {
                let requests = cloud.requests.iter().zip(&cloud.senders);
                let times: Vec<_> = requests.filter(|(_, sender)| **sender == project).map(|((at, _), _)| *at).collect();
                assert_within(&times, limits, "one project");
                let most = cloud.most_of_project.get(&project).map_or(0, |(_, most)| *most);
                assert!(most <= concurrency as usize, "{most} at the same time");
            }
        });
    }
}
