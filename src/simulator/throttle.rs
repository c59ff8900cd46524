//! The gateway's rate limit: a token bucket for all requests together.

use std::time::Duration;

use tokio::time::Instant;

/// How many requests the gateway lets through.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RateLimit {
    /// Requests per second, above 0.
    pub per_second: f64,
    /// Requests that may come at once, at least 1.
    pub burst: u32,
    /// `Retry-After` of the refusals; `None` sends none, as the real gateway does where it was seen.
    pub retry_after: Option<Duration>,
}

#[derive(Debug)]
pub(super) struct Bucket {
    pub(super) limit: RateLimit,
    tokens: f64,
    filled_at: Instant,
}

impl Bucket {
    pub(super) fn new(limit: RateLimit) -> Self {
        Self { limit, tokens: f64::from(limit.burst), filled_at: Instant::now() }
    }

    /// Whether one more request is let through.
    pub(super) fn admits(&mut self) -> bool {
        let now = Instant::now();
        let filled = now.duration_since(self.filled_at).as_secs_f64() * self.limit.per_second;
        self.tokens = (self.tokens + filled).min(f64::from(self.limit.burst));
        self.filled_at = now;
        let admitted = self.tokens >= 1.0;
        if admitted {
            self.tokens -= 1.0;
        }
        admitted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_burst_then_the_rate() {
        let mut bucket = Bucket::new(RateLimit { per_second: 2.0, burst: 3, retry_after: None });
        assert_eq!([(); 5].map(|()| bucket.admits()), [true, true, true, false, false]);
        tokio::time::advance(Duration::from_millis(500)).await;
        assert_eq!([(); 2].map(|()| bucket.admits()), [true, false]);
        tokio::time::advance(Duration::from_mins(1)).await;
        assert_eq!([(); 4].map(|()| bucket.admits()), [true, true, true, false]);
    }
}
