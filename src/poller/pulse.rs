//! Asking a running poller whether it still turns.
//!
//! The answer comes from the loop that polls, between two events: one that hangs gives none, and one that is idle gives
//! it at once.

use tokio::sync::{mpsc, oneshot};

use super::Poller;
use super::recall::Question;
use crate::cloud::DcsApi;

/// Asks a poller while it runs; cheap to clone.
#[derive(Clone, Debug)]
pub struct Pulse(mpsc::Sender<Question>);

impl Pulse {
    /// Waits until the poller has taken notice, for ever where it hangs; `None` once it does not run any more.
    pub async fn felt(&self) -> Option<()> {
        let (sender, receiver) = oneshot::channel();
        self.0.send(Question::Pulse(sender)).await.ok()?;
        receiver.await.ok()
    }
}

impl<A: DcsApi> Poller<A> {
    /// The way to ask while the poller runs; to be taken before.
    pub fn pulse(&self) -> Pulse {
        Pulse(self.asked.sender())
    }
}
