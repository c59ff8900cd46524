//! A server for the tests of clients: real sockets, scripted bytes, and a record of what it was asked.

use std::fmt;
use std::future::pending;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use url::Url;

use super::error::CloudError;
use super::sign::{Authorization, Signable};
use crate::config::{ApiVersion, CloudProject, CredentialsConfig, ProjectConfig, Proxies};
use crate::domain::plan::UtcOffset;

/// What the stub does once it has read a request.
#[derive(Clone)]
pub(super) enum Deed {
    /// Sends this and reads on.
    Answer(Vec<u8>),
    /// Sends this and closes.
    Close(Vec<u8>),
    /// Sends this and then nothing more, with the connection open.
    Stall(Vec<u8>),
    /// Sends this, then the other again and again.
    Flood(Vec<u8>, Vec<u8>),
}

/// A request as it came in.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    pub(super) method: String,
    pub(super) target: String,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: String,
}

impl Seen {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.iter().filter(|(header, _)| header.eq_ignore_ascii_case(name));
        let value = values.next();
        assert!(values.next().is_none(), "{name} twice");
        value.map(|(_, value)| value.as_str())
    }

    /// Method and target, as in the first line of a request.
    pub(super) fn line(&self) -> String {
        format!("{} {}", self.method, self.target)
    }

    pub(super) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap()
    }

    pub(super) fn is_signed_with(&self, secret: &str) -> bool {
        let (path, query) = self.target.split_once('?').unwrap_or((&self.target, ""));
        let headers: Vec<(&str, &str)> =
            self.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let received = Signable { method: &self.method, path, query, headers: &headers, body: self.body.as_bytes() };
        Authorization::parse(self.header("authorization").unwrap()).unwrap().verifies(&received, secret)
    }
}

/// What is done about a request; the number is how many came before it.
type Script = Arc<dyn Fn(&Seen, usize) -> Deed + Send + Sync>;

/// The server; it lives as long as the test's runtime.
pub(super) struct Stub {
    pub(super) address: SocketAddr,
    pub(super) accepted: Arc<AtomicUsize>,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Stub {
    /// Serves the deeds in their order, the last one for ever.
    pub(super) async fn serving(deeds: impl Into<Vec<Deed>>) -> Self {
        Self::over(deeds, None).await
    }

    /// Likewise, over TLS perhaps.
    pub(super) async fn over(deeds: impl Into<Vec<Deed>>, tls: Option<TlsAcceptor>) -> Self {
        let deeds = deeds.into();
        Self::acting(Arc::new(move |_, index| deeds[index.min(deeds.len() - 1)].clone()), tls).await
    }

    /// Does what the script says.
    pub(super) async fn by(script: impl Fn(&Seen, usize) -> Deed + Send + Sync + 'static) -> Self {
        Self::acting(Arc::new(script), None).await
    }

    async fn acting(script: Script, tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let stub = Self { address: listener.local_addr().unwrap(), accepted: Arc::default(), seen: Arc::default() };
        let (accepted, seen) = (Arc::clone(&stub.accepted), Arc::clone(&stub.seen));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                accepted.fetch_add(1, Ordering::SeqCst);
                let (tls, seen, script) = (tls.clone(), Arc::clone(&seen), Arc::clone(&script));
                tokio::spawn(async move {
                    match tls {
                        Some(tls) => serve(tls.accept(stream).await.ok()?, seen, script).await,
                        None => serve(stream, seen, script).await,
                    }
                });
            }
        });
        stub
    }

    pub(super) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    /// The first lines of all requests.
    pub(super) fn lines(&self) -> Vec<String> {
        self.seen().iter().map(Seen::line).collect()
    }

    pub(super) fn endpoint(&self) -> Url {
        format!("http://{}", self.address).parse().unwrap()
    }
}

async fn serve(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    seen: Arc<Mutex<Vec<Seen>>>,
    script: Script,
) -> Option<()> {
    loop {
        let request = read_request(&mut stream).await?;
        let deed = {
            let mut seen = seen.lock().unwrap();
            let deed = script(&request, seen.len());
            seen.push(request);
            deed
        };
        match deed {
            Deed::Answer(bytes) => stream.write_all(&bytes).await.ok()?,
            Deed::Close(bytes) => {
                stream.write_all(&bytes).await.ok()?;
                return stream.shutdown().await.ok();
            }
            Deed::Stall(bytes) => {
                stream.write_all(&bytes).await.ok()?;
                pending::<()>().await;
            }
            Deed::Flood(first, again) => {
                stream.write_all(&first).await.ok()?;
                loop {
                    stream.write_all(&again).await.ok()?;
                }
            }
        }
    }
}

async fn read_request(stream: &mut (impl AsyncRead + Unpin)) -> Option<Seen> {
    let mut bytes = Vec::new();
    while !bytes.ends_with(b"\r\n\r\n") {
        bytes.push(stream.read_u8().await.ok()?);
    }
    let text = String::from_utf8(bytes).ok()?;
    let mut lines = text.lines();
    let mut words = lines.next()?.split(' ');
    let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let mut seen = Seen { method, target, headers, body: String::new() };
    let length = seen.header("content-length").map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.ok()?;
    seen.body = String::from_utf8(body).ok()?;
    Some(seen)
}

/// An answer with this status line, these header lines (each with its end) and this body.
pub(super) fn answer(status: &str, headers: impl fmt::Display, body: &str) -> Deed {
    let length = body.len();
    Deed::Answer(format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\n{headers}\r\n{body}").into_bytes())
}

/// A project of this endpoint, which is IAM and STS too.
pub(super) fn project_at(endpoint: Url, credentials: Arc<CredentialsConfig>) -> ProjectConfig {
    ProjectConfig {
        name: "prod".into(),
        region: "eu-de".to_owned(),
        project: CloudProject::Id("0123456789abcdef0123456789abcdef".into()),
        iam_endpoint: Some(endpoint.clone()),
        sts_endpoint: Some(endpoint.clone()),
        endpoint,
        api_version: ApiVersion::V2,
        credentials,
        ca_file: None,
        proxies: Proxies::default(),
        instances: Vec::new(),
        discovery: None,
        overrides: Arc::default(),
        instance_tags: Arc::default(),
        plan_utc_offset: UtcOffset::UTC,
        limits: None,
        rpo: None,
        rpo_grace: Duration::ZERO,
    }
}

/// What an error advises.
pub(super) fn hint_of(error: &CloudError) -> String {
    error.hint.map(|hint| hint.to_string()).unwrap_or_default()
}
