use dcs_backup_exporter::simulator::{PROJECT_ID, Quirk};
use serde_json::{Value, json};

use super::client::Cloud;

/// The answer about `orders-cache` (or another) with these quirks.
async fn with(cloud: &Cloud, name: &str, quirks: &[&str], rest: &str) -> super::client::Got {
    let quirks: Vec<Quirk> = quirks.iter().map(|quirk| quirk.parse().unwrap()).collect();
    cloud.handle.set_quirks(Some(name), quirks);
    let got = cloud.get(&Cloud::path("v2", &format!("/{}{rest}", cloud.id(name)))).await;
    cloud.handle.set_quirks(Some(name), []);
    got
}

async fn first_backup(cloud: &Cloud, quirks: &[&str]) -> Value {
    // The oldest one: nothing happens to it while we look.
    let mut quirks = quirks.to_vec();
    quirks.push("oldest-first");
    with(cloud, "orders-cache", &quirks, "/backups?limit=1").await.json()["backup_record_response"][0].clone()
}

#[tokio::test]
async fn what_is_absent() {
    let cloud = Cloud::usual().await;
    for (form, expected) in
        [("{}", Some(json!({}))), ("null", Some(Value::Null)), ("missing", None), ("text", Some(json!("")))]
    {
        let record = first_backup(&cloud, &[&format!("absent={form}")]).await;
        let absent = if record["status"] == "failed" { "remark" } else { "error_code" };
        assert_eq!(record.get(absent), expected.as_ref(), "{form} {record}");
        let shown = with(&cloud, "rate-limiter", &[&format!("absent={form}")], "").await.json();
        assert_eq!(shown.get("instance_backup_policy"), expected.as_ref(), "{form}");
    }
}

#[tokio::test]
async fn no_records() {
    let cloud = Cloud::usual().await;
    for (form, status, body) in [
        ("204", 204, ""),
        ("empty", 200, ""),
        ("{}", 200, "{}"),
        ("null", 200, r#"{"backup_record_response":null,"total_num":0}"#),
        ("[]", 200, r#"{"backup_record_response":[],"total_num":0}"#),
    ] {
        let got = with(&cloud, "rate-limiter", &[&format!("no-records={form}")], "/backups").await;
        assert_eq!((got.status, got.text.as_str()), (status, body), "{form}");
    }
}

#[tokio::test]
async fn totals() {
    let cloud = Cloud::usual().await;
    for (form, expected) in [("page", Some(json!(10))), ("text", Some(json!("24"))), ("missing", None)] {
        let got = with(&cloud, "orders-cache", &[&format!("total={form}")], "/backups").await.json();
        assert_eq!(got.get("total_num"), expected.as_ref(), "{form}");
    }
    cloud.handle.set_quirks(None, ["total=page".parse().unwrap()]);
    assert_eq!(cloud.get(&Cloud::path("v2", "?offset=10")).await.json()["instance_num"], 2);
}

#[tokio::test]
async fn pages() {
    let cloud = Cloud::usual().await;
    let page = async |quirks: &[&str], query: &str| -> Vec<String> {
        let got = with(&cloud, "orders-cache", quirks, &format!("/backups?{query}")).await.json();
        let list = got["backup_record_response"].as_array().unwrap();
        list.iter().map(|one| one["backup_id"].as_str().unwrap().to_owned()).collect()
    };
    let all = page(&[], "limit=1000").await;
    assert_eq!(page(&["page-cap=5"], "limit=1000").await, all[..5]);
    assert_eq!(page(&["page-cap=5"], "limit=1000&offset=5").await, all[5..10]);
    assert_eq!(page(&["overlap=3"], "limit=10&offset=10").await, all[7..17]);
    assert_eq!(page(&["shifting-pages"], "limit=10&offset=20").await, all[18..]);
    let mut reversed = all.clone();
    reversed.reverse();
    assert_eq!(page(&["oldest-first"], "limit=1000").await, reversed);
    // A quirk of the listing.
    cloud.handle.set_quirks(None, ["page-cap=4".parse().unwrap()]);
    let listing = cloud.get(&Cloud::path("v2", "?limit=1000")).await.json();
    assert_eq!((listing["instances"].as_array().unwrap().len(), &listing["instance_num"]), (4, &json!(12)));
}

#[tokio::test]
async fn scalars_words_and_keys() {
    let cloud = Cloud::usual().await;
    let plain = first_backup(&cloud, &[]).await;
    let text = first_backup(&cloud, &["numbers-as-text"]).await;
    assert_eq!(text["size"], plain["size"].to_string());
    let numbers = first_backup(&cloud, &["text-as-numbers"]).await;
    assert_eq!(numbers["progress"].as_f64(), plain["progress"].as_str().unwrap().parse().ok());
    assert_eq!(numbers["is_support_restore"], plain["is_support_restore"] == "TRUE");
    assert_eq!(numbers["backup_name"], plain["backup_name"]);

    let stamps = first_backup(&cloud, &["offset-stamps"]).await;
    assert_eq!(stamps["created_at"], plain["created_at"].as_str().unwrap().replace('Z', "+0000"));

    let more = first_backup(&cloud, &["unknown-keys"]).await;
    assert!(more["x_added_later"]["list"].is_array());

    let unknown = with(&cloud, "orders-cache", &["unknown-status"], "/backups").await.json();
    assert_eq!(unknown["backup_record_response"][0]["status"], "archiving");
    assert_ne!(unknown["backup_record_response"][1]["status"], "archiving");
    assert_eq!(with(&cloud, "orders-cache", &["unknown-status"], "").await.json()["status"], "HIBERNATING");

    let small = with(&cloud, "orders-cache", &["small"], "").await.json();
    assert_eq!(
        (&small["capacity"], &small["capacity_minor"], &small["max_memory"]),
        (&json!(0), &json!(".125"), &json!(128))
    );
}

#[tokio::test]
async fn a_single_node_may_refuse() {
    let cloud = Cloud::usual().await;
    for rest in ["/backups", "/restores"] {
        let got = with(&cloud, "feature-flags", &["single-node-refused"], rest).await;
        assert_eq!((got.status, got.code().as_str()), (400, "DCS.4086"));
        assert_eq!(with(&cloud, "orders-cache", &["single-node-refused"], "/backups").await.status, 200);
    }
}

#[tokio::test]
async fn a_quirk_of_one_instance_shows_in_its_entry_of_the_listing_alone() {
    let cloud = Cloud::usual().await;
    cloud.handle.set_quirks(Some("orders-cache"), [Quirk::UnknownStatus, Quirk::Small]);
    let listing = cloud.get(&Cloud::path("v2", "?limit=1000")).await.json();
    for instance in listing["instances"].as_array().unwrap() {
        assert_eq!(instance["status"] == "HIBERNATING", instance["name"] == "orders-cache");
    }
    assert_eq!(cloud.handle.instances(PROJECT_ID).len(), 12);
}
