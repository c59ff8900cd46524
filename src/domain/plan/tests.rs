//! Weekly plans against a calendar that walks day by day in the plan's own zone.

use jiff::civil::DateTime;
use jiff::tz::Offset;
use jiff::{SignedDuration, Span, Timestamp};
use proptest::prelude::*;

use super::*;

const DAY: i64 = 24 * 3600;

/// All slots from ten days before the moment's local date to ten days after it, in order, by civil dates alone.
fn calendar(days: &[u8], begin_minute: u16, zone: UtcOffset, around: Timestamp) -> Vec<Timestamp> {
    let offset = Offset::from_seconds(i32::from(zone.minutes()) * 60).unwrap();
    let today = offset.to_datetime(around).date();
    (-10..=10)
        .map(|day| today.checked_add(Span::new().days(day)).unwrap())
        .filter(|date| days.contains(&date.weekday().to_monday_one_offset().unsigned_abs()))
        .map(|date| {
            let begin = DateTime::from(date).checked_add(Span::new().minutes(i64::from(begin_minute))).unwrap();
            offset.to_timestamp(begin).unwrap()
        })
        .collect()
}

fn agrees(days: &[u8], begin_minute: u16, zone: UtcOffset, now: Timestamp) -> Result<(), TestCaseError> {
    let plan = WeeklyPlan::new(days, begin_minute, zone).unwrap();
    let calendar = calendar(days, begin_minute, zone, now);
    let told = (plan.latest(now), plan.next(now));
    let latest = *calendar.iter().rev().find(|slot| **slot <= now).unwrap();
    let next = *calendar.iter().find(|slot| **slot > now).unwrap();
    prop_assert_eq!(told, (latest, next), "days {:?}, minute {}, zone {:?}, now {}", days, begin_minute, zone, now);
    let longest = calendar.windows(2).map(|pair| pair[1].duration_since(pair[0])).max().unwrap();
    prop_assert_eq!(SignedDuration::try_from(plan.longest_gap()).unwrap(), longest);
    Ok(())
}

/// The days whose bits are set, 1 to 7.
fn days_of(bits: u8) -> Vec<u8> {
    (1..=7).filter(|day| bits >> (day - 1) & 1 == 1).collect()
}

