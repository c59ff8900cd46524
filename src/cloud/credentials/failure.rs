//! A login that failed, and what it means for those who come after it.

use std::time::Duration;

use tokio::time::Instant;

use super::renewal;
use crate::cloud::error::{CloudError, ErrorKind};
use crate::pace::keys::Fingerprint;
use crate::schedule::fraction;

/// Nothing is granted.
#[derive(Clone, Debug)]
pub(in crate::cloud) struct Failure {
    /// Why, in a sentence that begins with the entry of `credentials`.
    pub(in crate::cloud) error: CloudError,
    /// Because there is no such source here: the next one of the chain is asked.
    pub(in crate::cloud) is_absent: bool,
}

impl From<CloudError> for Failure {
    fn from(error: CloudError) -> Self {
        Self { error, is_absent: false }
    }
}

/// A failure that is remembered, so that nobody tries again too soon.
#[derive(Debug)]
pub(in crate::cloud) struct Remembered {
    failure: Failure,
    /// What went into the attempt: with anything else there is no reason to wait.
    origin: Fingerprint,
    /// Failures in a row.
    failures: u32,
    until: Instant,
    /// A session was in use meanwhile: the pause is for as long as that is good.
    is_beside_valid: bool,
}

impl Remembered {
    /// Remembers a failure after `earlier` ones; `is_valid`: a session is in use meanwhile.
    pub(in crate::cloud) fn new(
        earlier: Option<&Self>,
        failure: Failure,
        origin: Fingerprint,
        is_valid: bool,
        now: Instant,
    ) -> Self {
        let earlier = earlier.filter(|earlier| earlier.origin == origin).map_or(0, |earlier| earlier.failures);
        let is_held = failure.error.kind == ErrorKind::Held;
        let failures = if is_held { earlier } else { earlier.saturating_add(1) };
        let chance = fraction((origin, failures, std::process::id()));
        let pause = renewal::pause(failure.error.kind, failures, failure.error.retry_after, is_valid, chance);
        Self { failure, origin, failures, until: now + pause, is_beside_valid: is_valid }
    }

    /// Whether the pause was made for the time of a session that was good.
    pub(in crate::cloud) fn is_beside_valid(&self) -> bool {
        self.is_beside_valid
    }

    /// Whether this is the first attempt in a row that failed; one that was not made is no news.
    pub(in crate::cloud) fn is_news(&self) -> bool {
        self.failures == 1 && self.failure.error.kind != ErrorKind::Held
    }

    /// The failure as it is told to those who come before the next attempt with the same in their hands; nothing
    /// where that is due.
    pub(in crate::cloud) fn held(&self, origin: Fingerprint, now: Instant) -> Option<Failure> {
        let left: Duration = self.until.saturating_duration_since(now);
        if self.origin != origin || left.is_zero() {
            return None;
        }
        let error = CloudError { kind: ErrorKind::Held, retry_after: Some(left), ..self.failure.error.clone() };
        Some(Failure { error, is_absent: self.failure.is_absent })
    }
}
