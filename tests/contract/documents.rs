//! The texts that name metrics: Markdown with queries in it, and dashboards.

use std::path::{Path, PathBuf};

use serde_json::Value;

/// A query somewhere, and where.
#[derive(Clone, Debug)]
pub(crate) struct Query {
    pub(crate) place: String,
    pub(crate) expression: String,
    /// How a dashboard names its series: `{{instance_name}}`.
    pub(crate) legend: Option<String>,
}

/// All Markdown of the README, `dashboards/` and `deploy/`.
pub(crate) fn markdown(root: &Path) -> Vec<PathBuf> {
    let mut files = vec![root.join("README.md")];
    files.extend(below(&root.join("dashboards"), "md"));
    files.extend(below(&root.join("deploy"), "md"));
    files
}

/// The files below a folder whose names end so, in order.
pub(crate) fn below(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("it can be listed").path()).collect();
    paths.sort();
    let found = paths.into_iter().flat_map(|path| if path.is_dir() { below(&path, extension) } else { vec![path] });
    found.filter(|path| path.extension().is_some_and(|end| end == extension)).collect()
}

/// The contents of the fenced blocks of a language.
pub(crate) fn fenced(text: &str, language: &str) -> Vec<String> {
    let mut blocks = Vec::new();
    let mut open: Option<Option<String>> = None;
    for line in text.lines() {
        match (line.trim_start().strip_prefix("```"), &mut open) {
            (Some(word), None) => open = Some((word.trim() == language).then(String::new)),
            (Some(_), Some(_)) => blocks.extend(open.take().flatten()),
            (None, Some(Some(block))) => block.extend([line, "\n"]),
            (None, _) => {}
        }
    }
    blocks
}

/// The queries of a Markdown text: a blank line or a comment between two parts them.
pub(crate) fn queries_of_markdown(place: &str, text: &str) -> Vec<Query> {
    let mut queries = Vec::new();
    for block in fenced(text, "promql") {
        let mut query = String::new();
        for line in block.lines().chain([""]) {
            let parts = line.trim().is_empty() || line.trim_start().starts_with('#');
            if !parts {
                query.extend([line, "\n"]);
            } else if !query.is_empty() {
                let expression = std::mem::take(&mut query);
                queries.push(Query { place: place.to_owned(), expression, legend: None });
            }
        }
    }
    queries
}

/// The queries of a dashboard, with Grafana's variables replaced by something that a query may have there.
pub(crate) fn queries_of_dashboard(place: &str, tree: &Value) -> Vec<Query> {
    let mut queries = Vec::new();
    walk(tree, &mut |object| {
        let texts = [object.get("expr"), object.get("query"), object.get("definition")];
        for text in texts.into_iter().flatten().filter_map(Value::as_str) {
            let legend = object.get("legendFormat").and_then(Value::as_str).map(str::to_owned);
            if let Some(expression) = expression_of(text) {
                queries.push(Query { place: place.to_owned(), expression, legend });
            }
        }
    });
    queries
}

fn walk(tree: &Value, visit: &mut dyn FnMut(&serde_json::Map<String, Value>)) {
    match tree {
        Value::Object(object) => {
            visit(object);
            object.values().for_each(|value| walk(value, visit));
        }
        Value::Array(items) => items.iter().for_each(|value| walk(value, visit)),
        _ => {}
    }
}

/// `None` for a text that is no query: the kind of a data source, a list of custom values.
fn expression_of(text: &str) -> Option<String> {
    let text = without_variables(text);
    if let Some(inner) = text.strip_prefix("label_values(") {
        // The metric's label must exist: as good as an aggregation by it.
        let (metric, label) = inner.strip_suffix(')')?.rsplit_once(',')?;
        return Some(format!("count by ({}) ({metric})", label.trim()));
    }
    let inner = text.strip_prefix("query_result(").and_then(|inner| inner.strip_suffix(')'));
    let expression = inner.unwrap_or(&text);
    (expression.contains("dcs_") || expression.contains("process_") || expression.contains('('))
        .then(|| expression.to_owned())
}

/// What stands in the place of a dashboard's variable.
pub(crate) const VARIABLE: &str = "5m";

/// Puts a number or duration in the place of Grafana's variables; within quotes they may be what they like.
fn without_variables(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        out += &rest[..at];
        rest = &rest[at + 1..];
        let word_end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
        let braced = rest.strip_prefix('{').and_then(|inner| inner.split_once('}'));
        let (name, length) = braced.map_or((&rest[..word_end], word_end), |(name, _)| (name, name.len() + 2));
        let is_number = name.ends_with("_s") || name.ends_with("_ms");
        out += if is_number { "300" } else { VARIABLE };
        rest = &rest[length..];
    }
    out + rest
}

/// The labels that a legend names.
pub(crate) fn labels_in_legend(legend: &str) -> Vec<String> {
    legend.split("{{").skip(1).filter_map(|part| Some(part.split_once("}}")?.0.trim().to_owned())).collect()
}

#[test]
fn blocks_and_queries_are_found() {
    let text = "a\n```promql\n# one\na > 1\n  and b\n\nc\n# two\nd\n```\n```sh\ne\n```\n";
    let queries: Vec<String> = queries_of_markdown("x", text).into_iter().map(|query| query.expression).collect();
    assert_eq!(queries, ["a > 1\n  and b\n", "c\n", "d\n"]);
    assert_eq!(fenced(text, "sh"), ["e\n"]);
}

#[test]
fn grafana_s_variables_and_functions_are_understood() {
    for (text, expected) in [
        ("rate(dcs_x[$__rate_interval])", Some("rate(dcs_x[5m])")),
        ("dcs_x{a=~\"$project\"} / ${__range_s}", Some("dcs_x{a=~\"5m\"} / 300")),
        ("label_values(dcs_x{job=\"$job\"}, project)", Some("count by (project) (dcs_x{job=\"5m\"})")),
        ("query_result(dcs_x > 1)", Some("dcs_x > 1")),
        ("prometheus", None),
    ] {
        assert_eq!(expression_of(text).as_deref(), expected);
    }
    assert_eq!(labels_in_legend("{{project}} of {{ instance_name }}"), ["project", "instance_name"]);
}
