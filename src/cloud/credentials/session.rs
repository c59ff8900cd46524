//! A session: a token or temporary keys that end, obtained, kept and obtained anew.
//!
//! One attempt at a time, whoever asks. While the session is valid, only who makes the attempt waits for it, and a
//! failed one costs nothing but a line in the log; once the session has ended, all wait for one attempt, and after a
//! failed one nobody sends anything until the next is due. What goes into a login is looked at each time: where it has
//! changed, a new login is tried at once, beside the old session while that is valid. A session that the cloud
//! refuses before its end is given up if it has worked or is no longer new; one that never worked would be followed by
//! another that does not.

use std::fmt;
use std::future::Future;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use super::failure::{Failure, Remembered};
use super::grant::Grant;
use super::renewal;
use super::{Boxed, Granting};
use crate::cloud::error::CloudError;
use crate::domain::{ProjectId, ProjectName};
use crate::pace::keys::Fingerprint;

/// One way to obtain sessions.
pub(super) trait Obtain: fmt::Debug + Send + Sync + 'static {
    /// What goes into a login.
    type Input: Send;

    /// Reads what goes into a login as it is at this moment, with its fingerprint.
    ///
    /// # Errors
    /// [`CloudError`] where that cannot be read.
    fn read(&self) -> impl Future<Output = Result<(Self::Input, Fingerprint), CloudError>> + Send;

    /// Logs in; requests are counted as `caller`'s.
    ///
    /// # Errors
    /// [`Failure`] where nothing is granted.
    fn obtain(
        &self,
        input: Self::Input,
        caller: &ProjectName,
    ) -> impl Future<Output = Result<Obtained, Failure>> + Send;
}

/// What a login brought.
#[derive(Debug)]
pub(super) struct Obtained {
    pub(super) grant: Grant,
    /// When it ends, by the cloud's word.
    pub(super) expires_at: Option<Timestamp>,
    /// How long it lives from the moment it was asked for.
    pub(super) lifetime: Duration,
    /// When it was asked for.
    pub(super) asked_at: Instant,
    /// The project that a token is for, where the answer names it.
    pub(super) project: Option<ProjectId>,
}

/// The present session of one way to obtain them.
#[derive(Debug)]
pub(super) struct Session<O> {
    obtain: O,
    state: Mutex<State>,
    /// Held by who makes an attempt.
    attempt: tokio::sync::Mutex<()>,
}

#[derive(Debug, Default)]
struct State {
    present: Option<Present>,
    failure: Option<Remembered>,
}

#[derive(Debug)]
struct Present {
    grant: Grant,
    fingerprint: Fingerprint,
    origin: Fingerprint,
    expires_at: Option<Timestamp>,
    project: Option<ProjectId>,
    obtained_at: Instant,
    renew_at: Instant,
    ends_at: Instant,
    is_proven: bool,
    is_refused: bool,
    /// How many sessions in a row were obtained because the one before was refused.
    refusals: u32,
}

/// What to do for somebody who asks.
enum Step {
    Use(Grant),
    Wait(Failure),
    /// Make an attempt; the grant is good meanwhile.
    Attempt(Option<Grant>),
}

impl<O: Obtain> Session<O> {
    pub(super) fn new(obtain: O) -> Self {
        Self { obtain, state: Mutex::default(), attempt: tokio::sync::Mutex::default() }
    }

    async fn granted(&self, caller: &ProjectName) -> Result<Grant, Failure> {
        let origin = match self.obtain.read().await {
            Ok((_, origin)) => origin,
            Err(error) => return self.granted_unread(error),
        };
        let step = self.state().step(origin, Instant::now());
        let _turn = match step {
            Step::Use(grant) => return Ok(grant),
            Step::Wait(failure) => return Err(failure),
            Step::Attempt(Some(grant)) => match self.attempt.try_lock() {
                Ok(turn) => turn,
                Err(_) => return Ok(grant),
            },
            Step::Attempt(None) => self.attempt.lock().await,
        };
        // Whoever went before may have obtained one, or failed; what goes into it may have changed meanwhile.
        let (input, origin) = match self.obtain.read().await {
            Ok(read) => read,
            Err(error) => return self.granted_unread(error),
        };
        let step = self.state().step(origin, Instant::now());
        match step {
            Step::Use(grant) => Ok(grant),
            Step::Wait(failure) => Err(failure),
            Step::Attempt(_) => {
                let outcome = self.obtain.obtain(input, caller).await;
                self.state().take(outcome, origin, caller, Instant::now())
            }
        }
    }

