//! What was typed: a tree of texts that remember where they stand.
//!
//! There are no numbers, booleans or dates here. Whether `0012` is an id or twelve is decided where the key is
//! known, never before. Neither the tree nor its parts have `Debug`: they hold secrets.

use std::sync::Arc;

use super::problem::Origin;

/// A value and where it was typed; in a mapping that is where its key stands.
#[derive(Clone)]
pub(crate) struct Node {
    pub(crate) origin: Origin,
    /// Without quotes, tag or block: what a reader that guesses types would guess at.
    pub(crate) plain: bool,
    pub(crate) value: Value,
}

/// What a node holds.
#[derive(Clone)]
pub(crate) enum Value {
    /// `~`, `null` or nothing, without quotes: as if the key were not there.
    Null,
    /// A scalar as it was typed.
    Text(Arc<str>),
    /// A list.
    List(Vec<Node>),
    /// A mapping, in the order of the file; keys are unique.
    Map(Vec<Entry>),
    /// Something that was complained about already and must not cause a second complaint.
    Refused,
}

/// A key and its value.
#[derive(Clone)]
pub(crate) struct Entry {
    pub(crate) key: Arc<str>,
    pub(crate) node: Node,
}

impl Node {
    /// A mapping without a key.
    pub(crate) fn empty(origin: Origin) -> Self {
        Self { origin, plain: false, value: Value::Map(Vec::new()) }
    }

    pub(crate) fn text(origin: Origin, text: &str) -> Self {
        Self { origin, plain: false, value: Value::Text(text.into()) }
    }

    /// The entries of a mapping; none of anything else.
    pub(crate) fn entries(&self) -> &[Entry] {
        match &self.value {
            Value::Map(entries) => entries,
            _ => &[],
        }
    }

    /// What stands under a key of a mapping.
    pub(crate) fn get(&self, key: &str) -> Option<&Node> {
        self.entries().iter().find(|entry| &*entry.key == key).map(|entry| &entry.node)
    }

    /// Puts a value under a path of keys, making the mappings on the way.
    pub(crate) fn insert(&mut self, path: &[&str], node: Node) {
        let Some((first, rest)) = path.split_first() else {
            *self = node;
            return;
        };
        if !matches!(self.value, Value::Map(_)) {
            self.value = Value::Map(Vec::new());
        }
        let Value::Map(entries) = &mut self.value else { return };
        let index = entries.iter().position(|entry| &*entry.key == *first).unwrap_or_else(|| {
            entries.push(Entry { key: (*first).into(), node: Node::empty(node.origin.clone()) });
            entries.len() - 1
        });
        entries[index].node.insert(rest, node);
    }

    /// How many nodes there are, this one included.
    pub(crate) fn weight(&self) -> usize {
        match &self.value {
            Value::List(items) => 1 + items.iter().map(Node::weight).sum::<usize>(),
            Value::Map(entries) => 1 + entries.iter().map(|entry| entry.node.weight()).sum::<usize>(),
            Value::Null | Value::Text(_) | Value::Refused => 1,
        }
    }

    /// How deep lists and mappings stand within each other.
    pub(crate) fn depth(&self) -> usize {
        match &self.value {
            Value::List(items) => 1 + items.iter().map(Node::depth).max().unwrap_or(0),
            Value::Map(entries) => 1 + entries.iter().map(|entry| entry.node.depth()).max().unwrap_or(0),
            Value::Null | Value::Text(_) | Value::Refused => 0,
        }
    }
}
