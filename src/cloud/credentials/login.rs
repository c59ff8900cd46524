//! One login: what is granted now, and when it must be obtained anew.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::files::AccessKeys;
use super::grant::Grant;
use crate::clock::Clock;
use crate::cloud::error::{CloudError, ErrorKind};
use crate::cloud::transport::BuildError;
use crate::config::{ProjectConfig, Source};
use crate::domain::{ProjectId, ProjectName};
use crate::exposition::own::OwnMetrics;
use crate::pace::keys::{Fingerprint, KeyRing};

/// The way to a grant, shared by all projects that may share it.
#[derive(Debug)]
pub struct Login {
    keys: Option<AccessKeys>,
}

impl Login {
    /// The login of this project; nothing is sent. `timeout` is for a whole exchange; `keys` are the records of all
    /// keys in use.
    ///
    /// # Errors
    /// [`BuildError`] where the project's settings cannot be used.
    pub fn new(
        project: &ProjectConfig,
        _timeout: Duration,
        _keys: Arc<KeyRing>,
        _clock: Clock,
        _metrics: OwnMetrics,
    ) -> Result<Self, BuildError> {
        let Source::AccessKeys(source) = &project.credentials.source else { return Ok(Self { keys: None }) };
        Ok(Self { keys: Some(AccessKeys::new(&project.credentials.name, source)) })
    }

    /// What requests are authorised with now. Logs in where that is still to be done, and renews what is about to
    /// end; who comes meanwhile waits for that one attempt. Requests are counted as `project`'s.
    ///
    /// # Errors
    /// [`CloudError`] where nothing is granted. After a failed attempt [`ErrorKind::Held`] with the reason until the
    /// next one is due.
    pub async fn grant(&self, _project: &ProjectName) -> Result<Grant, CloudError> {
        match &self.keys {
            Some(keys) => keys.current().await.map(Grant::Keys),
            None => Err(CloudError::new(ErrorKind::Unauthorized, "these credentials are not built yet")),
        }
    }

    /// The id of the project of this name, asked of IAM once and then remembered.
    ///
    /// # Errors
    /// [`CloudError`] where there is none or more than one, or IAM does not tell; after a failed attempt
    /// [`ErrorKind::Held`] with the reason until the next one is due.
    pub async fn project_id(&self, _name: &str, _project: &ProjectName) -> Result<ProjectId, CloudError> {
        std::future::ready(Err(CloudError::new(ErrorKind::NotFound, "looking projects up is not built yet"))).await
    }

    /// The cloud has refused a request with the grant of this fingerprint. Tells whether the next call of
    /// [`Self::grant`] may bring another one: not for access keys, and not where this one has never worked.
    pub fn refused(&self, _grant: Fingerprint) -> bool {
        false
    }

    /// A request with the grant of this fingerprint was answered.
    pub fn proven(&self, _grant: Fingerprint) {}

    /// When the present grant ends, by the cloud's word; `None` for one that does not end.
    pub fn expires_at(&self) -> Option<Timestamp> {
        None
    }
}
