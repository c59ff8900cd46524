//! Backups and restores that people ask for: one pair in every period, the periods numbered since the epoch.
//!
//! Whatever is asked of period 17 has the same answer at every moment, so nothing needs to be remembered. Within a
//! period the backup ends before the restore begins; pairs of one instance never overlap.

use jiff::{SignedDuration, Timestamp};

use super::archetype::{BUSY_PERIOD, ByHand};
use super::chance::{Chance, millis};
use super::course::{Course, Gone};
use super::fleet::Member;

const SECOND: SignedDuration = SignedDuration::from_secs(1);
const MINUTE: SignedDuration = SignedDuration::from_mins(1);

/// Why backups fail that somebody asked for.
const BACKUP_CODES: [&str; 6] =
    ["dcs.08.0001", "dcs.08.0002", "dcs.08.0003", "dcs.08.0004", "dcs.08.0005", "dcs.08.0006"];
/// Why restores fail.
const RESTORE_CODES: [&str; 3] = ["dcs.08.0007", "dcs.08.0001", "dcs.08.0002"];

/// The periods of one instance.
pub(super) struct Periods<'a> {
    member: &'a Member,
    /// Only for busy instances: the quarter of the period by which it is shifted against others, 0 to 3. The
    /// quarters take turns, so that a fleet with all four shows every code at any moment, and a failure, an expiry
    /// and a deletion every other period.
    quarter: Option<i64>,
    length_ms: i64,
    phase_ms: i64,
}

impl<'a> Periods<'a> {
    /// `None` where nobody ever asks for a backup.
    pub(super) fn of(member: &'a Member) -> Option<Self> {
        let length = match member.kind.by_hand {
            ByHand::Never => return None,
            ByHand::EveryDays(days) => SignedDuration::from_hours(24 * i64::from(days)),
            ByHand::Busy => BUSY_PERIOD,
        };
        let length_ms = milliseconds(millis(length.as_secs_f64() * 1000.0 / member.speed)).max(1000);
        let phase_ms = milliseconds(millis(length_ms as f64 * member.phase));
        let quarter = || [0.25, 0.5, 0.75].iter().map(|begin| i64::from(member.phase >= *begin)).sum();
        let quarter = (member.kind.by_hand == ByHand::Busy).then(quarter);
        Some(Self { member, quarter, length_ms, phase_ms })
    }

    /// The number of the period at this moment.
    pub(super) fn at(&self, now: Timestamp) -> i64 {
        (now.as_millisecond() - self.phase_ms).div_euclid(self.length_ms)
    }

    /// The backup of this period, unless the instance did not exist yet.
    pub(super) fn backup(&self, period: i64) -> Option<Course> {
        let (draw, busy) = (self.draw("backup", period), self.quarter.is_some());
        let created_at = if busy {
            self.moment(period, 0.02 + 0.02 * draw.of("begin").fraction())
        } else {
            self.moment(period, 0.5 * draw.of("begin").fraction())
        };
        let waits = if busy { (270 * SECOND, 330 * SECOND) } else { (20 * SECOND, 90 * SECOND) };
        let mut course = Course::new(
            created_at,
            self.sooner(draw.of("waits").between(waits.0, waits.1)),
            self.sooner(draw.of("runs").between(10 * MINUTE, 15 * MINUTE)),
            self.failure(draw, period, &BACKUP_CODES),
        );
        if course.failure.is_none() {
            course.gone = self.fate(draw, period);
        }
        (created_at > self.member.created_at).then_some(course)
    }

    /// The restore of this period, with the number of the period whose backup it restores.
    pub(super) fn restore(&self, period: i64) -> Option<(Course, i64)> {
        let (draw, busy) = (self.draw("restore", period), self.quarter.is_some());
        if !busy && !draw.of("made").happens(0.3) {
            return None;
        }
        let source = [period, period - 1]
            .into_iter()
            .find(|source| self.backup(*source).is_some_and(|backup| backup.failure.is_none()))?;
        let created_at = if busy {
            self.moment(period, 0.40 + 0.04 * draw.of("begin").fraction())
        } else {
            self.moment(period, 0.6 + 0.3 * draw.of("begin").fraction())
        };
        let (waits, runs) = if busy {
            ((2 * MINUTE, 4 * MINUTE), (12 * MINUTE, 25 * MINUTE))
        } else {
            ((10 * SECOND, 60 * SECOND), (2 * MINUTE, 25 * MINUTE))
        };
        let course = Course::new(
            created_at,
            self.sooner(draw.of("waits").between(waits.0, waits.1)),
            self.sooner(draw.of("runs").between(runs.0, runs.1)),
            self.failure(draw, period + 2, &RESTORE_CODES),
        );
        Some((course, source))
    }

    /// Whether a backup or restore of these periods is under way at any moment from `begin` to `end`.
    pub(super) fn overlap(&self, begin: Timestamp, end: Timestamp) -> bool {
        (self.at(begin)..=self.at(end)).any(|period| {
            let backup = self.backup(period);
            let restore = self.restore(period).map(|(course, _)| course);
            backup.into_iter().chain(restore).any(|course| course.overlaps(begin, end))
        })
    }

    /// Where to draw what concerns the backup or restore of a period.
    pub(super) fn draw(&self, what: &str, period: i64) -> Chance {
        self.member.chance.of(what).nth(period)
    }

    /// Busy instances fail in every fifth period, with each code in turn; others now and then.
    fn failure(&self, draw: Chance, period: i64, codes: &[&'static str]) -> Option<(&'static str, f64)> {
        let done = 0.7 + 0.25 * draw.of("done").fraction();
        let Some(quarter) = self.quarter else {
            return draw.of("fails").happens(0.1).then(|| (draw.of("code").pick(codes), done));
        };
        let turns = i64::try_from(codes.len()).unwrap_or(1);
        let turn = ((period - quarter).div_euclid(5) + 2 * quarter).rem_euclid(turns);
        ((period - quarter).rem_euclid(5) == 0).then(|| (codes[usize::try_from(turn).unwrap_or(0)], done))
    }

    /// What becomes of the file: some expire, some are deleted, the others stay until newer ones push them out.
    fn fate(&self, draw: Chance, period: i64) -> Option<(Timestamp, Gone)> {
        let drawn = draw.of("gone").fraction();
        match self.quarter {
            Some(quarter) => {
                let gone = match (period + quarter).rem_euclid(3) {
                    1 => Gone::Expired,
                    2 => Gone::Deleted,
                    _ => return None,
                };
                Some((self.moment(period, 3.0 + 0.3 * drawn), gone))
            }
            None => draw.of("fate").happens(0.3).then(|| (self.moment(period, 2.0 + 5.0 * drawn), Gone::Deleted)),
        }
    }

    /// The moment at this part of a period; beyond 1 it lies in a later one.
    fn moment(&self, period: i64, part: f64) -> Timestamp {
        let begin = period.saturating_mul(self.length_ms).saturating_add(self.phase_ms);
        Timestamp::from_millisecond(begin).unwrap_or(Timestamp::UNIX_EPOCH) + millis(self.length_ms as f64 * part)
    }

    /// A duration of the real cloud at this fleet's speed.
    fn sooner(&self, duration: SignedDuration) -> SignedDuration {
        millis(duration.as_secs_f64() * 1000.0 / self.member.speed)
    }
}

fn milliseconds(duration: SignedDuration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
