//! Clients that mean harm: whatever they send is answered or dropped, memory stays bounded, and scrapes go on.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use dcs_backup_exporter::commands::complain;
use dcs_backup_exporter::simulator::Options;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

use crate::harness::{Daemon, PATIENCE, cloud, configuration};

const DISCOVERY: &str = "  discovery: { enabled: true, interval: 1s }\n";

/// What a barrage may cost at most, in KiB: the places for connections with what each of them may hold.
const MOST_MEMORY: u64 = 64 << 10;

/// The places of the server, and what the daemon has open besides.
const MOST_FILES: usize = 512 + 64;

/// A daemon that is scraped all the time, as by a Prometheus that waits two seconds for an answer.
struct Scraped {
    daemon: Daemon,
    before: u64,
    ended: Arc<AtomicBool>,
    scrapes: Arc<AtomicU32>,
    scraping: JoinHandle<Duration>,
}

impl Scraped {
    async fn start() -> Self {
        let cloud = cloud(Options::default()).await;
        let daemon = Daemon::start(&configuration(&cloud, DISCOVERY)).await;
        daemon.scrape_until("the fleet", |series| series.sum(&["dcs_instance_info{"]).is_some()).await;
        let (before, _) = daemon.usage();
        let (ended, scrapes) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU32::new(0)));
        let (url, over, count) = (format!("{}/metrics", daemon.url), Arc::clone(&ended), Arc::clone(&scrapes));
        let scraping = tokio::spawn(async move {
            let mut slowest = Duration::ZERO;
            while !over.load(Ordering::Relaxed) {
                let begun = Instant::now();
                // Each time by a new connection, which is harder to get.
                let client = reqwest::Client::builder().timeout(Duration::from_secs(10)).build().unwrap();
                let answer = client.get(&url).send().await.expect("a scrape is answered");
                assert_eq!(answer.status(), 200);
                assert!(answer.text().await.expect("whole").contains("dcs_instance_info"));
                slowest = slowest.max(begun.elapsed());
                count.fetch_add(1, Ordering::Relaxed);
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            slowest
        });
        Self { daemon, before, ended, scrapes, scraping }
    }

    async fn connect(&self) -> TcpStream {
        let address = self.daemon.url.trim_start_matches("http://");
        tokio::time::timeout(PATIENCE, TcpStream::connect(address)).await.expect("in time").unwrap()
    }

    /// Waits for so many more scrapes.
    async fn scrapes(&self, more: u32) {
        let enough = self.scrapes.load(Ordering::Relaxed) + more;
        let begun = Instant::now();
        while self.scrapes.load(Ordering::Relaxed) < enough {
            assert!(begun.elapsed() < PATIENCE && !self.scraping.is_finished(), "scrapes do not go on");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    fn assert_bounded(&self, what: &str) {
        let (now, files) = self.daemon.usage();
        assert!(now < self.before + MOST_MEMORY, "{what}: {} KiB before, {now} KiB now", self.before);
        assert!(files < MOST_FILES, "{what}: {files} files are open");
    }

    /// Scrapes went on, and the daemon is as well as ever.
    async fn end(self, what: &str) {
        self.scrapes(3).await;
        self.assert_bounded(what);
        self.ended.store(true, Ordering::Relaxed);
        let slowest = self.scraping.await.unwrap();
        assert!(slowest < Duration::from_secs(8), "{what}: a scrape took {slowest:?}");
        let (after, files) = self.daemon.usage();
        let before = self.before;
        complain(format_args!("{what}: {before} KiB before, {after} after, {files} files, slowest scrape {slowest:?}"));
        assert_eq!(self.daemon.get("/-/healthy").await.status(), 200);
        assert_eq!(self.daemon.stop().await.0.code(), Some(0));
    }
}

/// What the server sends until it has enough, or until it waits for more.
async fn answer_to(scraped: &Scraped, bytes: &[u8]) -> String {
    let mut stream = scraped.connect().await;
    // It may have had enough before the end.
    let _ = stream.write_all(bytes).await;
    let _ = stream.shutdown().await;
    let mut answer = Vec::new();
    let _ = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut answer)).await.expect("it ends the connection");
    String::from_utf8_lossy(&answer).into_owned()
}

