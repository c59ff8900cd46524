//! One connection: TLS where it is spoken, hyper between our deadlines, and an orderly end.

use std::sync::Arc;

use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_util::sync::CancellationToken;

use super::config::WebConfig;
use super::deadlines::{Deadlines, Turns};
use super::places::Place;
use super::routes::Routes;
use super::streams::Streams;
use super::{Bounds, handshake};

/// The largest head of a request, and how much of an answer hyper holds besides its current portion.
const BUFFER: usize = 16 * 1024;

/// HTTP/2: requests of a connection at the same time. Prometheus has one.
const STREAMS: u32 = 32;

/// HTTP/2: how much of an answer is held ready for the client's next window, some frames.
const SENT_AHEAD: usize = 64 * 1024;

/// What every connection needs.
#[derive(Clone, Debug)]
pub(super) struct Server {
    pub(super) routes: Routes,
    pub(super) bounds: Bounds,
    /// Where clients must speak TLS.
    pub(super) tls: Option<WebConfig>,
    /// The program stops: finish the present answer, take no further request.
    pub(super) stop: CancellationToken,
    /// The time for that is over.
    pub(super) cut: CancellationToken,
}

impl Server {
    /// Serves a client until one of us has enough.
    pub(super) async fn serve<S>(&self, stream: S, place: Arc<Place>)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        tokio::select! {
            biased;
            () = self.cut.cancelled() => {}
            () = self.serve_all(stream, place) => {}
        }
    }

    async fn serve_all<S>(&self, stream: S, place: Arc<Place>)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let Some(config) = &self.tls else { return self.serve_http1(stream, place).await };
        let shaken = tokio::select! {
            biased;
            () = self.stop.cancelled() => return,
            () = place.needed() => return,
            shaken = tokio::time::timeout(self.bounds.head, handshake::accept(stream, config, &place)) => shaken,
        };
        let stream = match shaken {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => return tracing::debug!(%error, "handshake failed"),
            Err(_) => return tracing::debug!("handshake takes too long"),
        };
        if stream.get_ref().1.alpn_protocol() == Some(b"h2") {
            self.serve_http2(stream, place).await;
        } else {
            self.serve_http1(stream, place).await;
        }
    }

    async fn serve_http1<S>(&self, stream: S, place: Arc<Place>)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let turns = Turns::of(Arc::clone(&place));
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
                () = self.enough(&place) => {
                    if !turns.answering() && !self.stop.is_cancelled() {
                        return;
                    }
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

    async fn serve_http2<S>(&self, stream: S, place: Arc<Place>)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let turns = Turns::of(Arc::clone(&place));
        let mut io = TokioIo::new(Deadlines::new(stream, turns.clone(), &self.bounds).multiplexed());
        {
            let service = service_fn(|request| self.routes.answer(request, turns.begin()));
            // Twice: for making the answer, and for sending it.
            let streams = Streams::lasting(2 * self.bounds.answer);
            let connection = http2::Builder::new(streams)
                .max_concurrent_streams(STREAMS)
                .max_header_list_size(u32::try_from(BUFFER).expect("16 KiB"))
                .max_send_buf_size(SENT_AHEAD)
                .serve_connection(&mut io, service);
            let mut connection = std::pin::pin!(connection);
            let mut ending = false;
            let outcome = loop {
                tokio::select! {
                    biased;
                    outcome = connection.as_mut() => break outcome,
                    () = turns.stalled(self.bounds.stall) => return,
                    () = self.enough(&place), if !ending => {
                        if !turns.answering() && !self.stop.is_cancelled() {
                            return;
                        }
                        ending = true;
                        connection.as_mut().graceful_shutdown();
                    }
                }
            };
            if let Err(error) = outcome {
                tracing::debug!(error = %describe(&error), "connection failed");
            }
        }
        io.inner_mut().linger().await;
    }

    /// Comes when the connection is to take no further request: the program stops, or its place is needed.
    async fn enough(&self, place: &Place) {
        tokio::select! {
            () = self.stop.cancelled() => {}
            () = place.needed() => {}
        }
    }
}

/// hyper's error with its cause, which holds the reason.
fn describe(error: &hyper::Error) -> String {
    match std::error::Error::source(error) {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}
