//! Every route, by every method, as clients of all kinds ask for it.

use std::sync::Arc;
use std::time::Duration;

use dcs_backup_exporter::exposition::Format;
use dcs_backup_exporter::snapshot::{ProjectView, Snapshot};
use dcs_backup_exporter::web::Bounds;

use crate::fleet::{self, empty, full, project, snapshot};
use crate::server::{Answer, Server};
use crate::strict;

const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
const PLAIN: &str = "text/plain; charset=utf-8";

async fn server() -> Server {
    let fleet = snapshot(vec![project("prod", vec![full("a", "orders"), empty("b", "缓存 \"2\"")])]);
    Server::start(fleet, Bounds::default()).await
}

/// The headers that an answer to HEAD shares with the one to GET; lengths of what tells ages differ from time to time.
fn shared_headers(answer: &Answer) -> Vec<(String, String)> {
    let mut headers = answer.headers.clone();
    headers.retain(|(name, _)| name != "date" && name != "content-length");
    headers
}

#[tokio::test]
async fn every_route_by_every_method() {
    let fleet = snapshot(vec![project("prod", vec![full("a", "orders")])]);
    let server = Server::start_without_poller(fleet, Bounds::default()).await;
    let mut client = server.connect().await;
    for (path, status, content_type) in [
        ("/metrics", 200, TEXT),
        ("/metrics?a=b&c", 200, TEXT),
        ("/-/healthy", 200, PLAIN),
        ("/-/ready", 200, PLAIN),
        ("/probe?project=prod&instance_id=a", 200, TEXT),
        ("/api/v1/instances", 200, "application/json"),
        ("/api/v1/instances?limit=1&name=ord", 200, "application/json"),
        ("/", 200, "text/html; charset=utf-8"),
        ("/?verdict=stale&refresh=30", 200, "text/html; charset=utf-8"),
        ("/?x", 200, "text/html; charset=utf-8"),
        ("/metrics/", 404, PLAIN),
        ("//metrics", 404, PLAIN),
        ("/Metrics", 404, PLAIN),
        ("/%6detrics", 404, PLAIN),
        ("/favicon.ico", 404, PLAIN),
        ("/-/reload", 404, PLAIN),
        ("/probe/", 404, PLAIN),
        ("/api/v1/instances/", 404, PLAIN),
        ("/api/v1", 404, PLAIN),
        ("/-/", 404, PLAIN),
        ("/..%2f..%2fetc%2fpasswd", 404, PLAIN),
    ] {
        let got = client.get(path).await;
        assert_eq!((got.status, got.header("content-type")), (status, Some(content_type)), "GET {path}");
        assert!(!got.body.is_empty(), "GET {path}");
        assert_eq!(got.header("x-content-type-options"), Some("nosniff"), "GET {path}");
        let head = client.ask("HEAD", path, "").await;
        assert_eq!(head.status, status, "HEAD {path}");
        assert_eq!(shared_headers(&head), shared_headers(&got), "HEAD {path}");
        let length = head.header("content-length").unwrap();
        let tells_ages =
            ["/metrics", "/probe?", "/api/", "/?"].iter().any(|begin| path.starts_with(begin)) || path == "/";
        assert!(tells_ages || length == got.body.len().to_string(), "HEAD {path}: {length}");
        assert!(length.parse::<usize>().unwrap() > 0, "HEAD {path}");
        for method in ["POST", "OPTIONS", "PUT", "DELETE", "PATCH", "TRACE", "BREW"] {
            let refused = client.ask(method, path, "Content-Length: 0\r\n").await;
            let expected = if status == 404 { (404, None) } else { (405, Some("GET, HEAD")) };
            assert_eq!((refused.status, refused.header("allow")), expected, "{method} {path}");
        }
    }
    assert_eq!(client.ask("OPTIONS", "*", "").await.status, 404);
    assert_eq!(client.get("http://exporter/-/healthy").await.status, 200, "the form for proxies");
}

