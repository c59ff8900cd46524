//! Agencies that are assumed on top of other credentials.

use serde_json::json;

use super::password::password;
use super::*;
use crate::cloud::sign::Authorization;
use crate::config::{Agency, Domain};

fn named(domain: Domain) -> Assume {
    Assume { agency: Agency::Named { name: "backup-reader".to_owned(), domain }, duration: Duration::from_hours(1) }
}

fn by_urn() -> Assume {
    let (urn, session_name) = ("iam::d:agency:a".to_owned(), "dcs-backup-exporter".to_owned());
    Assume { agency: Agency::Urn { urn, session_name }, duration: Duration::from_mins(15) }
}

/// IAM and STS: keys are numbered by the request that brought them.
fn cloud(seen: &Seen, index: usize) -> Deed {
    match seen.target.as_str() {
        "/v3/auth/tokens?nocatalog=true" => token_answer("null"),
        "/v3.0/OS-CREDENTIAL/securitytokens" => keys_answer(index, in_hours(1)),
        "/v5/agencies/assume" => sts_answer(index, in_hours(1)),
        _ => answer("404 Not Found", "", ""),
    }
}

#[tokio::test]
async fn keys_assume_an_agency_by_name() {
    for (domain, key) in
        [(Domain::Name("OTHER".to_owned()), "domain_name"), (Domain::Id("OTHER".to_owned()), "domain_id")]
    {
        let stub = Stub::by(cloud).await;
        let login = login(&stub, access_keys(), Some(named(domain)));
        assert_eq!(granted_keys(&login).await.access_key, "AK0");
        assert_eq!(stub.lines(), ["POST /v3.0/OS-CREDENTIAL/securitytokens"]);
        let seen = &stub.seen()[0];
        let mut role = json!({"agency_name": "backup-reader", "duration_seconds": 3600});
        role[key] = json!("OTHER");
        assert_eq!(seen.json(), json!({"auth": {"identity": {"methods": ["assume_role"], "assume_role": role}}}));
        assert!(seen.is_signed_with(SECRET));
        let authorization = Authorization::parse(seen.header("authorization").unwrap()).unwrap();
        assert_eq!(authorization.access_key, "AKBASE");
        assert_eq!(authorization.signed_headers, ["content-type", "host", "x-sdk-date"]);
        assert!(login.expires_at().is_some());
    }
}

#[tokio::test]
async fn keys_assume_an_agency_by_urn() {
    let stub = Stub::by(cloud).await;
    assert_eq!(granted_keys(&login(&stub, access_keys(), Some(by_urn()))).await.access_key, "AK0");
    assert_eq!(stub.lines(), ["POST /v5/agencies/assume"]);
    let expected = json!({
        "agency_urn": "iam::d:agency:a", "agency_session_name": "dcs-backup-exporter", "duration_seconds": 900,
    });
    assert_eq!(stub.seen()[0].json(), expected);
    assert!(stub.seen()[0].is_signed_with(SECRET));
}

#[tokio::test]
async fn a_users_token_assumes_an_agency_by_name() {
    let stub = Stub::by(cloud).await;
    let agency = named(Domain::Name("OTHER".to_owned()));
    assert_eq!(granted_keys(&login(&stub, password(inline("p")), Some(agency))).await.access_key, "AK1");
    let [token, assumed] = &stub.seen()[..] else { panic!() };
    // The project is of the other account: the user's token is for the user's own.
    assert_eq!(token.json()["auth"]["scope"], json!({"domain": {"name": "ACCOUNT"}}));
    assert_eq!((assumed.header("x-auth-token"), assumed.header("authorization")), (Some(TOKEN), None));
}

#[tokio::test]
async fn a_users_token_becomes_keys_before_it_assumes_an_agency_by_urn() {
    let stub = Stub::by(cloud).await;
    assert_eq!(granted_keys(&login(&stub, password(inline("p")), Some(by_urn()))).await.access_key, "AK2");
    let [_, changed, assumed] = &stub.seen()[..] else { panic!() };
    assert_eq!(changed.json()["auth"]["identity"]["token"]["id"], TOKEN);
    assert_eq!(assumed.line(), "POST /v5/agencies/assume");
    assert!(assumed.is_signed_with(SECRET) && assumed.header("x-security-token") == Some(TOKEN));
    assert_eq!(assumed.header("x-auth-token"), None);
}

#[tokio::test]
async fn changed_base_keys_are_tried_at_once() {
    let scratch = Scratch::new("base-keys");
    let stub = Stub::by(|seen, index| {
        let is_good = seen.is_signed_with(SECRET);
        if is_good { keys_answer(index, in_hours(1)) } else { unauthorised("verify aksk signature fail") }
    })
    .await;
    let keys =
        KeySource { access_key: inline("AKBASE"), secret_key: scratch.file("sk", "HUSHWRONG"), security_token: None };
    let login = login(&stub, Source::AccessKeys(keys), Some(named(Domain::Name("OTHER".to_owned()))));
    let error = refusal(&login).await;
    assert_eq!(error.kind, ErrorKind::BadSignature);
    assert!(error.message.contains("assuming agency \"backup-reader\" at 127.0.0.1:"), "{error}");
    for _ in 0..10 {
        assert_eq!(refusal(&login).await.kind, ErrorKind::Held);
    }
    assert_eq!(stub.seen().len(), 1);
    scratch.file("sk", SECRET);
    granted_keys(&login).await;
    assert_eq!(stub.seen().len(), 2);
}

#[tokio::test]
async fn a_base_that_is_refused_is_obtained_anew() {
    // The first token has been revoked by the time the agency is assumed for the second time.
    let stub = Stub::by(|seen, index| match (seen.method.as_str(), seen.target.as_str(), index) {
        (_, "/v3/auth/tokens?nocatalog=true", 0) => token_answer("null"),
        (_, "/v3/auth/tokens?nocatalog=true", _) => {
            let body = format!(r#"{{"token":{{"expires_at":"{}"}}}}"#, in_hours(24));
            answer("201 Created", "x-subject-token: HUSHTOKEN2\r\n", &body)
        }
        (_, _, 2..) if seen.header("x-auth-token") == Some(TOKEN) => unauthorised("token expires"),
        _ => keys_answer(index, in_hours(1)),
    })
    .await;
    let login = login(&stub, password(inline("p")), Some(named(Domain::Name("OTHER".to_owned()))));
    let first = login.grant(&caller()).await.unwrap().fingerprint();
    login.proven(first);
    assert!(login.refused(first));
    assert_ne!(login.grant(&caller()).await.unwrap().fingerprint(), first);
    let tokens: Vec<_> = stub.seen().iter().map(|seen| seen.header("x-auth-token").map(str::to_owned)).collect();
    let expected = [None, Some(TOKEN), Some(TOKEN), None, Some("HUSHTOKEN2")];
    assert_eq!(tokens, expected.map(|token| token.map(str::to_owned)));
}

#[tokio::test]
async fn a_refused_signature_stops_the_key_at_once_whatever_is_said() {
    let stub = Stub::serving([answer("401 Unauthorized", "", "")]).await;
    let login = login(&stub, access_keys(), Some(named(Domain::Name("ACCOUNT".to_owned()))));
    assert!(refusal(&login).await.kind.is_unauthorised());
    let held = refusal(&login).await;
    assert_eq!(held.kind, ErrorKind::Held);
    assert!(held.retry_after.unwrap() > Duration::from_mins(4), "{held:?}");
    assert_eq!(stub.seen().len(), 1);
}
