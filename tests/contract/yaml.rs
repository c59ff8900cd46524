//! YAML as a tree like JSON's, every scalar the text that it was.

use std::collections::HashMap;

use saphyr_parser::{Event, Parser, StrInput};
use serde_json::{Map, Value};

/// Reads the first document.
///
/// # Panics
/// Where the text is no YAML; what is shipped has to be.
pub(crate) fn read(text: &str) -> Value {
    let mut reader = Reader { events: Parser::new_from_str(text), anchors: HashMap::new() };
    loop {
        match reader.event() {
            Event::StreamStart | Event::DocumentStart(_) | Event::Nothing => {}
            event => return reader.node(event),
        }
    }
}

struct Reader<'a> {
    events: Parser<'a, StrInput<'a>>,
    anchors: HashMap<usize, Value>,
}

impl<'a> Reader<'a> {
    fn event(&mut self) -> Event<'a> {
        self.events.next_event().expect("the text goes on").expect("the text is YAML").0
    }

    fn node(&mut self, event: Event<'a>) -> Value {
        let (anchor, value) = match event {
            Event::Scalar(text, _, anchor, _) => (anchor, Value::String(text.into_owned())),
            Event::SequenceStart(anchor, _) => (anchor, Value::Array(self.items(&Event::SequenceEnd))),
            Event::MappingStart(anchor, _) => (anchor, self.mapping()),
            Event::Alias(anchor) => return self.anchors[&anchor].clone(),
            Event::StreamEnd | Event::DocumentEnd => return Value::Null,
            other => panic!("unexpected {other:?}"),
        };
        self.anchors.insert(anchor, value.clone());
        value
    }

    fn items(&mut self, end: &Event<'a>) -> Vec<Value> {
        let mut items = Vec::new();
        loop {
            let event = self.event();
            if event == *end {
                return items;
            }
            items.push(self.node(event));
        }
    }

    fn mapping(&mut self) -> Value {
        let items = self.items(&Event::MappingEnd);
        let mut map = Map::new();
        for pair in items.chunks_exact(2) {
            match (&pair[0], &pair[1]) {
                (Value::String(key), Value::Object(merged)) if key == "<<" => map.extend(merged.clone()),
                (Value::String(key), value) => drop(map.insert(key.clone(), value.clone())),
                (key, _) => panic!("{key} is no key"),
            }
        }
        Value::Object(map)
    }
}

#[test]
fn anchors_lists_and_texts_are_read() {
    let tree = read(
        "a: &x {b: '1', c: [d, 2]}\ne: *x\nf: {<<: *x, b: |\n    one\n    two\n  }\n"
            .replace("|\n    one\n    two\n  ", "3")
            .as_str(),
    );
    assert_eq!(tree["e"]["c"][1], "2");
    assert_eq!(tree["f"]["b"], "3");
    assert_eq!(tree["f"]["c"][0], "d");
}
