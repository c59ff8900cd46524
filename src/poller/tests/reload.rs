//! Other configurations for a poller that runs: what stays is kept, what is not new costs nothing, no budget is broken.

use std::collections::BTreeMap;

use proptest::prelude::*;
use tokio::task::JoinHandle;

use super::super::fake::by_tag;
use super::budget::assert_within;
use super::*;
use crate::cloud::paced::Paced;
use crate::config::{CloudProject, Discovery, InstanceConfig};
use crate::domain::plan::UtcOffset;
use crate::domain::selection::Filter;
use crate::domain::shard::Shard;
use crate::domain::tags::Tags;
use crate::domain::{ProjectId, ProjectName};
use crate::exposition::Format;
use crate::exposition::own::OwnMetrics;
use crate::pace::keys::KeyRing;
use crate::pace::owners::Owners;
use crate::poller::project::{Moment, Project};
use crate::poller::{Changed, Handover, Poller};

const SECOND: Duration = Duration::from_secs(1);

/// A poller at work, and what its clients have in common, whatever the configuration.
struct Site {
    fake: Fake,
    metrics: OwnMetrics,
    keys: Arc<KeyRing>,
    paces: Owners<ProjectName>,
    clients: BTreeMap<ProjectName, Arc<Paced<Fake>>>,
    handover: Handover<Fake>,
    picture: watch::Receiver<Arc<Snapshot>>,
    task: JoinHandle<()>,
}

impl Site {
    fn start(fake: &Fake, configs: &[ProjectConfig]) -> Self {
        let names: Vec<_> = configs.iter().map(|config| config.name.clone()).collect();
        let metrics = OwnMetrics::new(epoch(), DAY, &names);
        let nobody: Vec<(ProjectConfig, Arc<Paced<Fake>>)> = Vec::new();
        let poller = Poller::new(nobody, Shard::ALONE, &Polling::default(), fake.clock().clone(), metrics.clone());
        let mut site = Self {
            fake: fake.clone(),
            keys: Arc::default(),
            paces: Owners::default(),
            clients: BTreeMap::new(),
            handover: poller.handover(),
            picture: poller.subscribe(),
            task: tokio::spawn(std::future::pending()),
            metrics: metrics.clone(),
        };
        let poller =
            Poller::new(site.with_clients(configs), Shard::ALONE, &Polling::default(), fake.clock().clone(), metrics);
        (site.handover, site.picture) = (poller.handover(), poller.subscribe());
        site.task = tokio::spawn(poller.run(std::future::pending()));
        site
    }

    /// Each project with the client that it has, or a new one.
    fn with_clients(&mut self, configs: &[ProjectConfig]) -> Vec<(ProjectConfig, Arc<Paced<Fake>>)> {
        let client = |config: &ProjectConfig| {
            let (name, limits) = (config.name.clone(), config.limits.unwrap());
            let client = self.clients.entry(name.clone()).or_insert_with(|| {
                let api = self.fake.of_project(usize::from(name.as_str() == "other"));
                let pace = self.paces.pace(name.clone(), limits);
                Arc::new(Paced::new(api, name, vec![pace], self.keys.clone(), self.metrics.clone()))
            });
            (config.clone(), Arc::clone(client))
        };
        configs.iter().map(client).collect()
    }

    /// The client of this project is to be another one.
    fn renew(&mut self, name: &str) {
        self.clients.remove(&ProjectName::from(name));
    }

    async fn reload(&mut self, configs: &[ProjectConfig]) -> Changed {
        self.reload_with(configs, &Polling::default()).await
    }

    async fn reload_with(&mut self, configs: &[ProjectConfig], polling: &Polling) -> Changed {
        for config in configs {
            self.paces.pace(config.name.clone(), config.limits.unwrap()).limit_to(config.limits.unwrap());
        }
        let projects = self.with_clients(configs);
        self.handover.hand_over(projects, polling.clone()).await.expect("the poller runs")
    }

    fn picture(&self) -> Arc<Snapshot> {
        assert!(!self.task.is_finished(), "the poller has ended");
        self.picture.borrow().clone()
    }

    fn project(&self, name: &str) -> Arc<ProjectView> {
        let picture = self.picture();
        picture.projects.iter().find(|view| view.name.as_str() == name).expect("watched").clone()
    }

