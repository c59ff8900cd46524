//! A call to log in, with what its answer needs: its body, who asks, and how long that which is issued is good.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::issued::{Scope, TemporaryKeys};
use super::settings::{LoginSettings, unauthenticated};
use crate::simulator::caller::Caller;
use crate::simulator::chance::Chance;
use crate::simulator::gateway::Received;
use crate::simulator::query::Query;
use crate::simulator::refusal::Refusal;
use crate::simulator::region::{Region, locked};
use crate::simulator::route::Call;

/// A call to log in.
pub(super) struct Asked<'a> {
    pub(super) region: &'a Region,
    pub(super) call: Call,
    pub(super) request: &'a Received<'a>,
    pub(super) settings: &'a LoginSettings,
    /// When it came, by the cloud's clock.
    pub(super) now: Timestamp,
    /// Where to draw what is issued.
    pub(super) chance: Chance,
}

/// A moment as IAM writes it: `2019-02-13T06:52:13.855000Z`.
pub(super) fn stamp(moment: Timestamp) -> String {
    format!("{moment:.6}")
}

impl Asked<'_> {
    /// A header's value.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.request.header(name)
    }

    /// The query.
    pub(super) fn query(&self) -> Query {
        Query::parse(self.request.uri.query().unwrap_or(""))
    }

    /// This cloud's address as the client knows it, for links.
    pub(super) fn origin(&self) -> String {
        format!("http://{}", self.header("host").unwrap_or("localhost"))
    }

    /// The body, which must be a JSON object.
    pub(super) fn body(&self) -> Result<Value, Refusal> {
        let body = serde_json::from_slice(self.request.body).ok().filter(Value::is_object);
        body.ok_or_else(|| self.malformed("a JSON object is expected"))
    }

    /// The text at this place of the body.
    pub(super) fn text<'b>(&self, body: &'b Value, place: &str) -> Result<&'b str, Refusal> {
        text(body, place).ok_or_else(|| self.malformed(&format!("{place} is missing or no text")))
    }

    /// How many seconds are asked for at this place of the body.
    pub(super) fn seconds(
        &self,
        body: &Value,
        place: &str,
        range: std::ops::RangeInclusive<u64>,
        usual: u64,
    ) -> Result<Duration, Refusal> {
        let seconds = match body.pointer(place) {
            None | Some(Value::Null) => Some(usual),
            Some(given) => given.as_u64().filter(|seconds| range.contains(seconds)),
        };
        let bad = || self.malformed(&format!("{place} must be from {} to {}", range.start(), range.end()));
        seconds.map(Duration::from_secs).ok_or_else(bad)
    }

    /// 400.
    pub(super) fn malformed(&self, what: &str) -> Refusal {
        Refusal::login(self.call, 400, format!("Request body is invalid: {what}."))
    }

    /// 401.
    pub(super) fn unauthenticated(&self) -> Refusal {
        unauthenticated(self.call)
    }

    /// Who asks: with a signature, or with a token that is good for more than temporary keys.
    pub(super) fn caller(&self) -> Result<Caller, Refusal> {
        if self.header("authorization").is_some() {
            return Caller::of(self.region, self.request);
        }
        // IAM does not say what is wrong with a token, as the gateway does.
        match self.scope(self.header("x-auth-token").unwrap_or(""))? {
            Scope::Unscoped => Err(self.unauthenticated()),
            scope => Ok(Caller::Token(scope)),
        }
    }

    /// What a token is good for.
    pub(super) fn scope(&self, token: &str) -> Result<Scope, Refusal> {
        locked(&self.region.issued).scope(token, self.now).map_err(|_| self.unauthenticated())
    }

    /// Until when something is good that is issued now.
    pub(super) fn ends_at(&self, asked_for: Duration) -> Timestamp {
        let validity = self.settings.validity.unwrap_or(asked_for);
        self.now.checked_add(validity).unwrap_or(Timestamp::MAX)
    }

    /// New temporary keys.
    pub(super) fn keys(&self, asked_for: Duration) -> TemporaryKeys {
        locked(&self.region.issued).keys(self.chance, self.ends_at(asked_for))
    }
}

/// The text at this place, unless it is empty.
pub(super) fn text<'b>(body: &'b Value, place: &str) -> Option<&'b str> {
    body.pointer(place).and_then(Value::as_str).filter(|text| !text.is_empty())
}

/// Temporary keys as IAM and the metadata service write them.
pub(super) fn credential(keys: &TemporaryKeys) -> Value {
    json!({
        "credential": {
            "access": keys.access_key,
            "secret": keys.secret_key,
            "securitytoken": keys.security_token,
            "expires_at": stamp(keys.ends_at),
        }
    })
}
