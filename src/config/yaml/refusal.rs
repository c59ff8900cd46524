//! Why a file cannot be read to its end, in words.

use saphyr_parser::ScanError;

use super::{COPIES, DEEPEST};

pub(super) fn too_deep() -> String {
    format!("lists and mappings stand more than {DEEPEST} deep in each other; no key is that deep")
}

pub(super) fn too_many() -> String {
    format!("aliases copy more than {COPIES} values; write fewer of them")
}

/// Where the text is not YAML, and the parser's words, or better ones for what is mistyped most often. They hold
/// nothing of the file but single characters.
pub(super) fn not_yaml(error: &ScanError, text: &str) -> (usize, String) {
    let line = error.marker().line().max(1);
    let info = error.info();
    let hint = if info.contains("tab") {
        "a tab is used for indentation; use spaces"
    } else if info.contains("simple key") || info.contains("expected key") {
        "a key without `: ` after it, or a wrong indentation"
    } else if info.contains("mapping values are not allowed") || info.contains("illegal placement of ':'") {
        "a `: ` in the middle of a value; put the value in quotes, or check the indentation"
    } else if info.contains("unknown anchor") {
        "an alias (`*…`) whose anchor (`&…`) does not exist; put a value that begins with `*` in quotes"
    } else if info.contains("unexpected character") || info.contains("plain scalar cannot start") {
        "a value that begins with this character must be in quotes"
    } else if info.contains("quoted scalar, found unexpected end") {
        "a quote is opened and not closed"
    } else if info.contains("flow mapping") || info.contains("flow sequence") || info.contains("node content") {
        "a bracket is not closed, or a comma or a value is missing"
    } else if info.contains("recursion limit") {
        return (line, too_deep());
    } else {
        info
    };
    // Of a tab after a value the parser names the line of the value.
    let tab = |line: &str| line[..line.len() - line.trim_start().len()].contains('\t');
    let first_tab = info.contains("tab").then(|| text.lines().skip(line - 1).position(tab)).flatten();
    (line + first_tab.unwrap_or(0), format!("is not valid YAML: {hint}"))
}
