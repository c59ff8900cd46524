//! Who is due when, and who goes first where several are due.
//!
//! A key is due at a time, and has a *measure*: the interval that its lateness is held against. Of all keys that are
//! due the one goes first that is late by most of its measure: what is read every 15 seconds and is 10 seconds late
//! goes before what is read every hour and is 10 minutes late. Where more is due than can be done, every interval is
//! so stretched by the same factor. Nobody starves: a key that waits gets ever later, one that was served begins anew.
//!
//! Keys of one measure stand in one line, and only the first of each line is looked at: there are but a few measures.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::Hash;
use std::ops::Sub;
use std::time::Duration;

/// The queue. `T` is a moment: tokio's in the program, anything that can be subtracted in tests.
#[derive(Clone, Debug)]
pub struct Queue<K, T> {
    /// By measure; of keys due at the same time the smaller stands first.
    lines: BTreeMap<Duration, BTreeSet<(T, K)>>,
    places: HashMap<K, (Duration, T)>,
}

impl<K, T> Default for Queue<K, T> {
    fn default() -> Self {
        Self { lines: BTreeMap::new(), places: HashMap::new() }
    }
}

impl<K: Ord + Hash + Clone, T: Ord + Copy + Sub<T, Output = Duration>> Queue<K, T> {
    /// Makes the key due at this time, whatever it was before.
    pub fn set(&mut self, key: K, at: T, measure: Duration) {
        self.remove(&key);
        self.places.insert(key.clone(), (measure, at));
        self.lines.entry(measure).or_default().insert((at, key));
    }

    /// Makes a waiting key due at this time and with this measure, but neither later nor less urgent than it is. A
    /// key that is not in the queue stays out.
    pub fn hasten(&mut self, key: &K, at: T, measure: Duration) {
        if let Some((known, due)) = self.places.get(key).copied()
            && (at < due || measure < known)
        {
            self.set(key.clone(), at.min(due), measure.min(known));
        }
    }

    /// Forgets a key.
    pub fn remove(&mut self, key: &K) {
        let Some((measure, at)) = self.places.remove(key) else { return };
        let Some(line) = self.lines.get_mut(&measure) else { return };
        line.remove(&(at, key.clone()));
        if line.is_empty() {
            self.lines.remove(&measure);
        }
    }

    /// Takes out the most urgent key of those due at `now`.
    pub fn pop_due(&mut self, now: T) -> Option<K> {
        let mut first: Option<(f64, &K)> = None;
        // From the shortest measure on: of equals the one that is asked for more often goes first.
        for (measure, line) in &self.lines {
            let Some((at, key)) = line.first().filter(|(at, _)| *at <= now) else { continue };
            let lateness = (now - *at).as_secs_f64() / measure.as_secs_f64().max(f64::MIN_POSITIVE);
            if first.is_none_or(|(most, _)| lateness > most) {
                first = Some((lateness, key));
            }
        }
        let key = first?.1.clone();
        self.remove(&key);
        Some(key)
    }

    /// Takes out the key that is due next, be it due or not.
    pub fn pop_next(&mut self) -> Option<K> {
        let heads = self.lines.values().filter_map(BTreeSet::first);
        let key = heads.min_by_key(|(at, _)| *at)?.1.clone();
        self.remove(&key);
        Some(key)
    }

    /// When the next key is due.
    pub fn next_at(&self) -> Option<T> {
        self.lines.values().filter_map(BTreeSet::first).map(|(at, _)| *at).min()
    }

    /// How many keys are due at `now`.
    pub fn due(&self, now: T) -> usize {
        self.lines.values().map(|line| line.iter().take_while(|(at, _)| *at <= now).count()).sum()
    }

    /// When a key is due, and its measure.
    pub fn place(&self, key: &K) -> Option<(T, Duration)> {
        self.places.get(key).map(|(measure, at)| (*at, *measure))
    }

    /// How many keys have which measure.
    pub fn measures(&self) -> impl Iterator<Item = (Duration, usize)> {
        self.lines.iter().map(|(measure, line)| (*measure, line.len()))
    }
}

#[cfg(test)]
mod tests;