    fn instance(&self, id: &str) -> Option<Arc<InstanceView>> {
        self.project("prod").instances.iter().find(|view| view.id.as_str() == id).cloned()
    }

    fn sent(&self) -> usize {
        self.fake.lock().requests.len()
    }

    fn own_text(&self) -> String {
        let mut text = String::new();
        self.metrics.write(Format::Text, &mut text);
        text
    }

    /// The exporter's own series that name this project.
    fn own_series(&self, project: &str) -> Vec<String> {
        let label = format!("project=\"{project}\"");
        self.own_text().lines().filter(|line| line.contains(&label)).map(str::to_owned).collect()
    }
}

fn named(name: &str, by_hand: &[&str]) -> ProjectConfig {
    ProjectConfig { name: name.into(), ..project(by_hand) }
}

fn watched(view: &ProjectView) -> Vec<(&str, &str)> {
    view.instances.iter().map(|view| (view.id.as_str(), view.name.as_str())).collect()
}

/// All that is told of the instances but when they were polled.
fn facts(view: &ProjectView) -> Vec<InstanceView> {
    let without_times = |view: &Arc<InstanceView>| {
        let mut view = InstanceView::clone(view);
        for poll in &mut view.polls {
            (poll.last_success_at, poll.error) = (None, None);
        }
        view
    };
    view.instances.iter().map(without_times).collect()
}

#[tokio::test(start_paused = true)]
async fn the_same_configuration_again_costs_no_call_and_changes_no_fact() {
    let mut runs = Vec::new();
    for is_reloading in [false, true] {
        let fake = fleet(12);
        // Every state that a poll can be in.
        fake.lock().script = Box::new(|at, request| match request {
            Request::Backups(id, _) if id.as_str() == "i-003" => Some(ErrorKind::Forbidden),
            Request::Restores(id, _) if id.as_str() == "i-004" => Some(ErrorKind::Unavailable),
            Request::Instances(_) if at > 9 * HOUR => Some(ErrorKind::Forbidden),
            _ if (5 * HOUR..6 * HOUR).contains(&at) => Some(ErrorKind::Timeout),
            _ => None,
        });
        let configs = [named("prod", &[]), named("other", &["i-001", "i-005"])];
        let mut site = Site::start(&fake, &configs);
        // From noon over the slot at 02:00 to the next noon.
        for minute in 0..24 * 60 {
            for _ in 0..if minute % 200 == 0 { 600 } else { 1 } {
                pass(if minute % 200 == 0 { MINUTE / 600 } else { MINUTE }).await;
                if is_reloading {
                    assert_eq!(site.reload(&configs).await, Changed::default());
                }
            }
        }
        let picture = site.picture();
        // When exactly polls came is the requests' matter.
        let told: Vec<_> = picture.projects.iter().map(|view| (view.up, view.missing, facts(view))).collect();
        let requests = fake.lock().requests.clone();
        let mut requests: Vec<_> = requests.into_iter().map(|(at, request)| (at, format!("{request:?}"))).collect();
        requests.sort_by(|one, other| (&one.1, one.0).cmp(&(&other.1, other.0)));
        runs.push((requests, told));
    }
    let (with, without) = (runs.pop().unwrap(), runs.pop().unwrap());
    assert!(without.0.len() > 1000);
    assert_eq!(with.0.len(), without.0.len());
    // What falls into the same moment may come in another order.
    for ((at, request), (expected_at, expected)) in with.0.iter().zip(&without.0) {
        assert_eq!(request, expected);
        assert!(at.abs_diff(*expected_at) < SECOND, "{request} at {at:?}, not at {expected_at:?}");
    }
    assert_eq!(with.1, without.1);
}

#[tokio::test(start_paused = true)]
async fn filters_that_are_tightened_act_at_the_second_listing_whatever_they_leave_out() {
    let fake = fleet(12);
    for instance in fake.lock().instances.values_mut() {
        instance.tags = Some(Tags::default());
    }
    let mut config = named("prod", &[]);
    let mut site = Site::start(&fake, std::slice::from_ref(&config));
    pass(MINUTE).await;
    assert_eq!(site.project("prod").watched, 12);
    let filter = &mut config.discovery.as_mut().unwrap().filter;
    filter.include = Some(by_tag("env", &["prod"]));
    site.reload(std::slice::from_ref(&config)).await;
    pass(6 * MINUTE).await;
    assert_eq!((site.project("prod").watched, site.project("prod").left_out), (0, 12));
}

