//! An answer before it is sent.

use std::time::Duration;

use bytes::Bytes;

/// Status, headers and body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) status: u16,
    /// `Content-Type`; none where there is no body.
    pub(super) content_type: Option<String>,
    /// `Retry-After`, rounded up to seconds.
    pub(super) retry_after: Option<Duration>,
    pub(super) body: Bytes,
    /// Only half of the body is sent, under the length of the whole.
    pub(super) truncated: bool,
}

impl Answer {
    /// JSON.
    pub(super) fn json(status: u16, body: impl Into<Bytes>) -> Self {
        Self::of(status, "application/json;charset=utf-8", body)
    }

    /// Any type.
    pub(super) fn of(status: u16, content_type: &str, body: impl Into<Bytes>) -> Self {
        let content_type = Some(content_type.to_owned());
        Self { status, content_type, retry_after: None, body: body.into(), truncated: false }
    }

    /// No body.
    pub(super) fn empty(status: u16) -> Self {
        Self { status, content_type: None, retry_after: None, body: Bytes::new(), truncated: false }
    }
}
