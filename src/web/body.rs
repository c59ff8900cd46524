//! The body of an answer, taken out portion by portion.
//!
//! It is handed to hyper portion by portion, so that it lives until the client has taken nearly all of it: what it holds (the
//! place among the scrapes, the connection's turn) is free only then.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use hyper::Version;
use hyper::body::{Frame, SizeHint};
use tokio::sync::OwnedSemaphorePermit;

use super::deadlines::Turn;
use crate::exposition::{Portion, Rendered};

/// How much hyper gets at once and hands to the kernel in one call.
const PORTION: usize = 256 * 1024;
/// The same under HTTP/2, a frame's worth: whether a client gets on shows between two portions alone.
const FRAME: usize = 16 * 1024;

/// The body of an answer.
#[derive(Debug)]
pub(super) struct Body {
    rendered: Rendered,
    portion: usize,
    _slot: Option<OwnedSemaphorePermit>,
    turn: Turn,
}

impl Body {
    /// A body of this, for an answer in this version of HTTP.
    pub(super) fn new(
        rendered: Rendered,
        version: Version,
        slot: Option<OwnedSemaphorePermit>,
        mut turn: Turn,
    ) -> Self {
        turn.begin_sending();
        let portion = if version > Version::HTTP_11 { FRAME } else { PORTION };
        Self { rendered, portion, _slot: slot, turn }
    }
}

impl hyper::body::Body for Body {
    type Data = Portion;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Portion>, Infallible>>> {
        self.turn.get_on();
        let portion = self.portion;
        Poll::Ready(self.rendered.take(portion).map(|portion| Ok(Frame::data(portion))))
    }

    fn is_end_stream(&self) -> bool {
        self.rendered.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.rendered.len() as u64)
    }
}
