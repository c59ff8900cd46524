//! What an instance costs, in fleets of all sizes: what grows faster than the fleet shows here.

use std::time::{Duration, Instant};

use dcs_backup_exporter::exposition::{Exposition, Format};
use tokio::sync::watch;

use crate::fleets::{self, FULL};
use crate::loopback::exposition;
use crate::median;

/// The table.
pub(crate) fn table() -> String {
    let mut table = "## Microseconds per instance, without sending (full)\n\
        instances  first plain  first gzip   plain    gzip  gzip in another second  gzip after a poll, whole\n"
        .to_owned();
    for instances in [100, 1_000, 10_000, 100_000] {
        let (sender, snapshots) = watch::channel(fleets::of(FULL, instances));
        let exposition = exposition(snapshots);
        let per_instance = |time: Duration| time.as_secs_f64() * 1e6 / instances as f64;
        let first_plain = timed(|| scrape(&exposition, false));
        let first_gzip = timed(|| scrape(&exposition, true));
        let plain = median(9, Duration::ZERO, || scrape(&exposition, false));
        let gzip = median(9, Duration::ZERO, || scrape(&exposition, true));
        let later = median(5, Duration::from_millis(1_001), || scrape(&exposition, true));
        let mut before = Vec::new(); // whoever drops an old picture last pays for it: not the scrape
        let mut after_poll: Vec<Duration> = (0..9)
            .map(|poll| {
                let next = fleets::polled(&sender.borrow(), poll * 10 + 1); // not a tenth: only its time stamp changes
                before.push(sender.send_replace(next));
                timed(|| scrape(&exposition, true))
            })
            .collect();
        after_poll.sort_unstable();
        let [first_plain, first_gzip, plain, gzip, later] =
            [first_plain, first_gzip, plain, gzip, later].map(per_instance);
        table += &format!(
            "{instances:9} {first_plain:12.2} {first_gzip:11.2} {plain:7.2} {gzip:7.2} {later:23.2} {:>22.0} µs\n",
            after_poll[4].as_secs_f64() * 1e6
        );
    }
    table
}

fn timed(run: impl FnOnce()) -> Duration {
    let begun = Instant::now();
    run();
    begun.elapsed()
}

/// A scrape to its last byte.
fn scrape(exposition: &Exposition, compressed: bool) {
    let mut rendered =
        if compressed { exposition.render_compressed(Format::Text) } else { exposition.render(Format::Text) };
    while rendered.take(64 * 1024).is_some() {}
}
