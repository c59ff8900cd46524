//! Restores: what their records say, by the same functions as for backups.
//!
//! A restore cannot expire or be deleted, but if the cloud ever says so of one it is counted as `other`: the sum
//! over `status` stays the number of records.

use super::Emit::{Flowing, Restores, Stepping};
use super::{Family, backups};
use crate::domain::record::State;

pub(super) const FAMILIES: &[Family] = &[
    Family {
        name: "dcs_restore_last_success_timestamp_seconds",
        help: "Completion of the newest restore that succeeded.",
        labels: &[],
        emit: Restores(backups::last_success),
    },
    Family {
        name: "dcs_restore_last_success_age_seconds",
        help: "Age of the newest restore that succeeded, at the moment of the scrape.",
        labels: &[],
        emit: Flowing(|instance, at, samples| backups::last_success_age(instance.restores.as_deref(), at, samples)),
    },
    Family {
        name: "dcs_restore_last_success_duration_seconds",
        help: "How long the newest restore that succeeded took.",
        labels: &[],
        emit: Restores(backups::last_success_duration),
    },
    Family {
        name: "dcs_restore_last_attempt_timestamp_seconds",
        help: "When the newest restore was requested.",
        labels: &[],
        emit: Restores(backups::last_attempt),
    },
    Family {
        name: "dcs_restore_last_attempt_success",
        help: "1 if the newest finished restore succeeded, 0 if it failed.",
        labels: &[],
        emit: Restores(backups::last_attempt_success),
    },
    Family {
        name: "dcs_restore_last_failure_timestamp_seconds",
        help: "When the newest failed restore ended.",
        labels: &[],
        emit: Restores(backups::last_failure),
    },
    Family {
        name: "dcs_restore_last_failure_info",
        help: "Error code of the newest failed restore; always 1.",
        labels: &["error_code"],
        emit: Restores(backups::last_failure_info),
    },
    Family {
        name: "dcs_restore_failures",
        help: "Failed restores that ended within the look-back window, by error code.",
        labels: &["error_code"],
        emit: Stepping(|instance, at, samples| backups::failures(instance.restores.as_deref(), at, samples)),
    },
    Family {
        name: "dcs_restore_records",
        help: "Restore records that the cloud keeps, by status.",
        labels: &["status"],
        emit: Restores(|facts, samples| backups::records(facts, &State::OF_RESTORES, "restoring", samples)),
    },
    Family {
        name: "dcs_restore_in_progress",
        help: "Restores waiting or running.",
        labels: &[],
        emit: Restores(backups::in_progress),
    },
    Family {
        name: "dcs_restore_progress_ratio",
        help: "How far the newest running restore is; only while one runs.",
        labels: &[],
        emit: Restores(backups::progress),
    },
    Family {
        name: "dcs_restore_started_timestamp_seconds",
        help: "When the newest running restore began; only while one runs.",
        labels: &[],
        emit: Restores(backups::started),
    },
    Family {
        name: "dcs_restore_oldest_in_progress_timestamp_seconds",
        help: "When the oldest restore that waits or runs was requested; only while there is one.",
        labels: &[],
        emit: Restores(backups::oldest_in_progress),
    },
];
