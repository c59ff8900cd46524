//! The fleet's families as data: name, help, type, labels, and a pure function from what is known to samples.
//!
//! One table per section of the metrics' documentation. A function gets a single instance, its facts or a project,
//! and the moment of the scrape; it writes the samples of one family and no other. Whether there is anything to
//! write from (records that were never polled have no counts) is decided once, in [`write()`], and a family that
//! nobody has a sample for is left out with its HELP and TYPE.
//!
//! The text is written directly, without a registry: it is most of a scrape, and the labels that all series of an
//! instance share are escaped once per scrape instead of once per sample.

mod backups;
mod freshness;
mod instance;
mod restores;
pub mod turn;

use std::time::Duration;

use jiff::Timestamp;

use super::text::{self, Value};
use crate::domain::facts::RecordFacts;
use crate::snapshot::{InstanceView, ProjectView, Snapshot};

/// The type of a family, as both formats spell it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A value that goes up and down.
    Gauge,
    /// A sum since the program started.
    Counter,
    /// Observations by size.
    Histogram,
}

impl Kind {
    /// The word of the TYPE line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Gauge => "gauge",
            Self::Counter => "counter",
            Self::Histogram => "histogram",
        }
    }
}

/// A family of the fleet; all of them are gauges.
#[derive(Clone, Copy, Debug)]
pub struct Family {
    /// The name of its samples.
    pub name: &'static str,
    /// What it means, in a sentence.
    pub help: &'static str,
    /// Labels besides those that tell project or instance.
    pub labels: &'static [&'static str],
    /// Where its samples come from.
    pub emit: Emit,
}

