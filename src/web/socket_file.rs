//! The file of a Unix socket.

use std::fs::{self, Metadata, Permissions};
use std::io;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use tokio::net::{UnixListener, UnixStream};

/// Owner and group may connect: who scrapes can be put into the group.
const MODE: u32 = 0o660;

/// The file of a socket of ours, which goes away with it.
#[derive(Debug)]
pub(super) struct SocketFile {
    path: PathBuf,
    device: u64,
    inode: u64,
}

/// Listens at a path. What is left of a process that has ended is replaced.
pub(super) async fn bind(path: &Path) -> io::Result<(UnixListener, SocketFile)> {
    make_way(path).await?;
    // Under another name first: nobody connects before it is known who may.
    let mut unfinished = path.as_os_str().to_owned();
    unfinished.push(".new");
    let unfinished = Path::new(&unfinished);
    make_way(unfinished).await?;
    if fs::symlink_metadata(unfinished).is_ok() {
        fs::remove_file(unfinished)?;
    }
    let listener = UnixListener::bind(unfinished)?;
    fs::set_permissions(unfinished, Permissions::from_mode(MODE))?;
    fs::rename(unfinished, path)?;
    let metadata = fs::symlink_metadata(path)?;
    Ok((listener, SocketFile { path: path.to_owned(), device: metadata.dev(), inode: metadata.ino() }))
}

/// Makes sure that nobody listens there, and that it is no file of another kind.
async fn make_way(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
        Ok(metadata) if !metadata.file_type().is_socket() => {
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, "there is a file that is no socket"));
        }
        Ok(_) => {}
    }
    match UnixStream::connect(path).await {
        Err(error) if matches!(error.kind(), io::ErrorKind::ConnectionRefused | io::ErrorKind::NotFound) => Ok(()),
        Err(error) if error.kind() != io::ErrorKind::WouldBlock => Err(error),
        Ok(_) | Err(_) => Err(io::Error::new(io::ErrorKind::AddrInUse, "another process listens there")),
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        let is_ours = |metadata: Metadata| metadata.dev() == self.device && metadata.ino() == self.inode;
        if fs::symlink_metadata(&self.path).is_ok_and(is_ours) {
            // Where that fails, the next process replaces it.
            let _ = fs::remove_file(&self.path);
        }
    }
}
