//! A cloud in memory for the poller's tests: it answers on virtual time, keeps count, and fails as scripted.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use crate::clock::Clock;
use crate::cloud::diagnosis::Hint;
use crate::cloud::error::ErrorKind;
use crate::cloud::paced::Paced;
use crate::cloud::{Answer, CloudError, DcsApi, Oddities, Page, Request};
use crate::config::{
    ApiVersion, CloudProject, CredentialsConfig, Discovery, InstanceConfig, KeySource, Limits, Polling, ProjectConfig,
    Proxies, Source, TextSource,
};
use crate::domain::instance::{CacheMode, Instance, InstanceStatus, PolicyReading};
use crate::domain::plan::{BackupPolicy, UtcOffset};
use crate::domain::record::{BackupType, ErrorCode, Record, State};
use crate::domain::selection::{Filter, Selection};
use crate::domain::shard::Shard;
use crate::domain::tags::Tags;
use crate::domain::{InstanceId, Operation};
use crate::exposition::own::OwnMetrics;
use crate::pace::Pace;
use crate::pace::keys::{Fingerprint, KeyRing};
use crate::poller::Poller;

/// When the virtual clock begins: a Saturday noon.
pub(super) fn epoch() -> Timestamp {
    "2026-11-21T12:00:00Z".parse().unwrap()
}

pub(super) type Script = Box<dyn Fn(Duration, &Request) -> Option<ErrorKind> + Send>;

/// What the cloud holds, and what was asked of it.
pub(super) struct Cloud {
    pub(super) instances: BTreeMap<InstanceId, Instance>,
    /// Which of several projects gets nothing but failures, and of what kind.
    pub(super) broken: Option<(usize, ErrorKind)>,
    /// Listings say nothing of tags.
    pub(super) lists_no_tags: bool,
    /// Listings hold an entry that cannot be read, so that they are not whole.
    pub(super) lists_in_part: bool,
    /// Left out of listings, though they answer.
    pub(super) unlisted: Vec<InstanceId>,
    /// Records by instance, as functions of the moment they are asked for.
    pub(super) backups: BTreeMap<InstanceId, Vec<Life>>,
    pub(super) restores: BTreeMap<InstanceId, Vec<Life>>,
    /// Which requests fail, by the time since the beginning.
    pub(super) script: Script,
    pub(super) retry_after: Option<Duration>,
    /// The code of scripted failures.
    pub(super) code: Option<&'static str>,
    /// What they advise.
    pub(super) hint: Option<Hint>,
    pub(super) key: u64,
    pub(super) latency: Duration,
    pub(super) requests: Vec<(Duration, Request)>,
    /// Which of several projects sent each of the requests.
    pub(super) senders: Vec<usize>,
    /// How long it takes to log in with a new key.
    pub(super) login: Duration,
    logged_in: Option<(u64, Instant)>,
    pub(super) under_way: usize,
    pub(super) most_under_way: usize,
    /// By project.
    pub(super) most_of_project: BTreeMap<usize, (usize, usize)>,
}

impl Cloud {
    /// Whoever asks for the key waits for a login first.
    pub(super) fn log_out(&mut self) {
        self.logged_in = None;
    }
}

/// A record over time.
#[derive(Clone, Debug)]
pub(super) struct Life {
    pub(super) id: String,
    pub(super) created_at: Timestamp,
    pub(super) lasts: Duration,
    pub(super) error_code: Option<ErrorCode>,
    pub(super) backup_type: BackupType,
}

impl Life {
    fn at(&self, now: Timestamp) -> Option<Record> {
        let end = self.created_at + self.lasts;
        let state = match (now < self.created_at, now < end) {
            (true, _) => return None,
            (_, true) => State::Running,
            _ if self.error_code.is_some() => State::Failed,
            _ => State::Succeeded,
        };
        Some(Record {
            id: self.id.as_str().into(),
            state,
            created_at: self.created_at,
            execution_at: Some(self.created_at),
            updated_at: Some(end.min(now)),
            progress: Some(0.5),
            error_code: self.error_code.filter(|_| state == State::Failed),
            size_bytes: Some(1000),
            backup_type: Some(self.backup_type),
            backup_format: None,
            restorable: None,
        })
    }
}

/// The way to a [`Cloud`].
#[derive(Clone)]
pub(super) struct Fake {
    pub(super) cloud: Arc<Mutex<Cloud>>,
    start: Instant,
    clock: Clock,
    project: usize,
}

impl Fake {
    pub(super) fn new(instances: impl IntoIterator<Item = Instance>) -> Self {
        let cloud = Cloud {
            instances: instances.into_iter().map(|instance| (instance.id.clone(), instance)).collect(),
            broken: None,
            lists_no_tags: false,
            lists_in_part: false,
            unlisted: Vec::new(),
            backups: BTreeMap::new(),
            restores: BTreeMap::new(),
            script: Box::new(|_, _| None),
            retry_after: None,
            code: None,
            hint: None,
            key: 1,
            latency: Duration::from_millis(20),
            requests: Vec::new(),
            senders: Vec::new(),
            login: Duration::ZERO,
            logged_in: None,
            under_way: 0,
            most_under_way: 0,
            most_of_project: BTreeMap::new(),
        };
        let clock = Clock::starting_at(epoch());
        Self { cloud: Arc::new(Mutex::new(cloud)), start: Instant::now(), clock, project: 0 }
    }

