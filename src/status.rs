//! How every backup stands, worst first: what `/api/v1/instances` tells, and what a page for people shows.
//!
//! [`FleetStatus::of`] is pure. It borrows from the picture, so that a page of a large fleet costs what it shows.
//!
//! * [`verdict`]: the judgement of an instance and its place among others, shared with the command `check`;
//! * [`instance`], [`project`]: what is told of one;
//! * [`selection`]: which instances, and how many of them.
//!
//! Serialised it is the API's answer: a field is called like its metric without the prefix, `…_timestamp_seconds` is
//! `…_at` (RFC 3339, UTC), durations are numbers of seconds, and what is not known is `null`, never left out.

pub mod instance;
pub mod project;
pub mod seconds;
pub mod selection;
pub mod trouble;
pub mod verdict;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

use crate::snapshot::Snapshot;
use instance::InstanceStatus;
use project::ProjectStatus;
pub use selection::Selection;
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
    /// Those of this page, worst first.
    pub instances: Vec<InstanceStatus<'a>>,
}

impl<'a> FleetStatus<'a> {
    /// What the selection shows of a picture.
    pub fn of(snapshot: &'a Snapshot, selection: &Selection, now: Timestamp) -> Self {
        let mut selected = verdict::worst_first(snapshot, now);
        selected.retain(|judged| selection.includes(judged));
        let mut verdicts: BTreeMap<Verdict, usize> = Verdict::ALL.map(|verdict| (verdict, 0)).into();
        for judged in &selected {
            *verdicts.entry(judged.verdict).or_default() += 1;
        }
        let projects = snapshot.projects.iter().filter(|project| selection.includes_project(project.name.as_str()));
        let page = selected.iter().skip(selection.offset).take(selection.limit.unwrap_or(usize::MAX));
        Self {
            now,
            projects: projects.map(|project| ProjectStatus::of(project)).collect(),
            total: selected.len(),
            verdicts,
            instances: page.map(|judged| InstanceStatus::of(judged, now)).collect(),
        }
    }
}

#[cfg(test)]
mod tests;
