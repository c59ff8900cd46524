//! What all calls to log in have in common: refusals, faults, counts, and where it listens.

use std::collections::BTreeSet;

use dcs_backup_exporter::simulator::{
    AGENCY_NAME, AGENCY_URN, Call, Fault, FaultKind, ID_TOKEN, IDP_ID, LoginRefusal, Options, PASSWORD, POD_TOKEN,
    PROVIDER_URN, Version,
};
use serde_json::{Value, json};

use super::client::{Cloud, Got, Signer};
use super::grants::{POD, project_token};
use super::metadata::KEY;
use super::tokens::{TOKENS, password};

fn fault(text: &str) -> Fault {
    text.parse().unwrap()
}

/// One right request of each kind that gives a token or keys.
async fn all(cloud: &Cloud) -> Vec<(Call, Got)> {
    let post = async |target: &str, headers: &[(&str, &str)], body: Value| {
        cloud.send("POST", target, headers, &body.to_string()).await
    };
    let id_token = json!({ "auth": { "id_token": { "id": ID_TOKEN } } });
    let agency = json!({ "agency_name": AGENCY_NAME, "domain_name": "simulated-account" });
    let assume_v3 = json!({ "auth": { "identity": { "methods": ["assume_role"], "assume_role": agency } } });
    let assume_v5 = json!({ "agency_urn": AGENCY_URN, "agency_session_name": "session" });
    let mut with_oidc = assume_v5.clone();
    with_oidc["provider_urn"] = json!(PROVIDER_URN);
    with_oidc["id_token"] = json!(ID_TOKEN);
    let signer = Signer::default();
    let ttl = [("X-Metadata-Token-Ttl-Seconds", "60")];
    vec![
        (Call::Token, post(TOKENS, &[], password(PASSWORD, Value::Null)).await),
        (Call::IdToken, post("/v3.0/OS-AUTH/id-token/tokens", &[("X-Idp-Id", IDP_ID)], id_token).await),
        (Call::SecurityTokens, cloud.post_signed("/v3.0/OS-CREDENTIAL/securitytokens", &signer, &assume_v3).await),
        (Call::AssumeAgency, cloud.post_signed("/v5/agencies/assume", &signer, &assume_v5).await),
        (Call::AssumeWithOidc, post("/v5/agencies/assume-with-oidc", &[], with_oidc).await),
        (Call::MetadataToken, cloud.send("PUT", "/meta-data/latest/api/token", &ttl, "").await),
        (Call::PodIdentity, post(POD, &[("Authorization", POD_TOKEN)], json!({})).await),
    ]
}

#[tokio::test]
async fn everybody_can_be_refused() {
    let cloud = Cloud::usual().await;
    for (refusal, status) in [
        (LoginRefusal::Unauthorized, 401),
        (LoginRefusal::Forbidden, 403),
        (LoginRefusal::Unavailable, 503),
        (LoginRefusal::Throttled, 429),
        (LoginRefusal::Garbage, 200),
    ] {
        cloud.handle.refuse_logins(refusal);
        for (call, got) in all(&cloud).await {
            assert_eq!(got.status, status, "{call}: {}", got.text);
            assert!(got.headers.get("x-subject-token").is_none());
            assert_eq!(got.headers.contains_key("retry-after"), status == 429, "{call}");
            if refusal == LoginRefusal::Garbage {
                assert!(got.json()["credential"].is_u64());
            }
        }
        assert_eq!(cloud.send("GET", KEY, &[], "").await.status, status);
        let nowhere = Signer { project: None, ..Signer::default() };
        assert_eq!(cloud.try_get("/v3/projects", &nowhere).await.unwrap().status, 200, "that is no login");
        assert_eq!(cloud.get(&Cloud::path("v2", "")).await.status, 200);
    }
    cloud.handle.refuse_logins(None);
    for (call, got) in all(&cloud).await {
        assert!((200..300).contains(&got.status), "{call}: {}", got.text);
    }
}

