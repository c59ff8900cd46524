use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde_json::Value;

use super::connection::Failure;
use super::*;
use crate::cloud::wire::WireError;
use crate::config;
use crate::domain::Operation;
use crate::domain::record::ErrorCode;

const BACKUPS: Purpose = Purpose::Poll(Operation::Backups);
const PURPOSES: [Purpose; 6] = [
    Purpose::Poll(Operation::Instances),
    Purpose::Poll(Operation::Policy),
    BACKUPS,
    Purpose::Poll(Operation::Restores),
    Purpose::Project,
    Purpose::Login,
];

fn told(status: u16, code: &str, message: &str, purpose: Purpose) -> Diagnosis {
    let code = (!code.is_empty()).then_some(code);
    let message = (!message.is_empty()).then_some(message);
    diagnose(&Refusal { status, code, message, is_page: false, skew: None, purpose })
}

/// Every documented code of the service, with its status and message.
fn documented() -> Vec<(String, u16, String)> {
    let codes: Vec<Value> = serde_json::from_str(include_str!("../../../tests/fixtures/error_codes.json")).unwrap();
    let text = |entry: &Value, key: &str| entry[key].as_str().unwrap().to_owned();
    let of = |entry: &Value| {
        let status = u16::try_from(entry["http_status"].as_u64().unwrap()).unwrap();
        // Blanks are taken out where a body is read.
        (text(entry, "code").replace(' ', ""), status, text(entry, "message"))
    };
    let mut codes: Vec<_> = codes.iter().map(of).collect();
    codes.sort();
    codes
}

/// The gateway's, as its "Error Codes" lists them; some with several statuses.
const OF_THE_GATEWAY: &[(u16, &[u16])] = &[
    (101, &[404]),
    (103, &[404, 500]),
    (104, &[400, 500]),
    (105, &[400, 500]),
    (106, &[400]),
    (107, &[500]),
    (201, &[400, 413, 414, 494, 502, 504]),
    (202, &[502]),
    (203, &[504]),
    (301, &[401]),
    (302, &[403]),
    (303, &[401]),
    (304, &[403]),
    (305, &[401]),
    (306, &[403]),
    (307, &[401]),
    (308, &[429]),
    (310, &[403]),
    (311, &[401]),
    (401, &[403]),
    (402, &[403]),
    (404, &[403]),
    (501, &[405]),
    (502, &[405]),
    (601, &[500]),
    (602, &[400]),
    (605, &[500]),
    (606, &[500]),
    (607, &[400]),
    (608, &[500]),
    (609, &[500]),
    (610, &[502]),
    (611, &[500]),
    (612, &[500]),
    (613, &[503]),
    (705, &[500]),
    (801, &[403]),
    (802, &[403]),
];

const MESSAGES: [(u16, &str, &str); 14] = [
    (401, "APIGW.0301", "Incorrect IAM authentication information: verify aksk signature fail"),
    (401, "APIG.0301", "Incorrect IAM authentication information: verify ak sk signature fail"),
    (401, "APIGW.0301", "Incorrect IAM authentication information: AK access failed to reach the limit,forbidden."),
    (401, "APIGW.0301", "Incorrect IAM authentication information: Get secretKey failed,ak:A,err:ak not exist"),
    (401, "APIGW.0301", "Incorrect IAM authentication information: ak A not exist"),
    (401, "APIG.0301", "Incorrect IAM authentication information: decrypt token fail"),
    (401, "APIGW.0301", "Incorrect IAM authentication information: token expires, expires_at:2026-11-21"),
    (401, "APIGW.0301", "Incorrect IAM authentication information: x-auth-token not found"),
    (401, "SYS.0400", "URL's projectId is not equal token's projectId."),
    (401, "", "Malformed request URL: URL's project_id 'p' doesn't match Context's project_id 'null'"),
    (401, "WAF.9001", "Invalid token. Project id don't match"),
    (401, "401", "The username or password is wrong."),
    (401, "401", "The account is locked."),
    (401, "", "Please configure Cloud Service Agency first"),
];

