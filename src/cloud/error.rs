//! What went wrong with a request, by what the caller would do differently.

use std::fmt;
use std::time::Duration;

use super::diagnosis::Hint;

/// A request that did not bring what was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CloudError {
    /// What to do about it.
    pub kind: ErrorKind,
    /// HTTP status, where an answer came.
    pub status: Option<u16>,
    /// The cloud's error code, such as `DCS.3022` or `APIGW.0301`; bounded in length.
    pub code: Option<Box<str>>,
    /// The cloud's id of the request, for its support.
    pub request_id: Option<Box<str>>,
    /// What happened, in a sentence; never a secret, bounded in length.
    pub message: String,
    /// How long the cloud asks to wait: `Retry-After`.
    pub retry_after: Option<Duration>,
    /// What a person can do about it; not part of the message.
    pub hint: Option<Hint>,
    /// It happened on the way to the service, at the login or the search for the project: the service was not asked.
    pub at_login: bool,
}

/// The consequences.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ErrorKind {
    /// 429 or `APIGW.0308`: ask less often.
    Throttled,
    /// 401 that says the signature or key is wrong: stop using the key for a while.
    BadSignature,
    /// A 401 about a token, or about a key of another project; credentials that cannot be read: log in anew or ask
    /// the user.
    Unauthorized,
    /// 401 while the clocks differ by more than 15 minutes: set the clock.
    ClockSkew,
    /// 403: the user lacks a permission.
    Forbidden,
    /// 404, or an id the cloud cannot read: the instance is gone, or the project or endpoint is wrong.
    NotFound,
    /// 400 `DCS.4086`, `DCS.4095`: a single-node instance, which has no backups.
    Unsupported,
    /// 400 `DCS.4800`: a parameter was refused, perhaps the limit.
    InvalidParameter,
    /// 5xx, or an instance that is busy: try again later.
    Unavailable,
    /// No complete answer in time.
    Timeout,
    /// No connection, or one that broke.
    Connection,
    /// An answer that cannot be read, or a redirect.
    Decode,
    /// More pages than any list can have.
    PageLimit,
    /// Not sent: the key is stopped after a refused signature. No failure of the cloud.
    Held,
}

impl ErrorKind {
    /// Every reason of `dcs_exporter_poll_failures_total`.
    pub const REASONS: [&'static str; 10] = [
        "throttled",
        "unauthorized",
        "forbidden",
        "not_found",
        "unavailable",
        "timeout",
        "connection",
        "decode",
        "page_limit",
        "clock_skew",
    ];

    /// Whether another key or token could bring another answer.
    pub fn is_unauthorised(self) -> bool {
        matches!(self, Self::BadSignature | Self::Unauthorized)
    }

    /// The label `reason`.
    pub fn reason(self) -> &'static str {
        match self {
            Self::Throttled => "throttled",
            Self::BadSignature | Self::Unauthorized | Self::Held => "unauthorized",
            Self::ClockSkew => "clock_skew",
            Self::Forbidden => "forbidden",
            Self::NotFound => "not_found",
            Self::Unavailable => "unavailable",
            Self::Timeout => "timeout",
            Self::Connection => "connection",
            Self::Unsupported | Self::InvalidParameter | Self::Decode => "decode",
            Self::PageLimit => "page_limit",
        }
    }
}

impl CloudError {
    /// An error of our own making, without an answer.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            status: None,
            code: None,
            request_id: None,
            message: message.into(),
            retry_after: None,
            hint: None,
            at_login: false,
        }
    }

    /// The same with this hint.
    #[must_use]
    pub fn with_hint(self, hint: Hint) -> Self {
        Self { hint: Some(hint), ..self }
    }

    /// Whether the service itself answered, if only with an error about one instance: `dcs_project_up`.
    pub fn service_answered(&self) -> bool {
        match self.kind {
            _ if self.at_login => false,
            ErrorKind::Throttled
            | ErrorKind::BadSignature
            | ErrorKind::Unauthorized
            | ErrorKind::ClockSkew
            | ErrorKind::Timeout
            | ErrorKind::Connection
            | ErrorKind::Held => false,
            // A busy instance says so with 400; so may a gateway behind which nobody is.
            ErrorKind::Unavailable => {
                let is_gateways = self.code.as_ref().is_some_and(|code| code.to_ascii_uppercase().starts_with("APIG"));
                !is_gateways && self.status.is_some_and(|status| status < 500)
            }
            ErrorKind::Forbidden
            | ErrorKind::NotFound
            | ErrorKind::Unsupported
            | ErrorKind::InvalidParameter
            | ErrorKind::Decode
            | ErrorKind::PageLimit => true,
        }
    }
}

impl fmt::Display for CloudError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        if let Some(status) = self.status {
            write!(f, " (HTTP {status}")?;
            // IAM's codes are often the status once more.
            if let Some(code) = self.code.as_ref().filter(|code| ***code != *status.to_string()) {
                write!(f, ", {code}")?;
            }
            if let Some(id) = &self.request_id {
                write!(f, ", request {id}")?;
            }
            f.write_str(")")?;
        }
        Ok(())
    }
}

impl std::error::Error for CloudError {}