fn statuses(answer: &str) -> Vec<&str> {
    answer.split("HTTP/1.").skip(1).map(|part| part.split(' ').nth(1).unwrap_or("")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_idle_connections_keep_no_scrape_out() {
    const IDLE: usize = 10_000;
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    let enough = rustix::process::Rlimit { current: limit.maximum, ..limit };
    rustix::process::setrlimit(rustix::process::Resource::Nofile, enough).unwrap();
    assert!(limit.maximum.is_none_or(|most| most > IDLE as u64 + 1000), "this test needs 11 000 files: ulimit -Hn");
    let scraped = Scraped::start().await;
    let mut held = Vec::new();
    for number in 0..IDLE {
        let mut stream = scraped.connect().await;
        // Nothing, the beginning of a head, and a request whose answer nobody reads.
        let beginning =
            [&b""[..], b"GET / HTTP/1.1\r\nX-Wait: ", b"GET /-/healthy HTTP/1.1\r\nHost: x\r\n\r\n"][number % 3];
        let _ = stream.write_all(beginning).await;
        held.push(stream);
        if number % 1000 == 999 {
            scraped.assert_bounded("while they come");
        }
    }
    scraped.scrapes(20).await;
    assert_eq!(held.len(), IDLE);
    scraped.end("10 000 idle connections").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn drop_by_drop_is_no_way_to_keep_a_place() {
    let scraped = Arc::new(Scraped::start().await);
    let ended = Arc::new(AtomicBool::new(false));
    let mut drips = tokio::task::JoinSet::new();
    for _ in 0..1000 {
        let (scraped, ended) = (Arc::clone(&scraped), Arc::clone(&ended));
        drips.spawn(async move {
            while !ended.load(Ordering::Relaxed) {
                let mut stream = scraped.connect().await;
                let _ = stream.write_all(b"GET / HTTP/1.1\r\n").await;
                while !ended.load(Ordering::Relaxed) && stream.write_all(b"X: y\r\n").await.is_ok() {
                    tokio::time::sleep(Duration::from_millis(200)).await;
                }
            }
        });
    }
    scraped.scrapes(8).await;
    scraped.assert_bounded("while they drip");
    ended.store(true, Ordering::Relaxed);
    drips.join_all().await;
    Arc::into_inner(scraped).unwrap().end("1000 heads drop by drop").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_could_be_two_requests_is_never_answered_as_two() {
    const HIDDEN: &str = "GET /-/healthy HTTP/1.1\r\nHost: hidden\r\n\r\n";
    let scraped = Scraped::start().await;
    let with = |headers: &str, body: &str| format!("POST /metrics HTTP/1.1\r\nHost: x\r\n{headers}\r\n{body}{HIDDEN}");
    let attempts = [
        with("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"),
        with("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", "0\r\n\r\n"),
        with("Content-Length: 0\r\nContent-Length: 44\r\n", ""),
        with("Content-Length: 44\r\nContent-Length: 0\r\n", ""),
        with("Content-Length: 0, 44\r\n", ""),
        with("Content-Length: +0\r\n", ""),
        with("Content-Length: -1\r\n", ""),
        with("Content-Length: 0x0\r\n", ""),
        with("Content-Length: 99999999999999999999\r\n", ""),
        with("Content-Length: \r\n", ""),
        with("Content-Length : 0\r\n", ""),
        with("Transfer-Encoding: chunked\r\n", "0\r\n\r\n"),
        with("Transfer-Encoding: chunked\r\n", "5\r\nabc\r\n0\r\n\r\n"),
        with("Transfer-Encoding: chunked\r\n", "zz\r\n"),
        with("Transfer-Encoding: chunked\r\n", "ffffffffffffffffff\r\nabc\r\n0\r\n\r\n"),
        with("Transfer-Encoding: chunked\r\n", "0;ext=\"\r\n\r\n\"\r\n\r\n"),
        with("Transfer-Encoding: chunked\r\n", "1\nA\n0\n\n"),
        with("Transfer-Encoding: xchunked\r\n", "0\r\n\r\n"),
        with("Transfer-Encoding: identity, chunked\r\n", "0\r\n\r\n"),
        with("Transfer-Encoding: chunked, identity\r\n", "0\r\n\r\n"),
        with("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", "0\r\n\r\n"),
        with("Transfer-Encoding:\x0bchunked\r\n", "0\r\n\r\n"),
        with("Transfer-Encoding : chunked\r\n", "0\r\n\r\n"),
        with(" Transfer-Encoding: chunked\r\n", "0\r\n\r\n"),
        with("X: a\r\n Transfer-Encoding: chunked\r\n", "0\r\n\r\n"),
        with("X: a\r\n\tfolded\r\n", ""),
        with("X: a\rTransfer-Encoding: chunked\r\n", ""),
        with("X: a\0b\r\n", ""),
        with("X\r\n", ""),
        with(": x\r\n", ""),
        with("Host: y\r\nContent-Length: 0\r\n", ""),
        format!("GET /metrics HTTP/1.1\r\n\r\n{HIDDEN}"),
        format!("GET /metrics HTTP/1.1 \r\nHost: x\r\n\r\n{HIDDEN}"),
        format!("GET /metrics HTTP/1.9\r\nHost: x\r\n\r\n{HIDDEN}"),
        format!("GET /metrics HTTP/0.9\r\n\r\n{HIDDEN}"),
        format!("GET  /metrics HTTP/1.1\r\nHost: x\r\n\r\n{HIDDEN}"),
        format!("GET /metrics\r\n\r\n{HIDDEN}"),
        format!("GET /met\0rics HTTP/1.1\r\nHost: x\r\n\r\n{HIDDEN}"),
        format!("GE\x01T /metrics HTTP/1.1\r\nHost: x\r\n\r\n{HIDDEN}"),
        format!("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n{HIDDEN}"),
    ];
    for attempt in &attempts {
        let answer = answer_to(&scraped, attempt.as_bytes()).await;
        let statuses = statuses(&answer);
        assert!(statuses.len() <= 1, "{attempt:?} was answered {statuses:?}");
        assert!(!answer.contains("healthy\n"), "{attempt:?} was answered {answer:?}");
        assert!(
            statuses.iter().all(|status| matches!(*status, "400" | "405" | "431" | "505")),
            "{attempt:?}: {answer}"
        );
    }
    // Two requests that are two are answered as two.
    let two = format!("POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc{HIDDEN}");
    assert_eq!(statuses(&answer_to(&scraped, two.as_bytes()).await), ["405", "200"]);
    scraped.end("smuggled requests").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn oversized_requests_cost_no_memory() {
    let scraped = Arc::new(Scraped::start().await);
    let line = |length: usize| format!("GET /{} HTTP/1.1\r\nHost: x\r\n\r\n", "a".repeat(length));
    let headers = |count: usize, length: usize| {
        let header = format!("X-{}: {}\r\n", "n".repeat(8), "v".repeat(length));
        format!("GET /-/healthy HTTP/1.1\r\nHost: x\r\n{}\r\n", header.repeat(count))
    };
    for (request, status) in [
        (line(8_000), Some("404")),
        (line(70_000), Some("414")),
        (line(4 << 20), None),
        (headers(50, 100), Some("200")),
        (headers(101, 1), Some("431")),
        (headers(1, 20_000), Some("431")),
        (headers(10_000, 100), None),
        (headers(1, 8 << 20), None),
    ] {
        let answer = answer_to(&scraped, request.as_bytes()).await;
        let found = statuses(&answer);
        match status {
            Some(status) if found.is_empty() && status.starts_with('4') => {} // dropped
            Some(status) => {
                assert!(found == [status] || status == "414" && found == ["431"], "{status}: {answer:.200}");
            }
            // The answer may be lost with what was still being sent.
            None => assert!(found.iter().all(|status| ["414", "431"].contains(status)), "{answer:.200}"),
        }
    }
    let mut senders = tokio::task::JoinSet::new();
    for number in 0..64 {
        let scraped = Arc::clone(&scraped);
        senders.spawn(async move {
            // Eight megabytes each: as the body of a request, as a head, and as a body by chunks.
            let begin = match number % 3 {
                0 => "POST /-/reload HTTP/1.1\r\nHost: x\r\nContent-Length: 8388608\r\n\r\n",
                1 => "GET / HTTP/1.1\r\nHost: x\r\nX: ",
                _ => "POST /metrics HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n800000\r\n",
            };
            let mut stream = scraped.connect().await;
            let _ = stream.write_all(begin.as_bytes()).await;
            let bit = vec![b'x'; 1 << 16];
            for _ in 0..128 {
                if stream.write_all(&bit).await.is_err() {
                    break;
                }
            }
        });
    }
    senders.join_all().await;
    Arc::into_inner(scraped).unwrap().end("oversized requests").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn paths_lead_nowhere_but_to_their_pages() {
    let scraped = Scraped::start().await;
    let long = format!("/{}", "../".repeat(2000));
    for (target, status) in [
        ("/metrics/", "404"),
        ("//metrics", "404"),
        ("/./metrics", "404"),
        ("/../metrics", "404"),
        ("/-/../metrics", "404"),
        ("/%2e%2e/metrics", "404"),
        ("/..%2fmetrics", "404"),
        ("/%6detrics", "404"),
        ("/metrics%00", "404"),
        ("/metrics%0d%0aX:y", "404"),
        ("/metrics;a=b", "404"),
        ("/METRICS", "404"),
        ("/..\\..\\etc\\passwd", "404"),
        ("/etc/passwd", "404"),
        ("/../../../../etc/passwd", "404"),
        ("/api/v1/../../metrics", "404"),
        (&long, "404"),
        ("/metrics?../../etc/passwd", "200"),
        ("/metrics#fragment", "200"),
        ("http://elsewhere.example/metrics", "200"),
        ("http://elsewhere.example/etc/passwd", "404"),
        ("*", "404"),
        ("metrics", "404"),
        ("/met rics", "400"),
        ("/m\u{e9}trics", "404"),
        ("/<script>alert(1)</script>", "404"),
    ] {
        let request = format!("GET {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        let answer = answer_to(&scraped, request.as_bytes()).await;
        let found = statuses(&answer);
        assert!(found == [status] || status == "404" && found == ["400"], "{target}: {answer:.300}");
        for part in ["root:", "<script>", "X:y", "elsewhere", "fragment"] {
            assert!(!answer.contains(part), "{target} comes back: {answer:.300}");
        }
    }
    for request in ["CONNECT elsewhere.example:443", "TRACE /metrics", "DELETE /", "PUT /metrics", "OPTIONS *", "FOO /"]
    {
        let request = format!("{request} HTTP/1.1\r\nHost: x\r\nX-Canary: bird\r\nConnection: close\r\n\r\n");
        let answer = answer_to(&scraped, request.as_bytes()).await;
        assert!(matches!(statuses(&answer)[..], ["404" | "405"]), "{request}: {answer}");
        assert!(!answer.contains("bird"), "{request}: {answer}");
    }
    scraped.end("tricks with paths").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_has_headers_that_keep_browsers_careful() {
    let scraped = Scraped::start().await;
    for path in ["/", "/metrics", "/-/healthy", "/-/ready", "/api/v1/instances", "/probe", "/nonsense", "/-/reload"] {
        let answer = scraped.daemon.get(path).await;
        let header = |name: &str| answer.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
        assert_eq!(header("x-content-type-options").as_deref(), Some("nosniff"), "{path}");
        assert_eq!(header("server"), None, "{path}");
        let is_page = header("content-type").is_some_and(|kind| kind.starts_with("text/html"));
        assert_eq!(is_page, path == "/");
        if is_page {
            assert_eq!(header("x-frame-options").as_deref(), Some("deny"));
            assert_eq!(header("referrer-policy").as_deref(), Some("no-referrer"));
            let policy = header("content-security-policy").unwrap();
            for part in ["default-src 'none'", "base-uri 'none'", "frame-ancestors 'none'"] {
                assert!(policy.contains(part), "{policy}");
            }
        }
    }
    scraped.end("pages").await;
}
