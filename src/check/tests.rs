//! Each verdict of contract §1, and the table as people see it.

use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::cloud::CloudError;
use crate::cloud::error::ErrorKind;
use crate::config::ApiVersion;
use crate::domain::facts::{Failure, LastSuccess, RecordFacts};
use crate::domain::plan::{UtcOffset, WeeklyPlan};
use crate::domain::tags::TagLabels;
use crate::snapshot::{PolicyView, PollView, ProjectView};

const HOUR: Duration = Duration::from_hours(1);

fn now() -> Timestamp {
    "2026-11-21T12:00:00Z".parse().unwrap()
}

/// An instance backed up every midnight UTC, whose newest backup is so old.
fn instance(name: &str, age: Option<Duration>) -> InstanceView {
    let poll = PollView { success: Some(true), last_success_at: Some(now()), error: None };
    let last_success = age.map(|age| LastSuccess {
        at: now() - age,
        size_bytes: Some(880_232),
        duration: None,
        backup_type: None,
        backup_format: None,
    });
    InstanceView {
        id: name.into(),
        name: name.to_owned(),
        details: None,
        tags: TagLabels::default(),
        supported: Some(true),
        policy: Some(PolicyView {
            automatic: true,
            updated_at: None,
            retention: None,
            expected_interval: Some(24 * HOUR),
            plan: WeeklyPlan::new(&[1, 2, 3, 4, 5, 6, 7], 0, UtcOffset::UTC),
            since: None,
        }),
        rpo: Some(29 * HOUR),
        backups: Some(Arc::new(RecordFacts {
            last_outcome: age.map(|_| Outcome::Succeeded),
            last_success,
            ..RecordFacts::default()
        })),
        restores: Some(Arc::default()),
        polls: [poll.clone(), poll.clone(), poll],
    }
}

fn with_facts(mut view: InstanceView, change: impl FnOnce(&mut RecordFacts)) -> InstanceView {
    change(Arc::make_mut(view.backups.as_mut().unwrap()));
    view
}

fn failed(view: InstanceView) -> InstanceView {
    with_facts(view, |facts| {
        facts.last_outcome = Some(Outcome::Failed);
        facts.last_failure = Some(Failure { at: now(), error_code: Some(ErrorCode::InstanceBusy) });
    })
}

fn not_polled(mut view: InstanceView) -> InstanceView {
    let error = |hint| Arc::new(CloudError::new(ErrorKind::Forbidden, "a permission is lacking").with_hint(hint));
    let failed = |hint| PollView { success: Some(false), last_success_at: None, error: Some(error(hint)) };
    view.polls[0] = failed(Hint::new("allow the action a"));
    view.polls[1] = failed(Hint::new("allow the action b"));
    view
}

fn fleet() -> Vec<InstanceView> {
    vec![
        instance("fresh", Some(11 * HOUR)),
        instance("stale", Some(30 * HOUR)),
        instance("at-the-edge", Some(29 * HOUR)),
        instance("never", None),
        failed(instance("failed", Some(20 * HOUR))),
        failed(instance("failed-and-stale", Some(50 * HOUR))),
        instance("missed", Some(25 * HOUR)),
        with_facts(instance("late-but-running", Some(25 * HOUR)), |facts| {
            facts.progress.count = 1;
            facts.progress.running = Some(crate::domain::facts::Running { begun_at: now(), progress: Some(0.125) });
        }),
        not_polled(instance("refused", Some(11 * HOUR))),
        InstanceView { rpo: None, ..failed(instance("no-rpo", None)) },
        InstanceView { rpo: None, supported: Some(false), ..instance("single", None) },
    ]
}

fn snapshot(instances: Vec<InstanceView>, error: Option<CloudError>) -> Snapshot {
    let project = ProjectView {
        name: "prod".into(),
        project_id: Some("0123".into()),
        region: "eu-de".to_owned(),
        endpoint: "https://dcs.example".to_owned(),
        api_version: ApiVersion::V2,
        up: Some(error.is_none()),
        watched: instances.len() as u64,
        missing: None,
        unlisted: None,
        left_out: 0,
        listed_at: None,
        poll_interval: HOUR,
        tried: true,
        error: error.map(Arc::new),
        instances: instances.into_iter().map(Arc::new).collect(),
    };
    Snapshot { projects: vec![Arc::new(project)], lookback: HOUR }
}

