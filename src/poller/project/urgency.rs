//! What a project does, and says, where more is due than its budget lets go.

use std::time::Duration;

use tokio::time::Instant;

use super::{Moment, Project, Task};
use crate::domain::Operation;
use crate::domain::facts::RecordFacts;
use crate::schedule::restores_interval;

/// How the schedule stands is counted no more often than this while much is due.
const MEASURE_PAUSE: Duration = Duration::from_secs(1);

impl Project {
    /// Something is due that has not been sent.
    pub(in crate::poller) fn is_behind(&self, now: Instant) -> bool {
        self.queue.next_at().is_some_and(|at| at <= now)
    }

    /// Tells the exporter's own metrics how the schedule stands. Counting what is due costs the more the more it is,
    /// so that is done once a second.
    pub(in crate::poller) fn measure(&mut self, now: Instant) {
        let is_recent = self.measured_at.is_some_and(|at| now.duration_since(at) < MEASURE_PAUSE);
        if is_recent && self.is_behind(now) {
            return;
        }
        self.measured_at = Some(now);
        let lag = self.queue.next_at().map_or(Duration::ZERO, |at| now.saturating_duration_since(at));
        self.metrics.schedule(&self.config.name, lag, self.queue.due(now), self.watched.len());
    }

    /// What waits since before its slot becomes more urgent when the slot begins. Looks for such where polls are late,
    /// once a window's interval.
    pub(in crate::poller) fn reconsider_where_late(&mut self, at: Moment) {
        let pause = self.polling.window_interval;
        let is_late = self.queue.next_at().is_some_and(|due| at.steady.saturating_duration_since(due) >= pause);
        if is_late && at.steady.saturating_duration_since(self.reconsidered_at) >= pause {
            self.reconsider(at);
        }
    }

    /// Looks for instances whose slot has begun while they waited.
    pub(super) fn reconsider(&mut self, at: Moment) {
        self.reconsidered_at = at.steady;
        let window = self.polling.window_interval;
        let none = RecordFacts::default();
        let mut opened = Vec::new();
        for (id, watched) in self.watched.iter() {
            let task = Task::Backups(id.clone());
            let Some((due, measure)) = self.queue.place(&task) else { continue };
            if measure <= window || due > at.steady {
                continue;
            }
            let facts = watched.view().backups.as_deref().unwrap_or(&none);
            let slot = self.outlook(watched, Operation::Backups, facts, at).unanswered_slot(at.wall);
            let Some(slot) = slot else { continue };
            let ago = Duration::try_from(at.wall.duration_since(slot)).unwrap_or_default();
            opened.push((task, at.steady.checked_sub(ago).map_or(due, |begun| begun.max(due))));
        }
        for (task, due) in opened {
            self.queue.set(task, due, window);
        }
    }

    /// Requests a second that the schedule asks for, but for the pages of long lists.
    pub(in crate::poller) fn demand(&self) -> f64 {
        let a_second = |interval: Duration| 1.0 / interval.as_secs_f64().max(0.001);
        let idle = a_second(self.polling.idle_interval);
        let restores = a_second(restores_interval(&self.polling, self.config.discovery.is_some()));
        let regular = self.watched.len() as f64 * (idle + restores + a_second(self.polling.policy_interval));
        let urgent = self.queue.measures().filter(|(measure, _)| *measure < self.polling.idle_interval);
        let more = |(measure, count): (Duration, usize)| count as f64 * (a_second(measure) - idle);
        regular + urgent.map(more).sum::<f64>()
    }
}