#[tokio::test]
async fn metrics_come_in_the_format_that_is_asked_for() {
    let server = server().await;
    let mut client = server.connect().await;
    for (accept, content_type, format) in [
        ("", TEXT, Format::Text),
        ("Accept: */*\r\n", TEXT, Format::Text),
        (
            "Accept: application/openmetrics-text;version=1.0.0;q=0.6,text/plain;version=0.0.4;q=0.3,*/*;q=0.1\r\n",
            OPEN_METRICS,
            Format::OpenMetrics,
        ),
        ("Accept: application/openmetrics-text\r\naccept: text/plain;q=0.9\r\n", OPEN_METRICS, Format::OpenMetrics),
        ("Accept: application/openmetrics-text;q=0.1, text/plain\r\n", TEXT, Format::Text),
    ] {
        let answer = client.ask("GET", "/metrics", accept).await;
        assert_eq!(answer.header("content-type"), Some(content_type), "{accept}");
        assert_eq!(answer.header("vary"), Some("Accept, Accept-Encoding"));
        assert_eq!(answer.header("content-encoding"), None);
        let families = strict::read(&answer.text(), format);
        assert_eq!(families["dcs_backup_supported"].samples[1].label("instance_name"), Some("缓存 \"2\""));
    }
}

#[tokio::test]
async fn metrics_are_compressed_where_that_is_accepted() {
    let server = server().await;
    let mut client = server.connect().await;
    let plain = client.get("/metrics").await;
    let zipped = client.ask("GET", "/metrics", "Accept-Encoding: gzip\r\n").await;
    assert_eq!(zipped.header("content-encoding"), Some("gzip"));
    assert!(zipped.body.len() * 4 < plain.body.len(), "{} of {}", zipped.body.len(), plain.body.len());
    let names = |text: &str| strict::read(text, Format::Text).into_keys().collect::<Vec<_>>();
    assert_eq!(names(&zipped.unzipped()), names(&plain.text()));
    let open_metrics =
        client.ask("GET", "/metrics", "Accept: application/openmetrics-text\r\nAccept-Encoding: gzip\r\n").await;
    strict::read(&open_metrics.unzipped(), Format::OpenMetrics);
    let refused = client.ask("GET", "/metrics", "Accept-Encoding: gzip;q=0, *;q=0.5\r\n").await;
    assert_eq!(refused.header("content-encoding"), None);
    strict::read(&refused.text(), Format::Text);
    let head = client.ask("HEAD", "/metrics", "Accept-Encoding: gzip\r\n").await;
    assert_eq!(head.header("content-encoding"), Some("gzip"));
}

#[tokio::test]
async fn a_real_client_reads_a_large_fleet() {
    let server = Server::start(fleet::large(300), Bounds::default()).await;
    let response = reqwest::get(server.url("/metrics")).await.unwrap();
    assert_eq!(response.status(), 200);
    let text = response.text().await.unwrap(); // asked for and unpacked gzip by itself
    let families = strict::read(&text, Format::Text);
    assert_eq!(families["dcs_backup_last_success_timestamp_seconds"].samples.len(), 300);
}

