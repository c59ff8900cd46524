//! The line in front of a project's budget: at most one task waits for its token.
//!
//! What waits for a token has been chosen; something more urgent that becomes due meanwhile would stand behind it. So
//! the next task is chosen when the one before has left.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use tokio::sync::Notify;

use crate::cloud::paced::Paced;
use crate::cloud::{Answer, CloudError, DcsApi, Request};
use crate::pace::keys::Fingerprint;

/// Who waits.
#[derive(Debug)]
pub(super) struct Line {
    waiting: AtomicUsize,
    /// Told whenever somebody leaves.
    moved: Arc<Notify>,
}

/// A place in the line, given up when the task's first request leaves, or with the task.
#[derive(Debug)]
pub(super) struct Place {
    line: Arc<Line>,
    is_left: AtomicBool,
}

/// An API that gives up the place when the budget lets the first request go.
#[derive(Debug)]
pub(super) struct FromLine<A> {
    pub(super) api: Arc<Paced<A>>,
    pub(super) place: Place,
}

impl Line {
    pub(super) fn new(moved: Arc<Notify>) -> Self {
        Self { waiting: AtomicUsize::new(0), moved }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting.load(Ordering::Acquire) == 0
    }

    pub(super) fn join(self: &Arc<Self>) -> Place {
        self.waiting.fetch_add(1, Ordering::AcqRel);
        Place { line: self.clone(), is_left: AtomicBool::new(false) }
    }
}

impl Place {
    fn leave(&self) {
        if !self.is_left.swap(true, Ordering::AcqRel) {
            self.line.waiting.fetch_sub(1, Ordering::AcqRel);
            self.line.moved.notify_one();
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.leave();
    }
}

impl<A: DcsApi> DcsApi for FromLine<A> {
    async fn send(&self, request: &Request) -> Result<Answer, CloudError> {
        self.api.send_telling(request, || self.place.leave()).await
    }

    async fn key(&self) -> Result<Fingerprint, CloudError> {
        self.api.key().await
    }
}
