use std::fmt::Write;
use std::time::Duration;

use dcs_backup_exporter::simulator::{Fault, FaultKind, Options};
use reqwest::Method;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::client::{Cloud, Signer};

const TARGETS: [&str; 3] = ["", "/backups", "/restores"];

fn fault(text: &str) -> Fault {
    text.parse().unwrap()
}

fn target(cloud: &Cloud, rest: &str) -> String {
    Cloud::path("v2", &format!("/{}{rest}", cloud.id("orders-cache")))
}

#[tokio::test]
async fn faults_that_are_answers() {
    let cloud = Cloud::usual().await;
    for (kind, status, code) in [
        ("throttle", 429, "APIGW.0308"),
        ("401", 401, "APIGW.0301"),
        ("403", 403, "DCS.2007"),
        ("404", 404, "DCS.3022"),
    ] {
        cloud.handle.set_faults([fault(kind)]);
        for rest in TARGETS {
            let got = cloud.get(&target(&cloud, rest)).await;
            assert_eq!((got.status, got.code().as_str()), (status, code), "{kind} {rest}");
        }
    }
    let v1 = Cloud::path("v1.0", &format!("/{}/backups", cloud.id("orders-cache")));
    assert_eq!(cloud.get(&v1).await.code(), "111404022");
    cloud.handle.set_faults([]);
    assert_eq!(cloud.get(&v1).await.status, 200);
}

#[tokio::test]
async fn throttling_may_say_how_long_to_wait() {
    let cloud = Cloud::start(Options { faults: vec![fault("throttle")], ..Options::default() }).await;
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..20 {
        let got = cloud.get(&target(&cloud, "")).await;
        seen.insert(got.headers.get("retry-after").map(|seconds| seconds.to_str().unwrap().to_owned()));
    }
    assert_eq!(seen, [None, Some("1".to_owned())].into());
}

#[tokio::test]
async fn flaky_answers_every_kind_of_50x_now_and_then() {
    let cloud = Cloud::start(Options { faults: vec![fault("flaky=0.5")], ..Options::default() }).await;
    let target = target(&cloud, "");
    let mut seen = std::collections::BTreeMap::<u16, u32>::new();
    for _ in 0..80 {
        let got = cloud.get(&target).await;
        *seen.entry(got.status).or_default() += 1;
        if got.status == 502 {
            assert!(got.text.starts_with("<html>") && got.headers["content-type"] == "text/html");
        }
    }
    assert_eq!(seen.keys().copied().collect::<Vec<_>>(), [200, 500, 502, 503, 504], "{seen:?}");
    assert!((20..60).contains(&seen[&200]), "{seen:?}");
}

#[tokio::test]
async fn what_strikes_whom_is_the_same_in_every_run() {
    let run = async || {
        let faults = vec![fault("403=0.3"), fault("flaky=0.3")];
        let cloud = Cloud::start(Options { faults, ..Options::default() }).await;
        let mut statuses = Vec::new();
        for _ in 0..12 {
            for rest in TARGETS {
                statuses.push(cloud.get(&target(&cloud, rest)).await.status);
            }
        }
        statuses
    };
    assert_eq!(run().await, run().await);
}

#[tokio::test]
async fn a_fault_of_one_instance_leaves_the_others_alone() {
    let cloud = Cloud::usual().await;
    let (one, other) = (cloud.id("orders-cache"), cloud.id("geo-index"));
    for name in ["orders-cache", &one] {
        cloud.handle.set_faults([Fault::always(FaultKind::Html).on(name)]);
        let html = cloud.get(&Cloud::path("v2", &format!("/{one}/backups"))).await;
        assert_eq!((html.status, html.headers["content-type"].to_str().unwrap()), (200, "text/html;charset=utf-8"));
        assert!(html.text.starts_with("<html>"));
        cloud.get(&Cloud::path("v2", &format!("/{other}/backups"))).await.json();
        assert_eq!(cloud.get(&Cloud::path("v2", "")).await.json()["instance_num"], 12);
    }
}

#[tokio::test]
async fn garbage_cannot_be_read_as_records() {
    let cloud = Cloud::start(Options { faults: vec![fault("garbage")], ..Options::default() }).await;
    for rest in ["/backups", "/restores"] {
        for _ in 0..20 {
            let response = cloud.signed(&Method::GET, &target(&cloud, rest), &Signer::default()).send().await.unwrap();
            assert_eq!(response.status(), 200);
            let body = response.bytes().await.unwrap();
            if let Ok(body) = serde_json::from_slice::<serde_json::Value>(&body) {
                let list = &body["backup_record_response"];
                assert!(!list.is_array() && !body["restore_record_response"].is_array(), "{body}");
            }
        }
    }
}

/// A signed request as it is on the wire.
fn request(cloud: &Cloud, target: &str) -> String {
    let request = cloud.signed(&Method::GET, target, &Signer::default()).build().unwrap();
    let mut text = format!("GET {target} HTTP/1.1\r\nHost: {}\r\n", cloud.handle.addr());
    for (name, value) in request.headers() {
        write!(text, "{name}: {}\r\n", value.to_str().unwrap()).unwrap();
    }
    text + "\r\n"
}

