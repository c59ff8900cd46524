//! A stream that does not wait for ever for its client.
//!
//! hyper's own time-out for heads also runs while a connection is idle, and it has none for a client that does not
//! read. Here every wait has a deadline by what the connection is doing, which [`Turns`] tells: a head in the making,
//! nothing between two requests, or an answer being sent. A deadline that passes is an I/O error to hyper.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until, timeout_at};

use super::Bounds;
use super::places::Place;

/// How long a closed connection is kept for bytes that are still under way: closing a socket with unread bytes
/// resets it, and the client may lose the answer.
const LINGER: Duration = Duration::from_millis(500);
/// How much of such bytes is read.
const LINGER_BYTES: usize = 1 << 20;

/// How the requests of one connection stand.
#[derive(Clone, Debug)]
pub(super) struct Turns(Arc<Counts>);

#[derive(Debug)]
struct Counts {
    place: Arc<Place>,
    begun: AtomicU64,
    ended: AtomicU64,
    /// Answers whose body is being sent.
    sending: AtomicU64,
    /// Pieces of bodies that were taken.
    taken: AtomicU64,
}

/// A request that is being answered, until this is dropped.
#[derive(Debug)]
pub(super) struct Turn {
    counts: Arc<Counts>,
    sending: bool,
}

impl Turns {
    /// None has come.
    pub(super) fn of(place: Arc<Place>) -> Self {
        let [begun, ended, sending, taken] = [(); 4].map(|()| AtomicU64::new(0));
        Self(Arc::new(Counts { place, begun, ended, sending, taken }))
    }

    /// A request's head has come.
    pub(super) fn begin(&self) -> Turn {
        self.0.place.begin();
        self.0.begun.fetch_add(1, Ordering::Relaxed);
        Turn { counts: Arc::clone(&self.0), sending: false }
    }

    fn begun(&self) -> u64 {
        self.0.begun.load(Ordering::Relaxed)
    }

    /// Whether a request is being answered.
    pub(super) fn answering(&self) -> bool {
        self.begun() != self.0.ended.load(Ordering::Relaxed)
    }
}

impl Turns {
    /// Waits until answers are to be sent, and for so long none of them gets on: under HTTP/2 a client can keep an answer
    /// from being sent without a write that waits.
    pub(super) async fn stalled(&self, stall: Duration) {
        let mut before = None;
        loop {
            let now = (self.0.sending.load(Ordering::Relaxed) > 0).then(|| self.0.taken.load(Ordering::Relaxed));
            if now.is_some() && now == before {
                return;
            }
            before = now;
            tokio::time::sleep(stall).await;
        }
    }
}

impl Turn {
    /// The answer's body is there, and to be sent.
    pub(super) fn begin_sending(&mut self) {
        self.sending = true;
        self.counts.sending.fetch_add(1, Ordering::Relaxed);
    }

    /// A piece of the body was taken.
    pub(super) fn get_on(&self) {
        self.counts.taken.fetch_add(1, Ordering::Relaxed);
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if self.sending {
            self.counts.sending.fetch_sub(1, Ordering::Relaxed);
        }
        self.counts.ended.fetch_add(1, Ordering::Relaxed);
        self.counts.place.end();
    }
}

/// Ends a connection so that the client can read what was sent to its end.
pub(super) async fn linger(stream: &mut (impl AsyncRead + AsyncWrite + Unpin)) {
    let deadline = Instant::now() + LINGER;
    if !matches!(timeout_at(deadline, stream.shutdown()).await, Ok(Ok(()))) {
        return;
    }
    let mut scratch = [0; 4096];
    let mut left = LINGER_BYTES;
    while left > 0 {
        match timeout_at(deadline, stream.read(&mut scratch)).await {
            Ok(Ok(read)) if read > 0 => left = left.saturating_sub(read),
            _ => return,
        }
    }
}

/// A stream with deadlines.
#[derive(Debug)]
pub(super) struct Deadlines<S> {
    stream: S,
    turns: Turns,
    head: Duration,
    idle: Duration,
    stall: Duration,
    answer: Duration,
    /// HTTP/2: bytes between two requests are no head in the making.
    multiplexed: bool,
    reading: Reading,
    writing: Writing,
    /// The client has sent its last byte.
    ended: bool,
    /// A deadline has passed.
    expired: bool,
}

/// The wait for a request.
#[derive(Debug, Default)]
struct Reading {
    /// Requests that had begun when this wait did.
    turn: u64,
    /// Since when nothing has come.
    idle_since: Option<Instant>,
    /// When the first byte of the head came.
    head_since: Option<Instant>,
    timer: Timer,
}

