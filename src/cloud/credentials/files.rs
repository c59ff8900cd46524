//! Access keys, and other secrets of the configuration, as they are at this moment.
//!
//! What stands in the configuration stays what it is; files are read anew each time, so that a rotated key is tried at
//! once, without a reload.

use std::fmt;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;

use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret, SecretString};

use super::failure::Failure;
use super::grant::{Grant, Keys};
use super::{Boxed, Granting};
use crate::cloud::error::{CloudError, ErrorKind};
use crate::config::{KeySource, TextSource};
use crate::domain::ProjectName;
use crate::pace::keys::Fingerprint;

/// The largest file that is read as a key; security tokens take a few KiB.
const MAX_FILE_LENGTH: u64 = 64 * 1024;

/// Reads files, one request at a time: each that reads takes a thread of its own.
#[derive(Clone, Debug)]
pub(super) struct Reader {
    /// The entry of `credentials`, for messages.
    entry: String,
    turn: Arc<tokio::sync::Mutex<()>>,
}

impl Reader {
    pub(super) fn new(entry: &str) -> Self {
        Self { entry: entry.to_owned(), turn: Arc::default() }
    }

    /// Reads, on a thread that may wait for a disk.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce() -> Result<T, CloudError> + Send + 'static,
    ) -> Result<T, CloudError> {
        let _turn = self.turn.lock().await;
        tokio::task::spawn_blocking(read).await.unwrap_or_else(|error| {
            let message = format!("credentials {}: reading them was broken off: {error}", self.entry);
            Err(CloudError::new(ErrorKind::Unauthorized, message))
        })
    }
}

/// Access keys in the configuration or in files.
#[derive(Clone, Debug)]
pub(super) struct AccessKeys {
    source: KeySource,
    reader: Reader,
}

impl AccessKeys {
    pub(super) fn new(entry: &str, source: &KeySource) -> Self {
        Self { source: source.clone(), reader: Reader::new(entry) }
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
            return keys(&self.reader.entry, &self.source);
        }
        let this = self.clone();
        self.reader.read(move || keys(&this.reader.entry, &this.source)).await
    }
}

impl Granting for AccessKeys {
    fn grant<'a>(&'a self, _caller: &'a ProjectName) -> Boxed<'a, Result<Grant, Failure>> {
        Box::pin(async { Ok(Grant::Keys(self.current().await?)) })
    }

    fn origin(&self) -> Boxed<'_, Result<Fingerprint, CloudError>> {
        Box::pin(async { Ok(self.current().await?.fingerprint()) })
    }
}

/// A password or an id token, in the configuration or in a file.
#[derive(Clone, Debug)]
pub(super) struct Secret {
    what: &'static str,
    source: TextSource,
    reader: Reader,
}

impl Secret {
    /// `what` it is, for messages.
    pub(super) fn new(entry: &str, what: &'static str, source: &TextSource) -> Self {
        Self { what, source: source.clone(), reader: Reader::new(entry) }
    }

    /// The text as it is now.
    ///
    /// # Errors
    /// [`ErrorKind::Unauthorized`] where the file cannot be read or is empty; the message names the entry and the
    /// file, never the content.
    pub(super) async fn current(&self) -> Result<SecretString, CloudError> {
        let this = self.clone();
        let read = move || Part { entry: &this.reader.entry, what: this.what, source: &this.source }.read();
        match &self.source {
            TextSource::Inline(_) => read(),
            TextSource::File(_) => self.reader.read(read).await,
        }
    }

    /// Likewise, for a header.
    ///
    /// # Errors
    /// As [`Self::current`], and where it holds what cannot stand in a header.
    pub(super) async fn for_header(&self) -> Result<SecretString, CloudError> {
        let text = self.current().await?;
        Part { entry: &self.reader.entry, what: self.what, source: &self.source }.check_for_header(&text)?;
        Ok(text)
    }
}

/// Reads all parts of access keys, which may wait for a disk.
pub(super) fn keys(entry: &str, source: &KeySource) -> Result<Keys, CloudError> {
    let part = |what, source| Part { entry, what, source };
    let access_key = part("access key", &source.access_key);
    let token = source.security_token.as_ref().map(|source| part("security token", source));
    let key = access_key.read()?;
    let secret = part("secret key", &source.secret_key).read()?;
    let security_token = token.as_ref().map(Part::read).transpose()?;
    access_key.check_for_header(&key)?;
    if let (Some(part), Some(text)) = (token, &security_token) {
        part.check_for_header(text)?;
    }
    Ok(Keys { access_key: key.expose_secret().to_owned(), secret, security_token })
}

/// One text of an entry.
struct Part<'a> {
    entry: &'a str,
    what: &'static str,
    source: &'a TextSource,
}

impl Part<'_> {
    fn read(&self) -> Result<SecretString, CloudError> {
        let text = match self.source {
            TextSource::Inline(text) => text.clone(),
            TextSource::File(path) => read_file(path).map_err(|problem| self.error(problem))?,
        };
        if text.expose_secret().is_empty() {
            return Err(self.error("is empty"));
        }
        Ok(text)
    }

    fn check_for_header(&self, text: &SecretString) -> Result<(), CloudError> {
        if text.expose_secret().bytes().all(|byte| byte.is_ascii_graphic()) {
            Ok(())
        } else {
            Err(self.error(format_args!("holds blanks or other characters that no {} has", self.kind())))
        }
    }

    fn kind(&self) -> &'static str {
        self.what.rsplit(' ').next().unwrap_or(self.what)
    }

    fn error(&self, problem: impl fmt::Display) -> CloudError {
        let Self { entry, what, source } = self;
        let place = match source {
            TextSource::Inline(_) => String::new(),
            TextSource::File(path) => format!(" in {}", path.display()),
        };
        CloudError::new(ErrorKind::Unauthorized, format!("credentials {entry}: the {what}{place} {problem}"))
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
    use super::*;
    use crate::cloud::credentials::scratch::Scratch;

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
        let directory = TextSource::File(scratch.path("."));
        let missing = TextSource::File(scratch.path("missing"));
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
