//! Temporary keys for tokens, agencies, id tokens and pods; how they and tokens end.

use std::time::Duration;

use dcs_backup_exporter::simulator::{
    AGENCY_NAME, AGENCY_URN, Call, DOMAIN_ID, DOMAIN_NAME, ID_TOKEN, IDP_ID, PASSWORD, POD_TOKEN, PROJECT_ID,
    PROVIDER_URN, SECURITY_TOKEN, TEMPORARY_ACCESS_KEY, TEMPORARY_SECRET_KEY,
};
use jiff::SignedDuration;
use serde_json::{Value, json};

use super::client::{Cloud, Got, Signer};
use super::tokens::{TOKENS, password};

const SECURITY_TOKENS: &str = "/v3.0/OS-CREDENTIAL/securitytokens";
const ASSUME: &str = "/v5/agencies/assume";
const WITH_OIDC: &str = "/v5/agencies/assume-with-oidc";
pub(crate) const POD: &str = "/pod-identity/credentials";

pub(crate) async fn project_token(cloud: &Cloud) -> String {
    let scope = json!({ "project": { "id": PROJECT_ID } });
    let got = cloud.send("POST", TOKENS, &[], &password(PASSWORD, scope).to_string()).await;
    got.header("x-subject-token").to_owned()
}

fn for_token(token: &str, seconds: &Value) -> String {
    let identity = json!({ "methods": ["token"], "token": { "id": token, "duration_seconds": seconds } });
    json!({ "auth": { "identity": identity } }).to_string()
}

fn for_agency(mut agency: Value) -> Value {
    agency["agency_name"] = agency.get("agency_name").cloned().unwrap_or(json!(AGENCY_NAME));
    json!({ "auth": { "identity": { "methods": ["assume_role"], "assume_role": agency } } })
}

/// The keys work, and last so long.
async fn good(cloud: &Cloud, got: &Got, status: u16, validity: SignedDuration) {
    assert_eq!(got.status, status, "{}", got.text);
    let left = got.ends_at().duration_since(cloud.clock.now()) - validity;
    assert!(left.abs() < SignedDuration::from_secs(10), "{left:?} more than {validity:?}");
    let listing = cloud.try_get(&Cloud::path("v2", ""), &got.keys()).await.unwrap();
    assert_eq!(listing.status, 200, "{}", listing.text);
}

