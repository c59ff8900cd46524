//! The HTTP server: `/metrics`, `/probe`, the fleet as JSON and as a page for people, health, readiness and reloads.
//!
//! * [`listen`]: addresses as users write them; `sockets`: what they become, and what systemd hands over; `socket_file`:
//!   the file of a Unix socket;
//! * `accept`: the accept loop, which outlives every error; `places`: for whom there is a place;
//! * `connection`: one connection: hyper between our deadlines (`deadlines`) and an orderly end; over TLS after a
//!   `handshake`, where `streams` are the requests of HTTP/2;
//! * [`config`]: `--web.config.file`, and `guard`, which holds requests against it;
//! * `routes`: from a request to its answer; `negotiate` reads what the client accepts, `query` its parameters,
//!   `body` sends it, `framing` refuses what could be read in two ways;
//! * `probe`: `/probe`, and how long it waits;
//! * `instances`: `/api/v1/instances`; `page`: the same for people; `lists` bounds both, `selection` reads what is asked;
//! * `readiness`: the latch behind `/-/ready`.
//!
//! Nobody can hold the server up: a head, an answer and an idle connection each have their time ([`Bounds`]), the
//! numbers of connections, scrapes and probes are bounded, and bodies of requests are not read.

mod accept;
mod body;
pub mod config;
mod connection;
mod deadlines;
mod framing;
mod guard;
mod handshake;
mod instances;
pub mod listen;
mod lists;
mod negotiate;
mod page;
mod places;
mod probe;
mod query;
mod readiness;
mod routes;
mod selection;
mod socket_file;
mod sockets;
mod streams;

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::exposition::Exposition;
use crate::poller::Prober;
use crate::reload::Reload;
use crate::snapshot::Snapshot;
pub use config::WebConfig;
pub use listen::{BindError, ListenAddress};
use sockets::Socket;
pub use sockets::{BoundAddress, InheritError, Inherited, Listener};

/// What a user can set.
#[derive(Clone, Debug)]
pub struct WebOptions {
    /// Flag `--web.listen-address`: at least one.
    pub addresses: Vec<ListenAddress>,
    /// Flag `--web.telemetry-path`: begins with `/`.
    pub telemetry_path: String,
    /// How much clients may take.
    pub bounds: Bounds,
}

/// How much clients may take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// From the connection, or the first byte of a later request, to the end of the request's head.
    pub head: Duration,
    /// Between two requests of a connection; Prometheus keeps its connection from scrape to scrape.
    pub idle: Duration,
    /// While an answer is sent, without the client taking a byte.
    pub stall: Duration,
    /// For an answer as a whole: a client that takes a byte now and then is no better than one that takes none.
    pub answer: Duration,
    /// Open connections; where there is no place, the one that has waited for a request the longest makes room.
    pub connections: usize,
    /// Scrapes that are rendered or sent; further ones are answered 503.
    pub scrapes: usize,
    /// Requests to `/probe` that wait for the cloud; further ones are answered at once, with the last facts. Fewer than
    /// connections, so that scrapes find one.
    pub probes: usize,
    /// Lists of instances, as JSON or as a page, that are rendered or sent; further ones are answered 503.
    pub lists: usize,
    /// At shutdown, for what is being answered.
    pub drain: Duration,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            head: Duration::from_secs(10),
            idle: Duration::from_mins(2),
            stall: Duration::from_secs(10),
            answer: Duration::from_mins(2),
            connections: 512,
            scrapes: 40,
            probes: 64,
            lists: 4,
            drain: Duration::from_secs(4),
        }
    }
}

/// A server whose sockets are bound.
#[derive(Debug)]
pub struct Web {
    listeners: Vec<Listener>,
    routes: routes::Routes,
    exposition: Exposition,
    readiness: Arc<readiness::Readiness>,
    bounds: Bounds,
    tls: Option<WebConfig>,
}

impl Web {
    /// Binds every address. Clients can connect from here on; they are answered once the server runs.
    ///
    /// # Errors
    /// [`BindError`] for the first address that cannot be bound.
    pub async fn bind(
        options: WebOptions,
        exposition: Exposition,
        snapshots: watch::Receiver<Arc<Snapshot>>,
        prober: Prober,
    ) -> Result<Self, BindError> {
        let mut listeners = Vec::new();
        for address in &options.addresses {
            listeners.push(address.bind().await?);
        }
        let readiness = Arc::new(readiness::Readiness::of(snapshots));
        let routes = routes::Routes::new(&options, exposition.clone(), prober, Arc::clone(&readiness));
        Ok(Self { listeners, routes, exposition, readiness, bounds: options.bounds, tls: None })
    }

    /// Tells how reloads go, and where `by_post` says so takes `POST /-/reload` for one.
    #[must_use]
    pub fn reloading(mut self, reload: Reload, by_post: bool) -> Self {
        self.routes.reloading(reload, by_post);
        self
    }

    /// Serves as a file of exporter-toolkit's format says.
    #[must_use]
    pub fn configured(mut self, config: WebConfig) -> Self {
        self.tls = config.is_tls().then(|| config.clone());
        self.routes.configured(config);
        self
    }

    /// Listens on these too.
    #[must_use]
    pub fn listening_on(mut self, listeners: Vec<Listener>) -> Self {
        self.listeners.extend(listeners);
        self
    }

    /// The addresses in use, in the order of the options.
    pub fn addresses(&self) -> Vec<BoundAddress> {
        self.listeners.iter().map(|listener| listener.at.clone()).collect()
    }

    /// The first of the addresses in use that is one of TCP.
    pub fn addr(&self) -> Option<SocketAddr> {
        self.listeners.iter().find_map(|listener| match listener.at {
            BoundAddress::Tcp(address) => Some(address),
            BoundAddress::Unix(_) => None,
        })
    }

    /// Serves until `shutdown` ends, then answers what is being answered, for as long as [`Bounds::drain`] says.
    pub async fn run(self, shutdown: impl Future<Output = ()>) {
        let stop = CancellationToken::new();
        let cut = CancellationToken::new();
        // Whoever drops this future half-way ends the connections with it.
        let _guard = cut.clone().drop_guard();
        let connections = TaskTracker::new();
        let places = places::Places::new(self.bounds.connections);
        let mut loops = JoinSet::new();
        let mut files = Vec::new();
        for listener in self.listeners {
            let server = connection::Server {
                routes: self.routes.clone(),
                bounds: self.bounds.clone(),
                tls: self.tls.clone(),
                stop: stop.clone(),
                cut: cut.clone(),
            };
            let (places, connections) = (places.clone(), connections.clone());
            match listener.socket {
                Socket::Tcp(listener) => loops.spawn(accept::accept_all(listener, server, places, connections)),
                Socket::Unix(listener, file) => {
                    files.push(file);
                    loops.spawn(accept::accept_all(listener, server, places, connections))
                }
            };
        }
        loops.spawn(async move { self.readiness.watch().await });
        loops.spawn(async move { self.exposition.keep_up().await });

        shutdown.await;
        stop.cancel();
        loops.shutdown().await; // drops the listeners: nobody new is accepted
        drop(files);
        connections.close();
        if tokio::time::timeout(self.bounds.drain, connections.wait()).await.is_err() {
            tracing::warn!(connections = connections.len(), "connections are cut: their answers take too long");
            cut.cancel();
            connections.wait().await;
        }
    }
}
