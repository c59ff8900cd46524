//! What a project asks of IAM and STS, if anything.
//!
//! Whoever signs with keys of its own for a project that it knows by its id needs neither; an address that nobody
//! needs is not asked for.

use super::credentials::Found;
use super::{Agency, Assume, CloudProject, CredentialsConfig, Source};

/// What a service is asked for, which decides what a listener on the way would read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Need {
    /// For what: the end of a sentence.
    pub(super) what: &'static str,
    /// Whether a password, token or new keys pass, and not only signatures.
    pub(super) secret: bool,
}

const fn login(what: &'static str) -> Need {
    Need { what, secret: true }
}

/// What IAM is needed for. What is not known (it was complained about) needs nothing.
pub(super) fn of_iam(project: Option<&CloudProject>, credentials: Option<&Found>) -> Option<Need> {
    let config = credentials.map(|found| &*found.config);
    let named =
        matches!(config, Some(CredentialsConfig { assume: Some(Assume { agency: Agency::Named { .. }, .. }), .. }));
    match config.map(|config| &config.source) {
        Some(Source::Password(_)) => Some(login("the password is exchanged for a token there")),
        _ if credentials.is_some_and(Found::has_id_token) => Some(login("the id token is exchanged for keys there")),
        _ if named => Some(login("the agency is assumed there")),
        _ if matches!(project, Some(CloudProject::Named(_))) => {
            Some(Need { what: "the project's id is looked up there, unless it is set", secret: false })
        }
        _ => None,
    }
}

/// What STS is needed for.
pub(super) fn of_sts(credentials: Option<&Found>) -> Option<Need> {
    match &*credentials?.config {
        CredentialsConfig { source: Source::OidcAgency(_), .. } => Some(login("the id token assumes the agency there")),
        CredentialsConfig { assume: Some(Assume { agency: Agency::Urn { .. }, .. }), .. } => {
            Some(login("the agency is assumed there"))
        }
        _ => None,
    }
}
