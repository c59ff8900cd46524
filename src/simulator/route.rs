//! Which operation a request asks for, by its path.

use std::fmt;

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
    /// Anything else.
    Unknown,
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Versions => "versions",
            Self::Instances => "instances",
            Self::Instance => "instance",
            Self::Backups => "backups",
            Self::Restores => "restores",
            Self::Unknown => "unknown",
        })
    }
}

/// A path, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Route {
    pub(super) version: Version,
    pub(super) call: Call,
    /// Empty for [`Call::Versions`] and [`Call::Unknown`].
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
            _ => (Call::Unknown, "", None),
        };
        Self { version, call, project: decode(project), instance: instance.map(|id| decode(id)) }
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
            ("/v2/p/instances/", Version::V2, Call::Unknown, "", None),
            ("/v2/p/instances/i/tasks", Version::V2, Call::Unknown, "", None),
            ("/v3/p/instances", Version::V2, Call::Unknown, "", None),
            ("/v2", Version::V2, Call::Unknown, "", None),
        ];
        for (path, version, call, project, instance) in cases {
            let instance = instance.map(str::to_owned);
            assert_eq!(Route::of(path), Route { version, call, project: project.to_owned(), instance }, "{path}");
        }
    }
}
