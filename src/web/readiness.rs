//! The latch behind `/-/ready`: once every project has been asked, or its stored facts are shown, it stays ready for
//! good.
//!
//! A latch, because a reload that adds a project, or a cloud that is gone for an hour, is no reason for Kubernetes to
//! take the exporter out of service.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::watch;

use crate::snapshot::Snapshot;

/// Whether every project's first listing, or without discovery first request, has been tried.
#[derive(Debug)]
pub(super) struct Readiness {
    latched: AtomicBool,
    snapshots: watch::Receiver<Arc<Snapshot>>,
}

impl Readiness {
    pub(super) fn of(snapshots: watch::Receiver<Arc<Snapshot>>) -> Self {
        Self { latched: AtomicBool::new(false), snapshots }
    }

    /// Ready, or what is waited for, as a sentence.
    pub(super) fn check(&self) -> Result<(), String> {
        if self.latched.load(Ordering::Relaxed) {
            return Ok(());
        }
        let waiting = waiting_for(&self.snapshots.borrow());
        match waiting {
            None => {
                self.latched.store(true, Ordering::Relaxed);
                Ok(())
            }
            Some(waiting) => Err(waiting),
        }
    }

    /// Keeps an eye on the snapshots, so that a moment of readiness is not missed because nobody asked.
    pub(super) async fn watch(&self) {
        let mut snapshots = self.snapshots.clone();
        if snapshots.wait_for(|snapshot| waiting_for(snapshot).is_none()).await.is_ok() {
            self.latched.store(true, Ordering::Relaxed);
        }
    }
}

fn waiting_for(snapshot: &Snapshot) -> Option<String> {
    if snapshot.projects.is_empty() {
        return Some("waiting for the poller to start".to_owned());
    }
    if snapshot.all_tried() {
        return None;
    }
    let untried: Vec<&str> =
        snapshot.projects.iter().filter(|project| !project.tried).map(|project| project.name.as_str()).collect();
    let noun = if untried.len() == 1 { "project" } else { "projects" };
    Some(format!("waiting for the first request to the cloud for {noun} {}", untried.join(", ")))
}
