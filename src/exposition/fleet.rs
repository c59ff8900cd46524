//! The fleet's families, kept from scrape to scrape: a poll that changes nothing renders nothing, one that changes an
//! instance renders the [`Block`]s of its group in the families that say something else now.
//!
//! Whether a family says something else of an instance is not reasoned about but tried: it is asked of the old and the
//! new view, and the answers are compared. What changes without a poll is the clock's doing: ages are rendered at most
//! once a second, slots and the look-back window of a group when its next turn has come.
//!
//! The whole always says what [`families::write`] says of the same picture at the same moment.

mod group;

use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;

use super::blocks::Block;
use super::families::{self, At, Emit, Family, Kind};
use super::gzip::{Joined, Packed};
use super::pieces::{Piece, Pieces};
use crate::snapshot::{ProjectView, Snapshot};
use group::{Group, Member};

/// Blocks below this size are compressed together with their neighbours: each one has to say every label anew.
const SMALL: usize = 8 * 1024;

/// All families of a picture at a moment.
#[derive(Debug)]
pub(super) struct Fleet {
    snapshot: Arc<Snapshot>,
    moment: Timestamp,
    groups: Vec<Group>,
    /// In the order of the output.
    families: Vec<Whole>,
}

/// A family.
#[derive(Debug)]
struct Whole {
    family: &'static Family,
    /// HELP and TYPE.
    header: Bytes,
    /// What it says of the projects themselves.
    projects: Bytes,
    /// All of it; `None` when something has changed.
    plain: Option<Arc<Pieces>>,
    /// All of it, compressed; likewise.
    packed: Option<Joined>,
}

/// Which families have changed, in the order of the output.
#[derive(Clone, Debug)]
struct Changes(Vec<bool>);

impl Changes {
    fn none() -> Self {
        Self(families::all().map(|_| false).collect())
    }

    fn all() -> Self {
        Self(families::all().map(|_| true).collect())
    }

    fn of(matches: impl Fn(&Emit) -> bool) -> Self {
        Self(families::all().map(|family| matches(&family.emit)).collect())
    }

    fn add(&mut self, other: &Self) {
        for (mine, theirs) in self.0.iter_mut().zip(&other.0) {
            *mine |= theirs;
        }
    }
}

impl Default for Fleet {
    fn default() -> Self {
        let families = families::all().map(|family| {
            let mut header = String::new();
            families::write_header(&mut header, family.name, family.help, Kind::Gauge);
            Whole { family, header: Bytes::from(header), projects: Bytes::new(), plain: None, packed: None }
        });
        Self {
            snapshot: Arc::default(),
            moment: Timestamp::UNIX_EPOCH,
            groups: Vec::new(),
            families: families.collect(),
        }
    }
}

impl Fleet {
    /// Moves on to another moment, unless it is within the same second.
    pub(super) fn move_to(&mut self, now: Timestamp) {
        if now.as_second() == self.moment.as_second() {
            return;
        }
        let back = now < self.moment;
        self.moment = now;
        let at = self.at();
        let mut changes = Changes::of(|emit| matches!(emit, Emit::Flowing(_)));
        for group in &mut self.groups {
            group.move_to(&at, back, &mut changes);
        }
        self.forget(&changes);
    }

    /// Takes another picture, at the same moment.
    pub(super) fn take(&mut self, snapshot: &Arc<Snapshot>) {
        if Arc::ptr_eq(&self.snapshot, snapshot) {
            return;
        }
        let before = std::mem::replace(&mut self.snapshot, Arc::clone(snapshot));
        let (old, new) = (&before.projects, &snapshot.projects);
        if old.len() == new.len() && old.iter().zip(new).all(|(old, new)| Arc::ptr_eq(old, new)) {
            return self.take_lookback(&before);
        }
        let mut changes = Changes::of(|emit| matches!(emit, Emit::Project(_)));
        let names = |projects: &[Arc<ProjectView>]| projects.iter().map(|view| view.name.clone()).collect::<Vec<_>>();
        if names(old) != names(new) {
            self.groups.clear();
            changes = Changes::all();
        }
        for whole in &mut self.families {
            whole.projects = Bytes::from(project_lines(whole.family, new));
        }
        let members: Vec<Member<'_>> = new
            .iter()
            .enumerate()
            .flat_map(|(project, view)| view.instances.iter().map(move |instance| (project, instance)))
            .collect();
        self.groups = group::regrouped(std::mem::take(&mut self.groups), &members, new, &self.at(), &mut changes);
        self.forget(&changes);
        self.take_lookback(&before);
    }

