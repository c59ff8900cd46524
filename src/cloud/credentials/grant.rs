//! What a request is authorised with: keys that sign it, or a token that goes with it.
//!
//! Nothing here shows a secret; a [`Fingerprint`] tells one from another.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};

use crate::pace::keys::Fingerprint;

/// What requests are authorised with at this moment.
#[derive(Clone, Debug)]
pub enum Grant {
    /// They are signed with these keys.
    Keys(Keys),
    /// They carry this token in `X-Auth-Token`.
    Token(Token),
}

/// An access key with its secret and, if it is a temporary one, its security token.
#[derive(Clone)]
pub struct Keys {
    /// The access key: who signs.
    pub access_key: String,
    /// The secret key: what is signed with.
    pub secret: SecretString,
    /// The security token that is sent with temporary keys.
    pub security_token: Option<SecretString>,
}

/// A token of IAM, several KiB long.
#[derive(Clone)]
pub struct Token(pub SecretString);

impl Grant {
    /// Tells this grant from others.
    pub fn fingerprint(&self) -> Fingerprint {
        match self {
            Self::Keys(keys) => keys.fingerprint(),
            Self::Token(Token(token)) => Fingerprint::of_parts(&[token.expose_secret().as_bytes()]),
        }
    }

    /// Every text that must not be seen: for taking them out of messages that come from outside.
    pub fn hidden(&self) -> Vec<&str> {
        match self {
            Self::Keys(keys) => {
                let token = keys.security_token.as_ref().map(ExposeSecret::expose_secret);
                [keys.secret.expose_secret(), keys.access_key.as_str()].into_iter().chain(token).collect()
            }
            Self::Token(Token(token)) => vec![token.expose_secret()],
        }
    }
}

impl Keys {
    /// Tells these keys from others.
    pub fn fingerprint(&self) -> Fingerprint {
        let token = self.security_token.as_ref().map_or("", |token| token.expose_secret());
        Fingerprint::of_parts(&[self.access_key.as_bytes(), self.secret.expose_secret().as_bytes(), token.as_bytes()])
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keys").field("temporary", &self.security_token.is_some()).finish_non_exhaustive()
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(..)")
    }
}
