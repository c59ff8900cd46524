//! Reading the configuration anew while everything runs.
//!
//! The files are read and the clients prepared first; only what is good as a whole is put in use. What cannot change
//! while the program runs is told, and stays as it was at the start.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::clients::{Clients, Prepared};
use crate::clock::Clock;
use crate::cloud::client::HttpApi;
use crate::config::{self, Config, Inputs};
use crate::domain::ProjectName;
use crate::exposition::own::OwnMetrics;
use crate::poller::{Changed, Handover};
use crate::reload::{Outcome, Refusal, Requests};
use crate::service_manager::Announcer;

/// Does it for those who ask.
pub(super) struct Reloader {
    pub(super) requests: Requests,
    pub(super) inputs: Inputs,
    pub(super) clients: Arc<Mutex<Clients>>,
    pub(super) handover: Handover<HttpApi>,
    /// The configuration of the start.
    pub(super) started_with: Config,
    pub(super) clock: Clock,
    pub(super) metrics: OwnMetrics,
}

/// A configuration that can be put in use.
struct Good {
    config: Config,
    warnings: Vec<String>,
    clients: Prepared,
}

impl fmt::Debug for Reloader {
    /// Inputs hold the environment, which may hold secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reloader").field("requests", &self.requests).finish_non_exhaustive()
    }
}

impl Reloader {
    /// Reloads whenever somebody asks for it, one time after the other.
    pub(super) async fn run(mut self, announcer: Announcer) {
        while let Some(sharing) = self.requests.next().await {
            announcer.reloading();
            let outcome = self.reload().await;
            let now = self.clock.now();
            match &outcome {
                Ok(_) => self.metrics.configured(now),
                Err(refusal) => {
                    self.metrics.not_reloaded();
                    for problem in refusal.problems() {
                        tracing::error!(%problem, "configuration not reloaded, the one before stays in use");
                    }
                }
            }
            self.requests.tell(sharing, now, &outcome);
            announcer.ready();
        }
    }

    async fn reload(&self) -> Outcome {
        let (inputs, clients) = (self.inputs.clone(), Arc::clone(&self.clients));
        // Files may be slow, and certificates take time.
        let read = tokio::task::spawn_blocking(move || read(&inputs, &mut lock(&clients))).await;
        let good = read.unwrap_or_else(|error| Err(Refusal::of(format!("reading the files was broken off: {error}"))));
        let Good { config, warnings, clients } = good.map_err(Arc::new)?;
        for warning in warnings {
            tracing::warn!("{warning}");
        }
        let in_vain = changed_in_vain(&self.started_with, &config);
        for key in &in_vain {
            tracing::warn!(
                key,
                "the configuration has another value than at the start: it takes effect after a restart"
            );
        }
        let projects = lock(&self.clients).put_in_use(clients);
        let watched = projects.len();
        let changed = self.handover.hand_over(projects, config.polling).await;
        lock(&self.clients).sweep();
        let changed = changed.ok_or_else(|| Arc::new(Refusal::of("the exporter is ending")))?;
        tell(watched, &changed);
        Ok(in_vain)
    }
}

fn lock(clients: &Mutex<Clients>) -> MutexGuard<'_, Clients> {
    // Nothing is in use half-way, wherever a panic came.
    clients.lock().unwrap_or_else(PoisonError::into_inner)
}

fn read(inputs: &Inputs, clients: &mut Clients) -> Result<Good, Refusal> {
    let config::Loaded { config, warnings } = config::load(inputs)?;
    let clients = clients.prepare(&config).map_err(|error| Refusal::of(format!("{error:#}")))?;
    Ok(Good { config, warnings, clients })
}

/// Keys with another value than at the start, where that changes nothing before a restart.
fn changed_in_vain(started_with: &Config, config: &Config) -> Vec<&'static str> {
    let mut keys = Vec::new();
    match (&started_with.storage, &config.storage) {
        (None, None) => {}
        (Some(then), Some(now)) => {
            let changed = [
                ("storage.path", then.path != now.path),
                ("storage.interval", then.interval != now.interval),
                ("storage.max_age", then.max_age != now.max_age),
            ];
            keys.extend(changed.into_iter().filter(|(_, is_changed)| *is_changed).map(|(key, _)| key));
        }
        (None, Some(_)) | (Some(_), None) => keys.push("storage"),
    }
    if started_with.shard != config.shard {
        keys.push("shard");
    }
    keys
}

fn tell(projects: usize, changed: &Changed) {
    let Changed { projects_added, projects_removed, instances_added, instances_removed } = changed;
    let names = |names: &[ProjectName]| {
        let names: Vec<&str> = names.iter().map(ProjectName::as_str).collect();
        (!names.is_empty()).then(|| names.join(","))
    };
    tracing::info!(
        projects,
        projects_added = names(projects_added),
        projects_removed = names(projects_removed),
        instances_added,
        instances_removed,
        "configuration reloaded"
    );
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::config::{Polling, StorageConfig};
    use crate::domain::shard::Shard;

    #[test]
    fn what_needs_a_restart_is_named() {
        let with = |storage: Option<(&str, u64, u64)>| Config {
            shard: Shard::ALONE,
            projects: Vec::new(),
            polling: Polling::default(),
            storage: storage.map(|(path, interval, max_age)| StorageConfig {
                path: path.into(),
                interval: Duration::from_secs(interval),
                max_age: Duration::from_secs(max_age),
            }),
        };
        let base = Some(("/a", 30, 3600));
        for (then, now, expected) in [
            (None, None, &[][..]),
            (base, base, &[]),
            (None, base, &["storage"]),
            (base, None, &["storage"]),
            (base, Some(("/b", 30, 3600)), &["storage.path"]),
            (base, Some(("/a", 31, 3601)), &["storage.interval", "storage.max_age"]),
        ] {
            assert_eq!(changed_in_vain(&with(then), &with(now)), expected, "{then:?} {now:?}");
        }
        let one_of_two = Config { shard: Shard::new(0, 2).unwrap(), ..with(None) };
        assert_eq!(changed_in_vain(&with(None), &one_of_two), ["shard"]);
    }
}
