//! The cloud's API: a trait, its real client, and errors by what the caller would do differently.
//!
//! [`DcsApi`] is one request and its answer; tests put a fake in its place. [`client`] speaks HTTP over
//! [`transport`], [`authorise`]d with what [`credentials`] grant ([`sign`]); [`wire`] reads every form that successes
//! take, [`response`] types everything else, with the advice of [`diagnosis`]; [`listing`] turns pages into complete lists. No request leaves but
//! through a [`crate::pace::Pace`]: [`paced`] puts it in front of the API.

pub mod authorise;
pub mod client;
pub mod credentials;
pub mod diagnosis;
pub mod error;
mod iam;
pub mod listing;
pub mod paced;
mod projects;
pub mod response;
pub mod sign;
#[cfg(test)]
mod stub;
pub mod transport;
pub mod wire;

use std::collections::BTreeMap;
use std::future::Future;

use crate::domain::instance::Instance;
use crate::domain::record::Record;
use crate::domain::{InstanceId, Operation, ProjectId};
use crate::pace::keys::Fingerprint;
pub use error::CloudError;

/// One request to the API, whatever its version.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Request {
    /// `GET instances`: a page of the project's instances.
    Instances(Window),
    /// `GET instances/{id}`.
    Instance(InstanceId),
    /// `GET instances/{id}/backups`: a page.
    Backups(InstanceId, Window),
    /// `GET instances/{id}/restores`: a page.
    Restores(InstanceId, Window),
}

/// Which part of a list is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Window {
    /// How many entries to leave out, from 0 (v1.0 counts from 1; the client translates).
    pub offset: u64,
    /// How many to send at most.
    pub limit: u32,
}

/// What a request of each kind is answered with.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// To [`Request::Instances`].
    Instances(Page<Instance>),
    /// To [`Request::Instance`].
    Instance(Box<Instance>, Oddities),
    /// To [`Request::Backups`] and [`Request::Restores`].
    Records(Page<Record>),
}

/// A page of a list.
#[derive(Clone, Debug, PartialEq)]
pub struct Page<T> {
    /// The entries that could be read.
    pub items: Vec<T>,
    /// How many entries there were, readable or not: what the next offset counts.
    pub received: u64,
    /// `total_num` or `instance_num`: of all pages or of this one, the sources disagree.
    pub total: Option<u64>,
    /// What could not be read.
    pub oddities: Oddities,
}

impl<T> Default for Page<T> {
    fn default() -> Self {
        Self { items: Vec::new(), received: 0, total: None, oddities: Oddities::default() }
    }
}

/// What an answer held that could not be read, by field.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Oddities {
    /// Records left out, or single fields of records that were kept: `dcs_exporter_records_rejected_total`.
    pub rejected: BTreeMap<&'static str, u64>,
    /// Words that are not in the documentation's lists: `dcs_exporter_unknown_values_total`.
    pub unknown: BTreeMap<&'static str, u64>,
}

impl Oddities {
    /// Adds those of another page.
    pub fn add(&mut self, other: &Self) {
        for (field, count) in &other.rejected {
            *self.rejected.entry(field).or_default() += count;
        }
        for (field, count) in &other.unknown {
            *self.unknown.entry(field).or_default() += count;
        }
    }
}

impl Request {
    /// The label `operation`.
    pub fn operation(&self) -> Operation {
        match self {
            Self::Instances(_) => Operation::Instances,
            Self::Instance(_) => Operation::Policy,
            Self::Backups(..) => Operation::Backups,
            Self::Restores(..) => Operation::Restores,
        }
    }
}

/// The API of one project.
pub trait DcsApi: Send + Sync + 'static {
    /// Sends one request and reads its answer; the variant of the answer fits the request.
    ///
    /// # Errors
    /// [`CloudError`], typed by consequence.
    fn send(&self, request: &Request) -> impl Future<Output = Result<Answer, CloudError>> + Send;

    /// Gets ready to send: logs in and looks the project up where that is still to be done. Tells the fingerprint of
    /// the key or token that the next request would be authorised with.
    ///
    /// # Errors
    /// [`CloudError`] where nothing can be sent.
    fn key(&self) -> impl Future<Output = Result<Fingerprint, CloudError>> + Send;

    /// A request with this key was accepted.
    fn proven(&self, _key: Fingerprint) {}

    /// A request with this key was refused as unauthorised. Tells whether the next call of [`Self::key`] may bring
    /// another one: a new token, say.
    fn refused(&self, _key: Fingerprint) -> bool {
        false
    }

    /// The cloud's id of the project, once it is known.
    fn project_id(&self) -> Option<ProjectId> {
        None
    }
}
