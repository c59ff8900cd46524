//! What a login is answered with, in the spellings of all who issue keys and tokens.
//!
//! IAM says `credential` with `access`, STS `credentials` with `access_key_id`, the agent of CCE `accessKeyId` without
//! either around it; the official SDK takes any of them from anybody, and so do we. Sentences name what is missing,
//! never what is there.

use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

use super::grant::{Grant, Keys, Token};
use crate::cloud::wire::parse_timestamp;
use crate::domain::ProjectId;

/// Tokens take several KiB; nothing is a token that is longer than this: 64 KiB.
pub(super) const MAX_TOKEN_LENGTH: usize = 64 * 1024;
/// No id of a project is longer.
const MAX_ID_LENGTH: usize = 64;

/// What was issued.
#[derive(Debug)]
pub(super) struct Issued {
    pub(super) grant: Grant,
    /// When it ends, where that is said.
    pub(super) expires_at: Option<Timestamp>,
    /// The project that a token is for.
    pub(super) project: Option<ProjectId>,
}

/// Reads temporary keys.
///
/// # Errors
/// The end of a sentence that begins with "the answer".
pub(super) fn keys(body: &[u8]) -> Result<Issued, String> {
    let body = json(body)?;
    let outer = ["credential", "credentials"].iter().map(|key| &body[*key]).find(|value| value.is_object());
    let outer = outer.unwrap_or(&body);
    let part = |what: &str, spellings: &[&str]| match text_of(outer, spellings) {
        None => Err(format!("has no {what}")),
        Some(text) if !can_stand_in_header(text) => Err(format!("has a {what} that cannot be one")),
        Some(text) => Ok(text.to_owned()),
    };
    let access_key = part("access key", &["access", "accessKeyId", "access_key_id"])?;
    let secret = part("secret key", &["secret", "secretAccessKey", "secret_access_key"])?;
    let token = part("security token", &["securitytoken", "securityToken", "security_token"])?;
    let keys = Keys { access_key, secret: secret.into(), security_token: Some(token.into()) };
    let expires_at = moment_of(outer, &["expires_at", "expiration"]);
    Ok(Issued { grant: Grant::Keys(keys), expires_at, project: None })
}

/// Reads a token of IAM: the header `X-Subject-Token` and the body that describes it.
///
/// # Errors
/// The end of a sentence that begins with "the answer".
pub(super) fn token(header: Option<SecretString>, body: &[u8]) -> Result<Issued, String> {
    let grant = Grant::Token(Token(subject_token(header)?));
    let body = json(body)?;
    let expires_at = moment_of(&body["token"], &["expires_at"]);
    let project = text_of(&body["token"]["project"], &["id"]).filter(|id| id.len() <= MAX_ID_LENGTH);
    Ok(Issued { grant, expires_at, project: project.map(ProjectId::from) })
}

/// The token in the header `X-Subject-Token`.
///
/// # Errors
/// The end of a sentence that begins with "the answer".
pub(super) fn subject_token(header: Option<SecretString>) -> Result<SecretString, String> {
    let token = header.ok_or("has no header X-Subject-Token")?;
    if can_stand_in_header(token.expose_secret()) {
        Ok(token)
    } else {
        Err("has a header X-Subject-Token that cannot be a token".to_owned())
    }
}

/// Whether this is a text of a sane length that may go into a header.
pub(super) fn can_stand_in_header(text: &str) -> bool {
    (1..=MAX_TOKEN_LENGTH).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

fn json(body: &[u8]) -> Result<Value, String> {
    let value = serde_json::from_slice(body).ok().filter(Value::is_object);
    value.ok_or_else(|| "is no JSON object".to_owned())
}

fn text_of<'a>(object: &'a Value, spellings: &[&str]) -> Option<&'a str> {
    spellings.iter().find_map(|key| object[*key].as_str()).map(str::trim).filter(|text| !text.is_empty())
}

