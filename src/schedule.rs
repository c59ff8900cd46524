//! What is due when: pure, `now` is an argument.
//!
//! [`Outlook`] holds what is known of one kind of records of one instance; [`Outlook::next`] tells from it when they
//! are worth reading again, and how urgent that is. It asks where an answer can tell something: closely where a backup
//! may end, now and then where it cannot have ended yet ([`usual`]), by the minute where one is due, ever more rarely
//! where one does not end. [`backoff`] stretches the time after failures; [`queue`] holds who is due when. Chance is a
//! hash ([`fraction`]): a simulation of the schedule repeats exactly, and yet no two instances keep step.

pub mod queue;
pub mod usual;

use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::config::Polling;
use crate::domain::facts::RecordFacts;
use crate::snapshot::PolicyView;
pub use queue::Queue;
use usual::Usual;

/// The end of a backup or restore is noticed within this part of the time it took, or within the active interval: by
/// the defaults 15 seconds up to a quarter of an hour, a minute after an hour. One that never ends is so read some
/// 350 times on its first day, and from then on like an idle one.
const PRECISION: u32 = 60;
/// While a backup cannot have ended yet it is read so many times, for its progress and in case it fails early.
const GLANCES: u32 = 4;
/// Restores are read so many times more rarely than backups where a listing would show one, …
const SELDOM: u32 = 4;
/// … but once in this time.
const SELDOM_AT_MOST: Duration = Duration::from_hours(1);

/// How urgent it is to read the records of an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cadence {
    /// A backup or restore is waiting or running.
    Active,
    /// A scheduled backup is due or overdue, or something has been running for long.
    Window,
    /// Nothing.
    Idle,
}

impl Cadence {
    /// The configured time between two polls.
    pub fn interval(self, polling: &Polling) -> Duration {
        match self {
            Self::Active => polling.active_interval,
            Self::Window => polling.window_interval,
            Self::Idle => polling.idle_interval,
        }
    }
}

/// What is known of one kind of records of one instance.
#[derive(Clone, Copy, Debug)]
pub struct Outlook<'a> {
    /// What the records say.
    pub facts: &'a RecordFacts,
    /// How long such backups or restores take.
    pub usual: &'a Usual,
    /// The plan; `None` for restores, and where nothing is scheduled.
    pub policy: Option<&'a PolicyView>,
    /// A slot's window lasts so long where no backup comes: `rpo_grace`.
    pub grace: Duration,
    /// The instance's status has said since then that one is under way.
    pub under_way_since: Option<Timestamp>,
    /// The time between two polls while nothing goes on.
    pub idle_interval: Duration,
}

/// When to read records again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Next {
    /// How urgent it is then.
    pub cadence: Cadence,
    /// The time until then.
    pub wait: Duration,
}

