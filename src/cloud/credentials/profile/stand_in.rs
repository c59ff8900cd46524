//! STAND-IN for `crate::config::{Profile, ProfileError, ProfileLogin}`, of the same form: section `[basic]` read in the
//! simplest way. To be removed when the configuration reads profiles.

use std::path::{Path, PathBuf};

use crate::config::{IdTokenSource, KeySource, TextSource};

#[derive(Clone, Debug)]
pub(super) struct Profile {
    pub(super) login: ProfileLogin,
}

#[derive(Clone, Debug)]
pub(super) enum ProfileLogin {
    Keys(KeySource),
    IdToken(IdTokenSource),
}

#[derive(Clone, Debug, thiserror::Error)]
pub(super) enum ProfileError {
    #[error("the profile {path:?} {reason}")]
    Absent { path: PathBuf, reason: String },
    #[error("the profile {path:?} {reason}")]
    Broken { path: PathBuf, reason: String },
}

impl Profile {
    pub(super) fn read(path: &Path) -> Result<Self, ProfileError> {
        let absent = |reason: String| ProfileError::Absent { path: path.to_owned(), reason };
        let text = std::fs::read_to_string(path).map_err(|error| absent(format!("is not there: {error}")))?;
        let lines = text.lines().skip_while(|line| line.trim() != "[basic]").skip(1);
        let lines: Vec<(&str, &str)> = lines.filter_map(|line| line.split_once('=')).collect();
        let value = |key: &str| lines.iter().find(|line| line.0.trim() == key).map(|line| line.1.trim().to_owned());
        let inline = |text: String| TextSource::Inline(text.into());
        let login = match (value("idp_id"), value("id_token_file"), value("ak"), value("sk")) {
            (Some(idp_id), Some(file), ..) => {
                ProfileLogin::IdToken(IdTokenSource { idp_id, id_token: TextSource::File(file.into()) })
            }
            (.., Some(access_key), Some(secret_key)) => ProfileLogin::Keys(KeySource {
                access_key: inline(access_key),
                secret_key: inline(secret_key),
                security_token: value("security_token").map(inline),
            }),
            _ => return Err(ProfileError::Broken { path: path.to_owned(), reason: "lacks ak and sk".to_owned() }),
        };
        Ok(Self { login })
    }
}
