//! Restarts in virtual time: what a poller remembers, a new one is given, by way of the stored bytes.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::watch;

use super::super::fake::{Fake, by_tag, daily, daily_backups, epoch, project, tagged};
use super::super::project::Project;
use super::*;
use crate::cloud::error::ErrorKind;
use crate::config::{CloudProject, Limits, Override, Polling, ProjectConfig};
use crate::domain::facts::LastSuccess;
use crate::domain::shard::Shard;
use crate::domain::tags::TagLabel;
use crate::domain::{InstanceId, Operation, ProjectId};
use crate::exposition::own::OwnMetrics;
use crate::memory::{InstanceMemory, ShownProject, layout};
use crate::snapshot::{InstanceView, PollView, ProjectView, Snapshot};

const MINUTE: Duration = Duration::from_mins(1);
const HOUR: Duration = Duration::from_hours(1);

/// A poller at work.
struct Running {
    picture: watch::Receiver<Arc<Snapshot>>,
    recall: Recall,
    task: tokio::task::JoinHandle<()>,
}

impl Running {
    fn start(fake: &Fake, config: &ProjectConfig, memory: Option<Memory>) -> Self {
        let mut poller = fake.poller(config, &Polling::default());
        if let Some(memory) = memory {
            assert_eq!(poller.restore(memory), 0, "all of it is of this project");
        }
        let (picture, recall) = (poller.subscribe(), poller.recall());
        Self { picture, recall, task: tokio::spawn(poller.run(std::future::pending())) }
    }

    fn project(&self) -> Arc<ProjectView> {
        self.picture.borrow().projects[0].clone()
    }

    fn instance(&self, id: &str) -> Option<Arc<InstanceView>> {
        self.project().instances.get(&id.into()).cloned()
    }

    fn last_success(&self, id: &str) -> Option<LastSuccess> {
        self.instance(id)?.backups.as_ref()?.last_success.clone()
    }

    /// Ends it and gives what it remembered, as a file would.
    async fn stop(self) -> Memory {
        let memory = self.recall.ask().await.expect("it runs").memory;
        self.task.abort();
        let _ = self.task.await;
        assert!(self.recall.ask().await.is_none(), "nobody is left to ask");
        let mut bytes = Vec::new();
        layout::write(&memory, &mut bytes).unwrap();
        assert_eq!(layout::read(&bytes, layout::VERSION).as_ref(), Some(&memory));
        memory
    }
}

async fn pass(time: Duration) {
    tokio::time::sleep(time).await;
}

fn fleet(count: usize) -> Fake {
    let ids: Vec<String> = (0..count).map(|index| format!("i-{index:03}")).collect();
    let fake = Fake::new(ids.iter().map(|id| daily(id)));
    for id in ids {
        fake.lock().backups.insert(id.into(), daily_backups(-10..40));
    }
    fake
}

fn cloud_down(fake: &Fake) {
    fake.lock().script = Box::new(|_, _| Some(ErrorKind::Connection));
}

fn cloud_up(fake: &Fake) {
    fake.lock().script = Box::new(|_, _| None);
}

/// The picture without what only a poll of one's own can tell: why one failed.
fn told(project: &ProjectView) -> Vec<InstanceView> {
    let without_errors = |view: &Arc<InstanceView>| {
        let polls = view.polls.each_ref().map(|poll| PollView { error: None, ..poll.clone() });
        InstanceView { polls, ..InstanceView::clone(view) }
    };
    project.instances.iter().map(without_errors).collect()
}