impl Outlook<'_> {
    /// What goes on at `now`.
    pub fn cadence(&self, polling: &Polling, now: Timestamp) -> Cadence {
        let lasting = self.in_progress(now).map(|lasting| (Cadence::Active, lasting));
        let under_way = self.under_way(now).map(|lasting| (Cadence::Window, lasting));
        let slot = self.unanswered_slot(now).map(|_| Cadence::Window);
        let slowed = [lasting, under_way].into_iter().flatten().map(|(cadence, lasting)| {
            let interval = lasting / PRECISION;
            let is_slower = |than: Cadence| interval >= than.interval(polling);
            match cadence {
                _ if is_slower(Cadence::Idle) => Cadence::Idle,
                _ if is_slower(Cadence::Window) => Cadence::Window,
                cadence => cadence,
            }
        });
        slowed.chain(slot).min().unwrap_or(Cadence::Idle)
    }

    /// When the records are to be read again.
    ///
    /// `phase` is the time until the instance's turn among the idle ones: see [`to_turn`]. Many instances share a
    /// slot, midnight say: `chance` in 0..1 spreads their first look over a window's interval.
    pub fn next(&self, polling: &Polling, phase: Duration, chance: f64, now: Timestamp) -> Next {
        let cadence = self.cadence(polling, now);
        let calm = phase.min(self.idle_interval);
        let slowed = |lasting: Duration, least: Duration| (lasting / PRECISION).max(least).min(self.idle_interval);
        let mut wait = calm;
        if let Some(lasting) = self.in_progress(now) {
            wait = wait.min(self.watched(polling, now).unwrap_or_else(|| slowed(lasting, polling.active_interval)));
        }
        if let Some(lasting) = self.under_way(now) {
            wait = wait.min(slowed(lasting, polling.window_interval));
        }
        if self.unanswered_slot(now).is_some() {
            wait = wait.min(polling.window_interval);
        }
        // Not past the next slot, where the window opens.
        let next_slot = self.policy.and_then(|policy| policy.next_scheduled(now));
        let to_slot = next_slot
            .and_then(|slot| Duration::try_from(slot.duration_since(now)).ok())
            .map(|wait| wait + polling.window_interval.mul_f64(chance));
        match to_slot {
            Some(to_slot) if to_slot < wait => Next { cadence: cadence.min(Cadence::Window), wait: to_slot },
            _ => Next { cadence, wait },
        }
    }

    /// The slot whose backup has not begun yet, or not where we look, until it is overdue.
    pub fn unanswered_slot(&self, now: Timestamp) -> Option<Timestamp> {
        let slot = self.policy?.last_scheduled(now)?;
        let overdue = now.duration_since(slot) > self.grace.try_into().unwrap_or(SignedDuration::MAX);
        let is_watched = self.facts.progress.newest_created_at.is_some();
        let mut of_slot = self.facts.automatic.iter().filter(|backup| backup.begun_at >= slot);
        let answered = of_slot.any(|backup| backup.finished || is_watched);
        (!overdue && !answered).then_some(slot)
    }

    /// How long the newest one has been waiting or running. Beside a record that is stuck for days another may be
    /// under way, so the newest decides.
    fn in_progress(&self, now: Timestamp) -> Option<Duration> {
        self.facts.progress.newest_created_at.map(|requested| since(requested, now))
    }

    /// How long the instance has been saying that one is under way, where no record does.
    fn under_way(&self, now: Timestamp) -> Option<Duration> {
        let begun = self.under_way_since.filter(|_| self.facts.progress.newest_created_at.is_none());
        begun.map(|begun| since(begun, now))
    }

    /// The time until the newest one in progress is worth reading again, where its usual duration tells.
    fn watched(&self, polling: &Polling, now: Timestamp) -> Option<Duration> {
        let (earliest, latest) = self.usual.range()?;
        let requested = self.facts.progress.newest_created_at?;
        let running = self.facts.progress.running.as_ref().map(|running| running.begun_at);
        let Some(begun) = running.filter(|begun| *begun >= requested) else {
            // It waits: whenever it begins, its end is yet further away.
            let wait = polling.window_interval.min(earliest).max(polling.active_interval);
            return (since(requested, now) < latest).then_some(wait);
        };
        // A beginning after our now is the cloud's slip of the pen.
        let lasting = since(if begun > now { requested } else { begun }, now);
        let glance = (earliest / GLANCES).max(polling.window_interval);
        match earliest.checked_sub(lasting) {
            Some(left) if !left.is_zero() => Some(left.min(glance).max(polling.active_interval)),
            _ => (lasting < latest).then_some(polling.active_interval),
        }
    }
}

/// The time since a moment, none where it is yet to come.
fn since(moment: Timestamp, now: Timestamp) -> Duration {
    Duration::try_from(now.duration_since(moment)).unwrap_or_default()
}

/// The time between two readings of the restores of an instance where nothing goes on.
///
/// Nobody schedules a restore, and one is rare. While listings tell of each instance whether it is being restored
/// (`is_listed`), the records hold no other news than what came and went between two listings. Without listings they
/// are read as often as backups.
pub fn restores_interval(polling: &Polling, is_listed: bool) -> Duration {
    let seldom = polling.idle_interval.saturating_mul(SELDOM).min(SELDOM_AT_MOST);
    if is_listed { seldom.max(polling.idle_interval) } else { polling.idle_interval }
}

/// The time until the turn of one of many that share an interval, each with its own place (`chance` in 0..1) in it.
///
/// `elapsed` is the time since the beginning of the schedule. Whatever disturbs the many, a slot, an outage, a crowd
/// of retries: a turn later each is in its place again.
pub fn to_turn(elapsed: Duration, interval: Duration, chance: f64) -> Duration {
    let (elapsed, length) = (elapsed.as_nanos(), interval.as_nanos().max(1));
    let place = interval.mul_f64(chance).as_nanos();
    let gone = (elapsed + length - place % length) % length;
    Duration::from_nanos(u64::try_from(length - gone).unwrap_or(u64::MAX))
}

/// The time until a failed poll is tried again: doubling from `base` to `cap`, a quarter more or less.
///
/// `failures` counts from 1; `chance` is in 0..1.
pub fn backoff(failures: u32, base: Duration, cap: Duration, chance: f64) -> Duration {
    let doubled = base.saturating_mul(1_u32 << failures.saturating_sub(1).min(20));
    doubled.min(cap.max(base)).mul_f64(0.75 + chance / 2.0)
}

/// A number in 0..1 that is always the same for the same value, and evenly spread over different ones.
pub fn fraction(value: impl Hash) -> f64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    (hasher.finish() >> 11) as f64 / (1_u64 << 53) as f64
}

#[cfg(test)]
mod tests;
