//! Fleets to be scraped: single instances in every state, and large ones for benchmarks.

use std::sync::Arc;
use std::time::Duration;

use dcs_backup_exporter::config::ApiVersion;
use dcs_backup_exporter::domain::facts::{Counts, Failure, InProgress, LastSuccess, RecordFacts, Restorable, Running};
use dcs_backup_exporter::domain::instance::{CacheMode, Engine, InstanceStatus};
use dcs_backup_exporter::domain::plan::{UtcOffset, WeeklyPlan};
use dcs_backup_exporter::domain::record::{BackupFormat, BackupType, ErrorCode, Outcome, State};
use dcs_backup_exporter::domain::tags::TagLabels;
use dcs_backup_exporter::snapshot::{Details, InstanceView, PolicyView, PollView, ProjectView, Snapshot};
use jiff::Timestamp;

pub(crate) const DAY: Duration = Duration::from_hours(24);

/// The moment at which golden files are rendered: a Sunday.
pub(crate) fn now() -> Timestamp {
    at("2026-11-22T12:00:00Z")
}

pub(crate) fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn counts(by_state: &[(State, usize)]) -> Counts {
    by_state.iter().flat_map(|(state, count)| std::iter::repeat_n(*state, *count)).collect()
}

/// An instance of which nothing is known yet.
pub(crate) fn unknown(id: &str) -> InstanceView {
    InstanceView {
        id: id.into(),
        name: id.to_owned(),
        details: None,
        tags: TagLabels::default(),
        supported: None,
        policy: None,
        rpo: None,
        backups: None,
        restores: None,
        polls: Default::default(),
    }
}

/// An instance with a plan (every day at 02:00 UTC), whose polls worked and found no record.
pub(crate) fn empty(id: &str, name: &str) -> InstanceView {
    let polled = PollView { success: Some(true), last_success_at: Some(at("2026-11-22T11:58:30.25Z")), error: None };
    InstanceView {
        name: name.to_owned(),
        details: Some(Details {
            engine: Some(Engine::Redis),
            engine_version: Some("5.0".to_owned()),
            cache_mode: Some(CacheMode::MasterStandby),
            status: Some(InstanceStatus::Running),
            created_at: Some(at("2025-03-01T10:20:30.456Z")),
            max_memory_bytes: Some(4 << 30),
        }),
        supported: Some(true),
        policy: Some(PolicyView {
            automatic: true,
            updated_at: Some(at("2025-03-01T10:30:00Z")),
            retention: Some(7 * DAY),
            expected_interval: Some(DAY),
            plan: WeeklyPlan::new(&[1, 2, 3, 4, 5, 6, 7], 120, UtcOffset::UTC),
            since: Some(at("2025-03-01T10:30:00Z")),
        }),
        rpo: Some(Duration::from_hours(29)),
        backups: Some(Arc::new(RecordFacts::default())),
        restores: Some(Arc::new(RecordFacts::default())),
        polls: [polled.clone(), polled.clone(), polled],
        ..unknown(id)
    }
}

