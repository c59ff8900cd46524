//! `/probe` where the poller does not answer: what is refused, what is told, and that nobody waits too long.

use std::time::Duration;

use dcs_backup_exporter::exposition::{Format, families};
use dcs_backup_exporter::snapshot::Snapshot;
use dcs_backup_exporter::web::Bounds;
use tokio::time::Instant;

use crate::fleet::{self, empty, full, project, snapshot};
use crate::server::{Server, eventually};
use crate::strict;

const PROBE: &str = "/probe?project=prod&instance_id=a";

fn picture() -> std::sync::Arc<Snapshot> {
    let prod = vec![full("a", "orders"), empty("b", "quiet"), empty("c /&+\u{7f13}", "odd")];
    snapshot(vec![project("prod", prod), project("test", vec![empty("a", "other")])])
}

async fn server() -> Server {
    Server::start_without_poller(picture(), Bounds::default()).await
}

#[tokio::test]
async fn what_is_not_asked_for_properly_is_refused_with_a_sentence() {
    let server = server().await;
    let mut client = server.connect().await;
    let no_project = "the configuration has no project of this name\n";
    let no_instance = "the project has no instance with this instance_id that is watched\n";
    for (query, status, text) in [
        ("", 400, "project parameter is missing\n"),
        ("?", 400, "project parameter is missing\n"),
        ("?instance_id=a", 400, "project parameter is missing\n"),
        ("?project=&instance_id=a", 400, "project parameter is missing\n"),
        ("?project=prod", 400, "instance_id parameter is missing\n"),
        ("?target=a", 400, "project parameter is missing\n"),
        ("?project=prod&instance_id=a&instance_id=b", 400, "instance_id parameter is given more than once\n"),
        ("?project=prod&project=prod&instance_id=a", 400, "project parameter is given more than once\n"),
        ("?project=nope&instance_id=a", 404, no_project),
        ("?project=Prod&instance_id=a", 404, no_project),
        ("?project=prod%00&instance_id=a", 404, no_project),
        ("?project=prod&instance_id=nope", 404, no_instance),
        ("?project=test&instance_id=b", 404, no_instance),
        ("?project=prod&instance_id=%3Cscript%3E", 404, no_instance),
        ("?project=prod&instance_id=%FF%FE", 404, no_instance),
    ] {
        let answer = client.get(&format!("/probe{query}")).await;
        assert_eq!((answer.status, answer.text().as_str()), (status, text), "{query}");
        assert_eq!(answer.header("content-type"), Some("text/plain; charset=utf-8"), "{query}");
    }
    let long = client.get(&format!("/probe?project=prod&instance_id={}", "x".repeat(8000))).await;
    assert_eq!((long.status, long.text().as_str()), (404, no_instance));
}

#[tokio::test]
async fn the_series_are_those_of_one_instance_as_on_metrics() {
    let server = server().await;
    let mut client = server.connect().await;
    let mut scraped = String::new();
    families::write(&picture(), fleet::now(), &mut scraped);
    let lines = |text: &str, part: &str| -> Vec<String> {
        let is_steady = |line: &&str| {
            !line.contains("_age_seconds{") && !line.contains("_scheduled_") && !line.contains("_failures{")
        };
        text.lines().filter(|line| line.contains(part)).filter(is_steady).map(str::to_owned).collect()
    };
    let plain = client.ask("GET", PROBE, "Accept: text/plain\r\n").await.text();
    let labels = "{project=\"prod\",instance_id=\"a\",";
    let expected: Vec<String> = lines(&scraped, labels)
        .into_iter()
        .map(|line| if line.starts_with("dcs_poll_success") { line.replace("} 1", "} 0") } else { line })
        .collect();
    assert!(expected.len() > 50, "{}", expected.len());
    assert_eq!(lines(&plain, "{"), expected, "the last facts, and that they could not be asked for now");
    assert!(!plain.contains("dcs_project_") && !plain.contains("dcs_exporter_") && !plain.contains("process_"));
    let families = strict::read(&plain, Format::Text);
    for name in ["dcs_backup_last_success_age_seconds", "dcs_backup_next_scheduled_timestamp_seconds"] {
        assert_eq!(families[name].samples.len(), 1, "{name}");
    }
    let of_metrics = strict::read(&client.get("/metrics").await.text(), Format::Text);
    for (name, family) in &families {
        assert_eq!((&family.help, &family.kind), (&of_metrics[name].help, &of_metrics[name].kind), "{name}");
    }
    // The same in OpenMetrics, compressed or not.
    let accept = "Accept: application/openmetrics-text;version=1.0.0\r\n";
    let open = client.ask("GET", PROBE, accept).await;
    assert_eq!(open.header("content-type"), Some("application/openmetrics-text; version=1.0.0; charset=utf-8"));
    assert_eq!(
        (open.header("vary"), open.header("cache-control")),
        (Some("Accept, Accept-Encoding"), Some("no-store"))
    );
    assert!(strict::read(&open.text(), Format::OpenMetrics).keys().eq(families.keys()));
    let zipped = client.ask("GET", PROBE, &format!("{accept}Accept-Encoding: gzip\r\n")).await;
    assert_eq!(zipped.header("content-encoding"), Some("gzip"));
    assert!(strict::read(&zipped.unzipped(), Format::OpenMetrics).keys().eq(families.keys()));
    // An id is decoded.
    let odd = client.get("/probe?instance_id=c+%2F%26%2B%e7%bc%93&project=%70rod&module=x").await;
    assert_eq!(odd.status, 200);
    assert!(odd.text().contains("instance_id=\"c /&+\u{7f13}\""));
}

