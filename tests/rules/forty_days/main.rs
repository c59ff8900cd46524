//! Forty days of a fleet in virtual time: what `/metrics` of one replica shows at each scrape, for tests of the alerts.
//!
//! `forty_days EVENTS REPLICA STEP FAMILY…` reads the events, lets the poller live through them, and prints on its
//! standard output the changes of the series of these families, a scrape every STEP minutes: `=NUMBER SERIES` when one
//! is first seen, `@MINUTE` for each scrape, and under it `NUMBER VALUE`, or `NUMBER -` where it is gone. One scrape in
//! 200 is lost, and so are those while the exporter restarts. At the end, `!JSON` tells what was true.
#![allow(clippy::unwrap_used, clippy::disallowed_macros, clippy::disallowed_methods)] // a test's program, with an output
#![allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // its numbers are small

mod cloud;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use dcs_backup_exporter::clock::Clock;
use dcs_backup_exporter::cloud::paced::Paced;
use dcs_backup_exporter::config::{self, Discovery, Inputs, InstanceConfig, Limits, Polling, ProjectConfig};
use dcs_backup_exporter::domain::InstanceId;
use dcs_backup_exporter::domain::selection::Filter;
use dcs_backup_exporter::domain::shard::Shard;
use dcs_backup_exporter::exposition::{Exposition, Format, OwnMetrics};
use dcs_backup_exporter::memory::Memory;
use dcs_backup_exporter::pace::Pace;
use dcs_backup_exporter::pace::keys::KeyRing;
use dcs_backup_exporter::poller::Poller;
use dcs_backup_exporter::schedule::fraction;
use jiff::Timestamp;
use serde_json::{Value, json};

use cloud::{Course, Way};

/// One scrape of so many is lost.
const LOST: f64 = 200.0;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [events, replica, step, families @ ..] = &arguments[..] else {
        println!("usage: forty_days EVENTS REPLICA STEP FAMILY...");
        std::process::exit(2);
    };
    let events: Value = serde_json::from_str(&std::fs::read_to_string(events).unwrap()).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(live(&events, replica, step.parse().unwrap(), families.iter().cloned().collect()));
}

async fn live(events: &Value, replica: &str, step: u64, families: BTreeSet<String>) {
    let days = events["days"].as_i64().unwrap();
    let courses: Arc<BTreeMap<InstanceId, Course>> = Arc::new(
        (0..)
            .zip(events["instances"].as_array().unwrap())
            .map(|(place, about)| Course::new(place, about, days))
            .map(|course| (course.id.clone(), course))
            .collect(),
    );
    let world = World {
        events: events.clone(),
        replica: replica.to_owned(),
        courses,
        clock: Clock::starting_at(Timestamp::UNIX_EPOCH),
    };
    let mut seen = Seen { families, numbers: BTreeMap::new(), values: BTreeMap::new(), out: String::new() };
    let mut process = world.start(None);
    let begun = tokio::time::Instant::now();
    let mut restarts = events["replicas"][replica]["restarts"].as_array().unwrap().iter().peekable();
    let mut away_until = 0;
    for minute in (0..=days as u64 * 24 * 60).step_by(step as usize) {
        let due = tokio::time::sleep_until(begun + Duration::from_mins(minute));
        process.poller.run_until(due).await;
        let hour = minute as f64 / 60.0;
        if let Some(restart) = restarts.next_if(|restart| restart["at"].as_f64().unwrap() <= hour) {
            let memory = process.poller.remembered().memory;
            away_until = minute + restart["minutes"].as_u64().unwrap();
            process = world.start(Some(memory).filter(|_| restart["memory"] == Value::Bool(true)));
        }
        let is_lost = minute < away_until || fraction((replica, minute, "scrape")) * LOST < 1.0;
        let text = (!is_lost).then(|| process.exposition.render(Format::Text).to_text());
        seen.scrape(minute, text.as_deref());
        print!("{}", std::mem::take(&mut seen.out));
    }
    println!("!{}", world.truth());
}

struct World {
    events: Value,
    replica: String,
    courses: Arc<BTreeMap<InstanceId, Course>>,
    clock: Clock,
}

/// The exporter between two restarts.
struct Process {
    poller: Poller<Way>,
    exposition: Exposition,
}

