//! The simulated cloud on its socket: what a client of the real cloud would see.
#![allow(clippy::unwrap_used)] // a test may panic

mod answers;
mod client;
mod control;
mod faults;
mod grants;
mod logins;
mod metadata;
mod quirks;
mod signatures;
mod tokens;
