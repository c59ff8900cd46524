//! The configuration, validated and immutable (contract §2).
//!
//! What the user typed is read as a tree of text scalars that remember where they stand (`file`, `yaml`, `tree`),
//! layered by figment (defaults < file < `environment` < flags: `layers`), and turned into these types by `validate`
//! and its parts (`project`, `reach`, `credentials`). Nobody guesses the type of a scalar before its field is known: `schema`
//! and its table of `keys` know each one. Every problem is reported at once, with file, line and key (`problem`).

mod address;
pub(crate) mod advice;
mod credentials;
mod endpoint;
mod environment;
pub(crate) mod file;
mod keys;
mod layers;
mod load;
pub(crate) mod named_file;
mod need;
pub(crate) mod problem;
mod profile;
mod project;
mod proxy;
mod reach;
mod region;
mod scalar;
mod schema;
mod section;
mod selection;
mod shape;
mod shard;
mod source;
pub(crate) mod tree;
mod validate;
pub(crate) mod yaml;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use url::Url;

use crate::domain::plan::UtcOffset;
use crate::domain::selection::{Filter, Selection};
use crate::domain::shard::Shard;
use crate::domain::tags::TagLabel;
use crate::domain::{InstanceId, ProjectId, ProjectName};
pub use load::{Inputs, Loaded, load};
pub use problem::{Problem, Problems};
pub use profile::{Profile, ProfileError, ProfileLogin};
pub use schema::{KeyDoc, keys};
pub use source::{
    Agency, Assume, CredentialsConfig, Domain, IdTokenSource, KeySource, OidcAgencySource, PasswordSource,
    PodIdentitySource, Source, TextSource,
};

/// The whole configuration.
#[derive(Clone, Debug)]
pub struct Config {
    /// Key `projects`: at least one, names unique.
    pub projects: Vec<ProjectConfig>,
    /// Key `polling`.
    pub polling: Polling,
    /// Key `storage`; `None` where facts are not kept.
    pub storage: Option<StorageConfig>,
    /// Key `shard`, flags `--shard.ordinal` and `--shard.total`: which part of the instances is watched. Default: all.
    pub shard: Shard,
}

/// One element of `projects`.
#[derive(Clone)]
pub struct ProjectConfig {
    /// Key `name`: the label `project`.
    pub name: ProjectName,
    /// Key `region`; empty where only an endpoint is given.
    pub region: String,
    /// Key `project_id`, or the name to look it up by.
    pub project: CloudProject,
    /// Key `endpoint`, or what follows from the region. Never with a path, query or user.
    pub endpoint: Url,
    /// Key `iam_endpoint`, or what follows from the environment, the profile or the region; always there where it is
    /// needed: for looking the project up, passwords, id tokens and agencies by their name.
    pub iam_endpoint: Option<Url>,
    /// Key `sts_endpoint`, likewise; needed for agencies by their URN.
    pub sts_endpoint: Option<Url>,
    /// Key `api_version`, default `v2`.
    pub api_version: ApiVersion,
    /// Key `credentials`: the entry it names, or the official SDK's chain. One `Arc` per entry, shared by its projects.
    pub credentials: Arc<CredentialsConfig>,
    /// Key `ca_file`: PEM certificates added to the system's roots; the content was checked.
    pub ca_file: Option<PathBuf>,
    /// Key `proxy`, else the environment's proxies for the schemes that are asked for.
    pub proxies: Proxies,
    /// Key `instances`: configured by hand; ids unique.
    pub instances: Vec<InstanceConfig>,
    /// Key `discovery`, `None` where it is off.
    pub discovery: Option<Discovery>,
    /// Key `overrides`: of those that match an instance the first counts.
    pub overrides: Arc<[Override]>,
    /// Key `instance_tags`, and the labels that they become.
    pub instance_tags: Arc<[TagLabel]>,
    /// Key `plan_utc_offset`, default UTC.
    pub plan_utc_offset: UtcOffset,
    /// Key `limits`; `None` where only the credentials entry sets them.
    pub limits: Option<Limits>,
    /// Key `rpo` of the project, else the top-level one.
    pub rpo: Option<Duration>,
    /// Key `rpo_grace`, default 5 h.
    pub rpo_grace: Duration,
}

impl fmt::Debug for ProjectConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProjectConfig")
            .field("name", &self.name)
            .field("region", &self.region)
            .field("project", &self.project)
            .field("endpoint", &self.endpoint.as_str())
            .field("iam_endpoint", &self.iam_endpoint.as_ref().map(Url::as_str))
            .field("sts_endpoint", &self.sts_endpoint.as_ref().map(Url::as_str))
            .field("api_version", &self.api_version)
            .field("credentials", &self.credentials)
            .field("ca_file", &self.ca_file)
            .field("proxies", &self.proxies)
            .field("instances", &self.instances)
            .field("discovery", &self.discovery)
            .field("overrides", &self.overrides)
            .field("instance_tags", &self.instance_tags)
            .field("plan_utc_offset", &self.plan_utc_offset)
            .field("limits", &self.limits)
            .field("rpo", &self.rpo)
            .field("rpo_grace", &self.rpo_grace)
            .finish()
    }
}

