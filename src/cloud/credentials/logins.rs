//! All logins: one for each entry of `credentials`, way to IAM and, where tokens are for one project, project.
//!
//! However many projects and instances there are, one that may share a login does. Each endpoint that issues tokens or
//! keys has one budget, whoever asks it. A login lives as long as somebody has it, over all configurations that mean
//! the same by it.

use std::sync::{Arc, Weak};
use std::time::Duration;

use url::Url;

use super::Granting;
use super::agency::OidcAgency;
use super::assume::{Asked, Assumed};
use super::chain::Chain;
use super::files::AccessKeys;
use super::id_token::IdToken;
use super::login::Login;
use super::metadata::Metadata;
use super::password::Password;
use super::pod::PodIdentity;
use super::profile::Profile;
use super::session::Session;
use crate::clock::Clock;
use crate::cloud::iam::{BUDGET, Issuer, part_of_budget};
use crate::cloud::transport::{BuildError, Transport, Trusted, Way};
use crate::config::{Agency, CloudProject, CredentialsConfig, Limits, ProjectConfig, Proxies, Source};
use crate::exposition::own::OwnMetrics;
use crate::pace::keys::KeyRing;
use crate::pace::owners::Owners;

/// How long the metadata service may take; it is near.
const METADATA_TIMEOUT: Duration = Duration::from_secs(3);
/// Likewise the agent of CCE.
const AGENT_TIMEOUT: Duration = Duration::from_secs(5);

/// The logins of all projects, made as they are asked for.
#[derive(Debug)]
pub struct Logins {
    timeout: Duration,
    keys: Arc<KeyRing>,
    clock: Clock,
    metrics: OwnMetrics,
    made: Vec<(Terms, Weak<Login>)>,
    issuers: Vec<(Route, Weak<Issuer>)>,
    /// By origin.
    paces: Owners<String>,
    /// Of each endpoint of the cloud.
    budget: Limits,
}

/// What must be the same where a login is shared.
#[derive(Debug)]
struct Terms {
    credentials: Arc<CredentialsConfig>,
    route: (Option<Url>, Option<Url>, Option<Trusted>, Proxies, Duration),
    /// The project that tokens are for.
    scope: Option<CloudProject>,
}

/// The way to an endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Route {
    endpoint: Url,
    trusted: Option<Trusted>,
    proxies: Proxies,
    timeout: Duration,
    tells_time: bool,
}

impl Logins {
    /// No logins yet. `timeout` is for a whole exchange; `keys` are the records of all keys in use.
    pub fn new(timeout: Duration, keys: Arc<KeyRing>, clock: Clock, metrics: OwnMetrics) -> Self {
        Self {
            timeout,
            keys,
            clock,
            metrics,
            made: Vec::new(),
            issuers: Vec::new(),
            paces: Owners::default(),
            budget: BUDGET,
        }
    }

    /// The same where so many processes log in, with this one's part of the budget. What is near (a metadata service, a
    /// pod's agent) each has for itself.
    #[must_use]
    pub fn shared_by(self, processes: u32) -> Self {
        Self { budget: part_of_budget(processes), ..self }
    }

    /// Another time for a whole exchange, for all that are made from here on.
    pub fn set_timeout(&mut self, timeout: Duration) {
        self.timeout = timeout;
    }

    /// Forgets what nobody has any more.
    pub fn sweep(&mut self) {
        self.made.retain(|(_, login)| login.strong_count() > 0);
        self.issuers.retain(|(_, issuer)| issuer.strong_count() > 0);
        self.paces.sweep();
    }

    /// The login of this project, perhaps one that others have too; nothing is sent.
    ///
    /// # Errors
    /// [`BuildError`] where the project's settings cannot be used.
    pub fn of(&mut self, project: &ProjectConfig) -> Result<Arc<Login>, BuildError> {
        let terms = Terms::of(project, self.timeout);
        let known = self.made.iter().filter(|(known, _)| known.equals(&terms)).find_map(|(_, login)| login.upgrade());
        let login = if let Some(login) = known {
            login
        } else {
            let scope = match &terms.scope {
                Some(CloudProject::Named(name)) => Some(name.clone()),
                _ => None,
            };
            let login = Arc::new(Login::new(&project.credentials.name, self.way(project)?, scope));
            self.made.push((terms, Arc::downgrade(&login)));
            login
        };
        if matches!(project.project, CloudProject::Named(_)) && !login.can_look_up() {
            login.look_up_at(self.iam(project)?);
        }
        Ok(login)
    }

    /// The way that the entry names, with the agency on top of it.
    fn way(&mut self, project: &ProjectConfig) -> Result<Box<dyn Granting>, BuildError> {
        let base = self.base(project, &project.credentials.source)?;
        let Some(assume) = &project.credentials.assume else { return Ok(base) };
        let asked = match &assume.agency {
            Agency::Named { .. } => Asked::Iam(self.iam(project)?),
            Agency::Urn { .. } => Asked::Sts { sts: self.sts(project)?, iam: self.iam(project).ok() },
        };
        Ok(Box::new(Session::new(Assumed::new(&project.credentials.name, base, assume, asked))))
    }

