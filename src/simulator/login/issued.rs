//! What was issued: tokens and temporary keys, until when they are good, and that they were revoked.
//!
//! Each one is different from all before. The newest are remembered even after their end, so that the gateway can
//! say that they have ended, and not only that it does not know them.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use jiff::Timestamp;

use crate::simulator::chance::Chance;
use crate::simulator::signature::KeySecrets;

/// How many are remembered, the newest.
const REMEMBERED: usize = 1024;
/// How many groups of 32 digits a token has: 4 KiB, as real ones.
const GROUPS_OF_A_TOKEN: i64 = 128;

/// What a token is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::simulator) enum Scope {
    /// The project with this id.
    Project(&'static str),
    /// The account, but no project.
    Domain,
    /// Only for temporary keys.
    Unscoped,
}

/// Why something is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::simulator) enum Ended {
    /// It was never issued, or so long ago that nobody remembers.
    Unknown,
    /// Its time is over.
    Expired,
    /// It was revoked before its time.
    Revoked,
}

/// Temporary keys, as they are handed out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::simulator) struct TemporaryKeys {
    pub(in crate::simulator) access_key: String,
    pub(in crate::simulator) secret_key: String,
    pub(in crate::simulator) security_token: String,
    pub(in crate::simulator) ends_at: Timestamp,
}

#[derive(Debug)]
struct Grant {
    kind: Kind,
    ends_at: Timestamp,
    revoked: bool,
}

#[derive(Debug)]
enum Kind {
    Token(Scope),
    Keys(KeySecrets),
    MetadataToken,
}

/// All that is remembered.
#[derive(Debug, Default)]
pub(in crate::simulator) struct Issued {
    number: i64,
    /// By the token, or by the access key.
    grants: HashMap<String, Grant>,
    oldest_first: VecDeque<String>,
    /// Those that the metadata service handed out last.
    of_metadata: Option<TemporaryKeys>,
}

impl Issued {
    /// A new token of IAM.
    pub(in crate::simulator) fn token(&mut self, chance: Chance, scope: Scope, ends_at: Timestamp) -> String {
        let draw = self.draw(chance);
        let token = (0..GROUPS_OF_A_TOKEN).map(|group| draw.nth(group).hex(32)).collect::<String>();
        self.remember(format!("MII{token}"), Kind::Token(scope), ends_at)
    }

    /// A new token of the metadata service.
    pub(super) fn metadata_token(&mut self, chance: Chance, ends_at: Timestamp) -> String {
        let token = self.draw(chance).of("metadata").hex(32);
        self.remember(token, Kind::MetadataToken, ends_at)
    }

    /// New temporary keys.
    pub(super) fn keys(&mut self, chance: Chance, ends_at: Timestamp) -> TemporaryKeys {
        let draw = self.draw(chance);
        let security_token = (0..16).map(|group| draw.of("token").nth(group).hex(32)).collect::<String>();
        let (secret_key, security_token) = (draw.of("secret").hex(32), format!("simulated-{security_token}"));
        let secrets = KeySecrets { secret: secret_key.clone(), security_token: Some(security_token.clone()) };
        let access_key = format!("HST{}", draw.of("key").hex(17).to_uppercase());
        let access_key = self.remember(access_key, Kind::Keys(secrets), ends_at);
        TemporaryKeys { access_key, secret_key, security_token, ends_at }
    }

    /// The keys that the metadata service handed out last, if they have so much time left; new ones otherwise.
    pub(super) fn keys_of_metadata(
        &mut self,
        chance: Chance,
        ends_at: Timestamp,
        now: Timestamp,
        renewed_before: Option<Duration>,
    ) -> TemporaryKeys {
        let lasts = |keys: &&TemporaryKeys| {
            let renewed_from = renewed_before.and_then(|before| keys.ends_at.checked_sub(before).ok());
            renewed_from.is_some_and(|from| now < from) && self.secrets(&keys.access_key, now).is_ok()
        };
        if let Some(keys) = self.of_metadata.as_ref().filter(lasts) {
            return keys.clone();
        }
        let keys = self.keys(chance, ends_at);
        self.of_metadata = Some(keys.clone());
        keys
    }

    /// What a token of IAM is good for.
    pub(in crate::simulator) fn scope(&self, token: &str, now: Timestamp) -> Result<Scope, Ended> {
        match self.good(token, now)? {
            Kind::Token(scope) => Ok(*scope),
            _ => Err(Ended::Unknown),
        }
    }

    /// The secrets of a temporary access key.
    pub(in crate::simulator) fn secrets(&self, access_key: &str, now: Timestamp) -> Result<KeySecrets, Ended> {
        match self.good(access_key, now)? {
            Kind::Keys(secrets) => Ok(secrets.clone()),
            _ => Err(Ended::Unknown),
        }
    }

