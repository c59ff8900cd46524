//! Filters, overrides and tags as labels, of the real binary.

use std::collections::BTreeMap;

use dcs_backup_exporter::simulator::{Call, Fault, FaultKind, Handle, Options, PROJECT_ID, Version};

use crate::harness::{Daemon, Directory, Series, binary, cloud, configuration};

/// Only what is of `prod` or `staging` and no cache of sessions; two RPOs, and two labels.
const FILTERED: &str = "  discovery:
    interval: 200ms
    include: { engine: redis, enterprise_project_id: 0, tags: { env: [prod, staging] } }
    exclude: { name: [\"^sessions\", \"-flags$\"] }
  overrides:
  - { match: { name: ^orders- }, rpo: 13h }
  - { match: { tags: { tier: gold } }, rpo: 40h }
  instance_tags: [team, cost-center]
";

fn watched(series: &Series) -> Vec<String> {
    let names = series.values(&["dcs_backup_supported{"]).into_keys();
    let mut names: Vec<String> = names
        .filter_map(|series| Some(series.split_once("instance_name=\"")?.1.split('"').next()?.to_owned()))
        .collect();
    names.sort();
    names
}

fn info(series: &Series, name: &str) -> String {
    series.lines(&["dcs_instance_info{", &format!("instance_name=\"{name}\"")])
}

/// What the filters select, as the simulator's fleet is.
const SELECTED: [&str; 9] = [
    "catalog-search",
    "geo-index",
    "leaderboard",
    "legacy-sessions",
    "notifications-queue",
    "orders-cache",
    "payments-ledger",
    "rate-limiter",
    "staging-replica",
];

async fn polled(daemon: &Daemon, cloud: &Handle) -> Series {
    let polls = (cloud.instances(PROJECT_ID).len() - 3) as f64 * 3.0;
    daemon.scrape_until("all that is selected was polled", |series| series.is(&["dcs_poll_success{"], polls)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn filters_overrides_and_labels_follow_names_and_tags() {
    let cloud = cloud(Options::default()).await;
    let daemon = Daemon::start(&configuration(&cloud, FILTERED)).await;
    let series = polled(&daemon, &cloud).await;
    assert_eq!(watched(&series), SELECTED);
    let rpo = |series: &Series, name: &str| series.sum(&["dcs_backup_rpo_seconds{", name]).map(|rpo| rpo / 3600.0);
    let rpos = ["orders-cache", "catalog-search", "rate-limiter"].map(|name| rpo(&series, name));
    assert_eq!(rpos, [Some(13.0), Some(40.0), None]);
    assert!(info(&series, "orders-cache").contains(",tag_team=\"shop\"} 1"), "{}", series.text());
    assert!(!series.text().contains("tag_cost_center"), "no instance has that tag yet");

    // Tags change: a label comes, an override goes, one instance comes and one goes.
    assert!(cloud.set_tags("orders-cache", &[("env", "prod"), ("cost-center", "47\"11\\\n7")]));
    assert!(cloud.set_tags("load-test", &[("env", "staging")]));
    assert!(cloud.set_tags("catalog-search", &[("env", "test"), ("tier", "gold")]));
    assert!(cloud.rename("orders-cache", "shop-orders"));
    assert!(cloud.set_enterprise_project("rate-limiter", "4aa3"));
    let series = daemon
        .scrape_until("all of that is seen", |series| {
            let names = watched(series);
            let has = |name: &str| names.iter().any(|own| own == name);
            has("shop-orders") && has("load-test") && !has("catalog-search") && !has("rate-limiter")
        })
        .await;
    let info = info(&series, "shop-orders");
    assert!(info.contains("tag_cost_center=\"47\\\"11\\\\\\n7\"} 1") && !info.contains("tag_team"), "{info}");
    assert_eq!(rpo(&series, "shop-orders"), Some(29.0), "by its plan, as no override is for it any more");
    assert!(series.is(&["dcs_project_missing_instances"], 0.0) && series.is(&["dcs_project_instances"], 8.0));

    // The listing fails: what was known stays.
    cloud.set_faults([Fault::always(FaultKind::Forbidden)]);
    let series = daemon.scrape_until("polls fail", |series| series.is(&["dcs_poll_success{"], 0.0)).await;
    assert_eq!(self::info(&series, "shop-orders"), info);
    assert_eq!(watched(&series).len(), 8);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_left_out_is_asked_nothing() {
    let cloud = cloud(Options::default()).await;
    let left_out = cloud.instances(PROJECT_ID).into_iter().filter(|own| !SELECTED.contains(&own.name.as_str()));
    let left_out: Vec<String> = left_out.map(|own| own.id).collect();
    assert_eq!(left_out.len(), 3);
    let daemon = Daemon::start(&configuration(&cloud, FILTERED)).await;
    polled(&daemon, &cloud).await;
    let log = daemon.log().join("\n");
    assert!(left_out.iter().all(|id| !log.contains(id.as_str())), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cloud_whose_listings_tell_no_tags_is_filtered_by_what_instances_say_themselves() {
    let cloud = cloud(Options::default()).await;
    let entries = cloud.instances(PROJECT_ID);
    let entry = |own: &dcs_backup_exporter::simulator::InstanceSummary| serde_json::json!({ "instance_id": own.id, "name": own.name, "status": "RUNNING", "tags": null });
    let body = serde_json::json!({
        "instances": entries.iter().map(entry).collect::<Vec<_>>(), "instance_num": entries.len()
    });
    cloud.replace_body(Version::V2, Call::Instances, None, 200, body.to_string());
    let filter = "  discovery: { interval: 200ms, include: { tags: { env: staging } } }\n";
    let daemon = Daemon::start(&configuration(&cloud, filter)).await;
    let expected = ["notifications-queue", "staging-replica"];
    daemon.scrape_until("their tags are known", |series| watched(series) == expected).await;
    let begin: BTreeMap<_, _> = daemon.scrape().await.values(&["api_requests_total", "instances"]);
    let more = |series: &Series| {
        series.values(&["api_requests_total", "instances"]).values().sum::<f64>() > begin.values().sum::<f64>() + 5.0
    };
    let series = daemon.scrape_until("five more listings", more).await;
    assert_eq!(watched(&series), expected, "nobody comes and goes");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_asks_and_tells_of_what_is_selected() {
    let cloud = cloud(Options::default()).await;
    let directory = Directory::new();
    let file = directory.file("config.yml", &configuration(&cloud, FILTERED)).display().to_string();
    let arguments = ["check", "--config.file", &file, "--output", "json"].map(str::to_owned);
    let run = move || binary().args(arguments).output().unwrap();
    let output = tokio::task::spawn_blocking(run).await.unwrap();
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let rows = report["instances"].as_array().unwrap();
    let mut rpos: Vec<(&str, Option<u64>)> = rows
        .iter()
        .map(|row| (row["instance_name"].as_str().unwrap(), row["rpo_seconds"].as_u64().map(|rpo| rpo / 3600)))
        .collect();
    rpos.sort_unstable();
    assert_eq!(rpos.iter().map(|(name, _)| *name).collect::<Vec<_>>(), SELECTED);
    let of = |name: &str| rpos.iter().find(|(own, _)| *own == name).unwrap().1;
    assert_eq!(["orders-cache", "catalog-search", "rate-limiter"].map(of), [Some(13), Some(40), None]);
}
