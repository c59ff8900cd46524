//! Asking a running poller what there is to remember, and giving it back after a restart.
//!
//! The poller alone knows, and it is busy: whoever wants to store its memory asks ([`Recall`]) and gets it between two
//! events. Nothing is copied or encoded for that when polls come in.

use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use super::Poller;
use super::probe::Probe;
use super::project::Moment;
use crate::cloud::DcsApi;
use crate::memory::{Memory, Revision};

/// Asks a poller while it runs; cheap to clone.
#[derive(Clone, Debug)]
pub struct Recall(mpsc::Sender<Question>);

/// What a poller is asked between two events.
#[derive(Debug)]
pub(super) enum Question {
    /// What there is to remember, and where that goes.
    Memory(oneshot::Sender<Revision>),
    /// Whether the loop turns.
    Pulse(oneshot::Sender<()>),
    /// To poll an instance now.
    Probe(Probe),
}

impl Recall {
    /// What there is to remember; `None` once the poller does not run any more.
    pub async fn ask(&self) -> Option<Revision> {
        let (sender, receiver) = oneshot::channel();
        self.0.send(Question::Memory(sender)).await.ok()?;
        receiver.await.ok()
    }
}

impl<A: DcsApi> Poller<A> {
    /// The way to ask while the poller runs; to be taken before.
    pub fn recall(&self) -> Recall {
        Recall(self.asked.sender())
    }

    /// Takes back what was remembered before a restart, as far as it belongs to a project of the configuration; to be
    /// done before running. Tells how many instances belong to none.
    pub fn restore(&mut self, memory: Memory) -> usize {
        let at = Moment { steady: Instant::now(), wall: self.clock.now() };
        let mut dropped = 0;
        for project in memory.projects {
            match self.members.iter_mut().find(|member| member.project.is_of(&project)) {
                Some(member) => {
                    dropped += member.project.restore(project, at);
                    member.changed = true;
                }
                None => dropped += project.instances.len(),
            }
        }
        self.publish();
        dropped
    }

    /// What there is to remember.
    pub fn remembered(&self) -> Revision {
        let projects =
            self.members.iter().filter_map(|member| member.project.memory(member.api.project_id())).collect();
        Revision { number: self.revision, memory: Memory { saved_at: self.clock.now(), projects } }
    }
}

#[cfg(test)]
mod tests;
