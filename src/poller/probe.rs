//! Asking a running poller to poll one instance now: what `/probe` does.
//!
//! The question goes to the poller between two events, and what becomes of it is decided in `project::probes`. Whoever
//! asks sets the time until which an answer is of use, and then has what is known by then.

use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use super::Poller;
use super::recall::Question;
use crate::cloud::DcsApi;
use crate::domain::{InstanceId, ProjectName};
use crate::snapshot::InstanceView;

/// The poller itself answers when the time is over; it is waited for so much longer.
const MOMENT: Duration = Duration::from_millis(50);

/// Asks a poller while it runs; cheap to clone.
#[derive(Clone, Debug)]
pub struct Prober(mpsc::Sender<Question>);

/// Somebody waits for an instance to be polled.
#[derive(Debug)]
pub(super) struct Probe {
    pub(super) project: ProjectName,
    pub(super) id: InstanceId,
    /// The answer is of no use later.
    pub(super) until: Instant,
    /// Where the answer goes; dropped where there is none.
    pub(super) reply: oneshot::Sender<InstanceView>,
}

impl Prober {
    /// Polls the instance as soon as its project's budget allows, and tells what is known of it then: see
    /// [`InstanceView::polled_now`]. The answer comes when all has been asked, when nothing more can be, or when the
    /// time is over.
    ///
    /// `None` where the poller does not know the instance, has ended, or is too busy to answer.
    pub async fn poll_now(&self, project: ProjectName, id: InstanceId, until: Instant) -> Option<InstanceView> {
        let asking = async {
            let (reply, answer) = oneshot::channel();
            self.0.send(Question::Probe(Probe { project, id, until, reply })).await.ok()?;
            answer.await.ok()
        };
        tokio::time::timeout_at(until + MOMENT, asking).await.ok().flatten()
    }
}

impl<A: DcsApi> Poller<A> {
    /// The way to ask for a poll while the poller runs; to be taken before.
    pub fn prober(&self) -> Prober {
        Prober(self.asked.sender())
    }
}
