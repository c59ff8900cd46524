//! Asking for the configuration to be read anew, and how that went the last time.
//!
//! Whoever may ask has a [`Reload`]: a signal, `POST /-/reload`, the pages that tell of it. Who does it takes the
//! [`Requests`]. One reload is under way at a time; all who ask meanwhile share the next one, which begins after they
//! have asked, and so sees the files as they are then.

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use tokio::sync::{mpsc, oneshot, watch};

/// What comes of a reload: the configuration of the files is in use, but for the keys that take effect after a restart,
/// or the one before still is.
pub type Outcome = Result<Vec<&'static str>, Arc<Refusal>>;

/// Why a configuration was not taken: sentences with file, line and key, as `check-config` says them; never a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal(Vec<String>);

/// How the newest loading of the configuration went, that at the start included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Newest {
    /// When it was tried.
    pub at: Timestamp,
    /// What came of it.
    pub outcome: Outcome,
}

/// The way to ask; cheap to clone.
#[derive(Clone, Debug)]
pub struct Reload {
    requests: mpsc::Sender<oneshot::Sender<Outcome>>,
    newest: watch::Receiver<Newest>,
}

/// Those who ask.
#[derive(Debug)]
pub struct Requests {
    asked: mpsc::Receiver<oneshot::Sender<Outcome>>,
    newest: watch::Sender<Newest>,
}

/// Those who share a reload.
#[derive(Debug)]
pub struct Sharing(Vec<oneshot::Sender<Outcome>>);

/// So many may ask before others have to wait with their question.
const WAITING: usize = 64;

/// A way to ask, for a configuration that was loaded at this moment.
pub fn channel(loaded_at: Timestamp) -> (Reload, Requests) {
    let (sender, asked) = mpsc::channel(WAITING);
    let (newest, told) = watch::channel(Newest { at: loaded_at, outcome: Ok(Vec::new()) });
    (Reload { requests: sender, newest: told }, Requests { asked, newest })
}

impl Reload {
    /// Reads the configuration anew, and waits until it is in use.
    ///
    /// # Errors
    /// [`Refusal`] where it cannot be used, or the program ends: nothing has changed then.
    pub async fn reload(&self) -> Outcome {
        let ending = || Arc::new(Refusal::of("the exporter is ending"));
        let (asks, answer) = oneshot::channel();
        self.requests.send(asks).await.map_err(|_| ending())?;
        answer.await.map_err(|_| ending())?
    }

    /// How the newest loading went.
    pub fn newest(&self) -> Newest {
        self.newest.borrow().clone()
    }
}

impl Requests {
    /// Waits until somebody asks, and takes all who do; `None` once nobody can ask any more.
    pub async fn next(&mut self) -> Option<Sharing> {
        let mut sharing = vec![self.asked.recv().await?];
        while let Ok(another) = self.asked.try_recv() {
            sharing.push(another);
        }
        Some(Sharing(sharing))
    }

    /// Tells them, and whoever wants to know later, what came of it.
    pub fn tell(&self, sharing: Sharing, at: Timestamp, outcome: &Outcome) {
        self.newest.send_replace(Newest { at, outcome: outcome.clone() });
        for asked in sharing.0 {
            // Whoever went away needs no answer.
            let _ = asked.send(outcome.clone());
        }
    }
}

impl Refusal {
    /// For one reason.
    pub fn of(problem: impl Into<String>) -> Self {
        Self(vec![problem.into()])
    }

    /// A line each, never none.
    pub fn problems(&self) -> &[String] {
        &self.0
    }
}

impl From<crate::config::Problems> for Refusal {
    fn from(problems: crate::config::Problems) -> Self {
        Self(problems.iter().map(ToString::to_string).collect())
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("\n"))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn who_asks_during_a_reload_shares_the_next_one() {
        let (reload, mut requests) = channel(Timestamp::UNIX_EPOCH);
        let ask = || {
            tokio::spawn({
                let reload = reload.clone();
                async move { reload.reload().await }
            })
        };
        let first = ask();
        let under_way = requests.next().await.unwrap();
        let others = [ask(), ask(), ask()];
        tokio::time::sleep(Duration::from_secs(1)).await;
        let refusal = Err(Arc::new(Refusal::of("config.yml:3: rpo: is wrong")));
        requests.tell(under_way, Timestamp::MAX, &refusal);
        assert_eq!(first.await.unwrap(), refusal);
        assert_eq!(reload.newest(), Newest { at: Timestamp::MAX, outcome: refusal });
        assert!(others.iter().all(|other| !other.is_finished()));
        let next = requests.next().await.unwrap();
        requests.tell(next, Timestamp::UNIX_EPOCH, &Ok(Vec::new()));
        for other in others {
            assert_eq!(other.await.unwrap(), Ok(Vec::new()));
        }
        assert_eq!(reload.newest().outcome, Ok(Vec::new()));
        let last = ask();
        tokio::time::sleep(Duration::from_secs(1)).await;
        drop(requests);
        assert_eq!(last.await.unwrap().unwrap_err().to_string(), "the exporter is ending");
        assert!(reload.reload().await.is_err());
    }
}
