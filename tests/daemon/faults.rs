//! Every fault, one at a time and mixed: others unaffected, facts kept, the right counter moved, no secret told.

use std::time::Duration;

use dcs_backup_exporter::simulator::{ACCESS_KEY, Fault, FaultKind, Handle, Options, PROJECT_ID, SECRET_KEY};

use crate::harness::{Daemon, cloud, configuration};

const DISCOVERY: &str = "  discovery: { enabled: true, interval: 500ms }\n";

/// Instances of the fleet whose records stand still: facts that move would not tell whether they were kept.
fn quiet(cloud: &Handle) -> Vec<String> {
    cloud
        .instances(PROJECT_ID)
        .into_iter()
        .filter(|instance| instance.supports_backups && !instance.busy)
        .map(|instance| instance.id)
        .collect()
}

/// The facts of an instance that do not move by themselves.
fn facts(series: &crate::harness::Series, id: &str) -> String {
    let kept = [
        "dcs_backup_last_success_timestamp",
        "dcs_backup_last_success_size",
        "dcs_backup_rpo_seconds",
        "dcs_instance_info",
    ];
    kept.iter().map(|name| series.lines(&[name, id])).collect()
}

async fn settled(cloud: &Handle) -> Daemon {
    let daemon = Daemon::start(&configuration(cloud, DISCOVERY)).await;
    let expected = 3.0 * cloud.instances(PROJECT_ID).len() as f64;
    daemon.scrape_until("everything was polled", |series| series.is(&["dcs_poll_success{"], expected)).await;
    daemon
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fault_of_one_instance_leaves_its_facts_and_the_others_alone() {
    let cloud = cloud(Options::default()).await;
    let quiet = quiet(&cloud);
    let (victim, other) = (&quiet[0], &quiet[1]);
    let daemon = settled(&cloud).await;
    for (kind, reasons) in [
        (FaultKind::Flaky, &["unavailable"][..]),
        (FaultKind::Slow, &["timeout"]),
        (FaultKind::Garbage, &["decode"]),
        (FaultKind::Truncate, &["connection"]),
        (FaultKind::Reset, &["connection"]),
        (FaultKind::Html, &["decode"]),
        (FaultKind::Forbidden, &["forbidden"]),
        (FaultKind::NotFound, &["not_found"]),
    ] {
        let failures = |series: &crate::harness::Series| -> f64 {
            let of = |reason: &&str| {
                let reason = format!("reason=\"{reason}\"");
                series.sum(&["dcs_exporter_poll_failures_total{", "operation=\"backups\"", &reason]).unwrap_or(0.0)
            };
            reasons.iter().map(of).sum()
        };
        let before = daemon.scrape().await;
        let fault = Fault { delay: (kind == FaultKind::Slow).then_some(Duration::from_secs(3)), ..Fault::always(kind) };
        cloud.set_faults([fault.on(victim)]);
        let after = daemon
            .scrape_until(&format!("{kind:?} was counted"), |series| {
                failures(series) > failures(&before)
                    && series.is(&["dcs_poll_success{", victim, "operation=\"backups\""], 0.0)
                    && series.is(&["dcs_poll_success{", victim, "operation=\"policy\""], 0.0)
            })
            .await;
        assert_eq!(facts(&after, victim), facts(&before, victim), "{kind:?}: facts are kept");
        assert!(facts(&after, victim).contains("dcs_backup_last_success_timestamp_seconds"));
        assert_eq!(facts(&after, other), facts(&before, other));
        assert!(after.is(&["dcs_poll_success{", other], 3.0), "{kind:?}: the other one is polled as ever");
        cloud.set_faults([]);
        daemon.scrape_until("all is well again", |series| series.is(&["dcs_poll_success{", victim], 3.0)).await;
    }
    daemon.assert_no_secret(&[SECRET_KEY]).await;
    let panicked = daemon.log().into_iter().find(|line| line.contains("panicked"));
    assert_eq!(panicked, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn throttling_is_counted_and_slows_the_project_down() {
    let cloud = cloud(Options::default()).await;
    let daemon = settled(&cloud).await;
    cloud.set_faults([Fault::always(FaultKind::Throttle)]);
    daemon
        .scrape_until("throttled", |series| {
            series.sum(&["dcs_exporter_throttled_total{"]) > Some(0.0)
                && series.sum(&["dcs_exporter_poll_failures_total{", "reason=\"throttled\""]) > Some(0.0)
                && series.is(&["dcs_project_up{"], 0.0)
        })
        .await;
    cloud.set_faults([]);
    daemon.scrape_until("up again", |series| series.is(&["dcs_project_up{"], 1.0)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_signature_stops_the_key_and_keeps_the_facts() {
    let cloud = cloud(Options { locks_keys: false, ..Options::default() }).await;
    let daemon = settled(&cloud).await;
    let quiet = quiet(&cloud);
    let before = daemon.scrape().await;
    cloud.set_faults([Fault::always(FaultKind::Unauthorized)]);
    let after = daemon
        .scrape_until("unauthorized", |series| {
            series.is(&["dcs_project_up{"], 0.0)
                && series.sum(&["dcs_exporter_poll_failures_total{", "reason=\"unauthorized\""]) > Some(0.0)
        })
        .await;
    assert_eq!(facts(&after, &quiet[0]), facts(&before, &quiet[0]));
    daemon.log_line("no request leaves with this key").await;
    // Those under way when it happened come back; from then on nothing leaves for five minutes.
    let begin = std::time::Instant::now();
    let calm = loop {
        let before = cloud.tally().requests;
        tokio::time::sleep(Duration::from_secs(1)).await;
        if cloud.tally().requests == before {
            break before;
        }
        assert!(begin.elapsed() < crate::harness::PATIENCE, "requests keep leaving with a refused key");
    };
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(cloud.tally().requests, calm, "requests leave with a refused key");
    daemon.assert_no_secret(&[SECRET_KEY]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_secret_costs_one_request_and_a_mended_file_is_tried_at_once() {
    let cloud = cloud(Options::default()).await;
    let directory = crate::harness::Directory::new();
    let wrong = format!("{}x", &SECRET_KEY[..SECRET_KEY.len() - 1]);
    let secret = directory.file("sk", &wrong);
    let keys = format!("{{ ops: {{ access_key: {ACCESS_KEY}, secret_key_file: {} }} }}", secret.display());
    let inline = format!("{{ ops: {{ access_key: {ACCESS_KEY}, secret_key: {SECRET_KEY} }} }}");
    let daemon = Daemon::start(&configuration(&cloud, DISCOVERY).replace(&inline, &keys)).await;
    daemon.scrape_until("refused", |series| series.is(&["dcs_project_up{"], 0.0)).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(cloud.tally().requests, 1, "one request at a time until the first success, and none after a refusal");
    directory.file("sk", &format!("{SECRET_KEY}\n"));
    daemon.scrape_until("the new key works", |series| series.is(&["dcs_project_up{"], 1.0)).await;
    assert_eq!(cloud.tally().signature_failures, 1);
    daemon.assert_no_secret(&[SECRET_KEY, &wrong]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_at_once_is_survived() {
    let cloud = cloud(Options { locks_keys: false, ..Options::default() }).await;
    let daemon = settled(&cloud).await;
    let before = daemon.scrape().await;
    let kinds = [
        FaultKind::Flaky,
        FaultKind::Slow,
        FaultKind::Garbage,
        FaultKind::Truncate,
        FaultKind::Reset,
        FaultKind::Html,
        FaultKind::Forbidden,
        FaultKind::NotFound,
    ];
    cloud.set_faults(kinds.map(|kind| Fault {
        probability: 0.3,
        delay: Some(Duration::from_millis(1500)),
        ..Fault::always(kind)
    }));
    let after = daemon
        .scrape_until("many failures of many kinds", |series| {
            let total = series.sum(&["dcs_exporter_poll_failures_total{"]);
            let seen = ["unavailable", "decode", "connection", "forbidden", "not_found", "timeout"];
            total > Some(60.0)
                && seen.iter().all(|reason| {
                    series.sum(&["dcs_exporter_poll_failures_total{", &format!("reason=\"{reason}\"")]) > Some(0.0)
                })
        })
        .await;
    for id in quiet(&cloud) {
        assert_eq!(facts(&after, &id), facts(&before, &id));
    }
    cloud.set_faults([]);
    let expected = 3.0 * cloud.instances(PROJECT_ID).len() as f64;
    daemon.scrape_until("all is well again", |series| series.is(&["dcs_poll_success{"], expected)).await;
    daemon.assert_no_secret(&[SECRET_KEY]).await;
    assert!(!daemon.log().iter().any(|line| line.contains("panicked")));
    let (status, _) = daemon.stop().await;
    assert_eq!(status.code(), Some(0));
}
