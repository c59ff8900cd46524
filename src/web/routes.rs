//! From a request to its answer.
//!
//! The body of a request is dropped unread: hyper takes what has come with the head and closes the connection after
//! the answer where that was not all. Scrapes are rendered and compressed on the runtime's blocking threads, so that
//! a large fleet's scrape delays neither health checks nor polling.

use std::convert::Infallible;
use std::future::Future;
use std::sync::Arc;

use bytes::Bytes;
use hyper::body::Incoming;
use hyper::header::{
    ALLOW, CACHE_CONTROL, CONNECTION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderName,
    HeaderValue, RETRY_AFTER, VARY, X_CONTENT_TYPE_OPTIONS,
};
use hyper::http::request::Parts;
use hyper::{Method, Request, Response, StatusCode};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::body::Body;
use super::config::{Admission, WebConfig};
use super::deadlines::Turn;
use super::framing::Framing;
use super::lists::Lists;
use super::probe::Probes;
use super::readiness::Readiness;
use super::{WebOptions, guard, instances, negotiate, page};
use crate::exposition::{Exposition, Rendered};
use crate::poller::Prober;
use crate::reload::Reload;

const PLAIN_TEXT: &str = "text/plain; charset=utf-8";

/// All routes; cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Routes(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    telemetry_path: String,
    exposition: Exposition,
    probes: Probes,
    lists: Lists,
    readiness: Arc<Readiness>,
    scrapes: Arc<Semaphore>,
    reloads: Option<Reloads>,
    config: Option<WebConfig>,
}

/// Where the configuration can be read anew.
#[derive(Debug)]
struct Reloads {
    reload: Reload,
    /// `--web.enable-lifecycle`.
    by_post: bool,
}

/// An answer before it is fitted to the request's method.
pub(super) struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Rendered,
    slot: Option<OwnedSemaphorePermit>,
}

impl Routes {
    pub(super) fn new(options: &WebOptions, exposition: Exposition, prober: Prober, readiness: Arc<Readiness>) -> Self {
        Self(Arc::new(Inner {
            probes: Probes::new(exposition.clone(), prober, options.bounds.probes),
            lists: Lists::new(exposition.clone(), options.bounds.lists),
            telemetry_path: options.telemetry_path.clone(),
            exposition,
            readiness,
            scrapes: Arc::new(Semaphore::new(options.bounds.scrapes)),
            reloads: None,
            config: None,
        }))
    }

    /// See [`super::Web::reloading`].
    pub(super) fn reloading(&mut self, reload: Reload, by_post: bool) {
        let inner = Arc::get_mut(&mut self.0).expect("nobody else has the routes before the server runs");
        inner.reloads = Some(Reloads { reload, by_post });
    }

    /// See [`super::Web::configured`].
    pub(super) fn configured(&mut self, config: WebConfig) {
        let inner = Arc::get_mut(&mut self.0).expect("nobody else has the routes before the server runs");
        inner.config = Some(config);
    }

    /// Answers a request; the turn ends with the answer's last byte.
    pub(super) fn answer(
        &self,
        request: Request<Incoming>,
        turn: Turn,
    ) -> impl Future<Output = Result<Response<Body>, Infallible>> + Send + use<> {
        let inner = Arc::clone(&self.0);
        async move {
            let (head, _) = request.into_parts();
            let answer = match Framing::of(&head) {
                Framing::Clear => inner.guarded(&head).await,
                Framing::Chunked => inner.guarded(&head).await.with(CONNECTION, "close"),
                Framing::Ambiguous(why) => Answer::text(StatusCode::BAD_REQUEST, why).with(CONNECTION, "close"),
            };
            Ok(answer.to(&head, turn))
        }
    }
}

impl Inner {
    async fn guarded(&self, head: &Parts) -> Answer {
        let Some(config) = &self.config else { return self.route(head).await };
        match guard::admit(config, &head.headers).await {
            Ok(Admission(headers)) => self.route(head).await.with_all(headers),
            Err(refusal) => refusal,
        }
    }

    async fn route(&self, head: &Parts) -> Answer {
        let (method, path, headers) = (&head.method, head.uri.path(), &head.headers);
        // The telemetry path is the user's choice and comes first, even where it is `/`.
        let known = path == self.telemetry_path
            || matches!(path, "/" | "/-/healthy" | "/-/ready" | "/probe" | "/api/v1/instances");
        if !known {
            if path == "/-/reload" {
                return self.reload(method).await;
            }
            return Answer::text(StatusCode::NOT_FOUND, "not found; the metrics are linked on /\n");
        }
        if !matches!(*method, Method::GET | Method::HEAD) {
            return Answer::text(StatusCode::METHOD_NOT_ALLOWED, "method not allowed; use GET or HEAD\n")
                .with(ALLOW, "GET, HEAD");
        }
        if path == self.telemetry_path {
            return self.metrics(headers).await;
        }
        match path {
            "/probe" => self.probes.answer(head.uri.query(), headers).await,
            "/api/v1/instances" => instances::answer(&self.lists, head.uri.query(), headers).await,
            "/-/healthy" => Answer::text(StatusCode::OK, "healthy\n"),
            "/-/ready" => match self.readiness.check() {
                Ok(()) => Answer::text(StatusCode::OK, "ready\n"),
                Err(waiting) => Answer::text(StatusCode::SERVICE_UNAVAILABLE, format!("not ready: {waiting}\n")),
            },
            _ => page::answer(&self.lists, head.uri.query(), headers, self.around()).await,
        }
    }

