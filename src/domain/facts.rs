//! The pure function from records to what `/metrics` tells of them (contract §4).
//!
//! [`RecordFacts::of`] takes the records of one answer, backups or restores, in any order. What moves with the
//! clock alone (ages, the look-back window) is asked of the facts with `now`. The newest success is held against
//! what was known before by [`LastSuccess::or_later`]: records get evicted, expire and vanish, and a backup that
//! was once made must not be forgotten for that.
//!
//! Ties are broken by the records' ids, so that the order of an answer changes nothing.

mod counts;

use std::collections::BTreeMap;
use std::time::Duration;

pub use counts::Counts;
use jiff::Timestamp;

use super::record::{BackupFormat, BackupType, ErrorCode, Outcome, Record, State};

/// What the records of one kind, backups or restores, of one instance say.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RecordFacts {
    /// The newest success.
    pub last_success: Option<LastSuccess>,
    /// When the newest was requested.
    pub last_attempt_at: Option<Timestamp>,
    /// How the newest finished one ended.
    pub last_outcome: Option<Outcome>,
    /// The newest failure.
    pub last_failure: Option<Failure>,
    /// Every failure among the records, oldest first.
    pub failures: Vec<Failure>,
    /// Records by state.
    pub records: Counts,
    /// Those waiting or running.
    pub progress: InProgress,
    /// Backups that could be restored from.
    pub restorable: Restorable,
    /// The automatic backups, oldest first: what the plan is held against.
    pub automatic: Vec<AutomaticBackup>,
}

/// An automatic backup, as far as a plan is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct AutomaticBackup {
    /// When it began.
    pub begun_at: Timestamp,
    /// It has ended, well or badly.
    pub finished: bool,
}

/// The newest success.
#[derive(Clone, Debug, PartialEq)]
pub struct LastSuccess {
    /// Its completion, or what stands in for it.
    pub at: Timestamp,
    /// Bytes of the backup file.
    pub size_bytes: Option<u64>,
    /// From its beginning to its completion; absent where that is negative or unknown.
    pub duration: Option<Duration>,
    /// Who asked for the backup.
    pub backup_type: Option<BackupType>,
    /// What kind of file it is.
    pub backup_format: Option<BackupFormat>,
}

/// One that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Failure {
    /// When it ended.
    pub at: Timestamp,
    /// Why.
    pub error_code: Option<ErrorCode>,
}

/// Those waiting or running.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct InProgress {
    /// How many.
    pub count: u64,
    /// When the oldest was requested.
    pub oldest_created_at: Option<Timestamp>,
    /// When the newest was requested.
    pub newest_created_at: Option<Timestamp>,
    /// The newest one that runs.
    pub running: Option<Running>,
}

/// One that runs.
#[derive(Clone, Debug, PartialEq)]
pub struct Running {
    /// When it began.
    pub begun_at: Timestamp,
    /// 0 to 1.
    pub progress: Option<f64>,
}

/// Backups that could be restored from.
#[derive(Clone, Debug, PartialEq)]
pub struct Restorable {
    /// How many.
    pub count: u64,
    /// Their total size; absent where that of one is unknown.
    pub bytes: Option<u64>,
    /// The moment of the oldest one's data.
    pub oldest_at: Option<Timestamp>,
    /// The moment of the newest one's data.
    pub newest_at: Option<Timestamp>,
}

impl Default for Restorable {
    fn default() -> Self {
        Self { count: 0, bytes: Some(0), oldest_at: None, newest_at: None }
    }
}

impl RecordFacts {
    /// What these records say. Records of the same id must have been merged: see [`newest_of_each`].
    pub fn of(records: &[Record]) -> Self {
        let mut facts = Self { records: records.iter().map(|record| record.state).collect(), ..Self::default() };
        facts.last_attempt_at = records.iter().map(|record| record.created_at).max();
        facts.last_outcome = records
            .iter()
            .filter(|record| record.outcome().is_some())
            .max_by_key(|record| (record.created_at, &record.id))
            .and_then(Record::outcome);
        facts.last_success = records
            .iter()
            .filter(|record| record.outcome() == Some(Outcome::Succeeded))
            .max_by_key(|record| (record.ended_at(), record.created_at, &record.id))
            .map(LastSuccess::of);
        let mut failed: Vec<&Record> =
            records.iter().filter(|record| record.outcome() == Some(Outcome::Failed)).collect();
        failed.sort_by_key(|record| (record.ended_at(), record.created_at, &record.id));
        facts.failures =
            failed.iter().map(|record| Failure { at: record.ended_at(), error_code: record.error_code }).collect();
        facts.last_failure = facts.failures.last().copied();
        facts.progress = InProgress::of(records);
        facts.restorable = Restorable::of(records);
        facts.automatic = records
            .iter()
            .filter(|record| record.backup_type == Some(BackupType::Auto))
            .map(|record| AutomaticBackup { begun_at: record.begun_at(), finished: record.outcome().is_some() })
            .collect();
        facts.automatic.sort_unstable();
        // Kept for each instance, and grown by doubling.
        facts.automatic.shrink_to_fit();
        facts
    }

