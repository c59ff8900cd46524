//! How names, labels and values are spelt: the part that both formats have in common.
//!
//! The text format 0.0.4 and OpenMetrics 1.0 agree on samples as we write them: integers plain, fractions in their
//! shortest form, times as Unix seconds with a decimal fraction, label values with `\`, `"` and line feeds escaped.
//! Numbers are written by hand because a fleet has hundreds of thousands of them per scrape.

use std::borrow::Cow;
use std::fmt::Write;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use jiff::Timestamp;

/// How long a label's value may be, in bytes before escaping.
pub(crate) const LONGEST_LABEL_VALUE: usize = 256;

/// The value of a sample.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Value {
    /// A whole number.
    Count(u64),
    /// Any number.
    Float(f64),
    /// Unix seconds, to the millisecond: what the cloud tells, and finer than a poll can be trusted to tell.
    Moment(Timestamp),
    /// Seconds, to the millisecond.
    Span(Duration),
}

impl From<u64> for Value {
    fn from(count: u64) -> Self {
        Self::Count(count)
    }
}

impl From<bool> for Value {
    fn from(truth: bool) -> Self {
        Self::Count(u64::from(truth))
    }
}

impl From<f64> for Value {
    fn from(number: f64) -> Self {
        Self::Float(number)
    }
}

impl From<Timestamp> for Value {
    fn from(moment: Timestamp) -> Self {
        Self::Moment(moment)
    }
}

impl From<Duration> for Value {
    fn from(span: Duration) -> Self {
        Self::Span(span)
    }
}

impl Value {
    /// Appends the value as both formats spell it.
    pub(crate) fn write(self, out: &mut String) {
        match self {
            Self::Count(count) => push_integer(out, count),
            Self::Float(number) => push_float(out, number),
            Self::Moment(moment) => {
                let milliseconds = moment.as_millisecond();
                if milliseconds < 0 {
                    out.push('-');
                }
                let magnitude = milliseconds.unsigned_abs();
                push_integer(out, magnitude / 1000);
                push_fraction(out, moment.subsec_millisecond().unsigned_abs());
            }
            Self::Span(span) => {
                push_integer(out, span.as_secs());
                push_fraction(out, span.subsec_millis());
            }
        }
    }
}

fn push_integer(out: &mut String, number: u64) {
    out.push_str(itoa::Buffer::new().format(number));
}

/// Appends `.546` for 546 thousandths, without trailing zeros; nothing for none.
fn push_fraction(out: &mut String, thousandths: u32) {
    if thousandths == 0 {
        return;
    }
    let digits = [thousandths / 100, thousandths / 10 % 10, thousandths % 10];
    let length = digits.iter().rposition(|digit| *digit != 0).map_or(0, |last| last + 1);
    out.push('.');
    out.extend(digits[..length].iter().filter_map(|digit| char::from_digit(*digit, 10)));
}

/// Appends a number in its shortest form that reads back as the same.
pub(crate) fn push_float(out: &mut String, number: f64) {
    if number.is_nan() {
        out.push_str("NaN");
    } else if number.is_infinite() {
        out.push_str(if number > 0.0 { "+Inf" } else { "-Inf" });
    } else {
        write!(out, "{number}").expect("a String takes everything");
    }
}

/// Appends `name="value"`, escaped and bounded.
pub(crate) fn push_label(out: &mut String, name: &str, value: &str) {
    out.push_str(name);
    out.push_str("=\"");
    push_escaped(out, bounded(value));
    out.push('"');
}

/// Appends a label whose value must stay distinct from others even when it has to be shortened.
pub(crate) fn push_id_label(out: &mut String, name: &str, id: &str) {
    push_label(out, name, &bounded_id(id));
}

/// Appends the text of a `# HELP` line: no quotes are escaped there in the text format, so help has none.
pub(crate) fn push_help(out: &mut String, help: &str) {
    for character in help.chars() {
        match character {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            other => out.push(other),
        }
    }
}

fn push_escaped(out: &mut String, value: &str) {
    let mut rest = value;
    while let Some(at) = rest.bytes().position(|byte| matches!(byte, b'\\' | b'"' | b'\n' | b'\0')) {
        out.push_str(&rest[..at]);
        out.push_str(match rest.as_bytes()[at] {
            b'\\' => "\\\\",
            b'"' => "\\\"",
            b'\n' => "\\n",
            _ => "\u{fffd}", // Prometheus' scanner takes a zero byte for the end of the text
        });
        rest = &rest[at + 1..];
    }
    out.push_str(rest);
}

