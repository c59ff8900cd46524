//! Requests in their turn: refused keys, renewed ones, and logins that fail.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::time::Duration;

use jiff::Timestamp;

use super::*;
use crate::cloud::Page;
use crate::config::Limits;

/// An API whose key may change when it is refused.
#[derive(Debug, Default)]
struct Api {
    /// What the next requests are answered with; then well.
    failures: Mutex<VecDeque<CloudError>>,
    /// Why there is no key.
    no_key: Mutex<Option<CloudError>>,
    /// The first key is followed by another where it is refused.
    renews: bool,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    key: u64,
    sent: Vec<u64>,
    proven: Vec<Fingerprint>,
}

impl Api {
    fn failing(kinds: &[ErrorKind]) -> Self {
        let failures = kinds.iter().map(|kind| CloudError::new(*kind, "scripted")).collect();
        Self { failures: Mutex::new(failures), ..Self::default() }
    }
}

fn key(number: u64) -> Fingerprint {
    Fingerprint::of_parts(&[&number.to_be_bytes()])
}

impl DcsApi for Arc<Api> {
    async fn send(&self, _request: &Request) -> Result<Answer, CloudError> {
        let mut state = self.state.lock().unwrap();
        let key = state.key;
        state.sent.push(key);
        match self.failures.lock().unwrap().pop_front() {
            Some(error) => Err(error),
            None => Ok(Answer::Records(Page::default())),
        }
    }

    async fn key(&self) -> Result<Fingerprint, CloudError> {
        match &*self.no_key.lock().unwrap() {
            Some(error) => Err(error.clone()),
            None => Ok(key(self.state.lock().unwrap().key)),
        }
    }

    fn proven(&self, key: Fingerprint) {
        self.state.lock().unwrap().proven.push(key);
    }

    fn refused(&self, _key: Fingerprint) -> bool {
        let mut state = self.state.lock().unwrap();
        let renews = self.renews && state.key == 0;
        state.key += u64::from(renews);
        renews
    }
}

fn paced(api: &Arc<Api>) -> Paced<Arc<Api>> {
    let metrics = OwnMetrics::new(Timestamp::UNIX_EPOCH, Duration::ZERO, &[]);
    let limits = Limits { requests_per_second: 10.0, burst: 10, concurrency: 8 };
    Paced::new(Arc::clone(api), "prod".into(), vec![Arc::new(Pace::new(limits))], Arc::default(), metrics)
}

fn backups() -> Request {
    Request::Backups("i".into(), crate::cloud::Window { offset: 0, limit: 1000 })
}

#[tokio::test(start_paused = true)]
async fn a_refused_session_is_renewed_and_the_request_sent_once_more() {
    for kind in [ErrorKind::BadSignature, ErrorKind::Unauthorized] {
        let api = Arc::new(Api { renews: true, ..Api::failing(&[kind]) });
        let paced = paced(&api);
        paced.send(&backups()).await.unwrap();
        let state = api.state.lock().unwrap();
        assert_eq!(state.sent, [0, 1]);
        assert_eq!(state.proven, [key(1)]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_renewed_session_that_is_refused_too_stops() {
    let api = Arc::new(Api { renews: true, ..Api::failing(&[ErrorKind::BadSignature; 9]) });
    let paced = paced(&api);
    assert_eq!(paced.send(&backups()).await.unwrap_err().kind, ErrorKind::BadSignature);
    assert_eq!(api.state.lock().unwrap().sent, [0, 1]);
    assert_eq!(paced.send(&backups()).await.unwrap_err().kind, ErrorKind::Held, "the second key is stopped");
}

#[tokio::test(start_paused = true)]
async fn a_refused_access_key_is_stopped_at_once() {
    let api = Arc::new(Api::failing(&[ErrorKind::BadSignature]));
    let paced = paced(&api);
    assert_eq!(paced.send(&backups()).await.unwrap_err().kind, ErrorKind::BadSignature);
    let error = paced.send(&backups()).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Held);
    assert!(error.retry_after.unwrap() > Duration::from_mins(4));
    assert_eq!(api.state.lock().unwrap().sent, [0]);
}

#[tokio::test(start_paused = true)]
async fn a_login_that_fails_costs_the_project_nothing() {
    let api = Arc::new(Api::default());
    let paced = paced(&api);
    for kind in [ErrorKind::Throttled, ErrorKind::BadSignature, ErrorKind::ClockSkew, ErrorKind::Unavailable] {
        let wait = Some(Duration::from_hours(1));
        let error = CloudError { at_login: true, retry_after: wait, ..CloudError::new(kind, "at the login") };
        // Before the request's turn, …
        *api.no_key.lock().unwrap() = Some(error.clone());
        assert_eq!(paced.send(&backups()).await.unwrap_err(), error);
        *api.no_key.lock().unwrap() = None;
        // … and in the moment before it is sent.
        api.failures.lock().unwrap().push_back(error.clone());
        assert_eq!(paced.send(&backups()).await.unwrap_err(), error);
    }
    let start = Instant::now();
    paced.send(&backups()).await.unwrap();
    assert!(start.elapsed() < Duration::from_secs(1), "neither the pace nor the key was told");
    assert_eq!(api.state.lock().unwrap().key, 0);
}

#[tokio::test(start_paused = true)]
async fn many_requests_with_a_wrong_key_are_one() {
    let api = Arc::new(Api::failing(&[ErrorKind::BadSignature; 100]));
    let paced = Arc::new(paced(&api));
    let requests: Vec<_> = (0..50)
        .map(|_| {
            let paced = Arc::clone(&paced);
            tokio::spawn(async move { paced.send(&backups()).await.unwrap_err().kind })
        })
        .collect();
    let mut kinds = Vec::new();
    for request in requests {
        kinds.push(request.await.unwrap());
    }
    assert_eq!(kinds.iter().filter(|kind| **kind == ErrorKind::Held).count(), 49);
    assert_eq!(api.state.lock().unwrap().sent, [0]);
}
