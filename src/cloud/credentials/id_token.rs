//! An id token of a federated user for temporary keys, in two steps: the id token for a token that is for no project
//! (`POST /v3.0/OS-AUTH/id-token/tokens`), and that for keys of six hours, as the official SDK does.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

use super::answer;
use super::exchange::{self, KEYS_LIVE, Telling};
use super::failure::Failure;
use super::files::Secret;
use super::profile;
use super::session::{Obtain, Obtained};
use crate::cloud::authorise::Draft;
use crate::cloud::error::CloudError;
use crate::cloud::iam::{Call, Issuer};
use crate::config::IdTokenSource;
use crate::domain::ProjectName;
use crate::pace::keys::Fingerprint;

/// How long the keys shall be valid: as long as the official SDK's.
const DURATION: Duration = Duration::from_hours(6);

/// A user of an identity provider.
#[derive(Debug)]
pub(super) struct IdToken {
    entry: String,
    given: Given,
    iam: Arc<Issuer>,
    telling: Telling,
}

/// Where the provider and the id token are named.
#[derive(Debug)]
enum Given {
    Here {
        idp_id: String,
        id_token: Secret,
    },
    /// In a profile, which is read each time.
    InProfile(profile::File),
}

/// The provider and the id token as they are now.
pub(super) struct Input {
    idp_id: String,
    id_token: SecretString,
}

impl IdToken {
    pub(super) fn new(entry: &str, source: &IdTokenSource, iam: Arc<Issuer>) -> Self {
        let given = Given::Here { idp_id: source.idp_id.clone(), id_token: secret(entry, source) };
        Self::of(entry, given, iam)
    }

    /// As the profile in this file names them.
    pub(super) fn of_profile(entry: &str, path: PathBuf, iam: Arc<Issuer>) -> Self {
        Self::of(entry, Given::InProfile(profile::File::new(entry, path)), iam)
    }

    fn of(entry: &str, given: Given, iam: Arc<Issuer>) -> Self {
        let telling = Telling {
            entry: entry.to_owned(),
            doing: "the login with an id token".to_owned(),
            advice: "check idp_id, the identity provider in IAM, and that the id token has not ended",
        };
        Self { entry: entry.to_owned(), given, iam, telling }
    }

    async fn input(&self) -> Result<Input, CloudError> {
        match &self.given {
            Given::Here { idp_id, id_token } => {
                Ok(Input { idp_id: idp_id.clone(), id_token: id_token.current().await? })
            }
            Given::InProfile(file) => {
                let source = file.id_token().await.map_err(|failure| failure.error)?;
                let id_token = secret(&self.entry, &source).current().await?;
                Ok(Input { idp_id: source.idp_id, id_token })
            }
        }
    }

    fn fingerprint(&self, Input { idp_id, id_token }: &Input) -> Fingerprint {
        let parts = [&self.iam.host(), idp_id, id_token.expose_secret()];
        Fingerprint::of_parts(&parts.map(str::as_bytes))
    }

    async fn exchange(&self, input: &Input, caller: &ProjectName) -> Result<Obtained, CloudError> {
        let body = json!({"auth": {"id_token": {"id": input.id_token.expose_secret()}}});
        let mut draft = Draft::post(self.iam.url("/v3.0/OS-AUTH/id-token/tokens", None), &body);
        draft.headers.push(("x-idp-id", input.idp_id.clone()));
        let hidden = [input.id_token.expose_secret()];
        let call = Call::login(caller, Some(self.fingerprint(input)), &hidden);
        let answered = self.iam.call(draft, &call).await?;
        let token = answer::subject_token(answered.received.subject_token.clone());
        let token = token.map_err(|problem| answered.decode(&problem, &call))?;
        keys_for_token(&self.iam, &token, DURATION, caller).await
    }
}

impl Obtain for IdToken {
    type Input = Input;

    async fn read(&self) -> Result<(Input, Fingerprint), CloudError> {
        let input = self.input().await?;
        let fingerprint = self.fingerprint(&input);
        Ok((input, fingerprint))
    }

    async fn obtain(&self, input: Input, caller: &ProjectName) -> Result<Obtained, Failure> {
        let exchanged = self.exchange(&input, caller).await;
        exchanged.map_err(|error| self.telling.failed(&self.iam.host(), error).into())
    }
}

/// A token for temporary keys: `POST /v3.0/OS-CREDENTIAL/securitytokens` of IAM, method `token`.
///
/// # Errors
/// [`CloudError`] where IAM does not give any.
pub(super) async fn keys_for_token(
    iam: &Issuer,
    token: &SecretString,
    duration: Duration,
    caller: &ProjectName,
) -> Result<Obtained, CloudError> {
    let token = token.expose_secret();
    let identity = json!({"methods": ["token"], "token": {"id": token, "duration_seconds": duration.as_secs()}});
    let body = json!({"auth": {"identity": identity}});
    let hidden = [token];
    let call = Call::login(caller, None, &hidden);
    let draft = Draft::post(iam.url("/v3.0/OS-CREDENTIAL/securitytokens", None), &body);
    exchange::keys(iam, draft, &call, duration.min(KEYS_LIVE)).await
}

fn secret(entry: &str, source: &IdTokenSource) -> Secret {
    Secret::new(entry, "id token", &source.id_token)
}
