//! How fast requests may leave for the cloud: a token bucket and a concurrency limit.
//!
//! A [`Pace`] belongs to a project, or to credentials that several projects share. It runs on tokio's time, so
//! that a simulated month exercises it; that is why it is our own (`governor` reads the system's clock). The
//! bucket starts with one token: the first round goes out at the steady rate, without a burst. Its limits may change
//! ([`Pace::limit_to`]): what it has given away, and what the cloud has made of it, stays.
//!
//! [`owners`] knows whose pace is whose while configurations come and go; [`keys`] stops requests with a key that the cloud refuses; [`crate::cloud::paced`] puts both in front of an API.

pub mod keys;
pub mod owners;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{MutexGuard, Notify, Semaphore, SemaphorePermit};
use tokio::time::Instant;

use crate::config::Limits;
use crate::domain::ProjectName;

/// A throttled rate never falls below this part of the configured one.
const SLOWEST: f64 = 1.0 / 16.0;
/// After throttling the rate grows back to the configured one over this time.
const RECOVERY: Duration = Duration::from_mins(10);
/// Answers that come within this time of a slow-down were sent before it: they slow down no further.
const SAME_THROTTLING: Duration = Duration::from_secs(1);

/// A token bucket with a concurrency limit.
#[derive(Debug)]
pub struct Pace {
    slots: Semaphore,
    turn: tokio::sync::Mutex<()>,
    bucket: Mutex<Bucket>,
    /// Told when the limits change: whoever waits for a token may have less to wait.
    changed: Notify,
    /// Requests a second that each of the projects asks for.
    demands: Mutex<BTreeMap<ProjectName, f64>>,
}

#[derive(Debug)]
struct Bucket {
    limits: Limits,
    /// Slots that are taken beyond the limit, since that was lowered: they are not given back.
    excess: usize,
    tokens: f64,
    rate: f64,
    settled_at: Instant,
    paused_until: Option<Instant>,
    slowed_at: Option<Instant>,
}

/// Leave to send one request; concurrency is given back when it is dropped.
#[derive(Debug)]
pub struct Permit<'a>(#[allow(dead_code)] Vec<Slot<'a>>); // held, never read

/// First in the line of one pace.
#[derive(Debug)]
struct Front<'a> {
    slot: Slot<'a>,
    _turn: MutexGuard<'a, ()>,
}

/// One of the requests that may be under way together.
#[derive(Debug)]
struct Slot<'a> {
    permit: Option<SemaphorePermit<'a>>,
    pace: &'a Pace,
}

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        let mut bucket = self.pace.bucket();
        if bucket.excess > 0 {
            bucket.excess -= 1;
            self.permit.take().into_iter().for_each(SemaphorePermit::forget);
        }
    }
}

/// Waits until all paces have a token and a free slot, and takes them in one moment, first come first served.
///
/// A token taken earlier than it is used is a debt: several of them, held up by another pace or a pause, would leave
/// together. The paces must be given in one order everywhere; one that is waited for holds up none that come after it.
pub async fn acquire(paces: &[Arc<Pace>]) -> Permit<'_> {
    let mut fronts: Vec<Front<'_>> = Vec::with_capacity(paces.len());
    loop {
        for pace in &paces[fronts.len()..] {
            fronts.push(pace.front().await);
        }
        let now = Instant::now();
        let Some(index) = paces.iter().position(|pace| pace.bucket().ready_at(now).is_some()) else {
            break;
        };
        // Slowed down while the others were waited for: those after it are free meanwhile.
        fronts.truncate(index + 1);
        paces[index].token().await;
    }
    for pace in paces {
        pace.bucket().tokens -= 1.0;
    }
    Permit(fronts.into_iter().map(|front| front.slot).collect())
}

impl Pace {
    /// A bucket with one token in it.
    pub fn new(limits: Limits) -> Self {
        Self {
            slots: Semaphore::new(limits.concurrency as usize),
            turn: tokio::sync::Mutex::new(()),
            bucket: Mutex::new(Bucket {
                limits,
                excess: 0,
                tokens: 1.0,
                rate: limits.requests_per_second,
                settled_at: Instant::now(),
                paused_until: None,
                slowed_at: None,
            }),
            changed: Notify::new(),
            demands: Mutex::default(),
        }
    }

    /// The limits as configured.
    pub fn limits(&self) -> Limits {
        self.bucket().limits
    }

