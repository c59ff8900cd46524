//! The same series in a registry of the crate `prometheus`, as most exporters do it.

use std::collections::HashMap;
use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use prometheus::{Encoder, GaugeVec, Opts, TextEncoder};

/// A registry with a `GaugeVec` per family.
pub(crate) struct Registry(prometheus::Registry);

impl Registry {
    /// One with the samples of this text.
    pub(crate) fn of(text: &str) -> Self {
        let registry = prometheus::Registry::new();
        let mut families: HashMap<&str, GaugeVec> = HashMap::new();
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let Some((name, rest)) = line.split_once('{') else { continue };
            let (labels, value) = rest.rsplit_once("} ").unwrap();
            // Labels of these fleets hold neither commas nor quotes.
            let (names, values): (Vec<&str>, Vec<&str>) =
                labels.split("\",").map(|label| label.trim_end_matches('"').split_once("=\"").unwrap()).unzip();
            let family = families.entry(name).or_insert_with(|| {
                let family = GaugeVec::new(Opts::new(name, "what it means, in a sentence"), &names).unwrap();
                registry.register(Box::new(family.clone())).unwrap();
                family
            });
            family.with_label_values(&values).set(value.parse().unwrap());
        }
        Self(registry)
    }

    /// A scrape, without sending it.
    pub(crate) fn encode(&self, compressed: bool) {
        let mut text = Vec::new();
        TextEncoder::new().encode(&self.0.gather(), &mut text).unwrap();
        if compressed {
            let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
            encoder.write_all(&text).unwrap();
            encoder.finish().unwrap();
        }
    }
}
