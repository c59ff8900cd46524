//! Answers that are no success, by what the caller would do about them.
//!
//! The status decides, unless the code in the body says better ([`kind`]): single-node instances, busy instances
//! and refused parameters are all "400" to the service. What the cloud says is passed on bounded and without
//! what it may echo of our request: a gateway that finds a signature wrong prints the whole canonical request,
//! security token included. Sources: the vendor's pages "Error Codes" and "Status Codes" of DCS and of its API
//! gateway.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::error::{CloudError, ErrorKind};

/// A clock that is further off than this makes the gateway refuse signatures.
const MAX_SKEW: SignedDuration = SignedDuration::from_mins(15);
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
/// cloud's clock minus ours.
pub fn refusal<'a>(
    head: &Head,
    body: &[u8],
    now: Timestamp,
    skew: Option<SignedDuration>,
    hidden: impl IntoIterator<Item = &'a str>,
) -> CloudError {
    let hidden: Vec<&str> = hidden.into_iter().collect();
    let said = Said::read(body);
    let skew = skew.filter(|skew| skew.abs() > MAX_SKEW);
    let kind = kind(head.status, said.code.as_deref(), skew.is_some());
    let mut message = match (kind, skew) {
        (ErrorKind::ClockSkew, Some(skew)) => {
            let (seconds, side) = (skew.as_secs().abs(), if skew.is_positive() { "behind" } else { "ahead of" });
            format!("the signature was refused while our clock is {seconds} s {side} the cloud's; set the clock")
        }
        _ if head.status == 407 => "the proxy refused us; give it a good user:password@ in proxy".to_owned(),
        _ if (300..400).contains(&head.status) => "redirects are not followed; check the endpoint".to_owned(),
        _ => sentence(kind).to_owned(),
    };
    if let Some(told) = said.message.map(|told| presentable(&told, &hidden)).filter(|told| !told.is_empty()) {
        message.push_str(": ");
        message.push_str(&told);
    }
    CloudError {
        kind,
        status: Some(head.status),
        code: said.code.map(|code| word(&code, MAX_CODE_LENGTH, &hidden)).filter(|code| !code.is_empty()),
        request_id: head.request_id(&hidden),
        message: bounded(&message, MAX_MESSAGE_LENGTH),
        retry_after: head.retry_after(now),
        at_login: false,
    }
}

impl Head {
    /// The request's id, if it can be one, without `hidden` texts.
    pub fn request_id(&self, hidden: &[&str]) -> Option<String> {
        let id = word(self.request_id.as_ref()?, MAX_REQUEST_ID_LENGTH, hidden);
        (!id.is_empty()).then_some(id)
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

/// What to do about an answer of this status and code; `skewed`: our clock is so wrong that no signature passes.
pub fn kind(status: u16, code: Option<&str>, skewed: bool) -> ErrorKind {
    let code = code.map(str::to_ascii_uppercase).unwrap_or_default();
    let gateway = code.strip_prefix("APIGW.").or_else(|| code.strip_prefix("APIG."));
    match (status, gateway, service_number(&code)) {
        (300..=399, _, _) => ErrorKind::Decode,
        // Who wants a password for the way is not the service.
        (407, _, _) => ErrorKind::Connection,
        (429, _, _) => ErrorKind::Throttled,
        _ if code.ends_with(".0308") => ErrorKind::Throttled,
        (401, _, _) if skewed => ErrorKind::ClockSkew,
        (_, Some("0101"), _) => ErrorKind::NotFound,
        (_, _, Some(1001..=1004)) => ErrorKind::Unauthorized,
        (401, _, _) | (_, Some("0301"), _) => ErrorKind::BadSignature,
        (_, _, Some(4086 | 4095)) => ErrorKind::Unsupported,
        (_, _, Some(4062 | 4063 | 4800)) => ErrorKind::InvalidParameter,
        (_, _, Some(3022 | 4001 | 4002 | 4061)) => ErrorKind::NotFound,
        (_, _, Some(number)) if busy(number) => ErrorKind::Unavailable,
        (403, _, _) => ErrorKind::Forbidden,
        (404, _, _) => ErrorKind::NotFound,
        (408, _, _) => ErrorKind::Timeout,
        (500.., _, _) => ErrorKind::Unavailable,
        _ => ErrorKind::Decode,
    }
}

/// The instance is in the middle of something: the answer may be another one later.
fn busy(number: u16) -> bool {
    matches!(number, 4017 | 4026 | 4049 | 4096 | 4097 | 4104 | 4108 | 4111 | 4113..=4118 | 4120)
}

/// The number of a code of the service: of `DCS.4086`, or of its twin in v1.0, `111400086`.
fn service_number(code: &str) -> Option<u16> {
    if let Some(twin) = code.strip_prefix("111").filter(|twin| twin.len() == 6) {
        let number: u16 = twin.get(3..)?.parse().ok()?;
        return match (twin.get(..3)?, number) {
            ("401", _) => Some(1000 + number),
            ("403", _) | ("404", 22) => Some(3000 + number),
            ("400" | "404", _) => Some(4000 + number),
            ("405" | "500", _) => Some(5000 + number),
            _ => None,
        };
    }
    let digits = code.strip_prefix("DCS.").unwrap_or(code);
    (digits.len() == 4).then(|| digits.parse().ok())?
}

fn sentence(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::Throttled => "the cloud asks us to send fewer requests",
        ErrorKind::BadSignature => "the access key or its signature was refused",
        ErrorKind::Unauthorized => "the request was not authorised",
        ErrorKind::Forbidden => "the access key lacks a permission",
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
    /// Reads the service's form, v1.0's and IAM's nested one, and the gateway's; nothing from other bodies.
    fn read(body: &[u8]) -> Self {
        let body: Value = match body.len() {
            0..=MAX_ERROR_BODY => serde_json::from_slice(body).unwrap_or_default(),
            _ => Value::Null,
        };
        let places = [&body, &body["error"]];
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