    /// Other limits from now on. The bucket is not filled by that, a rate that the cloud has lowered stays as it is and
    /// recovers, a pause goes on; of the requests under way, those beyond a lower limit end without being followed.
    pub fn limit_to(&self, limits: Limits) {
        let mut bucket = self.bucket();
        bucket.settle(Instant::now());
        let before = std::mem::replace(&mut bucket.limits, limits);
        let is_slowed = bucket.rate < before.requests_per_second;
        bucket.rate = if is_slowed { bucket.rate.min(limits.requests_per_second) } else { limits.requests_per_second };
        bucket.tokens = bucket.tokens.min(f64::from(limits.burst));
        let (from, to) = (before.concurrency as usize, limits.concurrency as usize);
        let (fewer, more) = (from.saturating_sub(to), to.saturating_sub(from));
        let kept = more.min(bucket.excess);
        bucket.excess = bucket.excess - kept + (fewer - self.slots.forget_permits(fewer));
        self.slots.add_permits(more - kept);
        drop(bucket);
        self.changed.notify_waiters();
    }

    /// A new one in its place would let no more go: it has a token, its whole rate, and nothing is under way.
    fn is_as_new(&self) -> bool {
        let now = Instant::now();
        let mut bucket = self.bucket();
        let is_free = self.slots.available_permits() == bucket.limits.concurrency as usize;
        is_free && bucket.ready_at(now).is_none() && bucket.rate >= bucket.limits.requests_per_second
    }

