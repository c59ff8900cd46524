//! Who a request comes from: the owner of the key that signed it, or of the token that goes with it.

use super::gateway::Received;
use super::login::{Ended, Scope};
use super::refusal::Refusal;
use super::region::{Region, locked};
use super::signature::KeySecrets;
use super::{ACCESS_KEY, SECRET_KEY, SECURITY_TOKEN, TEMPORARY_ACCESS_KEY, TEMPORARY_SECRET_KEY};
use crate::cloud::sign::{Authorization, Signable};

/// Who a request comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Caller {
    /// Somebody with an access key; the project must be named.
    Key {
        /// The key goes with a security token.
        temporary: bool,
    },
    /// Somebody with a token, which is for one project or none.
    Token(Scope),
}

impl Caller {
    /// Finds out; the error is for the gateway to send.
    pub(super) fn of(region: &Region, request: &Received<'_>) -> Result<Self, Refusal> {
        match (request.header("authorization"), request.header("x-auth-token")) {
            (Some(authorization), _) => signed(region, request, authorization),
            (None, Some(token)) => {
                locked(&region.issued).scope(token, region.now()).map(Self::Token).map_err(|ended| match ended {
                    Ended::Unknown => Refusal::unauthenticated("decrypt token fail"),
                    Ended::Expired => Refusal::unauthenticated("token expires"),
                    // The gateway still understands it, the service does not accept it.
                    Ended::Revoked => Refusal::service(401, "DCS.1001", "Invalid token."),
                })
            }
            (None, None) => Err(Refusal::unauthenticated("x-auth-token not found")),
        }
    }
}

fn signed(region: &Region, request: &Received<'_>, authorization: &str) -> Result<Caller, Refusal> {
    let headers: Vec<(&str, &str)> = request
        .headers
        .iter()
        .map(|(name, value)| (name.as_str(), std::str::from_utf8(value.as_bytes()).unwrap_or("")))
        .collect();
    let signable = Signable {
        method: request.method.as_str(),
        path: request.uri.path(),
        query: request.uri.query().unwrap_or(""),
        headers: &headers,
        body: request.body,
    };
    let Some(authorization) = Authorization::parse(authorization) else {
        return Err(Refusal::unauthenticated("Authorization format is incorrect"));
    };
    let key = secrets(region, authorization.access_key)?;
    let (now, locks) = (region.now(), region.settings().locks_keys);
    locked(&region.gate).check(&signable, &authorization, &key, now, locks)?;
    Ok(Caller::Key { temporary: key.security_token.is_some() })
}

fn secrets(region: &Region, access_key: &str) -> Result<KeySecrets, Refusal> {
    let standing = |secret: &str, security_token: Option<&str>| {
        Ok(KeySecrets { secret: secret.to_owned(), security_token: security_token.map(str::to_owned) })
    };
    match access_key {
        ACCESS_KEY => standing(SECRET_KEY, None),
        TEMPORARY_ACCESS_KEY => standing(TEMPORARY_SECRET_KEY, Some(SECURITY_TOKEN)),
        other => locked(&region.issued).secrets(other, region.now()).map_err(|ended| match ended {
            Ended::Unknown => Refusal::unauthenticated(&format!("Get secretKey failed,ak:{other},err:ak not exist")),
            Ended::Expired => Refusal::unauthenticated("token expires"),
            Ended::Revoked => Refusal::unauthenticated("decrypt token fail"),
        }),
    }
}
