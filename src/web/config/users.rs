//! `basic_auth_users`: whether a request may be answered.
//!
//! A hash takes a tenth of a second of a processor, which must not be a way to keep the exporter from its work: one is
//! computed at a time, on a thread of its own, few wait for theirs, and what came of it is remembered. Users that do not
//! exist take as long as those that do.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use hyper::header::HeaderValue;
use tokio::sync::Semaphore;

use super::mapping::Given;
use super::password::PasswordHash;

/// Requests that wait for a hash; further ones are sent away.
const WAITING: usize = 32;
/// What `htpasswd -B` and others choose, in the place of a cost that nobody has.
const USUAL_COST: u32 = 10;
/// Logins that are remembered, of each kind.
const REMEMBERED: usize = 100;

/// Go's reading of a header.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::RequireCanonical)
        .with_decode_allow_trailing_bits(true),
);

/// Users and their hashes; it has no `Debug`.
pub(super) struct Users {
    hashes: HashMap<String, Hash>,
    /// In the place of those who do not exist.
    nobody: PasswordHash,
}

struct Hash {
    text: Arc<str>,
    /// `None` for what is no hash: nobody logs in with it.
    parsed: Option<PasswordHash>,
}

impl Users {
    pub(super) fn of(typed: &HashMap<String, Given<Arc<str>>>) -> Self {
        let hash = |text: &Arc<str>| Hash { text: Arc::clone(text), parsed: PasswordHash::parse(text).ok() };
        let hashes: HashMap<_, _> = typed.iter().map(|(name, given)| (name.clone(), hash(&given.value))).collect();
        let cost = hashes.values().filter_map(|hash| hash.parsed.as_ref()).map(|hash| hash.cost).max();
        Self { hashes, nobody: PasswordHash::of_nobody(cost.unwrap_or(USUAL_COST)) }
    }

    /// Whether anybody may ask.
    pub(super) fn is_empty(&self) -> bool {
        self.hashes.is_empty()
    }
}

/// What comes of a login.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Login {
    Welcome,
    Stranger,
    /// Too many are waiting.
    Busy,
}

/// Looks at logins.
pub(super) struct Doorkeeper {
    hashing: Arc<Semaphore>,
    waiting: Semaphore,
    /// What is remembered are MACs with this key, which nobody knows: passwords are not kept.
    key: hmac::Key,
    /// Each has a memory of its own, so that who guesses drives nobody out.
    welcome: Mutex<Memory>,
    strangers: Mutex<Memory>,
}

/// The newest of what was seen.
#[derive(Default)]
struct Memory(VecDeque<Mac>);

type Mac = [u8; 32];

impl Memory {
    fn knows(&self, mac: &Mac) -> bool {
        self.0.contains(mac)
    }

    fn keep(&mut self, mac: Mac) {
        if !self.knows(&mac) {
            self.0.truncate(REMEMBERED - 1);
            self.0.push_front(mac);
        }
    }
}

impl Doorkeeper {
    pub(super) fn new() -> Self {
        let random = aws_lc_rs::rand::SystemRandom::new();
        let key = hmac::Key::generate(hmac::HMAC_SHA256, &random).expect("the system has random numbers");
        Self {
            hashing: Arc::new(Semaphore::new(1)),
            waiting: Semaphore::new(WAITING),
            key,
            welcome: Mutex::default(),
            strangers: Mutex::default(),
        }
    }

    /// Looks at the header `Authorization`.
    pub(super) async fn look(&self, users: &Users, header: Option<&HeaderValue>) -> Login {
        let Some((user, password)) = header.and_then(|header| credentials(header.as_bytes())) else {
            return Login::Stranger;
        };
        let hash = std::str::from_utf8(&user).ok().and_then(|user| users.hashes.get(user));
        let mac = self.mac(&[&user, hash.map_or(b"", |hash| hash.text.as_bytes()), &password]);
        if remembered(&self.welcome).knows(&mac) {
            return Login::Welcome;
        }
        if remembered(&self.strangers).knows(&mac) {
            return Login::Stranger;
        }
        let Ok(_waiting) = self.waiting.try_acquire() else { return Login::Busy };
        let Ok(turn) = Arc::clone(&self.hashing).acquire_owned().await else { return Login::Busy };
        let exists = hash.is_some();
        let hash = match hash {
            Some(Hash { parsed: Some(hash), .. }) => hash.clone(),
            Some(Hash { parsed: None, .. }) | None => users.nobody.clone(),
        };
        let matching = tokio::task::spawn_blocking(move || {
            // Whoever asked may have gone; the next one's turn is when this is done all the same.
            let _turn = turn;
            hash.matches(&password)
        });
        let welcome = matching.await.unwrap_or(false) && exists;
        remembered(if welcome { &self.welcome } else { &self.strangers }).keep(mac);
        if welcome { Login::Welcome } else { Login::Stranger }
    }

    fn mac(&self, parts: &[&[u8]]) -> Mac {
        let mut mac = hmac::Context::with_key(&self.key);
        for part in parts {
            mac.update(&part.len().to_be_bytes());
            mac.update(part);
        }
        mac.sign().as_ref().try_into().expect("SHA-256 has 32 bytes")
    }
}

fn remembered(memory: &Mutex<Memory>) -> std::sync::MutexGuard<'_, Memory> {
    memory.lock().unwrap_or_else(PoisonError::into_inner)
}

