//! Whatever names a metric, a label or an alert names one that exists: rules, dashboards, runbooks, README, deployment.
//!
//! A misspelt name is no error to Prometheus: it finds nothing, the alert stays silent and the panel empty.
#![allow(clippy::unwrap_used)]

mod documents;
mod known;
mod promql;
mod rules;
mod runbooks;
mod yaml;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use dcs_backup_exporter::exposition::catalogue;
use documents::Query;
use known::Metrics;
use rules::Rule;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn short(path: &Path) -> String {
    path.strip_prefix(root()).unwrap().display().to_string()
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap()
}

fn none(problems: &[String]) {
    assert!(problems.is_empty(), "{} problems:\n  {}", problems.len(), problems.join("\n  "));
}

fn queries() -> Vec<Query> {
    let markdown = documents::markdown(root());
    let of_markdown = markdown.iter().flat_map(|path| documents::queries_of_markdown(&short(path), &read(path)));
    let dashboards = documents::below(&root().join("dashboards"), "json");
    let of_dashboards = dashboards.iter().flat_map(|path| {
        let tree = serde_json::from_str(&read(path)).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        documents::queries_of_dashboard(&short(path), &tree)
    });
    of_markdown.chain(of_dashboards).collect()
}

/// What is wrong with these rules.
fn problems_of_rules(rules: &[Rule], metrics: &Metrics) -> Vec<String> {
    let mut problems = Vec::new();
    for rule in rules {
        let name = rule.record.as_ref().or(rule.alert.as_ref()).unwrap();
        let (shape, found) = metrics.read(&rule.expr);
        problems.extend(found.into_iter().map(|problem| format!("{name}: {problem}")));
        for template in rule.annotations.values().chain(rule.labels.values()) {
            let missing = rules::labels_in(template).into_iter().filter(|label| !shape.has(label));
            problems.extend(missing.map(|label| format!("{name}: its template names {label}, which it has not")));
            for (query, labels) in rules::queries_in(template) {
                let (shape, found) = metrics.read(&query);
                problems.extend(found.into_iter().map(|problem| format!("{name}: its template: {problem}")));
                let missing = labels.into_iter().filter(|label| !shape.has(label));
                problems.extend(missing.map(|label| format!("{name}: {label} is no label of {query}")));
            }
        }
    }
    problems
}

/// What is wrong with these queries.
fn problems_of_queries(queries: &[Query], metrics: &Metrics) -> Vec<String> {
    let mut problems = Vec::new();
    for Query { place, expression, legend } in queries {
        let (shape, found) = metrics.read(expression);
        problems.extend(found.into_iter().map(|problem| format!("{place}: {problem}: {expression}")));
        let legend = documents::labels_in_legend(legend.as_deref().unwrap_or_default());
        let missing = legend.into_iter().filter(|label| !shape.has(label) && label != "__name__");
        problems.extend(missing.map(|label| format!("{place}: the legend names {label}, not there: {expression}")));
    }
    problems
}

#[test]
fn rules_use_what_there_is() {
    let rules = rules::shipped(root());
    assert!(rules.len() > 30, "{} rules", rules.len());
    none(&problems_of_rules(&rules, &Metrics::with(&rules)));
}

#[test]
fn dashboards_and_documents_query_what_there_is() {
    let queries = queries();
    assert!(queries.len() > 60, "{} queries", queries.len());
    none(&problems_of_queries(&queries, &Metrics::with(&rules::shipped(root()))));
}

