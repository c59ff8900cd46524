//! Certificates of clients: `client_auth_type`, `client_ca` and `client_allowed_sans`.
//!
//! rustls verifies chains; what Go does beyond that is here: certificates that are asked for and not verified, ones that
//! are trusted by themselves (`openssl req -x509` makes such), and names.

use std::sync::Arc;

use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, OtherError, RootCertStore, SignatureScheme,
};

use super::client_certificate::ClientCertificate;
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
    /// Those of `client_ca`.
    trusted: Vec<CertificateDer<'static>>,
    /// Verifies chains up to one of them; `None` where there is none: then no certificate is good.
    chains: Option<Arc<dyn ClientCertVerifier>>,
    hints: Vec<DistinguishedName>,
    allowed_names: Option<Vec<String>>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl Verifier {
    /// What `auth` asks for.
    pub(super) fn new(
        auth: ClientAuth,
        authorities: Vec<CertificateDer<'static>>,
        allowed_names: Option<Vec<String>>,
        provider: &Arc<rustls::crypto::CryptoProvider>,
    ) -> Self {
        let mut roots = RootCertStore::empty();
        let trusted: Vec<_> = authorities.into_iter().filter(|der| roots.add(der.clone()).is_ok()).collect();
        let hints = roots.subjects();
        // It cannot be built without roots, and nothing else is wrong with it.
        let chains = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider)).build().ok();
        let algorithms = provider.signature_verification_algorithms;
        Self { auth, trusted, chains, hints, allowed_names, algorithms }
    }

    fn verify_chain(
        &self,
        certificate: &ClientCertificate,
        der: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<(), Error> {
        if self.trusted.contains(der) {
            return certificate.is_usable(now);
        }
        match &self.chains {
            Some(chains) => chains.verify_client_cert(der, intermediates, now).map(drop),
            None => Err(CertificateError::UnknownIssuer.into()),
        }
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
        let certificate = ClientCertificate::read(end_entity)?;
        if self.auth.verifies() {
            self.verify_chain(&certificate, end_entity, intermediates, now)?;
        }
        if let Some(allowed) = &self.allowed_names
            && !certificate.names()?.iter().any(|name| allowed.contains(name))
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
        verify_tls12_signature(message, cert, dss, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}
