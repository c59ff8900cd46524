//! The immutable picture of everything known, published by the poller and read by scrapes.
//!
//! A poll replaces one [`InstanceView`] and its project; what did not change is shared with the picture before.

mod instances;

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use crate::cloud::CloudError;
use crate::config::ApiVersion;
use crate::domain::facts::RecordFacts;
use crate::domain::instance::{CacheMode, Engine, InstanceStatus};
use crate::domain::plan::WeeklyPlan;
use crate::domain::tags::TagLabels;
use crate::domain::{InstanceId, Operation, ProjectId, ProjectName};
pub use instances::Instances;

/// All projects, in the order of the configuration.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// One per configured project.
    pub projects: Vec<Arc<ProjectView>>,
    /// `polling.lookback`.
    pub lookback: Duration,
}

/// A project and its instances.
#[derive(Clone, Debug)]
pub struct ProjectView {
    /// The label `project`.
    pub name: ProjectName,
    /// The cloud's id of the project.
    pub project_id: Option<ProjectId>,
    /// As configured; empty where only an endpoint is given.
    pub region: String,
    /// Scheme, host and port.
    pub endpoint: String,
    /// Of the API.
    pub api_version: ApiVersion,
    /// Whether the service itself answered the newest request; `None` before the first.
    pub up: Option<bool>,
    /// Instances watched, by all shards together.
    pub watched: u64,
    /// Of these, how many the newest complete listing lacked; `None` before the first, and without discovery.
    pub missing: Option<u64>,
    /// How many instances the newest listing counted and did not show, or showed so that they cannot be read; `None`
    /// before the first, and without discovery.
    pub unlisted: Option<u64>,
    /// How many instances of the newest complete listing discovery's filters leave out.
    pub left_out: u64,
    /// When the newest complete listing came.
    pub listed_at: Option<Timestamp>,
    /// How old a fact may rightly be now.
    pub poll_interval: Duration,
    /// The first listing, or without discovery the first request, has been tried; or what an earlier process knew was
    /// restored, and is young enough to be shown.
    pub tried: bool,
    /// Why the project cannot be asked or listed; `None` while it can.
    pub error: Option<Arc<CloudError>>,
    /// By id.
    pub instances: Instances,
}

/// What is known of one instance.
#[derive(Clone, Debug, PartialEq)]
pub struct InstanceView {
    /// The label `instance_id`.
    pub id: InstanceId,
    /// The label `instance_name`: configured, else the cloud's, else the id; bounded in length.
    pub name: String,
    /// What the cloud says the instance is; `None` before it said.
    pub details: Option<Details>,
    /// Labels `tag_…`: of its tags those that the configuration names.
    pub tags: TagLabels,
    /// Whether it can be backed up at all.
    pub supported: Option<bool>,
    /// The backup policy; `None` before it was read.
    pub policy: Option<PolicyView>,
    /// The age at which its newest backup is too old; `None` where nobody says, or for unsupported ones.
    pub rpo: Option<Duration>,
    /// From the backup records; `None` before the first good poll.
    pub backups: Option<Arc<RecordFacts>>,
    /// From the restore records; likewise.
    pub restores: Option<Arc<RecordFacts>>,
    /// Of the operations [`Operation::PER_INSTANCE`], in that order.
    pub polls: [PollView; 3],
}

/// What the cloud says an instance is.
#[derive(Clone, Debug, PartialEq)]
pub struct Details {
    /// Label `engine`.
    pub engine: Option<Engine>,
    /// Label `engine_version`.
    pub engine_version: Option<String>,
    /// Label `cache_mode`.
    pub cache_mode: Option<CacheMode>,
    /// Label `status`.
    pub status: Option<InstanceStatus>,
    /// When it was created.
    pub created_at: Option<Timestamp>,
    /// Its memory.
    pub max_memory_bytes: Option<u64>,
}

/// The backup policy, made ready for the clock.
#[derive(Clone, Debug, PartialEq)]
pub struct PolicyView {
    /// Backups are scheduled automatically.
    pub automatic: bool,
    /// When it was last changed, by the cloud's word.
    pub updated_at: Option<Timestamp>,
    /// How long automatic backups are kept; only while scheduled automatically.
    pub retention: Option<Duration>,
    /// The longest gap between two scheduled backups of the week; only while scheduled automatically.
    pub expected_interval: Option<Duration>,
    /// The slots; `None` where backups are not scheduled, the plan cannot be read or records contradict it.
    pub plan: Option<WeeklyPlan>,
    /// No slot before this moment counts: the policy's last change or the instance's creation.
    pub since: Option<Timestamp>,
}

/// How polling one operation of one instance goes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PollView {
    /// Whether the last poll worked; `None` before the first.
    pub success: Option<bool>,
    /// When the last one worked.
    pub last_success_at: Option<Timestamp>,
    /// Why the last one failed; `None` if it worked.
    pub error: Option<Arc<CloudError>>,
}

impl ProjectView {
    /// Its instances, sorted by id.
    pub fn instances(&self) -> impl Iterator<Item = &InstanceView> {
        self.instances.iter().map(Arc::as_ref)
    }

    /// The instance with this id; `None` where it is not watched.
    pub fn instance(&self, id: &str) -> Option<&InstanceView> {
        self.instances.get(&id.into()).map(Arc::as_ref)
    }
}

impl InstanceView {
    /// The same after an attempt to poll it at this moment: which of the operations [`Operation::PER_INSTANCE`] worked.
    /// One that could not be asked did not.
    #[must_use]
    pub fn polled_now(&self, worked: [bool; 3]) -> Self {
        let mut view = self.clone();
        for (poll, worked) in view.polls.iter_mut().zip(worked) {
            poll.success = Some(worked);
        }
        view
    }

