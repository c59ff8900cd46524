//! Codes of the API gateway in front of every service: `APIGW.0301`, on Open Telekom Cloud `APIG.0301`.
//!
//! One of them, 0301, stands for everything that can be wrong with a key or a token; its message tells what. Only a
//! wrong key or signature may stop the key: the gateway locks it after five of them in a row. Sources: "Error Codes"
//! of the API Request Signing Guide (October 2025), "Common Errors Related to IAM Authentication Information" of API
//! Gateway's FAQ, and bodies pasted in issues of its users.

use super::hint::{Advice, text};
use super::{Line, Meaning, advises, find, means};
use crate::cloud::error::ErrorKind;

const TABLE: &[Line] = &[
    (
        &[101],
        means(
            ErrorKind::NotFound,
            Advice::Say("the gateway does not know this path: check endpoint, region and api_version"),
        ),
    ),
    // These are gone for everybody: it is not the instance that is missing.
    (&[103, 104, 105, 106, 107], means(ErrorKind::Unavailable, Advice::Say(text::TROUBLE))),
    (&[201, 602], advises(Advice::Say(text::UNREADABLE))),
    (
        &[302, 304, 306],
        means(
            ErrorKind::Forbidden,
            Advice::Say("the gateway does not let this user call the API: ask the account's administrator for access"),
        ),
    ),
    (
        &[303, 305, 311],
        advises(Advice::Say("this API wants another kind of login than ours: check that endpoint is the DCS API")),
    ),
    (
        &[307],
        means(
            ErrorKind::Unauthorized,
            Advice::Certain(
                "the token must be renewed, which is done by itself; if it lasts, check region and iam_endpoint",
            ),
        ),
    ),
    (&[308], means(ErrorKind::Throttled, Advice::Say(text::SLOWER))),
    (
        &[310],
        means(
            ErrorKind::Forbidden,
            Advice::Say("the project is not available: check project_id, and in the console whether it is frozen"),
        ),
    ),
    (
        &[401, 402, 404],
        means(
            ErrorKind::Forbidden,
            Advice::Say("our IP address is not allowed: add it to the account's access control in IAM, or check proxy"),
        ),
    ),
    (
        &[501, 502],
        means(ErrorKind::Forbidden, Advice::Say("the account's quota is used up, or it is frozen: check its balance")),
    ),
    (&[607], advises(Advice::Say("write the scheme that the message names in endpoint: https:// or http://"))),
    (
        &[801, 802],
        means(
            ErrorKind::Forbidden,
            Advice::Say("the user may not use this region: have it allowed in IAM, or check region and endpoint"),
        ),
    ),
];

/// What the messages of 0301 mean, by words that they hold, in small letters; the first that fits.
const MESSAGES: &[(&[&str], Meaning)] = &[
    (
        &["failed to reach the limit"],
        means(
            ErrorKind::BadSignature,
            Advice::Say(
                "the key is locked for five minutes after five wrong signatures: check secret_key, and who else uses the key",
            ),
        ),
    ),
    (&["not exist", "get secretkey failed"], means(ErrorKind::BadSignature, Advice::Certain(text::NO_SUCH_KEY))),
    (&["decrypt token fail"], means(ErrorKind::Unauthorized, Advice::Token)),
    (&["token expire", "token has expired", "token is expired"], means(ErrorKind::Unauthorized, Advice::TokenEnded)),
    (&["token not found"], means(ErrorKind::Unauthorized, Advice::Certain(text::LOST))),
    (
        &["signature fail"],
        means(
            ErrorKind::BadSignature,
            Advice::Say(
                "the secret key does not fit the access key: check secret_key (or its file) for a wrong or cut value",
            ),
        ),
    ),
];

/// What a code of the gateway means; nothing for other codes. `code` is in capitals, `message` in small letters.
pub(super) fn meaning(code: &str, status: u16, message: &str) -> Option<Meaning> {
    let digits = code.strip_prefix("APIGW.").or_else(|| code.strip_prefix("APIG."))?;
    let number: u16 = if digits.len() == 4 { digits.parse().ok()? } else { return None };
    let meaning = match (number, status) {
        (301, _) => credentials(message),
        (201, 494) => {
            advises(Advice::Say("the token is too long for the gateway: use access_key and secret_key instead"))
        }
        (101 | 308, _) => find(TABLE, number)?,
        (_, 500..) => advises(Advice::Say(text::TROUBLE)),
        _ => find(TABLE, number)?,
    };
    Some(meaning)
}

fn credentials(message: &str) -> Meaning {
    let told = MESSAGES.iter().find(|(words, _)| words.iter().any(|word| message.contains(word)));
    told.map_or(means(ErrorKind::BadSignature, Advice::Credentials), |(_, meaning)| *meaning)
}
