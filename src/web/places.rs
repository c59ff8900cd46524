//! Places for connections.
//!
//! Nobody can use them all up with connections that do nothing: where none is left, the connection that has waited for
//! its request the longest makes room for the newest one. So a scrape gets through however many others are held open.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

/// All places of a server; cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Places {
    free: Arc<Semaphore>,
    waiting: Arc<Mutex<Waiting>>,
}

/// Connections that wait for a request, whether its first bytes have come or not, by when they began to.
#[derive(Debug, Default)]
struct Waiting {
    next: u64,
    since: BTreeMap<u64, CancellationToken>,
    /// So many connections have come for which there was no place, and nobody to make room.
    wanted: usize,
}

/// A connection's place, until it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    waiting: Arc<Mutex<Waiting>>,
    /// The place is needed for somebody else.
    leave: CancellationToken,
    state: Mutex<State>,
    _permit: OwnedSemaphorePermit,
}

#[derive(Debug, Default)]
struct State {
    /// Requests that are being answered.
    answering: usize,
    /// Its key among those that wait.
    key: Option<u64>,
}

impl Places {
    pub(super) fn new(places: usize) -> Self {
        Self { free: Arc::new(Semaphore::new(places)), waiting: Arc::default() }
    }

    /// A place for a connection that has come, as soon as there is one. `None` never comes: nobody closes them.
    pub(super) async fn take(&self) -> Option<Arc<Place>> {
        let permit = if let Ok(permit) = Arc::clone(&self.free).try_acquire_owned() {
            permit
        } else {
            lock(&self.waiting).make_room();
            Arc::clone(&self.free).acquire_owned().await.ok()?
        };
        let place = Place {
            waiting: Arc::clone(&self.waiting),
            leave: CancellationToken::new(),
            state: Mutex::default(),
            _permit: permit,
        };
        place.wait(&mut lock(&place.state));
        Some(Arc::new(place))
    }
}

impl Waiting {
    fn make_room(&mut self) {
        match self.since.pop_first() {
            Some((_, leave)) => leave.cancel(),
            None => self.wanted += 1,
        }
    }
}

impl Place {
    /// A request has come.
    pub(super) fn begin(&self) {
        let mut state = lock(&self.state);
        state.answering += 1;
        if let Some(key) = state.key.take() {
            lock(&self.waiting).since.remove(&key);
        }
    }

    /// A request was answered.
    pub(super) fn end(&self) {
        let mut state = lock(&self.state);
        state.answering -= 1;
        if state.answering == 0 {
            self.wait(&mut state);
        }
    }

    /// Comes when the place is needed for somebody else.
    pub(super) async fn needed(&self) {
        self.leave.cancelled().await;
    }

    fn wait(&self, state: &mut State) {
        let mut waiting = lock(&self.waiting);
        if self.leave.is_cancelled() {
            return;
        }
        let key = waiting.next;
        waiting.next += 1;
        waiting.since.insert(key, self.leave.clone());
        state.key = Some(key);
        if waiting.wanted > 0 {
            waiting.wanted -= 1;
            waiting.make_room();
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut waiting = lock(&self.waiting);
        if let Some(key) = lock(&self.state).key {
            waiting.since.remove(&key);
        }
        // It goes by itself, which is as good.
        if !self.leave.is_cancelled() {
            waiting.wanted = waiting.wanted.saturating_sub(1);
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::future::Future as _;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use super::*;

    fn now<F: Future>(future: F) -> Option<F::Output> {
        match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(output) => Some(output),
            Poll::Pending => None,
        }
    }

    fn take(places: &Places) -> Arc<Place> {
        now(places.take()).flatten().expect("there is a place")
    }

    #[test]
    fn who_has_waited_the_longest_makes_room() {
        let places = Places::new(3);
        let [first, second, third] = [(); 3].map(|()| take(&places));
        first.begin();
        first.end();
        assert!([&first, &second, &third].iter().all(|place| now(place.needed()).is_none()));
        let mut newest = pin!(places.take());
        assert!(newest.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        assert!(now(second.needed()).is_some(), "the first one has had a request since");
        assert!(now(first.needed()).is_none() && now(third.needed()).is_none());
        drop(second);
        assert!(newest.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready());
    }

    #[test]
    fn who_is_being_answered_makes_room_only_afterwards() {
        let places = Places::new(1);
        let place = take(&places);
        place.begin();
        place.begin();
        let mut newest = pin!(places.take());
        assert!(newest.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        place.end();
        assert!(now(place.needed()).is_none());
        place.end();
        assert!(now(place.needed()).is_some());
        drop(place);
        let Poll::Ready(Some(next)) = newest.as_mut().poll(&mut Context::from_waker(Waker::noop())) else {
            panic!("the place is free");
        };
        assert!(now(next.needed()).is_none(), "nobody else wants it");
    }

    #[test]
    fn a_place_that_was_left_by_itself_drives_nobody_out() {
        let places = Places::new(2);
        let [first, second] = [(); 2].map(|()| take(&places));
        first.begin();
        second.begin();
        let mut newest = pin!(places.take());
        assert!(newest.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        drop(first);
        assert!(newest.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready());
        second.end();
        assert!(now(second.needed()).is_none());
        assert_eq!(lock(&places.waiting).since.len(), 1);
    }
}
