//! The official SDK's profile: section `[basic]` of `~/.huaweicloud/credentials`.
//!
//! The file is what Python's `configparser` reads: keys in any case, `=` or `:` after them, comments on lines of their
//! own, `[DEFAULT]` below every section, and the same key or section twice is an error. What is hardly meant is refused
//! where the original takes it: a value that goes on in the next line. `%%` is a `%`; nothing else is interpolated.
//! A profile that is not there is told from one that is broken: in a chain the one passes on, the other stops. It is
//! read when the configuration is, and again before use. Sentences name lines and keys, never values.

mod ini;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use secrecy::SecretString;
use url::Url;

use super::named_file;
use super::schema::Kind;
use super::{IdTokenSource, KeySource, TextSource, address};

/// No profile is larger: 64 KiB.
const LARGEST: u64 = 64 << 10;

/// What a profile says.
#[derive(Clone, Debug)]
pub struct Profile {
    /// How to log in.
    pub login: ProfileLogin,
    /// Key `project_id`.
    pub project_id: Option<String>,
    /// Key `iam_endpoint`.
    pub iam_endpoint: Option<Url>,
}

/// The two kinds of credentials that a profile may hold.
#[derive(Clone, Debug)]
pub enum ProfileLogin {
    /// Keys `ak`, `sk` and perhaps `security_token`, all inline.
    Keys(KeySource),
    /// Keys `idp_id` and `id_token_file`; they win where both pairs are there, as in the SDK.
    IdToken(IdTokenSource),
}

/// There is no profile to be had.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProfileError {
    /// There is no such file that may be looked at, or it has no section `[basic]`: *not configured*.
    #[error("the profile {path:?} {reason}")]
    Absent {
        /// The file.
        path: PathBuf,
        /// The rest of the sentence.
        reason: String,
    },
    /// It is there and says nothing that can be used: *broken*.
    #[error("the profile {path:?} {reason}")]
    Broken {
        /// The file.
        path: PathBuf,
        /// The rest of the sentence.
        reason: String,
    },
}

impl Profile {
    /// Reads the profile in this file, which may wait for a disk. The token's file is named, not read.
    ///
    /// # Errors
    /// [`ProfileError`], without any value of the file.
    pub fn read(path: &Path) -> Result<Self, ProfileError> {
        let absent = |reason: String| ProfileError::Absent { path: path.to_owned(), reason };
        let broken = |reason: String| ProfileError::Broken { path: path.to_owned(), reason };
        // As the SDK asks: a file in a directory that is closed to us is not ours.
        if let Err(error) = std::fs::metadata(path) {
            return Err(absent(format!("is not there: {error}")));
        }
        let text = named_file::text(path, LARGEST).map_err(broken)?;
        match ini::section(&text, "basic").map_err(broken)? {
            None => Err(absent("has no section [basic]".to_owned())),
            Some(values) => Self::of(values).map_err(broken),
        }
    }

    fn of(mut values: BTreeMap<String, String>) -> Result<Self, String> {
        // An empty value says nothing, as in the SDK.
        let mut take = |key: &str| values.remove(key).filter(|value| !value.is_empty());
        let checked = |key: &'static str, kind: Kind, value: Option<String>| match value {
            None => Ok(None),
            Some(value) => match kind.check(&value) {
                Ok(()) => Ok(Some(value)),
                Err(sentence) => Err(format!("has a wrong `{key}`: it {sentence}")),
            },
        };
        let access_key = checked("ak", Kind::HeaderSecret, take("ak"))?;
        let secret_key = checked("sk", Kind::Secret, take("sk"))?;
        let security_token = checked("security_token", Kind::HeaderSecret, take("security_token"))?;
        let idp_id = checked("idp_id", Kind::HeaderText, take("idp_id"))?;
        let id_token_file = checked("id_token_file", Kind::Path, take("id_token_file"))?;
        let project_id = checked("project_id", Kind::Name, take("project_id"))?;
        let iam_endpoint = take("iam_endpoint").map(|text| address::endpoint(&text)).transpose();
        let iam_endpoint = iam_endpoint.map_err(|sentence| format!("has a wrong `iam_endpoint`: {sentence}"))?;
        let inline = |text: String| TextSource::Inline(SecretString::from(text));
        let login = match ((idp_id, id_token_file), (access_key, secret_key)) {
            ((Some(idp_id), Some(file)), _) => {
                ProfileLogin::IdToken(IdTokenSource { idp_id, id_token: TextSource::File(PathBuf::from(file)) })
            }
            (_, (Some(access_key), Some(secret_key))) => ProfileLogin::Keys(KeySource {
                access_key: inline(access_key),
                secret_key: inline(secret_key),
                security_token: security_token.map(inline),
            }),
            (_, (Some(_), None)) => return Err("has `ak` and no `sk`; add it".to_owned()),
            (_, (None, Some(_))) => return Err("has `sk` and no `ak`; add it".to_owned()),
            ((Some(_), None), _) => return Err("has `idp_id` and no `id_token_file`; add it".to_owned()),
            ((None, Some(_)), _) => return Err("has `id_token_file` and no `idp_id`; add it".to_owned()),
            ((None, None), (None, None)) => {
                return Err(
                    "has neither `ak` and `sk` nor `idp_id` and `id_token_file` in its section [basic]".to_owned()
                );
            }
        };
        Ok(Self { login, project_id, iam_endpoint })
    }
}

#[cfg(test)]
mod tests;
