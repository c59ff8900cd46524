//! What the simulated cloud has seen of its client: the other half of a test.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;

use super::route::{Call, Route, Version};

/// How many of the newest requests are remembered one by one.
const REMEMBERED: usize = 4096;
/// Of how many of them the bodies: those hold tokens of several KiB.
const REMEMBERED_BODIES: usize = 256;

/// Counts since the start.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// Requests to DCS; those to log in and to the control page do not count, nor in what follows up to
    /// [`Self::throttled`].
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
    /// Requests to IAM, STS, the metadata service and the pod's agent.
    pub logins: BTreeMap<Call, u64>,
    /// How many of those were answered with an error, or not at all.
    pub failed_logins: u64,
    /// The newest requests, those to log in among them, oldest first, at most 4096.
    pub newest: VecDeque<Seen>,
}

/// One request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// What it asked for.
    pub call: Call,
    /// Its HTTP method.
    pub method: String,
    /// Path and query as they came.
    pub target: String,
    /// HTTP status of its answer; 0 where the connection was reset instead.
    pub status: u16,
    /// The body as it came, of the newest 256 requests to log in; empty for others.
    pub body: Bytes,
}

impl Tally {
    /// Requests of this kind in both versions.
    pub fn calls(&self, call: Call) -> u64 {
        let logins = self.logins.get(&call).copied().unwrap_or(0);
        self.by_call.iter().filter(|((_, kind), _)| *kind == call).map(|(_, count)| count).sum::<u64>() + logins
    }

    /// All requests to log in.
    pub fn all_logins(&self) -> u64 {
        self.logins.values().sum()
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
    pub(super) fn begin(&mut self, route: &Route) -> u64 {
        let now = Instant::now();
        let before = self.tally.requests + self.tally.all_logins();
        if route.call.is_login() {
            *self.tally.logins.entry(route.call).or_default() += 1;
            return before;
        }
        self.tally.requests += 1;
        *self.tally.by_call.entry((route.version, route.call)).or_default() += 1;
        if let Some(instance) = &route.instance {
            *self.tally.by_instance.entry(instance.clone()).or_default() += 1;
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
    pub(super) fn end(&mut self, seen: Seen) {
        if seen.call.is_login() {
            self.tally.failed_logins += u64::from(!(200..300).contains(&seen.status));
        } else {
            self.under_way = self.under_way.saturating_sub(1);
            *self.tally.by_status.entry(seen.status).or_default() += 1;
        }
        let newest = &mut self.tally.newest;
        if newest.len() == REMEMBERED {
            newest.pop_front();
        }
        newest.push_back(seen);
        if let Some(old) = newest.iter_mut().rev().filter(|seen| !seen.body.is_empty()).nth(REMEMBERED_BODIES) {
            old.body = Bytes::new();
        }
    }

    /// Forgets all counts but what is under way.
    pub(super) fn reset(&mut self) {
        let under_way = self.under_way;
        *self = Self { under_way, ..Self::default() };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_newest_bodies_are_kept() {
        let mut judge = Judge::default();
        for _ in 0..REMEMBERED + 10 {
            let (method, body) = ("POST".to_owned(), Bytes::from_static(b"{}"));
            judge.end(Seen { call: Call::Token, method, target: "/v3/auth/tokens".to_owned(), status: 201, body });
        }
        let newest = &judge.tally.newest;
        assert_eq!(newest.len(), REMEMBERED);
        assert!(newest.iter().rev().take(REMEMBERED_BODIES).all(|seen| seen.body == "{}"));
        assert!(newest.iter().rev().skip(REMEMBERED_BODIES).all(|seen| seen.body.is_empty()));
    }
}
