//! What the simulated cloud has seen of its client: the other half of a test.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use tokio::time::Instant;

use super::route::{Call, Version};

/// How many of the newest requests are remembered one by one.
const REMEMBERED: usize = 4096;

/// Counts since the start.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// Requests to the API; those to the control page do not count.
    pub requests: u64,
    /// Requests by version and what they asked for.
    pub by_call: BTreeMap<(Version, Call), u64>,
    /// Requests by the id of the instance in their path.
    pub by_instance: BTreeMap<String, u64>,
    /// Answers by HTTP status; 0 where the connection was reset instead.
    pub by_status: BTreeMap<u16, u64>,
    /// The most requests that came within any second.
    pub peak_per_second: usize,
    /// The most requests that were under way at the same time.
    pub peak_concurrency: usize,
    /// Requests refused for their signature, key, token or date.
    pub signature_failures: u64,
    /// Requests refused by the rate limit; those refused by a fault do not count.
    pub throttled: u64,
    /// The newest requests, oldest first, at most 4096.
    pub newest: VecDeque<Seen>,
}

/// One request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Path and query as they came.
    pub target: String,
    /// HTTP status of its answer; 0 where the connection was reset instead.
    pub status: u16,
}

impl Tally {
    /// Requests of this kind in both versions.
    pub fn calls(&self, call: Call) -> u64 {
        self.by_call.iter().filter(|((_, kind), _)| *kind == call).map(|(_, count)| count).sum()
    }
}

/// Counts, and what is needed to count.
#[derive(Debug, Default)]
pub(super) struct Judge {
    pub(super) tally: Tally,
    last_second: VecDeque<Instant>,
    under_way: usize,
}

impl Judge {
    /// A request has come; returns how many came before it.
    pub(super) fn begin(&mut self, version: Version, call: Call, instance: Option<&str>) -> u64 {
        let now = Instant::now();
        let before = self.tally.requests;
        self.tally.requests += 1;
        *self.tally.by_call.entry((version, call)).or_default() += 1;
        if let Some(instance) = instance {
            *self.tally.by_instance.entry(instance.to_owned()).or_default() += 1;
        }
        self.last_second.push_back(now);
        while self.last_second.front().is_some_and(|first| now.duration_since(*first) >= Duration::from_secs(1)) {
            self.last_second.pop_front();
        }
        self.tally.peak_per_second = self.tally.peak_per_second.max(self.last_second.len());
        self.under_way += 1;
        self.tally.peak_concurrency = self.tally.peak_concurrency.max(self.under_way);
        before
    }

    /// Its answer is ready, or it is gone.
    pub(super) fn end(&mut self, target: &str, status: u16) {
        self.under_way = self.under_way.saturating_sub(1);
        *self.tally.by_status.entry(status).or_default() += 1;
        if self.tally.newest.len() == REMEMBERED {
            self.tally.newest.pop_front();
        }
        self.tally.newest.push_back(Seen { target: target.to_owned(), status });
    }

    /// Forgets all counts but what is under way.
    pub(super) fn reset(&mut self) {
        let under_way = self.under_way;
        *self = Self { under_way, ..Self::default() };
    }
}
