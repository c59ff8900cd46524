//! The exporter's own metrics: the only place that knows the crate `prometheus`.
//!
//! Other parts hold an [`OwnMetrics`] and say what happened; a scrape gathers the registry and writes it (`encode`).
//! Series whose count is known to be zero from the start are there from the start, because a rate cannot see the
//! first increment of a series that is born with it. What is not known yet (the clock skew before the first
//! answer) has no series.
//!
//! `process_*` come from the crate's collector, without what it could not read (`process`).

mod encode;
mod health;
mod process;
mod reload;

use std::time::Duration;

use jiff::Timestamp;
use prometheus::{
    CounterVec, Gauge, GaugeVec, HistogramOpts, HistogramVec, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry,
};

use super::families::Kind;
use crate::cloud::Oddities;
use crate::cloud::error::ErrorKind;
use crate::domain::shard::Shard;
use crate::domain::{Operation, ProjectName, Purpose};
use crate::storage::file::Reason;
pub use health::Health;

/// A family of the exporter itself.
#[derive(Clone, Copy, Debug)]
pub struct OwnFamily {
    /// The name of its samples, without the endings of a histogram's.
    pub name: &'static str,
    /// What it means, in a sentence.
    pub help: &'static str,
    /// The type.
    pub kind: Kind,
    /// All its labels.
    pub labels: &'static [&'static str],
}

/// Defines the table of the families and a constant for each, so that none is registered under another's name.
macro_rules! own_families {
    ($($constant:ident = $kind:ident $name:literal [$($label:literal),*] $help:literal;)*) => {
        $(const $constant: OwnFamily =
            OwnFamily { name: $name, help: $help, kind: Kind::$kind, labels: &[$($label),*] };)*

        /// Every family of the exporter itself.
        pub(crate) const FAMILIES: &[OwnFamily] = &[$($constant),*];
    };
}

own_families! {
    BUILD_INFO = Gauge "dcs_exporter_build_info" ["version", "revision", "rustversion"]
        "Version, source revision and compiler of this exporter; always 1.";
    START = Gauge "dcs_exporter_start_timestamp_seconds" []
        "When this exporter started.";
    API_REQUESTS = Counter "dcs_exporter_api_requests_total" ["project", "operation", "code"]
        "Requests sent to the cloud, by HTTP status, or error where no answer came.";
    API_DURATION = Histogram "dcs_exporter_api_request_duration_seconds" ["project", "operation"]
        "How long the cloud took to answer a request.";
    POLL_FAILURES = Counter "dcs_exporter_poll_failures_total" ["project", "operation", "reason"]
        "Polls that failed, by reason.";
    THROTTLED = Counter "dcs_exporter_throttled_total" ["project"]
        "Answers of the cloud that said it is asked too often.";
    LIMITER_WAIT = Counter "dcs_exporter_rate_limiter_wait_seconds_total" ["project"]
        "Time that requests waited for the exporter's own rate limit.";
    POLL_LAG = Gauge "dcs_exporter_poll_lag_seconds" ["project"]
        "By how much the most overdue poll is late now.";
    POLLS_DUE = Gauge "dcs_exporter_polls_due" ["project"]
        "Polls that are due now.";
    INSTANCES_WATCHED = Gauge "dcs_exporter_instances_watched" ["project"]
        "Instances watched by this process.";
    RECORDS_REJECTED = Counter "dcs_exporter_records_rejected_total" ["project", "operation", "field"]
        "Records or single fields of them that could not be read, by field.";
    UNKNOWN_VALUES = Counter "dcs_exporter_unknown_values_total" ["field"]
        "Words of the cloud that its documentation does not have, by field.";
    CLOCK_SKEW = Gauge "dcs_exporter_clock_skew_seconds" ["project"]
        "The cloud's clock minus the exporter's.";
    CREDENTIALS_EXPIRY = Gauge "dcs_exporter_credentials_expiry_timestamp_seconds" ["project"]
        "When the project's present credentials expire; only for those that do.";
    STORAGE_WRITTEN = Gauge "dcs_exporter_storage_last_write_success_timestamp_seconds" []
        "When the facts were last stored; only with storage, and after the first time.";
    STORAGE_FAILURES = Counter "dcs_exporter_storage_write_failures_total" []
        "Times that the facts could not be stored, for want of space or because another process stores there.";
    STORAGE_REJECTED = Counter "dcs_exporter_storage_files_rejected_total" ["reason"]
        "Stored files that were not used and set aside, by reason.";
    RELOAD_SUCCESSFUL = Gauge "dcs_exporter_config_last_reload_successful" []
        "1 if the newest loading of the configuration succeeded, 0 if the one before is still in use.";
    RELOAD_AT = Gauge "dcs_exporter_config_last_reload_success_timestamp_seconds" []
        "When the configuration in use was loaded.";
    SHARD_ORDINAL = Gauge "dcs_exporter_shard_ordinal" []
        "Number of this shard, from 0.";
    SHARDS = Gauge "dcs_exporter_shards" []
        "Shards that share the instances.";
    LOOKBACK = Gauge "dcs_exporter_lookback_seconds" []
        "How far back failed backups and restores are counted.";
}

