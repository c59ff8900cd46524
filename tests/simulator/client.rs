//! A client that signs as the vendor's SDK does, and a simulator to talk to.

use std::time::Duration;

use dcs_backup_exporter::clock::Clock;
use dcs_backup_exporter::cloud::sign::{Signable, format_date, sign};
use dcs_backup_exporter::simulator::{ACCESS_KEY, Handle, Options, PROJECT_ID, SECRET_KEY, Simulator};
use jiff::Timestamp;
use reqwest::RequestBuilder;
use serde_json::Value;
use tokio::sync::oneshot;

/// A simulator that runs until this is dropped, and how to ask it.
pub(crate) struct Cloud {
    pub(crate) handle: Handle,
    pub(crate) http: reqwest::Client,
    pub(crate) clock: Clock,
    _stop: oneshot::Sender<()>,
}

/// What a request is signed with.
#[derive(Clone)]
pub(crate) struct Signer {
    pub(crate) access_key: String,
    pub(crate) secret_key: String,
    pub(crate) project: Option<String>,
    pub(crate) date: Option<Timestamp>,
    pub(crate) security_token: Option<String>,
}

impl Default for Signer {
    fn default() -> Self {
        Self {
            access_key: ACCESS_KEY.to_owned(),
            secret_key: SECRET_KEY.to_owned(),
            project: Some(PROJECT_ID.to_owned()),
            date: None,
            security_token: None,
        }
    }
}

/// An answer, read.
#[derive(Debug)]
pub(crate) struct Got {
    pub(crate) status: u16,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) text: String,
}

impl Got {
    async fn read(response: reqwest::Response) -> Result<Self, reqwest::Error> {
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Ok(Self { status, headers, text: response.text().await? })
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).unwrap_or_else(|| panic!("no {name}: {}", self.text)).to_str().unwrap()
    }

    /// Temporary keys in any of the three forms that they take.
    pub(crate) fn keys(&self) -> Signer {
        let body = self.json();
        let keys = body.get("credential").unwrap_or(&body["credentials"]);
        let text = |names: [&str; 3]| {
            let value = names.iter().find_map(|name| keys.get(name)).unwrap_or_else(|| panic!("{names:?}: {body}"));
            value.as_str().unwrap().to_owned()
        };
        Signer {
            access_key: text(["access", "accessKeyId", "access_key_id"]),
            secret_key: text(["secret", "secretAccessKey", "secret_access_key"]),
            security_token: Some(text(["securitytoken", "securityToken", "security_token"])),
            ..Signer::default()
        }
    }

    /// When temporary keys or a token end, by the answer.
    pub(crate) fn ends_at(&self) -> Timestamp {
        let body = self.json();
        let places =
            ["/credential/expires_at", "/credential/expiration", "/credentials/expiration", "/token/expires_at"];
        let end = places.iter().find_map(|place| body.pointer(place)).and_then(Value::as_str);
        let end = end.unwrap_or_else(|| panic!("no end in {body}"));
        assert!(end.len() == 27 && end.ends_with('Z'), "microseconds, as the official SDK reads them: {end}");
        end.parse().unwrap()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {:?}", self.text))
    }

    /// `error_code` of v2 or the gateway, or the nested code of v1.0.
    pub(crate) fn code(&self) -> String {
        let body = self.json();
        let code = body.get("error_code").unwrap_or(&body["error"]["code"]);
        code.as_str().unwrap_or_else(|| panic!("no code in {body}")).to_owned()
    }
}

impl Cloud {
    pub(crate) async fn start(options: Options) -> Self {
        // A moment at which nothing begins or ends soon for those instances that are not busy.
        let clock = Clock::starting_at("2026-11-21T12:00:00Z".parse().unwrap());
        let simulator = Simulator::bind(options, clock.clone()).await.unwrap();
        let handle = simulator.handle();
        let (stop, stopped) = oneshot::channel::<()>();
        tokio::spawn(simulator.run(async { drop(stopped.await) }));
        let http = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(20)).build().unwrap();
        Self { handle, http, clock, _stop: stop }
    }

    pub(crate) async fn usual() -> Self {
        Self::start(Options::default()).await
    }

    /// The id of the instance with this name.
    pub(crate) fn id(&self, name: &str) -> String {
        let instances = self.handle.instances(PROJECT_ID);
        instances.into_iter().find(|instance| instance.name == name).unwrap().id
    }

    /// `/{version}/{project}/instances` and what follows.
    pub(crate) fn path(version: &str, rest: &str) -> String {
        format!("/{version}/{PROJECT_ID}/instances{rest}")
    }

    pub(crate) fn signed(&self, method: &reqwest::Method, target: &str, signer: &Signer) -> reqwest::RequestBuilder {
        self.signed_with(method, target, signer, "")
    }

    fn signed_with(&self, method: &reqwest::Method, target: &str, signer: &Signer, body: &str) -> RequestBuilder {
        let host = self.handle.addr().to_string();
        let date = format_date(signer.date.unwrap_or_else(|| self.clock.now()));
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let mut headers = vec![("Host", host.as_str()), ("X-Sdk-Date", date.as_str())];
        headers.extend(signer.project.as_deref().map(|project| ("X-Project-Id", project)));
        headers.extend(signer.security_token.as_deref().map(|token| ("X-Security-Token", token)));
        let signable = Signable { method: method.as_str(), path, query, headers: &headers, body: body.as_bytes() };
        let authorization = sign(&signable, &date, &signer.access_key, &signer.secret_key);
        let request = self.http.request(method.clone(), format!("http://{host}{target}"));
        let request = headers[1..].iter().fold(request, |request, (name, value)| request.header(*name, *value));
        let request = request.header("Authorization", authorization).header("X-Unsigned", "added on the way");
        if body.is_empty() { request } else { request.body(body.to_owned()) }
    }

    /// A request to log in that is signed; the official SDK names no project there.
    pub(crate) async fn post_signed(&self, target: &str, signer: &Signer, body: &Value) -> Got {
        let signer = Signer { project: None, ..signer.clone() };
        let request = self.signed_with(&reqwest::Method::POST, target, &signer, &body.to_string());
        Got::read(request.send().await.unwrap()).await.unwrap()
    }

    /// A request with these headers.
    pub(crate) async fn send(&self, method: &str, target: &str, headers: &[(&str, &str)], body: &str) -> Got {
        let url = format!("http://{}{target}", self.handle.addr());
        let request = self.http.request(method.parse().unwrap(), url).body(body.to_owned());
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        Got::read(request.send().await.unwrap()).await.unwrap()
    }

    /// A listing of the first project's instances with this token.
    pub(crate) async fn get_with_token(&self, token: &str) -> Got {
        self.send("GET", &Self::path("v2", ""), &[("X-Auth-Token", token)], "").await
    }

    pub(crate) async fn try_get(&self, target: &str, signer: &Signer) -> Result<Got, reqwest::Error> {
        Got::read(self.signed(&reqwest::Method::GET, target, signer).send().await?).await
    }

    pub(crate) async fn get(&self, target: &str) -> Got {
        self.try_get(target, &Signer::default()).await.unwrap()
    }

    /// A request that nobody signed.
    pub(crate) async fn unsigned(&self, method: reqwest::Method, target: &str) -> Got {
        let request = self.http.request(method, format!("http://{}{target}", self.handle.addr()));
        Got::read(request.send().await.unwrap()).await.unwrap()
    }
}
