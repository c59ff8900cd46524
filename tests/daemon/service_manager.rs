//! What the service manager is told, over a real socket of its kind.

use std::time::{Duration, Instant};

use dcs_backup_exporter::simulator::{Options, PROJECT_ID};
use tokio::net::UnixDatagram;

use crate::harness::{Daemon, Directory, PATIENCE, cloud, configuration};

/// The manager's side: what it was told, message by message.
struct Manager {
    socket: UnixDatagram,
    path: String,
    /// Since the newest step of the test.
    heard: Vec<String>,
}

impl Manager {
    fn new(directory: &Directory) -> Self {
        let path = directory.0.join("notify").to_str().unwrap().to_owned();
        Self { socket: UnixDatagram::bind(&path).unwrap(), path, heard: Vec::new() }
    }

    fn variables(&self) -> [(&str, String); 2] {
        [("NOTIFY_SOCKET", self.path.clone()), ("WATCHDOG_USEC", "300000".to_owned())]
    }

    async fn next(&mut self) -> String {
        let mut buffer = [0; 4000];
        let length = tokio::time::timeout(PATIENCE, self.socket.recv(&mut buffer)).await.expect("a message").unwrap();
        let message = String::from_utf8(buffer[..length].to_vec()).unwrap();
        self.heard.push(message.clone());
        message
    }

    /// A message of this step with a line that begins with this word, and with this text in it.
    async fn told(&mut self, word: &str, text: &str) -> String {
        let is_meant = |message: &String| message.lines().any(|line| line.starts_with(word)) && message.contains(text);
        if let Some(message) = self.heard.iter().find(|message| is_meant(message)) {
            return message.clone();
        }
        let begin = Instant::now();
        while begin.elapsed() < PATIENCE {
            let message = self.next().await;
            if is_meant(&message) {
                return message;
            }
        }
        panic!("{word} with {text:?} was not told, but {:?}", self.heard);
    }

    /// What was heard counts no more.
    fn step(&mut self) {
        self.heard.clear();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_does_not_wait_for_the_cloud_and_each_step_is_told() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let cloud = cloud(Options::default()).await;
    let discovery = "  discovery: { enabled: true, interval: 1s }\n";
    let right = configuration(&cloud, discovery);
    let down = right.replace(&cloud.addr().to_string(), &closed.to_string());
    let directory = Directory::new();
    let mut manager = Manager::new(&directory);
    let daemon = Daemon::start_in(directory, &down, &manager.variables()).await;

    let first = manager.next().await;
    assert!(first.starts_with("READY=1\nSTATUS=watching 0 instances in 1 project"), "{first}");
    manager.told("STATUS=", "1 project cannot be asked or listed").await;
    for _ in 0..5 {
        manager.step();
        manager.told("WATCHDOG=1", "").await;
    }

    manager.step();
    daemon.directory.file("config.yml", &right);
    daemon.signal("HUP");
    let reloading = manager.told("RELOADING=1", "").await;
    let time: u64 = reloading.split("MONOTONIC_USEC=").nth(1).unwrap().trim().parse().unwrap();
    assert!(time > 0);
    let ready = manager.told("READY=1", "").await;
    assert!(ready.contains("; configuration of 2"), "{ready}");
    let count = cloud.instances(PROJECT_ID).len();
    manager.told("STATUS=", &format!("watching {count} instances")).await;

    manager.step();
    daemon.directory.file("config.yml", "nonsense: true\n");
    daemon.signal("HUP");
    manager.told("RELOADING=1", "").await;
    let ready = manager.told("READY=1", "").await;
    assert!(ready.contains("not reloaded") && ready.contains("nonsense"), "{ready}");

    // A process that hangs gives no sign of life, and gives them again when it goes on.
    daemon.signal("STOP");
    let silence = Duration::from_secs(1);
    while tokio::time::timeout(silence, manager.socket.recv(&mut [0; 4000])).await.is_ok() {}
    manager.step();
    daemon.signal("CONT");
    manager.told("WATCHDOG=1", "").await;

    let (status, _) = daemon.stop().await;
    assert!(status.success());
    manager.told("STOPPING=1", "").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watchdog_of_another_process_gets_nothing() {
    let cloud = cloud(Options::default()).await;
    let directory = Directory::new();
    let mut manager = Manager::new(&directory);
    let mut variables = manager.variables().to_vec();
    variables.push(("WATCHDOG_PID", "1".to_owned()));
    let daemon = Daemon::start_in(directory, &configuration(&cloud, ""), &variables).await;
    manager.told("READY=1", "").await;
    assert!(daemon.stop().await.0.success());
    while let message = manager.next().await
        && !message.contains("STOPPING=1")
    {
        assert!(!message.contains("WATCHDOG"), "{message}");
    }
}
