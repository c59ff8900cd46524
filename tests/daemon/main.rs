//! The daemon as its users meet it: the real binary, a configuration file, real sockets, the simulated cloud.
#![allow(clippy::unwrap_used)]
#![allow(clippy::disallowed_methods)] // tests wait in real time

mod budget;
mod check;
mod faults;
mod filters;
mod hardening;
mod harness;
mod lifecycle;
mod logins;
mod probe;
mod reach;
mod reload;
mod seeds;
mod servers;
mod service_manager;
mod setups;
mod shards;
mod sockets;
mod storage;
mod web_config;
