//! The actor that polls: it waits for the next event, lets the project take it, and publishes the picture.
//!
//! What is due and what an answer means is decided synchronously in `project`; here is only the waiting. The
//! requests run as tasks of their own, at most as many as the budget lets run. Which goes next is decided when the
//! budget has let go the one before (`line`): the most urgent then.

mod instance;
mod line;
mod probe;
mod project;
mod recall;
mod report;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::clock::Clock;
use crate::cloud::error::ErrorKind;
use crate::cloud::listing::{self, ListingError, PageSizes};
use crate::cloud::paced::Paced;
use crate::cloud::{Answer, CloudError, DcsApi, Oddities, Request};
use crate::config::{Polling, ProjectConfig};
use crate::domain::ProjectName;
use crate::exposition::own::OwnMetrics;
use crate::snapshot::Snapshot;
use line::{FromLine, Line};
pub use probe::Prober;
use project::{Moment, Project, Reading, Task};
pub use recall::Recall;
use recall::{Asked, Question};

/// While something is due and cannot be sent, its lateness is told this often.
const HEARTBEAT: Duration = Duration::from_secs(5);

/// The actor.
#[derive(Debug)]
pub struct Poller<A> {
    members: Vec<Member<A>>,
    running: JoinSet<Done>,
    /// Told whenever a project's line has moved.
    moved: Arc<Notify>,
    clock: Clock,
    metrics: OwnMetrics,
    snapshot: Snapshot,
    publisher: watch::Sender<Arc<Snapshot>>,
    /// How many answers were taken.
    revision: u64,
    asked: Asked,
}

/// A project with its way to the cloud.
#[derive(Debug)]
struct Member<A> {
    project: Project,
    api: Arc<Paced<A>>,
    /// How long the pages may be that the cloud sends.
    sizes: Arc<PageSizes>,
    line: Arc<Line>,
    under_way: usize,
    changed: bool,
}

/// A task that has come to its end.
#[derive(Debug)]
struct Done {
    member: usize,
    task: Task,
    result: Result<Reading, CloudError>,
}

impl<A: DcsApi> Poller<A> {
    /// A poller of these projects, each with its API; nothing is sent before it runs.
    pub fn new(projects: Vec<(ProjectConfig, Paced<A>)>, polling: &Polling, clock: Clock, metrics: OwnMetrics) -> Self {
        let now = Instant::now();
        let moved = Arc::new(Notify::new());
        let members: Vec<_> = projects
            .into_iter()
            .map(|(config, api)| Member {
                project: Project::new(&config, polling, metrics.clone(), now),
                api: Arc::new(api),
                sizes: Arc::default(),
                line: Arc::new(Line::new(moved.clone())),
                under_way: 0,
                changed: true,
            })
            .collect();
        let snapshot = Snapshot { projects: Vec::new(), lookback: polling.lookback };
        let mut poller = Self {
            members,
            running: JoinSet::new(),
            moved,
            clock,
            metrics,
            publisher: watch::Sender::new(Arc::new(snapshot.clone())),
            snapshot,
            revision: 0,
            asked: Asked::default(),
        };
        poller.publish();
        poller
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
        loop {
            self.dispatch();
            tokio::select! {
                () = &mut shutdown => return,
                question = asked.next() => self.answer(question),
                () = self.step() => {}
            }
        }
    }

    /// Polls everything once: until every operation has been tried, or cannot be because its key is stopped.
    pub async fn run_one_round(&mut self) {
        while !self.members.iter_mut().all(|member| member.project.round_is_done()) {
            self.dispatch();
            self.step().await;
        }
    }

    fn answer(&mut self, question: Question) {
        match question {
            // Whoever asked and went away needs no answer.
            Question::Memory(reply) => drop(reply.send(self.remembered())),
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
            Some(done) = self.running.join_next() => {
                self.take(done);
                while let Some(done) = self.running.try_join_next() {
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
        for (index, member) in self.members.iter_mut().enumerate() {
            member.project.end_probes(now);
            member.project.reconsider_where_late(at);
            while member.has_room()
                && let Some(task) = member.project.next_task(now)
            {
                member.under_way += 1;
                let api = FromLine { api: member.api.clone(), place: member.line.join() };
                let sizes = member.sizes.clone();
                let metrics = self.metrics.clone();
                let name = member.project.name().clone();
                self.running.spawn(async move {
                    let result = carry_out(&api, &task, &sizes, &name, &metrics).await;
                    Done { member: index, task, result }
                });
            }
            member.project.measure(now);
        }
    }

    fn take(&mut self, done: Result<Done, tokio::task::JoinError>) {
        // A task is never cancelled while the poller runs; one that panicked would be a bug to see at once.
        let Done { member, task, result } = done.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()));
        let at = Moment { steady: Instant::now(), wall: self.clock.now() };
        let member = &mut self.members[member];
        member.under_way -= 1;
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
        self.under_way < self.api.concurrency() && self.line.is_empty()
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
            Ok(Reading::Instances { instances: listing.items, complete: listing.complete })
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
