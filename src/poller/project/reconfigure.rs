//! A project whose configuration has changed, and that stays what it is.
//!
//! Nothing is asked because of that, but for what is new: an instance, a discovery, a key that may do what the one
//! before could not. What waits for its turn keeps it, unless the intervals of now want it sooner.

use std::collections::BTreeSet;

use super::listing::Doubt;
use super::memory::Aside;
use super::timing::Due;
use super::{Moment, Project, Task};
use crate::config::{CloudProject, Polling, ProjectConfig};
use crate::domain::selection::Filter;
use crate::domain::{InstanceId, Operation, ProjectId};
use crate::poller::instance::Terms;
use crate::poller::report;
use crate::schedule::fraction;

/// What discovery watches.
fn filter(config: &ProjectConfig) -> Option<&Filter> {
    config.discovery.as_ref().map(|discovery| &discovery.filter)
}

impl Project {
    /// Whether this configuration means this very project, as for [`Self::is_of`]; `known_id` is the cloud's.
    pub(in crate::poller) fn is_still(&self, config: &ProjectConfig, known_id: Option<ProjectId>) -> bool {
        let (id, name) = match &self.config.project {
            CloudProject::Id(id) => (Some(id.clone()), None),
            CloudProject::Named(name) => (known_id.or_else(|| self.restored_as.clone()), Some(name)),
        };
        let is_same = match &config.project {
            CloudProject::Id(wanted) => id.as_ref() == Some(wanted),
            CloudProject::Named(wanted) => name == Some(wanted),
        };
        is_same && self.config.name == config.name && self.config.endpoint == config.endpoint
    }

    /// Takes what its configuration says now; tells how many instances by hand have come and gone.
    pub(in crate::poller) fn reconfigure(
        &mut self,
        config: &ProjectConfig,
        polling: &Polling,
        at: Moment,
    ) -> (usize, usize) {
        let before = std::mem::replace(&mut self.config, config.clone());
        let polled_before = std::mem::replace(&mut self.polling, polling.clone());
        self.terms = Terms::of(config);
        self.measured_at = None;
        let counts = self.take_instances(&before, at);
        if self.config.discovery != before.discovery {
            self.take_discovery(at);
        }
        if filter(&self.config) != filter(&before) {
            // What other filters leave out, they are meant to.
            self.doubt_of_bare = Doubt::waived();
        }
        if self.config.discovery != before.discovery || self.config.overrides != before.overrides {
            self.misfits_told = false;
        }
        if self.asks_nothing() {
            // Nobody would ever renew this.
            (self.tried, self.up) = (true, None);
        }
        for (_, watched) in self.watched.iter_mut() {
            if watched.refresh(&self.terms) {
                report::contradicted(&self.config.name, watched.view());
            }
        }
        let is_discovered = |config: &ProjectConfig| config.discovery.is_some();
        if self.polling != polled_before
            || self.config.rpo_grace != before.rpo_grace
            || is_discovered(&self.config) != is_discovered(&before)
        {
            self.reschedule(at);
        }
        counts
    }

    /// It is asked with other credentials, or by another way, from now on: what failed may work now. `known_id` is the
    /// cloud's id by the word of the client before.
    pub(in crate::poller) fn is_asked_anew(&mut self, known_id: Option<ProjectId>, at: Moment) {
        if matches!(self.config.project, CloudProject::Named(_)) {
            // Another account may have one of the same name.
            self.restored_as = known_id.or(self.restored_as.take());
        }
        self.held_until = None;
        if let Some(outage) = &mut self.outage {
            outage.probe_now(at.steady);
        }
        let mut failed = Vec::new();
        for (id, watched) in self.watched.iter_mut() {
            for operation in Operation::PER_INSTANCE {
                let poll = watched.poll(operation);
                if std::mem::take(&mut poll.failures) > 0 {
                    failed.push(Task::of(operation, id));
                }
            }
        }
        if std::mem::take(&mut self.listing_failures) > 0 {
            failed.push(Task::Listing);
        }
        for task in failed {
            let measure = self.queue.place(&task).map_or(self.polling.idle_interval, |(_, measure)| measure);
            self.queue.hasten(&task, at.steady, measure);
        }
    }

    /// A task was given up before it was answered.
    pub(in crate::poller) fn not_sent(&mut self, task: &Task, at: Moment) {
        if let Some(outage) = &mut self.outage {
            outage.probe_was_not_sent(task);
        }
        self.enqueue_again(task, at);
    }

    /// Instances by hand: those that are listed now and those that were.
    fn take_instances(&mut self, before: &ProjectConfig, at: Moment) -> (usize, usize) {
        let instances = self.config.instances.clone();
        let ids = |config: &ProjectConfig| -> BTreeSet<InstanceId> {
            config.instances.iter().map(|instance| instance.id.clone()).collect()
        };
        let (now, then) = (ids(&self.config), ids(before));
        for instance in instances {
            match self.watched.get_mut(&instance.id) {
                Some(watched) => watched.configure(true, instance.name),
                None => self.watch(&instance.id, instance.name, true, at.steady),
            }
        }
        for (id, watched) in self.watched.iter_mut() {
            if !now.contains(id) {
                watched.configure(false, None);
            }
        }
        self.others.configure(&now, self.config.discovery.is_some());
        if self.config.discovery.is_none() {
            // Nobody would find them any more.
            let found: Vec<InstanceId> = self.watched.keys().filter(|id| !now.contains(id)).cloned().collect();
            for id in found {
                self.unwatch(&id);
            }
        }
        (now.difference(&then).count(), then.difference(&now).count())
    }

    /// Discovery is on, off, or another: what was listed before tells nothing of what would be now.
    fn take_discovery(&mut self, at: Moment) {
        self.doubt = Doubt::default();
        if self.config.discovery.is_some() {
            // One that is due already keeps its place in the line: however many reloads come, it gets its turn.
            let due = self.due_listing(std::time::Duration::ZERO);
            if self.queue.place(&Task::Listing).is_some() {
                return self.queue.hasten(&Task::Listing, at.steady, due.measure);
            }
            return self.enqueue(Task::Listing, at.steady, due);
        }
        self.queue.remove(&Task::Listing);
        self.aside = Aside::default();
        self.unwatched.clear();
        self.listing_failures = 0;
        self.listing_error = None;
        (self.listed, self.listed_at, self.missing, self.left_out) = (None, None, None, 0);
        (self.unlisted, self.partial) = (None, 0);
        for (_, watched) in self.watched.iter_mut() {
            (watched.listed, watched.misses) = (None, 0);
        }
    }

    /// Other intervals: what would be due sooner by them is, spread over them; nothing is due later than it was, and so
    /// never in a crowd.
    fn reschedule(&mut self, at: Moment) {
        for id in self.watched.keys().cloned().collect::<Vec<_>>() {
            for operation in Operation::PER_INSTANCE {
                let task = Task::of(operation, &id);
                let (Some((due_at, _)), Some(watched)) = (self.queue.place(&task), self.watched.get_mut(&id)) else {
                    continue;
                };
                let poll = watched.poll(operation);
                let (error, failures) = (poll.view.error.clone(), poll.failures);
                if poll.view.success.is_none() {
                    continue;
                }
                let mut due = self.due_after_success(operation, &id, at);
                if let Some(error) = error {
                    let chance = fraction((&id, operation, failures));
                    due = Due { wait: self.wait_after_failure(error.kind, operation, failures, chance), ..due };
                }
                self.queue.set(task, due_at.min(at.steady + due.wait), due.measure);
            }
        }
    }
}
