//! The last known facts over a restart: a file in the directory of `storage.path` (contract §2).
//!
//! [`Storage::open`] makes the directory and locks it, [`Storage::load`] reads the file once, [`Storage::keep`] writes
//! it anew, at most every `storage.interval` and only if something has changed, and [`Storage::finish`] at the end.
//! Nothing here is fatal: facts that cannot be loaded come with the first polls, and a disk that is full or read-only
//! costs a warning, a count, and another try at the next interval.
//!
//! The file is written beside its place and renamed, so that a process killed at any moment leaves the one before
//! ([`mod@file`] seals it with a digest, [`directory`] moves and locks). A file that is not as it was written is set aside,
//! never read half. All work on the disk is done on blocking threads.

pub mod directory;
pub mod file;

use std::time::Duration;

use crate::clock::Clock;
use crate::config::StorageConfig;
use crate::exposition::own::OwnMetrics;
use crate::memory::{Memory, Revision};
use crate::poller::Recall;
use directory::{Directory, StorageError};

/// The start waits so long for the disk.
const AT_START: Duration = Duration::from_secs(5);

/// The keeper of the facts.
#[derive(Debug)]
pub struct Storage {
    /// `None` while a blocking thread has it, and after one that broke off.
    directory: Option<Directory>,
    config: StorageConfig,
    clock: Clock,
    metrics: OwnMetrics,
    /// The revision of the memory in the file.
    written: Option<u64>,
    /// The newest try to write failed, and the log was told.
    failing: bool,
}

impl Storage {
    /// Makes and locks the directory, if it can; what it cannot now, it tries again before every writing.
    pub async fn open(config: StorageConfig, clock: Clock, metrics: OwnMetrics) -> Self {
        metrics.storage_begins();
        let directory = Some(Directory::new(config.path.clone()));
        let mut storage = Self { directory, config, clock, metrics, written: None, failing: false };
        let opened = storage.soon(Directory::acquire).await;
        if let Err(error) = opened.flatten() {
            storage.failed(&error);
        }
        storage
    }

    /// What the file remembers, as far as it may be used now; `None` where there is no good file.
    pub async fn load(&mut self) -> Option<Memory> {
        let now = self.clock.now();
        let max_age = self.config.max_age;
        let loaded = self.soon(move |directory| directory.load(now)).await;
        let path = self.config.path.display();
        match loaded {
            Ok(Ok(memory)) => {
                let memory = memory?;
                let saved_at = memory.saved_at;
                let memory = memory.as_of(now, max_age);
                let (instances, shown) = (memory.len(), memory.shown());
                tracing::info!(%path, %saved_at, instances, shown, "stored facts were loaded");
                if shown < instances {
                    tracing::info!(
                        %path,
                        "stored facts are too old to be shown before the next poll; what must not be forgotten is kept"
                    );
                }
                Some(memory)
            }
            Ok(Err(rejected)) => {
                self.metrics.storage_file_rejected(rejected.reason);
                tracing::warn!(
                    %path,
                    reason = rejected.reason.as_str(),
                    set_aside = rejected.set_aside,
                    "stored facts are not used: {rejected}"
                );
                None
            }
            Err(error) => {
                tracing::error!(%path, %error, "stored facts could not be loaded");
                None
            }
        }
    }

    /// Writes what the poller remembers, again and again, until `ended`.
    pub async fn keep(mut self, poller: Recall, ended: impl Future<Output = ()>) -> Self {
        tokio::pin!(ended);
        loop {
            tokio::select! {
                () = &mut ended => return self,
                () = tokio::time::sleep(self.config.interval) => {}
            }
            let Some(revision) = poller.ask().await else { return self };
            self.write(revision).await;
        }
    }

    /// Writes once more. Whoever waits for that sets it a limit: a disk may hang.
    pub async fn finish(mut self, revision: Revision) {
        self.write(revision).await;
    }

    /// Writes, unless nothing has changed.
    async fn write(&mut self, revision: Revision) {
        if self.written == Some(revision.number) {
            return;
        }
        let Revision { number, memory } = revision;
        let written = self.on_disk(move |directory| directory.acquire().and_then(|()| directory.write(&memory))).await;
        match written.flatten() {
            Ok(bytes) => {
                self.written = Some(number);
                self.metrics.storage_written(self.clock.now());
                let path = self.config.path.display();
                tracing::debug!(%path, bytes, "facts were stored");
                if std::mem::take(&mut self.failing) {
                    tracing::info!(%path, "facts are stored again");
                }
            }
            Err(error) => {
                self.metrics.storage_write_failed();
                self.failed(&error);
            }
        }
    }

    /// Does something on a blocking thread while the daemon has not begun to serve: a disk that hangs must not keep it
    /// from that.
    async fn soon<T: Send + 'static>(
        &mut self,
        work: impl FnOnce(&mut Directory) -> T + Send + 'static,
    ) -> Result<T, StorageError> {
        let done = tokio::time::timeout(AT_START, self.on_disk(work)).await;
        done.unwrap_or_else(|_| Err(StorageError::Slow(self.config.path.clone())))
    }

    /// Does something on a blocking thread.
    async fn on_disk<T: Send + 'static>(
        &mut self,
        work: impl FnOnce(&mut Directory) -> T + Send + 'static,
    ) -> Result<T, StorageError> {
        // Where a thread has kept it, there is another: its lock tells whether that one still writes.
        let mut directory = self.directory.take().unwrap_or_else(|| Directory::new(self.config.path.clone()));
        let work = tokio::task::spawn_blocking(move || {
            let result = work(&mut directory);
            (directory, result)
        });
        let (directory, result) = work.await.map_err(|_| StorageError::Broken(self.config.path.clone()))?;
        self.directory = Some(directory);
        Ok(result)
    }

    /// Tells the log that facts are not stored, once until they are again.
    fn failed(&mut self, error: &StorageError) {
        if !std::mem::replace(&mut self.failing, true) {
            tracing::warn!(%error, "facts are not stored; it is tried again every {:?}", self.config.interval);
        }
    }
}

#[cfg(test)]
mod tests;
