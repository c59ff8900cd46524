//! A [`Memory`] as bytes, and back: the inside of a stored file.
//!
//! Fields follow each other in the order of their types' declarations, without names: whoever changes one changes
//! [`VERSION`], and teaches [`read()`] the versions that may still lie on a disk. The compiler names the places, because every
//! struct is taken apart whole. Each instance is preceded by its length. Words of the cloud are written as words.
//!
//! [`read()`] is total: bytes that no [`write()`] made yield nothing. That they are those that were once written, a digest
//! around them tells, not this.

use std::io;
use std::time::Duration;

use jiff::Timestamp;

use super::bytes::{Reader, Writer};
use super::packed::Packed;
use super::{InstanceMemory, Lasting, Memory, Polled, ProjectMemory, Records, Shown, ShownProject};
use crate::domain::facts::LastSuccess;
use crate::domain::instance::{CacheMode, Engine, InstanceStatus, PolicyReading};
use crate::domain::plan::{BackupPolicy, UtcOffset};
use crate::domain::record::{BackupFormat, BackupType};
use crate::domain::tags::Tags;
use crate::snapshot::Details;

/// The version of the layout.
pub const VERSION: u32 = 2;
/// The first version that has tags, enterprise projects and the number of all known instances.
const SECOND: u32 = 2;

/// The distance of moments from here is written: 2026-01-01, so that it is short.
const BASE: Timestamp = Timestamp::constant(1_767_225_600, 0);

// What stands for a word in the bytes is its place here: only ever append.
const TYPES: [BackupType; 3] = [BackupType::Auto, BackupType::Manual, BackupType::Other];
const FORMATS: [BackupFormat; 3] = [BackupFormat::Aof, BackupFormat::Rdb, BackupFormat::Other];

/// Writes everything, instance by instance, so that no second copy of a large memory comes to be.
///
/// # Errors
/// Those of `out`.
pub fn write(memory: &Memory, out: &mut impl io::Write) -> io::Result<()> {
    let Memory { saved_at, projects } = memory;
    let mut writer = Writer::default();
    writer.moment(*saved_at, BASE);
    writer.count(projects.len());
    let mut instance_bytes = Writer::default();
    for project in projects {
        put_project(&mut writer, project);
        for instance in &project.instances {
            instance_bytes.0.clear();
            put_instance(&mut instance_bytes, instance);
            writer.bytes(&instance_bytes.0);
            out.write_all(&writer.0)?;
            writer.0.clear();
        }
    }
    out.write_all(&writer.0)
}

/// Reads everything; `None` where the bytes are not those of a [`Memory`] of this version, from 1 to [`VERSION`].
pub fn read(bytes: &[u8], version: u32) -> Option<Memory> {
    if !(1..=VERSION).contains(&version) {
        return None;
    }
    let mut reader = Reader::of(bytes);
    let saved_at = reader.moment(BASE)?;
    let projects = (0..reader.count()?).map(|_| get_project(&mut reader, version)).collect::<Option<_>>()?;
    reader.end()?;
    Some(Memory { saved_at, projects })
}

fn put_project(writer: &mut Writer, project: &ProjectMemory) {
    let ProjectMemory { name, project_id, project_name, endpoint, shown, known, instances } = project;
    writer.text(name.as_str());
    writer.text(project_id.as_str());
    writer.option(project_name.as_deref(), Writer::text);
    writer.text(endpoint);
    writer.option(shown.as_ref(), |writer, shown| {
        let ShownProject { up, listed_at, missing } = shown;
        writer.option(*up, Writer::flag);
        writer.option(*listed_at, put_moment);
        writer.option(*missing, Writer::number);
    });
    writer.number(*known);
    writer.count(instances.len());
}

fn get_project(reader: &mut Reader, version: u32) -> Option<ProjectMemory> {
    let mut project = ProjectMemory {
        name: reader.text()?.into(),
        project_id: reader.text()?.into(),
        project_name: reader.option(get_text)?,
        endpoint: get_text(reader)?,
        shown: reader.option(|reader| {
            Some(ShownProject {
                up: reader.option(Reader::flag)?,
                listed_at: reader.option(get_moment)?,
                missing: reader.option(Reader::number)?,
            })
        })?,
        known: if version >= SECOND { reader.number()? } else { 0 },
        instances: (0..reader.count()?)
            .map(|_| {
                let mut instance = Reader::of(reader.bytes()?);
                let memory = get_instance(&mut instance, version)?;
                instance.end().map(|()| memory)
            })
            .collect::<Option<_>>()?,
    };
    if version < SECOND {
        project.known = project.instances.len() as u64;
    }
    Some(project)
}

