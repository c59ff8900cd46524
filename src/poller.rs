//! The actor that polls: it waits for the next event, lets the project take it, and publishes the picture.
//!
//! What is due and what an answer means is decided synchronously in `project`; here is only the waiting. The
//! requests run as tasks of their own, at most as many as the budget lets run. Which goes next is decided when the
//! budget has let go the one before (`line`): the most urgent then. Between two events others may have a word (`inbox`):
//! who stores what is remembered (`recall`), who wants to know whether it turns (`pulse`), and who brings another
//! configuration (`reconfigure`).

mod inbox;
mod instance;
mod line;
mod probe;
mod project;
mod pulse;
mod recall;
mod reconfigure;
mod report;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::task::{AbortHandle, JoinError, JoinSet};
use tokio::time::Instant;

use crate::clock::Clock;
use crate::cloud::error::ErrorKind;
use crate::cloud::listing::{self, ListingError, PageSizes};
use crate::cloud::paced::Paced;
use crate::cloud::{Answer, CloudError, DcsApi, Oddities, Request};
use crate::config::{Polling, ProjectConfig};
use crate::domain::ProjectName;
use crate::domain::shard::Shard;
use crate::exposition::own::OwnMetrics;
use crate::snapshot::Snapshot;
use inbox::Inbox;
use line::{FromLine, Line};
pub use probe::Prober;
use project::{Moment, Project, Reading, Task};
pub use pulse::Pulse;
use recall::Question;
pub use recall::Recall;
use reconfigure::Change;
pub use reconfigure::{Changed, Handover};

/// While something is due and cannot be sent, its lateness is told this often.
const HEARTBEAT: Duration = Duration::from_secs(5);

/// A single round does not wait for a cloud that asks for a longer pause than this.
const LONGEST_PAUSE_OF_A_ROUND: Duration = Duration::from_mins(1);

/// The actor.
#[derive(Debug)]
pub struct Poller<A> {
    /// Which of the instances are watched.
    shard: Shard,
    /// In the order of the configuration.
    members: Vec<Member<A>>,
    /// The id of the member that comes next.
    next_id: MemberId,
    running: JoinSet<Done>,
    /// Told whenever a project's line has moved.
    moved: Arc<Notify>,
    clock: Clock,
    metrics: OwnMetrics,
    snapshot: Snapshot,
    publisher: watch::Sender<Arc<Snapshot>>,
    /// How many answers and configurations were taken.
    revision: u64,
    asked: Inbox<Question>,
    changes: Inbox<Change<A>>,
}

/// Tells members apart, those that are gone too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct MemberId(u64);

/// A project with its way to the cloud.
#[derive(Debug)]
struct Member<A> {
    id: MemberId,
    project: Project,
    api: Arc<Paced<A>>,
    /// How long the pages may be that the cloud sends.
    sizes: Arc<PageSizes>,
    line: Arc<Line>,
    under_way: HashMap<tokio::task::Id, (Task, AbortHandle)>,
    changed: bool,
}

/// A task that has come to its end.
#[derive(Debug)]
struct Done {
    member: MemberId,
    task: Task,
    result: Result<Reading, CloudError>,
}

impl<A: DcsApi> Poller<A> {
    /// A poller of a shard of these projects, each with its API; nothing is sent before it runs.
    pub fn new(
        projects: Vec<(ProjectConfig, impl Into<Arc<Paced<A>>>)>,
        shard: Shard,
        polling: &Polling,
        clock: Clock,
        metrics: OwnMetrics,
    ) -> Self {
        metrics.shard(shard);
        let now = Instant::now();
        let snapshot = Snapshot { projects: Vec::new(), lookback: polling.lookback };
        let mut poller = Self {
            shard,
            members: Vec::with_capacity(projects.len()),
            next_id: MemberId::default(),
            running: JoinSet::new(),
            moved: Arc::new(Notify::new()),
            clock,
            metrics,
            publisher: watch::Sender::new(Arc::new(snapshot.clone())),
            snapshot,
            revision: 0,
            asked: Inbox::default(),
            changes: Inbox::default(),
        };
        for (config, api) in projects {
            let member = poller.member(&config, api.into(), polling, now);
            poller.members.push(member);
        }
        poller.publish();
        poller
    }

    /// A project that was not there before.
    fn member(&mut self, config: &ProjectConfig, api: Arc<Paced<A>>, polling: &Polling, now: Instant) -> Member<A> {
        let id = self.next_id;
        self.next_id = MemberId(id.0 + 1);
        Member {
            id,
            project: Project::new(config, self.shard, polling, self.metrics.clone(), now),
            api,
            sizes: Arc::default(),
            line: Arc::new(Line::new(self.moved.clone())),
            under_way: HashMap::new(),
            changed: true,
        }
    }

    /// The newest picture, now and whenever it changes.
    pub fn subscribe(&self) -> watch::Receiver<Arc<Snapshot>> {
        self.publisher.subscribe()
    }

    /// Polls until the end of the future; what is under way then is dropped.
    pub async fn run(mut self, shutdown: impl Future<Output = ()>) {
        self.run_until(shutdown).await;
    }

    /// The same, for whoever wants to know afterwards what there is to remember.
    pub async fn run_until(&mut self, shutdown: impl Future<Output = ()>) {
        tokio::pin!(shutdown);
        let mut asked = std::mem::take(&mut self.asked);
        let mut changes = std::mem::take(&mut self.changes);
        loop {
            self.dispatch();
            tokio::select! {
                () = &mut shutdown => return,
                question = asked.next() => self.answer(question),
                change = changes.next() => self.change(change).await,
                () = self.step() => {}
            }
        }
    }

