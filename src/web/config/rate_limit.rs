//! `rate_limit`: a bucket of tokens.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::document::RateLimitKeys;
use super::scalar;

/// A bucket that is full at first; each request takes a token, and one comes back each interval.
#[derive(Debug)]
pub(super) struct RateLimit {
    interval: Duration,
    burst: f64,
    level: Mutex<Level>,
}

#[derive(Debug)]
struct Level {
    tokens: f64,
    at: Instant,
}

impl RateLimit {
    /// What the keys say; `None` for no limit.
    pub(super) fn of(keys: RateLimitKeys) -> Option<Self> {
        let interval = scalar::interval(keys.interval)?;
        let burst = keys.burst.max(0) as f64;
        Some(Self { interval, burst, level: Mutex::new(Level { tokens: burst, at: Instant::now() }) })
    }

    /// Takes a token, if there is one.
    pub(super) fn allow(&self) -> bool {
        let mut level = self.level.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let gained = (now - level.at).as_secs_f64() / self.interval.as_secs_f64();
        level.tokens = (level.tokens + gained).min(self.burst);
        level.at = now;
        let allowed = level.tokens >= 1.0;
        if allowed {
            level.tokens -= 1.0;
        }
        allowed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = 1_000_000_000;

    fn limit(interval: i64, burst: i64) -> Option<RateLimit> {
        RateLimit::of(RateLimitKeys { interval, burst })
    }

    #[tokio::test(start_paused = true)]
    async fn a_burst_then_one_an_interval() {
        let limit = limit(2 * SECOND, 3).unwrap();
        assert_eq!([(); 5].map(|()| limit.allow()), [true, true, true, false, false]);
        tokio::time::advance(Duration::from_millis(1999)).await;
        assert!(!limit.allow());
        tokio::time::advance(Duration::from_millis(2)).await;
        assert_eq!([(); 2].map(|()| limit.allow()), [true, false]);
        tokio::time::advance(Duration::from_hours(1)).await;
        assert_eq!([(); 4].map(|()| limit.allow()), [true, true, true, false], "no more than a burst is saved up");
    }

    #[tokio::test(start_paused = true)]
    async fn without_an_interval_there_is_no_limit_and_without_a_burst_no_request() {
        assert!(limit(0, 5).is_none());
        assert!(limit(-SECOND, 5).is_none());
        for burst in [0, -1] {
            let limit = limit(SECOND, burst).unwrap();
            assert!(!limit.allow());
            tokio::time::advance(Duration::from_mins(1)).await;
            assert!(!limit.allow());
        }
    }
}
