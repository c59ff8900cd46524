//! What a scrape costs, beside a plain copy of the same bytes: the ratio counts, not the machine.
//!
//! `cargo bench` prints the sizes first. Every instance has all facts, about twice what a real one has. Each scrape
//! is dropped before the next, so that none shares the fleet's text with the one before.
#![allow(missing_docs, clippy::unwrap_used)] // criterion's macros document nothing; a benchmark may fail
#![allow(clippy::disallowed_macros)] // a benchmark prints its figures

#[path = "../exposition/fleet.rs"]
#[allow(dead_code)] // the fleet is made for more than benchmarks
mod fleet;

use std::hint::black_box;
use std::sync::Arc;

use criterion::{Criterion, Throughput};
use dcs_backup_exporter::clock::Clock;
use dcs_backup_exporter::exposition::{Exposition, Format, OwnMetrics};
use dcs_backup_exporter::snapshot::Snapshot;
use tokio::sync::watch;

fn exposition(snapshot: Arc<Snapshot>) -> Exposition {
    let names: Vec<_> = snapshot.projects.iter().map(|project| project.name.clone()).collect();
    let own = OwnMetrics::new(fleet::now(), fleet::DAY, &names);
    Exposition::new(watch::channel(snapshot).1, own, Clock::system())
}

fn scrape(criterion: &mut Criterion) {
    for instances in [1_000, 10_000] {
        let exposition = exposition(fleet::large(instances));
        let rendered = exposition.render(Format::Text);
        let bytes = rendered.to_bytes();
        let lines = rendered.to_text().lines().count();
        let compressed = exposition.render_compressed(Format::Text).len();
        println!("{instances} instances: {lines} lines, {} bytes, {compressed} bytes compressed", bytes.len());
        drop(rendered);

        let mut group = criterion.benchmark_group(format!("scrape of {instances} instances"));
        group.sample_size(20).throughput(Throughput::Bytes(bytes.len() as u64));
        group.bench_function("plain copy", |bencher| bencher.iter(|| black_box(&bytes).clone()));
        group.bench_function("text", |bencher| bencher.iter(|| exposition.render(Format::Text)));
        group.bench_function("OpenMetrics", |bencher| bencher.iter(|| exposition.render(Format::OpenMetrics)));
        group.bench_function("gzip", |bencher| bencher.iter(|| exposition.render_compressed(Format::Text)));
        group.finish();
    }
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    scrape(&mut criterion);
    criterion.final_summary();
}