#[tokio::test(start_paused = true)]
async fn a_restart_changes_no_fact_and_is_ready_at_once() {
    let fake = fleet(20);
    fake.lock().restores.insert("i-004".into(), daily_backups(-1..0));
    fake.lock().script = Box::new(|_, request| {
        let id = InstanceId::from("i-007");
        matches!(request, crate::cloud::Request::Restores(of, _) if *of == id).then_some(ErrorKind::Forbidden)
    });
    for config in [project(&[]), project(&["i-004", "i-007"])] {
        let before = Running::start(&fake, &config, None);
        pass(20 * MINUTE).await;
        let picture = before.project();
        let memory = before.stop().await;
        pass(MINUTE).await;
        let sent = fake.lock().requests.len();
        let poller = {
            let mut poller = fake.poller(&config, &Polling::default());
            assert_eq!(poller.restore(memory.as_of(fake.clock().now(), HOUR)), 0);
            poller
        };
        let restored = poller.subscribe().borrow().projects[0].clone();
        assert_eq!(told(&restored), told(&picture));
        assert!(restored.tried, "ready");
        let facts = |view: &ProjectView| (view.up, view.listed_at, view.missing, view.watched);
        assert_eq!(facts(&restored), facts(&picture));
        assert_eq!(fake.lock().requests.len(), sent, "nothing was asked for that");
    }
}

#[tokio::test(start_paused = true)]
async fn facts_stay_with_their_times_while_the_cloud_is_down() {
    let fake = fleet(5);
    let before = Running::start(&fake, &project(&[]), None);
    pass(20 * MINUTE).await;
    let picture = before.project();
    let memory = before.stop().await;
    cloud_down(&fake);
    pass(30 * MINUTE).await;
    let after = Running::start(&fake, &project(&[]), Some(memory.as_of(fake.clock().now(), HOUR)));
    pass(2 * HOUR).await;
    for (old, new) in picture.instances.iter().zip(&after.project().instances) {
        assert_eq!((&old.backups, &old.restores, &old.rpo), (&new.backups, &new.restores, &new.rpo));
        assert_eq!(old.polls[0].last_success_at, new.polls[0].last_success_at);
        assert_eq!(new.polls[0].success, Some(false));
    }
    // And once more, long after: these facts were stood by until just now.
    let memory = after.stop().await.as_of(fake.clock().now(), HOUR);
    assert_eq!(memory.shown(), 5);
    cloud_up(&fake);
    let again = Running::start(&fake, &project(&[]), Some(memory));
    pass(MINUTE).await;
    assert!(again.project().instances.iter().all(|view| view.polls[0].success == Some(true)));
}

#[tokio::test(start_paused = true)]
async fn polls_come_when_they_would_have_come() {
    let fake = fleet(60);
    let before = Running::start(&fake, &project(&[]), None);
    pass(3 * HOUR).await;
    let memory = before.stop().await;
    let restart = fake.lock().requests.len();
    let after = Running::start(&fake, &project(&[]), Some(memory.as_of(fake.clock().now(), HOUR)));
    pass(14 * MINUTE + 50 * Duration::from_secs(1)).await;
    let times = fake.lock().requests[restart..].iter().map(|(at, _)| *at).collect::<Vec<_>>();
    // Backups and restores once each in a quarter of an hour, and some once more to find their turns; three listings,
    // some policies.
    assert!((110..=200).contains(&times.len()), "{}", times.len());
    let first = 3 * HOUR;
    for minute in 0..14 {
        let count = times.iter().filter(|at| at.saturating_sub(first).as_secs() / 60 == minute).count();
        assert!(count <= 25, "{count} requests in minute {minute} after the restart");
    }
    drop(after);
}

#[tokio::test(start_paused = true)]
async fn after_a_long_pause_everything_is_due_within_the_budget_and_then_spread_anew() {
    let fake = fleet(60);
    let limits = Limits { requests_per_second: 2.0, burst: 100, concurrency: 8 };
    let config = ProjectConfig { limits: Some(limits), ..project(&[]) };
    let before = Running::start(&fake, &config, None);
    pass(HOUR).await;
    let memory = before.stop().await;
    pass(45 * MINUTE).await;
    let restart = fake.lock().requests.len();
    let begin = HOUR + 45 * MINUTE;
    let after = Running::start(&fake, &config, Some(memory.as_of(fake.clock().now(), HOUR)));
    pass(2 * HOUR).await;
    let requests = fake.lock().requests[restart..].to_vec();
    for (index, (at, _)) in requests.iter().take(121).enumerate() {
        let steady = begin + Duration::from_millis(500) * u32::try_from(index).unwrap();
        assert!(*at + Duration::from_millis(5) >= steady, "request {index} left at {at:?}");
    }
    let backups = |minute: u64| {
        let in_minute = |at: Duration| at.saturating_sub(begin).as_secs() / 60 == minute;
        requests.iter().filter(|(at, request)| request.operation() == Operation::Backups && in_minute(*at)).count()
    };
    for minute in 30..120 {
        assert!(backups(minute) <= 14, "{} polls in minute {minute}: they were to be spread", backups(minute));
    }
    drop(after);
}

