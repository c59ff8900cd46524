//! What the poller keeps of one instance, and how an answer changes it.
//!
//! A failed poll changes no fact (contract §5.2). Facts come from the records of the last good poll, with two
//! exceptions that contract §4 names: the newest success never steps back, and an answer without any record
//! after one that had some is believed when the next poll says the same.

mod memory;

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use crate::cloud::error::ErrorKind;
use crate::config::{Override, ProjectConfig};
use crate::domain::contradiction::contradicted;
use crate::domain::events::Seen;
use crate::domain::facts::{LastSuccess, RecordFacts};
use crate::domain::instance::{CacheMode, Instance, InstanceStatus, PolicyReading};
use crate::domain::plan::UtcOffset;
use crate::domain::record::Record;
use crate::domain::selection::{Candidate, Traits, Verdict};
use crate::domain::tags::{TagLabel, TagLabels};
use crate::domain::{InstanceId, Operation};
use crate::memory::packed::Packed;
use crate::schedule::usual::Usual;
use crate::snapshot::{Details, InstanceView, PolicyView, PollView};

/// Longest name shown, in bytes; DCS allows 64 characters.
const LONGEST_NAME: usize = 256;

/// What a project's configuration says about its instances. Whoever changes them refreshes every instance
/// ([`Watched::refresh`]): nothing that follows from them is kept elsewhere.
#[derive(Clone, Debug)]
pub(super) struct Terms {
    /// Zone of a plan that names none.
    pub(super) plan_utc_offset: UtcOffset,
    /// The configured RPO, taken as it is, …
    pub(super) rpo: Option<Duration>,
    /// … but for those that one of these is for.
    pub(super) overrides: Arc<[Override]>,
    /// The tags that become labels.
    pub(super) instance_tags: Arc<[TagLabel]>,
    /// Added to the plan's interval where none is configured.
    pub(super) rpo_grace: Duration,
}

impl Terms {
    pub(super) fn of(config: &ProjectConfig) -> Self {
        Self {
            plan_utc_offset: config.plan_utc_offset,
            rpo: config.rpo,
            overrides: Arc::clone(&config.overrides),
            instance_tags: Arc::clone(&config.instance_tags),
            rpo_grace: config.rpo_grace,
        }
    }

    /// The RPO that is configured for this instance, if any is.
    fn rpo_of(&self, candidate: &Candidate<'_>) -> Option<Duration> {
        let its_own = self.overrides.iter().find(|each| each.of.judge(candidate) == Verdict::Yes);
        its_own.map(|each| each.rpo).or(self.rpo)
    }
}

/// One instance.
#[derive(Debug)]
pub(super) struct Watched {
    id: InstanceId,
    /// Configured by hand: no listing makes it disappear.
    pub(super) by_hand: bool,
    /// Listings in a row that spoke against it: that lacked it, or had it as one that the filters leave out.
    pub(super) misses: u32,
    /// When a listing had it last.
    pub(super) listed: Option<Instant>,
    /// Its status has said so since then.
    restoring_since: Option<Timestamp>,
    configured_name: Option<String>,
    /// What filters and overrides go by.
    traits: Traits,
    details: Option<Details>,
    policy: PolicyReading,
    /// The cloud refused its backups because there can be none.
    refused: bool,
    contradicted: bool,
    backups: Kind,
    restores: Kind,
    polls: [Poll; 3],
    view: Arc<InstanceView>,
}

/// The records of one kind.
#[derive(Debug, Default)]
struct Kind {
    facts: Option<Arc<RecordFacts>>,
    /// The records that the facts were made from, for the next restart.
    records: Option<Packed>,
    /// What a restart has left while there are no facts.
    left: Left,
    /// The last answer was empty though there had been records.
    emptied: bool,
    seen: Seen,
    usual: Usual,
}

/// What is still known of facts that were too old to be shown after a restart.
#[derive(Debug, Default)]
struct Left {
    last_success: Option<LastSuccess>,
    had_records: bool,
}

/// How polling one operation goes.
#[derive(Debug, Default)]
pub(super) struct Poll {
    pub(super) view: PollView,
    /// When the last one was answered, well or badly; `None` before the first of this process.
    pub(super) answered: Option<Instant>,
    /// Failures in a row.
    pub(super) failures: u32,
    /// A failure was logged and has not passed.
    pub(super) reported: Option<&'static str>,
}

