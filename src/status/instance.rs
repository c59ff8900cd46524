//! What is told of an instance.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;

use super::seconds::Seconds;
use super::trouble::Trouble;
use super::verdict::{Judged, Verdict};
use crate::cloud::diagnosis::{Hint, record};
use crate::domain::facts::RecordFacts;
use crate::domain::instance::{CacheMode, Engine, InstanceStatus as Status};
use crate::domain::record::{BackupFormat, BackupType, ErrorCode, Outcome, State};
use crate::snapshot::{PolicyView, PollView};

/// An instance.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct InstanceStatus<'a> {
    /// How it stands.
    pub verdict: Verdict,
    /// Its project's name in the configuration.
    pub project: &'a str,
    /// The cloud's id of it.
    pub instance_id: &'a str,
    /// Configured, else the cloud's, else the id.
    pub instance_name: &'a str,
    /// The cloud's word, `other` for unknown ones; so with the next.
    pub engine: Option<&'static str>,
    /// Digits and dots, or `other`.
    pub engine_version: Option<&'a str>,
    /// The cloud's word.
    pub cache_mode: Option<&'static str>,
    /// The cloud's word.
    pub status: Option<&'static str>,
    /// When it was created.
    pub created_at: Option<Timestamp>,
    /// Its memory.
    pub max_memory_bytes: Option<u64>,
    /// The tags that the configuration names, by their labels.
    pub tags: BTreeMap<&'a str, &'a str>,
    /// Whether it can be backed up at all.
    pub backup_supported: Option<bool>,
    /// The age at which its newest backup is too old.
    pub rpo_seconds: Option<Seconds>,
    /// Its backup policy; unknown before it was read.
    pub policy: Option<PolicyStatus>,
    /// Unknown before the first good poll.
    pub backups: Option<BackupsStatus>,
    /// Unknown before the first good poll.
    pub restores: Option<RecordsStatus>,
    /// How asking for all that goes.
    pub polls: PollsStatus,
}

/// A backup policy; all but the first two only while backups are scheduled automatically.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PolicyStatus {
    /// Backups are scheduled automatically.
    pub enabled: bool,
    /// When it was last changed, by the cloud's word.
    pub updated_at: Option<Timestamp>,
    /// How long automatic backups are kept.
    pub retention_seconds: Option<Seconds>,
    /// The longest gap between two scheduled backups of the week.
    pub expected_interval_seconds: Option<Seconds>,
    /// Start of the latest slot that has begun.
    pub last_scheduled_at: Option<Timestamp>,
    /// Start of the next slot.
    pub next_scheduled_at: Option<Timestamp>,
}

/// Backups or restores.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RecordsStatus {
    /// Completion of the newest that succeeded.
    pub last_success_at: Option<Timestamp>,
    /// The same as an age.
    pub last_success_age_seconds: Option<Seconds>,
    /// How long it took.
    pub last_success_duration_seconds: Option<Seconds>,
    /// When the newest was requested.
    pub last_attempt_at: Option<Timestamp>,
    /// How the newest finished one ended.
    pub last_attempt_success: Option<bool>,
    /// When the newest failed one ended.
    pub last_failure_at: Option<Timestamp>,
    /// Its error code, `none` without one.
    pub last_failure_error_code: Option<&'static str>,
    /// What that says.
    pub last_failure_meaning: Option<&'static str>,
    /// What a person can do about that.
    pub last_failure_hint: Option<Hint>,
    /// Those that failed within the look-back window, by code; only codes that occur.
    pub failures: BTreeMap<&'static str, u64>,
    /// All that the cloud keeps, by status, zeros included.
    pub records: BTreeMap<&'static str, u64>,
    /// How many wait or run.
    pub in_progress: u64,
    /// When the oldest of them was requested.
    pub oldest_in_progress_at: Option<Timestamp>,
    /// When the newest that runs began.
    pub started_at: Option<Timestamp>,
    /// How far it is, 0 to 1.
    pub progress_ratio: Option<f64>,
}

/// Backups, with what only they have.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct BackupsStatus {
    /// What restores have too.
    #[serde(flatten)]
    pub records: RecordsStatus,
    /// Size of the newest that succeeded.
    pub last_success_size_bytes: Option<u64>,
    /// Who asked for it.
    pub last_success_backup_type: Option<&'static str>,
    /// The kind of its file.
    pub last_success_backup_format: Option<&'static str>,
    /// Backups that could be restored from.
    pub restorable_records: u64,
    /// Their total size.
    pub restorable_bytes: Option<u64>,
    /// The moment of the oldest one's data.
    pub oldest_restorable_at: Option<Timestamp>,
    /// The moment of the newest one's data.
    pub newest_restorable_at: Option<Timestamp>,
}

/// How polling goes, by operation.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PollsStatus {
    /// Of the backup records.
    pub backups: PollStatus,
    /// Of the restore records.
    pub restores: PollStatus,
    /// Of the instance with its policy.
    pub policy: PollStatus,
}

