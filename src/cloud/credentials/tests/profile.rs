//! The official SDK's profile.

use super::federation::iam;
use super::*;

#[tokio::test]
async fn a_profile_with_keys_is_read_anew() {
    let scratch = Scratch::new("profile-keys");
    let stub = Stub::by(iam).await;
    scratch.file("credentials", "[basic]\nak = AK1\nsk = HUSHSK\n");
    let login = login(&stub, Source::Profile(scratch.path("credentials")), None);
    let keys = granted_keys(&login).await;
    assert_eq!((keys.access_key.as_str(), keys.security_token.is_none()), ("AK1", true));
    assert!(!login.refused(keys.fingerprint()));
    scratch.file("credentials", "[basic]\nak = AK2\nsk = HUSHSK\nsecurity_token = HUSHTOKEN\n");
    let keys = granted_keys(&login).await;
    assert_eq!((keys.access_key.as_str(), keys.security_token.is_some()), ("AK2", true));
    assert!(stub.seen().is_empty());
    assert_eq!(login.expires_at(), None);
}

#[tokio::test]
async fn a_profile_with_an_id_token_is_changed_for_keys() {
    let scratch = Scratch::new("profile-id");
    let stub = Stub::by(iam).await;
    scratch.file("token", "HUSHIDTOKEN");
    let profile = format!("[basic]\nidp_id = keycloak\nid_token_file = {}\n", scratch.path("token").display());
    scratch.file("credentials", profile);
    let login = login(&stub, Source::Profile(scratch.path("credentials")), None);
    let keys = granted_keys(&login).await;
    assert_eq!(keys.access_key, "AK1");
    assert_eq!(stub.seen()[0].header("x-idp-id"), Some("keycloak"));
    assert!(login.expires_at().is_some());
    login.proven(keys.fingerprint());
    assert!(login.refused(keys.fingerprint()));
    assert_eq!(granted_keys(&login).await.access_key, "AK3");
    // The session outlives its file for a while.
    std::fs::remove_file(scratch.path("credentials")).unwrap();
    assert_eq!(granted_keys(&login).await.access_key, "AK3");
}

#[tokio::test]
async fn a_profile_that_is_not_there_is_told_and_passes_on_in_a_chain() {
    let stub = Stub::by(iam).await;
    let missing = Source::Profile("/nonexistent/credentials".into());
    let error = refusal(&login(&stub, missing.clone(), None)).await;
    assert_eq!(error.kind, ErrorKind::Unauthorized);
    assert!(error.message.contains("the profile \"/nonexistent/credentials\" is not there"), "{error}");
    let chain = Source::FirstOf(vec![missing, access_keys()]);
    assert_eq!(granted_keys(&login(&stub, chain, None)).await.access_key, "AKBASE");
}
