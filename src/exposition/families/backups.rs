//! Backups: whether and when they should happen, and what their records say.
//!
//! What a plan promises (retention, interval, slots) is told only while backups are scheduled automatically: after
//! a switch to manual backups the old plan stays in the cloud's answer and means nothing.

use super::Emit::{Backups, Flowing, Instance, Stepping};
use super::{At, Family, Samples};
use crate::domain::facts::RecordFacts;
use crate::domain::record::{BackupFormat, BackupType, ErrorCode, Outcome, State};
use crate::snapshot::{InstanceView, PolicyView};

pub(super) const FAMILIES: &[Family] = &[
    Family {
        name: "dcs_backup_supported",
        help: "1 if the instance can be backed up, 0 for single-node instances, which cannot.",
        labels: &[],
        emit: Instance(|instance, samples| samples.known(instance.supported)),
    },
    Family {
        name: "dcs_backup_policy_enabled",
        help: "1 if backups are scheduled automatically, 0 if not.",
        labels: &[],
        emit: Instance(|instance, samples| {
            samples.known(instance.policy.as_ref().map(|policy| policy.automatic));
        }),
    },
    Family {
        name: "dcs_backup_policy_updated_timestamp_seconds",
        help: "When the backup policy was last changed, by the cloud's word.",
        labels: &[],
        emit: Instance(|instance, samples| {
            samples.known(instance.policy.as_ref().and_then(|policy| policy.updated_at));
        }),
    },
    Family {
        name: "dcs_backup_policy_retention_seconds",
        help: "How long automatic backups are kept; only while backups are scheduled automatically.",
        labels: &[],
        emit: Instance(|instance, samples| {
            samples.known(automatic(instance).and_then(|policy| policy.retention));
        }),
    },
    Family {
        name: "dcs_backup_expected_interval_seconds",
        help: "The longest gap between two scheduled backups of the week.",
        labels: &[],
        emit: Instance(|instance, samples| {
            samples.known(automatic(instance).and_then(|policy| policy.expected_interval));
        }),
    },
    Family {
        name: "dcs_backup_rpo_seconds",
        help: "The age at which the newest backup is too old: configured, or the expected interval plus a grace.",
        labels: &[],
        emit: Instance(|instance, samples| {
            if instance.supported != Some(false) {
                samples.known(instance.rpo);
            }
        }),
    },
    Family {
        name: "dcs_backup_last_scheduled_timestamp_seconds",
        help: "Start of the latest backup slot that has begun since the policy was last changed.",
        labels: &[],
        emit: Stepping(|instance, at, samples| {
            samples.known(automatic(instance).and_then(|policy| policy.last_scheduled(at.now)));
        }),
    },
    Family {
        name: "dcs_backup_next_scheduled_timestamp_seconds",
        help: "Start of the next backup slot.",
        labels: &[],
        emit: Stepping(|instance, at, samples| {
            samples.known(automatic(instance).and_then(|policy| policy.next_scheduled(at.now)));
        }),
    },
    Family {
        name: "dcs_backup_last_success_timestamp_seconds",
        help: "Completion of the newest backup that succeeded, whether its file still exists or not.",
        labels: &[],
        emit: Backups(last_success),
    },
    Family {
        name: "dcs_backup_last_success_age_seconds",
        help: "Age of the newest backup that succeeded, at the moment of the scrape.",
        labels: &[],
        emit: Flowing(|instance, at, samples| last_success_age(instance.backups.as_deref(), at, samples)),
    },
    Family {
        name: "dcs_backup_last_success_size_bytes",
        help: "Size of the newest backup that succeeded.",
        labels: &[],
        emit: Backups(|facts, samples| {
            samples.known(facts.last_success.as_ref().and_then(|success| success.size_bytes));
        }),
    },
    Family {
        name: "dcs_backup_last_success_duration_seconds",
        help: "How long the newest backup that succeeded took.",
        labels: &[],
        emit: Backups(last_success_duration),
    },
    Family {
        name: "dcs_backup_last_success_info",
        help: "Who asked for the newest backup that succeeded, and the kind of its file; always 1.",
        labels: &["backup_type", "backup_format"],
        emit: Backups(last_success_info),
    },
    Family {
        name: "dcs_backup_last_attempt_timestamp_seconds",
        help: "When the newest backup was requested.",
        labels: &[],
        emit: Backups(last_attempt),
    },
    Family {
        name: "dcs_backup_last_attempt_success",
        help: "1 if the newest finished backup succeeded, 0 if it failed.",
        labels: &[],
        emit: Backups(last_attempt_success),
    },
    Family {
        name: "dcs_backup_last_failure_timestamp_seconds",
        help: "When the newest failed backup ended.",
        labels: &[],
        emit: Backups(last_failure),
    },
    Family {
        name: "dcs_backup_last_failure_info",
        help: "Error code of the newest failed backup; always 1.",
        labels: &["error_code"],
        emit: Backups(last_failure_info),
    },
    Family {
        name: "dcs_backup_failures",
        help: "Failed backups that ended within the look-back window, by error code.",
        labels: &["error_code"],
        emit: Stepping(|instance, at, samples| failures(instance.backups.as_deref(), at, samples)),
    },
    Family {
        name: "dcs_backup_records",
        help: "Backup records that the cloud keeps, by status.",
        labels: &["status"],
        emit: Backups(|facts, samples| records(facts, &State::OF_BACKUPS, "backuping", samples)),
    },
    Family {
        name: "dcs_backup_restorable_records",
        help: "Backups that could be restored from now.",
        labels: &[],
        emit: Backups(|facts, samples| samples.one(facts.restorable.count)),
    },
    Family {
        name: "dcs_backup_restorable_bytes",
        help: "Total size of the backups that could be restored from now.",
        labels: &[],
        emit: Backups(|facts, samples| samples.known(facts.restorable.bytes)),
    },
    Family {
        name: "dcs_backup_oldest_restorable_timestamp_seconds",
        help: "The moment of the data of the oldest backup that could be restored from.",
        labels: &[],
        emit: Backups(|facts, samples| samples.known(facts.restorable.oldest_at)),
    },
    Family {
        name: "dcs_backup_newest_restorable_timestamp_seconds",
        help: "The moment of the data of the newest backup that could be restored from.",
        labels: &[],
        emit: Backups(|facts, samples| samples.known(facts.restorable.newest_at)),
    },
    Family {
        name: "dcs_backup_in_progress",
        help: "Backups waiting or running.",
        labels: &[],
        emit: Backups(in_progress),
    },
    Family {
        name: "dcs_backup_progress_ratio",
        help: "How far the newest running backup is; only while one runs.",
        labels: &[],
        emit: Backups(progress),
    },
    Family {
        name: "dcs_backup_started_timestamp_seconds",
        help: "When the newest running backup began; only while one runs.",
        labels: &[],
        emit: Backups(started),
    },
    Family {
        name: "dcs_backup_oldest_in_progress_timestamp_seconds",
        help: "When the oldest backup that waits or runs was requested; only while there is one.",
        labels: &[],
        emit: Backups(oldest_in_progress),
    },
];

