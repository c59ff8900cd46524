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

/// Where the samples of a family come from, and the function that writes them.
#[derive(Clone, Copy, Debug)]
pub enum Emit {
    /// One project.
    Project(fn(&ProjectView, &mut Samples<'_>)),
    /// One instance.
    Instance(fn(&InstanceView, &At, &mut Samples<'_>)),
    /// The backup records of an instance, once they were polled.
    Backups(fn(&RecordFacts, &At, &mut Samples<'_>)),
    /// The restore records of an instance, likewise.
    Restores(fn(&RecordFacts, &At, &mut Samples<'_>)),
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
            Emit::Instance(_) | Emit::Backups(_) | Emit::Restores(_) => INSTANCE_LABELS,
        };
        shared.iter().chain(self.labels).copied()
    }
}

/// Writes samples of one family for one project or instance.
#[derive(Debug)]
pub struct Samples<'a> {
    out: &'a mut String,
    name: &'static str,
    /// The shared labels, ready to be written.
    labels: &'a str,
}

impl Samples<'_> {
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
        self.out.push_str(self.name);
        self.out.push('{');
        self.out.push_str(self.labels);
        for (name, value) in labels {
            self.out.push(',');
            text::push_label(self.out, name, value);
        }
        self.out.push_str("} ");
        value.into().write(self.out);
        self.out.push('\n');
    }
}

/// Appends all families that have a sample.
pub fn write(snapshot: &Snapshot, now: Timestamp, out: &mut String) {
    let at = At { now, lookback: snapshot.lookback };
    let labels = SharedLabels::of(snapshot);
    for family in all() {
        let begin = out.len();
        write_header(out, family.name, family.help, Kind::Gauge);
        let header_end = out.len();
        family.write(snapshot, &labels, &at, out);
        if out.len() == header_end {
            out.truncate(begin);
        }
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
    fn write(&self, snapshot: &Snapshot, labels: &SharedLabels, at: &At, out: &mut String) {
        let name = self.name;
        for (project, shared) in snapshot.projects.iter().zip(&labels.projects) {
            let instances = project.instances.iter().zip(shared.instances());
            match self.emit {
                Emit::Project(emit) => emit(project, &mut Samples { out, name, labels: &shared.project }),
                Emit::Instance(emit) => {
                    for (instance, labels) in instances {
                        emit(instance, at, &mut Samples { out, name, labels });
                    }
                }
                Emit::Backups(emit) => {
                    for (instance, labels) in instances {
                        if let Some(facts) = &instance.backups {
                            emit(facts, at, &mut Samples { out, name, labels });
                        }
                    }
                }
                Emit::Restores(emit) => {
                    for (instance, labels) in instances {
                        if let Some(facts) = &instance.restores {
                            emit(facts, at, &mut Samples { out, name, labels });
                        }
                    }
                }
            }
        }
    }
}

/// The labels that all series of a project or an instance share, escaped.
struct SharedLabels {
    projects: Vec<ProjectLabels>,
}

struct ProjectLabels {
    project: String,
    /// Of all instances, one after the other.
    text: String,
    /// Where each one's labels end.
    ends: Vec<usize>,
}

impl SharedLabels {
    fn of(snapshot: &Snapshot) -> Self {
        Self { projects: snapshot.projects.iter().map(|project| ProjectLabels::of(project)).collect() }
    }
}

impl ProjectLabels {
    fn of(view: &ProjectView) -> Self {
        let mut project = String::new();
        text::push_label(&mut project, "project", view.name.as_str());
        let mut text = String::with_capacity(view.instances.len() * (project.len() + 100));
        let mut ends = Vec::with_capacity(view.instances.len());
        for instance in &view.instances {
            text.push_str(&project);
            text.push(',');
            text::push_id_label(&mut text, "instance_id", instance.id.as_str());
            text.push(',');
            text::push_label(&mut text, "instance_name", &instance.name);
            ends.push(text.len());
        }
        Self { project, text, ends }
    }

    fn instances(&self) -> impl Iterator<Item = &str> {
        let begins = std::iter::once(0).chain(self.ends.iter().copied());
        begins.zip(&self.ends).map(|(begin, end)| &self.text[begin..*end])
    }
}
