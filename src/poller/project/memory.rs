//! A project as it is remembered, and as it is restored after a restart.
//!
//! What was shown is shown again, and polled when it would have been. What was found, and is too old to be shown, is
//! not watched before a listing finds it again: nobody knows whether it still exists. Until then it lies aside, with
//! what must not be forgotten of it.
//!
//! Facts belong to a project by its name, its endpoint and the cloud's id. Where only the project's name in the cloud
//! is configured, another account may have one of the same name: when the cloud tells its id and it is another, what
//! was restored is forgotten.
//!
//! Of what other shards watch the number alone is stored. What was this shard's own and is another's now is dropped.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{Due, Moment, Project, Task};
use crate::config::CloudProject;
use crate::domain::{InstanceId, Operation, ProjectId};
use crate::memory::{InstanceMemory, ProjectMemory, ShownProject};
use crate::poller::instance::Watched;
use crate::poller::report;
use crate::schedule::restores_interval;

/// Instances that are remembered and not watched.
#[derive(Debug, Default)]
pub(super) struct Aside(BTreeMap<InstanceId, Missing>);

#[derive(Debug)]
struct Missing {
    memory: InstanceMemory,
    /// Complete listings in a row that lacked it.
    misses: u32,
}

impl Aside {
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// How many of them these are.
    pub(super) fn count(&self, these: impl Fn(&InstanceId) -> bool) -> usize {
        self.0.keys().filter(|id| these(id)).count()
    }

    /// The one with this id, which is found again.
    pub(super) fn take(&mut self, id: &InstanceId) -> Option<InstanceMemory> {
        self.0.remove(id).map(|missing| missing.memory)
    }

    /// A complete listing lacked these, or had them as ones that the filters leave out; after so many such listings
    /// they are forgotten.
    pub(super) fn missed(&mut self, most: u32, these: impl Fn(&InstanceId) -> bool) {
        self.0.retain(|id, missing| {
            missing.misses += u32::from(these(id));
            missing.misses < most
        });
    }

    fn put(&mut self, memory: InstanceMemory) {
        let misses = memory.shown.as_ref().map_or(0, |shown| shown.misses);
        self.0.insert(memory.id.clone(), Missing { memory, misses });
    }

    fn iter(&self) -> impl Iterator<Item = &InstanceMemory> {
        self.0.values().map(|missing| &missing.memory)
    }
}

impl Project {
    /// What there is to remember of it; `None` while the cloud's id is not known, and so nothing else either.
    pub(in crate::poller) fn memory(&self, known_id: Option<ProjectId>) -> Option<ProjectMemory> {
        let (project_id, project_name) = match &self.config.project {
            CloudProject::Id(id) => (id.clone(), None),
            CloudProject::Named(name) => (known_id.or_else(|| self.restored_as.clone())?, Some(name.clone())),
        };
        let watched = self.watched.values().map(Watched::memory);
        let mut instances: Vec<InstanceMemory> = watched.chain(self.aside.iter().cloned()).collect();
        instances.sort_unstable_by(|one, other| one.id.cmp(&other.id));
        let known = (instances.len() + self.others.known()) as u64;
        let shown = ShownProject { up: self.up, listed_at: self.listed_at, missing: self.missing };
        Some(ProjectMemory {
            name: self.config.name.clone(),
            project_id,
            project_name,
            endpoint: self.config.endpoint.as_str().to_owned(),
            shown: self.tried.then_some(shown),
            known,
            instances,
        })
    }

    /// Whether these are memories of this project.
    pub(in crate::poller) fn is_of(&self, memory: &ProjectMemory) -> bool {
        let is_same = match &self.config.project {
            CloudProject::Id(id) => *id == memory.project_id,
            CloudProject::Named(name) => memory.project_name.as_ref() == Some(name),
        };
        is_same && self.config.name == memory.name && self.config.endpoint.as_str() == memory.endpoint
    }

