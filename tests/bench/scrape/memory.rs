//! How much memory the server takes with its fleet, scraped every second in both forms by turns.
//!
//! The poller is not among it: it is measured with the whole program.

use std::process::Command;
use std::time::Duration;

use crate::fleets::{self, KINDS};
use crate::loopback::Exporter;

/// The argument that makes this program the one to be measured.
pub(crate) const WORD: &str = "--memory-of";

/// Scrapes each second, so long.
const SCRAPES: u32 = 8;

/// The table.
pub(crate) fn table() -> String {
    let mut table =
        "## Resident memory, scraped every second, in MB: the facts, after the first scrapes, at the end\n".to_owned();
    for kind in KINDS {
        for instances in ["1000", "10000"] {
            let program = std::env::current_exe().unwrap();
            let output = Command::new(program).args([WORD, instances, kind]).output().unwrap();
            table += &format!("{instances:>6} instances, {kind:5} {}", String::from_utf8_lossy(&output.stdout));
        }
    }
    table + "\n"
}

/// Measures itself.
pub(crate) fn child(instances: u64, kind: &str) {
    let fleet = fleets::of(kind, instances);
    let facts = resident();
    let server = Exporter::start(fleet);
    let mut first = 0.0;
    for scrape in 0..SCRAPES {
        server.scrape_away(scrape % 2 == 1);
        if scrape == 1 {
            first = resident();
        }
        std::thread::sleep(Duration::from_secs(1));
    }
    println!("{facts:.1}, {first:.1}, {:.1}", resident());
}

/// In MB.
fn resident() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<f64>().unwrap() / 1000.0
}
