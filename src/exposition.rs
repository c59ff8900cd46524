//! `/metrics` as text: the fleet's families rendered from a snapshot, and the exporter's own metrics.
//!
//! * [`families`]: the fleet's families as data: name, help, type, function;
//! * [`render`]: writing them, and the registry's, in the formats that scrapers ask for;
//! * [`own`]: the exporter's own metrics, in a `prometheus` registry that nobody else touches.

pub mod own;
