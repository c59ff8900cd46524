//! Codes of IAM and of STS: `IAM.0061`, `PAP5.0001`, `STS5.1001`, or a bare status in the body (`"code": 401`).
//!
//! They come from logins and look-ups of a project, and some from a gateway that asks IAM about a key. Only those are
//! listed that such calls can bring; the rest is about users and policies that are never touched here. Sources:
//! "Error Codes" of Open Telekom Cloud's IAM reference (February 2026) and of the vendor's "IAM 5" reference (December
//! 2025), the official SDK's metadata accessor, and bodies pasted in issues.

use super::hint::{Advice, text};
use super::{Line, Meaning, advises, find, means};
use crate::cloud::error::ErrorKind;

const PASSWORD: &str = "check username, password and domain_name (the account's name, not its id)";
const AGENCY: &str = "the agency may not be assumed: check agency_name, the agency's trust, and that the user may assume it \
                      (iam:agencies:assume)";

const TABLE: &[Line] = &[
    (&[1], means(ErrorKind::BadSignature, Advice::Credentials)),
    (&[2, 3, 64], means(ErrorKind::Forbidden, Advice::Permission)),
    (&[4], means(ErrorKind::NotFound, Advice::Names)),
    (&[5, 7, 11, 72, 73, 1101, 1102, 1103], advises(Advice::Names)),
    (&[6, 20], means(ErrorKind::Unavailable, Advice::Say(text::TROUBLE))),
    (&[12], means(ErrorKind::Throttled, Advice::Say(text::SLOWER))),
    (
        &[61],
        means(
            ErrorKind::BadSignature,
            Advice::Certain(
                "the user is locked for a while after wrong passwords: check password, and who else uses it",
            ),
        ),
    ),
    (&[62], means(ErrorKind::BadSignature, Advice::Certain(PASSWORD))),
    (&[63, 67], means(ErrorKind::Unauthorized, Advice::Token)),
    (&[66, 1108], means(ErrorKind::Unauthorized, Advice::TokenEnded)),
    (&[80, 82], means(ErrorKind::Forbidden, Advice::Say(text::KEY_DISABLED))),
    (
        &[81],
        means(
            ErrorKind::Forbidden,
            Advice::Say("the user has console access only: allow it programmatic access in IAM"),
        ),
    ),
    (
        &[83],
        means(ErrorKind::Forbidden, Advice::Say("the user may not use this region: check region, or have it allowed")),
    ),
    (&[1104, 1105, 1106, 1107], means(ErrorKind::BadSignature, Advice::Certain(text::KEY_DISABLED))),
    (&[1109], means(ErrorKind::NotFound, Advice::Say("check project_id, or project_name and region"))),
];

/// What messages mean that come without a code, by words that they hold, in small letters.
const MESSAGES: &[(&str, Meaning)] = &[
    (
        "configure cloud service agency first",
        means(
            ErrorKind::Unauthorized,
            Advice::Certain("this ECS instance has no agency: give it one in the console, or use another source"),
        ),
    ),
    ("username or password is wrong", means(ErrorKind::BadSignature, Advice::Certain(PASSWORD))),
    (
        "account is locked",
        means(
            ErrorKind::BadSignature,
            Advice::Certain(
                "the account is locked for 15 minutes after wrong passwords: check password, and who else uses it",
            ),
        ),
    ),
];

/// What a code of IAM, or its message without one, means; nothing for others. `code` is in capitals, `message` in
/// small letters.
pub(super) fn meaning(code: &str, message: &str) -> Option<Meaning> {
    if let Some(number) = code.strip_prefix("IAM.") {
        return find(TABLE, number.parse().ok()?);
    }
    // Access denied: the policies of "IAM 5" and its STS, which refuse an agency's keys.
    if matches!(code, "PAP5.0001" | "STS5.1001") {
        return Some(means(
            ErrorKind::Forbidden,
            if code.starts_with("STS") { Advice::Say(AGENCY) } else { Advice::Permission },
        ));
    }
    MESSAGES.iter().find(|(words, _)| message.contains(words)).map(|(_, meaning)| *meaning)
}
