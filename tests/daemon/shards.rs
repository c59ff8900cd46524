//! Three processes that share one project, over real sockets.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use dcs_backup_exporter::domain::shard::Shard;
use dcs_backup_exporter::simulator::{Handle, Options, PROJECT_ID};

use crate::harness::{Daemon, Directory, PATIENCE, Series, binary, cloud, configuration};

const DISCOVERY: &str = "  discovery: { enabled: true, interval: 500ms }\n";
const AMPLE: &str = "limits: { requests_per_second: 500, burst: 500, concurrency: 8 }";
const NARROW: &str = "limits: { requests_per_second: 40, burst: 6, concurrency: 3 }";
const TOTAL: u32 = 3;

/// The pod with this number, as a stateful set names it.
async fn pod(ordinal: u32, configuration: &str) -> Daemon {
    let mut command = binary();
    command.env("HOSTNAME", format!("dcs-backup-exporter-{ordinal}"));
    command.args(["--shard.ordinal=auto".to_owned(), format!("--shard.total={TOTAL}")]);
    Daemon::start_by(command, configuration).await
}

/// What is known of the instances, without what moves with every poll.
fn facts(series: &Series) -> BTreeMap<String, f64> {
    let mut values = series.values(&["instance_id="]);
    let moves = ["_age_seconds", "dcs_poll_last_success", "_progress_ratio"];
    values.retain(|name, _| !moves.iter().any(|part| name.contains(part)));
    values
}

fn ids(cloud: &Handle) -> Vec<String> {
    cloud.instances(PROJECT_ID).into_iter().map(|instance| instance.id).collect()
}

/// The facts of all of them together.
async fn union(shards: &[Daemon]) -> BTreeMap<String, f64> {
    let mut union = BTreeMap::new();
    for shard in shards {
        for (name, value) in facts(&shard.scrape().await) {
            assert!(union.insert(name.clone(), value).is_none(), "{name} is in two shards");
        }
    }
    union
}