/// The sending of an answer.
#[derive(Debug, Default)]
struct Writing {
    /// Requests that had begun when this answer did.
    turn: u64,
    /// When the answer's first byte was sent.
    since: Option<Instant>,
    /// Since when the client has taken nothing.
    stalled_since: Option<Instant>,
    timer: Timer,
}

/// A timer that is made when it is first needed and then set anew.
#[derive(Debug, Default)]
struct Timer(Option<Pin<Box<Sleep>>>);

impl Timer {
    fn poll(&mut self, deadline: Instant, cx: &mut Context<'_>) -> Poll<()> {
        let sleep = self.0.get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        if sleep.deadline() != deadline {
            sleep.as_mut().reset(deadline);
        }
        sleep.as_mut().poll(cx)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Deadlines<S> {
    pub(super) fn new(stream: S, turns: Turns, bounds: &Bounds) -> Self {
        Self {
            stream,
            turns,
            head: bounds.head,
            idle: bounds.idle,
            stall: bounds.stall,
            answer: bounds.answer,
            multiplexed: false,
            reading: Reading::default(),
            writing: Writing::default(),
            ended: false,
            expired: false,
        }
    }

    /// The same for HTTP/2, whose clients send more than requests.
    pub(super) fn multiplexed(self) -> Self {
        Self { multiplexed: true, ..self }
    }

    /// Ends the connection so that the client can read the answer to its end.
    pub(super) async fn linger(&mut self) {
        if !self.ended && !self.expired {
            linger(&mut self.stream).await;
        }
    }

    /// When the wait for a request ends; `None` while one is being answered.
    fn read_deadline(&mut self) -> Option<Instant> {
        if self.turns.answering() {
            return None;
        }
        let idle_since = *self.reading.idle_since.get_or_insert_with(Instant::now);
        Some(match self.reading.head_since {
            _ if self.reading.turn == 0 => idle_since + self.head,
            Some(since) => since + self.head,
            None => idle_since + self.idle,
        })
    }

    /// Turns the outcome of a write into an error once the client takes too long.
    fn written<T>(&mut self, outcome: Poll<io::Result<T>>, cx: &mut Context<'_>) -> Poll<io::Result<T>> {
        let turn = self.turns.begun();
        if self.writing.turn != turn {
            self.writing.turn = turn;
            self.writing.since = None;
        }
        let now = Instant::now();
        let end = *self.writing.since.get_or_insert(now) + self.answer;
        if outcome.is_ready() {
            self.writing.stalled_since = None;
            return if now < end { outcome } else { Poll::Ready(Err(self.expire())) };
        }
        let stalled_since = *self.writing.stalled_since.get_or_insert(now);
        match self.writing.timer.poll(end.min(stalled_since + self.stall), cx) {
            Poll::Ready(()) => Poll::Ready(Err(self.expire())),
            Poll::Pending => Poll::Pending,
        }
    }

    fn expire(&mut self) -> io::Error {
        self.expired = true;
        io::Error::new(io::ErrorKind::TimedOut, "the client takes too long")
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Deadlines<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let turn = this.turns.begun();
        if this.reading.turn != turn {
            this.reading.turn = turn;
            this.reading.head_since = None;
            this.reading.idle_since = None;
        }
        let before = buffer.filled().len();
        let outcome = Pin::new(&mut this.stream).poll_read(cx, buffer);
        if outcome.is_ready() {
            if buffer.filled().len() == before {
                this.ended = true;
            } else if !this.multiplexed && !this.turns.answering() && this.reading.head_since.is_none() {
                this.reading.head_since = Some(Instant::now());
                this.turns.0.place.hear();
            }
            // A head that comes byte by byte is never pending for long: its deadline counts here too.
            return match this.read_deadline() {
                Some(deadline) if Instant::now() >= deadline => Poll::Ready(Err(this.expire())),
                _ => outcome,
            };
        }
        match this.read_deadline() {
            None => Poll::Pending,
            Some(deadline) => match this.reading.timer.poll(deadline, cx) {
                Poll::Ready(()) => Poll::Ready(Err(this.expire())),
                Poll::Pending => Poll::Pending,
            },
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Deadlines<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.written(outcome, cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write_vectored(cx, slices);
        self.written(outcome, cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let outcome = Pin::new(&mut self.stream).poll_flush(cx);
        if outcome.is_ready() { outcome } else { self.written(outcome, cx) }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let outcome = Pin::new(&mut self.stream).poll_shutdown(cx);
        if outcome.is_ready() { outcome } else { self.written(outcome, cx) }
    }
}
