//! The body of an answer, taken out portion by portion.
//!
//! It is handed to hyper portion by portion, so that it lives until the client has taken nearly all of it: what it holds (the
//! place among the scrapes, the connection's turn) is free only then.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use hyper::body::{Frame, SizeHint};
use tokio::sync::OwnedSemaphorePermit;

use super::deadlines::Turn;
use crate::exposition::{Portion, Rendered};

/// How much hyper gets at once and hands to the kernel in one call.
const PORTION: usize = 256 * 1024;

/// The body of an answer.
#[derive(Debug)]
pub(super) struct Body {
    rendered: Rendered,
    _slot: Option<OwnedSemaphorePermit>,
    turn: Turn,
}

impl Body {
    /// A body of this.
    pub(super) fn new(rendered: Rendered, slot: Option<OwnedSemaphorePermit>, mut turn: Turn) -> Self {
        turn.begin_sending();
        Self { rendered, _slot: slot, turn }
    }
}

impl hyper::body::Body for Body {
    type Data = Portion;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Portion>, Infallible>>> {
        self.turn.get_on();
        Poll::Ready(self.rendered.take(PORTION).map(|portion| Ok(Frame::data(portion))))
    }

    fn is_end_stream(&self) -> bool {
        self.rendered.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.rendered.len() as u64)
    }
}
