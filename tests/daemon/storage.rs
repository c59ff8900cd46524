//! Facts over restarts of the real binary: an orderly one, two hundred that are not, and bad disks.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use dcs_backup_exporter::simulator::{Fault, FaultKind, Handle, Options, PROJECT_ID, SECRET_KEY};

use crate::harness::{Daemon, Directory, PATIENCE, Series, binary, cloud, configuration};

const DISCOVERY: &str = "  discovery: { enabled: true, interval: 500ms }\n";

/// Where one daemon after the other stores.
struct Place {
    directory: Directory,
    configuration: String,
}

impl Place {
    fn new(cloud: &Handle, interval: &str, max_age: &str) -> Self {
        let directory = Directory::new();
        let path = directory.0.join("facts-of-the-daemon");
        let storage = format!("storage: {{ path: {}, interval: {interval}, max_age: {max_age} }}\n", path.display());
        Self { directory, configuration: configuration(cloud, DISCOVERY) + &storage }
    }

    async fn start(&self) -> Daemon {
        Daemon::start(&self.configuration).await
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.0.join("facts-of-the-daemon").join(name)
    }

    /// What is there besides the lock.
    fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.path("")).unwrap();
        let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.retain(|name| name != "lock");
        names.sort_unstable();
        names
    }
}

async fn everything_polled(daemon: &Daemon, cloud: &Handle) {
    let expected = 3.0 * cloud.instances(PROJECT_ID).len() as f64;
    daemon.scrape_until("everything was polled", |series| series.is(&["dcs_poll_success{"], expected)).await;
}

/// No request succeeds any more; most are not even made until one does.
async fn cloud_goes_down(daemon: &Daemon, cloud: &Handle) {
    cloud.set_faults([Fault::always(FaultKind::Reset)]);
    daemon.scrape_until("the cloud is down", |series| series.is(&["dcs_project_up{"], 0.0)).await;
}