#[tokio::test(flavor = "multi_thread")]
async fn three_processes_are_together_what_one_is_and_ask_no_more() {
    // Few backups end while one looks.
    let cloud = cloud(Options { instances: 60, speed: 1.0, ..Options::default() }).await;
    let count = ids(&cloud).len() as f64;
    let configuration = configuration(&cloud, DISCOVERY);
    let mut shards = Vec::new();
    for ordinal in 0..TOTAL {
        shards.push(pod(ordinal, &configuration.replace(AMPLE, NARROW)).await);
    }
    let mut watched = 0.0;
    for (ordinal, shard) in shards.iter().enumerate() {
        let series = shard
            .scrape_until("all of its own are polled", |series| {
                let own = series.sum(&["dcs_exporter_instances_watched{"]).unwrap_or(0.0);
                own > 0.0 && series.is(&["dcs_poll_success{"], 3.0 * own)
            })
            .await;
        assert!(series.is(&["dcs_exporter_shard_ordinal"], ordinal as f64) && series.is(&["dcs_exporter_shards"], 3.0));
        for (family, expected) in
            [("dcs_project_instances{", count), ("dcs_project_up{", 1.0), ("dcs_project_missing_instances{", 0.0)]
        {
            assert!(series.is(&[family], expected), "{family} of {ordinal}: {}", series.lines(&[family]));
        }
        watched += series.sum(&["dcs_exporter_instances_watched{"]).unwrap();
        assert!(shard.log_line("watching a shard").await.contains(&format!("ordinal={ordinal} total=3")));
    }
    assert!((watched - count).abs() < 1e-9, "{watched} of {count}");
    // Far more is due than 40 a second; the cloud says what came.
    let begin = Instant::now();
    while cloud.tally().requests < 300 {
        assert!(begin.elapsed() < PATIENCE, "only {} requests came", cloud.tally().requests);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let tally = cloud.tally();
    assert!((20..=6 + 40 + 3).contains(&tally.peak_per_second), "{} requests in a second", tally.peak_per_second);
    assert!(tally.peak_concurrency <= 3, "{} at the same time", tally.peak_concurrency);
    let alone = Daemon::start(&configuration).await;
    alone.scrape_until("all is polled", |series| series.is(&["dcs_poll_success{"], 3.0 * count)).await;
    // Backups end while one looks; sooner or later all have seen the same.
    let begin = Instant::now();
    loop {
        let (parts, whole) = (union(&shards).await, facts(&alone.scrape().await));
        if parts == whole {
            break;
        }
        let differs = |(name, value): &(&String, &f64)| whole.get(*name) != Some(*value);
        let differing: Vec<_> = parts.iter().filter(differs).take(5).collect();
        let lacking: Vec<_> = whole.iter().filter(|(name, _)| !parts.contains_key(*name)).take(5).collect();
        assert!(begin.elapsed() < PATIENCE, "shards differ in {differing:?} and lack {lacking:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_of_the_total_leaves_nothing_foreign_in_the_file() {
    let cloud = cloud(Options { instances: 30, ..Options::default() }).await;
    let directory = Directory::new();
    let path = directory.0.join("facts-of-the-daemon");
    let storage = format!("storage: {{ path: {}, interval: 1h, max_age: 1h }}\n", path.display());
    let configuration = configuration(&cloud, DISCOVERY) + &storage;
    let all = ids(&cloud);
    let stored = || -> Vec<String> {
        let bytes = std::fs::read(path.join("facts")).unwrap();
        let is_stored = |id: &&String| bytes.windows(id.len()).any(|part| part == id.as_bytes());
        all.iter().filter(is_stored).cloned().collect()
    };
    let daemon = Daemon::start(&configuration).await;
    daemon.scrape_until("all is polled", |series| series.is(&["dcs_poll_success{"], 3.0 * all.len() as f64)).await;
    daemon.stop().await;
    assert_eq!(stored(), all);
    let daemon = pod(1, &configuration).await;
    assert_eq!(daemon.get("/-/ready").await.status(), 200);
    let series = daemon.scrape().await;
    let shard = Shard::new(1, TOTAL).unwrap();
    let own: Vec<String> = all.iter().filter(|id| shard.owns(&id.as_str().into())).cloned().collect();
    let shown: Vec<String> = all.iter().filter(|id| !series.values(&[id]).is_empty()).cloned().collect();
    assert_eq!(shown, own);
    assert!(series.is(&["dcs_project_instances{"], all.len() as f64), "at once, and true");
    daemon.log_line("are dropped").await;
    daemon.stop().await;
    assert_eq!(stored(), own);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_without_instances_is_ready() {
    let cloud = cloud(Options::default()).await;
    let id = ids(&cloud).remove(0);
    let configuration = configuration(&cloud, &format!("  instances: [ {{ id: {id} }} ]\n"));
    for ordinal in 0..TOTAL {
        let daemon = pod(ordinal, &configuration).await;
        let owns = Shard::new(ordinal, TOTAL).unwrap().owns(&id.as_str().into());
        let own = f64::from(u8::from(owns));
        let series =
            daemon.scrape_until("counted", |series| series.is(&["dcs_exporter_instances_watched{"], own)).await;
        assert!(series.is(&["dcs_project_instances{"], 1.0));
        if owns {
            daemon.scrape_until("up", |series| series.is(&["dcs_project_up{"], 1.0)).await;
        } else {
            assert_eq!(series.sum(&["dcs_project_up{"]), None, "nothing was asked, nothing is said");
        }
        assert_eq!(daemon.get("/-/ready").await.status(), 200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn check_means_all_and_needs_no_host_name() {
    let cloud = cloud(Options::default()).await;
    let directory = Directory::new();
    let text = configuration(&cloud, "") + "shard: { ordinal: auto, total: 3 }\n";
    let file = directory.file("config.yml", &text).display().to_string();
    let run = |arguments: &[&str]| {
        let mut command = binary();
        command.env("HOSTNAME", "laptop").args(arguments).args(["--config.file", &file]);
        tokio::task::spawn_blocking(move || command.output().unwrap())
    };
    let output = run(&["check", "--output=json"]).await.unwrap();
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["instances"].as_array().unwrap().len(), ids(&cloud).len());
    let output = run(&["check-config"]).await.unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert!(String::from_utf8(output.stdout).unwrap().contains("shared by 3 processes"));
    let output = run(&[]).await.unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(3));
    assert!(told.contains("the host name \"laptop\" does not end in a number"), "{told}");
}
