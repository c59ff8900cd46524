//! The ids of projects by their names: `GET /v3/projects` of IAM.
//!
//! Who configures no id names a project, or a region, which has a project of its own name in every account. The id is
//! asked for once; a failure is remembered as a failed login is.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use serde_json::Value;
use tokio::time::Instant;

use super::authorise::Draft;
use super::credentials::failure::{Failure, Remembered};
use super::credentials::{Grant, Login};
use super::diagnosis::Hint;
use super::error::{CloudError, ErrorKind};
use super::iam::{Call, Issuer};
use super::sign::encode;
use crate::domain::{ProjectId, ProjectName, Purpose};

/// No id of a project is longer.
const MAX_ID_LENGTH: usize = 64;
/// Ids that a sentence lists.
const SHOWN: usize = 10;

/// The projects of one login.
#[derive(Debug)]
pub(super) struct Projects {
    /// The entry of `credentials`, for messages.
    entry: String,
    iam: Arc<Issuer>,
    /// By name: as many as the configuration has.
    known: Mutex<HashMap<String, Arc<Search>>>,
}

/// The search for one project.
#[derive(Debug, Default)]
struct Search {
    id: OnceLock<ProjectId>,
    /// Held by who searches.
    failure: tokio::sync::Mutex<Option<Remembered>>,
}

impl Projects {
    pub(super) fn new(entry: &str, iam: Arc<Issuer>) -> Self {
        Self { entry: entry.to_owned(), iam, known: Mutex::default() }
    }

    /// The id of the project of this name.
    ///
    /// # Errors
    /// See [`Login::project_id`].
    pub(super) async fn id(&self, name: &str, login: &Login, caller: &ProjectName) -> Result<ProjectId, CloudError> {
        let search = {
            let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(known.entry(name.to_owned()).or_default())
        };
        if let Some(id) = search.id.get() {
            return Ok(id.clone());
        }
        let mut failure = search.failure.lock().await;
        if let Some(id) = search.id.get() {
            return Ok(id.clone());
        }
        let origin = login.origin().await?;
        if let Some(held) = failure.as_ref().and_then(|failure| failure.held(origin, Instant::now())) {
            return Err(held.error);
        }
        match self.search(name, login, caller).await {
            Ok(id) => Ok(search.id.get_or_init(|| id).clone()),
            // Nothing was asked: the login remembers its failures itself.
            Err(error) if error.at_login => Err(error),
            Err(error) => {
                let told = Failure::from(error.clone());
                *failure = Some(Remembered::new(failure.as_ref(), told, origin, false, Instant::now()));
                Err(error)
            }
        }
    }

    async fn search(&self, name: &str, login: &Login, caller: &ProjectName) -> Result<ProjectId, CloudError> {
        let mut is_renewed = false;
        loop {
            let grant = login.grant(caller).await?;
            let error = match self.ask(name, &grant, caller).await {
                Ok(id) => {
                    login.proven(grant.fingerprint());
                    return Ok(id);
                }
                Err(error) => error,
            };
            let is_refused = error.kind.is_unauthorised() && login.refused(grant.fingerprint());
            if !is_refused || std::mem::replace(&mut is_renewed, true) {
                return Err(error);
            }
        }
    }

    async fn ask(&self, name: &str, grant: &Grant, caller: &ProjectName) -> Result<ProjectId, CloudError> {
        let call = Call {
            project: caller,
            purpose: Purpose::Project,
            grant: Some(grant),
            proves: Some(grant.fingerprint()),
            hidden: &[],
        };
        let draft = Draft::get(self.iam.url("/v3/projects", Some(&format!("name={}", encode(name)))));
        let asked = format!("credentials {}: the search for project {name:?} at {}", self.entry, self.iam.host());
        let answered = self.iam.call(draft, &call).await.map_err(|error| failed(&asked, error))?;
        let found = ids(answered.body(), name).map_err(|problem| failed(&asked, answered.decode(problem, &call)))?;
        let shown = |ids: &[ProjectId]| ids.iter().map(ProjectId::as_str).collect::<Vec<_>>().join(", ");
        let sentence = match found.as_slice() {
            [id] => return Ok(id.clone()),
            [] => "found none that these credentials may use".to_owned(),
            [first @ .., _] if found.len() > SHOWN => {
                format!("found {} ({}, …)", found.len(), shown(&first[..SHOWN]))
            }
            all => format!("found {} ({})", all.len(), shown(all)),
        };
        let hint = if found.is_empty() {
            "set project_id, or correct project_name (without it the region's name is asked for)"
        } else {
            "set project_id to the one that is meant"
        };
        Err(CloudError::new(ErrorKind::NotFound, format!("{asked} {sentence}")).with_hint(Hint::new(hint)))
    }
}

fn failed(asked: &str, error: CloudError) -> CloudError {
    let message = match error.kind {
        ErrorKind::Held => format!("{asked} was {}", error.message),
        _ => format!("{asked} failed: {}", error.message),
    };
    let not_iam = Hint::new("what answers speaks another language than IAM: check iam_endpoint, and proxy");
    let hint = error.hint.or_else(|| (error.kind == ErrorKind::Decode).then_some(not_iam));
    CloudError { message, hint, ..error }
}

/// The ids of the projects of this name. IAM's filter is exact by its documentation; other names are left out still.
///
/// # Errors
/// The end of a sentence that begins with "the answer".
fn ids(body: &[u8], name: &str) -> Result<Vec<ProjectId>, &'static str> {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let projects = body["projects"].as_array().ok_or("has no list of projects")?;
    let meant = projects.iter().filter(|project| project["name"].as_str().is_none_or(|other| other == name));
    let id = |project: &Value| {
        let id = project["id"].as_str().filter(|id| (1..=MAX_ID_LENGTH).contains(&id.len()));
        id.filter(|id| id.bytes().all(|byte| byte.is_ascii_graphic())).map(ProjectId::from)
    };
    meant.map(|project| id(project).ok_or("has a project without an id")).collect()
}