    pub(super) fn lock(&self) -> std::sync::MutexGuard<'_, Cloud> {
        self.cloud.lock().unwrap()
    }

    /// The same cloud, asked on behalf of another project.
    pub(super) fn of_project(&self, project: usize) -> Self {
        Self { project, ..self.clone() }
    }

    pub(super) fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Requests of one operation so far, by the time since the beginning.
    pub(super) fn times(&self, operation: Operation) -> Vec<Duration> {
        let cloud = self.lock();
        cloud.requests.iter().filter(|(_, request)| request.operation() == operation).map(|(at, _)| *at).collect()
    }

    /// A poller of one project on this cloud.
    pub(super) fn poller(&self, config: &ProjectConfig, polling: &Polling) -> Poller<Self> {
        self.poller_of(std::slice::from_ref(config), polling)
    }

    /// A poller of several projects with one key on this cloud.
    pub(super) fn poller_of(&self, configs: &[ProjectConfig], polling: &Polling) -> Poller<Self> {
        let names: Vec<_> = configs.iter().map(|config| config.name.clone()).collect();
        self.poller_with(configs, polling, None, &OwnMetrics::new(epoch(), polling.lookback, &names))
    }

    /// A poller of projects that share these limits beside their own, and tell these metrics.
    pub(super) fn poller_with(
        &self,
        configs: &[ProjectConfig],
        polling: &Polling,
        shared: Option<Limits>,
        metrics: &OwnMetrics,
    ) -> Poller<Self> {
        let keys = Arc::new(KeyRing::default());
        let shared = shared.map(|limits| Arc::new(Pace::new(limits)));
        let projects = configs.iter().enumerate().map(|(project, config)| {
            let own = config.limits.map(|limits| Arc::new(Pace::new(limits)));
            let paces = own.into_iter().chain(shared.clone()).collect();
            let api = self.of_project(project);
            (config.clone(), Paced::new(api, config.name.clone(), paces, keys.clone(), metrics.clone()))
        });
        Poller::new(projects.collect(), Shard::ALONE, polling, self.clock.clone(), metrics.clone())
    }

    /// A poller of a shard of one project, with its part of the limits; the cloud tells its requests by its number.
    pub(super) fn shard_poller(&self, config: &ProjectConfig, shard: Shard, metrics: &OwnMetrics) -> Poller<Self> {
        let polling = Polling::default();
        let limits = config.limits.unwrap_or_default().shared_by(shard.total());
        let api = Self { project: shard.ordinal() as usize, ..self.clone() };
        let paces = vec![Arc::new(Pace::new(limits))];
        let api = Paced::new(api, config.name.clone(), paces, Arc::new(KeyRing::default()), metrics.clone());
        Poller::new(vec![(config.clone(), api)], shard, &polling, self.clock.clone(), metrics.clone())
    }
}

/// A request that has left, until it is answered or given up.
struct UnderWay<'a>(&'a Fake);

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        let mut cloud = self.0.lock();
        cloud.under_way -= 1;
        if let Some((now, _)) = cloud.most_of_project.get_mut(&self.0.project) {
            *now -= 1;
        }
    }
}