#[tokio::test(start_paused = true)]
async fn what_stays_is_kept_and_only_what_is_new_is_asked() {
    let fake = fleet(6);
    fake.lock().script = Box::new(|_, request| {
        matches!(request, Request::Restores(id, _) if id.as_str() == "i-002").then_some(ErrorKind::Forbidden)
    });
    let before = named("prod", &["i-001", "i-002", "i-003"]);
    let mut site = Site::start(&fake, std::slice::from_ref(&before));
    pass(20 * MINUTE).await;
    let known = [site.instance("i-001").unwrap(), site.instance("i-002").unwrap()];
    let sent = site.sent();

    let name = |id: &str, name: Option<&str>| InstanceConfig { id: id.into(), name: name.map(str::to_owned) };
    let after = ProjectConfig {
        instances: vec![name("i-001", Some("orders")), name("i-002", None), name("i-004", None)],
        rpo: Some(7 * HOUR),
        region: "eu-nl".to_owned(),
        plan_utc_offset: UtcOffset::parse("+01:00").unwrap(),
        ..before
    };
    let changed = site.reload(std::slice::from_ref(&after)).await;
    assert_eq!(changed, Changed { instances_added: 1, instances_removed: 1, ..Changed::default() });
    // All of it at once, not with the next poll.
    let view = site.project("prod");
    assert_eq!(watched(&view), [("i-001", "orders"), ("i-002", "i-002-cache"), ("i-004", "i-004")]);
    assert_eq!((view.region.as_str(), view.watched), ("eu-nl", 3));
    for (then, now) in known.iter().zip(&view.instances) {
        assert_eq!((&now.backups, &now.restores, &now.polls), (&then.backups, &then.restores, &then.polls));
        assert_eq!((then.rpo, now.rpo), (Some(29 * HOUR), Some(7 * HOUR)));
    }
    let slot = |view: &InstanceView| view.policy.as_ref().unwrap().next_scheduled(fake.clock().now()).unwrap();
    assert_eq!(
        slot(&known[1]).duration_since(slot(view.instances.iter().nth(1).unwrap())),
        jiff::SignedDuration::from_hours(1)
    );
    pass(10 * SECOND).await;
    let asked: Vec<_> = fake.lock().requests[sent..].iter().map(|(_, request)| request.clone()).collect();
    assert_eq!(asked.len(), 3, "{asked:?}");
    assert!(asked.iter().all(|request| format!("{request:?}").contains("i-004")), "{asked:?}");
    assert!(site.instance("i-004").unwrap().backups.is_some());
    pass(DAY).await;
    let late = fake.lock().requests[sent..].iter().any(|(_, request)| format!("{request:?}").contains("i-003"));
    assert!(!late, "what was removed is not polled");
}

#[tokio::test(start_paused = true)]
async fn projects_come_and_go_and_change_places_with_requests_under_way() {
    let fake = fleet(30);
    fake.lock().latency = 5 * SECOND;
    let of = |name| ProjectConfig { project: CloudProject::Id(ProjectId::from(name)), ..named(name, &[]) };
    let [gone, prod, other] = ["gone", "prod", "other"].map(of);
    let mut site = Site::start(&fake, &[gone.clone(), prod.clone(), other.clone()]);
    pass(2 * MINUTE).await;
    let (mut known, renamed) = (site.instance("i-007").unwrap(), of("renamed"));
    assert!(known.backups.is_some());
    for round in 0_u64..20 {
        // Always with some under way.
        pass(Duration::from_millis(15 * 60 * 1000 + 700 * round)).await;
        let configs = match round % 4 {
            0 => vec![other.clone(), prod.clone()],
            1 => vec![gone.clone(), prod.clone(), other.clone()],
            2 => vec![prod.clone(), renamed.clone()],
            _ => vec![prod.clone(), other.clone(), gone.clone()],
        };
        let changed = site.reload(&configs).await;
        assert!(!changed.projects_added.contains(&prod.name) && !changed.projects_removed.contains(&prod.name));
        let names: Vec<_> = site.picture().projects.iter().map(|view| view.name.clone()).collect();
        assert_eq!(names, configs.iter().map(|config| config.name.clone()).collect::<Vec<_>>());
        for name in ["gone", "other", "renamed"] {
            assert_eq!(site.own_series(name).is_empty(), !names.contains(&name.into()), "{name}");
        }
        let now = site.instance("i-007").unwrap();
        let (then, polled) = (known.polls[0].last_success_at, now.polls[0].last_success_at);
        assert!(polled >= then && now.backups.is_some() && now.polls[0].success == Some(true));
        known = now;
    }
    assert!(!site.own_series("prod").is_empty());
    let most = fake.lock().most_of_project.clone();
    assert!(most.values().all(|(_, most)| *most <= 3 * 8), "{most:?}");
    pass(HOUR).await;
    let now = fake.clock().now();
    for view in &site.picture().projects {
        assert_eq!(view.watched, 30, "{}", view.name);
        let is_fresh = |view: &Arc<InstanceView>| {
            now.duration_since(view.polls[0].last_success_at.unwrap()) < jiff::SignedDuration::from_mins(16)
        };
        assert!(view.instances.iter().all(is_fresh), "{}: every answer found its project", view.name);
    }
}

