//! The `check` command: how fresh is every backup? (contract §1)
//!
//! [`Report::of`] is pure: it judges a picture after one round of polling, worst first. [`table`] writes it for
//! people, serde as JSON for programs. Exit codes are Nagios': 0 all fresh, 1 a failed attempt or a missed slot
//! still within the RPO, 2 stale, never backed up or not polled. An instance without an RPO is listed and does
//! not count.

pub mod table;

use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;

use crate::cloud::diagnosis::{Hint, record};
use crate::domain::Operation;
use crate::domain::record::{ErrorCode, Outcome};
use crate::snapshot::{InstanceView, ProjectView, Snapshot};

/// A slot counts as missed when no backup has begun so long after it: the cloud looks at its plans once an hour
/// and tries three times (the vendor's user manual, "Backup and Restoration Overview").
const MISSED_AFTER: Duration = Duration::from_hours(4);

/// What `check` found.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// Projects that could not be asked or listed.
    pub problems: Vec<Problem>,
    /// All instances, worst first.
    pub instances: Vec<Row>,
    /// 0, 1 or 2.
    pub exit_code: u8,
}

/// A project that could not be asked or listed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// The project.
    pub project: String,
    /// What the cloud or the network said.
    pub message: String,
    /// What a person can do about it.
    pub hint: Option<Hint>,
}

/// One instance.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    /// How it stands.
    pub status: Status,
    /// The project.
    pub project: String,
    /// The instance's id.
    pub instance_id: String,
    /// Its name.
    pub instance_name: String,
    /// Age of the newest backup that succeeded.
    pub age_seconds: Option<u64>,
    /// The age at which it is too old.
    pub rpo_seconds: Option<u64>,
    /// Completion of the newest backup that succeeded, Unix time.
    #[serde(rename = "last_success_timestamp_seconds", serialize_with = "unix_seconds")]
    pub last_success_at: Option<Timestamp>,
    /// Its size.
    pub last_success_size_bytes: Option<u64>,
    /// How the newest finished backup ended.
    pub last_attempt_success: Option<bool>,
    /// Start of the next scheduled backup, Unix time.
    #[serde(rename = "next_scheduled_timestamp_seconds", serialize_with = "unix_seconds")]
    pub next_scheduled_at: Option<Timestamp>,
    /// Backups waiting or running.
    pub in_progress: Option<u64>,
    /// What else is worth knowing, in words.
    pub note: Option<String>,
    /// What a person can do about all that failed: in JSON one text.
    #[serde(rename = "hint", serialize_with = "one_text")]
    pub hints: Vec<Hint>,
}

/// How an instance stands, worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It could not be polled.
    NotPolled,
    /// It has never been backed up.
    NeverBackedUp,
    /// Its newest backup is older than its RPO.
    Stale,
    /// Its newest attempt failed; the newest success is within the RPO.
    LastFailed,
    /// No backup began in its latest slot; the newest success is within the RPO.
    SlotMissed,
    /// All is well.
    Fresh,
    /// Nobody says how fresh it should be.
    NoRpo,
    /// A single node, which cannot be backed up.
    Unsupported,
}

impl Status {
    /// What it adds to the exit code.
    pub fn severity(self) -> u8 {
        match self {
            Self::NotPolled | Self::NeverBackedUp | Self::Stale => 2,
            Self::LastFailed | Self::SlotMissed => 1,
            Self::Fresh | Self::NoRpo | Self::Unsupported => 0,
        }
    }

    /// For people.
    pub fn words(self) -> &'static str {
        match self {
            Self::NotPolled => "not polled",
            Self::NeverBackedUp => "never backed up",
            Self::Stale => "stale",
            Self::LastFailed => "last failed",
            Self::SlotMissed => "slot missed",
            Self::Fresh => "fresh",
            Self::NoRpo => "no RPO",
            Self::Unsupported => "unsupported",
        }
    }
}

impl Report {
    /// Judges a picture.
    pub fn of(snapshot: &Snapshot, now: Timestamp) -> Self {
        let problems: Vec<Problem> = snapshot
            .projects
            .iter()
            .filter_map(|project| {
                let message = match &project.error {
                    Some(error) => error.to_string(),
                    None if project.tried => return None,
                    None => "no request could be sent".to_owned(),
                };
                let hint = project.error.as_ref().and_then(|error| error.hint);
                Some(Problem { project: project.name.to_string(), message, hint })
            })
            .collect();
        let mut instances: Vec<Row> = snapshot
            .projects
            .iter()
            .flat_map(|project| project.instances.iter().map(|view| Row::of(project, view, now)))
            .collect();
        instances.sort_by_cached_key(Row::rank);
        let worst = instances.iter().map(|row| row.status.severity()).max().unwrap_or(0);
        let exit_code = if problems.is_empty() { worst } else { 2 };
        Self { problems, instances, exit_code }
    }
}

