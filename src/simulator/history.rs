//! The backup and restore records of an instance at a moment.
//!
//! Merges what was scheduled ([`super::scheduled`]) with what was asked for ([`super::by_hand`]). The cloud keeps
//! the 24 newest backups, automatic and manual together (page "Backup and Restoration Overview"); how long it keeps
//! restores nobody says, here the 20 newest.

use jiff::Timestamp;
use jiff::tz::{Offset, TimeZone};

use super::by_hand::Periods;
use super::course::{Course, Stage};
use super::fleet::{Member, bytes};
use super::scheduled;

/// How many backups are kept.
pub(super) const KEPT_BACKUPS: usize = 24;
/// How many restores are kept.
pub(super) const KEPT_RESTORES: usize = 20;

/// A backup record.
#[derive(Clone, Debug)]
pub(super) struct Backup {
    pub(super) id: String,
    pub(super) name: String,
    /// `auto`, else `manual`.
    pub(super) automatic: bool,
    /// `aof` or `rdb`.
    pub(super) format: &'static str,
    pub(super) remark: Option<&'static str>,
    /// Bytes of the file, once it is complete.
    pub(super) size: u64,
    pub(super) course: Course,
}

/// A restore record.
#[derive(Clone, Debug)]
pub(super) struct Restore {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) backup_id: String,
    pub(super) backup_name: String,
    pub(super) backup_remark: Option<&'static str>,
    pub(super) remark: Option<&'static str>,
    pub(super) course: Course,
}

/// The backups on record, newest first. What was asked for before a pause goes on during it.
pub(super) fn backups(member: &Member, now: Timestamp) -> Vec<Backup> {
    if !member.supports_backups() {
        return Vec::new();
    }
    let now = member.asked_until(now);
    let mut records: Vec<Backup> = scheduled::backups(member, now, KEPT_BACKUPS)
        .into_iter()
        .map(|scheduled| {
            let draw = member.chance.of("automatic record").nth(scheduled.number);
            let course = scheduled.course;
            let size = file_size(member, &course, draw.of("size").fraction());
            let (id, name) = (draw.uuid(), named("backup", course.created_at));
            Backup { id, name, automatic: true, format: "rdb", remark: None, size, course }
        })
        .collect();
    if let Some(periods) = Periods::of(member) {
        let present = periods.at(now);
        let oldest = records.get(KEPT_BACKUPS - 1).map(|backup| backup.course.created_at);
        let made = (0..).map(|back| present - back).map_while(|period| manual(member, &periods, period));
        let made = made.filter(|backup| backup.course.created_at <= now);
        let made = made.take_while(|backup| oldest.is_none_or(|oldest| backup.course.created_at >= oldest));
        records.extend(made.take(KEPT_BACKUPS));
    }
    records.sort_by(|a, b| (b.course.created_at, &b.id).cmp(&(a.course.created_at, &a.id)));
    records.truncate(KEPT_BACKUPS);
    records
}

/// The restores on record, newest first.
pub(super) fn restores(member: &Member, now: Timestamp) -> Vec<Restore> {
    let Some(periods) = Periods::of(member).filter(|_| member.supports_backups()) else { return Vec::new() };
    let now = member.asked_until(now);
    let present = periods.at(now);
    (0..)
        .map(|back| present - back)
        .take_while(|period| periods.backup(*period).is_some())
        .take(10 * KEPT_RESTORES)
        .filter_map(|period| restore(member, &periods, period))
        .filter(|restore| restore.course.created_at <= now)
        .take(KEPT_RESTORES)
        .collect()
}

/// `status` of the instance.
pub(super) fn status(member: &Member, now: Timestamp) -> &'static str {
    let asked_until = member.asked_until(now);
    let restoring = Periods::of(member).is_some_and(|periods| {
        periods
            .restore(periods.at(asked_until))
            .is_some_and(|(course, _)| course.created_at <= asked_until && matches!(course.at(now), Stage::Running(_)))
    });
    if restoring { "RESTORING" } else { member.status }
}

fn manual(member: &Member, periods: &Periods<'_>, period: i64) -> Option<Backup> {
    let course = periods.backup(period)?;
    let draw = periods.draw("manual record", period);
    Some(Backup {
        id: draw.uuid(),
        name: named("backup", course.created_at),
        automatic: false,
        format: draw.of("format").pick(&["aof", "rdb"]),
        remark: draw.of("remark").pick(&[None, None, Some("before the release"), Some("001"), Some("audit")]),
        size: file_size(member, &course, draw.of("size").fraction()),
        course,
    })
}

fn restore(member: &Member, periods: &Periods<'_>, period: i64) -> Option<Restore> {
    let (course, source) = periods.restore(period)?;
    let backup = manual(member, periods, source)?;
    let draw = periods.draw("restore record", period);
    Some(Restore {
        id: draw.uuid(),
        name: named("restore", course.created_at),
        backup_id: backup.id,
        backup_name: backup.name,
        backup_remark: backup.remark,
        remark: draw.of("remark").pick(&[None, None, Some("rehearsal"), Some("rollback")]),
        course,
    })
}

/// The file's size: what was in use when it was made, compressed to a good half.
fn file_size(member: &Member, course: &Course, draw: f64) -> u64 {
    if course.failure.is_some() { 0 } else { bytes(member.used_bytes(course.begun_at) as f64 * (0.54 + 0.02 * draw)) }
}

/// The default name: the moment in the region's local time, here UTC+8 as in the vendor's example.
fn named(what: &str, at: Timestamp) -> String {
    let region = TimeZone::fixed(Offset::from_seconds(8 * 3600).unwrap_or(Offset::UTC));
    format!("{what}_{}", at.to_zoned(region).strftime("%Y%m%d%H%M%S"))
}

#[cfg(test)]
mod tests;
