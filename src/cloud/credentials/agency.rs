//! An id token that assumes an agency: `POST /v5/agencies/assume-with-oidc` of STS.

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
use crate::config::OidcAgencySource;
use crate::domain::ProjectName;
use crate::pace::keys::Fingerprint;

/// An agency that trusts an `OpenID` Connect provider.
#[derive(Debug)]
pub(super) struct OidcAgency {
    source: OidcAgencySource,
    id_token: Secret,
    sts: Arc<Issuer>,
    telling: Telling,
}

impl OidcAgency {
    pub(super) fn new(entry: &str, source: &OidcAgencySource, sts: Arc<Issuer>) -> Self {
        Self {
            id_token: Secret::new(entry, "id token", &source.id_token),
            telling: Telling {
                entry: entry.to_owned(),
                doing: format!("assuming agency {:?} with an id token", source.agency_urn),
                advice: "check provider_urn, agency_urn, the agency's trust, and that the id token has not ended",
            },
            source: source.clone(),
            sts,
        }
    }

    fn fingerprint(&self, id_token: &SecretString) -> Fingerprint {
        let host = self.sts.host();
        let parts = [&host, &self.source.provider_urn, &self.source.agency_urn, id_token.expose_secret()];
        Fingerprint::of_parts(&parts.map(str::as_bytes))
    }

    async fn exchange(&self, id_token: &SecretString, caller: &ProjectName) -> Result<Obtained, CloudError> {
        let OidcAgencySource { provider_urn, agency_urn, session_name, duration, policy, policy_ids, .. } =
            &self.source;
        let mut body = json!({
            "provider_urn": provider_urn,
            "agency_urn": agency_urn,
            "agency_session_name": session_name,
            "id_token": id_token.expose_secret(),
            "duration_seconds": duration.as_secs(),
        });
        if let Some(policy) = policy {
            body["policy"] = json!(policy);
        }
        if !policy_ids.is_empty() {
            body["policy_ids"] = json!(policy_ids);
        }
        let hidden = [id_token.expose_secret()];
        let call = Call::login(caller, Some(self.fingerprint(id_token)), &hidden);
        let draft = Draft::post(self.sts.url("/v5/agencies/assume-with-oidc", None), &body);
        exchange::keys(&self.sts, draft, &call, KEYS_LIVE.min(*duration)).await
    }
}

impl Obtain for OidcAgency {
    type Input = SecretString;

    async fn read(&self) -> Result<(SecretString, Fingerprint), CloudError> {
        let id_token = self.id_token.current().await?;
        let fingerprint = self.fingerprint(&id_token);
        Ok((id_token, fingerprint))
    }

    async fn obtain(&self, id_token: SecretString, caller: &ProjectName) -> Result<Obtained, Failure> {
        let exchanged = self.exchange(&id_token, caller).await;
        exchanged.map_err(|error| self.telling.failed(&self.sts.host(), error).into())
    }
}