/// Upper bounds of the buckets of the requests' durations, in seconds; the largest is the default time-out.
const DURATION_BUCKETS: [f64; 11] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// The source revision, where the build was told.
const REVISION: &str = match option_env!("DCS_EXPORTER_REVISION") {
    Some(revision) => revision,
    None => "unknown",
};

/// The compiler, where the build was told; else the oldest one that can compile this, marked as such.
const RUSTVERSION: &str = match option_env!("DCS_EXPORTER_RUSTVERSION") {
    Some(version) => version,
    None => concat!(">=", env!("CARGO_PKG_RUST_VERSION")),
};

/// Counters, histograms and gauges about the exporter itself; cheap to clone.
#[derive(Clone, Debug)]
pub struct OwnMetrics {
    registry: Registry,
    api_requests: IntCounterVec,
    api_duration: HistogramVec,
    poll_failures: IntCounterVec,
    throttled: IntCounterVec,
    limiter_wait: CounterVec,
    poll_lag: GaugeVec,
    polls_due: IntGaugeVec,
    instances_watched: IntGaugeVec,
    records_rejected: IntCounterVec,
    unknown_values: IntCounterVec,
    clock_skew: GaugeVec,
    credentials_expiry: GaugeVec,
    shard_ordinal: IntGauge,
    shards: IntGauge,
    storage_written: GaugeVec,
    storage_failures: IntCounterVec,
    storage_rejected: IntCounterVec,
    reload_successful: IntGauge,
    reload_at: Gauge,
    lookback: Gauge,
}

impl OwnMetrics {
    /// All metrics, with the series of these projects at 0 where 0 is the truth.
    pub fn new(started: Timestamp, lookback: Duration, projects: &[ProjectName]) -> Self {
        let registry = Registry::new();
        let metrics = Self {
            api_requests: register(&registry, IntCounterVec::new(API_REQUESTS.opts(), API_REQUESTS.labels)),
            api_duration: register(
                &registry,
                HistogramVec::new(
                    HistogramOpts::from(API_DURATION.opts()).buckets(DURATION_BUCKETS.to_vec()),
                    API_DURATION.labels,
                ),
            ),
            poll_failures: register(&registry, IntCounterVec::new(POLL_FAILURES.opts(), POLL_FAILURES.labels)),
            throttled: register(&registry, IntCounterVec::new(THROTTLED.opts(), THROTTLED.labels)),
            limiter_wait: register(&registry, CounterVec::new(LIMITER_WAIT.opts(), LIMITER_WAIT.labels)),
            poll_lag: register(&registry, GaugeVec::new(POLL_LAG.opts(), POLL_LAG.labels)),
            polls_due: register(&registry, IntGaugeVec::new(POLLS_DUE.opts(), POLLS_DUE.labels)),
            instances_watched: register(
                &registry,
                IntGaugeVec::new(INSTANCES_WATCHED.opts(), INSTANCES_WATCHED.labels),
            ),
            records_rejected: register(&registry, IntCounterVec::new(RECORDS_REJECTED.opts(), RECORDS_REJECTED.labels)),
            unknown_values: register(&registry, IntCounterVec::new(UNKNOWN_VALUES.opts(), UNKNOWN_VALUES.labels)),
            clock_skew: register(&registry, GaugeVec::new(CLOCK_SKEW.opts(), CLOCK_SKEW.labels)),
            credentials_expiry: register(
                &registry,
                GaugeVec::new(CREDENTIALS_EXPIRY.opts(), CREDENTIALS_EXPIRY.labels),
            ),
            shard_ordinal: register(&registry, IntGauge::with_opts(SHARD_ORDINAL.opts())),
            shards: register(&registry, IntGauge::with_opts(SHARDS.opts())),
            storage_written: register(&registry, GaugeVec::new(STORAGE_WRITTEN.opts(), STORAGE_WRITTEN.labels)),
            storage_failures: register(&registry, IntCounterVec::new(STORAGE_FAILURES.opts(), STORAGE_FAILURES.labels)),
            storage_rejected: register(&registry, IntCounterVec::new(STORAGE_REJECTED.opts(), STORAGE_REJECTED.labels)),
            reload_successful: register(&registry, IntGauge::with_opts(RELOAD_SUCCESSFUL.opts())),
            reload_at: register(&registry, Gauge::with_opts(RELOAD_AT.opts())),
            lookback: register(&registry, Gauge::with_opts(LOOKBACK.opts())),
            registry,
        };
        metrics.register_constants(started);
        metrics.shard(Shard::ALONE);
        metrics.configured(started);
        metrics.looks_back(lookback);
        for project in projects {
            metrics.project_begins(project);
        }
        metrics
    }

