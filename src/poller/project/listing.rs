//! What a listing of a project's instances means for those that are watched (contract §5.3).
//!
//! An instance that a complete listing lacks is dropped at the second such listing in a row; but a listing that
//! lacks more than half of ten or more is believed only after it has said so for an hour: a lost permission looks
//! like that. A listing that is not whole drops nobody: the service may count more than it shows, or send what cannot
//! be read. Where it stays so, an instance that it lacks goes by its own word, which is 404. One that the listing has
//! and the filters of discovery leave out is no less seen: it is dropped at the second complete listing in a row that
//! shows it so, and is polled until then. Only where more than half are left out and have no tags any more is that
//! doubted for an hour too: tags that nobody may read look like that. Filters that were just changed are not doubted.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::time::Instant;

use super::outcome::LASTS_AFTER;
use super::{Moment, Project, Task};
use crate::cloud::CloudError;
use crate::cloud::listing::Extent;
use crate::domain::instance::Instance;
use crate::domain::selection::{Candidate, Traits, Verdict};
use crate::domain::tags::Tags;
use crate::domain::{InstanceId, Operation};
use crate::poller::instance::Watched;
use crate::poller::report;
use crate::schedule::fraction;

/// A listing that lacks more than half of at least so many instances is doubted, …
const ENOUGH_TO_DOUBT: usize = 10;
/// … for so long.
const DOUBT: Duration = Duration::from_hours(1);
/// Complete listings in a row that must lack an instance, or have it as one that is left out.
const MISSES: u32 = 2;

/// Whether listings that lack very much have been coming in, and since when.
#[derive(Debug, Default)]
pub(super) struct Doubt {
    since: Option<Instant>,
    is_waived: bool,
}

impl Doubt {
    /// None, until a listing has come that lacks little.
    pub(super) fn waived() -> Self {
        Self { since: None, is_waived: true }
    }

