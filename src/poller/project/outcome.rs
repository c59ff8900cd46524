//! What the answer to a request changes: of an instance, of the project, and of when to ask again.

use std::sync::Arc;
use std::time::Duration;

use super::super::instance::Watched;
use super::super::report;
use super::timing::Due;
use super::{LISTING_PAUSE, LOST_AFTER, Moment, Project, Reading, Task};
use crate::cloud::CloudError;
use crate::cloud::error::ErrorKind;
use crate::domain::Operation;
use crate::schedule::fraction;

/// While a key is stopped, the project looks this often whether the key has changed.
const KEY_LOOK: Duration = Duration::from_secs(5);
/// So many failures in a row of one poll, without an answer of the service itself, are no blip.
pub(super) const LASTS_AFTER: u32 = 3;

impl Project {
    /// Takes the result of a task.
    pub(in crate::poller) fn apply(&mut self, task: &Task, result: Result<Reading, CloudError>, at: Moment) {
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
            if let Reading::Instances { instances, extent } = reading {
                self.apply_listing(&instances, extent, at);
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
    pub(in crate::poller) fn put_off(&mut self, pause: Duration) {
        self.tried = true;
        let asks = format!("the cloud asks for no requests for {} s, and not all has been polled", pause.as_secs());
        let mut error = CloudError::new(ErrorKind::Throttled, asks);
        error.retry_after = Some(pause);
        self.error = Some(Arc::new(error));
    }
}
