//! Names in certificates, and the bounds that authorities are given for the names below them (RFC 5280, 4.2.1.10).

use std::net::IpAddr;

use x509_cert::der::{self, ErrorKind};
use x509_cert::ext::pkix::constraints::name::{GeneralSubtree, NameConstraints as RawNameConstraints};
use x509_cert::ext::pkix::name::GeneralName;

/// One of a subject's alternative names, as it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Name {
    Dns(String),
    Email(String),
    Uri(String),
    Ip(IpAddr),
}

impl Name {
    /// All of these that are of a kind in use; others say nothing to us.
    pub(super) fn all(names: &[GeneralName]) -> der::Result<Vec<Self>> {
        names.iter().filter_map(|name| Self::read(name).transpose()).collect()
    }

    fn read(name: &GeneralName) -> der::Result<Option<Self>> {
        Ok(Some(match name {
            GeneralName::DnsName(name) => Self::Dns(name.to_string()),
            GeneralName::Rfc822Name(name) => Self::Email(name.to_string()),
            GeneralName::UniformResourceIdentifier(name) => Self::Uri(name.to_string()),
            GeneralName::IpAddress(bytes) => Self::Ip(address(bytes.as_bytes()).ok_or(ErrorKind::Failed)?),
            _ => return Ok(None),
        }))
    }

    /// How it is written in `client_allowed_sans`.
    pub(super) fn is_written(&self, text: &str) -> bool {
        match self {
            Self::Dns(name) | Self::Email(name) | Self::Uri(name) => name == text,
            Self::Ip(address) => address.to_canonical().to_string() == text,
        }
    }

    /// The domain in it, in small letters; `None` where it has none, though its kind has.
    fn domain(&self) -> Option<String> {
        let (domain, labels) = match self {
            Self::Dns(name) => (name.as_str(), name.strip_prefix("*.").unwrap_or(name)),
            Self::Email(address) => mailbox(address).map(|(_, host)| (host, host))?,
            Self::Uri(uri) => host(uri).map(|host| (host, host))?,
            Self::Ip(_) => return None,
        };
        is_domain(labels).then(|| domain.to_ascii_lowercase())
    }
}

/// What names an authority may give, and which it may not.
#[derive(Debug)]
pub(super) struct NameConstraints {
    permitted: Vec<Subtree>,
    excluded: Vec<Subtree>,
    has_unknown: bool,
}

/// A bound on names of one kind. Domains are in small letters.
#[derive(Debug)]
enum Subtree {
    Dns(String),
    Email(String),
    /// One address: what is before and after the `@`.
    Mailbox(String, String),
    Uri(String),
    Ip(Vec<u8>, Vec<u8>),
}

impl NameConstraints {
    /// Fails where a bound cannot be told.
    pub(super) fn read(raw: &RawNameConstraints) -> der::Result<Self> {
        let mut has_unknown = false;
        let mut read = |subtrees: &Option<Vec<GeneralSubtree>>| -> der::Result<Vec<Subtree>> {
            let mut found = Vec::new();
            for subtree in subtrees.iter().flatten() {
                match Subtree::read(&subtree.base)? {
                    Some(subtree) => found.push(subtree),
                    None => has_unknown = true,
                }
            }
            Ok(found)
        };
        let (permitted, excluded) = (read(&raw.permitted_subtrees)?, read(&raw.excluded_subtrees)?);
        Ok(Self { permitted, excluded, has_unknown })
    }

    /// Whether it bounds names of known kinds alone.
    pub(super) fn is_understood(&self) -> bool {
        !self.has_unknown
    }

    /// Whether such a name may be given. A name that cannot be told is out of bounds.
    pub(super) fn permit(&self, name: &Name) -> bool {
        let domain = name.domain();
        if domain.is_none() && !matches!(name, Name::Ip(_)) {
            return false;
        }
        let domain = domain.unwrap_or_default();
        let mut of_kind = self.permitted.iter().filter(|subtree| subtree.bounds(name)).peekable();
        let permitted = of_kind.peek().is_none() || of_kind.any(|subtree| subtree.covers(name, &domain));
        let excluded = |subtree: &Subtree| {
            subtree.bounds(name) && (subtree.covers(name, &domain) || subtree.is_under_wildcard(name, &domain))
        };
        permitted && !self.excluded.iter().any(excluded)
    }
}

