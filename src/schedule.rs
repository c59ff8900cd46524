//! What is due when: pure, `now` is an argument.
//!
//! [`cadence`] tells from an instance's records how often they are worth reading, [`until_next`] when to read them again; [`backoff`]
//! stretches it after failures; [`Queue`] holds who is due when. Chance is a hash ([`fraction`]): a simulation of
//! the schedule repeats exactly, and yet no two instances keep step.

use std::collections::{BTreeSet, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use jiff::Timestamp;

use crate::config::Polling;
use crate::domain::facts::RecordFacts;
use crate::snapshot::PolicyView;

/// A backup or restore that takes longer than this is watched at the window's cadence, …
const LONG: Duration = Duration::from_hours(6);
/// … and one that takes longer than this at the idle one: it will not end by being watched.
const ENDLESS: Duration = Duration::from_hours(24);

/// What is going on at an instance, as far as one kind of records tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cadence {
    /// A backup or restore is waiting or running.
    Active,
    /// A scheduled backup is due or overdue.
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

/// What the records (and for backups the plan) say goes on at `now`.
///
/// The window of a slot lasts until its backup has ended, or until it is overdue by `grace`.
pub fn cadence(facts: &RecordFacts, policy: Option<&PolicyView>, grace: Duration, now: Timestamp) -> Cadence {
    // The newest one decides: beside a record that is stuck for days another may be under way.
    if let Some(requested) = facts.progress.newest_created_at {
        let lasting = Duration::try_from(now.duration_since(requested)).unwrap_or_default();
        if lasting < LONG {
            return Cadence::Active;
        }
        if lasting < ENDLESS {
            return Cadence::Window;
        }
    }
    let in_window = policy.and_then(|policy| policy.last_scheduled(now)).is_some_and(|slot| {
        let overdue = now.duration_since(slot) > grace.try_into().unwrap_or(jiff::SignedDuration::MAX);
        let ended = facts.automatic.iter().any(|backup| backup.finished && backup.begun_at >= slot);
        !overdue && !ended
    });
    if in_window { Cadence::Window } else { Cadence::Idle }
}

/// The time until records are read again: the interval of their cadence, but not past the next slot, where the
/// window opens.
///
/// Many instances share a slot, midnight say: `chance` in 0..1 spreads their first look over a window's interval.
pub fn until_next(
    facts: &RecordFacts,
    policy: Option<&PolicyView>,
    polling: &Polling,
    grace: Duration,
    chance: f64,
    now: Timestamp,
) -> (Cadence, Duration) {
    let cadence = cadence(facts, policy, grace, now);
    let interval = cadence.interval(polling);
    let to_slot = policy
        .and_then(|policy| policy.next_scheduled(now))
        .and_then(|slot| Duration::try_from(slot.duration_since(now)).ok())
        .map(|wait| wait + polling.window_interval.mul_f64(chance));
    (cadence, to_slot.map_or(interval, |wait| interval.min(wait)))
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

/// Who is due when. Each key has one time; of keys due at the same time the smaller comes first.
#[derive(Clone, Debug)]
pub struct Queue<K, T> {
    order: BTreeSet<(T, K)>,
    times: HashMap<K, T>,
}

impl<K, T> Default for Queue<K, T> {
    fn default() -> Self {
        Self { order: BTreeSet::new(), times: HashMap::new() }
    }
}

impl<K: Ord + Hash + Clone, T: Ord + Copy> Queue<K, T> {
    /// Makes the key due at this time, whatever it was before.
    pub fn set(&mut self, key: K, at: T) {
        self.remove(&key);
        self.times.insert(key.clone(), at);
        self.order.insert((at, key));
    }

    /// Makes a waiting key due at this time, unless it is due sooner. A key that is not in the queue stays out.
    pub fn hasten(&mut self, key: &K, at: T) {
        if self.times.get(key).is_some_and(|due| *due > at) {
            self.set(key.clone(), at);
        }
    }

    /// Forgets a key.
    pub fn remove(&mut self, key: &K) {
        if let Some(at) = self.times.remove(key) {
            self.order.remove(&(at, key.clone()));
        }
    }

    /// Takes out the first key that is due at `now`.
    pub fn pop_due(&mut self, now: T) -> Option<(K, T)> {
        if self.order.first()?.0 > now {
            return None;
        }
        let (at, key) = self.order.pop_first()?;
        self.times.remove(&key);
        Some((key, at))
    }

    /// When the next key is due.
    pub fn next_at(&self) -> Option<T> {
        self.order.first().map(|(at, _)| *at)
    }

    /// How many keys are due at `now`.
    pub fn due(&self, now: T) -> usize {
        self.order.iter().take_while(|(at, _)| *at <= now).count()
    }
}

#[cfg(test)]
mod tests;
