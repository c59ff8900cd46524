//! What to do about a backup or restore that failed: the codes `dcs.08.*` of its record.
//!
//! They come with a success, as a fact about the instance; there is no request to mend. Source: the vendor's page
//! "Querying DCS Instance Backup Records".

use super::Hint;
use crate::domain::record::ErrorCode;

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
