//! In which order instances are shown.
//!
//! What is not known comes last, whichever way round; of equals the worst first.

use jiff::Timestamp;

use super::verdict::{self, Judged};
use crate::domain::facts::LastSuccess;

/// What instances are sorted by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sort {
    /// The verdict; of equals the one furthest beyond its RPO, then by name.
    #[default]
    Worst,
    /// The name, in whatever case.
    Name,
    /// The project's name, then the instance's.
    Project,
    /// The age of the newest backup.
    Age,
    /// Its size.
    Size,
    /// The start of the next slot.
    NextSlot,
    /// When a backup failed last.
    LastFailure,
    /// When the backups were read last.
    Polled,
}

/// Which way round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// The worst, first by the alphabet, smallest, youngest or earliest first.
    Ascending,
    /// The other way round.
    Descending,
}

impl Sort {
    /// Every key.
    pub const ALL: [Self; 8] = [
        Self::Worst,
        Self::Name,
        Self::Project,
        Self::Age,
        Self::Size,
        Self::NextSlot,
        Self::LastFailure,
        Self::Polled,
    ];

    /// For programs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Worst => "worst",
            Self::Name => "name",
            Self::Project => "project",
            Self::Age => "age",
            Self::Size => "size",
            Self::NextSlot => "next_slot",
            Self::LastFailure => "last_failure",
            Self::Polled => "polled",
        }
    }

    /// Which way round somebody wants it who does not say.
    pub fn usual_order(self) -> Order {
        match self {
            Self::Worst | Self::Name | Self::Project | Self::NextSlot | Self::Polled => Order::Ascending,
            Self::Age | Self::Size | Self::LastFailure => Order::Descending,
        }
    }

    /// Sorts instances; the order they come in does not matter.
    pub(super) fn apply(self, order: Order, instances: &mut Vec<Judged<'_>>, now: Timestamp) {
        verdict::sort_worst_first(instances, now);
        match self {
            Self::Worst if order == Order::Ascending => {}
            Self::Worst => instances.reverse(),
            Self::Name => by(order, instances, |one| Some(one.instance.name.to_lowercase())),
            Self::Project => by(order, instances, |one| {
                Some((one.project.name.as_str().to_lowercase(), one.instance.name.to_lowercase()))
            }),
            Self::Age => by(order, instances, |one| success(one).map(|success| success.age(now))),
            Self::Size => by(order, instances, |one| success(one)?.size_bytes),
            Self::NextSlot => by(order, instances, |one| one.instance.policy.as_ref()?.next_scheduled(now)),
            Self::LastFailure => {
                by(order, instances, |one| Some(one.instance.backups.as_ref()?.last_failure.as_ref()?.at));
            }
            Self::Polled => by(order, instances, |one| one.instance.polls[0].last_success_at),
        }
    }
}

impl Order {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Ascending, Self::Descending];

    /// For programs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ascending => "asc",
            Self::Descending => "desc",
        }
    }

    /// The other one.
    #[must_use]
    pub fn reversed(self) -> Self {
        match self {
            Self::Ascending => Self::Descending,
            Self::Descending => Self::Ascending,
        }
    }
}

fn success<'a>(one: &Judged<'a>) -> Option<&'a LastSuccess> {
    one.instance.backups.as_ref()?.last_success.as_ref()
}

/// Each key is made once; equals stay as they are.
fn by<'a, K: Ord>(order: Order, instances: &mut Vec<Judged<'a>>, key: impl Fn(&Judged<'a>) -> Option<K>) {
    let mut keyed: Vec<(Option<K>, Judged<'a>)> = instances.drain(..).map(|one| (key(&one), one)).collect();
    keyed.sort_by(|(one, _), (other, _)| match (one, other) {
        (Some(one), Some(other)) if order == Order::Descending => other.cmp(one),
        (Some(one), Some(other)) => one.cmp(other),
        // `None` is less than all by itself.
        _ => one.is_none().cmp(&other.is_none()),
    });
    instances.extend(keyed.into_iter().map(|(_, one)| one));
}
