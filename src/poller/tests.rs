//! The poller in virtual time against a cloud in memory.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::watch;

use super::fake::{Fake, Life, daily, daily_backups, epoch, project};
use crate::cloud::Request;
use crate::cloud::error::ErrorKind;
use crate::config::{Limits, Polling, ProjectConfig};
use crate::domain::instance::{CacheMode, Instance, InstanceStatus};
use crate::domain::record::{BackupType, ErrorCode};
use crate::domain::{InstanceId, Operation};
use crate::snapshot::{InstanceView, ProjectView, Snapshot};

mod budget;
mod cadence;
mod filters;
mod outage;
mod presence;
mod probes;
mod pulse;
mod reload;
mod shards;
mod urgency;
mod week;

const MINUTE: Duration = Duration::from_mins(1);
const HOUR: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);

/// A poller at work, to look at.
struct Running {
    picture: watch::Receiver<Arc<Snapshot>>,
    task: tokio::task::JoinHandle<()>,
}

impl Running {
    fn start(fake: &Fake, config: &ProjectConfig) -> Self {
        let poller = fake.poller(config, &Polling::default());
        let picture = poller.subscribe();
        Self { picture, task: tokio::spawn(poller.run(std::future::pending())) }
    }

    fn project(&self) -> Arc<ProjectView> {
        assert!(!self.task.is_finished(), "the poller has ended");
        self.picture.borrow().projects[0].clone()
    }

    fn instance(&self, id: &str) -> Arc<InstanceView> {
        self.find(id).expect("watched")
    }

    fn find(&self, id: &str) -> Option<Arc<InstanceView>> {
        self.project().instances.get(&id.into()).cloned()
    }

    fn last_success(&self, id: &str) -> Option<Timestamp> {
        self.instance(id).backups.as_ref()?.last_success.as_ref().map(|success| success.at)
    }
}

async fn pass(time: Duration) {
    tokio::time::sleep(time).await;
}

fn ids(count: usize) -> Vec<String> {
    (0..count).map(|index| format!("i-{index:03}")).collect()
}

fn fleet(count: usize) -> Fake {
    let fake = Fake::new(ids(count).iter().map(|id| daily(id)));
    for id in ids(count) {
        fake.lock().backups.insert(id.as_str().into(), daily_backups(-10..40));
    }
    fake
}

