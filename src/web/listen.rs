//! Addresses to listen on, as Prometheus' programs take them: `host:port`, `[::1]:port` or `:port`; and `unix:/path`.

use std::fmt;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;

use tokio::net::{TcpListener, TcpSocket};

use super::socket_file;
use super::sockets::Listener;

/// An address to listen on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListenAddress(Kind);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Kind {
    Tcp {
        /// A name or an IP address, without brackets; empty for every interface, IPv4 and IPv6.
        host: String,
        /// 0 for any free one.
        port: u16,
    },
    /// An absolute path.
    Unix(PathBuf),
}

/// The longest path that a Unix socket can have, less what [`socket_file`] needs for a moment.
const LONGEST_PATH: usize = 107 - ".new".len();

/// Connections that may wait to be accepted: as many as the system lets, as in Go's programs; it takes its own limit
/// (`net.core.somaxconn`) for any larger number. With the 128 that is usual in Rust, a scrape that comes while many wait for
/// a place is dropped, and tries again after 1 s, 3 s and 7 s. A Unix socket has the system's limit anyway.
const BACKLOG: u32 = 65_535;

/// An address that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// It is none.
    #[error(
        "listen address {0:?} is not host:port; write it as 127.0.0.1:10105, [::1]:10105, :10105 or unix:/run/exporter.sock"
    )]
    Form(String),
    /// The path of a Unix socket is relative or too long.
    #[error(
        "listen address {0:?} needs an absolute path of at most {LONGEST_PATH} bytes, such as unix:/run/exporter.sock"
    )]
    Path(String),
}

/// An address that cannot be bound.
#[derive(Debug, thiserror::Error)]
#[error("listen address {address} cannot be bound")]
pub struct BindError {
    address: ListenAddress,
    source: io::Error,
}

impl FromStr for ListenAddress {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        if let Some(path) = text.strip_prefix("unix:") {
            let path = path.strip_prefix("//").unwrap_or(path);
            if !path.starts_with('/') || path.ends_with('/') || path.len() > LONGEST_PATH || path.contains('\0') {
                return Err(AddressError::Path(text.to_owned()));
            }
            return Ok(Self(Kind::Unix(path.into())));
        }
        let error = || AddressError::Form(text.to_owned());
        let (host, port) = text.trim().rsplit_once(':').ok_or_else(error)?;
        let port = Some(port).filter(|port| port.bytes().all(|byte| byte.is_ascii_digit())).ok_or_else(error)?;
        let port = port.parse().map_err(|_| error())?;
        let host = match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
            Some(bracketed) if bracketed.parse::<Ipv6Addr>().is_ok() => bracketed,
            Some(_) => return Err(error()),
            None if host.contains([':', '[', ']', '/', ' ']) => return Err(error()),
            None => host,
        };
        Ok(Self(Kind::Tcp { host: host.to_owned(), port }))
    }
}

impl fmt::Display for ListenAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Tcp { host, port } if host.contains(':') => write!(f, "[{host}]:{port}"),
            Kind::Tcp { host, port } => write!(f, "{host}:{port}"),
            Kind::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

impl From<SocketAddr> for ListenAddress {
    fn from(address: SocketAddr) -> Self {
        Self(Kind::Tcp { host: address.ip().to_string(), port: address.port() })
    }
}

impl ListenAddress {
    /// The same host with the next port; `None` after the last one, after "any free one", and for a path.
    pub fn next_port(&self) -> Option<Self> {
        let Kind::Tcp { host, port } = &self.0 else { return None };
        let port = Some(*port).filter(|port| *port != 0)?.checked_add(1)?;
        Some(Self(Kind::Tcp { host: host.clone(), port }))
    }

    /// Binds the address.
    ///
    /// # Errors
    /// [`BindError`] where the host has no address here, or the port or path is taken or forbidden.
    pub async fn bind(&self) -> Result<Listener, BindError> {
        let bound = match &self.0 {
            Kind::Tcp { host, port } => bind_tcp(host, *port).await.and_then(Listener::tcp),
            Kind::Unix(path) => {
                socket_file::bind(path).await.map(|(listener, file)| Listener::unix(listener, path, Some(file)))
            }
        };
        bound.map_err(|source| BindError { address: self.clone(), source })
    }
}

