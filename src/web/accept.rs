//! The accept loop: it outlives every error.
//!
//! A connection that broke before it was accepted concerns nobody. Anything else (no file descriptors, no memory)
//! is the machine's state and does not go away by trying again at once: the loop pauses, and says so once.

use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio_util::task::TaskTracker;

use super::connection::Server;
use super::places::Places;

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

impl Accept for UnixListener {
    type Stream = UnixStream;

    async fn accept(&self) -> io::Result<UnixStream> {
        UnixListener::accept(self).await.map(|(stream, _)| stream)
    }
}

/// Accepts connections, never more than there are places and one that waits for its own, until it is dropped.
pub(super) async fn accept_all(listener: impl Accept, server: Server, places: Places, connections: TaskTracker) {
    let server = Arc::new(server);
    let mut failing = false;
    loop {
        match listener.accept().await {
            Ok(stream) => {
                failing = false;
                let place = places.take().await;
                let server = Arc::clone(&server);
                connections.spawn(async move { server.serve(stream, place).await });
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

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::sync::Mutex;

    use jiff::Timestamp;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
    use tokio::sync::watch;
    use tokio_util::sync::CancellationToken;

    use super::*;
    use crate::clock::Clock;
    use crate::cloud::client::HttpApi;
    use crate::config::Polling;
    use crate::domain::shard::Shard;
    use crate::exposition::{Exposition, OwnMetrics};
    use crate::poller::Poller;
    use crate::snapshot::Snapshot;
    use crate::web::readiness::Readiness;
    use crate::web::routes::Routes;
    use crate::web::{Bounds, WebOptions};

    /// Yields what the script says, then nothing more.
    struct Scripted(Mutex<VecDeque<io::Result<DuplexStream>>>);

    impl Accept for Scripted {
        type Stream = DuplexStream;

        async fn accept(&self) -> io::Result<DuplexStream> {
            let next = self.0.lock().unwrap().pop_front();
            match next {
                Some(outcome) => outcome,
                None => std::future::pending().await,
            }
        }
    }

    fn server() -> Server {
        let snapshots = watch::channel(Arc::new(Snapshot::default())).1;
        let own = OwnMetrics::new(Timestamp::UNIX_EPOCH, Duration::ZERO, &[]);
        let exposition = Exposition::new(snapshots.clone(), own.clone(), Clock::starting_at(Timestamp::UNIX_EPOCH));
        let bounds = Bounds::default();
        let options =
            WebOptions { addresses: Vec::new(), telemetry_path: "/metrics".to_owned(), bounds: bounds.clone() };
        let clock = Clock::starting_at(Timestamp::UNIX_EPOCH);
        let poller = Poller::<HttpApi>::new(Vec::<(_, Arc<_>)>::new(), Shard::ALONE, &Polling::default(), clock, own);
        let routes = Routes::new(&options, exposition, poller.prober(), Arc::new(Readiness::of(snapshots)));
        Server { routes, bounds, tls: None, stop: CancellationToken::new(), cut: CancellationToken::new() }
    }

    #[tokio::test(start_paused = true)]
    async fn errors_do_not_end_the_loop() {
        const TOO_MANY_OPEN_FILES: i32 = 24;
        let (mut client, stream) = duplex(4096);
        let script = [
            Err(io::Error::from_raw_os_error(TOO_MANY_OPEN_FILES)),
            Err(io::ErrorKind::ConnectionAborted.into()),
            Err(io::Error::from_raw_os_error(TOO_MANY_OPEN_FILES)),
            Err(io::ErrorKind::OutOfMemory.into()),
            Ok(stream),
        ];
        let listener = Scripted(Mutex::new(script.into()));
        let accepting = tokio::spawn(accept_all(listener, server(), Places::new(1), TaskTracker::new()));
        let begun = tokio::time::Instant::now();
        client.write_all(b"GET /-/healthy HTTP/1.0\r\n\r\n").await.unwrap();
        let mut answer = String::new();
        client.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.0 200 OK"), "{answer}");
        assert_eq!(
            begun.elapsed(),
            3 * PAUSE,
            "a pause after each error of the machine, none after a broken connection"
        );
        assert!(!accepting.is_finished());
        accepting.abort();
    }
}
