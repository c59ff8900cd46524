//! HTTP towards the cloud: one request, one whole answer, bounded in size and time.
//!
//! Built once per project, so that connections are reused. Redirects are not followed, because a signed request must
//! not go anywhere else; TLS is verified, always; no proxy is used but those of the configuration, and nothing is kept
//! between requests. What fails below HTTP is told with its cause, which the library hides in a chain of errors.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::time::Duration;

use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};
use reqwest::{Certificate, Client, NoProxy, Proxy, Request, Response, redirect};
use secrecy::SecretString;
use url::Url;

use super::diagnosis::connection::{self, Failure};
use super::error::{CloudError, ErrorKind};
use super::response::{Head, parse_http_date};
use crate::config::Proxies;
use crate::pace::keys::Fingerprint;

/// A longer answer is not read to its end: 16 MiB, a hundred times what 1000 records need.
pub const MAX_BODY: usize = 16 * 1024 * 1024;
const USER_AGENT: &str = concat!("dcs-backup-exporter/", env!("CARGO_PKG_VERSION"));

/// The client of a project cannot be built.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// Key `ca_file`.
    #[error("ca_file {path}: {problem}")]
    CaFile {
        /// As configured.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// Key `proxy`, or a variable. The address is left out: it may hold a password.
    #[error("proxy: {0}")]
    Proxy(String),
    /// Anything else, such as a system without root certificates.
    #[error("the HTTP client of endpoint {endpoint} cannot be built: {problem}")]
    Client {
        /// As configured.
        endpoint: String,
        /// What is wrong.
        problem: String,
    },
    /// A login needs an address that nobody knows.
    #[error("credentials {credentials} need {key}; set it, or region")]
    Endpoint {
        /// The entry.
        credentials: String,
        /// The key of the project: `iam_endpoint` or `sts_endpoint`.
        key: &'static str,
    },
    /// Key `project_id`: a text that cannot stand in a path.
    #[error("project_id {0:?} cannot stand in a path; take it from the console's page \"My Credentials\"")]
    ProjectId(String),
}

/// Sends requests to a project's endpoints.
#[derive(Clone, Debug)]
pub struct Transport {
    client: Client,
    timeout: Duration,
    /// Passwords that errors must not show.
    proxy_passwords: Vec<String>,
    proxies: Proxies,
}

/// How endpoints are reached.
#[derive(Clone, Copy, Debug)]
pub struct Way<'a> {
    /// All that are asked; a way without TLS does without certificates.
    pub endpoints: &'a [&'a Url],
    /// PEM certificates that are trusted besides the system's.
    pub ca_file: Option<&'a Path>,
    /// Proxies on the way.
    pub proxies: &'a Proxies,
    /// For a whole exchange.
    pub timeout: Duration,
}

/// A file of certificates as it is at a moment: whether a client that trusts them still trusts the right ones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trusted {
    path: PathBuf,
    /// `None` where it cannot be read.
    content: Option<Fingerprint>,
}

