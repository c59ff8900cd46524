//! Temporary keys of the agency of the ECS instance that the exporter runs on, from its metadata service.
//!
//! Version 2 of the service wants a token of its own first, for which one `PUT`s; services that know none answer that
//! with 404, 405 or 503 and are asked without. The token is kept until the service refuses it. A machine that is no ECS
//! has no such service, and one without an agency gets no keys: in a chain both pass on. Source: the official SDK's
//! `MetadataAccessor`.

use std::sync::{Arc, Mutex, PoisonError};

use reqwest::Method;
use secrecy::{ExposeSecret, SecretString};

use super::answer;
use super::exchange::{KEYS_LIVE, Telling, obtained};
use super::failure::Failure;
use super::session::{Obtain, Obtained};
use crate::cloud::authorise::Draft;
use crate::cloud::error::{CloudError, ErrorKind};
use crate::cloud::iam::{Answered, Call, Issuer};
use crate::domain::ProjectName;
use crate::pace::keys::Fingerprint;

/// How long the service's token shall be valid: 6 h, as the official SDK's.
const TOKEN_SECONDS: &str = "21600";
/// What the service says where the instance has no agency.
const NO_AGENCY: &str = "Please configure Cloud Service Agency first";

/// The metadata service.
#[derive(Debug)]
pub(super) struct Metadata {
    service: Arc<Issuer>,
    /// The service's token; `None` before the first, and for version 1.
    token: Mutex<Option<SecretString>>,
    telling: Telling,
}

impl Metadata {
    pub(super) fn new(entry: &str, service: Arc<Issuer>) -> Self {
        let telling = Telling {
            entry: entry.to_owned(),
            doing: "asking the metadata service of the ECS".to_owned(),
            advice: "give this ECS an agency in the console, or name other credentials if it is no ECS",
        };
        Self { service, token: Mutex::default(), telling }
    }

    fn token(&self) -> std::sync::MutexGuard<'_, Option<SecretString>> {
        self.token.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks for a token of the service; it has none where it is of version 1.
    async fn renew_token(&self, call: &Call<'_>) -> Result<(), CloudError> {
        *self.token() = None;
        let mut draft = Draft::get(self.service.url("/meta-data/latest/api/token", None));
        draft.method = Method::PUT;
        draft.headers.push(("x-metadata-token-ttl-seconds", TOKEN_SECONDS.to_owned()));
        let answered = self.service.send(draft, call).await?;
        if matches!(answered.received.head.status, 404 | 405 | 503) {
            return Ok(());
        }
        let answered = self.service.accepted(answered, call)?;
        let token = String::from_utf8_lossy(answered.body()).trim().to_owned();
        if !answer::can_stand_in_header(&token) {
            return Err(answered.decode("to the request for a token is none", call));
        }
        *self.token() = Some(token.into());
        Ok(())
    }

    async fn ask(&self, call: &Call<'_>) -> Result<Answered, CloudError> {
        let mut draft = Draft::get(self.service.url("/openstack/latest/securitykey", None));
        if let Some(token) = &*self.token() {
            draft.headers.push(("x-metadata-token", token.expose_secret().to_owned()));
        }
        self.service.send(draft, call).await
    }

    async fn keys(&self, call: &Call<'_>) -> Result<Obtained, Failure> {
        if self.token().is_none() {
            self.renew_token(call).await.map_err(|error| self.failed(error))?;
        }
        let mut answered = self.ask(call).await.map_err(|error| self.failed(error))?;
        if answered.received.head.status == 401 && !has_no_agency(&answered) {
            self.renew_token(call).await.map_err(|error| self.failed(error))?;
            answered = self.ask(call).await.map_err(|error| self.failed(error))?;
        }
        if has_no_agency(&answered) {
            let error = CloudError::new(ErrorKind::Unauthorized, "the ECS has no agency");
            return Err(Failure { error: self.telling.failed(&self.service.host(), error), is_absent: true });
        }
        let read = || {
            let answered = self.service.accepted(answered, call)?;
            let issued = answer::keys(answered.body()).map_err(|problem| answered.decode(&problem, call))?;
            obtained(issued, &answered, KEYS_LIVE)
        };
        read().map_err(|error| self.failed(error))
    }

    /// Where nobody answers, or nobody who knows the path, there is no metadata service.
    fn failed(&self, error: CloudError) -> Failure {
        let is_absent = matches!(error.kind, ErrorKind::Connection | ErrorKind::Timeout) || error.status == Some(404);
        Failure { error: self.telling.failed(&self.service.host(), error), is_absent }
    }
}

impl Obtain for Metadata {
    type Input = ();

    async fn read(&self) -> Result<((), Fingerprint), CloudError> {
        Ok(((), Fingerprint::of_parts(&[b"metadata"])))
    }

    async fn obtain(&self, (): (), caller: &ProjectName) -> Result<Obtained, Failure> {
        let hidden = self.token().clone();
        let hidden: Vec<&str> = hidden.iter().map(ExposeSecret::expose_secret).collect();
        let call = Call::login(caller, None, &hidden);
        self.keys(&call).await
    }
}

fn has_no_agency(answered: &Answered) -> bool {
    answered.received.head.status == 401 && String::from_utf8_lossy(answered.body()).contains(NO_AGENCY)
}