/// Which project of the cloud is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CloudProject {
    /// The one with this id: key `project_id`.
    Id(ProjectId),
    /// The one with this name, whose id IAM is asked for: key `project_name`, else the region's name.
    Named(String),
}

/// The proxies on the way to a project's endpoints, by the endpoint's scheme.
///
/// The metadata service of ECS and the agent of CCE are never asked through one.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Proxies {
    /// For endpoints that begin with `http://`.
    pub http: Option<Url>,
    /// For endpoints that begin with `https://`.
    pub https: Option<Url>,
    /// Hosts that are asked directly, as `NO_PROXY` lists them; empty for none.
    pub except: String,
}

impl Proxies {
    /// This proxy for everything.
    pub fn all(url: Url) -> Self {
        Self { http: Some(url.clone()), https: Some(url), except: String::new() }
    }
}

impl fmt::Debug for Proxies {
    /// Of the URLs the hosts alone: they may hold passwords.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = |url: &Option<Url>| url.as_ref().and_then(Url::host_str).map(str::to_owned);
        f.debug_struct("Proxies")
            .field("http", &host(&self.http))
            .field("https", &host(&self.https))
            .field("except", &self.except)
            .finish()
    }
}

/// One element of `instances`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InstanceConfig {
    /// Key `id`.
    pub id: InstanceId,
    /// Key `name`; the cloud's name is used where it is missing.
    pub name: Option<String>,
}

/// Key `discovery`: all instances of the project, or some.
#[derive(Clone, Debug, PartialEq)]
pub struct Discovery {
    /// Key `interval`, default 5 min: time between two listings.
    pub interval: Duration,
    /// Keys `include` and `exclude`, default all.
    pub filter: Filter,
}

/// One element of `overrides`: other settings for some instances, configured by hand or found.
#[derive(Clone, Debug, PartialEq)]
pub struct Override {
    /// Key `match`: for which.
    pub of: Selection,
    /// Key `rpo`: taken as it is.
    pub rpo: Duration,
}

/// Key `api_version`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum ApiVersion {
    /// `v1.0`, deprecated by the vendor, still the only one on some private clouds.
    V1,
    /// `v2`.
    #[default]
    V2,
}

impl ApiVersion {
    /// As in the configuration, the URL and the label.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::V1 => "v1.0",
            Self::V2 => "v2",
        }
    }
}

/// Key `limits`: how many requests may leave for the cloud.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limits {
    /// Key `requests_per_second`, default 5, above 0; the rate at which the bucket fills.
    pub requests_per_second: f64,
    /// Key `burst`, default 10, at least 1: the size of the bucket.
    pub burst: u32,
    /// Key `concurrency`, default 8, at least 1: requests under way at the same time.
    pub concurrency: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self { requests_per_second: 5.0, burst: 10, concurrency: 8 }
    }
}

impl Limits {
    /// The part of each of so many processes that keep these limits together; one request at a time is the least.
    #[must_use]
    pub fn shared_by(self, processes: u32) -> Self {
        let part = |count: u32| (count / processes).max(1);
        Self {
            requests_per_second: self.requests_per_second / f64::from(processes),
            burst: part(self.burst),
            concurrency: part(self.concurrency),
        }
    }
}

/// Keys `polling`, `lookback` within it: how often the cloud is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Polling {
    /// Key `idle_interval`, default 15 min: nothing is going on.
    pub idle_interval: Duration,
    /// Key `window_interval`, default 1 min: a scheduled backup is due or overdue.
    pub window_interval: Duration,
    /// Key `active_interval`, default 15 s: a backup or restore is waiting or running.
    pub active_interval: Duration,
    /// Key `policy_interval`, default 6 h: the backup policy is read again.
    pub policy_interval: Duration,
    /// Key `request_timeout`, default 10 s: from sending a request to the last byte of its answer.
    pub request_timeout: Duration,
    /// Key `lookback`, default 7 d: how far back failures are counted.
    pub lookback: Duration,
}

impl Default for Polling {
    fn default() -> Self {
        const MINUTE: u64 = 60;
        Self {
            idle_interval: Duration::from_secs(15 * MINUTE),
            window_interval: Duration::from_secs(MINUTE),
            active_interval: Duration::from_secs(15),
            policy_interval: Duration::from_secs(6 * 60 * MINUTE),
            request_timeout: Duration::from_secs(10),
            lookback: Duration::from_secs(7 * 24 * 60 * MINUTE),
        }
    }
}

/// Key `storage`: the last known facts survive a restart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StorageConfig {
    /// Key `path`: the directory to keep them in.
    pub path: PathBuf,
    /// Key `interval`, default 30 s: they are written at most so often.
    pub interval: Duration,
    /// Key `max_age`, default 1 h: older ones are not shown before the next poll.
    pub max_age: Duration,
}
