//! A client that signs as the vendor's SDK does, and a simulator to talk to.

use std::time::Duration;

use dcs_backup_exporter::clock::Clock;
use dcs_backup_exporter::cloud::sign::{Signable, format_date, sign};
use dcs_backup_exporter::simulator::{ACCESS_KEY, Handle, Options, PROJECT_ID, SECRET_KEY, Simulator};
use jiff::Timestamp;
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
        let host = self.handle.addr().to_string();
        let date = format_date(signer.date.unwrap_or_else(|| self.clock.now()));
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let mut headers = vec![("Host", host.as_str()), ("X-Sdk-Date", date.as_str())];
        headers.extend(signer.project.as_deref().map(|project| ("X-Project-Id", project)));
        headers.extend(signer.security_token.as_deref().map(|token| ("X-Security-Token", token)));
        let signable = Signable { method: method.as_str(), path, query, headers: &headers, body: b"" };
        let authorization = sign(&signable, &date, &signer.access_key, &signer.secret_key);
        let request = self.http.request(method.clone(), format!("http://{host}{target}"));
        let request = headers[1..].iter().fold(request, |request, (name, value)| request.header(*name, *value));
        request.header("Authorization", authorization).header("X-Unsigned", "added on the way")
    }

    pub(crate) async fn try_get(&self, target: &str, signer: &Signer) -> Result<Got, reqwest::Error> {
        let response = self.signed(&reqwest::Method::GET, target, signer).send().await?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Ok(Got { status, headers, text: response.text().await? })
    }

    pub(crate) async fn get(&self, target: &str) -> Got {
        self.try_get(target, &Signer::default()).await.unwrap()
    }

    /// A request that nobody signed.
    pub(crate) async fn unsigned(&self, method: reqwest::Method, target: &str) -> Got {
        let request = self.http.request(method, format!("http://{}{target}", self.handle.addr()));
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Got { status, headers, text: response.text().await.unwrap() }
    }
}