const OF_IAM: [(u16, &str); 37] = [
    (400, "400"),
    (401, "401"),
    (403, "403"),
    (404, "404"),
    (409, "409"),
    (429, "429"),
    (500, "500"),
    (401, "IAM.0001"),
    (403, "IAM.0002"),
    (403, "IAM.0003"),
    (404, "IAM.0004"),
    (409, "IAM.0005"),
    (500, "IAM.0006"),
    (400, "IAM.0007"),
    (400, "IAM.0011"),
    (429, "IAM.0012"),
    (410, "IAM.0020"),
    (401, "IAM.0061"),
    (401, "IAM.0062"),
    (401, "IAM.0063"),
    (401, "IAM.0064"),
    (401, "IAM.0066"),
    (401, "IAM.0067"),
    (400, "IAM.0072"),
    (400, "IAM.0073"),
    (403, "IAM.0080"),
    (403, "IAM.0081"),
    (403, "IAM.0082"),
    (403, "IAM.0083"),
    (400, "IAM.1101"),
    (400, "IAM.1104"),
    (400, "IAM.1105"),
    (400, "IAM.1107"),
    (400, "IAM.1108"),
    (400, "IAM.1109"),
    (403, "PAP5.0001"),
    (403, "STS5.1001"),
];

const STATUSES: [u16; 14] = [301, 307, 400, 401, 403, 404, 405, 407, 408, 413, 429, 500, 502, 599];

fn line(diagnosis: Diagnosis) -> String {
    format!("{:?}: {}", diagnosis.kind, diagnosis.hint.map_or_else(|| "-".to_owned(), |hint| hint.to_string()))
}

/// Codes by what they mean, in the order of the first of each.
fn grouped(codes: impl IntoIterator<Item = (String, Diagnosis)>) -> String {
    let mut groups: Vec<(String, Vec<String>)> = Vec::new();
    for (code, diagnosis) in codes {
        let line = line(diagnosis);
        match groups.iter_mut().find(|(known, _)| *known == line) {
            Some((_, codes)) => codes.push(code),
            None => groups.push((line, vec![code])),
        }
    }
    groups
        .into_iter()
        .map(|(line, codes)| [line, "\n    ".to_owned(), codes.join(" "), "\n".to_owned()].concat())
        .collect()
}

#[test]
fn what_each_code_means() {
    let mut text = "# the service, asked for backups\n".to_owned();
    text += &grouped(documented().into_iter().map(|(code, status, message)| {
        let diagnosis = told(status, &code, &message, BACKUPS);
        (format!("{code}/{status}"), diagnosis)
    }));
    text += "\n# the gateway, asked for backups\n";
    text += &grouped(OF_THE_GATEWAY.iter().flat_map(|(number, statuses)| {
        statuses.iter().map(move |status| {
            let of = |prefix: &str| told(*status, &format!("{prefix}.{number:04}"), "", BACKUPS);
            assert_eq!(of("APIGW"), of("apig"));
            (format!("{number:04}/{status}"), of("APIGW"))
        })
    }));
    text += "\n# messages, asked for backups\n";
    for (status, code, message) in MESSAGES {
        writeln!(text, "{status} {code} {message}\n    {}", line(told(status, code, message, BACKUPS))).unwrap();
    }
    text += "\n# IAM, asked to log in\n";
    text += &grouped(
        OF_IAM.iter().map(|(status, code)| (format!("{code}/{status}"), told(*status, code, "", Purpose::Login))),
    );
    for purpose in PURPOSES {
        writeln!(text, "\n# a status alone, asked for {}", purpose.as_str()).unwrap();
        text += &grouped(STATUSES.iter().map(|status| (status.to_string(), told(*status, "", "", purpose))));
    }
    insta::assert_snapshot!(text);
}

#[test]
fn what_lies_below_http_and_beyond_it_means() {
    let mut text = String::new();
    for failure in [Failure::Name, Failure::Connect, Failure::Unanswered, Failure::BrokenOff, Failure::Timeout] {
        for (proxied, tls) in [(false, true), (false, false), (true, true)] {
            let hint = connection::hint(failure, "", proxied, tls);
            writeln!(text, "{failure:?} proxied={proxied} tls={tls}: {hint}").unwrap();
        }
    }
    for cause in [
        "invalid peer certificate: UnknownIssuer",
        "invalid peer certificate: Other(OtherError(CaUsedAsEndEntity))",
        "invalid peer certificate: certificate expired: verification time 1 (UNIX), but certificate is not valid after 0",
        "invalid peer certificate: certificate not valid yet: verification time 0 (UNIX)",
        "invalid peer certificate: certificate not valid for name \"a\"",
        "received corrupt message of type InvalidContentType",
        "tunnel error: proxy authorization required",
        "tunnel error: unsuccessful",
    ] {
        writeln!(text, "{cause}\n    {}", connection::hint(Failure::Connect, cause, false, true)).unwrap();
    }
    for error in wire_errors() {
        writeln!(text, "{error}\n    {}", page::hint(&error)).unwrap();
    }
    for code in ErrorCode::DOCUMENTED.into_iter().map(Some).chain([Some(ErrorCode::Other), None]) {
        writeln!(text, "{}: {}", ErrorCode::label(code), record::hint(code)).unwrap();
    }
    insta::assert_snapshot!(text);
}

