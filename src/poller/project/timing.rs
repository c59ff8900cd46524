//! When a task is due again.

use std::time::Duration;

use super::{Moment, Project, Task};
use crate::cloud::error::ErrorKind;
use crate::domain::facts::RecordFacts;
use crate::domain::{InstanceId, Operation};
use crate::poller::instance::Watched;
use crate::schedule::{self, Cadence, Outlook, fraction, restores_interval, to_turn};

/// The policy is read again when so much of the grace after a slot has gone by without a backup.
const DOUBTS_PLAN_AFTER: f64 = 0.8;

/// When a task is due, and what its lateness is held against: see [`schedule::queue`].
#[derive(Clone, Copy, Debug)]
pub(super) struct Due {
    pub(super) wait: Duration,
    pub(super) measure: Duration,
}

impl Project {
    /// When a task that worked is due again.
    pub(super) fn due_after_success(&self, operation: Operation, id: &InstanceId, at: Moment) -> Due {
        let chance = fraction((id, operation));
        let turn = |interval| to_turn(at.steady.saturating_duration_since(self.begun), interval, chance);
        let (Some(watched), false) = (self.watched.get(id), operation == Operation::Policy) else {
            // When it is due it is as urgent as an idle poll: a few calls a day.
            return Due { wait: turn(self.polling.policy_interval), measure: self.polling.idle_interval };
        };
        let view = watched.view();
        let facts = if operation == Operation::Restores { &view.restores } else { &view.backups };
        let none = RecordFacts::default();
        let outlook = self.outlook(watched, operation, facts.as_deref().unwrap_or(&none), at);
        let next = outlook.next(&self.polling, turn(outlook.idle_interval), chance, at.wall);
        let measure = match next.cadence {
            Cadence::Idle => outlook.idle_interval,
            cadence => cadence.interval(&self.polling),
        };
        if watched.awaits_confirmation(operation) {
            let window = self.polling.window_interval;
            return Due { wait: next.wait.min(window), measure: measure.min(window) };
        }
        Due { wait: next.wait, measure }
    }

    pub(super) fn outlook<'a>(
        &self,
        watched: &'a Watched,
        operation: Operation,
        facts: &'a RecordFacts,
        at: Moment,
    ) -> Outlook<'a> {
        let of_backups = operation == Operation::Backups;
        let has_slots = of_backups && watched.view().supported != Some(false);
        let is_listed =
            watched.listed.is_some_and(|listed| at.steady.duration_since(listed) <= self.polling.idle_interval);
        Outlook {
            facts,
            usual: watched.usual(operation),
            policy: watched.view().policy.as_ref().filter(|_| has_slots),
            grace: self.terms.rpo_grace,
            under_way_since: watched.restoring_since().filter(|_| !of_backups),
            idle_interval: if of_backups {
                self.polling.idle_interval
            } else {
                restores_interval(&self.polling, is_listed)
            },
        }
    }

    /// What was read of the instance may make this task due sooner: a plan opens a window before the backups' turn.
    pub(super) fn hasten(&mut self, task: &Task, at: Moment) {
        let (Task::Backups(id) | Task::Policy(id) | Task::Restores(id)) = task else { return };
        let due = self.due_after_success(task.operation(), id, at);
        self.queue.hasten(task, at.steady + due.wait, due.measure);
    }

    /// Before a slot counts as overdue the policy is read again: perhaps somebody has changed it. A reading that fails
    /// is repeated as every failed one.
    pub(super) fn hasten_policy(&mut self, id: &InstanceId, at: Moment) {
        let Some(watched) = self.watched.get_mut(id) else { return };
        let poll = watched.poll(Operation::Policy);
        let (read_at, failures) = (poll.view.last_success_at, poll.failures);
        let Some(watched) = self.watched.get(id) else { return };
        let view = watched.view();
        let (Some(facts), Some(policy)) = (&view.backups, &view.policy) else { return };
        let slot = policy.last_scheduled(at.wall).filter(|_| view.supported != Some(false));
        let unanswered = slot.filter(|slot| !facts.automatic.iter().any(|backup| backup.begun_at >= *slot));
        let Some(doubted) = unanswered.map(|slot| slot + self.terms.rpo_grace.mul_f64(DOUBTS_PLAN_AFTER)) else {
            return;
        };
        if failures == 0 && at.wall >= doubted && read_at.is_none_or(|read_at| read_at < doubted) {
            self.queue.hasten(&Task::Policy(id.clone()), at.steady, self.polling.window_interval);
        }
    }

    /// The listing is a few requests for all instances: as urgent as a window.
    pub(super) fn due_listing(&self, wait: Duration) -> Due {
        Due { wait, measure: self.polling.window_interval }
    }

    /// Puts a task back that was not sent, if it is still to be.
    pub(super) fn enqueue_again(&mut self, task: &Task, at: Moment) {
        let due = match task {
            Task::Listing if self.config.discovery.is_none() => return,
            Task::Listing => self.due_listing(Duration::ZERO),
            Task::Backups(id) | Task::Policy(id) | Task::Restores(id) if !self.watched.contains_key(id) => return,
            Task::Backups(id) | Task::Policy(id) | Task::Restores(id) => {
                Due { wait: Duration::ZERO, ..self.due_after_success(task.operation(), id, at) }
            }
        };
        self.enqueue(task.clone(), at.steady, due);
    }

    pub(super) fn wait_after_failure(
        &self,
        kind: ErrorKind,
        operation: Operation,
        failures: u32,
        chance: f64,
    ) -> Duration {
        let regular = match operation {
            Operation::Backups | Operation::Restores => self.polling.idle_interval,
            Operation::Policy => self.polling.policy_interval,
            Operation::Instances => self.listing_interval(),
        };
        let base = match kind {
            // Nothing mends these but a person: no faster than if all were well.
            ErrorKind::Forbidden | ErrorKind::NotFound => self.polling.idle_interval.min(regular),
            _ => self.polling.active_interval.min(regular),
        };
        schedule::backoff(failures, base, regular.min(self.polling.idle_interval.max(base)), chance)
    }

    pub(super) fn listing_interval(&self) -> Duration {
        self.config.discovery.as_ref().map_or(self.polling.idle_interval, |discovery| discovery.interval)
    }
}
