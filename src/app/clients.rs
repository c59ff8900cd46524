//! The way to the cloud of every project, and what projects share on it, over all configurations of a process.
//!
//! Keys and their records are those of the process. Logins, with their sessions, and budgets live on while a
//! configuration means the same by them; so does a project's client, with its connections. What that is, `terms` says;
//! here it is only done, in two steps: [`Clients::prepare`] makes what is missing and may fail,
//! [`Clients::put_in_use`] cannot.

mod terms;

use std::collections::HashMap;
use std::sync::Arc;

use anyhow::Context as _;

use crate::clock::Clock;
use crate::cloud::client::HttpApi;
use crate::cloud::credentials::Logins;
use crate::cloud::paced::Paced;
use crate::cloud::transport::Trusted;
use crate::config::{Config, Limits, Polling, ProjectConfig};
use crate::domain::ProjectName;
use crate::exposition::own::OwnMetrics;
use crate::pace::Pace;
use crate::pace::keys::KeyRing;
use crate::pace::owners::Owners;
use terms::{Owner, Terms, budgets, heirs};

/// A project with its way to the cloud.
pub(super) type WithClient = (ProjectConfig, Arc<Paced<HttpApi>>);

/// The clients in use, and what they share.
#[derive(Debug)]
pub(super) struct Clients {
    keys: Arc<KeyRing>,
    logins: Logins,
    paces: Owners<Owner>,
    in_use: HashMap<ProjectName, Client>,
    /// How many share all limits.
    processes: u32,
    clock: Clock,
    metrics: OwnMetrics,
}

#[derive(Clone, Debug)]
struct Client {
    terms: Terms,
    api: Arc<Paced<HttpApi>>,
}

/// The clients of a configuration that is not in use yet.
#[derive(Debug)]
pub(super) struct Prepared {
    clients: Vec<(ProjectConfig, Client)>,
    limits: Vec<(Arc<Pace>, Limits)>,
    /// Owners, and whose pace each takes over.
    heirs: HashMap<Owner, Owner>,
}

impl Clients {
    /// None yet; so many processes share all limits.
    pub(super) fn new(processes: u32, clock: &Clock, metrics: &OwnMetrics) -> Self {
        let keys = Arc::new(KeyRing::default());
        let timeout = Polling::default().request_timeout;
        Self {
            logins: Logins::new(timeout, keys.clone(), clock.clone(), metrics.clone()).shared_by(processes),
            keys,
            paces: Owners::default(),
            in_use: HashMap::new(),
            processes,
            clock: clock.clone(),
            metrics: metrics.clone(),
        }
    }

    /// The clients for this configuration; nothing that is in use changes. It reads certificates: not for an async
    /// worker.
    ///
    /// # Errors
    /// Where a client cannot be built.
    pub(super) fn prepare(&mut self, config: &Config) -> anyhow::Result<Prepared> {
        self.logins.set_timeout(config.polling.request_timeout);
        let in_use = self.in_use.iter().map(|(name, client)| (name.clone(), &client.terms)).collect();
        let heirs = heirs(&in_use, &config.projects);
        let mut prepared = Prepared { clients: Vec::with_capacity(config.projects.len()), limits: Vec::new(), heirs };
        for project in &config.projects {
            let mut paces = Vec::new();
            for (owner, limits) in budgets(project) {
                let limits = limits.shared_by(self.processes);
                let owner = prepared.heirs.get(&owner).unwrap_or(&owner);
                let pace = self.paces.pace(owner.clone(), limits);
                prepared.limits.push((pace.clone(), limits));
                paces.push(pace);
            }
            let trusted = Trusted::now(project.ca_file.as_deref());
            let terms = Terms::of(project, config.polling.request_timeout, trusted);
            let client = match self.in_use.get(&project.name) {
                Some(client) if client.terms == terms => client.clone(),
                _ => self.client(project, &config.polling, terms, paces)?,
            };
            prepared.clients.push((project.clone(), client));
        }
        Ok(prepared)
    }

    /// Puts clients and limits in use.
    pub(super) fn put_in_use(&mut self, prepared: Prepared) -> Vec<WithClient> {
        for (pace, limits) in prepared.limits {
            if pace.limits() != limits {
                pace.limit_to(limits);
            }
        }
        for (heir, owner) in prepared.heirs {
            self.paces.hand_on(&owner, heir);
        }
        let in_use = prepared.clients.iter().map(|(project, client)| (project.name.clone(), client.clone()));
        self.in_use = in_use.collect();
        prepared.clients.into_iter().map(|(project, client)| (project, client.api)).collect()
    }

    /// Forgets what nobody uses any more.
    pub(super) fn sweep(&mut self) {
        self.logins.sweep();
        self.paces.sweep();
    }

    fn client(
        &mut self,
        project: &ProjectConfig,
        polling: &Polling,
        terms: Terms,
        paces: Vec<Arc<Pace>>,
    ) -> anyhow::Result<Client> {
        let in_project = || format!("project {}", project.name);
        let login = self.logins.of(project).with_context(in_project)?;
        let (clock, metrics) = (self.clock.clone(), self.metrics.clone());
        let api = HttpApi::new(project, polling, login, clock, metrics.clone()).with_context(in_project)?;
        let api = Paced::new(api, project.name.clone(), paces, self.keys.clone(), metrics);
        Ok(Client { terms, api: Arc::new(api) })
    }
}

#[cfg(test)]
mod tests;
