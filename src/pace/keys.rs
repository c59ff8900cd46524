//! Which keys may be used now.
//!
//! Five refused signatures in a row lock an access key for five minutes, for its other users too (the gateway's
//! "AK access failed to reach the limit"; `dcs-api.md` §2.3 holds the sources). So until a key's first success
//! one request at a time is sent with it, and a refused signature stops all requests with it for 5 minutes, then
//! 10, 20, … up to an hour. Keys are told apart by a fingerprint of all their parts: a changed key has a clean
//! record and is tried at once.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_lc_rs::digest::{Context, SHA256};
use tokio::sync::OwnedMutexGuard;
use tokio::time::Instant;

/// The first stop after a refused signature.
const FIRST_STOP: Duration = Duration::from_mins(5);
/// The longest stop, before jitter.
const LONGEST_STOP: Duration = Duration::from_hours(1);
/// Keys remembered: one for each login and each project's token; temporary keys change every hour or so.
const REMEMBERED: usize = 1024;

/// Tells keys apart without showing them: equal for equal keys only.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fingerprint([u8; 32]);

/// The records of all keys in use, shared by all projects.
#[derive(Debug, Default)]
pub struct KeyRing {
    keys: Mutex<HashMap<Fingerprint, Key>>,
}

#[derive(Debug)]
struct Key {
    proven: bool,
    refusals: u32,
    doubts: u32,
    stopped_until: Option<Instant>,
    used_at: Instant,
    alone: Arc<tokio::sync::Mutex<()>>,
}

/// Leave to use a key; while the key is unproven nobody else has one.
#[derive(Debug)]
pub struct Pass(#[allow(dead_code)] Option<OwnedMutexGuard<()>>); // held, never read

/// The key must not be used for so long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stopped {
    /// Time left.
    pub remaining: Duration,
}

impl KeyRing {
    /// Waits until the key may be used.
    ///
    /// # Errors
    /// [`Stopped`] while its signature counts as refused.
    pub async fn pass(&self, key: Fingerprint) -> Result<Pass, Stopped> {
        let Some(alone) = self.look(key)? else { return Ok(Pass(None)) };
        let guard = alone.lock_owned().await;
        // Whoever went before may have proven the key, or have been refused.
        Ok(Pass(self.look(key)?.is_some().then_some(guard)))
    }

    /// Whether the key may be used at this moment.
    ///
    /// # Errors
    /// [`Stopped`] while its signature counts as refused.
    pub fn check(&self, key: Fingerprint) -> Result<(), Stopped> {
        self.look(key).map(|_| ())
    }

    /// The key worked.
    pub fn proven(&self, key: Fingerprint) {
        self.with(key, |key| {
            key.proven = true;
            key.refusals = 0;
            key.doubts = 0;
            key.stopped_until = None;
        });
    }

    /// The signature made with the key was refused. Tells for how long that stops it; nothing where it was stopped
    /// already.
    pub fn refused(&self, key: Fingerprint) -> Option<Duration> {
        let now = Instant::now();
        self.with(key, |state| {
            // Requests that were under way together are one refusal.
            if state.stopped_until.is_some_and(|until| until > now) {
                return None;
            }
            state.proven = false;
            state.refusals = state.refusals.saturating_add(1);
            let stop = stop_after(state.refusals, key);
            state.stopped_until = Some(now + stop);
            Some(stop)
        })
    }

    /// A request with the key was refused, for the key's sake or for what it asked for. One of these stops nothing, and
    /// of a key that has worked none does; otherwise as [`Self::refused`].
    pub fn doubted(&self, key: Fingerprint) -> Option<Duration> {
        let is_refused = self.with(key, |key| {
            key.doubts = key.doubts.saturating_add(1);
            !key.proven && key.doubts > 1
        });
        is_refused.then(|| self.refused(key)).flatten()
    }

    /// The lock to wait for while the key is unproven; nothing where it is proven.
    fn look(&self, key: Fingerprint) -> Result<Option<Arc<tokio::sync::Mutex<()>>>, Stopped> {
        let now = Instant::now();
        self.with(key, |key| match key.stopped_until {
            Some(until) if until > now => Err(Stopped { remaining: until - now }),
            _ if key.proven => Ok(None),
            _ => Ok(Some(key.alone.clone())),
        })
    }

