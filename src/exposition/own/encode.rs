//! Writing the registry in both formats: the crate's own encoder knows the older one only.
//!
//! OpenMetrics wants a counter's HELP and TYPE under the name without `_total`. A bucket's bound is spelt the same
//! in both formats (`1.0`, not `1`): it is a label's value, and two spellings would be two series.

use prometheus::proto::{LabelPair, Metric, MetricFamily, MetricType};

use super::OwnMetrics;
use crate::exposition::families::{self, Kind};
use crate::exposition::render::Format;
use crate::exposition::text::{self, Value};

impl OwnMetrics {
    /// Appends all families that have a sample, by name.
    pub(crate) fn write(&self, format: Format, out: &mut String) {
        for family in self.registry.gather() {
            write_family(&family, format, out);
        }
    }
}

fn write_family(family: &MetricFamily, format: Format, out: &mut String) {
    let name = family.name();
    let kind = match family.get_field_type() {
        MetricType::COUNTER => Kind::Counter,
        MetricType::HISTOGRAM => Kind::Histogram,
        _ => Kind::Gauge, // the registry holds no other
    };
    let family_name = match (format, kind) {
        (Format::OpenMetrics, Kind::Counter) => name.strip_suffix("_total").unwrap_or(name),
        _ => name,
    };
    families::write_header(out, family_name, family.help(), kind);
    for metric in family.get_metric() {
        let labels = metric.get_label();
        match kind {
            Kind::Counter => write_sample(out, name, "", labels, None, Value::Float(metric.get_counter().get_value())),
            Kind::Gauge => write_sample(out, name, "", labels, None, Value::Float(metric.get_gauge().get_value())),
            Kind::Histogram => write_histogram(out, name, metric),
        }
    }
}

fn write_histogram(out: &mut String, name: &str, metric: &Metric) {
    let (labels, histogram) = (metric.get_label(), metric.get_histogram());
    let count = Value::Count(histogram.get_sample_count());
    for bucket in histogram.get_bucket().iter().filter(|bucket| bucket.upper_bound().is_finite()) {
        let bound = bound(bucket.upper_bound());
        write_sample(out, name, "_bucket", labels, Some(&bound), Value::Count(bucket.cumulative_count()));
    }
    write_sample(out, name, "_bucket", labels, Some("+Inf"), count);
    write_sample(out, name, "_sum", labels, None, Value::Float(histogram.get_sample_sum()));
    write_sample(out, name, "_count", labels, None, count);
}

/// A bound as OpenMetrics wants it: always with a point.
fn bound(upper_bound: f64) -> String {
    let mut text = String::new();
    text::push_float(&mut text, upper_bound);
    if !text.contains('.') {
        text.push_str(".0");
    }
    text
}

fn write_sample(out: &mut String, name: &str, ending: &str, labels: &[LabelPair], le: Option<&str>, value: Value) {
    out.push_str(name);
    out.push_str(ending);
    let labels = labels.iter().map(|label| (label.name(), label.value())).chain(le.map(|bound| ("le", bound)));
    let mut separator = '{';
    for (name, value) in labels {
        out.push(separator);
        text::push_label(out, name, value);
        separator = ',';
    }
    if separator == ',' {
        out.push('}');
    }
    out.push(' ');
    value.write(out);
    out.push('\n');
}

#[cfg(test)]
mod tests {
    use super::bound;

    #[test]
    fn bounds_have_a_point() {
        for (number, text) in [(0.005, "0.005"), (1.0, "1.0"), (2.5, "2.5"), (10.0, "10.0")] {
            assert_eq!(bound(number), text);
        }
    }
}
