//! The accept loop: it outlives every error.
//!
//! A connection that broke before it was accepted concerns nobody. Anything else (no file descriptors, no memory)
//! is the machine's state and does not go away by trying again at once: the loop pauses, and says so once.

use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::task::TaskTracker;

use super::connection::Server;

/// After an error of the machine; short, because Prometheus' scrape may be the one that waits.
const PAUSE: Duration = Duration::from_millis(100);

/// Where connections come from.
pub(super) trait Accept: Send + 'static {
    /// What a client is spoken to through.
    type Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static;

    /// The next one.
    fn accept(&self) -> impl Future<Output = io::Result<Self::Stream>> + Send;
}

impl Accept for TcpListener {
    type Stream = TcpStream;

    async fn accept(&self) -> io::Result<TcpStream> {
        let (stream, _) = TcpListener::accept(self).await?;
        // The end of an answer must not wait for an acknowledgement; without it the answer is only slower.
        let _ = stream.set_nodelay(true);
        Ok(stream)
    }
}

/// Accepts connections, never more than there are permits, until it is dropped.
pub(super) async fn accept_all(listener: impl Accept, server: Server, free: Arc<Semaphore>, connections: TaskTracker) {
    let server = Arc::new(server);
    let mut failing = false;
    loop {
        let Ok(permit) = Arc::clone(&free).acquire_owned().await else { return };
        match listener.accept().await {
            Ok(stream) => {
                failing = false;
                let server = Arc::clone(&server);
                connections.spawn(async move {
                    server.serve(stream).await;
                    drop(permit);
                });
            }
            Err(error) if concerns_one_connection(&error) => {}
            Err(error) => {
                if !failing {
                    tracing::warn!(%error, "connections cannot be accepted now, trying again");
                }
                failing = true;
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

fn concerns_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted)
}