fn wire_errors() -> [WireError; 5] {
    [
        WireError::NotJson { what: "HTML or XML" },
        WireError::NotJson { what: "something else" },
        WireError::OtherContent("is a bare list"),
        WireError::ListMissing { list: "instances", total: 3 },
        WireError::InstanceMissing,
    ]
}

/// All hints that there are, as far as tests can find them.
fn hints() -> BTreeSet<String> {
    let mut diagnoses = Vec::new();
    for purpose in PURPOSES {
        diagnoses.extend(documented().iter().map(|(code, status, message)| told(*status, code, message, purpose)));
        for (number, statuses) in OF_THE_GATEWAY {
            let code = format!("APIG.{number:04}");
            diagnoses.extend(statuses.iter().map(|status| told(*status, &code, "", purpose)));
        }
        diagnoses.extend(MESSAGES.iter().map(|(status, code, message)| told(*status, code, message, purpose)));
        diagnoses.extend(OF_IAM.iter().map(|(status, code)| told(*status, code, "", purpose)));
        diagnoses.extend((300..600).map(|status| told(status, "", "", purpose)));
    }
    let mut hints: BTreeSet<String> =
        diagnoses.iter().filter_map(|told| told.hint).map(|hint| hint.to_string()).collect();
    for failure in [Failure::Name, Failure::Connect, Failure::Unanswered, Failure::BrokenOff, Failure::Timeout] {
        for (proxied, tls) in [(false, true), (false, false), (true, true), (true, false)] {
            hints.insert(connection::hint(failure, "", proxied, tls).to_string());
        }
    }
    hints.extend(connection::WORDS.iter().map(|(_, sentence)| (*sentence).to_owned()));
    hints.extend(wire_errors().iter().map(|error| page::hint(error).to_string()));
    hints.extend(ErrorCode::DOCUMENTED.map(|code| record::hint(Some(code)).to_string()));
    hints.insert(page::plain_http_on_a_tls_port(b"The plain HTTP request was sent to HTTPS port").unwrap().to_string());
    hints.insert(page::TOO_LONG.to_string());
    hints.insert(Hint::clock(SignedDuration::MIN).to_string());
    hints.insert(told(400, "DCS.4321", "", BACKUPS).hint.unwrap().to_string());
    hints
}

#[test]
fn hints_are_one_short_line_in_the_words_of_the_configuration() {
    let hints = hints();
    assert!(hints.len() > 50, "{}", hints.len());
    let known: BTreeSet<&str> = config::keys().iter().flat_map(|key| key.path.split(['.', '[', ']'])).collect();
    for hint in &hints {
        assert!(hint.chars().count() <= 160, "{} characters: {hint}", hint.chars().count());
        assert!(!hint.contains(char::is_control) && !hint.contains("  ") && !hint.ends_with('.'), "{hint:?}");
        let words = hint.split(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '_' | ':' | '[' | ']' | '.'));
        let keys = words.filter(|word| !word.contains("://")).map(|word| word.trim_matches([':', '.']));
        for key in keys.filter(|key| !key.contains(':') && key.contains(['_', '[', '.'])) {
            let parts = key.split(['.', '[', ']']).filter(|part| !part.is_empty());
            assert!({ parts }.all(|part| known.contains(part)), "{key:?} is no key: {hint}");
        }
    }
    // Keys of one plain word; these hints are found by it.
    for word in ["endpoint", "region", "proxy", "limits", "credentials", "password", "username", "assume", "instances"]
    {
        assert!(known.contains(word), "{word}");
        assert!(hints.iter().any(|hint| hint.contains(word)), "{word}");
    }
}

#[test]
fn only_what_is_no_failure_has_no_hint() {
    for (code, status, message) in documented() {
        for purpose in PURPOSES {
            let Diagnosis { kind, hint } = told(status, &code, &message, purpose);
            assert_eq!(hint.is_none(), kind == ErrorKind::Unsupported, "{code} {status} {kind:?}");
        }
    }
    for (status, code) in OF_IAM {
        assert!(told(status, code, "", Purpose::Login).hint.is_some(), "{code}");
    }
    for status in 300..600 {
        assert!(told(status, "", "", BACKUPS).hint.is_some(), "{status}");
    }
}

