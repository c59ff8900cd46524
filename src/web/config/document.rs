//! The file as it was typed: every key known and of its type, headers and names good.
//!
//! What the files it names hold is looked at by [`super::tls`], and a password's hash by [`super::password`]: as with
//! exporter-toolkit, a file that is good as a document answers requests, whatever becomes of handshakes.

use std::collections::HashMap;
use std::sync::Arc;

use hyper::header::{HeaderName, HeaderValue};
use rustls::SupportedCipherSuite;
use rustls::crypto::SupportedKxGroup;

use super::mapping::{Given, Mapping, Section};
use super::names::{self, Version};
use crate::config::problem::{Place, Report};
use crate::config::yaml::{self, Dialect};

const DIALECT: Dialect = Dialect { example: "tls_server_config", first_document_only: true };

/// A good document; it has no `Debug`: it holds keys and hashes.
pub(super) struct Document {
    pub(super) tls: TlsKeys,
    /// `http_server_config.http2`: whether HTTP/2 is offered to clients that speak TLS.
    pub(super) http2: bool,
    /// `http_server_config.headers`: in every answer.
    pub(super) headers: Vec<(HeaderName, HeaderValue)>,
    /// `basic_auth_users`: hashes by user; empty where anybody may ask.
    pub(super) users: HashMap<String, Given<Arc<str>>>,
    /// `rate_limit`.
    pub(super) rate_limit: RateLimitKeys,
}

/// `tls_server_config`.
#[derive(Default)]
pub(super) struct TlsKeys {
    pub(super) cert: Option<Given<Arc<str>>>,
    pub(super) cert_file: Option<Given<Arc<str>>>,
    pub(super) key: Option<Given<Arc<str>>>,
    pub(super) key_file: Option<Given<Arc<str>>>,
    pub(super) client_ca: Option<Given<Arc<str>>>,
    pub(super) client_ca_file: Option<Given<Arc<str>>>,
    pub(super) client_auth_type: Option<Given<Arc<str>>>,
    pub(super) client_allowed_sans: Option<Given<Vec<String>>>,
    pub(super) min_version: Option<Given<Version>>,
    pub(super) max_version: Option<Given<Version>>,
    /// Those of TLS 1.2; `None` for all.
    pub(super) cipher_suites: Option<Given<Vec<SupportedCipherSuite>>>,
    /// `None` for all.
    pub(super) curve_preferences: Option<Given<Vec<&'static dyn SupportedKxGroup>>>,
    /// Where the section begins.
    pub(super) section: Option<Given<()>>,
}

/// `rate_limit`: one request each `interval`, and `burst` at once after a quiet time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct RateLimitKeys {
    /// In nanoseconds; there is no limit where it is not above 0.
    pub(super) interval: i64,
    pub(super) burst: i64,
}

impl TlsKeys {
    /// Whether TLS is spoken at all.
    pub(super) fn is_on(&self) -> bool {
        let keys = [&self.cert, &self.cert_file, &self.key, &self.key_file];
        let client_keys = [&self.client_ca, &self.client_ca_file, &self.client_auth_type];
        keys.into_iter().chain(client_keys).any(Option::is_some)
    }
}

impl Document {
    /// Reads the text of a file. What is wrong goes to the report, and is left out; `None` where it is no YAML.
    pub(super) fn read(text: &str, file: &Arc<str>, report: &Report) -> Option<Self> {
        let tree = yaml::parse_as(DIALECT, text, file, report)?;
        let root = Mapping::root(&tree, report);
        root.expect(&["tls_server_config", "http_server_config", "basic_auth_users", "rate_limit"]);
        let (http2, headers) = match root.section("http_server_config") {
            Section::Absent => (true, Vec::new()),
            // As with the toolkit: an emptied section is one whose switches are off.
            Section::Null => (false, Vec::new()),
            Section::Given(http) => {
                http.expect(&["http2", "headers"]);
                (http.switch("http2").unwrap_or(true), headers(&http))
            }
        };
        let users = match root.section("basic_auth_users") {
            Section::Given(users) => {
                let user = |(name, hash, place): (&str, std::borrow::Cow<str>, Place)| {
                    (name.to_owned(), Given::new(hash.as_ref().into(), &place))
                };
                users.texts().into_iter().map(user).collect()
            }
            _ => HashMap::new(),
        };
        let tls = match root.section("tls_server_config") {
            Section::Given(tls) => tls_keys(&tls),
            _ => TlsKeys::default(),
        };
        let rate_limit = match root.section("rate_limit") {
            Section::Given(limit) => {
                limit.expect(&["interval", "burst"]);
                RateLimitKeys {
                    interval: limit.nanoseconds("interval").unwrap_or(0),
                    burst: limit.integer("burst").unwrap_or(0),
                }
            }
            _ => RateLimitKeys::default(),
        };
        Some(Self { tls, http2, headers, users, rate_limit })
    }
}

