//! What a listing of a project's instances means for those that are watched (contract §5.3).
//!
//! An instance that a complete listing lacks is dropped at the second such listing in a row; but a listing that
//! lacks more than half of ten or more is believed only after it has said so for an hour: a lost permission looks
//! like that.

use std::time::Duration;

use tokio::time::Instant;

/// A listing that lacks more than half of at least so many instances is doubted, …
const ENOUGH_TO_DOUBT: usize = 10;
/// … for so long.
const DOUBT: Duration = Duration::from_hours(1);
/// Complete listings in a row that must lack an instance.
pub(super) const MISSES: u32 = 2;

/// Whether listings that lack very much have been coming in, and since when.
#[derive(Debug, Default)]
pub(super) struct Doubt {
    since: Option<Instant>,
}

impl Doubt {
    /// Whether a complete listing that lacks so many of the watched instances is to be believed.
    pub(super) fn believes(&mut self, lacking: usize, watched: usize, now: Instant) -> bool {
        if watched < ENOUGH_TO_DOUBT || lacking * 2 <= watched {
            self.since = None;
            return true;
        }
        let since = *self.since.get_or_insert(now);
        now.duration_since(since) >= DOUBT
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_missing_ones_are_believed_at_once_and_many_after_an_hour() {
        let now = Instant::now();
        for (lacking, watched, believed) in
            [(1, 1, true), (9, 9, true), (5, 10, true), (6, 10, false), (10, 10, false), (0, 50, true), (26, 50, false)]
        {
            assert_eq!(Doubt::default().believes(lacking, watched, now), believed, "{lacking} of {watched}");
        }
        let mut doubt = Doubt::default();
        let minute = Duration::from_mins(1);
        assert!(!doubt.believes(10, 10, now));
        assert!(!doubt.believes(9, 10, now + 59 * minute));
        assert!(doubt.believes(9, 10, now + 60 * minute));
    }

    #[test]
    fn a_good_listing_in_between_starts_the_hour_anew() {
        let now = Instant::now();
        let minute = Duration::from_mins(1);
        let mut doubt = Doubt::default();
        assert!(!doubt.believes(10, 10, now));
        assert!(doubt.believes(0, 10, now + 30 * minute));
        assert!(!doubt.believes(10, 10, now + 70 * minute));
        assert!(!doubt.believes(10, 10, now + 129 * minute));
        assert!(doubt.believes(10, 10, now + 130 * minute));
    }
}
