//! Which backups and restores are told to the log: every one that is first seen finished, once.
//!
//! Gauges show the present, a log store keeps the past; so each end of a backup or restore becomes one event.
//! [`Seen`] remembers, for the backups or the restores of one instance, which were seen finished. The first answer
//! is history and yields nothing; what it shows unfinished is yielded when it has finished. A backup that expires
//! or is deleted after it was seen to succeed is no news, and neither is one that comes back after an answer
//! without it.
//!
//! Memory is bounded: what is in the newest answer is always remembered, and of what is not, the [`DEPARTED`]
//! that left last. An id is remembered by a mark of 64 bits, because every instance has dozens of them, for years.

use super::RecordId;
use super::record::Record;

/// So many finished ones are remembered after they have left the answers. The cloud keeps some 24 backups of an
/// instance, so a record that comes back after that many others is not to be expected.
pub const DEPARTED: usize = 64;

/// What has been seen finished, of the backups or the restores of one instance.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// There has been an answer.
    answered: bool,
    /// Marks of those that the newest answer showed finished, sorted.
    present: Vec<u64>,
    /// Marks of those that an earlier one did; who left last stands last.
    departed: Vec<u64>,
}

impl Seen {
    /// What [`Self::marks`] told before a restart: the next answer is no history.
    pub fn restored(marks: Vec<u64>) -> Self {
        Self { answered: true, present: Vec::new(), departed: marks }
    }

    /// The marks of all that is remembered, the oldest first; `None` before the first answer.
    pub fn marks(&self) -> Option<Vec<u64>> {
        self.answered.then(|| [self.departed.as_slice(), &self.present].concat())
    }

    /// The records of the next answer that are new to us and finished, oldest end first.
    ///
    /// An answer is complete and successful; a failed poll has none.
    pub fn newly_finished<'a>(&mut self, records: &'a [Record]) -> Vec<&'a Record> {
        let history = !std::mem::replace(&mut self.answered, true);
        let mut finished: Vec<&Record> = records.iter().filter(|record| record.outcome().is_some()).collect();
        finished.sort_by_key(|record| (record.ended_at(), record.created_at, &record.id));
        let mut present = Vec::with_capacity(finished.len());
        finished.retain(|record| {
            let mark = mark(&record.id);
            let Err(place) = present.binary_search(&mark) else { return false };
            present.insert(place, mark);
            self.present.binary_search(&mark).is_err() && !self.departed.contains(&mark)
        });
        let before = std::mem::replace(&mut self.present, present);
        let is_gone = |mark: &u64| self.present.binary_search(mark).is_err();
        self.departed.retain(is_gone);
        self.departed.extend(before.into_iter().filter(is_gone));
        self.departed.drain(..self.departed.len().saturating_sub(DEPARTED));
        if history { Vec::new() } else { finished }
    }
}

/// Stands for an id: FNV-1a, which is the same in every version of the program. That two of an instance's ids share
/// one happens once in 10¹⁵ instances.
fn mark(id: &RecordId) -> u64 {
    id.as_str()
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests;
