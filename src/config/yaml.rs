//! YAML events as a tree of texts.
//!
//! Every scalar stays the text it was. Only the words that mean nothing at all (`~`, `null` and emptiness, without
//! quotes) become [`Value::Null`]. Anchors, aliases and merge keys (`<<`) work, within limits: an alias is a copy,
//! and copies of copies grow without end. Duplicate keys and tags that promise what nobody does (`!include`) are
//! problems; the rest of the file is still read, so that the user sees everything at once.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use saphyr_parser::{Event, Parser, ScalarStyle, Tag};

use super::advice;
use super::problem::{Origin, Problem, Report, join};
use super::tree::{Entry, Node, Value};

mod refusal;

/// Lists and mappings within each other; the deepest key of the reference stands five deep.
const DEEPEST: usize = 32;
/// Nodes that aliases may copy in all.
const COPIES: usize = 100_000;

/// What differs between kinds of files.
#[derive(Clone, Copy)]
pub(crate) struct Dialect {
    /// A key that such a file begins with.
    pub(crate) example: &'static str,
    /// Whether what comes after the first document is none of our business, rather than a problem.
    pub(crate) first_document_only: bool,
}

/// The tree of the file's one document, always a mapping. `None` where the file could not be read to its end; why is
/// in the report.
pub(super) fn parse(text: &str, file: &Arc<str>, report: &Report) -> Option<Node> {
    parse_as(Dialect { example: "projects", first_document_only: false }, text, file, report)
}

/// The same of another kind of file.
pub(crate) fn parse_as(dialect: Dialect, text: &str, file: &Arc<str>, report: &Report) -> Option<Node> {
    let (open, anchors) = (Vec::new(), HashMap::new());
    let mut builder = Builder { dialect, file, report, open, anchors, copies: COPIES, root: None };
    let mut documents = 0;
    let mut events = Parser::new_from_str(text);
    while let Some(event) = events.next_event() {
        let (event, span) = match event {
            Ok(event) => event,
            Err(error) => {
                let (line, sentence) = refusal::not_yaml(&error, text);
                builder.at(line, sentence);
                return None;
            }
        };
        let line = span.start.line();
        let taken = match event {
            Event::DocumentStart(_) => {
                documents += 1;
                if documents > 1 {
                    builder.at(line, "a second document begins here; keep one and remove the `---`".to_owned());
                    return None;
                }
                Ok(())
            }
            Event::Scalar(text, style, anchor, tag) => builder.scalar(&text, style, anchor, tag.as_deref(), line),
            Event::SequenceStart(anchor, tag) => builder.begin(Open::list(), anchor, tag.as_deref(), line),
            Event::MappingStart(anchor, tag) => builder.begin(Open::map(), anchor, tag.as_deref(), line),
            Event::SequenceEnd | Event::MappingEnd => builder.end(),
            Event::Alias(anchor) => builder.alias(anchor, line),
            Event::DocumentEnd if dialect.first_document_only => break,
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => Ok(()),
        };
        if let Err(sentence) = taken {
            builder.at(line, sentence);
            return None;
        }
    }
    builder.finish()
}

/// A list or mapping whose end has not come yet.
struct Open {
    origin: Origin,
    anchor: usize,
    refused: bool,
    content: Content,
}

enum Content {
    List(Vec<Node>),
    Map { entries: Vec<Entry>, seen: HashSet<Arc<str>>, key: Key, merged: Vec<Node> },
}

/// The key whose value comes next.
enum Key {
    /// The next node is a key itself.
    Awaited,
    Named(Arc<str>, Origin),
    /// `<<`: the value's entries belong to this mapping.
    Merge(Origin),
    /// Its value is read and forgotten, the key was complained about.
    Refused,
}

impl Open {
    fn list() -> Content {
        Content::List(Vec::new())
    }

    fn map() -> Content {
        Content::Map { entries: Vec::new(), seen: HashSet::new(), key: Key::Awaited, merged: Vec::new() }
    }
}

