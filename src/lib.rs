//! Prometheus exporter for the backup and restore records of Huawei Cloud DCS instances.
#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod clock;
pub mod cloud;
pub mod config;
pub mod domain;
pub mod exposition;
pub mod simulator;
pub mod snapshot;