/// The raw bytes of the answers on one connection, and how it ended.
async fn send(cloud: &Cloud, requests: &str) -> (String, std::io::Result<()>) {
    let mut socket = tokio::net::TcpStream::connect(cloud.handle.addr()).await.unwrap();
    socket.write_all(requests.as_bytes()).await.unwrap();
    let mut bytes = Vec::new();
    let ended = socket.read_to_end(&mut bytes).await;
    (String::from_utf8(bytes).unwrap(), ended.map(|_| ()))
}

#[tokio::test]
async fn a_truncated_body_is_shorter_than_it_says() {
    let cloud = Cloud::start(Options { faults: vec![fault("truncate")], ..Options::default() }).await;
    for rest in ["/backups?limit=1000", ""] {
        let (answer, _) = send(&cloud, &request(&cloud, &target(&cloud, rest))).await;
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
        let length: usize = length.parse().unwrap();
        assert!(head.starts_with("HTTP/1.1 200"), "{head}");
        assert_eq!(body.len(), length / 2);
        assert!(body.starts_with('{'));
    }
    let empty = Cloud::path("v2", &format!("/{}/backups", cloud.id("rate-limiter")));
    assert!(cloud.try_get(&empty, &Signer::default()).await.is_err());
    cloud.handle.set_faults([]);
    assert_eq!(cloud.get(&empty).await.status, 204);
}

#[tokio::test]
async fn a_reset_is_a_reset() {
    let cloud = Cloud::start(Options { faults: vec![fault("reset")], ..Options::default() }).await;
    let (answer, ended) = send(&cloud, &request(&cloud, &target(&cloud, ""))).await;
    assert_eq!(answer, "");
    assert_eq!(ended.unwrap_err().kind(), std::io::ErrorKind::ConnectionReset);
    assert!(cloud.try_get(&target(&cloud, ""), &Signer::default()).await.is_err());
    cloud.handle.set_faults([]);
    assert_eq!(cloud.get(&target(&cloud, "")).await.status, 200);
    assert!(cloud.handle.tally().by_status[&0] >= 2);
}

#[tokio::test]
async fn a_slow_answer_comes_late_and_whole() {
    let cloud = Cloud::usual().await;
    let delay = Duration::from_millis(300);
    let slow = Fault { delay: Some(delay), ..Fault::always(FaultKind::Slow).on("orders-cache") };
    cloud.handle.set_faults([slow, Fault::always(FaultKind::Forbidden).on("geo-index")]);
    let begun = tokio::time::Instant::now();
    assert_eq!(cloud.get(&target(&cloud, "")).await.status, 200);
    assert!(begun.elapsed() >= delay);
    assert_eq!(cloud.get(&Cloud::path("v2", &format!("/{}", cloud.id("geo-index")))).await.status, 403);
}

#[tokio::test]
async fn a_client_that_goes_away_while_it_waits_is_counted_out() {
    let cloud = Cloud::usual().await;
    let slow = Fault { delay: Some(Duration::from_mins(10)), ..Fault::always(FaultKind::Slow) };
    cloud.handle.set_faults([slow]);
    let request = cloud.signed(&Method::GET, &target(&cloud, ""), &Signer::default());
    request.timeout(Duration::from_millis(200)).send().await.unwrap_err();
    while cloud.handle.tally().by_status.is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(cloud.handle.tally().by_status[&0], 1);
    cloud.handle.set_faults([]);
    assert_eq!(cloud.get(&target(&cloud, "")).await.status, 200);
    assert_eq!(cloud.handle.tally().peak_concurrency, 1);
}

#[tokio::test]
async fn a_connection_survives_errors() {
    let cloud = Cloud::start(Options { faults: vec![fault("flaky=1@orders-cache")], ..Options::default() }).await;
    let known = Cloud::path("v2", &format!("/{}", cloud.id("geo-index")));
    let targets = [target(&cloud, "/backups"), Cloud::path("v2", "/none"), "/nothing".to_owned(), known];
    let requests: String = targets.iter().map(|target| request(&cloud, target)).collect();
    let (answers, ended) =
        send(&cloud, &format!("{requests}GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")).await;
    assert!(ended.is_ok());
    assert_eq!(answers.matches("HTTP/1.1 ").count(), targets.len() + 1, "{answers}");
    assert_eq!(answers.matches("HTTP/1.1 200 OK").count(), 2, "{answers}");
}

#[tokio::test]
async fn a_wrong_signature_is_refused_before_faults_strike() {
    let cloud = Cloud::start(Options { faults: vec![fault("html")], ..Options::default() }).await;
    let wrong = Signer { secret_key: "wrong".to_owned(), ..Signer::default() };
    let got = cloud.try_get(&target(&cloud, ""), &wrong).await.unwrap();
    assert_eq!((got.status, got.code().as_str()), (401, "APIGW.0301"));
}