/// The policy, while it schedules backups automatically.
fn automatic(instance: &InstanceView) -> Option<&PolicyView> {
    instance.policy.as_ref().filter(|policy| policy.automatic)
}

// What follows is said of restores in the same words.

pub(super) fn last_success(facts: &RecordFacts, samples: &mut Samples<'_>) {
    samples.known(facts.last_success.as_ref().map(|success| success.at));
}

pub(super) fn last_success_age(facts: Option<&RecordFacts>, at: &At, samples: &mut Samples<'_>) {
    samples.known(facts.and_then(|facts| facts.last_success.as_ref()).map(|success| success.age(at.now)));
}

pub(super) fn last_success_duration(facts: &RecordFacts, samples: &mut Samples<'_>) {
    samples.known(facts.last_success.as_ref().and_then(|success| success.duration));
}

fn last_success_info(facts: &RecordFacts, samples: &mut Samples<'_>) {
    if let Some(success) = &facts.last_success {
        let backup_type = success.backup_type.map_or("", BackupType::as_str);
        let backup_format = success.backup_format.map_or("", BackupFormat::as_str);
        samples.labelled(&[("backup_type", backup_type), ("backup_format", backup_format)], true);
    }
}

pub(super) fn last_attempt(facts: &RecordFacts, samples: &mut Samples<'_>) {
    samples.known(facts.last_attempt_at);
}

pub(super) fn last_attempt_success(facts: &RecordFacts, samples: &mut Samples<'_>) {
    samples.known(facts.last_outcome.map(|outcome| outcome == Outcome::Succeeded));
}

pub(super) fn last_failure(facts: &RecordFacts, samples: &mut Samples<'_>) {
    samples.known(facts.last_failure.map(|failure| failure.at));
}

pub(super) fn last_failure_info(facts: &RecordFacts, samples: &mut Samples<'_>) {
    if let Some(failure) = facts.last_failure {
        samples.labelled(&[("error_code", ErrorCode::label(failure.error_code))], true);
    }
}

pub(super) fn failures(facts: Option<&RecordFacts>, at: &At, samples: &mut Samples<'_>) {
    let Some(facts) = facts else { return };
    for (error_code, count) in facts.failures_within(at.lookback, at.now) {
        samples.labelled(&[("error_code", error_code)], count);
    }
}

/// Records by status, zeros included.
pub(super) fn records(facts: &RecordFacts, states: &[State], running: &'static str, samples: &mut Samples<'_>) {
    for (status, count) in facts.by_status(states, running) {
        samples.labelled(&[("status", status)], count);
    }
}

pub(super) fn in_progress(facts: &RecordFacts, samples: &mut Samples<'_>) {
    samples.one(facts.progress.count);
}

pub(super) fn progress(facts: &RecordFacts, samples: &mut Samples<'_>) {
    samples.known(facts.progress.running.as_ref().and_then(|running| running.progress));
}

pub(super) fn started(facts: &RecordFacts, samples: &mut Samples<'_>) {
    samples.known(facts.progress.running.as_ref().map(|running| running.begun_at));
}

pub(super) fn oldest_in_progress(facts: &RecordFacts, samples: &mut Samples<'_>) {
    samples.known(facts.progress.oldest_created_at);
}
