//! Access keys as they are at this moment.
//!
//! Keys in the configuration stay what they are; keys in files are read anew before each request, so that a rotated
//! one is tried at once, without a reload.

use std::fmt;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;

use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret, SecretString};

use super::grant::Keys;
use crate::cloud::error::{CloudError, ErrorKind};
use crate::config::{KeySource, TextSource};

/// The largest file that is read as a key; security tokens take a few KiB.
const MAX_FILE_LENGTH: u64 = 64 * 1024;

/// Access keys in the configuration or in files.
#[derive(Clone, Debug)]
pub(super) struct AccessKeys {
    /// The entry of `credentials`, for messages.
    name: String,
    source: KeySource,
    /// Files are read by one request at a time: each that reads takes a thread of its own.
    reading: Arc<tokio::sync::Mutex<()>>,
}

impl AccessKeys {
    pub(super) fn new(name: &str, source: &KeySource) -> Self {
        Self { name: name.to_owned(), source: source.clone(), reading: Arc::default() }
    }

    /// The keys as they are now.
    ///
    /// # Errors
    /// [`ErrorKind::Unauthorized`] where a file cannot be read or a key cannot be one; the message names the entry and
    /// the file, never the content.
    pub(super) async fn current(&self) -> Result<Keys, CloudError> {
        let KeySource { access_key, secret_key, security_token } = &self.source;
        let sources = [Some(access_key), Some(secret_key), security_token.as_ref()];
        if sources.iter().flatten().all(|source| matches!(source, TextSource::Inline(_))) {
            return self.read();
        }
        let _turn = self.reading.lock().await;
        let this = self.clone();
        let read = tokio::task::spawn_blocking(move || this.read()).await;
        read.unwrap_or_else(|error| {
            let message = format!("credentials {}: reading them was broken off: {error}", self.name);
            Err(CloudError::new(ErrorKind::Unauthorized, message))
        })
    }

    /// Reads all parts, which may wait for a disk.
    fn read(&self) -> Result<Keys, CloudError> {
        let access_key = self.read_one("access key", &self.source.access_key)?;
        let secret = self.read_one("secret key", &self.source.secret_key)?;
        let security_token = match &self.source.security_token {
            Some(source) => Some(self.read_one("security token", source)?),
            None => None,
        };
        self.check_for_header("access key", &self.source.access_key, &access_key)?;
        if let (Some(source), Some(token)) = (&self.source.security_token, &security_token) {
            self.check_for_header("security token", source, token)?;
        }
        Ok(Keys { access_key: access_key.expose_secret().to_owned(), secret, security_token })
    }

    fn read_one(&self, what: &str, source: &TextSource) -> Result<SecretString, CloudError> {
        let text = match source {
            TextSource::Inline(text) => text.clone(),
            TextSource::File(path) => read_file(path).map_err(|problem| self.error(what, source, problem))?,
        };
        if text.expose_secret().is_empty() {
            return Err(self.error(what, source, "is empty"));
        }
        Ok(text)
    }

    /// These two go into headers.
    fn check_for_header(&self, what: &str, source: &TextSource, text: &SecretString) -> Result<(), CloudError> {
        if text.expose_secret().bytes().all(|byte| byte.is_ascii_graphic()) {
            Ok(())
        } else {
            Err(self.error(what, source, "holds blanks or other characters that no key has"))
        }
    }

    fn error(&self, what: &str, source: &TextSource, problem: impl fmt::Display) -> CloudError {
        let place = match source {
            TextSource::Inline(_) => String::new(),
            TextSource::File(path) => format!(" in {}", path.display()),
        };
        CloudError::new(ErrorKind::Unauthorized, format!("credentials {}: the {what}{place} {problem}", self.name))
    }
}

