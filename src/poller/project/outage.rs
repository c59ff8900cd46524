//! What a project does while the cloud is out of reach.
//!
//! Where everything fails by the way to the cloud, or in the cloud as a whole, no instance is to blame, and retries of
//! each would cost calls and tell nothing. So all of them wait, and one request at a time finds out whether the cloud
//! is back: after a second, then ever more rarely, but every few minutes. The first answer of the service itself,
//! be it a refusal, lets all go on: those that had failed are due at once, the most urgent first.

use std::time::Duration;

use tokio::time::Instant;

use super::{LOST_AFTER, Moment, Project, Task};
use crate::cloud::CloudError;
use crate::cloud::error::ErrorKind;
use crate::domain::Operation;
use crate::schedule::{backoff, fraction};

/// The first pause; a cloud that fails now and then, by chance several times in a row, is not left alone for long.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// The longest pause, before jitter; no longer than the idle interval.
const LONGEST_PAUSE: Duration = Duration::from_mins(2);

/// The cloud is out of reach.
#[derive(Debug)]
pub(super) struct Outage {
    pauses: u32,
    probe_at: Instant,
    probe: Option<Task>,
}

impl Outage {
    /// When the next probe may leave; not before the one under way is answered.
    pub(super) fn next_probe(&self) -> Option<Instant> {
        self.probe.is_none().then_some(self.probe_at)
    }

    /// This task finds out.
    pub(super) fn probe_leaves(&mut self, task: Task) {
        self.probe = Some(task);
    }

    /// There is reason to find out at once, unless that is under way.
    pub(super) fn probe_now(&mut self, now: Instant) {
        self.probe_at = self.probe_at.min(now);
    }

    /// The key was stopped meanwhile: nothing was found out.
    pub(super) fn probe_was_not_sent(&mut self, task: &Task) {
        if self.probe.as_ref() == Some(task) {
            self.probe = None;
        }
    }
}

/// Whether an error says nothing of what was asked, but that nobody was reached who could tell.
fn is_out_of_reach(error: &CloudError) -> bool {
    let of_whole = matches!(
        error.kind,
        ErrorKind::Connection | ErrorKind::Timeout | ErrorKind::Unavailable | ErrorKind::Unauthorized
    );
    of_whole && !error.service_answered()
}

impl Project {
    /// Takes note of a failure: whether an outage begins, goes on, or ends.
    pub(super) fn note_outage(&mut self, task: &Task, error: &CloudError, at: Moment) {
        if !is_out_of_reach(error) {
            return self.end_outage(at);
        }
        let pauses = match &self.outage {
            Some(outage) if outage.probe.as_ref() == Some(task) => outage.pauses.saturating_add(1),
            None if self.troubles >= LOST_AFTER => 1,
            // Sent before the outage was noticed, or no outage.
            _ => return,
        };
        let longest = LONGEST_PAUSE.min(self.polling.idle_interval);
        let chance = fraction((self.config.name.as_str(), pauses));
        let pause = backoff(pauses, FIRST_PAUSE.min(longest), longest, chance);
        self.outage = Some(Outage { pauses, probe_at: at.steady + pause, probe: None });
    }

    /// The service has answered: whatever had failed meanwhile is due now.
    pub(super) fn end_outage(&mut self, at: Moment) {
        if self.outage.take().is_none() {
            return;
        }
        let mut failed = Vec::new();
        for (id, watched) in self.watched.iter() {
            for operation in Operation::PER_INSTANCE {
                if watched.view().poll(operation).error.is_some_and(|error| is_out_of_reach(&error)) {
                    failed.push(Task::of(operation, id));
                }
            }
        }
        for task in &failed {
            if let Task::Backups(id) | Task::Policy(id) | Task::Restores(id) = task
                && let Some(watched) = self.watched.get_mut(id)
            {
                // What comes next is a failure of its own.
                watched.poll(task.operation()).failures = 0;
            }
        }
        if self.listing_failures > 0 {
            failed.push(Task::Listing);
        }
        for task in failed {
            // The measure stays: no task has a longer one.
            self.queue.hasten(&task, at.steady, Duration::MAX);
        }
        self.reconsider(at);
    }
}
