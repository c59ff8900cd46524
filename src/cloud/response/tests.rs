use super::*;
use proptest::prelude::*;

use crate::domain::Operation;

const BACKUPS: Purpose = Purpose::Poll(Operation::Backups);

fn now() -> Timestamp {
    "2026-11-21T10:00:00Z".parse().unwrap()
}

fn kind(status: u16, code: Option<&str>) -> ErrorKind {
    diagnose(&Refusal { status, code, message: None, is_page: false, skew: None, purpose: BACKUPS }).kind
}

fn refused(status: u16, body: &str) -> CloudError {
    refusal(&Head { status, ..Head::default() }, body.as_bytes(), now(), None, ["HUSH-SECRET", "HUSH-TOKEN"], BACKUPS)
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
        (
            r#"{"badRequest":{"message":"Malformed request URL","code":"401"}}"#,
            Some("401"),
            Some("Malformed request URL"),
        ),
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
        (407, ErrorKind::Connection),
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
            assert_eq!(kind(status, code), expected, "{status} {code:?}");
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
        (401, vec!["APIGW.0301", "APIG.0301", "APIGW.0303", "401", "IAM.0011"], ErrorKind::BadSignature),
        (401, vec!["APIGW.0307", "APIG.0307"], ErrorKind::Unauthorized),
        (403, vec!["APIGW.0301"], ErrorKind::BadSignature),
        (403, vec!["APIGW.0302", "DCS.2007", "111403003"], ErrorKind::Forbidden),
        (429, vec!["APIGW.0308", "DCS.4800"], ErrorKind::Throttled),
        (403, vec!["APIGW.0308", "APIG.0308"], ErrorKind::Throttled),
        (503, vec!["APIGW.0613", "APIG.0308X"], ErrorKind::Unavailable),
        (400, vec!["DCS.4031", "111400075", "CBC.99003651"], ErrorKind::Decode),
    ] {
        for code in codes {
            assert_eq!(kind(status, Some(code)), expected, "{status} {code}");
        }
    }
}

#[test]
fn every_documented_code_has_its_statuss_kind_or_a_better_one() {
    let codes: Vec<Value> = serde_json::from_str(include_str!("../../../tests/fixtures/error_codes.json")).unwrap();
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
                "only master standby instance is support this action" | "the system is not support backup and restore.",
            ) => ErrorKind::Unsupported,
            (_, "invalid {0} in the request." | "invalid {0} parameter in the request.") => ErrorKind::InvalidParameter,
            (400, message)
                if message.starts_with("the instance is ")
                    || message.starts_with("the dcs instance is recovering")
                    || message.starts_with("the instance status is not")
                    || message.starts_with("the instance exists for processing")
                    || message.starts_with("this dcs instance job task is still")
                    || message == "this operation is not allowed when the dcs instance is in the current state." =>
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
        refusal(&Head { status: 401, ..Head::default() }, b"", now(), skew, [], BACKUPS)
    };
    assert_eq!(with_skew(15).kind, ErrorKind::BadSignature);
    let behind = with_skew(16);
    assert_eq!(behind.kind, ErrorKind::ClockSkew);
    assert!(behind.message.contains("960 s behind the cloud's"), "{behind}");
    assert!(with_skew(-16).message.contains("960 s ahead of the cloud's"));
    assert_eq!(behind.hint.unwrap().to_string(), "our clock is 16 min behind the cloud's: set it (NTP)");
    let skew = Some(SignedDuration::from_mins(16));
    let forbidden = refusal(&Head { status: 403, ..Head::default() }, b"", now(), skew, [], BACKUPS);
    assert_eq!(forbidden.kind, ErrorKind::Forbidden);
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
    assert_eq!(refusal(&head, b"", now(), None, [], BACKUPS).retry_after, seconds(7));
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
fn codes_and_ids_that_echo_a_secret_are_cut_too() {
    let head = Head { status: 403, request_id: Some("id-HUSH-TOKEN".to_owned()), ..Head::default() };
    for code in ["HUSH-TOKEN", "xHUSH-SECRETx", "SDK-HMAC-SHA256 Access=AK, SignedHeaders=host, Signature=0011"] {
        let body = serde_json::json!({ "error_code": code }).to_string();
        let error = refusal(&head, body.as_bytes(), now(), None, ["HUSH-SECRET", "HUSH-TOKEN"], BACKUPS);
        assert_eq!(error.request_id.as_deref(), Some("id-…"));
        assert!(!error.to_string().contains("HUSH") && !error.to_string().contains("0011"), "{error}");
    }
}

#[test]
fn what_the_cloud_says_is_bounded() {
    let body = serde_json::json!({"error_code": "x".repeat(500), "error_msg": "é".repeat(5000)}).to_string();
    let head = Head { status: 500, request_id: Some("r\u{7f}".repeat(500)), ..Head::default() };
    let error = refusal(&head, body.as_bytes(), now(), None, [], BACKUPS);
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
        let error = refusal(&head, body.to_string().as_bytes(), now(), None, ["HUSH-SECRET"], BACKUPS);
        prop_assert!(!error.to_string().contains("HUSH"));
        prop_assert!(error.message.chars().count() <= 256);
    }
}
