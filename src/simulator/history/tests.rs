use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::SignedDuration;
use proptest::prelude::*;

use super::*;
use crate::simulator::archetype::{ARCHETYPES, ByHand, Policy};
use crate::simulator::{DEMO_INSTANCES, DEMO_SPEED};

const SECOND: SignedDuration = SignedDuration::from_secs(1);

fn fleet(seed: u64, instances: usize, speed: f64) -> Vec<Member> {
    (0..instances).map(|number| Member::new(seed, number, speed)).collect()
}

/// Any moment from 2024 to 2040.
fn moments() -> impl Strategy<Value = Timestamp> {
    (1_704_067_200_000_i64..2_208_988_800_000).prop_map(|ms| Timestamp::from_millisecond(ms).unwrap())
}

fn speeds() -> impl Strategy<Value = f64> {
    prop::sample::select(vec![1.0, 3.0, 20.0, 60.0, 1000.0])
}

/// How far along a stage is; records only move up.
fn rank(stage: Stage) -> u8 {
    match stage {
        Stage::Waiting => 0,
        Stage::Running(_) => 1,
        Stage::Succeeded | Stage::Failed => 2,
        Stage::Expired | Stage::Deleted => 3,
    }
}

fn percent(course: &Course, now: Timestamp) -> f64 {
    course.progress(now).parse().unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_history_is_the_same_whenever_it_is_asked_for(seed: u64, number in 0_usize..40, now in moments(), speed in speeds()) {
        let (one, same) = (Member::new(seed, number, speed), Member::new(seed, number, speed));
        prop_assert_eq!(format!("{:?}", backups(&one, now)), format!("{:?}", backups(&same, now)));
        prop_assert_eq!(format!("{:?}", restores(&one, now)), format!("{:?}", restores(&same, now)));
    }

    #[test]
    fn records_are_few_distinct_and_newest_first(seed: u64, number in 0_usize..24, now in moments(), speed in speeds()) {
        let member = Member::new(seed, number, speed);
        let made = backups(&member, now);
        prop_assert!(made.len() <= KEPT_BACKUPS);
        prop_assert!(made.is_sorted_by(|a, b| a.course.created_at >= b.course.created_at));
        prop_assert_eq!(made.iter().map(|backup| &backup.id).collect::<BTreeSet<_>>().len(), made.len());
        let restored = restores(&member, now);
        prop_assert!(restored.len() <= KEPT_RESTORES);
        prop_assert!(restored.is_sorted_by(|a, b| a.course.created_at >= b.course.created_at));
    }

    #[test]
    fn stamps_are_ordered_and_never_in_the_future(seed: u64, number in 0_usize..24, now in moments(), speed in speeds()) {
        let member = Member::new(seed, number, speed);
        let courses = backups(&member, now).into_iter().map(|backup| backup.course)
            .chain(restores(&member, now).into_iter().map(|restore| restore.course));
        for course in courses {
            prop_assert!(member.created_at < course.created_at && course.created_at <= now);
            prop_assert!(course.created_at <= course.begun_at && course.begun_at <= course.ended_at);
            prop_assert!(course.created_at <= course.updated_at(now) && course.updated_at(now) <= now);
            if rank(course.at(now)) >= 1 {
                prop_assert!(course.begun_at <= now && course.begun_at <= course.updated_at(now));
            }
            if rank(course.at(now)) >= 2 {
                prop_assert!(course.ended_at <= now);
            }
            let longest = SignedDuration::from_mins(33);
            prop_assert!(course.ended_at.duration_since(course.created_at).as_secs_f64() <= longest.as_secs_f64() / speed + 0.01);
        }
    }

    #[test]
    fn records_only_move_forward(
        seed: u64, number in 0_usize..24, now in moments(), speed in speeds(), later in 0_i64..1_000_000,
    ) {
        let member = Member::new(seed, number, speed);
        let then = now + SignedDuration::from_millis(later * later / 1000);
        let before = backups(&member, now);
        let after: HashMap<String, Backup> = backups(&member, then).into_iter().map(|backup| (backup.id.clone(), backup)).collect();
        for old in &before {
            // Only a record that newer ones have pushed out may be missing.
            let Some(new) = after.get(&old.id) else {
                prop_assert!(after.values().filter(|newer| newer.course.created_at >= old.course.created_at).count() >= KEPT_BACKUPS);
                continue;
            };
            prop_assert_eq!((&old.name, old.size, old.format), (&new.name, new.size, new.format));
            prop_assert_eq!(old.course.created_at, new.course.created_at);
            prop_assert_eq!(old.course.ended_at, new.course.ended_at);
            let (stage, next) = (old.course.at(now), new.course.at(then));
            prop_assert!(rank(next) >= rank(stage), "{:?} after {:?}", next, stage);
            if rank(stage) == rank(next) && rank(stage) >= 2 {
                prop_assert_eq!(stage, next);
            }
            prop_assert!(percent(&new.course, then) >= percent(&old.course, now));
            prop_assert!(new.course.updated_at(then) >= old.course.updated_at(now));
        }
    }

    #[test]
    fn restores_only_move_forward(
        seed: u64, number in 0_usize..24, now in moments(), speed in speeds(), later in 0_i64..1_000_000,
    ) {
        let member = Member::new(seed, number, speed);
        let then = now + SignedDuration::from_millis(later);
        let after: HashMap<String, Restore> = restores(&member, then).into_iter().map(|restore| (restore.id.clone(), restore)).collect();
        for old in restores(&member, now) {
            let Some(new) = after.get(&old.id) else {
                prop_assert_eq!(after.len(), KEPT_RESTORES);
                continue;
            };
            prop_assert_eq!(&old.course, &new.course);
            prop_assert!(rank(new.course.at(then)) >= rank(old.course.at(now)));
            prop_assert!(percent(&new.course, then) >= percent(&old.course, now));
        }
    }

    #[test]
    fn a_pause_begins_nothing_and_ends_what_was_begun(
        seed: u64, number in 0_usize..24, now in moments(), speed in speeds(), later in 0_i64..1_000_000,
    ) {
        let member = Member::new(seed, number, speed);
        let paused = Member { paused_at: Some(now), ..member.clone() };
        let then = now + SignedDuration::from_secs(later);
        let ids = |made: Vec<Backup>| made.into_iter().map(|backup| backup.id).collect::<Vec<_>>();
        prop_assert_eq!(ids(backups(&paused, then)), ids(backups(&member, now)));
        let past = now - SignedDuration::from_secs(later);
        prop_assert_eq!(ids(backups(&paused, past)), ids(backups(&member, past)));
        let begun = restores(&paused, then);
        prop_assert_eq!(begun.len(), restores(&member, now).len());
        if status(&paused, then) == "RESTORING" {
            prop_assert!(begun.iter().any(|restore| matches!(restore.course.at(then), Stage::Running(_))));
        }
    }

    #[test]
    fn a_restore_takes_a_backup_that_is_there(seed: u64, number in 0_usize..12, now in moments()) {
        let member = Member::new(seed, number, DEMO_SPEED);
        let Some(newest) = restores(&member, now).into_iter().next() else { return Ok(()) };
        let at = newest.course.created_at;
        let source = backups(&member, at).into_iter().find(|backup| backup.id == newest.backup_id);
        let source = source.ok_or_else(|| TestCaseError::fail("its backup is not on record"))?;
        prop_assert_eq!(source.course.at(at), Stage::Succeeded);
        prop_assert_eq!(&source.name, &newest.backup_name);
    }

    #[test]
    fn scheduled_backups_begin_in_their_hour_or_up_to_three_hours_later(seed: u64, number in 0_usize..24, now in moments(), speed in speeds()) {
        let member = Member::new(seed, number, speed);
        let Some(weekly) = member.weekly() else { return Ok(()) };
        let east = SignedDuration::from_mins(weekly.zone.map_or(0, |(_, minutes)| i64::from(minutes)));
        for backup in backups(&member, now).into_iter().filter(|backup| backup.automatic) {
            // Both sides on the plan's own clock, reckoned by jiff's calendar rather than ours.
            let local = (backup.course.created_at + east).to_zoned(TimeZone::UTC);
            let slot = local.date().at(i8::try_from(member.begin_hour).unwrap(), 0, 0, 0);
            let mut late = local.datetime().duration_since(slot);
            let mut date = local.date();
            if late.is_negative() {
                late += SignedDuration::from_hours(24);
                date = date.yesterday().unwrap();
            }
            prop_assert!(late < SignedDuration::from_hours(4), "{late:?} late");
            prop_assert!(weekly.days.contains(&u8::try_from(date.weekday().to_monday_one_offset()).unwrap()));
        }
    }

    #[test]
    fn automatic_files_live_for_their_days_but_the_last_one_is_kept(seed: u64, number in 0_usize..24, now in moments()) {
        let member = Member::new(seed, number, 1.0);
        let Some(weekly) = member.weekly() else { return Ok(()) };
        let days = SignedDuration::from_hours(24 * i64::from(weekly.save_days));
        let made: Vec<Backup> = backups(&member, now).into_iter().filter(|backup| backup.automatic).collect();
        let mut kept = 0;
        for backup in &made {
            let old = backup.course.created_at + days <= now;
            match backup.course.at(now) {
                Stage::Succeeded => {
                    kept += 1;
                    prop_assert!(!old || kept == 1, "an old file beside a newer one");
                }
                Stage::Expired => prop_assert!(old && kept > 0, "expired too early"),
                Stage::Deleted => prop_assert!(false, "nobody deletes these"),
                _ => {}
            }
        }
    }
}

