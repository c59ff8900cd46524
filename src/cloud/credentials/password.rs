//! A user's password for a token: `POST /v3/auth/tokens` of IAM.
//!
//! The token is for one project, by its id or by its name; the answer then tells the id, so that nobody needs to look
//! it up. Where an agency is assumed on top, the project belongs to another account than the user: the token is then
//! for the user's account.

use std::sync::Arc;

use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

use super::exchange::{TOKENS_LIVE, Telling, obtained};
use super::failure::Failure;
use super::files::Secret;
use super::session::{Obtain, Obtained};
use crate::cloud::authorise::Draft;
use crate::cloud::credentials::answer;
use crate::cloud::error::CloudError;
use crate::cloud::iam::{Call, Issuer};
use crate::config::{CloudProject, PasswordSource};
use crate::domain::ProjectName;
use crate::pace::keys::Fingerprint;

/// A user of IAM.
#[derive(Debug)]
pub(super) struct Password {
    username: String,
    domain_name: String,
    secret: Secret,
    /// The project that tokens are for; `None` for the account.
    project: Option<CloudProject>,
    iam: Arc<Issuer>,
    telling: Telling,
}

impl Password {
    pub(super) fn new(entry: &str, source: &PasswordSource, project: Option<CloudProject>, iam: Arc<Issuer>) -> Self {
        let PasswordSource { username, password, domain_name } = source;
        Self {
            username: username.clone(),
            domain_name: domain_name.clone(),
            secret: Secret::new(entry, "password", password),
            project,
            iam,
            telling: Telling {
                entry: entry.to_owned(),
                doing: format!("the login of user {username:?} of account {domain_name:?}"),
                advice: "check username, password and domain_name, and that the user may use the project (project_id, project_name or region)",
            },
        }
    }

    fn scope(&self) -> Value {
        match &self.project {
            Some(CloudProject::Id(id)) => json!({"project": {"id": id.as_str()}}),
            Some(CloudProject::Named(name)) => json!({"project": {"name": name}}),
            None => json!({"domain": {"name": self.domain_name}}),
        }
    }

    fn fingerprint(&self, password: &SecretString) -> Fingerprint {
        let host = self.iam.host();
        let parts = [&host, &self.domain_name, &self.username, password.expose_secret()];
        Fingerprint::of_parts(&parts.map(str::as_bytes))
    }
}

impl Obtain for Password {
    type Input = SecretString;

    async fn read(&self) -> Result<(SecretString, Fingerprint), CloudError> {
        let password = self.secret.current().await?;
        let fingerprint = self.fingerprint(&password);
        Ok((password, fingerprint))
    }

    async fn obtain(&self, password: SecretString, caller: &ProjectName) -> Result<Obtained, Failure> {
        let user = json!({
            "name": self.username,
            "password": password.expose_secret(),
            "domain": {"name": self.domain_name},
        });
        let identity = json!({"methods": ["password"], "password": {"user": user}});
        let body = json!({"auth": {"identity": identity, "scope": self.scope()}});
        let hidden = [password.expose_secret()];
        let call = Call::login(caller, Some(self.fingerprint(&password)), &hidden);
        let draft = Draft::post(self.iam.url("/v3/auth/tokens", Some("nocatalog=true")), &body);
        let read = async {
            let answered = self.iam.call(draft, &call).await?;
            let issued = answer::token(answered.received.subject_token.clone(), answered.body());
            let issued = issued.map_err(|problem| answered.decode(&problem, &call))?;
            obtained(issued, &answered, TOKENS_LIVE)
        };
        read.await.map_err(|error| self.telling.failed(&self.iam.host(), error).into())
    }
}
