//! Whether memory grows: a month of a fleet in virtual time, scraped every ten minutes, plain and compressed by turns.
//!
//! `cargo bench --bench month` prints what is resident every third day. By the third the cloud's lists are as long as
//! they get, and everything has been said once; what comes on top after that would be growth.
#![allow(clippy::unwrap_used)] // a benchmark may fail
#![allow(clippy::disallowed_macros)] // it prints its figures

mod figures;
#[allow(dead_code, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
// as in api_calls, and more is counted than is asked for here
mod week;

use std::time::Duration;

use dcs_backup_exporter::exposition::{Exposition, Format};
use figures::Bar::AtMost;
use week::{Week, simulate_beside};

const INSTANCES: u32 = 300;
const DAYS: u32 = 30;
const SCRAPE: Duration = Duration::from_mins(10);
const SCRAPES_A_DAY: u32 = 144;

fn main() {
    let mut residents = Vec::new();
    let week = Week { instances: 0..INSTANCES, days: DAYS, spread: 1.0 };
    let simulated = simulate_beside(&week, async |exposition| {
        for scrape in 1..=DAYS * SCRAPES_A_DAY {
            tokio::time::sleep(SCRAPE).await;
            scrape_away(&exposition, scrape % 2 == 1);
            if scrape % (3 * SCRAPES_A_DAY) == 0 {
                residents.push(resident());
                println!("day {:2}: {:.2} MB resident", scrape / SCRAPES_A_DAY, resident());
            }
        }
    });
    println!("{:.0} calls of {INSTANCES} instances", simulated.total_per_day() * simulated.instance_days);
    // It goes up and down by what the allocator has in hand: so averages are compared.
    let average = |part: &[f64]| part.iter().sum::<f64>() / part.len() as f64;
    let (first, last) = (average(&residents[..3]), average(&residents[residents.len() - 3..]));
    let growth = (last / first - 1.0) * 100.0;
    figures::tell(
        &format!("memory of {INSTANCES} after a month"),
        growth,
        "% more than in its first days",
        AtMost(3.0),
    );
}

fn scrape_away(exposition: &Exposition, compressed: bool) {
    let mut rendered =
        if compressed { exposition.render_compressed(Format::Text) } else { exposition.render(Format::Text) };
    while rendered.take(64 * 1024).is_some() {}
}

/// In MB.
fn resident() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<f64>().unwrap() / 1000.0
}
