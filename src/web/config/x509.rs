//! A certificate as it was read: what Go's crypto/x509 takes is taken here.
//!
//! webpki reads X.509 v3 alone, and of that what public authorities issue. `openssl x509 -req` made v1 for decades, and private
//! authorities give long serial numbers, or `CA:TRUE` to everybody; exporter-toolkit takes all of these.

use std::collections::HashSet;

use rustls::pki_types::{CertificateDer, SignatureVerificationAlgorithm, SubjectPublicKeyInfoDer, UnixTime};
use rustls::{CertificateError, Error};
use x509_cert::certificate::{CertificateInner, Profile, TbsCertificateInner, Version};
use x509_cert::der::asn1::{AnyRef, ObjectIdentifier};
use x509_cert::der::oid::AssociatedOid;
use x509_cert::der::oid::db::rfc5280::{
    ANY_EXTENDED_KEY_USAGE, ID_CE_AUTHORITY_KEY_IDENTIFIER, ID_CE_BASIC_CONSTRAINTS, ID_CE_CERTIFICATE_POLICIES,
    ID_CE_CRL_DISTRIBUTION_POINTS, ID_CE_EXT_KEY_USAGE, ID_CE_KEY_USAGE, ID_CE_NAME_CONSTRAINTS,
    ID_CE_SUBJECT_ALT_NAME, ID_KP_CLIENT_AUTH,
};
use x509_cert::der::{self, Decode, Encode as _, ErrorKind, Reader as _, SliceReader, Tag};
use x509_cert::ext::pkix::constraints::name::NameConstraints as RawNameConstraints;
use x509_cert::ext::pkix::{BasicConstraints, ExtendedKeyUsage, KeyUsage, SubjectAltName};
use x509_cert::serial_number::SerialNumber;

use super::subject_names::{Name, NameConstraints};

const UNREADABLE: Error = Error::InvalidCertificate(CertificateError::BadEncoding);

/// Extensions that are understood, critical or not. Those of policies but one are not: Go draws trees of them.
const UNDERSTOOD: [ObjectIdentifier; 8] = [
    ID_CE_AUTHORITY_KEY_IDENTIFIER,
    ID_CE_BASIC_CONSTRAINTS,
    ID_CE_CERTIFICATE_POLICIES,
    ID_CE_CRL_DISTRIBUTION_POINTS,
    ID_CE_EXT_KEY_USAGE,
    ID_CE_KEY_USAGE,
    ID_CE_NAME_CONSTRAINTS,
    ID_CE_SUBJECT_ALT_NAME,
];

/// Serial numbers of any length, but no negative ones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct AnyLength;

impl Profile for AnyLength {
    fn check_serial_number(serial: &SerialNumber<Self>) -> der::Result<()> {
        match serial.as_bytes().first() {
            Some(first) if first & 0x80 != 0 => Err(Tag::Integer.value_error().into()),
            _ => Ok(()),
        }
    }
}

/// A certificate of a client, a server or an authority.
#[derive(Debug)]
pub(super) struct X509 {
    der: CertificateDer<'static>,
    /// What the issuer has signed.
    signed: Vec<u8>,
    /// The content of an `AlgorithmIdentifier`, as rustls' algorithms have it.
    signature_algorithm: Vec<u8>,
    signature: Vec<u8>,
    issuer: Vec<u8>,
    subject: Vec<u8>,
    key: SubjectPublicKeyInfoDer<'static>,
    key_algorithm: Vec<u8>,
    key_bits: Vec<u8>,
    /// The first and the last second in which it is valid.
    validity: [u64; 2],
    version: Version,
    basic_constraints: Option<BasicConstraints>,
    key_usage: Option<KeyUsage>,
    extended_key_usage: Vec<ObjectIdentifier>,
    alternative_names: Option<Vec<Name>>,
    name_constraints: Option<NameConstraints>,
    has_unknown_critical: bool,
}

impl X509 {
    /// Reads it whole: one with an extension that cannot be read is none.
    pub(super) fn read(der: &CertificateDer<'_>) -> Result<Self, Error> {
        Self::parse(der).map_err(|_| UNREADABLE)
    }

    fn parse(der: &CertificateDer<'_>) -> der::Result<Self> {
        let certificate = CertificateInner::<AnyLength>::from_der(der)?;
        let content = certificate.tbs_certificate();
        let mut parts = SliceReader::new(AnyRef::from_der(der)?.value())?;
        let signed = parts.tlv_bytes()?.to_vec();
        if content.signature() != certificate.signature_algorithm() {
            return Err(ErrorKind::Failed.into());
        }
        let seconds = |time: x509_cert::time::Time| time.to_unix_duration().as_secs();
        let validity = content.validity();
        let key = content.subject_public_key_info();
        let usage = extension::<ExtendedKeyUsage>(content)?.map(|usage| usage.0);
        let names = extension::<SubjectAltName>(content)?.map(|names| Name::all(&names.0)).transpose()?;
        let constraints = extension::<RawNameConstraints>(content)?;
        let constraints = constraints.map(|constraints| NameConstraints::read(&constraints)).transpose()?;
        let mut certificate = Self {
            der: der.clone().into_owned(),
            signed,
            signature_algorithm: inside(&certificate.signature_algorithm().to_der()?)?,
            signature: certificate.signature().as_bytes().ok_or(ErrorKind::Failed)?.to_vec(),
            issuer: content.issuer().to_der()?,
            subject: content.subject().to_der()?,
            key: SubjectPublicKeyInfoDer::from(key.to_der()?),
            key_algorithm: inside(&key.algorithm.to_der()?)?,
            key_bits: key.subject_public_key.as_bytes().ok_or(ErrorKind::Failed)?.to_vec(),
            validity: [seconds(validity.not_before), seconds(validity.not_after)],
            version: content.version(),
            basic_constraints: extension(content)?,
            key_usage: extension(content)?,
            extended_key_usage: usage.unwrap_or_default(),
            alternative_names: names,
            name_constraints: constraints,
            has_unknown_critical: false,
        };
        certificate.has_unknown_critical = certificate.has_unknown_critical(content)?;
        Ok(certificate)
    }

