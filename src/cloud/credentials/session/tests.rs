//! Sessions on virtual time: months of renewals, days of failures, crowds.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use jiff::SignedDuration;

use super::*;
use crate::cloud::credentials::Keys;
use crate::cloud::error::ErrorKind;

const MINUTE: Duration = Duration::from_mins(1);
const HOUR: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);

/// A cloud that issues keys as it is told.
#[derive(Clone, Debug)]
struct Cloud(Arc<Mutex<Rules>>);

#[derive(Debug)]
struct Rules {
    /// What goes into a login; `None` where it cannot be read.
    input: Option<&'static str>,
    /// What logins fail with.
    failing: Option<ErrorKind>,
    /// The input that logins fail for.
    wrong: Option<&'static str>,
    retry_after: Option<Duration>,
    lifetime: Duration,
    latency: Duration,
    /// New keys are made no more often than this.
    same_for: Duration,
    logins: Vec<Instant>,
    made: Option<(u64, Instant)>,
}

impl Cloud {
    fn new(lifetime: Duration) -> Self {
        Self(Arc::new(Mutex::new(Rules {
            input: Some("password"),
            failing: None,
            wrong: None,
            retry_after: None,
            lifetime,
            latency: Duration::from_millis(300),
            same_for: Duration::ZERO,
            logins: Vec::new(),
            made: None,
        })))
    }

    fn rules(&self) -> MutexGuard<'_, Rules> {
        self.0.lock().unwrap()
    }

    fn logins(&self) -> usize {
        self.rules().logins.len()
    }

    fn session(&self) -> Arc<Session<Self>> {
        Arc::new(Session::new(self.clone()))
    }
}

impl Obtain for Cloud {
    type Input = &'static str;

    async fn read(&self) -> Result<(&'static str, Fingerprint), CloudError> {
        let input = self.rules().input.ok_or_else(|| CloudError::new(ErrorKind::Unauthorized, "cannot be read"))?;
        Ok((input, Fingerprint::of_parts(&[input.as_bytes()])))
    }

    async fn obtain(&self, input: &'static str, _caller: &ProjectName) -> Result<Obtained, Failure> {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let asked_at = Instant::now();
        let latency = self.rules().latency;
        tokio::time::sleep(latency).await;
        let mut rules = self.rules();
        rules.logins.push(asked_at);
        let is_wrong = rules.wrong == Some(input);
        if let Some(kind) = rules.failing.or(is_wrong.then_some(ErrorKind::BadSignature)) {
            let error = CloudError::new(kind, format!("failure {}", rules.logins.len()));
            return Err(CloudError { retry_after: rules.retry_after, ..error }.into());
        }
        let (number, made_at) = match rules.made {
            Some(made) if made.1.elapsed() < rules.same_for => made,
            _ => (NUMBER.fetch_add(1, Ordering::Relaxed), asked_at),
        };
        rules.made = Some((number, made_at));
        let keys = Keys { access_key: format!("AK{number}"), secret: "S".into(), security_token: Some("T".into()) };
        Ok(Obtained {
            grant: Grant::Keys(keys),
            expires_at: Some(Timestamp::UNIX_EPOCH + SignedDuration::from_secs(i64::try_from(number).unwrap())),
            lifetime: rules.lifetime.saturating_sub(asked_at - made_at),
            asked_at,
            project: None,
        })
    }
}

fn caller() -> ProjectName {
    "prod".into()
}

async fn granted(session: &Session<Cloud>) -> Result<Fingerprint, CloudError> {
    session.grant(&caller()).await.map(|grant| grant.fingerprint()).map_err(|failure| failure.error)
}

fn is_held(result: &Result<Fingerprint, CloudError>) -> bool {
    matches!(result, Err(error) if error.kind == ErrorKind::Held)
}

