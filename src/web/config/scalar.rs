//! Scalars as Go's YAML reader takes them.
//!
//! exporter-toolkit leaves the reading of `on`, `0x10` or `1_000` to its library (YAML 1.1, `go.yaml.in/yaml/v2`) and
//! that of `1m30s` to Go. What a scalar is depends on whether it stood in quotes.

use std::time::Duration;

/// What a scalar turns out to be.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Resolved<'t> {
    Null,
    Switch(bool),
    /// Within 64 bits, with or without a sign.
    Integer(i128),
    Float(f64),
    Text(&'t str),
}

/// Whether the scalar stands for nothing.
pub(super) fn is_null(text: &str, plain: bool) -> bool {
    resolve(text, plain) == Resolved::Null
}

/// `true`, `yes`, `on`, …; `None` for anything else. Nothing at all is off.
pub(super) fn switch(text: &str, plain: bool) -> Option<bool> {
    match resolve(text, plain) {
        Resolved::Null => Some(false),
        Resolved::Switch(on) => Some(on),
        _ => None,
    }
}

/// A whole number; a fraction is cut off.
pub(super) fn integer(text: &str, plain: bool) -> Option<i64> {
    number(resolve(text, plain))
}

/// A duration in nanoseconds: `1m30s`, or a number of nanoseconds.
pub(super) fn nanoseconds(text: &str, plain: bool) -> Option<i64> {
    match resolve(text, plain) {
        Resolved::Text(text) => duration(text),
        resolved => number(resolved),
    }
}

/// The time between two tokens; nothing where there is none.
pub(super) fn interval(nanoseconds: i64) -> Option<Duration> {
    u64::try_from(nanoseconds).ok().filter(|nanoseconds| *nanoseconds > 0).map(Duration::from_nanos)
}

#[allow(clippy::cast_possible_truncation)] // as Go converts: the fraction is cut off; the range was looked at
fn number(resolved: Resolved) -> Option<i64> {
    match resolved {
        Resolved::Null => Some(0),
        Resolved::Integer(number) => i64::try_from(number).ok(),
        Resolved::Float(number) if number <= i64::MAX as f64 => Some(number as i64),
        _ => None,
    }
}

fn resolve(text: &str, plain: bool) -> Resolved<'_> {
    if !plain {
        return Resolved::Text(text);
    }
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Resolved::Null,
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => {
            return Resolved::Switch(true);
        }
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
            return Resolved::Switch(false);
        }
        ".nan" | ".NaN" | ".NAN" => return Resolved::Float(f64::NAN),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => return Resolved::Float(f64::INFINITY),
        "-.inf" | "-.Inf" | "-.INF" => return Resolved::Float(f64::NEG_INFINITY),
        _ => {}
    }
    if !text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '+' | '-' | '.')) {
        return Resolved::Text(text);
    }
    let digits = text.replace('_', "");
    if let Some(number) = whole(&digits) {
        return Resolved::Integer(number);
    }
    match digits.parse() {
        // Rust reads `inf` too, and Go's library does not here.
        Ok(number) if !digits.contains(['n', 'N', 'i', 'I']) => Resolved::Float(number),
        _ => Resolved::Text(text),
    }
}

/// A whole number with its base: `0x`, `0o`, `0b`, and a leading zero for eight.
fn whole(text: &str) -> Option<i128> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let lower = digits.to_ascii_lowercase();
    let (base, digits) = match lower.as_bytes() {
        [b'0', b'x', ..] => (16, &lower[2..]),
        [b'0', b'o', ..] => (8, &lower[2..]),
        [b'0', b'b', ..] => (2, &lower[2..]),
        [b'0', _, ..] => (8, &lower[1..]),
        _ => (10, &lower[..]),
    };
    let number = sign * i128::from(u64::from_str_radix(digits.strip_prefix('+').map_or(digits, |_| ""), base).ok()?);
    (number >= i128::from(i64::MIN)).then_some(number)
}

/// Go's `time.ParseDuration`.
fn duration(text: &str) -> Option<i64> {
    let (negative, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest == "0" {
        return Some(0);
    }
    if rest.is_empty() {
        return None;
    }
    let mut sum: i128 = 0;
    while !rest.is_empty() {
        let (whole, after) = digits(rest);
        let (fraction, after) = match after.strip_prefix('.') {
            Some(after) => digits(after),
            None => ("", after),
        };
        if whole.is_empty() && fraction.is_empty() {
            return None;
        }
        let end = after.find(|c: char| c == '.' || c.is_ascii_digit()).unwrap_or(after.len());
        let unit = unit(&after[..end])?;
        rest = &after[end..];
        // No more digits than a nanosecond of an hour has.
        let fraction = &fraction[..fraction.len().min(18)];
        let scale = 10_i128.pow(u32::try_from(fraction.len()).ok()?);
        let part = if fraction.is_empty() { 0 } else { fraction.parse::<i128>().ok()? * unit / scale };
        let whole = if whole.is_empty() { 0 } else { whole.parse::<i64>().ok()?.into() };
        sum = sum.checked_add(i128::checked_mul(whole, unit)?)?.checked_add(part)?;
    }
    i64::try_from(if negative { -sum } else { sum }).ok()
}

fn digits(text: &str) -> (&str, &str) {
    text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()))
}

fn unit(name: &str) -> Option<i128> {
    Some(match name {
        "ns" => 1,
        "us" | "µs" | "μs" => 1_000,
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "m" => 60_000_000_000,
        "h" => 3_600_000_000_000,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_switches_only_without_quotes() {
        for (text, on) in [("yes", true), ("On", true), ("TRUE", true), ("n", false), ("off", false), ("~", false)] {
            assert_eq!(switch(text, true), Some(on), "{text}");
        }
        for (text, plain) in [("yes", false), ("true", false), ("1", true), ("yEs", true), ("enabled", true)] {
            assert_eq!(switch(text, plain), None, "{text}");
        }
    }

    #[test]
    fn numbers_have_bases_and_lose_their_fractions() {
        for (text, number) in [
            ("20", 20),
            ("-3", -3),
            ("+3", 3),
            ("1_000", 1000),
            ("0x1F", 31),
            ("017", 15),
            ("0o17", 15),
            ("0b101", 5),
            ("08", 8),
            ("1.9", 1),
            ("1e3", 1000),
            ("null", 0),
            ("", 0),
        ] {
            assert_eq!(integer(text, true), Some(number), "{text}");
        }
        for (text, plain) in [("20", false), ("ten", true), ("2026-01-01", true), (".inf", true), ("1e30", true)] {
            assert_eq!(integer(text, plain), None, "{text}");
        }
    }

    #[test]
    fn durations_are_those_of_go() {
        const SECOND: i64 = 1_000_000_000;
        for (text, plain, expected) in [
            ("1s", true, SECOND),
            ("1s", false, SECOND),
            ("1m30s", true, 90 * SECOND),
            ("1.5h", true, 5400 * SECOND),
            (".5s", true, SECOND / 2),
            ("100ms", true, SECOND / 10),
            ("2us", true, 2000),
            ("-1s", true, -SECOND),
            ("0", false, 0),
            ("0", true, 0),
            ("5", true, 5),
        ] {
            assert_eq!(nanoseconds(text, plain), Some(expected), "{text}");
        }
        for (text, plain) in
            [("5", false), ("1d", true), ("1", false), ("s", true), ("1s1", true), ("", false), ("-", true)]
        {
            assert_eq!(nanoseconds(text, plain), None, "{text}");
        }
        assert_eq!(nanoseconds("9999999999h", true), None);
    }
}
