//! `/probe` and `/api/v1/instances` of the real binary, against the simulated cloud.

use std::time::{Duration, Instant};

use dcs_backup_exporter::simulator::{ACCESS_KEY, Call, Handle, Options, PROJECT_ID, SECRET_KEY, Version};

use crate::budget::until_asked;
use crate::harness::{Daemon, PATIENCE, Series, cloud};

const INSTANCE: &str = "5560df16-cebf-4473-95c4-d1b573c16e79";
const PROBE: &str = "/probe?project=prod&instance_id=5560df16-cebf-4473-95c4-d1b573c16e79";
const SUCCESS: &str = "dcs_poll_success{";

/// A configuration whose regular polls do not come again while a test lasts.
fn patient(cloud: &Handle, limits: &str) -> String {
    format!(
        "projects:\n- name: prod\n  project_id: {PROJECT_ID}\n  endpoint: http://{}\n  credentials: ops\n  \
         instances: [{{ id: {INSTANCE}, name: orders }}]\n  limits: {limits}\n\
         credentials: {{ ops: {{ access_key: {ACCESS_KEY}, secret_key: {SECRET_KEY} }} }}\n\
         polling: {{ idle_interval: 1h, window_interval: 1h, active_interval: 1h, policy_interval: 1h }}\n",
        cloud.addr()
    )
}

/// A cloud with one instance, which has no records yet.
async fn quiet() -> Handle {
    let cloud = cloud(Options { instances: 1, ..Options::default() }).await;
    let name = cloud.instances(PROJECT_ID)[0].id.clone();
    assert!(cloud.add_instance(PROJECT_ID, INSTANCE, "orders", "orders-cache") && cloud.remove_instance(&name));
    for call in [Call::Backups, Call::Restores] {
        cloud.replace_body(Version::V2, call, Some(INSTANCE), 200, "{}");
    }
    cloud
}

/// A backup of this instance ends.
fn back_up(cloud: &Handle) {
    let body = r#"{"total_num":1,"backup_record_response":[{"backup_id":"b","status":"succeed","size":880232,"created_at":"2026-05-10T08:31:16.166Z","execution_at":"2026-05-10T08:31:16.166Z","updated_at":"2026-05-10T08:32:30.546Z","backup_type":"manual"}]}"#;
    cloud.replace_body(Version::V2, Call::Backups, Some(INSTANCE), 200, body);
}

async fn probe(daemon: &Daemon) -> Series {
    let response = daemon.get(PROBE).await;
    assert_eq!(response.status(), 200);
    Series::of(&response.text().await.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_probe_sees_a_backup_that_has_just_ended_and_many_share_it() {
    let cloud = quiet().await;
    let daemon = Daemon::start(&patient(&cloud, "{ requests_per_second: 500, burst: 500, concurrency: 8 }")).await;
    daemon.scrape_until("all three polls", |series| series.is(&[SUCCESS, INSTANCE], 3.0)).await;
    back_up(&cloud);
    // What was asked a moment ago is not asked again: sooner or later it is.
    let begin = Instant::now();
    let ended = loop {
        let series = probe(&daemon).await;
        assert!(series.is(&[SUCCESS, INSTANCE], 3.0), "{}", series.text());
        if let Some(ended) = series.sum(&["dcs_backup_last_success_timestamp_seconds{", INSTANCE]) {
            break ended;
        }
        assert!(begin.elapsed() < PATIENCE);
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    let series = daemon.scrape().await;
    assert!(series.is(&["dcs_backup_last_success_timestamp_seconds{", INSTANCE], ended), "it is on /metrics too");
    let json: serde_json::Value =
        serde_json::from_str(&daemon.get("/api/v1/instances").await.text().await.unwrap()).unwrap();
    assert_eq!(json["instances"][0]["backups"]["last_success_at"], "2026-05-10T08:32:30.546Z");
    assert_eq!(json["instances"][0]["verdict"], "stale");
    let before = cloud.tally().requests;
    let mut crowd = tokio::task::JoinSet::new();
    for _ in 0..50 {
        let url = format!("{}{PROBE}", daemon.url);
        crowd.spawn(async move { reqwest::get(url).await.unwrap().text().await.unwrap() });
    }
    for text in crowd.join_all().await {
        assert!(Series::of(&text).is(&[SUCCESS, INSTANCE], 3.0), "{text}");
    }
    let sent = cloud.tally().requests - before;
    assert!(sent <= 6, "{sent} requests for 50 probes");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_budget_it_tells_the_last_facts_in_time_and_ends_with_the_daemon() {
    let cloud = quiet().await;
    back_up(&cloud);
    // The three polls of the start take their time, and no token is left for long.
    let daemon = Daemon::start(&patient(&cloud, "{ requests_per_second: 0.5, burst: 1, concurrency: 2 }")).await;
    daemon.scrape_until("all three polls", |series| series.is(&[SUCCESS, INSTANCE], 3.0)).await;
    let client = reqwest::Client::new();
    let ask = |timeout: &'static str| {
        client.get(format!("{}{PROBE}", daemon.url)).header("X-Prometheus-Scrape-Timeout-Seconds", timeout).send()
    };
    // At first, what was polled a moment ago is told as such.
    let begin = Instant::now();
    loop {
        let asked = Instant::now();
        let series = Series::of(&ask("1").await.unwrap().text().await.unwrap());
        assert!(asked.elapsed() < Duration::from_secs(5), "{:?}", asked.elapsed());
        assert!(series.sum(&["dcs_backup_last_success_timestamp_seconds{", INSTANCE]).is_some());
        if series.sum(&[SUCCESS, INSTANCE]) < Some(3.0) {
            break;
        }
        assert!(begin.elapsed() < PATIENCE, "{}", series.text());
    }
    // One that waits is answered when the daemon stops. A request to the cloud later it waits for the next token; and who
    // is answered on a connection of its own came after it.
    let before = cloud.tally().requests;
    let waiting = tokio::spawn(ask("60"));
    until_asked(&cloud, before + 1).await;
    assert_eq!(daemon.get("/-/healthy").await.status(), 200);
    let (status, took) = daemon.stop().await;
    assert_eq!(status.code(), Some(0));
    assert!(took < Duration::from_secs(5), "{took:?}");
    let response = waiting.await.unwrap().unwrap();
    assert_eq!(response.status(), 200);
    let series = Series::of(&response.text().await.unwrap());
    assert!(series.sum(&["dcs_backup_last_success_timestamp_seconds{", INSTANCE]).is_some());
}
