//! Records as tests write them: `record("a", State::Succeeded, 0).begun(1).updated(5)`.
//!
//! Times are minutes after one moment, so that tables stay readable. [`any_record`] draws from few ids and few
//! moments on purpose: ties and repeated ids are what goes wrong.

use jiff::Timestamp;
use proptest::prelude::*;

use super::record::{BackupFormat, BackupType, ErrorCode, Record, State};

/// So many minutes after 2026-11-20 12:00 UTC.
pub(crate) fn minute(minute: i64) -> Timestamp {
    Timestamp::from_second(1_795_176_000 + minute * 60).unwrap()
}

/// A record that says as little as a record can.
pub(crate) fn record(id: &str, state: State, created: i64) -> Record {
    Record {
        id: id.into(),
        state,
        created_at: minute(created),
        execution_at: None,
        updated_at: None,
        progress: None,
        error_code: None,
        size_bytes: None,
        backup_type: None,
        backup_format: None,
        restorable: None,
    }
}

impl Record {
    pub(crate) fn begun(self, at: i64) -> Self {
        Self { execution_at: Some(minute(at)), ..self }
    }

    pub(crate) fn updated(self, at: i64) -> Self {
        Self { updated_at: Some(minute(at)), ..self }
    }

    pub(crate) fn progress(self, ratio: f64) -> Self {
        Self { progress: Some(ratio), ..self }
    }

    pub(crate) fn code(self, code: ErrorCode) -> Self {
        Self { error_code: Some(code), ..self }
    }

    pub(crate) fn size(self, bytes: u64) -> Self {
        Self { size_bytes: Some(bytes), ..self }
    }

    pub(crate) fn kind(self, kind: BackupType) -> Self {
        Self { backup_type: Some(kind), ..self }
    }

    pub(crate) fn format(self, format: BackupFormat) -> Self {
        Self { backup_format: Some(format), ..self }
    }

    pub(crate) fn restorable(self, restorable: bool) -> Self {
        Self { restorable: Some(restorable), ..self }
    }
}

/// A moment within twenty minutes, or now and then an end of the time that can be told.
fn any_moment() -> impl Strategy<Value = Timestamp> {
    prop_oneof![20 => (0..20_i64).prop_map(minute), 1 => Just(Timestamp::MIN), 1 => Just(Timestamp::MAX)]
}

/// Any record at all, sensible or not, of one of a dozen ids.
pub(crate) fn any_record() -> impl Strategy<Value = Record> {
    let code = prop_oneof![Just(ErrorCode::Other), prop::sample::select(&ErrorCode::DOCUMENTED[..])];
    let kind = prop::sample::select(&[BackupType::Auto, BackupType::Manual, BackupType::Other][..]);
    let format = prop::sample::select(&[BackupFormat::Aof, BackupFormat::Rdb, BackupFormat::Other][..]);
    let size = prop_oneof![9 => 0..1000_u64, 1 => Just(u64::MAX)];
    let times = (any_moment(), prop::option::of(any_moment()), prop::option::of(any_moment()));
    let rest = (
        prop::option::of((0..=100_u8).prop_map(|percent| f64::from(percent) / 100.0)),
        prop::option::weighted(0.3, code),
        prop::option::of(size),
        prop::option::of(kind),
        prop::option::of(format),
        prop::option::of(any::<bool>()),
    );
    (0..12_u8, prop::sample::select(&State::OF_BACKUPS[..]), times, rest).prop_map(
        |(id, state, (created_at, execution_at, updated_at), rest)| {
            let (progress, error_code, size_bytes, backup_type, backup_format, restorable) = rest;
            Record {
                id: format!("id-{id}").into(),
                state,
                created_at,
                execution_at,
                updated_at,
                progress,
                error_code,
                size_bytes,
                backup_type,
                backup_format,
                restorable,
            }
        },
    )
}