impl Row {
    fn of(project: &ProjectView, view: &InstanceView, now: Timestamp) -> Self {
        let status = judge(view, now);
        let success = view.backups.as_ref().and_then(|facts| facts.last_success.as_ref());
        Self {
            status,
            project: project.name.to_string(),
            instance_id: view.id.to_string(),
            instance_name: view.name.clone(),
            age_seconds: success.map(|success| success.age(now).as_secs()),
            rpo_seconds: view.rpo.map(|rpo| rpo.as_secs()),
            last_success_at: success.map(|success| success.at),
            last_success_size_bytes: success.and_then(|success| success.size_bytes),
            last_attempt_success: view
                .backups
                .as_ref()
                .and_then(|facts| facts.last_outcome)
                .map(|outcome| outcome == Outcome::Succeeded),
            next_scheduled_at: view.policy.as_ref().and_then(|policy| policy.next_scheduled(now)),
            in_progress: view.backups.as_ref().map(|facts| facts.progress.count),
            note: note(view, status),
            hints: hints(view, status),
        }
    }

    /// The worst first; of equals the one furthest beyond its RPO, then by name.
    fn rank(&self) -> impl Ord + use<> {
        let age_per_rpo = match (self.age_seconds, self.rpo_seconds) {
            (Some(age), Some(rpo)) if rpo > 0 => u64::MAX - age.saturating_mul(1000) / rpo,
            _ => u64::MAX,
        };
        (self.status, age_per_rpo, self.project.clone(), self.instance_name.clone(), self.instance_id.clone())
    }
}

#[allow(clippy::ref_option)] // serde's signature
fn unix_seconds<S: serde::Serializer>(at: &Option<Timestamp>, serializer: S) -> Result<S::Ok, S::Error> {
    at.map(|at| at.as_millisecond() as f64 / 1000.0).serialize(serializer)
}

#[allow(clippy::ptr_arg)] // serde's signature
fn one_text<S: serde::Serializer>(hints: &Vec<Hint>, serializer: S) -> Result<S::Ok, S::Error> {
    let texts: Vec<String> = hints.iter().map(Hint::to_string).collect();
    (!texts.is_empty()).then(|| texts.join("; ")).serialize(serializer)
}

fn judge(view: &InstanceView, now: Timestamp) -> Status {
    if view.polls.iter().any(|poll| poll.success != Some(true)) {
        return Status::NotPolled;
    }
    if view.supported == Some(false) {
        return Status::Unsupported;
    }
    let (Some(rpo), Some(facts)) = (view.rpo, &view.backups) else { return Status::NoRpo };
    let Some(success) = &facts.last_success else { return Status::NeverBackedUp };
    if success.age(now) > rpo {
        return Status::Stale;
    }
    if facts.last_outcome == Some(Outcome::Failed) {
        return Status::LastFailed;
    }
    let missed = view.missed_slot(MISSED_AFTER, now).is_some();
    if missed { Status::SlotMissed } else { Status::Fresh }
}

fn note(view: &InstanceView, status: Status) -> Option<String> {
    let backups = view.backups.as_ref();
    match status {
        Status::NotPolled => {
            let failed = Operation::PER_INSTANCE
                .into_iter()
                .find_map(|operation| view.poll(operation).error.map(|error| format!("{operation}: {error}")));
            Some(failed.unwrap_or_else(|| "no request was sent".to_owned()))
        }
        Status::LastFailed => {
            let failure = backups?.last_failure?;
            Some(format!("error code {}", ErrorCode::label(failure.error_code)))
        }
        Status::NoRpo => Some("no automatic backups and no rpo configured".to_owned()),
        _ => {
            let running = backups?.progress.running.as_ref()?;
            Some(match running.progress {
                Some(ratio) => format!("backup running, {:.0} %", ratio * 100.0),
                None => "backup running".to_owned(),
            })
        }
    }
}

/// Of everything that failed, each once.
fn hints(view: &InstanceView, status: Status) -> Vec<Hint> {
    let mut hints = Vec::new();
    let of_polls = view.polls.iter().filter_map(|poll| poll.error.as_ref()?.hint);
    let facts = view.backups.as_ref().filter(|_| status.severity() > 0);
    let failure =
        facts.filter(|facts| facts.last_outcome == Some(Outcome::Failed)).and_then(|facts| facts.last_failure);
    let of_backups = failure.map(|failure| record::hint(failure.error_code));
    for hint in of_polls.chain(of_backups) {
        if !hints.contains(&hint) {
            hints.push(hint);
        }
    }
    hints
}

#[cfg(test)]
mod tests;
