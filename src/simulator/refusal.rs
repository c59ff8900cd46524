//! Errors as the services and the gateway before them send them.
//!
//! DCS's have `error_code` and `error_msg` in v2, and are nested with another code in v1.0; the gateway's are the
//! same for all and carry the request's id. IAM has two forms, Keystone's and one of its own; STS has the gateway's
//! with one key more; the metadata service and the pod's agent send text.

use std::time::Duration;

use bytes::Bytes;
use hyper::StatusCode;
use serde_json::json;

use super::answer::Answer;
use super::route::{Call, Version};

/// Why a request is not answered with what it asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    status: u16,
    form: Form,
    message: String,
    retry_after: Option<Duration>,
}

/// What the body looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// DCS and the gateway, by the code of v2.
    Service(&'static str),
    /// `{"error": {"code", "message", "title"}}`.
    Keystone,
    /// `{"error_code", "error_msg"}` of IAM's own extensions.
    Iam(&'static str),
    /// STS.
    Sts(&'static str),
    /// No JSON.
    Text,
}

impl Refusal {
    /// An error of the service, by its code in v2.
    pub(super) fn service(status: u16, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, form: Form::Service(code), message: message.into(), retry_after: None }
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
        Self::service(429, "APIGW.0308", message).after(retry_after)
    }

    /// An error of the service that answers this call to log in: in its form, with its code for this status.
    ///
    /// Documented are IAM's codes and `PAP5.0001`; the other codes of STS are made up, only their form is not.
    pub(super) fn login(call: Call, status: u16, message: impl Into<String>) -> Self {
        let form = match (call, status) {
            (Call::MetadataToken | Call::SecurityKey | Call::PodIdentity, _) => Form::Text,
            (Call::AssumeAgency | Call::AssumeWithOidc, 403) => Form::Sts("PAP5.0001"),
            (Call::AssumeAgency | Call::AssumeWithOidc, 404) => Form::Sts("STS5.0004"),
            (Call::AssumeAgency | Call::AssumeWithOidc, _) => Form::Sts("STS5.0001"),
            (Call::SecurityTokens, 400) => Form::Iam("IAM.0011"),
            (Call::SecurityTokens, 403) => Form::Iam("IAM.0003"),
            (Call::SecurityTokens, 404) => Form::Iam("IAM.0004"),
            _ => Form::Keystone,
        };
        Self { status, form, message: message.into(), retry_after: None }
    }

    /// 403: whoever asks lacks the right to this call.
    pub(super) fn forbidden(call: Call) -> Self {
        let dcs =
            |action: &str| Self::service(403, "DCS.2007", format!("Policy does not allow {action} to be performed."));
        let sts = |action: &str| {
            Self::login(call, 403, format!("User is not authorized to perform: {action}, no policy allows it."))
        };
        match call {
            Call::Instances => dcs("dcs:instance:list"),
            Call::Backups => dcs("dcs:instance:getDataBackupLog"),
            Call::Restores => dcs("dcs:instance:getDataRestoreLog"),
            Call::Versions | Call::Instance | Call::Unknown => dcs("dcs:instance:get"),
            Call::AssumeAgency => sts("sts:agencies:assume"),
            Call::AssumeWithOidc => sts("sts:agencies:assumeWithOIDC"),
            _ => Self::login(call, 403, "You are not authorized to perform the requested action."),
        }
    }

    /// The same with `Retry-After`.
    pub(super) fn after(self, retry_after: Option<Duration>) -> Self {
        Self { retry_after, ..self }
    }

    /// The body of this version.
    pub(super) fn answer(&self, version: Version, request_id: &str) -> Answer {
        let message = &self.message;
        let body = match self.form {
            Form::Service(code) if code.starts_with("APIGW.") => {
                json!({ "error_msg": message, "error_code": code, "request_id": request_id })
            }
            Form::Service(code) if version == Version::V1 => {
                let code = v1_code(self.status, code);
                json!({ "error": { "code": code, "message": message, "ext_message": null } })
            }
            Form::Service(code) => json!({ "error_code": code, "error_msg": message, "error_ext_msg": null }),
            Form::Keystone => {
                let title = StatusCode::from_u16(self.status).ok().and_then(|status| status.canonical_reason());
                json!({ "error": { "code": self.status, "message": message, "title": title } })
            }
            Form::Iam(code) => json!({ "error_msg": message, "error_code": code }),
            Form::Sts(code) => json!({
                "error_code": code,
                "error_msg": message,
                "request_id": request_id,
                "encoded_authorization_message": null,
            }),
            Form::Text => return Answer::of(self.status, "text/plain", format!("{message}\n")).after(self.retry_after),
        };
        Answer::json(self.status, Bytes::from(body.to_string())).after(self.retry_after)
    }
}

/// v1.0 has 111, the status and the last three digits: `DCS.4086` is `111400086`.
fn v1_code(status: u16, code: &str) -> String {
    let digits = &code[code.len().saturating_sub(3)..];
    format!("111{status}{digits}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_of_v1_follow_from_those_of_v2() {
        assert_eq!(v1_code(400, "DCS.4086"), "111400086");
        assert_eq!(v1_code(404, "DCS.3022"), "111404022");
        assert_eq!(v1_code(401, "DCS.1004"), "111401004");
        assert_eq!(v1_code(405, "DCS.5001"), "111405001");
    }

    #[test]
    fn each_service_refuses_in_its_own_form() {
        for (call, status, expected) in [
            (Call::Token, 401, r#"{"error":{"code":401,"message":"no","title":"Unauthorized"}}"#),
            (Call::Projects, 403, r#"{"error":{"code":403,"message":"no","title":"Forbidden"}}"#),
            (Call::SecurityTokens, 404, r#"{"error_code":"IAM.0004","error_msg":"no"}"#),
            (Call::SecurityTokens, 401, r#"{"error":{"code":401,"message":"no","title":"Unauthorized"}}"#),
            (
                Call::AssumeAgency,
                403,
                r#"{"encoded_authorization_message":null,"error_code":"PAP5.0001","error_msg":"no","request_id":"r"}"#,
            ),
            (Call::SecurityKey, 401, "no\n"),
        ] {
            let answer = Refusal::login(call, status, "no").answer(Version::V2, "r");
            assert_eq!((answer.status, std::str::from_utf8(&answer.body).unwrap()), (status, expected), "{call}");
        }
    }
}
