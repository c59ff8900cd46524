//! The exporter's web server on loopback, polled and scraped.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use dcs_backup_exporter::clock::Clock;
use dcs_backup_exporter::cloud::client::HttpApi;
use dcs_backup_exporter::config::Polling;
use dcs_backup_exporter::domain::shard::Shard;
use dcs_backup_exporter::exposition::{Exposition, OwnMetrics};
use dcs_backup_exporter::poller::Poller;
use dcs_backup_exporter::snapshot::Snapshot;
use dcs_backup_exporter::web::{Bounds, Web, WebOptions};
use tokio::runtime::Runtime;
use tokio::sync::watch;

use crate::fleets;

/// Between two polls.
const POLL: Duration = Duration::from_millis(20);

/// A server whose fleet is polled; all ends when it is dropped.
pub(crate) struct Exporter {
    address: SocketAddr,
    _runtime: Runtime,
}

impl Exporter {
    pub(crate) fn start(fleet: Arc<Snapshot>) -> Self {
        let runtime = Runtime::new().unwrap();
        let (sender, snapshots) = watch::channel(fleet);
        let exposition = exposition(snapshots.clone());
        let own = OwnMetrics::new(crate::fleet::now(), crate::fleet::DAY, &[]);
        let _in_runtime = runtime.enter();
        let prober =
            Poller::<HttpApi>::new(Vec::<(_, Arc<_>)>::new(), Shard::ALONE, &Polling::default(), Clock::system(), own)
                .prober();
        let options = WebOptions {
            addresses: vec!["127.0.0.1:0".parse().unwrap()],
            telemetry_path: "/metrics".to_owned(),
            bounds: Bounds::default(),
        };
        let web = runtime.block_on(Web::bind(options, exposition, snapshots, prober)).unwrap();
        let address = web.addr().unwrap();
        runtime.spawn(web.run(std::future::pending()));
        runtime.spawn(async move {
            let mut interval = tokio::time::interval(POLL);
            for poll in 1.. {
                interval.tick().await;
                let next = fleets::polled(&sender.borrow(), poll);
                sender.send_replace(next);
            }
        });
        Self { address, _runtime: runtime }
    }

    /// The body of a scrape.
    pub(crate) fn scrape(&self, compressed: bool) -> Vec<u8> {
        let mut body = Vec::new();
        get(self.address, "/metrics", compressed, &mut body);
        body
    }

    /// The body of a list of all instances.
    pub(crate) fn list(&self, compressed: bool) -> Vec<u8> {
        let mut body = Vec::new();
        get(self.address, "/api/v1/instances", compressed, &mut body);
        body
    }

    /// A scrape whose body is read and thrown away.
    pub(crate) fn scrape_away(&self, compressed: bool) {
        get(self.address, "/metrics", compressed, &mut std::io::sink());
    }
}

/// What `/metrics` is rendered from.
pub(crate) fn exposition(snapshots: watch::Receiver<Arc<Snapshot>>) -> Exposition {
    let clock = Clock::system();
    let names: Vec<_> = snapshots.borrow().projects.iter().map(|project| project.name.clone()).collect();
    let own = OwnMetrics::new(clock.now(), crate::fleet::DAY, &names);
    Exposition::new(snapshots, own, clock)
}

/// Gets a path over a connection of its own.
pub(crate) fn get(address: SocketAddr, path: &str, compressed: bool, body: &mut impl Write) {
    let mut stream = TcpStream::connect(address).unwrap();
    let accept = if compressed { "Accept-Encoding: gzip\r\n" } else { "" };
    let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{accept}\r\n");
    stream.write_all(request.as_bytes()).unwrap(); // at once, as Prometheus does
    let mut reader = BufReader::with_capacity(256 * 1024, stream);
    let (mut left, mut line) = (0, String::new());
    while reader.read_line(&mut line).unwrap() > 2 {
        if let Some(length) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            left = length.trim().parse::<usize>().unwrap();
        }
        line.clear();
    }
    assert!(left > 0, "an answer without a length");
    let copied = std::io::copy(&mut reader.take(left as u64), body).unwrap();
    assert_eq!(copied, left as u64, "the answer was cut");
}
