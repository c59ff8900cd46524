//! Another configuration for a running poller.
//!
//! It is taken between two events. A project that stays, by its name, its endpoint and the cloud's project, keeps all
//! that is known of it, and its polls come when they would have come; the others are new, or gone. Requests of a
//! project that goes, or that has another client now, are given up before anything else leaves: whatever the number of
//! configurations, no more requests are under way than the limits allow, and nothing is told of a project that is gone.

use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use super::project::Moment;
use super::{Member, MemberId, Poller};
use crate::cloud::DcsApi;
use crate::cloud::paced::Paced;
use crate::config::{Polling, ProjectConfig};
use crate::domain::ProjectName;

/// A configuration, and where to tell what it has changed.
#[derive(Debug)]
pub(super) struct Change<A> {
    projects: Vec<(ProjectConfig, Arc<Paced<A>>)>,
    polling: Polling,
    taken: oneshot::Sender<Changed>,
}

/// What another configuration has changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changed {
    /// Projects that were not watched before, in their order.
    pub projects_added: Vec<ProjectName>,
    /// Projects that are not watched any more.
    pub projects_removed: Vec<ProjectName>,
    /// Instances that are configured by hand now and were not, in projects that stay.
    pub instances_added: usize,
    /// Instances that were configured by hand, in projects that stay.
    pub instances_removed: usize,
}

/// Hands configurations over to a poller while it runs.
#[derive(Debug)]
pub struct Handover<A>(mpsc::Sender<Change<A>>);

impl<A> Handover<A> {
    /// Hands over all projects from now on, in their order. A project that keeps its API (the same `Arc`) keeps what is
    /// under way; any other API is tried at once. `None` once the poller does not run any more.
    pub async fn hand_over(&self, projects: Vec<(ProjectConfig, Arc<Paced<A>>)>, polling: Polling) -> Option<Changed> {
        let (taken, told) = oneshot::channel();
        self.0.send(Change { projects, polling, taken }).await.ok()?;
        told.await.ok()
    }
}

impl<A: DcsApi> Poller<A> {
    /// The way to hand over configurations while the poller runs; to be taken before.
    pub fn handover(&self) -> Handover<A> {
        Handover(self.changes.sender())
    }

    /// Takes another configuration.
    pub(super) async fn change(&mut self, change: Change<A>) {
        let Change { projects, polling, taken } = change;
        self.give_up(&self.those_to_give_up(&projects)).await;
        let at = Moment { steady: Instant::now(), wall: self.clock.now() };
        let mut changed = Changed::default();
        let mut before = std::mem::take(&mut self.members);
        for (config, api) in projects {
            let stays = before.iter().position(|member| member.is_of(&config));
            let member = if let Some(place) = stays {
                let mut member = before.remove(place);
                let (added, removed) = member.reconfigure(&config, api, &polling, at);
                changed.instances_added += added;
                changed.instances_removed += removed;
                member
            } else {
                changed.projects_added.push(config.name.clone());
                self.member(&config, api, &polling, at.steady)
            };
            self.members.push(member);
        }
        for member in before {
            member.api.forget();
            self.metrics.project_ends(member.project.name());
            changed.projects_removed.push(member.project.name().clone());
        }
        // One that was removed may have had the name.
        for name in &changed.projects_added {
            self.metrics.project_begins(name);
        }
        self.metrics.looks_back(polling.lookback);
        self.snapshot.lookback = polling.lookback;
        self.snapshot.projects.clear();
        self.revision += 1;
        self.publish();
        // Whoever brought it and went away needs no answer.
        let _ = taken.send(changed);
    }

    /// The members that go, and those that have another API.
    fn those_to_give_up(&self, projects: &[(ProjectConfig, Arc<Paced<A>>)]) -> Vec<MemberId> {
        let stays = |member: &Member<A>| {
            projects.iter().any(|(config, api)| member.is_of(config) && Arc::ptr_eq(&member.api, api))
        };
        self.members.iter().filter(|member| !stays(member)).map(|member| member.id).collect()
    }

    /// Gives up what is under way of these members, and waits until nothing of it is.
    async fn give_up(&mut self, ids: &[MemberId]) {
        let is_meant = |member: &&Member<A>| ids.contains(&member.id);
        for (_, running) in self.members.iter().filter(is_meant).flat_map(|member| member.under_way.values()) {
            running.abort();
        }
        while self.members.iter().filter(is_meant).any(|member| !member.under_way.is_empty()) {
            let Some(done) = self.running.join_next_with_id().await else { return };
            self.take(done);
        }
    }

    /// A task was given up: it is due again.
    pub(super) fn abandoned(&mut self, id: tokio::task::Id, at: Moment) {
        for member in &mut self.members {
            if let Some((task, _)) = member.under_way.remove(&id) {
                member.project.not_sent(&task, at);
            }
        }
    }
}

impl<A: DcsApi> Member<A> {
    fn is_of(&self, config: &ProjectConfig) -> bool {
        self.project.is_still(config, self.api.project_id())
    }

    /// Takes what has changed, and tells how many instances by hand came and went.
    fn reconfigure(
        &mut self,
        config: &ProjectConfig,
        api: Arc<Paced<A>>,
        polling: &Polling,
        at: Moment,
    ) -> (usize, usize) {
        self.changed = true;
        let counts = self.project.reconfigure(config, polling, at);
        if !Arc::ptr_eq(&self.api, &api) {
            self.project.is_asked_anew(self.api.project_id(), at);
            self.api.forget();
            self.api = api;
        }
        counts
    }
}
