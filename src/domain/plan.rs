//! The weekly slots of a backup policy, in absolute time.
//!
//! A policy names week days and an hour, in a zone that it gives as an offset from UTC. A [`WeeklyPlan`] holds
//! the resulting beginnings as seconds of the UTC week (a fixed offset has no summer time, so a week of slots
//! repeats for ever), and everything asked of it is arithmetic on that circle.
//! Source: the vendor's page "Querying a DCS Instance", table `BackupPolicy`.

use std::time::Duration;

use jiff::Timestamp;

/// Seconds of a week.
const WEEK: i64 = 7 * 24 * 3600;
/// Seconds between Monday 1969-12-29 00:00 UTC, where weeks begin here, and the Unix epoch (a Thursday).
const EPOCH_IN_WEEK: i64 = 3 * 24 * 3600;

/// `instance_backup_policy`, as far as it could be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackupPolicy {
    /// `backup_type` is `auto`. After a switch to `manual` the old plan stays in the answer and means nothing.
    pub automatic: bool,
    /// `updated_at`, else `created_at`: when it was last changed.
    pub updated_at: Option<Timestamp>,
    /// `save_days`.
    pub retention: Option<Duration>,
    /// `backup_at`: days of the week, 1 = Monday … 7 = Sunday, sorted, without duplicates.
    pub days: Vec<u8>,
    /// The beginning of `begin_at`, as minutes since midnight.
    pub begin_minute: Option<u16>,
    /// `timezone_offset`; absent where the cloud sends none.
    pub utc_offset: Option<UtcOffset>,
}

/// An offset from UTC in minutes, positive in the east, at most 14 hours either way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct UtcOffset(i16);

impl UtcOffset {
    /// UTC itself.
    pub const UTC: Self = Self(0);

    /// An offset of so many minutes; `None` beyond 14 hours.
    pub fn from_minutes(minutes: i16) -> Option<Self> {
        (-14 * 60..=14 * 60).contains(&minutes).then_some(Self(minutes))
    }

    /// Minutes east of UTC.
    pub fn minutes(self) -> i16 {
        self.0
    }

    /// Reads `+0800`, `-1200`, `+08:00`, `08:00`, `+08`, `+8`, `Z` and `UTC`; `None` for anything else, the empty
    /// text included.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if text.eq_ignore_ascii_case("z") || text.eq_ignore_ascii_case("utc") {
            return Some(Self::UTC);
        }
        let (sign, digits) = match text.strip_prefix('-') {
            Some(rest) => (-1, rest),
            None => (1, text.strip_prefix('+').unwrap_or(text)),
        };
        let (hours, minutes) = match digits.split_once(':') {
            Some(parts) => parts,
            None if digits.len() <= 2 => (digits, "00"),
            None => digits.split_at_checked(digits.len() - 2)?,
        };
        let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if !(1..=2).contains(&hours.len()) || minutes.len() != 2 || !all_digits(hours) || !all_digits(minutes) {
            return None;
        }
        let (hours, minutes): (i16, i16) = (hours.parse().ok()?, minutes.parse().ok()?);
        if minutes >= 60 {
            return None;
        }
        Self::from_minutes(sign * (hours * 60 + minutes))
    }
}

/// The beginnings of scheduled backups, repeating every week.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WeeklyPlan {
    /// Seconds since Monday 00:00 UTC, sorted, distinct, never empty.
    begins: Vec<i64>,
}

impl WeeklyPlan {
    /// The slots of so many days (1 = Monday … 7 = Sunday) at a minute of the day in a zone; `None` without a day.
    pub fn new(days: &[u8], begin_minute: u16, zone: UtcOffset) -> Option<Self> {
        let mut begins: Vec<i64> = days
            .iter()
            .filter(|day| (1..=7).contains(*day))
            .map(|day| {
                let local = (i64::from(*day) - 1) * 24 * 3600 + i64::from(begin_minute) * 60;
                (local - i64::from(zone.minutes()) * 60).rem_euclid(WEEK)
            })
            .collect();
        begins.sort_unstable();
        begins.dedup();
        (!begins.is_empty()).then_some(Self { begins })
    }

    /// The latest slot that has begun at `now`.
    pub fn latest(&self, now: Timestamp) -> Timestamp {
        let (week, second) = week_of(now);
        let begin = match self.begins.iter().rev().find(|begin| **begin <= second) {
            Some(begin) => week + begin,
            None => week - WEEK + self.begins[self.begins.len() - 1],
        };
        timestamp(begin)
    }

    /// The first slot that begins after `now`.
    pub fn next(&self, now: Timestamp) -> Timestamp {
        let (week, second) = week_of(now);
        let begin = match self.begins.iter().find(|begin| **begin > second) {
            Some(begin) => week + begin,
            None => week + WEEK + self.begins[0],
        };
        timestamp(begin)
    }

    /// The longest gap between two successive slots; a week where there is one.
    pub fn longest_gap(&self) -> Duration {
        longest_gap(&self.begins)
    }
}

impl BackupPolicy {
    /// The plan, in the zone it names or else in `default_zone`; `None` where backups are not scheduled or the
    /// policy's days or hour could not be read.
    pub fn plan(&self, default_zone: UtcOffset) -> Option<WeeklyPlan> {
        if !self.automatic {
            return None;
        }
        WeeklyPlan::new(&self.days, self.begin_minute?, self.utc_offset.unwrap_or(default_zone))
    }

    /// The longest gap between two scheduled backups of the week; it needs the days alone.
    pub fn expected_interval(&self) -> Option<Duration> {
        if !self.automatic {
            return None;
        }
        WeeklyPlan::new(&self.days, 0, UtcOffset::UTC).map(|plan| plan.longest_gap())
    }
}

fn longest_gap(begins: &[i64]) -> Duration {
    let wrap = begins[0] + WEEK - begins[begins.len() - 1];
    let longest = begins.windows(2).map(|pair| pair[1] - pair[0]).fold(wrap, i64::max);
    Duration::from_secs(longest.unsigned_abs())
}

/// The beginning of the week of a moment, and the whole seconds since.
fn week_of(moment: Timestamp) -> (i64, i64) {
    // `as_second` rounds towards 1970: before it, that would be after the moment.
    let second = moment.as_second() - i64::from(moment.subsec_nanosecond() < 0);
    let since = (second + EPOCH_IN_WEEK).rem_euclid(WEEK);
    (second - since, since)
}

fn timestamp(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap_or(if second < 0 { Timestamp::MIN } else { Timestamp::MAX })
}

#[cfg(test)]
mod tests;