#[test]
fn a_wrong_name_is_found() {
    let rule = |record: &str, expr: &str| Rule {
        record: Some(record.to_owned()),
        expr: expr.to_owned(),
        annotations: [("description".to_owned(), "{{ $labels.project }}".to_owned())].into(),
        ..Rule::default()
    };
    let good = [
        rule(
            "a:b",
            "max by (project, instance_id) (last_over_time(dcs_backup_rpo_seconds[15m]) or last_over_time(a:b[15m]))",
        ),
        rule("c:d", "a:b > 2 and on (project, instance_id) dcs_poll_success{operation=\"backups\"} == 1"),
        rule(
            "e:f",
            "a:b * on (project, instance_id) group_left (engine) max by (project, instance_id, engine) (dcs_instance_info)",
        ),
        rule(
            "g:h",
            "sum by (project, operation) (rate(dcs_exporter_api_requests_total{code!~\"2..\"}[5m] offset 1h)) > 0.5",
        ),
        rule(
            "i:j",
            "histogram_quantile(0.9, sum by (project, le) (rate(dcs_exporter_api_request_duration_seconds_bucket[5m])))",
        ),
        rule(
            "k:l",
            "label_replace(label_replace(dcs_project_up, \"x\", \"$1\", \"project\", \"(.*)\"), \"y\", \"z\", \"\", \"\") unless ignoring (x, y) dcs_project_up",
        ),
        rule(
            "m:n",
            "absent(dcs_project_up{project=\"a\", job=~\"b\"}) or (time() - dcs_exporter_start_timestamp_seconds) / 3600 > -1e3 and dcs_project_up",
        ),
    ];
    none(&problems_of_rules(&good[..6], &Metrics::with(&good)));
    let problems = problems_of_rules(&good[6..], &Metrics::with(&good));
    assert_eq!(problems, ["m:n: and: only one side has project: say on or ignoring"]);
    for (expr, problem) in [
        ("dcs_backup_rpo_second > 1", "there is no metric dcs_backup_rpo_second"),
        ("a:c", "there is no metric a:c"),
        ("dcs_backup_rpo_seconds{error_code=\"x\"}", "dcs_backup_rpo_seconds has no label error_code"),
        ("dcs_poll_success{operation=\"backup\"}", "operation is never backup"),
        ("dcs_exporter_poll_failures_total{reason=~\"timeout|auth\"}", "reason is never timeout|auth"),
        ("sum by (project, engine) (dcs_backup_rpo_seconds)", "sum: nothing in it has the label engine"),
        ("sum(dcs_project_up) by (region)", "sum: nothing in it has the label region"),
        ("dcs_project_up * on (region) dcs_project_up", "*: region is no label of both sides"),
        (
            "a:b * on (project, instance_id) group_left (team) dcs_instance_info",
            "group_left: the other side has no label team to bring",
        ),
        (
            "dcs_backup_rpo_seconds > dcs_project_up",
            ">: only one side has instance_id, instance_name: say on or ignoring",
        ),
        ("max by (job) (dcs_project_up)", "its template names project, which it has not"),
        (
            "histogram_quantile(0.9, sum by (project) (rate(dcs_exporter_api_request_duration_seconds_bucket[5m])))",
            "histogram_quantile: nothing in it has the label le",
        ),
        ("increase(dcs_project_up[5m]", "increase: ) is expected, not None"),
        ("sort_by_label(dcs_project_up)", "there is no function sort_by_label in Prometheus 2.42"),
        (
            "label_replace(dcs_project_up, \"project\", \"$1\", \"region\", \"(.*)\")",
            "label_replace: nothing in it has the label region",
        ),
        ("dcs_project_up > ", "the expression does not end"),
        ("dcs_project_up dcs_project_up", "Word(\"dcs_project_up\") is not understood"),
    ] {
        let rules = [good[0].clone(), rule("x:y", expr)];
        let problems = problems_of_rules(&rules, &Metrics::with(&rules));
        assert!(problems.contains(&format!("x:y: {problem}")), "{expr}: {problems:?}");
    }
    for (template, problem) in [
        (
            "{{ with printf \"dcs_project_upp{project=%q}\" $labels.project | query }}a{{ end }}",
            "its template: there is no metric dcs_project_upp",
        ),
        (
            "{{ with query \"dcs_project_up\" }}{{ . | first | label \"region\" }}{{ end }}",
            "region is no label of dcs_project_up",
        ),
    ] {
        let annotations = [("description".to_owned(), template.to_owned())].into();
        let rules = [Rule { annotations, ..rule("x:y", "dcs_project_up") }];
        assert_eq!(problems_of_rules(&rules, &Metrics::with(&rules)), [format!("x:y: {problem}")]);
    }
    let query = |expression: &str, legend: &str| Query {
        place: "here".to_owned(),
        expression: expression.to_owned(),
        legend: Some(legend.to_owned()),
    };
    let metrics = Metrics::with(&[]);
    none(&problems_of_queries(&[query("dcs_project_up", "{{project}}")], &metrics));
    for wrong in [query("dcs_project_up", "{{region}}"), query("dcs_project_down", "")] {
        assert_eq!(problems_of_queries(&[wrong], &metrics).len(), 1);
    }
}

/// Words that may look like names of metrics and are something else.
const NO_METRICS: [&str; 4] = ["dcs_backup_exporter", "dcs_shard", "dcs_threshold", "dcs_instance_id"];

fn words<'a>(text: &'a str, extra: &str) -> Vec<&'a str> {
    text.split(|c: char| !c.is_ascii_alphanumeric() && !extra.contains(c)).collect()
}

/// Names of metrics in a text that nobody has. One that ends with `_` stands for all that begin so.
fn unknown_metrics<'a>(text: &'a str, metrics: &Metrics) -> Vec<&'a str> {
    let candidates = words(text, "_:").into_iter().map(|word| word.trim_matches(':'));
    candidates
        .filter(|word| {
            ["dcs_", "process_", "instance_id:", "project:", "replica:"].iter().any(|begin| word.starts_with(begin))
        })
        .filter(|word| !metrics.has(word) && !NO_METRICS.contains(word))
        .filter(|word| !(word.ends_with(['_', ':']) && metrics.any_begins_with(word)))
        .collect()
}

