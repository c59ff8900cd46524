//! Both formats, read by a strict reader, against each other and against the list of all families.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use dcs_backup_exporter::clock::Clock;
use dcs_backup_exporter::cloud::Oddities;
use dcs_backup_exporter::cloud::error::ErrorKind;
use dcs_backup_exporter::domain::{Operation, ProjectName};
use dcs_backup_exporter::exposition::{Exposition, Format, Kind, OwnMetrics, catalogue};
use dcs_backup_exporter::snapshot::Snapshot;
use tokio::sync::watch;

use crate::fleet::{self, at, empty, full, project, snapshot, unknown};
use crate::strict::{self, Family};

/// The exporter's own metrics after something of everything has happened.
fn eventful() -> OwnMetrics {
    let prod = ProjectName::from("prod \"1\"");
    let own = OwnMetrics::new(at("2026-11-22T10:00:00.5Z"), 7 * fleet::DAY, std::slice::from_ref(&prod));
    own.api_request(&prod, Operation::Backups, Some(200), Duration::from_millis(30));
    own.api_request(&prod, Operation::Backups, None, Duration::from_mins(1));
    own.poll_failed(&prod, Operation::Backups, ErrorKind::Connection);
    own.limiter_waited(&prod, Duration::from_millis(1_500));
    own.clock_skew(&prod, -1.5);
    own.credentials_expire(&prod, Some(at("2026-11-23T10:00:00Z")));
    own.storage_begins();
    own.storage_written(at("2026-11-22T11:59:50Z"));
    own.schedule(&prod, Duration::from_millis(250), 3, 12);
    let oddities = Oddities { rejected: [("created_at", 2)].into(), unknown: [("status", 1)].into() };
    own.oddities(&prod, Operation::Restores, &oddities);
    own
}

fn exposition(snapshot: Arc<Snapshot>) -> Exposition {
    let (_, snapshots) = watch::channel(snapshot);
    Exposition::new(snapshots, eventful(), Clock::starting_at(fleet::now()))
}

fn whole_fleet() -> Arc<Snapshot> {
    snapshot(vec![
        project("prod", vec![full("a", "odd \\ \" \n name"), empty("b", "缓存"), unknown("c")]),
        project("other", vec![full("a", "the same id elsewhere")]),
    ])
}

/// Without the process' own numbers, which differ from one moment to the next.
fn steady(mut families: BTreeMap<String, Family>) -> BTreeMap<String, Family> {
    families.retain(|name, _| !name.starts_with("process_"));
    families
}

#[tokio::test(start_paused = true)]
async fn both_formats_say_the_same() {
    let exposition = exposition(whole_fleet());
    let text = steady(strict::read(&exposition.render(Format::Text).to_text(), Format::Text));
    let open_metrics = steady(strict::read(&exposition.render(Format::OpenMetrics).to_text(), Format::OpenMetrics));
    let without_total: BTreeMap<String, Family> = text
        .into_iter()
        .map(|(name, family)| match family.kind.as_str() {
            "counter" => (name.strip_suffix("_total").unwrap().to_owned(), family),
            _ => (name, family),
        })
        .collect();
    assert_eq!(without_total.keys().collect::<Vec<_>>(), open_metrics.keys().collect::<Vec<_>>());
    for (name, family) in &without_total {
        assert_eq!(family, &open_metrics[name], "{name}");
    }
}

