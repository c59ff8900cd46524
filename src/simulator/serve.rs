//! The sockets: HTTP/1 with kept-alive connections, halves of bodies, and resets.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http_body_util::{BodyExt, Limited};
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::header::{CONTENT_TYPE, DATE, HeaderName, RETRY_AFTER, SERVER};
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::answer::Answer;
use super::control;
use super::gateway::{self, Outcome, Received};
use super::region::Region;

/// Longer request bodies are not read; those that log in are a few KiB long.
const LONGEST_BODY: usize = 64 * 1024;
/// The header with the gateway's id of a request.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// How long connections may take to end after the shutdown.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// Accepts connections until `shutdown`, then lets answers under way finish, but not for long.
pub(super) async fn serve(listener: TcpListener, region: Arc<Region>, shutdown: impl Future<Output = ()>) {
    let ending = CancellationToken::new();
    let mut connections = JoinSet::new();
    tokio::pin!(shutdown);
    loop {
        tokio::select! {
            () = &mut shutdown => break,
            Some(_) = connections.join_next(), if !connections.is_empty() => {}
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => {
                    connections.spawn(connection(stream, peer, Arc::clone(&region), ending.clone()));
                }
                Err(error) => {
                    tracing::warn!(%error, "the simulated cloud cannot accept a connection");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            },
        }
    }
    drop(listener);
    ending.cancel();
    let all_ended = async { while connections.join_next().await.is_some() {} };
    let _ = tokio::time::timeout(LAST_WORDS, all_ended).await;
}

async fn connection(stream: TcpStream, peer: SocketAddr, region: Arc<Region>, ending: CancellationToken) {
    let _ = stream.set_nodelay(true);
    let reset = Arc::new(AtomicBool::new(false));
    let wire = Wire { io: TokioIo::new(stream), reset: Arc::clone(&reset) };
    let service = service_fn(|request| answer(&region, request, peer, &reset));
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(Duration::from_mins(2))
        .serve_connection(wire, service);
    tokio::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = ending.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::trace!(%peer, %error, "a connection to the simulated cloud ended");
    }
}

/// The connection is to be reset.
#[derive(Debug, thiserror::Error)]
#[error("reset on request")]
struct ResetOnRequest;

async fn answer(
    region: &Region,
    request: Request<Incoming>,
    peer: SocketAddr,
    reset: &AtomicBool,
) -> Result<Response<Payload>, ResetOnRequest> {
    let (head, body) = request.into_parts();
    let Ok(body) = Limited::new(body, LONGEST_BODY).collect().await else {
        return Ok(response(region, Answer::of(413, "text/plain", "the request's body is too long\n"), None));
    };
    if control::is_control(head.uri.path()) {
        return Ok(response(region, control::handle(region, &head.method, &head.uri, peer), None));
    }
    let body = body.to_bytes();
    let received = Received { method: &head.method, uri: &head.uri, headers: &head.headers, body: &body, peer };
    match gateway::handle(region, received).await {
        Outcome::Answered(answer, request_id) => Ok(response(region, answer, Some(&request_id))),
        Outcome::Reset => {
            reset.store(true, Ordering::Relaxed);
            Err(ResetOnRequest)
        }
    }
}

fn response(region: &Region, answer: Answer, request_id: Option<&str>) -> Response<Payload> {
    let mut response = Response::new(Payload::new(answer.body, answer.truncated));
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let retry_after = answer.retry_after.map(|wait| wait.as_secs_f64().ceil().to_string());
    let headers = [
        (DATE, Some(httpdate::fmt_http_date(SystemTime::from(region.now())))),
        (CONTENT_TYPE, answer.content_type),
        (RETRY_AFTER, retry_after),
        (REQUEST_ID, request_id.map(str::to_owned)),
        (SERVER, Some("simulated-api-gateway".to_owned())),
    ];
    let further = answer.headers.into_iter().map(|(name, value)| (name, Some(value)));
    for (name, value) in headers.into_iter().chain(further) {
        if let Some(value) = value.and_then(|value| value.try_into().ok()) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

/// A body that is sent whole, or whose second half never comes.
enum Payload {
    Whole(Bytes),
    Half { rest: Bytes, promised: u64, flushed: bool },
}

impl Payload {
    fn new(body: Bytes, truncated: bool) -> Self {
        if truncated {
            Self::Half { promised: body.len() as u64, rest: body.slice(..body.len() / 2), flushed: false }
        } else {
            Self::Whole(body)
        }
    }
}

impl Body for Payload {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        match self.get_mut() {
            Self::Whole(body) if body.is_empty() => Poll::Ready(None),
            Self::Whole(body) => Poll::Ready(Some(Ok(Frame::data(std::mem::take(body))))),
            Self::Half { rest, .. } if !rest.is_empty() => Poll::Ready(Some(Ok(Frame::data(std::mem::take(rest))))),
            // The first half must be on its way before the error ends the connection.
            Self::Half { flushed, .. } if !*flushed => {
                *flushed = true;
                context.waker().wake_by_ref();
                Poll::Pending
            }
            Self::Half { .. } => Poll::Ready(Some(Err(io::Error::other("truncated on request")))),
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Self::Whole(body) if body.is_empty())
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(match self {
            Self::Whole(body) => body.len() as u64,
            Self::Half { promised, .. } => *promised,
        })
    }
}

/// A connection that ends with a reset instead of an orderly close where that was asked for.
struct Wire {
    io: TokioIo<TcpStream>,
    reset: Arc<AtomicBool>,
}

impl Drop for Wire {
    fn drop(&mut self) {
        if self.reset.load(Ordering::Relaxed) {
            // With no time to linger the kernel sends RST at once.
            let _ = self.io.inner().set_zero_linger();
        }
    }
}

impl Read for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(context, buffer)
    }
}

impl Write for Wire {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(context)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffers: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write_vectored(context, buffers)
    }
}
