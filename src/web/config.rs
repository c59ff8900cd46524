//! `--web.config.file`: TLS, users, headers and a limit on requests, in exporter-toolkit's format (contract §1).
//!
//! * `document`: the file as it was typed; `mapping` and `scalar` read YAML as the toolkit's library does, so that a file
//!   that is good or bad there is so here;
//! * `names`: TLS versions, cipher suites and curves; `certificates`, `client_auth` and `client_certificate` make a TLS
//!   configuration of them (`tls`);
//! * `password` and `users`: who may ask; `rate_limit`: how often;
//! * `watched`: the file in use, read anew whenever its content changes.

mod certificates;
mod client_auth;
mod client_certificate;
mod document;
mod mapping;
mod names;
mod password;
mod rate_limit;
mod scalar;
mod tls;
mod users;
mod watched;

pub use watched::WebConfig;
pub(super) use watched::{Admission, Refusal};