    /// Makes it what it was; tells how many of the instances are not to be watched any more.
    pub(in crate::poller) fn restore(&mut self, memory: ProjectMemory, at: Moment) -> usize {
        let ProjectMemory { name: _, project_id, project_name: _, endpoint: _, shown, known, instances } = memory;
        self.restored_as = Some(project_id);
        let is_listed = shown.as_ref().is_some_and(|shown| shown.listed_at.is_some());
        if let Some(ShownProject { up, listed_at, missing }) = shown {
            self.tried = true;
            self.up = up;
            self.restore_listing(listed_at, missing, at);
        }
        let mut dropped = 0;
        for memory in instances {
            let id = memory.id.clone();
            let was_found = memory.shown.as_ref().is_some_and(|shown| !shown.by_hand);
            if !self.shard.owns(&id) {
                dropped += 1;
                if let Some(shown) = memory.shown.filter(|_| was_found && self.config.discovery.is_some()) {
                    self.others.remember(&id, shown.misses);
                }
                continue;
            }
            if !self.watched.contains_key(&id) {
                if self.config.discovery.is_none() {
                    dropped += 1;
                    continue;
                }
                if !was_found {
                    self.aside.put(memory);
                    continue;
                }
                self.watch(&id, None, false, at.steady);
            }
            let Some(watched) = self.watched.get_mut(&id) else { continue };
            watched.restore(&memory);
            watched.refresh(&self.terms);
            for operation in Operation::PER_INSTANCE {
                self.resume(operation, &id, at);
            }
        }
        self.restore_others(known, is_listed, at);
        if self.asks_nothing() {
            // Nobody would ever renew this.
            self.up = None;
        }
        dropped
    }

    /// Of all that were known, the rest was others'. Some of it may belong to this shard now, if there were more of them:
    /// a listing tells, at once.
    fn restore_others(&mut self, known: u64, is_listed: bool, at: Moment) {
        let by_id = self.watched.len() + self.aside.len() + self.others.named();
        let unnamed = usize::try_from(known).unwrap_or(usize::MAX).saturating_sub(by_id);
        if self.config.discovery.is_none() || unnamed == 0 {
            return;
        }
        self.others.remember_unnamed(unnamed, is_listed);
        self.enqueue(Task::Listing, at.steady, self.due_listing(Duration::ZERO));
    }

    /// A listing comes when it would have come.
    fn restore_listing(&mut self, listed_at: Option<jiff::Timestamp>, missing: Option<u64>, at: Moment) {
        // Without discovery, nobody would ever renew this.
        if self.config.discovery.is_none() {
            return;
        }
        self.listed_at = listed_at;
        self.missing = missing;
        if let Some(listed_at) = listed_at {
            let wait = self.listing_interval().saturating_sub(age(listed_at, at));
            self.enqueue(Task::Listing, at.steady, self.due_listing(wait));
        }
    }

    /// A poll that worked comes again in its turn, but no later than its age allows; any other now. What is overdue
    /// comes as fast as the budget allows, and finds its turn again after that.
    fn resume(&mut self, operation: Operation, id: &InstanceId, at: Moment) {
        let Some(watched) = self.watched.get_mut(id) else { return };
        let view = &watched.poll(operation).view;
        let (Some(true), Some(polled_at)) = (view.success, view.last_success_at) else { return };
        let task = Task::of(operation, id);
        let due = self.due_after_success(operation, id, at);
        let interval = match operation {
            Operation::Policy => self.polling.policy_interval,
            // Listings will tell again.
            Operation::Restores => restores_interval(&self.polling, self.config.discovery.is_some()),
            _ => due.measure,
        };
        let wait = due.wait.min(interval.saturating_sub(age(polled_at, at)));
        self.enqueue(task, at.steady, Due { wait, ..due });
    }

    /// The cloud has told its id of the project: if what was restored is another's, all of that is forgotten.
    pub(in crate::poller) fn turned_out_to_be(&mut self, id: &ProjectId, at: Moment) {
        let Some(restored) = self.restored_as.take() else { return };
        if restored == *id {
            return;
        }
        report::restored_of_another(&self.config.name, &restored, id);
        self.aside = Aside::default();
        self.others.forget_found();
        self.unwatched.clear();
        self.listed_at = None;
        self.missing = None;
        for id in self.watched.keys().cloned().collect::<Vec<_>>() {
            self.unwatch(&id);
        }
        for instance in self.config.instances.clone() {
            self.watch(&instance.id, instance.name, true, at.steady);
        }
        if self.config.discovery.is_some() {
            self.enqueue(Task::Listing, at.steady, self.due_listing(Duration::ZERO));
        }
    }
}

/// How long ago that was; nothing for what is yet to come.
fn age(of: jiff::Timestamp, at: Moment) -> Duration {
    Duration::try_from(at.wall.duration_since(of)).unwrap_or_default()
}
