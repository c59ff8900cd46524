//! Two and a half days of a fleet as a Prometheus would have scraped them, as OpenMetrics with time stamps.
//!
//! The daemon itself polls the simulated cloud and serves `/metrics`, which is read every ten minutes of a virtual
//! clock: no sample is made up. For the last twelve hours there is a second replica. Everything goes wrong once:
//! throttling, an outage, records that cannot be read, and a lost permission, which is still lost at the end.
//!
//! ```sh
//! cargo run --example history -- history.om
//! ```
//!
//! Time is paused around real sockets, which tokio does not promise to work: where the kernel is slow to deliver, the
//! clock moves on to the next timer. A beat every five seconds keeps such a step short, and a request may take a
//! minute. Should one be given up all the same, a poll has failed, as polls do.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use dcs_backup_exporter::app::App;
use dcs_backup_exporter::clock::Clock;
use dcs_backup_exporter::config::{self, Inputs};
use dcs_backup_exporter::simulator::{
    ACCESS_KEY, Call, DOMAIN_NAME, Fault, FaultKind, Handle, Options, PASSWORD, PROJECT_ID, Quirk, SECOND_PROJECT_ID,
    SECRET_KEY, Simulator, USERNAME, Version,
};
use dcs_backup_exporter::web::{Bounds, WebOptions};
use jiff::{SignedDuration, Timestamp};

/// When the daemon is started; a Sunday.
const BEGIN: &str = "2026-11-01T16:20:00Z";
/// It ends with the first scrape after that in which a backup and a restore are running.
const LENGTH: Duration = Duration::from_hours(60);
/// Both are before long: four of the instances are backed up and restored every 80 minutes.
const LONGEST: Duration = Duration::from_hours(66);
/// The time between two scrapes. Prometheus must be told to look back further than its usual five minutes.
const SCRAPE_INTERVAL: Duration = Duration::from_mins(10);
/// What the targets are called, and when each begins.
const REPLICAS: [(&str, Duration); 2] =
    [("exporter-0:10105", Duration::ZERO), ("exporter-1:10105", Duration::from_hours(48))];
const JOB: &str = "dcs-backup";

/// A fleet whose owner wants every instance of the second project backed up daily, whatever its plan says.
fn configuration(cloud: &Handle, storage: &std::path::Path) -> String {
    let (addr, storage) = (cloud.addr(), storage.display());
    format!(
        "
projects:
  - name: shop
    region: eu-sim-1
    project_id: {PROJECT_ID}
    endpoint: http://{addr}
    credentials: keys
    discovery: {{ interval: 30m }}
  - name: ledger
    region: eu-sim-1
    project_id: {SECOND_PROJECT_ID}
    endpoint: http://{addr}
    iam_endpoint: http://{addr}
    credentials: user
    rpo: 26h
    discovery: {{ interval: 30m }}
credentials:
  keys: {{ access_key: {ACCESS_KEY}, secret_key: {SECRET_KEY} }}
  user: {{ username: {USERNAME}, password: {PASSWORD}, domain_name: {DOMAIN_NAME} }}
polling: {{ idle_interval: 30m, active_interval: 10m, window_interval: 10m, request_timeout: 1m }}
storage: {{ path: {storage}, interval: 5m }}
"
    )
}

/// What happens to the cloud, `left` before the end.
fn happenings(cloud: &Handle, left: Duration) {
    let hours = left.as_secs() / 3600;
    let mut faults = vec![
        Fault { probability: 0.7, delay: Some(Duration::from_millis(90)), ..Fault::always(FaultKind::Slow) },
        Fault { probability: 0.1, delay: Some(Duration::from_millis(1100)), ..Fault::always(FaultKind::Slow) },
    ];
    match hours {
        // A lost permission, which is still lost at the end.
        0..3 => faults.push(Fault::always(FaultKind::Forbidden).on("geo-index")),
        8..10 => faults.push(Fault { probability: 0.3, ..Fault::always(FaultKind::Throttle) }),
        18..20 => faults.push(Fault::always(FaultKind::Flaky)),
        _ => {}
    }
    cloud.set_faults(faults);
    cloud.restore_bodies();
    if (4..6).contains(&hours) {
        let unreadable =
            r#"{"backup_record_response":[{"backup_id":"b","status":"succeed","created_at":"yesterday"}]}"#;
        cloud.replace_body(Version::V2, Call::Backups, Some("audit-trail"), 200, unreadable);
    }
}

