//! `process_*`, without false facts.
//!
//! The crate's collector leaves a gauge at 0 when it cannot read its source. The start time is such a one under
//! systemd's `ProcSubset=pid`, which hides `/proc/stat`: a process that claims to have started in 1970 breaks every
//! query for its age, so the exporter's own start stands in. A process that runs has memory, a thread and an open
//! file, so the other gauges at 0 are unknown and left out (an unlimited number of files, for one).

use jiff::Timestamp;
use prometheus::core::{Collector, Desc};
use prometheus::process_collector::ProcessCollector;
use prometheus::proto::{MetricFamily, MetricType};

use super::OwnFamily;
use crate::exposition::families::Kind;

const START_TIME: &str = "process_start_time_seconds";

/// The families of the crate's collector.
pub(super) const FAMILIES: &[OwnFamily] = &[
    family("process_cpu_seconds_total", "Total user and system CPU time spent in seconds.", Kind::Counter),
    family("process_open_fds", "Number of open file descriptors.", Kind::Gauge),
    family("process_max_fds", "Maximum number of open file descriptors.", Kind::Gauge),
    family("process_virtual_memory_bytes", "Virtual memory size in bytes.", Kind::Gauge),
    family("process_resident_memory_bytes", "Resident memory size in bytes.", Kind::Gauge),
    family(START_TIME, "Start time of the process since unix epoch in seconds.", Kind::Gauge),
    family("process_threads", "Number of OS threads in the process.", Kind::Gauge),
];

const fn family(name: &'static str, help: &'static str, kind: Kind) -> OwnFamily {
    OwnFamily { name, help, kind, labels: &[] }
}

/// The crate's collector, corrected.
pub(super) struct Process {
    collector: ProcessCollector,
    started: Timestamp,
}

impl Process {
    pub(super) fn started_at(started: Timestamp) -> Self {
        Self { collector: ProcessCollector::for_self(), started }
    }
}

impl Collector for Process {
    fn desc(&self) -> Vec<&Desc> {
        self.collector.desc()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        corrected(self.collector.collect(), self.started)
    }
}

fn corrected(mut families: Vec<MetricFamily>, started: Timestamp) -> Vec<MetricFamily> {
    families.retain(|family| family.get_field_type() != MetricType::GAUGE || value(family) > 0.0);
    if !families.iter().any(|family| family.name() == START_TIME) {
        families.push(start_time(started));
    }
    families
}

fn value(family: &MetricFamily) -> f64 {
    family.get_metric().first().map_or(0.0, |metric| metric.get_gauge().get_value())
}

fn start_time(started: Timestamp) -> MetricFamily {
    let gauge = prometheus::Gauge::new(START_TIME, "Start time of the process since unix epoch in seconds.")
        .expect("the name is valid");
    gauge.set(super::unix_seconds(started));
    gauge.collect().swap_remove(0)
}

#[cfg(test)]
mod tests {
    use prometheus::{IntCounter, IntGauge};

    use super::*;

    fn started() -> Timestamp {
        "2026-11-01T00:00:00.25Z".parse().unwrap()
    }

    fn gauge(name: &str, value: i64) -> MetricFamily {
        let gauge = IntGauge::new(name, "help").unwrap();
        gauge.set(value);
        gauge.collect().swap_remove(0)
    }

    fn names_and_values(families: &[MetricFamily]) -> Vec<(&str, f64)> {
        families.iter().map(|family| (family.name(), value(family))).collect()
    }

    #[test]
    fn a_start_in_1970_gives_way_to_the_exporters_own() {
        let families = corrected(vec![gauge("process_threads", 3), gauge(START_TIME, 0)], started());
        assert_eq!(names_and_values(&families), [("process_threads", 3.0), (START_TIME, 1_793_491_200.25)]);
    }

    #[test]
    fn without_any_facts_the_start_is_still_known() {
        assert_eq!(names_and_values(&corrected(Vec::new(), started())), [(START_TIME, 1_793_491_200.25)]);
    }

    #[test]
    fn a_start_that_was_read_is_kept_and_unread_gauges_are_left_out() {
        let counter = IntCounter::new("process_cpu_seconds_total", "help").unwrap();
        let families = corrected(
            vec![counter.collect().swap_remove(0), gauge("process_max_fds", 0), gauge(START_TIME, 1_700_000_000)],
            started(),
        );
        let names: Vec<&str> = families.iter().map(MetricFamily::name).collect();
        assert_eq!(names, ["process_cpu_seconds_total", START_TIME]);
        assert!((value(&families[1]) - 1_700_000_000.0).abs() < f64::EPSILON);
    }

    #[test]
    fn the_table_is_what_the_collector_describes() {
        let collector = Process::started_at(started());
        let described: Vec<_> = collector.desc().iter().map(|desc| (&*desc.fq_name, &*desc.help)).collect();
        let listed: Vec<_> = FAMILIES.iter().map(|family| (family.name, family.help)).collect();
        assert_eq!(described, listed);
    }
}
