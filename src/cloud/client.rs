//! The real client: requests of one project, signed, sent, and their answers read.
//!
//! Every request is authorised with what is granted at that moment. The clock's skew is taken from every answer,
//! and each request is counted with its status; whether to ask again, and when, is decided elsewhere.

use std::sync::{Arc, OnceLock};

use jiff::SignedDuration;
use tokio::time::Instant;
use tracing::debug;
use url::Url;

use super::authorise::Draft;
use super::credentials::{Grant, Login};
use super::diagnosis::page;
use super::error::{CloudError, ErrorKind};
use super::response::{Head, clock_skew, refusal};
use super::sign::encode;
use super::transport::{BuildError, Received, Transport, Way};
use super::wire::{self, WireError};
use super::{Answer, DcsApi, Request, Window};
use crate::clock::Clock;
use crate::config::{ApiVersion, CloudProject, Polling, ProjectConfig};
use crate::domain::{InstanceId, ProjectId, ProjectName};
use crate::exposition::own::OwnMetrics;
use crate::pace::keys::Fingerprint;

/// The API of one project over HTTP.
#[derive(Debug)]
pub struct HttpApi {
    project: ProjectName,
    cloud_project: CloudProject,
    /// The cloud's id of the project, once it is known.
    project_id: OnceLock<ProjectId>,
    endpoint: Url,
    version: ApiVersion,
    login: Arc<Login>,
    transport: Transport,
    clock: Clock,
    metrics: OwnMetrics,
}

impl HttpApi {
    /// The client of this project. It reads `ca_file` and the system's root certificates; nothing is sent.
    ///
    /// # Errors
    /// [`BuildError`] where the project's settings cannot be used.
    pub fn new(
        project: &ProjectConfig,
        polling: &Polling,
        login: Arc<Login>,
        clock: Clock,
        metrics: OwnMetrics,
    ) -> Result<Self, BuildError> {
        let project_id = OnceLock::new();
        if let CloudProject::Id(id) = &project.project {
            if !can_stand_in_path(id.as_str()) {
                return Err(BuildError::ProjectId(id.as_str().to_owned()));
            }
            let _ = project_id.set(id.clone());
        }
        Ok(Self {
            project: project.name.clone(),
            cloud_project: project.project.clone(),
            project_id,
            version: project.api_version,
            login,
            transport: Transport::new(&Way {
                endpoints: &[&project.endpoint],
                ca_file: project.ca_file.as_deref(),
                proxies: &project.proxies,
                timeout: polling.request_timeout,
            })?,
            endpoint: project.endpoint.clone(),
            clock,
            metrics,
        })
    }

    /// What requests are authorised with now; tells the metric when it ends.
    async fn grant(&self) -> Result<Grant, CloudError> {
        let grant = self.login.grant(&self.project).await?;
        self.metrics.credentials_expire(&self.project, self.login.expires_at());
        Ok(grant)
    }

    /// The project's id; asks for it where it is not known yet.
    async fn resolved_id(&self) -> Result<&ProjectId, CloudError> {
        let name = match (self.project_id.get(), &self.cloud_project) {
            (Some(id), _) | (None, CloudProject::Id(id)) => return Ok(id),
            (None, CloudProject::Named(name)) => name,
        };
        let id = self.login.project_id(name, &self.project).await?;
        if !can_stand_in_path(id.as_str()) {
            let sentence = format!("IAM says that project {name:?} has the id {:?}, which cannot be one", id.as_str());
            return Err(CloudError::new(ErrorKind::Decode, sentence));
        }
        Ok(self.project_id.get_or_init(|| id))
    }

