//! What it says when a backup or restore has failed, and what to do about it: the codes `dcs.08.*` of its record.
//!
//! They come with a success, as a fact about the instance; there is no request to mend. Source: the vendor's page
//! "Querying DCS Instance Backup Records".

use super::Hint;
use crate::domain::record::ErrorCode;

/// What the code of a failed backup or restore says.
pub fn meaning(code: Option<ErrorCode>) -> &'static str {
    match code {
        Some(ErrorCode::ToolNotStarted) => "the backup and restore tool did not start",
        Some(ErrorCode::TimedOut) => "it took too long and was given up",
        Some(ErrorCode::BucketNotDeleted) => "the bucket of the backups could not be deleted",
        Some(ErrorCode::KeyNotObtained) => "the cloud did not get its own access key",
        Some(ErrorCode::BucketNotCreated) => "the bucket of the backups could not be created",
        Some(ErrorCode::SizeNotQueried) => "the size of the backup could not be found out",
        Some(ErrorCode::SyncFailed) => "the data could not be synchronised",
        Some(ErrorCode::InstanceBusy) => "the instance was busy, so the automatic backup did not run",
        Some(ErrorCode::Other) => "a code that the documentation does not have",
        None => "the cloud gives no code",
    }
}

/// What to do about a failed backup or restore with this code.
pub fn hint(code: Option<ErrorCode>) -> Hint {
    Hint::new(match code {
        Some(ErrorCode::InstanceBusy) => {
            "the instance was busy with another task in its slot: move that task, or the backup plan, to another hour"
        }
        Some(ErrorCode::TimedOut) => {
            "the task took too long: choose a quieter hour for it; if it repeats, ask the cloud's support"
        }
        Some(
            ErrorCode::ToolNotStarted
            | ErrorCode::BucketNotDeleted
            | ErrorCode::KeyNotObtained
            | ErrorCode::BucketNotCreated
            | ErrorCode::SizeNotQueried
            | ErrorCode::SyncFailed,
        ) => "the cloud's own trouble: if the next attempt fails too, give its support the record's id",
        Some(ErrorCode::Other) | None => {
            "the cloud does not say why: if it repeats, ask its support with the record's id"
        }
    })
}
