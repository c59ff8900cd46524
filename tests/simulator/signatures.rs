use dcs_backup_exporter::simulator::{
    Options, SECOND_PROJECT_ID, SECRET_KEY, SECURITY_TOKEN, TEMPORARY_ACCESS_KEY, TEMPORARY_SECRET_KEY,
};
use jiff::SignedDuration;

use super::client::{Cloud, Signer};

fn wrong() -> Signer {
    Signer { secret_key: SECRET_KEY.replace('1', "2"), ..Signer::default() }
}

async fn refused(cloud: &Cloud, signer: &Signer) -> (u16, String, String) {
    let got = cloud.try_get(&Cloud::path("v2", "?limit=1"), signer).await.unwrap();
    let body = got.json();
    assert_eq!(body["request_id"].as_str().unwrap(), got.headers["x-request-id"], "{body}");
    (got.status, got.code(), body["error_msg"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn a_right_signature_is_accepted_whatever_the_query() {
    let cloud = Cloud::usual().await;
    for query in
        ["", "?limit=1", "?offset=0&limit=10", "?limit=5&name=a%20b%2Fc&tags=env%3Dprod%2Cteam%3Dshop", "?b&a="]
    {
        assert_eq!(cloud.get(&Cloud::path("v2", query)).await.status, 200, "{query}");
    }
    assert_eq!(cloud.handle.tally().signature_failures, 0);
}

#[tokio::test]
async fn a_wrong_secret_is_refused_as_the_gateway_does() {
    let cloud = Cloud::usual().await;
    let (status, code, message) = refused(&cloud, &wrong()).await;
    assert_eq!((status, code.as_str()), (401, "APIGW.0301"));
    let begin = "Incorrect IAM authentication information: verify aksk signature fail,canonicalRequest:GET|/v2/";
    assert!(message.starts_with(begin), "{message}");
    assert!(!message.contains(SECRET_KEY));
    assert_eq!(cloud.handle.tally().signature_failures, 1);
}

#[tokio::test]
async fn keys_dates_tokens_and_projects_are_checked() {
    let cloud = Cloud::usual().await;
    let unknown = Signer { access_key: "NOSUCHKEY".to_owned(), ..Signer::default() };
    let (status, _, message) = refused(&cloud, &unknown).await;
    assert_eq!(status, 401);
    assert!(message.ends_with("Get secretKey failed,ak:NOSUCHKEY,err:ak not exist"), "{message}");

    let minutes = SignedDuration::from_mins;
    for (moved, status) in [(minutes(-16), 401), (minutes(16), 401), (minutes(-14), 200), (minutes(14), 200)] {
        let signer = Signer { date: Some(cloud.clock.now() + moved), ..Signer::default() };
        assert_eq!(cloud.try_get(&Cloud::path("v2", ""), &signer).await.unwrap().status, status, "{moved:?}");
    }
    cloud.handle.set_clock_skew(minutes(20));
    let (status, _, message) = refused(&cloud, &Signer::default()).await;
    assert_eq!(status, 401);
    assert!(message.ends_with("signature expired"), "{message}");
    cloud.handle.set_clock_skew(SignedDuration::ZERO);
    assert_eq!(cloud.get(&Cloud::path("v2", "")).await.status, 200);

    let temporary = |security_token: Option<&str>| Signer {
        access_key: TEMPORARY_ACCESS_KEY.to_owned(),
        secret_key: TEMPORARY_SECRET_KEY.to_owned(),
        security_token: security_token.map(str::to_owned),
        ..Signer::default()
    };
    for (token, status) in [(Some(SECURITY_TOKEN), 200), (Some("another"), 401), (None, 401)] {
        let got = cloud.try_get(&Cloud::path("v2", ""), &temporary(token)).await.unwrap();
        assert_eq!(got.status, status, "{token:?}");
    }

    for project in [None, Some(SECOND_PROJECT_ID)] {
        let signer = Signer { project: project.map(str::to_owned), ..Signer::default() };
        let got = cloud.try_get(&Cloud::path("v2", ""), &signer).await.unwrap();
        assert_eq!((got.status, got.code().as_str()), (401, "DCS.1004"));
        let got = cloud.try_get(&Cloud::path("v1.0", ""), &signer).await.unwrap();
        assert_eq!((got.status, got.code().as_str()), (401, "111401004"));
    }
    let foreign = "0".repeat(32);
    let signer = Signer { project: Some(foreign.clone()), ..Signer::default() };
    let got = cloud.try_get(&format!("/v2/{foreign}/instances"), &signer).await.unwrap();
    assert_eq!((got.status, got.code().as_str()), (403, "DCS.2003"));
}

#[tokio::test]
async fn what_is_not_signed_is_refused() {
    let cloud = Cloud::usual().await;
    let target = Cloud::path("v2", "");
    let url = format!("http://{}{target}", cloud.handle.addr());
    let get = || cloud.http.get(&url);
    let date = "20261121T000000Z";
    for (request, reason) in [
        (get(), "x-auth-token not found"),
        (get().header("X-Auth-Token", "MII"), "decrypt token fail"),
        (get().header("Authorization", "Bearer x"), "Authorization format is incorrect"),
    ] {
        let response = request.header("X-Sdk-Date", date).send().await.unwrap();
        assert_eq!(response.status(), 401);
        let body = response.text().await.unwrap();
        assert!(body.contains(reason), "{body}");
    }
    let signed = cloud.signed(&reqwest::Method::GET, &target, &Signer::default()).build().unwrap();
    let mut without_date = signed.try_clone().unwrap();
    without_date.headers_mut().remove("X-Sdk-Date");
    assert_eq!(cloud.http.execute(without_date).await.unwrap().status(), 401);
    let mut other_query = signed.try_clone().unwrap();
    other_query.url_mut().set_query(Some("limit=1000"));
    assert_eq!(cloud.http.execute(other_query).await.unwrap().status(), 401);
    assert_eq!(cloud.http.execute(signed).await.unwrap().status(), 200);
}

#[tokio::test]
async fn five_failures_in_a_row_lock_the_key_for_five_minutes() {
    let cloud = Cloud::usual().await;
    let good = Signer::default();
    for _ in 0..4 {
        refused(&cloud, &wrong()).await;
    }
    assert_eq!(cloud.get(&Cloud::path("v2", "")).await.status, 200, "four are forgiven by a success");
    for _ in 0..5 {
        assert!(refused(&cloud, &wrong()).await.2.contains("verify aksk signature fail"));
    }
    let (status, code, message) = refused(&cloud, &good).await;
    assert_eq!((status, code.as_str()), (401, "APIGW.0301"));
    assert!(message.ends_with("AK access failed to reach the limit,forbidden"), "{message}");

    // The gateway's clock and the signer's go on together.
    cloud.handle.set_clock_skew(SignedDuration::from_secs(240));
    assert_eq!(refused(&cloud, &good).await.0, 401);
    cloud.handle.set_clock_skew(SignedDuration::from_secs(301));
    assert_eq!(cloud.get(&Cloud::path("v2", "")).await.status, 200);
}

#[tokio::test]
async fn the_lock_can_be_switched_off() {
    let cloud = Cloud::start(Options { locks_keys: false, ..Options::default() }).await;
    for _ in 0..12 {
        refused(&cloud, &wrong()).await;
    }
    assert_eq!(cloud.get(&Cloud::path("v2", "")).await.status, 200);
}
