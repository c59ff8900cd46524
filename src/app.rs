//! The composition root: configuration in, a running daemon out, and other configurations in while it runs.
//!
//! `clients` has what projects share on their way to the cloud, `reloader` brings another configuration.

mod clients;
mod reloader;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Context as _, bail};

use crate::clock::Clock;
use crate::cloud::client::HttpApi;
use crate::config::{Config, Inputs, StorageConfig};
use crate::exposition::Exposition;
use crate::exposition::own::OwnMetrics;
use crate::poller::Poller;
use crate::reload::Reload;
use crate::service_manager::{Announcer, ServiceManager};
use crate::snapshot::Snapshot;
use crate::storage::Storage;
use crate::web::{BoundAddress, Listener, Web, WebConfig, WebOptions};
use clients::Clients;
use reloader::Reloader;

/// The daemon, listening but not yet polling.
#[derive(Debug)]
pub struct App {
    poller: Poller<HttpApi>,
    web: Web,
    storage: Option<Storage>,
    clients: Arc<Mutex<Clients>>,
    config: Config,
    clock: Clock,
    metrics: OwnMetrics,
    reloader: Option<(Reloader, Reload)>,
    service_manager: ServiceManager,
}

/// How long storing the last facts may take at the end, with a writing that is under way.
const LAST_STORING: Duration = Duration::from_millis(4500);

impl App {
    /// Builds everything, takes back the stored facts and listens; nothing is sent to the cloud before [`Self::run`].
    ///
    /// # Errors
    /// Where an address cannot be listened on, or a client cannot be built.
    pub async fn bind(config: Config, options: WebOptions, clock: Clock) -> anyhow::Result<Self> {
        let names: Vec<_> = config.projects.iter().map(|project| project.name.clone()).collect();
        let metrics = OwnMetrics::new(clock.now(), config.polling.lookback, &names);
        let mut clients = Clients::new(config.shard.total(), &clock, &metrics);
        let mut poller = poller(&config, &mut clients, &clock, &metrics)?;
        let storage = match config.storage.clone() {
            Some(config) => Some(restored(config, &mut poller, &clock, &metrics).await),
            None => None,
        };
        if config.shard.has_others() {
            tracing::info!(
                ordinal = config.shard.ordinal(),
                total = config.shard.total(),
                "watching a shard of the instances"
            );
        }
        let exposition = Exposition::new(poller.subscribe(), metrics.clone(), clock.clone());
        let web = Web::bind(options, exposition, poller.subscribe(), poller.prober()).await?;
        let clients = Arc::new(Mutex::new(clients));
        Ok(Self {
            poller,
            web,
            storage,
            clients,
            config,
            clock,
            metrics,
            reloader: None,
            service_manager: ServiceManager::default(),
        })
    }

    /// Lets its configuration be read anew from these inputs, by the way that is returned, and by `POST /-/reload` if
    /// `by_post` says so.
    #[must_use]
    pub fn reloading(mut self, inputs: Inputs, by_post: bool) -> (Self, Reload) {
        let (reload, requests) = crate::reload::channel(self.clock.now());
        self.web = self.web.reloading(reload.clone(), by_post);
        let reloader = Reloader {
            requests,
            inputs,
            clients: Arc::clone(&self.clients),
            handover: self.poller.handover(),
            started_with: self.config.clone(),
            clock: self.clock.clone(),
            metrics: self.metrics.clone(),
        };
        self.reloader = Some((reloader, reload.clone()));
        (self, reload)
    }

    /// Lets this service manager know how it goes.
    #[must_use]
    pub fn supervised_by(mut self, service_manager: ServiceManager) -> Self {
        self.service_manager = service_manager;
        self
    }

    /// Serves as a file of exporter-toolkit's format says, if there is one.
    #[must_use]
    pub fn configured(mut self, config: Option<WebConfig>) -> Self {
        if let Some(config) = config {
            self.web = self.web.configured(config);
        }
        self
    }

    /// Listens on these too.
    #[must_use]
    pub fn listening_on(mut self, listeners: Vec<Listener>) -> Self {
        self.web = self.web.listening_on(listeners);
        self
    }

