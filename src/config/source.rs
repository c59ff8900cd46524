//! Where the right to ask the cloud comes from, as it was configured: the kinds of an entry of `credentials`.
//!
//! What the environment decides is decided when the configuration is read; what stands in files is read again
//! before use. The names of the official SDK's sources and their order are those of `huaweicloudsdkcore` 3.1.219.

use std::path::PathBuf;
use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};
use url::Url;

use super::Limits;

/// One entry of `credentials`, or the official SDK's provider chain.
#[derive(Clone, Debug)]
pub struct CredentialsConfig {
    /// The entry's name; `environment` for a project that names none.
    pub name: String,
    /// Where they come from.
    pub source: Source,
    /// Key `assume`: an agency that is assumed on top of them.
    pub assume: Option<Assume>,
    /// Key `limits` of the entry: shared by all projects that use it.
    pub limits: Option<Limits>,
}

impl CredentialsConfig {
    /// Whether whoever has logged in with these need not do so with the others: all but the limits is the same.
    pub fn logs_in_as(&self, other: &Self) -> bool {
        self.name == other.name && self.source == other.source && self.assume == other.assume
    }
}

/// The kinds of credentials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// An access key with its secret: keys `access_key`, …, or `HUAWEICLOUD_SDK_AK`, ….
    AccessKeys(KeySource),
    /// An IAM user's password, exchanged for a token of 24 hours.
    Password(PasswordSource),
    /// The official SDK's profile: section `[basic]` of this INI file, read again when it changes.
    Profile(PathBuf),
    /// The metadata service of the ECS instance that the exporter runs on, at this address.
    Metadata(Url),
    /// An `OpenID` Connect id token of an identity provider of IAM, exchanged for temporary keys.
    IdToken(IdTokenSource),
    /// An `OpenID` Connect id token that assumes an agency (`assume-with-oidc`).
    OidcAgency(Box<OidcAgencySource>),
    /// The identity of a pod of CCE: temporary keys from an agent on the node.
    PodIdentity(PodIdentitySource),
    /// The first of these that is there: the end of the official SDK's chain, which only an attempt decides.
    FirstOf(Vec<Self>),
}

/// An access key, its secret and, for temporary ones, the security token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeySource {
    /// Key `access_key` or `access_key_file`.
    pub access_key: TextSource,
    /// Key `secret_key` or `secret_key_file`.
    pub secret_key: TextSource,
    /// Key `security_token` or `security_token_file`.
    pub security_token: Option<TextSource>,
}

/// An IAM user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PasswordSource {
    /// Key `username`.
    pub username: String,
    /// Key `password` or `password_file`.
    pub password: TextSource,
    /// Key `domain_name`: the account.
    pub domain_name: String,
}

/// A federated user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdTokenSource {
    /// Key `idp_id`: the identity provider's name in IAM.
    pub idp_id: String,
    /// Key `id_token_file`.
    pub id_token: TextSource,
}

/// An agency that trusts an `OpenID` Connect provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OidcAgencySource {
    /// Key `provider_urn`, such as `iam::<domain id>:oidcProvider:<name>`.
    pub provider_urn: String,
    /// Key `agency_urn`, such as `iam::<domain id>:agency:<name>`.
    pub agency_urn: String,
    /// Key `id_token_file`, or the variable `HUAWEICLOUD_OIDC_ID_TOKEN`.
    pub id_token: TextSource,
    /// Key `session_name`, default `oidc-sts-session`, the SDK's own.
    pub session_name: String,
    /// Key `duration`, default 1 h: how long the keys shall be valid.
    pub duration: Duration,
    /// Variable `HUAWEICLOUD_OIDC_POLICY`: narrows the agency's rights.
    pub policy: Option<String>,
    /// Variable `HUAWEICLOUD_OIDC_POLICY_IDS`, at its commas.
    pub policy_ids: Vec<String>,
}

/// A pod of CCE with an identity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PodIdentitySource {
    /// Key `credentials_uri`, or variable `HC_CONTAINER_CREDENTIALS_FULL_URI`: the agent's whole address.
    pub uri: Url,
    /// Key `authorization_token_file`, or variable `HC_CONTAINER_AUTHORIZATION_TOKEN_FILE`.
    pub token: TextSource,
}

/// Key `assume`: an agency whose temporary keys are used in place of the entry's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assume {
    /// Which agency.
    pub agency: Agency,
    /// Key `duration`, default 1 h, 15 min to 24 h: how long the keys shall be valid.
    pub duration: Duration,
}

/// How an agency is named, which decides who is asked for its keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Agency {
    /// By IAM, version 3: `agency_name` with the account that it belongs to.
    Named {
        /// Key `agency_name`.
        name: String,
        /// Key `domain_name` or `domain_id`.
        domain: Domain,
    },
    /// By STS, version 5: `agency_urn`.
    Urn {
        /// Key `agency_urn`, such as `iam::<domain id>:agency:<name>`.
        urn: String,
        /// Key `session_name`, default `dcs-backup-exporter`.
        session_name: String,
    },
}

/// An account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Domain {
    /// Key `domain_name`.
    Name(String),
    /// Key `domain_id`.
    Id(String),
}

/// A text that is given directly or in a file.
#[derive(Clone, Debug)]
pub enum TextSource {
    /// Given in the configuration or the environment.
    Inline(SecretString),
    /// In a file that is read again before use, so that a changed key is tried at once.
    File(PathBuf),
}

impl PartialEq for TextSource {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Inline(text), Self::Inline(other)) => text.expose_secret() == other.expose_secret(),
            (Self::File(path), Self::File(other)) => path == other,
            (Self::Inline(_), Self::File(_)) | (Self::File(_), Self::Inline(_)) => false,
        }
    }
}

impl Eq for TextSource {}