    /// Where the look-back window has another length now, renders what depends on it.
    fn take_lookback(&mut self, before: &Snapshot) {
        if before.lookback != self.snapshot.lookback {
            let at = self.at();
            let mut changes = Changes::none();
            for group in &mut self.groups {
                group.move_to(&at, true, &mut changes);
            }
            self.forget(&changes);
        }
    }

    /// Whether it is this picture that was taken last.
    #[cfg(test)]
    pub(super) fn shows(&self, snapshot: &Arc<Snapshot>) -> bool {
        Arc::ptr_eq(&self.snapshot, snapshot)
    }

    fn at(&self) -> At {
        At { now: self.moment, lookback: self.snapshot.lookback }
    }

    fn forget(&mut self, changes: &Changes) {
        for (whole, changed) in self.families.iter_mut().zip(&changes.0) {
            if *changed {
                (whole.plain, whole.packed) = (None, None);
            }
        }
    }

    /// All of it, family by family.
    pub(super) fn plain(&mut self) -> impl Iterator<Item = Arc<Pieces>> {
        let groups = &self.groups;
        let families = self.families.iter_mut().enumerate();
        families.map(|(index, whole)| whole.plain(groups.iter().filter_map(move |group| group.block(index))))
    }

    /// Whether the text is longer than so many bytes.
    pub(super) fn is_longer_than(&self, bytes: usize) -> bool {
        let blocks = self.groups.iter().flat_map(Group::blocks).map(|block| block.len());
        let mut length = 0;
        blocks.into_iter().any(|block| {
            length += block;
            length > bytes
        })
    }

    /// All of it, compressed, family by family.
    pub(super) fn packed(&mut self) -> impl Iterator<Item = &Joined> {
        self.pack();
        self.families.iter().filter_map(|whole| whole.packed.as_ref())
    }

    /// Compresses all of it.
    pub(super) fn pack(&mut self) {
        self.pack_those(|_| true);
    }

    /// Compresses what the next moment leaves as it is.
    pub(super) fn pack_ahead(&mut self) {
        self.pack_those(|emit| !matches!(emit, Emit::Flowing(_)));
    }

    fn pack_those(&mut self, wanted: impl Fn(&Emit) -> bool) {
        for (index, whole) in self.families.iter_mut().enumerate() {
            if whole.packed.is_none() && wanted(&whole.family.emit) {
                whole.packed = Some(whole.joined(self.groups.iter().filter_map(|group| group.block(index))));
            }
        }
    }
}

impl Whole {
    /// All of it, of these blocks; nothing where nobody has a sample.
    fn plain<'a>(&mut self, blocks: impl Iterator<Item = &'a Arc<Block>>) -> Arc<Pieces> {
        let plain = self.plain.get_or_insert_with(|| {
            let mut pieces = vec![Piece::from(self.header.clone()), Piece::from(self.projects.clone())];
            pieces.extend(blocks.cloned().map(Piece::Block));
            if pieces.len() == 2 && self.projects.is_empty() {
                pieces.clear();
            }
            Arc::new(pieces.into_iter().collect())
        });
        Arc::clone(plain)
    }

    fn joined<'a>(&self, blocks: impl Iterator<Item = &'a Arc<Block>>) -> Joined {
        let mut texts = Vec::new();
        let mut small = self.header.to_vec();
        small.extend_from_slice(&self.projects);
        let mut is_silent = self.projects.is_empty();
        for block in blocks {
            is_silent = false;
            if block.len() < SMALL {
                block.write(0, &mut small, usize::MAX);
                continue;
            }
            if !small.is_empty() {
                texts.push(Packed::of(&small));
                small.clear();
            }
            texts.push(block.packed());
        }
        if !is_silent && !small.is_empty() {
            texts.push(Packed::of(&small));
        }
        Joined::of(texts)
    }
}

fn project_lines(family: &Family, projects: &[Arc<ProjectView>]) -> String {
    let mut out = String::new();
    for project in projects {
        family.write_project(project, &families::project_labels(project), &mut out);
    }
    out
}

#[cfg(test)]
mod tests;
