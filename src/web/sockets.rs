//! The sockets that are listened on: bound by ourselves, or handed over by systemd.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use listenfd::ListenFd;
use tokio::net::{TcpListener, UnixListener};

use super::socket_file::SocketFile;

/// A socket that is listened on.
#[derive(Debug)]
pub struct Listener {
    pub(super) socket: Socket,
    pub(super) at: BoundAddress,
}

#[derive(Debug)]
pub(super) enum Socket {
    Tcp(TcpListener),
    /// With its file, where it is ours to remove.
    Unix(UnixListener, Option<SocketFile>),
}

/// An address that is listened on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BoundAddress {
    /// A port of 0 has become a real one.
    Tcp(SocketAddr),
    /// The path of a Unix socket; empty where it has none.
    Unix(PathBuf),
}

impl fmt::Display for BoundAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

impl BoundAddress {
    /// As a client on this machine reaches it: no browser opens the address that stands for all of them.
    pub fn from_here(&self) -> String {
        match self {
            Self::Tcp(address) if address.ip().is_unspecified() => format!("localhost:{}", address.port()),
            Self::Tcp(_) | Self::Unix(_) => self.to_string(),
        }
    }

    /// The beginning of URLs for a client on this machine.
    pub fn url(&self, scheme: &str) -> String {
        match self {
            Self::Tcp(_) => format!("{scheme}://{}", self.from_here()),
            Self::Unix(_) => self.to_string(),
        }
    }
}

impl Listener {
    pub(super) fn tcp(listener: TcpListener) -> io::Result<Self> {
        let at = BoundAddress::Tcp(listener.local_addr()?);
        Ok(Self { socket: Socket::Tcp(listener), at })
    }

    pub(super) fn unix(listener: UnixListener, path: &Path, file: Option<SocketFile>) -> Self {
        Self { socket: Socket::Unix(listener, file), at: BoundAddress::Unix(path.to_owned()) }
    }
}

/// What is wrong with the sockets that systemd hands over.
#[derive(Debug, thiserror::Error)]
pub enum InheritError {
    /// There is none.
    #[error(
        "--web.systemd-socket: no socket activation file descriptors found; start the exporter by its socket unit, or use --web.listen-address"
    )]
    None,
    /// One is of no use.
    #[error("--web.systemd-socket: socket {0} of those handed over is neither TCP nor a Unix stream")]
    Kind(usize),
    /// One cannot be used.
    #[error("--web.systemd-socket: a socket that was handed over cannot be used")]
    Io(#[from] io::Error),
}

/// The sockets that systemd hands over.
pub struct Inherited(ListenFd);

impl fmt::Debug for Inherited {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Inherited").field(&self.0.len()).finish()
    }
}

impl Inherited {
    /// Takes them, once: before there are other threads, because their variables are removed from the environment.
    pub fn take() -> Self {
        Self(ListenFd::from_env())
    }

    /// None, as long as nobody wants them.
    pub fn none() -> Self {
        Self(ListenFd::empty())
    }

    /// Makes them ready, in their order.
    ///
    /// # Errors
    /// Where there is none, or one of another kind.
    pub fn listen(mut self) -> Result<Vec<Listener>, InheritError> {
        if self.0.len() == 0 {
            return Err(InheritError::None);
        }
        (0..self.0.len()).map(|index| self.listener(index)).collect()
    }

    fn listener(&mut self, index: usize) -> Result<Listener, InheritError> {
        if let Ok(Some(listener)) = self.0.take_tcp_listener(index) {
            listener.set_nonblocking(true)?;
            return Ok(Listener::tcp(TcpListener::from_std(listener)?)?);
        }
        if let Ok(Some(listener)) = self.0.take_unix_listener(index) {
            listener.set_nonblocking(true)?;
            let address = listener.local_addr()?;
            // The file is systemd's.
            let path = address.as_pathname().unwrap_or(Path::new("")).to_owned();
            return Ok(Listener::unix(UnixListener::from_std(listener)?, &path, None));
        }
        Err(InheritError::Kind(index))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_on_this_machine_gets_an_address_that_it_can_open() {
        for (address, from_here) in [
            ("[::]:10105", "localhost:10105"),
            ("0.0.0.0:1", "localhost:1"),
            ("127.0.0.1:2", "127.0.0.1:2"),
            ("[::1]:3", "[::1]:3"),
        ] {
            let address = BoundAddress::Tcp(address.parse().unwrap());
            assert_eq!(address.from_here(), from_here);
            assert_eq!(address.url("https"), format!("https://{from_here}"));
        }
        assert_eq!(BoundAddress::Unix("/run/x.sock".into()).url("http"), "unix:/run/x.sock");
    }
}
