//! What is remembered of the fleet across a restart; pure, `now` is an argument.
//!
//! Of an instance two things are kept. [`Shown`] is what its facts are made from: descriptions, policy, the records
//! themselves (so that counts and windows go on being derived), and how polling goes. [`Lasting`] is what must never
//! be forgotten, however old it is: the newest success, and which records the log was told of.
//!
//! [`Memory::as_of`] decides what may still be shown. The age that counts is the whole memory's: until `saved_at` a
//! process stood by all of it, and had it lived on, `/metrics` would show it still (contract §4: a restart changes
//! none of the facts). How old each fact is, the times of the polls say.
//!
//! [`packed`] keeps records in few bytes, [`layout`] is the form in a file, `bytes` what both are written with.

pub(crate) mod bytes;
pub mod layout;
pub mod packed;

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::domain::facts::LastSuccess;
use crate::domain::instance::PolicyReading;
use crate::domain::tags::Tags;
use crate::domain::{InstanceId, ProjectId, ProjectName};
use crate::snapshot::Details;
use packed::Packed;

/// A time may be so far ahead of the clock, which is set now and then, and be believed.
const AHEAD: SignedDuration = SignedDuration::from_mins(1);

/// Everything that is remembered.
#[derive(Clone, Debug, PartialEq)]
pub struct Memory {
    /// When it was taken.
    pub saved_at: Timestamp,
    /// One per project of which something is known.
    pub projects: Vec<ProjectMemory>,
}

/// What is remembered at a moment.
#[derive(Debug)]
pub struct Revision {
    /// Grows with everything that was learnt; 0 where nothing was since the start.
    pub number: u64,
    /// What is remembered.
    pub memory: Memory,
}

/// A project; whose it is, is told by its name, its endpoint and the cloud's id of it, together.
#[derive(Clone, Debug, PartialEq)]
pub struct ProjectMemory {
    /// The label `project`.
    pub name: ProjectName,
    /// The cloud's id of the project.
    pub project_id: ProjectId,
    /// The cloud's name of the project, where that and not the id was configured.
    pub project_name: Option<String>,
    /// Scheme, host and port.
    pub endpoint: String,
    /// What may be shown of the project itself; `None` where that is too old, or nothing was tried yet.
    pub shown: Option<ShownProject>,
    /// How many instances were known of it: these, and those of other shards.
    pub known: u64,
    /// Sorted by id.
    pub instances: Vec<InstanceMemory>,
}

/// What is shown of a project besides its instances.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ShownProject {
    /// Whether the service itself answered the newest request.
    pub up: Option<bool>,
    /// When the newest complete listing came.
    pub listed_at: Option<Timestamp>,
    /// How many of the watched instances it lacked.
    pub missing: Option<u64>,
}

/// An instance.
#[derive(Clone, Debug, PartialEq)]
pub struct InstanceMemory {
    /// The label `instance_id`.
    pub id: InstanceId,
    /// What may be shown of it; `None` where that is too old.
    pub shown: Option<Box<Shown>>,
    /// Of its backups.
    pub backups: Lasting,
    /// Of its restores.
    pub restores: Lasting,
}

/// What the facts of an instance are made from.
#[derive(Clone, Debug, PartialEq)]
pub struct Shown {
    /// It was configured by hand.
    pub by_hand: bool,
    /// Complete listings in a row that lacked it, or had it as one that the filters leave out.
    pub misses: u32,
    /// The cloud's name of it.
    pub cloud_name: Option<String>,
    /// What the cloud says it is.
    pub details: Option<Details>,
    /// The cloud's id of its enterprise project.
    pub enterprise_project_id: Option<String>,
    /// Its tags, all of them; `None` before the cloud said any.
    pub tags: Option<Tags>,
    /// Its backup policy, as it was read.
    pub policy: PolicyReading,
    /// The cloud refused its backups because there can be none.
    pub refused: bool,
    /// Its backups; `None` before the first good poll.
    pub backups: Option<Records>,
    /// Its restores; likewise.
    pub restores: Option<Records>,
    /// How polling goes, by [`crate::domain::Operation::PER_INSTANCE`].
    pub polls: [Polled; 3],
}

/// The records of the last answer that was believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Records {
    /// The records.
    pub packed: Packed,
    /// An answer without any came after it, and has to be confirmed.
    pub emptied: bool,
}

/// How polling one operation goes. Why a poll failed is not kept: the next one tells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Polled {
    /// Whether the last poll worked; `None` before the first.
    pub success: Option<bool>,
    /// When the last one worked.
    pub last_success_at: Option<Timestamp>,
}

/// What must not be forgotten of the backups or the restores of an instance.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Lasting {
    /// The newest success: `*_last_success_*` never steps back (contract §4).
    pub last_success: Option<LastSuccess>,
    /// Marks of the records that the log was told of or that were history; `None` before the first answer.
    pub told: Option<Vec<u64>>,
    /// There were records: an answer without any has to be confirmed.
    pub had_records: bool,
}

impl Memory {
    /// What of it may be used at `now`: whole if it is younger than `max_age`, else what must not be forgotten.
    ///
    /// A memory from the future tells that the clock has gone backwards, so that its age is unknown: it counts as
    /// old. A single time from the future is no time.
    #[must_use]
    pub fn as_of(mut self, now: Timestamp, max_age: Duration) -> Self {
        let age = now.duration_since(self.saved_at);
        let is_young = age >= -AHEAD && age < SignedDuration::try_from(max_age).unwrap_or(SignedDuration::MAX);
        for project in &mut self.projects {
            project.shown = project.shown.take().filter(|_| is_young);
            if let Some(shown) = &mut project.shown {
                shown.listed_at = shown.listed_at.filter(|at| is_past(*at, now));
            }
            for instance in &mut project.instances {
                instance.shown = instance.shown.take().filter(|_| is_young);
                for polled in instance.shown.iter_mut().flat_map(|shown| &mut shown.polls) {
                    polled.last_success_at = polled.last_success_at.filter(|at| is_past(*at, now));
                }
            }
        }
        self
    }

    /// How many instances it can show.
    pub fn shown(&self) -> usize {
        let instances = self.projects.iter().flat_map(|project| &project.instances);
        instances.filter(|instance| instance.shown.is_some()).count()
    }

    /// How many instances it remembers.
    pub fn len(&self) -> usize {
        self.projects.iter().map(|project| project.instances.len()).sum()
    }

    /// Whether it remembers no instance.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

fn is_past(at: Timestamp, now: Timestamp) -> bool {
    at.duration_since(now) <= AHEAD
}

#[cfg(test)]
pub(crate) mod sample;
#[cfg(test)]
mod tests;
