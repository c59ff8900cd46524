//! An answer before it is sent.

use std::time::Duration;

use bytes::Bytes;
use hyper::header::HeaderName;

/// Status, headers and body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) status: u16,
    /// `Content-Type`; none where there is no body.
    pub(super) content_type: Option<String>,
    /// `Retry-After`, rounded up to seconds.
    pub(super) retry_after: Option<Duration>,
    /// Further headers.
    pub(super) headers: Vec<(HeaderName, String)>,
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
        Self { content_type: Some(content_type.to_owned()), body: body.into(), ..Self::empty(status) }
    }

    /// No body.
    pub(super) fn empty(status: u16) -> Self {
        let (headers, body) = (Vec::new(), Bytes::new());
        Self { status, content_type: None, retry_after: None, headers, body, truncated: false }
    }

    /// The same with a further header.
    pub(super) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((HeaderName::from_static(name), value.into()));
        self
    }

    /// The same with `Retry-After`, if any.
    pub(super) fn after(self, retry_after: Option<Duration>) -> Self {
        Self { retry_after, ..self }
    }
}