fn tls_keys(tls: &Mapping) -> TlsKeys {
    tls.expect(&[
        "cert",
        "cert_file",
        "key",
        "key_file",
        "client_auth_type",
        "client_ca",
        "client_ca_file",
        "client_allowed_sans",
        "min_version",
        "max_version",
        "cipher_suites",
        "curve_preferences",
        "prefer_server_cipher_suites",
    ]);
    // Go has long since decided this by itself, and so does rustls.
    let _ = tls.switch("prefer_server_cipher_suites");
    TlsKeys {
        cert: tls.text("cert"),
        cert_file: tls.text("cert_file"),
        key: tls.text("key"),
        key_file: tls.text("key_file"),
        client_ca: tls.text("client_ca"),
        client_ca_file: tls.text("client_ca_file"),
        client_auth_type: tls.text("client_auth_type"),
        client_allowed_sans: tls.list("client_allowed_sans").map(|sans| {
            let place = sans.first().map_or_else(|| tls.place.key("client_allowed_sans"), |(_, place)| place.clone());
            Given::new(sans.into_iter().map(|(san, _)| san.into_owned()).collect(), &place)
        }),
        min_version: version(tls, "min_version"),
        max_version: version(tls, "max_version"),
        cipher_suites: named(tls, "cipher_suites", names::suite)
            .map(|suites| suites.map(|suites| suites.into_iter().flatten().collect())),
        curve_preferences: named(tls, "curve_preferences", names::curve),
        section: Some(Given::new((), &tls.place)),
    }
}

fn version(tls: &Mapping, key: &str) -> Option<Given<Version>> {
    let name = tls.text(key)?;
    match names::version(&name.value) {
        Ok(version) => Some(name.map(|_| version)),
        Err(sentence) => {
            name.problem(tls.place.report, sentence);
            None
        }
    }
}

/// What the names of a list stand for; `None` for an empty list too.
fn named<T>(tls: &Mapping, key: &str, read: fn(&str) -> Result<T, String>) -> Option<Given<Vec<T>>> {
    let names = tls.list(key)?;
    let (_, first) = names.first()?;
    let first = first.clone();
    let found = names.iter().filter_map(|(name, place)| read(name).map_err(|sentence| place.problem(sentence)).ok());
    Some(Given::new(found.collect(), &first))
}

/// The headers that may be set, and their values where these are few.
const HEADERS: [(&str, &[&str]); 5] = [
    ("Content-Security-Policy", &[]),
    ("Strict-Transport-Security", &[]),
    ("X-Content-Type-Options", &["nosniff"]),
    ("X-Frame-Options", &["deny", "sameorigin"]),
    ("X-XSS-Protection", &[]),
];

fn headers(http: &Mapping) -> Vec<(HeaderName, HeaderValue)> {
    let Section::Given(headers) = http.section("headers") else { return Vec::new() };
    let known = HEADERS.map(|(name, _)| name);
    let mut found = Vec::new();
    for (name, value, place) in headers.texts() {
        let Some((_, allowed)) = HEADERS.iter().find(|(known, _)| *known == name) else {
            place.problem(format!("this header cannot be set; those that can, in this spelling: {}", known.join(", ")));
            continue;
        };
        if !allowed.is_empty() && !allowed.contains(&value.as_ref()) {
            place.problem(format!("write {}", allowed.join(" or ")));
            continue;
        }
        // As Go sends it: on one line.
        let line = value.replace(['\r', '\n'], " ");
        match (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_bytes(line.trim().as_bytes())) {
            (Ok(name), Ok(value)) => found.push((name, value)),
            _ => place.problem("holds a control character, which no header may; remove it"),
        }
    }
    found
}