#[test]
fn each_instance_is_judged_by_the_contract() {
    for (index, expected) in [
        Verdict::Fresh,
        Verdict::Stale,
        Verdict::SlotMissed,
        Verdict::NeverBackedUp,
        Verdict::LastFailed,
        Verdict::Stale,
        Verdict::SlotMissed,
        Verdict::Fresh,
        Verdict::NotPolled,
        Verdict::NoRpo,
        Verdict::Unsupported,
    ]
    .into_iter()
    .enumerate()
    {
        let view = fleet().swap_remove(index);
        assert_eq!(Verdict::of(&view, now()), expected, "{}", view.name);
    }
}

#[test]
fn filters_that_leave_out_everything_are_no_good_news() {
    let of = |left_out| {
        let mut snapshot = snapshot(Vec::new(), None);
        Arc::make_mut(&mut snapshot.projects[0]).left_out = left_out;
        Report::of(&snapshot, now())
    };
    assert_eq!((of(0).exit_code, of(0).problems.len()), (0, 0), "the cloud has none");
    let told = of(7);
    assert_eq!(told.exit_code, 2);
    assert_eq!(
        told.problems[0].message,
        "discovery.include and discovery.exclude leave out all 7 instances that are listed; check their spelling"
    );
}

#[test]
fn the_exit_code_is_that_of_the_worst_which_counts() {
    let code = |views| Report::of(&snapshot(views, None), now()).exit_code;
    assert_eq!(code(vec![]), 0);
    assert_eq!(code(vec![instance("fresh", Some(HOUR))]), 0);
    assert_eq!(code(vec![InstanceView { rpo: None, ..instance("no-rpo", None) }]), 0);
    assert_eq!(code(vec![instance("fresh", Some(HOUR)), failed(instance("failed", Some(HOUR)))]), 1);
    assert_eq!(code(fleet()), 2);
    let broken = CloudError::new(ErrorKind::Connection, "connection refused");
    assert_eq!(Report::of(&snapshot(vec![], Some(broken)), now()).exit_code, 2);
}

#[test]
fn the_table_is_aligned_and_worst_first() {
    let report = Report::of(&snapshot(fleet(), None), now());
    insta::assert_snapshot!(table::write(&report, now(), false));
    let coloured = table::write(&report, now(), true);
    assert!(coloured.contains("\u{1b}[31;1mnot polled"));
    assert!(!table::write(&report, now(), false).contains('\u{1b}'));
}

#[test]
fn each_hint_is_told_once_and_in_json_beside_what_it_is_about() {
    let views = || vec![not_polled(instance("one", None)), not_polled(instance("two", None))];
    let hint = Hint::new("allow the action a");
    let error = CloudError::new(ErrorKind::Forbidden, "a permission is lacking").with_hint(hint);
    let report = Report::of(&snapshot(views(), Some(error)), now());
    let text = table::write(&report, now(), false);
    let hints: Vec<&str> = text.lines().filter(|line| line.starts_with("hint: ")).collect();
    assert_eq!(hints, ["hint: allow the action a", "hint: allow the action b"]);
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!(json["problems"][0]["hint"], "allow the action a");
    for row in json["instances"].as_array().unwrap() {
        assert_eq!(row["hint"], "allow the action a; allow the action b");
    }
    let healthy = Report::of(&snapshot(vec![instance("fine", Some(HOUR))], None), now());
    assert!(!table::write(&healthy, now(), false).contains("hint"));
    assert!(serde_json::to_value(&healthy).unwrap()["instances"][0]["hint"].is_null());
}

#[test]
fn a_failed_backup_has_the_hint_of_its_code_where_it_counts() {
    let hints = |view: InstanceView| Report::of(&snapshot(vec![view], None), now()).instances[0].hints.clone();
    assert_eq!(hints(failed(instance("failed", Some(20 * HOUR)))), [record::hint(Some(ErrorCode::InstanceBusy))]);
    assert_eq!(hints(failed(instance("stale", Some(50 * HOUR)))).len(), 1);
    assert_eq!(hints(InstanceView { rpo: None, ..failed(instance("no-rpo", None)) }), []);
}

#[test]
fn names_cannot_steer_the_terminal() {
    let report = Report::of(&snapshot(vec![instance("a\u{1b}[2Jb", Some(HOUR))], None), now());
    assert!(!table::write(&report, now(), false).contains('\u{1b}'));
}

#[test]
fn the_json_is_stable() {
    let report = Report::of(&snapshot(fleet(), None), now());
    insta::assert_snapshot!(serde_json::to_string_pretty(&report).unwrap());
}
