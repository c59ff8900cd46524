//! IAM's tokens and its list of projects.

use dcs_backup_exporter::simulator::{
    Call, DOMAIN_ID, DOMAIN_NAME, ID_TOKEN, IDP_ID, Options, PASSWORD, PROJECT_ID, PROJECT_NAME, ProjectNames,
    SECOND_PROJECT_ID, SECOND_PROJECT_NAME, USER_ID, USERNAME,
};
use jiff::SignedDuration;
use serde_json::{Value, json};

use super::client::{Cloud, Got, Signer};

pub(crate) const TOKENS: &str = "/v3/auth/tokens?nocatalog=true";

/// The body that asks for a token.
pub(crate) fn password(password: &str, scope: Value) -> Value {
    let user = json!({ "name": USERNAME, "password": password, "domain": { "name": DOMAIN_NAME } });
    let mut body = json!({ "auth": { "identity": { "methods": ["password"], "password": { "user": user } } } });
    if !scope.is_null() {
        body["auth"]["scope"] = scope;
    }
    body
}

fn project() -> Value {
    json!({ "project": { "name": PROJECT_NAME } })
}

async fn post(cloud: &Cloud, body: &Value) -> Got {
    cloud.send("POST", TOKENS, &[("Content-Type", "application/json;charset=UTF-8")], &body.to_string()).await
}

