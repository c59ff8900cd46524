//! What a machine or a pod is given: the metadata service and the agent of CCE.

use super::*;
use crate::config::{PodIdentitySource, Proxies};

pub(super) const ASK_TOKEN: &str = "PUT /meta-data/latest/api/token";
pub(super) const ASK_KEYS: &str = "GET /openstack/latest/securitykey";

pub(super) fn metadata(stub: &Stub) -> Source {
    Source::Metadata(stub.endpoint())
}

pub(super) fn pod(stub: &Stub, token: TextSource) -> Source {
    Source::PodIdentity(PodIdentitySource {
        uri: format!("{}v1/credentials?x=1", stub.endpoint()).parse().unwrap(),
        token,
    })
}

#[tokio::test]
async fn the_metadata_service_wants_a_token_of_its_own() {
    let stub = Stub::by(|seen, index| match seen.line().as_str() {
        ASK_TOKEN => answer("200 OK", "", "HUSHMETA\n"),
        _ => keys_answer(index, in_hours(1)),
    })
    .await;
    // Never through a proxy.
    let project = ProjectConfig {
        proxies: Proxies::all("http://127.0.0.1:1".parse().unwrap()),
        ..project(&stub, metadata(&stub), None)
    };
    let login = logins().of(&project).unwrap();
    for _ in 0..3 {
        assert_eq!(granted_keys(&login).await.access_key, "AK1");
    }
    assert_eq!(stub.lines(), [ASK_TOKEN, ASK_KEYS]);
    let [token, keys] = &stub.seen()[..] else { panic!() };
    assert_eq!(token.header("x-metadata-token-ttl-seconds"), Some("21600"));
    assert_eq!(token.header("x-metadata-token"), None);
    assert_eq!(keys.header("x-metadata-token"), Some("HUSHMETA"));
}

#[tokio::test]
async fn a_service_without_tokens_is_asked_without() {
    for status in ["404 Not Found", "405 Method Not Allowed", "503 Service Unavailable"] {
        let stub = Stub::by(move |seen, index| match seen.line().as_str() {
            ASK_TOKEN => answer(status, "", ""),
            _ => keys_answer(index, in_hours(1)),
        })
        .await;
        granted_keys(&login(&stub, metadata(&stub), None)).await;
        assert_eq!(stub.lines(), [ASK_TOKEN, ASK_KEYS]);
        assert_eq!(stub.seen()[1].header("x-metadata-token"), None);
    }
}

#[tokio::test]
async fn a_token_that_has_ended_is_renewed_and_kept() {
    let stub = Stub::by(|seen, index| match (seen.line().as_str(), index) {
        (ASK_TOKEN, 0) => answer("200 OK", "", "HUSHOLD"),
        (ASK_TOKEN, _) => answer("200 OK", "", "HUSHNEW"),
        (_, 2) => answer("401 Unauthorized", "", "token HUSHOLD is wrong"),
        _ => keys_answer(index, in_hours(1)),
    })
    .await;
    let login = login(&stub, metadata(&stub), None);
    for _ in 0..3 {
        let grant = login.grant(&caller()).await.unwrap().fingerprint();
        login.proven(grant);
        login.refused(grant);
    }
    assert_eq!(stub.lines()[..5], [ASK_TOKEN, ASK_KEYS, ASK_KEYS, ASK_TOKEN, ASK_KEYS]);
    assert_eq!(stub.seen()[4].header("x-metadata-token"), Some("HUSHNEW"));
}

#[tokio::test]
async fn an_ecs_without_an_agency_is_told_so() {
    let stub = Stub::by(|seen, _| match seen.line().as_str() {
        ASK_TOKEN => answer("200 OK", "", "HUSHMETA"),
        _ => answer("401 Unauthorized", "", "Please configure Cloud Service Agency first."),
    })
    .await;
    let error = refusal(&login(&stub, metadata(&stub), None)).await;
    assert_eq!(error.kind, ErrorKind::Unauthorized);
    assert!(error.message.contains("the metadata service of the ECS at 127.0.0.1"), "{error}");
    assert!(error.message.contains("the ECS has no agency"), "{error}");
    assert_eq!(stub.lines(), [ASK_TOKEN, ASK_KEYS], "the token is not to blame");
}

#[tokio::test]
async fn a_metadata_service_that_is_broken_is_told() {
    for (deed, kind, expected) in [
        (answer("500 Internal Server Error", "", ""), ErrorKind::Unavailable, "failed: the service cannot answer"),
        (answer("404 Not Found", "", ""), ErrorKind::NotFound, "failed: not found"),
        (answer("200 OK", "", "<html>"), ErrorKind::Decode, "the answer is no JSON object"),
        (Deed::Close(Vec::new()), ErrorKind::Connection, "the connection broke"),
    ] {
        let stub = Stub::by(move |seen, _| match seen.line().as_str() {
            ASK_TOKEN => answer("404 Not Found", "", ""),
            _ => deed.clone(),
        })
        .await;
        let error = refusal(&login(&stub, metadata(&stub), None)).await;
        assert_eq!(error.kind, kind, "{error}");
        assert!(error.message.contains(expected), "{error}");
    }
    let stub = Stub::serving([answer("200 OK", "", "no token at all")]).await;
    let error = refusal(&login(&stub, metadata(&stub), None)).await;
    assert!(error.message.contains("the answer to the request for a token is none"), "{error}");
}

#[tokio::test]
async fn a_metadata_service_that_stalls_is_waited_for_three_seconds() {
    let stub = Stub::serving([Deed::Stall(Vec::new())]).await;
    let error = refusal(&login(&stub, metadata(&stub), None)).await;
    assert_eq!(error.kind, ErrorKind::Timeout);
    assert!(error.message.contains("no whole answer within 3 s"), "{error}");
}

#[tokio::test]
async fn a_pod_is_given_keys_for_its_token() {
    let body = format!(
        r#"{{"accessKeyId":"AKPOD","secretAccessKey":"{SECRET}","securityToken":"{TOKEN}","expiration":"{}"}}"#,
        in_hours(1)
    );
    let scratch = Scratch::new("pod");
    let stub = Stub::serving([answer("200 OK", "", &body)]).await;
    let project = ProjectConfig {
        proxies: Proxies::all("http://127.0.0.1:1".parse().unwrap()),
        ..project(&stub, pod(&stub, scratch.file("token", "HUSHPOD\n")), None)
    };
    let login = logins().of(&project).unwrap();
    assert_eq!(granted_keys(&login).await.access_key, "AKPOD");
    assert_eq!(stub.lines(), ["POST /v1/credentials?x=1"]);
    assert_eq!(stub.seen()[0].header("authorization"), Some("HUSHPOD"));
    assert_eq!(stub.seen()[0].body, "{}");
}

#[tokio::test]
async fn an_agent_that_refuses_a_pod_is_told() {
    let stub = Stub::serving([answer("403 Forbidden", "", r#"{"message":"no identity for HUSHPOD"}"#)]).await;
    let error = refusal(&login(&stub, pod(&stub, inline("HUSHPOD")), None)).await;
    assert_eq!(error.kind, ErrorKind::Forbidden);
    assert!(error.message.ends_with("no identity for …"), "{error}");
    assert!(hint_of(&error).contains("check the pod identity"), "{error:?}");
    let error = refusal(&login(&stub, pod(&stub, inline("HUSH POD")), None)).await;
    assert!(error.message.contains("the authorization token holds blanks"), "{error}");
}
