//! A scrape's body: the fleet's text and the exporter's own, in the format that was asked for.
//!
//! The fleet's text is the same in both formats and depends on the snapshot and the moment alone, so scrapes of one
//! snapshot within one second share it while any of them is still being sent. It is most of a scrape's memory: many
//! slow readers who came together hold it once.

use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use jiff::Timestamp;
use tokio::sync::watch;

use super::families;
use super::own::OwnMetrics;
use crate::clock::Clock;
use crate::snapshot::Snapshot;

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

/// A rendered scrape, in pieces that belong one after the other.
#[derive(Clone, Debug, Default)]
pub struct Rendered {
    pieces: Vec<Bytes>,
}

impl Rendered {
    /// The pieces, none of them empty.
    pub fn pieces(&self) -> &[Bytes] {
        &self.pieces
    }

    /// How many bytes they are together.
    pub fn len(&self) -> usize {
        self.pieces.iter().map(Bytes::len).sum()
    }

    /// Nothing at all, which no scrape is.
    pub fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    /// One gzip member of all pieces.
    ///
    /// At the fastest level: metrics repeat themselves so much that a better one saves little, at several times the
    /// cost.
    #[must_use]
    pub fn compressed(&self) -> Self {
        let mut encoder = GzEncoder::new(Vec::with_capacity(self.len() / 16), Compression::fast());
        let written = self.pieces.iter().try_for_each(|piece| encoder.write_all(piece));
        let compressed = written.and_then(|()| encoder.finish()).expect("a Vec takes everything");
        Self::from(vec![Bytes::from(compressed)])
    }

    /// One text of all pieces, for people and tests; a copy.
    pub fn to_text(&self) -> String {
        let bytes = self.pieces.concat();
        String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
    }
}

impl From<Vec<Bytes>> for Rendered {
    fn from(mut pieces: Vec<Bytes>) -> Self {
        pieces.retain(|piece| !piece.is_empty());
        Self { pieces }
    }
}

/// Everything that `/metrics` tells, ready to be rendered; cheap to clone.
#[derive(Clone, Debug)]
pub struct Exposition {
    snapshots: watch::Receiver<Arc<Snapshot>>,
    own: OwnMetrics,
    clock: Clock,
    fleet: Arc<Mutex<LatestFleet>>,
}

/// The fleet's text as it was last rendered.
#[derive(Debug, Default)]
struct LatestFleet {
    text: Weak<Fleet>,
    /// Its length, a good guess for the next one's.
    length: usize,
}

/// The fleet's text, and what it was rendered from.
#[derive(Debug)]
struct Fleet {
    snapshot: Arc<Snapshot>,
    second: i64,
    text: String,
}

/// Lets a scrape's body keep the fleet's text alive.
struct Shared(Arc<Fleet>);

impl AsRef<[u8]> for Shared {
    fn as_ref(&self) -> &[u8] {
        self.0.text.as_bytes()
    }
}

impl Exposition {
    /// What the newest of these snapshots and the exporter's own metrics tell at the clock's moment.
    pub fn new(snapshots: watch::Receiver<Arc<Snapshot>>, own: OwnMetrics, clock: Clock) -> Self {
        Self { snapshots, own, clock, fleet: Arc::default() }
    }

    /// Renders everything in this format. It takes milliseconds for a large fleet and reads `/proc`: not for an
    /// async worker.
    pub fn render(&self, format: Format) -> Rendered {
        let now = self.clock.now();
        let snapshot = self.snapshots.borrow().clone();
        let fleet = Bytes::from_owner(Shared(self.fleet_at(snapshot, now)));
        let mut own = String::with_capacity(32 * 1024);
        self.own.write(format, &mut own);
        if format == Format::OpenMetrics {
            own.push_str("# EOF\n");
        }
        Rendered::from(vec![fleet, Bytes::from(own)])
    }

    /// The fleet's text, rendered by one scrape for all that come with it.
    fn fleet_at(&self, snapshot: Arc<Snapshot>, now: Timestamp) -> Arc<Fleet> {
        let mut latest = self.fleet.lock().unwrap_or_else(PoisonError::into_inner);
        let second = now.as_second();
        if let Some(fleet) = latest.text.upgrade()
            && Arc::ptr_eq(&fleet.snapshot, &snapshot)
            && fleet.second == second
        {
            return fleet;
        }
        let mut text = String::with_capacity(latest.length + latest.length / 16);
        families::write(&snapshot, now, &mut text);
        latest.length = text.len();
        let fleet = Arc::new(Fleet { snapshot, second, text });
        latest.text = Arc::downgrade(&fleet);
        fleet
    }
}
