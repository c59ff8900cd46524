//! Files of a test's own.

use std::path::PathBuf;

use crate::config::TextSource;

/// A directory of a test's own, removed at its end.
pub(super) struct Scratch(PathBuf);

impl Scratch {
    pub(super) fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("dcs-credentials-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Writes a file, or writes it anew.
    pub(super) fn file(&self, name: &str, content: impl AsRef<[u8]>) -> TextSource {
        std::fs::write(self.path(name), content).unwrap();
        TextSource::File(self.path(name))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