#[tokio::test(start_paused = true)]
async fn sessions_of_an_hour_are_renewed_in_time_for_a_month() {
    let cloud = Cloud::new(HOUR);
    let session = cloud.session();
    let start = Instant::now();
    let mut longest = Duration::ZERO;
    while start.elapsed() < 30 * DAY {
        granted(&session).await.unwrap();
        let newest = *cloud.rules().logins.last().unwrap();
        longest = longest.max(newest.elapsed());
        tokio::time::sleep(Duration::from_secs(20)).await;
    }
    assert!(longest < HOUR, "no session is used after its end: {longest:?}");
    let logins = cloud.logins();
    // Every 45 minutes, when somebody asks.
    assert!((30 * 24 * 60 / 46..=30 * 24 * 60 / 45 + 1).contains(&logins), "{logins}");
}

#[tokio::test(start_paused = true)]
async fn a_thousand_callers_at_once_are_one_login() {
    let cloud = Cloud::new(HOUR);
    let session = cloud.session();
    for expected in [1, 2] {
        let callers: Vec<_> = (0..1000)
            .map(|_| {
                let session = Arc::clone(&session);
                tokio::spawn(async move { granted(&session).await.unwrap() })
            })
            .collect();
        let mut grants = Vec::new();
        for caller in callers {
            grants.push(caller.await.unwrap());
        }
        assert!(grants.windows(2).all(|pair| pair[0] == pair[1]));
        assert_eq!(cloud.logins(), expected);
        tokio::time::sleep(2 * HOUR).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_thousand_callers_of_a_failing_login_are_one_attempt() {
    let cloud = Cloud::new(HOUR);
    cloud.rules().failing = Some(ErrorKind::Unavailable);
    let session = cloud.session();
    let callers: Vec<_> = (0..1000)
        .map(|_| {
            let session = Arc::clone(&session);
            tokio::spawn(async move { granted(&session).await })
        })
        .collect();
    let mut held = 0;
    for caller in callers {
        let result = caller.await.unwrap();
        let error = result.as_ref().unwrap_err();
        assert_eq!(error.message, "failure 1");
        assert!(is_held(&result) == error.retry_after.is_some());
        held += usize::from(is_held(&result));
    }
    assert_eq!((held, cloud.logins()), (999, 1));
}

#[tokio::test(start_paused = true)]
async fn while_one_renews_the_others_go_on() {
    let cloud = Cloud::new(HOUR);
    let session = cloud.session();
    let old = granted(&session).await.unwrap();
    tokio::time::sleep(50 * MINUTE).await;
    cloud.rules().latency = 5 * MINUTE;
    let renewing = tokio::spawn({
        let session = Arc::clone(&session);
        async move { granted(&session).await.unwrap() }
    });
    tokio::task::yield_now().await;
    let before = Instant::now();
    assert_eq!(granted(&session).await.unwrap(), old);
    assert_eq!(before.elapsed(), Duration::ZERO);
    let new = renewing.await.unwrap();
    assert_ne!(new, old);
    assert_eq!(granted(&session).await.unwrap(), new);
}

#[tokio::test(start_paused = true)]
async fn days_of_failures_cost_few_attempts_and_are_over_at_once() {
    for (kind, most, recovery) in [
        (ErrorKind::Connection, 3 * 24 * 12 + 10, 6 * MINUTE),
        (ErrorKind::BadSignature, 3 * 24 + 10, 67 * MINUTE),
        (ErrorKind::Forbidden, 3 * 24 + 10, 67 * MINUTE),
    ] {
        let cloud = Cloud::new(HOUR);
        cloud.rules().failing = Some(kind);
        let session = cloud.session();
        let start = Instant::now();
        let (mut asked, mut told) = (0_usize, 0_usize);
        while start.elapsed() < 3 * DAY {
            let result = granted(&session).await;
            asked += 1;
            told += usize::from(!is_held(&result));
            assert!(result.is_err());
            tokio::time::sleep(Duration::from_secs(5)).await;
        }
        let logins = cloud.logins();
        assert_eq!(told, logins, "who made the attempt is told what happened, others that it is not due");
        assert!(logins <= most && logins >= most / 2, "{kind:?}: {logins} of {asked}");
        assert_eq!(session.state().failure.iter().count(), 1, "one failure is remembered, not all");
        cloud.rules().failing = None;
        let start = Instant::now();
        while granted(&session).await.is_err() {
            tokio::time::sleep(Duration::from_secs(5)).await;
        }
        assert!(start.elapsed() <= recovery, "{kind:?}: {:?}", start.elapsed());
    }
}

#[tokio::test(start_paused = true)]
async fn a_failed_renewal_keeps_the_session_to_its_end() {
    let cloud = Cloud::new(HOUR);
    let session = cloud.session();
    let start = Instant::now();
    let grant = granted(&session).await.unwrap();
    cloud.rules().failing = Some(ErrorKind::Timeout);
    let mut last_good = Duration::ZERO;
    loop {
        match granted(&session).await {
            Ok(present) => assert_eq!(present, grant),
            Err(_) => break,
        }
        last_good = start.elapsed();
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    assert!(last_good + Duration::from_secs(2) > HOUR && last_good <= HOUR, "{last_good:?}");
    // Every minute or a bit more from the 45th on, and once after the end.
    let attempts = cloud.logins() - 1;
    assert!((13..=16).contains(&attempts), "{attempts}");
    cloud.rules().failing = None;
    tokio::time::sleep(6 * MINUTE).await;
    assert_ne!(granted(&session).await.unwrap(), grant);
}

#[tokio::test(start_paused = true)]
async fn retry_after_is_heeded() {
    let cloud = Cloud::new(HOUR);
    (cloud.rules().failing, cloud.rules().retry_after) = (Some(ErrorKind::Throttled), Some(20 * MINUTE));
    let session = cloud.session();
    granted(&session).await.unwrap_err();
    tokio::time::sleep(19 * MINUTE).await;
    assert!(is_held(&granted(&session).await));
    tokio::time::sleep(4 * MINUTE).await;
    assert!(!is_held(&granted(&session).await));
    assert_eq!(cloud.logins(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_changed_password_is_tried_at_once() {
    let cloud = Cloud::new(DAY);
    cloud.rules().wrong = Some("password");
    let session = cloud.session();
    for _ in 0..3 {
        granted(&session).await.unwrap_err();
        tokio::time::sleep(DAY).await;
    }
    let before = cloud.logins();
    granted(&session).await.unwrap_err();
    assert!(is_held(&granted(&session).await));
    cloud.rules().input = Some("new password");
    granted(&session).await.unwrap();
    assert_eq!(cloud.logins(), before + 2);
}

#[tokio::test(start_paused = true)]
async fn a_changed_password_replaces_the_session_and_a_wrong_one_does_not() {
    let cloud = Cloud::new(DAY);
    cloud.rules().wrong = Some("wrong");
    let session = cloud.session();
    let first = granted(&session).await.unwrap();
    cloud.rules().input = Some("second");
    let second = granted(&session).await.unwrap();
    assert_ne!(first, second);
    cloud.rules().input = Some("wrong");
    let start = Instant::now();
    while start.elapsed() < 20 * HOUR {
        assert_eq!(granted(&session).await.unwrap(), second);
        tokio::time::sleep(5 * MINUTE).await;
    }
    let attempts = cloud.logins() - 2;
    assert!((15..=26).contains(&attempts), "{attempts}: pauses grow to an hour");
    cloud.rules().input = None;
    assert_eq!(granted(&session).await.unwrap(), second, "a file that is not there for a moment");
    tokio::time::sleep(5 * HOUR).await;
    let error = granted(&session).await.unwrap_err();
    assert_eq!((error.kind, error.message.as_str()), (ErrorKind::Unauthorized, "cannot be read"));
    cloud.rules().input = Some("third");
    granted(&session).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_refused_session_is_replaced_once_it_has_worked() {
    let cloud = Cloud::new(DAY);
    let session = cloud.session();
    let first = granted(&session).await.unwrap();
    assert!(!session.refused(first), "it is new and has never worked");
    assert_eq!(granted(&session).await.unwrap(), first);
    session.proven(first);
    assert!(session.refused(first));
    assert!(session.refused(first), "of two requests under way both may go on");
    let second = granted(&session).await.unwrap();
    assert_ne!(first, second);
    assert!(session.refused(first), "there is another one already");
    assert_eq!(granted(&session).await.unwrap(), second);
    assert_eq!(cloud.logins(), 2);
}

#[tokio::test(start_paused = true)]
async fn an_unproven_session_may_have_ended_early_after_five_minutes() {
    let cloud = Cloud::new(DAY);
    let session = cloud.session();
    let first = granted(&session).await.unwrap();
    tokio::time::sleep(6 * MINUTE).await;
    assert!(session.refused(first));
    assert_ne!(granted(&session).await.unwrap(), first);
}

/// One project of several with one login has a wrong id: its requests are refused with whatever session, while the
/// others prove it again and again.
#[tokio::test(start_paused = true)]
async fn refusals_that_no_login_mends_cause_few_logins() {
    let cloud = Cloud::new(DAY);
    let session = cloud.session();
    let start = Instant::now();
    while start.elapsed() < DAY {
        let grant = granted(&session).await.unwrap();
        session.proven(grant);
        session.refused(grant);
        tokio::time::sleep(Duration::from_secs(5)).await;
    }
    let logins = cloud.logins();
    assert!((20..=35).contains(&logins), "{logins}: once an hour after the first few");
}

#[tokio::test(start_paused = true)]
async fn a_refused_session_is_not_used_while_the_next_cannot_be_had() {
    let cloud = Cloud::new(DAY);
    let session = cloud.session();
    let first = granted(&session).await.unwrap();
    session.proven(first);
    cloud.rules().failing = Some(ErrorKind::BadSignature);
    assert!(session.refused(first));
    assert_eq!(granted(&session).await.unwrap_err().kind, ErrorKind::BadSignature);
    assert!(is_held(&granted(&session).await));
    cloud.rules().failing = None;
    tokio::time::sleep(2 * MINUTE).await;
    assert_ne!(granted(&session).await.unwrap(), first);
}

#[tokio::test(start_paused = true)]
async fn the_same_keys_again_are_looked_at_once_a_minute() {
    let cloud = Cloud::new(HOUR);
    cloud.rules().same_for = 50 * MINUTE;
    let session = cloud.session();
    let start = Instant::now();
    let mut grants = Vec::new();
    while start.elapsed() < 12 * HOUR {
        grants.push(granted(&session).await.unwrap());
        tokio::time::sleep(Duration::from_secs(10)).await;
    }
    grants.dedup();
    assert!((14..=15).contains(&grants.len()), "{}", grants.len());
    // The first, and from the 45th minute on some five or six more for each.
    assert!(cloud.logins() <= grants.len() * 7, "{}", cloud.logins());
}

#[tokio::test(start_paused = true)]
async fn whoever_gives_up_waiting_leaves_the_attempt_to_the_next() {
    let cloud = Cloud::new(HOUR);
    cloud.rules().latency = 10 * MINUTE;
    let session = cloud.session();
    assert!(tokio::time::timeout(MINUTE, granted(&session)).await.is_err());
    assert!(granted(&session).await.is_ok());
    assert_eq!(cloud.logins(), 1);
}

#[tokio::test(start_paused = true)]
async fn the_end_is_told_by_the_clouds_word() {
    let session = Cloud::new(HOUR).session();
    assert_eq!(session.expires_at(), None);
    granted(&session).await.unwrap();
    assert!(session.expires_at().is_some());
}