#[tokio::test(start_paused = true)]
async fn the_first_round_tells_everything_at_the_steady_rate() {
    let fake = fleet(20);
    let config =
        ProjectConfig { limits: Some(Limits { requests_per_second: 5.0, burst: 50, concurrency: 8 }), ..project(&[]) };
    let poller = Running::start(&fake, &config);
    pass(Duration::from_secs(14)).await;
    let project = poller.project();
    assert!(project.tried && project.up == Some(true));
    assert_eq!((project.watched, project.missing), (20, Some(0)));
    for view in &project.instances {
        assert!(view.polls.iter().all(|poll| poll.success == Some(true)), "{view:?}");
        assert_eq!(view.name, format!("{}-cache", view.id));
        assert_eq!(view.supported, Some(true));
        assert_eq!(view.rpo, Some(29 * HOUR));
    }
    assert_eq!(poller.last_success("i-003"), Some("2026-11-21T02:30:00Z".parse().unwrap()));
    let requests = fake.lock().requests.clone();
    for (index, (at, _)) in requests.iter().take(61).enumerate() {
        let steady = Duration::from_millis(200) * u32::try_from(index).unwrap();
        assert!(*at + Duration::from_millis(5) >= steady, "request {index} left at {at:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn idle_instances_are_spread_over_the_interval_and_then_keep_it() {
    let fake = fleet(60);
    let poller = Running::start(&fake, &project(&[]));
    pass(8 * HOUR).await;
    drop(poller);
    let times = fake.times(Operation::Backups);
    // 60 instances every quarter of an hour, one more each for the spread.
    assert!((60 * 32..=60 * 34).contains(&times.len()), "{}", times.len());
    for minute in 60..(8 * 60) {
        let count = times.iter().filter(|at| at.as_secs() / 60 == minute).count();
        assert!(count <= 14, "{count} polls in minute {minute}: they were to be spread");
    }
}

#[tokio::test(start_paused = true)]
async fn a_running_backup_is_watched_closely_and_a_slot_opens_its_window() {
    let fake = fleet(1);
    // Nothing is known of how long its backups take.
    fake.lock().backups.insert("i-000".into(), daily_backups(1..40));
    let poller = Running::start(&fake, &project(&["i-000"]));
    // From noon to the slot at 02:00 the next day, and an hour more.
    pass(15 * HOUR).await;
    let within = |from: Duration, to: Duration| {
        fake.times(Operation::Backups).iter().filter(|at| (from..to).contains(*at)).count()
    };
    let slot = 14 * HOUR;
    assert!((55..=58).contains(&within(Duration::ZERO, slot)), "{}", within(Duration::ZERO, slot));
    // Ten minutes of waiting for it, a minute apart; twenty of running, a quarter of a minute apart.
    assert!((9..=12).contains(&within(slot, slot + 10 * MINUTE)));
    assert!((75..=85).contains(&within(slot + 10 * MINUTE, slot + 31 * MINUTE)));
    assert!(within(slot + 32 * MINUTE, slot + HOUR) <= 2, "over: idle again");
    assert_eq!(poller.last_success("i-000"), Some("2026-11-22T02:30:00Z".parse().unwrap()));
}

#[tokio::test(start_paused = true)]
async fn a_backup_that_never_ends_is_not_watched_closely_for_ever() {
    let fake = fleet(1);
    fake.lock().backups.get_mut(&"i-000".into()).unwrap().push(Life {
        id: "zombie".to_owned(),
        created_at: epoch(),
        lasts: 365 * DAY,
        error_code: None,
        backup_type: BackupType::Manual,
    });
    let poller = Running::start(&fake, &project(&["i-000"]));
    pass(3 * DAY).await;
    let before = fake.times(Operation::Backups).len();
    pass(DAY).await;
    let day = fake.times(Operation::Backups).len() - before;
    assert!(day < 250, "{day} polls a day for one zombie");
    assert_eq!(poller.instance("i-000").backups.as_ref().unwrap().progress.count, 1);
}

#[tokio::test(start_paused = true)]
async fn a_failed_poll_changes_no_fact_and_is_retried_with_growing_pauses() {
    let fake = fleet(2);
    let poller = Running::start(&fake, &project(&[]));
    pass(20 * MINUTE).await;
    let before = poller.instance("i-001");
    let broken_from = 20 * MINUTE;
    fake.lock().script = Box::new(move |at, request| {
        let concerned = matches!(request, Request::Backups(id, _) if id.as_str() == "i-001");
        (concerned && at > broken_from).then_some(ErrorKind::Decode)
    });
    pass(10 * HOUR).await;
    let after = poller.instance("i-001");
    assert_eq!(after.polls[0].success, Some(false));
    assert_eq!(after.polls[0].error.as_ref().unwrap().kind, ErrorKind::Decode);
    assert_eq!(after.polls[1].success, Some(true));
    assert_eq!((&after.backups, &after.details, &after.rpo), (&before.backups, &before.details, &before.rpo));
    assert!(after.polls[0].last_success_at <= Some(epoch() + 20 * MINUTE));
    assert_eq!(poller.project().up, Some(true));
    assert_eq!(poller.instance("i-000").polls[0].success, Some(true));
    let tries = fake
        .lock()
        .requests
        .iter()
        .filter(|(at, r)| *at > broken_from && matches!(r, Request::Backups(id, _) if id.as_str() == "i-001"))
        .count();
    assert!((30..60).contains(&tries), "{tries} tries in ten hours");
    fake.lock().script = Box::new(|_, _| None);
    pass(30 * MINUTE).await;
    assert_eq!(poller.instance("i-001").polls[0].success, Some(true));
    assert_eq!(poller.instance("i-001").polls[0].error, None);
}

#[tokio::test(start_paused = true)]
async fn a_refused_signature_stops_the_key_and_a_changed_key_is_tried_at_once() {
    let fake = fleet(50);
    fake.lock().script = Box::new(|_, _| Some(ErrorKind::BadSignature));
    let poller = Running::start(&fake, &project(&[]));
    pass(4 * HOUR).await;
    let times: Vec<Duration> = fake.lock().requests.iter().map(|(at, _)| *at).collect();
    // 0, 5, 15, 35, 75, 135, 195 minutes, and up to a tenth more each.
    assert!((6..=7).contains(&times.len()), "{times:?}");
    for (pair, minutes) in times.windows(2).zip([5, 10, 20, 40, 60, 60]) {
        assert!(pair[1].checked_sub(pair[0]).unwrap() >= minutes * MINUTE, "{times:?}");
    }
    assert_eq!(poller.project().up, Some(false));
    assert!(poller.project().tried, "tried badly is tried");
    fake.lock().key = 2;
    fake.lock().script = Box::new(|_, _| None);
    pass(10 * Duration::from_secs(1)).await;
    assert_eq!(poller.project().up, Some(true));
    assert_eq!(poller.project().watched, 50);
}

#[tokio::test(start_paused = true)]
async fn a_key_changed_to_a_wrong_one_is_tried_by_one_of_those_who_wait() {
    let fake = fleet(30);
    let limits = Limits { requests_per_second: 2.0, burst: 1, concurrency: 8 };
    let poller = Running::start(&fake, &ProjectConfig { limits: Some(limits), ..project(&[]) });
    pass(Duration::from_secs(10)).await;
    assert_eq!(poller.project().up, Some(true));
    let before = fake.lock().requests.len();
    fake.lock().key = 2;
    fake.lock().latency = Duration::from_secs(5);
    fake.lock().script = Box::new(|at, _| (at > Duration::from_secs(14)).then_some(ErrorKind::BadSignature));
    pass(MINUTE).await;
    let sent = fake.lock().requests.len() - before;
    assert_eq!(sent, 1, "the new key is unproven, whoever waited with the old one");
    assert_eq!(poller.project().up, Some(false));
}

#[tokio::test(start_paused = true)]
async fn a_project_whose_key_another_has_spoiled_counts_as_tried_and_down() {
    let fake = fleet(3);
    fake.lock().script = Box::new(|_, _| Some(ErrorKind::BadSignature));
    let names = ["prod", "other"];
    let configs: Vec<_> = names.iter().map(|name| ProjectConfig { name: (*name).into(), ..project(&[]) }).collect();
    let poller = fake.poller_of(&configs, &Polling::default());
    let picture = poller.subscribe();
    let task = tokio::spawn(poller.run(std::future::pending()));
    pass(MINUTE).await;
    assert_eq!(fake.lock().requests.len(), 1, "one refusal is enough for both");
    for view in &picture.borrow().projects {
        assert_eq!((view.tried, view.up), (true, Some(false)), "{}", view.name);
        assert!(view.error.is_some(), "{}", view.name);
    }
    fake.lock().key = 2;
    fake.lock().script = Box::new(|_, _| None);
    pass(MINUTE).await;
    assert!(picture.borrow().projects.iter().all(|view| view.up == Some(true) && view.error.is_none()));
    task.abort();
}

#[tokio::test(start_paused = true)]
async fn an_unproven_key_sends_one_request_at_a_time() {
    let fake = fleet(30);
    fake.lock().latency = Duration::from_secs(5);
    let by_hand = ids(30);
    let by_hand: Vec<&str> = by_hand.iter().map(String::as_str).collect();
    let poller = Running::start(&fake, &project(&by_hand));
    pass(Duration::from_secs(4)).await;
    assert_eq!(fake.lock().most_under_way, 1);
    pass(MINUTE).await;
    assert_eq!(fake.lock().most_under_way, 8, "proven: as many as the limit allows");
    drop(poller);
}

#[tokio::test(start_paused = true)]
async fn an_answer_without_any_record_is_believed_when_the_next_says_the_same() {
    let fake = fleet(1);
    let poller = Running::start(&fake, &project(&["i-000"]));
    pass(MINUTE).await;
    let success = poller.last_success("i-000");
    assert!(success.is_some());
    let records = std::mem::take(&mut fake.lock().backups);
    let polls = || fake.times(Operation::Backups).len();
    let before = polls();
    while polls() == before {
        pass(Duration::from_secs(1)).await;
    }
    pass(Duration::from_secs(1)).await;
    assert!(!poller.instance("i-000").backups.as_ref().unwrap().records.is_empty(), "not yet believed");
    pass(2 * MINUTE).await;
    assert!(poller.instance("i-000").backups.as_ref().unwrap().records.is_empty(), "confirmed");
    assert_eq!(poller.last_success("i-000"), success, "the newest success is not forgotten");
    fake.lock().backups = records;
    pass(20 * MINUTE).await;
    assert!(!poller.instance("i-000").backups.as_ref().unwrap().records.is_empty());
}

#[tokio::test(start_paused = true)]
async fn restores_are_read_at_once_when_a_listing_shows_one() {
    let fake = fleet(1);
    let poller = Running::start(&fake, &project(&[]));
    pass(HOUR + MINUTE).await;
    fake.lock().instances.get_mut(&"i-000".into()).unwrap().status = Some(InstanceStatus::Restoring);
    let status = || poller.instance("i-000").details.as_ref().unwrap().status;
    while status() != Some(InstanceStatus::Restoring) {
        pass(Duration::from_millis(100)).await;
    }
    pass(Duration::from_secs(1)).await;
    let (listed, read) = (fake.times(Operation::Instances), fake.times(Operation::Restores));
    assert!(read.last() > listed.last(), "restores were read at {:?}, listed at {:?}", read.last(), listed.last());
}

#[tokio::test(start_paused = true)]
async fn a_refusal_of_anything_but_records_is_a_failure() {
    let fake = fleet(1);
    fake.lock().script = Box::new(|_, request| {
        matches!(request, Request::Instance(_) | Request::Restores(..)).then_some(ErrorKind::Unsupported)
    });
    let poller = Running::start(&fake, &project(&["i-000"]));
    pass(MINUTE).await;
    let view = poller.instance("i-000");
    let polls = [Operation::Backups, Operation::Restores, Operation::Policy].map(|of| view.poll(of).success);
    assert_eq!(polls, [Some(true), Some(true), Some(false)]);
    assert!(poller.last_success("i-000").is_some());
    assert_eq!(view.supported, Some(true), "it has backups, whatever is said of its restores");
}

#[tokio::test(start_paused = true)]
async fn slots_that_records_contradict_are_withheld() {
    let fake = Fake::new([daily("shifted")]);
    let shifted =
        daily_backups(-5..0).into_iter().map(|life| Life { created_at: life.created_at + 8 * HOUR, ..life }).collect();
    fake.lock().backups.insert("shifted".into(), shifted);
    let poller = Running::start(&fake, &project(&["shifted"]));
    pass(MINUTE).await;
    let view = poller.instance("shifted");
    let policy = view.policy.as_ref().unwrap();
    assert_eq!(policy.next_scheduled(epoch()), None);
    assert_eq!(policy.expected_interval, Some(DAY));
    assert_eq!(view.rpo, Some(29 * HOUR));
}

#[tokio::test(start_paused = true)]
async fn retry_after_is_honoured_by_the_whole_project() {
    let fake = fleet(10);
    fake.lock().retry_after = Some(3 * MINUTE);
    fake.lock().script = Box::new(|at, _| (at < MINUTE).then_some(ErrorKind::Throttled));
    let poller = Running::start(&fake, &project(&[]));
    pass(2 * MINUTE).await;
    assert_eq!(fake.lock().requests.len(), 1);
    assert_eq!(poller.project().up, Some(false));
    pass(3 * MINUTE).await;
    assert_eq!(poller.project().up, Some(true));
}

/// What goes wrong from when to when.
#[derive(Clone, Debug)]
struct Trouble {
    begin: u64,
    hours: u64,
    kind: ErrorKind,
    every: u64,
}

fn trouble() -> impl proptest::strategy::Strategy<Value = Trouble> {
    use proptest::prelude::*;
    let kind = prop::sample::select(vec![
        ErrorKind::Throttled,
        ErrorKind::BadSignature,
        ErrorKind::Unauthorized,
        ErrorKind::ClockSkew,
        ErrorKind::Forbidden,
        ErrorKind::NotFound,
        ErrorKind::Unavailable,
        ErrorKind::Timeout,
        ErrorKind::Connection,
        ErrorKind::Decode,
        ErrorKind::PageLimit,
    ]);
    (0_u64..28 * 24, 1_u64..48, kind, 1_u64..4).prop_map(|(begin, hours, kind, every)| Trouble {
        begin,
        hours,
        kind,
        every,
    })
}

proptest::proptest! {
    #![proptest_config(proptest::test_runner::Config { cases: 12, ..Default::default() })]
    /// A month with faults: nothing panics, no budget is broken, no success is ever forgotten, and two days after
    /// the last fault everything is as if there had been none.
    #[test]
    fn a_month_with_faults(troubles in proptest::collection::vec(trouble(), 0..6), failing in 0_i64..30) {
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let fake = fleet(2);
            for life in fake.lock().backups.get_mut(&"i-001".into()).unwrap() {
                if life.id == format!("backup-{failing}") {
                    life.error_code = Some(ErrorCode::TimedOut);
                }
            }
            let script = troubles.clone();
            let count = std::sync::atomic::AtomicU64::new(0);
            fake.lock().script = Box::new(move |at, _| {
                let hour = at.as_secs() / 3600;
                let turn = count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                script
                    .iter()
                    .find(|trouble| {
                        (trouble.begin..trouble.begin + trouble.hours).contains(&hour) && turn.is_multiple_of(trouble.every)
                    })
                    .map(|trouble| trouble.kind)
            });
            let limits = Limits { requests_per_second: 2.0, burst: 10, concurrency: 4 };
            let poller = Running::start(&fake, &ProjectConfig { limits: Some(limits), ..project(&[]) });
            let mut newest = None;
            for _ in 0..(32 * 4) {
                pass(6 * HOUR).await;
                if let Some(view) = poller.find("i-000") {
                    let at = view.backups.as_ref().and_then(|facts| facts.last_success.as_ref()).map(|success| success.at);
                    assert!(at >= newest, "a success was forgotten: {at:?} after {newest:?}");
                    newest = at;
                }
            }
            let now = fake.clock().now();
            assert_eq!(poller.project().watched, 2);
            for view in &poller.project().instances {
                assert!(view.polls.iter().all(|poll| poll.success == Some(true)), "{view:?}");
                let facts = view.backups.as_ref().unwrap();
                assert!(facts.last_success.as_ref().unwrap().age(now) < 34 * HOUR);
                assert_eq!(facts.failures.len(), usize::from(view.id.as_str() == "i-001" && failing >= 9));
            }
            let times: Vec<Duration> = fake.lock().requests.iter().map(|(at, _)| *at).collect();
            for window in times.windows(31) {
                let allowed = 10.0 + 2.0 * (window[30].checked_sub(window[0]).unwrap()).as_secs_f64() + 0.1;
                assert!(31.0 <= allowed, "31 requests within {:?}", window[30].checked_sub(window[0]));
            }
            assert!(fake.lock().most_under_way <= 4);
        });
    }
}
