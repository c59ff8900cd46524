//! The file in use.
//!
//! As with exporter-toolkit it counts from one request, or handshake, to the next, without a restart: the file, and what
//! it names, is read each time and judged anew where its content is another one. A file that has turned bad is answered
//! as there: requests with 500, handshakes with an alert; nobody gets in by a file that is broken. What is decided at the
//! start is whether TLS is spoken at all, whether HTTP/2 is, and the limit on requests.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use aws_lc_rs::digest::{Context, SHA256};
use hyper::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use rustls::ServerConfig;

use super::certificates::Material;
use super::document::Document;
use super::password::PasswordHash;
use super::rate_limit::RateLimit;
use super::tls;
use super::users::{Doorkeeper, Login, Users};
use crate::config::file;
use crate::config::problem::Problems;
use crate::config::problem::Report;

/// A file of exporter-toolkit's format that is in use; cheap to clone.
#[derive(Clone)]
pub struct WebConfig(Arc<Inner>);

struct Inner {
    path: PathBuf,
    name: Arc<str>,
    /// Whether TLS was configured at the start.
    tls: bool,
    http2: bool,
    rate_limit: Option<RateLimit>,
    doorkeeper: Doorkeeper,
    newest: Mutex<Newest>,
}

/// The newest that was read, and what came of it; `None` for what is bad.
#[derive(Default)]
struct Newest {
    document: Option<(Digest, Option<Arc<Read>>)>,
    tls: Option<(Digest, Option<Arc<ServerConfig>>)>,
}

/// A good document, ready for use.
struct Read {
    document: Document,
    users: Users,
}

/// Of content, to see that it changed; content itself is not kept, it holds keys.
type Digest = [u8; 32];

/// A request may be answered, with these headers.
#[derive(Debug)]
pub(in crate::web) struct Admission(pub(in crate::web) Vec<(HeaderName, HeaderValue)>);

/// Why a request is not answered.
#[derive(Debug)]
pub(in crate::web) enum Refusal {
    /// The file has turned bad.
    Broken,
    /// `rate_limit`.
    TooMany,
    /// `basic_auth_users`; the answer has these headers.
    Stranger(Vec<(HeaderName, HeaderValue)>),
    /// Too many wait for their password to be looked at.
    Busy,
}

impl fmt::Debug for WebConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebConfig").field("path", &self.0.path).finish_non_exhaustive()
    }
}

impl WebConfig {
    /// Reads a file for use, with its warnings. It blocks for as long as the file system takes.
    ///
    /// # Errors
    /// Everything that is wrong with the file and with those it names, all at once.
    pub fn load(path: &Path) -> Result<(Self, Vec<String>), Problems> {
        let report = Report::default();
        let name: Arc<str> = path.display().to_string().into();
        let bytes = file::bytes(path);
        let digest = digest(&[content(&bytes)]);
        let document = file::decode(bytes, &name, &report).and_then(|text| Document::read(&text, &name, &report));
        let mut newest = Newest::default();
        if let Some(document) = &document {
            for hash in document.users.values() {
                if let Err(sentence) = PasswordHash::parse(&hash.value) {
                    hash.problem(&report, sentence);
                }
            }
            if document.tls.is_on() {
                let material = Material::read(&document.tls, directory(path));
                let config = tls::server_config(&document.tls, &material, document.http2, &report);
                newest.tls = Some((tls_digest(&digest, &material), config));
            }
        }
        let warnings = report.into_result()?;
        let document = document.expect("what cannot be read has been reported");
        let (http2, is_tls) = (document.http2, document.tls.is_on());
        let rate_limit = RateLimit::of(document.rate_limit);
        let users = Users::of(&document.users);
        newest.document = Some((digest, Some(Arc::new(Read { document, users }))));
        let inner = Inner {
            path: path.to_owned(),
            name,
            tls: is_tls,
            http2,
            rate_limit,
            doorkeeper: Doorkeeper::new(),
            newest: Mutex::new(newest),
        };
        Ok((Self(Arc::new(inner)), warnings))
    }

    /// Whether clients must speak TLS.
    pub fn is_tls(&self) -> bool {
        self.0.tls
    }

