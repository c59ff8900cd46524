//! What a failure means, and what an operator can do about it.
//!
//! [`diagnose`] takes an answer that is no success and tells its consequence, an [`ErrorKind`], and a [`Hint`]: the
//! permission, the key of the configuration or the clock to mend. The status alone says little, so the code is looked
//! up in the tables of where it comes from: the gateway in front of every service, the service itself, IAM. Some codes
//! mean several things that only the message tells apart. [`connection`] and [`page`] do the same for what has no code,
//! [`record`] for backups and restores that failed by themselves. All of it is data and pure; who asks, and for what,
//! comes with the question.

pub mod connection;
mod gateway;
mod hint;
mod iam;
pub mod page;
pub mod record;
mod service;
mod status;

use jiff::SignedDuration;

use super::error::ErrorKind;
use crate::domain::Purpose;
pub use hint::Hint;
use hint::{Advice, text};

/// A clock that is further off than this makes the gateway refuse signatures.
const MAX_SKEW: SignedDuration = SignedDuration::from_mins(15);

/// An answer other than a success, as far as it tells what is wrong.
#[derive(Clone, Copy, Debug)]
pub struct Refusal<'a> {
    /// HTTP status.
    pub status: u16,
    /// The code in the body, such as `DCS.3022`, `111404022`, `APIGW.0301` or `401`.
    pub code: Option<&'a str>,
    /// What the body says in words.
    pub message: Option<&'a str>,
    /// The body is a web page: no API answered.
    pub is_page: bool,
    /// The cloud's clock minus ours.
    pub skew: Option<SignedDuration>,
    /// What was asked for.
    pub purpose: Purpose,
}

/// What a refusal means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Diagnosis {
    /// What to do differently.
    pub kind: ErrorKind,
    /// What a person can do about it; nothing only where nothing is wrong ([`ErrorKind::Unsupported`]).
    pub hint: Option<Hint>,
}

/// What a code or a message means: one line of the tables.
#[derive(Clone, Copy, Debug)]
struct Meaning {
    /// `None` where the status says it.
    kind: Option<ErrorKind>,
    advice: Advice,
}

/// Codes that mean the same.
type Line = (&'static [u16], Meaning);

const fn means(kind: ErrorKind, advice: Advice) -> Meaning {
    Meaning { kind: Some(kind), advice }
}

const fn advises(advice: Advice) -> Meaning {
    Meaning { kind: None, advice }
}

fn find(table: &[Line], number: u16) -> Option<Meaning> {
    table.iter().find(|(numbers, _)| numbers.contains(&number)).map(|(_, meaning)| *meaning)
}

/// Whether our clock is so wrong that no signature passes.
pub fn is_skewed(skew: SignedDuration) -> bool {
    skew.abs() > MAX_SKEW
}

/// Whether a hint says no more than what may be wrong with any request for this.
pub fn is_general(hint: Hint, purpose: Purpose) -> bool {
    let general = [Advice::Permission, Advice::Names, Advice::Credentials, Advice::Token, Advice::TokenEnded];
    general.iter().any(|advice| advice.hint(purpose) == Some(hint))
}

/// What a refusal means, and what to do about it.
pub fn diagnose(refusal: &Refusal<'_>) -> Diagnosis {
    let meaning = meaning(refusal);
    let kind = meaning.kind.unwrap_or_else(|| status::kind(refusal.status));
    // A wrong clock spoils signatures; it makes no key unknown and no password wrong.
    let is_about_signature = refusal.status == 401 && kind == ErrorKind::BadSignature && !meaning.advice.is_certain();
    if let Some(skew) = refusal.skew.filter(|skew| is_about_signature && is_skewed(*skew)) {
        return Diagnosis { kind: ErrorKind::ClockSkew, hint: Some(Hint::clock(skew)) };
    }
    Diagnosis { kind, hint: meaning.advice.hint(refusal.purpose) }
}

fn meaning(refusal: &Refusal<'_>) -> Meaning {
    let Refusal { status, purpose, .. } = *refusal;
    // Who redirects, or wants a password for the way, is not the service; too many requests are too many.
    if matches!(status, 300..=399 | 407 | 429) {
        return status::meaning(status, purpose);
    }
    let message = refusal.message.unwrap_or_default().to_ascii_lowercase();
    if matches!(status, 400..=403) && is_about_another_project(&message) {
        return service::OTHER_PROJECT;
    }
    let code = refusal.code.unwrap_or_default().to_ascii_uppercase();
    // A bare number is the service's own in its answers, and something else in others'.
    let of_service = || if matches!(purpose, Purpose::Poll(_)) { service::meaning(&code, status) } else { None };
    let by_code =
        gateway::meaning(&code, status, &message).or_else(|| iam::meaning(&code, &message)).or_else(of_service);
    match by_code {
        Some(meaning) => meaning,
        None if refusal.is_page && status < 500 => advises(Advice::Certain(text::WEB_PAGE)),
        None => status::meaning(status, purpose),
    }
}

/// Services tell in many words that a key or token is another project's (gophertelekomcloud, issue 597).
fn is_about_another_project(message: &str) -> bool {
    let differs = ["not equal", "not match", "n't match", "mismatch"];
    message.contains("project") && differs.iter().any(|word| message.contains(word))
}

#[cfg(test)]
mod tests;
