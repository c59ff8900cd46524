//! The odd forms that the cloud's answers take, each of which can be switched on for an instance or for all.
//!
//! Which of them the real cloud uses is documented badly or not at all, and documents contradict each other; a
//! client must read them all. Bodies are built in one form, with `null` for what is absent, and bent here.

use std::fmt;
use std::str::FromStr;

use serde_json::{Value, json};

use super::route::Version;

/// An odd form. Its text form, such as `absent=null` or `shifting-pages`, is what the control page takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quirk {
    /// `absent=…`: what stands for a value that is not there. Without it: `{}` in records of v2, as in the vendor's
    /// examples, else `null`.
    Absent(Absent),
    /// `no-records=…`: what is sent where there are no records. Without it: 204 in v2, an empty list in v1.0.
    NoRecords(NoRecords),
    /// `total=…`: what `total_num` and `instance_num` count. Without it: all pages.
    Total(Total),
    /// `page-cap=N`: no page is longer, whatever `limit` says.
    PageCap(usize),
    /// `overlap=N`: each page but the first begins with the last N of the page before.
    Overlap(usize),
    /// `shifting-pages`: between two pages one more entry appears at the head of the list.
    ShiftingPages,
    /// `numbers-as-text`: `"size":"880232"`.
    NumbersAsText,
    /// `text-as-numbers`: `"progress":100.0`, `"is_support_restore":true`.
    TextAsNumbers,
    /// `unknown-status`: the newest record and the instance have a status that no document knows.
    UnknownStatus,
    /// `unknown-keys`: keys that no document knows.
    UnknownKeys,
    /// `small`: an instance of 128 MB, `"capacity":0` and `"capacity_minor":".125"`.
    Small,
    /// `offset-stamps`: time stamps end with `+0000`.
    OffsetStamps,
    /// `single-node-refused`: a single-node instance answers 400 `DCS.4086` instead of having no records.
    SingleNodeRefused,
    /// `oldest-first`: the order of records.
    OldestFirst,
}

/// What stands for a value that is not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Absent {
    /// `{}`.
    EmptyObject,
    /// `null`.
    Null,
    /// The key is missing.
    Missing,
    /// `""`.
    EmptyText,
}

/// What is sent where there are no records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoRecords {
    /// 204.
    NoContent,
    /// 200 without a body.
    EmptyBody,
    /// `{}`.
    EmptyObject,
    /// The list is `null`.
    NullList,
    /// The list is `[]`.
    EmptyList,
}

/// What `total_num` and `instance_num` count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Total {
    /// Entries of this page.
    OfPage,
    /// Entries of all pages, written as a text.
    Text,
    /// The key is missing.
    Missing,
}

/// The text forms of the quirks that are words.
const WORDS: [(&str, Quirk); 21] = [
    ("absent={}", Quirk::Absent(Absent::EmptyObject)),
    ("absent=null", Quirk::Absent(Absent::Null)),
    ("absent=missing", Quirk::Absent(Absent::Missing)),
    ("absent=text", Quirk::Absent(Absent::EmptyText)),
    ("no-records=204", Quirk::NoRecords(NoRecords::NoContent)),
    ("no-records=empty", Quirk::NoRecords(NoRecords::EmptyBody)),
    ("no-records={}", Quirk::NoRecords(NoRecords::EmptyObject)),
    ("no-records=null", Quirk::NoRecords(NoRecords::NullList)),
    ("no-records=[]", Quirk::NoRecords(NoRecords::EmptyList)),
    ("total=page", Quirk::Total(Total::OfPage)),
    ("total=text", Quirk::Total(Total::Text)),
    ("total=missing", Quirk::Total(Total::Missing)),
    ("shifting-pages", Quirk::ShiftingPages),
    ("numbers-as-text", Quirk::NumbersAsText),
    ("text-as-numbers", Quirk::TextAsNumbers),
    ("unknown-status", Quirk::UnknownStatus),
    ("unknown-keys", Quirk::UnknownKeys),
    ("small", Quirk::Small),
    ("offset-stamps", Quirk::OffsetStamps),
    ("oldest-first", Quirk::OldestFirst),
    ("single-node-refused", Quirk::SingleNodeRefused),
];

/// A text that is no quirk.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("quirk {0:?} is not known: use one of {list}, page-cap=N, overlap=N", list = Quirk::words())]
pub struct UnknownQuirk(String);

impl Quirk {
    fn words() -> String {
        let words: Vec<&str> = WORDS.iter().map(|(word, _)| *word).collect();
        words.join(", ")
    }
}

impl FromStr for Quirk {
    type Err = UnknownQuirk;

    fn from_str(text: &str) -> Result<Self, UnknownQuirk> {
        let number = |prefix: &str| text.strip_prefix(prefix).and_then(|number| number.parse().ok());
        if let Some((_, quirk)) = WORDS.iter().find(|(word, _)| *word == text) {
            return Ok(*quirk);
        }
        let cap = number("page-cap=").filter(|cap| *cap > 0).map(Self::PageCap);
        cap.or_else(|| number("overlap=").map(Self::Overlap)).ok_or_else(|| UnknownQuirk(text.to_owned()))
    }
}

