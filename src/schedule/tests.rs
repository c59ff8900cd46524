//! Cadence by what goes on, the next look, turns, and backoff.

use proptest::prelude::*;

use super::*;
use crate::domain::facts::{AutomaticBackup, InProgress, Running};
use crate::domain::plan::{UtcOffset, WeeklyPlan};
use crate::domain::record::State;
use crate::domain::sample::record;

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

/// Running since then, and requested at that moment.
fn running(since: &str) -> RecordFacts {
    let mut facts = in_progress(since);
    facts.progress.running = Some(Running { begun_at: at(since), progress: None });
    facts
}

/// Usual durations in minutes.
fn usual(took: &[i64]) -> Usual {
    let records: Vec<_> = (-1000..)
        .step_by(100)
        .zip(took)
        .map(|(begun, took)| record("id", State::Succeeded, begun).begun(begun).updated(begun + took))
        .collect();
    let mut usual = Usual::default();
    usual.learn(&records);
    usual
}

static NOTHING_USUAL: std::sync::LazyLock<Usual> = std::sync::LazyLock::new(Usual::default);

fn outlook<'a>(facts: &'a RecordFacts, policy: Option<&'a PolicyView>) -> Outlook<'a> {
    Outlook {
        facts,
        usual: &NOTHING_USUAL,
        policy,
        grace: GRACE,
        under_way_since: None,
        idle_interval: Polling::default().idle_interval,
    }
}

/// A phase that lies beyond everything.
const FAR: Duration = Duration::from_hours(1000);

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
        let outlook = outlook(&facts, policy);
        assert_eq!(outlook.cadence(&Polling::default(), at(now)), expected, "{what}");
    }
}

#[test]
fn the_next_poll_does_not_sleep_through_a_slot() {
    let (polling, facts, policy) = (Polling::default(), RecordFacts::default(), nightly());
    let next = |chance, now| outlook(&facts, Some(&policy)).next(&polling, FAR, chance, at(now));
    let expected = |cadence, wait| Next { cadence, wait };
    assert_eq!(next(0.0, "2026-11-21T12:00:00Z"), expected(Cadence::Idle, polling.idle_interval));
    assert_eq!(next(0.0, "2026-11-21T01:50:00Z"), expected(Cadence::Window, Duration::from_mins(10)));
    let half = Duration::from_mins(10) + Duration::from_secs(30);
    assert_eq!(next(0.5, "2026-11-21T01:50:00Z"), expected(Cadence::Window, half));
    assert_eq!(next(0.0, "2026-11-21T02:00:00Z"), expected(Cadence::Window, polling.window_interval));
}

#[test]
fn one_that_does_not_end_is_read_ever_more_rarely() {
    let polling = Polling::default();
    let facts = in_progress("2026-11-21T00:00:00Z");
    let begin = at("2026-11-21T00:00:00Z");
    for (minutes, seconds) in [(0, 15), (1, 15), (15, 15), (30, 30), (60, 60), (300, 300), (900, 900), (9000, 900)] {
        let next = outlook(&facts, None).next(&polling, FAR, 0.0, begin + Duration::from_mins(minutes));
        assert_eq!(next.wait, Duration::from_secs(seconds), "after {minutes} minutes");
    }
    let mut polls_a_day = Vec::new();
    let mut now = begin;
    for day in 1..=3 {
        let mut polls = 0;
        while now < begin + day * Duration::from_hours(24) {
            now += outlook(&facts, None).next(&polling, FAR, 0.0, now).wait;
            polls += 1;
        }
        polls_a_day.push(polls);
    }
    assert!((300..360).contains(&polls_a_day[0]) && polls_a_day[1..] == [96, 96], "{polls_a_day:?}");
}

#[test]
fn a_backup_of_usual_length_is_read_where_it_may_end() {
    let polling = Polling::default();
    let usual = usual(&[20, 21, 22, 20, 21]); // may end after 18 minutes, should have ended after 24
    for (what, facts, seconds, expected) in [
        ("it has just begun", running("2026-11-21T00:00:00Z"), 0, 270),
        ("a glance in the middle", running("2026-11-21T00:00:00Z"), 600, 270),
        ("not past the earliest end", running("2026-11-21T00:00:00Z"), 1000, 80),
        ("just before it", running("2026-11-21T00:00:00Z"), 1079, 15),
        ("at the earliest end", running("2026-11-21T00:00:00Z"), 1080, 15),
        ("it should have ended", running("2026-11-21T00:00:00Z"), 1439, 15),
        ("it takes longer than ever", running("2026-11-21T00:00:00Z"), 1440, 24),
        ("it waits", in_progress("2026-11-21T00:00:00Z"), 30, 60),
        ("it waits for long", in_progress("2026-11-21T00:00:00Z"), 1800, 30),
        ("its beginning is yet to come", running("2026-11-22T00:00:00Z"), 0, 270),
    ] {
        let now = at("2026-11-21T00:00:00Z") + Duration::from_secs(seconds);
        let outlook = Outlook { usual: &usual, ..outlook(&facts, None) };
        let next = outlook.next(&polling, FAR, 0.0, now);
        assert_eq!((next.cadence, next.wait), (Cadence::Active, Duration::from_secs(expected)), "{what}");
    }
}

