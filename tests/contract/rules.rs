//! The shipped rules.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::yaml;

/// A recording or alerting rule.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rule {
    pub(crate) file: PathBuf,
    pub(crate) record: Option<String>,
    pub(crate) alert: Option<String>,
    pub(crate) expr: String,
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) annotations: BTreeMap<String, String>,
}

/// All rules of `dashboards/rules/`.
pub(crate) fn shipped(root: &Path) -> Vec<Rule> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(root.join("dashboards/rules"))
        .expect("dashboards/rules is there")
        .map(|entry| entry.expect("it can be listed").path())
        .filter(|path| {
            path.to_string_lossy().ends_with(".rules.yml") || path.to_string_lossy().ends_with(".alerts.yml")
        })
        .collect();
    files.sort();
    files.iter().flat_map(|file| of_file(file)).collect()
}

fn of_file(file: &Path) -> Vec<Rule> {
    let tree = yaml::read(&std::fs::read_to_string(file).expect("it can be read"));
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let groups = list(&tree["groups"]);
    let rules = groups.iter().flat_map(|group| list(&group["rules"]));
    rules.map(|rule| Rule { file: file.to_owned(), ..of_value(&rule) }).collect()
}

fn of_value(rule: &Value) -> Rule {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let map = |value: &Value| {
        let entries = value.as_object().into_iter().flatten();
        entries.map(|(key, value)| (key.clone(), value.as_str().unwrap_or_default().to_owned())).collect()
    };
    Rule {
        file: PathBuf::new(),
        record: text(&rule["record"]),
        alert: text(&rule["alert"]),
        expr: text(&rule["expr"]).unwrap_or_default(),
        labels: map(&rule["labels"]),
        annotations: map(&rule["annotations"]),
    }
}

/// The labels that a template names: `{{ $labels.project }}`.
pub(crate) fn labels_in(template: &str) -> Vec<String> {
    let after = template.split("$labels.").skip(1);
    after.map(|text| text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').next().unwrap_or("").into()).collect()
}

/// The queries that a template asks, with texts in the place of their `%q`, and the labels that it takes from the answers.
pub(crate) fn queries_in(template: &str) -> Vec<(String, Vec<String>)> {
    let quoted = |text: &str| text.split('"').nth(1).unwrap_or_default().to_owned();
    let mut queries = Vec::new();
    for part in template.split("{{ with ").skip(1) {
        let body = part.split("{{ end }}").next().unwrap_or(part);
        let labels = body.split("| label ").skip(1).map(quoted).collect();
        queries.push((quoted(body).replace("%q", "\"x\""), labels));
    }
    queries
}
