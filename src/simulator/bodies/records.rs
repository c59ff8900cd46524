//! Backup and restore records.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::super::course::{Course, Stage};
use super::super::fleet::Member;
use super::super::history::{Backup, Restore};
use super::super::route::Version;
use super::super::scheduled::BUSY;
use super::stamp;

/// A backup as it stands at a moment; the same in both versions.
pub(in super::super) fn backup(member: &Member, backup: &Backup, now: Timestamp) -> Value {
    let course = &backup.course;
    let stage = course.at(now);
    let began = stage != Stage::Waiting && course.failure.is_none_or(|(code, _)| code != BUSY);
    let complete = !matches!(stage, Stage::Waiting | Stage::Running(_));
    json!({
        "backup_id": backup.id,
        "backup_name": backup.name,
        "instance_id": member.id,
        "size": if complete { backup.size } else { 0 },
        "backup_type": if backup.automatic { "auto" } else { "manual" },
        "backup_format": backup.format,
        "period": backup.automatic.then(|| member.begin_at()),
        "progress": course.progress(now),
        "created_at": stamp(course.created_at),
        "execution_at": if began { stamp(course.begun_at) } else { Value::Null },
        "updated_at": stamp(course.updated_at(now)),
        "status": status(course, now, "backuping"),
        "error_code": error_code(course, now),
        "remark": backup.remark,
        "is_support_restore": if stage == Stage::Succeeded { "TRUE" } else { "FALSE" },
    })
}

/// A restore as it stands at a moment; v1.0 tells from which instance the backup was.
pub(in super::super) fn restore(member: &Member, restore: &Restore, now: Timestamp, version: Version) -> Value {
    let course = &restore.course;
    let mut body = json!({
        "restore_id": restore.id,
        "restore_name": restore.name,
        "backup_id": restore.backup_id,
        "backup_name": restore.backup_name,
        "backup_remark": restore.backup_remark,
        "restore_remark": restore.remark,
        "progress": course.progress(now),
        "created_at": stamp(course.created_at),
        "updated_at": stamp(course.updated_at(now)),
        "status": status(course, now, "restoring"),
        "error_code": error_code(course, now),
    });
    if let (Version::V1, Some(body)) = (version, body.as_object_mut()) {
        body.insert("sourceInstanceId".to_owned(), json!(member.id));
        body.insert("sourceInstanceName".to_owned(), json!(member.name));
    }
    body
}

fn status(course: &Course, now: Timestamp, running: &'static str) -> &'static str {
    match course.at(now) {
        Stage::Waiting => "waiting",
        Stage::Running(_) => running,
        Stage::Succeeded => "succeed",
        Stage::Failed => "failed",
        Stage::Expired => "expired",
        Stage::Deleted => "deleted",
    }
}

fn error_code(course: &Course, now: Timestamp) -> Option<&'static str> {
    course.failure.filter(|_| course.at(now) == Stage::Failed).map(|(code, _)| code)
}