#[tokio::test]
async fn rights_can_be_missing_for_one_call_alone() {
    let cloud = Cloud::usual().await;
    let token = project_token(&cloud).await;
    cloud.handle.forbid([Call::Backups]);
    let backups = Cloud::path("v2", &format!("/{}/backups", cloud.id("orders-cache")));
    let got = cloud.send("GET", &backups, &[("X-Auth-Token", &token)], "").await;
    assert_eq!((got.status, got.code().as_str()), (403, "DCS.2007"));
    assert!(got.text.contains("dcs:instance:getDataBackupLog"), "{}", got.text);
    assert_eq!(cloud.get_with_token(&token).await.status, 200);
    cloud.handle.forbid([]);
    assert_eq!(cloud.get(&backups).await.status, 200);
}

#[tokio::test]
async fn faults_strike_logins_only_by_name() {
    let cloud = Cloud::usual().await;
    cloud.handle.set_faults([Fault::always(FaultKind::Html)]);
    for (call, got) in all(&cloud).await {
        assert!(!got.text.contains("<html>"), "{call}");
    }
    cloud.handle.set_faults([fault("html@iam"), fault("403@orders-cache")]);
    for (call, got) in all(&cloud).await {
        assert!(got.text.contains("<html>"), "{call}");
    }
    assert_eq!(cloud.get(&Cloud::path("v2", "")).await.status, 200);
    cloud.handle.set_faults([fault("404@token")]);
    let got = all(&cloud).await;
    assert_eq!((got[0].1.status, got[1].1.status), (404, 201));
    cloud.handle.set_faults([fault("reset@pod-identity")]);
    let url = format!("http://{}{POD}", cloud.handle.addr());
    assert!(cloud.http.post(url).header("Authorization", POD_TOKEN).body("{}").send().await.is_err());
    let seen = cloud.handle.tally().newest.back().cloned().unwrap();
    assert_eq!((seen.call, seen.status), (Call::PodIdentity, 0));
}

#[tokio::test]
async fn bodies_can_be_replaced() {
    let cloud = Cloud::usual().await;
    cloud.handle.replace_body(Version::V2, Call::Token, None, 201, "{}");
    let got = all(&cloud).await.swap_remove(0).1;
    assert_eq!((got.status, got.text.as_str()), (201, "{}"));
    assert!(!got.header("x-subject-token").is_empty());
    let wrong = cloud.send("POST", TOKENS, &[], &password("wrong", Value::Null).to_string()).await;
    assert_eq!(wrong.status, 401, "passwords are still checked");
}

#[tokio::test]
async fn logins_are_counted_apart_and_remembered_as_they_came() {
    let cloud = Cloud::usual().await;
    let before = cloud.handle.tally().requests;
    all(&cloud).await;
    cloud.send("GET", KEY, &[], "").await;
    let tally = cloud.handle.tally();
    assert_eq!((tally.requests, tally.peak_concurrency, tally.by_status.len()), (before, 0, 0));
    assert_eq!((tally.all_logins(), tally.failed_logins), (8, 1));
    assert_eq!((tally.calls(Call::Token), tally.logins[&Call::SecurityKey]), (1, 1));
    let first = &tally.newest[0];
    assert_eq!((first.call, first.method.as_str(), first.target.as_str()), (Call::Token, "POST", TOKENS));
    assert_eq!(first.status, 201);
    assert_eq!(first.body, password(PASSWORD, Value::Null).to_string());
    cloud.get(&Cloud::path("v2", "")).await;
    let tally = cloud.handle.tally();
    assert_eq!((tally.requests, tally.all_logins()), (1, 8));
    let last = tally.newest.back().unwrap();
    assert_eq!((last.call, last.method.as_str(), last.body.len()), (Call::Instances, "GET", 0));
    let ids: BTreeSet<String> =
        all(&cloud).await.iter().map(|(_, got)| got.header("x-request-id").to_owned()).collect();
    assert_eq!(ids.len(), 7);
}

#[tokio::test]
async fn it_listens_on_ipv6() {
    let listen = "[::1]:0".parse().unwrap();
    let cloud = Cloud::start(Options { listen, ..Options::default() }).await;
    assert!(cloud.handle.addr().is_ipv6());
    assert_eq!(cloud.get(&Cloud::path("v2", "")).await.status, 200, "the host is signed with its brackets");
    let token = project_token(&cloud).await;
    assert_eq!(cloud.get_with_token(&token).await.status, 200);
    assert_eq!(cloud.send("GET", "/simulator/", &[], "").await.status, 200);
}