#[tokio::test]
async fn the_answer_comes_before_the_scrape_times_out_with_the_last_facts() {
    let server = Server::start(picture(), Bounds::default()).await;
    let mut client = server.connect().await;
    let begun = Instant::now();
    let answer = client.ask("GET", PROBE, "X-Prometheus-Scrape-Timeout-Seconds: 0.6\r\n").await;
    assert!((Duration::from_millis(300)..Duration::from_secs(5)).contains(&begun.elapsed()), "{:?}", begun.elapsed());
    assert_eq!(answer.status, 200);
    let families = strict::read(&answer.text(), Format::Text);
    assert!(families["dcs_poll_success"].samples.iter().all(|sample| sample.value == 0.0));
    assert_eq!(families["dcs_poll_success"].samples.len(), 3);
    assert_eq!(families["dcs_backup_last_success_timestamp_seconds"].samples.len(), 1);
}

#[tokio::test]
async fn those_who_wait_keep_nobody_out() {
    let bounds = Bounds { probes: 2, scrapes: 1, ..Bounds::default() };
    let server = Server::start(picture(), bounds).await;
    let mut waiting = Vec::new();
    for _ in 0..2 {
        let mut client = server.connect().await;
        client
            .send(&format!("GET {PROBE} HTTP/1.1\r\nHost: x\r\nX-Prometheus-Scrape-Timeout-Seconds: 60\r\n\r\n"))
            .await;
        waiting.push(client);
    }
    let mut client = server.connect().await;
    // Whoever comes when both places are taken is answered at once.
    eventually("both places are taken", async || {
        let begun = Instant::now();
        let answer = client.ask("GET", PROBE, "X-Prometheus-Scrape-Timeout-Seconds: 0.2\r\n").await;
        assert_eq!(answer.status, 200);
        assert!(answer.text().contains(
            "dcs_poll_success{project=\"prod\",instance_id=\"a\",instance_name=\"orders\",operation=\"backups\"} 0"
        ));
        begun.elapsed() < Duration::from_millis(100)
    })
    .await;
    assert_eq!(client.get("/metrics").await.status, 200, "the only place for scrapes is free");
    assert_eq!(client.get("/-/healthy").await.status, 200);
}

#[tokio::test]
async fn an_instance_that_vanishes_meanwhile_is_not_found() {
    let server = Server::start(picture(), Bounds::default()).await;
    let mut client = server.connect().await;
    client.send(&format!("GET {PROBE} HTTP/1.1\r\nHost: x\r\nX-Prometheus-Scrape-Timeout-Seconds: 1\r\n\r\n")).await;
    let mut other = server.connect().await;
    assert_eq!(other.get("/-/healthy").await.status, 200);
    server.snapshots.send(snapshot(vec![project("prod", Vec::new())])).unwrap();
    assert_eq!(client.answer(false).await.status, 404);
}
