//! What decides whether a project's client lives on, and whose budgets its requests are taken from; pure.

use std::collections::{HashMap, HashSet};
use std::mem;
use std::sync::Arc;
use std::time::Duration;

use url::Url;

use crate::cloud::transport::Trusted;
use crate::config::{ApiVersion, CloudProject, CredentialsConfig, Limits, ProjectConfig, Proxies};
use crate::domain::ProjectName;

/// Who has a budget.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Owner {
    /// A project.
    Project(ProjectName),
    /// An entry of `credentials`, for all its projects together.
    Credentials(String),
}

/// The budgets of a project's requests, in the order in which they are waited for.
pub(super) fn budgets(project: &ProjectConfig) -> impl Iterator<Item = (Owner, Limits)> {
    let own = project.limits.map(|limits| (Owner::Project(project.name.clone()), limits));
    let credentials = &project.credentials;
    let shared = credentials.limits.map(|limits| (Owner::Credentials(credentials.name.clone()), limits));
    own.into_iter().chain(shared)
}

/// All that a client is built from. What else a project's configuration says, what to watch and how it is told, is
/// nothing to its client, and how fast it may ask is its budgets' matter.
#[derive(Clone, Debug)]
pub(super) struct Terms {
    project: CloudProject,
    endpoints: [Option<Url>; 3],
    api_version: ApiVersion,
    credentials: Arc<CredentialsConfig>,
    trusted: Option<Trusted>,
    proxies: Proxies,
    timeout: Duration,
    budgets: Vec<Owner>,
}

impl Terms {
    /// Those of a project; `trusted` are its certificates as they are now.
    pub(super) fn of(project: &ProjectConfig, timeout: Duration, trusted: Option<Trusted>) -> Self {
        Self {
            project: project.project.clone(),
            endpoints: [Some(project.endpoint.clone()), project.iam_endpoint.clone(), project.sts_endpoint.clone()],
            api_version: project.api_version,
            credentials: Arc::clone(&project.credentials),
            trusted,
            proxies: project.proxies.clone(),
            timeout,
            budgets: budgets(project).map(|(owner, _)| owner).collect(),
        }
    }

    /// Whether this project asks the same service for the same.
    fn ask_what_is_asked_by(&self, project: &ProjectConfig) -> bool {
        self.project == project.project && self.endpoints[0].as_ref() == Some(&project.endpoint)
    }
}

/// Which owners take over whose budget, because they are the same under another name; `in_use` are the terms in use so
/// far. A project that asks what one asked that is gone is that one, and so are its credentials, if those are gone.
pub(super) fn heirs(in_use: &HashMap<ProjectName, &Terms>, projects: &[ProjectConfig]) -> HashMap<Owner, Owner> {
    let names: HashSet<&ProjectName> = projects.iter().map(|project| &project.name).collect();
    let owners: HashSet<Owner> = projects.iter().flat_map(budgets).map(|(owner, _)| owner).collect();
    let mut gone: Vec<_> = in_use.iter().filter(|(name, _)| !names.contains(name)).collect();
    gone.sort_by_key(|(name, _)| *name);
    let is_in_use = |owner: &Owner| in_use.values().any(|terms| terms.budgets.contains(owner));
    let mut heirs = HashMap::new();
    let mut inherited = HashSet::new();
    for project in projects {
        let renamed = || {
            let place = gone.iter().position(|(_, terms)| terms.ask_what_is_asked_by(project))?;
            Some(*gone.remove(place).1)
        };
        let Some(terms) = in_use.get(&project.name).copied().or_else(renamed) else { continue };
        for (owner, _) in budgets(project).filter(|(owner, _)| !is_in_use(owner)) {
            let is_same = |old: &&Owner| mem::discriminant(*old) == mem::discriminant(&owner) && !owners.contains(*old);
            if !heirs.contains_key(&owner)
                && let Some(old) = terms.budgets.iter().find(is_same)
                && inherited.insert(old.clone())
            {
                heirs.insert(owner, old.clone());
            }
        }
    }
    heirs
}

impl PartialEq for Terms {
    fn eq(&self, other: &Self) -> bool {
        let Self { project, endpoints, api_version, credentials, trusted, proxies, timeout, budgets } = self;
        *project == other.project
            && *endpoints == other.endpoints
            && *api_version == other.api_version
            && credentials.logs_in_as(&other.credentials)
            && *trusted == other.trusted
            && *proxies == other.proxies
            && *timeout == other.timeout
            && *budgets == other.budgets
    }
}
