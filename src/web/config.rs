//! `--web.config.file`: TLS, users, headers and a limit on requests, in exporter-toolkit's format (contract §1).
//!
//! * `document`: the file as it was typed; `mapping` and `scalar` read YAML as the toolkit's library does, so that a file
//!   that is good or bad there is so here;
//! * `names`: TLS versions, cipher suites and curves; `certificates` and `client_auth` make a TLS configuration of them
//!   (`tls`); `x509`, `subject_names` and `chains` read and judge certificates as Go does;
//! * `password` and `users`: who may ask; `rate_limit`: how often;
//! * `watched`: the file in use, read anew whenever its content changes.

mod certificates;
mod chains;
mod client_auth;
mod document;
mod mapping;
mod names;
mod password;
mod rate_limit;
mod scalar;
mod subject_names;
mod tls;
mod users;
mod watched;
mod x509;

pub use watched::WebConfig;
pub(super) use watched::{Admission, Refusal};
