//! From `tls_server_config` to what rustls needs.

use std::sync::Arc;

use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{Error, InconsistentKeys, ServerConfig, SupportedCipherSuite};

use super::certificates::Material;
use super::client_auth::{ClientAuth, Verifier};
use super::document::TlsKeys;
use super::names::Version;
use super::x509::X509;
use crate::config::problem::Report;

const H2: &[u8] = b"h2";
const HTTP1: &[u8] = b"http/1.1";

/// The configuration; `None` where something is wrong, which the report tells.
pub(super) fn server_config(
    keys: &TlsKeys,
    material: &Material,
    http2: bool,
    report: &Report,
) -> Option<Arc<ServerConfig>> {
    let section = keys.section.as_ref()?;
    for (source, names) in [(&material.cert, "cert_file (or cert)"), (&material.key, "key_file (or key)")] {
        if !source.is_given() {
            section.problem(report, format!("{names} is missing; TLS needs a certificate and its key"));
        }
    }
    let provider = provider(keys);
    let verifier = verifier(keys, material, &provider, report);
    let chain = material.cert.chain(report);
    let key = material.key.private_key(report);
    let (chain, key, verifier) = (chain?, key?, verifier?);

    let certified = certified(chain, key, &provider);
    let certified = certified.map_err(|error| unusable(&error, material, report)).ok()?;
    let mut config = if let Some(builder) = builder(keys, &provider) {
        let builder = match verifier {
            Some(verifier) => builder.with_client_cert_verifier(verifier),
            None => builder.with_no_client_auth(),
        };
        builder.with_cert_resolver(Arc::new(Always(Arc::new(certified))))
    } else {
        section
            .warning(report, "min_version, max_version and cipher_suites leave nothing to speak: nobody can connect");
        let builder = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()));
        builder.with_safe_default_protocol_versions().ok()?.with_no_client_auth().with_cert_resolver(Arc::new(Never))
    };
    config.alpn_protocols = if http2 { vec![H2.to_vec(), HTTP1.to_vec()] } else { vec![HTTP1.to_vec()] };
    Some(Arc::new(config))
}

/// The certificate with its key. rustls' own way to join them reads X.509 v3 alone.
fn certified(
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
    provider: &CryptoProvider,
) -> Result<CertifiedKey, Error> {
    let key = provider.key_provider.load_private_key(key)?;
    let certified = CertifiedKey::new(chain, key);
    let certificate = X509::read(certified.end_entity_cert()?)?;
    match certified.key.public_key() {
        Some(public) if public != *certificate.key() => Err(InconsistentKeys::KeyMismatch.into()),
        _ => Ok(certified),
    }
}

/// Says why a certificate and a key are of no use.
fn unusable(error: &Error, material: &Material, report: &Report) {
    let (source, sentence) = match error {
        Error::InconsistentKeys(_) => (&material.key, "does not belong to the certificate"),
        Error::InvalidCertificate(_) => (&material.cert, "holds a certificate that cannot be read"),
        _ => (&material.key, "holds a key of a kind or length that is not supported"),
    };
    source.problem(report, sentence);
}

type Builder = rustls::ConfigBuilder<ServerConfig, rustls::WantsVerifier>;

/// `None` where no version, or no suite for one, is left.
fn builder(keys: &TlsKeys, provider: &Arc<CryptoProvider>) -> Option<Builder> {
    let lowest = keys.min_version.as_ref().map_or(Version::Tls12, |version| version.value);
    let highest = keys.max_version.as_ref().map_or(Version::Tls13, |version| version.value);
    let versions: Vec<_> = Version::ALL
        .into_iter()
        .filter(|version| (lowest..=highest).contains(version))
        .map(Version::supported)
        .filter(|version| provider.cipher_suites.iter().any(|suite| suite.version() == *version))
        .collect();
    ServerConfig::builder_with_provider(Arc::clone(provider)).with_protocol_versions(&versions).ok()
}

/// The suites and curves that were chosen.
fn provider(keys: &TlsKeys) -> Arc<CryptoProvider> {
    let mut provider = aws_lc_rs::default_provider();
    if let Some(chosen) = &keys.cipher_suites {
        provider
            .cipher_suites
            .retain(|suite| matches!(suite, SupportedCipherSuite::Tls13(_)) || chosen.value.contains(suite));
    }
    if let Some(chosen) = &keys.curve_preferences {
        provider.kx_groups.clone_from(&chosen.value);
    }
    Arc::new(provider)
}

/// Who asks clients for certificates, if anybody does; `None` where something is wrong.
#[allow(clippy::option_option)] // a report, then a choice
fn verifier(
    keys: &TlsKeys,
    material: &Material,
    provider: &Arc<CryptoProvider>,
    report: &Report,
) -> Option<Option<Arc<Verifier>>> {
    let authorities = material.client_ca.authorities(report);
    let named = keys.client_auth_type.as_ref();
    let auth = match named.map(|named| ClientAuth::named(&named.value)) {
        None => ClientAuth::None,
        Some(Ok(auth)) => auth,
        Some(Err(sentence)) => {
            if let Some(named) = named {
                named.problem(report, sentence);
            }
            return None;
        }
    };
    if let Some(names) = &keys.client_allowed_sans
        && !auth.requires()
    {
        names.warning(
            report,
            match auth {
                ClientAuth::None => "has no effect: set client_auth_type to RequireAndVerifyClientCert",
                _ => "refuses clients without a certificate; say so with client_auth_type: RequireAndVerifyClientCert",
            },
        );
    }
    if auth == ClientAuth::None {
        if material.client_ca.is_given() {
            material.client_ca.problem(report, "has no effect without client_auth_type: set one, or remove this");
            return None;
        }
        return Some(None);
    }
    if auth.verifies() && authorities.is_empty() {
        let advice =
            "no certificate of a client can be verified without client_ca_file; the system's authorities do not count";
        if let Some(named) = named {
            named.warning(report, advice);
        }
    }
    let allowed = keys.client_allowed_sans.as_ref().map(|sans| sans.value.clone());
    Some(Some(Arc::new(Verifier::new(auth, &authorities, allowed, provider))))
}

/// One certificate, whatever name a client asks for.
#[derive(Debug)]
struct Always(Arc<CertifiedKey>);

impl ResolvesServerCert for Always {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0))
    }
}

/// No handshake succeeds.
#[derive(Debug)]
struct Never;

impl ResolvesServerCert for Never {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        None
    }
}
