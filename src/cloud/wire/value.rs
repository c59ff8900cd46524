//! Values of an answer, read as tolerantly as the vendor's own documents demand.
//!
//! Objects are taken apart key by key and every value stays raw text until its field is read: an overflowing
//! number, a broken escape or a nesting without end in one field then costs that field and nothing else, and
//! keys that nobody asks for cost nothing at all. `{}`, `null`, `""` and a missing key all mean that there is no
//! value; numbers come as strings and strings as numbers, and so do booleans.

use std::borrow::Cow;
use std::fmt;

use jiff::{SignedDuration, Timestamp};
use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::cloud::Oddities;

/// How far a moment may lie ahead of our clock; one further ahead is no moment of a past event.
const MAX_AHEAD: SignedDuration = SignedDuration::from_hours(24);
/// The longest text that is taken for an id.
const MAX_ID_LENGTH: usize = 256;

/// A value by its JSON kind.
#[derive(Clone, Debug)]
pub(super) enum Value<'a> {
    /// Missing, `null`, `{}` or a blank string.
    Absent,
    /// A string, trimmed.
    Text(Cow<'a, str>),
    /// A number, as it is spelled.
    Number(&'a str),
    Bool(bool),
    /// A list, empty or not.
    List(&'a RawValue),
    /// An object that is not empty.
    Object(&'a RawValue),
    /// A string with broken escapes.
    Broken,
}

/// A value is there, but cannot be what its field is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Garbage;

/// A field's reading: there, not there, or garbage.
pub(super) type Reading<T> = Result<Option<T>, Garbage>;

impl<'a> Value<'a> {
    pub(super) fn of(raw: &'a RawValue) -> Self {
        let text = raw.get().trim();
        match text.as_bytes().first() {
            Some(b'"') => match serde_json::from_str::<Cow<'a, str>>(text) {
                Ok(text) if text.trim().is_empty() => Self::Absent,
                Ok(text) if text.trim().len() == text.len() => Self::Text(text),
                Ok(text) => Self::Text(text.trim().to_owned().into()),
                Err(_) => Self::Broken,
            },
            Some(b'{') if text[1..text.len() - 1].trim().is_empty() => Self::Absent,
            Some(b'{') => Self::Object(raw),
            Some(b'[') => Self::List(raw),
            Some(b't') => Self::Bool(true),
            Some(b'f') => Self::Bool(false),
            Some(b'n') | None => Self::Absent,
            Some(_) => Self::Number(text),
        }
    }

    /// Any scalar as a text.
    pub(super) fn text(&self) -> Reading<Cow<'a, str>> {
        match self {
            Self::Absent => Ok(None),
            Self::Text(text) => Ok(Some(text.clone())),
            Self::Number(text) => Ok(Some(Cow::Borrowed(text))),
            Self::Bool(true) => Ok(Some("true".into())),
            Self::Bool(false) => Ok(Some("false".into())),
            Self::List(_) | Self::Object(_) | Self::Broken => Err(Garbage),
        }
    }

    /// An id: a text of bounded length.
    pub(super) fn id(&self) -> Reading<Cow<'a, str>> {
        match self {
            Self::Bool(_) => Err(Garbage),
            _ => match self.text()? {
                Some(text) if text.len() > MAX_ID_LENGTH => Err(Garbage),
                text => Ok(text),
            },
        }
    }

    /// A finite number that is not negative.
    pub(super) fn number(&self) -> Reading<f64> {
        let text = match self {
            Self::Absent => return Ok(None),
            Self::Text(text) => text.as_ref(),
            Self::Number(text) => text,
            _ => return Err(Garbage),
        };
        let number: f64 = text.parse().map_err(|_| Garbage)?;
        if number.is_finite() && number >= 0.0 { Ok(Some(number.abs())) } else { Err(Garbage) }
    }

    /// A number that is not negative and below 2^63, cut to a whole one.
    pub(super) fn integer(&self) -> Reading<u64> {
        const END: u64 = 1 << 63;
        if let Ok(Some(text)) = self.text()
            && let Ok(integer) = text.parse::<u64>()
        {
            return if integer < END { Ok(Some(integer)) } else { Err(Garbage) };
        }
        match self.number()? {
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // within the range
            Some(number) if number < END as f64 => Ok(Some(number as u64)),
            Some(_) => Err(Garbage),
            None => Ok(None),
        }
    }

    /// A truth value in any of its spellings.
    pub(super) fn bool(&self) -> Reading<bool> {
        let Some(text) = self.text()? else { return Ok(None) };
        match text.to_ascii_lowercase().as_str() {
            "true" | "1" => Ok(Some(true)),
            "false" | "0" => Ok(Some(false)),
            _ => Err(Garbage),
        }
    }

    /// A moment: RFC 3339 with any fraction and offset, not far ahead of `now`. The beginning of time, which
    /// programs write where they have no moment, is none.
    pub(super) fn timestamp(&self, now: Timestamp) -> Reading<Timestamp> {
        let text = match self {
            Self::Absent => return Ok(None),
            Self::Text(text) => text,
            _ => return Err(Garbage),
        };
        let moment = parse_timestamp(text).ok_or(Garbage)?;
        if moment <= Timestamp::UNIX_EPOCH {
            return Ok(None);
        }
        if moment.duration_since(now) > MAX_AHEAD { Err(Garbage) } else { Ok(Some(moment)) }
    }

    /// An object's fields.
    pub(super) fn object(&self, known: &'static [&'static str]) -> Reading<Fields<'a>> {
        match self {
            Self::Absent => Ok(None),
            Self::Object(raw) => Fields::read(raw, known).map(Some),
            _ => Err(Garbage),
        }
    }
}

