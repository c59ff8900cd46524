//! When a task is due again.

use std::time::Duration;

use super::{Moment, Project, Task};
use crate::cloud::error::ErrorKind;
use crate::domain::facts::RecordFacts;
use crate::domain::{InstanceId, Operation};
use crate::schedule::{self, Cadence, fraction};

impl Project {
    /// The time until a task that worked is due again.
    pub(super) fn wait_after_success(&self, task: &Task, id: &InstanceId, spread: bool, at: Moment) -> Duration {
        let chance = fraction((id, task.operation()));
        let Some(watched) = self.watched.get(id) else { return self.polling.idle_interval };
        if task.operation() == Operation::Policy {
            let interval = self.polling.policy_interval;
            return if spread { interval } else { interval.mul_f64(f64::midpoint(1.0, chance)) };
        }
        let view = watched.view();
        let (facts, policy) = match task.operation() {
            Operation::Restores => (&view.restores, None),
            _ => (&view.backups, view.policy.as_ref()),
        };
        let none = RecordFacts::default();
        let facts = facts.as_deref().unwrap_or(&none);
        let (cadence, wait) = schedule::until_next(facts, policy, &self.polling, self.terms.rpo_grace, chance, at.wall);
        if watched.awaits_confirmation(task.operation()) {
            return wait.min(self.polling.window_interval);
        }
        if cadence == Cadence::Idle && !spread {
            return wait.min(self.polling.idle_interval.mul_f64(chance));
        }
        wait
    }

    /// A plan that has just been read may open a window before the backups' next turn.
    pub(super) fn hasten_to_slot(&mut self, id: &InstanceId, at: Moment) {
        let task = Task::Backups(id.clone());
        let wait = self.wait_after_success(&task, id, true, at);
        self.queue.hasten(&task, at.steady + wait);
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