impl DcsApi for Fake {
    async fn send(&self, request: &Request) -> Result<Answer, CloudError> {
        let latency = {
            let mut cloud = self.lock();
            cloud.requests.push((self.start.elapsed(), request.clone()));
            cloud.senders.push(self.project);
            cloud.under_way += 1;
            cloud.most_under_way = cloud.most_under_way.max(cloud.under_way);
            let (now, most) = cloud.most_of_project.entry(self.project).or_default();
            *now += 1;
            *most = (*most).max(*now);
            cloud.latency
        };
        let under_way = UnderWay(self);
        tokio::time::sleep(latency).await;
        drop(under_way);
        let cloud = self.lock();
        let is_broken = cloud.broken.filter(|(project, _)| *project == self.project);
        let failure = (cloud.script)(self.start.elapsed(), request);
        if let Some(kind) = is_broken.map(|(_, kind)| kind).or(failure) {
            let mut error = CloudError::new(kind, "scripted");
            error.retry_after = cloud.retry_after;
            error.code = cloud.code.map(Into::into);
            error.request_id = Some(format!("request-{}", cloud.requests.len()).into());
            error.hint = cloud.hint;
            return Err(error);
        }
        let now = self.clock.now();
        let records = |lives: &BTreeMap<InstanceId, Vec<Life>>, id: &InstanceId| {
            if !cloud.instances.contains_key(id) {
                return Err(CloudError::new(ErrorKind::NotFound, "no such instance"));
            }
            let mut items: Vec<Record> = lives.get(id).into_iter().flatten().filter_map(|life| life.at(now)).collect();
            // As the cloud does: at most 24, the oldest go.
            items.sort_by_key(|record| std::cmp::Reverse(record.created_at));
            items.truncate(24);
            Ok(page(items))
        };
        match request {
            Request::Instances(_) => {
                let listed = cloud.instances.values().filter(|instance| !cloud.unlisted.contains(&instance.id));
                let items = listed.map(|instance| Instance {
                    tags: instance.tags.clone().filter(|_| !cloud.lists_no_tags),
                    policy: PolicyReading::Unread,
                    ..instance.clone()
                });
                let mut page = page(items.collect());
                if cloud.lists_in_part {
                    page.received += 1;
                    page.oddities.rejected.insert("instance_id", 1);
                }
                Ok(Answer::Instances(page))
            }
            Request::Instance(id) => match cloud.instances.get(id) {
                Some(instance) => Ok(Answer::Instance(Box::new(instance.clone()), Oddities::default())),
                None => Err(CloudError::new(ErrorKind::NotFound, "no such instance")),
            },
            Request::Backups(id, _) => records(&cloud.backups, id).map(Answer::Records),
            Request::Restores(id, _) => records(&cloud.restores, id).map(Answer::Records),
        }
    }

    async fn key(&self) -> Result<Fingerprint, CloudError> {
        let (key, ready_at) = {
            let mut cloud = self.lock();
            let key = cloud.key;
            let login = Instant::now() + cloud.login;
            let known = cloud.logged_in.filter(|(known, _)| *known == key);
            (key, cloud.logged_in.insert(known.unwrap_or((key, login))).1)
        };
        // Who comes meanwhile waits for that one login.
        tokio::time::sleep_until(ready_at).await;
        Ok(Fingerprint::of_parts(&[&key.to_be_bytes()]))
    }
}

fn page<T>(items: Vec<T>) -> Page<T> {
    Page { received: items.len() as u64, total: Some(items.len() as u64), items, oddities: Oddities::default() }
}

/// An instance backed up every day at 02:00 UTC.
pub(super) fn daily(id: &str) -> Instance {
    Instance {
        id: id.into(),
        name: Some(format!("{id}-cache")),
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
            begin_minute: Some(120),
            utc_offset: None,
        }),
    }
}

/// The same with these tags.
pub(super) fn tagged(id: &str, tags: &[(&str, &str)]) -> Instance {
    Instance { tags: Some(Tags::of(tags.iter().copied())), ..daily(id) }
}

/// Whatever has one of these values of a tag.
pub(super) fn by_tag(key: &str, values: &[&str]) -> Selection {
    let values = values.iter().map(|value| (*value).to_owned()).collect();
    Selection { tags: [(key.to_owned(), values)].into(), ..Selection::default() }
}

/// Its backups of so many days around the beginning, each begun ten minutes late and twenty minutes long.
pub(super) fn daily_backups(days: std::ops::Range<i64>) -> Vec<Life> {
    let slot: Timestamp = "2026-11-21T02:00:00Z".parse().unwrap();
    days.map(|day| Life {
        id: format!("backup-{day}"),
        created_at: slot + jiff::SignedDuration::from_hours(24 * day) + Duration::from_mins(10),
        lasts: Duration::from_mins(20),
        error_code: None,
        backup_type: BackupType::Auto,
    })
    .collect()
}

/// A project with ample limits, of these instances by hand or else with discovery.
pub(super) fn project(by_hand: &[&str]) -> ProjectConfig {
    let text = || TextSource::Inline("x".to_owned().into());
    ProjectConfig {
        name: "prod".into(),
        region: "eu-de".to_owned(),
        project: CloudProject::Id("0123".into()),
        endpoint: "https://dcs.example".parse().unwrap(),
        iam_endpoint: None,
        sts_endpoint: None,
        api_version: ApiVersion::V2,
        credentials: Arc::new(CredentialsConfig {
            name: "ops".to_owned(),
            source: Source::AccessKeys(KeySource { access_key: text(), secret_key: text(), security_token: None }),
            assume: None,
            limits: None,
        }),
        ca_file: None,
        proxies: Proxies::default(),
        instances: by_hand.iter().map(|id| InstanceConfig { id: (*id).into(), name: None }).collect(),
        discovery: by_hand
            .is_empty()
            .then_some(Discovery { interval: Duration::from_mins(5), filter: Filter::default() }),
        overrides: Arc::default(),
        instance_tags: Arc::default(),
        plan_utc_offset: UtcOffset::UTC,
        limits: Some(Limits { requests_per_second: 100.0, burst: 100, concurrency: 8 }),
        rpo: None,
        rpo_grace: Duration::from_hours(5),
    }
}
