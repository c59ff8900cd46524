//! The identity of a pod of CCE: an agent on the node gives temporary keys for the pod's token.
//!
//! Address and token come with the pod (`HC_CONTAINER_CREDENTIALS_FULL_URI`); nothing on the way is a proxy.

use std::sync::Arc;

use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

use super::exchange::{self, KEYS_LIVE, Telling};
use super::failure::Failure;
use super::files::Secret;
use super::session::{Obtain, Obtained};
use crate::cloud::authorise::Draft;
use crate::cloud::error::CloudError;
use crate::cloud::iam::{Call, Issuer};
use crate::config::PodIdentitySource;
use crate::domain::ProjectName;
use crate::pace::keys::Fingerprint;

/// A pod's identity.
#[derive(Debug)]
pub(super) struct PodIdentity {
    token: Secret,
    agent: Arc<Issuer>,
    telling: Telling,
}

impl PodIdentity {
    pub(super) fn new(entry: &str, source: &PodIdentitySource, agent: Arc<Issuer>) -> Self {
        Self {
            token: Secret::new(entry, "authorization token", &source.token),
            agent,
            telling: Telling {
                entry: entry.to_owned(),
                doing: "the login with the pod's identity".to_owned(),
                advice: "check the pod identity of the pod's service account in CCE",
            },
        }
    }

    async fn exchange(&self, token: &SecretString, caller: &ProjectName) -> Result<Obtained, CloudError> {
        let mut draft = Draft::post(self.agent.endpoint.clone(), &json!({}));
        draft.headers.push(("authorization", token.expose_secret().to_owned()));
        let hidden = [token.expose_secret()];
        let call = Call::login(caller, Some(fingerprint(token)), &hidden);
        exchange::keys(&self.agent, draft, &call, KEYS_LIVE).await
    }
}

impl Obtain for PodIdentity {
    type Input = SecretString;

    async fn read(&self) -> Result<(SecretString, Fingerprint), CloudError> {
        let token = self.token.for_header().await?;
        let fingerprint = fingerprint(&token);
        Ok((token, fingerprint))
    }

    async fn obtain(&self, token: SecretString, caller: &ProjectName) -> Result<Obtained, Failure> {
        let exchanged = self.exchange(&token, caller).await;
        exchanged.map_err(|error| self.telling.failed(&self.agent.host(), error).into())
    }
}

fn fingerprint(token: &SecretString) -> Fingerprint {
    Fingerprint::of_parts(&[token.expose_secret().as_bytes()])
}
