//! A list of records in a third of the bytes that they take as such: two dozen per instance, of ten thousand
//! instances, are kept for the next restart alone.
//!
//! Each record is its id (16 bytes for a UUID in lower case, else text), two bytes for its state and what else it
//! has, and its times as distances: the creation from the record's before, the others from the creation.

use std::sync::Arc;

use jiff::Timestamp;

use super::bytes::{Reader, Writer};
use crate::domain::RecordId;
use crate::domain::record::{BackupFormat, BackupType, ErrorCode, Record, State};

/// Records, packed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packed(Arc<[u8]>);

// What stands for a word in the bytes is its place here: only ever append.
const STATES: [State; 7] =
    [State::Waiting, State::Running, State::Succeeded, State::Failed, State::Expired, State::Deleted, State::Other];
const TYPES: [BackupType; 3] = [BackupType::Auto, BackupType::Manual, BackupType::Other];
const FORMATS: [BackupFormat; 3] = [BackupFormat::Aof, BackupFormat::Rdb, BackupFormat::Other];
const CODES: [ErrorCode; 9] = [
    ErrorCode::ToolNotStarted,
    ErrorCode::TimedOut,
    ErrorCode::BucketNotDeleted,
    ErrorCode::KeyNotObtained,
    ErrorCode::BucketNotCreated,
    ErrorCode::SizeNotQueried,
    ErrorCode::SyncFailed,
    ErrorCode::InstanceBusy,
    ErrorCode::Other,
];
const SWITCH: [bool; 2] = [false, true];

/// Bits of the first of the two bytes, above the three of the state.
const EXECUTION: u8 = 1 << 3;
const UPDATED: u8 = 1 << 4;
const PROGRESS: u8 = 1 << 5;
const ERROR: u8 = 1 << 6;
const SIZE: u8 = 1 << 7;

/// A ratio that is no whole per cent follows in eight bytes.
const NO_WHOLE_PER_CENT: u8 = 0xff;

impl Packed {
    /// Packs.
    pub fn of(records: &[Record]) -> Self {
        let mut writer = Writer::default();
        writer.count(records.len());
        let mut before = Timestamp::UNIX_EPOCH;
        for record in records {
            put(&mut writer, record, before);
            before = record.created_at;
        }
        Self(writer.0.into())
    }

    /// Reads bytes that were packed once; `None` for any others.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let packed = Self(bytes.into());
        packed.read(|_| ()).map(|()| packed)
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The records, as they were.
    pub fn records(&self) -> Vec<Record> {
        let mut records = Vec::new();
        self.read(|record| records.push(record)).expect("only what can be read is made");
        records
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        *self.0 == [0]
    }

    fn read(&self, mut take: impl FnMut(Record)) -> Option<()> {
        let mut reader = Reader::of(&self.0);
        let mut before = Timestamp::UNIX_EPOCH;
        for _ in 0..reader.count()? {
            let record = get(&mut reader, before)?;
            before = record.created_at;
            take(record);
        }
        reader.end()
    }
}

fn put(writer: &mut Writer, record: &Record, before: Timestamp) {
    let Record {
        id,
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
    } = record;
    // What cannot be read back must not be written: one bad record would cost the whole file.
    let progress = progress.filter(|ratio| is_ratio(*ratio));
    put_id(writer, id.as_str());
    let has = |bit: u8, is_there: bool| if is_there { bit } else { 0 };
    // State::Other is 6 and 7 is free: three bits are enough.
    writer.byte(
        place(&STATES, state)
            | has(EXECUTION, execution_at.is_some())
            | has(UPDATED, updated_at.is_some())
            | has(PROGRESS, progress.is_some())
            | has(ERROR, error_code.is_some())
            | has(SIZE, size_bytes.is_some()),
    );
    let word = |place: Option<u8>| place.map_or(0, |place| place + 1);
    writer.byte(
        word(backup_type.as_ref().map(|kind| place(&TYPES, kind)))
            | word(backup_format.as_ref().map(|format| place(&FORMATS, format))) << 2
            | word(restorable.as_ref().map(|restorable| place(&SWITCH, restorable))) << 4,
    );
    writer.moment(*created_at, before);
    for at in [execution_at, updated_at].into_iter().flatten() {
        writer.moment(*at, *created_at);
    }
    if let Some(ratio) = progress {
        let per_cent = whole_per_cent(ratio);
        writer.byte(per_cent.unwrap_or(NO_WHOLE_PER_CENT));
        if per_cent.is_none() {
            writer.0.extend_from_slice(&ratio.to_le_bytes());
        }
    }
    if let Some(code) = error_code {
        writer.byte(place(&CODES, code));
    }
    if let Some(size) = size_bytes {
        writer.number(*size);
    }
}

