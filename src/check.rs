//! The `check` command: how fresh is every backup? (contract §1)
//!
//! [`Report::of`] is pure: it judges a picture after one round of polling, worst first. [`table`] writes it for
//! people, serde as JSON for programs. Exit codes are Nagios': 0 all fresh, 1 a failed attempt or a missed slot
//! still within the RPO, 2 stale, never backed up or not polled. An instance without an RPO is listed and does
//! not count.

pub mod table;

use jiff::Timestamp;
use serde::Serialize;

use crate::cloud::diagnosis::{Hint, record};
use crate::domain::Operation;
use crate::domain::record::{ErrorCode, Outcome};
use crate::snapshot::{InstanceView, Snapshot};
use crate::status::verdict::{self, Judged, Verdict};

/// What `check` found.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// Projects that could not be asked or listed, or of which nothing is watched.
    pub problems: Vec<Problem>,
    /// All instances, worst first.
    pub instances: Vec<Row>,
    /// 0, 1 or 2.
    pub exit_code: u8,
}

/// A project that could not be asked or listed, or of which nothing is watched.
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
    pub status: Verdict,
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

impl Report {
    /// Judges a picture.
    pub fn of(snapshot: &Snapshot, now: Timestamp) -> Self {
        let problems: Vec<Problem> = snapshot
            .projects
            .iter()
            .filter_map(|project| {
                let message = match &project.error {
                    Some(error) => error.to_string(),
                    // Whoever relies on silence must not be told that all is well.
                    None if project.watched == 0 && project.left_out > 0 => format!(
                        "discovery.include and discovery.exclude leave out all {} instances that are listed; check their spelling",
                        project.left_out
                    ),
                    None if project.tried => return None,
                    None => "no request could be sent".to_owned(),
                };
                let hint = project.error.as_ref().and_then(|error| error.hint);
                Some(Problem { project: project.name.to_string(), message, hint })
            })
            .collect();
        let instances: Vec<Row> =
            verdict::worst_first(snapshot, now).iter().map(|judged| Row::of(judged, now)).collect();
        let worst = instances.iter().map(|row| row.status.severity()).max().unwrap_or(0);
        let exit_code = if problems.is_empty() { worst } else { 2 };
        Self { problems, instances, exit_code }
    }
}

impl Row {
    fn of(judged: &Judged<'_>, now: Timestamp) -> Self {
        let (status, view) = (judged.verdict, judged.instance);
        let success = view.backups.as_ref().and_then(|facts| facts.last_success.as_ref());
        Self {
            status,
            project: judged.project.name.to_string(),
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

fn note(view: &InstanceView, status: Verdict) -> Option<String> {
    let backups = view.backups.as_ref();
    match status {
        Verdict::NotPolled => {
            let failed = Operation::PER_INSTANCE
                .into_iter()
                .find_map(|operation| view.poll(operation).error.map(|error| format!("{operation}: {error}")));
            Some(failed.unwrap_or_else(|| "no request was sent".to_owned()))
        }
        Verdict::LastFailed => {
            let failure = backups?.last_failure?;
            Some(format!("error code {}", ErrorCode::label(failure.error_code)))
        }
        Verdict::NoRpo => Some("no automatic backups and no rpo configured".to_owned()),
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
fn hints(view: &InstanceView, status: Verdict) -> Vec<Hint> {
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
