//! One connection: hyper between our deadlines, and an orderly end.

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_util::sync::CancellationToken;

use super::Bounds;
use super::deadlines::{Deadlines, Turns};
use super::routes::Routes;

/// The largest head of a request, and how much of an answer hyper holds besides its current piece.
const BUFFER: usize = 16 * 1024;

/// What every connection needs.
#[derive(Clone, Debug)]
pub(super) struct Server {
    pub(super) routes: Routes,
    pub(super) bounds: Bounds,
    /// The program stops: finish the present answer, take no further request.
    pub(super) stop: CancellationToken,
    /// The time for that is over.
    pub(super) cut: CancellationToken,
}

impl Server {
    /// Serves a client until one of us has enough.
    pub(super) async fn serve<S>(&self, stream: S)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        tokio::select! {
            biased;
            () = self.cut.cancelled() => {}
            () = self.serve_all(stream) => {}
        }
    }

    async fn serve_all<S>(&self, stream: S)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let turns = Turns::default();
        let mut io = TokioIo::new(Deadlines::new(stream, turns.clone(), &self.bounds));
        {
            let service = service_fn(|request| self.routes.answer(request, turns.begin()));
            let connection = http1::Builder::new()
                .half_close(true) // `nc` closes its half after the request and still wants the answer
                .header_read_timeout(None) // it would run on idle connections too
                .max_buf_size(BUFFER)
                .serve_connection(&mut io, service);
            let mut connection = std::pin::pin!(connection);
            let outcome = tokio::select! {
                biased;
                outcome = connection.as_mut() => outcome,
                () = self.stop.cancelled() => {
                    connection.as_mut().graceful_shutdown();
                    connection.await
                }
            };
            if let Err(error) = outcome {
                tracing::debug!(error = %describe(&error), "connection failed");
            }
        }
        io.inner_mut().linger().await;
    }
}

/// hyper's error with its cause, which holds the reason.
fn describe(error: &hyper::Error) -> String {
    match std::error::Error::source(error) {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}
