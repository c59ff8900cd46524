//! The metadata service of an ECS instance.

use std::time::Duration;

use dcs_backup_exporter::simulator::{Call, MetadataMode};
use jiff::SignedDuration;

use super::client::{Cloud, Got};

const TOKEN: &str = "/meta-data/latest/api/token";
pub(crate) const KEY: &str = "/openstack/latest/securitykey";
const TTL: &str = "X-Metadata-Token-Ttl-Seconds";

async fn token(cloud: &Cloud) -> Got {
    cloud.send("PUT", TOKEN, &[(TTL, "21600")], "").await
}

async fn key(cloud: &Cloud, token: &str) -> Got {
    cloud.send("GET", KEY, &[("X-Metadata-Token", token)], "").await
}

#[tokio::test]
async fn version_2_demands_a_token() {
    let cloud = Cloud::usual().await;
    let token = token(&cloud).await;
    assert_eq!(token.status, 200);
    let got = key(&cloud, &token.text).await;
    assert_eq!(got.status, 200, "{}", got.text);
    assert!(got.ends_at().duration_since(cloud.clock.now()) > SignedDuration::from_mins(59));
    assert_eq!(cloud.try_get(&Cloud::path("v2", ""), &got.keys()).await.unwrap().status, 200);
    assert_ne!(key(&cloud, &token.text).await.keys().access_key, got.keys().access_key);
    assert!(got.headers.get("x-iam-trace-id").is_none());

    assert_eq!(cloud.send("GET", KEY, &[], "").await.status, 401);
    assert_eq!(key(&cloud, "stale").await.status, 401);
    assert_eq!(key(&cloud, &got.keys().access_key).await.status, 401);
    for seconds in ["", "0", "21601", "x"] {
        assert_eq!(cloud.send("PUT", TOKEN, &[(TTL, seconds)], "").await.status, 400, "{seconds}");
    }
    assert_eq!(cloud.send("GET", TOKEN, &[], "").await.status, 405);
    let short = cloud.send("PUT", TOKEN, &[(TTL, "60")], "").await.text;
    cloud.handle.set_clock_skew(SignedDuration::from_secs(70));
    assert_eq!(key(&cloud, &short).await.status, 401);
    cloud.handle.revoke_grants();
    assert_eq!(key(&cloud, &token.text).await.status, 401);
}

#[tokio::test]
async fn version_1_knows_no_token() {
    let cloud = Cloud::usual().await;
    cloud.handle.set_metadata(MetadataMode::Version1);
    for status in [404, 405, 503, 404] {
        assert_eq!(token(&cloud).await.status, status);
    }
    let got = cloud.send("GET", KEY, &[], "").await;
    assert_eq!(cloud.try_get(&Cloud::path("v2", ""), &got.keys()).await.unwrap().status, 200);
}

#[tokio::test]
async fn there_may_be_no_agency_or_no_such_service() {
    let cloud = Cloud::usual().await;
    cloud.handle.set_metadata(MetadataMode::NoAgency);
    let token = token(&cloud).await;
    let got = key(&cloud, &token.text).await;
    assert_eq!((got.status, got.text.trim()), (401, "Please configure Cloud Service Agency first"));
    cloud.handle.set_metadata(MetadataMode::Absent);
    assert_eq!(key(&cloud, &token.text).await.status, 404);
    assert_eq!(cloud.send("PUT", TOKEN, &[(TTL, "60")], "").await.status, 404);
    cloud.handle.set_metadata(MetadataMode::Version2);
    assert_eq!(key(&cloud, &token.text).await.status, 200);
    assert_eq!(cloud.handle.tally().logins[&Call::SecurityKey], 3);
}

#[tokio::test]
async fn keys_may_stay_the_same_until_shortly_before_their_end() {
    let cloud = Cloud::usual().await;
    cloud.handle.set_metadata_renewal(Duration::from_mins(10));
    let token = token(&cloud).await.text;
    let first = key(&cloud, &token).await.keys();
    for (minutes, same) in [(0, true), (49, true), (51, false)] {
        cloud.handle.set_clock_skew(SignedDuration::from_mins(minutes));
        let keys = key(&cloud, &token).await.keys();
        assert_eq!(keys.access_key == first.access_key, same, "after {minutes} min");
    }
    let date = Some(cloud.clock.now() + SignedDuration::from_mins(51));
    let old = cloud.try_get(&Cloud::path("v2", ""), &super::client::Signer { date, ..first }).await.unwrap();
    assert_eq!(old.status, 200, "the old keys are good until their end");
}