fn get(reader: &mut Reader, before: Timestamp) -> Option<Record> {
    let id = get_id(reader)?;
    let [first, second] = [reader.byte()?, reader.byte()?];
    let state = *STATES.get(usize::from(first & 7))?;
    if second >> 6 != 0 {
        return None;
    }
    let created_at = reader.moment(before)?;
    // The outer `None` says that the bytes make no sense, the inner one that there is nothing.
    let moment = |reader: &mut Reader, bit| match first & bit {
        0 => Some(None),
        _ => reader.moment(created_at).map(Some),
    };
    Some(Record {
        id,
        state,
        created_at,
        execution_at: moment(reader, EXECUTION)?,
        updated_at: moment(reader, UPDATED)?,
        progress: if first & PROGRESS == 0 { None } else { Some(get_ratio(reader)?) },
        error_code: if first & ERROR == 0 { None } else { Some(*CODES.get(usize::from(reader.byte()?))?) },
        size_bytes: if first & SIZE == 0 { None } else { Some(reader.number()?) },
        backup_type: get_word(&TYPES, second & 3)?,
        backup_format: get_word(&FORMATS, second >> 2 & 3)?,
        restorable: get_word(&SWITCH, second >> 4 & 3)?,
    })
}

/// The place of a word in its table.
fn place<T: PartialEq>(table: &[T], word: &T) -> u8 {
    let place = table.iter().position(|known| known == word);
    place.and_then(|place| u8::try_from(place).ok()).expect("the tables hold every word, and few")
}

/// What two bits stand for: 0 for nothing, else a word of the table.
#[allow(clippy::option_option)] // the outer one says whether the bytes make sense
fn get_word<T: Copy>(table: &[T], bits: u8) -> Option<Option<T>> {
    match usize::from(bits).checked_sub(1) {
        None => Some(None),
        Some(place) => table.get(place).copied().map(Some),
    }
}

fn get_ratio(reader: &mut Reader) -> Option<f64> {
    let ratio = match reader.byte()? {
        NO_WHOLE_PER_CENT => f64::from_le_bytes(reader.exactly(8)?.try_into().ok()?),
        per_cent @ 0..=100 => per_cent_ratio(per_cent),
        _ => return None,
    };
    is_ratio(ratio).then_some(ratio)
}

fn is_ratio(number: f64) -> bool {
    (0.0..=1.0).contains(&number)
}

/// The whole number of per cent that this ratio is, to the last bit.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // 0 to 100
fn whole_per_cent(ratio: f64) -> Option<u8> {
    let per_cent = (ratio * 100.0).round() as u8;
    (per_cent_ratio(per_cent).to_bits() == ratio.to_bits()).then_some(per_cent)
}

fn per_cent_ratio(per_cent: u8) -> f64 {
    f64::from(per_cent) / 100.0
}

/// 0 and 16 bytes for a UUID as the cloud writes it, else the length and one, and the text.
fn put_id(writer: &mut Writer, id: &str) {
    if let Some(bytes) = uuid(id) {
        writer.byte(0);
        writer.0.extend_from_slice(&bytes);
    } else {
        writer.count(id.len() + 1);
        writer.0.extend_from_slice(id.as_bytes());
    }
}

fn get_id(reader: &mut Reader) -> Option<RecordId> {
    match usize::try_from(reader.number()?).ok()?.checked_sub(1) {
        None => {
            let mut text = String::with_capacity(36);
            for (index, byte) in reader.exactly(16)?.iter().enumerate() {
                if matches!(index, 4 | 6 | 8 | 10) {
                    text.push('-');
                }
                for digit in [byte >> 4, byte & 15] {
                    text.push(char::from(b"0123456789abcdef"[usize::from(digit)]));
                }
            }
            Some(RecordId::from(text))
        }
        Some(length) => Some(RecordId::from(std::str::from_utf8(reader.exactly(length)?).ok()?)),
    }
}

/// The bytes of a UUID that is written in lower case with its dashes in their places.
fn uuid(text: &str) -> Option<[u8; 16]> {
    let text = text.as_bytes();
    if text.len() != 36 || [8, 13, 18, 23].iter().any(|dash| text[*dash] != b'-') {
        return None;
    }
    let mut bytes = [0; 16];
    let mut digits = text.iter().filter(|byte| **byte != b'-').map(|byte| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    });
    for byte in &mut bytes {
        *byte = digits.next()?? << 4 | digits.next()??;
    }
    digits.next().is_none().then_some(bytes)
}

#[cfg(test)]
mod tests;