    /// Waits to be first in line with a free slot and a token to take.
    async fn front(&self) -> Front<'_> {
        let permit = self.slots.acquire().await.expect("the semaphore is never closed");
        let slot = Slot { permit: Some(permit), pace: self };
        let turn = self.turn.lock().await;
        self.token().await;
        Front { slot, _turn: turn }
    }

    /// Waits until there is a token, without taking it.
    async fn token(&self) {
        loop {
            // Made first: it hears of every change from here on.
            let changed = self.changed.notified();
            let ready_at = self.bucket().ready_at(Instant::now());
            let Some(ready_at) = ready_at else { break };
            let _ = tokio::time::timeout_at(ready_at, changed).await;
        }
    }

    /// A project asks for so many requests a second from now on. Tells by how much more all of them together ask for
    /// than the present rate gives; below 1 where there is enough.
    pub fn stretch(&self, project: &ProjectName, demand: f64) -> f64 {
        let mut demands = self.demands.lock().unwrap_or_else(PoisonError::into_inner);
        demands.insert(project.clone(), demand);
        let mut bucket = self.bucket();
        bucket.settle(Instant::now());
        demands.values().sum::<f64>() / bucket.rate
    }

    /// A project asks for nothing any more.
    pub fn forget(&self, project: &ProjectName) {
        self.demands.lock().unwrap_or_else(PoisonError::into_inner).remove(project);
    }

    /// The cloud said that requests come too fast: halves the rate, and waits as long as it asks.
    pub fn slow_down(&self, retry_after: Option<Duration>) {
        let now = Instant::now();
        let mut bucket = self.bucket();
        bucket.settle(now);
        if bucket.slowed_at.is_none_or(|at| now.duration_since(at) >= SAME_THROTTLING) {
            // Where the limit was raised meanwhile, the rate may be below the slowest already.
            let slowest = (bucket.limits.requests_per_second * SLOWEST).min(bucket.rate);
            bucket.rate = (bucket.rate / 2.0).max(slowest);
            bucket.slowed_at = Some(now);
        }
        bucket.tokens = bucket.tokens.min(0.0);
        if let Some(wait) = retry_after {
            bucket.pause(now + wait);
        }
    }

    /// Lets nothing out for so long: a `Retry-After`.
    pub fn pause(&self, wait: Duration) {
        self.bucket().pause(Instant::now() + wait);
    }

    /// For how long nothing may leave, because the cloud has asked for a pause.
    pub fn paused_for(&self) -> Option<Duration> {
        let left = self.bucket().paused_until?.saturating_duration_since(Instant::now());
        (!left.is_zero()).then_some(left)
    }

    fn bucket(&self) -> std::sync::MutexGuard<'_, Bucket> {
        self.bucket.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Bucket {
    /// Whether there is a token to take; else when to ask again.
    fn ready_at(&mut self, now: Instant) -> Option<Instant> {
        self.settle(now);
        if let Some(until) = self.paused_until.filter(|until| *until > now) {
            return Some(until);
        }
        self.paused_until = None;
        if self.tokens >= 1.0 {
            return None;
        }
        // A timer may fire a moment early by rounding: never ask again in less than a millisecond.
        let missing = Duration::from_secs_f64((1.0 - self.tokens) / self.rate).max(Duration::from_millis(1));
        Some(now + missing)
    }

    /// Fills the bucket for the time gone by, and lets a throttled rate recover.
    fn settle(&mut self, now: Instant) {
        let limits = self.limits;
        let elapsed = now.duration_since(self.settled_at).as_secs_f64();
        self.tokens = (self.tokens + elapsed * self.rate).min(f64::from(limits.burst));
        let recovered = self.rate + limits.requests_per_second * elapsed / RECOVERY.as_secs_f64();
        self.rate = recovered.min(limits.requests_per_second);
        self.settled_at = now;
    }

    fn pause(&mut self, until: Instant) {
        self.paused_until = self.paused_until.max(Some(until));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(requests_per_second: f64, burst: u32, concurrency: u32) -> Limits {
        Limits { requests_per_second, burst, concurrency }
    }

    impl Pace {
        async fn acquire(self: &Arc<Self>) -> Permit<'_> {
            super::acquire(std::slice::from_ref(self)).await
        }
    }

    /// Takes and returns tokens as fast as it can for so long, and tells when.
    async fn greedy(pace: &Arc<Pace>, span: Duration) -> Vec<Duration> {
        let start = Instant::now();
        let mut times = Vec::new();
        loop {
            drop(pace.acquire().await);
            if start.elapsed() > span {
                return times;
            }
            times.push(start.elapsed());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_first_round_goes_out_at_the_steady_rate() {
        let pace = Arc::new(Pace::new(limits(5.0, 10, 8)));
        let times = greedy(&pace, Duration::from_secs(2)).await;
        assert_eq!(times[0], Duration::ZERO);
        for (index, time) in times.iter().enumerate() {
            assert!(*time + Duration::from_millis(2) >= Duration::from_millis(200) * u32::try_from(index).unwrap());
        }
        assert!((10..=11).contains(&times.len()), "{times:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn an_idle_bucket_saves_up_a_burst_and_no_more() {
        let pace = Arc::new(Pace::new(limits(2.0, 4, 8)));
        tokio::time::sleep(Duration::from_hours(1)).await;
        let times = greedy(&pace, Duration::from_secs(10)).await;
        assert_eq!(times.iter().filter(|time| time.is_zero()).count(), 4);
        assert!(times.len() <= 4 + 20 + 1);
    }

    #[tokio::test(start_paused = true)]
    async fn no_more_than_the_concurrency_are_under_way() {
        let pace = Arc::new(Pace::new(limits(1000.0, 100, 3)));
        tokio::time::sleep(Duration::from_secs(1)).await;
        let held = [pace.acquire().await, pace.acquire().await, pace.acquire().await];
        let fourth = tokio::time::timeout(Duration::from_mins(1), pace.acquire()).await;
        assert!(fourth.is_err());
        drop(held);
        pace.acquire().await;
    }

    #[tokio::test(start_paused = true)]
    async fn throttling_halves_the_rate_which_recovers_slowly() {
        let pace = Arc::new(Pace::new(limits(8.0, 1, 8)));
        pace.slow_down(None);
        pace.slow_down(None); // the same moment: one slow-down
        let slowed = greedy(&pace, Duration::from_secs(10)).await.len();
        assert!((36..=48).contains(&slowed), "{slowed}");
        for _ in 0..20 {
            tokio::time::sleep(SAME_THROTTLING).await;
            pace.slow_down(None);
        }
        let floor = greedy(&pace, Duration::from_secs(20)).await.len();
        assert!((8..=20).contains(&floor), "{floor}");
        tokio::time::sleep(RECOVERY).await;
        let recovered = greedy(&pace, Duration::from_secs(10)).await.len();
        assert!((78..=82).contains(&recovered), "{recovered}");
    }

    #[tokio::test(start_paused = true)]
    async fn retry_after_lets_nothing_out_even_for_those_who_wait_already() {
        let pace = Arc::new(Pace::new(limits(1.0, 1, 8)));
        drop(pace.acquire().await);
        let start = Instant::now();
        let waiting = tokio::spawn({
            let pace = pace.clone();
            async move { drop(pace.acquire().await) }
        });
        tokio::task::yield_now().await;
        pace.slow_down(Some(Duration::from_secs(30)));
        waiting.await.unwrap();
        assert!(start.elapsed() >= Duration::from_secs(30), "{:?}", start.elapsed());
        pace.pause(Duration::from_secs(50));
        drop(pace.acquire().await);
        assert!(start.elapsed() >= Duration::from_secs(80));
    }

    #[tokio::test(start_paused = true)]
    async fn other_limits_neither_fill_the_bucket_nor_undo_a_slow_down() {
        let pace = Arc::new(Pace::new(limits(2.0, 4, 8)));
        drop(pace.acquire().await);
        for _ in 0..100 {
            pace.limit_to(limits(2.0, 400, 8));
            pace.limit_to(limits(2.0, 4, 8));
        }
        let times = greedy(&pace, Duration::from_secs(10)).await;
        assert!(times[0] >= Duration::from_millis(499) && times.len() <= 20, "{times:?}");

        pace.slow_down(Some(Duration::from_mins(1)));
        pace.limit_to(limits(100.0, 4, 8));
        let slowed = greedy(&pace, Duration::from_secs(70)).await;
        assert!(slowed[0] >= Duration::from_mins(1), "the pause goes on: {:?}", slowed[0]);
        // From one a second it grows by a sixth each second: 10 after a minute, and 12 ten seconds later.
        assert!((90..=130).contains(&slowed.len()), "{}", slowed.len());
        tokio::time::sleep(RECOVERY).await;
        let recovered = greedy(&pace, Duration::from_secs(10)).await.len();
        assert!((990..=1010).contains(&recovered), "{recovered}");
        tokio::time::sleep(Duration::from_secs(1)).await;
        pace.limit_to(limits(1.0, 1, 8));
        assert!(greedy(&pace, Duration::from_secs(10)).await.len() <= 11, "obeyed at once");
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_waits_for_a_token_hears_of_a_higher_rate() {
        let pace = Arc::new(Pace::new(limits(0.001, 1, 8)));
        drop(pace.acquire().await);
        let start = Instant::now();
        let waiting = tokio::spawn({
            let pace = pace.clone();
            async move { drop(pace.acquire().await) }
        });
        tokio::time::sleep(Duration::from_secs(1)).await;
        pace.limit_to(limits(1.0, 1, 8));
        waiting.await.unwrap();
        assert!(start.elapsed() <= Duration::from_millis(2_010), "{:?}", start.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn a_changed_concurrency_holds_for_all_that_come_after() {
        let pace = Arc::new(Pace::new(limits(1000.0, 1000, 4)));
        tokio::time::sleep(Duration::from_mins(1)).await;
        let is_full = async || tokio::time::timeout(Duration::from_secs(1), pace.acquire()).await.is_err();
        let mut held = vec![pace.acquire().await, pace.acquire().await, pace.acquire().await];
        pace.limit_to(limits(1000.0, 1000, 1));
        while held.pop().is_some() {
            assert_eq!(is_full().await, !held.is_empty(), "{} are under way", held.len());
        }
        held = vec![pace.acquire().await];
        pace.limit_to(limits(1000.0, 1000, 3));
        held.push(pace.acquire().await);
        // Down and up again while two are under way.
        pace.limit_to(limits(1000.0, 1000, 1));
        pace.limit_to(limits(1000.0, 1000, 3));
        held.push(pace.acquire().await);
        assert!(is_full().await);
        drop(held);
        assert_eq!(pace.slots.available_permits(), 3);
    }

    proptest::proptest! {
        #[test]
        fn whatever_becomes_of_the_limit_no_more_are_under_way(steps in proptest::collection::vec((0_u8..3, 1_u32..6), 1..60)) {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
            runtime.block_on(async {
                let pace = Arc::new(Pace::new(limits(1000.0, 1000, 3)));
                let (mut held, mut limit) = (Vec::new(), 3);
                for (step, concurrency) in steps {
                    match step {
                        0 => {
                            tokio::time::sleep(Duration::from_secs(1)).await;
                            let got = tokio::time::timeout(Duration::from_secs(1), pace.acquire()).await.ok();
                            assert_eq!(got.is_some(), held.len() < limit as usize);
                            held.extend(got);
                        }
                        1 => drop(held.pop()),
                        _ => {
                            limit = concurrency;
                            pace.limit_to(limits(1000.0, 1000, limit));
                        }
                    }
                }
                held.clear();
                assert_eq!(pace.slots.available_permits(), limit as usize);
                assert_eq!(pace.bucket().excess, 0);
            });
        }

        #[test]
        fn never_more_than_burst_and_rate_allow(
            rate in 0.5_f64..50.0, burst in 1_u32..20, pauses in proptest::collection::vec(0_u64..5000, 1..40),
        ) {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
            runtime.block_on(async {
                let pace = Arc::new(Pace::new(limits(rate, burst, 4)));
                let start = Instant::now();
                let mut sent: Vec<f64> = Vec::new();
                for pause in pauses {
                    tokio::time::sleep(Duration::from_millis(pause)).await;
                    drop(pace.acquire().await);
                    sent.push(start.elapsed().as_secs_f64());
                }
                for (from, begin) in sent.iter().enumerate() {
                    for (to, end) in sent.iter().enumerate().skip(from) {
                        let allowed = f64::from(burst) + (end - begin) * rate + 0.01 * rate;
                        assert!((to - from + 1) as f64 <= allowed + 1e-6, "{sent:?}");
                    }
                }
            });
        }
    }
}