/// How polling one operation goes.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PollStatus {
    /// Whether the last poll worked.
    pub success: Option<bool>,
    /// When the last one worked.
    pub last_success_at: Option<Timestamp>,
    /// Why the last one failed.
    pub error: Option<Trouble>,
}

impl<'a> InstanceStatus<'a> {
    /// What is told of this instance at this moment, looking so far back for failures.
    pub fn of(judged: &Judged<'a>, lookback: Duration, now: Timestamp) -> Self {
        let view = judged.instance;
        let details = view.details.as_ref();
        let [backups, restores, policy] = view.polls.each_ref().map(PollStatus::of);
        Self {
            verdict: judged.verdict,
            project: judged.project.name.as_str(),
            instance_id: view.id.as_str(),
            instance_name: &view.name,
            engine: details.and_then(|details| details.engine).map(Engine::as_str),
            engine_version: details.and_then(|details| details.engine_version.as_deref()),
            cache_mode: details.and_then(|details| details.cache_mode).map(CacheMode::as_str),
            status: details.and_then(|details| details.status).map(Status::as_str),
            created_at: details.and_then(|details| details.created_at),
            max_memory_bytes: details.and_then(|details| details.max_memory_bytes),
            tags: view.tags.iter().collect(),
            backup_supported: view.supported,
            rpo_seconds: view.rpo.filter(|_| view.supported != Some(false)).map(Seconds),
            policy: view.policy.as_ref().map(|policy| PolicyStatus::of(policy, now)),
            backups: view.backups.as_ref().map(|facts| BackupsStatus::of(facts, lookback, now)),
            restores: view
                .restores
                .as_ref()
                .map(|facts| RecordsStatus::of(facts, &State::OF_RESTORES, "restoring", lookback, now)),
            polls: PollsStatus { backups, restores, policy },
        }
    }
}

impl PolicyStatus {
    fn of(policy: &PolicyView, now: Timestamp) -> Self {
        // A plan that was switched off stays in the cloud's answer and means nothing.
        let scheduled = Some(policy).filter(|policy| policy.automatic);
        Self {
            enabled: policy.automatic,
            updated_at: policy.updated_at,
            retention_seconds: scheduled.and_then(|policy| policy.retention).map(Seconds),
            expected_interval_seconds: scheduled.and_then(|policy| policy.expected_interval).map(Seconds),
            last_scheduled_at: scheduled.and_then(|policy| policy.last_scheduled(now)),
            next_scheduled_at: scheduled.and_then(|policy| policy.next_scheduled(now)),
        }
    }
}

impl RecordsStatus {
    fn of(facts: &RecordFacts, states: &[State], running: &'static str, lookback: Duration, now: Timestamp) -> Self {
        let (success, failure, progress) = (facts.last_success.as_ref(), facts.last_failure, &facts.progress);
        Self {
            last_success_at: success.map(|success| success.at),
            last_success_age_seconds: success.map(|success| success.age(now).into()),
            last_success_duration_seconds: success.and_then(|success| success.duration).map(Seconds),
            last_attempt_at: facts.last_attempt_at,
            last_attempt_success: facts.last_outcome.map(|outcome| outcome == Outcome::Succeeded),
            last_failure_at: failure.map(|failure| failure.at),
            last_failure_error_code: failure.map(|failure| ErrorCode::label(failure.error_code)),
            last_failure_meaning: failure.map(|failure| record::meaning(failure.error_code)),
            last_failure_hint: failure.map(|failure| record::hint(failure.error_code)),
            failures: facts.failures_within(lookback, now),
            records: facts.by_status(states, running).collect(),
            in_progress: progress.count,
            oldest_in_progress_at: progress.oldest_created_at,
            started_at: progress.running.as_ref().map(|running| running.begun_at),
            progress_ratio: progress.running.as_ref().and_then(|running| running.progress),
        }
    }
}

impl BackupsStatus {
    fn of(facts: &RecordFacts, lookback: Duration, now: Timestamp) -> Self {
        let success = facts.last_success.as_ref();
        Self {
            records: RecordsStatus::of(facts, &State::OF_BACKUPS, "backuping", lookback, now),
            last_success_size_bytes: success.and_then(|success| success.size_bytes),
            last_success_backup_type: success.and_then(|success| success.backup_type).map(BackupType::as_str),
            last_success_backup_format: success.and_then(|success| success.backup_format).map(BackupFormat::as_str),
            restorable_records: facts.restorable.count,
            restorable_bytes: facts.restorable.bytes,
            oldest_restorable_at: facts.restorable.oldest_at,
            newest_restorable_at: facts.restorable.newest_at,
        }
    }
}

impl PollStatus {
    fn of(poll: &PollView) -> Self {
        Self {
            success: poll.success,
            last_success_at: poll.last_success_at,
            error: poll.error.as_deref().map(Trouble::of),
        }
    }
}
