//! Stored facts: the size of the file, the cost of a writing, and the time from exec to ready.
//!
//! `cargo bench --bench storage` prints them for growing fleets. Every instance has a full list of 24 backups, a plan
//! and a restore. The daemon's cloud is a closed port: whatever is on `/metrics`, the file has told.
#![allow(clippy::unwrap_used)] // a benchmark may fail
#![allow(clippy::disallowed_macros)] // a benchmark prints its figures
#![allow(clippy::disallowed_methods)] // and reads the real clocks

mod figures;

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use dcs_backup_exporter::clock::Clock;
use dcs_backup_exporter::domain::events::Seen;
use dcs_backup_exporter::domain::facts::RecordFacts;
use dcs_backup_exporter::domain::instance::{CacheMode, Engine, InstanceStatus, PolicyReading};
use dcs_backup_exporter::domain::plan::BackupPolicy;
use dcs_backup_exporter::domain::record::{BackupFormat, BackupType, Record, State};
use dcs_backup_exporter::domain::tags::Tags;
use dcs_backup_exporter::memory::packed::Packed;
use dcs_backup_exporter::memory::{
    InstanceMemory, Lasting, Memory, Polled, ProjectMemory, Records, Shown, ShownProject,
};
use dcs_backup_exporter::snapshot::Details;
use dcs_backup_exporter::storage::directory::Directory;
use figures::Bar::AtMost;
use jiff::{SignedDuration, Timestamp};

const ENDPOINT: &str = "http://127.0.0.1:9/";
const PROJECT_ID: &str = "0123456789abcdef0123456789abcdef";
const STARTS: usize = 7;

fn records(instance: usize, count: i64, now: Timestamp) -> Vec<Record> {
    (0..count)
        .map(|day| {
            let created_at = now - SignedDuration::from_hours(24 * (count - day)) + SignedDuration::from_millis(123);
            let begun = created_at + SignedDuration::from_mins(3);
            Record {
                id: format!("{instance:08x}-5f4b-4d4c-9a3c-{day:012x}").into(),
                state: if day % 11 == 5 { State::Failed } else { State::Succeeded },
                created_at,
                execution_at: Some(begun),
                updated_at: Some(begun + SignedDuration::from_millis(1_234_567)),
                progress: Some(1.0),
                error_code: None,
                size_bytes: Some(3_000_000_000 + instance as u64),
                backup_type: Some(BackupType::Auto),
                backup_format: Some(BackupFormat::Rdb),
                restorable: Some(true),
            }
        })
        .collect()
}

fn lasting(records: &[Record]) -> Lasting {
    let mut seen = Seen::default();
    seen.newly_finished(records);
    Lasting { last_success: RecordFacts::of(records).last_success, told: seen.marks(), had_records: true }
}

fn instance(number: usize, now: Timestamp) -> InstanceMemory {
    let (backups, restores) = (records(number, 24, now), records(number, 1, now));
    let kept = |records: &[Record]| Some(Records { packed: Packed::of(records), emptied: false });
    let polled = Polled { success: Some(true), last_success_at: Some(now - SignedDuration::from_secs(100)) };
    let shown = Shown {
        by_hand: false,
        misses: 0,
        cloud_name: Some(format!("cache-{number:06}")),
        details: Some(Details {
            engine: Some(Engine::Redis),
            engine_version: Some("5.0".to_owned()),
            cache_mode: Some(CacheMode::MasterStandby),
            status: Some(InstanceStatus::Running),
            created_at: Some(now - SignedDuration::from_hours(9999)),
            max_memory_bytes: Some(4 << 30),
        }),
        enterprise_project_id: Some("0".to_owned()),
        tags: Some(Tags::of((0..20).map(|tag| (format!("tag-{tag:02}"), format!("value {}", number % 10))))),
        policy: PolicyReading::Present(BackupPolicy {
            automatic: true,
            updated_at: Some(now - SignedDuration::from_hours(9998)),
            retention: Some(Duration::from_hours(7 * 24)),
            days: vec![1, 2, 3, 4, 5, 6, 7],
            begin_minute: Some(120),
            utc_offset: None,
        }),
        refused: false,
        backups: kept(&backups),
        restores: kept(&restores),
        polls: [polled; 3],
    };
    InstanceMemory {
        id: format!("{number:08x}-cebf-4473-95c4-d1b573c16e79").into(),
        shown: Some(Box::new(shown)),
        backups: lasting(&backups),
        restores: lasting(&restores),
    }
}

