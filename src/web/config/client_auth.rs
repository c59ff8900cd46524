//! Certificates of clients: `client_auth_type`, `client_ca` and `client_allowed_sans`.
//!
//! What is asked for without being verified has to be readable all the same, as for Go; `chains` verifies.

use std::sync::Arc;

use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{WebPkiSupportedAlgorithms, verify_tls13_signature_with_raw_key};
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, OtherError, PeerMisbehaved, SignatureScheme,
};

use super::chains::Authorities;
use super::x509::X509;
use crate::config::advice;

/// `client_auth_type`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ClientAuth {
    None,
    Request,
    RequireAny,
    VerifyIfGiven,
    RequireAndVerify,
}

impl ClientAuth {
    /// What it is called; the older name of one still counts.
    pub(super) fn named(name: &str) -> Result<Self, String> {
        const NAMES: [&str; 5] = [
            "NoClientCert",
            "RequestClientCert",
            "RequireAnyClientCert",
            "VerifyClientCertIfGiven",
            "RequireAndVerifyClientCert",
        ];
        Ok(match name {
            "NoClientCert" => Self::None,
            "RequestClientCert" => Self::Request,
            "RequireAnyClientCert" | "RequireClientCert" => Self::RequireAny,
            "VerifyClientCertIfGiven" => Self::VerifyIfGiven,
            "RequireAndVerifyClientCert" => Self::RequireAndVerify,
            _ => return Err(format!("unknown way to authenticate clients; write {}", advice::either(&NAMES))),
        })
    }

    pub(super) fn verifies(self) -> bool {
        matches!(self, Self::VerifyIfGiven | Self::RequireAndVerify)
    }

    pub(super) fn requires(self) -> bool {
        matches!(self, Self::RequireAny | Self::RequireAndVerify)
    }
}

/// Asks clients for certificates.
#[derive(Debug)]
pub(super) struct Verifier {
    auth: ClientAuth,
    /// Those of `client_ca`; where there is none, no certificate is good.
    authorities: Authorities,
    hints: Vec<DistinguishedName>,
    allowed_names: Option<Vec<String>>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl Verifier {
    /// What `auth` asks for.
    pub(super) fn new(
        auth: ClientAuth,
        authorities: &[CertificateDer<'static>],
        allowed_names: Option<Vec<String>>,
        provider: &Arc<rustls::crypto::CryptoProvider>,
    ) -> Self {
        let algorithms = provider.signature_verification_algorithms;
        let trusted: Vec<_> = authorities.iter().filter_map(|der| X509::read(der).ok()).collect();
        let hints = trusted.iter().map(|authority| authority.distinguished_name().to_vec().into()).collect();
        Self { auth, authorities: Authorities::new(trusted, algorithms), hints, allowed_names, algorithms }
    }
}

/// No name of the certificate is among those allowed.
#[derive(Debug, thiserror::Error)]
#[error("none of the certificate's names is in client_allowed_sans")]
struct NameNotAllowed;

impl ClientCertVerifier for Verifier {
    fn client_auth_mandatory(&self) -> bool {
        // Without a certificate there is no name that could be allowed.
        self.auth.requires() || self.allowed_names.is_some()
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &self.hints
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let certificate = X509::read(end_entity)?;
        let sent = intermediates.iter().map(X509::read).collect::<Result<Vec<_>, _>>()?;
        if self.auth.verifies() {
            self.authorities.verify(&certificate, &sent, now)?;
        }
        if let Some(allowed) = &self.allowed_names
            && !certificate.names().iter().any(|name| allowed.iter().any(|text| name.is_written(text)))
        {
            return Err(CertificateError::Other(OtherError(Arc::new(NameNotAllowed))).into());
        }
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let certificate = X509::read(cert)?;
        let of_scheme = self.algorithms.mapping.iter().find(|(scheme, _)| *scheme == dss.scheme);
        let (_, algorithms) = of_scheme.ok_or(PeerMisbehaved::SignedHandshakeWithUnadvertisedSigScheme)?;
        if algorithms.iter().any(|algorithm| certificate.has_signed(*algorithm, message, dss.signature())) {
            return Ok(HandshakeSignatureValid::assertion());
        }
        Err(CertificateError::BadSignature.into())
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature_with_raw_key(message, X509::read(cert)?.key(), dss, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}
