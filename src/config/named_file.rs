//! Files that the configuration names: they must be there and make sense now, not at the first poll.
//!
//! Relative paths count from the directory of the configuration file, so that it does not matter where the daemon is
//! started. What a secret's file holds is looked at and forgotten: it is read again before use.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::schema::Kind;
use super::section::Field;

/// No secret and no bundle of certificates is larger.
const LARGEST: u64 = 4 << 20;

const NO_TEXT: &str = "is not a text file";

/// The path of a file that holds one secret.
pub(super) fn secret(field: &Field, kind: Kind, directory: &Path) -> Option<PathBuf> {
    checked(field, directory, |bytes| {
        let text = std::str::from_utf8(bytes).map_err(|_| NO_TEXT.to_owned())?;
        let text = text.trim_end_matches(['\n', '\r']);
        if text.trim().is_empty() {
            return Err("is empty".to_owned());
        }
        // The sentences speak of the value and do not show it.
        kind.check(text)
    })
}

/// The path of a file with PEM certificates.
pub(super) fn certificates(field: &Field, directory: &Path) -> Option<PathBuf> {
    checked(field, directory, |bytes| {
        if bytes.is_empty() {
            return Err("is empty".to_owned());
        }
        let found = reqwest::Certificate::from_pem_bundle(bytes).map_err(|_| "holds broken PEM".to_owned())?;
        if found.is_empty() {
            return Err("holds no certificate (`-----BEGIN CERTIFICATE-----`)".to_owned());
        }
        // PEM says nothing about what is inside; only a client that trusts it does.
        let trusting = reqwest::Client::builder().tls_certs_only(found).build();
        trusting.map(drop).map_err(|_| "holds a certificate that cannot be read".to_owned())
    })
}

fn checked(field: &Field, directory: &Path, check: impl FnOnce(&[u8]) -> Result<(), String>) -> Option<PathBuf> {
    let path = directory.join(field.text);
    match read(&path, LARGEST).and_then(|bytes| check(&bytes)) {
        Ok(()) => Some(path),
        Err(reason) => {
            // Whole: the end of a long path is what tells one file from another.
            field.place.problem(format!("the file {:?} {reason}", path.to_string_lossy()));
            None
        }
    }
}

/// The text of a file of at most so many bytes; the error is the rest of a sentence about it.
pub(super) fn text(path: &Path, largest: u64) -> Result<String, String> {
    match read(path, largest) {
        Ok(bytes) => String::from_utf8(bytes).map_err(|_| NO_TEXT.to_owned()),
        Err(sentence) => Err(sentence),
    }
}

/// The bytes of a certificate's or a key's file; the error is the rest of a sentence about it.
pub(crate) fn bytes(path: &Path) -> Result<Vec<u8>, String> {
    read(path, LARGEST)
}

fn read(path: &Path, largest: u64) -> Result<Vec<u8>, String> {
    let cannot = |error: std::io::Error| format!("cannot be read: {error}");
    let metadata = std::fs::metadata(path).map_err(cannot)?;
    if metadata.is_dir() {
        return Err("is a directory; name a file in it".to_owned());
    }
    // A pipe gives its content once, and this is read again and again.
    if !metadata.is_file() {
        return Err("is not a regular file".to_owned());
    }
    let mut bytes = Vec::new();
    File::open(path).map_err(cannot)?.take(largest + 1).read_to_end(&mut bytes).map_err(cannot)?;
    if bytes.len() as u64 > largest {
        return Err(format!("is larger than {} KiB", largest >> 10));
    }
    Ok(bytes)
}
