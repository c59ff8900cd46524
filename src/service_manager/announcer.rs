//! What is told when.

use std::sync::Arc;
use std::time::Duration;

use sd_notify::NotifyState;
use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior};

use super::ServiceManager;
use super::condition::Condition;
use crate::poller::Pulse;
use crate::reload::Reload;
use crate::snapshot::Snapshot;

/// How the exporter stands is told again at most so often, where that has changed.
const FRESH: Duration = Duration::from_secs(5);
/// A sign of life comes so many times while the watchdog waits for one, …
const SIGNS: u32 = 3;
/// … but not more often than this.
const SHORTEST: Duration = Duration::from_millis(10);

/// Tells the service manager what becomes of the daemon; cheap to clone.
#[derive(Clone, Debug)]
pub struct Announcer {
    manager: ServiceManager,
    condition: Condition,
}

impl Announcer {
    /// For a daemon that shows these pictures, and reloads in this way.
    pub fn new(manager: ServiceManager, pictures: watch::Receiver<Arc<Snapshot>>, reload: Option<Reload>) -> Self {
        Self { manager, condition: Condition { pictures, reload } }
    }

    /// The sockets listen, or a reload is over. Not that facts are there: a start must not wait for the cloud.
    pub fn ready(&self) {
        self.manager.tell(&[NotifyState::Ready, NotifyState::Status(&self.condition.line())]);
    }

    /// The configuration is read anew; [`Self::ready`] follows, well or badly.
    pub fn reloading(&self) {
        let mut states = vec![NotifyState::Reloading];
        // `Type=notify-reload` goes by the time; without a clock there is none to tell.
        states.extend(NotifyState::monotonic_usec_now());
        self.manager.tell(&states);
    }

    /// The daemon ends.
    pub fn stopping(&self) {
        self.manager.tell(&[NotifyState::Stopping, NotifyState::Status("answering what was asked and storing facts")]);
    }

    /// Gives signs of life as long as the poller does, and tells how the exporter stands; ends with the poller.
    pub async fn accompany(self, pulse: Pulse) {
        if !self.manager.is_there() {
            return;
        }
        let watchdog = self.manager.watchdog();
        let every = watchdog.map_or(FRESH, |time| (time / SIGNS).clamp(SHORTEST, FRESH));
        let mut ticks = tokio::time::interval(every);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut told = String::new();
        loop {
            ticks.tick().await;
            if feel(&pulse, every).await.is_none() {
                return;
            }
            let line = self.condition.line();
            let mut states = Vec::new();
            states.extend(watchdog.map(|_| NotifyState::Watchdog));
            states.extend((line != told).then_some(NotifyState::Status(&line)));
            if !states.is_empty() {
                self.manager.tell(&states);
            }
            told = line;
        }
    }
}

/// Waits for the poller, telling the log once that it takes long.
async fn feel(pulse: &Pulse, patience: Duration) -> Option<()> {
    let felt = pulse.felt();
    tokio::pin!(felt);
    let begin = Instant::now();
    if let Ok(felt) = tokio::time::timeout(patience, &mut felt).await {
        return felt;
    }
    tracing::error!(seconds = patience.as_secs_f64(), "the poll loop does not turn: the watchdog gets no sign of life");
    felt.await?;
    tracing::warn!(seconds = begin.elapsed().as_secs_f64(), "the poll loop turns again");
    Some(())
}
