//! Does what was typed have the shape of a configuration?
//!
//! [`check`] walks the file before it is merged with anything, so that a wrong shape is told even where another layer
//! covers it: unknown keys, and lists or mappings where a value belongs (or the reverse). What it complains about it
//! takes away or marks as refused; nobody complains twice. [`check_values`] walks what the merge left: each text by
//! its kind.

use super::advice;
use super::problem::{Place, Report, quoted};
use super::schema::{self, KeyDoc, Kind};
use super::tree::{Entry, Node, Value};

/// Unknown keys and wrong shapes of the configuration file.
pub(super) fn check(tree: &mut Node, report: &Report) {
    let place = Place { report, origin: tree.origin.clone(), path: String::new() };
    check_map(tree, "", &place);
}

fn check_map(node: &mut Node, pattern: &str, place: &Place) {
    let Value::Map(entries) = &mut node.value else { return };
    entries.retain_mut(|entry| {
        let Some(key) = schema::child(pattern, &entry.key) else {
            let shown = if hides_a_secret(pattern, entry) { "…" } else { advice::presentable(&entry.key) };
            place.key(shown).typed_at(&entry.node.origin).problem(advice::unknown(pattern, &entry.key));
            return false;
        };
        let place = place.key(advice::presentable(&entry.key)).typed_at(&entry.node.origin);
        if key.word().is_none()
            && let Err(sentence) = Kind::Name.check(&entry.key)
        {
            place.problem(format!("the name {sentence}"));
            return false;
        }
        // A name is there even if nothing is said of it; the environment may have the rest.
        if key.word().is_none() && key.kind == Kind::Map && matches!(entry.node.value, Value::Null) {
            entry.node.value = Value::Map(Vec::new());
        }
        check_node(&mut entry.node, key, &place);
        true
    });
}

/// `{AKIA…, wJal…}` are keys without values, and one of them is a secret; a misspelt key is like a known one.
fn hides_a_secret(pattern: &str, entry: &Entry) -> bool {
    let known: Vec<&str> =
        schema::keys().iter().filter(|key| key.parent() == pattern).filter_map(KeyDoc::word).collect();
    pattern.starts_with("credentials")
        && matches!(entry.node.value, Value::Null)
        && advice::nearest(&entry.key, &known).is_none()
}

fn check_node(node: &mut Node, key: &KeyDoc, place: &Place) {
    let fits = match (&mut node.value, key.kind) {
        (Value::Null | Value::Refused, _) => true,
        (Value::Map(_), Kind::Map | Kind::Names) => {
            check_map(node, &key.inside(), place);
            true
        }
        (Value::List(items), Kind::List) => {
            check_elements(items, key, place);
            true
        }
        (Value::List(items), Kind::Texts | Kind::TextOrTexts) => {
            for (index, item) in items.iter_mut().enumerate() {
                if !matches!(item.value, Value::Text(_) | Value::Refused) {
                    place.element(index).typed_at(&item.origin).problem("must be a word");
                    item.value = Value::Refused;
                }
            }
            true
        }
        (Value::Text(_), kind) => !matches!(kind, Kind::Map | Kind::Names | Kind::List | Kind::Texts),
        _ => false,
    };
    if !fits {
        place.problem(key.kind.expects());
        node.value = Value::Refused;
    }
}

fn check_elements(items: &mut [Node], key: &KeyDoc, place: &Place) {
    let inside = key.inside();
    for (index, item) in items.iter_mut().enumerate() {
        let place = place.element(index).typed_at(&item.origin);
        if matches!(item.value, Value::Map(_)) {
            check_map(item, &inside, &place);
        } else if !matches!(item.value, Value::Refused) {
            let first = schema::keys().iter().find(|key| key.parent() == inside).and_then(KeyDoc::word).unwrap_or("…");
            let value = match &item.value {
                Value::Text(text) if advice::presentable(text) == &**text => text,
                _ => "…",
            };
            place.problem(format!("must be a mapping; write `- {first}: {value}`"));
            item.value = Value::Refused;
        }
    }
}

/// Texts that are not what their key needs.
pub(super) fn check_values(tree: &mut Node, report: &Report) {
    let place = Place { report, origin: tree.origin.clone(), path: String::new() };
    check_values_in(tree, "", &place);
}

fn check_values_in(node: &mut Node, pattern: &str, place: &Place) {
    let Value::Map(entries) = &mut node.value else { return };
    for Entry { key: word, node } in entries {
        let Some(key) = schema::child(pattern, word) else { continue };
        let place = place.key(advice::presentable(word)).typed_at(&node.origin);
        check_value(node, key, &place);
    }
}

fn check_value(node: &mut Node, key: &KeyDoc, place: &Place) {
    match &mut node.value {
        Value::Text(text) => {
            if let Err(sentence) = key.kind.check(text) {
                place.problem(sentence);
                node.value = Value::Refused;
            }
        }
        Value::List(items) => {
            for (index, item) in items.iter_mut().enumerate() {
                let place = place.element(index).typed_at(&item.origin);
                match item.value {
                    Value::Map(_) => check_values_in(item, &key.inside(), &place),
                    _ => check_value(item, key, &place),
                }
            }
            if key.kind == Kind::Texts {
                check_distinct(items, place);
            }
        }
        Value::Map(_) => check_values_in(node, &key.inside(), place),
        Value::Null | Value::Refused => {}
    }
}

fn check_distinct(items: &[Node], place: &Place) {
    for (index, item) in items.iter().enumerate() {
        if let Value::Text(text) = &item.value
            && items[..index].iter().any(|other| matches!(&other.value, Value::Text(same) if same == text))
        {
            place.element(index).typed_at(&item.origin).problem(format!("{} is there twice", quoted(text)));
        }
    }
}
