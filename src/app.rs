//! The composition root: configuration in, a running daemon out.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};

use crate::clock::Clock;
use crate::cloud::client::HttpApi;
use crate::cloud::credentials::Logins;
use crate::cloud::paced::Paced;
use crate::config::{Config, CredentialsConfig, StorageConfig};
use crate::exposition::Exposition;
use crate::exposition::own::OwnMetrics;
use crate::pace::Pace;
use crate::pace::keys::KeyRing;
use crate::poller::Poller;
use crate::snapshot::Snapshot;
use crate::storage::Storage;
use crate::web::{Web, WebOptions};

/// The daemon, listening but not yet polling.
#[derive(Debug)]
pub struct App {
    poller: Poller<HttpApi>,
    web: Web,
    storage: Option<Storage>,
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
        let mut poller = poller(&config, &clock, &metrics)?;
        let storage = match config.storage {
            Some(config) => Some(restored(config, &mut poller, &clock, &metrics).await),
            None => None,
        };
        let exposition = Exposition::new(poller.subscribe(), metrics, clock);
        let web = Web::bind(options, exposition, poller.subscribe(), poller.prober()).await?;
        Ok(Self { poller, web, storage })
    }

    /// The addresses that are listened on.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.web.addrs()
    }

    /// Polls and serves until the future ends, then lets running scrapes finish and stores the last facts (contract
    /// §5.10).
    ///
    /// # Errors
    /// Where polling or serving ends by itself.
    pub async fn run(self, shutdown: impl Future<Output = ()> + Send + 'static) -> anyhow::Result<()> {
        for address in self.web.addrs() {
            tracing::info!(version = env!("CARGO_PKG_VERSION"), %address, "listening");
        }
        let ended = tokio_util::sync::CancellationToken::new();
        let storing = self
            .storage
            .map(|storage| tokio::spawn(storage.keep(self.poller.recall(), ended.clone().cancelled_owned())));
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
    let mut poller = poller(config, &clock, &metrics)?;
    poller.run_one_round().await;
    let snapshot = poller.subscribe().borrow().clone();
    Ok(snapshot)
}

/// One client and budget per project; credentials' limits, keys and logins are shared by their projects.
fn poller(config: &Config, clock: &Clock, metrics: &OwnMetrics) -> anyhow::Result<Poller<HttpApi>> {
    let keys = Arc::new(KeyRing::default());
    let mut shared: HashMap<*const CredentialsConfig, Arc<Pace>> = HashMap::new();
    let mut logins = Logins::new(config.polling.request_timeout, keys.clone(), clock.clone(), metrics.clone());
    let mut projects = Vec::with_capacity(config.projects.len());
    for project in &config.projects {
        let in_project = || format!("project {}", project.name);
        let login = logins.of(project).with_context(in_project)?;
        let api =
            HttpApi::new(project, &config.polling, login, clock.clone(), metrics.clone()).with_context(in_project)?;
        let mut paces: Vec<Arc<Pace>> = project.limits.map(|limits| Arc::new(Pace::new(limits))).into_iter().collect();
        if let Some(limits) = project.credentials.limits {
            let pace = shared.entry(Arc::as_ptr(&project.credentials)).or_insert_with(|| Arc::new(Pace::new(limits)));
            paces.push(pace.clone());
        }
        let api = Paced::new(api, project.name.clone(), paces, keys.clone(), metrics.clone());
        projects.push((project.clone(), api));
    }
    Ok(Poller::new(projects, &config.polling, clock.clone(), metrics.clone()))
}
