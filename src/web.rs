//! The HTTP server: `/metrics`, `/probe`, the fleet as JSON and as a page for people, health, readiness and reloads.
//!
//! * [`listen`]: addresses as users write them, and the sockets;
//! * `accept`: the accept loop, which outlives every error;
//! * `connection`: one connection: hyper between our deadlines (`deadlines`) and an orderly end;
//! * `routes`: from a request to its answer; `negotiate` reads what the client accepts, `query` its parameters,
//!   `body` sends it;
//! * `probe`: `/probe`, and how long it waits;
//! * `instances`: `/api/v1/instances`; `page`: the same for people; `lists` bounds both, `selection` reads what is asked;
//! * `readiness`: the latch behind `/-/ready`.
//!
//! Nobody can hold the server up: a head, an answer and an idle connection each have their time ([`Bounds`]), the
//! numbers of connections, scrapes and probes are bounded, and bodies of requests are not read.

mod accept;
mod body;
mod connection;
mod deadlines;
mod instances;
pub mod listen;
mod lists;
mod negotiate;
mod page;
mod probe;
mod query;
mod readiness;
mod routes;
mod selection;

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::exposition::Exposition;
use crate::poller::Prober;
use crate::reload::Reload;
use crate::snapshot::Snapshot;
pub use listen::{BindError, ListenAddress};

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
    /// Open connections; further ones wait to be accepted.
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
    listeners: Vec<(TcpListener, SocketAddr)>,
    routes: routes::Routes,
    exposition: Exposition,
    readiness: Arc<readiness::Readiness>,
    bounds: Bounds,
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
        Ok(Self { listeners, routes, exposition, readiness, bounds: options.bounds })
    }

    /// Tells how reloads go, and where `by_post` says so takes `POST /-/reload` for one.
    #[must_use]
    pub fn reloading(mut self, reload: Reload, by_post: bool) -> Self {
        self.routes.reloading(reload, by_post);
        self
    }

    /// The addresses in use, in the order of the options; a port of 0 has become a real one.
    pub fn addrs(&self) -> Vec<SocketAddr> {
        self.listeners.iter().map(|(_, address)| *address).collect()
    }

    /// The first of the addresses in use; `None` where the options had none.
    pub fn addr(&self) -> Option<SocketAddr> {
        self.listeners.first().map(|(_, address)| *address)
    }

    /// Serves until `shutdown` ends, then answers what is being answered, for as long as [`Bounds::drain`] says.
    pub async fn run(self, shutdown: impl Future<Output = ()>) {
        let stop = CancellationToken::new();
        let cut = CancellationToken::new();
        // Whoever drops this future half-way ends the connections with it.
        let _guard = cut.clone().drop_guard();
        let connections = TaskTracker::new();
        let free = Arc::new(Semaphore::new(self.bounds.connections));
        let mut loops = JoinSet::new();
        for (listener, _) in self.listeners {
            let server = connection::Server {
                routes: self.routes.clone(),
                bounds: self.bounds.clone(),
                stop: stop.clone(),
                cut: cut.clone(),
            };
            loops.spawn(accept::accept_all(listener, server, Arc::clone(&free), connections.clone()));
        }
        loops.spawn(async move { self.readiness.watch().await });
        loops.spawn(async move { self.exposition.keep_up().await });

        shutdown.await;
        stop.cancel();
        loops.shutdown().await; // drops the listeners: nobody new is accepted
        connections.close();
        if tokio::time::timeout(self.bounds.drain, connections.wait()).await.is_err() {
            tracing::warn!(connections = connections.len(), "connections are cut: their answers take too long");
            cut.cancel();
            connections.wait().await;
        }
    }
}
