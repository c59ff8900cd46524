//! What others want of a running poller: it takes each message between two events.

use tokio::sync::mpsc;

/// Messages of one kind, one at a time; whoever sends another waits.
#[derive(Debug)]
pub(super) struct Inbox<T> {
    /// Kept, so that the channel stays open whoever goes away.
    sender: mpsc::Sender<T>,
    receiver: mpsc::Receiver<T>,
}

impl<T> Default for Inbox<T> {
    fn default() -> Self {
        let (sender, receiver) = mpsc::channel(1);
        Self { sender, receiver }
    }
}

impl<T> Inbox<T> {
    /// The way in. It is closed once the poller does not run any more.
    pub(super) fn sender(&self) -> mpsc::Sender<T> {
        self.sender.clone()
    }

    /// The next message.
    pub(super) async fn next(&mut self) -> T {
        self.receiver.recv().await.expect("a sender is kept")
    }
}
