//! The right to ask the cloud, from whatever the user has.
//!
//! A [`Login`] turns an entry of `credentials` into a [`Grant`]: keys to sign with, or a token to send. Access keys
//! are read as they are (`files`); everything else is obtained from the cloud, kept until shortly before its end, and
//! obtained anew when the cloud refuses it. One login is shared by all that may share it, however many instances
//! they watch.

mod files;
pub mod grant;
pub mod login;

pub use grant::{Grant, Keys, Token};
pub use login::Login;
