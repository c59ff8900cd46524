//! One project: what is due, and what each answer changes. Synchronous and total; the actor only waits and sends.

mod listing;
mod memory;
mod others;
mod outage;
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
use crate::cloud::error::ErrorKind;
use crate::config::{Polling, ProjectConfig};
use crate::domain::instance::Instance;
use crate::domain::record::Record;
use crate::domain::selection::Traits;
use crate::domain::shard::Shard;
use crate::domain::{InstanceId, Operation, ProjectId, ProjectName};
use crate::exposition::own::OwnMetrics;
use crate::schedule::{Queue, fraction};
use crate::snapshot::ProjectView;
use listing::Doubt;
use memory::Aside;
use others::Others;
use outage::Outage;
use probes::Probes;
use roster::Roster;
use timing::Due;

/// While a key is stopped, the project looks this often whether the key has changed.
const KEY_LOOK: Duration = Duration::from_secs(5);
/// A listing asked for out of turn comes no sooner than this after the one before.
const LISTING_PAUSE: Duration = Duration::from_secs(30);
/// Lines a minute about failures and recoveries of a project's instances, …
const INSTANCE_LINES: u32 = 60;
/// … and of the project itself.
const PROJECT_LINES: u32 = 6;
/// So many failures in a row of one poll, without an answer of the service itself, are no blip.
const LASTS_AFTER: u32 = 3;
/// So many of whatever polls concern the project, not some instances.
const LOST_AFTER: u32 = 10;

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
    /// To [`Task::Listing`]; an incomplete one drops nobody.
    Instances { instances: Vec<Instance>, complete: bool },
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

    /// Takes the result of a task.
    pub(super) fn apply(&mut self, task: &Task, result: Result<Reading, CloudError>, at: Moment) {
        match result {
            Err(error) if error.kind == ErrorKind::Held => {
                self.held_until = Some(at.steady + error.retry_after.map_or(KEY_LOOK, |left| left.min(KEY_LOOK)));
                self.note_held(error, at);
                if let Some(outage) = &mut self.outage {
                    outage.probe_was_not_sent(task);
                }
                return self.enqueue_again(task, at);
            }
            Err(error) if self.tells_of_a_single_node(task, &error) => {
                self.succeeded(at);
                self.apply_reading(task, Reading::Records(Vec::new()), true, at);
            }
            Err(error) => self.apply_failure(task, &error, at),
            Ok(reading) => {
                self.succeeded(at);
                self.apply_reading(task, reading, false, at);
            }
        }
        self.note_answer(task, at.steady);
        self.held_until = None;
        self.tried |= self.config.discovery.is_none() || *task == Task::Listing;
    }

    /// Whether a refusal of records means that there can be none. Some services say so of a single node by calling
    /// the request itself invalid.
    fn tells_of_a_single_node(&self, task: &Task, error: &CloudError) -> bool {
        let (Task::Backups(id) | Task::Restores(id)) = task else { return false };
        let codes = ["DCS.4800", "111400800"];
        let is_invalid =
            || error.code.as_ref().is_some_and(|code| codes.iter().any(|known| code.eq_ignore_ascii_case(known)));
        let is_single = || self.watched.get(id).is_some_and(Watched::is_single_node);
        error.kind == ErrorKind::Unsupported || (is_invalid() && is_single())
    }

    fn succeeded(&mut self, at: Moment) {
        self.up = Some(true);
        self.troubles = 0;
        self.end_outage(at);
        if self.error.take().is_some() && self.lines_of_all.allows(&self.config.name, at.steady) {
            report::answers_again(&self.config.name);
        }
    }

    fn apply_reading(&mut self, task: &Task, reading: Reading, unsupported: bool, at: Moment) {
        let (Task::Backups(id) | Task::Policy(id) | Task::Restores(id)) = task else {
            if let Reading::Instances { instances, complete } = reading {
                self.apply_listing(&instances, complete, at);
            }
            return;
        };
        let operation = task.operation();
        // Dropped while the request was under way: nobody waits for the answer.
        let Some(watched) = self.watched.get_mut(id) else { return };
        let finished = match &reading {
            Reading::Records(records) => watched.records(operation, records, unsupported),
            Reading::Instance(instance) => {
                watched.described(instance, at.wall);
                Vec::new()
            }
            Reading::Instances { .. } => Vec::new(),
        };
        let poll = watched.poll(operation);
        poll.view.success = Some(true);
        poll.view.error = None;
        poll.view.last_success_at = Some(at.wall);
        poll.failures = 0;
        let recovered = poll.reported.take().is_some();
        let contradicted = watched.refresh(&self.terms);
        let view = watched.view().clone();
        if recovered && self.lines_of_one.allows(&self.config.name, at.steady) {
            report::recovered(&self.config.name, &view, operation);
        }
        if contradicted {
            report::contradicted(&self.config.name, &view);
        }
        for record in &finished {
            report::finished(&self.config.name, &view, operation, record);
        }
        self.enqueue(task.clone(), at.steady, self.due_after_success(operation, id, at));
        match operation {
            Operation::Policy => {
                self.hasten(&Task::Backups(id.clone()), at);
                self.hasten(&Task::Restores(id.clone()), at);
            }
            Operation::Backups => self.hasten_policy(id, at),
            _ => {}
        }
    }

    fn apply_failure(&mut self, task: &Task, error: &CloudError, at: Moment) {
        self.metrics.poll_failed(&self.config.name, task.operation(), error.kind);
        let is_lost = self.note_trouble(task, error, at);
        let (Task::Backups(id) | Task::Policy(id) | Task::Restores(id)) = task else {
            return self.retry_listing(error, at);
        };
        let operation = task.operation();
        let Some(watched) = self.watched.get_mut(id) else { return };
        let poll = watched.poll(operation);
        poll.view.success = Some(false);
        poll.view.error = Some(Arc::new(error.clone()));
        poll.failures = poll.failures.saturating_add(1);
        let failures = poll.failures;
        let reason = error.kind.reason();
        // What passes by itself is counted at once and told when it does not pass.
        let lasts = error.service_answered() || failures >= LASTS_AFTER;
        let is_news = !is_lost && lasts && poll.reported != Some(reason);
        let news = is_news && self.lines_of_one.allows(&self.config.name, at.steady);
        if news {
            poll.reported = Some(reason);
        }
        watched.refresh(&self.terms);
        if news {
            report::instance_failed(&self.config.name, watched.view(), operation, error);
        }
        let found = !watched.by_hand;
        let wait = self.wait_after_failure(error.kind, operation, failures, fraction((id, operation, failures)));
        let measure = self.due_after_success(operation, id, at).measure;
        self.enqueue(task.clone(), at.steady, Due { wait, measure });
        if found && error.kind == ErrorKind::NotFound {
            let soon = self.listed.map_or(at.steady, |listed| (listed + LISTING_PAUSE).max(at.steady));
            self.queue.hasten(&Task::Listing, soon, self.polling.window_interval);
        }
    }

    /// Takes note of a failure, and tells whether the project as a whole cannot be asked: everything has failed for
    /// a while. One instance that gives trouble beside good ones is a matter of its own.
    fn note_trouble(&mut self, task: &Task, error: &CloudError, at: Moment) -> bool {
        let is_answered = error.service_answered();
        self.up = Some(is_answered);
        self.troubles = if is_answered { 0 } else { self.troubles.saturating_add(1) };
        self.note_outage(task, error, at);
        let never_worked = self.watched.values().all(Watched::is_unpolled) && self.listed_at.is_none();
        let is_lost = self.troubles >= LOST_AFTER || (self.troubles > 0 && never_worked);
        let place = match task {
            Task::Listing => &mut self.listing_error,
            _ if is_lost => &mut self.error,
            _ => return false,
        };
        let is_known = place.as_ref().is_some_and(|known| known.kind.reason() == error.kind.reason());
        *place = Some(Arc::new(error.clone()));
        if !is_known || self.untold {
            self.untold = !self.lines_of_all.allows(&self.config.name, at.steady);
            if !self.untold {
                report::project_failed(&self.config.name, task.operation(), error);
            }
        }
        is_lost
    }

    /// Takes note that nothing can be sent because the key is stopped, perhaps after another project's refusal. That
    /// counts as tried, and badly: where projects share a key, one may never get a turn of its own.
    fn note_held(&mut self, error: CloudError, at: Moment) {
        self.tried = true;
        self.up = Some(false);
        if self.error.is_none() && self.listing_error.is_none() {
            if self.lines_of_all.allows(&self.config.name, at.steady) {
                report::project_held(&self.config.name, &error);
            }
            self.error = Some(Arc::new(error));
        }
    }

    /// Nobody waits for so long a pause: what has not been polled stays so, and this is why.
    pub(super) fn put_off(&mut self, pause: Duration) {
        self.tried = true;
        let asks = format!("the cloud asks for no requests for {} s, and not all has been polled", pause.as_secs());
        let mut error = CloudError::new(ErrorKind::Throttled, asks);
        error.retry_after = Some(pause);
        self.error = Some(Arc::new(error));
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
            left_out: self.left_out,
            listed_at: self.listed_at,
            poll_interval: Duration::try_from_secs_f64(stretched).unwrap_or(Duration::MAX),
            tried: self.tried,
            error: self.error.clone().or_else(|| self.listing_error.clone()),
            instances: self.watched.picture(),
        }
    }
}
