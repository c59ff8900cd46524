//! Instances that stand together in every family, a few hundred: what is rendered anew where one of them changes.
//!
//! A group owns a range of ids, so that instances which come and go change their own group and no other. One that has
//! grown too large is split, one that has become too small joins the one before it.

use std::sync::Arc;

use jiff::Timestamp;

use super::Changes;
use crate::domain::InstanceId;
use crate::exposition::blocks::Block;
use crate::exposition::families::{self, At, Emit, SharedLabels, turn};
use crate::snapshot::{InstanceView, ProjectView};

/// Instances in a new group.
const USUAL: usize = 256;
/// A group with more is split.
const MOST: usize = 2 * USUAL;
/// A group with fewer joins the one before.
const LEAST: usize = USUAL / 4;

/// An instance, with the place of its project in the picture.
pub(super) type Member<'a> = (usize, &'a Arc<InstanceView>);

/// Some instances, and what every family says of them.
#[derive(Debug)]
pub(super) struct Group {
    members: Vec<(usize, Arc<InstanceView>)>,
    labels: Arc<SharedLabels>,
    /// By family, in the order of the output; `None` where it has nothing to say.
    blocks: Vec<Option<Arc<Block>>>,
    /// When what steps is to be rendered anew.
    turns_at: Timestamp,
}

/// The groups for these members, in their order, out of the groups before.
pub(super) fn regrouped(
    before: Vec<Group>,
    members: &[Member<'_>],
    projects: &[Arc<ProjectView>],
    at: &At,
    changes: &mut Changes,
) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::with_capacity(before.len());
    let mut rest = members;
    let mut before = before.into_iter().peekable();
    while let Some(mut group) = before.next() {
        let next = before.peek().and_then(Group::first);
        let count = match next {
            Some(_) if group.begins(rest) => group.members.len(),
            Some(first) => rest.iter().take_while(|member| key(**member) < first).count(),
            None => rest.len(),
        };
        let (own, others) = rest.split_at(count);
        rest = others;
        if own.is_empty() {
            changes.add(&group.all_blocks());
        } else if own.len() > MOST {
            changes.add(&group.all_blocks());
            groups.extend(new_groups(own, projects, at, changes));
        } else if let Some(last) = groups.last_mut().filter(|last| own.len() < LEAST && last.members.len() <= USUAL) {
            changes.add(&group.all_blocks());
            let joined: Vec<_> = last.members.iter().cloned().chain(own.iter().map(owned)).collect();
            last.become_other(joined, projects, at, changes);
        } else {
            group.take(own, projects, at, changes);
            groups.push(group);
        }
    }
    groups.extend(new_groups(rest, projects, at, changes));
    groups
}

