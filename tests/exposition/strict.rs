//! A reader of both formats that forgives nothing: what it takes, every scraper takes.

use std::collections::{BTreeMap, BTreeSet};

use dcs_backup_exporter::exposition::Format;

/// A family as it was read.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Family {
    pub(crate) kind: String,
    pub(crate) help: String,
    pub(crate) samples: Vec<Sample>,
}

/// A sample as it was read.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Sample {
    pub(crate) name: String,
    pub(crate) labels: Vec<(String, String)>,
    pub(crate) value: f64,
}

impl Sample {
    pub(crate) fn label(&self, name: &str) -> Option<&str> {
        self.labels.iter().find(|(label, _)| label == name).map(|(_, value)| value.as_str())
    }
}

/// Reads a whole scrape; families by the name of their HELP and TYPE.
///
/// # Panics
/// At the first thing that either format, or good style, forbids.
pub(crate) fn read(text: &str, format: Format) -> BTreeMap<String, Family> {
    let text = match format {
        Format::OpenMetrics => text.strip_suffix("# EOF\n").expect("OpenMetrics ends with # EOF"),
        Format::Text => text,
    };
    assert!(text.is_empty() || text.ends_with('\n'), "every line ends with a line feed");
    let mut families: BTreeMap<String, Family> = BTreeMap::new();
    let mut series = BTreeSet::new();
    let mut lines = text.split_terminator('\n').peekable();
    while let Some(line) = lines.next() {
        let (name, help) =
            line.strip_prefix("# HELP ").unwrap_or_else(|| panic!("no HELP: {line}")).split_once(' ').unwrap();
        let type_line = lines.next().unwrap();
        let kind = type_line.strip_prefix(&format!("# TYPE {name} ")).unwrap_or_else(|| panic!("no TYPE: {type_line}"));
        assert!(["gauge", "counter", "histogram"].contains(&kind), "{type_line}");
        assert!(
            help.ends_with(|end: char| end == '.' || end.is_alphanumeric()) && !help.contains(['\\', '"']),
            "{line}"
        );
        let mut family = Family { kind: kind.to_owned(), help: help.to_owned(), samples: Vec::new() };
        while let Some(line) = lines.next_if(|line| !line.starts_with('#')) {
            let sample = sample(line);
            assert!(series.insert((sample.name.clone(), sample.labels.clone())), "twice: {line}");
            family.samples.push(sample);
        }
        assert!(!family.samples.is_empty(), "{name} has no samples");
        check(name, &family, format);
        assert!(families.insert(name.to_owned(), family).is_none(), "{name} is not contiguous");
    }
    families
}

fn check(name: &str, family: &Family, format: Format) {
    match (family.kind.as_str(), format) {
        ("counter", Format::Text) => {
            assert!(name.ends_with("_total"), "{name}");
            assert!(family.samples.iter().all(|sample| sample.name == name && sample.value >= 0.0), "{name}");
        }
        ("counter", Format::OpenMetrics) => {
            assert!(!name.ends_with("_total"), "{name}");
            assert!(family.samples.iter().all(|sample| sample.name == format!("{name}_total")), "{name}");
        }
        ("histogram", _) => histogram(name, &family.samples),
        _ => {
            assert!(!name.ends_with("_total"), "{name}");
            assert!(family.samples.iter().all(|sample| sample.name == name), "{name}");
            if name.ends_with("_info") {
                assert!(family.samples.iter().all(|sample| (sample.value - 1.0).abs() < f64::EPSILON), "{name}");
            }
        }
    }
}

/// Per set of labels: buckets with rising bounds and counts up to `+Inf`, then the sum, then the count.
fn histogram(name: &str, samples: &[Sample]) {
    let (mut last_bound, mut last_count) = (f64::NEG_INFINITY, 0.0);
    for sample in samples {
        if sample.name == format!("{name}_bucket") {
            let (label, le) = sample.labels.last().unwrap();
            assert_eq!(label, "le");
            assert!(le == "+Inf" || le.contains('.'), "{le} is not spelt as OpenMetrics wants it");
            let bound: f64 = le.parse().unwrap();
            assert!(bound > last_bound && sample.value >= last_count, "{name} {le}");
            (last_bound, last_count) = (bound, sample.value);
        } else if sample.name == format!("{name}_sum") {
            assert!(last_bound.is_infinite());
        } else {
            assert_eq!(sample.name, format!("{name}_count"));
            assert!((sample.value - last_count).abs() < f64::EPSILON);
            (last_bound, last_count) = (f64::NEG_INFINITY, 0.0);
        }
    }
}

fn sample(line: &str) -> Sample {
    let name_end = line.find(['{', ' ']).unwrap_or_else(|| panic!("{line}"));
    let (name, rest) = line.split_at(name_end);
    assert!(is_name(name), "{line}");
    let (labels, value) = match rest.strip_prefix('{') {
        Some(rest) => labels(rest, line),
        None => (Vec::new(), rest),
    };
    let value = value.strip_prefix(' ').unwrap_or_else(|| panic!("{line}"));
    assert!(!value.contains(' '), "no timestamps: {line}");
    let value = match value {
        "+Inf" => f64::INFINITY,
        other => {
            assert!(other.bytes().all(|byte| byte.is_ascii_digit() || b".-".contains(&byte)), "{line}");
            other.parse().unwrap()
        }
    };
    Sample { name: name.to_owned(), labels, value }
}

fn labels<'a>(mut rest: &'a str, line: &str) -> (Vec<(String, String)>, &'a str) {
    let mut labels: Vec<(String, String)> = Vec::new();
    loop {
        let (name, after) = rest.split_once("=\"").unwrap_or_else(|| panic!("{line}"));
        assert!(is_name(name) && !name.contains(':'), "{line}");
        assert!(labels.iter().all(|(other, _)| other != name), "label twice: {line}");
        let mut value = String::new();
        let mut characters = after.char_indices();
        let end = loop {
            match characters.next().unwrap_or_else(|| panic!("{line}")) {
                (at, '"') => break at + 1,
                (_, '\\') => value.push(match characters.next().unwrap().1 {
                    'n' => '\n',
                    same @ ('\\' | '"') => same,
                    other => panic!("escape \\{other}: {line}"),
                }),
                (_, other) => {
                    assert_ne!(other, '\0', "{line}");
                    value.push(other);
                }
            }
        };
        labels.push((name.to_owned(), value));
        rest = &after[end..];
        match rest.as_bytes().first() {
            Some(b',') => rest = &rest[1..],
            Some(b'}') => return (labels, &rest[1..]),
            _ => panic!("{line}"),
        }
    }
}

fn is_name(text: &str) -> bool {
    let mut bytes = text.bytes();
    bytes.next().is_some_and(|first| first.is_ascii_lowercase())
        && bytes.all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}
