//! Hashes of passwords, as `htpasswd -B` makes them (bcrypt).
//!
//! What counts as a hash is what Go's library takes for one; what it does not look at before somebody logs in, such as
//! the letters of the salt, is not looked at here either.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use base64::Engine as _;
use base64::alphabet::BCRYPT;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// Lines of 22 and 31 letters hold 16 and 23 bytes, with bits to spare that nobody looks at.
const LETTERS: GeneralPurpose = GeneralPurpose::new(
    &BCRYPT,
    GeneralPurposeConfig::new()
        .with_encode_padding(false)
        .with_decode_padding_mode(DecodePaddingMode::RequireNone)
        .with_decode_allow_trailing_bits(true),
);

const SHORTEST: usize = 59;
const SALT: usize = 22;
const DIGEST: usize = 31;
/// bcrypt looks at no more of a password than this, the zero byte at its end included.
const LONGEST_PASSWORD: usize = 72;

/// A hash; it has no `Debug`.
#[derive(Clone)]
pub(super) struct PasswordHash {
    /// The number of rounds is 2 to this; 4 to 31.
    pub(super) cost: u32,
    salt: Option<[u8; 16]>,
    digest: Vec<u8>,
}

impl PasswordHash {
    /// Reads a hash such as `$2y$10$…`.
    pub(super) fn parse(text: &str) -> Result<Self, &'static str> {
        const NO_HASH: &str =
            "is not a bcrypt hash; make one with `htpasswd -nBC 10 USER`, and write what follows `USER:`";
        let bytes = text.as_bytes();
        if bytes.len() < SHORTEST || bytes[0] != b'$' || bytes[1] > b'2' {
            return Err(NO_HASH);
        }
        // The letter behind the 2 tells versions of other libraries apart, which hash alike.
        let rest = if bytes[2] == b'$' { &bytes[3..] } else { &bytes[4..] };
        let cost = std::str::from_utf8(&rest[..2]).ok().and_then(|cost| cost.parse().ok());
        let cost = cost.filter(|cost| (4..=31).contains(cost)).ok_or(NO_HASH)?;
        let (salt, digest) = rest[3..].split_at(SALT);
        let salt = LETTERS.decode(salt).ok().and_then(|salt| salt.try_into().ok());
        Ok(Self { cost, salt, digest: digest.iter().copied().take(DIGEST).collect() })
    }

    /// A hash that belongs to no password, as costly to compare as this cost says.
    pub(super) fn of_nobody(cost: u32) -> Self {
        Self { cost, salt: Some([0; 16]), digest: Vec::new() }
    }

    /// Whether it is that of the password; takes as long as the cost says, and a tenth of a second is usual.
    pub(super) fn matches(&self, password: &[u8]) -> bool {
        let Some(salt) = self.salt else { return false };
        let mut key: Vec<u8> = password.iter().copied().take(LONGEST_PASSWORD).collect();
        if key.len() < LONGEST_PASSWORD {
            key.push(0);
        }
        let hashed = bcrypt::bcrypt(self.cost, salt, &key);
        let hashed = LETTERS.encode(&hashed[..23]);
        verify_slices_are_equal(hashed.as_bytes(), &self.digest).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // The form of one; of what password does not matter here.
    const FOURTEEN: &str = "$2y$04$HXdMLoTZmvAFOBUP4/WqDu2FRdg5SYxZ/L3oEv1q9cV/5vM4.H3Ei";

    #[test]
    fn published_vectors_match() {
        // jBCrypt's.
        for (password, hash) in [
            ("", "$2a$06$DCq7YPn5Rq63x1Lad4cll.TV4S6ytwfsfvkgY8jIucDrjc8deX1s."),
            ("a", "$2a$06$m0CrhHm10qJ3lXRY.5zDGO3rS2KdeeWLuGmsfGlMfOxih58VYVfxe"),
            ("abc", "$2a$06$If6bvum7DFjUnE9p2uDeDu0YHzrHM6tf.iqN8.yx.jNN1ILEf7h0i"),
        ] {
            let hash = PasswordHash::parse(hash).unwrap();
            assert!(hash.matches(password.as_bytes()), "{password}");
            assert!(!hash.matches(b"other"));
        }
    }

    #[test]
    fn nobody_has_no_password() {
        let nobody = PasswordHash::of_nobody(4);
        for password in [&b""[..], b"fakepassword", &[0xff; 100]] {
            assert!(!nobody.matches(password));
        }
    }

    #[test]
    fn what_goes_for_a_hash_in_go_does_so_here() {
        let with = |begin: &str| format!("{begin}{}", &FOURTEEN[4..]);
        for good in
            [with("$2y$"), with("$2a$"), with("$2b$"), with("$2x$"), with("$2$"), with("$1a$"), FOURTEEN[..59].into()]
        {
            assert!(PasswordHash::parse(&good).is_ok(), "{good}");
        }
        let long = format!("{FOURTEEN}abc");
        assert!(PasswordHash::parse(&long).is_ok());
        for bad in [
            with("$3y$"),
            with("2y$$"),
            FOURTEEN[..58].into(),
            FOURTEEN.replace("$04$", "$03$"),
            FOURTEEN.replace("$04$", "$32$"),
            FOURTEEN.replace("$04$", "$x4$"),
            String::new(),
            "doe".to_owned(),
        ] {
            assert!(PasswordHash::parse(&bad).is_err(), "{bad}");
        }
        // Not base64: nobody's.
        let odd = FOURTEEN.replace("HXdM", "HX!M");
        assert!(!PasswordHash::parse(&odd).unwrap().matches(b""));
    }
}