#[tokio::test]
async fn the_telemetry_path_can_be_moved() {
    let server = Server::start_at(Arc::default(), Bounds::default(), "/deep/er").await;
    let mut client = server.connect().await;
    assert_eq!(client.get("/deep/er").await.header("content-type"), Some(TEXT));
    assert_eq!(client.get("/metrics").await.status, 404);
    assert!(client.get("/").await.text().contains(r#"href="./deep/er""#));
    let server = Server::start_at(Arc::default(), Bounds::default(), "/").await;
    assert_eq!(server.connect().await.get("/").await.header("content-type"), Some(TEXT));
}

#[tokio::test]
async fn readiness_is_a_latch() {
    let untried = |name: &str| ProjectView { tried: false, ..project(name, Vec::new()) };
    let server = Server::start(Arc::new(Snapshot::default()), Bounds::default()).await;
    let mut client = server.connect().await;
    let unready = client.get("/-/ready").await;
    assert_eq!((unready.status, unready.text().as_str()), (503, "not ready: waiting for the poller to start\n"));
    server.snapshots.send(snapshot(vec![untried("one"), project("two", Vec::new()), untried("three")])).unwrap();
    let unready = client.get("/-/ready").await;
    assert_eq!(unready.status, 503);
    assert_eq!(unready.text(), "not ready: waiting for the first request to the cloud for projects one, three\n");
    assert_eq!(client.get("/-/healthy").await.status, 200);
    assert_eq!(client.get("/metrics").await.status, 200);
    server.snapshots.send(snapshot(vec![project("one", Vec::new())])).unwrap();
    let ready = client.get("/-/ready").await;
    assert_eq!((ready.status, ready.text().as_str()), (200, "ready\n"));
    server.snapshots.send(snapshot(vec![untried("one")])).unwrap();
    assert_eq!(client.get("/-/ready").await.status, 200);
}

#[tokio::test]
async fn a_moment_of_readiness_counts_even_if_nobody_asked() {
    let server = Server::start(snapshot(vec![project("one", Vec::new())]), Bounds::default()).await;
    let mut client = server.connect().await;
    client.get("/-/healthy").await; // the server runs, and with it the watch
    tokio::time::sleep(Duration::from_millis(50)).await;
    server.snapshots.send(snapshot(vec![ProjectView { tried: false, ..project("one", Vec::new()) }])).unwrap();
    assert_eq!(client.get("/-/ready").await.status, 200);
}

#[tokio::test]
async fn connections_are_used_again() {
    let server = server().await;
    let mut client = server.connect().await;
    for _ in 0..50 {
        assert_eq!(client.get("/-/healthy").await.status, 200);
    }
    assert_eq!(client.ask("POST", "/metrics", "Content-Length: 5\r\n\r\nhello").await.status, 405);
    let last = client.ask("GET", "/metrics", "Connection: close\r\n").await;
    assert_eq!(last.header("connection"), Some("close"));
    assert!(client.rest().await.is_empty());
}

#[tokio::test]
async fn pipelined_requests_are_answered_in_order() {
    let server = server().await;
    let mut client = server.connect().await;
    let paths = ["/-/healthy", "/metrics", "/nowhere", "/-/ready", "/metrics", "/"];
    let requests: Vec<String> = paths.iter().map(|path| format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n")).collect();
    client.send(&requests.concat()).await;
    let mut statuses = Vec::new();
    for path in paths {
        let answer = client.answer(false).await;
        assert_eq!(answer.header("vary").is_some(), matches!(path, "/metrics" | "/"), "{path}");
        statuses.push(answer.status);
    }
    assert_eq!(statuses, [200, 200, 404, 200, 200, 200]);
}

#[tokio::test]
async fn old_clients_and_half_closed_ones_get_their_answer() {
    let server = server().await;
    let mut client = server.connect().await;
    client.send("GET /metrics HTTP/1.0\r\n\r\n").await;
    tokio::io::AsyncWriteExt::shutdown(&mut client.0).await.unwrap(); // as `nc -N` does
    let answer = String::from_utf8(client.rest().await).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.0 200 OK"), "{head}");
    strict::read(body, Format::Text);
}

#[tokio::test]
async fn what_is_no_http_is_refused_and_harms_nobody() {
    let server = server().await;
    for (request, statuses) in [
        ("hello\r\n\r\n".to_owned(), "400"),
        ("GET /metrics\r\n\r\n".to_owned(), "400"),
        ("GET /metrics HTTP/9.9\r\n\r\n".to_owned(), "400"),
        ("GET /metrics HTTP/1.1\r\nbad header\r\n\r\n".to_owned(), "400"),
        ("GET /metrics HTTP/1.1\r\nContent-Length: x\r\n\r\n".to_owned(), "400"),
        ("\u{16}\u{3}\u{1}\u{2}\0\u{1}".to_owned(), "400"), // the beginning of TLS
        (format!("GET /{} HTTP/1.1\r\n\r\n", "x".repeat(100_000)), "414 431"),
        (format!("GET / HTTP/1.1\r\nX: {}\r\n\r\n", "x".repeat(100_000)), "431"),
        (format!("GET / HTTP/1.1\r\n{}\r\n", "X: y\r\n".repeat(200)), "431"),
    ] {
        let mut client = server.connect().await;
        client.send(&request).await;
        let answer = String::from_utf8_lossy(&client.rest().await).into_owned();
        let status = answer.split(' ').nth(1).unwrap_or_default();
        assert!(statuses.split(' ').any(|expected| expected == status), "{request:.40} → {answer}");
    }
    assert_eq!(server.connect().await.get("/-/healthy").await.status, 200);
}

#[tokio::test]
async fn the_body_of_a_request_is_not_read() {
    let server = server().await;
    let mut client = server.connect().await;
    client.send("GET /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 10000000000\r\n\r\n").await;
    client.send(&"x".repeat(100_000)).await;
    assert_eq!(client.answer(false).await.status, 200);
    client.rest().await;
    let mut client = server.connect().await;
    client
        .send("POST /metrics HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n")
        .await;
    assert_eq!(client.answer(false).await.status, 405);
    client.rest().await;
}
