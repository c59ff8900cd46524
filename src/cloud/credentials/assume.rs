//! An agency that is assumed on top of other credentials.
//!
//! By name, of IAM (`POST /v3.0/OS-CREDENTIAL/securitytokens`, method `assume_role`), signed with the base's keys or
//! with its token; by URN, of STS (`POST /v5/agencies/assume`), which knows no tokens: a token is changed for temporary
//! keys first. The base keeps a session of its own, where it has one, and obtains it anew where the cloud refuses it.

use std::sync::Arc;

use serde_json::{Value, json};

use super::Granting;
use super::exchange::{self, KEYS_LIVE, Telling};
use super::failure::Failure;
use super::grant::{Grant, Token};
use super::id_token::keys_for_token;
use super::session::{Obtain, Obtained};
use crate::cloud::authorise::Draft;
use crate::cloud::error::CloudError;
use crate::cloud::iam::{Call, Issuer};
use crate::config::{Agency, Assume, Domain};
use crate::domain::{ProjectName, Purpose};
use crate::pace::keys::Fingerprint;

/// An agency with who assumes it.
#[derive(Debug)]
pub(super) struct Assumed {
    base: Box<dyn Granting>,
    assume: Assume,
    /// Where it is assumed.
    asked: Asked,
    telling: Telling,
}

/// Who is asked for the agency's keys.
#[derive(Debug)]
pub(super) enum Asked {
    Iam(Arc<Issuer>),
    /// STS, and IAM for a base that is a token.
    Sts {
        sts: Arc<Issuer>,
        iam: Option<Arc<Issuer>>,
    },
}

impl Assumed {
    pub(super) fn new(entry: &str, base: Box<dyn Granting>, assume: &Assume, asked: Asked) -> Self {
        let (agency, advice) = match &assume.agency {
            Agency::Named { name, .. } => {
                (name, "check agency_name and its account, and that the user may assume it (role Agent Operator)")
            }
            Agency::Urn { urn, .. } => {
                (urn, "check agency_urn, the agency's trust, and that the user may assume it (sts:agencies:assume)")
            }
        };
        let telling = Telling { entry: entry.to_owned(), doing: format!("assuming agency {agency:?}"), advice };
        Self { base, assume: assume.clone(), asked, telling }
    }

    fn issuer(&self) -> &Issuer {
        match &self.asked {
            Asked::Iam(issuer) | Asked::Sts { sts: issuer, .. } => issuer,
        }
    }

    fn request(&self) -> (&'static str, Value) {
        let duration = self.assume.duration.as_secs();
        match &self.assume.agency {
            Agency::Named { name, domain } => {
                let mut agency = json!({"agency_name": name, "duration_seconds": duration});
                match domain {
                    Domain::Name(name) => agency["domain_name"] = json!(name),
                    Domain::Id(id) => agency["domain_id"] = json!(id),
                }
                let identity = json!({"methods": ["assume_role"], "assume_role": agency});
                ("/v3.0/OS-CREDENTIAL/securitytokens", json!({"auth": {"identity": identity}}))
            }
            Agency::Urn { urn, session_name } => (
                "/v5/agencies/assume",
                json!({"agency_urn": urn, "agency_session_name": session_name, "duration_seconds": duration}),
            ),
        }
    }

    /// What the request is authorised with: for STS always keys.
    async fn authority(&self, base: &Grant, caller: &ProjectName) -> Result<Grant, CloudError> {
        match (base, &self.asked) {
            (Grant::Token(Token(token)), Asked::Sts { iam: Some(iam), .. }) => {
                let keys = keys_for_token(iam, token, KEYS_LIVE, caller).await;
                Ok(keys.map_err(|error| self.telling.failed(&iam.host(), error))?.grant)
            }
            _ => Ok(base.clone()),
        }
    }

    async fn exchange(&self, base: &Grant, caller: &ProjectName) -> Result<Obtained, CloudError> {
        let grant = self.authority(base, caller).await?;
        let (path, body) = self.request();
        let call = Call {
            project: caller,
            purpose: Purpose::Login,
            grant: Some(&grant),
            proves: Some(grant.fingerprint()),
            hidden: &[],
        };
        let issuer = self.issuer();
        let draft = Draft::post(issuer.url(path, None), &body);
        let keys = exchange::keys(issuer, draft, &call, KEYS_LIVE.min(self.assume.duration)).await;
        keys.map_err(|error| self.telling.failed(&issuer.host(), error))
    }
}

impl Obtain for Assumed {
    type Input = ();

    async fn read(&self) -> Result<((), Fingerprint), CloudError> {
        Ok(((), self.base.origin().await?))
    }

    async fn obtain(&self, (): (), caller: &ProjectName) -> Result<Obtained, Failure> {
        let mut is_renewed = false;
        loop {
            let base = self.base.grant(caller).await?;
            let error = match self.exchange(&base, caller).await {
                Ok(obtained) => {
                    self.base.proven(base.fingerprint());
                    return Ok(obtained);
                }
                Err(error) => error,
            };
            let is_refused = error.kind.is_unauthorised() && self.base.refused(base.fingerprint());
            if !is_refused || std::mem::replace(&mut is_renewed, true) {
                return Err(error.into());
            }
        }
    }
}
