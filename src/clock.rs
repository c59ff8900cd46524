//! The one place that reads the wall clock.
//!
//! Everything else gets `now` as an argument or asks a [`Clock`]. A virtual clock ticks with tokio's
//! time, which tests pause: a simulated month then takes milliseconds. Never pause time around a real
//! socket: tokio jumps ahead whenever all tasks wait.

use jiff::Timestamp;

/// Where "now" comes from: the operating system, or tokio's (pausable) time.
#[derive(Clone, Debug)]
pub struct Clock(Source);

#[derive(Clone, Debug)]
enum Source {
    System,
    Virtual { epoch: Timestamp, start: tokio::time::Instant },
}

impl Clock {
    /// The operating system's clock.
    pub fn system() -> Self {
        Self(Source::System)
    }

    /// A clock that shows `epoch` now and moves with tokio's time.
    pub fn starting_at(epoch: Timestamp) -> Self {
        Self(Source::Virtual { epoch, start: tokio::time::Instant::now() })
    }

    /// The present moment.
    #[allow(clippy::disallowed_methods)] // this is the one place
    pub fn now(&self) -> Timestamp {
        match &self.0 {
            Source::System => Timestamp::now(),
            Source::Virtual { epoch, start } => *epoch + start.elapsed(),
        }
    }
}
