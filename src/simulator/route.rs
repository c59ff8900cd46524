//! Which operation a request asks for, by its path.
//!
//! DCS, IAM, STS, the metadata service and the pod's agent share one port: none of their paths is another's.

use std::fmt;
use std::str::FromStr;

/// The version of the API, by the first segment of the path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Version {
    /// `v1.0`.
    V1,
    /// `v2`.
    V2,
}

/// What a request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Call {
    /// `GET /`.
    Versions,
    /// `GET …/instances`.
    Instances,
    /// `GET …/instances/{id}`.
    Instance,
    /// `GET …/instances/{id}/backups`.
    Backups,
    /// `GET …/instances/{id}/restores`.
    Restores,
    /// IAM, `POST /v3/auth/tokens`: a password for a token.
    Token,
    /// IAM, `GET /v3/projects`.
    Projects,
    /// IAM, `POST /v3.0/OS-AUTH/id-token/tokens`: an id token for a federated token.
    IdToken,
    /// IAM, `POST /v3.0/OS-CREDENTIAL/securitytokens`: a token or an agency for temporary keys.
    SecurityTokens,
    /// STS, `POST /v5/agencies/assume`: an agency for temporary keys.
    AssumeAgency,
    /// STS, `POST /v5/agencies/assume-with-oidc`: an id token for temporary keys of an agency.
    AssumeWithOidc,
    /// Metadata service, `PUT /meta-data/latest/api/token`.
    MetadataToken,
    /// Metadata service, `GET /openstack/latest/securitykey`: temporary keys.
    SecurityKey,
    /// Agent of a pod, `POST /pod-identity/credentials`: temporary keys.
    PodIdentity,
    /// Anything else.
    Unknown,
}

impl Call {
    /// All of them.
    pub const ALL: [Self; 15] = [
        Self::Versions,
        Self::Instances,
        Self::Instance,
        Self::Backups,
        Self::Restores,
        Self::Token,
        Self::Projects,
        Self::IdToken,
        Self::SecurityTokens,
        Self::AssumeAgency,
        Self::AssumeWithOidc,
        Self::MetadataToken,
        Self::SecurityKey,
        Self::PodIdentity,
        Self::Unknown,
    ];

    /// Whether it is about logging in, and not DCS's: everything of IAM, STS, metadata and pods.
    pub fn is_login(self) -> bool {
        (Self::Token..=Self::PodIdentity).contains(&self)
    }

    /// The word on the control page.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Versions => "versions",
            Self::Instances => "instances",
            Self::Instance => "instance",
            Self::Backups => "backups",
            Self::Restores => "restores",
            Self::Token => "token",
            Self::Projects => "projects",
            Self::IdToken => "id-token",
            Self::SecurityTokens => "security-tokens",
            Self::AssumeAgency => "assume-agency",
            Self::AssumeWithOidc => "assume-with-oidc",
            Self::MetadataToken => "metadata-token",
            Self::SecurityKey => "security-key",
            Self::PodIdentity => "pod-identity",
            Self::Unknown => "unknown",
        }
    }
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A text that is no call.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("call {0:?} is not known: use one of {list}", list = Call::ALL.map(Call::as_str).join(", "))]
pub struct UnknownCall(String);

impl FromStr for Call {
    type Err = UnknownCall;

    fn from_str(text: &str) -> Result<Self, UnknownCall> {
        Self::ALL.into_iter().find(|call| call.as_str() == text).ok_or_else(|| UnknownCall(text.to_owned()))
    }
}

/// A path, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Route {
    /// [`Version::V2`] for all but DCS's own `v1.0`.
    pub(super) version: Version,
    pub(super) call: Call,
    /// Empty where the path names none.
    pub(super) project: String,
    /// Only where the call is about one.
    pub(super) instance: Option<String>,
}

impl Route {
    /// Takes a path apart.
    pub(super) fn of(path: &str) -> Self {
        let decode = |text: &str| percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned();
        let segments: Vec<&str> = path.split('/').skip(1).collect();
        let version = if segments.first() == Some(&"v1.0") { Version::V1 } else { Version::V2 };
        let (call, project, instance) = match segments.as_slice() {
            [] | [""] => (Call::Versions, "", None),
            ["v2" | "v1.0", project, "instances"] => (Call::Instances, *project, None),
            ["v2" | "v1.0", project, "instances", id] if !id.is_empty() => (Call::Instance, *project, Some(id)),
            ["v2" | "v1.0", project, "instances", id, "backups"] => (Call::Backups, *project, Some(id)),
            ["v2" | "v1.0", project, "instances", id, "restores"] => (Call::Restores, *project, Some(id)),
            _ => (login(path), "", None),
        };
        Self { version, call, project: decode(project), instance: instance.map(|id| decode(id)) }
    }
}

fn login(path: &str) -> Call {
    match path {
        "/v3/auth/tokens" => Call::Token,
        "/v3/projects" => Call::Projects,
        "/v3.0/OS-AUTH/id-token/tokens" => Call::IdToken,
        "/v3.0/OS-CREDENTIAL/securitytokens" => Call::SecurityTokens,
        "/v5/agencies/assume" => Call::AssumeAgency,
        "/v5/agencies/assume-with-oidc" => Call::AssumeWithOidc,
        "/meta-data/latest/api/token" => Call::MetadataToken,
        "/openstack/latest/securitykey" => Call::SecurityKey,
        "/pod-identity/credentials" => Call::PodIdentity,
        _ => Call::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_taken_apart() {
        let cases = [
            ("/", Version::V2, Call::Versions, "", None),
            ("/v2/p/instances", Version::V2, Call::Instances, "p", None),
            ("/v1.0/p/instances", Version::V1, Call::Instances, "p", None),
            ("/v2/p/instances/i", Version::V2, Call::Instance, "p", Some("i")),
            ("/v2/p/instances/a%20b/backups", Version::V2, Call::Backups, "p", Some("a b")),
            ("/v1.0/p/instances/i/restores", Version::V1, Call::Restores, "p", Some("i")),
            ("/v3/auth/tokens", Version::V2, Call::Token, "", None),
            ("/v3/projects", Version::V2, Call::Projects, "", None),
            ("/v5/agencies/assume", Version::V2, Call::AssumeAgency, "", None),
            ("/v2/p/instances/", Version::V2, Call::Unknown, "", None),
            ("/v2/p/instances/i/tasks", Version::V2, Call::Unknown, "", None),
            ("/v3/p/instances", Version::V2, Call::Unknown, "", None),
            ("/v3/auth/tokens/", Version::V2, Call::Unknown, "", None),
            ("/v2", Version::V2, Call::Unknown, "", None),
        ];
        for (path, version, call, project, instance) in cases {
            let instance = instance.map(str::to_owned);
            assert_eq!(Route::of(path), Route { version, call, project: project.to_owned(), instance }, "{path}");
        }
    }

    #[test]
    fn calls_are_read_as_they_are_written() {
        for call in Call::ALL {
            assert_eq!(call.to_string().parse(), Ok(call));
        }
        assert_eq!(Call::ALL.into_iter().filter(|call| call.is_login()).count(), 9);
        let error = "tokens".parse::<Call>().unwrap_err().to_string();
        assert!(error.starts_with("call \"tokens\" is not known: use one of versions, instances,"), "{error}");
    }
}
