//! A week of a fleet in virtual time, against a cloud in memory that counts what it is asked and notes when each
//! backup that has ended is first told.
//!
//! Every instance is backed up once a day in a slot of its own hour: the backup begins 0 to 60 minutes after the
//! slot's start and takes 5 to 30 minutes. On 2 of 100 days somebody makes another one by hand. The first answer shows
//! a week of history.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use dcs_backup_exporter::clock::Clock;
use dcs_backup_exporter::cloud::paced::Paced;
use dcs_backup_exporter::cloud::{Answer, CloudError, DcsApi, Oddities, Page, Request};
use dcs_backup_exporter::config::{self, Inputs, Limits, Polling};
use dcs_backup_exporter::domain::instance::{CacheMode, Instance, InstanceStatus, PolicyReading};
use dcs_backup_exporter::domain::plan::BackupPolicy;
use dcs_backup_exporter::domain::record::{BackupType, Record, State};
use dcs_backup_exporter::domain::shard::Shard;
use dcs_backup_exporter::domain::{InstanceId, Operation};
use dcs_backup_exporter::exposition::{Exposition, OwnMetrics};
use dcs_backup_exporter::pace::Pace;
use dcs_backup_exporter::pace::keys::{Fingerprint, KeyRing};
use dcs_backup_exporter::poller::Poller;
use dcs_backup_exporter::schedule::fraction;
use jiff::Timestamp;
use tokio::time::Instant;

const MINUTE: Duration = Duration::from_mins(1);
const HOUR: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);
/// History before the beginning, and how long the cloud keeps a backup.
const HISTORY: u32 = 7;

/// What to simulate.
#[derive(Clone, Debug)]
pub(crate) struct Week {
    /// Size of the fleet, from this number on: parts of a fleet can be simulated apart.
    pub(crate) instances: std::ops::Range<u32>,
    /// A week has 7.
    pub(crate) days: u32,
    /// How much the durations of one instance's backups differ: 0 for always the same, 1 for anything from 5 to 30
    /// minutes.
    pub(crate) spread: f64,
}

/// What was counted.
#[derive(Clone, Debug, Default)]
pub(crate) struct Figures {
    /// Requests, pages included, by what was asked for.
    pub(crate) calls: BTreeMap<Operation, u64>,
    /// Instances times days.
    pub(crate) instance_days: f64,
    /// From the end of each scheduled backup to the answer that told of it; sorted.
    pub(crate) scheduled: Vec<Duration>,
    /// The same of those by hand.
    pub(crate) by_hand: Vec<Duration>,
    /// Backups that ended an idle interval or more before the end, and were never told.
    pub(crate) untold: u64,
}

impl Figures {
    /// Requests of one kind per instance and day.
    pub(crate) fn per_day(&self, operation: Operation) -> f64 {
        self.calls.get(&operation).copied().unwrap_or(0) as f64 / self.instance_days
    }

    /// All requests per instance and day.
    pub(crate) fn total_per_day(&self) -> f64 {
        Operation::ALL.iter().map(|operation| self.per_day(*operation)).sum()
    }

    /// Adds those of another part of the fleet.
    #[allow(dead_code)] // the test simulates a fleet in one
    pub(crate) fn add(&mut self, other: &Self) {
        for (operation, calls) in &other.calls {
            *self.calls.entry(*operation).or_default() += calls;
        }
        self.instance_days += other.instance_days;
        self.scheduled.extend(&other.scheduled);
        self.by_hand.extend(&other.by_hand);
        self.scheduled.sort_unstable();
        self.by_hand.sort_unstable();
        self.untold += other.untold;
    }
}

/// The value that this part of a sorted list does not exceed.
pub(crate) fn quantile(sorted: &[Duration], part: f64) -> Duration {
    let last = sorted.len().saturating_sub(1);
    sorted.get((sorted.len() as f64 * part) as usize).or_else(|| sorted.get(last)).copied().unwrap_or_default()
}

/// Lets the fleet be polled with the default cadences and an ample budget.
pub(crate) fn simulate(week: &Week) -> Figures {
    simulate_beside(week, |_| std::future::ready(()))
}

