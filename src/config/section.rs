//! A mapping of the merged tree, as its reader sees it: values by key, typed, with their defaults.
//!
//! What cannot be read as its type was complained about by [`super::shape`]; a reader gets `None` for it and says
//! nothing. Whether something is *missing* is asked separately, with [`Section::has`].

use std::time::Duration;

use super::Limits;
use super::advice;
use super::problem::{Origin, Place, Report};
use super::scalar;
use super::schema;
use super::tree::{Entry, Node, Value};

/// A mapping, where it stands, and which keys belong into it.
#[derive(Clone)]
pub(super) struct Section<'t> {
    node: &'t Node,
    /// Its path in the table of keys.
    pattern: String,
    pub(super) place: Place<'t>,
}

/// A text and where it stands.
#[derive(Clone)]
pub(super) struct Field<'t> {
    pub(super) text: &'t str,
    pub(super) place: Place<'t>,
}

impl<'t> Section<'t> {
    /// The whole configuration.
    pub(super) fn root(tree: &'t Node, report: &'t Report) -> Self {
        let place = Place { report, origin: tree.origin.clone(), path: String::new() };
        Self { node: tree, pattern: String::new(), place }
    }

    /// Whether the key is set, well or badly.
    pub(super) fn has(&self, key: &str) -> bool {
        self.node(key).is_some()
    }

    /// The place of a key, which may be missing.
    pub(super) fn place_of(&self, key: &str) -> Place<'t> {
        let place = self.place.key(advice::presentable(key));
        match self.node(key) {
            Some(node) => place.typed_at(&node.origin),
            None => place,
        }
    }

    /// The text of a key that is set.
    pub(super) fn text(&self, key: &str) -> Option<Field<'t>> {
        match &self.node(key)?.value {
            Value::Text(text) => Some(Field { text, place: self.place_of(key) }),
            _ => None,
        }
    }

    /// The texts of a key that is set, whether one stands there or a list of them.
    pub(super) fn texts(&self, key: &str) -> Option<Vec<Field<'t>>> {
        let place = self.place_of(key);
        let Value::List(items) = &self.node(key)?.value else { return self.text(key).map(|field| vec![field]) };
        let field = |(index, node): (usize, &'t Node)| match &node.value {
            Value::Text(text) => Some(Field { text, place: place.element(index).typed_at(&node.origin) }),
            _ => None,
        };
        items.iter().enumerate().map(field).collect()
    }

    /// The text of a key that must be set; a missing one is a problem, with what to do about it.
    pub(super) fn required(&self, key: &str, advice: &str) -> Option<Field<'t>> {
        if !self.has(key) {
            self.place_of(key).problem(format!("is missing; {advice}"));
        }
        self.text(key)
    }

    /// The text of a key, or its default.
    pub(super) fn text_or_default(&self, key: &str) -> Option<&'t str> {
        if self.has(key) {
            return self.text(key).map(|field| field.text);
        }
        schema::child(&self.pattern, key)?.default
    }

    /// A duration, or its default.
    pub(super) fn duration(&self, key: &str) -> Option<Duration> {
        scalar::duration(self.text_or_default(key)?).ok()
    }

    /// A switch that is set.
    pub(super) fn switch(&self, key: &str) -> Option<bool> {
        scalar::switch(self.text(key)?.text).ok()
    }

    /// A mapping within.
    pub(super) fn section(&self, key: &str) -> Option<Section<'t>> {
        let node = self.node(key)?;
        let pattern = schema::child(&self.pattern, key)?.inside();
        matches!(node.value, Value::Map(_)).then(|| Section { node, pattern, place: self.place_of(key) })
    }

    /// What stands in a mapping whose keys are the user's own, by name; `None` for what is no mapping.
    pub(super) fn named(&self) -> impl Iterator<Item = (&'t str, Place<'t>, Option<Section<'t>>)> {
        self.node.entries().iter().map(|Entry { key, node }| {
            let place = self.place.key(advice::presentable(key)).typed_at(&node.origin);
            let pattern = schema::child(&self.pattern, key).filter(|_| matches!(node.value, Value::Map(_)));
            let section = pattern.map(|doc| Section { node, pattern: doc.inside(), place: place.clone() });
            (&**key, place, section)
        })
    }

    /// How many elements the list has, good and bad ones.
    pub(super) fn count(&self, key: &str) -> usize {
        match self.node(key).map(|node| &node.value) {
            Some(Value::List(items)) => items.len(),
            // It was refused: as good as one, so that nobody complains that there is none.
            Some(Value::Refused) => 1,
            _ => 0,
        }
    }

    /// The elements of a list that are mappings.
    pub(super) fn elements(&self, key: &str) -> Vec<Section<'t>> {
        let Some((Value::List(items), doc)) = self.node(key).map(|n| &n.value).zip(schema::child(&self.pattern, key))
        else {
            return Vec::new();
        };
        let place = self.place_of(key);
        let element = |(index, node): (usize, &'t Node)| {
            let place = place.element(index).typed_at(&node.origin);
            Section { node, pattern: doc.inside(), place }
        };
        items.iter().enumerate().filter(|(_, node)| matches!(node.value, Value::Map(_))).map(element).collect()
    }

    /// The key `limits`, filled up with defaults where it says only a part.
    pub(super) fn limits(&self) -> Option<Limits> {
        let limits = self.section("limits")?;
        let count = |key| limits.text_or_default(key).and_then(|text| scalar::count(text, 0, u32::MAX).ok());
        let rate = limits.text_or_default("requests_per_second").and_then(|text| scalar::rate(text, f64::MAX).ok());
        Some(Limits { requests_per_second: rate?, burst: count("burst")?, concurrency: count("concurrency")? })
    }

    /// The line of the section in the file, where it stands in one, in words.
    pub(super) fn line(&self) -> String {
        match &self.place.origin {
            Origin::File { line, .. } => format!(" in line {line}"),
            _ => String::new(),
        }
    }

    fn node(&self, key: &str) -> Option<&'t Node> {
        self.node.get(key).filter(|node| !matches!(node.value, Value::Null))
    }
}