    fn base(&mut self, project: &ProjectConfig, source: &Source) -> Result<Box<dyn Granting>, BuildError> {
        let name = project.credentials.name.as_str();
        Ok(match source {
            Source::AccessKeys(source) => Box::new(AccessKeys::new(name, source)),
            Source::Profile(path) => {
                let iam = project.iam_endpoint.is_some().then(|| self.iam(project)).transpose()?;
                Box::new(Profile::new(name, path.clone(), iam))
            }
            Source::Password(source) => {
                let scope = project.credentials.assume.is_none().then(|| project.project.clone());
                Box::new(Session::new(Password::new(name, source, scope, self.iam(project)?)))
            }
            Source::IdToken(source) => Box::new(Session::new(IdToken::new(name, source, self.iam(project)?))),
            Source::OidcAgency(source) => Box::new(Session::new(OidcAgency::new(name, source, self.sts(project)?))),
            Source::Metadata(endpoint) => {
                let service = self.near(endpoint, METADATA_TIMEOUT)?;
                Box::new(Session::new(Metadata::new(name, service)))
            }
            Source::PodIdentity(source) => {
                let agent = self.near(&source.uri, AGENT_TIMEOUT)?;
                Box::new(Session::new(PodIdentity::new(name, source, agent)))
            }
            Source::FirstOf(sources) => {
                let members: Result<_, _> = sources.iter().map(|source| self.base(project, source)).collect();
                Box::new(Chain::new(name, members?))
            }
        })
    }

    fn iam(&mut self, project: &ProjectConfig) -> Result<Arc<Issuer>, BuildError> {
        self.far(project, project.iam_endpoint.as_ref(), "iam_endpoint")
    }

    fn sts(&mut self, project: &ProjectConfig) -> Result<Arc<Issuer>, BuildError> {
        self.far(project, project.sts_endpoint.as_ref(), "sts_endpoint")
    }

    /// An endpoint of the cloud, reached like the project's own.
    fn far(
        &mut self,
        project: &ProjectConfig,
        endpoint: Option<&Url>,
        key: &'static str,
    ) -> Result<Arc<Issuer>, BuildError> {
        let missing = || BuildError::Endpoint { credentials: project.credentials.name.clone(), key };
        self.issuer(Route {
            endpoint: endpoint.ok_or_else(missing)?.clone(),
            trusted: Trusted::now(project.ca_file.as_deref()),
            proxies: project.proxies.clone(),
            timeout: self.timeout,
            tells_time: true,
        })
    }

    /// An endpoint on this machine or next to it, which no proxy can reach.
    fn near(&mut self, endpoint: &Url, timeout: Duration) -> Result<Arc<Issuer>, BuildError> {
        self.issuer(Route {
            endpoint: endpoint.clone(),
            trusted: None,
            proxies: Proxies::default(),
            timeout,
            tells_time: false,
        })
    }

    fn issuer(&mut self, route: Route) -> Result<Arc<Issuer>, BuildError> {
        let mut known = self.issuers.iter().filter(|(known, _)| *known == route);
        if let Some(issuer) = known.find_map(|(_, issuer)| issuer.upgrade()) {
            return Ok(issuer);
        }
        let budget = if route.is_near() { BUDGET } else { self.budget };
        let pace = self.paces.pace(route.endpoint.origin().ascii_serialization(), budget);
        let issuer = Arc::new(Issuer {
            endpoint: route.endpoint.clone(),
            transport: Transport::new(&Way {
                endpoints: &[&route.endpoint],
                ca_file: route.trusted.as_ref().map(Trusted::path),
                proxies: &route.proxies,
                timeout: route.timeout,
            })?,
            pace,
            keys: Arc::clone(&self.keys),
            clock: self.clock.clone(),
            metrics: self.metrics.clone(),
            tells_time: route.tells_time,
        });
        self.issuers.push((route, Arc::downgrade(&issuer)));
        Ok(issuer)
    }
}

impl Route {
    /// On this machine or next to it; such a clock is not the cloud's.
    fn is_near(&self) -> bool {
        !self.tells_time
    }
}

impl Terms {
    fn of(project: &ProjectConfig, timeout: Duration) -> Self {
        let CredentialsConfig { source, assume, .. } = &*project.credentials;
        let is_scoped = assume.is_none() && has_password(source);
        Self {
            credentials: Arc::clone(&project.credentials),
            route: (
                project.iam_endpoint.clone(),
                project.sts_endpoint.clone(),
                Trusted::now(project.ca_file.as_deref()),
                project.proxies.clone(),
                timeout,
            ),
            scope: is_scoped.then(|| project.project.clone()),
        }
    }

    fn equals(&self, other: &Self) -> bool {
        self.credentials.logs_in_as(&other.credentials) && self.route == other.route && self.scope == other.scope
    }
}

fn has_password(source: &Source) -> bool {
    match source {
        Source::Password(_) => true,
        Source::FirstOf(sources) => sources.iter().any(has_password),
        _ => false,
    }
}
