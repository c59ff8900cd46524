//! Whether the gateway lets a request in: its signature, its key, its date, its project.
//!
//! Recomputes the signature with [`crate::cloud::sign`], which is proven against the vendor's own vectors. Five
//! failures in a row lock a key for five minutes, even for right signatures.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};

use super::refusal::Refusal;
use super::{ACCESS_KEY, SECRET_KEY, SECURITY_TOKEN, TEMPORARY_ACCESS_KEY, TEMPORARY_SECRET_KEY};
use crate::cloud::sign::{Authorization, Signable, canonical_request, parse_date};

/// How far the date of a signature may be from the gateway's clock.
const DATE_TOLERANCE: SignedDuration = SignedDuration::from_mins(15);
/// So many failures in a row lock a key.
const FAILURES_TO_LOCK: u32 = 5;
/// For so long.
const LOCKED_FOR: SignedDuration = SignedDuration::from_mins(5);

/// What has been seen of each key.
#[derive(Debug, Default)]
pub(super) struct Gate {
    keys: HashMap<&'static str, KeyState>,
}

#[derive(Debug, Default)]
struct KeyState {
    failures_in_a_row: u32,
    locked_until: Option<Timestamp>,
}

impl Gate {
    /// Whether the signature is good; the error is for the gateway to send.
    pub(super) fn check(&mut self, request: &Signable<'_>, now: Timestamp, locks: bool) -> Result<(), Refusal> {
        let header = |name: &str| {
            request.headers.iter().find(|(header, _)| header.eq_ignore_ascii_case(name)).map(|(_, value)| *value)
        };
        let Some(authorization) = header("authorization") else {
            let reason = if header("x-auth-token").is_some() { "decrypt token fail" } else { "x-auth-token not found" };
            return Err(Refusal::unauthenticated(reason));
        };
        let Some(authorization) = Authorization::parse(authorization) else {
            return Err(Refusal::unauthenticated("Authorization format is incorrect"));
        };
        let (key, secret, token) = match authorization.access_key {
            ACCESS_KEY => (ACCESS_KEY, SECRET_KEY, None),
            TEMPORARY_ACCESS_KEY => (TEMPORARY_ACCESS_KEY, TEMPORARY_SECRET_KEY, Some(SECURITY_TOKEN)),
            unknown => {
                let reason = format!("Get secretKey failed,ak:{unknown},err:ak not exist");
                return Err(Refusal::unauthenticated(&reason));
            }
        };
        let state = self.keys.entry(key).or_default();
        if locks && state.locked_until.is_some_and(|until| now < until) {
            return Err(Refusal::unauthenticated("AK access failed to reach the limit,forbidden"));
        }
        let outcome = if token.is_some() && header("x-security-token") != token {
            Err(Refusal::unauthenticated("decrypt token fail"))
        } else if !authorization.verifies(request, secret) {
            Err(wrong_signature(request, &authorization))
        } else if header("x-sdk-date")
            .and_then(parse_date)
            .is_none_or(|date| date.duration_since(now).abs() > DATE_TOLERANCE)
        {
            Err(Refusal::unauthenticated("calc ak sk signature fail:signature expired"))
        } else {
            Ok(())
        };
        if outcome.is_ok() {
            *state = KeyState::default();
        } else {
            state.failures_in_a_row += 1;
            if state.failures_in_a_row >= FAILURES_TO_LOCK {
                *state = KeyState { failures_in_a_row: 0, locked_until: Some(now + LOCKED_FOR) };
            }
        }
        outcome
    }

    /// Whether a key is locked.
    pub(super) fn locked(&self, key: &str, now: Timestamp) -> bool {
        self.keys.get(key).and_then(|state| state.locked_until).is_some_and(|until| now < until)
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