fn memory(instances: usize) -> Memory {
    // To the millisecond, as the cloud tells its times.
    let now = Timestamp::from_millisecond(Clock::system().now().as_millisecond()).unwrap();
    let project = ProjectMemory {
        name: "prod".into(),
        project_id: PROJECT_ID.into(),
        project_name: None,
        endpoint: ENDPOINT.to_owned(),
        shown: Some(ShownProject { up: Some(true), listed_at: Some(now), missing: Some(0) }),
        known: instances as u64,
        instances: (0..instances).map(|number| instance(number, now)).collect(),
    };
    Memory { saved_at: now, projects: vec![project] }
}

/// Starts the daemon; the time until it is ready, and its memory then, in bytes.
fn start(configuration: &Path) -> (Duration, u64) {
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_dcs-backup-exporter"));
    command.arg("--config.file").arg(configuration).arg(format!("--web.listen-address={address}"));
    command.env_clear().stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let begin = Instant::now();
    let mut child = command.spawn().unwrap();
    while get(address, "/-/ready").is_none_or(|answer| !answer.starts_with("HTTP/1.1 200")) {
        assert!(begin.elapsed() < Duration::from_mins(1), "it does not get ready");
        std::thread::sleep(Duration::from_millis(1));
    }
    let took = begin.elapsed();
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
    let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    let resident: u64 = resident.trim().trim_end_matches(" kB").parse().unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    (took, resident * 1024)
}

fn get(address: SocketAddr, path: &str) -> Option<String> {
    let mut stream = TcpStream::connect(address).ok()?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    Some(answer)
}

/// The middle one.
fn median<T: Ord + Copy>(mut values: Vec<T>) -> T {
    values.sort_unstable();
    values[values.len() / 2]
}

fn measure(instances: usize, place: &Path) {
    let path = place.join(instances.to_string());
    let configuration = place.join(format!("{instances}.yml"));
    let text = format!(
        "projects: [{{ name: prod, project_id: {PROJECT_ID}, endpoint: '{ENDPOINT}', credentials: ops }}]\n\
         credentials: {{ ops: {{ access_key: AK, secret_key: SK }} }}\n\
         storage: {{ path: {}, interval: 1h }}\n",
        path.display()
    );
    std::fs::write(&configuration, text).unwrap();
    let memory = memory(instances);
    let mut directory = Directory::new(path);
    directory.acquire().unwrap();
    let mut size = 0;
    let writings = (0..STARTS)
        .map(|_| {
            let begin = Instant::now();
            size = directory.write(&memory).unwrap();
            begin.elapsed()
        })
        .collect();
    let now = memory.saved_at;
    drop(memory);
    let readings = (0..STARTS)
        .map(|_| {
            let begin = Instant::now();
            assert_eq!(directory.load(now).unwrap().unwrap().len(), instances);
            begin.elapsed()
        })
        .collect();
    drop(directory);
    let (times, resident): (Vec<_>, Vec<_>) = (0..STARTS).map(|_| start(&configuration)).unzip();
    let to_ready = median(times);
    println!(
        "{instances:>7} instances: file {:>8.3} MB ({:>4} B each), written in {:>7.1?}, read in {:>7.1?}, \
         exec to ready {:>7.1?}, then resident {:>5.1} MB",
        size as f64 / 1e6,
        size / instances.max(1) as u64,
        median::<Duration>(writings),
        median::<Duration>(readings),
        to_ready,
        median(resident) as f64 / 1e6,
    );
    if instances == 10_000 {
        figures::tell("start with 10000 stored", to_ready.as_secs_f64(), "s from exec to ready", AtMost(0.5));
    }
}

fn main() {
    let place = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("bench-storage-{}", std::process::id()));
    std::fs::create_dir_all(&place).unwrap();
    for instances in [1, 100, 1_000, 10_000, 100_000] {
        measure(instances, &place);
    }
    std::fs::remove_dir_all(&place).unwrap();
}
