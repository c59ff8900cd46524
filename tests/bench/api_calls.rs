//! How many calls a fleet costs, and how soon its backups are seen: a week of 10 000 instances in virtual time.
//!
//! `cargo bench --bench api_calls` prints a table; a number after `--` is another size of the fleet. It simulates
//! projects of 1 000 instances each, on all cores. The same simulation with exact limits, but smaller, is an ordinary
//! test of the poller.
#![allow(missing_docs, clippy::unwrap_used)] // a benchmark may fail
#![allow(clippy::disallowed_macros)] // a benchmark prints its figures
#![allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // quantiles

mod figures;
mod week;

use std::sync::Mutex;

use dcs_backup_exporter::domain::Operation;
use figures::Bar::{AtLeast, AtMost};
use week::{Figures, Week, quantile, simulate};

const PART: u32 = 1000;

fn fleet(instances: u32, spread: f64) -> Figures {
    let parts: Vec<_> =
        (0..instances).step_by(PART as usize).map(|begin| begin..(begin + PART).min(instances)).collect();
    let left = Mutex::new(parts);
    let total = Mutex::new(Figures::default());
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(|| {
                loop {
                    let Some(instances) = left.lock().unwrap().pop() else { break };
                    let figures = simulate(&Week { instances, days: 7, spread });
                    total.lock().unwrap().add(&figures);
                }
            });
        }
    });
    total.into_inner().unwrap()
}

fn main() {
    let instances = std::env::args().skip(1).find_map(|argument| argument.parse().ok()).unwrap_or(10_000);
    println!("a week of {instances} instances, calls per instance and day:");
    println!(
        "{:<34} {:>8} {:>8} {:>8} {:>8} {:>8} {:>8}  scheduled seen after (p50, p99, most)  by hand (most)  untold",
        "durations of one instance", "backups", "restores", "policy", "listing", "total", "of 2880"
    );
    for (name, spread) in [("alike (a minute up or down)", 0.08), ("anything from 5 to 30 minutes", 1.0)] {
        let figures = fleet(instances, spread);
        let total = figures.total_per_day();
        println!(
            "{name:<34} {:>8.1} {:>8.1} {:>8.1} {:>8.2} {total:>8.1} {:>8}  {:>5.0?} {:>5.0?} {:>5.0?}  {:>5.0?}  {}",
            figures.per_day(Operation::Backups),
            figures.per_day(Operation::Restores),
            figures.per_day(Operation::Policy),
            figures.per_day(Operation::Instances),
            format!("1/{:.1}", 2880.0 / total),
            quantile(&figures.scheduled, 0.5),
            quantile(&figures.scheduled, 0.99),
            quantile(&figures.scheduled, 1.0),
            quantile(&figures.by_hand, 1.0),
            figures.untold,
        );
        let p99 = quantile(&figures.scheduled, 0.99).as_secs_f64();
        let by_hand = quantile(&figures.by_hand, 1.0).as_secs_f64();
        figures::tell(
            &format!("calls {instances}, {name}"),
            2880.0 / total,
            "times fewer than every 60 s",
            AtLeast(12.0),
        );
        figures::tell(&format!("scheduled backups {instances}, {name}"), p99, "s until seen (p99)", AtMost(60.0));
        figures::tell(&format!("manual backups {instances}, {name}"), by_hand, "s until seen (most)", AtMost(900.0));
    }
}
