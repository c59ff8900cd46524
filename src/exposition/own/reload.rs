//! What a reload changes: projects come and go, and it is told how the reload went itself.

use std::collections::HashMap;
use std::time::Duration;

use jiff::Timestamp;
use prometheus::core::{Collector as _, MetricVec, MetricVecBuilder};

use super::{OwnMetrics, unix_seconds};
use crate::cloud::error::ErrorKind;
use crate::domain::{Operation, ProjectName};

impl OwnMetrics {
    /// A project is watched from here on: its counts begin at 0.
    pub fn project_begins(&self, project: &ProjectName) {
        let project = project.as_str();
        self.throttled.with_label_values(&[project]);
        self.limiter_wait.with_label_values(&[project]);
        for operation in Operation::ALL.map(Operation::as_str) {
            self.api_requests.with_label_values(&[project, operation, "200"]);
            self.api_duration.with_label_values(&[project, operation]);
            for reason in ErrorKind::REASONS {
                self.poll_failures.with_label_values(&[project, operation, reason]);
            }
        }
    }

    /// A project is not watched any more: its series end. Nobody may tell anything of it after this.
    pub fn project_ends(&self, project: &ProjectName) {
        let project = project.as_str();
        end(&self.api_requests, project);
        end(&self.api_duration, project);
        end(&self.poll_failures, project);
        end(&self.throttled, project);
        end(&self.limiter_wait, project);
        end(&self.poll_lag, project);
        end(&self.polls_due, project);
        end(&self.instances_watched, project);
        end(&self.records_rejected, project);
        end(&self.clock_skew, project);
        end(&self.credentials_expiry, project);
    }

    /// A configuration was loaded, and is in use from now on.
    pub fn configured(&self, at: Timestamp) {
        self.reload_successful.set(1);
        self.reload_at.set(unix_seconds(at));
    }

    /// A configuration could not be loaded: the one before stays in use.
    pub fn not_reloaded(&self) {
        self.reload_successful.set(0);
    }

    /// How far back failures are counted from now on.
    pub fn looks_back(&self, lookback: Duration) {
        self.lookback.set(lookback.as_secs_f64());
    }
}

/// Removes the series of a project from a family.
fn end<T: MetricVecBuilder>(family: &MetricVec<T>, project: &str) {
    for metric in family.collect().iter().flat_map(prometheus::proto::MetricFamily::get_metric) {
        let labels: HashMap<&str, &str> =
            metric.get_label().iter().map(|label| (label.name(), label.value())).collect();
        if labels.get("project") == Some(&project) {
            // An error says that it is gone already.
            let _ = family.remove(&labels);
        }
    }
}
