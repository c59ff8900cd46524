//! Mappings of the file, read key by key; what is wrong goes to the report.

use std::borrow::Cow;
use std::sync::Arc;

use super::scalar;
use crate::config::advice;
use crate::config::problem::{Origin, Place, Report};
use crate::config::tree::{Node, Value};

/// A value and where it was typed, for whoever looks closer later. It has no `Debug`: it may be a secret.
#[derive(Clone)]
pub(super) struct Given<T> {
    pub(super) value: T,
    origin: Origin,
    path: String,
}

impl<T> Given<T> {
    pub(super) fn new(value: T, place: &Place) -> Self {
        Self { value, origin: place.origin.clone(), path: place.path.clone() }
    }

    /// The same place with another value.
    pub(super) fn map<U>(self, change: impl FnOnce(T) -> U) -> Given<U> {
        Given { value: change(self.value), origin: self.origin, path: self.path }
    }

    /// Says what is wrong with it.
    pub(super) fn problem(&self, report: &Report, sentence: impl Into<String>) {
        self.place(report).problem(sentence);
    }

    /// Says what is odd about it.
    pub(super) fn warning(&self, report: &Report, sentence: impl Into<String>) {
        self.place(report).warning(sentence);
    }

    fn place<'r>(&self, report: &'r Report) -> Place<'r> {
        Place { report, origin: self.origin.clone(), path: self.path.clone() }
    }
}

/// A mapping whose keys are known.
pub(super) struct Mapping<'t> {
    node: &'t Node,
    pub(super) place: Place<'t>,
}

/// What stands under the key of a mapping.
pub(super) enum Section<'t> {
    /// No such key, or something that was complained about.
    Absent,
    /// Nothing, which empties a section of its defaults.
    Null,
    Given(Mapping<'t>),
}

impl<'t> Mapping<'t> {
    pub(super) fn root(node: &'t Node, report: &'t Report) -> Self {
        Self { node, place: Place { report, origin: node.origin.clone(), path: String::new() } }
    }

    /// Complains about every key that is none of these.
    pub(super) fn expect(&self, known: &[&str]) {
        for entry in self.node.entries() {
            let key = &*entry.key;
            if known.contains(&key) {
                continue;
            }
            let place = self.place.key(advice::presentable(key)).typed_at(&entry.node.origin);
            place.problem(match advice::nearest(key, known) {
                Some(meant) => format!("unknown key; did you mean `{meant}`?"),
                None => format!("unknown key; known here: {}", known.join(", ")),
            });
        }
    }

    pub(super) fn section(&self, key: &str) -> Section<'t> {
        let Some(node) = self.node.get(key) else { return Section::Absent };
        let place = self.place_of(key, node);
        match &node.value {
            Value::Map(_) => Section::Given(Mapping { node, place }),
            Value::Refused => Section::Absent,
            _ if is_null(node) => Section::Null,
            _ => {
                place.problem("must be a mapping of keys");
                Section::Absent
            }
        }
    }

    /// A text that is not empty.
    pub(super) fn text(&self, key: &str) -> Option<Given<Arc<str>>> {
        let node = self.node.get(key)?;
        let place = self.place_of(key, node);
        let text = text(node, &place)?;
        (!text.is_empty()).then(|| Given::new(text.as_ref().into(), &place))
    }

    pub(super) fn switch(&self, key: &str) -> Option<bool> {
        self.scalar(key, scalar::switch, "must be true or false")
    }

    pub(super) fn integer(&self, key: &str) -> Option<i64> {
        self.scalar(key, scalar::integer, "must be a whole number")
    }

    pub(super) fn nanoseconds(&self, key: &str) -> Option<i64> {
        self.scalar(key, scalar::nanoseconds, "must be a duration such as 1s, 500ms or 1m30s")
    }

    /// The texts of a list, each with its place; `None` without a list.
    pub(super) fn list(&self, key: &str) -> Option<Vec<(Cow<'t, str>, Place<'t>)>> {
        let node = self.node.get(key)?;
        let place = self.place_of(key, node);
        let items = match &node.value {
            Value::List(items) => items,
            Value::Refused => return None,
            _ if is_null(node) => return None,
            _ => {
                place.problem("must be a list");
                return None;
            }
        };
        let item = |(index, node): (usize, &'t Node)| {
            let place = place.element(index).typed_at(&node.origin);
            Some((text(node, &place)?, place))
        };
        Some(items.iter().enumerate().filter_map(item).collect())
    }

    /// The texts of a mapping whose keys are the user's, each with its place.
    pub(super) fn texts(&self) -> Vec<(&'t str, Cow<'t, str>, Place<'t>)> {
        let entry = |entry: &'t crate::config::tree::Entry| {
            let place = self.place_of(&entry.key, &entry.node);
            Some((&*entry.key, text(&entry.node, &place)?, place))
        };
        self.node.entries().iter().filter_map(entry).collect()
    }

    fn scalar<T>(&self, key: &str, read: fn(&str, bool) -> Option<T>, sentence: &str) -> Option<T> {
        let node = self.node.get(key)?;
        let found = match &node.value {
            Value::Null => read("", true),
            Value::Text(text) => read(text, node.plain),
            Value::Refused => return None,
            Value::List(_) | Value::Map(_) => None,
        };
        if found.is_none() {
            self.place_of(key, node).problem(sentence);
        }
        found
    }

    fn place_of(&self, key: &str, node: &Node) -> Place<'t> {
        self.place.key(advice::presentable(key)).typed_at(&node.origin)
    }
}

fn is_null(node: &Node) -> bool {
    match &node.value {
        Value::Null => true,
        Value::Text(text) => scalar::is_null(text, node.plain),
        _ => false,
    }
}

/// Any scalar is a text; nothing is an empty one.
fn text<'t>(node: &'t Node, place: &Place) -> Option<Cow<'t, str>> {
    match &node.value {
        _ if is_null(node) => Some(Cow::Borrowed("")),
        Value::Text(text) => Some(Cow::Borrowed(text)),
        Value::Refused | Value::Null => None,
        Value::List(_) | Value::Map(_) => {
            place.problem("must be a text");
            None
        }
    }
}