    fn with<T>(&self, fingerprint: Fingerprint, act: impl FnOnce(&mut Key) -> T) -> T {
        let now = Instant::now();
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        if keys.len() >= REMEMBERED
            && !keys.contains_key(&fingerprint)
            && let Some(oldest) = keys.iter().min_by_key(|(_, key)| key.used_at).map(|(fingerprint, _)| *fingerprint)
        {
            keys.remove(&oldest);
        }
        let key = keys.entry(fingerprint).or_insert_with(|| Key {
            proven: false,
            refusals: 0,
            doubts: 0,
            stopped_until: None,
            used_at: now,
            alone: Arc::default(),
        });
        key.used_at = now;
        act(key)
    }
}

impl Fingerprint {
    /// The fingerprint of what a key consists of.
    pub fn of_parts(parts: &[&[u8]]) -> Self {
        let mut context = Context::new(&SHA256);
        for part in parts {
            context.update(&(part.len() as u64).to_be_bytes());
            context.update(part);
        }
        let mut digest = [0; 32];
        digest.copy_from_slice(context.finish().as_ref());
        Self(digest)
    }

    /// For the fingerprint of several.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Fingerprint(..)")
    }
}

/// 5 minutes, doubled with each refusal up to an hour, and up to a tenth more so that several processes with one
/// key do not come back together.
fn stop_after(refusals: u32, key: Fingerprint) -> Duration {
    let doubled = FIRST_STOP.saturating_mul(1 << refusals.saturating_sub(1).min(10));
    let jitter = crate::schedule::fraction((key, refusals, std::process::id())) / 10.0;
    doubled.min(LONGEST_STOP).mul_f64(1.0 + jitter)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> Fingerprint {
        Fingerprint::of_parts(&[text.as_bytes()])
    }

    #[tokio::test(start_paused = true)]
    async fn an_unproven_key_is_used_by_one_at_a_time() {
        let ring = KeyRing::default();
        let first = ring.pass(key("a")).await.unwrap();
        assert!(tokio::time::timeout(Duration::from_secs(9), ring.pass(key("a"))).await.is_err());
        ring.pass(key("b")).await.unwrap(); // another key does not wait
        ring.proven(key("a"));
        drop(first);
        let _many = [ring.pass(key("a")).await.unwrap(), ring.pass(key("a")).await.unwrap()];
    }

    #[tokio::test(start_paused = true)]
    async fn those_who_wait_for_a_refused_key_are_stopped_too() {
        let ring = Arc::new(KeyRing::default());
        let first = ring.pass(key("a")).await.unwrap();
        let second = tokio::spawn({
            let ring = ring.clone();
            async move { ring.pass(key("a")).await.map(|_| ()) }
        });
        tokio::task::yield_now().await;
        ring.refused(key("a"));
        drop(first);
        assert!(second.await.unwrap().is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn stops_grow_from_five_minutes_to_an_hour_with_at_most_a_tenth_of_jitter() {
        let ring = KeyRing::default();
        for minutes in [5, 10, 20, 40, 60, 60, 60] {
            let base = Duration::from_secs(minutes * 60);
            let stop = ring.refused(key("a")).unwrap();
            assert!(stop >= base && stop <= base.mul_f64(1.1), "{stop:?}");
            assert_eq!(ring.refused(key("a")), None, "requests under way together are one refusal");
            assert!(ring.pass(key("a")).await.is_err());
            tokio::time::sleep(stop).await;
            ring.pass(key("a")).await.unwrap();
        }
        ring.proven(key("a"));
        assert!(ring.refused(key("a")).unwrap() <= FIRST_STOP.mul_f64(1.1), "a success clears the record");
    }

    #[tokio::test(start_paused = true)]
    async fn a_refusal_that_may_not_be_the_keys_fault_is_forgiven_once() {
        let ring = KeyRing::default();
        assert_eq!(ring.doubted(key("a")), None);
        ring.pass(key("a")).await.unwrap();
        assert!(ring.doubted(key("a")).is_some());
        assert!(ring.pass(key("a")).await.is_err());
        ring.proven(key("a"));
        for _ in 0..9 {
            assert_eq!(ring.doubted(key("a")), None, "what works is not wrong");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_changed_key_is_tried_at_once() {
        let ring = KeyRing::default();
        ring.refused(key("ak wrong"));
        assert!(ring.pass(key("ak right")).await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn memory_stays_flat_while_keys_change() {
        let ring = KeyRing::default();
        for index in 0..10_000 {
            ring.pass(key(&index.to_string())).await.unwrap();
        }
        assert!(ring.keys.lock().unwrap().len() <= REMEMBERED);
    }
}
