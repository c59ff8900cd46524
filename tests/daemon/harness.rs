//! Starts the binary, reads its log, its metrics and its end.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use dcs_backup_exporter::clock::Clock;
use dcs_backup_exporter::simulator::{ACCESS_KEY, Handle, Options, PROJECT_ID, SECRET_KEY, Simulator};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::sync::watch;

/// How long a test waits for what must come.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// A directory that is removed with its owner.
pub(crate) struct Directory(pub(crate) PathBuf);

impl Directory {
    pub(crate) fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("daemon-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub(crate) fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.join(name);
        std::fs::write(&path, text).unwrap();
        path
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A simulated cloud in this process.
pub(crate) async fn cloud(options: Options) -> Handle {
    let simulator = Simulator::bind(options, Clock::system()).await.unwrap();
    let handle = simulator.handle();
    tokio::spawn(simulator.run(std::future::pending()));
    handle
}

/// A configuration that watches the fleet of this cloud, quickly; `more` is added to the project.
pub(crate) fn configuration(cloud: &Handle, more: &str) -> String {
    format!(
        "projects:\n- name: prod\n  project_id: {PROJECT_ID}\n  endpoint: http://{}\n  credentials: ops\n  \
         limits: {{ requests_per_second: 500, burst: 500, concurrency: 8 }}\n{more}\
         credentials: {{ ops: {{ access_key: {ACCESS_KEY}, secret_key: {SECRET_KEY} }} }}\n\
         polling: {{ idle_interval: 300ms, window_interval: 200ms, active_interval: 100ms, policy_interval: 500ms, request_timeout: 1s }}\n",
        cloud.addr()
    )
}

/// The daemon at work.
pub(crate) struct Daemon {
    child: tokio::process::Child,
    log: watch::Receiver<Vec<String>>,
    /// `http://127.0.0.1:PORT`.
    pub(crate) url: String,
    pub(crate) directory: Directory,
}

pub(crate) fn binary() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dcs-backup-exporter"));
    command.env_clear().stdin(Stdio::null());
    command
}

impl Daemon {
    /// Starts it with this configuration at trace level and waits until it listens.
    pub(crate) async fn start(configuration: &str) -> Self {
        Self::start_in(Directory::new(), configuration, &[]).await
    }

    /// The same beside the files in this directory and with these variables.
    pub(crate) async fn start_in(directory: Directory, configuration: &str, variables: &[(&str, String)]) -> Self {
        let mut command = binary();
        command.envs(variables.iter().map(|(name, value)| (name, value)));
        Self::launch(command, directory, configuration).await
    }

    /// The same by a command of one's own, which runs the binary with the arguments it is given.
    pub(crate) async fn start_by(command: Command, configuration: &str) -> Self {
        Self::launch(command, Directory::new(), configuration).await
    }

    /// The same in a directory of one's own.
    pub(crate) async fn launch(command: Command, directory: Directory, configuration: &str) -> Self {
        Self::launch_with(command, directory, configuration, Stdio::null(), Stdio::null()).await
    }

    /// The same with these for standard input and output.
    pub(crate) async fn launch_with(
        mut command: Command,
        directory: Directory,
        configuration: &str,
        input: Stdio,
        output: Stdio,
    ) -> Self {
        let file = directory.file("config.yml", configuration);
        command.arg("--config.file").arg(file).args(["--web.listen-address=127.0.0.1:0", "--log.level=trace"]);
        command.stdin(input).stdout(output).stderr(Stdio::piped());
        let mut child = tokio::process::Command::from(command).kill_on_drop(true).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let (sender, log) = watch::channel(Vec::new());
        tokio::spawn(async move {
            while let Ok(Some(line)) = lines.next_line().await {
                sender.send_modify(|log: &mut Vec<String>| log.push(line));
            }
        });
        let mut daemon = Self { child, log, url: String::new(), directory };
        let line = daemon.log_line("msg=listening").await;
        let address = line.split("address=").nth(1).unwrap().split(' ').next().unwrap();
        daemon.url = format!("http://{address}");
        daemon
    }

    /// Waits for a log line with this text.
    pub(crate) async fn log_line(&self, text: &str) -> String {
        let mut log = self.log.clone();
        let found =
            tokio::time::timeout(PATIENCE, log.wait_for(|log| log.iter().any(|line| line.contains(text)))).await;
        match found {
            Ok(Ok(log)) => log.iter().find(|line| line.contains(text)).unwrap().clone(),
            _ => panic!("the log has no line with {text:?}:\n{}", self.log().join("\n")),
        }
    }

    pub(crate) fn log(&self) -> Vec<String> {
        self.log.borrow().clone()
    }

    pub(crate) async fn get(&self, path: &str) -> reqwest::Response {
        reqwest::get(format!("{}{path}", self.url)).await.unwrap()
    }

