//! What Prometheus gets to see: the text of `/metrics` in both formats, and the HTTP server that sends it.
#![allow(clippy::unwrap_used)] // a test that unwraps fails, as it should

mod deadlines;
mod fleet;
mod formats;
mod golden;
mod http;
mod instances;
mod kept;
mod own;
mod page;
mod probe;
mod server;
mod strict;
mod tls;