#[tokio::test(start_paused = true)]
async fn one_of_the_same_name_elsewhere_is_another_project() {
    let fake = fleet(3);
    let prod = named("prod", &["i-001"]);
    fake.lock().script = Box::new(|_, request| matches!(request, Request::Instance(_)).then_some(ErrorKind::Forbidden));
    let mut site = Site::start(&fake, std::slice::from_ref(&prod));
    pass(MINUTE).await;
    let failures = |site: &Site| {
        let series = site.own_series("prod");
        let is_meant = |line: &&String| ["poll_failures", "policy", "forbidden"].iter().all(|part| line.contains(part));
        let line = series.iter().find(is_meant).unwrap();
        line.rsplit_once(' ').unwrap().1.parse::<f64>().unwrap()
    };
    assert!(failures(&site) > 0.0);
    for elsewhere in [
        ProjectConfig { endpoint: "https://dcs.elsewhere.example".parse().unwrap(), ..prod.clone() },
        ProjectConfig { project: CloudProject::Id("4567".into()), ..prod.clone() },
        ProjectConfig { project: CloudProject::Named("eu-de".to_owned()), ..prod.clone() },
    ] {
        let changed = site.reload(std::slice::from_ref(&elsewhere)).await;
        assert_eq!((changed.projects_added, changed.projects_removed), (vec!["prod".into()], vec!["prod".into()]));
        let view = site.instance("i-001").unwrap();
        assert!(view.backups.is_none() && view.polls[0].last_success_at.is_none(), "no fact of the other one");
        assert!(failures(&site) < 1.0, "counts begin anew");
        pass(MINUTE).await;
        assert!(site.instance("i-001").unwrap().backups.is_some());
    }
}

#[tokio::test(start_paused = true)]
async fn discovery_is_switched_off_and_on_while_a_listing_is_under_way() {
    let fake = fleet(5);
    let found = named("prod", &[]);
    let by_hand = named("prod", &["i-001", "i-002"]);
    let both = ProjectConfig { discovery: found.discovery.clone(), ..by_hand.clone() };
    let mut site = Site::start(&fake, std::slice::from_ref(&found));
    pass(MINUTE).await;
    let facts = site.instance("i-001").unwrap().backups.clone();
    assert!(facts.is_some());
    fake.lock().latency = 20 * SECOND;
    while fake.times(Operation::Instances).len() < 2 {
        pass(SECOND).await;
    }
    let changed = site.reload(std::slice::from_ref(&by_hand)).await;
    assert_eq!((changed.instances_added, changed.instances_removed), (2, 0));
    for wait in [Duration::ZERO, MINUTE, HOUR] {
        pass(wait).await;
        let view = site.project("prod");
        assert_eq!(watched(&view), [("i-001", "i-001-cache"), ("i-002", "i-002-cache")], "after {wait:?}");
        assert_eq!((view.missing, view.listed_at), (None, None), "nobody would renew these");
        assert_eq!(view.instances.iter().next().unwrap().backups, facts);
    }
    assert_eq!(fake.times(Operation::Instances).len(), 2);
    fake.lock().latency = SECOND / 50;
    pass(MINUTE).await;

    // Found at once; who was configured stays, and keeps its facts when it no longer is.
    site.reload(std::slice::from_ref(&both)).await;
    pass(SECOND).await;
    assert_eq!((site.project("prod").watched, fake.times(Operation::Instances).len()), (5, 3));
    let changed = site.reload(std::slice::from_ref(&found)).await;
    assert_eq!((changed.instances_added, changed.instances_removed), (0, 2));
    assert_eq!((site.project("prod").watched, &site.instance("i-001").unwrap().backups), (5, &facts));
    pass(SECOND).await;
    assert_eq!(fake.times(Operation::Instances).len(), 3, "the same discovery");
    // Now the listing decides.
    fake.lock().unlisted.push("i-001".into());
    pass(11 * MINUTE).await;
    assert!(site.instance("i-001").is_none());

    let often = ProjectConfig { discovery: Some(Discovery { interval: MINUTE, filter: Filter::default() }), ..found };
    let before = fake.times(Operation::Instances).len();
    site.reload(std::slice::from_ref(&often)).await;
    pass(10 * MINUTE + SECOND).await;
    let listings = fake.times(Operation::Instances).len() - before;
    assert!((10..=12).contains(&listings), "{listings}");
}

