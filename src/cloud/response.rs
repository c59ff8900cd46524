//! Answers that are no success, by what the caller would do about them.
//!
//! [`diagnosis`](super::diagnosis) says what a status and a code mean; here an answer is read for them, in every form
//! that the service, its gateway and IAM have. What the cloud says is passed on bounded and without what it may echo
//! of our request: a gateway that finds a signature wrong prints the whole canonical request, security token included.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::diagnosis::{Diagnosis, Refusal, diagnose, page};
use super::error::{CloudError, ErrorKind};
use crate::domain::Purpose;

/// No `Retry-After` is believed beyond this.
const MAX_RETRY_AFTER: Duration = Duration::from_hours(1);
/// A longer body is no error message of the service.
const MAX_ERROR_BODY: usize = 64 * 1024;
const MAX_MESSAGE_LENGTH: usize = 256;
const MAX_CODE_LENGTH: usize = 32;
const MAX_REQUEST_ID_LENGTH: usize = 64;

/// What an answer's headers say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Head {
    /// HTTP status.
    pub status: u16,
    /// `X-Request-Id`.
    pub request_id: Option<String>,
    /// `Retry-After`, as it was sent.
    pub retry_after: Option<String>,
    /// `Date`.
    pub date: Option<Timestamp>,
}

/// Reads an HTTP date.
pub fn parse_http_date(text: &str) -> Option<Timestamp> {
    Timestamp::try_from(httpdate::parse_http_date(text.trim()).ok()?).ok()
}

/// The cloud's clock minus ours: the answer's `Date` against the middle of sending and receiving.
///
/// Half a second is added to `Date`, which is cut to whole ones.
pub fn clock_skew(date: Timestamp, sent: Timestamp, received: Timestamp) -> SignedDuration {
    let middle = sent + received.duration_since(sent) / 2;
    date.duration_since(middle) + SignedDuration::from_millis(500)
}

/// The error that an answer other than a success is. `hidden` are texts that must not be passed on; `skew` is the
/// cloud's clock minus ours; `purpose` is what was asked for, which decides what to advise.
pub fn refusal<'a>(
    head: &Head,
    body: &[u8],
    now: Timestamp,
    skew: Option<SignedDuration>,
    hidden: impl IntoIterator<Item = &'a str>,
    purpose: Purpose,
) -> CloudError {
    let hidden: Vec<&str> = hidden.into_iter().collect();
    let said = Said::read(body);
    let Diagnosis { kind, hint } = diagnose(&Refusal {
        status: head.status,
        code: said.code.as_deref(),
        message: said.message.as_deref(),
        is_page: page::is_page(body),
        skew,
        purpose,
    });
    let mut message = match (kind, skew) {
        (ErrorKind::ClockSkew, Some(skew)) => {
            let (seconds, side) = (skew.as_secs().abs(), if skew.is_positive() { "behind" } else { "ahead of" });
            format!("the signature was refused while our clock is {seconds} s {side} the cloud's")
        }
        _ if head.status == 407 => "the proxy refused us".to_owned(),
        _ if (300..400).contains(&head.status) => "redirects are not followed".to_owned(),
        _ => sentence(kind, purpose).to_owned(),
    };
    if let Some(told) = said.message.map(|told| presentable(&told, &hidden)).filter(|told| !told.is_empty()) {
        message.push_str(": ");
        message.push_str(&told);
    }
    CloudError {
        kind,
        status: Some(head.status),
        code: said
            .code
            .map(|code| word(&code, MAX_CODE_LENGTH, &hidden))
            .filter(|code| !code.is_empty())
            .map(Into::into),
        request_id: head.request_id(&hidden),
        message: bounded(&message, MAX_MESSAGE_LENGTH),
        retry_after: head.retry_after(now),
        hint: page::plain_http_on_a_tls_port(body).or(hint),
        at_login: false,
    }
}

impl Head {
    /// The request's id, if it can be one, without `hidden` texts.
    pub fn request_id(&self, hidden: &[&str]) -> Option<Box<str>> {
        let id = word(self.request_id.as_ref()?, MAX_REQUEST_ID_LENGTH, hidden);
        (!id.is_empty()).then(|| id.into())
    }

