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
    let said = Said::read(body);
    let skew = skew.filter(|skew| skew.abs() > MAX_SKEW);
    let kind = kind(head.status, said.code.as_deref(), skew.is_some());
    let mut message = match (kind, skew) {
        (ErrorKind::ClockSkew, Some(skew)) => {
            let (seconds, side) = (skew.as_secs().abs(), if skew.is_positive() { "behind" } else { "ahead of" });
            format!("the signature was refused while our clock is {seconds} s {side} the cloud's; set the clock")
        }
        _ if (300..400).contains(&head.status) => "redirects are not followed; check the endpoint".to_owned(),
        _ => sentence(kind).to_owned(),
    };
    if let Some(told) = said.message.map(|told| presentable(&told, hidden)).filter(|told| !told.is_empty()) {
        message.push_str(": ");
        message.push_str(&told);
    }
    CloudError {
        kind,
        status: Some(head.status),
        code: said.code,
        request_id: head.request_id(),
        message: bounded(&message, MAX_MESSAGE_LENGTH),
        retry_after: head.retry_after(now),
    }
}

impl Head {
    /// The request's id, if it can be one.
    pub fn request_id(&self) -> Option<String> {
        let id: String = self.request_id.as_ref()?.chars().filter(char::is_ascii_graphic).collect();
        (!id.is_empty()).then(|| bounded(&id, MAX_REQUEST_ID_LENGTH))
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
        let code = first(&["error_code", "errorCode", "code"]).map(|code| {
            let code: String = code.chars().filter(char::is_ascii_graphic).collect();
            bounded(&code, MAX_CODE_LENGTH)
        });
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
pub fn presentable<'a>(text: &str, hidden: impl IntoIterator<Item = &'a str>) -> String {
    let mut text: String = text.chars().map(|char| if char.is_control() { ' ' } else { char }).collect();
    for hidden in hidden.into_iter().filter(|hidden| !hidden.is_empty()) {
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

fn bounded(text: &str, characters: usize) -> String {
    match text.char_indices().nth(characters) {
        Some(_) => text.chars().take(characters - 1).chain(['…']).collect(),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn now() -> Timestamp {
        "2026-11-21T10:00:00Z".parse().unwrap()
    }

    fn refused(status: u16, body: &str) -> CloudError {
        refusal(&Head { status, ..Head::default() }, body.as_bytes(), now(), None, ["HUSH-SECRET", "HUSH-TOKEN"])
    }

    #[test]
    fn every_form_of_an_errors_body() {
        for (body, code, message) in [
            (
                r#"{"error_code":"DCS.4800","error_msg":"Invalid offset in the request.","error_ext_msg":null}"#,
                Some("DCS.4800"),
                Some("Invalid offset in the request"),
            ),
            (
                r#"{"error":{"code":"111400075","message":"Invalid backupAt","ext_message":null}}"#,
                Some("111400075"),
                Some("Invalid backupAt"),
            ),
            (
                r#"{"error_msg":"over ratelimit,limit:5","error_code":"APIGW.0308","request_id":"r"}"#,
                Some("APIGW.0308"),
                Some("over ratelimit,limit:5"),
            ),
            (
                r#"{"error":{"code":401,"message":"The request you have made requires authentication.","title":"Unauthorized"}}"#,
                Some("401"),
                Some("The request you have made requires authentication"),
            ),
            (r#"{"error_msg":"x","error_code":"IAM.0011"}"#, Some("IAM.0011"), Some("x")),
            (r#"{"errorCode":"DCS.5000","errorMsg":"x"}"#, Some("DCS.5000"), Some("x")),
            (r#"{"code":"DCS. 5094","message":"swap failed"}"#, Some("DCS.5094"), Some("swap failed")),
            (r#"{"error":"broken"}"#, None, Some("broken")),
            (r#"{"error_code":{},"error_msg":null}"#, None, None),
            ("<html><h1>502 Bad Gateway</h1></html>", None, None),
            ("", None, None),
            ("[]", None, None),
            ("null", None, None),
        ] {
            let error = refused(502, body);
            assert_eq!((error.status, error.code.as_deref()), (Some(502), code), "{body}");
            let told = error.message.split_once(": ").map(|(_, told)| told);
            assert_eq!(told, message, "{body}");
        }
    }

    #[test]
    fn kinds_by_status() {
        for (status, expected) in [
            (301, ErrorKind::Decode),
            (304, ErrorKind::Decode),
            (307, ErrorKind::Decode),
            (400, ErrorKind::Decode),
            (401, ErrorKind::BadSignature),
            (403, ErrorKind::Forbidden),
            (404, ErrorKind::NotFound),
            (405, ErrorKind::Decode),
            (408, ErrorKind::Timeout),
            (413, ErrorKind::Decode),
            (429, ErrorKind::Throttled),
            (494, ErrorKind::Decode),
            (500, ErrorKind::Unavailable),
            (502, ErrorKind::Unavailable),
            (503, ErrorKind::Unavailable),
            (504, ErrorKind::Unavailable),
            (599, ErrorKind::Unavailable),
        ] {
            for code in [None, Some("XYZ.1"), Some("42"), Some(""), Some("111"), Some("DCS."), Some("111é00é")] {
                assert_eq!(kind(status, code, false), expected, "{status} {code:?}");
            }
        }
    }

    #[test]
    fn kinds_by_code() {
        for (status, codes, expected) in [
            (400, vec!["DCS.4086", "DCS.4095", "111400086", "111400095", "dcs.4086"], ErrorKind::Unsupported),
            (400, vec!["DCS.4800", "111400800", "DCS.4062", "111400063"], ErrorKind::InvalidParameter),
            (400, vec!["DCS.4096", "DCS.4097", "111400096", "111400097", "DCS.4111"], ErrorKind::Unavailable),
            (400, vec!["DCS.4002", "DCS.4061", "111400002", "111400061"], ErrorKind::NotFound),
            (404, vec!["DCS.4001", "DCS.3022", "111404001", "111404022", "APIGW.0101"], ErrorKind::NotFound),
            (400, vec!["DCS.3022", "111404022", "APIG.0101"], ErrorKind::NotFound),
            (401, vec!["DCS.1001", "DCS.1004", "111401001", "111401004"], ErrorKind::Unauthorized),
            (401, vec!["APIGW.0301", "APIG.0301", "APIGW.0307", "401", "IAM.0011"], ErrorKind::BadSignature),
            (403, vec!["APIGW.0301"], ErrorKind::BadSignature),
            (403, vec!["APIGW.0302", "DCS.2007", "111403003"], ErrorKind::Forbidden),
            (429, vec!["APIGW.0308", "DCS.4800"], ErrorKind::Throttled),
            (403, vec!["APIGW.0308", "APIG.0308"], ErrorKind::Throttled),
            (503, vec!["APIGW.0613", "APIG.0308X"], ErrorKind::Unavailable),
            (400, vec!["DCS.4031", "111400075", "CBC.99003651"], ErrorKind::Decode),
        ] {
            for code in codes {
                assert_eq!(kind(status, Some(code), false), expected, "{status} {code}");
            }
        }
    }

    #[test]
    fn every_documented_code_has_its_statuss_kind_or_a_better_one() {
        let codes: Vec<Value> = serde_json::from_str(include_str!("../../tests/fixtures/error_codes.json")).unwrap();
        assert!(codes.len() > 290);
        for entry in &codes {
            let code = entry["code"].as_str().unwrap();
            let status = u16::try_from(entry["http_status"].as_u64().unwrap()).unwrap();
            let body = serde_json::json!({"error_code": code, "error_msg": entry["message"]}).to_string();
            let found = refused(status, &body).kind;
            let message = entry["message"].as_str().unwrap().to_ascii_lowercase();
            let expected = match (status, message.as_str()) {
                (401, _) => ErrorKind::Unauthorized,
                (403, _) => ErrorKind::Forbidden,
                (404, _) | (_, "invalid project id format." | "invalid instance id format.") => ErrorKind::NotFound,
                (500, _) => ErrorKind::Unavailable,
                (
                    _,
                    "only master standby instance is support this action"
                    | "the system is not support backup and restore.",
                ) => ErrorKind::Unsupported,
                (_, "invalid {0} in the request." | "invalid {0} parameter in the request.") => {
                    ErrorKind::InvalidParameter
                }
                (400, message)
                    if message.starts_with("the instance is ")
                        || message.starts_with("the dcs instance is recovering")
                        || message.starts_with("the instance status is not")
                        || message.starts_with("the instance exists for processing")
                        || message.starts_with("this dcs instance job task is still")
                        || message
                            == "this operation is not allowed when the dcs instance is in the current state." =>
                {
                    ErrorKind::Unavailable
                }
                _ => ErrorKind::Decode,
            };
            assert_eq!(found, expected, "{entry}");
        }
    }

    #[test]
    fn a_wrong_clock_is_told_apart_from_a_wrong_key() {
        let with_skew = |minutes| {
            let skew = Some(SignedDuration::from_mins(minutes));
            refusal(&Head { status: 401, ..Head::default() }, b"", now(), skew, [])
        };
        assert_eq!(with_skew(15).kind, ErrorKind::BadSignature);
        let behind = with_skew(16);
        assert_eq!(behind.kind, ErrorKind::ClockSkew);
        assert!(behind.message.contains("960 s behind the cloud's"), "{behind}");
        assert!(with_skew(-16).message.contains("960 s ahead of the cloud's"));
        assert_eq!(kind(403, None, true), ErrorKind::Forbidden);
    }

    #[test]
    fn the_skew_is_taken_against_the_middle() {
        let date = |text: &str| parse_http_date(text).unwrap();
        let cloud = date("Sat, 21 Nov 2026 10:00:10 GMT");
        let skew = clock_skew(cloud, now(), now() + SignedDuration::from_secs(4));
        assert_eq!(skew, SignedDuration::from_millis(8_500));
        assert_eq!(parse_http_date("21.11.2026"), None);
    }

    #[test]
    fn waits() {
        let wait = |text: &str, date: Option<&str>| {
            let date = date.map(|date| date.parse().unwrap());
            Head { retry_after: Some(text.to_owned()), date, ..Head::default() }.retry_after(now())
        };
        let seconds = |seconds| Some(Duration::from_secs(seconds));
        assert_eq!(wait("120", None), seconds(120));
        assert_eq!(wait(" 0 ", None), seconds(0));
        assert_eq!(wait("1.5", None), Some(Duration::from_millis(1500)));
        assert_eq!(wait("86400", None), seconds(3600));
        assert_eq!(wait(&"9".repeat(400), None), seconds(3600));
        assert_eq!(wait("Sat, 21 Nov 2026 10:02:00 GMT", None), seconds(120));
        assert_eq!(wait("Sat, 21 Nov 2026 10:02:00 GMT", Some("2026-11-21T10:01:30Z")), seconds(30));
        assert_eq!(wait("Sat, 21 Nov 2026 09:00:00 GMT", None), seconds(0));
        assert_eq!(wait("Mon, 21 Nov 2033 10:00:00 GMT", None), seconds(3600));
        for bad in ["", "soon", "-5", "1e3", ".", "1.2.3"] {
            assert_eq!(wait(bad, None), None, "{bad}");
        }
        let head = Head { status: 503, retry_after: Some("7".to_owned()), ..Head::default() };
        assert_eq!(refusal(&head, b"", now(), None, []).retry_after, seconds(7));
    }

    #[test]
    fn echoes_of_our_request_are_cut_and_secrets_taken_out() {
        let body = serde_json::json!({
            "error_code": "APIGW.0301",
            "error_msg": "Incorrect IAM authentication information: verify aksk signature fail,canonicalRequest:GET|/v2/p/|\
                |host:h|x-sdk-date:20261121T100000Z|x-security-token:HUSH-TOKEN||host|e3b0",
        });
        let error = refused(401, &body.to_string());
        let expected = "the access key or its signature was refused: \
            Incorrect IAM authentication information: verify aksk signature fail";
        assert_eq!(error.message, expected);
        for told in [
            "bad header Authorization: SDK-HMAC-SHA256 Access=AK, SignedHeaders=host, Signature=0011",
            "key HUSH-SECRET is wrong",
            "token\nHUSH-TOKEN\u{1b}[31m expired",
        ] {
            let error = refused(401, &serde_json::json!({ "error_msg": told }).to_string());
            assert!(!error.message.contains("HUSH") && !error.message.contains("0011"), "{error}");
            assert!(!error.message.contains(char::is_control), "{error}");
        }
    }

    #[test]
    fn what_the_cloud_says_is_bounded() {
        let body = serde_json::json!({"error_code": "x".repeat(500), "error_msg": "é".repeat(5000)}).to_string();
        let head = Head { status: 500, request_id: Some("r\u{7f}".repeat(500)), ..Head::default() };
        let error = refusal(&head, body.as_bytes(), now(), None, []);
        assert_eq!(error.message.chars().count(), 256);
        assert_eq!(error.code.unwrap().chars().count(), 32);
        assert_eq!(error.request_id.unwrap().chars().count(), 64);
        let deep = "[".repeat(60_000);
        assert_eq!(refused(500, &deep).code, None);
        let long = format!(r#"{{"error_code":"DCS.4086","x":"{}"}}"#, "x".repeat(100_000));
        assert_eq!(refused(400, &long).kind, ErrorKind::Decode);
    }

    proptest! {
        #[test]
        fn no_answer_panics_or_shows_a_secret(
            status in 100_u16..600,
            before in ".{0,300}",
            after in ".{0,20}",
            code in ".{0,12}",
            retry_after in prop::option::of(".{0,30}"),
        ) {
            let body = serde_json::json!({"error_code": code, "error_msg": format!("{before}HUSH-SECRET{after}")});
            let head = Head { status, retry_after, ..Head::default() };
            let error = refusal(&head, body.to_string().as_bytes(), now(), None, ["HUSH-SECRET"]);
            prop_assert!(!error.to_string().contains("HUSH"));
            prop_assert!(error.message.chars().count() <= 256);
        }
    }
}