impl Watched {
    /// One of which nothing is known but, perhaps, these traits.
    pub(super) fn new(id: InstanceId, configured_name: Option<String>, by_hand: bool, traits: Traits) -> Self {
        let view = InstanceView {
            id: id.clone(),
            name: String::new(),
            details: None,
            tags: TagLabels::default(),
            supported: None,
            policy: None,
            rpo: None,
            backups: None,
            restores: None,
            polls: Default::default(),
        };
        Self {
            id,
            by_hand,
            misses: 0,
            listed: None,
            restoring_since: None,
            configured_name,
            traits,
            details: None,
            policy: PolicyReading::Unread,
            refused: false,
            contradicted: false,
            backups: Kind::default(),
            restores: Kind::default(),
            polls: Default::default(),
            view: Arc::new(view),
        }
    }

    /// Takes what the configuration says of it; the picture is to be refreshed.
    pub(super) fn configure(&mut self, by_hand: bool, name: Option<String>) {
        self.by_hand = by_hand;
        self.configured_name = name;
    }

    /// The picture as of the last [`Self::refresh`].
    pub(super) fn view(&self) -> &Arc<InstanceView> {
        &self.view
    }

    /// What filters and overrides go by, as far as it was ever said.
    pub(super) fn traits(&self) -> &Traits {
        &self.traits
    }

