//! What a status means by itself: an answer without a code, or with one that nobody knows.

use super::hint::{Advice, text};
use super::{Meaning, means};
use crate::cloud::error::ErrorKind;
use crate::domain::Purpose;

/// What to do about an answer of this status.
pub(super) fn kind(status: u16) -> ErrorKind {
    match status {
        401 => ErrorKind::BadSignature,
        403 => ErrorKind::Forbidden,
        404 => ErrorKind::NotFound,
        // Who wants a password for the way is not the service.
        407 => ErrorKind::Connection,
        408 => ErrorKind::Timeout,
        429 => ErrorKind::Throttled,
        500.. => ErrorKind::Unavailable,
        _ => ErrorKind::Decode,
    }
}

/// The same, with advice to who asked for this.
pub(super) fn meaning(status: u16, purpose: Purpose) -> Meaning {
    let advice = match (status, purpose) {
        (401, _) => Advice::Credentials,
        (403, _) => Advice::Permission,
        (404, Purpose::Poll(_) | Purpose::Login) | (400 | 409, Purpose::Login | Purpose::Project) => Advice::Names,
        (407, _) => Advice::Say("give proxy a user and password that it takes: http://user:password@host:port"),
        (429, _) => Advice::Say(text::SLOWER),
        (408 | 500.., _) => Advice::Say(text::TROUBLE),
        _ => Advice::Address,
    };
    means(kind(status), advice)
}