/// What is known of the instances and when it was asked.
fn facts(series: &Series) -> String {
    let all = series.every(&["instance_id="]);
    // While the cloud is down a poll fails now and then.
    all.split_inclusive('\n').filter(|line| !line.contains("dcs_poll_success")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_restart_without_the_cloud_everything_is_there_at_once() {
    let cloud = cloud(Options::default()).await;
    let place = Place::new(&cloud, "1h", "1h");
    let daemon = place.start().await;
    assert_eq!(daemon.get("/-/healthy").await.status(), 200);
    everything_polled(&daemon, &cloud).await;
    cloud_goes_down(&daemon, &cloud).await;
    let before = daemon.scrape().await;
    assert_eq!(place.names(), [""; 0], "the interval is not over");
    let (status, took) = daemon.stop().await;
    assert_eq!(status.code(), Some(0));
    assert!(took < Duration::from_secs(5), "{took:?}");
    assert_eq!(place.names(), ["facts"]);
    let stored = std::fs::read(place.path("facts")).unwrap();
    assert!(!stored.windows(SECRET_KEY.len()).any(|bytes| bytes == SECRET_KEY.as_bytes()));

    let daemon = place.start().await;
    assert_eq!(daemon.get("/-/ready").await.status(), 200);
    let after = daemon.scrape().await;
    assert_eq!(facts(&after), facts(&before));
    assert!(after.sum(&["dcs_backup_records{"]) > Some(20.0));
    for family in ["dcs_project_instances", "dcs_project_last_listing_success", "dcs_project_missing"] {
        assert_eq!(after.every(&[family]), before.every(&[family]));
    }
    cloud.set_faults([]);
    everything_polled(&daemon, &cloud).await;
    daemon.assert_no_secret(&[SECRET_KEY]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_told_before_a_restart_is_not_told_again_and_what_ended_meanwhile_is() {
    let cloud = cloud(Options { speed: 200.0, ..Options::default() }).await;
    let place = Place::new(&cloud, "50ms", "1h");
    let ids = |daemon: &Daemon| -> Vec<String> {
        let log = daemon.log();
        let events = log.iter().filter(|line| line.contains("event="));
        events.map(|line| line.split("record_id=").nth(1).unwrap().split(' ').next().unwrap().to_owned()).collect()
    };
    let mut told = Vec::new();
    for _ in 0..3 {
        let daemon = place.start().await;
        daemon.log_line("event=backup").await;
        everything_polled(&daemon, &cloud).await;
        daemon.signal("TERM");
        daemon.log_line("SIGTERM").await;
        let log = ids(&daemon);
        daemon.stop().await;
        told.extend(log);
    }
    let count = told.len();
    told.sort_unstable();
    told.dedup();
    assert_eq!(told.len(), count, "each end is told once, whichever process tells it");
}

#[tokio::test(flavor = "multi_thread")]
async fn facts_that_are_too_old_are_not_shown_and_the_newest_success_does_not_step_back() {
    let cloud = cloud(Options::default()).await;
    let place = Place::new(&cloud, "1h", "1ms");
    let daemon = place.start().await;
    everything_polled(&daemon, &cloud).await;
    cloud_goes_down(&daemon, &cloud).await;
    let before = daemon.scrape().await;
    daemon.stop().await;
    let daemon = place.start().await;
    daemon.log_line("too old to be shown").await;
    let after = daemon.scrape_until("the cloud was tried", |series| series.is(&["dcs_project_up{"], 0.0)).await;
    assert_eq!(facts(&after), "");
    cloud.set_faults([]);
    everything_polled(&daemon, &cloud).await;
    let after = daemon.scrape().await;
    for (name, value) in before.values(&["_last_success_timestamp_seconds"]) {
        assert!(after.values(&[&name])[&name] >= value, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_any_moment_it_loses_no_more_than_the_last_interval() {
    const KILLS: u64 = 200;
    let cloud = cloud(Options { speed: 100.0, ..Options::default() }).await;
    let place = Place::new(&cloud, "5ms", "1h");
    let written = |series: &Series| series.sum(&["dcs_exporter_storage_last_write_success"]);
    // Times that may only grow, as far as a file is known to hold them.
    let mut stored: BTreeMap<String, f64> = BTreeMap::new();
    for kill in 0..KILLS {
        let daemon = place.start().await;
        let ready = daemon.get("/-/ready").await.status();
        let first = daemon.scrape().await;
        assert!(kill == 0 || ready == 200, "start {kill} is not ready");
        assert!(first.is(&["dcs_exporter_storage_files_rejected_total{"], 0.0), "start {kill}: {}", first.text());
        let found = first.values(&["last_success_timestamp_seconds", "instance_id="]);
        for (name, value) in &stored {
            assert!(found.get(name) >= Some(value), "start {kill}: {name} was {value}, is {:?}", found.get(name));
        }
        if kill == 0 {
            everything_polled(&daemon, &cloud).await;
        }
        // The second writing from here on holds all that is shown now.
        let now = daemon.scrape().await;
        let (mut last, mut writings, begin) = (written(&now), 0, Instant::now());
        while writings < 2 {
            assert!(begin.elapsed() < PATIENCE, "start {kill}: nothing is stored\n{}", daemon.log().join("\n"));
            tokio::time::sleep(Duration::from_millis(3)).await;
            let newest = written(&daemon.scrape().await);
            writings += u32::from(std::mem::replace(&mut last, newest) != newest);
        }
        stored = now.values(&["last_success_timestamp_seconds", "instance_id="]);
        assert!(stored.len() > 20);
        tokio::time::sleep(Duration::from_micros(kill * 7919 % 12_000)).await;
        daemon.kill().await;
    }
    assert!(place.names().iter().all(|name| ["facts", "facts.tmp"].contains(&name.as_str())), "{:?}", place.names());
    // An orderly end leaves none of it, unless the disk is so busy that the end cannot wait for it.
    let daemon = place.start().await;
    daemon.scrape_until("facts are stored", |series| written(series).is_some()).await;
    let (status, took) = daemon.stop().await;
    assert_eq!(status.code(), Some(0));
    assert!(place.names() == ["facts"] || took > Duration::from_secs(4), "{:?} after {took:?}", place.names());
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_are_none_of_its_own_are_set_aside() {
    let cloud = cloud(Options::default()).await;
    let place = Place::new(&cloud, "50ms", "1h");
    let daemon = place.start().await;
    everything_polled(&daemon, &cloud).await;
    daemon.stop().await;
    let good = std::fs::read(place.path("facts")).unwrap();
    let mut changed = good.clone();
    changed[good.len() / 2] ^= 1;
    let mut newer = good.clone();
    newer[8] += 1;
    for (reason, bytes) in
        [("damaged", &changed[..]), ("damaged", &good[..good.len() / 2]), ("newer", &newer), ("foreign", b"{}")]
    {
        std::fs::write(place.path("facts"), bytes).unwrap();
        let daemon = place.start().await;
        let line = daemon.log_line("stored facts are not used").await;
        assert!(line.contains(&format!("reason={reason}")) && line.contains("level=warn"), "{line}");
        let counted = format!("reason=\"{reason}\"");
        daemon
            .scrape_until("counted, and stored anew", |series| {
                series.is(&["dcs_exporter_storage_files_rejected_total{", &counted], 1.0)
                    && series.sum(&["dcs_exporter_storage_last_write_success"]).is_some()
            })
            .await;
        let aside = place.names().into_iter().rfind(|name| name.starts_with("facts.rejected-")).unwrap();
        assert_eq!(std::fs::read(place.path(&aside)).unwrap(), bytes);
        everything_polled(&daemon, &cloud).await;
        assert_eq!(daemon.stop().await.0.code(), Some(0));
    }
    assert_eq!(place.names().len(), 1 + 3, "a few are kept: {:?}", place.names());
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_processes_the_second_stores_nothing_and_says_so() {
    let cloud = cloud(Options::default()).await;
    let place = Place::new(&cloud, "50ms", "1h");
    let first = place.start().await;
    everything_polled(&first, &cloud).await;
    first.scrape_until("stored", |series| series.sum(&["dcs_exporter_storage_last_write_success"]).is_some()).await;
    let second = place.start().await;
    second.log_line("another process stores its facts").await;
    assert_eq!(second.get("/-/ready").await.status(), 200, "reading disturbs nobody");
    let failures = ["dcs_exporter_storage_write_failures_total"];
    let series = second.scrape_until("counted", |series| series.sum(&failures) > Some(2.0)).await;
    assert_eq!(series.sum(&["dcs_exporter_storage_last_write_success"]), None);
    assert!(first.scrape().await.is(&failures, 0.0));
    let said = second.log().iter().filter(|line| line.contains("another process")).count();
    assert_eq!(said, 1, "said once");
    first.stop().await;
    second.log_line("facts are stored again").await;
    assert_eq!(second.stop().await.0.code(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_ends_nothing() {
    let cloud = cloud(Options::default()).await;
    let place = Place::new(&cloud, "50ms", "1h");
    // A file of at most 1 KiB, and no signal for whoever wants a larger one.
    let mut command = Command::new("sh");
    command.env_clear().args(["-c", "trap '' XFSZ; ulimit -f 2; exec \"$0\" \"$@\""]).arg(binary().get_program());
    let daemon = Daemon::start_by(command, &place.configuration).await;
    everything_polled(&daemon, &cloud).await;
    let failures = ["dcs_exporter_storage_write_failures_total"];
    daemon.scrape_until("failures are counted", |series| series.sum(&failures) > Some(3.0)).await;
    let line = daemon.log_line("facts are not stored").await;
    assert!(line.contains("too large") && line.contains("level=warn"), "{line}");
    assert_eq!(daemon.log().iter().filter(|line| line.contains("facts are not stored")).count(), 1);
    assert_eq!(daemon.stop().await.0.code(), Some(0));
    // Before everything was polled, a file may have been small enough.
    assert!(!place.names().contains(&"facts.tmp".to_owned()), "half of a file is left: {:?}", place.names());
    let daemon = place.start().await;
    assert!(daemon.scrape().await.is(&["dcs_exporter_storage_files_rejected_total{"], 0.0), "what is there is whole");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_directory_that_cannot_be_ends_nothing() {
    let cloud = cloud(Options::default()).await;
    let place = Place::new(&cloud, "50ms", "1h");
    // Not even root can make a directory there.
    let path = place.path("").display().to_string();
    let nowhere = place.configuration.replace(path.trim_end_matches('/'), "/proc/nowhere/facts");
    let daemon = Daemon::start(&nowhere).await;
    let line = daemon.log_line("facts are not stored").await;
    assert!(line.contains("/proc/nowhere/facts"), "{line}");
    everything_polled(&daemon, &cloud).await;
    assert_eq!(daemon.stop().await.0.code(), Some(0));
}