fn offsets() -> impl Iterator<Item = UtcOffset> + Clone {
    (-12 * 4..=14 * 4).map(|quarter| UtcOffset::from_minutes(quarter * 15).unwrap())
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

#[test]
fn every_subset_of_days_in_every_zone_agrees_with_the_calendar() {
    let moments = [
        at("2024-02-29T12:00:00Z"),
        at("2024-12-31T23:59:59.999999999Z"),
        at("1970-01-01T00:00:00Z"),
        at("1969-12-28T23:59:59.5Z"),
    ];
    for bits in 1..=127 {
        let days = days_of(bits);
        for (index, zone) in offsets().enumerate() {
            let minute = u16::try_from(index * 97 % 1440).unwrap();
            let moment = moments[(index + usize::from(bits)) % moments.len()];
            agrees(&days, minute, zone, moment).unwrap();
        }
    }
}

#[test]
fn every_minute_of_the_day_agrees_with_the_calendar() {
    for (minute, zone) in (0..1440).zip(offsets().cycle()) {
        agrees(&[2, 3, 7], minute, zone, at("2027-01-01T00:00:00Z")).unwrap();
    }
}

#[test]
fn hour_by_hour_over_the_ends_of_years_and_leap_days() {
    for begin in ["1899-12-30T00:30:00Z", "1967-12-30T00:30:00Z", "2024-02-27T00:30:00Z", "2026-12-29T00:30:00Z"] {
        for hour in 0..7 * 24 {
            let now = at(begin) + SignedDuration::from_hours(hour);
            for zone in [-720, -210, 0, 345, 480, 840].map(|minutes| UtcOffset::from_minutes(minutes).unwrap()) {
                agrees(&[1, 2, 4, 7], 23 * 60 + 45, zone, now).unwrap();
                agrees(&[3], 30, zone, now).unwrap();
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn any_plan_agrees_with_the_calendar(
        bits in 1..=127_u8,
        begin_minute in 0..1440_u16,
        quarter in -48..=56_i16,
        second in -300 * 365 * DAY..300 * 365 * DAY,
        nanosecond in prop_oneof![Just(0), Just(1), 0..1_000_000_000_i32],
    ) {
        let now = Timestamp::new(second, if second < 0 { -nanosecond } else { nanosecond }).unwrap();
        agrees(&days_of(bits), begin_minute, UtcOffset::from_minutes(quarter * 15).unwrap(), now)?;
    }

    #[test]
    fn a_slot_has_begun_at_its_first_moment_and_not_a_nanosecond_before(
        bits in 1..=127_u8,
        begin_minute in 0..1440_u16,
        second in -100 * 365 * DAY..100 * 365 * DAY,
    ) {
        let plan = WeeklyPlan::new(&days_of(bits), begin_minute, UtcOffset::UTC).unwrap();
        let slot = plan.next(Timestamp::from_second(second).unwrap());
        prop_assert_eq!(plan.latest(slot), slot);
        prop_assert!(plan.next(slot) > slot);
        let before = slot - SignedDuration::from_nanos(1);
        prop_assert!(plan.latest(before) < slot);
        prop_assert_eq!(plan.next(before), slot);
    }

    #[test]
    fn order_and_repetition_of_days_change_nothing(
        days in prop::collection::vec(0..=9_u8, 0..20),
        minute in 0..1440_u16,
    ) {
        let mut tidy: Vec<u8> = days.iter().copied().filter(|day| (1..=7).contains(day)).collect();
        tidy.sort_unstable();
        tidy.dedup();
        let plan = WeeklyPlan::new(&days, minute, UtcOffset::UTC);
        prop_assert_eq!(plan.is_some(), !tidy.is_empty());
        prop_assert_eq!(plan, WeeklyPlan::new(&tidy, minute, UtcOffset::UTC));
    }
}

#[test]
fn the_ends_of_time_do_not_panic() {
    let plan = WeeklyPlan::new(&[1, 5], 90, UtcOffset::UTC).unwrap();
    for end in [Timestamp::MIN, Timestamp::MAX] {
        assert!(plan.latest(end) <= end);
        assert!(plan.next(end) >= end);
    }
}

#[test]
fn gaps_of_known_weeks() {
    for (days, gap) in [
        (&[1, 2, 3, 4, 5, 6, 7][..], 1),
        (&[1, 2, 3, 4, 6, 7], 2),
        (&[1, 3, 5], 3),
        (&[1, 4], 4),
        (&[6, 7], 6),
        (&[7], 7),
        (&[], 0),
    ] {
        let expected = (gap > 0).then(|| Duration::from_hours(gap * 24));
        assert_eq!(policy(true, days).expected_interval(), expected, "{days:?}");
    }
}

fn policy(automatic: bool, days: &[u8]) -> BackupPolicy {
    BackupPolicy {
        automatic,
        updated_at: None,
        retention: None,
        days: days.to_vec(),
        begin_minute: Some(60),
        utc_offset: None,
    }
}

#[test]
fn a_plan_needs_automatic_backups_a_day_and_an_hour() {
    let default = UtcOffset::from_minutes(480).unwrap();
    let daily = [1, 2, 3, 4, 5, 6, 7];
    let now = at("2026-11-20T12:00:00Z");
    let latest = |policy: &BackupPolicy| policy.plan(default).map(|plan| plan.latest(now));

    assert_eq!(latest(&policy(true, &daily)), Some(at("2026-11-19T17:00:00Z")), "01:00 in the default zone");
    let in_utc = BackupPolicy { utc_offset: Some(UtcOffset::UTC), ..policy(true, &daily) };
    assert_eq!(latest(&in_utc), Some(at("2026-11-20T01:00:00Z")), "a named zone wins, even UTC");
    let nepal = BackupPolicy { utc_offset: UtcOffset::parse("+0545"), ..policy(true, &daily) };
    assert_eq!(latest(&nepal), Some(at("2026-11-19T19:15:00Z")));

    let manual = policy(false, &daily);
    assert_eq!(latest(&manual), None, "the old plan of a manual policy means nothing");
    assert_eq!(manual.expected_interval(), None);
    assert_eq!(latest(&policy(true, &[])), None);
    let hourless = BackupPolicy { begin_minute: None, ..policy(true, &daily) };
    assert_eq!(latest(&hourless), None);
    assert_eq!(hourless.expected_interval(), Some(Duration::from_hours(24)), "it needs the days alone");
}

#[test]
fn offsets_as_the_cloud_and_people_write_them() {
    for (text, minutes) in [
        ("+0800", 480),
        ("0800", 480),
        ("-1200", -720),
        ("+1200", 720),
        ("+08:00", 480),
        ("08:00", 480),
        ("-03:30", -210),
        ("+0545", 345),
        ("+545", 345),
        ("+08", 480),
        ("+8", 480),
        ("-8", -480),
        ("8", 480),
        ("+00:00", 0),
        ("-0000", 0),
        ("0", 0),
        ("+1400", 840),
        ("-14:00", -840),
        (" +0800 ", 480),
        ("Z", 0),
        ("z", 0),
        ("UTC", 0),
        ("utc", 0),
    ] {
        assert_eq!(UtcOffset::parse(text).map(UtcOffset::minutes), Some(minutes), "{text:?}");
    }
}

#[test]
fn what_is_no_offset() {
    for text in [
        "",
        " ",
        "+",
        "-",
        ":",
        "+:",
        "+08:",
        ":30",
        "+08:5",
        "+08:60",
        "+0860",
        "+14:01",
        "+1500",
        "-1401",
        "+123456",
        "+08:00:00",
        "+ 8",
        "+8h",
        "+-8",
        "--8",
        "+٠٨٠٠",
        "€1",
        "1€",
        "+0x8",
        "Asia/Shanghai",
        "CST",
        "null",
        "+999999999999999999999",
        "{}",
    ] {
        assert_eq!(UtcOffset::parse(text), None, "{text:?}");
    }
}

#[test]
fn offsets_end_at_fourteen_hours() {
    for (minutes, good) in
        [(840, true), (841, false), (-840, true), (-841, false), (i16::MIN, false), (i16::MAX, false)]
    {
        assert_eq!(UtcOffset::from_minutes(minutes).is_some(), good, "{minutes}");
    }
}