fn put_instance(writer: &mut Writer, instance: &InstanceMemory) {
    let InstanceMemory { id, shown, backups, restores } = instance;
    writer.text(id.as_str());
    writer.option(shown.as_deref(), put_shown);
    put_lasting(writer, backups);
    put_lasting(writer, restores);
}

fn get_instance(reader: &mut Reader, version: u32) -> Option<InstanceMemory> {
    Some(InstanceMemory {
        id: reader.text()?.into(),
        shown: reader.option(|reader| get_shown(reader, version))?.map(Box::new),
        backups: get_lasting(reader)?,
        restores: get_lasting(reader)?,
    })
}

fn put_shown(writer: &mut Writer, shown: &Shown) {
    let Shown {
        by_hand,
        misses,
        cloud_name,
        details,
        enterprise_project_id,
        tags,
        policy,
        refused,
        backups,
        restores,
        polls,
    } = shown;
    writer.flag(*by_hand);
    writer.number(u64::from(*misses));
    writer.option(cloud_name.as_deref(), Writer::text);
    writer.option(details.as_ref(), put_details);
    writer.option(enterprise_project_id.as_deref(), Writer::text);
    writer.option(tags.as_ref(), put_tags);
    put_policy(writer, policy);
    writer.flag(*refused);
    for records in [backups, restores] {
        writer.option(records.as_ref(), |writer, records| {
            let Records { packed, emptied } = records;
            writer.bytes(packed.as_bytes());
            writer.flag(*emptied);
        });
    }
    for polled in polls {
        let Polled { success, last_success_at } = polled;
        writer.option(*success, Writer::flag);
        writer.option(*last_success_at, put_moment);
    }
}

fn get_shown(reader: &mut Reader, version: u32) -> Option<Shown> {
    let records = |reader: &mut Reader| {
        reader.option(|reader| Some(Records { packed: Packed::from_bytes(reader.bytes()?)?, emptied: reader.flag()? }))
    };
    let polled = |reader: &mut Reader| {
        Some(Polled { success: reader.option(Reader::flag)?, last_success_at: reader.option(get_moment)? })
    };
    Some(Shown {
        by_hand: reader.flag()?,
        misses: u32::try_from(reader.number()?).ok()?,
        cloud_name: reader.option(get_text)?,
        details: reader.option(get_details)?,
        enterprise_project_id: if version >= SECOND { reader.option(get_text)? } else { None },
        tags: if version >= SECOND { reader.option(get_tags)? } else { None },
        policy: get_policy(reader)?,
        refused: reader.flag()?,
        backups: records(reader)?,
        restores: records(reader)?,
        polls: [polled(reader)?, polled(reader)?, polled(reader)?],
    })
}

fn put_details(writer: &mut Writer, details: &Details) {
    let Details { engine, engine_version, cache_mode, status, created_at, max_memory_bytes } = details;
    writer.option(engine.map(Engine::as_str), Writer::text);
    writer.option(engine_version.as_deref(), Writer::text);
    writer.option(cache_mode.map(CacheMode::as_str), Writer::text);
    writer.option(status.map(InstanceStatus::as_str), Writer::text);
    writer.option(*created_at, put_moment);
    writer.option(*max_memory_bytes, Writer::number);
}

fn get_details(reader: &mut Reader) -> Option<Details> {
    Some(Details {
        engine: reader.option(Reader::text)?.map(Engine::parse),
        engine_version: reader.option(get_text)?,
        cache_mode: reader.option(Reader::text)?.map(CacheMode::parse),
        status: reader.option(Reader::text)?.map(InstanceStatus::parse),
        created_at: reader.option(get_moment)?,
        max_memory_bytes: reader.option(Reader::number)?,
    })
}

fn put_tags(writer: &mut Writer, tags: &Tags) {
    writer.count(tags.iter().count());
    for (key, value) in tags.iter() {
        writer.text(key);
        writer.text(value);
    }
}

fn get_tags(reader: &mut Reader) -> Option<Tags> {
    let pairs = (0..reader.count()?).map(|_| Some((reader.text()?, reader.text()?)));
    pairs.collect::<Option<Vec<_>>>().map(Tags::of)
}

