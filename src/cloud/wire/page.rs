//! The envelope of a list: its entries and how many there are.

use super::WireError;
use super::value::{Fields, Value, for_each};
use crate::cloud::{Oddities, Page, Window};

/// The keys of a list's envelope.
pub(super) struct Envelope {
    list: &'static str,
    total: &'static str,
    known: &'static [&'static str],
    /// Whether nothing at all may pass for an empty list: of an instance's records it may, since some services answer a
    /// single node so; but a listing that says nothing would let all instances vanish.
    may_be_absent: bool,
}

/// Keys of an error's body: with one of these an answer without a list is no empty list.
const OF_ERRORS: [&str; 4] = ["error_code", "error_msg", "error", "errorCode"];

macro_rules! envelope {
    ($list:literal, $total:literal, $may_be_absent:literal) => {
        Envelope {
            list: $list,
            total: $total,
            known: &[$list, $total, OF_ERRORS[0], OF_ERRORS[1], OF_ERRORS[2], OF_ERRORS[3]],
            may_be_absent: $may_be_absent,
        }
    };
}

pub(super) const BACKUPS: Envelope = envelope!("backup_record_response", "total_num", true);
pub(super) const RESTORES: Envelope = envelope!("restore_record_response", "total_num", true);
pub(super) const INSTANCES: Envelope = envelope!("instances", "instance_num", false);

/// Reads a page; `f` makes an item of an entry, or names the field for whose sake it cannot.
pub(super) fn read<T>(
    body: &Value<'_>,
    envelope: &Envelope,
    window: Window,
    mut f: impl FnMut(&Value<'_>, &mut Oddities) -> Result<T, &'static str>,
) -> Result<Page<T>, WireError> {
    let mut page = Page::default();
    let fields = match body {
        Value::Absent if envelope.may_be_absent => return Ok(page),
        Value::Absent => return Err(WireError::OtherContent("is empty, though it should hold a list")),
        Value::List(_) => return Err(WireError::OtherContent("is a bare list; an object with one is expected")),
        Value::Object(_) => match body.object(envelope.known) {
            Ok(Some(fields)) => fields,
            _ => return Err(WireError::OtherContent("is an object that cannot be read")),
        },
        _ => return Err(WireError::OtherContent("is a bare text, number or truth value; an object is expected")),
    };
    page.total = page.oddities.tolerate(envelope.total, fields.get(envelope.total).integer());
    match fields.get(envelope.list) {
        Value::List(list) => for_each(list, |entry| {
            page.received += 1;
            match f(&entry, &mut page.oddities) {
                Ok(item) => page.items.push(item),
                Err(field) => page.oddities.reject(field),
            }
        }),
        Value::Absent => no_list(&fields, envelope, window, page.total)?,
        _ => return Err(WireError::OtherContent("has something else where its list should be")),
    }
    Ok(page)
}

/// Whether an object without a list may pass for an empty one.
fn no_list(fields: &Fields<'_>, envelope: &Envelope, window: Window, total: Option<u64>) -> Result<(), WireError> {
    let about_lists = fields.has(envelope.list) || fields.has(envelope.total);
    if OF_ERRORS.iter().any(|key| !matches!(fields.get(key), Value::Absent)) {
        return Err(WireError::OtherContent("is an error's body with the status of a success"));
    }
    if !about_lists {
        return Err(WireError::OtherContent("is an object about something else"));
    }
    match total {
        Some(total) if total > 0 && window.offset == 0 => Err(WireError::ListMissing { list: envelope.list, total }),
        _ => Ok(()),
    }
}
