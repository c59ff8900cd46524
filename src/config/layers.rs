//! Defaults < file < environment < flags: figment decides which layer a key comes from.
//!
//! What figment merges are not the values but handles to them: an index into a list of all nodes. So no value's type
//! can be guessed on the way, each keeps its line, and no secret passes through a type that shows it. Mappings merge
//! key by key; a list is one value, and the uppermost layer that has it wins. Keys that are set to nothing are left
//! out, so that the layer below shows through.

use figment::value::{Dict, Map};
use figment::{Figment, Metadata, Profile, Provider};

use super::problem::Origin;
use super::schema;
use super::tree::{Entry, Node, Value};

/// One layer after the other, lowest first; the last one that sets a key wins.
pub(super) fn merge(layers: &[(&'static str, &Node)]) -> Node {
    let mut nodes = Vec::new();
    let mut figment = Figment::new();
    for (name, tree) in layers {
        let handles = handles(tree, &mut nodes);
        figment = figment.merge(Layer { name, handles });
    }
    // The empty path is the whole, which no provider here fails to give.
    let whole = figment.find_value("").unwrap_or_else(|_| Dict::new().into());
    let trees: Vec<&Node> = layers.iter().map(|(_, tree)| *tree).collect();
    rebuild(&whole, &nodes, &trees)
}

/// The defaults of all keys that exist once; those of list elements and entries are filled in by their reader.
pub(super) fn defaults() -> Node {
    let mut tree = Node::empty(Origin::Nowhere);
    let exists_once = |path: &str| !path.contains("[]") && !path.contains('<');
    for key in schema::keys().iter().filter(|key| exists_once(key.path)) {
        if let Some(default) = key.default {
            let path: Vec<&str> = key.path.split('.').collect();
            tree.insert(&path, Node::text(Origin::Nowhere, default));
        }
    }
    tree
}

struct Layer {
    name: &'static str,
    handles: Dict,
}

impl Provider for Layer {
    fn metadata(&self) -> Metadata {
        Metadata::named(self.name)
    }

    fn data(&self) -> Result<Map<Profile, Dict>, figment::Error> {
        Ok(Map::from([(Profile::Default, self.handles.clone())]))
    }
}

fn handles<'t>(tree: &'t Node, nodes: &mut Vec<&'t Node>) -> Dict {
    let set = tree.entries().iter().filter(|entry| !matches!(entry.node.value, Value::Null));
    set.map(|entry| {
        let handle = if let Value::Map(_) = entry.node.value {
            handles(&entry.node, nodes).into()
        } else {
            nodes.push(&entry.node);
            (nodes.len() - 1).into()
        };
        (entry.key.to_string(), handle)
    })
    .collect()
}

/// `layers` are what each layer has at this place, lowest first.
fn rebuild(merged: &figment::value::Value, nodes: &[&Node], layers: &[&Node]) -> Node {
    // A mapping stands where the user first began it, and the default layer is nowhere.
    let origin = layers.iter().map(|layer| &layer.origin).min().unwrap_or(&Origin::Nowhere);
    let Some(dict) = merged.as_dict() else {
        let node = merged.to_u128().and_then(|handle| nodes.get(usize::try_from(handle).ok()?));
        return node.map_or_else(|| Node::empty(origin.clone()), |node| (*node).clone());
    };
    let entries = dict.iter().map(|(key, value)| {
        let layers: Vec<&Node> = layers.iter().filter_map(|layer| layer.get(key)).collect();
        Entry { key: key.as_str().into(), node: rebuild(value, nodes, &layers) }
    });
    Node { origin: origin.clone(), plain: false, value: Value::Map(entries.collect()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layer(origin: &Origin, values: &[(&str, &str)]) -> Node {
        let mut tree = Node::empty(origin.clone());
        for (path, text) in values {
            let path: Vec<&str> = path.split('.').collect();
            tree.insert(&path, Node::text(origin.clone(), text));
        }
        tree
    }

    fn text(tree: &Node, path: &str) -> Option<(String, Origin)> {
        let node = path.split('.').try_fold(tree, |node, key| node.get(key))?;
        match &node.value {
            Value::Text(text) => Some((text.to_string(), node.origin.clone())),
            _ => None,
        }
    }

    #[test]
    fn the_uppermost_layer_that_sets_a_key_wins_and_its_origin_stays() {
        let file = Origin::File { file: "c".into(), line: 3 };
        let variable = Origin::Variable("V".into());
        let flag = Origin::Flag("--f");
        let mut typed = layer(&file, &[("a.x", "0012"), ("a.y", "file"), ("b", "1e5"), ("c.z", "file")]);
        typed.insert(&["a", "w"], Node { origin: file.clone(), plain: true, value: Value::Null });
        let merged = merge(&[
            ("defaults", &layer(&Origin::Nowhere, &[("a.x", "low"), ("a.w", "low"), ("d", "low")])),
            ("file", &typed),
            ("environment", &layer(&variable, &[("a.y", "true"), ("b", "0x1F")])),
            ("flags", &layer(&flag, &[("b", "12345678901234567890123456789012")])),
        ]);
        let expected = [
            ("a.x", "0012", &file),
            ("a.y", "true", &variable),
            ("a.w", "low", &Origin::Nowhere),
            ("b", "12345678901234567890123456789012", &flag),
            ("c.z", "file", &file),
            ("d", "low", &Origin::Nowhere),
        ];
        for (path, value, origin) in expected {
            assert_eq!(text(&merged, path), Some((value.to_owned(), origin.clone())), "{path}");
        }
        assert_eq!(merged.get("a").unwrap().origin, file, "a mapping stands where the file has it");
    }

    #[test]
    fn defaults_are_those_of_the_table() {
        let tree = defaults();
        assert_eq!(text(&tree, "polling.idle_interval").unwrap().0, "15m");
        assert_eq!(text(&tree, "rpo_grace").unwrap().0, "5h");
        assert!(tree.get("storage").unwrap().get("path").is_none());
        assert!(tree.get("projects").is_none());
    }
}
