//! The official SDK's profile: a file that holds access keys, or names an identity provider with its id token.
//!
//! It is read anew each time, so that a changed key is tried at once; which of the two it holds may change too.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use jiff::Timestamp;

use super::failure::Failure;
use super::files::{self, Reader};
use super::grant::Grant;
use super::id_token::IdToken;
use super::session::Session;
use super::{Boxed, Granting};
use crate::cloud::error::{CloudError, ErrorKind};
use crate::cloud::iam::Issuer;
use crate::config::{IdTokenSource, Profile as Content, ProfileError, ProfileLogin};
use crate::domain::ProjectName;
use crate::pace::keys::Fingerprint;

/// The file.
#[derive(Clone, Debug)]
pub(super) struct File {
    entry: String,
    path: PathBuf,
    reader: Reader,
}

impl File {
    pub(super) fn new(entry: &str, path: PathBuf) -> Self {
        Self { entry: entry.to_owned(), path, reader: Reader::new(entry) }
    }

    /// What it says now.
    async fn login(&self) -> Result<ProfileLogin, Failure> {
        let path = self.path.clone();
        let read = self.reader.read(move || Ok(Content::read(&path))).await?;
        read.map(|content| content.login).map_err(|error| Failure {
            is_absent: matches!(error, ProfileError::Absent { .. }),
            error: self.error(&error.to_string()),
        })
    }

    /// The identity provider and the id token that it names.
    ///
    /// # Errors
    /// [`Failure`] where it cannot be read or names none.
    pub(super) async fn id_token(&self) -> Result<IdTokenSource, Failure> {
        match self.login().await? {
            ProfileLogin::IdToken(source) => Ok(source),
            ProfileLogin::Keys(_) => {
                Err(self.error(&format!("the profile {} was changed just now", self.path.display())).into())
            }
        }
    }

    fn error(&self, sentence: &str) -> CloudError {
        CloudError::new(ErrorKind::Unauthorized, format!("credentials {}: {sentence}", self.entry))
    }
}

/// A profile as a way to a grant.
#[derive(Debug)]
pub(super) struct Profile {
    file: File,
    /// For the profile that names an id token; `None` where there is no IAM to change it at.
    federated: Option<Session<IdToken>>,
    is_federated: AtomicBool,
}

impl Profile {
    pub(super) fn new(entry: &str, path: PathBuf, iam: Option<Arc<Issuer>>) -> Self {
        let federated = iam.map(|iam| Session::new(IdToken::of_profile(entry, path.clone(), iam)));
        Self { file: File::new(entry, path), federated, is_federated: AtomicBool::new(false) }
    }

    /// What the profile says, and the session where it names an id token.
    async fn read(&self) -> Result<Read<'_>, Failure> {
        let login = self.file.login().await?;
        self.is_federated.store(matches!(login, ProfileLogin::IdToken(_)), Ordering::Relaxed);
        match (login, &self.federated) {
            (ProfileLogin::Keys(source), _) => Ok(Read::Keys(files::keys(&self.file.entry, &source)?)),
            (ProfileLogin::IdToken(_), Some(session)) => Ok(Read::Federated(session)),
            (ProfileLogin::IdToken(_), None) => {
                Err(self.file.error("the profile names an id token; set iam_endpoint, or region").into())
            }
        }
    }

    fn session(&self) -> Option<&Session<IdToken>> {
        self.federated.as_ref().filter(|_| self.is_federated.load(Ordering::Relaxed))
    }
}

enum Read<'a> {
    Keys(super::Keys),
    Federated(&'a Session<IdToken>),
}

impl Granting for Profile {
    fn grant<'a>(&'a self, caller: &'a ProjectName) -> Boxed<'a, Result<Grant, Failure>> {
        Box::pin(async move {
            match self.read().await {
                Ok(Read::Keys(keys)) => Ok(Grant::Keys(keys)),
                Ok(Read::Federated(session)) => session.grant(caller).await,
                // A session outlives its profile for a moment of absence.
                Err(failure) => match self.session() {
                    Some(session) => session.grant(caller).await.map_err(|_| failure),
                    None => Err(failure),
                },
            }
        })
    }

    fn origin(&self) -> Boxed<'_, Result<Fingerprint, CloudError>> {
        Box::pin(async {
            match self.read().await.map_err(|failure| failure.error)? {
                Read::Keys(keys) => Ok(keys.fingerprint()),
                Read::Federated(session) => session.origin().await,
            }
        })
    }

    fn refused(&self, grant: Fingerprint) -> bool {
        self.session().is_some_and(|session| session.refused(grant))
    }

    fn proven(&self, grant: Fingerprint) {
        if let Some(session) = self.session() {
            session.proven(grant);
        }
    }

    fn expires_at(&self) -> Option<Timestamp> {
        self.session()?.expires_at()
    }
}
