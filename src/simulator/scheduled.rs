//! Automatic backups: one in every slot of the weekly plan, and after a failure up to three more, an hour apart.
//!
//! The calendar is the real one whatever the speed: slots are whole hours of week days in the plan's zone, and
//! files live for days. An automatic backup that finds the instance busy fails with `dcs.08.0008`.

use jiff::{SignedDuration, Timestamp};

use super::archetype::{Policy, Trouble};
use super::by_hand::Periods;
use super::chance::{Chance, millis};
use super::course::{Course, Gone};
use super::fleet::Member;

const DAY: SignedDuration = SignedDuration::from_hours(24);
const HOUR: SignedDuration = SignedDuration::from_hours(1);
const SECOND: SignedDuration = SignedDuration::from_secs(1);
const MINUTE: SignedDuration = SignedDuration::from_mins(1);
/// The first attempt and three more (page "Backup and Restoration Overview").
const ATTEMPTS: i64 = 4;
/// The instance was busy with another task.
pub(super) const BUSY: &str = "dcs.08.0008";
const CODES: [&str; 6] = ["dcs.08.0001", "dcs.08.0002", "dcs.08.0003", "dcs.08.0004", "dcs.08.0005", "dcs.08.0006"];

/// An automatic backup and what identifies it: the number of its day and of its attempt.
pub(super) struct Scheduled {
    /// What happens to it.
    pub(super) course: Course,
    /// Different for each of an instance.
    pub(super) number: i64,
}

/// The automatic backups requested by `now`, newest first, at least `enough` if there were so many.
pub(super) fn backups(member: &Member, now: Timestamp, enough: usize) -> Vec<Scheduled> {
    let Some(weekly) = member.weekly() else { return Vec::new() };
    let (made_at, changed_at) = member.policy_dates;
    let until = match member.kind.policy {
        Policy::Stopped(_) => now.min(changed_at),
        _ => now,
    };
    let east = weekly.zone.map_or(SignedDuration::ZERO, |(_, minutes)| MINUTE * minutes);
    let begins = HOUR * i32::from(member.begin_hour);
    let by_hand = Periods::of(member);
    let mut found: Vec<Scheduled> = Vec::new();
    let mut replaced_at: Option<Timestamp> = None;
    let mut day = days_since_epoch(until + east);
    while found.len() < enough {
        let slot = Timestamp::UNIX_EPOCH + SignedDuration::from_hours(24 * day) + begins - east;
        if slot < made_at {
            break;
        }
        if slot <= until && weekly.days.contains(&weekday(day)) {
            let mut of_slot = attempts(member, by_hand.as_ref(), day, slot);
            of_slot.retain(|attempt| attempt.course.created_at <= until);
            for mut attempt in of_slot.into_iter().rev() {
                if attempt.course.failure.is_none() {
                    let own_time = attempt.course.created_at + DAY * i32::from(weekly.save_days);
                    // At least one file is kept, however old.
                    attempt.course.gone = replaced_at.map(|replaced_at| (own_time.max(replaced_at), Gone::Expired));
                    replaced_at = Some(attempt.course.ended_at);
                }
                found.push(attempt);
            }
        }
        day -= 1;
    }
    found
}

/// The attempts for one slot, the last of which succeeds, if one does.
fn attempts(member: &Member, by_hand: Option<&Periods<'_>>, day: i64, slot: Timestamp) -> Vec<Scheduled> {
    let draw = member.chance.of("scheduled").nth(day);
    let sooner = |duration: SignedDuration| millis(duration.as_secs_f64() * 1000.0 / member.speed);
    let mut made = Vec::new();
    for attempt in 0..ATTEMPTS {
        let draw = draw.nth(attempt);
        let created_at =
            slot + HOUR * i32::try_from(attempt).unwrap_or(0) + draw.of("late").between(30 * SECOND, 9 * MINUTE);
        let waits = sooner(draw.of("waits").between(20 * SECOND, 90 * SECOND));
        let runs = sooner(draw.of("runs").between(5 * MINUTE, 25 * MINUTE));
        let collides = by_hand.is_some_and(|periods| periods.overlap(created_at, created_at + waits + runs))
            || member.kind.trouble == Trouble::Collides && attempt == 0 && day.rem_euclid(9) == 4;
        let course = if collides {
            // It never begins: it waits until somebody notices.
            Course::new(created_at, waits + sooner(2 * SECOND), SignedDuration::ZERO, Some((BUSY, 0.0)))
        } else {
            Course::new(created_at, waits, runs, odd_failure(member, draw, day))
        };
        let succeeds = course.failure.is_none();
        made.push(Scheduled { course, number: day * ATTEMPTS + attempt });
        if succeeds {
            break;
        }
    }
    made
}

fn odd_failure(member: &Member, draw: Chance, day: i64) -> Option<(&'static str, f64)> {
    let bad_day = member.kind.trouble == Trouble::BadDays && day.rem_euclid(10) < 2;
    let fails = bad_day || draw.of("fails").happens(0.05);
    fails.then(|| (draw.of("code").pick(&CODES), 0.1 + 0.8 * draw.of("done").fraction()))
}

fn days_since_epoch(local: Timestamp) -> i64 {
    local.as_second().div_euclid(24 * 3600)
}

/// 1 = Monday … 7 = Sunday; the epoch was a Thursday.
fn weekday(day: i64) -> u8 {
    u8::try_from((day + 3).rem_euclid(7) + 1).unwrap_or(1)
}
