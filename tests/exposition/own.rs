//! What happens in the exporter, and the series that tell it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use dcs_backup_exporter::clock::Clock;
use dcs_backup_exporter::cloud::Oddities;
use dcs_backup_exporter::cloud::error::ErrorKind;
use dcs_backup_exporter::domain::{Operation, ProjectName};
use dcs_backup_exporter::exposition::{Exposition, Format, OwnMetrics, Rendered};
use dcs_backup_exporter::snapshot::Snapshot;
use tokio::sync::watch;

use crate::fleet::{self, at, full, project, snapshot};
use crate::strict;

struct Scene {
    own: OwnMetrics,
    project: ProjectName,
}

impl Scene {
    fn new() -> Self {
        let project = ProjectName::from("prod");
        let own = OwnMetrics::new(fleet::now(), fleet::DAY, std::slice::from_ref(&project));
        Self { own, project }
    }

    fn families(&self) -> BTreeMap<String, strict::Family> {
        let (_, snapshots) = watch::channel(Arc::new(Snapshot::default()));
        let exposition = Exposition::new(snapshots, self.own.clone(), Clock::starting_at(fleet::now()));
        strict::read(&exposition.render(Format::Text).to_text(), Format::Text)
    }

    /// The value of a sample of these labels; `None` where there is none.
    fn value(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        let families = self.families();
        let fits = |sample: &&strict::Sample| {
            sample.name == format!("dcs_exporter_{name}")
                && labels.iter().all(|(label, value)| sample.label(label) == Some(value))
        };
        let values: Vec<f64> =
            families.values().flat_map(|family| &family.samples).filter(fits).map(|sample| sample.value).collect();
        assert!(values.len() <= 1, "{name} {labels:?} is not one sample");
        values.first().copied()
    }
}

#[tokio::test]
async fn requests_are_counted_by_status_and_timed() {
    let scene = Scene::new();
    for (status, milliseconds) in [(Some(200), 4), (Some(200), 30), (Some(429), 1), (None, 10_000), (None, 10_001)] {
        scene.own.api_request(&scene.project, Operation::Restores, status, Duration::from_millis(milliseconds));
    }
    let of =
        |code| scene.value("api_requests_total", &[("project", "prod"), ("operation", "restores"), ("code", code)]);
    assert_eq!([of("200"), of("429"), of("error"), of("500")], [Some(2.0), Some(1.0), Some(2.0), None]);
    assert_eq!(scene.value("api_requests_total", &[("operation", "backups")]), Some(0.0));
    let duration = |ending: &str, labels: &[(&str, &str)]| {
        scene.value(&format!("api_request_duration_seconds_{ending}"), &[&[("operation", "restores")], labels].concat())
    };
    for (le, count) in [("0.005", 2.0), ("0.05", 3.0), ("5.0", 3.0), ("10.0", 4.0), ("+Inf", 5.0)] {
        assert_eq!(duration("bucket", &[("le", le)]), Some(count), "{le}");
    }
    assert_eq!(duration("count", &[]), Some(5.0));
    assert!((duration("sum", &[]).unwrap() - 20.036).abs() < 1e-9);
}

#[tokio::test]
async fn failures_are_counted_by_reason() {
    let scene = Scene::new();
    scene.own.poll_failed(&scene.project, Operation::Policy, ErrorKind::BadSignature);
    scene.own.poll_failed(&scene.project, Operation::Policy, ErrorKind::Unauthorized);
    let of = |operation, reason| scene.value("poll_failures_total", &[("operation", operation), ("reason", reason)]);
    assert_eq!(of("policy", "unauthorized"), Some(2.0));
    assert_eq!(of("policy", "timeout"), Some(0.0));
    assert_eq!(of("backups", "unauthorized"), Some(0.0));
}

#[tokio::test]
async fn the_rest_is_told_as_it_happens() {
    let scene = Scene::new();
    let (own, project) = (&scene.own, &scene.project);
    let of_project = |name: &str| scene.value(name, &[("project", "prod")]);
    own.throttled(project);
    assert_eq!(of_project("throttled_total"), Some(1.0));
    own.limiter_waited(project, Duration::from_millis(250));
    own.limiter_waited(project, Duration::from_millis(500));
    assert_eq!(of_project("rate_limiter_wait_seconds_total"), Some(0.75));
    own.schedule(project, Duration::from_millis(1_500), 7, 42);
    assert_eq!(of_project("poll_lag_seconds"), Some(1.5));
    assert_eq!(of_project("polls_due"), Some(7.0));
    assert_eq!(of_project("instances_watched"), Some(42.0));
    own.clock_skew(project, -0.5);
    assert_eq!(of_project("clock_skew_seconds"), Some(-0.5));
    own.credentials_expire(project, Some(at("2026-11-22T13:00:00Z")));
    assert_eq!(of_project("credentials_expiry_timestamp_seconds"), Some(1_795_352_400.0));
    own.credentials_expire(project, None);
    own.credentials_expire(project, None);
    assert_eq!(of_project("credentials_expiry_timestamp_seconds"), None);
    let oddities = Oddities { rejected: [("size", 2), ("progress", 1)].into(), unknown: [("status", 3)].into() };
    own.oddities(project, Operation::Backups, &oddities);
    own.oddities(project, Operation::Backups, &oddities);
    let labels = [("project", "prod"), ("operation", "backups"), ("field", "size")];
    assert_eq!(scene.value("records_rejected_total", &labels), Some(4.0));
    assert_eq!(scene.value("unknown_values_total", &[("field", "status")]), Some(6.0));
    assert_eq!(scene.value("build_info", &[("version", env!("CARGO_PKG_VERSION"))]), Some(1.0));
}