/// An instance of which everything is known: successes, failures within and beyond a week, one of each running.
pub(crate) fn full(id: &str, name: &str) -> InstanceView {
    let failures = vec![
        Failure { at: at("2026-11-10T02:10:00Z"), error_code: Some(ErrorCode::TimedOut) },
        Failure { at: at("2026-11-17T02:00:05Z"), error_code: Some(ErrorCode::InstanceBusy) },
        Failure { at: at("2026-11-18T02:00:05Z"), error_code: Some(ErrorCode::InstanceBusy) },
        Failure { at: at("2026-11-19T02:20:00Z"), error_code: None },
        Failure { at: at("2026-11-20T02:20:00.5Z"), error_code: Some(ErrorCode::Other) },
    ];
    let backups = RecordFacts {
        last_success: Some(LastSuccess {
            at: at("2026-11-22T02:06:40.546Z"),
            size_bytes: Some(1_234_567_890),
            duration: Some(Duration::from_millis(395_046)),
            backup_type: Some(BackupType::Auto),
            backup_format: Some(BackupFormat::Rdb),
        }),
        last_attempt_at: Some(at("2026-11-22T11:55:00Z")),
        last_outcome: Some(Outcome::Succeeded),
        last_failure: failures.last().copied(),
        failures,
        records: counts(&[
            (State::Waiting, 1),
            (State::Running, 1),
            (State::Succeeded, 7),
            (State::Failed, 5),
            (State::Expired, 20),
            (State::Deleted, 2),
        ]),
        progress: InProgress {
            count: 2,
            oldest_created_at: Some(at("2026-11-22T11:50:00Z")),
            newest_created_at: Some(at("2026-11-22T11:50:00Z")),
            running: Some(Running { begun_at: at("2026-11-22T11:50:07.125Z"), progress: Some(0.375) }),
        },
        restorable: Restorable {
            count: 6,
            bytes: Some(7_407_407_340),
            oldest_at: Some(at("2026-11-16T02:00:02Z")),
            newest_at: Some(at("2026-11-22T02:00:05.5Z")),
        },
        automatic: Vec::new(),
    };
    let restores = RecordFacts {
        last_success: Some(LastSuccess {
            at: at("2026-11-21T15:00:00Z"),
            size_bytes: None,
            duration: Some(Duration::from_secs(90)),
            backup_type: None,
            backup_format: None,
        }),
        last_attempt_at: Some(at("2026-11-22T11:59:00Z")),
        last_outcome: Some(Outcome::Failed),
        last_failure: Some(Failure { at: at("2026-11-22T09:00:00Z"), error_code: Some(ErrorCode::SyncFailed) }),
        failures: vec![Failure { at: at("2026-11-22T09:00:00Z"), error_code: Some(ErrorCode::SyncFailed) }],
        records: counts(&[(State::Running, 1), (State::Succeeded, 1), (State::Failed, 1)]),
        progress: InProgress {
            count: 1,
            oldest_created_at: Some(at("2026-11-22T11:59:00Z")),
            newest_created_at: Some(at("2026-11-22T11:59:00Z")),
            running: Some(Running { begun_at: at("2026-11-22T11:59:00Z"), progress: Some(0.1) }),
        },
        restorable: Restorable::default(),
        automatic: Vec::new(),
    };
    InstanceView { backups: Some(Arc::new(backups)), restores: Some(Arc::new(restores)), ..empty(id, name) }
}

/// A project that was polled, with these instances.
pub(crate) fn project(name: &str, instances: Vec<InstanceView>) -> ProjectView {
    ProjectView {
        name: name.into(),
        project_id: Some("0123456789abcdef0123456789abcdef".into()),
        region: "eu-de".to_owned(),
        endpoint: "https://dcs.eu-de.otc.t-systems.com".to_owned(),
        api_version: ApiVersion::V2,
        up: Some(true),
        watched: instances.len() as u64,
        missing: Some(0),
        unlisted: Some(0),
        left_out: 0,
        listed_at: Some(at("2026-11-22T11:56:00Z")),
        poll_interval: Duration::from_mins(15),
        tried: true,
        error: None,
        instances: instances.into_iter().map(Arc::new).collect(),
    }
}

/// A picture of these projects.
pub(crate) fn snapshot(projects: Vec<ProjectView>) -> Arc<Snapshot> {
    Arc::new(Snapshot { projects: projects.into_iter().map(Arc::new).collect(), lookback: 7 * DAY })
}

/// So many instances with all facts, each with its own numbers.
pub(crate) fn large(instances: u64) -> Arc<Snapshot> {
    let views = (0..instances).map(|number| {
        let mut view = full(&format!("5560df16-cebf-4473-95c4-{number:012x}"), &format!("orders-cache-{number}"));
        let mut backups = RecordFacts::clone(view.backups.as_deref().unwrap());
        let shift = Duration::from_millis(number * 7_919 % 80_000_000);
        if let Some(success) = &mut backups.last_success {
            success.at -= shift;
            success.size_bytes = Some(number * 104_729 % (4 << 30));
        }
        backups.restorable.newest_at = backups.restorable.newest_at.map(|newest| newest - shift);
        backups.restorable.oldest_at = backups.restorable.oldest_at.map(|oldest| oldest - shift);
        view.backups = Some(Arc::new(backups));
        for poll in &mut view.polls {
            poll.last_success_at = poll.last_success_at.map(|polled| polled - shift / 100);
        }
        view
    });
    snapshot(vec![project("prod", views.collect())])
}
