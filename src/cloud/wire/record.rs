//! One entry of a list of backups or restores.

use jiff::Timestamp;

use super::value::{Fields, Garbage, Value};
use crate::cloud::Oddities;
use crate::domain::RecordId;
use crate::domain::record::{BackupFormat, BackupType, ErrorCode, Record, State};

const FIELDS: &[&str] = &[
    "backup_id",
    "restore_id",
    "status",
    "created_at",
    "execution_at",
    "updated_at",
    "progress",
    "error_code",
    "size",
    "backup_type",
    "backup_format",
    "is_support_restore",
];

/// Reads an entry of `backup_record_response`, or names the field for whose sake it is left out.
pub(super) fn backup(entry: &Value<'_>, now: Timestamp, oddities: &mut Oddities) -> Result<Record, &'static str> {
    let Ok(Some(fields)) = entry.object(FIELDS) else { return Err("record") };
    let mut record = record(&fields, "backup_id", backup_state, now, oddities)?;
    record.size_bytes = oddities.tolerate("size", fields.get("size").integer());
    record.restorable = oddities.tolerate("is_support_restore", fields.get("is_support_restore").bool());
    record.backup_type = word(&fields, "backup_type", oddities, BackupType::Other, |word| match word {
        "auto" => Some(BackupType::Auto),
        "manual" => Some(BackupType::Manual),
        _ => None,
    });
    record.backup_format = word(&fields, "backup_format", oddities, BackupFormat::Other, |word| match word {
        "aof" => Some(BackupFormat::Aof),
        "rdb" => Some(BackupFormat::Rdb),
        _ => None,
    });
    Ok(record)
}

/// Reads an entry of `restore_record_response`; likewise.
pub(super) fn restore(entry: &Value<'_>, now: Timestamp, oddities: &mut Oddities) -> Result<Record, &'static str> {
    let Ok(Some(fields)) = entry.object(FIELDS) else { return Err("record") };
    record(&fields, "restore_id", restore_state, now, oddities)
}

fn backup_state(word: &str) -> Option<State> {
    Some(match word {
        "waiting" => State::Waiting,
        "backuping" => State::Running,
        "succeed" => State::Succeeded,
        "failed" => State::Failed,
        "expired" => State::Expired,
        "deleted" => State::Deleted,
        _ => return None,
    })
}

fn restore_state(word: &str) -> Option<State> {
    Some(match word {
        "waiting" => State::Waiting,
        "restoring" => State::Running,
        "succeed" => State::Succeeded,
        "failed" => State::Failed,
        _ => return None,
    })
}

/// What backups and restores have in common.
///
/// Without an id, a status or a time a record says nothing. A wrong `updated_at` would be a wrong time of
/// completion where something has ended, so it costs such a record too; anything else that cannot be read is left
/// open.
fn record(
    fields: &Fields<'_>,
    id: &'static str,
    state_of: fn(&str) -> Option<State>,
    now: Timestamp,
    oddities: &mut Oddities,
) -> Result<Record, &'static str> {
    let Ok(Some(record_id)) = fields.get(id).id() else { return Err(id) };
    let Ok(Some(status)) = fields.get("status").text() else { return Err("status") };
    let created_at = fields.get("created_at").timestamp(now).map_err(|Garbage| "created_at")?;
    let state = state_of(&status.to_ascii_lowercase());
    let updated_at = match fields.get("updated_at").timestamp(now) {
        Err(Garbage) if matches!(state, Some(State::Succeeded | State::Failed)) => return Err("updated_at"),
        reading => oddities.tolerate("updated_at", reading),
    };
    let execution = fields.get("execution_at").timestamp(now);
    let Some(created_at) = created_at.or(execution.unwrap_or_default()).or(updated_at) else {
        return Err("created_at");
    };
    let state = state.unwrap_or_else(|| {
        oddities.wonder("status");
        State::Other
    });
    Ok(Record {
        id: RecordId::from(record_id.as_ref()),
        state,
        created_at,
        execution_at: oddities.tolerate("execution_at", execution),
        updated_at,
        progress: progress(&fields.get("progress"), oddities),
        error_code: error_code(&fields.get("error_code"), oddities),
        size_bytes: None,
        backup_type: None,
        backup_format: None,
        restorable: None,
    })
}

/// Percent, with or without the sign, as a ratio.
fn progress(value: &Value<'_>, oddities: &mut Oddities) -> Option<f64> {
    let reading = match value {
        Value::Text(text) => Value::Text(text.trim_end_matches('%').trim_end().into()).number(),
        value => value.number(),
    };
    let reading = match reading {
        Ok(Some(percent)) if percent > 100.0 => Err(Garbage),
        reading => reading,
    };
    oddities.tolerate("progress", reading).map(|percent| percent / 100.0)
}

/// A code that cannot be read is still a failure's: it counts as an unknown one. `0` and `false` say that there
/// is none.
fn error_code(value: &Value<'_>, oddities: &mut Oddities) -> Option<ErrorCode> {
    match value.text() {
        Ok(None) => None,
        Ok(Some(text)) if matches!(text.as_ref(), "0" | "false") => None,
        Ok(Some(text)) => {
            let code = ErrorCode::parse(&text);
            if code == ErrorCode::Other {
                oddities.wonder("error_code");
            }
            Some(code)
        }
        Err(Garbage) => {
            oddities.reject("error_code");
            Some(ErrorCode::Other)
        }
    }
}

/// A word of a closed list, `other` where it is not in the list.
fn word<T>(
    fields: &Fields<'_>,
    field: &'static str,
    oddities: &mut Oddities,
    other: T,
    known: impl Fn(&str) -> Option<T>,
) -> Option<T> {
    let word = oddities.tolerate(field, fields.get(field).text())?;
    Some(known(&word.to_ascii_lowercase()).unwrap_or_else(|| {
        oddities.wonder(field);
        other
    }))
}
