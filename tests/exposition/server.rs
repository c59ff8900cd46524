//! A running server, and a client that speaks bytes.

use std::io::Read;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use dcs_backup_exporter::clock::Clock;
use dcs_backup_exporter::cloud::client::HttpApi;
use dcs_backup_exporter::config::Polling;
use dcs_backup_exporter::domain::shard::Shard;
use dcs_backup_exporter::exposition::{Exposition, OwnMetrics};
use dcs_backup_exporter::poller::Poller;
use dcs_backup_exporter::snapshot::Snapshot;
use dcs_backup_exporter::web::{Bounds, Web, WebConfig, WebOptions};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;

use crate::fleet;

/// Longer than anything here should take: what waits so long waits for ever.
const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) struct Server {
    pub(crate) addr: SocketAddr,
    pub(crate) snapshots: watch::Sender<Arc<Snapshot>>,
    /// Asked by probes, and never run: it answers nobody.
    _poller: Option<Poller<HttpApi>>,
    stop: oneshot::Sender<()>,
    running: JoinHandle<()>,
}

impl Server {
    pub(crate) async fn start(snapshot: Arc<Snapshot>, bounds: Bounds) -> Self {
        Self::start_at(snapshot, bounds, "/metrics").await
    }

    /// One whose poller has ended: probes know that at once.
    pub(crate) async fn start_without_poller(snapshot: Arc<Snapshot>, bounds: Bounds) -> Self {
        Self { _poller: None, ..Self::start(snapshot, bounds).await }
    }

    pub(crate) async fn start_at(snapshot: Arc<Snapshot>, bounds: Bounds, telemetry_path: &str) -> Self {
        Self::start_configured(snapshot, bounds, telemetry_path, None).await
    }

    /// One with a file of exporter-toolkit's.
    pub(crate) async fn start_configured(
        snapshot: Arc<Snapshot>,
        bounds: Bounds,
        telemetry_path: &str,
        config: Option<WebConfig>,
    ) -> Self {
        let (sender, snapshots) = watch::channel(snapshot);
        let names: Vec<_> = snapshots.borrow().projects.iter().map(|project| project.name.clone()).collect();
        let own = OwnMetrics::new(fleet::now(), fleet::DAY, &names);
        let poller =
            Poller::new(Vec::<(_, Arc<_>)>::new(), Shard::ALONE, &Polling::default(), Clock::system(), own.clone());
        let exposition = Exposition::new(snapshots.clone(), own, Clock::system());
        let options = WebOptions {
            addresses: vec!["127.0.0.1:0".parse().unwrap()],
            telemetry_path: telemetry_path.to_owned(),
            bounds,
        };
        let mut web = Web::bind(options, exposition, snapshots, poller.prober()).await.unwrap();
        if let Some(config) = config {
            web = web.configured(config);
        }
        let addr = web.addr().unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let running = tokio::spawn(web.run(async move {
            let _ = stopped.await;
        }));
        Self { addr, snapshots: sender, _poller: Some(poller), stop, running }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.addr)
    }

    pub(crate) async fn connect(&self) -> Client {
        Client(TcpStream::connect(self.addr).await.unwrap())
    }

    /// Asks it to stop; the handle ends when it has.
    pub(crate) fn stop(self) -> JoinHandle<()> {
        self.stop.send(()).unwrap();
        self.running
    }
}

/// A connection.
pub(crate) struct Client(pub(crate) TcpStream);

/// An answer, with header names in lower case.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.iter().filter(|(header, _)| header == name).map(|(_, value)| value.as_str());
        let value = values.next();
        assert!(values.next().is_none(), "{name} is sent twice");
        value
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }

    pub(crate) fn unzipped(&self) -> String {
        let mut text = String::new();
        // A single member: nothing may follow it.
        let mut decoder = flate2::bufread::GzDecoder::new(self.body.as_slice());
        decoder.read_to_string(&mut text).unwrap();
        assert!(decoder.into_inner().is_empty(), "more than one gzip member");
        text
    }
}

impl Client {
    pub(crate) async fn send(&mut self, bytes: &str) {
        self.0.write_all(bytes.as_bytes()).await.unwrap();
    }

    /// One request with these headers, each ending with `\r\n`, and its answer.
    pub(crate) async fn ask(&mut self, method: &str, path: &str, headers: &str) -> Answer {
        self.send(&format!("{method} {path} HTTP/1.1\r\nHost: exporter\r\n{headers}\r\n")).await;
        self.answer(method == "HEAD").await
    }

    pub(crate) async fn get(&mut self, path: &str) -> Answer {
        self.ask("GET", path, "").await
    }

    /// Reads exactly one answer, by its Content-Length.
    pub(crate) async fn answer(&mut self, head_only: bool) -> Answer {
        tokio::time::timeout(PATIENCE, self.read_answer(head_only)).await.expect("an answer comes")
    }

    async fn read_answer(&mut self, head_only: bool) -> Answer {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(self.0.read_u8().await.unwrap());
        }
        let head = String::from_utf8(head).unwrap();
        let mut lines = head.trim_end().split("\r\n");
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let headers = lines
            .map(|line| line.split_once(": ").unwrap())
            .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
            .collect();
        let mut answer = Answer { status, headers, body: Vec::new() };
        if !head_only {
            let length = answer.header("content-length").unwrap().parse().unwrap();
            answer.body.resize(length, 0);
            self.0.read_exact(&mut answer.body).await.unwrap();
        }
        answer
    }

    /// What comes until the server ends the connection, in order or by resetting it.
    pub(crate) async fn rest(&mut self) -> Vec<u8> {
        let mut rest = Vec::new();
        let _ = tokio::time::timeout(PATIENCE, self.0.read_to_end(&mut rest)).await.expect("the connection ends");
        rest
    }
}

/// Waits until something is so.
pub(crate) async fn eventually(what: &str, mut so: impl AsyncFnMut() -> bool) {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while !so().await {
        assert!(tokio::time::Instant::now() < deadline, "never: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
