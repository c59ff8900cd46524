//! The whole program against the simulated cloud, each a process of its own: polls a second of one core, memory and
//! scrapes, in fleets of all sizes.
//!
//! `cargo bench --bench program` takes some minutes; numbers after `--` are other sizes of the fleet. The daemon has one
//! core, the cloud another, as far as `taskset` and the machine let them. First everything is polled once, then again and
//! again as fast as one core can, which is several hundred times what a real fleet of that size needs: so the memory
//! is that of a program with no moment to rest. Nothing is scraped until the polls were counted; then every second, plain and
//! compressed by turns.
#![allow(clippy::unwrap_used)] // a benchmark may fail
#![allow(clippy::disallowed_macros, clippy::disallowed_methods)] // it prints its figures, by the system's clock

#[path = "program/daemon.rs"]
mod daemon;
mod figures;
#[path = "program/processes.rs"]
mod processes;

use std::time::{Duration, Instant};

use daemon::Daemon;
use figures::Bar::{AtLeast, AtMost};

/// How long polls are counted.
const COUNTED: Duration = Duration::from_secs(10);
/// How often everything is scraped, a second apart.
const SCRAPES: u32 = 30;

fn main() {
    let sizes: Vec<usize> = std::env::args().skip(1).filter_map(|argument| argument.parse().ok()).collect();
    let sizes = if sizes.is_empty() { vec![100, 1_000, 10_000, 100_000] } else { sizes };
    if !processes::can_pin() {
        println!("taskset is missing: the daemon takes all cores, and polls are per second of processor time");
    }
    println!(
        "instances  all polled   polls/s  CPU per poll  with scrapes   resident (each)  largest   identity       gzip"
    );
    for instances in sizes {
        measure(instances);
    }
}

fn measure(instances: usize) {
    let cloud = processes::simulate(instances);
    let daemon = Daemon::start(cloud.address, instances);
    let begun = Instant::now();
    // Each instance is asked for its backups, its restores and its policy.
    while cloud.requests() < 3 * instances as u64 {
        std::thread::sleep(Duration::from_millis(200));
    }
    let filled = begun.elapsed();

    let (polls, cpu, begun) = (cloud.requests(), daemon.cpu(), Instant::now());
    std::thread::sleep(COUNTED);
    let polls_unscraped = (cloud.requests() - polls) as f64;
    let per_poll = (daemon.cpu() - cpu) / polls_unscraped;
    let a_second = polls_unscraped / begun.elapsed().as_secs_f64();

    let (polls, cpu) = (cloud.requests(), daemon.cpu());
    let mut scrapes = [Vec::new(), Vec::new()];
    for scrape in 0..SCRAPES {
        let begun = Instant::now();
        let bytes = daemon.scrape(scrape % 2 == 1);
        scrapes[(scrape % 2) as usize].push((begun.elapsed(), bytes));
        std::thread::sleep(Duration::from_secs(1).saturating_sub(begun.elapsed()));
    }
    let per_poll_scraped = (daemon.cpu() - cpu) / (cloud.requests() - polls) as f64;
    let (resident, largest) = daemon.resident();
    let [plain, compressed] = scrapes.map(|mut scrapes| {
        scrapes.sort_unstable();
        scrapes[scrapes.len() / 2]
    });
    let shown =
        |(time, bytes): (Duration, u64)| format!("{:.1} ms {:.2} MB", time.as_secs_f64() * 1e3, bytes as f64 / 1e6);
    println!(
        "{instances:9} {:9.1} s {a_second:9.0} {:10.0} µs {:10.0} µs {:6.1} MB ({:.1} kB) {:5.1} MB {:>10} {:>10}",
        filled.as_secs_f64(),
        per_poll * 1e6,
        per_poll_scraped * 1e6,
        resident / 1e6,
        resident / 1e3 / instances as f64,
        largest / 1e6,
        shown(plain),
        shown(compressed),
    );
    let tell = |what: &str, value, unit: &str, bar| figures::tell(&format!("{what} {instances}"), value, unit, bar);
    if let Some((_, most)) = [(1_000, 25.0), (10_000, 150.0)].into_iter().find(|(size, _)| *size == instances) {
        tell("memory, polled and scraped without rest,", resident / 1e6, "MB resident", AtMost(most));
        tell("polls", 1.0 / per_poll, "a second of one core", AtLeast(2000.0));
        tell("polls, scraped every second,", 1.0 / per_poll_scraped, "a second of one core", AtLeast(2000.0));
    }
}
