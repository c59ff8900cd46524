//! Addresses to listen on, as Prometheus' programs take them: `host:port`, `[::1]:port` or `:port`.

use std::fmt;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

use tokio::net::TcpListener;

/// An address to listen on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListenAddress {
    /// A name or an IP address, without brackets; empty for every interface, IPv4 and IPv6.
    host: String,
    /// 0 for any free one.
    port: u16,
}

/// An address that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("listen address {0:?} is not host:port; write it as 127.0.0.1:10105, [::1]:10105 or :10105")]
pub struct AddressError(String);

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
        let error = || AddressError(text.to_owned());
        let (host, port) = text.trim().rsplit_once(':').ok_or_else(error)?;
        let port = Some(port).filter(|port| port.bytes().all(|byte| byte.is_ascii_digit())).ok_or_else(error)?;
        let port = port.parse().map_err(|_| error())?;
        let host = match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
            Some(bracketed) if bracketed.parse::<Ipv6Addr>().is_ok() => bracketed,
            Some(_) => return Err(error()),
            None if host.contains([':', '[', ']', '/', ' ']) => return Err(error()),
            None => host,
        };
        Ok(Self { host: host.to_owned(), port })
    }
}

impl fmt::Display for ListenAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

impl From<SocketAddr> for ListenAddress {
    fn from(address: SocketAddr) -> Self {
        Self { host: address.ip().to_string(), port: address.port() }
    }
}

impl ListenAddress {
    /// The same host with the next port; `None` after the last one, and after "any free one".
    pub fn next_port(&self) -> Option<Self> {
        let port = Some(self.port).filter(|port| *port != 0)?.checked_add(1)?;
        Some(Self { host: self.host.clone(), port })
    }

    /// Binds the address; the other half of the answer is the address in use.
    ///
    /// # Errors
    /// [`BindError`] where the host has no address here, or the port is taken or forbidden.
    pub async fn bind(&self) -> Result<(TcpListener, SocketAddr), BindError> {
        let bound = if self.host.is_empty() {
            match TcpListener::bind((Ipv6Addr::UNSPECIFIED, self.port)).await {
                // A machine without IPv6 says so in several ways; a port that is taken stays taken.
                Err(error) if !matches!(error.kind(), io::ErrorKind::AddrInUse | io::ErrorKind::PermissionDenied) => {
                    TcpListener::bind((Ipv4Addr::UNSPECIFIED, self.port)).await
                }
                bound => bound,
            }
        } else {
            TcpListener::bind((self.host.as_str(), self.port)).await
        };
        bound
            .and_then(|listener| listener.local_addr().map(|address| (listener, address)))
            .map_err(|source| BindError { address: self.clone(), source })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
            assert_eq!(address, ListenAddress { host: host.into(), port });
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

    #[tokio::test]
    async fn any_free_port_of_every_interface_becomes_a_real_one() {
        let (_listener, address) = ":0".parse::<ListenAddress>().unwrap().bind().await.unwrap();
        assert!(address.ip().is_unspecified());
        assert_ne!(address.port(), 0);
    }

    #[tokio::test]
    async fn a_taken_port_is_named() {
        let (_listener, address) = "127.0.0.1:0".parse::<ListenAddress>().unwrap().bind().await.unwrap();
        let error = ListenAddress::from(address).bind().await.unwrap_err();
        assert_eq!(error.to_string(), format!("listen address {address} cannot be bound"));
        assert_eq!(error.source.kind(), io::ErrorKind::AddrInUse, "told by who prints the chain");
    }
}