#[tokio::test(start_paused = true)]
async fn shorter_intervals_hold_at_once_and_no_change_makes_a_crowd() {
    let fake = fleet(60);
    let prod = [named("prod", &[])];
    let mut site = Site::start(&fake, &prod);
    pass(4 * HOUR).await;
    let every = |idle: Duration| Polling {
        idle_interval: idle,
        policy_interval: 4 * idle,
        lookback: 60 * idle,
        ..Polling::default()
    };
    let polls = |from: Duration, to: Duration| {
        fake.times(Operation::Backups).iter().filter(|at| (from..to).contains(*at)).count()
    };
    let busiest = |from: u64, minutes: u64| {
        let of_minute = |minute| polls(Duration::from_mins(minute), Duration::from_mins(minute + 1));
        (from..from + minutes).map(of_minute).max().unwrap()
    };
    site.reload_with(&prod, &every(2 * MINUTE)).await;
    pass(2 * MINUTE + SECOND).await;
    let age = |view: &Arc<InstanceView>| fake.clock().now().duration_since(view.polls[0].last_success_at.unwrap());
    let oldest = site.project("prod").instances.iter().map(age).max().unwrap();
    assert!(oldest < jiff::SignedDuration::from_mins(3), "{oldest:?}");
    assert_eq!(site.project("prod").poll_interval, 2 * MINUTE);
    assert_eq!(site.picture().lookback, 2 * HOUR);
    assert!(site.own_text().contains("dcs_exporter_lookback_seconds 7200"));
    pass(58 * MINUTE).await;
    assert!(busiest(4 * 60, 60) <= 45, "{} in a minute, 30 would be even", busiest(4 * 60, 60));
    // Longer again: what was due comes, and then keeps the longer one.
    site.reload_with(&prod, &every(30 * MINUTE)).await;
    pass(3 * HOUR).await;
    assert!(busiest(5 * 60, 180) <= 45, "{}", busiest(5 * 60, 180));
    assert!(busiest(6 * 60, 120) <= 10, "{}: 2 would be even", busiest(6 * 60, 120));
    let calm = polls(6 * HOUR, 8 * HOUR);
    assert!((230..=260).contains(&calm), "{calm} in two hours");
}