// Each of these looks at a whole fleet many times.
proptest! {
    #![proptest_config(ProptestConfig::with_cases(6))]

    #[test]
    fn whoever_looks_for_a_minute_sees_backups_and_a_restore_in_progress(seed: u64, now in moments()) {
        let members = fleet(seed, DEMO_INSTANCES, DEMO_SPEED);
        let (mut waiting, mut moving, mut restoring, mut statuses) = (false, BTreeMap::<String, BTreeSet<String>>::new(), false, false);
        for step in 0..30 {
            let now = now + SECOND * 2 * step;
            for member in &members {
                for backup in backups(member, now).into_iter().take(2) {
                    waiting |= backup.course.at(now) == Stage::Waiting;
                    if let Stage::Running(_) = backup.course.at(now) {
                        moving.entry(backup.id).or_default().insert(backup.course.progress(now));
                    }
                }
                let runs = restores(member, now).first().is_some_and(|restore| matches!(restore.course.at(now), Stage::Running(_)));
                prop_assert_eq!(status(member, now) == "RESTORING", runs);
                restoring |= runs;
                statuses |= status(member, now) == "RESTORING";
            }
        }
        prop_assert!(waiting, "no backup waited");
        prop_assert!(moving.values().any(|seen| seen.len() >= 3), "no progress moved");
        prop_assert!(restoring && statuses, "no restore ran");
    }

    #[test]
    fn every_documented_code_is_on_record_somewhere(seed: u64, now in moments(), speed in prop::sample::select(vec![1.0, 20.0])) {
        let mut codes = BTreeSet::new();
        for member in fleet(seed, DEMO_INSTANCES, speed) {
            let made = backups(&member, now).into_iter().map(|backup| backup.course);
            let restored = restores(&member, now).into_iter().map(|restore| restore.course);
            codes.extend(made.chain(restored).filter(|course| course.at(now) == Stage::Failed).filter_map(|course| course.failure).map(|(code, _)| code));
        }
        let all: BTreeSet<&str> = ["dcs.08.0001", "dcs.08.0002", "dcs.08.0003", "dcs.08.0004", "dcs.08.0005", "dcs.08.0006", "dcs.08.0007", "dcs.08.0008"].into();
        prop_assert_eq!(codes, all);
    }

    #[test]
    fn a_few_minutes_show_every_way_to_end(seed: u64, now in moments()) {
        let members = fleet(seed, DEMO_INSTANCES, DEMO_SPEED);
        let mut seen = BTreeSet::new();
        let mut before: HashMap<String, u8> = HashMap::new();
        for step in 0..40 {
            let now = now + SECOND * 15 * step;
            for member in &members {
                for (id, course) in backups(member, now).into_iter().map(|backup| (backup.id, backup.course)) {
                    let stage = course.at(now);
                    if before.insert(id, rank(stage)).is_some_and(|before| before < rank(stage)) {
                        seen.insert(format!("{stage:?}").split('(').next().unwrap().to_owned());
                    }
                }
            }
        }
        for end in ["Succeeded", "Failed", "Expired", "Deleted"] {
            prop_assert!(seen.contains(end), "{} in ten minutes, but nothing {}", seen.len(), end);
        }
    }
}