impl fmt::Display for Quirk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PageCap(cap) => write!(f, "page-cap={cap}"),
            Self::Overlap(entries) => write!(f, "overlap={entries}"),
            word => f.write_str(WORDS.iter().find(|(_, quirk)| quirk == word).map_or("", |(word, _)| *word)),
        }
    }
}

/// The quirks of an instance, or of a listing; where two contradict each other the later one counts.
#[derive(Clone, Debug, Default)]
pub(super) struct Quirks(pub(super) Vec<Quirk>);

impl Quirks {
    pub(super) fn has(&self, quirk: Quirk) -> bool {
        self.0.contains(&quirk)
    }

    fn last<T>(&self, of: impl Fn(&Quirk) -> Option<T>) -> Option<T> {
        self.0.iter().rev().find_map(of)
    }

    pub(super) fn no_records(&self) -> Option<NoRecords> {
        self.last(|quirk| if let Quirk::NoRecords(form) = quirk { Some(*form) } else { None })
    }

    pub(super) fn total(&self) -> Option<Total> {
        self.last(|quirk| if let Quirk::Total(form) = quirk { Some(*form) } else { None })
    }

    /// Which entries a page holds, and how many there seem to be in all.
    pub(super) fn page(&self, entries: usize, offset: usize, limit: usize) -> (std::ops::Range<usize>, usize) {
        let cap = self.last(|quirk| if let Quirk::PageCap(cap) = quirk { Some(*cap) } else { None });
        let overlap = self.last(|quirk| if let Quirk::Overlap(overlap) = quirk { Some(*overlap) } else { None });
        let length = limit.min(cap.unwrap_or(limit)).max(1);
        let pages_before = offset.div_ceil(length);
        let new = if self.has(Quirk::ShiftingPages) { pages_before } else { 0 };
        // A page that went back by its whole length would lead a reader round for ever.
        let back = pages_before.saturating_mul(overlap.unwrap_or(0)).saturating_add(new);
        let back = back.min(pages_before.saturating_mul(length - 1));
        let begin = offset.saturating_sub(back).min(entries);
        (begin..begin.saturating_add(length).min(entries), entries.saturating_add(new))
    }

    /// Bends one entry of a list, or the answer about one instance.
    pub(super) fn bend(&self, entry: &mut Value, version: Version, is_record: bool) {
        if self.has(Quirk::UnknownKeys)
            && let Some(object) = entry.as_object_mut()
        {
            object.insert("freeze_scene".to_owned(), Value::Null);
            object.insert("x_added_later".to_owned(), json!({ "list": [1, { "deep": "null" }], "text": "succeed" }));
        }
        let absent = self.last(|quirk| if let Quirk::Absent(form) = quirk { Some(*form) } else { None });
        let documented = if is_record && version == Version::V2 { Absent::EmptyObject } else { Absent::Null };
        replace_absent(entry, absent.unwrap_or(documented));
        if self.has(Quirk::OffsetStamps) {
            each_text(entry, &|text| {
                let is_stamp = text.len() == 24 && text.as_bytes()[10] == b'T' && text.ends_with('Z');
                is_stamp.then(|| json!(format!("{}+0000", &text[..23])))
            });
        }
        if self.has(Quirk::TextAsNumbers) {
            each_text(entry, &|text| match text {
                "TRUE" | "true" => Some(json!(true)),
                "FALSE" | "false" => Some(json!(false)),
                _ if text.contains('.') && !text.starts_with('.') && text.matches('.').count() == 1 => {
                    text.parse::<f64>().ok().map(|number| json!(number))
                }
                _ => None,
            });
        }
        if self.has(Quirk::NumbersAsText) {
            numbers_as_text(entry);
        }
    }
}

fn replace_absent(value: &mut Value, form: Absent) {
    match value {
        Value::Object(object) => {
            if form == Absent::Missing {
                object.retain(|_, value| !value.is_null());
            }
            for value in object.values_mut() {
                match (value.is_null(), form) {
                    (true, Absent::EmptyObject) => *value = json!({}),
                    (true, Absent::EmptyText) => *value = json!(""),
                    _ => replace_absent(value, form),
                }
            }
        }
        Value::Array(values) => values.iter_mut().for_each(|value| replace_absent(value, form)),
        _ => {}
    }
}

fn each_text(value: &mut Value, change: &dyn Fn(&str) -> Option<Value>) {
    match value {
        Value::String(text) => {
            if let Some(changed) = change(text) {
                *value = changed;
            }
        }
        // What people chose themselves stays as it is.
        Value::Object(object) => object
            .iter_mut()
            .filter(|(key, _)| !matches!(key.as_str(), "name" | "tags" | "engine_version" | "ip"))
            .for_each(|(_, value)| each_text(value, change)),
        Value::Array(values) => values.iter_mut().for_each(|value| each_text(value, change)),
        _ => {}
    }
}