/// Reads a small text file, without the blanks around its text.
fn read_file(path: &Path) -> Result<SecretString, String> {
    let unreadable = |error: std::io::Error| format!("cannot be read: {error}");
    // A pipe or device could keep us waiting for ever.
    if !std::fs::metadata(path).map_err(unreadable)?.is_file() {
        return Err("cannot be read: no regular file".to_owned());
    }
    let file = File::open(path).map_err(unreadable)?;
    let mut bytes = Zeroizing::new(Vec::new());
    file.take(MAX_FILE_LENGTH + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > MAX_FILE_LENGTH {
        return Err(format!("is longer than {} KiB", MAX_FILE_LENGTH / 1024));
    }
    let text = std::str::from_utf8(&bytes).map_err(|_| "is no text".to_owned())?;
    Ok(text.trim().into())
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::cloud::credentials::grant::Grant;

    /// A directory of a test's own, removed at its end.
    struct Scratch(PathBuf);

    impl Scratch {
        fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("dcs-credentials-{name}-{}", std::process::id()));
            std::fs::create_dir_all(&path).unwrap();
            Self(path)
        }

        fn file(&self, name: &str, content: impl AsRef<[u8]>) -> TextSource {
            let path = self.0.join(name);
            std::fs::write(&path, content).unwrap();
            TextSource::File(path)
        }
    }

    impl Drop for Scratch {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    fn inline(text: &str) -> TextSource {
        TextSource::Inline(text.into())
    }

    fn credentials(access_key: TextSource, secret_key: TextSource, token: Option<TextSource>) -> AccessKeys {
        let keys = KeySource { access_key, secret_key, security_token: token };
        AccessKeys::new("ops", &keys)
    }

    #[tokio::test]
    async fn keys_of_the_configuration() {
        let keys = credentials(inline("AK"), inline("SK"), Some(inline("token"))).current().await.unwrap();
        assert_eq!(keys.access_key, "AK");
        assert_eq!(keys.secret.expose_secret(), "SK");
        assert_eq!(keys.security_token.as_ref().unwrap().expose_secret(), "token");
        assert!(credentials(inline("AK"), inline("SK"), None).current().await.unwrap().security_token.is_none());
    }

    #[tokio::test]
    async fn files_are_read_anew_and_without_the_blanks_at_their_ends() {
        let scratch = Scratch::new("anew");
        let credentials = credentials(
            scratch.file("ak", "AK1\n"),
            scratch.file("sk", "S K\u{e9} \r\n\n"),
            Some(scratch.file("t", "T")),
        );
        let before = credentials.current().await.unwrap();
        assert_eq!((before.access_key.as_str(), before.secret.expose_secret()), ("AK1", "S K\u{e9}"));
        let same = credentials.current().await.unwrap();
        assert_eq!(before.fingerprint(), same.fingerprint());
        scratch.file("ak", "AK2");
        let after = credentials.current().await.unwrap();
        assert_eq!(after.access_key, "AK2");
        assert_ne!(before.fingerprint(), after.fingerprint());
    }

    #[tokio::test]
    async fn what_cannot_be_a_key_is_told_with_its_file_and_without_its_content() {
        let scratch = Scratch::new("bad");
        let directory = TextSource::File(scratch.0.clone());
        let missing = TextSource::File(scratch.0.join("missing"));
        let good = || inline("GOODKEY");
        for (credentials, expected) in [
            (credentials(missing.clone(), good(), None), "access key in "),
            (credentials(missing, good(), None), "missing cannot be read"),
            (credentials(good(), directory, None), "no regular file"),
            (credentials(good(), scratch.file("empty", " \n"), None), "empty is empty"),
            (credentials(good(), inline(""), None), "the secret key is empty"),
            (credentials(good(), scratch.file("long", vec![b'x'; 64 * 1024 + 1]), None), "longer than 64 KiB"),
            (credentials(good(), scratch.file("binary", [0xff, 0xfe]), None), "is no text"),
            (credentials(scratch.file("two", "HUSH HUSH"), good(), None), "two holds blanks"),
            (credentials(good(), good(), Some(inline("HUSH\nHUSH"))), "the security token holds blanks"),
            (credentials(good(), good(), Some(scratch.file("none", ""))), "security token in "),
        ] {
            let error = credentials.current().await.unwrap_err();
            assert_eq!(error.kind, ErrorKind::Unauthorized);
            assert!(error.message.starts_with("credentials ops: the "), "{error}");
            assert!(error.message.contains(expected), "{error}: {expected}");
            assert!(!error.message.contains("HUSH") && !error.message.contains("GOODKEY"), "{error}");
        }
        let longest = credentials(good(), scratch.file("longest", vec![b'x'; 64 * 1024]), None);
        assert!(longest.current().await.is_ok());
    }

    #[tokio::test]
    async fn fingerprints_tell_every_part_apart() {
        let of = async |ak: &str, sk: &str, token: Option<&str>| {
            credentials(inline(ak), inline(sk), token.map(inline)).current().await.unwrap().fingerprint()
        };
        let base = of("AK", "SK", None).await;
        assert_eq!(base, of("AK", "SK", None).await);
        for other in [of("AKS", "K", None).await, of("AK", "SK", Some("t")).await, of("AL", "SK", None).await] {
            assert_ne!(base, other);
        }
        assert_ne!(of("AK", "SK", Some("t")).await, of("AK", "SKt", None).await);
    }

    #[tokio::test]
    async fn debug_shows_no_key() {
        let credentials = credentials(inline("HUSHAK"), inline("HUSHSK"), Some(inline("HUSHTOKEN")));
        let keys = credentials.current().await.unwrap();
        let shown = format!("{credentials:?} {keys:?} {:?}", keys.fingerprint());
        assert!(!shown.contains("HUSH"), "{shown}");
        assert_eq!(Grant::Keys(keys).hidden(), ["HUSHSK", "HUSHAK", "HUSHTOKEN"]);
    }
}
