//! An API behind its budget: no request leaves but through here.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::error::ErrorKind;
use super::{Answer, CloudError, DcsApi, Request};
use crate::domain::{ProjectId, ProjectName};
use crate::exposition::own::OwnMetrics;
use crate::pace::keys::{Fingerprint, KeyRing, Stopped};
use crate::pace::{self, Pace};

/// A token that was not used within this time is given up.
const STALE: Duration = Duration::from_millis(100);

/// A project's API behind its paces and the key ring.
#[derive(Debug)]
pub struct Paced<A> {
    api: A,
    project: ProjectName,
    /// The project's own pace, or its credentials', or both.
    paces: Vec<Arc<Pace>>,
    keys: Arc<KeyRing>,
    metrics: OwnMetrics,
}

impl<A: DcsApi> Paced<A> {
    /// Puts the paces and the key ring in front of an API.
    pub fn new(api: A, project: ProjectName, paces: Vec<Arc<Pace>>, keys: Arc<KeyRing>, metrics: OwnMetrics) -> Self {
        Self { api, project, paces, keys, metrics }
    }

    /// By how much more is asked of the narrowest pace than it gives now, at least 1, where this project asks for
    /// `demand` requests a second.
    pub fn stretch(&self, demand: f64) -> f64 {
        self.paces.iter().map(|pace| pace.stretch(&self.project, demand)).fold(1.0, f64::max)
    }

    /// Nothing more will be sent: the paces count on nothing of this project any more.
    pub fn forget(&self) {
        for pace in &self.paces {
            pace.forget(&self.project);
        }
    }

    /// Requests under way at the same time that the narrowest pace allows.
    pub fn concurrency(&self) -> usize {
        self.paces.iter().map(|pace| pace.limits().concurrency as usize).min().unwrap_or(1)
    }

    /// For how long nothing may leave, because the cloud has asked for a pause.
    pub fn paused_for(&self) -> Option<Duration> {
        self.paces.iter().filter_map(|pace| pace.paused_for()).max()
    }

    /// Sends a request when its turn comes, or says why not; `leaves` is told when it has come.
    ///
    /// # Errors
    /// As for [`DcsApi::send`], and [`ErrorKind::Held`] where the key is stopped.
    pub async fn send_telling(&self, request: &Request, leaves: impl Fn() + Send + Sync) -> Result<Answer, CloudError> {
        let mut key = self.api.key().await?;
        let (mut renewed, mut was_stale) = (false, false);
        loop {
            let pass = self.keys.pass(key).await.map_err(held)?;
            let asked_at = Instant::now();
            let permit = pace::acquire(&self.paces).await;
            let let_go_at = Instant::now();
            self.metrics.limiter_waited(&self.project, asked_at.elapsed());
            // While this one waited for its token, another may have been refused, …
            self.keys.check(key).map_err(held)?;
            // … or the key been changed: whoever waited with the old one would try the new one all at once.
            let present = self.api.key().await?;
            // A token is good for its moment. Those who wait for a login, each with one, would leave all at once. On a
            // machine that is always slow the second one is used all the same.
            let is_stale = let_go_at.elapsed() > STALE && !std::mem::replace(&mut was_stale, true);
            if present != key || is_stale {
                key = present;
                continue;
            }
            leaves();
            let result = self.api.send(request).await;
            drop(permit);
            let unauthorised = matches!(&result, Err(error) if error.kind.is_unauthorised() && !error.at_login);
            if unauthorised && self.api.refused(key) && !std::mem::replace(&mut renewed, true) {
                // A token or temporary keys that have ended early: once more with new ones.
                drop(pass);
                key = self.api.key().await?;
                continue;
            }
            self.learn(key, &result);
            drop(pass);
            return result;
        }
    }

    fn learn(&self, key: Fingerprint, result: &Result<Answer, CloudError>) {
        let proven = || {
            self.keys.proven(key);
            self.api.proven(key);
        };
        let Err(error) = result else { return proven() };
        // Logins have a budget and a record of their own.
        if error.at_login {
            return;
        }
        match error.kind {
            ErrorKind::Unsupported => proven(),
            ErrorKind::BadSignature | ErrorKind::ClockSkew => {
                let Some(stop) = self.keys.refused(key) else { return };
                tracing::warn!(
                    project = %self.project,
                    minutes = stop.as_secs().div_ceil(60),
                    "no request leaves with this key for a while: five refusals in a row would lock it for all its users"
                );
            }
            ErrorKind::Throttled => {
                self.metrics.throttled(&self.project);
                for pace in &self.paces {
                    pace.slow_down(error.retry_after);
                }
            }
            _ => {
                if let Some(wait) = error.retry_after {
                    for pace in &self.paces {
                        pace.pause(wait);
                    }
                }
            }
        }
    }
}

fn held(stopped: Stopped) -> CloudError {
    let mut error = CloudError::new(ErrorKind::Held, "the key is stopped after a refused signature");
    error.retry_after = Some(stopped.remaining);
    error
}

impl<A: DcsApi> DcsApi for Paced<A> {
    async fn send(&self, request: &Request) -> Result<Answer, CloudError> {
        self.send_telling(request, || ()).await
    }

    async fn key(&self) -> Result<Fingerprint, CloudError> {
        self.api.key().await
    }

    fn proven(&self, key: Fingerprint) {
        self.api.proven(key);
    }

    fn refused(&self, key: Fingerprint) -> bool {
        self.api.refused(key)
    }

    fn project_id(&self) -> Option<ProjectId> {
        self.api.project_id()
    }
}

#[cfg(test)]
mod tests;
