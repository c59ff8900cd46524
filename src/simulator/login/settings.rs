//! What can be asked of IAM and its neighbours: how long things are good, who is refused, what the metadata service
//! is like. Each setting has a word for the control page.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use crate::simulator::answer::Answer;
use crate::simulator::refusal::Refusal;
use crate::simulator::route::Call;

/// What tests and the control page change.
#[derive(Clone, Debug, Default)]
pub(in crate::simulator) struct LoginSettings {
    /// Instead of what was asked for, or is usual.
    pub(in crate::simulator) validity: Option<Duration>,
    pub(in crate::simulator) refusal: Option<LoginRefusal>,
    pub(in crate::simulator) metadata: MetadataMode,
    /// How long before the end of its keys the metadata service renews them; `None`: at every request.
    pub(in crate::simulator) metadata_renews_before: Option<Duration>,
    pub(in crate::simulator) project_names: ProjectNames,
    /// What nobody has the right to, DCS's calls included.
    pub(in crate::simulator) forbidden: BTreeSet<Call>,
}

/// How everybody who logs in is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoginRefusal {
    /// 401, as for a wrong password, id token or signature.
    Unauthorized,
    /// 403: the right is missing.
    Forbidden,
    /// 503.
    Unavailable,
    /// 429 with `Retry-After: 2`.
    Throttled,
    /// A success whose body has nothing that is needed.
    Garbage,
}

/// What the metadata service is like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MetadataMode {
    /// It demands a token.
    #[default]
    Version2,
    /// It knows no tokens: 404, 405 and 503 in turn to whoever asks for one.
    Version1,
    /// It works, but the instance has no agency: 401.
    NoAgency,
    /// 404 whatever is asked: this is no ECS instance.
    Absent,
}

/// What the names of the two projects are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ProjectNames {
    /// The region's name, and another one.
    #[default]
    Unique,
    /// Both have the region's name.
    Twice,
    /// There is no project.
    Absent,
}

/// A word that is none of a setting's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{given:?} is not known: use one of {known}")]
pub struct UnknownWord {
    given: String,
    known: String,
}

/// The words of a setting.
macro_rules! words {
    ($setting:ident { $($variant:ident: $word:literal),+ $(,)? }) => {
        impl fmt::Display for $setting {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self { $(Self::$variant => $word),+ })
            }
        }

        impl FromStr for $setting {
            type Err = UnknownWord;

            fn from_str(text: &str) -> Result<Self, UnknownWord> {
                match text {
                    $($word => Ok(Self::$variant),)+
                    _ => Err(UnknownWord { given: text.to_owned(), known: [$($word),+].join(", ") }),
                }
            }
        }
    };
}

words!(LoginRefusal {
    Unauthorized: "unauthorized",
    Forbidden: "forbidden",
    Unavailable: "unavailable",
    Throttled: "throttled",
    Garbage: "garbage",
});
words!(MetadataMode { Version2: "version2", Version1: "version1", NoAgency: "no-agency", Absent: "absent" });
words!(ProjectNames { Unique: "unique", Twice: "twice", Absent: "absent" });

impl LoginRefusal {
    /// What is answered to this call.
    pub(super) fn answer(self, call: Call) -> Result<Answer, Refusal> {
        let local = matches!(call, Call::MetadataToken | Call::SecurityKey | Call::PodIdentity);
        let wait = Some(Duration::from_secs(2));
        Err(match self {
            Self::Unauthorized if call == Call::Token => wrong_password(),
            Self::Unauthorized => unauthenticated(call),
            Self::Forbidden => Refusal::forbidden(call),
            Self::Unavailable if local => Refusal::login(call, 503, "Service Unavailable"),
            Self::Unavailable => Refusal::service(503, "APIGW.0613", "The API is temporarily unavailable."),
            Self::Throttled if local => Refusal::login(call, 429, "Too Many Requests").after(wait),
            Self::Throttled => Refusal::throttled(5, wait),
            Self::Garbage => {
                return Ok(Answer::json(200, r#"{"token":[],"credential":7,"credentials":"none","projects":true}"#));
            }
        })
    }
}

/// 401 for a wrong user or password.
pub(super) fn wrong_password() -> Refusal {
    Refusal::login(Call::Token, 401, "The username or password is wrong.")
}

/// 401 for everything else that is not what it should be.
pub(super) fn unauthenticated(call: Call) -> Refusal {
    Refusal::login(call, 401, "The request you have made requires authentication.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_read_as_they_are_written() {
        for refusal in ["unauthorized", "forbidden", "unavailable", "throttled", "garbage"] {
            assert_eq!(refusal.parse::<LoginRefusal>().unwrap().to_string(), refusal);
        }
        for mode in ["version2", "version1", "no-agency", "absent"] {
            assert_eq!(mode.parse::<MetadataMode>().unwrap().to_string(), mode);
        }
        let error = "thrice".parse::<ProjectNames>().unwrap_err();
        assert_eq!(error.to_string(), "\"thrice\" is not known: use one of unique, twice, absent");
    }
}
