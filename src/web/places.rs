//! Places for connections.
//!
//! Nobody can use them all up with connections that do nothing: where none is left, the connection that has waited for
//! its request the longest makes room for the newest one. So a scrape gets through however many others are held open.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;

/// So long at least anybody may wait for a request of theirs: whoever has only just come is on the way to send one.
const GRACE: Duration = Duration::from_millis(500);

/// The same for whoever has sent nothing at all. The first bytes of a request or a handshake come right behind the
/// connection, however long their way is; and as long as the silent keep their places, others wait to be accepted.
const SILENCE: Duration = Duration::from_millis(100);

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
    /// Those that have sent something.
    heard: Since,
    /// Those that have not.
    silent: Since,
}

type Since = BTreeMap<u64, (Instant, CancellationToken)>;

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
    /// Something has come.
    heard: bool,
    /// Requests that are being answered.
    answering: usize,
    /// Its key among those that wait.
    key: Option<u64>,
}

impl Places {
    pub(super) fn new(places: usize) -> Self {
        Self { free: Arc::new(Semaphore::new(places)), waiting: Arc::default() }
    }

    /// A place for a connection that has come, as soon as there is one.
    pub(super) async fn take(&self) -> Arc<Place> {
        let permit = loop {
            if let Ok(permit) = Arc::clone(&self.free).try_acquire_owned() {
                break permit;
            }
            let next_look = lock(&self.waiting).make_room(Instant::now());
            // It may be that somebody goes by himself, or that all are being answered.
            if let Ok(Ok(permit)) = timeout_at(next_look, Arc::clone(&self.free).acquire_owned()).await {
                break permit;
            }
        };
        let place = Place {
            waiting: Arc::clone(&self.waiting),
            leave: CancellationToken::new(),
            state: Mutex::default(),
            _permit: permit,
        };
        place.wait(&mut lock(&place.state));
        Arc::new(place)
    }
}

impl Waiting {
    /// Asks the one that has waited the longest to leave; tells when to look again.
    fn make_room(&mut self, now: Instant) -> Instant {
        let first = |those: &Since, grace| those.first_key_value().map(|(key, (since, _))| (*key, *since + grace));
        let firsts = [first(&self.silent, SILENCE), first(&self.heard, GRACE)];
        let firsts = || firsts.into_iter().flatten();
        let longest = firsts().filter(|(_, until)| *until <= now).map(|(key, _)| key).min();
        if let Some((_, leave)) = longest.and_then(|key| self.remove(key)) {
            leave.cancel();
            return now + GRACE;
        }
        firsts().map(|(_, until)| until).min().unwrap_or(now + GRACE)
    }

    fn remove(&mut self, key: u64) -> Option<(Instant, CancellationToken)> {
        self.silent.remove(&key).or_else(|| self.heard.remove(&key))
    }
}

impl Place {
    /// The first bytes have come.
    pub(super) fn hear(&self) {
        let mut state = lock(&self.state);
        state.heard = true;
        let mut waiting = lock(&self.waiting);
        if let Some((key, since)) = state.key.and_then(|key| waiting.silent.remove_entry(&key)) {
            waiting.heard.insert(key, since);
        }
    }

    /// A request has come.
    pub(super) fn begin(&self) {
        let mut state = lock(&self.state);
        state.answering += 1;
        state.heard = true;
        if let Some(key) = state.key.take() {
            lock(&self.waiting).remove(key);
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
        let those = if state.heard { &mut waiting.heard } else { &mut waiting.silent };
        those.insert(key, (Instant::now(), self.leave.clone()));
        state.key = Some(key);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(key) = lock(&self.state).key {
            lock(&self.waiting).remove(key);
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_needed(place: &Place) -> bool {
        place.leave.is_cancelled()
    }

    /// Looks for a place in the background, until it waits for one.
    async fn look_for_a_place(places: &Places) -> tokio::task::JoinHandle<Arc<Place>> {
        let places = places.clone();
        let looking = tokio::spawn(async move { places.take().await });
        tokio::task::yield_now().await;
        looking
    }

    #[tokio::test(start_paused = true)]
    async fn who_has_waited_the_longest_makes_room() {
        let places = Places::new(3);
        let [first, second, third] = [places.take().await, places.take().await, places.take().await];
        first.begin();
        first.end();
        tokio::time::advance(GRACE).await;
        assert!(![&first, &second, &third].into_iter().any(|place| is_needed(place)));
        let newest = look_for_a_place(&places).await;
        assert!(is_needed(&second), "the first one has had a request since");
        assert!(!is_needed(&first) && !is_needed(&third));
        drop(second);
        assert!(!is_needed(&newest.await.unwrap()));
        assert!(!is_needed(&first) && !is_needed(&third));
    }

    #[tokio::test(start_paused = true)]
    async fn who_has_just_come_may_send_a_request() {
        let places = Places::new(1);
        let place = places.take().await;
        place.hear();
        let newest = look_for_a_place(&places).await;
        tokio::time::sleep(GRACE / 2).await;
        assert!(!is_needed(&place) && !newest.is_finished());
        tokio::time::sleep(GRACE).await;
        assert!(is_needed(&place));
        drop(place);
        newest.await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn who_stays_silent_makes_room_sooner() {
        let places = Places::new(2);
        let [first, second] = [places.take().await, places.take().await];
        first.hear();
        let newest = look_for_a_place(&places).await;
        tokio::time::sleep(SILENCE / 2).await;
        assert!(!is_needed(&first) && !is_needed(&second));
        tokio::time::sleep(SILENCE).await;
        assert!(!is_needed(&first) && is_needed(&second), "its request is on the way");
        drop(second);
        newest.await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn who_is_being_answered_makes_room_only_afterwards() {
        let places = Places::new(1);
        let place = places.take().await;
        place.begin();
        place.begin();
        let newest = look_for_a_place(&places).await;
        place.end();
        tokio::time::sleep(10 * GRACE).await;
        assert!(!is_needed(&place));
        place.end();
        tokio::time::sleep(3 * GRACE).await;
        assert!(is_needed(&place));
        drop(place);
        assert!(!is_needed(&newest.await.unwrap()), "nobody else wants it");
    }

    #[tokio::test(start_paused = true)]
    async fn a_place_that_is_left_drives_nobody_out() {
        let places = Places::new(2);
        let [first, second] = [places.take().await, places.take().await];
        first.begin();
        second.begin();
        let newest = look_for_a_place(&places).await;
        drop(first);
        newest.await.unwrap();
        second.end();
        tokio::time::sleep(10 * GRACE).await;
        assert!(!is_needed(&second));
    }
}