    pub(crate) async fn scrape(&self) -> Series {
        let response = self.get("/metrics").await;
        assert_eq!(response.status(), 200);
        Series::of(&response.text().await.unwrap())
    }

    /// Scrapes until the condition holds.
    pub(crate) async fn scrape_until(&self, what: &str, holds: impl Fn(&Series) -> bool) -> Series {
        let begin = Instant::now();
        loop {
            let series = self.scrape().await;
            if holds(&series) {
                return series;
            }
            assert!(
                begin.elapsed() < PATIENCE,
                "waited in vain for: {what}\n{}\n{}",
                series.text(),
                self.log().iter().filter(|line| !line.contains("level=debug")).cloned().collect::<Vec<_>>().join("\n")
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// How much memory it uses now, in KiB, and how many files it has open.
    pub(crate) fn usage(&self) -> (u64, usize) {
        let folder = format!("/proc/{}", self.child.id().expect("the daemon runs"));
        let status = std::fs::read_to_string(format!("{folder}/status")).unwrap();
        let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        let resident = resident.trim().trim_end_matches(" kB").parse().unwrap();
        (resident, std::fs::read_dir(format!("{folder}/fd")).unwrap().count())
    }

    /// Sends a signal by name.
    pub(crate) fn signal(&self, name: &str) {
        let id = self.child.id().expect("the daemon runs").to_string();
        assert!(Command::new("kill").args(["-s", name, &id]).status().unwrap().success());
    }

    /// SIGTERM; how it ended, and how long that took.
    pub(crate) async fn stop(mut self) -> (ExitStatus, Duration) {
        self.signal("TERM");
        let begin = Instant::now();
        let status = tokio::time::timeout(PATIENCE, self.child.wait()).await.expect("it ends").unwrap();
        (status, begin.elapsed())
    }

    /// SIGKILL, and its end.
    pub(crate) async fn kill(mut self) {
        self.child.kill().await.unwrap();
    }

    /// No secret has come out: not in the log, not on a page.
    pub(crate) async fn assert_no_secret(&self, secrets: &[&str]) {
        let mut texts = self.log();
        for path in ["/metrics", "/", "/-/ready", "/api/v1/instances", "/nonsense"] {
            texts.push(self.get(path).await.text().await.unwrap());
        }
        for text in texts {
            for secret in secrets {
                assert!(!text.contains(secret), "a secret came out: {text}");
            }
            assert!(!text.contains("Signature="), "a signature came out: {text}");
        }
    }
}

/// What a scrape says.
pub(crate) struct Series {
    values: BTreeMap<String, f64>,
}

impl Series {
    pub(crate) fn of(text: &str) -> Self {
        let values = text
            .lines()
            .filter(|line| !line.starts_with('#'))
            .map(|line| {
                let (name, value) = line.rsplit_once(' ').unwrap();
                (name.to_owned(), value.parse().unwrap())
            })
            .collect();
        Self { values }
    }

    fn all(&self) -> String {
        self.values.iter().fold(String::new(), |text, (name, value)| text + name + " " + &value.to_string() + "\n")
    }

    pub(crate) fn text(&self) -> String {
        self.lines(&[])
    }

    /// Lines whose series contains all of these texts, sorted; times of polls left out, they move.
    pub(crate) fn lines(&self, parts: &[&str]) -> String {
        self.values
            .iter()
            .filter(|(name, _)| parts.iter().all(|part| name.contains(part)))
            .filter(|(name, _)| !name.contains("_age_seconds") && !name.contains("dcs_poll_last_success"))
            .fold(String::new(), |text, (name, value)| text + name + " " + &value.to_string() + "\n")
    }

    /// Lines whose series contains all of these texts, sorted; those about the outcome of polls and ages left out.
    pub(crate) fn every(&self, parts: &[&str]) -> String {
        let mut values = self.values(parts);
        values.retain(|name, _| !name.contains("_age_seconds") && !name.contains("dcs_poll_success"));
        Self { values }.all()
    }

    /// The values of the series that contain all of these texts.
    pub(crate) fn values(&self, parts: &[&str]) -> BTreeMap<String, f64> {
        let wanted = self.values.iter().filter(|(name, _)| parts.iter().all(|part| name.contains(part)));
        wanted.map(|(name, value)| (name.clone(), *value)).collect()
    }

    /// The sum of the values of the series that contain all of these texts; `None` where there is none.
    pub(crate) fn sum(&self, parts: &[&str]) -> Option<f64> {
        let mut values = self
            .values
            .iter()
            .filter(|(name, _)| parts.iter().all(|part| name.contains(part)))
            .map(|(_, value)| *value)
            .peekable();
        values.peek()?;
        Some(values.sum())
    }

    /// Whether the sum of these series is this value.
    pub(crate) fn is(&self, parts: &[&str], value: f64) -> bool {
        self.sum(parts).is_some_and(|sum| (sum - value).abs() < 1e-9)
    }
}
