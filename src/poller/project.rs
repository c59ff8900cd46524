//! One project: what is due, and what each answer changes. Synchronous and total; the actor only waits and sends.

mod listing;
mod memory;
mod others;
mod outage;
mod outcome;
mod probes;
mod reconfigure;
mod roster;
mod timing;
mod urgency;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use super::instance::{Terms, Watched};
use super::report;
use crate::cloud::CloudError;
use crate::cloud::listing::Extent;
use crate::config::{Polling, ProjectConfig};
use crate::domain::instance::Instance;
use crate::domain::record::Record;
use crate::domain::selection::Traits;
use crate::domain::shard::Shard;
use crate::domain::{InstanceId, Operation, ProjectId, ProjectName};
use crate::exposition::own::OwnMetrics;
use crate::schedule::Queue;
use crate::snapshot::ProjectView;
use listing::Doubt;
use memory::Aside;
use others::Others;
use outage::Outage;
use probes::Probes;
use roster::Roster;
use timing::Due;

/// A listing asked for out of turn comes no sooner than this after the one before.
const LISTING_PAUSE: Duration = Duration::from_secs(30);
/// So many failures in a row, of whatever polls, concern the project, not some instances.
const LOST_AFTER: u32 = 10;
/// Lines a minute about failures and recoveries of a project's instances, …
const INSTANCE_LINES: u32 = 60;
/// … and of the project itself.
const PROJECT_LINES: u32 = 6;

/// Something to ask the cloud, in the order of importance where several are due together.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Task {
    /// The instances of the project.
    Listing,
    /// The backup records of an instance.
    Backups(InstanceId),
    /// An instance with its policy.
    Policy(InstanceId),
    /// The restore records of an instance.
    Restores(InstanceId),
}

impl Task {
    pub(super) fn operation(&self) -> Operation {
        match self {
            Self::Listing => Operation::Instances,
            Self::Backups(_) => Operation::Backups,
            Self::Policy(_) => Operation::Policy,
            Self::Restores(_) => Operation::Restores,
        }
    }

    fn of(operation: Operation, id: &InstanceId) -> Self {
        match operation {
            Operation::Instances => Self::Listing,
            Operation::Backups => Self::Backups(id.clone()),
            Operation::Policy => Self::Policy(id.clone()),
            Operation::Restores => Self::Restores(id.clone()),
        }
    }
}

/// What a task brought.
#[derive(Clone, Debug)]
pub(super) enum Reading {
    /// To [`Task::Backups`] and [`Task::Restores`].
    Records(Vec<Record>),
    /// To [`Task::Policy`].
    Instance(Box<Instance>),
    /// To [`Task::Listing`].
    Instances { instances: Vec<Instance>, extent: Extent },
}

/// A moment on both clocks: the steady one for the schedule, the wall's for facts.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment {
    pub(super) steady: Instant,
    pub(super) wall: Timestamp,
}

/// One project.
#[derive(Debug)]
pub(super) struct Project {
    config: ProjectConfig,
    /// Which of the project's instances are watched here.
    shard: Shard,
    polling: Polling,
    terms: Terms,
    metrics: OwnMetrics,
    /// Turns are counted from here.
    begun: Instant,
    watched: Roster,
    /// The rest of the project's instances.
    others: Others,
    queue: Queue<Task, Instant>,
    measured_at: Option<Instant>,
    reconsidered_at: Instant,
    /// Nothing is sent before: the key is stopped.
    held_until: Option<Instant>,
    /// Everything fails: one request at a time finds out whether that has changed.
    outage: Option<Outage>,
    /// Somebody waits for these instances to be polled.
    probes: Probes,
    listing_failures: u32,
    listed: Option<Instant>,
    listed_at: Option<Timestamp>,
    missing: Option<u64>,
    /// Instances that the newest listing that reached its end counted, and that could not be seen.
    unlisted: Option<u64>,
    /// Listings in a row that were not whole.
    partial: u32,
    left_out: u64,
    /// Of listings that lack very much, …
    doubt: Doubt,
    /// … and of those in which very much of what is watched has no tags and is left out for that.
    doubt_of_bare: Doubt,
    /// What is known of those that listings have and that are not watched here, where filters judge by it: an answer
    /// need not say all of it anew.
    unwatched: BTreeMap<InstanceId, Traits>,
    /// A complete listing has come, and what fits nothing in it was told.
    misfits_told: bool,
    /// Remembered from before a restart and not watched: a listing has to find them again.
    aside: Aside,
    /// The cloud's id of the project whose facts were restored, until it is confirmed.
    restored_as: Option<ProjectId>,
    up: Option<bool>,
    tried: bool,
    /// Failures in a row, of whatever task, that the service itself did not answer.
    troubles: u32,
    /// Lines about single instances.
    lines_of_one: report::Quota,
    /// Lines about the project as a whole.
    lines_of_all: report::Quota,
    /// The log has not told of the newest trouble of the project: there was too much to tell.
    untold: bool,
    /// Why the project cannot be asked.
    error: Option<Arc<CloudError>>,
    /// Why it cannot be listed.
    listing_error: Option<Arc<CloudError>>,
}

