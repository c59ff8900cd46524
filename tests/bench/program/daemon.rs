//! The daemon that is measured from outside: its counters, its processor time, its memory.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use crate::processes::{Process, program};

/// What the simulated cloud takes.
const PROJECT: &str = "51a0000000000000000000000000d001";
const ACCESS_KEY: &str = "SIMULATEDACCESSKEY01";
const SECRET_KEY: &str = "simulated-secret-key-of-no-real-user-001";
/// Of `/proc`: ticks a second, the same on every Linux that Rust runs on.
const TICKS: f64 = 100.0;

#[derive(Debug)]
pub(crate) struct Daemon {
    address: SocketAddr,
    process: Process,
    configuration: PathBuf,
}

impl Daemon {
    /// One that polls this cloud without rest; it listens.
    pub(crate) fn start(cloud: SocketAddr, instances: usize) -> Self {
        let name = format!("bench-program-{}-{instances}.yml", std::process::id());
        let configuration = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        let text = format!(
            "projects:\n- {{ name: prod, project_id: {PROJECT}, endpoint: 'http://{cloud}', credentials: ops,\n\
             \x20   limits: {{ requests_per_second: 10000, burst: 10000, concurrency: 16 }} }}\n\
             credentials: {{ ops: {{ access_key: {ACCESS_KEY}, secret_key: {SECRET_KEY} }} }}\n\
             polling: {{ idle_interval: 1s, window_interval: 1s, active_interval: 1s, policy_interval: 1s }}\n"
        );
        std::fs::write(&configuration, text).unwrap();
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let mut command = program(0);
        command.arg("--config.file").arg(&configuration).arg(format!("--web.listen-address={address}"));
        let child = command.arg("--log.level=error").stdout(Stdio::null()).spawn().unwrap();
        let daemon = Self { address, process: Process { child }, configuration };
        for _ in 0..500 {
            if TcpStream::connect(address).is_ok() {
                return daemon;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("it does not listen");
    }
}

impl Daemon {
    /// User and system time since its start, in seconds.
    pub(crate) fn cpu(&self) -> f64 {
        let text = std::fs::read_to_string(format!("/proc/{}/stat", self.process.child.id())).unwrap();
        // The name, in parentheses, may hold anything; the two are the 12th and 13th after it.
        let (_, rest) = text.rsplit_once(')').unwrap();
        let ticks: f64 = rest.split_whitespace().skip(11).take(2).map(|ticks| ticks.parse::<f64>().unwrap()).sum();
        ticks / TICKS
    }

    /// Bytes resident now, and at the most.
    pub(crate) fn resident(&self) -> (f64, f64) {
        let text = std::fs::read_to_string(format!("/proc/{}/status", self.process.child.id())).unwrap();
        let of = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name)).unwrap();
            line.trim().trim_end_matches(" kB").parse::<f64>().unwrap() * 1024.0
        };
        (of("VmRSS:"), of("VmHWM:"))
    }

    /// Scrapes, and tells how many bytes came.
    pub(crate) fn scrape(&self, compressed: bool) -> u64 {
        let accept = if compressed { "Accept-Encoding: gzip\r\n" } else { "" };
        let mut answer = get(self.address, "/metrics", accept);
        std::io::copy(&mut answer, &mut std::io::sink()).unwrap()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.configuration);
    }
}

/// The body of a page.
pub(crate) fn get(address: SocketAddr, path: &str, headers: &str) -> impl Read + use<> {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{headers}\r\n").unwrap();
    let mut reader = BufReader::with_capacity(256 * 1024, stream);
    let mut line = String::new();
    while reader.read_line(&mut line).unwrap() > 2 {
        line.clear();
    }
    reader
}