impl Trusted {
    /// As it is now; to be taken before the client that is built with it.
    pub fn now(ca_file: Option<&Path>) -> Option<Self> {
        let path = ca_file?.to_owned();
        let content = std::fs::read(&path).ok().map(|pem| Fingerprint::of_parts(&[&pem]));
        Some(Self { path, content })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

/// A whole answer.
#[derive(Debug)]
pub struct Received {
    /// What its headers say.
    pub head: Head,
    /// Its body; `None` where it is longer than [`MAX_BODY`].
    pub body: Option<Vec<u8>>,
    /// `X-Subject-Token`: the token that IAM issues.
    pub subject_token: Option<SecretString>,
}

impl Transport {
    /// A client for these endpoints.
    ///
    /// # Errors
    /// [`BuildError`] where the certificates or proxies cannot be used, or the system has no root certificates.
    pub fn new(way: &Way<'_>) -> Result<Self, BuildError> {
        let mut builder = Client::builder()
            .user_agent(USER_AGENT)
            .redirect(redirect::Policy::none())
            .referer(false)
            .no_proxy()
            // Servers close idle connections after a minute or so; one that is closed while we send costs a poll.
            .pool_idle_timeout(Duration::from_secs(45))
            .connect_timeout(way.timeout)
            .timeout(way.timeout);
        let mut authorities = Vec::new();
        if let Some(path) = way.ca_file {
            let error = |problem: String| BuildError::CaFile { path: path.to_owned(), problem };
            let pem = std::fs::read(path).map_err(|problem| error(format!("cannot be read: {problem}")))?;
            authorities = Certificate::from_pem_bundle(&pem).map_err(|problem| error(cause(&problem)))?;
            if authorities.is_empty() {
                return Err(error("holds no certificate in PEM form".to_owned()));
            }
        }
        let proxies = [&way.proxies.http, &way.proxies.https].into_iter().flatten();
        let mut all = way.endpoints.iter().copied().chain(proxies.clone());
        if all.all(|url| url.scheme() == "http") {
            // No TLS to be verified: start on a system without root certificates too.
            builder = builder.tls_certs_only(authorities);
        } else {
            builder = builder.tls_certs_merge(authorities);
        }
        for proxy in proxies_of(way.proxies)? {
            builder = builder.proxy(proxy);
        }
        let client = builder.build().map_err(|problem| BuildError::Client {
            endpoint: way.endpoints.first().map_or_else(String::new, |url| url.origin().ascii_serialization()),
            problem: cause(&problem),
        })?;
        let proxy_passwords = proxies.filter_map(Url::password).filter(|text| !text.is_empty()).map(str::to_owned);
        let proxy_passwords = proxy_passwords.collect();
        Ok(Self { client, timeout: way.timeout, proxy_passwords, proxies: way.proxies.clone() })
    }

    /// Sends a request and receives its answer to the end.
    ///
    /// # Errors
    /// [`ErrorKind::Timeout`] and [`ErrorKind::Connection`], where no whole answer came.
    pub async fn exchange(&self, request: Request, on_head: impl FnOnce(&Head)) -> Result<Received, CloudError> {
        let mut response = self.client.execute(request).await.map_err(|error| self.error(&error, false))?;
        let head = head(&response);
        on_head(&head);
        let subject_token = text(response.headers(), "x-subject-token").map(SecretString::from);
        let mut body = Vec::new();
        let announced = response.content_length().unwrap_or(0);
        let mut too_long = announced > MAX_BODY as u64;
        while !too_long && let Some(chunk) = response.chunk().await.map_err(|error| self.error(&error, true))? {
            too_long = body.len() + chunk.len() > MAX_BODY;
            body.extend_from_slice(&chunk);
        }
        Ok(Received { head, body: (!too_long).then_some(body), subject_token })
    }

    fn error(&self, error: &reqwest::Error, answering: bool) -> CloudError {
        let tls = error.url().is_none_or(|url| url.scheme() == "https");
        let is_proxied = error.url().is_some_and(|url| is_proxied(&self.proxies, url));
        let hint = |failure: Failure, cause: &str| connection::hint(failure, cause, is_proxied, tls);
        if error.is_timeout() {
            let message = format!("no whole answer within {} s", self.timeout.as_secs_f64());
            return CloudError::new(ErrorKind::Timeout, message).with_hint(hint(Failure::Timeout, ""));
        }
        let (failure, what) = if answering {
            (Failure::BrokenOff, "the answer broke off")
        } else if error.is_dns() {
            (Failure::Name, "the endpoint's name cannot be resolved")
        } else if error.is_connect() {
            (Failure::Connect, "no connection")
        } else {
            (Failure::Unanswered, "the connection broke before an answer came")
        };
        let cause = cause(error);
        let mut message = format!("{what}: {cause}");
        for password in &self.proxy_passwords {
            message = message.replace(password, "…");
        }
        CloudError::new(ErrorKind::Connection, message).with_hint(hint(failure, &cause))
    }
}

fn proxies_of(proxies: &Proxies) -> Result<Vec<Proxy>, BuildError> {
    let made = |url: &Option<Url>, make: fn(Url) -> reqwest::Result<Proxy>| {
        let Some(url) = url else { return Ok(None) };
        // The library would pass over a scheme that it does not know and go without the proxy.
        if !matches!(url.scheme(), "http" | "https") {
            return Err(BuildError::Proxy(format!("scheme {} is not supported; use http or https", url.scheme())));
        }
        let proxy = make(url.clone()).map_err(|problem| BuildError::Proxy(cause(&problem)))?;
        Ok(Some(proxy.no_proxy(NoProxy::from_string(&proxies.except))))
    };
    Ok([made(&proxies.http, Proxy::http)?, made(&proxies.https, Proxy::https)?].into_iter().flatten().collect())
}

/// Whether a request to this address probably goes through a proxy; the library knows, and does not tell.
fn is_proxied(proxies: &Proxies, url: &Url) -> bool {
    let proxy = if url.scheme() == "https" { &proxies.https } else { &proxies.http };
    let host = url.host_str().unwrap_or_default();
    let is_excepted = proxies.except.split(',').map(|name| name.trim().trim_start_matches('.')).any(|name| {
        let is_below = |rest: &str| !name.is_empty() && rest.ends_with('.');
        name == "*" || name == host || host.strip_suffix(name).is_some_and(is_below)
    });
    proxy.is_some() && !is_excepted
}

fn head(response: &Response) -> Head {
    let headers = response.headers();
    let text = |name: &str| text(headers, name);
    Head {
        status: response.status().as_u16(),
        request_id: text("x-request-id"),
        retry_after: text(RETRY_AFTER.as_str()),
        date: text(DATE.as_str()).as_deref().and_then(parse_http_date),
    }
}

fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name)?.to_str().ok().map(str::to_owned)
}

/// What the chain of an error's sources says, each thing once; not its URL, which is long and known.
fn cause(error: &reqwest::Error) -> String {
    let mut said: Vec<String> = Vec::new();
    let mut source = error.source();
    while let Some(error) = source {
        let text = error.to_string();
        // "client error (Connect)" and the like are words of the library's inside.
        let inside = text.starts_with("client error (") && error.source().is_some();
        if !inside && !said.iter().any(|earlier| earlier.contains(&text)) {
            said.push(text);
        }
        source = error.source();
    }
    match said.len() {
        0 => error.to_string(),
        _ => said.join(": "),
    }
}
