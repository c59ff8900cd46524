//! What to do where no answer came: names, connections, TLS, time.
//!
//! Below HTTP there are no codes, only the words of the libraries that gave up. Those of rustls name the kind of fault
//! exactly; where its words change, the advice becomes general, and the test of the client over TLS fails.

use super::Hint;

/// How far a request came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The host's name could not be resolved.
    Name,
    /// No connection came about.
    Connect,
    /// The connection ended, or spoke no HTTP, before an answer came.
    Unanswered,
    /// It ended in the middle of the answer.
    BrokenOff,
    /// No whole answer in time.
    Timeout,
}

/// Words of libraries, the first that fit.
pub(super) const WORDS: &[(&str, &str)] = &[
    ("UnknownIssuer", "put the certificate of the server's issuer, or of a proxy that opens TLS, into ca_file"),
    (
        "CaUsedAsEndEntity",
        "the server shows an authority's own certificate (self-signed): have it issue one for the server, and put its own \
         into ca_file",
    ),
    ("not valid for name", "the server's certificate is for another name: write the host in endpoint as it is there"),
    ("NotValidForName", "the server's certificate is for another name: write the host in endpoint as it is there"),
    ("certificate expired", CERTIFICATE_DATES),
    ("Expired", CERTIFICATE_DATES),
    ("not valid yet", CERTIFICATE_DATES),
    ("NotValidYet", CERTIFICATE_DATES),
    (
        "invalid peer certificate",
        "the server's certificate cannot be trusted: put that of its issuer into ca_file, and check the host in endpoint",
    ),
    (
        "InvalidContentType",
        "what listens there speaks no TLS: check the port in endpoint, or write http:// if that is meant",
    ),
    ("proxy authorization required", "give proxy a user and password that it takes: http://user:password@host:port"),
    ("failed to create underlying connection", PROXY_AWAY),
    ("tunnel error", "the proxy does not connect us: have endpoint's host and port allowed there, or check proxy"),
];

const PROXY_AWAY: &str = "check host and port in proxy, whether it runs, and firewalls on the way to it";

const CERTIFICATE_DATES: &str =
    "the server's certificate is not valid at this time: have it renewed; or our clock is wrong: set it (NTP)";

/// What to do about a request without an answer. `cause` is what the library says, `proxied` that a proxy is
/// configured, `tls` that the address begins with `https`.
pub fn hint(failure: Failure, cause: &str, proxied: bool, tls: bool) -> Hint {
    if let Some((_, sentence)) = WORDS.iter().find(|(word, _)| cause.contains(word)) {
        return Hint::new(sentence);
    }
    Hint::new(match (failure, proxied, tls) {
        (Failure::Name, false, _) => {
            "check the host in endpoint (at a login iam_endpoint), how region is spelt, and this machine's DNS; or set proxy if only that can resolve it"
        }
        (Failure::Name, true, _) => "check the host in proxy and in endpoint, and this machine's DNS",
        (Failure::Connect, false, _) => {
            "check host and port in endpoint (at a login iam_endpoint), and firewalls; set proxy if the network lets nothing else out"
        }
        (Failure::Connect, true, _) => PROXY_AWAY,
        (Failure::Unanswered, _, false) => {
            "if the port speaks TLS, write https:// in endpoint; else check what listens there"
        }
        (Failure::Unanswered, _, true) | (Failure::BrokenOff, ..) => {
            "it is asked again by itself; if it lasts, check the network, proxy and firewalls on the way"
        }
        (Failure::Timeout, false, _) => {
            "a firewall may swallow packets: check endpoint, or set proxy if one is needed; a slow cloud wants a longer \
             request_timeout"
        }
        (Failure::Timeout, true, _) => "check that proxy reaches endpoint; a slow cloud wants a longer request_timeout",
    })
}
