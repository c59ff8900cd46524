//! One line of advice, and where its words come from.
//!
//! A hint is one of our own sentences, never a text from outside; the only thing that varies is a number. So it can
//! be shown anywhere, and told apart from others by comparing.

use std::fmt;

use jiff::SignedDuration;
use serde::{Serialize, Serializer};

use crate::domain::{Operation, Purpose};

/// What a person can do about a failure: a short sentence in the words of the configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hint(Words);

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Words {
    Fixed(&'static str),
    /// By so many minutes our clock is ahead of the cloud's.
    Clock(i64),
}

impl Hint {
    /// A sentence of ours.
    pub const fn new(sentence: &'static str) -> Self {
        Self(Words::Fixed(sentence))
    }

    /// Our clock is wrong; `skew` is the cloud's clock minus ours.
    pub fn clock(skew: SignedDuration) -> Self {
        let half_a_minute = SignedDuration::from_secs(30 * i64::from(skew.signum()));
        Self(Words::Clock(-skew.saturating_add(half_a_minute).as_mins()))
    }
}

impl fmt::Display for Hint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Words::Fixed(sentence) => f.write_str(sentence),
            Words::Clock(minutes) => {
                let side = if minutes < 0 { "behind" } else { "ahead of" };
                write!(f, "our clock is {} min {side} the cloud's: set it (NTP)", minutes.unsigned_abs())
            }
        }
    }
}

impl Serialize for Hint {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// What to advise, before it is known what was asked for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Advice {
    /// This sentence.
    Say(&'static str),
    /// This sentence, whatever else may be wrong.
    Certain(&'static str),
    /// The permission that the request needs.
    Permission,
    /// What may be named wrongly in the request.
    Names,
    /// The address that the request went to.
    Address,
    /// What authorises the request.
    Credentials,
    /// A token of another cloud, or none at all; whatever else may be wrong.
    Token,
    /// A token that was good once; likewise.
    TokenEnded,
    /// Nothing is wrong.
    Nothing,
}

impl Advice {
    /// Whether the answer leaves no doubt about the cause.
    pub(super) fn is_certain(self) -> bool {
        matches!(self, Self::Certain(_) | Self::Token | Self::TokenEnded)
    }

    /// The advice to who asked for this.
    pub(super) fn hint(self, purpose: Purpose) -> Option<Hint> {
        let sentence = match self {
            Self::Say(sentence) | Self::Certain(sentence) => sentence,
            Self::Permission => permission(purpose),
            Self::Names => names(purpose),
            Self::Address => address(purpose),
            Self::Credentials => credentials(purpose),
            Self::Token => token(purpose),
            Self::TokenEnded => token_ended(purpose),
            Self::Nothing => return None,
        };
        Some(Hint::new(sentence))
    }
}

/// The vendor's page "Permissions Policies and Supported Actions" of DCS, and those of IAM.
fn permission(purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::Poll(Operation::Backups) => {
            "allow the action dcs:instance:getDataBackupLog in this project (system policy DCS ReadOnlyAccess)"
        }
        Purpose::Poll(Operation::Restores) => {
            "allow the action dcs:instance:getDataRestoreLog in this project (system policy DCS ReadOnlyAccess)"
        }
        Purpose::Poll(Operation::Policy) => {
            "allow the action dcs:instance:get in this project (system policy DCS ReadOnlyAccess)"
        }
        Purpose::Poll(Operation::Instances) => {
            "allow the action dcs:instance:list in this project (system policy DCS ReadOnlyAccess), or correct project_id"
        }
        Purpose::Project => "allow the action iam:projects:listProjects, or set project_id",
        Purpose::Login => {
            "the user may not log in like this: allow programmatic access; for assume, the action iam:agencies:assume \
             and the agency's trust"
        }
    }
}

fn names(purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::Poll(Operation::Instances) => {
            "check project_id and region; if both are right, endpoint and api_version"
        }
        Purpose::Poll(_) => {
            "the instance is gone, or of another project or region: if it stands in instances, remove or correct it there; \
             if all are affected, check project_id and endpoint"
        }
        Purpose::Project => "check project_name and region, or set project_id",
        Purpose::Login => {
            "IAM does not know what it was given: check domain_name, username, agency_name, idp_id, project_name (or \
             iam_endpoint)"
        }
    }
}

fn address(purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::Poll(_) => "what answers is not the DCS API: check endpoint (scheme, host, port) and api_version",
        Purpose::Login | Purpose::Project => {
            "what answers is not the IAM API: check iam_endpoint (scheme, host, port), or leave it out and set region"
        }
    }
}

fn credentials(purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::Poll(_) | Purpose::Project => {
            "check access_key and secret_key (or username and password), and that region is of their cloud; temporary \
             keys need security_token"
        }
        Purpose::Login => {
            "check username, password and domain_name (the account's name, not its id), or the key or id token that \
             logs in"
        }
    }
}

fn token(purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::Poll(_) | Purpose::Project => {
            "the key or token is not good for this service: check that endpoint, iam_endpoint and region belong to one \
             cloud"
        }
        Purpose::Login => {
            "the token is not accepted: check idp_id and id_token_file, and that region is of the same cloud"
        }
    }
}

fn token_ended(purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::Poll(_) | Purpose::Project => {
            "a token from a login is renewed by itself; renew one that stands in security_token or its file"
        }
        Purpose::Login => "the token to log in with has ended: put a new one into id_token_file or security_token",
    }
}

/// Sentences that several tables use.
pub(super) mod text {
    pub(in super::super) const TROUBLE: &str =
        "the cloud's own trouble: it is asked again by itself; if it lasts, give its support the request id";
    pub(in super::super) const BUSY: &str =
        "the instance is busy with another task: it is asked again by itself; if it lasts, look at it in the console";
    pub(in super::super) const SLOWER: &str = "if slowing down by itself is not enough, lower limits.requests_per_second, in credentials for projects of one \
         account";
    pub(in super::super) const WEB_PAGE: &str = "a web page came, not an answer of the API: check endpoint or iam_endpoint, and whether a proxy or portal answers";
    pub(in super::super) const OTHER_REQUEST: &str =
        "the code belongs to requests that are never sent here: check that no proxy changes ours, and please report it";
    pub(in super::super) const UNREADABLE: &str = "the gateway cannot read the request: check that no proxy on the way changes it; if none does, please report it";
    pub(in super::super) const LOST: &str =
        "the request lost its signature or token on the way: check proxy and endpoint";
    pub(in super::super) const KEY_DISABLED: &str = "the access key or its user is disabled, expired or deleted: enable it in IAM, or change access_key and secret_key";
    pub(in super::super) const NO_SUCH_KEY: &str = "the access key is unknown here: check access_key, and that region is of its cloud; temporary keys need \
         security_token";
}