    /// How long the cloud asks to wait: seconds, or a moment by its own clock; at most an hour.
    pub fn retry_after(&self, now: Timestamp) -> Option<Duration> {
        let text = self.retry_after.as_deref()?.trim();
        let wait = match parse_http_date(text) {
            Some(until) => Duration::try_from(until.duration_since(self.date.unwrap_or(now))).unwrap_or_default(),
            None if text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') => {
                Duration::try_from_secs_f64(text.parse().ok()?).unwrap_or(MAX_RETRY_AFTER)
            }
            None => return None,
        };
        Some(wait.min(MAX_RETRY_AFTER))
    }
}

fn sentence(kind: ErrorKind, purpose: Purpose) -> &'static str {
    match kind {
        ErrorKind::Throttled => "the cloud asks us to send fewer requests",
        ErrorKind::BadSignature | ErrorKind::Unauthorized if purpose == Purpose::Login => "the login was refused",
        ErrorKind::BadSignature => "the access key or its signature was refused",
        ErrorKind::Unauthorized => "the request was not authorised",
        ErrorKind::Forbidden => "a permission is lacking",
        ErrorKind::NotFound => "not found",
        ErrorKind::Unsupported => "the instance does not support backups",
        ErrorKind::InvalidParameter => "a parameter was refused",
        ErrorKind::Unavailable => "the service cannot answer now",
        ErrorKind::Timeout => "the service gave up waiting",
        _ => "the request was refused",
    }
}

/// What a body says of its error.
struct Said {
    code: Option<String>,
    message: Option<String>,
}

impl Said {
    /// Reads the service's form, v1.0's and IAM's nested one, other services' (`{"badRequest": {…}}`), and the
    /// gateway's; nothing from other bodies.
    fn read(body: &[u8]) -> Self {
        let body: Value = match body.len() {
            0..=MAX_ERROR_BODY => serde_json::from_slice(body).unwrap_or_default(),
            _ => Value::Null,
        };
        let inner = body.as_object().into_iter().flat_map(|object| object.values().filter(|value| value.is_object()));
        let places: Vec<&Value> = [&body, &body["error"]].into_iter().chain(inner).collect();
        let first = |keys: &[&str]| {
            places
                .iter()
                .find_map(|place| keys.iter().find_map(|key| text(&place[*key])))
                .filter(|text| !text.is_empty())
        };
        let code = first(&["error_code", "errorCode", "code"])
            .map(|code| code.chars().filter(char::is_ascii_graphic).collect::<String>());
        let message = first(&["error_msg", "errorMsg", "error_message", "message"]).or_else(|| text(&body["error"]));
        Self { code: code.filter(|code| !code.is_empty()), message }
    }
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// A text from outside in one line, without echoes of our request and without `hidden` texts.
pub fn presentable(text: &str, hidden: &[&str]) -> String {
    let mut text: String = text.chars().map(|char| if char.is_control() { ' ' } else { char }).collect();
    for hidden in hidden.iter().filter(|hidden| !hidden.is_empty()) {
        text = text.replace(hidden, "…");
    }
    let lower = text.to_ascii_lowercase();
    let echo = ["canonicalrequest", "sdk-hmac-sha256", "x-security-token", "authorization:", "signedheaders"];
    if let Some(start) = echo.iter().filter_map(|word| lower.find(word)).min() {
        text.truncate(start);
    }
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    bounded(text.trim_end_matches([' ', ',', '.', ':', ';', '|']), MAX_MESSAGE_LENGTH)
}

/// A code or an id from outside: one word of printable characters, bounded, without what [`presentable`] takes out.
fn word(text: &str, characters: usize, hidden: &[&str]) -> String {
    let text = presentable(text, hidden);
    let word: String = text.chars().filter(|char| char.is_ascii_graphic() || *char == '…').collect();
    bounded(&word, characters)
}

fn bounded(text: &str, characters: usize) -> String {
    match text.char_indices().nth(characters) {
        Some(_) => text.chars().take(characters - 1).chain(['…']).collect(),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests;
