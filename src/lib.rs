//! Prometheus exporter for the backup and restore records of Huawei Cloud DCS instances.
//!
//! Data flows one way: configuration → schedule → pace → cloud → records → facts → snapshot → exposition → scrape.
//! Nothing flows back but "when next".
//!
//! * pure, `now` is an argument: [`domain`] (records, plans, facts), [`schedule`] (what is due when), `cloud::sign`;
//! * towards the cloud: [`cloud`] (client, credentials, wire, lists), behind [`pace`] (budget, keys);
//! * [`poller`]: the actor that asks, and publishes a [`snapshot`];
//! * over restarts: [`memory`] (what is remembered, and its bytes, pure), [`storage`] (the file);
//! * towards people: [`exposition`] (the text of `/metrics`), [`web`] (the server), [`status`] (the fleet, worst first),
//!   [`check`] (the table);
//! * [`reload`]: asking for the configuration to be read anew, while all that runs;
//! * [`service_manager`]: telling systemd that it listens, reloads, ends and, from within the poll loop, lives;
//! * [`app`] puts them together, [`commands`] and [`cli`] are the program, [`config`] its configuration;
//! * [`simulator`]: a DCS cloud to poll, outside of all that: it speaks to the program through a socket.
//!
//! What holds everywhere: a scrape does no I/O; a failed poll changes no fact; no request leaves outside its
//! budget; a secret reaches no log, error, page or `Debug`; what is not known has no series.
#![cfg_attr(test, allow(clippy::unwrap_used))]

// Simulations that benchmarks and tests share name the crate as benchmarks see it.
#[cfg(test)]
extern crate self as dcs_backup_exporter;

pub mod app;
pub mod check;
pub mod cli;
pub mod clock;
pub mod cloud;
pub mod commands;
pub mod config;
mod direction;
pub mod domain;
pub mod exposition;
pub mod host_name;
pub mod logging;
pub mod memory;
pub mod pace;
pub mod poller;
pub mod reload;
pub mod schedule;
pub mod service_manager;
pub mod simulator;
pub mod snapshot;
pub mod status;
pub mod storage;
pub mod web;