    /// The address of a request.
    fn url(&self, request: &Request, project: &ProjectId) -> Result<Url, CloudError> {
        let base = format!("/{}/{}", self.version.as_str(), encode(project.as_str()));
        let instance = |id: &InstanceId, list: &str| {
            if can_stand_in_path(id.as_str()) {
                Ok(format!("{base}/instances/{}{list}", encode(id.as_str())))
            } else {
                Err(CloudError::new(
                    ErrorKind::NotFound,
                    format!("instance id {:?} cannot stand in a path", id.as_str()),
                ))
            }
        };
        let (path, window) = match request {
            Request::Instances(window) => (format!("{base}/instances"), Some(window)),
            Request::Instance(id) => (instance(id, "")?, None),
            Request::Backups(id, window) => (instance(id, "/backups")?, Some(window)),
            Request::Restores(id, window) => (instance(id, "/restores")?, Some(window)),
        };
        let mut url = self.endpoint.clone();
        url.set_path(&path);
        url.set_query(window.map(|window| self.query(*window)).as_deref());
        Ok(url)
    }

    /// v1.0 counts records from 1. No times are asked for: which of a record's times they would be held against is not
    /// documented, and a backup left out would look like one that was not made.
    fn query(&self, Window { offset, limit }: Window) -> String {
        match self.version {
            ApiVersion::V1 => format!("limit={limit}&start={}", offset.saturating_add(1)),
            ApiVersion::V2 => format!("limit={limit}&offset={offset}"),
        }
    }

    /// What the whole answer says.
    fn judge(
        &self,
        request: &Request,
        received: &Received,
        grant: &Grant,
        skew: Option<SignedDuration>,
    ) -> Result<Answer, CloudError> {
        let Received { head, body, .. } = received;
        let now = self.clock.now();
        let decode = |message: String| CloudError {
            status: Some(head.status),
            request_id: head.request_id(&grant.hidden()),
            ..CloudError::new(ErrorKind::Decode, message)
        };
        let unreadable = |error: WireError| decode(error.to_string()).with_hint(page::hint(&error));
        match (head.status, body) {
            (204, _) => wire::read(request, b"", now).map_err(unreadable),
            (200..=299, Some(body)) => wire::read(request, body, now).map_err(unreadable),
            (200..=299, None) => Err(decode("the answer is longer than 16 MiB".to_owned()).with_hint(page::TOO_LONG)),
            (_, body) => {
                let body = body.as_deref().unwrap_or_default();
                Err(refusal(head, body, now, skew, grant.hidden(), request.operation().into()))
            }
        }
    }
}

impl DcsApi for HttpApi {
    async fn send(&self, request: &Request) -> Result<Answer, CloudError> {
        let project_id = self.resolved_id().await?;
        let mut draft = Draft::get(self.url(request, project_id)?);
        let grant = self.grant().await?;
        // A token names its project itself.
        if matches!(grant, Grant::Keys(_)) {
            draft.headers.push(("x-project-id", project_id.as_str().to_owned()));
        }
        let sent = self.clock.now();
        let authorised = draft.authorised(Some(&grant), sent)?;
        let (started, operation) = (Instant::now(), request.operation());
        let mut skew = None;
        let on_head = |head: &Head| skew = head.date.map(|date| clock_skew(date, sent, self.clock.now()));
        let received = self.transport.exchange(authorised, on_head).await;
        let took = started.elapsed();
        let status = received.as_ref().ok().map(|received| received.head.status);
        self.metrics.api_request(&self.project, operation, status, took);
        if let Some(skew) = skew {
            self.metrics.clock_skew(&self.project, skew.as_secs_f64());
        }
        let answer = received.and_then(|received| self.judge(request, &received, &grant, skew));
        debug!(
            project = %self.project,
            %operation,
            status,
            took_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
            error = answer.as_ref().err().map(tracing::field::display),
            "request"
        );
        answer
    }

    async fn key(&self) -> Result<Fingerprint, CloudError> {
        let grant = self.grant().await?;
        self.resolved_id().await?;
        Ok(grant.fingerprint())
    }

    fn proven(&self, key: Fingerprint) {
        self.login.proven(key);
    }

    fn refused(&self, key: Fingerprint) -> bool {
        self.login.refused(key)
    }

    fn project_id(&self) -> Option<ProjectId> {
        self.project_id.get().cloned()
    }
}

/// Whether a text can be one segment of a path: `.` and `..` cannot, encoded or not.
fn can_stand_in_path(text: &str) -> bool {
    !matches!(text, "" | "." | "..")
}

#[cfg(test)]
mod tests;
