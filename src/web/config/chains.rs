//! Chains from a client's certificate up to one of `client_ca`, as Go's crypto/x509 builds and judges them.
//!
//! webpki asks nothing of the certificate that is trusted, not even whether it has expired, and cannot read all certificates
//! that Go takes (see `x509`).

use std::sync::Arc;

use rustls::crypto::WebPkiSupportedAlgorithms;
use rustls::pki_types::UnixTime;
use rustls::{CertificateError, Error, OtherError};

use super::x509::X509;

/// A client chooses the certificates that it sends: this many pairs are looked at, and no more.
const MOST_CHECKS: usize = 100;

/// Whom to trust.
#[derive(Debug)]
pub(super) struct Authorities {
    trusted: Vec<X509>,
    algorithms: WebPkiSupportedAlgorithms,
}

/// A name that an authority above was not to give.
#[derive(Debug, thiserror::Error)]
#[error("an authority may not give one of the names of the certificate")]
struct NameOutOfBounds;

/// A search for a chain, from the client's certificate on.
struct Search<'a> {
    authorities: &'a Authorities,
    sent: &'a [X509],
    now: UnixTime,
    chain: Vec<&'a X509>,
    checks: usize,
    /// Why the first one that looked like an issuer was none.
    reason: Option<Error>,
}

impl Authorities {
    /// These certificates.
    pub(super) fn new(trusted: Vec<X509>, algorithms: WebPkiSupportedAlgorithms) -> Self {
        Self { trusted, algorithms }
    }

    /// Whether the certificate is trusted now, by itself or by a chain over others that were sent with it.
    pub(super) fn verify(&self, certificate: &X509, sent: &[X509], now: UnixTime) -> Result<(), Error> {
        certificate.is_usable(now)?;
        if self.trusted.iter().any(|trusted| trusted.is(certificate)) {
            return judge(&[certificate]);
        }
        let mut search = Search { authorities: self, sent, now, chain: vec![certificate], checks: 0, reason: None };
        if search.reaches_trust() {
            return Ok(());
        }
        Err(search.reason.unwrap_or(CertificateError::UnknownIssuer.into()))
    }
}

impl Search<'_> {
    /// Whether the chain, prolonged, ends in something trusted and is good as a whole.
    fn reaches_trust(&mut self) -> bool {
        let (trusted, sent) = (&self.authorities.trusted, self.sent);
        let candidates = trusted.iter().map(|issuer| (issuer, true)).chain(sent.iter().map(|issuer| (issuer, false)));
        for (issuer, is_trusted) in candidates {
            let Some(child) = self.chain.last().copied().filter(|child| child.names_as_issuer(issuer)) else {
                continue;
            };
            self.checks += 1;
            if self.checks > MOST_CHECKS {
                return false;
            }
            if self.chain.iter().any(|passed| issuer.is_of_owner_of(passed)) {
                continue;
            }
            if let Err(reason) = self.has_issued(issuer, child, is_trusted) {
                self.reason.get_or_insert(reason);
                continue;
            }
            self.chain.push(issuer);
            if !is_trusted {
                if self.reaches_trust() {
                    return true;
                }
            } else if let Err(reason) = judge(&self.chain) {
                self.reason.get_or_insert(reason);
            } else {
                return true;
            }
            self.chain.pop();
        }
        false
    }

    fn has_issued(&self, issuer: &X509, child: &X509, is_trusted: bool) -> Result<(), Error> {
        if !issuer.may_sign(self.chain.len() - 1, is_trusted) {
            return Err(CertificateError::UnknownIssuer.into());
        }
        issuer.is_usable(self.now)?;
        if !child.is_signed_by(issuer, self.authorities.algorithms.all) {
            return Err(CertificateError::BadSignature.into());
        }
        Ok(())
    }
}

/// What is to be said of a chain as a whole: may all of it be used for clients, and are the names within bounds?
fn judge(chain: &[&X509]) -> Result<(), Error> {
    if !chain.iter().all(|certificate| certificate.serves_clients()) {
        return Err(CertificateError::InvalidPurpose.into());
    }
    for (place, authority) in chain.iter().enumerate() {
        let Some(constraints) = authority.name_constraints() else { continue };
        let mut below = chain[..place].iter().flat_map(|certificate| certificate.names());
        if !below.all(|name| constraints.permit(name)) {
            return Err(CertificateError::Other(OtherError(Arc::new(NameOutOfBounds))).into());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
