//! What a client's certificate says of its owner.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use rustls::pki_types::UnixTime;
use rustls::{CertificateError, Error};
use x509_cert::Certificate;
use x509_cert::der::Decode as _;
use x509_cert::der::oid::db::rfc5280::{ANY_EXTENDED_KEY_USAGE, ID_KP_CLIENT_AUTH};
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::ext::pkix::{ExtendedKeyUsage, SubjectAltName};

/// A certificate that can be read.
pub(super) struct ClientCertificate(Certificate);

const UNREADABLE: Error = Error::InvalidCertificate(CertificateError::BadEncoding);

impl ClientCertificate {
    pub(super) fn read(der: &[u8]) -> Result<Self, Error> {
        Certificate::from_der(der).map(Self).map_err(|_| UNREADABLE)
    }

    /// Whether it is valid now, and may be used by clients: what is left to ask of a certificate that is trusted by
    /// itself, without an authority above it.
    pub(super) fn is_usable(&self, now: UnixTime) -> Result<(), Error> {
        let certificate = self.0.tbs_certificate();
        let validity = certificate.validity();
        if now.as_secs() < validity.not_before.to_unix_duration().as_secs() {
            return Err(CertificateError::NotValidYet.into());
        }
        if now.as_secs() > validity.not_after.to_unix_duration().as_secs() {
            return Err(CertificateError::Expired.into());
        }
        match certificate.get_extension::<ExtendedKeyUsage>().map_err(|_| UNREADABLE)? {
            Some((_, usage)) if !usage.0.iter().any(|id| [ID_KP_CLIENT_AUTH, ANY_EXTENDED_KEY_USAGE].contains(id)) => {
                Err(CertificateError::InvalidPurpose.into())
            }
            _ => Ok(()),
        }
    }

    /// Its subject's alternative names as they are written: DNS names, e-mail addresses, IP addresses and URIs.
    pub(super) fn names(&self) -> Result<Vec<String>, Error> {
        let names = self.0.tbs_certificate().get_extension::<SubjectAltName>().map_err(|_| UNREADABLE)?;
        let Some((_, SubjectAltName(names))) = names else { return Ok(Vec::new()) };
        Ok(names.iter().filter_map(name).collect())
    }
}

fn name(name: &GeneralName) -> Option<String> {
    match name {
        GeneralName::DnsName(name) | GeneralName::Rfc822Name(name) | GeneralName::UniformResourceIdentifier(name) => {
            Some(name.to_string())
        }
        GeneralName::IpAddress(bytes) => {
            let bytes = bytes.as_bytes();
            let v4 = <[u8; 4]>::try_from(bytes).map(|octets| IpAddr::V4(Ipv4Addr::from(octets)));
            let v6 = || <[u8; 16]>::try_from(bytes).map(|octets| IpAddr::V6(Ipv6Addr::from(octets)));
            v4.or_else(|_| v6()).ok().map(|address| address.to_canonical().to_string())
        }
        _ => None,
    }
}