impl Subtree {
    fn read(base: &GeneralName) -> der::Result<Option<Self>> {
        let domain = |text: &str| {
            let labels = text.strip_prefix('.').unwrap_or(text);
            let good = text.is_empty() || is_domain(labels);
            good.then(|| text.to_ascii_lowercase()).ok_or(der::Error::from(ErrorKind::Failed))
        };
        Ok(Some(match base {
            GeneralName::DnsName(name) => Self::Dns(domain(name.as_str())?),
            GeneralName::UniformResourceIdentifier(name) if name.as_str().parse::<IpAddr>().is_err() => {
                Self::Uri(domain(name.as_str())?)
            }
            GeneralName::UniformResourceIdentifier(_) => return Err(ErrorKind::Failed.into()),
            GeneralName::Rfc822Name(name) if name.as_str().contains('@') => {
                let (local, host) = mailbox(name.as_str()).ok_or(ErrorKind::Failed)?;
                Self::Mailbox(local.to_owned(), domain(host)?)
            }
            GeneralName::Rfc822Name(name) => Self::Email(domain(name.as_str())?),
            GeneralName::IpAddress(bytes) => {
                let bytes = bytes.as_bytes();
                let (address, mask) = bytes.split_at(bytes.len() / 2);
                if !matches!(bytes.len(), 8 | 32) || !is_mask(mask) {
                    return Err(ErrorKind::Failed.into());
                }
                Self::Ip(address.to_vec(), mask.to_vec())
            }
            _ => return Ok(None),
        }))
    }

    /// Whether it says something of names of this one's kind.
    fn bounds(&self, name: &Name) -> bool {
        matches!(
            (self, name),
            (Self::Dns(_), Name::Dns(_))
                | (Self::Email(_) | Self::Mailbox(..), Name::Email(_))
                | (Self::Uri(_), Name::Uri(_))
                | (Self::Ip(..), Name::Ip(_))
        )
    }

    /// Whether the name, with this domain, lies in it.
    fn covers(&self, name: &Name, domain: &str) -> bool {
        match (self, name) {
            (Self::Mailbox(local, host), Name::Email(address)) => {
                domain == host && mailbox(address).is_some_and(|(name, _)| name == local)
            }
            (Self::Ip(network, mask), Name::Ip(address)) => {
                let bytes = match address {
                    IpAddr::V4(address) => address.octets().to_vec(),
                    IpAddr::V6(address) => address.octets().to_vec(),
                };
                let masked = |bytes: &[u8]| bytes.iter().zip(mask).map(|(byte, mask)| byte & mask).collect::<Vec<_>>();
                bytes.len() == network.len() && masked(&bytes) == masked(network)
            }
            (Self::Dns(above) | Self::Email(above) | Self::Uri(above), _) => {
                let front = domain.strip_suffix(above.as_str());
                front.is_some_and(|front| {
                    above.is_empty() || front.is_empty() || above.starts_with('.') || front.ends_with('.')
                })
            }
            _ => false,
        }
    }

    /// Whether a wildcard's names hold this one: `*.example.com` is good for an excluded `a.example.com`.
    fn is_under_wildcard(&self, name: &Name, domain: &str) -> bool {
        match (self, name, domain.strip_prefix('*')) {
            (Self::Dns(excluded), Name::Dns(_), Some(rest)) => {
                excluded.find('.').is_some_and(|dot| excluded[dot..] == *rest)
            }
            _ => false,
        }
    }
}

/// What is before and after the `@` of an address that needs no quotes.
fn mailbox(address: &str) -> Option<(&str, &str)> {
    let (local, host) = address.rsplit_once('@')?;
    let plain = |byte: u8| byte.is_ascii_graphic() && !b"\"\\@()<>,;:[]".contains(&byte);
    (!local.is_empty() && local.bytes().all(plain)).then_some((local, host))
}

/// The host of a URI, without its port; `None` where it has none, or an address for a host.
fn host(uri: &str) -> Option<&str> {
    let (_, rest) = uri.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let host = host.split_once(':').map_or(host, |(host, _)| host);
    (!host.starts_with('[') && host.parse::<IpAddr>().is_err()).then_some(host)
}

fn is_domain(text: &str) -> bool {
    let part = |label: &str| {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        (1..=63).contains(&label.len()) && label.bytes().all(plain)
    };
    text.len() <= 253 && text.split('.').all(part)
}

/// Whether all its ones stand before all its zeros.
fn is_mask(mask: &[u8]) -> bool {
    let ones: u32 = mask.iter().map(|byte| byte.leading_ones()).sum();
    let bits: u32 = mask.iter().map(|byte| byte.count_ones()).sum();
    let rest = mask.iter().skip_while(|byte| **byte == u8::MAX).skip(1);
    ones == bits && rest.clone().all(|byte| *byte == 0)
}

fn address(bytes: &[u8]) -> Option<IpAddr> {
    let v4 = <[u8; 4]>::try_from(bytes).map(IpAddr::from);
    v4.or_else(|_| <[u8; 16]>::try_from(bytes).map(IpAddr::from)).ok()
}

#[cfg(test)]
mod tests;