/// Names of alerts in a text that nobody has.
fn unknown_alerts<'a>(text: &'a str, alerts: &BTreeSet<String>) -> Vec<&'a str> {
    let is_name =
        |word: &&str| word.strip_prefix("Dcs").is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_uppercase()));
    words(text, "_").into_iter().filter(is_name).filter(|word| !alerts.contains(*word)).collect()
}

fn alerts(rules: &[Rule]) -> BTreeSet<String> {
    rules.iter().filter_map(|rule| rule.alert.clone()).collect()
}

#[test]
fn texts_name_metrics_and_alerts_that_there_are() {
    let rules = rules::shipped(root());
    let (metrics, alerts) = (Metrics::with(&rules), alerts(&rules));
    let mut files = documents::markdown(root());
    files.extend(documents::below(&root().join("dashboards/rules"), "yml"));
    files.extend(documents::below(&root().join("deploy"), "yml"));
    let mut problems = Vec::new();
    for file in files {
        let text = read(&file);
        let place = short(&file);
        problems.extend(unknown_metrics(&text, &metrics).iter().map(|word| format!("{place} names {word}")));
        // The prefixes of alertmanager.yml's matchers are held against the rules in tests/clients/test_alertmanager.py.
        let text = text.replace("DcsBackup.+", "").replace("DcsRestore.+", "");
        problems.extend(unknown_alerts(&text, &alerts).iter().map(|word| format!("{place} names {word}")));
    }
    none(&problems);
}

#[test]
fn a_wrong_name_in_a_text_is_found() {
    let metrics = Metrics::with(&[]);
    let text =
        "`dcs_backup_rpo_seconds`, dcs_backup_* and dcs_backup_rpo_secs{x}; dcs_exporter_api_request_duration_seconds";
    assert_eq!(unknown_metrics(text, &metrics), ["dcs_backup_rpo_secs"]);
    let alerts = ["DcsBackupStale".to_owned()].into();
    assert_eq!(unknown_alerts("DcsBackupStale.md, DcsBackupStail, Dcs", &alerts), ["DcsBackupStail"]);
}

#[test]
fn every_metric_is_used_or_documented() {
    let mut texts = read(&root().join("README.md"));
    let rules = rules::shipped(root());
    texts.extend(rules.iter().map(|rule| format!("{}\n", rule.expr)));
    texts.extend(queries().iter().map(|query| format!("{}\n", query.expression)));
    let words: BTreeSet<&str> = words(&texts, "_").into_iter().collect();
    let unused: Vec<&str> = catalogue().map(|entry| entry.name).filter(|name| !words.contains(name)).collect();
    assert!(unused.is_empty(), "neither used nor documented: {unused:?}");
}

#[test]
fn labels_of_routes_and_inhibition_are_labels_of_alerts() {
    let rules = rules::shipped(root());
    let metrics = Metrics::with(&rules);
    let mut labels: BTreeSet<String> = ["alertname".to_owned()].into();
    for rule in rules.iter().filter(|rule| rule.alert.is_some()) {
        labels.extend(metrics.read(&rule.expr).0.labels);
        labels.extend(rule.labels.keys().cloned());
    }
    let file: PathBuf = root().join("deploy/alertmanager/alertmanager.yml");
    let used = labels_of_routes(&yaml::read(&read(&file)));
    assert!(used.len() >= 4, "{used:?}");
    let unknown: Vec<&String> = used.difference(&labels).collect();
    assert!(unknown.is_empty(), "alertmanager.yml names {unknown:?}; alerts have {labels:?}");
}

/// The labels in `equal`, `group_by` and matchers, and in templates, anywhere in Alertmanager's configuration.
fn labels_of_routes(tree: &serde_json::Value) -> BTreeSet<String> {
    let mut labels = BTreeSet::new();
    match tree {
        serde_json::Value::Object(object) => {
            for (key, value) in object {
                let items = value.as_array().into_iter().flatten().filter_map(serde_json::Value::as_str);
                if ["equal", "group_by"].contains(&key.as_str()) {
                    labels.extend(items.map(str::to_owned));
                } else if key.ends_with("matchers") {
                    labels.extend(items.map(|item| words(item, "_")[0].to_owned()));
                } else {
                    labels.extend(labels_of_routes(value));
                }
            }
        }
        serde_json::Value::Array(items) => items.iter().for_each(|item| labels.extend(labels_of_routes(item))),
        serde_json::Value::String(text) => {
            for part in text.split("CommonLabels.").skip(1) {
                labels.insert(words(part, "_")[0].to_owned());
            }
        }
        _ => {}
    }
    labels
}
