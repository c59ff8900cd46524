//! One login: what is granted now, and the ids of projects as it sees them.

use std::sync::{Arc, OnceLock};

use jiff::Timestamp;

use super::grant::Grant;
use super::{Boxed, Granting};
use crate::cloud::error::{CloudError, ErrorKind};
use crate::cloud::iam::Issuer;
use crate::cloud::projects::Projects;
use crate::domain::{ProjectId, ProjectName};
use crate::pace::keys::Fingerprint;

/// The way to a grant, shared by all projects that may share it.
#[derive(Debug)]
pub struct Login {
    /// The entry of `credentials`.
    entry: String,
    way: Box<dyn Granting>,
    /// The name of the project that tokens are for: their answers tell its id.
    scope: Option<String>,
    /// Set where a project is named.
    projects: OnceLock<Projects>,
}

impl Login {
    pub(super) fn new(entry: &str, way: Box<dyn Granting>, scope: Option<String>) -> Self {
        Self { entry: entry.to_owned(), way, scope, projects: OnceLock::new() }
    }

    /// Makes this one able to look projects up.
    pub(super) fn look_up_at(&self, iam: Arc<Issuer>) {
        self.projects.get_or_init(|| Projects::new(&self.entry, iam));
    }

    pub(super) fn can_look_up(&self) -> bool {
        self.projects.get().is_some()
    }

    /// What requests are authorised with now. Logs in where that is still to be done, and renews what is about to
    /// end; who comes meanwhile waits for that one attempt. Requests are counted as `project`'s.
    ///
    /// # Errors
    /// [`CloudError`] where nothing is granted. After a failed attempt [`ErrorKind::Held`] with the reason until the
    /// next one is due.
    pub async fn grant(&self, project: &ProjectName) -> Result<Grant, CloudError> {
        self.way.grant(project).await.map_err(|failure| at_login(failure.error))
    }

    /// The id of the project of this name, asked of IAM once and then remembered.
    ///
    /// # Errors
    /// [`CloudError`] where there is none or more than one, or IAM does not tell; after a failed attempt
    /// [`ErrorKind::Held`] with the reason until the next one is due.
    pub async fn project_id(&self, name: &str, project: &ProjectName) -> Result<ProjectId, CloudError> {
        if self.scope.as_deref() == Some(name) {
            self.grant(project).await?;
            if let Some(id) = self.way.project() {
                return Ok(id);
            }
        }
        let Some(projects) = self.projects.get() else {
            let message = format!("credentials {}: no IAM to ask for project {name:?}; set project_id", self.entry);
            return Err(at_login(CloudError::new(ErrorKind::NotFound, message)));
        };
        projects.id(name, self, project).await.map_err(at_login)
    }

    /// The fingerprint of what the user gave, at this moment.
    pub(in crate::cloud) fn origin(&self) -> Boxed<'_, Result<Fingerprint, CloudError>> {
        self.way.origin()
    }

    /// The cloud has refused a request with the grant of this fingerprint. Tells whether the next call of
    /// [`Self::grant`] may bring another one: not for access keys, and not where this one has never worked and is
    /// new.
    pub fn refused(&self, grant: Fingerprint) -> bool {
        self.way.refused(grant)
    }

    /// A request with the grant of this fingerprint was answered.
    pub fn proven(&self, grant: Fingerprint) {
        self.way.proven(grant);
    }

    /// When the present grant ends, by the cloud's word; `None` for one that does not end.
    pub fn expires_at(&self) -> Option<Timestamp> {
        self.way.expires_at()
    }
}

fn at_login(error: CloudError) -> CloudError {
    CloudError { at_login: true, ..error }
}
