//! Certificates and keys, from the file itself or from files that it names.

use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::document::TlsKeys;
use super::mapping::Given;
use crate::config::named_file;
use crate::config::problem::Report;

/// What `tls_server_config` names, read at one moment. It has no `Debug`: it holds a key.
pub(super) struct Material {
    pub(super) cert: Source,
    pub(super) key: Source,
    pub(super) client_ca: Source,
}

/// A text in PEM, or what is to be said of it.
pub(super) struct Source {
    /// The key that names it, where one does.
    from: Option<Given<Arc<str>>>,
    /// `None` where nothing names it.
    pem: Option<Result<Vec<u8>, String>>,
}

impl Material {
    /// Reads every file that is named; a relative path counts from this directory. A file goes before a text.
    pub(super) fn read(keys: &TlsKeys, directory: &Path) -> Self {
        let source = |file: &Option<Given<Arc<str>>>, inline: &Option<Given<Arc<str>>>| match (file, inline) {
            (Some(file), _) => {
                let path = directory.join(&*file.value);
                let told = |reason| format!("the file {:?} {reason}", path.to_string_lossy());
                Source { from: Some(file.clone()), pem: Some(named_file::bytes(&path).map_err(told)) }
            }
            (None, Some(text)) => Source { from: Some(text.clone()), pem: Some(Ok(text.value.as_bytes().to_vec())) },
            (None, None) => Source { from: None, pem: None },
        };
        Self {
            cert: source(&keys.cert_file, &keys.cert),
            key: source(&keys.key_file, &keys.key),
            client_ca: source(&keys.client_ca_file, &keys.client_ca),
        }
    }

    /// Everything that was read, to tell whether anything has changed.
    pub(super) fn parts(&self) -> [&[u8]; 3] {
        [&self.cert, &self.key, &self.client_ca].map(|source| match &source.pem {
            None => &b""[..],
            Some(Ok(pem)) => pem,
            Some(Err(reason)) => reason.as_bytes(),
        })
    }
}

impl Source {
    pub(super) fn is_given(&self) -> bool {
        self.from.is_some()
    }

    /// Says what is wrong with it.
    pub(super) fn problem(&self, report: &Report, sentence: impl Into<String>) {
        if let Some(from) = &self.from {
            from.problem(report, sentence);
        }
    }

    /// The chain of certificates in it, the server's own first.
    pub(super) fn chain(&self, report: &Report) -> Option<Vec<CertificateDer<'static>>> {
        let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(self.pem(report)?).collect();
        match found {
            Ok(chain) if !chain.is_empty() => return Some(chain),
            Ok(_) => self.problem(report, "holds no certificate (`-----BEGIN CERTIFICATE-----`)"),
            Err(_) => self.problem(report, "holds broken PEM"),
        }
        None
    }

    /// The private key in it.
    pub(super) fn private_key(&self, report: &Report) -> Option<PrivateKeyDer<'static>> {
        PrivateKeyDer::from_pem_slice(self.pem(report)?)
            .map_err(|_| self.problem(report, "holds no private key in PEM without a password"))
            .ok()
    }

    /// The certificates in it that can be read; the toolkit passes over others too.
    pub(super) fn authorities(&self, report: &Report) -> Vec<CertificateDer<'static>> {
        let Some(pem) = self.pem(report) else { return Vec::new() };
        CertificateDer::pem_slice_iter(pem).filter_map(Result::ok).collect()
    }

    fn pem(&self, report: &Report) -> Option<&[u8]> {
        match self.pem.as_ref()? {
            Ok(pem) => Some(pem),
            Err(sentence) => {
                self.problem(report, sentence.as_str());
                None
            }
        }
    }
}
