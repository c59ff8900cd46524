//! The directory of the stored facts: its lock, the file, and those that were set aside.
//!
//! `facts` is the file, `facts.tmp` the next one while it is written, `lock` is locked by the process that stores
//! here, `facts.rejected-…` are files that were not used, the newest [`KEPT`] of them. The lock is the kernel's and
//! ends with its process, however that ends. Everything here blocks.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use thiserror::Error;

use super::file::{self, Reason};
use crate::memory::Memory;

const FACTS: &str = "facts";
const NEXT: &str = "facts.tmp";
const LOCK: &str = "lock";
const REJECTED: &str = "facts.rejected-";
/// So many files that were not used stay for whoever wants to know.
pub const KEPT: usize = 3;

/// The facts are nobody else's business.
const FILE_MODE: u32 = 0o600;
const DIRECTORY_MODE: u32 = 0o700;

/// A directory to store in.
#[derive(Debug)]
pub struct Directory {
    path: PathBuf,
    /// Locked, while this process may store.
    lock: Option<File>,
}

/// Why nothing is stored.
#[derive(Debug, Error)]
pub enum StorageError {
    /// Another process has the lock.
    #[error("another process stores its facts in {}; give each one a directory of its own", .0.display())]
    Held(PathBuf),
    /// The directory or a file in it cannot be used.
    #[error("{} cannot be {done}: {source}; see that the disk has room and the directory is writable", path.display())]
    Io {
        /// Which file or directory.
        path: PathBuf,
        /// What could not be done, as a participle.
        done: &'static str,
        /// Why.
        source: io::Error,
    },
    /// The disk does not answer.
    #[error("{} takes too long to be read; look at its disk", .0.display())]
    Slow(PathBuf),
    /// The work on the disk broke off: a bug.
    #[error("the work on {} broke off", .0.display())]
    Broken(PathBuf),
}

/// A file that is not used.
#[derive(Debug, Error)]
#[error("{reason}{}", detail.as_ref().map(|error| format!(" ({error})")).unwrap_or_default())]
pub struct Rejected {
    /// Why.
    pub reason: Reason,
    /// The system's word on it.
    pub detail: Option<io::Error>,
    /// The name that it has now; `None` where it could not be, or must not be, renamed.
    pub set_aside: Option<String>,
}

impl Directory {
    /// A directory that is neither made nor locked yet.
    pub fn new(path: PathBuf) -> Self {
        Self { path, lock: None }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Makes the directory where it is missing, and locks it where it is not locked by this process already.
    ///
    /// # Errors
    /// Where another process has the lock, or the directory cannot be used.
    pub fn acquire(&mut self) -> Result<(), StorageError> {
        if self.lock.is_some() {
            return Ok(());
        }
        let made = DirBuilder::new().recursive(true).mode(DIRECTORY_MODE).create(&self.path);
        made.map_err(|source| StorageError::Io { path: self.path.clone(), done: "made", source })?;
        let path = self.path.join(LOCK);
        let locked = |source| StorageError::Io { path: path.clone(), done: "locked", source };
        let open = OpenOptions::new().write(true).create(true).truncate(false).mode(FILE_MODE).open(&path);
        let file = open.map_err(locked)?;
        match file.try_lock() {
            Ok(()) => self.lock = Some(file),
            Err(TryLockError::WouldBlock) => return Err(StorageError::Held(self.path.clone())),
            Err(TryLockError::Error(error)) => return Err(locked(error)),
        }
        Ok(())
    }

    /// Whether this process may store here.
    pub fn is_locked(&self) -> bool {
        self.lock.is_some()
    }

    /// Puts this memory in the place of the one before, or leaves that; tells its size in bytes. The directory must
    /// have been [acquired](Self::acquire).
    ///
    /// # Errors
    /// Where it is not locked, or the disk does not take it. The lock is given up then: perhaps the directory is
    /// another one by now, and the next try has to make and lock that.
    pub fn write(&mut self, memory: &Memory) -> Result<u64, StorageError> {
        if self.lock.is_none() {
            return Err(StorageError::Held(self.path.clone()));
        }
        let next = self.path.join(NEXT);
        self.replace(memory, &next).map_err(|source| {
            // What there is of it takes room that others need.
            let _ = fs::remove_file(&next);
            self.lock = None;
            StorageError::Io { path: self.path.join(FACTS), done: "written", source }
        })
    }

    fn replace(&self, memory: &Memory, next: &Path) -> io::Result<u64> {
        // One that a killed process left may be anybody's, with any mode.
        match fs::remove_file(next) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let file = OpenOptions::new().write(true).create_new(true).mode(FILE_MODE).open(next)?;
        let bytes = file::write(memory, &file)?;
        file.sync_all()?;
        fs::rename(next, self.path.join(FACTS))?;
        // Only then the name is on the disk, too.
        File::open(&self.path)?.sync_all()?;
        Ok(bytes)
    }

    /// Reads the memory; `None` where none was ever written. One that cannot be used is set aside, unless another
    /// process stores here.
    ///
    /// # Errors
    /// Why it is not used.
    pub fn load(&self, now: Timestamp) -> Result<Option<Memory>, Rejected> {
        let (reason, detail) = match read(&self.path.join(FACTS)) {
            Ok(bytes) => match file::read(&bytes) {
                Ok(memory) => return Ok(Some(memory)),
                Err(reason) => (reason, None),
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) if error.kind() == io::ErrorKind::FileTooLarge => (Reason::Damaged, Some(error)),
            Err(error) => (Reason::Unreadable, Some(error)),
        };
        let set_aside = if self.is_locked() { self.set_aside(now) } else { None };
        Err(Rejected { reason, detail, set_aside })
    }

    fn set_aside(&self, now: Timestamp) -> Option<String> {
        let name = format!("{REJECTED}{}", now.strftime("%Y%m%dT%H%M%S.%3fZ"));
        fs::rename(self.path.join(FACTS), self.path.join(&name)).ok()?;
        let entries = fs::read_dir(&self.path).ok()?;
        let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        let mut rejected: Vec<String> = names.filter(|name| name.starts_with(REJECTED)).collect();
        rejected.sort_unstable();
        let excess = rejected.len().saturating_sub(KEPT);
        for old in &rejected[..excess] {
            let _ = fs::remove_file(self.path.join(old));
        }
        Some(name)
    }
}

/// The whole file, if it is one and not too large.
fn read(path: &Path) -> io::Result<Vec<u8>> {
    let metadata = fs::metadata(path)?;
    // A pipe would be waited for, for ever.
    if !metadata.is_file() {
        return Err(io::Error::other("it is no regular file"));
    }
    let too_large = || io::Error::new(io::ErrorKind::FileTooLarge, "it is larger than 1 GiB");
    if metadata.len() > file::LARGEST {
        return Err(too_large());
    }
    let mut bytes = Vec::with_capacity(usize::try_from(metadata.len()).map_err(|_| too_large())?);
    File::open(path)?.take(file::LARGEST + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests;
