//! Bodies of the cloud's answers, in every form they take, into the domain's types.
//!
//! [`read`] takes the body of a success. What cannot be read costs as little as possible: a field its value, a
//! record itself, never the page ([`Oddities`] count both). Nothing is taken for "no records" that does not say so: an
//! answer that is no JSON, or JSON about something else, is an error, lest a proxy's page passes for an empty
//! list and all backups seem gone. A body is walked through without building a tree, so it may nest without end and
//! costs no more memory than what is kept of it.
//!
//! Sources: the vendor's pages on v2 and v1.0, their examples (`tests/fixtures/seeds/`), and its SDKs' models.

mod instance;
mod page;
mod record;
mod value;

use jiff::Timestamp;
use serde_json::value::RawValue;

use self::value::Value;
pub(super) use self::value::parse_timestamp;
use super::{Answer, Oddities, Request};

/// A body that is not what was asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    /// No JSON at all.
    #[error("the answer is no JSON but {what}")]
    NotJson {
        /// What it looks like.
        what: &'static str,
    },
    /// JSON of another kind or about something else.
    #[error("the answer {0}")]
    OtherContent(&'static str),
    /// A first page without its list, though it says that there are entries.
    #[error("the answer has no {list}, though it counts {total}")]
    ListMissing {
        /// The list's key.
        list: &'static str,
        /// What `total_num` or `instance_num` says.
        total: u64,
    },
    /// `instances/{id}` without content.
    #[error("the answer is empty, though it should describe an instance")]
    InstanceMissing,
}

/// Reads the body of a success (2xx). A moment more than a day after `now` is garbage.
///
/// # Errors
/// [`WireError`] where the body is not what was asked for.
pub fn read(request: &Request, body: &[u8], now: Timestamp) -> Result<Answer, WireError> {
    let text = String::from_utf8_lossy(body);
    let text = text.trim_start_matches('\u{feff}').trim();
    let value = match text {
        "" => Value::Absent,
        _ => Value::of(serde_json::from_str::<&RawValue>(text).map_err(|_| not_json(text))?),
    };
    match request {
        Request::Instances(window) => {
            let f = |entry: &Value<'_>, oddities: &mut Oddities| instance::listed(entry, now, oddities);
            page::read(&value, &page::INSTANCES, *window, f).map(instance::of_page).map(Answer::Instances)
        }
        Request::Instance(id) => {
            let mut oddities = Oddities::default();
            let instance = instance::shown(&value, id, now, &mut oddities)?;
            Ok(Answer::Instance(Box::new(instance), oddities))
        }
        Request::Backups(_, window) => {
            let f = |entry: &Value<'_>, oddities: &mut Oddities| record::backup(entry, now, oddities);
            page::read(&value, &page::BACKUPS, *window, f).map(Answer::Records)
        }
        Request::Restores(_, window) => {
            let f = |entry: &Value<'_>, oddities: &mut Oddities| record::restore(entry, now, oddities);
            page::read(&value, &page::RESTORES, *window, f).map(Answer::Records)
        }
    }
}

fn not_json(text: &str) -> WireError {
    let what = match text.as_bytes().first() {
        Some(b'<') => "HTML or XML",
        Some(b'{' | b'[') => "something broken or cut off",
        _ => "something else",
    };
    WireError::NotJson { what }
}

#[cfg(test)]
mod tests;