#[test]
fn what_nobody_backs_up_has_no_records() {
    let now = "2026-11-21T12:00:00Z".parse().unwrap();
    for (number, kind) in ARCHETYPES.iter().enumerate() {
        let member = Member::new(1, number, 1.0);
        let never = kind.by_hand == ByHand::Never && matches!(kind.policy, Policy::Never);
        assert_eq!(backups(&member, now).is_empty(), never, "{}", kind.name);
    }
}

#[test]
fn a_stopped_plan_leaves_old_records_and_one_file() {
    let now = "2026-11-21T12:00:00Z".parse().unwrap();
    let member = fleet(1, 12, 1.0).into_iter().find(|member| matches!(member.kind.policy, Policy::Stopped(_))).unwrap();
    let automatic: Vec<Backup> = backups(&member, now).into_iter().filter(|backup| backup.automatic).collect();
    assert!(!automatic.is_empty());
    assert!(automatic.iter().all(|backup| backup.course.created_at < member.policy_dates.1));
    let whole = automatic.iter().filter(|backup| backup.course.at(now) == Stage::Succeeded).count();
    assert_eq!(whole, 1);
}

#[test]
fn an_instance_has_no_records_from_before_it_existed() {
    for number in 0..12 {
        let member = Member::new(1, number, 1.0);
        for days in [0, 1, 30, 100] {
            let now = member.created_at + SignedDuration::from_hours(24 * days);
            assert!(backups(&member, now).iter().all(|backup| backup.course.created_at > member.created_at));
            assert!(restores(&member, now).iter().all(|restore| restore.course.created_at > member.created_at));
        }
    }
}

#[test]
fn names_tell_the_moment_in_the_regions_time() {
    let at = "2019-05-10T08:31:16.166Z".parse().unwrap();
    assert_eq!(named("backup", at), "backup_20190510163116");
}

#[test]
fn backups_of_one_instance_grow_slowly() {
    let now = "2026-11-21T12:00:00Z".parse().unwrap();
    let sizes: Vec<u64> =
        backups(&Member::new(1, 0, 1.0), now).into_iter().map(|backup| backup.size).filter(|size| *size > 0).collect();
    assert!(sizes.len() > 10);
    for pair in sizes.windows(2) {
        let ratio = pair[0] as f64 / pair[1] as f64;
        assert!((0.9..1.1).contains(&ratio), "{sizes:?}");
    }
}
