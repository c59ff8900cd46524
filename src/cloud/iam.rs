//! Calls to whoever issues tokens and keys: IAM, STS, the metadata service of an ECS, the agent of CCE.
//!
//! They have a small budget of their own for each endpoint, whatever the number of projects, so that logins neither
//! eat up the projects' budgets nor come in a flood. A call that proves itself with a key or a password takes a pass
//! of the key ring: IAM locks a user after five wrong passwords as the gateway locks a key after five wrong
//! signatures, so what is wrong is tried once for all projects.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;
use tracing::debug;
use url::Url;

use super::authorise::Draft;
use super::credentials::Grant;
use super::diagnosis;
use super::error::{CloudError, ErrorKind};
use super::response::{Head, clock_skew, refusal};
use super::transport::{Received, Transport};
use crate::clock::Clock;
use crate::config::Limits;
use crate::domain::{ProjectName, Purpose};
use crate::exposition::own::OwnMetrics;
use crate::pace::keys::{Fingerprint, KeyRing, Stopped};
use crate::pace::{self, Pace};

/// The budget of one endpoint.
pub(super) const BUDGET: Limits = Limits { requests_per_second: 2.0, burst: 5, concurrency: 2 };
/// However many processes share it: one that gets fewer turns would wait too long for them ([`LONGEST_WAIT`]).
const LEAST_A_SECOND: f64 = 0.5;
/// All wait no longer than this for one that was told to wait; it waits longer itself.
const LONGEST_PAUSE: Duration = Duration::from_mins(1);
/// Those who were stopped unheard go before the one whose password was refused, which may not be the password's
/// fault but that of the project it asked for.
const COURTESY: Duration = Duration::from_mins(1);
/// Nobody waits longer for a turn: who does has no grant meanwhile, and that is to be told.
const LONGEST_WAIT: Duration = Duration::from_secs(10);
/// No answer about a login is longer: 1 MiB.
const MAX_ANSWER: usize = 1 << 20;

/// The part of the budget that each of so many processes has.
pub(super) fn part_of_budget(processes: u32) -> Limits {
    let part = BUDGET.shared_by(processes);
    Limits { requests_per_second: part.requests_per_second.max(LEAST_A_SECOND), ..part }
}

/// An endpoint that issues tokens or keys.
#[derive(Debug)]
pub(super) struct Issuer {
    pub(super) endpoint: Url,
    pub(super) transport: Transport,
    pub(super) pace: Arc<Pace>,
    pub(super) keys: Arc<KeyRing>,
    pub(super) clock: Clock,
    pub(super) metrics: OwnMetrics,
    /// Its clock is the cloud's: `dcs_exporter_clock_skew_seconds`.
    pub(super) tells_time: bool,
}

/// A call.
#[derive(Debug)]
pub(super) struct Call<'a> {
    /// Whose request it is.
    pub(super) project: &'a ProjectName,
    pub(super) purpose: Purpose,
    /// What the request is authorised with, if its body does not hold it.
    pub(super) grant: Option<&'a Grant>,
    /// The key, password or token that it proves, on the key ring.
    pub(super) proves: Option<Fingerprint>,
    /// Texts that nobody must see, besides the grant.
    pub(super) hidden: &'a [&'a str],
}

/// An answer of any status.
#[derive(Debug)]
pub(super) struct Answered {
    pub(super) received: Received,
    /// When the call was sent.
    pub(super) asked_at: Instant,
    /// The issuer's clock at the answer, where it tells.
    pub(super) date: Option<Timestamp>,
    /// Our clock at the answer.
    pub(super) at: Timestamp,
    skew: Option<SignedDuration>,
}

impl Issuer {
    /// Where this path is, with this query perhaps.
    pub(super) fn url(&self, path: &str, query: Option<&str>) -> Url {
        let mut url = self.endpoint.clone();
        url.set_path(path);
        url.set_query(query);
        url
    }

    /// Host and port, for messages.
    pub(super) fn host(&self) -> String {
        let host = self.endpoint.host_str().unwrap_or_default();
        self.endpoint.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
    }

    /// Calls when its turn comes, and reads a success.
    ///
    /// # Errors
    /// [`CloudError`] where no success came, or what it proves was refused before ([`ErrorKind::Held`]).
    pub(super) async fn call(&self, draft: Draft, call: &Call<'_>) -> Result<Answered, CloudError> {
        let Some(proof) = call.proves else { return self.accepted(self.send(draft, call).await?, call) };
        let _pass = self.keys.pass(proof).await.map_err(stopped)?;
        let result = match self.send_checked(draft, call, Some(proof)).await {
            Ok(answered) => self.accepted(answered, call),
            Err(error) => Err(error),
        };
        match result {
            Err(mut error) if refuses(error.kind) => {
                // A password or an id token comes with a project or an agency, and may be refused for that one's sake. A
                // refused signature is never anything else's fault.
                let is_certain =
                    call.grant.is_some() || !error.hint.is_some_and(|hint| diagnosis::is_general(hint, Purpose::Login));
                let stop = if is_certain { self.keys.refused(proof) } else { self.keys.doubted(proof) };
                if let Some(stop) = stop {
                    error.retry_after = error.retry_after.max(Some(stop + COURTESY));
                }
                Err(error)
            }
            Ok(answered) => {
                self.keys.proven(proof);
                Ok(answered)
            }
            other => other,
        }
    }