/// Moments are exact to the nanosecond here; digits beyond are cut off.
pub(in crate::cloud) fn parse_timestamp(text: &str) -> Option<Timestamp> {
    const DIGITS: usize = 9;
    if text.len() > 64 {
        return None;
    }
    if let Some(dot) = text.find('.') {
        let fraction = text[dot + 1..].bytes().take_while(u8::is_ascii_digit).count();
        if fraction > DIGITS {
            return format!("{}{}", &text[..=dot + DIGITS], &text[dot + 1 + fraction..]).parse().ok();
        }
    }
    text.parse().ok()
}

/// The fields of an object that somebody asks for. Of a key that occurs twice the last one counts.
#[derive(Debug)]
pub(super) struct Fields<'a> {
    known: Vec<(&'static str, &'a RawValue)>,
    /// There are keys that nobody asks for.
    pub(super) others: bool,
}

impl<'a> Fields<'a> {
    fn read(raw: &'a RawValue, known: &'static [&'static str]) -> Result<Self, Garbage> {
        let mut json = serde_json::Deserializer::from_str(raw.get());
        KnownKeys(known).deserialize(&mut json).map_err(|_| Garbage)
    }

    /// The value of a field.
    pub(super) fn get(&self, name: &str) -> Value<'a> {
        self.raw(name).map_or(Value::Absent, Value::of)
    }

    /// The value of the first of these fields that has one.
    pub(super) fn first_of(&self, names: &[&str]) -> Value<'a> {
        names.iter().map(|name| self.get(name)).find(|value| !matches!(value, Value::Absent)).unwrap_or(Value::Absent)
    }

    /// Whether the key is there, with whatever value.
    pub(super) fn has(&self, name: &str) -> bool {
        self.raw(name).is_some()
    }

    fn raw(&self, name: &str) -> Option<&'a RawValue> {
        self.known.iter().find(|(known, _)| *known == name).map(|(_, raw)| *raw)
    }
}

struct KnownKeys(&'static [&'static str]);

impl<'de> DeserializeSeed<'de> for KnownKeys {
    type Value = Fields<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for KnownKeys {
    type Value = Fields<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut fields = Fields { known: Vec::with_capacity(self.0.len()), others: false };
        while let Some(key) = map.next_key::<&RawValue>()? {
            let value: &RawValue = map.next_value()?;
            let name = match Value::of(key) {
                Value::Text(key) => self.0.iter().find(|known| **known == key),
                _ => None,
            };
            match name {
                Some(name) => match fields.known.iter_mut().find(|(known, _)| known == name) {
                    Some(field) => field.1 = value,
                    None => fields.known.push((name, value)),
                },
                None => fields.others = true,
            }
        }
        Ok(fields)
    }
}

/// Calls `f` with each entry of a list.
pub(super) fn for_each<'a>(list: &'a RawValue, f: impl FnMut(Value<'a>)) {
    let mut json = serde_json::Deserializer::from_str(list.get());
    // The text was found to be JSON when it was cut out, so that no entry can be lost here.
    let _ = Each(f).deserialize(&mut json);
}

struct Each<F>(F);

impl<'de, F: FnMut(Value<'de>)> DeserializeSeed<'de> for Each<F> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de, F: FnMut(Value<'de>)> Visitor<'de> for Each<F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut seq: A) -> Result<(), A::Error> {
        while let Some(entry) = seq.next_element::<&RawValue>()? {
            (self.0)(Value::of(entry));
        }
        Ok(())
    }
}

/// Calls `f` with each key and value of an object.
pub(super) fn for_each_pair<'a>(object: &'a RawValue, f: impl FnMut(Value<'a>, Value<'a>)) {
    let mut json = serde_json::Deserializer::from_str(object.get());
    // As with lists.
    let _ = EachPair(f).deserialize(&mut json);
}

struct EachPair<F>(F);

impl<'de, F: FnMut(Value<'de>, Value<'de>)> DeserializeSeed<'de> for EachPair<F> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de, F: FnMut(Value<'de>, Value<'de>)> Visitor<'de> for EachPair<F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        while let Some((key, value)) = map.next_entry::<&RawValue, &RawValue>()? {
            (self.0)(Value::of(key), Value::of(value));
        }
        Ok(())
    }
}

impl Oddities {
    /// A field's value where it could be read; garbage is counted.
    pub(super) fn tolerate<T>(&mut self, field: &'static str, reading: Reading<T>) -> Option<T> {
        reading.unwrap_or_else(|Garbage| {
            self.reject(field);
            None
        })
    }

    /// Counts a record or field that was left out.
    pub(super) fn reject(&mut self, field: &'static str) {
        *self.rejected.entry(field).or_default() += 1;
    }

    /// Counts a word that we do not know.
    pub(super) fn wonder(&mut self, field: &'static str) {
        *self.unknown.entry(field).or_default() += 1;
    }
}

#[cfg(test)]
mod tests;
