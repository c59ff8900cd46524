//! When the next scrape is to be expected: what moves with the clock is rendered shortly before it, as it will be in the
//! scrape's second.
//!
//! Scrapers come at regular intervals, and often two of them, one shortly after the other. So a scrape is expected to
//! come after the one before as that one's predecessor did after its own.

use std::time::Duration;

use jiff::Timestamp;

/// A scrape that is so near will find what is rendered now young enough, and may come so much later than it should.
const NEAR: Duration = Duration::from_secs(1);
/// Who has not scraped for so long scrapes no more: Prometheus too forgets a series after five minutes.
const LATELY: Duration = Duration::from_mins(5);

/// The last scrapes.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Rhythm {
    last: Option<Timestamp>,
    /// Between the last three, the older one first.
    intervals: [Duration; 2],
}

impl Rhythm {
    /// Somebody scrapes.
    pub(super) fn scraped(&mut self, now: Timestamp) {
        if let Some(last) = self.last.replace(now) {
            self.intervals = [self.intervals[1], Duration::try_from(now.duration_since(last)).unwrap_or_default()];
        }
    }

    /// Whether there are scrapes at all.
    pub(super) fn is_alive(&self, now: Timestamp) -> bool {
        self.last.is_some_and(|last| now < last + LATELY)
    }

    /// Where a scrape is to be expected just now, the moment to render for: now, or when its second begins.
    pub(super) fn near(&self, now: Timestamp) -> Option<Timestamp> {
        let expected = self.last? + self.intervals[0];
        let is_near = now + NEAR >= expected && now <= expected + NEAR;
        let second = Timestamp::from_second(expected.as_second()).unwrap_or(now);
        is_near.then(|| second.max(now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: f64) -> Timestamp {
        Timestamp::UNIX_EPOCH + Duration::from_secs_f64(second)
    }

    /// The seconds up to 100, in tenths, at which a scrape is expected after these.
    fn expected_after(scrapes: &[f64]) -> Option<(f64, f64)> {
        let mut rhythm = Rhythm::default();
        for scrape in scrapes {
            rhythm.scraped(at(*scrape));
        }
        let last = scrapes.last().copied().unwrap_or_default();
        let near: Vec<f64> = (0..1000)
            .map(|tenth| last + f64::from(tenth) / 10.0)
            .filter(|second| rhythm.near(at(*second)).is_some())
            .collect();
        Some((*near.first()?, *near.last()?))
    }

    #[test]
    fn the_next_scrape_is_expected_as_the_ones_before_came() {
        for (scrapes, expected) in [
            (&[][..], None),
            (&[10.0], Some((10.0, 11.0))),
            (&[10.0, 11.0, 12.0], Some((12.0, 14.0))),
            (&[10.0, 25.0, 40.0], Some((54.0, 56.0))),
            (&[0.0, 60.0, 75.0], Some((134.0, 136.0))),
            // Two scrapers, the second four seconds after the first.
            (&[0.0, 4.0, 15.0], Some((18.0, 20.0))),
            (&[4.0, 15.0, 19.0], Some((29.0, 31.0))),
        ] {
            assert_eq!(expected_after(scrapes), expected, "{scrapes:?}");
        }
    }

    #[test]
    fn it_is_rendered_for_the_second_in_which_the_scrape_is_expected() {
        let mut rhythm = Rhythm::default();
        for scrape in [10.0, 25.0, 40.25] {
            rhythm.scraped(at(scrape));
        }
        for (now, moment) in [
            (54.0, None),
            (54.25, Some(55.0)), // a second before, and for the second to come
            (54.75, Some(55.0)),
            (55.0, Some(55.0)),
            (55.125, Some(55.125)),
            (56.25, Some(56.25)), // it is late
            (56.5, None),
        ] {
            assert_eq!(rhythm.near(at(now)), moment.map(at), "{now}");
        }
    }

    #[test]
    fn who_stays_away_scrapes_no_more() {
        let mut rhythm = Rhythm::default();
        assert!(!rhythm.is_alive(at(0.0)));
        rhythm.scraped(at(0.0));
        assert!(rhythm.is_alive(at(299.0)) && !rhythm.is_alive(at(300.0)));
    }
}