    /// Polls everything once: until every operation has been tried, or cannot be because its key is stopped or the
    /// cloud asks for a long pause.
    pub async fn run_one_round(&mut self) {
        while !self.members.iter_mut().all(Member::round_is_done) {
            self.dispatch();
            self.step().await;
        }
        self.publish();
    }

    fn answer(&mut self, question: Question) {
        match question {
            // Whoever asked and went away needs no answer.
            Question::Memory(reply) => drop(reply.send(self.remembered())),
            Question::Pulse(reply) => drop(reply.send(())),
            Question::Probe(probe) => {
                if let Some(member) = self.members.iter_mut().find(|member| *member.project.name() == probe.project) {
                    member.project.probe(probe, Instant::now());
                }
            }
        }
    }

    /// Waits until something has come to its end or is due, and takes all that has come.
    async fn step(&mut self) {
        let now = Instant::now();
        let next_at = self.members.iter().filter(|member| member.has_room()).filter_map(|m| m.project.next_at()).min();
        let is_behind = self.members.iter().any(|member| member.project.is_behind(now));
        let probes_end_at = self.members.iter().filter_map(|member| member.project.probes_end_at());
        let next_at = next_at.into_iter().chain(is_behind.then(|| now + HEARTBEAT)).chain(probes_end_at).min();
        tokio::select! {
            Some(done) = self.running.join_next_with_id() => {
                self.take(done);
                while let Some(done) = self.running.try_join_next_with_id() {
                    self.take(done);
                }
                self.publish();
            }
            () = self.moved.notified() => {}
            () = sleep_until(next_at) => {}
        }
    }

    /// Sends what is due, as far as there is room.
    fn dispatch(&mut self) {
        let now = Instant::now();
        let at = Moment { steady: now, wall: self.clock.now() };
        for member in &mut self.members {
            member.project.end_probes(now);
            member.project.reconsider_where_late(at);
            while member.has_room()
                && let Some(task) = member.project.next_task(now)
            {
                let id = member.id;
                let api = FromLine { api: member.api.clone(), place: member.line.join() };
                let sizes = member.sizes.clone();
                let metrics = self.metrics.clone();
                let name = member.project.name().clone();
                let sent = task.clone();
                let running = self.running.spawn(async move {
                    let result = carry_out(&api, &task, &sizes, &name, &metrics).await;
                    Done { member: id, task, result }
                });
                member.under_way.insert(running.id(), (sent, running));
            }
            member.project.measure(now);
        }
    }

    fn take(&mut self, done: Result<(tokio::task::Id, Done), JoinError>) {
        let at = Moment { steady: Instant::now(), wall: self.clock.now() };
        let (id, done) = match done {
            Ok((id, done)) => (id, done),
            Err(error) if error.is_cancelled() => return self.abandoned(error.id(), at),
            // A bug, to be seen at once.
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        };
        let Done { member, task, result } = done;
        let Some(member) = self.members.iter_mut().find(|known| known.id == member) else { return };
        member.under_way.remove(&id);
        member.changed = true;
        self.revision += 1;
        if let Some(id) = member.api.project_id() {
            member.project.turned_out_to_be(&id, at);
        }
        member.project.apply(&task, result, at);
    }

    fn publish(&mut self) {
        let unchanged = std::mem::take(&mut self.snapshot.projects);
        let mut unchanged = unchanged.into_iter();
        self.snapshot.projects = self
            .members
            .iter_mut()
            .map(|member| {
                let before = unchanged.next();
                match before {
                    Some(view) if !std::mem::take(&mut member.changed) => view,
                    _ => {
                        let stretch = member.api.stretch(member.project.demand());
                        Arc::new(member.project.view(member.api.project_id(), stretch))
                    }
                }
            })
            .collect();
        self.publisher.send_replace(Arc::new(self.snapshot.clone()));
    }
}

impl<A: DcsApi> Member<A> {
    fn has_room(&self) -> bool {
        self.under_way.len() < self.api.concurrency() && self.line.is_empty()
    }

    fn round_is_done(&mut self) -> bool {
        if self.project.round_is_done() {
            return true;
        }
        let pause = self.api.paused_for().filter(|pause| *pause > LONGEST_PAUSE_OF_A_ROUND);
        if let Some(pause) = pause {
            self.project.put_off(pause);
            self.changed = true;
        }
        pause.is_some()
    }
}

/// Asks the cloud what the task wants to know.
async fn carry_out<A: DcsApi>(
    api: &A,
    task: &Task,
    sizes: &PageSizes,
    project: &ProjectName,
    metrics: &OwnMetrics,
) -> Result<Reading, CloudError> {
    let note = |oddities: &Oddities| metrics.oddities(project, task.operation(), oddities);
    let failed = |failure: ListingError| {
        note(&failure.oddities);
        *failure.error
    };
    match task {
        Task::Listing => {
            let listing = listing::instances(api, sizes).await.map_err(failed)?;
            note(&listing.oddities);
            Ok(Reading::Instances { instances: listing.items, extent: listing.extent })
        }
        Task::Backups(id) => {
            let listing = listing::backups(api, sizes, id).await.map_err(failed)?;
            note(&listing.oddities);
            Ok(Reading::Records(listing.items))
        }
        Task::Restores(id) => {
            let listing = listing::restores(api, sizes, id).await.map_err(failed)?;
            note(&listing.oddities);
            Ok(Reading::Records(listing.items))
        }
        Task::Policy(id) => match api.send(&Request::Instance(id.clone())).await? {
            Answer::Instance(instance, oddities) => {
                note(&oddities);
                Ok(Reading::Instance(instance))
            }
            _ => Err(CloudError::new(ErrorKind::Decode, "the answer is of another kind than the request")),
        },
    }
}

async fn sleep_until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod fake;
#[cfg(test)]
mod tests;