    /// The addresses that are listened on.
    pub fn addresses(&self) -> Vec<BoundAddress> {
        self.web.addresses()
    }

    /// Polls and serves until the future ends, then lets running scrapes finish and stores the last facts (contract
    /// §5.10).
    ///
    /// # Errors
    /// Where polling or serving ends by itself.
    pub async fn run(self, shutdown: impl Future<Output = ()> + Send + 'static) -> anyhow::Result<()> {
        for address in self.web.addresses() {
            tracing::info!(version = env!("CARGO_PKG_VERSION"), %address, "listening");
        }
        let ended = tokio_util::sync::CancellationToken::new();
        let storing = self
            .storage
            .map(|storage| tokio::spawn(storage.keep(self.poller.recall(), ended.clone().cancelled_owned())));
        let (reloader, reload) = self.reloader.unzip();
        let announcer = Announcer::new(self.service_manager, self.poller.subscribe(), reload);
        if let Some(reloader) = reloader {
            tokio::spawn(ended.clone().run_until_cancelled_owned(reloader.run(announcer.clone())));
        }
        announcer.ready();
        tokio::spawn(ended.clone().run_until_cancelled_owned(announcer.clone().accompany(self.poller.pulse())));
        let mut poller = self.poller;
        let stop_polling = ended.clone().cancelled_owned();
        let polling = tokio::spawn(async move {
            poller.run_until(stop_polling).await;
            poller.remembered()
        });
        let serving = tokio::spawn(self.web.run(ended.clone().cancelled_owned()));
        tokio::pin!(polling, serving, shutdown);
        tokio::select! {
            () = &mut shutdown => {}
            result = &mut polling => {
                result.context("polling failed")?;
                bail!("polling has ended by itself");
            }
            result = &mut serving => {
                result.context("serving failed")?;
                bail!("serving has ended by itself");
            }
        }
        ended.cancel();
        announcer.stopping();
        let last_storing = async {
            let Some(storing) = storing else { return anyhow::Ok(()) };
            let last = polling.await.context("polling failed at the end")?;
            storing.await.context("storing failed")?.finish(last).await;
            Ok(())
        };
        let (served, stored) = tokio::join!(serving, tokio::time::timeout(LAST_STORING, last_storing));
        served.context("serving failed at the end")?;
        stored.unwrap_or_else(|_| {
            tracing::warn!("the last facts were not stored: the disk takes too long");
            Ok(())
        })
    }
}

/// Opens the storage and gives the poller back what it remembers.
async fn restored(config: StorageConfig, poller: &mut Poller<HttpApi>, clock: &Clock, metrics: &OwnMetrics) -> Storage {
    let mut storage = Storage::open(config, clock.clone(), metrics.clone()).await;
    if let Some(memory) = storage.load().await {
        let dropped = poller.restore(memory);
        if dropped > 0 {
            tracing::info!(instances = dropped, "stored facts of instances that are not watched any more are dropped");
        }
    }
    storage
}

/// Polls everything once, for `check`.
///
/// # Errors
/// Where a client cannot be built.
pub async fn poll_once(config: &Config, clock: Clock) -> anyhow::Result<Arc<Snapshot>> {
    let metrics = OwnMetrics::new(clock.now(), config.polling.lookback, &[]);
    let mut poller = poller(config, &mut Clients::new(config.shard.total(), &clock, &metrics), &clock, &metrics)?;
    poller.run_one_round().await;
    let snapshot = poller.subscribe().borrow().clone();
    Ok(snapshot)
}

/// A poller of this process's part of all projects, by these clients.
fn poller(
    config: &Config,
    clients: &mut Clients,
    clock: &Clock,
    metrics: &OwnMetrics,
) -> anyhow::Result<Poller<HttpApi>> {
    let prepared = clients.prepare(config)?;
    let projects = clients.put_in_use(prepared);
    Ok(Poller::new(projects, config.shard, &config.polling, clock.clone(), metrics.clone()))
}
