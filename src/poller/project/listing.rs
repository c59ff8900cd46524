//! What a listing of a project's instances means for those that are watched (contract §5.3).
//!
//! An instance that a complete listing lacks is dropped at the second such listing in a row; but a listing that
//! lacks more than half of ten or more is believed only after it has said so for an hour: a lost permission looks
//! like that.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::time::Instant;

use super::{Moment, Project, Task};
use crate::cloud::CloudError;
use crate::domain::instance::Instance;
use crate::domain::{InstanceId, Operation};
use crate::poller::report;
use crate::schedule::fraction;

/// A listing that lacks more than half of at least so many instances is doubted, …
const ENOUGH_TO_DOUBT: usize = 10;
/// … for so long.
const DOUBT: Duration = Duration::from_hours(1);
/// Complete listings in a row that must lack an instance.
const MISSES: u32 = 2;

/// Whether listings that lack very much have been coming in, and since when.
#[derive(Debug, Default)]
pub(super) struct Doubt {
    since: Option<Instant>,
}

impl Doubt {
    /// Whether a complete listing that lacks so many of the watched instances is to be believed.
    pub(super) fn believes(&mut self, lacking: usize, watched: usize, now: Instant) -> bool {
        if watched < ENOUGH_TO_DOUBT || lacking * 2 <= watched {
            self.since = None;
            return true;
        }
        let since = *self.since.get_or_insert(now);
        now.duration_since(since) >= DOUBT
    }

    /// Whether the doubt has begun just now.
    fn begins(&self, now: Instant) -> bool {
        self.since == Some(now)
    }
}

impl Project {
    pub(super) fn apply_listing(&mut self, instances: &[Instance], complete: bool, at: Moment) {
        // Switched off while the request was under way.
        if self.config.discovery.is_none() {
            return;
        }
        self.listing_failures = 0;
        if self.listing_error.take().is_some() && self.lines_of_all.allows(&self.config.name, at.steady) {
            report::listed_again(&self.config.name);
        }
        self.listed = Some(at.steady);
        for instance in instances {
            if !self.watched.contains_key(&instance.id) {
                self.watch(&instance.id, None, false, at.steady);
            }
            let Some(watched) = self.watched.get_mut(&instance.id) else { continue };
            let was_restoring = watched.restoring_since().is_some();
            watched.misses = 0;
            watched.listed = Some(at.steady);
            watched.described(instance, at.wall);
            watched.refresh(&self.terms);
            if was_restoring != watched.restoring_since().is_some() {
                // One has begun or ended: the records tell more.
                self.queue.hasten(&Task::Restores(instance.id.clone()), at.steady, self.polling.active_interval);
            }
        }
        if complete {
            self.listed_at = Some(at.wall);
            self.drop_vanished(instances, at);
        }
        self.enqueue(Task::Listing, at.steady, self.due_listing(self.listing_interval()));
    }

    fn drop_vanished(&mut self, instances: &[Instance], at: Moment) {
        let listed: BTreeSet<&InstanceId> = instances.iter().map(|instance| &instance.id).collect();
        let lacking: Vec<InstanceId> = self.watched.keys().filter(|id| !listed.contains(id)).cloned().collect();
        self.missing = Some(lacking.len() as u64);
        let aside = self.aside.len();
        let (lacks, known) = (lacking.len() + aside, self.watched.len() + aside);
        if !self.doubt.believes(lacks, known, at.steady) {
            if self.doubt.begins(at.steady) {
                report::listing_doubted(&self.config.name, lacks, known);
            }
            return;
        }
        self.aside.missed(MISSES);
        for id in lacking {
            let Some(watched) = self.watched.get_mut(&id) else { continue };
            watched.misses += 1;
            if watched.by_hand || watched.misses < MISSES {
                continue;
            }
            report::vanished(&self.config.name, watched.view());
            self.unwatch(&id);
            self.missing = self.missing.map(|missing| missing.saturating_sub(1));
        }
    }

    pub(super) fn retry_listing(&mut self, error: &CloudError, at: Moment) {
        if self.config.discovery.is_none() {
            return;
        }
        self.listing_failures = self.listing_failures.saturating_add(1);
        let chance = fraction((self.config.name.as_str(), self.listing_failures));
        let wait = self.wait_after_failure(error.kind, Operation::Instances, self.listing_failures, chance);
        self.listed = Some(at.steady);
        self.enqueue(Task::Listing, at.steady, self.due_listing(wait));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_missing_ones_are_believed_at_once_and_many_after_an_hour() {
        let now = Instant::now();
        for (lacking, watched, believed) in
            [(1, 1, true), (9, 9, true), (5, 10, true), (6, 10, false), (10, 10, false), (0, 50, true), (26, 50, false)]
        {
            assert_eq!(Doubt::default().believes(lacking, watched, now), believed, "{lacking} of {watched}");
        }
        let mut doubt = Doubt::default();
        let minute = Duration::from_mins(1);
        assert!(!doubt.believes(10, 10, now) && doubt.begins(now));
        assert!(!doubt.believes(9, 10, now + 59 * minute) && !doubt.begins(now + 59 * minute), "told once");
        assert!(doubt.believes(9, 10, now + 60 * minute));
    }

    #[test]
    fn a_good_listing_in_between_starts_the_hour_anew() {
        let now = Instant::now();
        let minute = Duration::from_mins(1);
        let mut doubt = Doubt::default();
        assert!(!doubt.believes(10, 10, now));
        assert!(doubt.believes(0, 10, now + 30 * minute));
        assert!(!doubt.believes(10, 10, now + 70 * minute));
        assert!(!doubt.believes(10, 10, now + 129 * minute));
        assert!(doubt.believes(10, 10, now + 130 * minute));
    }
}