fn new_groups(
    members: &[Member<'_>],
    projects: &[Arc<ProjectView>],
    at: &At,
    changes: &mut Changes,
) -> impl Iterator<Item = Group> {
    members.chunks(USUAL).map(|members| {
        let mut group =
            Group { members: Vec::new(), labels: Arc::default(), blocks: Vec::new(), turns_at: Timestamp::MIN };
        group.become_other(members.iter().map(owned).collect(), projects, at, changes);
        group
    })
}

fn owned((project, instance): &Member<'_>) -> (usize, Arc<InstanceView>) {
    (*project, Arc::clone(instance))
}

/// By what members are sorted.
fn key((project, instance): Member<'_>) -> (usize, &InstanceId) {
    (project, &instance.id)
}

impl Group {
    /// What a family says of these instances.
    pub(super) fn block(&self, family: usize) -> Option<&Arc<Block>> {
        self.blocks[family].as_ref()
    }

    /// All that is said of them.
    pub(super) fn blocks(&self) -> impl Iterator<Item = &Arc<Block>> {
        self.blocks.iter().flatten()
    }

    fn first(&self) -> Option<(usize, &InstanceId)> {
        self.members.first().map(|(project, instance)| key((*project, instance)))
    }

    /// Whether these begin with its own members, none of them changed.
    fn begins(&self, members: &[Member<'_>]) -> bool {
        let same = |((project, instance), (theirs, view)): (&(usize, Arc<InstanceView>), &Member<'_>)| {
            project == theirs && Arc::ptr_eq(instance, view)
        };
        members.len() >= self.members.len() && self.members.iter().zip(members).all(same)
    }

    /// Takes these members, which may be the same or newer views of them.
    fn take(&mut self, members: &[Member<'_>], projects: &[Arc<ProjectView>], at: &At, changes: &mut Changes) {
        if members.len() == self.members.len() && self.begins(members) {
            return;
        }
        let labelled_alike =
            members.len() == self.members.len()
                && self.members.iter().zip(members).all(|((project, old), (theirs, new))| {
                    project == theirs && old.id == new.id && old.name == new.name
                });
        if !labelled_alike {
            return self.become_other(members.iter().map(owned).collect(), projects, at, changes);
        }
        let mut stale = Changes::none();
        for ((_, old), (_, new)) in self.members.iter_mut().zip(members) {
            if !Arc::ptr_eq(old, new) {
                if **old != ***new {
                    note_differences(old, new, at, &mut stale);
                }
                *old = Arc::clone(new);
            }
        }
        self.render(&stale, at, changes);
        self.set_turn(at);
    }

    /// Takes other members.
    fn become_other(
        &mut self,
        members: Vec<(usize, Arc<InstanceView>)>,
        projects: &[Arc<ProjectView>],
        at: &At,
        changes: &mut Changes,
    ) {
        let mut labels = SharedLabels::default();
        for (project, instance) in &members {
            labels.push(&projects[*project], instance);
        }
        (self.members, self.labels) = (members, Arc::new(labels));
        changes.add(&self.all_blocks());
        self.blocks = families::all().map(|_| None).collect();
        self.render(&Changes::all(), at, changes);
        self.set_turn(at);
    }

    /// Renders what moves with the clock; what steps only if its turn has come or this is to be `forced`.
    pub(super) fn move_to(&mut self, at: &At, forced: bool, changes: &mut Changes) {
        let steps = forced || at.now >= self.turns_at;
        let stale = Changes::of(|emit| match emit {
            Emit::Flowing(_) => true,
            Emit::Stepping(_) => steps,
            _ => false,
        });
        self.render(&stale, at, changes);
        if steps {
            self.set_turn(at);
        }
    }

    fn set_turn(&mut self, at: &At) {
        let turns = self.members.iter().filter_map(|(_, instance)| turn::next(instance, at));
        self.turns_at = turns.min().unwrap_or(Timestamp::MAX);
    }

    /// Renders these families anew, and notes which of them say something else than before.
    fn render(&mut self, stale: &Changes, at: &At, changes: &mut Changes) {
        for (index, family) in families::all().enumerate().filter(|(index, _)| stale.0[*index]) {
            let instances = self.members.iter().map(|(_, instance)| &**instance);
            let (old, new) = (&mut self.blocks[index], Block::of(family, instances, &self.labels, at));
            let is_same = match (&old, &new) {
                (Some(old), Some(new)) => old.says_the_same(new),
                (None, None) => true,
                _ => false,
            };
            if !is_same {
                *old = new.map(Arc::new);
                changes.0[index] = true;
            }
        }
    }

    fn all_blocks(&self) -> Changes {
        let mut all = Changes::none();
        for (changed, block) in all.0.iter_mut().zip(&self.blocks) {
            *changed = block.is_some();
        }
        all
    }
}

/// Notes which families say something else of the new view than of the old one.
fn note_differences(old: &InstanceView, new: &InstanceView, at: &At, stale: &mut Changes) {
    let (same_backups, same_restores) = (old.backups == new.backups, old.restores == new.restores);
    let (mut before, mut after) = (String::new(), String::new());
    for (family, stale) in families::all().zip(&mut stale.0) {
        let cannot_differ = match family.emit {
            Emit::Project(_) => true,
            Emit::Backups(_) => same_backups,
            Emit::Restores(_) => same_restores,
            _ => false,
        };
        if *stale || cannot_differ {
            continue;
        }
        before.clear();
        after.clear();
        family.write_endings(old, at, &mut before);
        family.write_endings(new, at, &mut after);
        *stale = before != after;
    }
}