#[tokio::test]
async fn what_is_shown_is_what_is_documented() {
    let shown = strict::read(&exposition(whole_fleet()).render(Format::Text).to_text(), Format::Text);
    let documented: BTreeMap<&str, _> = catalogue().map(|entry| (entry.name, entry)).collect();
    assert_eq!(documented.len(), catalogue().count(), "a family is documented twice");
    for (name, family) in &shown {
        let entry = documented.get(name.as_str()).unwrap_or_else(|| panic!("{name} is not documented"));
        assert_eq!((entry.kind.as_str(), entry.help), (family.kind.as_str(), family.help.as_str()), "{name}");
        let mut expected = entry.labels.clone();
        expected.sort_unstable();
        for sample in &family.samples {
            let mut labels: Vec<&str> = sample.labels.iter().map(|(name, _)| name.as_str()).collect();
            labels.retain(|label| *label != "le");
            labels.sort_unstable();
            assert_eq!(labels, expected, "{name}");
        }
    }
    // This fleet has something of everything, but a process need not know all of itself.
    let missing: Vec<&str> = documented
        .into_keys()
        .filter(|name| {
            !shown.contains_key(*name) && *name != "process_max_fds" && *name != "dcs_exporter_throttled_total"
        })
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn the_list_of_all_families() {
    let lines: Vec<String> = catalogue()
        .map(|entry| format!("{} {}{{{}}}", entry.kind.as_str(), entry.name, entry.labels.join(",")))
        .collect();
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn names_and_helps_follow_the_conventions() {
    for entry in catalogue() {
        assert_eq!(entry.name.ends_with("_total"), entry.kind == Kind::Counter, "{}", entry.name);
        for reserved in ["_bucket", "_sum", "_count"] {
            assert!(!entry.name.ends_with(reserved), "{}", entry.name);
        }
        for word in entry.name.split('_') {
            assert!(
                !["milliseconds", "minutes", "hours", "days", "ms", "kb", "mb", "percent", "gauge", "counter"]
                    .contains(&word)
            );
        }
        let help = entry.help;
        assert!(help.starts_with(|first: char| first.is_ascii_uppercase() || first.is_ascii_digit()), "{help}");
        assert!(help.ends_with('.') && help.len() > 15 && !help.contains(['"', '\\', '\n']), "{help}");
    }
}

#[tokio::test]
async fn the_labels_of_an_instance_come_first_and_in_order() {
    let text = exposition(whole_fleet()).render(Format::Text).to_text();
    for line in text.lines().filter(|line| line.contains("instance_id=")) {
        let (_, labels) = line.split_once('{').unwrap();
        let at = |label: &str| labels.find(label).unwrap();
        assert!(labels.starts_with("project=\"") && at("instance_id=") < at("instance_name="), "{line}");
    }
}

#[tokio::test]
async fn the_own_metrics_start_at_zero_where_zero_is_the_truth() {
    let projects = ["one", "two"].map(ProjectName::from);
    let own = OwnMetrics::new(at("2026-11-22T10:00:00.5Z"), Duration::from_hours(1), &projects);
    let (_, snapshots) = watch::channel(Arc::default());
    let exposition = Exposition::new(snapshots, own, Clock::starting_at(fleet::now()));
    let families = strict::read(&exposition.render(Format::Text).to_text(), Format::Text);
    let counts = |name: &str| families[name].samples.iter().map(|sample| sample.value).collect::<Vec<_>>();
    assert_eq!(counts("dcs_exporter_poll_failures_total"), vec![0.0; 2 * 4 * 10]);
    assert_eq!(counts("dcs_exporter_api_requests_total"), vec![0.0; 2 * 4]);
    assert_eq!(counts("dcs_exporter_throttled_total"), [0.0, 0.0]);
    assert_eq!(counts("dcs_exporter_rate_limiter_wait_seconds_total"), [0.0, 0.0]);
    assert_eq!(counts("dcs_exporter_lookback_seconds"), [3600.0]);
    assert_eq!(counts("dcs_exporter_shards"), [1.0]);
    assert_eq!(counts("dcs_exporter_shard_ordinal"), [0.0]);
    assert_eq!(counts("dcs_exporter_start_timestamp_seconds"), [1_795_341_600.5]);
    assert_eq!(counts("dcs_exporter_config_last_reload_successful"), [1.0]);
    assert_eq!(counts("dcs_exporter_config_last_reload_success_timestamp_seconds"), [1_795_341_600.5]);
    assert!(counts("process_start_time_seconds")[0] > 0.0);
    for unknown in
        ["clock_skew_seconds", "credentials_expiry_timestamp_seconds", "poll_lag_seconds", "unknown_values_total"]
    {
        assert!(!families.contains_key(&format!("dcs_exporter_{unknown}")), "{unknown}");
    }
}