/// User and password of a header `Authorization: Basic …`.
fn credentials(header: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    const SCHEME: usize = "Basic ".len();
    let (scheme, encoded) = header.split_at_checked(SCHEME)?;
    if !scheme.eq_ignore_ascii_case(b"Basic ") {
        return None;
    }
    let decoded = BASE64.decode(encoded).ok()?;
    let colon = decoded.iter().position(|byte| *byte == b':')?;
    Some((decoded[..colon].to_vec(), decoded[colon + 1..].to_vec()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of the password `abc`, from jBCrypt's vectors.
    const ABC: &str = "$2a$06$If6bvum7DFjUnE9p2uDeDu0YHzrHM6tf.iqN8.yx.jNN1ILEf7h0i";

    fn users(list: &[(&str, &str)]) -> Users {
        let hash = |text: &str| Hash { text: text.into(), parsed: PasswordHash::parse(text).ok() };
        let hashes = list.iter().map(|(name, text)| ((*name).to_owned(), hash(text))).collect();
        Users { hashes, nobody: PasswordHash::of_nobody(4) }
    }

    fn header(user: &str, password: &str) -> HeaderValue {
        let encoded = BASE64.encode(format!("{user}:{password}"));
        HeaderValue::from_str(&format!("Basic {encoded}")).unwrap()
    }

    #[test]
    fn headers_are_read_as_go_reads_them() {
        let read = |text: &str| {
            credentials(text.as_bytes())
                .map(|(user, password)| [user, password].map(|part| String::from_utf8(part).unwrap()))
        };
        let pair = |user: &str, password: &str| Some([user.to_owned(), password.to_owned()]);
        for text in ["Basic YTpi", "basic YTpi", "BASIC YTpi"] {
            assert_eq!(read(text), pair("a", "b"));
        }
        assert_eq!(read("Basic YTpiOmM="), pair("a", "b:c"));
        assert_eq!(read("Basic Og=="), pair("", ""));
        for text in [
            "",
            "Basic",
            "Basic ",
            "Basic YTpiOmM",
            "Basic YWI=",
            "Bearer YTpi",
            "Basic  YTpi",
            "Basic YTpi ",
            "Basic !",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[tokio::test]
    async fn the_right_password_is_welcome_and_nothing_else() {
        let door = Doorkeeper::new();
        let users = users(&[("alice", ABC), ("bob", "no hash")]);
        for _ in 0..2 {
            assert_eq!(door.look(&users, Some(&header("alice", "abc"))).await, Login::Welcome);
            for (user, password) in
                [("alice", "abd"), ("alice", ""), ("bob", "abc"), ("bob", "no hash"), ("carol", "abc"), ("", "")]
            {
                assert_eq!(
                    door.look(&users, Some(&header(user, password))).await,
                    Login::Stranger,
                    "{user} {password}"
                );
            }
            assert_eq!(door.look(&users, None).await, Login::Stranger);
        }
    }

    #[tokio::test]
    async fn a_changed_hash_makes_remembered_logins_worthless() {
        let door = Doorkeeper::new();
        let before = users(&[("alice", ABC)]);
        assert_eq!(door.look(&before, Some(&header("alice", "abc"))).await, Login::Welcome);
        let after = users(&[("alice", "$2a$06$m0CrhHm10qJ3lXRY.5zDGO3rS2KdeeWLuGmsfGlMfOxih58VYVfxe")]);
        assert_eq!(door.look(&after, Some(&header("alice", "abc"))).await, Login::Stranger);
        assert_eq!(door.look(&after, Some(&header("alice", "a"))).await, Login::Welcome);
    }

    #[tokio::test]
    async fn one_hash_at_a_time_and_who_is_known_need_not_wait() {
        let door = Doorkeeper::new();
        let users = users(&[("alice", ABC)]);
        let known = header("alice", "abc");
        assert_eq!(door.look(&users, Some(&known)).await, Login::Welcome);
        let _hashing = door.hashing.acquire().await.unwrap();
        let guesses: Vec<_> = (0..WAITING + 5).map(|number| header("alice", &number.to_string())).collect();
        let mut waiting: Vec<_> = guesses.iter().map(|guess| Box::pin(door.look(&users, Some(guess)))).collect();
        let mut busy = 0;
        for look in &mut waiting {
            if let std::task::Poll::Ready(login) = futures_poll(look.as_mut()).await {
                assert_eq!(login, Login::Busy);
                busy += 1;
            }
        }
        assert_eq!(busy, 5);
        assert_eq!(door.look(&users, Some(&known)).await, Login::Welcome);
    }

    async fn futures_poll<F: Future>(mut future: std::pin::Pin<&mut F>) -> std::task::Poll<F::Output> {
        std::future::poll_fn(|cx| std::task::Poll::Ready(future.as_mut().poll(cx))).await
    }

    #[test]
    fn guesses_drive_nobody_out_and_memory_is_bounded() {
        let mut memory = Memory::default();
        for number in 0..1000_u32 {
            let mut mac = [0; 32];
            mac[..4].copy_from_slice(&number.to_be_bytes());
            memory.keep(mac);
            memory.keep(mac);
        }
        assert_eq!(memory.0.len(), REMEMBERED);
    }
}
