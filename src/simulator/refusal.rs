//! Errors as the service and the gateway before it send them.
//!
//! The service's have `error_code` and `error_msg` in v2, and are nested with another code in v1.0; the gateway's
//! are the same for both and carry the request's id.

use std::time::Duration;

use bytes::Bytes;
use serde_json::json;

use super::answer::Answer;
use super::route::Version;

/// Why a request is not answered with what it asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    status: u16,
    code: &'static str,
    message: String,
    retry_after: Option<Duration>,
}

impl Refusal {
    /// An error of the service, by its code in v2.
    pub(super) fn service(status: u16, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), retry_after: None }
    }

    /// 400 `DCS.4800`: a parameter that cannot be.
    pub(super) fn invalid(parameter: &str) -> Self {
        Self::service(400, "DCS.4800", format!("Invalid {parameter} in the request."))
    }

    /// 404 `DCS.3022`.
    pub(super) fn no_such_instance() -> Self {
        Self::service(404, "DCS.3022", "This DCS instance does not exist.")
    }

    /// 401 `APIGW.0301` of the gateway.
    pub(super) fn unauthenticated(reason: &str) -> Self {
        Self::service(401, "APIGW.0301", format!("Incorrect IAM authentication information: {reason}"))
    }

    /// 429 `APIGW.0308` of the gateway.
    pub(super) fn throttled(limit: u64, retry_after: Option<Duration>) -> Self {
        let message = format!(
            "The throttling threshold has been reached: policy user over ratelimit,limit:{limit},time:1 second"
        );
        Self { retry_after, ..Self::service(429, "APIGW.0308", message) }
    }

    /// The body of this version.
    pub(super) fn answer(&self, version: Version, request_id: &str) -> Answer {
        let body = if self.code.starts_with("APIGW.") {
            json!({ "error_msg": self.message, "error_code": self.code, "request_id": request_id })
        } else if version == Version::V1 {
            json!({ "error": { "code": self.v1_code(), "message": self.message, "ext_message": null } })
        } else {
            json!({ "error_code": self.code, "error_msg": self.message, "error_ext_msg": null })
        };
        let retry_after = self.retry_after;
        Answer { retry_after, ..Answer::json(self.status, Bytes::from(body.to_string())) }
    }

    /// v1.0 has 111, the status and the last three digits: `DCS.4086` is `111400086`.
    fn v1_code(&self) -> String {
        let digits = &self.code[self.code.len().saturating_sub(3)..];
        format!("111{}{digits}", self.status)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_of_v1_follow_from_those_of_v2() {
        let code = |status, code| Refusal::service(status, code, "").v1_code();
        assert_eq!(code(400, "DCS.4086"), "111400086");
        assert_eq!(code(404, "DCS.3022"), "111404022");
        assert_eq!(code(401, "DCS.1004"), "111401004");
        assert_eq!(code(405, "DCS.5001"), "111405001");
    }
}
