//! Instances that somebody waits for: what `/probe` asks is done out of turn, within the project's budget.
//!
//! What is under way already, or was answered a moment ago, is not asked again, whoever asked for it; so requests that
//! come together share one poll. While regular polls are due as well, a probe's requests are at most a share of all.
//! What cannot be sent (the key is stopped, the cloud is out of reach) is not waited for. When nobody waits any more
//! nothing is left to be done: a poll keeps its place in the schedule until it is sent.

use std::time::Duration;

use tokio::time::Instant;

use super::{Project, Task};
use crate::domain::Operation;
use crate::poller::probe::Probe;

/// What was answered so long ago is not asked again.
const JUST_NOW: Duration = Duration::from_secs(2);
/// While regular polls are due, so many of them leave for each request of a probe.
const REGULAR_FOR_ONE: u32 = 3;
/// As many as one probe needs may leave in a row, after as many regular ones as belong to them.
const MOST_CREDIT: u32 = 3 * REGULAR_FOR_ONE;

/// Who waits, and how much may be done for them.
#[derive(Debug)]
pub(super) struct Probes {
    /// In the order they came.
    waiting: Vec<Waiting>,
    /// Regular polls that have left and stand for none of a probe's requests yet.
    credit: u32,
}

/// Somebody who waits.
#[derive(Debug)]
struct Waiting {
    probe: Probe,
    /// Of the operations [`Operation::PER_INSTANCE`]: whether they worked; `None` as long as that is not known.
    worked: [Option<bool>; 3],
}

impl Default for Probes {
    fn default() -> Self {
        Self { waiting: Vec::new(), credit: MOST_CREDIT }
    }
}

impl Waiting {
    /// What is still to be asked.
    fn tasks(&self) -> impl Iterator<Item = Task> {
        let operations = Operation::PER_INSTANCE.into_iter().zip(&self.worked);
        operations.filter(|(_, worked)| worked.is_none()).map(|(operation, _)| Task::of(operation, &self.probe.id))
    }
}

impl Project {
    /// Somebody waits for an instance; one that is not watched is not known here.
    pub(in crate::poller) fn probe(&mut self, probe: Probe, now: Instant) {
        let Some(watched) = self.watched.get_mut(&probe.id) else { return };
        let worked = Operation::PER_INSTANCE.map(|operation| {
            let poll = watched.poll(operation);
            let is_recent = poll.answered.is_some_and(|at| now.duration_since(at) <= JUST_NOW);
            poll.view.success.filter(|_| is_recent)
        });
        self.probes.waiting.push(Waiting { probe, worked });
    }

    /// When the first of those who wait has to be answered.
    pub(in crate::poller) fn probes_end_at(&self) -> Option<Instant> {
        self.probes.waiting.iter().map(|waiting| waiting.probe.until).min()
    }

    /// Answers those for whom no more can be done.
    pub(in crate::poller) fn end_probes(&mut self, now: Instant) {
        if self.probes.waiting.is_empty() {
            return;
        }
        for waiting in std::mem::take(&mut self.probes.waiting) {
            // Whoever asked and went away needs no answer, and what is not watched any more has none.
            let Some(watched) = self.watched.get(&waiting.probe.id).filter(|_| !waiting.probe.reply.is_closed()) else {
                continue;
            };
            let is_stopped = self.sends_nothing_until(waiting.probe.until, now);
            let may_come = |task: Task| !is_stopped || self.is_under_way(&task);
            if now < waiting.probe.until && waiting.tasks().any(may_come) {
                self.probes.waiting.push(waiting);
                continue;
            }
            let view = watched.view().polled_now(waiting.worked.map(|worked| worked == Some(true)));
            let _ = waiting.probe.reply.send(view);
        }
    }

    /// Takes out what is to be sent now for those who wait.
    pub(super) fn probed_task(&mut self, now: Instant) -> Option<Task> {
        let is_shared = self.is_behind(now);
        if is_shared && self.probes.credit < REGULAR_FOR_ONE {
            return None;
        }
        let task = self.probes.waiting.iter().flat_map(Waiting::tasks).find(|task| !self.is_under_way(task))?;
        self.queue.remove(&task);
        if is_shared {
            self.probes.credit -= REGULAR_FOR_ONE;
        }
        Some(task)
    }

    /// Takes out the most urgent of what is due.
    pub(super) fn regular_task(&mut self, now: Instant) -> Option<Task> {
        let task = self.queue.pop_due(now)?;
        self.probes.credit = (self.probes.credit + 1).min(MOST_CREDIT);
        Some(task)
    }

    /// Takes note that a task was answered, well or badly.
    pub(super) fn note_answer(&mut self, task: &Task, now: Instant) {
        let (Task::Backups(id) | Task::Policy(id) | Task::Restores(id)) = task else { return };
        let Some(watched) = self.watched.get_mut(id) else { return };
        let poll = watched.poll(task.operation());
        poll.answered = Some(now);
        let success = poll.view.success;
        for waiting in self.probes.waiting.iter_mut().filter(|waiting| waiting.probe.id == *id) {
            for (operation, worked) in Operation::PER_INSTANCE.iter().zip(&mut waiting.worked) {
                if *operation == task.operation() {
                    *worked = success;
                }
            }
        }
    }

    /// What is polled is in the queue, but while a request for it is under way.
    fn is_under_way(&self, task: &Task) -> bool {
        self.queue.place(task).is_none()
    }

    /// Whether it is known that nothing will be sent until then: the key is stopped, or the next attempt to reach the
    /// cloud comes later.
    fn sends_nothing_until(&self, until: Instant, now: Instant) -> bool {
        let is_held = self.held_until.is_some_and(|held| held > now);
        let attempt_at = self.outage.as_ref().and_then(super::Outage::next_probe);
        is_held || attempt_at.is_some_and(|at| at > until)
    }
}
