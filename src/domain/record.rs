//! One backup or restore, as the cloud keeps it.
//!
//! Backups and restores go through the same states, so one type serves both; what only a backup has
//! (size, type, format, whether it can be restored) is absent in a restore. Source: the vendor's pages
//! "Querying DCS Instance Backup Records" and "Querying DCS Instance Restoration Records", v2 and v1.0.

use std::time::Duration;

use jiff::Timestamp;

use super::RecordId;

/// One backup or restore.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// `backup_id` or `restore_id`.
    pub id: RecordId,
    /// Where it stands.
    pub state: State,
    /// When the task was requested.
    pub created_at: Timestamp,
    /// When it began to run; restores have none.
    pub execution_at: Option<Timestamp>,
    /// When the record was last changed: the completion, but only for `succeed` and `failed`.
    pub updated_at: Option<Timestamp>,
    /// 0 to 1.
    pub progress: Option<f64>,
    /// Why it failed.
    pub error_code: Option<ErrorCode>,
    /// Bytes of the backup file.
    pub size_bytes: Option<u64>,
    /// Who asked for the backup.
    pub backup_type: Option<BackupType>,
    /// What kind of file it is.
    pub backup_format: Option<BackupFormat>,
    /// `is_support_restore`; absent where the cloud does not say.
    pub restorable: Option<bool>,
}

/// The states of backups and restores under one name each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// `waiting`: requested, not begun.
    Waiting,
    /// `backuping` or `restoring`.
    Running,
    /// `succeed`.
    Succeeded,
    /// `failed`.
    Failed,
    /// `expired`: a backup whose file is gone because its time was over.
    Expired,
    /// `deleted`: a backup whose file somebody deleted.
    Deleted,
    /// A word that the documentation does not have.
    Other,
}

impl State {
    /// The states of a backup, in the order of the documentation.
    pub const OF_BACKUPS: [Self; 7] =
        [Self::Waiting, Self::Running, Self::Succeeded, Self::Failed, Self::Expired, Self::Deleted, Self::Other];
    /// The states of a restore.
    pub const OF_RESTORES: [Self; 5] = [Self::Waiting, Self::Running, Self::Succeeded, Self::Failed, Self::Other];
}

/// Who asked for a backup: `backup_type`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BackupType {
    /// The backup policy.
    Auto,
    /// A person or a program.
    Manual,
    /// A word that the documentation does not have.
    Other,
}

impl BackupType {
    /// The wire's word, `other` for unknown ones.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Manual => "manual",
            Self::Other => "other",
        }
    }
}

/// The kind of a backup's file: `backup_format`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BackupFormat {
    /// Append-only file.
    Aof,
    /// Snapshot.
    Rdb,
    /// A word that the documentation does not have.
    Other,
}

impl BackupFormat {
    /// The wire's word in lower case, `other` for unknown ones.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Aof => "aof",
            Self::Rdb => "rdb",
            Self::Other => "other",
        }
    }
}

/// The documented reasons of a failed backup or restore, `dcs.08.0001` to `dcs.08.0008`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ErrorCode {
    /// 0001: the backup and restore tool did not start.
    ToolNotStarted,
    /// 0002: execution timed out.
    TimedOut,
    /// 0003: the bucket could not be deleted.
    BucketNotDeleted,
    /// 0004: the AK/SK could not be obtained.
    KeyNotObtained,
    /// 0005: the bucket could not be created.
    BucketNotCreated,
    /// 0006: the size of the backup data could not be queried.
    SizeNotQueried,
    /// 0007: synchronising data during a restore failed.
    SyncFailed,
    /// 0008: the automatic backup did not run, the instance was busy.
    InstanceBusy,
    /// A code that the documentation does not have.
    Other,
}

impl ErrorCode {
    /// The documented codes.
    pub const DOCUMENTED: [Self; 8] = [
        Self::ToolNotStarted,
        Self::TimedOut,
        Self::BucketNotDeleted,
        Self::KeyNotObtained,
        Self::BucketNotCreated,
        Self::SizeNotQueried,
        Self::SyncFailed,
        Self::InstanceBusy,
    ];

    /// Reads the wire's code, in whatever case.
    pub fn parse(code: &str) -> Self {
        let code = code.trim();
        Self::DOCUMENTED.into_iter().find(|known| known.as_str().eq_ignore_ascii_case(code)).unwrap_or(Self::Other)
    }

    /// The wire's code, `other` for unknown ones.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ToolNotStarted => "dcs.08.0001",
            Self::TimedOut => "dcs.08.0002",
            Self::BucketNotDeleted => "dcs.08.0003",
            Self::KeyNotObtained => "dcs.08.0004",
            Self::BucketNotCreated => "dcs.08.0005",
            Self::SizeNotQueried => "dcs.08.0006",
            Self::SyncFailed => "dcs.08.0007",
            Self::InstanceBusy => "dcs.08.0008",
            Self::Other => "other",
        }
    }

    /// The label's value for a failure with or without a code: `none` where there is none.
    pub fn label(code: Option<Self>) -> &'static str {
        code.map_or("none", Self::as_str)
    }
}

/// How a finished backup or restore ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It produced what it should, even if the file is gone by now.
    Succeeded,
    /// It did not.
    Failed,
}

impl Record {
    /// Waiting or running.
    pub fn in_progress(&self) -> bool {
        matches!(self.state, State::Waiting | State::Running)
    }

    /// How it ended; `None` while it has not, or where the state is a word we do not know.
    ///
    /// An `expired` or `deleted` backup was good once, unless it carries an error code.
    pub fn outcome(&self) -> Option<Outcome> {
        match self.state {
            State::Failed => Some(Outcome::Failed),
            State::Expired | State::Deleted if self.error_code.is_some() => Some(Outcome::Failed),
            State::Succeeded | State::Expired | State::Deleted => Some(Outcome::Succeeded),
            State::Waiting | State::Running | State::Other => None,
        }
    }

    /// When it began: `execution_at`, else `created_at`.
    pub fn begun_at(&self) -> Timestamp {
        self.execution_at.unwrap_or(self.created_at)
    }

    /// When a finished one ended, as well as the record can tell.
    ///
    /// `updated_at` of an `expired` or `deleted` backup is when it expired or was deleted, so its beginning
    /// stands in; likewise where `updated_at` is missing.
    pub fn ended_at(&self) -> Timestamp {
        match self.state {
            State::Expired | State::Deleted => self.begun_at(),
            _ => self.updated_at.unwrap_or_else(|| self.begun_at()),
        }
    }

    /// How long a finished one took, from its beginning to its completion; `None` where that is negative, and
    /// where the completion is not known: see [`Self::ended_at`].
    pub fn duration(&self) -> Option<Duration> {
        match self.state {
            State::Succeeded | State::Failed => {
                Duration::try_from(self.updated_at?.duration_since(self.begun_at())).ok()
            }
            _ => None,
        }
    }

    /// The moment whose data a backup holds: `execution_at`, or `created_at` where that is missing or later
    /// than `updated_at` (an example in the vendor's documentation begins a day after its end).
    pub fn data_at(&self) -> Timestamp {
        match (self.execution_at, self.updated_at) {
            (Some(begun), Some(updated)) if begun <= updated => begun,
            (Some(begun), None) => begun,
            _ => self.created_at,
        }
    }

    /// The file exists and may be restored from: `succeed`, and `is_support_restore` not FALSE.
    pub fn is_restorable(&self) -> bool {
        self.state == State::Succeeded && self.restorable != Some(false)
    }
}

#[cfg(test)]
mod tests;
