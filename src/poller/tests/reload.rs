//! Other configurations for a poller that runs: what stays is kept, what is not new costs nothing, no budget is broken.

mod identity;
mod sequences;

use std::collections::BTreeMap;

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
