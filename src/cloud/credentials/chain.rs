//! The first source that is there: the end of the official SDK's chain, which only an attempt decides.
//!
//! A source that is not there passes on to the next, one that is there and broken stops with its own sentence. Once one
//! has worked it stays the one: a machine does not turn into another while the program runs, and a metadata service that
//! does not answer for once must not change who we are.

use std::sync::OnceLock;

use jiff::Timestamp;

use super::failure::Failure;
use super::grant::Grant;
use super::{Boxed, Granting};
use crate::cloud::error::{CloudError, ErrorKind};
use crate::domain::{ProjectId, ProjectName};
use crate::pace::keys::Fingerprint;

/// Sources in their order.
#[derive(Debug)]
pub(super) struct Chain {
    entry: String,
    members: Vec<Box<dyn Granting>>,
    /// Which one has worked.
    chosen: OnceLock<usize>,
}

impl Chain {
    pub(super) fn new(entry: &str, members: Vec<Box<dyn Granting>>) -> Self {
        Self { entry: entry.to_owned(), members, chosen: OnceLock::new() }
    }

    fn chosen(&self) -> Option<&dyn Granting> {
        self.members.get(*self.chosen.get()?).map(|member| &**member)
    }

    async fn first(&self, caller: &ProjectName) -> Result<Grant, Failure> {
        let mut absent = Vec::with_capacity(self.members.len());
        for (index, member) in self.members.iter().enumerate() {
            match member.grant(caller).await {
                Ok(grant) => {
                    let _ = self.chosen.set(index);
                    return Ok(grant);
                }
                Err(failure) if failure.is_absent => absent.push(failure.error),
                Err(failure) => return Err(failure),
            }
        }
        Err(Failure { error: self.none_of(&absent), is_absent: true })
    }

    /// One sentence that says what was looked for.
    fn none_of(&self, absent: &[CloudError]) -> CloudError {
        let prefix = format!("credentials {}: ", self.entry);
        let looked_for: Vec<&str> =
            absent.iter().map(|error| error.message.strip_prefix(&prefix).unwrap_or(&error.message)).collect();
        let message = format!(
            "{prefix}none are there ({}); name an entry of credentials, or set HUAWEICLOUD_SDK_AK and \
             HUAWEICLOUD_SDK_SK",
            looked_for.join("; ")
        );
        // Nobody was asked just now: this one was told before.
        let is_held = absent.iter().all(|error| error.kind == ErrorKind::Held);
        let kind = if is_held && !absent.is_empty() { ErrorKind::Held } else { ErrorKind::Unauthorized };
        let retry_after = absent.iter().filter_map(|error| error.retry_after).min().filter(|_| is_held);
        CloudError { retry_after, ..CloudError::new(kind, message) }
    }
}

impl Granting for Chain {
    fn grant<'a>(&'a self, caller: &'a ProjectName) -> Boxed<'a, Result<Grant, Failure>> {
        match self.chosen() {
            Some(chosen) => chosen.grant(caller),
            None => Box::pin(self.first(caller)),
        }
    }

    /// Of all sources, chosen or not, so that choosing one does not look like a change.
    fn origin(&self) -> Boxed<'_, Result<Fingerprint, CloudError>> {
        Box::pin(async {
            let mut parts = Vec::with_capacity(self.members.len());
            for member in &self.members {
                parts.push(member.origin().await.ok());
            }
            let parts: Vec<&[u8]> =
                parts.iter().map(|part| part.as_ref().map_or(&[][..], Fingerprint::bytes)).collect();
            Ok(Fingerprint::of_parts(&parts))
        })
    }

    fn refused(&self, grant: Fingerprint) -> bool {
        self.chosen().is_some_and(|chosen| chosen.refused(grant))
    }

    fn proven(&self, grant: Fingerprint) {
        if let Some(chosen) = self.chosen() {
            chosen.proven(grant);
        }
    }

    fn expires_at(&self) -> Option<Timestamp> {
        self.chosen()?.expires_at()
    }

    fn project(&self) -> Option<ProjectId> {
        self.chosen()?.project()
    }
}