fn numbers_as_text(value: &mut Value) {
    match value {
        Value::Number(number) => *value = json!(number.to_string()),
        Value::Object(object) => object.values_mut().for_each(numbers_as_text),
        Value::Array(values) => values.iter_mut().for_each(numbers_as_text),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bent(quirks: &[Quirk], version: Version, entry: &Value) -> Value {
        let mut entry = entry.clone();
        Quirks(quirks.to_vec()).bend(&mut entry, version, true);
        entry
    }

    #[test]
    fn every_quirk_can_be_written_and_read() {
        let more = [Quirk::PageCap(5), Quirk::Overlap(2)];
        for quirk in WORDS.iter().map(|(_, quirk)| *quirk).chain(more) {
            assert_eq!(quirk.to_string().parse(), Ok(quirk));
        }
        for bad in ["", "absent", "absent=no", "page-cap=0", "page-cap=x", "overlap"] {
            let error = bad.parse::<Quirk>().unwrap_err().to_string();
            assert!(error.starts_with("quirk ") && error.contains("shifting-pages"), "{error}");
        }
    }

    #[test]
    fn what_is_absent_takes_every_form() {
        let record = json!({ "error_code": null, "size": 1 });
        let absent = |form| [Quirk::Absent(form)];
        assert_eq!(bent(&[], Version::V2, &record), json!({ "error_code": {}, "size": 1 }));
        assert_eq!(bent(&[], Version::V1, &record), record);
        assert_eq!(bent(&absent(Absent::Null), Version::V2, &record), record);
        assert_eq!(bent(&absent(Absent::EmptyObject), Version::V1, &record), json!({ "error_code": {}, "size": 1 }));
        assert_eq!(bent(&absent(Absent::EmptyText), Version::V1, &record), json!({ "error_code": "", "size": 1 }));
        assert_eq!(bent(&absent(Absent::Missing), Version::V1, &record), json!({ "size": 1 }));
    }

    #[test]
    fn scalars_change_their_type() {
        let record = json!({ "progress": "12.50", "is_support_restore": "TRUE", "size": 7, "name": "1.5" });
        assert_eq!(
            bent(&[Quirk::TextAsNumbers], Version::V2, &record),
            json!({ "progress": 12.5, "is_support_restore": true, "size": 7, "name": "1.5" })
        );
        assert_eq!(
            bent(&[Quirk::NumbersAsText], Version::V2, &record),
            json!({ "progress": "12.50", "is_support_restore": "TRUE", "size": "7", "name": "1.5" })
        );
        let stamped = json!({ "created_at": "2019-05-10T08:31:16.166Z" });
        assert_eq!(
            bent(&[Quirk::OffsetStamps], Version::V2, &stamped),
            json!({ "created_at": "2019-05-10T08:31:16.166+0000" })
        );
    }

    #[test]
    fn pages_are_cut_capped_repeated_and_shifted() {
        let page = |quirks: &[Quirk], entries, offset, limit| Quirks(quirks.to_vec()).page(entries, offset, limit);
        assert_eq!(page(&[], 24, 0, 10), (0..10, 24));
        assert_eq!(page(&[], 24, 20, 10), (20..24, 24));
        assert_eq!(page(&[], 24, 24, 10), (24..24, 24));
        assert_eq!(page(&[], 24, usize::MAX, 10), (24..24, 24));
        assert_eq!(page(&[Quirk::Overlap(9)], 24, usize::MAX, 10), (24..24, 24));
        assert_eq!(page(&[Quirk::PageCap(5)], 24, 5, 1000), (5..10, 24));
        assert_eq!(page(&[Quirk::Overlap(2)], 24, 0, 10), (0..10, 24));
        assert_eq!(page(&[Quirk::Overlap(2)], 24, 10, 10), (8..18, 24));
        assert_eq!(page(&[Quirk::ShiftingPages], 20, 10, 10), (9..19, 21));
        assert_eq!(page(&[Quirk::ShiftingPages], 20, 20, 10), (18..20, 22));
        assert_eq!(page(&[Quirk::ShiftingPages], 20, 30, 10), (20..20, 23));
    }

    #[test]
    fn whoever_reads_on_until_a_page_is_short_gets_every_entry() {
        for quirks in [
            vec![],
            vec![Quirk::Overlap(3)],
            vec![Quirk::ShiftingPages],
            vec![Quirk::ShiftingPages, Quirk::Overlap(99)],
        ] {
            for (entries, limit) in [(0, 10), (20, 10), (24, 10), (24, 2), (24, 1), (1000, 7)] {
                let (mut offset, mut seen) = (0, vec![false; entries]);
                loop {
                    let (page, _) = Quirks(quirks.clone()).page(entries, offset, limit);
                    seen[page.clone()].iter_mut().for_each(|seen| *seen = true);
                    offset += page.len();
                    if page.len() < limit {
                        break;
                    }
                }
                assert!(seen.iter().all(|seen| *seen), "{quirks:?} {entries} {limit}");
            }
        }
    }
}