#[tokio::test]
async fn a_federated_token_becomes_temporary_keys() {
    let cloud = Cloud::usual().await;
    let id_token = json!({ "auth": { "id_token": { "id": ID_TOKEN } } }).to_string();
    let unscoped = cloud.send("POST", "/v3.0/OS-AUTH/id-token/tokens", &[("X-Idp-Id", IDP_ID)], &id_token).await;
    let token = unscoped.header("x-subject-token");
    let got = cloud.send("POST", SECURITY_TOKENS, &[], &for_token(token, &json!(21_600))).await;
    good(&cloud, &got, 201, SignedDuration::from_hours(6)).await;
    let other = cloud.send("POST", SECURITY_TOKENS, &[], &for_token(token, &json!(21_600))).await;
    assert_ne!(got.keys().access_key, other.keys().access_key);
    let in_header = r#"{"auth":{"identity":{"methods":["token"]}}}"#;
    let got = cloud.send("POST", SECURITY_TOKENS, &[("X-Auth-Token", token)], in_header).await;
    good(&cloud, &got, 201, SignedDuration::from_mins(15)).await;

    for (body, status) in [
        (for_token(token, &json!(899)), 400),
        (for_token(token, &json!(86_401)), 400),
        (for_token(token, &json!("3600")), 400),
        (for_token("unknown", &json!(900)), 401),
        (for_token("", &json!(900)), 400),
        (r#"{"auth":{"identity":{"methods":["password"]}}}"#.to_owned(), 400),
        ("{".to_owned(), 400),
    ] {
        let got = cloud.send("POST", SECURITY_TOKENS, &[], &body).await;
        assert_eq!(got.status, status, "{}", got.text);
        if status == 400 {
            assert_eq!(got.code(), "IAM.0011");
        }
    }
}

#[tokio::test]
async fn an_agency_is_assumed_in_version_3() {
    let cloud = Cloud::usual().await;
    let right = for_agency(json!({ "domain_name": DOMAIN_NAME, "duration_seconds": 7200 }));
    let got = cloud.post_signed(SECURITY_TOKENS, &Signer::default(), &right).await;
    good(&cloud, &got, 201, SignedDuration::from_hours(2)).await;
    let by_id = for_agency(json!({ "domain_id": DOMAIN_ID }));
    let token = project_token(&cloud).await;
    let got = cloud.send("POST", SECURITY_TOKENS, &[("X-Auth-Token", &token)], &by_id.to_string()).await;
    good(&cloud, &got, 201, SignedDuration::from_mins(15)).await;

    for (agency, status) in [
        (json!({ "domain_name": "another" }), 404),
        (json!({ "domain_name": DOMAIN_NAME, "agency_name": "another" }), 404),
        (json!({ "domain_name": DOMAIN_NAME, "duration_seconds": 60 }), 400),
        (json!({}), 400),
    ] {
        let got = cloud.post_signed(SECURITY_TOKENS, &Signer::default(), &for_agency(agency)).await;
        assert_eq!(got.status, status, "{}", got.text);
    }
    assert_eq!(cloud.send("POST", SECURITY_TOKENS, &[], &right.to_string()).await.status, 401);
    let wrong = Signer { secret_key: "wrong".to_owned(), ..Signer::default() };
    assert_eq!(cloud.post_signed(SECURITY_TOKENS, &wrong, &right).await.code(), "APIGW.0301");
    cloud.handle.forbid([Call::SecurityTokens]);
    let got = cloud.post_signed(SECURITY_TOKENS, &Signer::default(), &right).await;
    assert_eq!((got.status, got.code().as_str()), (403, "IAM.0003"));
}

#[tokio::test]
async fn an_agency_is_assumed_in_version_5() {
    let cloud = Cloud::usual().await;
    let body = |urn: &str, session: &str, seconds: Value| json!({ "agency_urn": urn, "agency_session_name": session, "duration_seconds": seconds });
    let signer = Signer::default();
    let usual = json!({ "agency_urn": AGENCY_URN, "agency_session_name": "dcs-backup-exporter" });
    let got = cloud.post_signed(ASSUME, &signer, &usual).await;
    good(&cloud, &got, 200, SignedDuration::from_hours(1)).await;
    assert!(got.json()["assumed_agency"]["urn"].as_str().unwrap().ends_with(":simulated-agency/dcs-backup-exporter"));
    let got = cloud.post_signed(ASSUME, &signer, &body(AGENCY_URN, "two", json!(43_200))).await;
    good(&cloud, &got, 200, SignedDuration::from_hours(12)).await;

    let temporary = Signer {
        access_key: TEMPORARY_ACCESS_KEY.to_owned(),
        secret_key: TEMPORARY_SECRET_KEY.to_owned(),
        security_token: Some(SECURITY_TOKEN.to_owned()),
        ..Signer::default()
    };
    for (signer, body, status) in [
        (&signer, body(AGENCY_URN, "x", json!(3600)), 400),
        (&signer, body(AGENCY_URN, "a b", json!(3600)), 400),
        (&signer, body(AGENCY_URN, "session", json!(899)), 400),
        (&signer, body(AGENCY_URN, "session", json!(43_201)), 400),
        (&signer, json!({ "agency_urn": AGENCY_URN }), 400),
        (&signer, body("iam::0:agency:another", "session", json!(3600)), 403),
        (&temporary, body(AGENCY_URN, "session", json!(3600)), 200),
        (&temporary, body(AGENCY_URN, "session", json!(3601)), 400),
    ] {
        assert_eq!(cloud.post_signed(ASSUME, signer, &body).await.status, status, "{body}");
    }
    let token = project_token(&cloud).await;
    let got = cloud.send("POST", ASSUME, &[("X-Auth-Token", &token)], &usual.to_string()).await;
    assert_eq!(got.status, 401, "version 5 takes no tokens");
    cloud.handle.forbid([Call::AssumeAgency]);
    let got = cloud.post_signed(ASSUME, &signer, &usual).await;
    assert_eq!((got.status, got.code().as_str()), (403, "PAP5.0001"));
    let body = got.json();
    assert!(body["error_msg"].as_str().unwrap().contains("not authorized to perform: sts:agencies:assume"), "{body}");
    assert_eq!(body["request_id"], got.header("x-request-id"));
}

#[tokio::test]
async fn an_id_token_assumes_an_agency() {
    let cloud = Cloud::usual().await;
    let body = |key: &str, value: Value| {
        let mut body = json!({
            "provider_urn": PROVIDER_URN,
            "agency_urn": AGENCY_URN,
            "agency_session_name": "oidc-sts-session",
            "id_token": ID_TOKEN,
            "duration_seconds": 3600,
        });
        if !key.is_empty() {
            body[key] = value;
        }
        body.to_string()
    };
    let got = cloud.send("POST", WITH_OIDC, &[], &body("", Value::Null)).await;
    good(&cloud, &got, 200, SignedDuration::from_hours(1)).await;
    let narrowed = body("policy_ids", json!(["one", "two"]));
    assert_eq!(cloud.send("POST", WITH_OIDC, &[], &narrowed).await.status, 200);
    for (key, value, status) in [
        ("provider_urn", json!("iam::0:oidcProvider:x"), 404),
        ("agency_urn", json!("iam::0:agency:x"), 403),
        ("id_token", json!("stale"), 401),
        ("id_token", Value::Null, 400),
        ("agency_session_name", Value::Null, 400),
        ("duration_seconds", json!(1), 400),
    ] {
        let got = cloud.send("POST", WITH_OIDC, &[], &body(key, value)).await;
        assert_eq!(got.status, status, "{key}: {}", got.text);
        assert!(got.json()["error_code"].is_string());
    }
}

#[tokio::test]
async fn a_pod_gets_keys_for_its_token() {
    let cloud = Cloud::usual().await;
    let got = cloud.send("POST", POD, &[("Authorization", POD_TOKEN)], "{}").await;
    good(&cloud, &got, 200, SignedDuration::from_hours(1)).await;
    for (headers, body, status) in
        [(&[("Authorization", "another")][..], "{}", 401), (&[], "{}", 401), (&[("Authorization", POD_TOKEN)], "", 400)]
    {
        assert_eq!(cloud.send("POST", POD, headers, body).await.status, status, "{headers:?} {body:?}");
    }
    assert_eq!(cloud.send("GET", POD, &[("Authorization", POD_TOKEN)], "").await.status, 405);
}

#[tokio::test]
async fn tokens_and_keys_end_with_their_validity() {
    let cloud = Cloud::usual().await;
    cloud.handle.set_validity(Duration::from_mins(5));
    let token = project_token(&cloud).await;
    let pod = cloud.send("POST", POD, &[("Authorization", POD_TOKEN)], "{}").await;
    good(&cloud, &pod, 200, SignedDuration::from_mins(5)).await;
    assert_eq!(cloud.get_with_token(&token).await.status, 200);
    cloud.handle.set_clock_skew(SignedDuration::from_secs(310));
    let got = cloud.get_with_token(&token).await;
    assert_eq!((got.status, got.code().as_str()), (401, "APIGW.0301"));
    assert!(got.text.contains("token expires"), "{}", got.text);
    let got = cloud.try_get(&Cloud::path("v2", ""), &pod.keys()).await.unwrap();
    assert_eq!((got.status, got.code().as_str()), (401, "APIGW.0301"));
    assert!(got.text.contains("token expires"), "{}", got.text);
    cloud.handle.set_validity(None);
    cloud.handle.set_clock_skew(SignedDuration::ZERO);
    let pod = cloud.send("POST", POD, &[("Authorization", POD_TOKEN)], "{}").await;
    good(&cloud, &pod, 200, SignedDuration::from_hours(1)).await;
}

#[tokio::test]
async fn what_was_issued_can_be_revoked() {
    let cloud = Cloud::usual().await;
    let token = project_token(&cloud).await;
    let keys = cloud.send("POST", POD, &[("Authorization", POD_TOKEN)], "{}").await.keys();
    cloud.handle.revoke_grants();
    let got = cloud.get_with_token(&token).await;
    assert_eq!((got.status, got.code().as_str()), (401, "DCS.1001"));
    let v1 = cloud.send("GET", &Cloud::path("v1.0", ""), &[("X-Auth-Token", &token)], "").await;
    assert_eq!((v1.status, v1.code().as_str()), (401, "111401001"));
    for _ in 0..6 {
        let got = cloud.try_get(&Cloud::path("v2", ""), &keys).await.unwrap();
        assert_eq!((got.status, got.code().as_str()), (401, "APIGW.0301"));
        assert!(got.text.contains("decrypt token fail"), "and never locked: {}", got.text);
    }
    assert_eq!(cloud.get_with_token(&project_token(&cloud).await).await.status, 200);
    assert_eq!(cloud.get(&Cloud::path("v2", "")).await.status, 200, "standing keys are not issued");
}

#[tokio::test]
async fn issued_keys_are_checked_like_standing_ones() {
    let cloud = Cloud::usual().await;
    let keys = cloud.send("POST", POD, &[("Authorization", POD_TOKEN)], "{}").await.keys();
    let target = Cloud::path("v2", "");
    for (signer, status) in [
        (keys.clone(), 200),
        (Signer { security_token: None, ..keys.clone() }, 401),
        (Signer { secret_key: "wrong".to_owned(), ..keys.clone() }, 401),
        (Signer { project: None, ..keys.clone() }, 401),
        (keys.clone(), 200),
    ] {
        assert_eq!(cloud.try_get(&target, &signer).await.unwrap().status, status);
    }
    let wrong = Signer { secret_key: "wrong".to_owned(), ..keys.clone() };
    for _ in 0..5 {
        cloud.try_get(&target, &wrong).await.unwrap();
    }
    let got = cloud.try_get(&target, &keys).await.unwrap();
    assert!(got.text.contains("AK access failed to reach the limit"), "{}", got.text);
}
