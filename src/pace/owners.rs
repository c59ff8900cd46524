//! Whose pace is whose, over all configurations that a process sees.
//!
//! A pace belongs to its owner's name: a project that goes and comes back, or whose client is built anew, finds the
//! bucket that it has left behind, and one that gets another name takes it along. Otherwise every reload would be a
//! fresh token.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;

use super::Pace;
use crate::config::Limits;

/// The paces of these owners.
#[derive(Debug)]
pub struct Owners<K>(HashMap<K, Arc<Pace>>);

impl<K> Default for Owners<K> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<K: Eq + Hash> Owners<K> {
    /// The pace of an owner: the one that it has, with the limits that it has, or a new one with these.
    pub fn pace(&mut self, owner: K, limits: Limits) -> Arc<Pace> {
        Arc::clone(self.0.entry(owner).or_insert_with(|| Arc::new(Pace::new(limits))))
    }

    /// The pace of an owner becomes another's.
    pub fn hand_on(&mut self, owner: &K, heir: K) {
        if let Some(pace) = self.0.remove(owner) {
            self.0.insert(heir, pace);
        }
    }

    /// Forgets those that nobody uses, once a new one would let no more go.
    pub fn sweep(&mut self) {
        self.0.retain(|_, pace| Arc::strong_count(pace) > 1 || !pace.is_as_new());
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn who_comes_back_finds_the_bucket_as_it_was() {
        let limits = Limits { requests_per_second: 0.1, burst: 5, concurrency: 1 };
        let mut owners = Owners::default();
        let pace = owners.pace("prod", limits);
        drop(crate::pace::acquire(std::slice::from_ref(&pace)).await);
        assert!(Arc::ptr_eq(&pace, &owners.pace("prod", limits)));
        assert!(!Arc::ptr_eq(&pace, &owners.pace("other", limits)));
        drop(pace);
        owners.sweep();
        assert_eq!(owners.0.len(), 1, "the unused one is forgotten, the empty one is not");
        let begin = tokio::time::Instant::now();
        let again = [owners.pace("prod", limits)];
        drop(crate::pace::acquire(&again).await);
        assert!(begin.elapsed() >= Duration::from_secs(10), "{:?}", begin.elapsed());
        again[0].slow_down(None);
        tokio::time::sleep(Duration::from_secs(15)).await;
        drop(again);
        owners.sweep();
        assert_eq!(owners.0.len(), 1, "the cloud has slowed it down");
        tokio::time::sleep(Duration::from_mins(10)).await;
        owners.sweep();
        assert_eq!(owners.0.len(), 0);
    }
}
