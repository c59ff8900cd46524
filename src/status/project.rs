//! What is told of a project.

use jiff::Timestamp;
use serde::Serialize;

use super::seconds::Seconds;
use super::trouble::Trouble;
use crate::domain::{Operation, ProjectId};
use crate::exposition::own::Health;
use crate::snapshot::ProjectView;

/// Where polls of backups are among [`Operation::PER_INSTANCE`].
const BACKUPS: usize = 0;
const _: () = assert!(matches!(Operation::PER_INSTANCE[BACKUPS], Operation::Backups));

/// A project and how asking it goes.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ProjectStatus<'a> {
    /// Its name in the configuration.
    pub project: &'a str,
    /// The cloud's id of it, once it is known.
    pub project_id: Option<&'a str>,
    /// Where one is configured.
    pub region: Option<&'a str>,
    /// Scheme, host and port.
    pub endpoint: &'a str,
    /// Of the API.
    pub api_version: &'static str,
    /// Whether the service itself answered the newest request.
    pub up: Option<bool>,
    /// Instances watched.
    pub instances: u64,
    /// Of these, how many the newest complete listing lacked.
    pub missing_instances: Option<u64>,
    /// How many the newest listing counted and did not show, or showed unreadably.
    pub unlisted_instances: Option<u64>,
    /// How old a fact may rightly be now.
    pub poll_interval_seconds: Seconds,
    /// When the newest complete listing came.
    pub last_listing_success_at: Option<Timestamp>,
    /// When that of its instances' backup records that were read longest ago were read.
    pub oldest_backups_poll_at: Option<Timestamp>,
    /// By how much its most overdue poll is late now.
    pub poll_lag_seconds: Option<f64>,
    /// Polls that are due now.
    pub polls_due: Option<u64>,
    /// Answers that said that the cloud is asked too often, since the start.
    pub throttled_total: Option<u64>,
    /// The cloud's clock minus ours.
    pub clock_skew_seconds: Option<f64>,
    /// When its present credentials expire.
    pub credentials_expiry_at: Option<Timestamp>,
    /// Why it cannot be asked or listed.
    pub error: Option<Trouble>,
}

impl<'a> ProjectStatus<'a> {
    /// What is told of this project, and how asking it goes.
    pub fn of(view: &'a ProjectView, health: &Health) -> Self {
        let polls = view.instances().map(|instance| &instance.polls[BACKUPS]);
        Self {
            project: view.name.as_str(),
            project_id: view.project_id.as_ref().map(ProjectId::as_str),
            region: Some(view.region.as_str()).filter(|region| !region.is_empty()),
            endpoint: &view.endpoint,
            api_version: view.api_version.as_str(),
            up: view.up,
            instances: view.watched,
            missing_instances: view.missing,
            unlisted_instances: view.unlisted,
            poll_interval_seconds: view.poll_interval.into(),
            last_listing_success_at: view.listed_at,
            oldest_backups_poll_at: polls.filter_map(|poll| poll.last_success_at).min(),
            poll_lag_seconds: health.poll_lag_seconds,
            polls_due: health.polls_due,
            throttled_total: health.throttled_total,
            clock_skew_seconds: health.clock_skew_seconds,
            credentials_expiry_at: health.credentials_expiry_at,
            error: view.error.as_deref().map(Trouble::of),
        }
    }
}