#[test]
fn in_its_window_a_backup_that_has_begun_is_left_alone_until_it_may_end() {
    let (polling, usual, policy) = (Polling::default(), usual(&[20; 5]), nightly());
    let now = at("2026-11-21T02:12:00Z");
    let mut begun = running("2026-11-21T02:11:00Z");
    let wait = |facts: &RecordFacts| {
        Outlook { usual: &usual, ..outlook(facts, Some(&policy)) }.next(&polling, FAR, 0.0, now).wait
    };
    assert_eq!(wait(&begun), polling.window_interval, "one by hand: the slot's own is still to come");
    begun.automatic = automatic("2026-11-21T02:11:00Z", false).automatic;
    assert_eq!(wait(&begun), Duration::from_secs(270));
}

#[test]
fn an_instance_that_says_it_is_restored_is_read_by_the_minute_and_not_for_ever() {
    let (polling, facts) = (Polling::default(), RecordFacts::default());
    let next = |facts: &RecordFacts, hours: f64| {
        let now = at("2026-11-21T00:00:00Z") + Duration::from_hours(1).mul_f64(hours);
        let outlook = Outlook { under_way_since: Some(at("2026-11-21T00:00:00Z")), ..outlook(facts, None) };
        let next = outlook.next(&polling, FAR, 0.0, now);
        (next.cadence, next.wait.as_secs())
    };
    assert_eq!(next(&facts, 0.1), (Cadence::Window, 60));
    assert_eq!(next(&facts, 4.0), (Cadence::Window, 240));
    assert_eq!(next(&facts, 40.0), (Cadence::Idle, 900));
    assert_eq!(next(&in_progress("2026-11-21T00:05:00Z"), 0.1), (Cadence::Active, 15), "the record tells more");
}

#[test]
fn restores_are_read_seldom_only_where_listings_tell_of_them() {
    for (idle, listed, expected) in [(15, true, 60), (15, false, 15), (5, true, 20), (30, true, 60), (120, true, 120)] {
        let polling = Polling { idle_interval: Duration::from_mins(idle), ..Polling::default() };
        assert_eq!(restores_interval(&polling, listed), Duration::from_mins(expected), "{idle} minutes");
    }
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

    /// From wherever one comes, the turn is within an interval, and from there on it is one interval away.
    #[test]
    fn a_turn_comes_once_an_interval(elapsed in 0_u64..1 << 40, interval in 1_u64..1 << 40, chance in 0.0_f64..1.0) {
        let (elapsed, interval) = (Duration::from_nanos(elapsed), Duration::from_nanos(interval));
        let wait = to_turn(elapsed, interval, chance);
        prop_assert!(!wait.is_zero() && wait <= interval);
        prop_assert_eq!(to_turn(elapsed + wait, interval, chance), interval);
    }

    /// Whatever the records and the plan say, the next look is never later than an idle one, nor at once.
    #[test]
    fn the_next_look_is_bounded(
        requested in proptest::option::of(0_i64..5000), begun in proptest::option::of(-100_i64..5000),
        took in proptest::collection::vec(0_i64..100, 0..12), now in 0_i64..5000, is_planned in any::<bool>(),
    ) {
        let (polling, policy) = (Polling::default(), nightly());
        let moment = |minute: i64| at("2026-11-21T00:00:00Z") + SignedDuration::from_mins(minute);
        let mut facts = RecordFacts::default();
        facts.progress.newest_created_at = requested.map(moment);
        facts.progress.running = begun.map(|begun| Running { begun_at: moment(begun), progress: None });
        let usual = usual(&took);
        let outlook = Outlook { usual: &usual, ..outlook(&facts, Some(&policy).filter(|_| is_planned)) };
        let next = outlook.next(&polling, FAR, 0.0, moment(now));
        prop_assert!(next.wait <= polling.idle_interval && next.wait >= Duration::from_secs(15), "{next:?}");
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
