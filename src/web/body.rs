//! The body of an answer, in pieces that are not copied.
//!
//! It is handed to hyper bit by bit, so that it lives until the client has taken nearly all of it: what it holds (the
//! place among the scrapes, the connection's turn) is free only then.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Frame, SizeHint};
use tokio::sync::OwnedSemaphorePermit;

use super::deadlines::Turn;

/// How much hyper gets at once.
const BIT: usize = 128 * 1024;

/// The body of an answer.
#[derive(Debug)]
pub(super) struct Body {
    pieces: VecDeque<Bytes>,
    left: usize,
    _slot: Option<OwnedSemaphorePermit>,
    _turn: Turn,
}

impl Body {
    /// These pieces, one after the other, none of them empty.
    pub(super) fn new(pieces: Vec<Bytes>, slot: Option<OwnedSemaphorePermit>, turn: Turn) -> Self {
        let left = pieces.iter().map(Bytes::len).sum();
        Self { pieces: pieces.into(), left, _slot: slot, _turn: turn }
    }
}

impl hyper::body::Body for Body {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let Some(mut bit) = self.pieces.pop_front() else { return Poll::Ready(None) };
        if bit.len() > BIT {
            let rest = bit.split_off(BIT);
            self.pieces.push_front(rest);
        }
        self.left -= bit.len();
        Poll::Ready(Some(Ok(Frame::data(bit))))
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left as u64)
    }
}
