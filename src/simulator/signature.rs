//! Whether a signature is good: the key, its security token, the signature itself and its date.
//!
//! Recomputes the signature with [`crate::cloud::sign`], which is proven against the vendor's own vectors. Five
//! failures in a row lock a key for five minutes, even for right signatures.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};

use super::lockout::Lockout;
use super::refusal::Refusal;
use crate::cloud::sign::{Authorization, Signable, canonical_request, parse_date};

/// How far the date of a signature may be from the gateway's clock.
const DATE_TOLERANCE: SignedDuration = SignedDuration::from_mins(15);
/// For so long a key is locked.
const LOCKED_FOR: SignedDuration = SignedDuration::from_mins(5);
/// How many keys with wrong signatures are remembered: more than are issued in any test, and no endless growth.
const REMEMBERED: usize = 1024;

/// The secrets that belong to an access key.
#[derive(Clone, Debug)]
pub(super) struct KeySecrets {
    pub(super) secret: String,
    /// Only temporary keys have one.
    pub(super) security_token: Option<String>,
}

/// What has been seen of each key.
#[derive(Debug, Default)]
pub(super) struct Gate {
    keys: HashMap<String, Lockout>,
}

impl Gate {
    /// Whether the signature is good; the error is for the gateway to send.
    pub(super) fn check(
        &mut self,
        request: &Signable<'_>,
        authorization: &Authorization<'_>,
        key: &KeySecrets,
        now: Timestamp,
        locks: bool,
    ) -> Result<(), Refusal> {
        if locks && self.locked(authorization.access_key, now) {
            return Err(Refusal::unauthenticated("AK access failed to reach the limit,forbidden"));
        }
        let outcome = verify(request, authorization, key, now);
        if outcome.is_ok() {
            self.keys.remove(authorization.access_key);
        } else {
            if self.keys.len() >= REMEMBERED {
                self.keys.clear();
            }
            self.keys.entry(authorization.access_key.to_owned()).or_default().fail(now, LOCKED_FOR);
        }
        outcome
    }

    /// Whether a key is locked.
    pub(super) fn locked(&self, key: &str, now: Timestamp) -> bool {
        self.keys.get(key).is_some_and(|state| state.locked(now))
    }
}

fn verify(
    request: &Signable<'_>,
    authorization: &Authorization<'_>,
    key: &KeySecrets,
    now: Timestamp,
) -> Result<(), Refusal> {
    let header = |name: &str| {
        request.headers.iter().find(|(header, _)| header.eq_ignore_ascii_case(name)).map(|(_, value)| *value)
    };
    let date = || header("x-sdk-date").and_then(parse_date);
    if key.security_token.is_some() && header("x-security-token") != key.security_token.as_deref() {
        Err(Refusal::unauthenticated("decrypt token fail"))
    } else if !authorization.verifies(request, &key.secret) {
        Err(wrong_signature(request, authorization))
    } else if date().is_none_or(|date| date.duration_since(now).abs() > DATE_TOLERANCE) {
        Err(Refusal::unauthenticated("calc ak sk signature fail:signature expired"))
    } else {
        Ok(())
    }
}

/// The gateway tells what it computed, with `|` for line ends.
fn wrong_signature(request: &Signable<'_>, authorization: &Authorization<'_>) -> Refusal {
    let covered: Vec<(&str, &str)> = request
        .headers
        .iter()
        .filter(|(name, _)| authorization.signed_headers.iter().any(|signed| signed.eq_ignore_ascii_case(name)))
        .copied()
        .collect();
    let canonical = canonical_request(&Signable { headers: &covered, ..*request }).replace('\n', "|");
    Refusal::unauthenticated(&format!("verify aksk signature fail,canonicalRequest:{canonical}"))
}
