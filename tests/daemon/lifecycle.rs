//! Start, readiness, signals, the end; and what is told once.

use std::time::Duration;

use dcs_backup_exporter::simulator::{Options, PROJECT_ID};

use crate::harness::{Daemon, Directory, PATIENCE, binary, cloud, configuration};

const DISCOVERY: &str = "  discovery: { enabled: true, interval: 1s }\n";

#[tokio::test(flavor = "multi_thread")]
async fn it_becomes_ready_serves_and_ends_with_0_within_5_seconds() {
    let cloud = cloud(Options::default()).await;
    let daemon = Daemon::start(&configuration(&cloud, DISCOVERY)).await;
    let begin = std::time::Instant::now();
    while daemon.get("/-/ready").await.status() != 200 {
        assert!(begin.elapsed() < PATIENCE);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(daemon.get("/-/healthy").await.status(), 200);
    let count = cloud.instances(PROJECT_ID).len() as f64;
    daemon
        .scrape_until("all instances", |series| {
            series.is(&["dcs_project_instances{"], count) && series.is(&["dcs_exporter_instances_watched{"], count)
        })
        .await;
    daemon.signal("HUP");
    daemon.log_line("configuration reloaded").await;
    assert_eq!(daemon.get("/-/healthy").await.status(), 200);
    let (status, took) = daemon.stop().await;
    assert_eq!(status.code(), Some(0));
    assert!(took < Duration::from_secs(5), "{took:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_cloud_it_serves_and_is_ready_all_the_same() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let cloud = cloud(Options::default()).await;
    let configuration = configuration(&cloud, DISCOVERY).replace(&cloud.addr().to_string(), &closed.to_string());
    let daemon = Daemon::start(&configuration).await;
    daemon
        .scrape_until("the refusal was counted", |series| {
            series.is(&["dcs_project_up{"], 0.0)
                && series.sum(&[
                    "dcs_exporter_poll_failures_total{",
                    "operation=\"instances\"",
                    "reason=\"connection\"",
                ]) > Some(0.0)
        })
        .await;
    assert_eq!(daemon.get("/-/ready").await.status(), 200, "tried badly is tried");
    let told = daemon.log().iter().filter(|line| line.contains("cannot be asked")).count();
    assert_eq!(told, 1, "said once, not per poll");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_finished_backup_is_told_once_and_history_is_not() {
    let cloud = cloud(Options { speed: 200.0, ..Options::default() }).await;
    let daemon = Daemon::start(&configuration(&cloud, DISCOVERY)).await;
    let records = |series: &crate::harness::Series| series.sum(&["dcs_backup_records{", "succeed"]).unwrap_or(0.0);
    let first = daemon.scrape_until("records", |series| records(series) > 20.0).await;
    let line = daemon.log_line("event=backup").await;
    for part in ["instance_id=", "instance_name=", "status=", "size_bytes=", "duration_seconds=", "record_id="] {
        assert!(line.contains(part) || line.contains("status=failed"), "{part} is missing: {line}");
    }
    daemon.log_line("event=restore").await;
    let ids: Vec<String> = daemon
        .log()
        .iter()
        .filter(|line| line.contains("event="))
        .map(|line| line.split("record_id=").nth(1).unwrap().split(' ').next().unwrap().to_owned())
        .collect();
    let mut distinct = ids.clone();
    distinct.sort_unstable();
    distinct.dedup();
    assert_eq!(ids.len(), distinct.len(), "each is told once");
    assert!((ids.len() as f64) < records(&first) / 2.0, "{} events: history is not told", ids.len());
}

#[test]
fn a_bad_configuration_ends_with_3_and_tells_every_problem() {
    let directory = Directory::new();
    let file = directory.file(
        "config.yml",
        "projects:\n- name: prod\n  regoin: eu-de\n  endpoint: ftp://x\npolling: { idle_interval: 15 }\n",
    );
    for command in [&["--config.file"][..], &["check", "--config.file"], &["check-config", "--config.file"]] {
        let output = binary().args(command).arg(&file).output().unwrap();
        assert_eq!(output.status.code(), Some(3), "{command:?}");
        let told = String::from_utf8(output.stderr).unwrap();
        for part in ["config.yml:3", "regoin", "region", "config.yml:4", "config.yml:5", "idle_interval"] {
            assert!(told.contains(part), "{part} is missing: {told}");
        }
    }
}

#[test]
fn wrong_flags_end_with_3() {
    for arguments in [
        &["--no.such.flag"][..],
        &["--log.level=loud"],
        &["--web.config.file=web.yml"],
        &["--shard.total=2"],
        &["simulate", "--fault=earthquake"],
    ] {
        let output = binary().args(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(3), "{arguments:?}");
        assert!(!output.stderr.is_empty(), "{arguments:?}");
    }
}

#[test]
fn a_taken_address_ends_with_1_and_names_it() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let directory = Directory::new();
    let file = directory.file(
        "config.yml",
        "projects: [{ name: a, project_id: b, endpoint: 'http://127.0.0.1:9', credentials: c }]\ncredentials: { c: { access_key: a, secret_key: b } }\n",
    );
    let output = binary().arg("--config.file").arg(file).arg("--web.listen-address").arg(&address).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8(output.stderr).unwrap().contains(&address));
}

#[test]
fn a_full_disk_changes_no_exit_code() {
    for (arguments, code) in [(&["check-config"][..], 3), (&["--log.level=loud"], 3), (&["--version"], 0)] {
        let full = || std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let status = binary().args(arguments).stdout(full()).stderr(full()).status().unwrap();
        assert_eq!(status.code(), Some(code), "{arguments:?}");
    }
}

#[test]
fn help_and_version_go_to_standard_output() {
    for arguments in [&["--help"][..], &["--version"], &["check", "--help"]] {
        let output = binary().args(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{arguments:?}");
        assert!(!output.stdout.is_empty());
    }
}