    /// Calls when its turn comes, and takes whatever status comes.
    ///
    /// # Errors
    /// [`CloudError`] where no answer came.
    pub(super) async fn send(&self, draft: Draft, call: &Call<'_>) -> Result<Answered, CloudError> {
        self.send_checked(draft, call, None).await
    }

    async fn send_checked(
        &self,
        draft: Draft,
        call: &Call<'_>,
        proof: Option<Fingerprint>,
    ) -> Result<Answered, CloudError> {
        let turn = pace::acquire(std::slice::from_ref(&self.pace));
        let Ok(_permit) = tokio::time::timeout(LONGEST_WAIT, turn).await else {
            let message = "was not sent: there were too many before it, or the cloud has asked for fewer";
            return Err(CloudError::new(ErrorKind::Throttled, message));
        };
        // While this one waited for its turn, another may have been refused.
        if let Some(proof) = proof {
            self.keys.check(proof).map_err(stopped)?;
        }
        let (sent, asked_at) = (self.clock.now(), Instant::now());
        let request = draft.authorised(call.grant, sent)?;
        let (mut date, mut skew) = (None, None);
        let on_head = |head: &Head| {
            date = head.date;
            skew = head.date.map(|date| clock_skew(date, sent, self.clock.now()));
        };
        let received = self.transport.exchange(request, on_head).await;
        let took = asked_at.elapsed();
        let status = received.as_ref().ok().map(|received| received.head.status);
        self.metrics.api_request(call.project, call.purpose, status, took);
        if let Some(skew) = skew.filter(|_| self.tells_time) {
            self.metrics.clock_skew(call.project, skew.as_secs_f64());
        }
        debug!(
            project = %call.project,
            operation = call.purpose.as_str(),
            status,
            took_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
            error = received.as_ref().err().map(tracing::field::display),
            "request"
        );
        Ok(Answered { received: received?, asked_at, date, at: self.clock.now(), skew })
    }

    /// The answer, if it is a success.
    ///
    /// # Errors
    /// [`CloudError`] where it is none; where it asks for less, the pace heeds it.
    pub(super) fn accepted(&self, answered: Answered, call: &Call<'_>) -> Result<Answered, CloudError> {
        let Received { head, body, .. } = &answered.received;
        if (200..300).contains(&head.status) {
            if body.as_ref().is_some_and(|body| body.len() <= MAX_ANSWER) {
                return Ok(answered);
            }
            return Err(answered.decode("is longer than 1 MiB", call));
        }
        let body = body.as_deref().unwrap_or_default();
        // Only a signature can be wrong because of the clock.
        let skew = answered.skew.filter(|_| matches!(call.grant, Some(Grant::Keys(_))));
        let error = refusal(head, body, self.clock.now(), skew, call.hidden(), call.purpose);
        let pause = error.retry_after.map(|pause| pause.min(LONGEST_PAUSE));
        if error.kind == ErrorKind::Throttled {
            self.metrics.throttled(call.project);
            self.pace.slow_down(pause);
        } else if let Some(pause) = pause {
            self.pace.pause(pause);
        }
        Err(error)
    }
}

impl<'a> Call<'a> {
    /// A login whose body holds what it needs.
    pub(super) fn login(project: &'a ProjectName, proves: Option<Fingerprint>, hidden: &'a [&'a str]) -> Self {
        Self { project, purpose: Purpose::Login, grant: None, proves, hidden }
    }

    fn hidden(&self) -> Vec<&str> {
        let grant = self.grant.map(Grant::hidden).unwrap_or_default();
        self.hidden.iter().copied().chain(grant).collect()
    }
}

impl Answered {
    /// The body of a success.
    pub(super) fn body(&self) -> &[u8] {
        self.received.body.as_deref().unwrap_or_default()
    }

    /// The error that a success is which cannot be read; `problem` is the end of a sentence that begins with "the
    /// answer".
    pub(super) fn decode(&self, problem: &str, call: &Call<'_>) -> CloudError {
        CloudError {
            status: Some(self.received.head.status),
            request_id: self.received.head.request_id(&call.hidden()),
            ..CloudError::new(ErrorKind::Decode, format!("the answer {problem}"))
        }
    }
}

/// Whether what was proven is to blame.
fn refuses(kind: ErrorKind) -> bool {
    kind.is_unauthorised() || kind == ErrorKind::ClockSkew
}

fn stopped(stopped: Stopped) -> CloudError {
    let message = "not tried: the same was refused before, and five refusals in a row would lock it; once it is \
                   changed, it is tried at once";
    CloudError { retry_after: Some(stopped.remaining), ..CloudError::new(ErrorKind::Held, message) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processes_share_the_budget_as_long_as_a_login_gets_its_turn() {
        for (processes, requests_per_second, burst, concurrency) in
            [(1, 2.0, 5, 2), (2, 1.0, 2, 1), (4, 0.5, 1, 1), (100, 0.5, 1, 1)]
        {
            assert_eq!(part_of_budget(processes), Limits { requests_per_second, burst, concurrency });
        }
    }
}
