//! Plans against what their cloud did.

use jiff::SignedDuration;
use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::domain::plan::UtcOffset;

const DAILY: [u8; 7] = [1, 2, 3, 4, 5, 6, 7];

/// Every day at 02:00 UTC.
fn nightly() -> WeeklyPlan {
    WeeklyPlan::new(&DAILY, 120, UtcOffset::UTC).unwrap()
}

fn begun(text: &str) -> AutomaticBackup {
    AutomaticBackup { begun_at: text.parse().unwrap(), finished: true }
}

#[test]
fn three_witnesses_contradict_unless_one_fits() {
    let off = ["2026-11-17T18:00:00Z", "2026-11-18T18:00:00Z", "2026-11-19T18:00:00Z", "2026-11-20T18:00:00Z"];
    for (what, beginnings, expected) in [
        ("no records", vec![], false),
        ("two are not enough", off[..2].to_vec(), false),
        ("three are", off[..3].to_vec(), true),
        ("four are", off.to_vec(), true),
        ("two and one at its slot", vec![off[0], off[1], "2026-11-19T02:00:00Z"], false),
        ("three and one at its slot", vec![off[0], off[1], off[2], "2026-11-20T02:00:00Z"], false),
        ("three and one at the window's last moment", vec![off[0], off[1], off[2], "2026-11-20T06:00:00Z"], false),
        ("three and one a moment later", vec![off[0], off[1], off[2], "2026-11-20T06:00:00.001Z"], true),
        ("three and one a moment early", vec![off[0], off[1], off[2], "2026-11-20T01:59:59.999Z"], true),
        ("all of one moment", vec![off[0]; 3], true),
    ] {
        let records: Vec<_> = beginnings.into_iter().map(begun).collect();
        assert_eq!(contradicted(&nightly(), &records, None), expected, "{what}");
    }
}

#[test]
fn only_what_began_since_the_last_change_counts() {
    let off = ["2026-11-17T18:00:00Z", "2026-11-18T18:00:00Z", "2026-11-19T18:00:00Z"].map(begun);
    for (since, expected) in [
        ("2026-11-01T00:00:00Z", true),
        ("2026-11-17T18:00:00Z", true),
        ("2026-11-17T18:00:00.001Z", false),
        ("2026-11-21T00:00:00Z", false),
    ] {
        assert_eq!(contradicted(&nightly(), &off, Some(since.parse().unwrap())), expected, "since {since}");
    }
    let mut records = off.to_vec();
    records.push(begun("2026-11-10T02:30:00Z"));
    assert!(!contradicted(&nightly(), &records, None), "one fits");
    let since = "2026-11-11T00:00:00Z".parse().unwrap();
    assert!(contradicted(&nightly(), &records, Some(since)), "it followed another plan");
}

#[test]
fn unfinished_backups_are_witnesses_too() {
    let waiting = |text| AutomaticBackup { finished: false, ..begun(text) };
    let off = ["2026-11-17T18:00:00Z", "2026-11-18T18:00:00Z", "2026-11-19T18:00:00Z"].map(waiting);
    assert!(contradicted(&nightly(), &off, None));
    let records = [off[0], off[1], off[2], waiting("2026-11-20T02:00:10Z")];
    assert!(!contradicted(&nightly(), &records, None));
}

#[test]
fn the_ends_of_time_do_not_panic() {
    for end in [Timestamp::MIN, Timestamp::MAX] {
        contradicted(&nightly(), &[AutomaticBackup { begun_at: end, finished: true }; 3], Some(end));
    }
}

/// The backups that a cloud makes by a plan: from a moment on, at slots that are not skipped, each with a delay.
fn made_by(plan: &WeeklyPlan, from: i64, slots: &[(bool, i64)]) -> Vec<AutomaticBackup> {
    let mut slot = Timestamp::from_second(from).unwrap();
    let mut made = Vec::new();
    for (skipped, delay) in slots {
        slot = plan.next(slot);
        if !skipped {
            made.push(AutomaticBackup { begun_at: slot + SignedDuration::from_secs(*delay), finished: true });
        }
    }
    made
}

proptest! {
    #[test]
    fn a_plan_never_contradicts_what_followed_it(
        days in vec(1..=7_u8, 1..8),
        begin_minute in 0..1440_u16,
        quarter in -48..=56_i16,
        from in 0..4_000_000_000_i64,
        slots in vec((any::<bool>(), 0..=4 * 3600_i64), 0..24),
    ) {
        let plan = WeeklyPlan::new(&days, begin_minute, UtcOffset::from_minutes(quarter * 15).unwrap()).unwrap();
        let made = made_by(&plan, from, &slots);
        prop_assert!(!contradicted(&plan, &made, None));
        prop_assert!(!contradicted(&plan, &made, Some(Timestamp::from_second(from).unwrap())));
    }

    #[test]
    fn a_daily_plan_read_five_to_twelve_hours_off_is_contradicted(
        begin_minute in 0..1440_u16,
        shift in 5 * 60..=12 * 60_i16,
        west in any::<bool>(),
        from in 0..4_000_000_000_i64,
        slots in vec((Just(false), 0..=4 * 3600_i64), 3..24),
    ) {
        let truth = WeeklyPlan::new(&DAILY, begin_minute, UtcOffset::UTC).unwrap();
        let zone = UtcOffset::from_minutes(if west { -shift } else { shift }).unwrap();
        let read = WeeklyPlan::new(&DAILY, begin_minute, zone).unwrap();
        prop_assert!(contradicted(&read, &made_by(&truth, from, &slots), None));
    }
}