const UNREAD: u8 = 0;
const ABSENT: u8 = 1;
const PRESENT: u8 = 2;

fn put_policy(writer: &mut Writer, policy: &PolicyReading) {
    let policy = match policy {
        PolicyReading::Unread => return writer.byte(UNREAD),
        PolicyReading::Absent => return writer.byte(ABSENT),
        PolicyReading::Present(policy) => policy,
    };
    let BackupPolicy { automatic, updated_at, retention, days, begin_minute, utc_offset } = policy;
    writer.byte(PRESENT);
    writer.flag(*automatic);
    writer.option(*updated_at, put_moment);
    writer.option(*retention, put_duration);
    writer.bytes(days);
    writer.option(begin_minute.map(u64::from), Writer::number);
    writer.option(utc_offset.map(UtcOffset::minutes), |writer, minutes| {
        writer.0.extend_from_slice(&minutes.to_le_bytes());
    });
}

fn get_policy(reader: &mut Reader) -> Option<PolicyReading> {
    match reader.byte()? {
        UNREAD => Some(PolicyReading::Unread),
        ABSENT => Some(PolicyReading::Absent),
        PRESENT => Some(PolicyReading::Present(BackupPolicy {
            automatic: reader.flag()?,
            updated_at: reader.option(get_moment)?,
            retention: reader.option(get_duration)?,
            days: reader.bytes()?.to_vec(),
            begin_minute: reader.option(|reader| u16::try_from(reader.number()?).ok())?,
            utc_offset: reader
                .option(|reader| UtcOffset::from_minutes(i16::from_le_bytes(reader.exactly(2)?.try_into().ok()?)))?,
        })),
        _ => None,
    }
}

fn put_lasting(writer: &mut Writer, lasting: &Lasting) {
    let Lasting { last_success, told, had_records } = lasting;
    writer.option(last_success.as_ref(), |writer, success| {
        let LastSuccess { at, size_bytes, duration, backup_type, backup_format } = success;
        put_moment(writer, *at);
        writer.option(*size_bytes, Writer::number);
        writer.option(*duration, put_duration);
        writer.option(*backup_type, |writer, kind| put_word(writer, &TYPES, &kind));
        writer.option(*backup_format, |writer, format| put_word(writer, &FORMATS, &format));
    });
    writer.option(told.as_ref(), |writer, marks| {
        writer.count(marks.len());
        for mark in marks {
            writer.0.extend_from_slice(&mark.to_le_bytes());
        }
    });
    writer.flag(*had_records);
}

fn get_lasting(reader: &mut Reader) -> Option<Lasting> {
    Some(Lasting {
        last_success: reader.option(|reader| {
            Some(LastSuccess {
                at: get_moment(reader)?,
                size_bytes: reader.option(Reader::number)?,
                duration: reader.option(get_duration)?,
                backup_type: reader.option(|reader| get_word(reader, &TYPES))?,
                backup_format: reader.option(|reader| get_word(reader, &FORMATS))?,
            })
        })?,
        told: reader.option(|reader| {
            let count = reader.count()?;
            let marks = reader.exactly(count.checked_mul(8)?)?.as_chunks().0;
            Some(marks.iter().map(|mark| u64::from_le_bytes(*mark)).collect())
        })?,
        had_records: reader.flag()?,
    })
}

fn put_moment(writer: &mut Writer, at: Timestamp) {
    writer.moment(at, BASE);
}

fn get_moment(reader: &mut Reader) -> Option<Timestamp> {
    reader.moment(BASE)
}

fn put_duration(writer: &mut Writer, duration: Duration) {
    writer.number(duration.as_secs());
    writer.number(u64::from(duration.subsec_nanos()));
}

fn get_duration(reader: &mut Reader) -> Option<Duration> {
    let (seconds, nanos) = (reader.number()?, u32::try_from(reader.number()?).ok()?);
    (nanos < 1_000_000_000).then(|| Duration::new(seconds, nanos))
}

fn get_text(reader: &mut Reader) -> Option<String> {
    reader.text().map(str::to_owned)
}

fn put_word<T: PartialEq>(writer: &mut Writer, table: &[T], word: &T) {
    writer.count(table.iter().position(|known| known == word).expect("the tables hold every word"));
}

fn get_word<T: Copy>(reader: &mut Reader, table: &[T]) -> Option<T> {
    table.get(usize::from(reader.byte()?)).copied()
}