#[tokio::test]
async fn a_project_that_ends_takes_its_series_with_it() {
    let scene = Scene::new();
    let (own, gone, stays) = (&scene.own, &scene.project, ProjectName::from("stays"));
    own.project_begins(&stays);
    let oddities = Oddities { rejected: [("size", 2)].into(), unknown: [("status", 3)].into() };
    for project in [gone, &stays] {
        own.api_request(project, Operation::Backups, Some(418), Duration::from_secs(1));
        own.poll_failed(project, Operation::Policy, ErrorKind::Timeout);
        own.throttled(project);
        own.limiter_waited(project, Duration::from_secs(1));
        own.oddities(project, Operation::Backups, &oddities);
        own.schedule(project, Duration::from_secs(1), 7, 42);
        own.clock_skew(project, 1.0);
        own.credentials_expire(project, Some(fleet::now()));
    }
    let series = |project: &str| {
        let mut samples: Vec<(String, f64)> = Vec::new();
        for family in scene.families().into_values() {
            let of_project = family.samples.iter().filter(|sample| sample.label("project") == Some(project));
            samples.extend(of_project.map(|sample| (sample.name.clone(), sample.value)));
        }
        samples
    };
    let (before, others) = (series("prod"), series("stays"));
    assert_eq!(before, others);
    own.project_ends(gone);
    assert_eq!((series("prod"), series("stays")), (Vec::new(), others.clone()));
    own.project_ends(gone);
    own.project_begins(gone);
    let anew = series("prod");
    assert!(!anew.is_empty() && anew.iter().all(|(_, value)| *value == 0.0), "{anew:?}");
    assert_eq!(series("stays"), others);
    assert_eq!(scene.value("unknown_values_total", &[("field", "status")]), Some(6.0), "nobody's");
}

#[tokio::test]
async fn the_newest_loading_of_the_configuration_is_told() {
    let scene = Scene::new();
    let told = || {
        ["config_last_reload_successful", "config_last_reload_success_timestamp_seconds", "lookback_seconds"]
            .map(|name| scene.value(name, &[]))
    };
    let start = fleet::now().as_millisecond() as f64 / 1000.0;
    assert_eq!(told(), [Some(1.0), Some(start), Some(86_400.0)]);
    scene.own.not_reloaded();
    assert_eq!(told(), [Some(0.0), Some(start), Some(86_400.0)]);
    scene.own.configured(fleet::now() + Duration::from_mins(1));
    scene.own.looks_back(Duration::from_mins(1));
    assert_eq!(told(), [Some(1.0), Some(start + 60.0), Some(60.0)]);
}

#[tokio::test(start_paused = true)]
async fn an_age_moves_with_the_clock_and_not_with_polls() {
    let (sender, snapshots) = watch::channel(snapshot(vec![project("prod", vec![full("a", "a")])]));
    let scene = Scene::new();
    let exposition = Exposition::new(snapshots, scene.own, Clock::starting_at(fleet::now()));
    let age = |kept: &mut Vec<_>| {
        let rendered = exposition.render(Format::Text);
        let text = rendered.to_text();
        kept.push(rendered); // a scrape that is still being sent
        let families = strict::read(&text, Format::Text);
        families["dcs_backup_last_success_age_seconds"].samples[0].value
    };
    let mut sent = Vec::new();
    let first = age(&mut sent);
    assert!((first - 35_599.454).abs() < 1e-6, "{first}");
    tokio::time::advance(Duration::from_secs(10)).await;
    assert!((age(&mut sent) - first - 10.0).abs() < 1e-6);
    // A new picture is seen at once, even within the second.
    sender.send(snapshot(vec![project("prod", vec![full("a", "a"), full("b", "b")])])).unwrap();
    let text = exposition.render(Format::Text).to_text();
    assert_eq!(text.matches("dcs_backup_last_success_age_seconds{").count(), 2);
}

#[tokio::test(start_paused = true)]
async fn scrapes_of_one_second_tell_the_same_ages() {
    let (sender, snapshots) = watch::channel(fleet::large(10));
    let exposition = Exposition::new(snapshots, Scene::new().own, Clock::starting_at(fleet::now()));
    let ages = |rendered: &Rendered| {
        let text = rendered.to_text();
        let lines = text.lines().filter(|line| line.contains("_age_seconds{"));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    let first = exposition.render(Format::Text);
    let before = ages(&first);
    assert_eq!(before.len(), 20);
    tokio::time::advance(Duration::from_millis(900)).await;
    assert_eq!(ages(&exposition.render(Format::OpenMetrics)), before);
    tokio::time::advance(Duration::from_millis(100)).await;
    assert_ne!(ages(&exposition.render(Format::Text)), before);
    sender.send(fleet::large(5)).unwrap();
    assert_eq!(ages(&exposition.render(Format::Text)).len(), 10);
    assert_eq!(ages(&first), before, "a scrape that is still being sent stays as it is");
}