#[test]
fn each_of_the_four_requests_names_its_own_permission() {
    for (operation, action) in [
        (Operation::Instances, "dcs:instance:list "),
        (Operation::Policy, "dcs:instance:get "),
        (Operation::Backups, "dcs:instance:getDataBackupLog "),
        (Operation::Restores, "dcs:instance:getDataRestoreLog "),
    ] {
        for (status, code) in [(403, "DCS.2007"), (403, "111403003"), (403, "PAP5.0001"), (403, "")] {
            let Diagnosis { kind, hint } = told(status, code, "", operation.into());
            assert_eq!(kind, ErrorKind::Forbidden);
            assert!(hint.unwrap().to_string().contains(action), "{operation} {code}");
        }
    }
    let project = told(403, "IAM.0003", "", Purpose::Project).hint.unwrap().to_string();
    assert!(project.contains("iam:projects:listProjects") && project.contains("project_id"), "{project}");
}

#[test]
fn the_policies_to_deploy_hold_what_the_hints_name_and_nothing_else() {
    let named = |purposes: &[Purpose]| {
        let sentences = purposes.iter().map(|purpose| told(403, "", "", *purpose).hint.unwrap().to_string());
        sentences
            .map(|sentence| sentence.split([' ', ',']).find(|word| word.contains(':')).unwrap().to_owned())
            .collect::<BTreeSet<String>>()
    };
    let read = Operation::ALL.map(Purpose::Poll);
    for (policy, purposes) in [
        (include_str!("../../../deploy/iam/dcs-backup-exporter.json"), read.as_slice()),
        (include_str!("../../../deploy/iam/project-lookup.json"), &[Purpose::Project]),
    ] {
        let policy: serde_json::Value = serde_json::from_str(policy).unwrap();
        assert_eq!((&policy["Version"], &policy["Statement"][0]["Effect"]), (&"1.1".into(), &"Allow".into()));
        assert_eq!(policy["Statement"].as_array().unwrap().len(), 1);
        let actions: BTreeSet<String> = serde_json::from_value(policy["Statement"][0]["Action"].clone()).unwrap();
        assert_eq!(actions, named(purposes));
    }
}

#[test]
fn only_a_wrong_key_or_signature_stops_the_key() {
    let stops = [true, true, true, true, true, false, false, false, false, false, false, true, true, false];
    for ((status, code, message), stops) in MESSAGES.into_iter().zip(stops) {
        let kind = told(status, code, message, BACKUPS).kind;
        assert_eq!(kind, if stops { ErrorKind::BadSignature } else { ErrorKind::Unauthorized }, "{message}");
    }
}

#[test]
fn a_wrong_clock_is_blamed_for_signatures_and_nothing_else() {
    let with_skew = |message: &str, minutes: i64| {
        let (code, skew) = (Some("APIGW.0301"), Some(SignedDuration::from_mins(minutes)));
        let message = Some(message);
        diagnose(&Refusal { status: 401, code, message, is_page: false, skew, purpose: BACKUPS })
    };
    let ahead = with_skew("verify aksk signature fail", -17);
    assert_eq!(ahead.kind, ErrorKind::ClockSkew);
    assert_eq!(ahead.hint.unwrap().to_string(), "our clock is 17 min ahead of the cloud's: set it (NTP)");
    let behind = with_skew("", 17);
    assert_eq!(behind.hint.unwrap().to_string(), "our clock is 17 min behind the cloud's: set it (NTP)");
    assert_eq!(with_skew("AK access failed to reach the limit", 17).kind, ErrorKind::ClockSkew);
    assert_eq!(with_skew("", 15).kind, ErrorKind::BadSignature);
    for certain in ["ak A not exist", "decrypt token fail", "token expires"] {
        assert_ne!(with_skew(certain, 17).kind, ErrorKind::ClockSkew, "{certain}");
        assert_eq!(with_skew(certain, 17), with_skew(certain, 0), "{certain}");
    }
}

#[test]
fn a_web_page_is_none_of_the_apis_answers() {
    let page =
        |status, code| diagnose(&Refusal { status, code, message: None, is_page: true, skew: None, purpose: BACKUPS });
    for status in [400, 403, 404, 405] {
        assert!(page(status, None).hint.unwrap().to_string().starts_with("a web page came"), "{status}");
        assert_eq!(page(status, None).kind, told(status, "", "", BACKUPS).kind);
    }
    // A load balancer's are such.
    assert_eq!(page(502, None), told(502, "", "", BACKUPS));
    assert_eq!(page(407, None), told(407, "", "", BACKUPS));
    assert!(page::is_page(b" \n<!DOCTYPE html>") && !page::is_page(b"{}") && !page::is_page(b""));
    assert_eq!(page::plain_http_on_a_tls_port(b"{}"), None);
}