/// The same, with something else that goes on in the fleet's time, and sees its exposition.
pub(crate) fn simulate_beside<F: Future<Output = ()>>(week: &Week, beside: impl FnOnce(Exposition) -> F) -> Figures {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let cloud = Cloud::new(week);
        let mut project = by_default();
        project.limits = Some(Limits { requests_per_second: 1000.0, burst: 1000, concurrency: 100 });
        let polling = Polling::default();
        let clock = cloud.clock.clone();
        let metrics = OwnMetrics::new(clock.now(), polling.lookback, std::slice::from_ref(&project.name));
        let paces = vec![Arc::new(Pace::new(project.limits.unwrap()))];
        let counts = cloud.counts.clone();
        let api = Paced::new(cloud, project.name.clone(), paces, Arc::new(KeyRing::default()), metrics.clone());
        let poller = Poller::new(vec![(project, api)], Shard::ALONE, &polling, clock.clone(), metrics.clone());
        let end = week.days * DAY;
        let exposition = Exposition::new(poller.subscribe(), metrics, clock);
        tokio::join!(poller.run(tokio::time::sleep(end)), beside(exposition));
        let mut figures = std::mem::take(&mut counts.lock().unwrap().figures);
        let counts = counts.lock().unwrap();
        let must_be_told = |backup: &&Backup| !backup.told && backup.end + polling.idle_interval < HISTORY * DAY + end;
        figures.untold = counts.backups.values().flatten().filter(must_be_told).count() as u64;
        figures.instance_days = week.instances.len() as f64 * f64::from(week.days);
        figures.scheduled.sort_unstable();
        figures.by_hand.sort_unstable();
        figures
    })
}

/// The one project of an environment without a file.
fn by_default() -> config::ProjectConfig {
    let variables = [
        ("HUAWEICLOUD_SDK_AK", "AKOFNOREALUSER"),
        ("HUAWEICLOUD_SDK_SK", "secret-of-no-real-user"),
        ("HUAWEICLOUD_SDK_PROJECT_ID", "0123456789abcdef0123456789abcdef"),
        ("DCS_EXPORTER_REGION", "eu-de"),
    ];
    let environment = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let loaded = config::load(&Inputs { environment, ..Inputs::default() }).unwrap();
    loaded.config.projects.into_iter().next().unwrap()
}

/// One backup; times count from [`HISTORY`] days before the beginning.
#[derive(Clone, Debug)]
struct Backup {
    begin: Duration,
    end: Duration,
    by_hand: bool,
    told: bool,
}

#[derive(Debug, Default)]
struct Counts {
    backups: BTreeMap<InstanceId, Vec<Backup>>,
    figures: Figures,
}

/// The cloud.
#[derive(Debug)]
struct Cloud {
    counts: Arc<Mutex<Counts>>,
    instances: BTreeMap<InstanceId, Instance>,
    clock: Clock,
    start: Instant,
    epoch: Timestamp,
}

impl Cloud {
    fn new(week: &Week) -> Self {
        // A Monday.
        let epoch: Timestamp = "2026-11-16T00:00:00Z".parse().unwrap();
        let mut counts = Counts::default();
        let mut instances = BTreeMap::new();
        for number in week.instances.clone() {
            let id = InstanceId::from(format!("{number:08}-0000-4000-8000-000000000000"));
            counts.backups.insert(id.clone(), backups(number, week));
            instances.insert(id.clone(), instance(id, number));
        }
        let counts = Arc::new(Mutex::new(counts));
        Self { counts, instances, clock: Clock::starting_at(epoch), start: Instant::now(), epoch }
    }

    fn backups(&self, id: &InstanceId) -> Page<Record> {
        let now = HISTORY * DAY + self.start.elapsed();
        let mut counts = self.counts.lock().unwrap();
        let Counts { backups, figures } = &mut *counts;
        let mut items = Vec::new();
        for (number, backup) in backups.get_mut(id).unwrap().iter_mut().enumerate() {
            if backup.begin > now || backup.begin + HISTORY * DAY < now {
                continue;
            }
            let ended = backup.end <= now;
            if ended && !std::mem::replace(&mut backup.told, true) && backup.end > HISTORY * DAY {
                let told = if backup.by_hand { &mut figures.by_hand } else { &mut figures.scheduled };
                told.push(now.saturating_sub(backup.end));
            }
            items.push(self.record(number, backup, now));
        }
        page(items)
    }