    /// It, as filters and overrides see it.
    pub(super) fn candidate(&self) -> Candidate<'_> {
        let name = self.configured_name.as_ref().or(self.traits.name.as_ref());
        Candidate { id: &self.id, name: name.map(String::as_str), traits: &self.traits }
    }

    /// The cloud calls it a single node, which cannot be backed up.
    pub(super) fn is_single_node(&self) -> bool {
        self.details.as_ref().and_then(|details| details.cache_mode) == Some(CacheMode::Single)
    }

    /// The service answered the newest request for its backups that there is no such instance.
    pub(super) fn is_not_found(&self) -> bool {
        self.view.poll(Operation::Backups).error.is_some_and(|error| error.kind == ErrorKind::NotFound)
    }

    /// No poll has ever worked.
    pub(super) fn is_unpolled(&self) -> bool {
        self.polls.iter().all(|poll| poll.view.last_success_at.is_none())
    }

    pub(super) fn poll(&mut self, operation: Operation) -> &mut Poll {
        let index = Operation::PER_INSTANCE.iter().position(|known| *known == operation);
        &mut self.polls[index.expect("instances are polled by the operations of an instance")]
    }

    /// Takes the records of a good poll. Returns those that are to be reported as newly finished.
    pub(super) fn records(&mut self, operation: Operation, records: &[Record], unsupported: bool) -> Vec<Record> {
        let kind = if operation == Operation::Restores {
            &mut self.restores
        } else {
            self.refused = unsupported;
            &mut self.backups
        };
        let had_some = kind.had_records();
        if records.is_empty() && had_some && !kind.emptied {
            kind.emptied = true;
            return Vec::new();
        }
        kind.emptied = false;
        kind.facts = Some(Arc::new(RecordFacts::of(records).remembering(kind.last_success())));
        kind.records = Some(Packed::of(records));
        kind.usual.learn(records);
        kind.seen.newly_finished(records).into_iter().cloned().collect()
    }

    /// Whether the last answer of this kind has to be confirmed before it is believed.
    pub(super) fn awaits_confirmation(&self, operation: Operation) -> bool {
        match operation {
            Operation::Restores => self.restores.emptied,
            _ => self.backups.emptied,
        }
    }

    /// How long its backups or restores usually take.
    pub(super) fn usual(&self, operation: Operation) -> &Usual {
        match operation {
            Operation::Restores => &self.restores.usual,
            _ => &self.backups.usual,
        }
    }

    /// Since when its status has said that it is being restored.
    pub(super) fn restoring_since(&self) -> Option<Timestamp> {
        self.restoring_since
    }

    /// Takes what a listing or `instances/{id}` says of the instance; what it does not say stays.
    pub(super) fn described(&mut self, instance: &Instance, now: Timestamp) {
        if let Some(status) = instance.status {
            let is_restoring = status == InstanceStatus::Restoring;
            self.restoring_since = is_restoring.then(|| self.restoring_since.unwrap_or(now));
        }
        self.traits.learn(instance);
        let known = self.details.take();
        let known = known.as_ref();
        self.details = Some(Details {
            engine: instance.engine.or(known.and_then(|known| known.engine)),
            engine_version: instance
                .engine_version
                .clone()
                .or_else(|| known.and_then(|known| known.engine_version.clone())),
            cache_mode: instance.cache_mode.or(known.and_then(|known| known.cache_mode)),
            status: instance.status.or(known.and_then(|known| known.status)),
            created_at: instance.created_at.or(known.and_then(|known| known.created_at)),
            max_memory_bytes: instance.max_memory_bytes.or(known.and_then(|known| known.max_memory_bytes)),
        });
        if instance.policy != PolicyReading::Unread {
            self.policy = instance.policy.clone();
        }
    }

    /// Draws the picture anew. Returns whether records have just begun to contradict the plan.
    pub(super) fn refresh(&mut self, terms: &Terms) -> bool {
        let supported = self.supported();
        let created_at = self.details.as_ref().and_then(|details| details.created_at);
        let mut policy = policy_view(&self.policy, created_at, terms);
        let was_contradicted = self.contradicted;
        self.contradicted = match (&policy, &self.backups.facts) {
            (Some(PolicyView { plan: Some(plan), updated_at, .. }), Some(facts)) => {
                contradicted(plan, &facts.automatic, *updated_at)
            }
            _ => false,
        };
        if self.contradicted
            && let Some(policy) = &mut policy
        {
            policy.plan = None;
        }
        let expected = policy.as_ref().and_then(|policy| policy.expected_interval);
        let rpo = terms.rpo_of(&self.candidate()).or(expected.map(|interval| interval + terms.rpo_grace));
        self.view = Arc::new(InstanceView {
            id: self.id.clone(),
            name: self.name(),
            details: self.details.clone(),
            tags: self.traits.tags.as_ref().map(|tags| TagLabels::of(&terms.instance_tags, tags)).unwrap_or_default(),
            supported,
            policy,
            rpo: rpo.filter(|_| supported != Some(false)),
            backups: self.backups.facts.clone(),
            restores: self.restores.facts.clone(),
            polls: self.polls.each_ref().map(|poll| poll.view.clone()),
        });
        self.contradicted && !was_contradicted
    }

    /// Configured, else the cloud's, else the id.
    fn name(&self) -> String {
        let name = self.candidate().name.unwrap_or(self.id.as_str());
        name[..name.floor_char_boundary(LONGEST_NAME)].to_owned()
    }

    /// Whether it can be backed up: no for a single node, and where the cloud says so of one that never had a backup;
    /// yes for every other known mode, and for an instance of unknown mode that has backups or a plan for them. One that
    /// had backups is refused by mistake, and nobody must be told that it needs none.
    fn supported(&self) -> Option<bool> {
        let mode = self.details.as_ref().and_then(|details| details.cache_mode);
        let has_backups = self.backups.facts.as_ref().is_some_and(|facts| !facts.records.is_empty());
        let is_planned = matches!(&self.policy, PolicyReading::Present(policy) if policy.automatic);
        let never_had_any = !has_backups && self.backups.last_success().is_none();
        if self.is_single_node() || (self.refused && never_had_any) {
            return Some(false);
        }
        let known_mode = mode.is_some_and(|mode| mode != CacheMode::Other);
        (known_mode || has_backups || is_planned).then_some(true)
    }
}

impl Kind {
    fn had_records(&self) -> bool {
        self.facts.as_ref().map_or(self.left.had_records, |facts| !facts.records.is_empty())
    }

    fn last_success(&self) -> Option<&LastSuccess> {
        self.facts.as_ref().map_or(self.left.last_success.as_ref(), |facts| facts.last_success.as_ref())
    }
}

fn policy_view(policy: &PolicyReading, created_at: Option<Timestamp>, terms: &Terms) -> Option<PolicyView> {
    match policy {
        PolicyReading::Unread => None,
        PolicyReading::Absent => Some(PolicyView {
            automatic: false,
            updated_at: None,
            retention: None,
            expected_interval: None,
            plan: None,
            since: None,
        }),
        PolicyReading::Present(policy) => Some(PolicyView {
            automatic: policy.automatic,
            updated_at: policy.updated_at,
            retention: policy.retention.filter(|_| policy.automatic),
            expected_interval: policy.expected_interval(),
            plan: policy.plan(terms.plan_utc_offset),
            since: policy.updated_at.max(created_at),
        }),
    }
}
