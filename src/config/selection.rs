//! Which instances are meant, as it is typed under `include`, `exclude` and `match`.
//!
//! Engines and states are those of the closed lists that the labels have too, with `other` for all that the cloud may
//! add to them: a word that nobody knows is far more often a slip than a new state, and a slip in `include` would make
//! every instance vanish without a sound.

use std::collections::BTreeMap;

use super::advice::either;
use super::problem::quoted;
use super::section::{Field, Section};
use crate::domain::InstanceId;
use crate::domain::instance::{Engine, InstanceStatus};
use crate::domain::selection::{NamePattern, Selection};

const NONE_OF_NONE: &str = "is empty, so that nothing could match; list values, or remove it";

/// A selection; `None` where something was complained about.
pub(super) fn read(section: &Section) -> Option<Selection> {
    let ids = values(section, "id", |text| Ok(InstanceId::from(text)));
    let names = values(section, "name", |text| {
        NamePattern::parse(text).map_err(|error| format!("{} is no regular expression: {error}", quoted(text)))
    });
    let engines = values(section, "engine", |text| {
        known(text, Engine::parse(text), Engine::Other, Engine::KNOWN.iter().map(|known| known.as_str()))
    });
    let statuses = values(section, "status", |text| {
        let words = InstanceStatus::KNOWN.iter().map(|known| known.as_str());
        known(text, InstanceStatus::parse(text), InstanceStatus::Other, words)
    });
    let enterprise_project_ids = values(section, "enterprise_project_id", |text| Ok(text.to_owned()));
    let tags = tags(section);
    let selection = Selection {
        ids: ids?,
        names: names?,
        engines: engines?,
        statuses: statuses?,
        enterprise_project_ids: enterprise_project_ids?,
        tags: tags?,
    };
    if selection.is_empty() {
        section.place.problem("names nothing to go by; write a name, tags or another key, or remove it");
        return None;
    }
    Some(selection)
}

/// The values of a key; none where it is not there.
fn values<T>(section: &Section, key: &str, read: impl Fn(&str) -> Result<T, String>) -> Option<Vec<T>> {
    if !section.has(key) {
        return Some(Vec::new());
    }
    let fields = section.texts(key)?;
    if fields.is_empty() {
        section.place_of(key).problem(NONE_OF_NONE);
        return None;
    }
    let read = |Field { text, place }: &Field| read(text).map_err(|sentence| place.problem(sentence)).ok();
    // All are looked at, so that all complain.
    let read: Vec<Option<T>> = fields.iter().map(read).collect();
    read.into_iter().collect()
}

/// Key `tags`.
fn tags(section: &Section) -> Option<BTreeMap<String, Vec<String>>> {
    if !section.has("tags") {
        return Some(BTreeMap::new());
    }
    let tags = section.section("tags")?;
    let mut read = Vec::new();
    for (key, place, _) in tags.named() {
        if !tags.has(key) {
            // Left out it would make the selection wider, without a word.
            place.problem("has no value; list the values that match");
            return None;
        }
        let values = values(&tags, key, |text| Ok(text.to_owned()));
        read.push(values.map(|values| (key.to_owned(), values)));
    }
    if read.is_empty() {
        tags.place.problem(NONE_OF_NONE);
        return None;
    }
    read.into_iter().collect()
}

/// A word of the cloud, or `other` for those that are not known.
fn known<'w, T: Copy + PartialEq>(
    text: &str,
    word: T,
    other: T,
    words: impl Iterator<Item = &'w str>,
) -> Result<T, String> {
    if word != other || text.eq_ignore_ascii_case("other") {
        return Ok(word);
    }
    let words: Vec<&str> = words.chain(["other"]).collect();
    Err(format!("{} is not known; write {}", quoted(text), either(&words)))
}
