//! Cadence by what goes on, backoff, and the queue against a plain map.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::domain::facts::{AutomaticBackup, InProgress};
use crate::domain::plan::{UtcOffset, WeeklyPlan};

const GRACE: Duration = Duration::from_hours(5);

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// Every day at 02:00 UTC.
fn nightly() -> PolicyView {
    PolicyView {
        automatic: true,
        updated_at: None,
        retention: None,
        expected_interval: None,
        plan: WeeklyPlan::new(&[1, 2, 3, 4, 5, 6, 7], 120, UtcOffset::UTC),
        since: None,
    }
}

fn in_progress(requested: &str) -> RecordFacts {
    let progress =
        InProgress { count: 1, oldest_created_at: None, newest_created_at: Some(at(requested)), running: None };
    RecordFacts { progress, ..RecordFacts::default() }
}

fn automatic(begun_at: &str, finished: bool) -> RecordFacts {
    RecordFacts { automatic: vec![AutomaticBackup { begun_at: at(begun_at), finished }], ..RecordFacts::default() }
}

#[test]
fn the_cadence_follows_what_goes_on() {
    let plan = nightly();
    for (what, facts, policy, now, expected) in [
        ("nothing", RecordFacts::default(), None, "2026-11-21T12:00:00Z", Cadence::Idle),
        ("a waiting one", in_progress("2026-11-21T11:59:00Z"), None, "2026-11-21T12:00:00Z", Cadence::Active),
        ("one from our future", in_progress("2026-11-21T12:01:00Z"), None, "2026-11-21T12:00:00Z", Cadence::Active),
        ("one of 6 hours", in_progress("2026-11-21T06:00:00Z"), None, "2026-11-21T12:00:00Z", Cadence::Window),
        ("one of a day", in_progress("2026-11-20T12:00:00Z"), None, "2026-11-21T12:00:00Z", Cadence::Idle),
        ("just before the slot", RecordFacts::default(), Some(&plan), "2026-11-21T01:59:59Z", Cadence::Idle),
        ("the slot", RecordFacts::default(), Some(&plan), "2026-11-21T02:00:00Z", Cadence::Window),
        ("the grace's end", RecordFacts::default(), Some(&plan), "2026-11-21T07:00:00Z", Cadence::Window),
        ("overdue", RecordFacts::default(), Some(&plan), "2026-11-21T07:00:01Z", Cadence::Idle),
        ("ended", automatic("2026-11-21T02:10:00Z", true), Some(&plan), "2026-11-21T02:40:00Z", Cadence::Idle),
        ("yesterday's", automatic("2026-11-20T02:10:00Z", true), Some(&plan), "2026-11-21T02:40:00Z", Cadence::Window),
        ("not ended", automatic("2026-11-21T02:10:00Z", false), Some(&plan), "2026-11-21T02:40:00Z", Cadence::Window),
        (
            "a stuck one in the window",
            in_progress("2026-11-01T00:00:00Z"),
            Some(&plan),
            "2026-11-21T02:30:00Z",
            Cadence::Window,
        ),
    ] {
        assert_eq!(cadence(&facts, policy, GRACE, at(now)), expected, "{what}");
    }
}

#[test]
fn the_next_poll_does_not_sleep_through_a_slot() {
    let polling = Polling::default();
    let next = |chance, now| until_next(&RecordFacts::default(), Some(&nightly()), &polling, GRACE, chance, at(now));
    assert_eq!(next(0.0, "2026-11-21T12:00:00Z"), (Cadence::Idle, polling.idle_interval));
    assert_eq!(next(0.0, "2026-11-21T01:50:00Z"), (Cadence::Idle, Duration::from_mins(10)));
    assert_eq!(next(0.5, "2026-11-21T01:50:00Z"), (Cadence::Idle, Duration::from_mins(10) + Duration::from_secs(30)));
    assert_eq!(next(0.0, "2026-11-21T02:00:00Z"), (Cadence::Window, polling.window_interval));
}

#[test]
fn backoff_doubles_up_to_its_cap_with_a_quarter_of_jitter() {
    let (base, cap) = (Duration::from_secs(15), Duration::from_mins(15));
    let middle = |failures| backoff(failures, base, cap, 0.5);
    assert_eq!([1, 2, 3, 4].map(middle), [15, 30, 60, 120].map(Duration::from_secs));
    assert_eq!([7, 30, u32::MAX].map(middle), [cap; 3]);
    assert_eq!(backoff(1, base, cap, 0.0), base.mul_f64(0.75));
    assert!(backoff(1, base, cap, 0.999) < base.mul_f64(1.25));
    assert_eq!(backoff(5, cap, base, 0.5), cap, "a cap below the base is the base");
}

proptest! {
    #[test]
    fn chance_is_within_its_range_and_repeats(value in any::<u64>()) {
        let number = fraction(value);
        prop_assert!((0.0..1.0).contains(&number));
        prop_assert_eq!(number.to_bits(), fraction(value).to_bits());
    }

    #[test]
    fn no_backoff_is_shorter_than_three_quarters_of_the_base_or_much_longer_than_the_cap(
        failures in 1_u32.., base in 1_u64..10_000, cap in 1_u64..100_000, chance in 0.0_f64..1.0,
    ) {
        let (base, cap) = (Duration::from_millis(base), Duration::from_millis(cap));
        let wait = backoff(failures, base, cap, chance);
        prop_assert!(wait >= base.mul_f64(0.7499) && wait <= cap.max(base).mul_f64(1.2501));
    }

    /// Every step of the queue against a plain map.
    #[test]
    fn the_queue_hands_out_the_earliest(
        steps in proptest::collection::vec((0_u8..4, 0_u8..6, 0_u32..20), 0..60),
    ) {
        let mut queue: Queue<u8, u32> = Queue::default();
        let mut model: BTreeMap<u8, u32> = BTreeMap::new();
        for (step, key, time) in steps {
            match step {
                0 => {
                    queue.set(key, time);
                    model.insert(key, time);
                }
                1 => {
                    queue.hasten(&key, time);
                    model.entry(key).and_modify(|due| *due = time.min(*due));
                }
                2 => {
                    queue.remove(&key);
                    model.remove(&key);
                }
                _ => {
                    let first = model.iter().map(|(key, due)| (*due, *key)).min().filter(|(due, _)| *due <= time);
                    prop_assert_eq!(queue.pop_due(time), first.map(|(due, key)| (key, due)));
                    if let Some((_, key)) = first {
                        model.remove(&key);
                    }
                }
            }
            prop_assert_eq!(queue.next_at(), model.values().min().copied());
            prop_assert_eq!(queue.due(time), model.values().filter(|due| **due <= time).count());
        }
    }
}

#[test]
fn chance_is_spread_evenly() {
    let numbers: Vec<f64> = (0..10_000).map(|number| fraction(("instance", number)) * 10.0).collect();
    for tenth in 0..10 {
        let range = f64::from(tenth)..f64::from(tenth + 1);
        let count = numbers.iter().filter(|number| range.contains(*number)).count();
        assert!((850..1150).contains(&count), "{count} in {range:?}");
    }
}