struct Builder<'a> {
    dialect: Dialect,
    file: &'a Arc<str>,
    report: &'a Report,
    open: Vec<Open>,
    anchors: HashMap<usize, Node>,
    copies: usize,
    root: Option<Node>,
}

impl Builder<'_> {
    fn scalar(
        &mut self,
        text: &str,
        style: ScalarStyle,
        anchor: usize,
        tag: Option<&Tag>,
        line: usize,
    ) -> Result<(), String> {
        let plain = style == ScalarStyle::Plain && tag.is_none();
        let merge = plain && text == "<<";
        let value = if plain && matches!(text, "" | "~" | "null") { Value::Null } else { Value::Text(text.into()) };
        let value = if self.refused_tag(tag, line) { Value::Refused } else { value };
        let node = Node { origin: self.origin(line), plain, value };
        self.remember(anchor, &node)?;
        self.place(node, merge);
        Ok(())
    }

    fn begin(&mut self, content: Content, anchor: usize, tag: Option<&Tag>, line: usize) -> Result<(), String> {
        if self.open.len() >= DEEPEST {
            return Err(refusal::too_deep());
        }
        let refused = self.refused_tag(tag, line);
        self.open.push(Open { origin: self.origin(line), anchor, refused, content });
        Ok(())
    }

    fn end(&mut self) -> Result<(), String> {
        let Some(Open { origin, anchor, refused, content }) = self.open.pop() else { return Ok(()) };
        let value = match content {
            _ if refused => Value::Refused,
            Content::List(items) => Value::List(items),
            Content::Map { mut entries, mut seen, merged, .. } => {
                // Its own keys first, then those of the mappings in their order: the first one counts.
                for entry in merged.into_iter().flat_map(Node::into_entries) {
                    if seen.insert(Arc::clone(&entry.key)) {
                        entries.push(entry);
                    }
                }
                Value::Map(entries)
            }
        };
        let node = Node { origin, plain: false, value };
        self.remember(anchor, &node)?;
        self.place(node, false);
        Ok(())
    }

    fn alias(&mut self, anchor: usize, line: usize) -> Result<(), String> {
        let Some(node) = self.anchors.get(&anchor) else {
            return Err("the alias stands within its own anchor; name another".to_owned());
        };
        let (weight, depth) = (node.weight(), node.depth());
        self.copies = self.copies.checked_sub(weight).ok_or_else(refusal::too_many)?;
        if self.open.len() + depth > DEEPEST {
            return Err(refusal::too_deep());
        }
        let node = Node { origin: self.origin(line), plain: node.plain, value: node.value.clone() };
        self.place(node, false);
        Ok(())
    }

    /// Keeps a copy of what an alias may ask for.
    fn remember(&mut self, anchor: usize, node: &Node) -> Result<(), String> {
        if anchor > 0 {
            self.copies = self.copies.checked_sub(node.weight()).ok_or_else(refusal::too_many)?;
            self.anchors.insert(anchor, node.clone());
        }
        Ok(())
    }

    /// Puts a finished node where it belongs: an element, a key, a value, or the whole.
    fn place(&mut self, node: Node, merge: bool) {
        let path = self.path();
        let Some(parent) = self.open.last_mut() else {
            self.root = Some(node);
            return;
        };
        let (entries, seen, key, merged) = match &mut parent.content {
            Content::List(items) => {
                items.push(node);
                return;
            }
            Content::Map { entries, seen, key, merged } => (entries, seen, key, merged),
        };
        let problem = |origin: &Origin, path: &str, sentence: &str| {
            self.report.problem(Problem::new(origin.clone(), path, sentence));
        };
        *key = match std::mem::replace(key, Key::Awaited) {
            Key::Awaited if merge => Key::Merge(node.origin),
            Key::Awaited => match node.value {
                Value::Text(name) if !name.is_empty() && seen.insert(Arc::clone(&name)) => {
                    Key::Named(name, node.origin)
                }
                Value::Text(name) if !name.is_empty() => {
                    let first = entries.iter().find(|entry| entry.key == name).map(|entry| &entry.node.origin);
                    let line = match first {
                        Some(Origin::File { line, .. }) => format!(" (first in line {line})"),
                        _ => String::new(),
                    };
                    let sentence = format!("is given twice{line}; remove one");
                    problem(&node.origin, &join(&path, advice::presentable(&name)), &sentence);
                    Key::Refused
                }
                Value::Refused => Key::Refused,
                _ => {
                    problem(&node.origin, &path, "a key must be a word; an empty one, a list or a mapping is none");
                    Key::Refused
                }
            },
            Key::Named(name, origin) => {
                entries.push(Entry { key: name, node: Node { origin, plain: node.plain, value: node.value } });
                Key::Awaited
            }
            Key::Merge(origin) => {
                let sources = match node.value {
                    Value::List(items) => items,
                    value => vec![Node { origin: origin.clone(), plain: false, value }],
                };
                for source in sources {
                    match source.value {
                        Value::Map(_) => merged.push(source),
                        Value::Refused => {}
                        _ => problem(&origin, &join(&path, "<<"), "must be a mapping or a list of mappings"),
                    }
                }
                Key::Awaited
            }
            Key::Refused => Key::Awaited,
        };
    }

    /// Tags of the YAML core schema may guess types, which are guessed by nobody here; others ask for something
    /// that is not done. Their names are not repeated: one may be a secret that begins with `!`.
    fn refused_tag(&self, tag: Option<&Tag>, line: usize) -> bool {
        let Some(tag) = tag else { return false };
        let harmless = tag.handle.is_empty() && tag.suffix == "!"
            || tag.is_yaml_core_schema()
                && matches!(tag.suffix.as_str(), "str" | "int" | "float" | "bool" | "null" | "map" | "seq");
        if !harmless {
            let sentence = "a tag (`!…`) has no meaning here; remove it, or quote the value if it begins with `!`";
            let origin = self.origin(line);
            self.report.problem(Problem::new(origin, self.value_path(), sentence));
        }
        !harmless
    }

    fn finish(self) -> Option<Node> {
        let origin = self.origin(1);
        match self.root {
            None | Some(Node { value: Value::Null, .. }) => Some(Node::empty(origin)),
            Some(Node { value: Value::Map(entries), .. }) => {
                Some(Node { origin, plain: false, value: Value::Map(entries) })
            }
            Some(Node { value: Value::Refused, .. }) => None,
            Some(node) => {
                let sentence = format!("the file must be a mapping of keys such as `{}:`", self.dialect.example);
                self.report.problem(Problem::new(node.origin, "", sentence));
                None
            }
        }
    }

    fn at(&self, line: usize, sentence: String) {
        self.report.problem(Problem::new(self.origin(line), "", sentence));
    }

    fn origin(&self, line: usize) -> Origin {
        Origin::File { file: Arc::clone(self.file), line: line.max(1) }
    }

    /// The path of the innermost open list or mapping.
    fn path(&self) -> String {
        let outer = self.open.len().saturating_sub(1);
        self.open[..outer].iter().fold(String::new(), |path, open| open.content.path_of_next(&path))
    }

    /// The path of the value that comes next.
    fn value_path(&self) -> String {
        self.open.iter().fold(String::new(), |path, open| open.content.path_of_next(&path))
    }
}

impl Content {
    fn path_of_next(&self, path: &str) -> String {
        match self {
            Self::List(items) => format!("{path}[{}]", items.len()),
            Self::Map { key: Key::Named(name, _), .. } => join(path, advice::presentable(name)),
            Self::Map { key: Key::Merge(_), .. } => join(path, "<<"),
            Self::Map { .. } => path.to_owned(),
        }
    }
}

impl Node {
    fn into_entries(self) -> Vec<Entry> {
        match self.value {
            Value::Map(entries) => entries,
            _ => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests;