impl Project {
    pub(super) fn new(
        config: &ProjectConfig,
        shard: Shard,
        polling: &Polling,
        metrics: OwnMetrics,
        now: Instant,
    ) -> Self {
        let mut project = Self {
            terms: Terms::of(config),
            config: config.clone(),
            shard,
            polling: polling.clone(),
            metrics,
            begun: now,
            watched: Roster::default(),
            others: Others::default(),
            queue: Queue::default(),
            measured_at: None,
            reconsidered_at: now,
            held_until: None,
            outage: None,
            probes: Probes::default(),
            listing_failures: 0,
            listed: None,
            listed_at: None,
            missing: None,
            unlisted: None,
            partial: 0,
            left_out: 0,
            doubt: Doubt::default(),
            // The filters may be others than before the restart.
            doubt_of_bare: Doubt::waived(),
            unwatched: BTreeMap::new(),
            misfits_told: false,
            aside: Aside::default(),
            restored_as: None,
            up: None,
            tried: false,
            troubles: 0,
            lines_of_one: report::Quota::of(INSTANCE_LINES),
            lines_of_all: report::Quota::of(PROJECT_LINES),
            untold: false,
            error: None,
            listing_error: None,
        };
        if config.discovery.is_some() {
            project.enqueue(Task::Listing, now, project.due_listing(Duration::ZERO));
        }
        for instance in &config.instances {
            project.watch(&instance.id, instance.name.clone(), true, now);
        }
        // There is no first request to wait for.
        project.tried = project.asks_nothing();
        project
    }

    /// Whether no request is ever sent: there is no discovery, and every instance belongs to another shard.
    fn asks_nothing(&self) -> bool {
        self.config.discovery.is_none() && self.watched.len() == 0
    }

    pub(super) fn name(&self) -> &ProjectName {
        &self.config.name
    }

    /// Takes out what is to be sent now: the most urgent of what is due.
    pub(super) fn next_task(&mut self, now: Instant) -> Option<Task> {
        if self.held_until.is_some_and(|until| until > now) {
            return None;
        }
        let Some(outage) = &self.outage else { return self.probed_task(now).or_else(|| self.regular_task(now)) };
        if outage.next_probe().is_none_or(|at| at > now) {
            return None;
        }
        // Whatever comes next serves to find out, even if it is not due yet.
        let task = self.probed_task(now).or_else(|| self.regular_task(now)).or_else(|| self.queue.pop_next())?;
        if let Some(outage) = &mut self.outage {
            outage.probe_leaves(task.clone());
        }
        Some(task)
    }

    /// When there will be something to send.
    pub(super) fn next_at(&self) -> Option<Instant> {
        let at = self.queue.next_at()?;
        let at = match &self.outage {
            Some(outage) => outage.next_probe()?,
            None => at,
        };
        Some(self.held_until.map_or(at, |held| at.max(held)))
    }

    /// Every operation has been tried, or cannot be because the key is stopped or the cloud is out of reach.
    pub(super) fn round_is_done(&self) -> bool {
        let listed = self.config.discovery.is_none() || self.tried;
        let polled = |watched: &Watched| watched.view().polls.iter().all(|poll| poll.success.is_some());
        self.held_until.is_some() || self.outage.is_some() || (listed && self.watched.values().all(polled))
    }

    /// Watches it, if it belongs to this shard; else notes that another one does.
    fn watch(&mut self, id: &InstanceId, name: Option<String>, by_hand: bool, now: Instant) {
        if !self.shard.owns(id) {
            return self.others.note(id, by_hand);
        }
        let traits = self.unwatched.remove(id).unwrap_or_default();
        let mut watched = Watched::new(id.clone(), name, by_hand, traits);
        match self.aside.take(id) {
            Some(memory) => watched.restore(&memory),
            None => self.others.name_one(),
        }
        watched.refresh(&self.terms);
        self.watched.insert(id.clone(), watched);
        // Of all that is due at first, backups go before policies and those before restores.
        let first = Due { wait: Duration::ZERO, measure: self.polling.idle_interval };
        for operation in Operation::PER_INSTANCE {
            self.enqueue(Task::of(operation, id), now, first);
        }
    }

    /// Drops an instance with all that is to be asked of it.
    fn unwatch(&mut self, id: &InstanceId) -> Option<Watched> {
        for operation in Operation::PER_INSTANCE {
            self.queue.remove(&Task::of(operation, id));
        }
        self.watched.remove(id)
    }

    fn enqueue(&mut self, task: Task, now: Instant, due: Due) {
        self.queue.set(task, now + due.wait, due.measure);
    }

    /// The picture of the project; `project_id` is the cloud's id of it, once it is known, `stretch` by how much more
    /// is asked for than the budget gives.
    pub(super) fn view(&mut self, project_id: Option<ProjectId>, stretch: f64) -> ProjectView {
        let stretched = self.polling.idle_interval.as_secs_f64() * stretch.max(1.0);
        ProjectView {
            name: self.config.name.clone(),
            project_id,
            region: self.config.region.clone(),
            endpoint: self.config.endpoint.as_str().trim_end_matches('/').to_owned(),
            api_version: self.config.api_version,
            up: self.up,
            watched: (self.watched.len() + self.others.watched()) as u64,
            missing: self.missing,
            unlisted: self.unlisted,
            left_out: self.left_out,
            listed_at: self.listed_at,
            poll_interval: Duration::try_from_secs_f64(stretched).unwrap_or(Duration::MAX),
            tried: self.tried,
            error: self.error.clone().or_else(|| self.listing_error.clone()),
            instances: self.watched.picture(),
        }
    }
}