    /// Whether a complete listing that lacks so many of the watched instances is to be believed.
    pub(super) fn believes(&mut self, lacking: usize, watched: usize, now: Instant) -> bool {
        if watched < ENOUGH_TO_DOUBT || lacking * 2 <= watched {
            *self = Self::default();
            return true;
        }
        if self.is_waived {
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
    pub(super) fn apply_listing(&mut self, instances: &[Instance], extent: Extent, at: Moment) {
        // Switched off while the request was under way.
        if self.config.discovery.is_none() {
            return;
        }
        self.listing_failures = 0;
        if self.listing_error.take().is_some() && self.lines_of_all.allows(&self.config.name, at.steady) {
            report::listed_again(&self.config.name);
        }
        self.listed = Some(at.steady);
        let (mut left_out, mut bare) = (BTreeSet::new(), BTreeSet::new());
        let has_filter = self.config.discovery.as_ref().is_some_and(|discovery| !discovery.filter.is_none());
        for instance in instances {
            let is_selected = self.selects(instance);
            if !is_selected {
                left_out.insert(&instance.id);
                if instance.tags.as_ref().is_some_and(Tags::is_empty) {
                    bare.insert(&instance.id);
                }
            } else if !self.watched.contains_key(&instance.id) {
                self.watch(&instance.id, None, false, at.steady);
            }
            let Some(watched) = self.watched.get_mut(&instance.id) else {
                if has_filter {
                    self.unwatched.entry(instance.id.clone()).or_default().learn(instance);
                }
                continue;
            };
            let was_restoring = watched.restoring_since().is_some();
            if is_selected {
                watched.misses = 0;
            }
            watched.listed = Some(at.steady);
            watched.described(instance, at.wall);
            watched.refresh(&self.terms);
            if was_restoring != watched.restoring_since().is_some() {
                // One has begun or ended: the records tell more.
                self.queue.hasten(&Task::Restores(instance.id.clone()), at.steady, self.polling.active_interval);
            }
        }
        let listed: BTreeSet<&InstanceId> = instances.iter().map(|instance| &instance.id).collect();
        self.note_extent(instances.len(), extent, at);
        if matches!(extent, Extent::Short { .. }) {
            self.drop_not_found(&listed, at);
        }
        if extent == Extent::Whole {
            self.listed_at = Some(at.wall);
            self.left_out = left_out.len() as u64;
            self.unwatched.retain(|id, _| listed.contains(id));
            // The doubts are about the picture before this listing.
            let known = self.watched.len() + self.aside.len() + self.others.known();
            self.drop_vanished(&listed, known, at);
            if self.believes_bare(&bare, known, at) {
                self.drop_left_out(&left_out);
            } else {
                self.drop_left_out(&left_out.difference(&bare).copied().collect());
            }
            self.tell_misfits(instances, &left_out);
        }
        self.enqueue(Task::Listing, at.steady, self.due_listing(self.listing_interval()));
    }

    /// Takes note of how much a listing showed, of which it showed so many, and tells of what stays unseen.
    fn note_extent(&mut self, shown: usize, extent: Extent, at: Moment) {
        self.partial = if extent == Extent::Whole { 0 } else { self.partial.saturating_add(1) };
        let (hidden, unreadable) = match extent {
            Extent::Whole => (0, 0),
            Extent::Short { hidden, unreadable } => (hidden, unreadable),
            // One that is on the move is no news, many in a row are.
            Extent::Cut if self.partial == LASTS_AFTER => {
                return report::listing_cut(&self.config.name, shown);
            }
            Extent::Cut => return,
        };
        let unlisted = hidden + unreadable;
        let before = self.unlisted.replace(unlisted).unwrap_or(0);
        if before == unlisted || !self.lines_of_all.allows(&self.config.name, at.steady) {
            return;
        }
        if unlisted == 0 {
            report::listing_whole(&self.config.name, shown);
        } else {
            report::listing_short(&self.config.name, shown, hidden, unreadable);
        }
    }

    /// A listing that is not whole, and stays so, lacks these. Those that were found, and of which the service itself says
    /// that there are none, are gone.
    fn drop_not_found(&mut self, listed: &BTreeSet<&InstanceId>, at: Moment) {
        let is_gone = |watched: &Watched| !watched.by_hand && watched.is_not_found();
        let gone: Vec<InstanceId> = (self.watched.iter())
            .filter(|(id, watched)| !listed.contains(id) && is_gone(watched))
            .map(|(id, _)| id.clone())
            .collect();
        if self.doubt.believes(gone.len(), self.watched.len(), at.steady) {
            self.drop_missed(gone);
        }
    }

    /// Drops those of these that were found, at the second listing in a row.
    fn drop_missed(&mut self, lacking: Vec<InstanceId>) -> usize {
        let before = self.watched.len();
        for id in lacking {
            let Some(watched) = self.watched.get_mut(&id) else { continue };
            watched.misses += 1;
            if watched.by_hand || watched.misses < MISSES {
                continue;
            }
            report::vanished(&self.config.name, watched.view());
            self.unwatch(&id);
        }
        before - self.watched.len()
    }

    /// Whether discovery watches an instance of a listing, by all that was ever said of it: here, and nowhere else,
    /// filters apply. Those configured by hand are watched whatever they are.
    fn selects(&self, instance: &Instance) -> bool {
        let Some(filter) = self.config.discovery.as_ref().map(|discovery| &discovery.filter) else { return true };
        let watched = self.watched.get(&instance.id);
        let by_hand = watched.is_some_and(|watched| watched.by_hand) || self.others.is_by_hand(&instance.id);
        if filter.is_none() || by_hand {
            return true;
        }
        let known = watched.map(Watched::traits).or_else(|| self.unwatched.get(&instance.id));
        let mut traits = known.cloned().unwrap_or_default();
        traits.learn(instance);
        filter.selects(&Candidate { id: &instance.id, name: traits.name.as_deref(), traits: &traits })
    }

    /// Whether those that the filters leave out and that have no tags were meant to lose them; so many were known before.
    fn believes_bare(&mut self, bare: &BTreeSet<&InstanceId>, known: usize, at: Moment) -> bool {
        let leaving = bare.iter().filter(|id| self.watched.contains_key(id)).count()
            + self.aside.count(|id| bare.contains(id))
            + self.others.count(|id| bare.contains(id));
        let believed = self.doubt_of_bare.believes(leaving, known, at.steady);
        if !believed && self.doubt_of_bare.begins(at.steady) {
            report::bareness_doubted(&self.config.name, leaving, known);
        }
        believed
    }

    /// A complete listing has these and the filters leave them out.
    fn drop_left_out(&mut self, left_out: &BTreeSet<&InstanceId>) {
        self.aside.missed(MISSES, |id| left_out.contains(id));
        self.others.missed(MISSES, |id| left_out.contains(id));
        for id in left_out {
            let Some(watched) = self.watched.get_mut(id) else { continue };
            watched.misses += 1;
            if watched.misses >= MISSES
                && let Some(watched) = self.unwatch(id)
            {
                report::left_out(&self.config.name, watched.view());
                self.unwatched.insert((*id).clone(), watched.traits().clone());
            }
        }
    }

    /// A complete listing has these and no others; so many were known before.
    fn drop_vanished(&mut self, listed: &BTreeSet<&InstanceId>, known: usize, at: Moment) {
        let lacking: Vec<InstanceId> = self.watched.keys().filter(|id| !listed.contains(id)).cloned().collect();
        let of_others = self.others.lacking(listed);
        self.missing = Some((lacking.len() + of_others.of_watched) as u64);
        let lacks = lacking.len() + self.aside.count(|id| !listed.contains(id)) + of_others.of_known;
        if !self.doubt.believes(lacks, known, at.steady) {
            if self.doubt.begins(at.steady) {
                report::listing_doubted(&self.config.name, lacks, known);
            }
            return;
        }
        self.aside.missed(MISSES, |id| !listed.contains(id));
        self.others.missed(MISSES, |id| !listed.contains(id));
        self.others.unnamed_missed(MISSES);
        self.missing = Some((lacking.len() + self.others.lacking(listed).of_watched) as u64);
        let dropped = self.drop_missed(lacking) as u64;
        self.missing = self.missing.map(|missing| missing.saturating_sub(dropped));
    }

    /// Tells the log, at the first complete listing, which filter or override fits no instance at all: probably a slip.
    /// One that may still turn out to fit is none; what is listed counts, whichever shard watches it.
    fn tell_misfits(&mut self, instances: &[Instance], left_out: &BTreeSet<&InstanceId>) {
        if std::mem::replace(&mut self.misfits_told, true) {
            return;
        }
        if !instances.is_empty() && left_out.len() == instances.len() {
            report::nothing_selected(&self.config.name, instances.len());
        }
        let mut traits: Vec<(&InstanceId, Traits)> = Vec::new();
        for instance in instances.iter().filter(|instance| !left_out.contains(&instance.id)) {
            let mut said = Traits::default();
            said.learn(instance);
            traits.push((&instance.id, said));
        }
        let listed = traits.iter().map(|(id, traits)| Candidate { id, name: traits.name.as_deref(), traits });
        let candidates: Vec<Candidate<'_>> = listed.chain(self.watched.values().map(Watched::candidate)).collect();
        for (index, each) in self.terms.overrides.iter().enumerate() {
            if candidates.iter().all(|candidate| each.of.judge(candidate) == Verdict::No) {
                report::override_fits_none(&self.config.name, index);
            }
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
