//! What the poller tells the log.
//!
//! Every backup and restore that is first seen finished is one line at info: a log store then has the history
//! that gauges have not. A failure is logged when it begins and when it is over, not at every poll; one that
//! concerns the whole project once for the project, not once for each instance. Where troubles come and go, a
//! quota bounds the lines. The cloud's code, its id of the request and our advice are fields of their own, to be
//! searched and counted.

mod quota;
#[cfg(test)]
mod tests;

pub(super) use quota::Quota;

use crate::cloud::{CloudError, diagnosis};
use crate::domain::record::{ErrorCode, Outcome, Record, State};
use crate::domain::{Operation, ProjectId, ProjectName};
use crate::snapshot::InstanceView;

pub(super) fn finished(project: &ProjectName, view: &InstanceView, operation: Operation, record: &Record) {
    let kind = if operation == Operation::Restores { "restore" } else { "backup" };
    let has_failed = record.outcome() == Some(Outcome::Failed);
    tracing::info!(
        event = kind,
        %project,
        instance_id = %view.id,
        instance_name = %view.name,
        record_id = %record.id,
        status = status_word(record),
        backup_type = record.backup_type.map(crate::domain::record::BackupType::as_str),
        error_code = record.error_code.map(ErrorCode::as_str),
        size_bytes = record.size_bytes,
        duration_seconds = record.duration().map(|span| span.as_secs_f64()),
        created_at = %record.created_at,
        hint = has_failed.then(|| tracing::field::display(diagnosis::record::hint(record.error_code))),
        "{kind} {}",
        if has_failed { "failed" } else { "succeeded" },
    );
}

fn status_word(record: &Record) -> &'static str {
    match record.state {
        State::Succeeded => "succeed",
        State::Failed => "failed",
        State::Expired => "expired",
        State::Deleted => "deleted",
        State::Waiting | State::Running | State::Other => "other",
    }
}

pub(super) fn instance_failed(project: &ProjectName, view: &InstanceView, operation: Operation, error: &CloudError) {
    tracing::warn!(
        %project,
        instance_id = %view.id,
        instance_name = %view.name,
        %operation,
        reason = error.kind.reason(),
        code = error.code,
        request_id = error.request_id,
        hint = error.hint.map(tracing::field::display),
        %error,
        "poll failed; what was known stays, and this is said once"
    );
}

pub(super) fn recovered(project: &ProjectName, view: &InstanceView, operation: Operation) {
    tracing::info!(%project, instance_id = %view.id, instance_name = %view.name, %operation, "poll works again");
}

pub(super) fn project_failed(project: &ProjectName, operation: Operation, error: &CloudError) {
    tracing::warn!(
        %project,
        %operation,
        reason = error.kind.reason(),
        code = error.code,
        request_id = error.request_id,
        hint = error.hint.map(tracing::field::display),
        %error,
        "the project cannot be asked; what was known stays, and this is said once"
    );
}

pub(super) fn project_held(project: &ProjectName, error: &CloudError) {
    tracing::warn!(
        %project,
        reason = error.kind.reason(),
        code = error.code,
        request_id = error.request_id,
        hint = error.hint.map(tracing::field::display),
        %error,
        "the project cannot be asked; what was known stays, a changed key is tried at once"
    );
}

pub(super) fn answers_again(project: &ProjectName) {
    tracing::info!(%project, "the cloud answers again");
}

pub(super) fn listed_again(project: &ProjectName) {
    tracing::info!(%project, "the instances can be listed again");
}

pub(super) fn contradicted(project: &ProjectName, view: &InstanceView) {
    tracing::warn!(
        %project,
        instance_id = %view.id,
        instance_name = %view.name,
        "automatic backups do not begin when the plan says: its slots are withheld; set plan_utc_offset to the plan's zone"
    );
}

pub(super) fn vanished(project: &ProjectName, view: &InstanceView) {
    tracing::info!(
        %project,
        instance_id = %view.id,
        instance_name = %view.name,
        "instance is no longer listed: its series end"
    );
}

pub(super) fn left_out(project: &ProjectName, view: &InstanceView) {
    tracing::info!(
        %project,
        instance_id = %view.id,
        instance_name = %view.name,
        "instance is listed, but discovery.include or discovery.exclude leaves it out now: its series end"
    );
}

pub(super) fn listing_short(project: &ProjectName, shown: usize, hidden: u64, unreadable: u64) {
    tracing::warn!(
        %project,
        shown,
        hidden,
        unreadable,
        "the listing of instances tells of more than can be seen: what is unseen is not watched, and instances that go are dropped only when they answer 404; look at the project's instances in the console for one that failed to be created"
    );
}

pub(super) fn listing_whole(project: &ProjectName, shown: usize) {
    tracing::info!(%project, shown, "the listing of instances shows all of them again");
}

pub(super) fn listing_cut(project: &ProjectName, shown: usize) {
    tracing::warn!(
        %project,
        shown,
        "the listing of instances changes while it is read, or does not end: no instance is dropped until one was read whole"
    );
}

pub(super) fn bareness_doubted(project: &ProjectName, leaving: usize, watched: usize) {
    tracing::warn!(
        %project,
        leaving,
        watched,
        "more than half of the instances have no tags any more, and discovery.include or discovery.exclude leaves them out: it is believed only after an hour, tags that nobody may read look the same"
    );
}

pub(super) fn nothing_selected(project: &ProjectName, listed: usize) {
    tracing::warn!(
        %project,
        listed,
        "discovery.include and discovery.exclude leave out every instance that is listed: none is watched but those listed by hand; check their spelling"
    );
}

pub(super) fn override_fits_none(project: &ProjectName, index: usize) {
    tracing::warn!(
        %project,
        key = %format_args!("overrides[{index}].match"),
        "the override is for no instance that is watched: check its spelling; this is said once"
    );
}

pub(super) fn restored_of_another(project: &ProjectName, known: &ProjectId, found: &ProjectId) {
    tracing::warn!(
        %project,
        known_project_id = %known,
        project_id = %found,
        "what was known were the facts of another project of the cloud: they are forgotten"
    );
}

pub(super) fn listing_doubted(project: &ProjectName, lacking: usize, watched: usize) {
    tracing::warn!(
        %project,
        lacking,
        watched,
        "the listing lacks more than half of the instances: it is believed only after an hour, a lost permission looks the same"
    );
}
