//! `/metrics` as text: the fleet's families rendered from a snapshot, and the exporter's own metrics.
//!
//! * [`families`]: the fleet's families as data: name, help, type, function;
//! * [`render`]: a whole scrape, in the formats that scrapers ask for;
//! * [`single`]: the series of one instance;
//! * `fleet`: the families kept from scrape to scrape in `blocks`, so that a scrape costs what has changed;
//! * `gzip` and `deflate`: compressed blocks, joined to one member;
//! * [`rendered`]: an answer's `pieces`, taken out portion by portion while they are sent;
//! * `rhythm`: when the next scrape is to be expected;
//! * [`own`]: the exporter's own metrics, in a `prometheus` registry that nobody else touches.
//!
//! A scrape asks nobody but memory: it never waits for the cloud and never fails because the cloud does.

mod blocks;
mod deflate;
pub mod families;
mod fleet;
mod gzip;
pub mod own;
mod pieces;
mod portion;
pub mod render;
pub mod rendered;
mod rhythm;
pub mod single;
mod text;

pub use families::Kind;
pub use own::OwnMetrics;
pub use portion::Portion;
pub use render::{Exposition, Format};
pub use rendered::Rendered;

/// What is documented of a family.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The name of its samples, without the endings of a histogram's.
    pub name: &'static str,
    /// The type.
    pub kind: Kind,
    /// What it means, in a sentence.
    pub help: &'static str,
    /// Its labels (a histogram's `le` is understood).
    pub labels: Vec<&'static str>,
}

/// Every family that `/metrics` can show, in the order of the documentation: the fleet's, the exporter's own and
/// the process'.
pub fn catalogue() -> impl Iterator<Item = Entry> {
    let fleet = families::all().map(|family| Entry {
        name: family.name,
        kind: Kind::Gauge,
        help: family.help,
        labels: family.all_labels().collect(),
    });
    let own = own::FAMILIES.iter().chain(own::PROCESS_FAMILIES).map(|family| Entry {
        name: family.name,
        kind: family.kind,
        help: family.help,
        labels: family.labels.to_vec(),
    });
    fleet.chain(own)
}
