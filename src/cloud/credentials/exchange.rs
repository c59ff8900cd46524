//! What all exchanges of one thing for another have in common: the sentences of their failures, and the session that
//! an answer makes.

use std::time::Duration;

use super::answer::{self, Issued};
use super::renewal;
use super::session::Obtained;
use crate::cloud::authorise::Draft;
use crate::cloud::diagnosis::{self, Hint};
use crate::cloud::error::{CloudError, ErrorKind};
use crate::cloud::iam::{Answered, Call, Issuer};
use crate::domain::Purpose;

/// How long temporary keys are taken to live where nobody says: as long as those of Open Telekom Cloud's metadata
/// service, the shortest by default.
pub(super) const KEYS_LIVE: Duration = Duration::from_hours(1);
/// Likewise tokens: 24 hours by IAM's documentation.
pub(super) const TOKENS_LIVE: Duration = Duration::from_hours(24);

/// How an exchange speaks of itself.
#[derive(Clone, Debug)]
pub(super) struct Telling {
    /// The entry of `credentials`.
    pub(super) entry: String,
    /// What is done, such as `the login of user "u"`.
    pub(super) doing: String,
    /// What to check where it is refused.
    pub(super) advice: &'static str,
}

impl Telling {
    /// The sentence of a failure: whose, what, where, why, and what to do.
    pub(super) fn failed(&self, host: &str, error: CloudError) -> CloudError {
        let Self { entry, doing, advice } = self;
        let is_refused = matches!(
            error.kind,
            ErrorKind::BadSignature | ErrorKind::Unauthorized | ErrorKind::Forbidden | ErrorKind::NotFound
        ) || error.status.is_some_and(|status| (400..404).contains(&status));
        // What is said of logins in general is less than what this one knows of itself.
        let hint = match error.hint {
            Some(hint) if !is_refused || !diagnosis::is_general(hint, Purpose::Login) => Some(hint),
            None if error.kind == ErrorKind::Decode => Some(Hint::new(
                "what answers speaks another language than IAM: check iam_endpoint (or sts_endpoint), and proxy",
            )),
            None if !is_refused => None,
            _ => Some(Hint::new(advice)),
        };
        let outcome = match error.kind {
            ErrorKind::Held => format!("was {}", error.message),
            _ => format!("failed: {}", error.message),
        };
        CloudError { message: format!("credentials {entry}: {doing} at {host} {outcome}"), hint, ..error }
    }
}

/// Calls for temporary keys; `assumed` is their life where the answer does not tell.
///
/// # Errors
/// [`CloudError`] where none are given.
pub(super) async fn keys(
    at: &Issuer,
    draft: Draft,
    call: &Call<'_>,
    assumed: Duration,
) -> Result<Obtained, CloudError> {
    let answered = at.call(draft, call).await?;
    let issued = answer::keys(answered.body()).map_err(|problem| answered.decode(&problem, call))?;
    obtained(issued, &answered, assumed)
}

/// The session that an answer makes; `assumed` is its life where the answer does not tell.
///
/// # Errors
/// Where it has ended before it began.
pub(super) fn obtained(issued: Issued, answered: &Answered, assumed: Duration) -> Result<Obtained, CloudError> {
    let Issued { grant, expires_at, project } = issued;
    let told_at = answered.date.unwrap_or(answered.at);
    let Some(lifetime) = renewal::lifetime(expires_at, told_at, assumed) else {
        let ended = expires_at.map_or_else(String::new, |at| at.to_string());
        let (kind, by) = match answered.date {
            Some(_) => (ErrorKind::Decode, "by its own clock"),
            None => (ErrorKind::ClockSkew, "by our clock; set it if it is wrong"),
        };
        return Err(CloudError::new(kind, format!("what the answer grants ended already, at {ended}, {by}")));
    };
    Ok(Obtained { grant, expires_at, lifetime, asked_at: answered.asked_at, project })
}
