//! One section of an INI file, as Python's `configparser` reads it with its defaults; pure.
//!
//! The whole file is checked, whichever section is asked for. The errors are the rest of a sentence about the file.

use std::collections::{BTreeMap, BTreeSet};

/// Its values are those of every section that does not have them itself.
const BELOW_ALL: &str = "DEFAULT";

/// The values of a section by their keys in lower case, or `None` where there is no such section.
pub(super) fn section(text: &str, name: &str) -> Result<Option<BTreeMap<String, String>>, String> {
    let mut sections: BTreeMap<&str, BTreeMap<String, String>> = BTreeMap::new();
    let mut names = BTreeSet::new();
    let mut here: Option<&str> = None;
    // How far the last key is indented: what is indented further goes on with its value.
    let mut indent = None;
    for (index, whole) in text.strip_prefix('\u{feff}').unwrap_or(text).lines().enumerate() {
        let wrong = |what: &str| Err(format!("has a wrong line {}: {what}", index + 1));
        let line = whole.trim();
        if line.is_empty() || line.starts_with(['#', ';']) {
            continue;
        }
        let blanks = whole.len() - whole.trim_start().len();
        if indent.is_some_and(|indent| blanks > indent) {
            return wrong("it is indented and would go on with the value above; write each value on one line");
        }
        if let Some(rest) = line.strip_prefix('[') {
            let Some((title, _)) = rest.rsplit_once(']').filter(|(title, _)| !title.is_empty()) else {
                return wrong("a section is written [name]");
            };
            if title != BELOW_ALL && !names.insert(title) {
                return wrong("this section is there already");
            }
            sections.entry(title).or_default();
            (here, indent) = (Some(title), None);
            continue;
        }
        let Some(values) = here.and_then(|here| sections.get_mut(here)) else {
            return wrong("it stands before any [section]");
        };
        let Some((key, value)) = line.split_once(['=', ':']) else {
            return wrong("it is neither a [section] nor key = value");
        };
        let key = key.trim_end().to_lowercase();
        if key.is_empty() {
            return wrong("there is no key before the `=`");
        }
        if values.insert(key, value.trim_start().replace("%%", "%")).is_some() {
            return wrong("this key is there already");
        }
        indent = Some(blanks);
    }
    let below = sections.remove(BELOW_ALL).unwrap_or_default();
    Ok(sections.remove(name).map(|own| below.into_iter().chain(own).collect()))
}