    fn record(&self, number: usize, backup: &Backup, now: Duration) -> Record {
        let moment = |at: Duration| self.epoch - HISTORY * DAY + at;
        let ended = backup.end <= now;
        Record {
            id: number.to_string().into(),
            state: if ended { State::Succeeded } else { State::Running },
            created_at: moment(backup.begin),
            execution_at: Some(moment(backup.begin)),
            updated_at: Some(moment(backup.end.min(now))),
            progress: None,
            error_code: None,
            size_bytes: Some(1 << 30).filter(|_| ended),
            backup_type: Some(if backup.by_hand { BackupType::Manual } else { BackupType::Auto }),
            backup_format: None,
            restorable: Some(true).filter(|_| ended),
        }
    }
}

/// All backups of an instance, in the order of their beginnings.
fn backups(number: u32, week: &Week) -> Vec<Backup> {
    let usual = 5.0 + 25.0 * (1.0 - week.spread) * fraction((number, "usual"));
    let slot = HOUR * (number % 24);
    let mut backups = Vec::new();
    for day in 0..HISTORY + week.days {
        let chance = |of: &str| fraction((number, day, of));
        let begin = slot + day * DAY + HOUR.mul_f64(chance("late"));
        let took = |of: &str| MINUTE.mul_f64(usual + 25.0 * week.spread * chance(of));
        backups.push(Backup { begin, end: begin + took("took"), by_hand: false, told: false });
        if chance("by hand") < 0.02 {
            let begin = slot + day * DAY + 3 * HOUR + 19 * HOUR.mul_f64(chance("when"));
            backups.push(Backup { begin, end: begin + took("took by hand"), by_hand: true, told: false });
        }
    }
    backups
}

fn instance(id: InstanceId, number: u32) -> Instance {
    Instance {
        name: Some(format!("cache-{number}")),
        id,
        status: Some(InstanceStatus::Running),
        engine: None,
        engine_version: None,
        cache_mode: Some(CacheMode::MasterStandby),
        max_memory_bytes: None,
        created_at: None,
        enterprise_project_id: None,
        tags: None,
        policy: PolicyReading::Present(BackupPolicy {
            automatic: true,
            updated_at: None,
            retention: None,
            days: vec![1, 2, 3, 4, 5, 6, 7],
            begin_minute: Some((number % 24) as u16 * 60),
            utc_offset: None,
        }),
    }
}

fn page<T>(items: Vec<T>) -> Page<T> {
    Page { received: items.len() as u64, total: Some(items.len() as u64), items, oddities: Oddities::default() }
}

impl DcsApi for Cloud {
    async fn send(&self, request: &Request) -> Result<Answer, CloudError> {
        *self.counts.lock().unwrap().figures.calls.entry(request.operation()).or_default() += 1;
        tokio::time::sleep(Duration::from_millis(50)).await;
        Ok(match request {
            Request::Instances(window) => {
                let listed = |instance: &Instance| Instance { policy: PolicyReading::Unread, ..instance.clone() };
                let all = self.instances.values().skip(usize::try_from(window.offset).unwrap());
                let items: Vec<_> = all.take(window.limit as usize).map(listed).collect();
                Answer::Instances(Page { total: Some(self.instances.len() as u64), ..page(items) })
            }
            Request::Instance(id) => Answer::Instance(Box::new(self.instances[id].clone()), Oddities::default()),
            Request::Backups(id, _) => Answer::Records(self.backups(id)),
            Request::Restores(..) => Answer::Records(page(Vec::new())),
        })
    }

    async fn key(&self) -> Result<Fingerprint, CloudError> {
        Ok(Fingerprint::of_parts(&[b"key"]))
    }
}
