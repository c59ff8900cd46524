//! How asking a project goes, read back for pages and lists.

use jiff::Timestamp;
use prometheus::core::Collector;

use super::OwnMetrics;
use crate::domain::ProjectName;

/// How asking a project goes; what is not known is `None`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Health {
    /// By how much its most overdue poll is late now.
    pub poll_lag_seconds: Option<f64>,
    /// Polls that are due now.
    pub polls_due: Option<u64>,
    /// Answers that said that the cloud is asked too often, since the start.
    pub throttled_total: Option<u64>,
    /// The cloud's clock minus ours.
    pub clock_skew_seconds: Option<f64>,
    /// When its present credentials expire.
    pub credentials_expiry_at: Option<Timestamp>,
}

impl OwnMetrics {
    /// How asking this project goes.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // counts and times, far below 2^53
    pub fn health(&self, project: &ProjectName) -> Health {
        let count = |value: f64| value as u64;
        let moment = |seconds: f64| Timestamp::from_millisecond((seconds * 1000.0) as i64).ok();
        Health {
            poll_lag_seconds: value(&self.poll_lag, project),
            polls_due: value(&self.polls_due, project).map(count),
            throttled_total: value(&self.throttled, project).map(count),
            clock_skew_seconds: value(&self.clock_skew, project),
            credentials_expiry_at: value(&self.credentials_expiry, project).and_then(moment),
        }
    }
}

/// The value of a project's series; asking the family for it would make it where there is none.
fn value(family: &impl Collector, project: &ProjectName) -> Option<f64> {
    let families = family.collect();
    let metric = families.iter().flat_map(prometheus::proto::MetricFamily::get_metric).find(|metric| {
        metric.get_label().iter().any(|label| label.name() == "project" && label.value() == project.as_str())
    })?;
    // Of the two, the one that the family does not have is 0.
    Some(metric.get_gauge().get_value() + metric.get_counter().get_value())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn it_tells_what_the_series_tell_and_makes_none() {
        let projects = ["a", "b"].map(ProjectName::from);
        let own = OwnMetrics::new(Timestamp::UNIX_EPOCH, Duration::ZERO, &projects);
        let at = "2026-11-21T12:00:00.5Z".parse().unwrap();
        own.schedule(&projects[0], Duration::from_millis(1500), 7, 9);
        own.throttled(&projects[0]);
        own.clock_skew(&projects[0], -2.5);
        own.credentials_expire(&projects[0], Some(at));
        let full = Health {
            poll_lag_seconds: Some(1.5),
            polls_due: Some(7),
            throttled_total: Some(1),
            clock_skew_seconds: Some(-2.5),
            credentials_expiry_at: Some(at),
        };
        assert_eq!(own.health(&projects[0]), full);
        assert_eq!(own.health(&projects[1]), Health { throttled_total: Some(0), ..Health::default() });
        assert_eq!(own.health(&"unknown".into()), Health::default());
        assert!(own.poll_lag.collect()[0].get_metric().len() == 1, "no series was made");
    }
}