/// A moment that cannot be read is none: what was granted is good all the same, and a life is assumed for it.
fn moment_of(object: &Value, spellings: &[&str]) -> Option<Timestamp> {
    spellings.iter().find_map(|key| parse_timestamp(object[*key].as_str()?.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(body: &str) -> (String, String, String, Option<String>) {
        let issued = keys(body.as_bytes()).unwrap_or_else(|error| panic!("{body}: {error}"));
        let Grant::Keys(keys) = issued.grant else { panic!() };
        let token = keys.security_token.unwrap().expose_secret().to_owned();
        let expires_at = issued.expires_at.map(|at| at.to_string());
        (keys.access_key, keys.secret.expose_secret().to_owned(), token, expires_at)
    }

    #[test]
    fn keys_in_all_spellings() {
        for body in [
            r#"{"credential":{"access":"A","secret":"S","securitytoken":"T","expires_at":"2026-01-01T00:00:00.000000Z"}}"#,
            r#"{"credentials":{"access_key_id":"A","secret_access_key":"S","security_token":"T","expiration":"2026-01-01T00:00:00Z"}}"#,
            r#"{"accessKeyId":"A","secretAccessKey":"S","securityToken":"T","expiration":"2026-01-01T01:00:00+01:00"}"#,
            r#"{"access":"A","secret":"S","securitytoken":"T","expires_at":"2026-01-01T00:00:00.0000000000001Z","x":{}}"#,
        ] {
            let expires_at = Some("2026-01-01T00:00:00Z".to_owned());
            assert_eq!(parts(body), ("A".to_owned(), "S".to_owned(), "T".to_owned(), expires_at), "{body}");
        }
        let body = r#"{"credential":{"access":"A","secret":"S","securitytoken":"T","expires_at":null}}"#;
        assert_eq!(parts(body).3, None);
    }

    #[test]
    fn what_is_missing_is_named_and_what_is_there_is_not() {
        for (body, expected) in [
            ("", "is no JSON object"),
            ("<html>HUSH</html>", "is no JSON object"),
            ("[]", "is no JSON object"),
            ("{}", "has no access key"),
            (r#"{"credential":null,"secret":"HUSH"}"#, "has no access key"),
            (r#"{"credential":{"access":"HUSH"}}"#, "has no secret key"),
            (r#"{"credential":{"access":"HUSH","secret":" "}}"#, "has no secret key"),
            (r#"{"credential":{"access":"HUSH","secret":7}}"#, "has no secret key"),
            (r#"{"credential":{"access":"HUSH","secret":"HUSH"}}"#, "has no security token"),
            (
                r#"{"credential":{"access":"HUSH","secret":"S","securitytoken":"HUSH HUSH"}}"#,
                "has a security token that cannot be one",
            ),
        ] {
            assert_eq!(keys(body.as_bytes()).unwrap_err(), expected, "{body}");
        }
        let long = format!(r#"{{"access":"A","secret":"S","securitytoken":"{}"}}"#, "x".repeat(MAX_TOKEN_LENGTH + 1));
        assert_eq!(keys(long.as_bytes()).unwrap_err(), "has a security token that cannot be one");
    }

    #[test]
    fn tokens_come_in_a_header_and_are_described_in_the_body() {
        let header = || Some(SecretString::from("MIIHUSH"));
        let body = br#"{"token":{"expires_at":"2019-02-13T06:52:13.855000Z","project":{"id":"p","name":"eu-de"}}}"#;
        let issued = token(header(), body).unwrap();
        assert!(matches!(&issued.grant, Grant::Token(Token(text)) if text.expose_secret() == "MIIHUSH"));
        assert_eq!(issued.expires_at, Some("2019-02-13T06:52:13.855Z".parse().unwrap()));
        assert_eq!(issued.project, Some(ProjectId::from("p")));
        let bare = token(header(), b"{}").unwrap();
        assert_eq!((bare.expires_at, bare.project), (None, None));
        for odd in ["{}", "1", "\"soon\"", "null", "\"\""] {
            let body = format!(r#"{{"token":{{"expires_at":{odd}}}}}"#);
            assert_eq!(token(header(), body.as_bytes()).unwrap().expires_at, None, "{odd}");
        }
        for (header, body, expected) in [
            (None, "{}", "has no header X-Subject-Token"),
            (Some(""), "{}", "has a header X-Subject-Token that cannot be a token"),
            (Some("HUSH"), "", "is no JSON object"),
        ] {
            assert_eq!(token(header.map(SecretString::from), body.as_bytes()).unwrap_err(), expected);
        }
    }
}
