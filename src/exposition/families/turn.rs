//! When the clock alone changes what is told of an instance, ages excepted: at a slot, and when a failure leaves the
//! look-back window.

use std::time::Duration;

use jiff::Timestamp;

use super::At;
use crate::snapshot::InstanceView;

/// The first moment after `at.now` at which a family that [steps](super::Emit::Stepping) may say something else of
/// this instance, as long as nothing new is learnt of it and time goes forward; `None` for never.
pub fn next(instance: &InstanceView, at: &At) -> Option<Timestamp> {
    let slot = instance.policy.as_ref().and_then(|policy| policy.next_scheduled(at.now));
    let failures = [&instance.backups, &instance.restores].into_iter().flatten().flat_map(|facts| &facts.failures);
    // A failure counts to the last nanosecond of its window.
    let leaving = failures.filter_map(|failure| {
        failure.at.checked_add(at.lookback).and_then(|last| last.checked_add(Duration::from_nanos(1))).ok()
    });
    leaving.filter(|moment| *moment > at.now).chain(slot).min()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::domain::facts::{Failure, RecordFacts};
    use crate::domain::plan::{UtcOffset, WeeklyPlan};
    use crate::domain::tags::TagLabels;
    use crate::snapshot::PolicyView;

    const DAY: Duration = Duration::from_hours(24);

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn instance(begin_minute: Option<u16>, failures: &[&str]) -> InstanceView {
        let facts = RecordFacts {
            failures: failures.iter().map(|moment| Failure { at: at(moment), error_code: None }).collect(),
            ..RecordFacts::default()
        };
        let policy = begin_minute.map(|minute| PolicyView {
            automatic: true,
            updated_at: None,
            retention: None,
            expected_interval: None,
            plan: WeeklyPlan::new(&[7], minute, UtcOffset::UTC),
            since: None,
        });
        InstanceView {
            id: "a".into(),
            name: "a".into(),
            details: None,
            tags: TagLabels::default(),
            supported: None,
            policy,
            rpo: None,
            backups: Some(Arc::new(facts)),
            restores: None,
            polls: Default::default(),
        }
    }

    #[test]
    fn a_slot_or_the_end_of_a_failures_window_is_next() {
        let failures = ["2026-11-21T12:30:00Z", "2026-11-21T14:00:00Z", "2026-11-22T11:00:00Z"];
        let now = at("2026-11-22T13:00:00Z"); // a Sunday
        for (slot, failures, expected) in [
            (None, &failures[..0], None),
            (Some(14 * 60), &failures[..0], Some("2026-11-22T14:00:00Z")),
            (Some(13 * 60), &failures[..0], Some("2026-11-29T13:00:00Z")),
            (None, &failures[..1], None),
            (None, &failures[..], Some("2026-11-22T14:00:00.000000001Z")),
            (Some(14 * 60), &failures[..], Some("2026-11-22T14:00:00Z")),
            (Some(13 * 60), &failures[..], Some("2026-11-22T14:00:00.000000001Z")),
        ] {
            let next = next(&instance(slot, failures), &At { now, lookback: DAY });
            assert_eq!(next, expected.map(at), "{slot:?} {failures:?}");
        }
    }
}
