//! The instances of a project that other shards watch, as far as this one must know of them.
//!
//! `dcs_project_*` says the same on every shard, and whether a listing is believed must not depend on who watches what
//! it lacks. So each shard keeps the ids of all, and how often they were lacked; nothing else of those that are not its
//! own.
//!
//! Ids of others are not stored, their number is. After a restart they are *unnamed* until a listing names them.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::InstanceId;

/// What other shards watch.
#[derive(Debug, Default)]
pub(super) struct Others {
    named: BTreeMap<InstanceId, Other>,
    unnamed: Unnamed,
}

#[derive(Debug, Default)]
struct Other {
    by_hand: bool,
    /// Complete listings in a row that lacked it.
    misses: u32,
}

#[derive(Debug, Default)]
struct Unnamed {
    count: usize,
    misses: u32,
    /// They counted as watched, and what was stored is young enough to say so still.
    watched: bool,
}

impl Others {
    /// It is configured, or a listing has it.
    pub(super) fn note(&mut self, id: &InstanceId, by_hand: bool) {
        if let Some(other) = self.named.get_mut(id) {
            other.by_hand |= by_hand;
            other.misses = 0;
            return;
        }
        self.named.insert(id.clone(), Other { by_hand, misses: 0 });
        self.name_one();
    }

    /// It was this shard's own before a restart, and found.
    pub(super) fn remember(&mut self, id: &InstanceId, misses: u32) {
        self.named.entry(id.clone()).or_default().misses = misses;
    }

    /// There were so many more before a restart.
    pub(super) fn remember_unnamed(&mut self, count: usize, watched: bool) {
        self.unnamed = Unnamed { count, misses: 0, watched };
    }

    /// One that was not known by its id has turned up, here or as this shard's own.
    pub(super) fn name_one(&mut self) {
        self.unnamed.count = self.unnamed.count.saturating_sub(1);
    }

    /// How many are known by their ids.
    pub(super) fn named(&self) -> usize {
        self.named.len()
    }

    /// How many there are, as far as is known.
    pub(super) fn known(&self) -> usize {
        self.named.len() + self.unnamed.count
    }

    /// How many of them are watched, as far as may be said.
    pub(super) fn watched(&self) -> usize {
        self.named.len() + self.unnamed.watched()
    }

    /// How many of those that are known by their ids these are.
    pub(super) fn count(&self, these: impl Fn(&InstanceId) -> bool) -> usize {
        self.named.keys().filter(|id| these(id)).count()
    }

    /// How many a listing lacks of those that are known, and of those that are watched.
    pub(super) fn lacking(&self, listed: &BTreeSet<&InstanceId>) -> Lacking {
        let named = self.named.keys().filter(|id| !listed.contains(id)).count();
        Lacking { of_known: named + self.unnamed.count, of_watched: named + self.unnamed.watched() }
    }

    /// Whether it is configured by hand.
    pub(super) fn is_by_hand(&self, id: &InstanceId) -> bool {
        self.named.get(id).is_some_and(|other| other.by_hand)
    }

    /// A complete listing lacked these, or had them as ones that the filters leave out; after so many such listings
    /// they are forgotten.
    pub(super) fn missed(&mut self, most: u32, these: impl Fn(&InstanceId) -> bool) {
        self.named.retain(|id, other| {
            other.misses += u32::from(these(id));
            other.by_hand || other.misses < most
        });
    }

    /// A complete listing is believed, and those that are known by their number alone are still not among it.
    pub(super) fn unnamed_missed(&mut self, most: u32) {
        self.unnamed.misses += 1;
        if self.unnamed.misses >= most {
            self.unnamed = Unnamed::default();
        }
    }

    /// These are configured by hand now, and no others; of the rest only what can be found may be there still.
    pub(super) fn configure(&mut self, by_hand: &BTreeSet<InstanceId>, is_discovered: bool) {
        for (id, other) in &mut self.named {
            other.by_hand = by_hand.contains(id);
        }
        if !is_discovered {
            self.forget_found();
        }
    }

    /// Only what is configured is true still.
    pub(super) fn forget_found(&mut self) {
        self.named.retain(|_, other| other.by_hand);
        self.unnamed = Unnamed::default();
    }
}

impl Unnamed {
    fn watched(&self) -> usize {
        if self.watched { self.count } else { 0 }
    }
}

/// How many a listing lacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Lacking {
    pub(super) of_known: usize,
    pub(super) of_watched: usize,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lacking(others: &Others, listed: &[&str]) -> (usize, usize) {
        let listed: Vec<InstanceId> = listed.iter().map(|id| InstanceId::from(*id)).collect();
        let Lacking { of_known, of_watched } = others.lacking(&listed.iter().collect());
        (of_known, of_watched)
    }

    fn missed(others: &mut Others, listed: &[&str]) {
        let listed: Vec<InstanceId> = listed.iter().map(|id| InstanceId::from(*id)).collect();
        others.missed(2, |id| !listed.contains(id));
        others.unnamed_missed(2);
    }

    #[test]
    fn what_is_lacked_twice_in_a_row_is_forgotten_unless_it_is_configured() {
        let mut others = Others::default();
        for (id, by_hand) in [("a", false), ("b", false), ("hand", true), ("hand", false)] {
            others.note(&id.into(), by_hand);
        }
        assert_eq!((others.known(), others.watched(), lacking(&others, &["a"])), (3, 3, (2, 2)));
        missed(&mut others, &["a"]);
        others.note(&"b".into(), false);
        missed(&mut others, &["a", "b"]);
        missed(&mut others, &["a"]);
        assert_eq!(others.known(), 3, "b was there in between");
        missed(&mut others, &["a"]);
        assert_eq!((others.known(), lacking(&others, &["a"])), (2, (1, 1)), "hand stays and is lacking");
        others.forget_found();
        assert_eq!(others.known(), 1);
    }

    #[test]
    fn the_unnamed_become_named_or_are_forgotten() {
        for watched in [true, false] {
            let mut others = Others::default();
            others.remember(&"own".into(), 1);
            others.remember_unnamed(3, watched);
            let shown = |count: usize| if watched { count } else { 0 };
            assert_eq!((others.known(), others.watched()), (4, 1 + shown(3)));
            others.note(&"a".into(), false);
            others.name_one();
            assert_eq!((others.known(), others.watched()), (3, 2 + shown(1)));
            assert_eq!(lacking(&others, &["a"]), (2, 1 + shown(1)));
            missed(&mut others, &["a"]);
            assert_eq!(others.known(), 2, "own was lacked once before, the unnamed one now");
            missed(&mut others, &["a"]);
            assert_eq!((others.known(), others.watched()), (1, 1));
        }
    }
}
