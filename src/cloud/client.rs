//! The real client: requests of one project, signed, sent, and their answers read.
//!
//! Every request is signed with the keys as they are at that moment. The clock's skew is taken from every answer,
//! and each request is counted with its status; whether to ask again, and when, is decided elsewhere.

use jiff::{SignedDuration, Timestamp};
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HOST, HeaderMap, HeaderName, HeaderValue};
use secrecy::ExposeSecret;
use tokio::time::Instant;
use tracing::debug;
use url::Url;

use super::credentials::{Credentials, Fingerprint, Keys};
use super::error::{CloudError, ErrorKind};
use super::response::{Head, clock_skew, refusal};
use super::sign::{Signable, encode, format_date, sign};
use super::transport::{BuildError, Received, Transport};
use super::{Answer, DcsApi, Request, Window, wire};
use crate::clock::Clock;
use crate::config::{ApiVersion, Polling, ProjectConfig};
use crate::domain::{InstanceId, ProjectName};
use crate::exposition::own::OwnMetrics;

/// The API of one project over HTTP.
#[derive(Debug)]
pub struct HttpApi {
    project: ProjectName,
    project_id: HeaderValue,
    endpoint: Url,
    /// `Host` as it is signed and sent, with the port if the endpoint names one.
    host: String,
    /// `/v2/{project_id}`.
    base_path: String,
    version: ApiVersion,
    credentials: Credentials,
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
        clock: Clock,
        metrics: OwnMetrics,
    ) -> Result<Self, BuildError> {
        let id = project.project_id.as_str();
        let project_id = HeaderValue::from_str(id).ok().filter(|_| can_stand_in_path(id));
        let project_id = project_id.ok_or_else(|| BuildError::ProjectId(id.to_owned()))?;
        let endpoint = project.endpoint.clone();
        let host = endpoint.host_str().unwrap_or_default();
        Ok(Self {
            project: project.name.clone(),
            project_id,
            host: endpoint.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}")),
            base_path: format!("/{}/{}", project.api_version.as_str(), encode(id)),
            version: project.api_version,
            credentials: Credentials::new(&project.credentials),
            transport: Transport::new(project, polling.request_timeout)?,
            endpoint,
            clock,
            metrics,
        })
    }

    /// The address of a request.
    fn url(&self, request: &Request) -> Result<Url, CloudError> {
        let instance = |id: &InstanceId, list: &str| {
            if can_stand_in_path(id.as_str()) {
                Ok(format!("{}/instances/{}{list}", self.base_path, encode(id.as_str())))
            } else {
                Err(CloudError::new(
                    ErrorKind::NotFound,
                    format!("instance id {:?} cannot stand in a path", id.as_str()),
                ))
            }
        };
        let (path, window) = match request {
            Request::Instances(window) => (format!("{}/instances", self.base_path), Some(window)),
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

    /// The request as it is sent: its signature covers every header that is set here.
    fn signed(&self, url: Url, keys: &Keys, now: Timestamp) -> Result<reqwest::Request, CloudError> {
        let invalid = |_| CloudError::new(ErrorKind::Unauthorized, "the keys cannot stand in a header");
        let date = format_date(now);
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(HOST, HeaderValue::from_str(&self.host).map_err(invalid)?);
        headers.insert(HeaderName::from_static("x-project-id"), self.project_id.clone());
        headers.insert(HeaderName::from_static("x-sdk-date"), HeaderValue::from_str(&date).map_err(invalid)?);
        if let Some(token) = &keys.security_token {
            let mut token = HeaderValue::from_str(token.expose_secret()).map_err(invalid)?;
            token.set_sensitive(true);
            headers.insert(HeaderName::from_static("x-security-token"), token);
        }
        let signed: Vec<(&str, &str)> =
            headers.iter().filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?))).collect();
        let query = url.query().unwrap_or_default();
        let signable = Signable { method: "GET", path: url.path(), query, headers: &signed, body: b"" };
        let authorization = sign(&signable, &date, &keys.access_key, keys.secret.expose_secret());
        let mut authorization = HeaderValue::from_str(&authorization).map_err(invalid)?;
        authorization.set_sensitive(true);
        headers.insert(AUTHORIZATION, authorization);
        let mut request = reqwest::Request::new(reqwest::Method::GET, url);
        *request.headers_mut() = headers;
        Ok(request)
    }

    /// What the whole answer says.
    fn judge(
        &self,
        request: &Request,
        received: &Received,
        keys: &Keys,
        skew: Option<SignedDuration>,
    ) -> Result<Answer, CloudError> {
        let Received { head, body } = received;
        let now = self.clock.now();
        let decode = |message: String| CloudError {
            status: Some(head.status),
            request_id: head.request_id(&keys.hidden().collect::<Vec<_>>()),
            ..CloudError::new(ErrorKind::Decode, message)
        };
        match (head.status, body) {
            (204, _) => wire::read(request, b"", now).map_err(|error| decode(error.to_string())),
            (200..=299, Some(body)) => wire::read(request, body, now).map_err(|error| decode(error.to_string())),
            (200..=299, None) => Err(decode("the answer is longer than 16 MiB".to_owned())),
            (_, body) => {
                let body = body.as_deref().unwrap_or_default();
                Err(refusal(head, body, now, skew, keys.hidden()))
            }
        }
    }
}

impl DcsApi for HttpApi {
    async fn send(&self, request: &Request) -> Result<Answer, CloudError> {
        let url = self.url(request)?;
        let keys = self.credentials.current().await?;
        let sent = self.clock.now();
        let signed = self.signed(url, &keys, sent)?;
        let (started, operation) = (Instant::now(), request.operation());
        let mut skew = None;
        let on_head = |head: &Head| skew = head.date.map(|date| clock_skew(date, sent, self.clock.now()));
        let received = self.transport.exchange(signed, on_head).await;
        let took = started.elapsed();
        let status = received.as_ref().ok().map(|received| received.head.status);
        self.metrics.api_request(&self.project, operation, status, took);
        if let Some(skew) = skew {
            self.metrics.clock_skew(&self.project, skew.as_secs_f64());
        }
        let answer = received.and_then(|received| self.judge(request, &received, &keys, skew));
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
        Ok(self.credentials.current().await?.fingerprint())
    }
}

/// Whether a text can be one segment of a path: `.` and `..` cannot, encoded or not.
fn can_stand_in_path(text: &str) -> bool {
    !matches!(text, "" | "." | "..")
}

#[cfg(test)]
mod tests;
