//! Which backups and restores are told to the log: every one that is first seen finished, once.
//!
//! Gauges show the present, a log store keeps the past; so each end of a backup or restore becomes one event.
//! [`Seen`] remembers, for the backups or the restores of one instance, which were seen finished. The first answer
//! is history and yields nothing; what it shows unfinished is yielded when it has finished. A backup that expires
//! or is deleted after it was seen to succeed is no news, and neither is one that comes back after an answer
//! without it.
//!
//! Memory is bounded: what is in the newest answer is always remembered, and of what is not, the
//! [`DEPARTED`] ids that were seen last.

use std::collections::BTreeMap;

use super::RecordId;
use super::record::Record;

/// So many finished ids are remembered after they have left the answers. The cloud keeps some 24 backups of an
/// instance, so a record that comes back after that many others is not to be expected.
pub const DEPARTED: usize = 256;

/// What has been seen finished, of the backups or the restores of one instance.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// How many answers there have been.
    answers: u64,
    /// Every id that was seen finished, with the number of the answer that held it last.
    finished: BTreeMap<RecordId, u64>,
}

impl Seen {
    /// The records of the next answer that are new to us and finished, oldest end first.
    ///
    /// An answer is complete and successful; a failed poll has none.
    pub fn newly_finished<'a>(&mut self, records: &'a [Record]) -> Vec<&'a Record> {
        let history = self.answers == 0;
        self.answers += 1;
        let mut finished: Vec<&Record> = records.iter().filter(|record| record.outcome().is_some()).collect();
        finished.sort_by_key(|record| (record.ended_at(), record.created_at, &record.id));
        finished.retain(|record| self.finished.insert(record.id.clone(), self.answers).is_none());
        self.forget_departed();
        if history { Vec::new() } else { finished }
    }

    fn forget_departed(&mut self) {
        if self.finished.len() <= DEPARTED {
            return;
        }
        let mut departed: Vec<(u64, RecordId)> = self
            .finished
            .iter()
            .filter(|(_, answer)| **answer < self.answers)
            .map(|(id, answer)| (*answer, id.clone()))
            .collect();
        let excess = departed.len().saturating_sub(DEPARTED);
        departed.sort_unstable();
        for (_, id) in &departed[..excess] {
            self.finished.remove(id);
        }
    }
}

#[cfg(test)]
mod tests;
