//! A scrape's body: the fleet's text and the exporter's own, in the format that was asked for.
//!
//! The fleet's text is the same in both formats and kept from scrape to scrape (`fleet`). So that a scrape finds
//! little to do, what polls have changed is rendered between scrapes too, by [`Exposition::keep_up`], as long as
//! somebody scrapes at all; the ages too shortly before a scrape is to be expected.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use tokio::sync::watch;
use tokio::time::Instant;

use super::fleet::Fleet;
use super::gzip::{Joined, Member, Packed};
use super::own::{Health, OwnMetrics};
use super::pieces::Pieces;
use super::rendered::Rendered;
use super::rhythm::Rhythm;
use crate::clock::Clock;
use crate::domain::ProjectName;
use crate::snapshot::Snapshot;

/// Between two looks at what polls have changed: so many times as long as rendering it took, …
const PAUSE: u32 = 4;
/// … not less, so that several polls are one piece of work, …
const SHORTEST_PAUSE: Duration = Duration::from_millis(20);
/// … and not more, so that a scrape does not find all of it to do.
const LONGEST_PAUSE: Duration = Duration::from_millis(500);
/// A smaller fleet is compressed as one text at each scrape: its blocks are too short to be compressed well.
const SMALL_FLEET: usize = 512 * 1024;

/// In which format metrics are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Prometheus' text format 0.0.4.
    Text,
    /// OpenMetrics 1.0.
    OpenMetrics,
}

impl Format {
    /// The header `Content-Type`, as Prometheus wants it: since version 3 it refuses any other.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Text => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }
}

/// Everything that `/metrics` tells, ready to be rendered; cheap to clone.
#[derive(Clone, Debug)]
pub struct Exposition {
    snapshots: watch::Receiver<Arc<Snapshot>>,
    own: OwnMetrics,
    clock: Clock,
    kept: Arc<Mutex<Kept>>,
}

/// What is kept from scrape to scrape.
#[derive(Debug, Default)]
struct Kept {
    fleet: Fleet,
    scrapes: Rhythm,
    compressed_scrapes: Rhythm,
}

impl Exposition {
    /// What the newest of these snapshots and the exporter's own metrics tell at the clock's moment.
    pub fn new(snapshots: watch::Receiver<Arc<Snapshot>>, own: OwnMetrics, clock: Clock) -> Self {
        Self { snapshots, own, clock, kept: Arc::default() }
    }

    /// The newest picture, and the clock's moment.
    pub fn picture(&self) -> (Arc<Snapshot>, Timestamp) {
        (self.snapshots.borrow().clone(), self.clock.now())
    }

    /// How asking a project goes.
    pub fn health(&self, project: &ProjectName) -> Health {
        self.own.health(project)
    }

    /// Renders everything in this format. It may take milliseconds for a large fleet and reads `/proc`: not for an
    /// async worker.
    pub fn render(&self, format: Format) -> Rendered {
        let mut parts: Vec<Arc<Pieces>> = self.brought_up_to_date().fleet.plain().collect();
        parts.push(Pieces::one(Bytes::from(self.own_text(format))));
        Rendered::new(parts)
    }

    /// Renders everything in this format as one gzip member; likewise.
    pub fn render_compressed(&self, format: Format) -> Rendered {
        let mut kept = self.brought_up_to_date();
        kept.compressed_scrapes.scraped(self.clock.now());
        let mut text = Vec::new();
        let mut member = Member::default();
        if kept.fleet.is_longer_than(SMALL_FLEET) {
            kept.fleet.packed().for_each(|family| member.push(family));
        } else {
            text.extend_from_slice(&Rendered::new(kept.fleet.plain()).to_bytes());
        }
        drop(kept);
        text.extend_from_slice(self.own_text(format).as_bytes());
        member.push(&Joined::of([Packed::of(&text)]));
        member.into_rendered()
    }

    /// Renders what polls change, soon after they have, for as long as there are polls: scrapes then find it done.
    pub async fn keep_up(&self) {
        let mut snapshots = self.snapshots.clone();
        while snapshots.changed().await.is_ok() {
            let begun = Instant::now();
            let exposition = self.clone();
            if let Err(error) = tokio::task::spawn_blocking(move || exposition.catch_up()).await {
                tracing::error!(%error, "what has changed could not be rendered; the next scrape tries again");
            }
            tokio::time::sleep((begun.elapsed() * PAUSE).clamp(SHORTEST_PAUSE, LONGEST_PAUSE)).await;
        }
    }

    fn catch_up(&self) {
        let now = self.clock.now();
        let mut kept = self.kept();
        if !kept.scrapes.is_alive(now) {
            return;
        }
        if let Some(moment) = kept.scrapes.near(now) {
            kept.fleet.move_to(moment);
        }
        let snapshot = self.snapshots.borrow().clone();
        kept.fleet.take(&snapshot);
        if kept.compressed_scrapes.near(now).is_some() {
            kept.fleet.pack();
        } else if kept.compressed_scrapes.is_alive(now) {
            kept.fleet.pack_ahead();
        }
    }

    /// What is kept, for a scrape now.
    fn brought_up_to_date(&self) -> MutexGuard<'_, Kept> {
        let mut kept = self.kept();
        let now = self.clock.now();
        let snapshot = self.snapshots.borrow().clone();
        kept.scrapes.scraped(now);
        kept.fleet.move_to(now);
        kept.fleet.take(&snapshot);
        kept
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(|poisoned| {
            // Whoever panicked may have left it half done.
            let mut kept = poisoned.into_inner();
            *kept = Kept::default();
            self.kept.clear_poison();
            kept
        })
    }

    fn own_text(&self, format: Format) -> String {
        let mut own = String::with_capacity(32 * 1024);
        self.own.write(format, &mut own);
        if format == Format::OpenMetrics {
            own.push_str("# EOF\n");
        }
        own
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_polls_change_is_rendered_between_scrapes_while_there_are_any() {
        let (sender, snapshots) = watch::channel(Arc::default());
        let clock = Clock::starting_at(Timestamp::UNIX_EPOCH);
        let own = OwnMetrics::new(clock.now(), Duration::ZERO, &[]);
        let exposition = Exposition::new(snapshots, own, clock);
        let keeping = exposition.clone();
        tokio::spawn(async move { keeping.keep_up().await });
        // Time stands still while something is rendered.
        let is_taken = async || {
            let snapshot = Arc::default();
            sender.send_replace(Arc::clone(&snapshot));
            tokio::time::sleep(Duration::from_secs(1)).await;
            exposition.kept().fleet.shows(&snapshot)
        };
        assert!(!is_taken().await, "nobody has scraped yet");
        exposition.render(Format::Text);
        assert!(is_taken().await);
        exposition.render_compressed(Format::Text);
        assert!(is_taken().await);
        tokio::time::sleep(Duration::from_mins(5)).await;
        assert!(!is_taken().await, "nobody scrapes any more");
    }
}