    /// Whether HTTP/2 is offered to clients that speak TLS.
    pub fn is_http2(&self) -> bool {
        self.0.tls && self.0.http2
    }

    /// Looks at a request before it is answered.
    pub(in crate::web) async fn admit(&self, headers: &HeaderMap) -> Result<Admission, Refusal> {
        let inner = Arc::clone(&self.0);
        let read = tokio::task::spawn_blocking(move || inner.read().1).await;
        let Ok(Some(read)) = read else { return Err(Refusal::Broken) };
        if self.0.rate_limit.as_ref().is_some_and(|limit| !limit.allow()) {
            return Err(Refusal::TooMany);
        }
        let extra = read.document.headers.clone();
        if read.users.is_empty() {
            return Ok(Admission(extra));
        }
        match self.0.doorkeeper.look(&read.users, headers.get(AUTHORIZATION)).await {
            Login::Welcome => Ok(Admission(extra)),
            Login::Stranger => Err(Refusal::Stranger(extra)),
            Login::Busy => Err(Refusal::Busy),
        }
    }

    /// What the next handshake is made with; `None` where the file, or one that it names, has turned bad.
    pub(in crate::web) async fn handshake(&self) -> Option<Arc<ServerConfig>> {
        let inner = Arc::clone(&self.0);
        tokio::task::spawn_blocking(move || inner.tls()).await.ok().flatten()
    }
}

impl Inner {
    /// The document as it is now.
    fn read(&self) -> (Digest, Option<Arc<Read>>) {
        let bytes = file::bytes(&self.path);
        let digest = digest(&[content(&bytes)]);
        if let Some((known, read)) = &self.newest().document
            && *known == digest
        {
            return (digest, read.clone());
        }
        let report = Report::default();
        let document = file::decode(bytes, &self.name, &report)
            .and_then(|text| Document::read(&text, &self.name, &report))
            .filter(|_| !report.has_problems());
        tell(report, "web configuration has changed and is in use", "web configuration has turned bad");
        let read = document.map(|document| Arc::new(Read { users: Users::of(&document.users), document }));
        self.newest().document = Some((digest, read.clone()));
        (digest, read)
    }

    fn tls(&self) -> Option<Arc<ServerConfig>> {
        let (digest, read) = self.read();
        let keys = &read.as_ref()?.document.tls;
        let material = Material::read(keys, directory(&self.path));
        let digest = tls_digest(&digest, &material);
        if let Some((known, config)) = &self.newest().tls
            && *known == digest
        {
            return config.clone();
        }
        let report = Report::default();
        let config = tls::server_config(keys, &material, self.http2, &report).filter(|_| !report.has_problems());
        if keys.is_on() {
            tell(
                report,
                "certificates or TLS settings have changed and are in use",
                "TLS configuration has turned bad",
            );
        } else {
            tracing::error!("TLS configuration is gone, and going on without TLS needs a restart");
        }
        self.newest().tls = Some((digest, config.clone()));
        config
    }

    fn newest(&self) -> std::sync::MutexGuard<'_, Newest> {
        self.newest.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Says once for each content what came of it.
fn tell(report: Report, good: &'static str, bad: &'static str) {
    match report.into_result() {
        Ok(warnings) => {
            tracing::info!("{good}");
            for warning in warnings {
                tracing::warn!("{warning}");
            }
        }
        Err(problems) => {
            for problem in &problems {
                tracing::error!(%problem, "{bad}");
            }
        }
    }
}

fn directory(path: &Path) -> &Path {
    path.parent().unwrap_or(Path::new(""))
}

fn content(bytes: &std::io::Result<Vec<u8>>) -> &[u8] {
    bytes.as_deref().unwrap_or(b"\0cannot be read")
}

fn tls_digest(document: &Digest, material: &Material) -> Digest {
    let [cert, key, client_ca] = material.parts();
    digest(&[document, cert, key, client_ca])
}

fn digest(parts: &[&[u8]]) -> Digest {
    let mut context = Context::new(&SHA256);
    for part in parts {
        context.update(&part.len().to_be_bytes());
        context.update(part);
    }
    context.finish().as_ref().try_into().expect("SHA-256 has 32 bytes")
}