impl World {
    fn start(&self, memory: Option<Memory>) -> Process {
        let polling = Polling::default();
        let configs: Vec<(Value, ProjectConfig)> = self.events["projects"]
            .as_array()
            .unwrap()
            .iter()
            .map(|project| (project.clone(), self.project(project)))
            .collect();
        let names: Vec<_> = configs.iter().map(|(_, config)| config.name.clone()).collect();
        let metrics = OwnMetrics::new(self.clock.now(), polling.lookback, &names);
        let members = configs.into_iter().map(|(project, config)| {
            let lost = self.events["replicas"][&self.replica]["lost_key"].as_array().unwrap();
            let lost =
                lost.iter().filter(|lost| lost[0] == project["name"]).map(|lost| json!([lost[1], lost[2]])).collect();
            let way = Way {
                project,
                lost_key: Value::Array(lost),
                courses: self.courses.clone(),
                clock: self.clock.clone(),
                asked: Arc::new(Mutex::new(0)),
            };
            let paces = vec![Arc::new(Pace::new(config.limits.unwrap()))];
            let asked = Paced::new(way, config.name.clone(), paces, Arc::new(KeyRing::default()), metrics.clone());
            (config, asked)
        });
        let mut poller = Poller::new(members.collect(), Shard::ALONE, &polling, self.clock.clone(), metrics.clone());
        let exposition = Exposition::new(poller.subscribe(), metrics, self.clock.clone());
        if let Some(memory) = memory {
            poller.restore(memory);
        }
        Process { poller, exposition }
    }

    fn project(&self, project: &Value) -> ProjectConfig {
        let variables = [
            ("HUAWEICLOUD_SDK_AK", "AKOFNOREALUSER"),
            ("HUAWEICLOUD_SDK_SK", "secret-of-no-real-user"),
            ("HUAWEICLOUD_SDK_PROJECT_ID", "0123456789abcdef0123456789abcdef"),
            ("DCS_EXPORTER_REGION", "eu-de"),
        ];
        let environment = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let loaded = config::load(&Inputs { environment, ..Inputs::default() }).unwrap();
        let mut config = loaded.config.projects.into_iter().next().unwrap();
        config.name = project["name"].as_str().unwrap().into();
        config.limits = Some(Limits::default());
        config.discovery = None;
        if project["discovery"] == Value::Bool(true) {
            config.discovery = Some(Discovery { interval: Duration::from_mins(5), filter: Filter::default() });
        } else {
            let here = self.courses.values().filter(|course| course.about["project"] == project["name"]);
            config.instances = here.map(|course| InstanceConfig { id: course.id.clone(), name: None }).collect();
        }
        config
    }

    /// What was so, for the one who judges: times in hours.
    fn truth(&self) -> Value {
        let lives = |lives: &[cloud::Life]| -> Vec<Value> {
            lives
                .iter()
                .map(|life| {
                    let gone = if life.deleted < 1e9 { json!(life.deleted) } else { Value::Null };
                    json!({"begin": life.begin, "end": life.end, "code": life.code, "size": life.size, "deleted": gone})
                })
                .collect()
        };
        let of = |course: &Course| {
            json!({"id": course.id.as_str(), "name": course.about["name"], "slots": course.slots,
                "backups": lives(&course.backups), "restores": lives(&course.restores)})
        };
        self.courses.values().map(of).collect()
    }
}

/// What was last printed of each series.
struct Seen {
    families: BTreeSet<String>,
    numbers: BTreeMap<String, usize>,
    values: BTreeMap<usize, String>,
    out: String,
}

impl Seen {
    fn scrape(&mut self, minute: u64, text: Option<&str>) {
        writeln!(self.out, "@{minute} {}", u8::from(text.is_some())).unwrap();
        let mut now = BTreeSet::new();
        for line in text.unwrap_or_default().lines().filter(|line| !line.starts_with('#')) {
            let name = line.split(['{', ' ']).next().unwrap();
            if !self.families.contains(name) {
                continue;
            }
            let (series, value) = line.rsplit_once(' ').unwrap();
            let number = self.numbers.get(series).copied().unwrap_or_else(|| {
                let number = self.numbers.len();
                writeln!(self.out, "={number} {series}").unwrap();
                self.numbers.insert(series.to_owned(), number);
                number
            });
            now.insert(number);
            if self.values.get(&number).is_none_or(|known| known != value) {
                writeln!(self.out, "{number} {value}").unwrap();
                self.values.insert(number, value.to_owned());
            }
        }
        let gone: Vec<usize> = self.values.keys().filter(|number| !now.contains(number)).copied().collect();
        for number in gone {
            writeln!(self.out, "{number} -").unwrap();
            self.values.remove(&number);
        }
    }
}
