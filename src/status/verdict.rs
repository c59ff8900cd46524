//! The judgement of an instance, and its place among others: the worst first.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Serialize, Serializer};

use crate::domain::record::Outcome;
use crate::snapshot::{InstanceView, ProjectView, Snapshot};

/// A slot counts as missed when no backup has begun so long after it: the cloud looks at its plans once an hour
/// and tries three times (the vendor's user manual, "Backup and Restoration Overview").
const MISSED_AFTER: Duration = Duration::from_hours(4);

/// How an instance stands, worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// Its newest poll failed, or there has been none.
    NotPolled,
    /// It has never been backed up.
    NeverBackedUp,
    /// Its newest backup is older than its RPO.
    Stale,
    /// Its newest attempt failed; the newest success is within the RPO.
    LastFailed,
    /// No backup began in its latest slot; the newest success is within the RPO.
    SlotMissed,
    /// All is well.
    Fresh,
    /// Nobody says how fresh it should be.
    NoRpo,
    /// A single node, which cannot be backed up.
    Unsupported,
}

/// An instance with its verdict.
#[derive(Clone, Copy, Debug)]
pub struct Judged<'a> {
    /// How it stands.
    pub verdict: Verdict,
    /// Its project.
    pub project: &'a ProjectView,
    /// The instance.
    pub instance: &'a InstanceView,
}

/// All instances of a picture, in its order.
pub fn judge(snapshot: &Snapshot, now: Timestamp) -> Vec<Judged<'_>> {
    let instances =
        snapshot.projects.iter().flat_map(|project| project.instances().map(move |instance| (project, instance)));
    instances.map(|(project, instance)| Judged { verdict: Verdict::of(instance, now), project, instance }).collect()
}

/// All instances of a picture, the worst first; of equals the one furthest beyond its RPO, then by name.
pub fn worst_first(snapshot: &Snapshot, now: Timestamp) -> Vec<Judged<'_>> {
    let mut judged = judge(snapshot, now);
    sort_worst_first(&mut judged, now);
    judged
}

/// Sorts them so; the order they come in does not matter.
pub(super) fn sort_worst_first(judged: &mut Vec<Judged<'_>>, now: Timestamp) {
    let mut ranked: Vec<_> = judged.drain(..).map(|judged| (judged.rank(now), judged)).collect();
    ranked.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
    judged.extend(ranked.into_iter().map(|(_, judged)| judged));
}

impl Verdict {
    /// Every verdict, worst first.
    pub const ALL: [Self; 8] = [
        Self::NotPolled,
        Self::NeverBackedUp,
        Self::Stale,
        Self::LastFailed,
        Self::SlotMissed,
        Self::Fresh,
        Self::NoRpo,
        Self::Unsupported,
    ];

    /// Judges an instance.
    pub fn of(view: &InstanceView, now: Timestamp) -> Self {
        if view.polls.iter().any(|poll| poll.success != Some(true)) {
            return Self::NotPolled;
        }
        if view.supported == Some(false) {
            return Self::Unsupported;
        }
        let (Some(rpo), Some(facts)) = (view.rpo, &view.backups) else { return Self::NoRpo };
        let Some(success) = &facts.last_success else { return Self::NeverBackedUp };
        if success.age(now) > rpo {
            return Self::Stale;
        }
        if facts.last_outcome == Some(Outcome::Failed) {
            return Self::LastFailed;
        }
        let missed = view.missed_slot(MISSED_AFTER, now).is_some();
        if missed { Self::SlotMissed } else { Self::Fresh }
    }

    /// How bad it is, as Nagios counts: 2 critical, 1 warning, 0 neither.
    pub fn severity(self) -> u8 {
        match self {
            Self::NotPolled | Self::NeverBackedUp | Self::Stale => 2,
            Self::LastFailed | Self::SlotMissed => 1,
            Self::Fresh | Self::NoRpo | Self::Unsupported => 0,
        }
    }

    /// For people.
    pub fn words(self) -> &'static str {
        match self {
            Self::NotPolled => "not polled",
            Self::NeverBackedUp => "never backed up",
            Self::Stale => "stale",
            Self::LastFailed => "last failed",
            Self::SlotMissed => "slot missed",
            Self::Fresh => "fresh",
            Self::NoRpo => "no RPO",
            Self::Unsupported => "unsupported",
        }
    }

    /// For programs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotPolled => "not_polled",
            Self::NeverBackedUp => "never_backed_up",
            Self::Stale => "stale",
            Self::LastFailed => "last_failed",
            Self::SlotMissed => "slot_missed",
            Self::Fresh => "fresh",
            Self::NoRpo => "no_rpo",
            Self::Unsupported => "unsupported",
        }
    }
}

impl Serialize for Verdict {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'a> Judged<'a> {
    fn rank(&self, now: Timestamp) -> impl Ord + use<'a> {
        let success = self.instance.backups.as_ref().and_then(|facts| facts.last_success.as_ref());
        let age_per_rpo = match (success.map(|success| success.age(now).as_secs()), self.instance.rpo) {
            (Some(age), Some(rpo)) if rpo.as_secs() > 0 => u64::MAX - age.saturating_mul(1000) / rpo.as_secs(),
            _ => u64::MAX,
        };
        let (project, instance) = (self.project, self.instance);
        (self.verdict, age_per_rpo, project.name.as_str(), instance.name.as_str(), instance.id.as_str())
    }
}
