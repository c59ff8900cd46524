//! How long the backups of an instance usually take, learnt from its own records.
//!
//! While a backup cannot have ended yet, asking tells little. Its predecessors tell how long that is: a few of them,
//! and the shortest less the difference between the shortest and the longest. If durations are drawn from one range,
//! whatever range, five predecessors make an end before that less likely than one in a hundred.

use std::time::Duration;

use jiff::Timestamp;

use crate::domain::record::{Record, State};

/// So many durations are remembered; the service keeps fewer than it has made, and forgets how long expired ones took.
const REMEMBERED: usize = 12;
/// So many must be known before anything is concluded.
const ENOUGH: usize = 5;

/// The newest durations of the successful ones.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Usual {
    /// Beginning and duration, oldest first. An instance makes one backup at a time, so the beginning tells them apart.
    known: Vec<(Timestamp, Duration)>,
}

impl Usual {
    /// Takes in the records of an answer.
    pub fn learn(&mut self, records: &[Record]) {
        for record in records.iter().filter(|record| record.state == State::Succeeded) {
            let Some(took) = record.duration() else { continue };
            let begun = record.begun_at();
            match self.known.binary_search_by_key(&begun, |(at, _)| *at) {
                Ok(place) => self.known[place].1 = took,
                Err(place) => self.known.insert(place, (begun, took)),
            }
        }
        self.known.drain(..self.known.len().saturating_sub(REMEMBERED));
        // Every instance has two of these.
        self.known.shrink_to_fit();
    }

    /// When after its beginning one may end at the earliest, and at the latest, as far as can be told.
    pub fn range(&self) -> Option<(Duration, Duration)> {
        if self.known.len() < ENOUGH {
            return None;
        }
        let shortest = self.known.iter().map(|(_, took)| *took).min()?;
        let longest = self.known.iter().map(|(_, took)| *took).max()?;
        let margin = longest.saturating_sub(shortest).max(shortest / 10);
        let earliest = shortest.checked_sub(margin).filter(|earliest| !earliest.is_zero())?;
        Some((earliest, longest + margin))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::sample::{any_record, record};

    fn minutes(minutes: u64) -> Duration {
        Duration::from_mins(minutes)
    }

    /// Ten of these, begun a day apart, that took so many minutes.
    fn usual(took: &[i64]) -> Usual {
        let mut usual = Usual::default();
        for (day, took) in (0..).zip(took) {
            let begun = day * 24 * 60;
            usual.learn(&[record("id", State::Succeeded, begun).begun(begun).updated(begun + took)]);
        }
        usual
    }

    #[test]
    fn the_earliest_end_is_the_shortest_less_the_spread() {
        for (what, took, expected) in [
            ("nothing is known", &[][..], None),
            ("too little is known", &[20, 20, 20, 20], None),
            ("always the same", &[20; 5], Some((18, 22))),
            ("nearly the same", &[20, 25, 20, 24, 22, 23], Some((15, 30))),
            ("too different", &[10, 20, 15, 12, 18], None),
            ("the oldest are forgotten", &[1, 1, 20, 20, 20, 20, 20, 20, 20, 20, 20, 20, 20, 20], Some((18, 22))),
        ] {
            let expected = expected.map(|(earliest, latest)| (minutes(earliest), minutes(latest)));
            assert_eq!(usual(took).range(), expected, "{what}");
        }
    }

    #[test]
    fn only_what_succeeded_tells_how_long_one_takes() {
        let mut usual = Usual::default();
        for state in [State::Failed, State::Expired, State::Deleted, State::Running, State::Other] {
            usual.learn(&[record("id", state, 0).begun(0).updated(3)]);
        }
        usual.learn(&[record("id", State::Succeeded, 0), record("id", State::Succeeded, 0).begun(5).updated(1)]);
        assert_eq!(usual, Usual::default());
    }

    proptest! {
        #[test]
        fn memory_is_bounded_and_what_was_learnt_is_not_learnt_twice(
            records in proptest::collection::vec(any_record(), 0..40),
        ) {
            let mut usual = Usual::default();
            usual.learn(&records);
            prop_assert!(usual.known.len() <= REMEMBERED);
            prop_assert!(usual.known.is_sorted_by(|left, right| left.0 < right.0));
            let before = usual.clone();
            usual.learn(&records);
            prop_assert_eq!(&usual, &before);
            if let Some((earliest, latest)) = usual.range() {
                prop_assert!(earliest < latest && !earliest.is_zero());
            }
        }
    }
}