#[tokio::test(start_paused = true)]
async fn other_credentials_are_tried_at_once_whatever_became_of_those_before() {
    for kind in [ErrorKind::BadSignature, ErrorKind::Unauthorized, ErrorKind::Forbidden, ErrorKind::Timeout] {
        let fake = fleet(20);
        let prod = [named("prod", &[])];
        let mut site = Site::start(&fake, &prod);
        pass(HOUR).await;
        let known = site.instance("i-004").unwrap();
        fake.lock().script = Box::new(move |_, _| Some(kind));
        pass(7 * HOUR).await;
        assert!(site.project("prod").error.is_some(), "{kind:?}");
        assert_eq!(site.instance("i-004").unwrap().backups, known.backups);
        // The same again is no reason to ask.
        let sent = site.sent();
        site.reload(&prod).await;
        pass(SECOND / 10).await;
        assert_eq!(site.sent(), sent, "{kind:?}");
        fake.lock().key = 2;
        fake.lock().script = Box::new(|_, _| None);
        site.renew("prod");
        site.reload(&prod).await;
        pass(SECOND / 10).await;
        assert!(site.sent() > sent, "{kind:?}: at once");
        assert_eq!(site.project("prod").up, Some(true), "{kind:?}");
        pass(10 * SECOND).await;
        let view = site.project("prod");
        let is_well = view.instances.iter().all(|view| view.polls.iter().all(|poll| poll.success == Some(true)));
        assert!(is_well && view.error.is_none(), "{kind:?}: {:?}", view.error);
    }
}

#[tokio::test(start_paused = true)]
async fn wrong_credentials_again_are_tried_by_one() {
    let fake = fleet(20);
    let prod = [named("prod", &[])];
    let mut site = Site::start(&fake, &prod);
    pass(HOUR).await;
    fake.lock().script = Box::new(|_, _| Some(ErrorKind::BadSignature));
    fake.lock().latency = SECOND;
    for key in 2..10 {
        let sent = site.sent();
        fake.lock().key = key;
        site.renew("prod");
        site.reload(&prod).await;
        pass(MINUTE).await;
        // The same key by another client is no other key.
        site.renew("prod");
        site.reload(&prod).await;
        pass(MINUTE).await;
        assert_eq!(site.sent() - sent, 1, "key {key}");
    }
}

#[test]
fn whose_facts_they_are_decides_who_stays() {
    let now = tokio::time::Instant::now();
    let metrics = OwnMetrics::new(epoch(), HOUR, &[]);
    let by_id = project(&[]);
    let by_name = ProjectConfig { project: CloudProject::Named("eu-de".to_owned()), ..by_id.clone() };
    let known = || Some(ProjectId::from("0123"));
    let is_still = |from: &ProjectConfig, to: &ProjectConfig, id: Option<ProjectId>| {
        Project::new(from, Shard::ALONE, &Polling::default(), metrics.clone(), now).is_still(to, id)
    };
    for (from, to, id, expected) in [
        (&by_id, &by_id, None, true),
        (&by_name, &by_name, None, true),
        (&by_name, &by_name, known(), true),
        // An id that was looked up and is now configured.
        (&by_name, &by_id, known(), true),
        (&by_name, &by_id, Some("4567".into()), false),
        (&by_name, &by_id, None, false),
        (&by_id, &by_name, known(), false),
        (
            &by_name,
            &ProjectConfig { project: CloudProject::Named("eu-nl".to_owned()), ..by_id.clone() },
            known(),
            false,
        ),
        (&by_id, &ProjectConfig { name: "dev".into(), ..by_id.clone() }, known(), false),
        (&by_id, &ProjectConfig { endpoint: "https://x.example".parse().unwrap(), ..by_id.clone() }, known(), false),
        (&by_id, &ProjectConfig { region: "x".to_owned(), rpo: Some(HOUR), ..by_id.clone() }, known(), true),
    ] {
        assert_eq!(is_still(from, to, id.clone()), expected, "{:?} {:?} {id:?}", from.project, to.project);
    }
}

#[tokio::test(start_paused = true)]
async fn facts_are_forgotten_where_other_credentials_mean_another_project() {
    let at = Moment { steady: tokio::time::Instant::now(), wall: epoch() };
    let config = ProjectConfig { project: CloudProject::Named("eu-de".to_owned()), ..project(&["i-001"]) };
    for (id, is_kept) in [("0123", true), ("4567", false)] {
        let mut project =
            Project::new(&config, Shard::ALONE, &Polling::default(), OwnMetrics::new(epoch(), HOUR, &[]), at.steady);
        let task = crate::poller::Task::Policy("i-001".into());
        let reading = crate::poller::Reading::Instance(Box::new(daily("i-001")));
        project.apply(&task, Ok(reading), at);
        project.is_asked_anew(Some("0123".into()), at);
        project.turned_out_to_be(&id.into(), at);
        assert_eq!(project.view(None, 1.0).instances.iter().next().unwrap().policy.is_some(), is_kept, "{id}");
    }
}

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