async fn bind_tcp(host: &str, port: u16) -> io::Result<TcpListener> {
    if !host.is_empty() {
        let mut refused = io::Error::new(io::ErrorKind::InvalidInput, "the host has no address");
        for address in tokio::net::lookup_host((host, port)).await? {
            match listen_at(address) {
                Ok(listener) => return Ok(listener),
                Err(error) => refused = error,
            }
        }
        return Err(refused);
    }
    match listen_at((Ipv6Addr::UNSPECIFIED, port).into()) {
        // A machine without IPv6 says so in several ways; a port that is taken stays taken.
        Err(error) if !matches!(error.kind(), io::ErrorKind::AddrInUse | io::ErrorKind::PermissionDenied) => {
            listen_at((Ipv4Addr::UNSPECIFIED, port).into())
        }
        bound => bound,
    }
}

fn listen_at(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // The port of a process that has just ended is free.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::BoundAddress;
    use std::time::Duration;
    use tokio::net::TcpStream;

    #[test]
    fn addresses_are_read_as_prometheus_reads_them() {
        for (text, host, port) in [
            (":10105", "", 10105),
            ("0.0.0.0:0", "0.0.0.0", 0),
            ("[::1]:10105", "::1", 10105),
            ("[::]:65535", "::", 65535),
            ("localhost:9100", "localhost", 9100),
        ] {
            let address: ListenAddress = text.parse().unwrap();
            assert_eq!(address, ListenAddress(Kind::Tcp { host: host.into(), port }));
            assert_eq!(address.to_string(), text);
        }
    }

    #[test]
    fn what_is_no_address_is_refused_with_the_way_to_write_one() {
        for text in [
            "",
            "10105",
            "localhost",
            "::1:80",
            "[::1]",
            "[x]:80",
            ":http",
            ":65536",
            ":-1",
            ":+80",
            "http://a:80",
            "a b:1",
            "h:",
        ] {
            let error = text.parse::<ListenAddress>().unwrap_err().to_string();
            assert!(error.contains(&format!("{text:?}")) && error.contains(":10105"), "{error}");
        }
    }

    #[test]
    fn paths_are_absolute_and_short() {
        for text in ["unix:/run/exporter.sock", "unix:///run/exporter.sock"] {
            let address: ListenAddress = text.parse().unwrap();
            assert_eq!(address, ListenAddress(Kind::Unix("/run/exporter.sock".into())));
            assert_eq!(address.to_string(), "unix:/run/exporter.sock");
            assert_eq!(address.next_port(), None);
        }
        let long = format!("unix:/{}", "x".repeat(LONGEST_PATH));
        for text in ["unix:", "unix:exporter.sock", "unix://exporter.sock", "unix:/run/", &long] {
            assert!(matches!(text.parse::<ListenAddress>(), Err(AddressError::Path(_))), "{text}");
        }
    }

    fn tcp(listener: &Listener) -> SocketAddr {
        match listener.at {
            BoundAddress::Tcp(address) => address,
            BoundAddress::Unix(_) => panic!("no TCP"),
        }
    }

    #[tokio::test]
    async fn any_free_port_of_every_interface_becomes_a_real_one() {
        let listener = ":0".parse::<ListenAddress>().unwrap().bind().await.unwrap();
        let address = tcp(&listener);
        assert!(address.ip().is_unspecified());
        assert_ne!(address.port(), 0);
    }

    #[tokio::test]
    async fn as_many_connections_wait_as_the_system_lets() {
        const MANY: usize = 300;
        let most = std::fs::read_to_string("/proc/sys/net/core/somaxconn").ok();
        if most.and_then(|most| most.trim().parse().ok()).is_none_or(|most: usize| most < MANY) {
            return;
        }
        for text in ["127.0.0.1:0", "localhost:0", ":0"] {
            let listener = text.parse::<ListenAddress>().unwrap().bind().await.unwrap();
            let connect = || tokio::time::timeout(Duration::from_millis(500), TcpStream::connect(tcp(&listener)));
            let mut waiting = Vec::new();
            for number in 0..MANY {
                let connected = connect().await;
                waiting.push(connected.unwrap_or_else(|_| panic!("{text}: {number} wait, and no more can")).unwrap());
            }
        }
    }

    #[tokio::test]
    async fn a_taken_port_is_named() {
        let listener = "127.0.0.1:0".parse::<ListenAddress>().unwrap().bind().await.unwrap();
        let address = tcp(&listener);
        let error = ListenAddress::from(address).bind().await.unwrap_err();
        assert_eq!(error.to_string(), format!("listen address {address} cannot be bound"));
        assert_eq!(error.source.kind(), io::ErrorKind::AddrInUse, "told by who prints the chain");
    }
}
