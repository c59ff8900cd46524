//! What is written when, and what the log and the metrics hear of it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::*;
use crate::domain::sample::minute;
use crate::exposition::{Exposition, Format};
use crate::memory::ProjectMemory;
use crate::snapshot::Snapshot;

/// A place for a directory; gone when dropped.
struct Place(PathBuf);

impl Place {
    fn new(name: &str) -> Self {
        Self(std::env::temp_dir().join(format!("dcs-storage-{}-{name}", std::process::id())))
    }

    async fn storage(&self) -> (Storage, OwnMetrics) {
        let metrics = OwnMetrics::new(minute(0), Duration::ZERO, &[]);
        let max_age = Duration::from_hours(1);
        let config = StorageConfig { path: self.0.clone(), interval: Duration::from_secs(30), max_age };
        (Storage::open(config, Clock::starting_at(minute(0)), metrics.clone()).await, metrics)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn revision(number: u64, saved: i64) -> Revision {
    let project = ProjectMemory {
        name: "prod".into(),
        project_id: "0123".into(),
        project_name: None,
        endpoint: "https://dcs.example/".to_owned(),
        shown: Some(crate::memory::ShownProject::default()),
        known: 0,
        instances: Vec::new(),
    };
    Revision { number, memory: Memory { saved_at: minute(saved), projects: vec![project] } }
}

/// The lines about the storage, without the one about unreadable files and the like that stay 0.
fn told(metrics: &OwnMetrics) -> Vec<String> {
    let (_, snapshots) = watch::channel(Arc::new(Snapshot::default()));
    let text =
        Exposition::new(snapshots, metrics.clone(), Clock::starting_at(minute(0))).render(Format::Text).to_text();
    let ours = text.lines().filter_map(|line| line.strip_prefix("dcs_exporter_storage_"));
    ours.filter(|line| !line.ends_with("} 0")).map(str::to_owned).collect()
}

#[tokio::test]
async fn nothing_new_is_not_written() {
    let place = Place::new("unchanged");
    let (mut storage, metrics) = place.storage().await;
    let facts = place.0.join("facts");
    assert_eq!(told(&metrics), ["write_failures_total 0"]);
    storage.write(revision(1, 0)).await;
    std::fs::remove_file(&facts).unwrap();
    storage.write(revision(1, 5)).await;
    assert!(!facts.exists());
    storage.write(revision(2, 6)).await;
    assert!(facts.exists());
    let told = told(&metrics).join("\n");
    assert!(told.contains("last_write_success_timestamp_seconds 17951760"), "{told}");
    assert_eq!(storage.load().await.unwrap().saved_at, minute(6));
}

#[tokio::test]
async fn a_failure_is_counted_each_time_and_told_once_until_it_is_over() {
    let place = Place::new("failing");
    let (mut storage, metrics) = place.storage().await;
    std::fs::create_dir_all(place.0.join("facts.tmp/inside")).unwrap();
    for number in 1..4 {
        storage.write(revision(number, 0)).await;
        assert!(storage.failing);
    }
    assert_eq!(told(&metrics), ["write_failures_total 3"]);
    std::fs::remove_dir_all(place.0.join("facts.tmp")).unwrap();
    storage.write(revision(3, 0)).await;
    assert!(!storage.failing, "what failed is not taken for written");
    assert_eq!(told(&metrics).len(), 2);
}

#[tokio::test]
async fn the_second_of_two_stores_when_the_first_has_ended() {
    let place = Place::new("two");
    let (mut first, _) = place.storage().await;
    first.write(revision(1, 1)).await;
    let (mut second, metrics) = place.storage().await;
    assert!(second.failing);
    assert!(second.load().await.is_some());
    second.write(revision(7, 7)).await;
    assert_eq!(told(&metrics), ["write_failures_total 1"]);
    assert_eq!(first.load().await.unwrap().saved_at, minute(1));
    drop(first);
    second.write(revision(7, 7)).await;
    assert!(!second.failing);
    assert_eq!(second.load().await.unwrap().saved_at, minute(7));
}

#[tokio::test]
async fn what_is_loaded_is_fit_for_the_moment() {
    let place = Place::new("moment");
    let (mut storage, metrics) = place.storage().await;
    assert!(storage.load().await.is_none());
    for (saved, shown) in [(-59, true), (-60, false), (0, true), (60, false)] {
        storage.finish_with(revision(1, saved)).await;
        let memory = storage.load().await.unwrap();
        assert_eq!(memory.projects[0].shown.is_some(), shown, "saved in minute {saved}");
    }
    std::fs::write(place.0.join("facts"), "nonsense").unwrap();
    assert!(storage.load().await.is_none());
    assert!(told(&metrics).contains(&"files_rejected_total{reason=\"foreign\"} 1".to_owned()), "{:?}", told(&metrics));
}

impl Storage {
    /// Writes, whatever was written before.
    async fn finish_with(&mut self, revision: Revision) {
        self.written = None;
        self.write(revision).await;
    }
}
