//! What a fleet costs in a week, and how soon its backups are seen: `cargo bench --bench api_calls`, but smaller.

#[path = "../../../tests/bench/week.rs"]
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // quantiles
#[allow(dead_code)] // made for the benchmark too
mod simulation;

use super::*;
use simulation::{Figures, Week, quantile, simulate};

/// Polling backups and restores every minute, per instance and day.
const EVERY_MINUTE: f64 = 2.0 * 24.0 * 60.0;

/// What holds however long backups take; most calls to the backups of an instance in a day.
fn assert_cheap_and_prompt(figures: &Figures, most: f64) {
    assert!(figures.total_per_day() <= EVERY_MINUTE / 12.0, "{} calls a day", figures.total_per_day());
    assert!(figures.per_day(Operation::Backups) < most, "{}", figures.per_day(Operation::Backups));
    // Once an hour, four times a day, every five minutes for 80 instances together; each once more at the beginning.
    for (operation, expected) in [(Operation::Restores, 24.0), (Operation::Policy, 4.0), (Operation::Instances, 3.6)] {
        let calls = figures.per_day(operation);
        assert!(calls >= expected && calls < expected + 0.3, "{calls} {operation}");
    }
    // One for each instance and day; a few cross the beginning or the end.
    assert!(figures.scheduled.len().abs_diff(80 * 7) <= 5, "{}", figures.scheduled.len());
    assert_eq!(figures.untold, 0);
    assert!(quantile(&figures.scheduled, 0.99) <= MINUTE, "{:?}", quantile(&figures.scheduled, 0.99));
    assert!(figures.by_hand.len() > 5 && figures.by_hand.last() <= Some(&Polling::default().idle_interval));
}

#[test]
fn a_week_of_backups_of_usual_length_is_seen_at_once_for_a_sixteenth_of_the_calls() {
    let figures = simulate(&Week { instances: 0..80, days: 7, spread: 0.08 });
    assert_cheap_and_prompt(&figures, EVERY_MINUTE / 20.0);
    assert!(quantile(&figures.scheduled, 0.99) < Duration::from_secs(20));
}

#[test]
fn a_week_of_backups_of_any_length_is_seen_at_once_for_a_twelfth_of_the_calls() {
    let figures = simulate(&Week { instances: 0..80, days: 7, spread: 1.0 });
    assert_cheap_and_prompt(&figures, EVERY_MINUTE / 14.0);
}
