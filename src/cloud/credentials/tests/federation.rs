//! Id tokens.

use serde_json::json;

use super::*;
use crate::config::{IdTokenSource, OidcAgencySource};

fn id_token(id_token: TextSource) -> Source {
    Source::IdToken(IdTokenSource { idp_id: "keycloak".to_owned(), id_token })
}

fn agency(duration: Duration, policy: Option<&str>, policy_ids: &[&str]) -> Source {
    Source::OidcAgency(Box::new(OidcAgencySource {
        provider_urn: "iam::d:oidcProvider:p".to_owned(),
        agency_urn: "iam::d:agency:a".to_owned(),
        id_token: inline("HUSHIDTOKEN"),
        session_name: "oidc-sts-session".to_owned(),
        duration,
        policy: policy.map(str::to_owned),
        policy_ids: policy_ids.iter().map(|id| (*id).to_owned()).collect(),
    }))
}

/// IAM as far as id tokens go.
pub(super) fn iam(seen: &Seen, index: usize) -> Deed {
    match seen.target.as_str() {
        "/v3.0/OS-AUTH/id-token/tokens" if seen.body.contains("WRONG") => unauthorised("token HUSHWRONG is no good"),
        "/v3.0/OS-AUTH/id-token/tokens" => {
            answer("201 Created", format_args!("x-subject-token: {TOKEN}\r\n"), r#"{"token":{}}"#)
        }
        "/v3.0/OS-CREDENTIAL/securitytokens" => keys_answer(index, in_hours(6)),
        _ => answer("404 Not Found", "", ""),
    }
}

#[tokio::test]
async fn an_id_token_is_changed_for_keys_in_two_steps() {
    let stub = Stub::by(iam).await;
    let login = login(&stub, id_token(inline("HUSHIDTOKEN")), None);
    let keys = granted_keys(&login).await;
    assert_eq!((keys.access_key.as_str(), keys.secret.expose_secret()), ("AK1", SECRET));
    assert_eq!(keys.security_token.unwrap().expose_secret(), TOKEN);
    assert_eq!(stub.lines(), ["POST /v3.0/OS-AUTH/id-token/tokens", "POST /v3.0/OS-CREDENTIAL/securitytokens"]);
    let [first, second] = &stub.seen()[..] else { panic!() };
    assert_eq!(first.header("x-idp-id"), Some("keycloak"));
    assert_eq!(first.json(), json!({"auth": {"id_token": {"id": "HUSHIDTOKEN"}}}));
    let token = json!({"id": TOKEN, "duration_seconds": 21600});
    assert_eq!(second.json(), json!({"auth": {"identity": {"methods": ["token"], "token": token}}}));
    for seen in [first, second] {
        assert_eq!((seen.header("authorization"), seen.header("x-auth-token")), (None, None));
    }
}

#[tokio::test]
async fn a_new_id_token_is_tried_at_once() {
    let scratch = Scratch::new("id-token");
    let stub = Stub::by(iam).await;
    let login = login(&stub, id_token(scratch.file("token", "HUSHWRONG")), None);
    let error = refusal(&login).await;
    assert!(error.kind.is_unauthorised() && error.message.contains("the login with an id token at "), "{error}");
    assert!(hint_of(&error).contains("check idp_id"), "{error}");
    assert_eq!(refusal(&login).await.kind, ErrorKind::Held);
    assert_eq!(stub.seen().len(), 1);
    scratch.file("token", "HUSHIDTOKEN");
    assert_eq!(granted_keys(&login).await.access_key, "AK2");
}

#[tokio::test]
async fn without_an_id_token_nothing_is_sent() {
    let stub = Stub::by(iam).await;
    let missing = TextSource::File("/nonexistent/token".into());
    let error = refusal(&login(&stub, id_token(missing), None)).await;
    assert_eq!(error.kind, ErrorKind::Unauthorized);
    assert!(error.message.starts_with("credentials ops: the id token in /nonexistent/token cannot be read"), "{error}");
    assert!(stub.seen().is_empty());
}

#[tokio::test]
async fn an_id_token_assumes_an_agency() {
    let hour = Duration::from_hours(1);
    let base = json!({
        "provider_urn": "iam::d:oidcProvider:p", "agency_urn": "iam::d:agency:a",
        "agency_session_name": "oidc-sts-session", "id_token": "HUSHIDTOKEN", "duration_seconds": 3600,
    });
    let mut narrowed = base.clone();
    narrowed["policy"] = json!("{}");
    narrowed["policy_ids"] = json!(["a", "b"]);
    for (source, expected) in [(agency(hour, None, &[]), base), (agency(hour, Some("{}"), &["a", "b"]), narrowed)] {
        let stub = Stub::by(|_, index| sts_answer(index, in_hours(1))).await;
        assert_eq!(granted_keys(&login(&stub, source, None)).await.access_key, "AK0");
        assert_eq!(stub.lines(), ["POST /v5/agencies/assume-with-oidc"]);
        assert_eq!(stub.seen()[0].json(), expected);
        assert_eq!(stub.seen()[0].header("authorization"), None);
    }
}

#[tokio::test]
async fn an_agency_that_does_not_trust_us_is_told() {
    let body = r#"{"error_code":"STS5.1001","error_msg":"HUSHIDTOKEN is not trusted"}"#;
    let stub = Stub::serving([answer("403 Forbidden", "x-request-id: r-1\r\n", body)]).await;
    let error = refusal(&login(&stub, agency(Duration::from_hours(1), None, &[]), None)).await;
    assert_eq!((error.kind, error.status, error.request_id.as_deref()), (ErrorKind::Forbidden, Some(403), Some("r-1")));
    assert!(error.message.contains("assuming agency \"iam::d:agency:a\" with an id token at 127.0.0.1"), "{error}");
    assert!(error.message.ends_with("… is not trusted"), "{error}");
    assert!(hint_of(&error).contains("the agency may not be assumed"), "{error:?}");
}
