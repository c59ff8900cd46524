//! TLS versions, cipher suites and curves by the names that Go gives them.
//!
//! rustls has none of what is known to be weak. What Go knows and rustls lacks is refused by its name, with what to do;
//! these are the only files that are good for exporter-toolkit and not for us.

use rustls::crypto::SupportedKxGroup;
use rustls::crypto::aws_lc_rs::{cipher_suite, kx_group};
use rustls::{SupportedCipherSuite, SupportedProtocolVersion};

use crate::config::advice;

/// A version of TLS that can be spoken, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Version {
    Tls12,
    Tls13,
}

impl Version {
    pub(super) const ALL: [Self; 2] = [Self::Tls12, Self::Tls13];

    pub(super) fn supported(self) -> &'static SupportedProtocolVersion {
        match self {
            Self::Tls12 => &rustls::version::TLS12,
            Self::Tls13 => &rustls::version::TLS13,
        }
    }
}

/// The version of this name.
pub(super) fn version(name: &str) -> Result<Version, String> {
    match name {
        "TLS12" => Ok(Version::Tls12),
        "TLS13" => Ok(Version::Tls13),
        "TLS10" | "TLS11" => Err(format!("{name} is broken and not spoken by this exporter; write TLS12 or TLS13")),
        _ => Err("unknown TLS version; write TLS12 or TLS13".to_owned()),
    }
}

/// Those that `cipher_suites` chooses among; TLS 1.3 has suites of its own, which are always on.
const SUITES: [(&str, SupportedCipherSuite); 6] = [
    ("TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", cipher_suite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256),
    ("TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", cipher_suite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384),
    ("TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", cipher_suite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256),
    ("TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", cipher_suite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256),
    ("TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", cipher_suite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384),
    ("TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", cipher_suite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256),
];

const TLS13_SUITES: [&str; 3] = ["TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"];

/// Known to some version of Go.
const WEAK_SUITES: [&str; 8] = [
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA",
    "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA",
    "TLS_RSA_WITH_AES_128_CBC_SHA",
    "TLS_RSA_WITH_AES_256_CBC_SHA",
    "TLS_RSA_WITH_AES_128_GCM_SHA256",
    "TLS_RSA_WITH_AES_256_GCM_SHA384",
];

/// The cipher suite of this name; `None` for one of TLS 1.3.
pub(super) fn suite(name: &str) -> Result<Option<SupportedCipherSuite>, String> {
    if let Some((_, suite)) = SUITES.iter().find(|(known, _)| *known == name) {
        return Ok(Some(*suite));
    }
    if TLS13_SUITES.contains(&name) {
        return Ok(None);
    }
    if WEAK_SUITES.contains(&name) {
        return Err(format!("{name} (CBC, or no forward secrecy) is not spoken by this exporter; remove it"));
    }
    let known: Vec<&str> = SUITES.iter().map(|(name, _)| *name).chain(TLS13_SUITES).collect();
    Err(match advice::nearest(name, &known) {
        Some(meant) => format!("unknown cipher suite; did you mean {meant}?"),
        None => "unknown cipher suite; see https://pkg.go.dev/crypto/tls#pkg-constants for their names".to_owned(),
    })
}

/// The group of key exchange of this name.
pub(super) fn curve(name: &str) -> Result<&'static dyn SupportedKxGroup, String> {
    match name {
        "X25519" => Ok(kx_group::X25519),
        "CurveP256" => Ok(kx_group::SECP256R1),
        "CurveP384" => Ok(kx_group::SECP384R1),
        "CurveP521" => Err("CurveP521 is not spoken by this exporter; write CurveP384".to_owned()),
        _ => Err("unknown curve; write X25519, CurveP256 or CurveP384".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_go_has_and_we_lack_is_refused_by_its_name() {
        for (refusal, name) in [
            (version("TLS10").unwrap_err(), "TLS10"),
            (version("TLS11").unwrap_err(), "TLS11"),
            (curve("CurveP521").unwrap_err(), "CurveP521"),
        ] {
            assert!(refusal.starts_with(name) && refusal.contains("not spoken"), "{refusal}");
        }
        for name in WEAK_SUITES {
            let refusal = suite(name).unwrap_err();
            assert!(refusal.starts_with(name) && refusal.contains("not spoken"), "{refusal}");
        }
    }

    #[test]
    fn every_suite_of_ours_has_a_name() {
        let all = rustls::crypto::aws_lc_rs::ALL_CIPHER_SUITES;
        assert_eq!(all.len(), SUITES.len() + TLS13_SUITES.len());
        for (name, chosen) in SUITES {
            assert_eq!(suite(name).unwrap(), Some(chosen));
            assert_eq!(format!("{:?}", chosen.suite()), name);
        }
        for name in TLS13_SUITES {
            assert_eq!(suite(name).unwrap(), None);
        }
    }

    #[test]
    fn other_names_are_unknown_and_the_nearest_one_is_told() {
        assert!(version("TLS1.2").unwrap_err().starts_with("unknown TLS version"));
        assert!(curve("P256").unwrap_err().starts_with("unknown curve"));
        let refusal = suite("TLS_AES_128_GCM_SHA25").unwrap_err();
        assert_eq!(refusal, "unknown cipher suite; did you mean TLS_AES_128_GCM_SHA256?");
    }
}
