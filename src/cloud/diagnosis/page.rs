//! What to do where something else answers than the API: a console, a portal, another port or another API.

use super::hint::{Hint, text};
use crate::cloud::wire::WireError;

/// What servers say to plain HTTP on their TLS port: nginx, Apache, Go.
const PLAIN_TO_TLS: [&str; 3] =
    ["plain http request was sent to https port", "speaking plain http to an ssl", "http request to an https server"];

/// What to do about an answer without end.
pub const TOO_LONG: Hint = Hint::new("something else than the DCS API answers: check endpoint and proxy");

/// What to do about the body of a refusal, where it tells by itself.
pub fn plain_http_on_a_tls_port(body: &[u8]) -> Option<Hint> {
    let body = String::from_utf8_lossy(body.get(..body.len().min(4096))?).to_ascii_lowercase();
    let told = PLAIN_TO_TLS.iter().any(|words| body.contains(words));
    told.then(|| Hint::new("the port speaks TLS: write https:// in endpoint"))
}

/// Whether a body is a web page.
pub fn is_page(body: &[u8]) -> bool {
    body.trim_ascii_start().first() == Some(&b'<')
}

/// What to do about a success that cannot be read.
pub fn hint(error: &WireError) -> Hint {
    Hint::new(match error {
        WireError::NotJson { what } if what.contains("HTML") => text::WEB_PAGE,
        WireError::NotJson { .. } => "something else than the DCS API answers: check endpoint and proxy",
        WireError::OtherContent(_) | WireError::ListMissing { .. } | WireError::InstanceMissing => {
            "another API or version answers: check endpoint and api_version; if both are right, please report it"
        }
    })
}