/// Where the samples of a family come from, and the function that writes them. Only those that get the moment can
/// move with the clock.
#[derive(Clone, Copy, Debug)]
pub enum Emit {
    /// One project.
    Project(fn(&ProjectView, &mut Samples<'_>)),
    /// One instance.
    Instance(fn(&InstanceView, &mut Samples<'_>)),
    /// The backup records of an instance, once they were polled.
    Backups(fn(&RecordFacts, &mut Samples<'_>)),
    /// The restore records of an instance, likewise.
    Restores(fn(&RecordFacts, &mut Samples<'_>)),
    /// One instance, anew at each of its [turns](turn::next).
    Stepping(fn(&InstanceView, &At, &mut Samples<'_>)),
    /// One instance, anew at every moment.
    Flowing(fn(&InstanceView, &At, &mut Samples<'_>)),
}

/// The moment of a scrape: what moves with the clock alone needs it.
#[derive(Clone, Copy, Debug)]
pub struct At {
    /// Now.
    pub now: Timestamp,
    /// How far back failures are counted.
    pub lookback: Duration,
}

/// Labels of everything about a project.
pub const PROJECT_LABELS: &[&str] = &["project"];
/// Labels of everything about an instance.
pub const INSTANCE_LABELS: &[&str] = &["project", "instance_id", "instance_name"];

/// The tables, in the order of the output.
const SECTIONS: [&[Family]; 4] = [instance::FAMILIES, backups::FAMILIES, restores::FAMILIES, freshness::FAMILIES];

/// Every family of the fleet, in the order of the output.
pub fn all() -> impl Iterator<Item = &'static Family> {
    SECTIONS.into_iter().flatten()
}

impl Family {
    /// All its labels, in the order of the output.
    pub fn all_labels(&self) -> impl Iterator<Item = &'static str> {
        let shared = match self.emit {
            Emit::Project(_) => PROJECT_LABELS,
            _ => INSTANCE_LABELS,
        };
        shared.iter().chain(self.labels).copied()
    }
}

/// Writes samples of one family for one project or instance.
#[derive(Debug)]
pub struct Samples<'a> {
    out: &'a mut String,
    /// What each line begins with, if it is wanted: the family's name and the shared labels, ready to be written.
    begin: Option<(&'static str, &'a str)>,
}

impl<'a> Samples<'a> {
    /// Whole lines, of this family and with these shared labels.
    fn lines(out: &'a mut String, name: &'static str, labels: &'a str) -> Self {
        Self { out, begin: Some((name, labels)) }
    }

    /// What comes after the shared labels of each line.
    fn endings(out: &'a mut String) -> Self {
        Self { out, begin: None }
    }

    /// A sample without further labels.
    fn one(&mut self, value: impl Into<Value>) {
        self.labelled(&[], value);
    }

    /// A sample where the fact is known.
    fn known(&mut self, value: Option<impl Into<Value>>) {
        if let Some(value) = value {
            self.one(value);
        }
    }

    /// A sample with further labels.
    fn labelled(&mut self, labels: &[(&str, &str)], value: impl Into<Value>) {
        if let Some((name, shared)) = self.begin {
            push_begin(self.out, name, shared);
        }
        for (name, value) in labels {
            self.out.push(',');
            text::push_label(self.out, name, value);
        }
        self.out.push_str("} ");
        value.into().write(self.out);
        self.out.push('\n');
    }
}

/// Appends what a line of an instance or a project begins with.
pub(super) fn push_begin(out: &mut String, name: &str, shared_labels: &str) {
    out.push_str(name);
    out.push('{');
    out.push_str(shared_labels);
}

/// Appends all families that have a sample: the whole at once, for small fleets and to hold others against.
pub fn write(snapshot: &Snapshot, now: Timestamp, out: &mut String) {
    let at = At { now, lookback: snapshot.lookback };
    let labels: Vec<(String, SharedLabels)> = snapshot
        .projects
        .iter()
        .map(|project| {
            let mut labels = SharedLabels::default();
            for instance in &project.instances {
                labels.push(project, instance);
            }
            (project_labels(project), labels)
        })
        .collect();
    for family in all() {
        write_family(family, out, |out| {
            for (project, (project_labels, labels)) in snapshot.projects.iter().zip(&labels) {
                family.write_project(project, project_labels, out);
                for (index, instance) in project.instances.iter().enumerate() {
                    family.emit(instance, &at, &mut Samples::lines(out, family.name, labels.get(index)));
                }
            }
        });
    }
}

/// Appends the families of one instance that have a sample: none about its project.
pub(super) fn write_instance(project: &ProjectView, instance: &InstanceView, at: &At, out: &mut String) {
    let mut labels = SharedLabels::default();
    labels.push(project, instance);
    for family in all() {
        write_family(family, out, |out| {
            family.emit(instance, at, &mut Samples::lines(out, family.name, labels.get(0)));
        });
    }
}

/// Appends a family, if there are lines of it.
fn write_family(family: &Family, out: &mut String, write_lines: impl FnOnce(&mut String)) {
    let begin = out.len();
    write_header(out, family.name, family.help, Kind::Gauge);
    let header_end = out.len();
    write_lines(out);
    if out.len() == header_end {
        out.truncate(begin);
    }
}

/// Appends HELP and TYPE of a family.
pub(super) fn write_header(out: &mut String, name: &str, help: &str, kind: Kind) {
    out.push_str("# HELP ");
    out.push_str(name);
    out.push(' ');
    text::push_help(out, help);
    out.push_str("\n# TYPE ");
    out.push_str(name);
    out.push(' ');
    out.push_str(kind.as_str());
    out.push('\n');
}

impl Family {
    /// Appends what it says of a project itself.
    pub(super) fn write_project(&self, project: &ProjectView, labels: &str, out: &mut String) {
        if let Emit::Project(emit) = self.emit {
            emit(project, &mut Samples::lines(out, self.name, labels));
        }
    }

    /// Appends what comes after the shared labels in its lines about an instance.
    pub(super) fn write_endings(&self, instance: &InstanceView, at: &At, out: &mut String) {
        self.emit(instance, at, &mut Samples::endings(out));
    }

    fn emit(&self, instance: &InstanceView, at: &At, samples: &mut Samples<'_>) {
        match self.emit {
            Emit::Project(_) => {}
            Emit::Instance(emit) => emit(instance, samples),
            Emit::Backups(emit) => instance.backups.iter().for_each(|facts| emit(facts, samples)),
            Emit::Restores(emit) => instance.restores.iter().for_each(|facts| emit(facts, samples)),
            Emit::Stepping(emit) | Emit::Flowing(emit) => emit(instance, at, samples),
        }
    }
}

/// The label that all series of a project share, escaped.
pub(super) fn project_labels(project: &ProjectView) -> String {
    let mut out = String::new();
    text::push_label(&mut out, "project", project.name.as_str());
    out
}

/// The labels that all series of an instance share, escaped, of some instances.
#[derive(Debug, Default)]
pub(super) struct SharedLabels {
    /// Of all instances, one after the other.
    text: String,
    /// Where each one's labels end.
    ends: Vec<usize>,
}

impl SharedLabels {
    /// Appends those of an instance.
    pub(super) fn push(&mut self, project: &ProjectView, instance: &InstanceView) {
        text::push_label(&mut self.text, "project", project.name.as_str());
        self.text.push(',');
        text::push_id_label(&mut self.text, "instance_id", instance.id.as_str());
        self.text.push(',');
        text::push_label(&mut self.text, "instance_name", &instance.name);
        self.ends.push(self.text.len());
    }

    /// Those of the instance that was the so-manyth to be appended.
    pub(super) fn get(&self, index: usize) -> &str {
        let begin = index.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.text[begin..self.ends[index]]
    }
}
