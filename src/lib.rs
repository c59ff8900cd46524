//! Prometheus exporter for the backup and restore records of Huawei Cloud DCS instances.
#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod check;
pub mod clock;
pub mod cloud;
pub mod config;
pub mod domain;
pub mod exposition;
pub mod logging;
pub mod pace;
pub mod poller;
pub mod schedule;
pub mod snapshot;
pub mod web;
