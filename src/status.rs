//! How every backup stands, worst first: what `/api/v1/instances` tells, and what a page for people shows.
//!
//! [`FleetStatus::of`] is pure. It borrows from the picture, so that a page of a large fleet costs what it shows.
//!
//! * [`verdict`]: the judgement of an instance and its place among others, shared with the command `check`;
//! * [`instance`], [`project`]: what is told of one;
//! * [`selection`]: which instances, in which order ([`sort`]), and how many of them.
//!
//! Serialised it is the API's answer: a field is called like its metric without the prefix, `…_timestamp_seconds` is
//! `…_at` (RFC 3339, UTC), durations are numbers of seconds, and what is not known is `null`, never left out.

pub mod instance;
pub mod project;
pub mod seconds;
pub mod selection;
pub mod sort;
pub mod trouble;
pub mod verdict;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

use crate::domain::ProjectName;
use crate::exposition::own::Health;
use crate::snapshot::Snapshot;
use instance::InstanceStatus;
use project::ProjectStatus;
pub use selection::Selection;
pub use sort::{Order, Sort};
use verdict::Judged;
pub use verdict::Verdict;

/// How some of the instances stand.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FleetStatus<'a> {
    /// When this was so.
    pub now: Timestamp,
    /// The projects of the selection, in the order of the configuration.
    pub projects: Vec<ProjectStatus<'a>>,
    /// How many instances are selected, on this page or not.
    pub total: usize,
    /// Of these, how many have which verdict; zeros included.
    pub verdicts: BTreeMap<Verdict, usize>,
    /// The same of all instances, selected or not.
    pub fleet_verdicts: BTreeMap<Verdict, usize>,
    /// Those of this page, worst first unless another order was asked for.
    pub instances: Vec<InstanceStatus<'a>>,
}

impl<'a> FleetStatus<'a> {
    /// What the selection shows of a picture; how asking a project goes is told by `health`.
    pub fn of(
        snapshot: &'a Snapshot,
        selection: &Selection,
        health: impl Fn(&ProjectName) -> Health,
        now: Timestamp,
    ) -> Self {
        let mut selected = verdict::judge(snapshot, now);
        let fleet_verdicts = counts(&selected);
        selected.retain(|judged| selection.includes(judged));
        selection.sort.apply(selection.order(), &mut selected, now);
        let projects = snapshot.projects.iter().filter(|project| selection.includes_project(project.name.as_str()));
        let page = selected.iter().skip(selection.offset).take(selection.limit.unwrap_or(usize::MAX));
        Self {
            now,
            projects: projects.map(|project| ProjectStatus::of(project, &health(&project.name))).collect(),
            total: selected.len(),
            verdicts: counts(&selected),
            fleet_verdicts,
            instances: page.map(|judged| InstanceStatus::of(judged, snapshot.lookback, now)).collect(),
        }
    }
}

fn counts(judged: &[Judged<'_>]) -> BTreeMap<Verdict, usize> {
    let mut counts: BTreeMap<Verdict, usize> = Verdict::ALL.map(|verdict| (verdict, 0)).into();
    for judged in judged {
        *counts.entry(judged.verdict).or_default() += 1;
    }
    counts
}

#[cfg(test)]
pub(crate) mod tests;
