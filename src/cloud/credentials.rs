//! The right to ask the cloud, from whatever the user has.
//!
//! A [`Login`] turns an entry of `credentials` into a [`Grant`]: keys to sign with, or a token to send. Access keys
//! are read as they are (`files`, `profile`); everything else is a `session` that is obtained from the cloud
//! (`password`, `id_token`, `agency`, `metadata`, `pod`), kept until shortly before its end (`renewal`), and obtained
//! anew when the cloud refuses it. An agency may be assumed on top of any, and a `chain` takes the first that is
//! there: all are ways of `Granting`. [`Logins`] shares one login among all projects that may share it, however
//! many instances they watch.

mod agency;
mod answer;
mod assume;
mod chain;
mod exchange;
pub(super) mod failure;
mod files;
pub mod grant;
mod id_token;
pub mod login;
mod logins;
mod metadata;
mod password;
mod pod;
mod profile;
mod renewal;
#[cfg(test)]
mod scratch;
mod session;

use std::fmt;
use std::pin::Pin;

use jiff::Timestamp;

use self::failure::Failure;
use super::error::CloudError;
use crate::domain::{ProjectId, ProjectName};
use crate::pace::keys::Fingerprint;
pub use grant::{Grant, Keys, Token};
pub use login::Login;
pub use logins::Logins;

/// A future of a trait that is used as an object.
type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A way to a grant.
trait Granting: fmt::Debug + Send + Sync {
    /// What is granted now; requests that this takes are counted as `caller`'s.
    fn grant<'a>(&'a self, caller: &'a ProjectName) -> Boxed<'a, Result<Grant, Failure>>;

    /// The fingerprint of what the user gave: the key, the password, the id token as they are at this moment.
    fn origin(&self) -> Boxed<'_, Result<Fingerprint, CloudError>>;

    /// See [`Login::refused`].
    fn refused(&self, _grant: Fingerprint) -> bool {
        false
    }

    /// See [`Login::proven`].
    fn proven(&self, _grant: Fingerprint) {}

    /// See [`Login::expires_at`].
    fn expires_at(&self) -> Option<Timestamp> {
        None
    }

    /// The project that the present token is for, where the cloud said so.
    fn project(&self) -> Option<ProjectId> {
        None
    }
}

#[cfg(test)]
mod tests;