    /// How polling this operation goes; [`Operation::Instances`] is none of an instance.
    pub fn poll(&self, operation: Operation) -> PollView {
        Operation::PER_INSTANCE
            .iter()
            .position(|known| *known == operation)
            .map_or_else(PollView::default, |index| self.polls[index].clone())
    }

    /// The latest slot, if no backup came of it for so long and none is in progress. Only by the word of a policy that
    /// was read after the slot's start: before, somebody may have changed the plan.
    pub fn missed_slot(&self, after: Duration, now: Timestamp) -> Option<Timestamp> {
        let slot = self.policy.as_ref()?.last_scheduled(now)?;
        let waited = Duration::try_from(now.duration_since(slot)).unwrap_or_default();
        let is_sure = self.poll(Operation::Policy).last_success_at.is_some_and(|read_at| read_at >= slot);
        let facts = self.backups.as_ref()?;
        let is_answered = facts.progress.count > 0 || facts.last_success.as_ref().is_some_and(|last| last.at >= slot);
        (waited > after && is_sure && !is_answered).then_some(slot)
    }
}

impl PolicyView {
    /// The start of the latest slot that has begun at `now` and counts.
    pub fn last_scheduled(&self, now: Timestamp) -> Option<Timestamp> {
        let latest = self.plan.as_ref()?.latest(now);
        (self.since.is_none_or(|since| latest >= since)).then_some(latest)
    }

    /// The start of the next slot.
    pub fn next_scheduled(&self, now: Timestamp) -> Option<Timestamp> {
        Some(self.plan.as_ref()?.next(now))
    }
}

impl Snapshot {
    /// The project of this name.
    pub fn project(&self, name: &str) -> Option<&Arc<ProjectView>> {
        self.projects.iter().find(|project| project.name.as_str() == name)
    }

    /// Every project's first listing, or without discovery first request, has been tried, well or badly.
    pub fn all_tried(&self) -> bool {
        self.projects.iter().all(|project| project.tried)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::plan::UtcOffset;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    /// Every day at 02:00 UTC.
    fn nightly(since: Option<&str>) -> PolicyView {
        PolicyView {
            automatic: true,
            updated_at: None,
            retention: None,
            expected_interval: None,
            plan: WeeklyPlan::new(&[1, 2, 3, 4, 5, 6, 7], 120, UtcOffset::UTC),
            since: since.map(at),
        }
    }

    #[test]
    fn the_latest_slot_counts_from_the_last_change_on() {
        let slot = Some("2026-11-20T02:00:00Z");
        for (since, now, expected) in [
            (None, "2026-11-20T02:00:00Z", slot),
            (None, "2026-11-20T01:59:59.999Z", Some("2026-11-19T02:00:00Z")),
            (Some("2026-11-01T00:00:00Z"), "2026-11-20T12:00:00Z", slot),
            (Some("2026-11-20T02:00:00Z"), "2026-11-20T12:00:00Z", slot),
            (Some("2026-11-20T02:00:00.001Z"), "2026-11-20T12:00:00Z", None),
            (Some("2026-11-20T02:00:00.001Z"), "2026-11-21T01:59:59Z", None),
            (Some("2026-11-20T02:00:00.001Z"), "2026-11-21T02:00:00Z", Some("2026-11-21T02:00:00Z")),
            (Some("2026-11-25T00:00:00Z"), "2026-11-20T12:00:00Z", None),
        ] {
            assert_eq!(nightly(since).last_scheduled(at(now)), expected.map(at), "since {since:?}, now {now}");
        }
    }

    #[test]
    fn the_next_slot_does_not_wait_for_a_first() {
        let view = nightly(Some("2026-11-20T03:00:00Z"));
        assert_eq!(view.next_scheduled(at("2026-11-20T02:00:00Z")), Some(at("2026-11-21T02:00:00Z")));
        assert_eq!(view.next_scheduled(at("2026-11-20T01:59:59.999Z")), Some(at("2026-11-20T02:00:00Z")));
    }

    #[test]
    fn no_plan_no_slots() {
        let view = PolicyView { plan: None, ..nightly(None) };
        let now = at("2026-11-20T12:00:00Z");
        assert_eq!((view.last_scheduled(now), view.next_scheduled(now)), (None, None));
    }

    #[test]
    fn each_operation_of_an_instance_has_its_own_poll() {
        let poll = |second| PollView {
            success: Some(true),
            last_success_at: Timestamp::from_second(second).ok(),
            error: None,
        };
        let view = InstanceView {
            id: "a".into(),
            name: "a".into(),
            details: None,
            tags: TagLabels::default(),
            supported: None,
            policy: None,
            rpo: None,
            backups: None,
            restores: None,
            polls: [poll(1), poll(2), poll(3)],
        };
        let polls = Operation::ALL.map(|operation| view.poll(operation));
        assert_eq!(polls, [poll(1), poll(2), poll(3), PollView::default()]);
    }

    #[test]
    fn the_snapshot_is_tried_when_every_project_is() {
        let project = |tried| {
            Arc::new(ProjectView {
                name: "p".into(),
                project_id: Some("p".into()),
                region: String::new(),
                endpoint: String::new(),
                api_version: ApiVersion::V2,
                up: None,
                watched: 0,
                missing: None,
                unlisted: None,
                left_out: 0,
                listed_at: None,
                poll_interval: Duration::ZERO,
                tried,
                error: None,
                instances: Instances::default(),
            })
        };
        for (tried, expected) in [(vec![true, true], true), (vec![true, false], false), (vec![false], false)] {
            let projects = tried.into_iter().map(project).collect();
            assert_eq!(Snapshot { projects, lookback: Duration::ZERO }.all_tried(), expected);
        }
    }
}
