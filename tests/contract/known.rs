//! Which metrics there are: the exporter's own catalogue, what the rules record, and a few of Prometheus itself.

use std::collections::{BTreeMap, BTreeSet};

use dcs_backup_exporter::exposition::{Kind, catalogue};

use crate::documents::VARIABLE;
use crate::promql::{self, Shape};
use crate::rules::Rule;

/// What Prometheus adds to every series that it scrapes.
const OF_TARGETS: [&str; 2] = ["job", "instance"];
/// Metrics of Prometheus that rules, dashboards and runbooks may name.
const OF_PROMETHEUS: [(&str, &[&str]); 7] = [
    ("up", &[]),
    ("scrape_duration_seconds", &[]),
    ("scrape_samples_scraped", &[]),
    ("scrape_samples_post_metric_relabeling", &[]),
    ("prometheus_notifications_alertmanagers_discovered", &[]),
    ("prometheus_notifications_errors_total", &["alertmanager"]),
    ("ALERTS", &["alertname", "alertstate", "severity", "project", "instance_id", "instance_name"]),
];

/// Metrics of exporters beside this one, whose labels are joined with ours in deploy/operating.md.
const OF_NEIGHBOURS: [(&str, &[&str]); 2] =
    [("huaweicloud_sys_dcs_memory_usage", &["dcs_instance_id"]), ("dcs_memory_usage", &["resource_id"])];

/// The labels whose values are from closed lists, and these. `status` is not among them: an instance's is the cloud's word.
const CLOSED: [(&str, &[&str]); 3] = [
    ("operation", &["backups", "restores", "policy", "instances"]),
    (
        "reason",
        &[
            "throttled",
            "unauthorized",
            "forbidden",
            "not_found",
            "unavailable",
            "timeout",
            "connection",
            "decode",
            "page_limit",
            "clock_skew",
        ],
    ),
    (
        "error_code",
        &[
            "dcs.08.0001",
            "dcs.08.0002",
            "dcs.08.0003",
            "dcs.08.0004",
            "dcs.08.0005",
            "dcs.08.0006",
            "dcs.08.0007",
            "dcs.08.0008",
            "other",
            "none",
        ],
    ),
];

/// Whether a label may have this value, as far as anybody knows. A pattern's alternatives count one by one; one that is
/// more than a word may match what it likes, and so may what stands for a dashboard's variable.
pub(crate) fn may_be(metric: &str, label: &str, value: &str) -> bool {
    let Some((_, closed)) = CLOSED.iter().find(|(name, _)| *name == label) else { return true };
    if metric.starts_with("dcs_exporter_storage_") {
        // Its reasons are others.
        return true;
    }
    let is_word = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.".contains(&byte));
    let mut alternatives = value.split('|').filter(|text| is_word(text) && !text.is_empty() && *text != VARIABLE);
    alternatives.all(|text| closed.contains(&text) || text == ".")
}

/// All metrics with their labels.
#[derive(Debug)]
pub(crate) struct Metrics {
    scraped: BTreeMap<String, BTreeSet<String>>,
    recorded: BTreeMap<String, Shape>,
}

impl Metrics {
    /// Those of the catalogue, and those that these rules record.
    pub(crate) fn with(rules: &[Rule]) -> Self {
        let mut scraped = BTreeMap::new();
        let mut add = |name: String, labels: &[&str]| {
            let labels = labels.iter().chain(&OF_TARGETS).map(|label| (*label).to_owned()).collect();
            scraped.insert(name, labels);
        };
        for entry in catalogue() {
            if entry.kind == Kind::Histogram {
                let with_le: Vec<&str> = entry.labels.iter().copied().chain(["le"]).collect();
                add(format!("{}_bucket", entry.name), &with_le);
                add(format!("{}_sum", entry.name), &entry.labels);
                add(format!("{}_count", entry.name), &entry.labels);
            } else {
                add(entry.name.to_owned(), &entry.labels);
            }
        }
        for (name, labels) in OF_PROMETHEUS.iter().chain(&OF_NEIGHBOURS) {
            add((*name).to_owned(), labels);
        }
        let mut metrics = Self { scraped, recorded: BTreeMap::new() };
        metrics.record(rules);
        metrics
    }

    /// Rules may use each other and themselves: their labels grow until nothing is new.
    fn record(&mut self, rules: &[Rule]) {
        let records: Vec<(&str, &Rule)> =
            rules.iter().filter_map(|rule| Some((rule.record.as_deref()?, rule))).collect();
        self.recorded = records.iter().map(|(name, _)| ((*name).to_owned(), Shape::default())).collect();
        loop {
            let mut next: BTreeMap<String, Shape> = BTreeMap::new();
            for (name, rule) in &records {
                let mut shape = self.read(&rule.expr).0;
                shape.labels.extend(rule.labels.keys().cloned());
                // The same name may be recorded by several rules.
                let entry = next.entry((*name).to_owned()).or_default();
                entry.labels.extend(shape.labels);
                entry.open |= shape.open;
            }
            if next == self.recorded {
                return;
            }
            self.recorded = next;
        }
    }

    /// What an expression gives, and what is wrong with it.
    pub(crate) fn read(&self, expression: &str) -> (Shape, Vec<String>) {
        promql::read(expression, &|name| self.labels(name))
    }

    fn labels(&self, name: &str) -> Option<BTreeSet<String>> {
        self.scraped.get(name).cloned().or_else(|| self.recorded.get(name).map(|shape| shape.labels.clone()))
    }

    /// Whether there is a metric of this name; a histogram's own name counts.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.labels(name).is_some() || self.labels(&format!("{name}_bucket")).is_some()
    }

    /// Whether any metric's name begins so.
    pub(crate) fn any_begins_with(&self, begin: &str) -> bool {
        self.scraped.keys().chain(self.recorded.keys()).any(|name| name.starts_with(begin))
    }
}