    /// What does not change while the program runs.
    fn register_constants(&self, started: Timestamp) {
        let registry = &self.registry;
        register(registry, IntGaugeVec::new(BUILD_INFO.opts(), BUILD_INFO.labels))
            .with_label_values(&[env!("CARGO_PKG_VERSION"), REVISION, RUSTVERSION])
            .set(1);
        register(registry, Gauge::with_opts(START.opts())).set(unix_seconds(started));
        let process = process::Process::started_at(started);
        registry.register(Box::new(process)).expect("no family of ours begins with process_");
    }

    /// A request was sent; `status` is `None` where no answer came (code `error`).
    pub fn api_request(&self, project: &ProjectName, purpose: impl Into<Purpose>, status: Option<u16>, took: Duration) {
        let (project, operation) = (project.as_str(), purpose.into().as_str());
        let code = status.map_or_else(|| "error".to_owned(), |status| status.to_string());
        self.api_requests.with_label_values(&[project, operation, &code]).inc();
        self.api_duration.with_label_values(&[project, operation]).observe(took.as_secs_f64());
    }

    /// A poll failed.
    pub fn poll_failed(&self, project: &ProjectName, operation: Operation, kind: ErrorKind) {
        self.poll_failures.with_label_values(&[project.as_str(), operation.as_str(), kind.reason()]).inc();
    }

    /// The cloud said that we ask too often.
    pub fn throttled(&self, project: &ProjectName) {
        self.throttled.with_label_values(&[project.as_str()]).inc();
    }

    /// A request waited so long for its token.
    pub fn limiter_waited(&self, project: &ProjectName, waited: Duration) {
        self.limiter_wait.with_label_values(&[project.as_str()]).inc_by(waited.as_secs_f64());
    }

    /// An answer held what could not be read.
    pub fn oddities(&self, project: &ProjectName, operation: Operation, oddities: &Oddities) {
        for (field, count) in &oddities.rejected {
            self.records_rejected.with_label_values(&[project.as_str(), operation.as_str(), field]).inc_by(*count);
        }
        for (field, count) in &oddities.unknown {
            self.unknown_values.with_label_values(&[field]).inc_by(*count);
        }
    }

    /// The cloud's clock minus ours, in seconds, from an answer's `Date`.
    pub fn clock_skew(&self, project: &ProjectName, seconds: f64) {
        self.clock_skew.with_label_values(&[project.as_str()]).set(seconds);
    }

    /// When the credentials in use expire; `None` for those that do not.
    pub fn credentials_expire(&self, project: &ProjectName, at: Option<Timestamp>) {
        let project = [project.as_str()];
        match at {
            Some(at) => self.credentials_expiry.with_label_values(&project).set(unix_seconds(at)),
            // An error says that there was no such series, which is what is wanted.
            None => drop(self.credentials_expiry.remove_label_values(&project)),
        }
    }

    /// Which of several processes this is.
    pub fn shard(&self, shard: Shard) {
        self.shard_ordinal.set(i64::from(shard.ordinal()));
        self.shards.set(i64::from(shard.total()));
    }

    /// Facts are stored from here on: its counts begin at 0.
    pub fn storage_begins(&self) {
        self.storage_failures.with_label_values::<&str>(&[]);
        for reason in Reason::ALL {
            self.storage_rejected.with_label_values(&[reason.as_str()]);
        }
    }

    /// The facts were stored.
    pub fn storage_written(&self, at: Timestamp) {
        self.storage_written.with_label_values::<&str>(&[]).set(unix_seconds(at));
    }

    /// The facts could not be stored.
    pub fn storage_write_failed(&self) {
        self.storage_failures.with_label_values::<&str>(&[]).inc();
    }

    /// A stored file is not used.
    pub fn storage_file_rejected(&self, reason: Reason) {
        self.storage_rejected.with_label_values(&[reason.as_str()]).inc();
    }

    /// How the schedule stands: the delay of the most overdue poll, how many are due, and how many instances
    /// this process watches.
    pub fn schedule(&self, project: &ProjectName, lag: Duration, due: usize, watched: usize) {
        let project = [project.as_str()];
        self.poll_lag.with_label_values(&project).set(lag.as_secs_f64());
        self.polls_due.with_label_values(&project).set(i64::try_from(due).unwrap_or(i64::MAX));
        self.instances_watched.with_label_values(&project).set(i64::try_from(watched).unwrap_or(i64::MAX));
    }
}

impl OwnFamily {
    fn opts(self) -> Opts {
        Opts::new(self.name, self.help)
    }
}

fn register<C: prometheus::core::Collector + Clone + 'static>(registry: &Registry, made: prometheus::Result<C>) -> C {
    let collector = made.expect("the table's names and labels are valid");
    registry.register(Box::new(collector.clone())).expect("the table's names are distinct");
    collector
}

fn unix_seconds(moment: Timestamp) -> f64 {
    moment.as_millisecond() as f64 / 1000.0
}

/// What the process collector tells, for the list of all families.
pub(crate) const PROCESS_FAMILIES: &[OwnFamily] = process::FAMILIES;