    /// Whether a token of the metadata service is good.
    pub(super) fn is_metadata_token(&self, token: &str, now: Timestamp) -> bool {
        matches!(self.good(token, now), Ok(Kind::MetadataToken))
    }

    /// Ends all of them.
    pub(in crate::simulator) fn revoke(&mut self) {
        self.grants.values_mut().for_each(|grant| grant.revoked = true);
    }

    /// How many are good now.
    pub(in crate::simulator) fn good_ones(&self, now: Timestamp) -> usize {
        self.grants.values().filter(|grant| !grant.revoked && now < grant.ends_at).count()
    }

    fn good(&self, name: &str, now: Timestamp) -> Result<&Kind, Ended> {
        let grant = self.grants.get(name).ok_or(Ended::Unknown)?;
        match grant {
            Grant { revoked: true, .. } => Err(Ended::Revoked),
            Grant { ends_at, .. } if *ends_at <= now => Err(Ended::Expired),
            Grant { kind, .. } => Ok(kind),
        }
    }

    fn draw(&mut self, chance: Chance) -> Chance {
        self.number += 1;
        chance.of("issued").nth(self.number)
    }

    fn remember(&mut self, name: String, kind: Kind, ends_at: Timestamp) -> String {
        if self.oldest_first.len() == REMEMBERED
            && let Some(oldest) = self.oldest_first.pop_front()
        {
            self.grants.remove(&oldest);
        }
        self.grants.insert(name.clone(), Grant { kind, ends_at, revoked: false });
        self.oldest_first.push_back(name.clone());
        name
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use jiff::SignedDuration;

    use super::*;

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;
    const HOUR: SignedDuration = SignedDuration::from_hours(1);

    #[test]
    fn each_one_is_good_until_its_end_or_until_all_are_revoked() {
        let (mut issued, chance) = (Issued::default(), Chance::seeded(1));
        let token = issued.token(chance, Scope::Project("p"), NOW + HOUR);
        let keys = issued.keys(chance, NOW + HOUR);
        assert_eq!(issued.scope(&token, NOW), Ok(Scope::Project("p")));
        let secrets = issued.secrets(&keys.access_key, NOW).unwrap();
        assert_eq!((secrets.secret, secrets.security_token), (keys.secret_key, Some(keys.security_token)));
        assert_eq!(issued.scope(&token, NOW + HOUR), Err(Ended::Expired));
        assert_eq!(issued.scope(&keys.access_key, NOW), Err(Ended::Unknown), "a key is no token");
        assert_eq!(issued.secrets(&token, NOW).unwrap_err(), Ended::Unknown, "a token is no key");
        assert_eq!(issued.good_ones(NOW), 2);
        issued.revoke();
        assert_eq!(issued.secrets(&keys.access_key, NOW).unwrap_err(), Ended::Revoked);
        let later = issued.token(chance, Scope::Domain, NOW + HOUR);
        assert_eq!(issued.scope(&later, NOW), Ok(Scope::Domain));
    }

    #[test]
    fn all_differ_and_only_the_newest_are_remembered() {
        let (mut issued, chance) = (Issued::default(), Chance::seeded(1));
        let tokens: Vec<String> = (0..=REMEMBERED).map(|_| issued.token(chance, Scope::Unscoped, NOW + HOUR)).collect();
        assert_eq!(tokens.iter().collect::<HashSet<_>>().len(), tokens.len());
        assert!((4000..8000).contains(&tokens[0].len()));
        assert_eq!(issued.scope(&tokens[0], NOW), Err(Ended::Unknown));
        assert_eq!(issued.scope(&tokens[1], NOW), Ok(Scope::Unscoped));
        assert_eq!((issued.grants.len(), issued.oldest_first.len()), (REMEMBERED, REMEMBERED));
    }

    #[test]
    fn the_metadata_service_may_hand_out_the_same_keys_until_shortly_before_their_end() {
        let (mut issued, chance) = (Issued::default(), Chance::seeded(1));
        let before = Some(Duration::from_mins(10));
        let mut ask = |minutes, before| {
            let now = NOW + SignedDuration::from_mins(minutes);
            issued.keys_of_metadata(chance, now + HOUR, now, before).access_key
        };
        let first = ask(0, before);
        assert_eq!(ask(49, before), first);
        let second = ask(50, before);
        assert_ne!(second, first);
        assert_ne!(ask(51, None), second, "as it was not asked for");
        let third = ask(52, before);
        issued.revoke();
        let now = NOW + SignedDuration::from_mins(53);
        assert_ne!(issued.keys_of_metadata(chance, now + HOUR, now, before).access_key, third, "it was revoked");
    }
}
