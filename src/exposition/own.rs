//! The exporter's own metrics: the only place that knows the crate `prometheus`.

use std::time::Duration;

use jiff::Timestamp;

use crate::cloud::Oddities;
use crate::cloud::error::ErrorKind;
use crate::domain::{Operation, ProjectName};

/// Counters, histograms and gauges about the exporter itself; cheap to clone.
#[derive(Clone, Debug)]
pub struct OwnMetrics {}

impl OwnMetrics {
    /// All metrics, with the series of these projects at 0 where 0 is the truth.
    pub fn new(_started: Timestamp, _lookback: Duration, _projects: &[ProjectName]) -> Self {
        Self {}
    }

    /// A request was sent; `status` is `None` where no answer came (code `error`).
    pub fn api_request(&self, _project: &ProjectName, _operation: Operation, _status: Option<u16>, _took: Duration) {}

    /// A poll failed.
    pub fn poll_failed(&self, _project: &ProjectName, _operation: Operation, _kind: ErrorKind) {}

    /// The cloud said that we ask too often.
    pub fn throttled(&self, _project: &ProjectName) {}

    /// A request waited so long for its token.
    pub fn limiter_waited(&self, _project: &ProjectName, _waited: Duration) {}

    /// An answer held what could not be read.
    pub fn oddities(&self, _project: &ProjectName, _operation: Operation, _oddities: &Oddities) {}

    /// The cloud's clock minus ours, in seconds, from an answer's `Date`.
    pub fn clock_skew(&self, _project: &ProjectName, _seconds: f64) {}

    /// How the schedule stands: the delay of the most overdue poll, how many are due, and how many instances
    /// this process watches.
    pub fn schedule(&self, _project: &ProjectName, _lag: Duration, _due: usize, _watched: usize) {}
}