    /// How many records are in this state.
    pub fn records_in(&self, state: State) -> u64 {
        self.records.of(state)
    }

    /// How many are in each of these states, by the cloud's words; that of a running one depends on what runs. A record
    /// in a state that its kind should not have counts as `other`, so that the sum stays the number of records.
    pub fn by_status(&self, states: &[State], running: &'static str) -> impl Iterator<Item = (&'static str, u64)> {
        let foreign = self.records.all() - states.iter().map(|state| self.records_in(*state)).sum::<u64>();
        states.iter().map(move |state| match state {
            State::Waiting => ("waiting", self.records_in(*state)),
            State::Running => (running, self.records_in(*state)),
            State::Succeeded => ("succeed", self.records_in(*state)),
            State::Failed => ("failed", self.records_in(*state)),
            State::Expired => ("expired", self.records_in(*state)),
            State::Deleted => ("deleted", self.records_in(*state)),
            State::Other => ("other", self.records_in(*state) + foreign),
        })
    }

    /// Failures that ended within `lookback` before `now`, by the label of their code; only codes that occur.
    pub fn failures_within(&self, lookback: Duration, now: Timestamp) -> BTreeMap<&'static str, u64> {
        let begin = now.checked_sub(lookback).unwrap_or(Timestamp::MIN);
        let mut by_code = BTreeMap::new();
        for failure in self.failures.iter().filter(|failure| failure.at >= begin) {
            *by_code.entry(ErrorCode::label(failure.error_code)).or_default() += 1;
        }
        by_code
    }

    /// These facts, but with the newest success of an earlier answer where that was later.
    #[must_use]
    pub fn remembering(mut self, earlier: Option<&LastSuccess>) -> Self {
        if let Some(earlier) = earlier {
            self.last_success = Some(match self.last_success {
                Some(present) => present.or_later(earlier),
                None => earlier.clone(),
            });
        }
        self
    }
}

impl LastSuccess {
    fn of(record: &Record) -> Self {
        Self {
            at: record.ended_at(),
            size_bytes: record.size_bytes,
            duration: record.duration(),
            backup_type: record.backup_type,
            backup_format: record.backup_format,
        }
    }

    /// This one, or the other if that was later, or as late and its duration is known better: a backup that took
    /// no time ends when it begins, and loses its duration when it expires.
    #[must_use]
    pub fn or_later(self, other: &Self) -> Self {
        let rank = |success: &Self| (success.at, success.duration.is_some());
        if rank(other) > rank(&self) { other.clone() } else { self }
    }

    /// Its age, never negative.
    pub fn age(&self, now: Timestamp) -> Duration {
        Duration::try_from(now.duration_since(self.at)).unwrap_or_default()
    }
}

impl InProgress {
    fn of(records: &[Record]) -> Self {
        let in_progress = || records.iter().filter(|record| record.in_progress());
        Self {
            count: in_progress().count() as u64,
            oldest_created_at: in_progress().map(|record| record.created_at).min(),
            newest_created_at: in_progress().map(|record| record.created_at).max(),
            running: records
                .iter()
                .filter(|record| record.state == State::Running)
                .max_by_key(|record| (record.created_at, &record.id))
                .map(|record| Running { begun_at: record.begun_at(), progress: record.progress }),
        }
    }
}

impl Restorable {
    fn of(records: &[Record]) -> Self {
        let restorable = || records.iter().filter(|record| record.is_restorable());
        Self {
            count: restorable().count() as u64,
            bytes: restorable().try_fold(0_u64, |sum, record| Some(sum.saturating_add(record.size_bytes?))),
            oldest_at: restorable().map(Record::data_at).min(),
            newest_at: restorable().map(Record::data_at).max(),
        }
    }
}

/// One record per id: pages that shift while they are read repeat records, and the later look is the truer one.
///
/// Of several looks at one record the one furthest on is kept: finished before running before waiting, then the
/// one updated last. The result is sorted by id.
pub fn newest_of_each(records: impl IntoIterator<Item = Record>) -> Vec<Record> {
    let mut by_id: BTreeMap<super::RecordId, Record> = BTreeMap::new();
    for record in records {
        match by_id.entry(record.id.clone()) {
            std::collections::btree_map::Entry::Vacant(place) => {
                place.insert(record);
            }
            std::collections::btree_map::Entry::Occupied(mut place) => {
                if freshness(&record) > freshness(place.get()) {
                    place.insert(record);
                }
            }
        }
    }
    by_id.into_values().collect()
}

/// Total order over the looks at one record: every field that a look can change takes part, so that the order in
/// which looks arrive never decides.
fn freshness(record: &Record) -> impl Ord + use<> {
    let stage = match record.state {
        State::Other => 0,
        State::Waiting => 1,
        State::Running => 2,
        State::Succeeded | State::Failed => 3,
        State::Expired | State::Deleted => 4,
    };
    (
        (stage, record.state, record.updated_at),
        record.progress.map(f64::to_bits),
        (record.created_at, record.execution_at, record.size_bytes, record.error_code),
        (record.backup_type, record.backup_format, record.restorable),
    )
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