    fn has_unknown_critical(&self, content: &TbsCertificateInner<AnyLength>) -> der::Result<bool> {
        let Some(extensions) = content.extensions() else { return Ok(false) };
        // Only v3 has any.
        if content.version() != Version::V3 {
            return Err(ErrorKind::Failed.into());
        }
        let mut seen = HashSet::new();
        let mut found = false;
        for extension in extensions {
            if !seen.insert(extension.extn_id) {
                return Err(ErrorKind::Failed.into());
            }
            let understood = match extension.extn_id {
                ID_CE_SUBJECT_ALT_NAME => self.alternative_names.as_ref().is_some_and(|names| !names.is_empty()),
                ID_CE_NAME_CONSTRAINTS => self.name_constraints.as_ref().is_some_and(NameConstraints::is_understood),
                id => UNDERSTOOD.contains(&id),
            };
            found |= extension.critical && !understood;
        }
        Ok(found)
    }

    /// Whether both are the same, byte by byte.
    pub(super) fn is(&self, other: &Self) -> bool {
        self.der == other.der
    }

    /// Whether both are of the same owner with the same key: a chain passes by neither twice.
    pub(super) fn is_of_owner_of(&self, other: &Self) -> bool {
        self.subject == other.subject && self.key == other.key && self.alternative_names == other.alternative_names
    }

    /// Its public key.
    pub(super) fn key(&self) -> &SubjectPublicKeyInfoDer<'static> {
        &self.key
    }

    /// Whom it is about, in DER, as authorities are named to clients.
    pub(super) fn distinguished_name(&self) -> &[u8] {
        &self.subject
    }

    /// Its subject's alternative names: DNS names, e-mail addresses, IP addresses and URIs; none where it has no others.
    pub(super) fn names(&self) -> &[Name] {
        self.alternative_names.as_deref().unwrap_or_default()
    }

    /// What it says of the names below it.
    pub(super) fn name_constraints(&self) -> Option<&NameConstraints> {
        self.name_constraints.as_ref()
    }

    /// Whether it is valid now, and everything critical in it is understood.
    pub(super) fn is_usable(&self, now: UnixTime) -> Result<(), Error> {
        let [first, last] = self.validity;
        if self.has_unknown_critical {
            return Err(CertificateError::UnhandledCriticalExtension.into());
        }
        if now.as_secs() < first {
            return Err(CertificateError::NotValidYet.into());
        }
        if now.as_secs() > last {
            return Err(CertificateError::Expired.into());
        }
        Ok(())
    }

    /// Whether it has nothing against being used by clients, or above theirs.
    pub(super) fn serves_clients(&self) -> bool {
        let uses = &self.extended_key_usage;
        uses.is_empty() || uses.iter().any(|id| [ID_KP_CLIENT_AUTH, ANY_EXTENDED_KEY_USAGE].contains(id))
    }

    /// Whether it names the other as its issuer.
    pub(super) fn names_as_issuer(&self, other: &Self) -> bool {
        self.issuer == other.subject
    }

    /// Whether it may sign certificates with so many authorities between it and the one at the end. What is trusted may be
    /// older than the extension that says so.
    pub(super) fn may_sign(&self, between: usize, is_trusted: bool) -> bool {
        let as_authority = match &self.basic_constraints {
            Some(basic) => basic.ca && basic.path_len_constraint.is_none_or(|most| between <= usize::from(most)),
            None => is_trusted && self.version != Version::V3,
        };
        as_authority && self.key_usage.as_ref().is_none_or(|usage| usage.0.is_empty() || usage.key_cert_sign())
    }

    /// Whether the issuer's key has signed it.
    pub(super) fn is_signed_by(&self, issuer: &Self, algorithms: &[&dyn SignatureVerificationAlgorithm]) -> bool {
        algorithms.iter().any(|algorithm| {
            *algorithm.signature_alg_id() == *self.signature_algorithm
                && issuer.has_signed(*algorithm, &self.signed, &self.signature)
        })
    }

    /// Whether its key has signed a message, by this algorithm.
    pub(super) fn has_signed(
        &self,
        algorithm: &dyn SignatureVerificationAlgorithm,
        message: &[u8],
        signature: &[u8],
    ) -> bool {
        *algorithm.public_key_alg_id() == *self.key_algorithm
            && algorithm.verify_signature(&self.key_bits, message, signature).is_ok()
    }
}

/// The extension of this kind, if there is one.
fn extension<'a, T>(content: &'a TbsCertificateInner<AnyLength>) -> der::Result<Option<T>>
where
    T: Decode<'a, Error = der::Error> + AssociatedOid,
{
    Ok(content.get_extension::<T>()?.map(|(_, extension)| extension))
}

/// A value without its tag and length.
fn inside(der: &[u8]) -> der::Result<Vec<u8>> {
    Ok(AnyRef::from_der(der)?.value().to_vec())
}