    fn around(&self) -> page::Around {
        page::Around {
            telemetry_path: self.telemetry_path.clone(),
            newest: self.reloads.as_ref().map(|reloads| reloads.reload.newest()),
        }
    }

    async fn reload(&self, method: &Method) -> Answer {
        let Some(Reloads { reload, .. }) = self.reloads.as_ref().filter(|reloads| reloads.by_post) else {
            let off = "not found; reloading by HTTP is off: start with --web.enable-lifecycle, or send SIGHUP\n";
            return Answer::text(StatusCode::NOT_FOUND, off);
        };
        if !matches!(*method, Method::POST | Method::PUT) {
            return Answer::text(StatusCode::METHOD_NOT_ALLOWED, "method not allowed; use POST or PUT\n")
                .with(ALLOW, "POST, PUT");
        }
        match reload.reload().await {
            Ok(in_vain) => {
                let told =
                    |key| format!("{key} has another value than at the start: it takes effect after a restart\n");
                let told: String = in_vain.into_iter().map(told).collect();
                Answer::text(StatusCode::OK, format!("reloaded\n{told}"))
            }
            Err(refusal) => {
                let told = format!("not reloaded, the configuration before stays in use:\n{refusal}\n");
                Answer::text(StatusCode::INTERNAL_SERVER_ERROR, told)
            }
        }
    }

    async fn metrics(&self, headers: &HeaderMap) -> Answer {
        let Ok(slot) = Arc::clone(&self.scrapes).try_acquire_owned() else {
            return Answer::too_many("scrapes");
        };
        let (format, gzip) = (negotiate::format(headers), negotiate::gzip(headers));
        let exposition = self.exposition.clone();
        let rendered = tokio::task::spawn_blocking(move || {
            if gzip { exposition.render_compressed(format) } else { exposition.render(format) }
        });
        let rendered = match rendered.await {
            Ok(rendered) => rendered,
            Err(error) => {
                tracing::error!(%error, "metrics could not be rendered");
                return Answer::text(StatusCode::INTERNAL_SERVER_ERROR, "metrics could not be rendered; see the log\n");
            }
        };
        Answer::new(StatusCode::OK, format.content_type(), rendered)
            .with(VARY, "Accept, Accept-Encoding")
            .gzipped(gzip)
            .holding(slot)
    }
}

impl Answer {
    pub(super) fn new(status: StatusCode, content_type: &'static str, body: impl Into<Rendered>) -> Self {
        Self { status, headers: HeaderMap::new(), body: body.into(), slot: None }
            .with(CONTENT_TYPE, content_type)
            .with(CACHE_CONTROL, "no-store")
            .with(X_CONTENT_TYPE_OPTIONS, "nosniff")
    }

    pub(super) fn text(status: StatusCode, body: impl Into<Bytes>) -> Self {
        Self::new(status, PLAIN_TEXT, body.into())
    }

    pub(super) fn with(self, name: HeaderName, value: &'static str) -> Self {
        self.with_value(name, HeaderValue::from_static(value))
    }

    pub(super) fn with_value(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    /// With these headers in the place of its own.
    pub(super) fn with_all(mut self, headers: Vec<(HeaderName, HeaderValue)>) -> Self {
        self.headers.extend(headers);
        self
    }

    /// The same, whose body is compressed or not.
    pub(super) fn gzipped(self, is_gzipped: bool) -> Self {
        if is_gzipped { self.with(CONTENT_ENCODING, "gzip") } else { self }
    }

    /// The same, holding its place among others until the last byte is sent.
    pub(super) fn holding(self, slot: OwnedSemaphorePermit) -> Self {
        Self { slot: Some(slot), ..self }
    }

    /// No place is free.
    pub(super) fn too_many(what: &str) -> Self {
        let text = format!("too many {what} at the same time; try again\n");
        Self::text(StatusCode::SERVICE_UNAVAILABLE, text).with(RETRY_AFTER, "1")
    }

    /// The answer to this request: to HEAD the same headers and no body.
    fn to(mut self, head: &Parts, turn: Turn) -> Response<Body> {
        self.headers.insert(CONTENT_LENGTH, HeaderValue::from(self.body.len()));
        if head.method == Method::HEAD {
            self.body = Rendered::default();
        }
        let mut response = Response::new(Body::new(self.body, head.version, self.slot, turn));
        *response.status_mut() = self.status;
        *response.headers_mut() = self.headers;
        response
    }
}
