//! What a scrape costs, beside others doing the same in the same run: the ratios count, not the machine.
//!
//! `cargo bench` takes two to three minutes and ends with the tables. The fleets: *usual*, random ids and facts as the
//! simulated cloud gives them; *full*, numbered ids and every fact there can be, about twice what a real one has.
//! nginx is taken from the machine, or unpacked from Debian's package; where neither can be had, its rows say so.
#![allow(clippy::unwrap_used, clippy::cast_possible_truncation)] // a benchmark may fail; its numbers are small
#![allow(clippy::format_push_string)] // … and its tables too
#![allow(clippy::disallowed_macros, clippy::disallowed_methods)] // … on the standard output, by the system's clock

mod figures;
#[path = "../exposition/fleet.rs"]
#[allow(dead_code)] // the fleet is made for more than benchmarks
mod fleet;
#[path = "scrape/fleets.rs"]
mod fleets;
#[path = "scrape/loopback.rs"]
mod loopback;
#[path = "scrape/memory.rs"]
mod memory;
#[path = "scrape/nginx.rs"]
mod nginx;
#[path = "scrape/registry.rs"]
mod registry;
#[path = "scrape/size.rs"]
mod size;

use std::time::{Duration, Instant};

use figures::Bar::{AtLeast, AtMost};
use figures::{tell, tell_missing};
use nginx::{Nginx, Sending};

/// How many instances the fleet of the figures has.
const INSTANCES: u64 = 10_000;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    // A process of its own each, by itself: what another part of the benchmark has taken does not count.
    if let [word, instances, kind] = &arguments[..]
        && word == memory::WORD
    {
        return memory::child(instances.parse().unwrap(), kind);
    }
    let begun = Instant::now();
    let mut report = String::new();
    for kind in fleets::KINDS {
        report += &scrapes(kind);
    }
    report += &memory::table();
    report += &size::table();
    println!("\n{report}\n({:.0} s)", begun.elapsed().as_secs_f64());
}

/// The table of scrapes of one kind of fleet.
fn scrapes(kind: &'static str) -> String {
    let server = loopback::Exporter::start(fleets::of(kind, INSTANCES));
    let mut table = format!("## Scrapes of {INSTANCES} instances, {kind}, while polls arrive at 50 a second\n");
    let (plain, compressed) = (server.scrape(false), server.scrape(true));
    let text = String::from_utf8(plain).unwrap();
    let lines = text.lines().filter(|line| !line.starts_with('#')).count();
    let share = compressed.len() as f64 / text.len() as f64 * 100.0;
    table += &format!("{lines} series, {} bytes, compressed {} ({share:.1} %)\n", text.len(), compressed.len());

    tell(&format!("gzip body {INSTANCES} {kind}"), share, "% of the identity one", AtMost(12.0));
    let others = Sending::ALL.map(|sending| {
        (sending.name(), Nginx::start(sending, &[("plain", text.as_bytes()), ("compressed", &compressed)]))
    });
    let registry = registry::Registry::of(&text);
    drop(text);
    for (name, is_compressed, file, faster) in [("identity", false, "plain", 12.0), ("gzip", true, "compressed", 50.0)]
    {
        let what = format!("scrape {name} {INSTANCES} {kind}");
        let scrape = || server.scrape_away(is_compressed);
        let ours = median(40, Duration::ZERO, scrape);
        let spaced = median(9, Duration::from_millis(1_050), scrape);
        let registrys = median(3, Duration::ZERO, || registry.encode(is_compressed));
        table += &format!("{name:9} ours {}, the first in its second {}", ms(ours), ms(spaced));
        for (other, nginx) in &others {
            let unit = format!("x {other}");
            let nginx = match nginx {
                Ok(nginx) => nginx,
                Err(why) => {
                    tell_missing(&format!("{what}, {unit}"), why, AtMost(1.5));
                    continue;
                }
            };
            let theirs = median(40, Duration::ZERO, || nginx.get(file));
            tell(&what, ratio(ours, theirs), &unit, AtMost(1.5));
            let [ours, spaced] = [ours, spaced].map(|time| ratio(time, theirs));
            table += &format!("; {other}, the same bytes {}: {ours:.2} ×, {spaced:.2} ×", ms(theirs));
        }
        tell(&what, ratio(registrys, ours), "x faster than a GaugeVec registry", AtLeast(faster));
        table += &format!("; a GaugeVec registry {}: {:.0} × faster\n", ms(registrys), ratio(registrys, ours));
    }
    table + &lists(&server) + "\n"
}

/// What `/api/v1/instances` costs, and how scrapes go beside a client that asks for it each second.
fn lists(server: &loopback::Exporter) -> String {
    let bytes = |is_compressed| server.list(is_compressed).len();
    let time = |is_compressed| ms(median(5, Duration::ZERO, || drop(server.list(is_compressed))));
    let alone = median(5, Duration::from_millis(200), || server.scrape_away(true));
    let (beside, longest) = std::thread::scope(|scope| {
        let (done, until) = std::sync::mpsc::channel::<()>();
        scope.spawn(move || {
            while until.recv_timeout(Duration::from_secs(1)) == Err(std::sync::mpsc::RecvTimeoutError::Timeout) {
                server.list(true);
            }
        });
        let mut times = Vec::new();
        let beside = median(25, Duration::from_millis(200), || {
            let begun = Instant::now();
            server.scrape_away(true);
            times.push(begun.elapsed());
        });
        drop(done);
        (beside, times.into_iter().max().unwrap())
    });
    format!(
        "as JSON   {} bytes {}, compressed {} bytes {}; scrapes (gzip) alone {}, beside such a list each second {}, at most {}\n",
        bytes(false),
        time(false),
        bytes(true),
        time(true),
        ms(alone),
        ms(beside),
        ms(longest)
    )
}

/// The median time of so many runs, with a pause before each.
fn median(runs: usize, pause: Duration, mut run: impl FnMut()) -> Duration {
    let mut times: Vec<Duration> = (0..runs)
        .map(|_| {
            std::thread::sleep(pause);
            let begun = Instant::now();
            run();
            begun.elapsed()
        })
        .collect();
    times.sort_unstable();
    times[runs / 2]
}

fn ratio(one: Duration, other: Duration) -> f64 {
    one.as_secs_f64() / other.as_secs_f64()
}

fn ms(time: Duration) -> String {
    format!("{:.2} ms", time.as_secs_f64() * 1000.0)
}