/// One scrape, each sample with the target's labels and the moment, as Prometheus would store it.
fn append(history: &mut String, target: &str, scrape: &str, took: Duration, at: Timestamp) {
    let at = at.as_second();
    let mut samples: u32 = 0;
    for line in scrape.lines().filter(|line| !line.starts_with('#')) {
        let end = line.find(['{', ' ']).unwrap_or(line.len());
        let (name, rest) = line.split_at(end);
        let _ = match rest.strip_prefix('{') {
            Some(labels) => writeln!(history, "{name}{{job=\"{JOB}\",instance=\"{target}\",{labels} {at}"),
            None => writeln!(history, "{name}{{job=\"{JOB}\",instance=\"{target}\"}}{rest} {at}"),
        };
        samples += 1;
    }
    let took = took.as_secs_f64();
    for (name, value) in
        [("up", 1.0), ("scrape_samples_scraped", f64::from(samples)), ("scrape_duration_seconds", took)]
    {
        let _ = writeln!(history, "{name}{{job=\"{JOB}\",instance=\"{target}\"}} {value} {at}");
    }
}

/// A running daemon, and where its metrics are.
async fn daemon(configuration: &str, folder: PathBuf, clock: Clock) -> anyhow::Result<String> {
    let file = folder.with_extension("yml");
    std::fs::write(&file, configuration)?;
    let inputs = Inputs { file: Some(file), ..Inputs::default() };
    let loaded = config::load(&inputs).map_err(|problems| anyhow::anyhow!("{problems}"))?;
    let addresses = vec!["127.0.0.1:0".parse()?];
    let options = WebOptions { addresses, telemetry_path: "/metrics".to_owned(), bounds: Bounds::default() };
    let app = App::bind(loaded.config, options, clock).await?;
    let address = app.addresses().into_iter().next().context("no address")?;
    tokio::spawn(app.run(std::future::pending()));
    Ok(format!("http://{address}/metrics"))
}

#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn main() -> anyhow::Result<()> {
    let output = PathBuf::from(std::env::args().nth(1).context("usage: history FILE")?);
    // Beside it lies what the daemons store and are configured with.
    let folder = output.with_extension("daemons");
    std::fs::create_dir_all(&folder)?;
    let mut output = std::io::BufWriter::new(std::fs::File::create(output)?);

    let clock = Clock::starting_at(BEGIN.parse()?);
    let simulator = Simulator::bind(Options { speed: 1.0, ..Options::default() }, clock.clone()).await?;
    let cloud = simulator.handle();
    tokio::spawn(simulator.run(std::future::pending()));
    tokio::spawn(async {
        let mut beat = tokio::time::interval(Duration::from_secs(5));
        loop {
            beat.tick().await;
        }
    });
    let like = |name, kind| cloud.add_instance(SECOND_PROJECT_ID, name, name, kind);
    anyhow::ensure!(like("audit-trail", "orders-cache") && like("new-ledger", "rate-limiter"), "no such kind");
    cloud.set_quirks(Some("load-test"), [Quirk::UnknownStatus]);
    cloud.set_clock_skew(SignedDuration::from_millis(-1300));

    let client = reqwest::Client::builder().no_proxy().build()?;
    let mut targets: Vec<(&str, String)> = Vec::new();
    let mut passed = Duration::ZERO;
    let mut is_busy = false;
    while passed < LENGTH || (!is_busy && passed < LONGEST) {
        happenings(&cloud, LENGTH.saturating_sub(passed));
        for (name, from) in REPLICAS {
            if from <= passed && !targets.iter().any(|(known, _)| *known == name) {
                let storage = folder.join(&name[..10]);
                targets.push((name, daemon(&configuration(&cloud, &storage), storage, clock.clone()).await?));
            }
        }
        tokio::time::sleep(SCRAPE_INTERVAL).await;
        passed += SCRAPE_INTERVAL;
        let mut history = String::new();
        is_busy = true;
        for (target, url) in &targets {
            let accept = "application/openmetrics-text;version=1.0.0";
            #[allow(clippy::disallowed_methods)] // how long a scrape really takes; tokio's time stands still meanwhile
            let begun = std::time::Instant::now();
            let answer = client.get(url).header("accept", accept).send().await?.error_for_status()?;
            let scrape = answer.text().await?;
            append(&mut history, target, &scrape, begun.elapsed(), clock.now());
            is_busy &= ["dcs_backup_progress_ratio{", "dcs_restore_progress_ratio{"]
                .iter()
                .all(|family| scrape.lines().any(|line| line.starts_with(family)));
        }
        output.write_all(history.as_bytes())?;
    }
    writeln!(output, "# EOF")?;
    output.flush()?;
    Ok(())
}
