//! The requests of an HTTP/2 connection, each a task of its own that ends with the connection at the latest.

use std::future::Future;
use std::time::Duration;

use hyper::rt::Executor;
use std::sync::Arc;
use tokio_util::sync::{CancellationToken, DropGuard};

/// Runs them; when the last copy is dropped, they are.
#[derive(Clone, Debug)]
pub(super) struct Streams {
    longest: Duration,
    ended: CancellationToken,
    _end: Arc<DropGuard>,
}

impl Streams {
    /// None of which lasts longer than this.
    pub(super) fn lasting(longest: Duration) -> Self {
        let ended = CancellationToken::new();
        Self { longest, _end: Arc::new(ended.clone().drop_guard()), ended }
    }
}

impl<F: Future<Output = ()> + Send + 'static> Executor<F> for Streams {
    fn execute(&self, stream: F) {
        let stream = tokio::time::timeout(self.longest, stream);
        tokio::spawn(self.ended.clone().run_until_cancelled_owned(stream));
    }
}