/// The beginning of a value that is too long, ending between two characters.
fn bounded(value: &str) -> &str {
    &value[..value.floor_char_boundary(LONGEST_LABEL_VALUE)]
}

/// The id, or for one that is too long its beginning and a hash of the whole: two instances under one id would make
/// two samples of one series, and Prometheus refuse the scrape.
fn bounded_id(id: &str) -> Cow<'_, str> {
    if id.len() <= LONGEST_LABEL_VALUE {
        return Cow::Borrowed(id);
    }
    let mut hasher = DefaultHasher::new();
    id.hash(&mut hasher);
    let kept = &id[..id.floor_char_boundary(LONGEST_LABEL_VALUE - 17)];
    Cow::Owned(format!("{kept}~{:016x}", hasher.finish()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn written(value: impl Into<Value>) -> String {
        let mut out = String::new();
        value.into().write(&mut out);
        out
    }

    #[test]
    fn values_are_spelt_as_prometheus_reads_them() {
        let moment = |text: &str| text.parse::<Timestamp>().unwrap();
        for (value, text) in [
            (Value::from(0_u64), "0"),
            (Value::from(u64::MAX), "18446744073709551615"),
            (Value::from(true), "1"),
            (Value::from(false), "0"),
            (Value::from(0.5), "0.5"),
            (Value::from(1.0), "1"),
            (Value::from(-0.1), "-0.1"),
            (Value::from(f64::INFINITY), "+Inf"),
            (Value::from(f64::NEG_INFINITY), "-Inf"),
            (Value::from(f64::NAN), "NaN"),
            (Value::from(moment("2019-05-10T09:32:30.546Z")), "1557480750.546"),
            (Value::from(moment("2019-05-10T09:32:30Z")), "1557480750"),
            (Value::from(moment("2019-05-10T09:32:30.04Z")), "1557480750.04"),
            (Value::from(moment("2019-05-10T09:32:30.007999Z")), "1557480750.007"),
            (Value::from(moment("2019-05-10T09:32:30.000001Z")), "1557480750"),
            (Value::from(moment("1969-12-31T23:59:59.5Z")), "-0.5"),
            (Value::from(moment("1969-12-31T23:59:58.25Z")), "-1.75"),
            (Value::from(Duration::from_hours(168)), "604800"),
            (Value::from(Duration::from_millis(1_050)), "1.05"),
            (Value::from(Duration::from_micros(1_999_999)), "1.999"),
        ] {
            assert_eq!(written(value), text, "{value:?}");
        }
    }

    #[test]
    fn labels_are_escaped() {
        for (value, text) in [
            ("", r#"l="""#),
            ("plain", r#"l="plain""#),
            (r"a\b", r#"l="a\\b""#),
            ("say \"hi\"", r#"l="say \"hi\"""#),
            ("two\nlines", r#"l="two\nlines""#),
            ("\\\"\n", r#"l="\\\"\n""#),
            ("zero\0byte", "l=\"zero\u{fffd}byte\""),
            ("缓存 🚀", r#"l="缓存 🚀""#),
        ] {
            let mut out = String::new();
            push_label(&mut out, "l", value);
            assert_eq!(out, text, "{value:?}");
        }
    }

    #[test]
    fn long_names_are_cut_between_characters() {
        assert_eq!(bounded(&"x".repeat(300)).len(), 256);
        assert_eq!(bounded(&"缓".repeat(100)), "缓".repeat(85));
    }

    #[test]
    fn long_ids_stay_distinct() {
        let [one, other] = ["1", "2"].map(|end| "缓".repeat(200) + end);
        assert_ne!(bounded_id(&one), bounded_id(&other));
        assert!(bounded_id(&one).len() <= LONGEST_LABEL_VALUE);
        assert_eq!(bounded_id("short"), "short");
    }

    proptest! {
        #[test]
        fn every_float_reads_back_as_itself(number in proptest::num::f64::NORMAL | proptest::num::f64::ZERO) {
            prop_assert_eq!(written(number).parse::<f64>().unwrap().to_bits(), number.to_bits());
        }

        #[test]
        fn every_moment_reads_back_to_the_millisecond(nanoseconds in -2_000_000_000_000_000_000_i64..4_000_000_000_000_000_000) {
            let moment = Timestamp::from_nanosecond(i128::from(nanoseconds)).unwrap();
            let read: f64 = written(moment).parse().unwrap();
            prop_assert!((read - nanoseconds as f64 / 1e9).abs() < 0.001);
        }
    }
}