    /// Where what goes into a login cannot be read, the present session is good to its end: files are replaced, and
    /// are not there for a moment.
    fn granted_unread(&self, error: CloudError) -> Result<Grant, Failure> {
        let state = self.state();
        let valid = state.valid(Instant::now()).map(|present| present.grant.clone());
        valid.ok_or_else(|| error.into())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<O: Obtain> Granting for Session<O> {
    fn grant<'a>(&'a self, caller: &'a ProjectName) -> Boxed<'a, Result<Grant, Failure>> {
        Box::pin(self.granted(caller))
    }

    fn origin(&self) -> Boxed<'_, Result<Fingerprint, CloudError>> {
        Box::pin(async { self.obtain.read().await.map(|(_, origin)| origin) })
    }

    fn refused(&self, grant: Fingerprint) -> bool {
        self.state().refused(grant, Instant::now())
    }

    fn proven(&self, grant: Fingerprint) {
        let mut state = self.state();
        if let Some(present) = state.present.as_mut().filter(|present| present.fingerprint == grant) {
            present.is_proven = true;
        }
    }

    fn expires_at(&self) -> Option<Timestamp> {
        self.state().present.as_ref()?.expires_at
    }

    fn project(&self) -> Option<ProjectId> {
        self.state().present.as_ref()?.project.clone()
    }
}

impl State {
    /// The session while it may be used.
    fn valid(&self, now: Instant) -> Option<&Present> {
        self.present.as_ref().filter(|present| present.ends_at > now && !present.is_refused)
    }

    fn step(&self, origin: Fingerprint, now: Instant) -> Step {
        let valid = self.valid(now);
        // Who has nothing left does not wait as long as who could.
        let failure = self.failure.as_ref().filter(|failure| valid.is_some() || !failure.is_beside_valid());
        let held = failure.and_then(|failure| failure.held(origin, now));
        match (valid, held) {
            (Some(present), None) if present.renew_at <= now || present.origin != origin => {
                Step::Attempt(Some(present.grant.clone()))
            }
            (Some(present), _) => Step::Use(present.grant.clone()),
            (None, Some(failure)) => Step::Wait(failure),
            (None, None) => Step::Attempt(None),
        }
    }

    /// Takes what an attempt brought.
    fn take(
        &mut self,
        outcome: Result<Obtained, Failure>,
        origin: Fingerprint,
        caller: &ProjectName,
        now: Instant,
    ) -> Result<Grant, Failure> {
        match outcome {
            Ok(obtained) => {
                self.failure = None;
                Ok(self.replace(obtained, origin, now))
            }
            Err(failure) => {
                let valid = self.valid(now).map(|present| present.grant.clone());
                let remembered = Remembered::new(self.failure.as_ref(), failure.clone(), origin, valid.is_some(), now);
                if valid.is_some() && remembered.is_news() {
                    let error = &failure.error;
                    tracing::warn!(project = %caller, %error, "login not renewed; the present one is used to its end");
                }
                self.failure = Some(remembered);
                valid.ok_or(failure)
            }
        }
    }

    fn replace(&mut self, obtained: Obtained, origin: Fingerprint, now: Instant) -> Grant {
        let Obtained { grant, expires_at, lifetime, asked_at, project } = obtained;
        let fingerprint = grant.fingerprint();
        let before = self.present.take();
        let refusals = match &before {
            Some(before) if before.is_refused => before.refusals.saturating_add(1),
            _ => 0,
        };
        let same = before.filter(|before| before.fingerprint == fingerprint);
        let renew_at = asked_at + renewal::renew_after(lifetime);
        self.present = Some(Present {
            // A metadata service hands out the same keys until shortly before their end: no need to ask all the time.
            renew_at: same.as_ref().map_or(renew_at, |same| same.renew_at.max(now + renewal::RETRY)),
            ends_at: asked_at + lifetime,
            obtained_at: asked_at,
            is_proven: same.is_some_and(|same| same.is_proven),
            is_refused: false,
            grant: grant.clone(),
            fingerprint,
            origin,
            expires_at,
            project,
            refusals,
        });
        grant
    }

    fn refused(&mut self, grant: Fingerprint, now: Instant) -> bool {
        let Some(present) = &mut self.present else { return false };
        // Another one is here already, or on its way.
        if present.fingerprint != grant || present.is_refused {
            return true;
        }
        let age = now.saturating_duration_since(present.obtained_at);
        let has_worked = present.is_proven && present.refusals < renewal::BELIEVED;
        present.is_refused = has_worked || age >= renewal::patience(present.refusals);
        present.is_refused
    }
}

#[cfg(test)]
mod tests;