#[tokio::test(start_paused = true)]
async fn facts_that_are_too_old_wait_for_a_poll_and_the_newest_success_is_not_forgotten() {
    let fake = fleet(3);
    for config in [project(&[]), project(&["i-000", "i-001", "i-002"])] {
        cloud_up(&fake);
        let before = Running::start(&fake, &config, None);
        pass(20 * MINUTE).await;
        let success = before.last_success("i-001");
        assert!(success.is_some());
        let memory = before.stop().await;
        cloud_down(&fake);
        pass(2 * HOUR).await;
        let after = Running::start(&fake, &config, Some(memory.as_of(fake.clock().now(), HOUR)));
        pass(MINUTE).await;
        for view in &after.project().instances {
            assert_eq!((&view.backups, &view.restores, &view.details, &view.policy), (&None, &None, &None, &None));
            assert!(view.polls.iter().all(|poll| poll.last_success_at.is_none()));
        }
        assert_eq!(after.project().instances.len(), config.instances.len(), "found ones have to be found again");
        // Restarted once more before anything was polled, with all records gone meanwhile.
        let memory = after.stop().await.as_of(fake.clock().now(), HOUR);
        let records = std::mem::take(&mut fake.lock().backups);
        cloud_up(&fake);
        let again = Running::start(&fake, &config, Some(memory));
        pass(20 * Duration::from_secs(1)).await;
        assert!(again.instance("i-001").unwrap().backups.is_none(), "an empty answer has to be confirmed");
        pass(10 * MINUTE).await;
        let facts = again.instance("i-001").unwrap().backups.clone().unwrap();
        assert!(facts.records.is_empty());
        assert_eq!(facts.last_success, success, "it never steps back");
        fake.lock().backups = records;
        again.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn those_not_found_again_are_forgotten_as_if_they_had_been_watched() {
    let fake = fleet(12);
    let before = Running::start(&fake, &project(&[]), None);
    pass(20 * MINUTE).await;
    let memory = before.stop().await;
    pass(2 * HOUR).await;
    let memory = memory.as_of(fake.clock().now(), HOUR);
    let all = std::mem::take(&mut fake.lock().instances);
    let after = Running::start(&fake, &project(&[]), Some(memory.clone()));
    pass(50 * MINUTE).await;
    assert_eq!(after.stop().await.len(), 12, "a listing without any of twelve is doubted for an hour");
    fake.lock().instances = all;
    fake.lock().instances.remove(&InstanceId::from("i-003"));
    let after = Running::start(&fake, &project(&[]), Some(memory));
    pass(MINUTE).await;
    assert_eq!(after.recall.ask().await.unwrap().memory.len(), 12, "lacking once is not enough");
    assert!(after.instance("i-003").is_none() && after.last_success("i-004").is_some());
    pass(5 * MINUTE).await;
    assert_eq!(after.stop().await.len(), 11);
}

#[tokio::test(start_paused = true)]
async fn a_listing_that_lacked_one_before_the_restart_counts_as_the_first() {
    let fake = fleet(5);
    let before = Running::start(&fake, &project(&[]), None);
    pass(MINUTE).await;
    fake.lock().unlisted.push("i-002".into());
    pass(5 * MINUTE).await;
    assert_eq!(before.project().missing, Some(1));
    let memory = before.stop().await;
    let after = Running::start(&fake, &project(&[]), Some(memory.as_of(fake.clock().now(), HOUR)));
    assert!(after.instance("i-002").is_some());
    assert_eq!(after.project().missing, Some(1));
    pass(5 * MINUTE).await;
    assert!(after.instance("i-002").is_none());
}

/// A project that watches what has `env: prod`, with overrides and labels by other tags.
fn by_tags() -> ProjectConfig {
    let mut config = project(&[]);
    config.discovery.as_mut().unwrap().filter.include = Some(by_tag("env", &["prod"]));
    config.overrides = [Override { of: by_tag("tier", &["gold"]), rpo: 13 * HOUR }].into();
    config.instance_tags = TagLabel::of(["team"]).into();
    config
}

#[tokio::test(start_paused = true)]
async fn tags_and_what_follows_from_them_survive_a_restart_whatever_the_new_configuration_names() {
    let tags = [("env", "prod"), ("tier", "gold"), ("team", "shop"), ("room", "4")];
    let fake = Fake::new([tagged("i-000", &tags), tagged("i-001", &[("env", "test")])]);
    let before = Running::start(&fake, &by_tags(), None);
    pass(MINUTE).await;
    let known = before.instance("i-000").unwrap();
    assert_eq!((known.rpo, known.tags.iter().collect::<Vec<_>>()), (Some(13 * HOUR), vec![("tag_team", "shop")]));
    let memory = before.stop().await;
    cloud_down(&fake);
    let after = Running::start(&fake, &by_tags(), Some(memory.clone().as_of(fake.clock().now(), HOUR)));
    pass(30 * MINUTE).await;
    assert_eq!(told(&after.project()).len(), 1);
    let view = after.instance("i-000").unwrap();
    assert_eq!((&view.tags, &view.name, view.rpo), (&known.tags, &known.name, known.rpo));
    // A tag that nobody named before is known all the same.
    let mut config = by_tags();
    config.overrides = [Override { of: by_tag("room", &["4"]), rpo: 20 * HOUR }].into();
    config.instance_tags = TagLabel::of(["room"]).into();
    let after = Running::start(&fake, &config, Some(memory.as_of(fake.clock().now(), HOUR)));
    let view = after.instance("i-000").unwrap();
    assert_eq!((view.rpo, view.tags.iter().collect::<Vec<_>>()), (Some(20 * HOUR), vec![("tag_room", "4")]));
}

#[tokio::test(start_paused = true)]
async fn filters_that_changed_with_a_restart_drop_at_the_second_listing_without_doubt() {
    let ids: Vec<String> = (0..12).map(|index| format!("i-{index:03}")).collect();
    let fake = Fake::new(ids.iter().map(|id| tagged(id, &[("env", if id == "i-000" { "prod" } else { "test" })])));
    for long in [false, true] {
        let before = Running::start(&fake, &project(&[]), None);
        pass(MINUTE).await;
        let memory = before.stop().await;
        // Facts that are too old are not shown; what lies aside of them is not missing either.
        pass(if long { 2 * HOUR } else { Duration::ZERO }).await;
        let after = Running::start(&fake, &by_tags(), Some(memory.as_of(fake.clock().now(), HOUR)));
        assert_eq!(after.project().instances.len(), if long { 0 } else { 12 });
        pass(6 * MINUTE).await;
        let (watched, remembered) = (after.project().watched, after.recall.ask().await.unwrap().memory.len());
        assert_eq!((watched, remembered), if long { (1, 1) } else { (12, 12) });
        assert_eq!(after.project().missing, Some(0));
        pass(5 * MINUTE).await;
        assert_eq!((after.project().watched, after.project().missing), (1, Some(0)));
        assert_eq!(after.stop().await.len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn what_the_configuration_does_not_watch_any_more_is_not_shown() {
    let fake = fleet(3);
    let before = Running::start(&fake, &project(&["i-000", "i-001"]), None);
    pass(MINUTE).await;
    let memory = before.stop().await;
    let now = fake.clock().now();
    let mut poller = fake.poller(&project(&["i-001"]), &Polling::default());
    assert_eq!(poller.restore(memory.clone().as_of(now, HOUR)), 1);
    let ids = |poller: &Poller<Fake>| -> Vec<String> {
        poller.subscribe().borrow().projects[0].instances.iter().map(|view| view.id.to_string()).collect()
    };
    assert_eq!(ids(&poller), ["i-001"]);
    // Configured by hand once, to be found now: it lies aside until then.
    let mut poller = fake.poller(&project(&[]), &Polling::default());
    assert_eq!(poller.restore(memory.as_of(now, HOUR)), 0);
    assert_eq!(ids(&poller), [""; 0]);
    assert_eq!(poller.remembered().memory.len(), 2);
    let picture = poller.subscribe();
    cloud_down(&fake);
    fake.lock().script =
        Box::new(|_, request| (request.operation() != Operation::Instances).then_some(ErrorKind::Connection));
    let task = tokio::spawn(poller.run(std::future::pending()));
    pass(MINUTE).await;
    let backups = |index: usize| picture.borrow().projects[0].instances.iter().nth(index).unwrap().backups.is_some();
    assert_eq!([backups(0), backups(1), backups(2)], [true, true, false], "found again, with the facts they had");
    task.abort();
}

#[tokio::test(start_paused = true)]
async fn facts_of_another_project_do_not_leak() {
    let fake = fleet(3);
    let before = Running::start(&fake, &project(&[]), None);
    pass(MINUTE).await;
    let memory = before.stop().await;
    let good = project(&[]);
    for other in [
        ProjectConfig { name: "other".into(), ..good.clone() },
        ProjectConfig { project: CloudProject::Id("4567".into()), ..good.clone() },
        ProjectConfig { project: CloudProject::Named("eu-de".to_owned()), ..good.clone() },
        ProjectConfig { endpoint: "https://dcs.elsewhere".parse().unwrap(), ..good.clone() },
    ] {
        let mut poller = fake.poller(&other, &Polling::default());
        assert_eq!(poller.restore(memory.clone()), 3, "{other:?}");
        let project = poller.subscribe().borrow().projects[0].clone();
        assert!(project.instances.is_empty() && !project.tried, "{other:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_name_that_turns_out_to_mean_another_project_forgets_what_was_restored() {
    let by_name = ProjectConfig {
        project: CloudProject::Named("eu-de".to_owned()),
        discovery: project(&[]).discovery,
        ..project(&["i-001"])
    };
    let at = Moment { steady: Instant::now(), wall: epoch() };
    let build = |config: &ProjectConfig| {
        Project::new(config, Shard::ALONE, &Polling::default(), OwnMetrics::new(epoch(), HOUR, &[]), at.steady)
    };
    assert_eq!(build(&by_name).memory(None), None, "whose it would be is not known");
    let mut full = build(&by_name).memory(Some("0123".into())).unwrap();
    full.shown = Some(ShownProject { up: Some(true), listed_at: Some(epoch()), missing: Some(0) });
    let mut found = InstanceMemory { id: "i-002".into(), ..full.instances[0].clone() };
    found.shown.as_mut().unwrap().by_hand = false;
    full.instances.push(found);
    for (id, expected) in [("0123", vec!["i-001", "i-002"]), ("4567", vec!["i-001"])] {
        let mut project = build(&by_name);
        assert!(project.is_of(&full));
        project.restore(full.clone(), at);
        let ids = |project: &mut Project| -> Vec<String> {
            project.view(None, 1.0).instances.iter().map(|view| view.id.to_string()).collect()
        };
        assert_eq!(ids(&mut project), ["i-001", "i-002"]);
        assert_eq!(project.memory(None).unwrap().project_id, ProjectId::from("0123"), "not yet told otherwise");
        project.turned_out_to_be(&id.into(), at);
        assert_eq!(ids(&mut project), expected, "{id}");
        assert_eq!(project.view(None, 1.0).listed_at.is_some(), id == "0123");
    }
}

#[tokio::test(start_paused = true)]
async fn only_what_was_learnt_makes_a_new_revision() {
    let fake = fleet(1);
    let poller = Running::start(&fake, &project(&["i-000"]), None);
    pass(MINUTE).await;
    let ask = async || poller.recall.ask().await.unwrap();
    let (one, two) = (ask().await, ask().await);
    assert_eq!(one.number, two.number);
    assert_eq!(one.memory, two.memory);
    pass(20 * MINUTE).await;
    assert!(ask().await.number > one.number);
    let moved: Timestamp = ask().await.memory.saved_at;
    assert!(moved > one.memory.saved_at);
}