/// Status and message of a refusal in Keystone's form.
fn refusal(got: &Got) -> (u16, String) {
    let error = &got.json()["error"];
    assert_eq!(error["code"], got.status, "{}", got.text);
    assert!(error["title"].is_string());
    (got.status, error["message"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn a_password_gives_a_long_token_that_dcs_accepts() {
    let cloud = Cloud::usual().await;
    for scope in [project(), json!({ "project": { "id": PROJECT_ID } })] {
        let got = post(&cloud, &password(PASSWORD, scope)).await;
        assert_eq!(got.status, 201, "{}", got.text);
        let token = got.header("x-subject-token");
        assert!(token.len() > 4000, "{}", token.len());
        assert!(!got.header("x-iam-trace-id").is_empty());
        let body = got.json();
        let about = &body["token"];
        assert_eq!(about["project"]["id"], PROJECT_ID);
        assert_eq!(about["project"]["name"], PROJECT_NAME);
        assert_eq!(about["project"]["domain"]["id"], DOMAIN_ID);
        assert_eq!((&about["user"]["name"], &about["user"]["id"]), (&json!(USERNAME), &json!(USER_ID)));
        assert!(about["roles"].is_array() && about.get("catalog").is_none());
        let issued_at: jiff::Timestamp = about["issued_at"].as_str().unwrap().parse().unwrap();
        assert_eq!(got.ends_at().duration_since(issued_at), SignedDuration::from_hours(24));
        let listing = cloud.get_with_token(token).await;
        assert_eq!((listing.status, &listing.json()["instance_num"]), (200, &json!(12)));
    }
    let got = cloud.send("POST", "/v3/auth/tokens", &[], &password(PASSWORD, project()).to_string()).await;
    let catalog = got.json()["token"]["catalog"].clone();
    assert_eq!(catalog[1]["endpoints"][0]["url"], format!("http://{}/v2/{PROJECT_ID}", cloud.handle.addr()));
}

#[tokio::test]
async fn every_token_is_another_and_only_good_for_its_project() {
    let cloud = Cloud::usual().await;
    let mut tokens = Vec::new();
    for scope in [project(), project(), json!({ "project": { "name": SECOND_PROJECT_NAME } }), Value::Null] {
        tokens.push(post(&cloud, &password(PASSWORD, scope)).await.header("x-subject-token").to_owned());
    }
    assert_ne!(tokens[0], tokens[1]);
    for (token, status, code) in [(&tokens[0], 200, ""), (&tokens[2], 401, "DCS.1004"), (&tokens[3], 401, "DCS.1004")] {
        let got = cloud.get_with_token(token).await;
        assert_eq!(got.status, status, "{}", got.text);
        assert!(status == 200 || got.code() == code, "{}", got.text);
    }
    let second = format!("/v2/{SECOND_PROJECT_ID}/instances");
    assert_eq!(cloud.send("GET", &second, &[("X-Auth-Token", &tokens[2])], "").await.status, 200);
}

#[tokio::test]
async fn wrong_users_and_passwords_are_refused_and_lock_the_user() {
    let cloud = Cloud::usual().await;
    let wrong = "The username or password is wrong.".to_owned();
    let stranger = |place: &str, value: &str| {
        let mut body = password(PASSWORD, project());
        *body.pointer_mut(&format!("/auth/identity/password/user{place}")).unwrap() = json!(value);
        body
    };
    for body in [stranger("/name", "nobody"), stranger("/domain/name", "another")] {
        for _ in 0..6 {
            assert_eq!(refusal(&post(&cloud, &body).await), (401, wrong.clone()));
        }
    }
    for _ in 0..5 {
        assert_eq!(refusal(&post(&cloud, &password("guess", project())).await), (401, wrong.clone()));
    }
    let right = password(PASSWORD, project());
    assert_eq!(refusal(&post(&cloud, &right).await), (401, "The account is locked.".to_owned()));
    cloud.handle.set_clock_skew(SignedDuration::from_secs(899));
    assert_eq!(post(&cloud, &right).await.status, 401);
    cloud.handle.set_clock_skew(SignedDuration::from_secs(901));
    assert_eq!(post(&cloud, &right).await.status, 201);

    let patient = Cloud::start(Options { locks_keys: false, ..Options::default() }).await;
    for _ in 0..6 {
        assert_eq!(post(&patient, &password("guess", project())).await.status, 401);
    }
    assert_eq!(post(&patient, &right).await.status, 201, "the lock is switched off");
}

#[tokio::test]
async fn bodies_that_ask_for_nothing_that_there_is() {
    let cloud = Cloud::usual().await;
    let without = |place: &str, key: &str| {
        let mut body = password(PASSWORD, project());
        body.pointer_mut(place).unwrap().as_object_mut().unwrap().remove(key);
        body.to_string()
    };
    let unknown = json!({ "project": { "name": "eu-sim-9" } });
    for body in [
        String::new(),
        "no json".to_owned(),
        "[]".to_owned(),
        "{}".to_owned(),
        without("/auth/identity", "methods"),
        without("/auth/identity/password", "user"),
        without("/auth/identity/password/user", "password"),
        without("/auth/identity/password/user", "domain"),
        without("/auth/scope/project", "name"),
        password(PASSWORD, unknown).to_string(),
    ] {
        let got = cloud.send("POST", TOKENS, &[], &body).await;
        assert_eq!(refusal(&got).0, 400, "{body}");
        assert!(!got.text.contains(PASSWORD), "{}", got.text);
    }
    assert_eq!(refusal(&cloud.send("GET", TOKENS, &[], "").await).0, 405);
    let long = cloud.send("POST", TOKENS, &[], &" ".repeat(70_000)).await;
    assert_eq!(long.status, 413);
}

#[tokio::test]
async fn an_id_token_gives_an_unscoped_token() {
    let cloud = Cloud::usual().await;
    let target = "/v3.0/OS-AUTH/id-token/tokens";
    let body = |token: &str| json!({ "auth": { "id_token": { "id": token } } }).to_string();
    let got = cloud.send("POST", target, &[("X-Idp-Id", IDP_ID)], &body(ID_TOKEN)).await;
    assert_eq!(got.status, 201, "{}", got.text);
    let token = got.header("x-subject-token");
    assert!(got.json()["token"].get("project").is_none());
    let refused = cloud.get_with_token(token).await;
    assert_eq!((refused.status, refused.code().as_str()), (401, "DCS.1004"));
    let listed = cloud.send("GET", "/v3/projects", &[("X-Auth-Token", token)], "").await;
    assert_eq!(listed.status, 401, "it is only good for temporary keys");
    for (headers, body, status) in [
        (&[("X-Idp-Id", IDP_ID)][..], body("stale"), 401),
        (&[("X-Idp-Id", "another")], body(ID_TOKEN), 404),
        (&[], body(ID_TOKEN), 400),
        (&[("X-Idp-Id", IDP_ID)], "{}".to_owned(), 400),
    ] {
        let got = cloud.send("POST", target, headers, &body).await;
        assert_eq!(refusal(&got).0, status, "{headers:?} {body}");
    }
}

#[tokio::test]
async fn projects_are_found_by_name_with_a_signature_or_a_token() {
    let cloud = Cloud::usual().await;
    let nowhere = Signer { project: None, ..Signer::default() };
    let ids = async |target: &str| -> Vec<String> {
        let got = cloud.try_get(target, &nowhere).await.unwrap();
        assert_eq!(got.status, 200, "{}", got.text);
        assert!(got.header("x-iam-trace-id").contains("eu-sim-1"));
        let projects = got.json()["projects"].as_array().unwrap().clone();
        projects.iter().map(|project| project["id"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(ids("/v3/projects").await, [PROJECT_ID, SECOND_PROJECT_ID]);
    assert_eq!(ids("/v3/projects?name=eu-sim-1").await, [PROJECT_ID]);
    assert_eq!(ids("/v3/projects?name=eu-sim-1_second").await, [SECOND_PROJECT_ID]);
    assert_eq!(ids("/v3/projects?name=eu-sim").await, [""; 0], "names are not searched");
    cloud.handle.set_project_names(ProjectNames::Twice);
    assert_eq!(ids("/v3/projects?name=eu-sim-1").await, [PROJECT_ID, SECOND_PROJECT_ID]);
    cloud.handle.set_project_names(ProjectNames::Absent);
    assert_eq!(ids("/v3/projects?name=eu-sim-1").await, [""; 0]);
    cloud.handle.set_project_names(ProjectNames::Unique);

    let token = post(&cloud, &password(PASSWORD, Value::Null)).await;
    let with_token = [("X-Auth-Token", token.header("x-subject-token"))];
    let got = cloud.send("GET", "/v3/projects?name=eu-sim-1", &with_token, "").await;
    let project = got.json()["projects"][0].clone();
    let keys: std::collections::BTreeSet<&str> = project.as_object().unwrap().keys().map(String::as_str).collect();
    let expected = ["id", "name", "domain_id", "enabled", "is_domain", "parent_id", "description", "links"];
    assert_eq!(keys, expected.into());
    assert_eq!(cloud.send("GET", "/v3/projects", &[("X-Auth-Token", "MII")], "").await.status, 401);
    assert_eq!(cloud.send("GET", "/v3/projects", &[], "").await.status, 401);
    let wrong = Signer { secret_key: "wrong".to_owned(), ..nowhere.clone() };
    let got = cloud.try_get("/v3/projects", &wrong).await.unwrap();
    assert_eq!((got.status, got.code().as_str()), (401, "APIGW.0301"));

    cloud.handle.forbid([Call::Projects]);
    let got = cloud.try_get("/v3/projects", &nowhere).await.unwrap();
    assert_eq!(refusal(&got), (403, "You are not authorized to perform the requested action.".to_owned()));
    assert_eq!(cloud.get(&Cloud::path("v2", "")).await.status, 200);
}
