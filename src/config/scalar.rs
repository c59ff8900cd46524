//! Texts as durations, numbers and switches; pure.
//!
//! A duration is written as Prometheus writes it: numbers with units, the greatest unit first, each at most once.

use std::time::Duration;

use super::problem::quoted;

/// No interval, look-back or RPO is longer: a year, and a day for the leap.
pub(super) const LONGEST: Duration = Duration::from_secs(366 * DAY);

const DAY: u64 = 24 * 3600;

/// Units and their milliseconds, greatest first.
const UNITS: [(&str, u64); 7] = [
    ("y", 365 * DAY * 1000),
    ("w", 7 * DAY * 1000),
    ("d", DAY * 1000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1000),
    ("ms", 1),
];

/// Reads `15s`, `5m`, `7d`, `500ms`, `1h30m`; the error is the rest of a sentence about the value.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    if text.starts_with('-') {
        return Err(format!("{} is negative; write a positive duration such as 15s, 5m or 7d", quoted(text)));
    }
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(format!(
            "{} has no unit; write {short}s, {short}m, {short}h or {short}d",
            quoted(text),
            short = text.get(..6).unwrap_or(text)
        ));
    }
    let unreadable = || format!("{} is not a duration; write it like 500ms, 15s, 5m, 1h30m or 7d", quoted(text));
    let mut millis: u64 = 0;
    let mut units = UNITS.iter();
    let mut rest = text;
    loop {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let number: u64 = rest[..digits].parse().map_err(|_| unreadable())?;
        rest = &rest[digits..];
        let letters = rest.bytes().take_while(u8::is_ascii_alphabetic).count();
        let unit = &rest[..letters];
        // What was passed over is gone: a smaller unit cannot be followed by a greater one.
        let (_, scale) = units.find(|(name, _)| *name == unit).ok_or_else(unreadable)?;
        millis = number.checked_mul(*scale).and_then(|part| millis.checked_add(part)).ok_or_else(unreadable)?;
        rest = &rest[letters..];
        if rest.is_empty() {
            return Ok(Duration::from_millis(millis));
        }
    }
}

/// Reads a switch, in any case.
pub(super) fn switch(text: &str) -> Result<bool, String> {
    const WORDS: [(&str, bool); 6] =
        [("true", true), ("false", false), ("yes", true), ("no", false), ("on", true), ("off", false)];
    WORDS
        .iter()
        .find(|(word, _)| word.eq_ignore_ascii_case(text))
        .map(|(_, on)| *on)
        .ok_or_else(|| format!("{} is neither true nor false", quoted(text)))
}

/// Reads a whole number within limits.
pub(super) fn count(text: &str, least: u32, most: u32) -> Result<u32, String> {
    let number: Option<u64> = plain_number(text).then(|| text.parse().ok()).flatten();
    match number.and_then(|number| u32::try_from(number).ok()) {
        Some(number) if (least..=most).contains(&number) => Ok(number),
        _ => Err(format!("{} is not a whole number from {least} to {most}", quoted(text))),
    }
}

/// Reads a number above 0, at most `most`.
pub(super) fn rate(text: &str, most: f64) -> Result<f64, String> {
    let number: Option<f64> = text.parse().ok();
    match number {
        Some(number) if number.is_finite() && number > 0.0 && number <= most => Ok(number),
        _ => Err(format!("{} is not a number above 0 and up to {most}", quoted(text))),
    }
}

fn plain_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn durations_are_read_as_prometheus_reads_them() {
        let table = [
            ("500ms", 500),
            ("15s", 15_000),
            ("5m", 300_000),
            ("1h30m", 5_400_000),
            ("7d", 604_800_000),
            ("1w2d", 777_600_000),
            ("1y", 31_536_000_000),
            ("1d0h5s10ms", 86_405_010),
            ("0s", 0),
            ("007s", 7_000),
        ];
        for (text, millis) in table {
            assert_eq!(duration(text), Ok(Duration::from_millis(millis)), "{text}");
        }
    }

    #[test]
    fn anything_else_is_no_duration_and_says_why() {
        for (text, reason) in [
            ("15", "\"15\" has no unit; write 15s, 15m, 15h or 15d"),
            ("0", "\"0\" has no unit; write 0s, 0m, 0h or 0d"),
            ("-5m", "is negative"),
            ("5 m", "is not a duration"),
            ("1.5h", "is not a duration"),
            ("5M", "is not a duration"),
            ("30m1h", "is not a duration"),
            ("1m1m", "is not a duration"),
            ("m", "is not a duration"),
            ("", "is not a duration"),
            ("5mx", "is not a duration"),
            ("99999999999999999999s", "is not a duration"),
            ("18446744073709551615y", "is not a duration"),
            ("1h30", "is not a duration"),
            ("fünf", "is not a duration"),
        ] {
            let error = duration(text).unwrap_err();
            assert!(error.contains(reason), "{text}: {error}");
        }
    }

    #[test]
    fn switches_are_read_in_any_case_and_nothing_else_is_one() {
        for text in ["true", "True", "YES", "on"] {
            assert_eq!(switch(text), Ok(true), "{text}");
        }
        for text in ["false", "FALSE", "no", "Off"] {
            assert_eq!(switch(text), Ok(false), "{text}");
        }
        for text in ["", "1", "0", "y", "truе"] {
            assert!(switch(text).is_err(), "{text}");
        }
    }

    #[test]
    fn numbers_have_limits() {
        assert_eq!(count("1", 1, 10), Ok(1));
        assert_eq!(count("010", 1, 10), Ok(10));
        for text in ["0", "11", "-1", "+1", "1.0", "1e0", "1_0", "", "99999999999999999999", "0x1"] {
            assert!(count(text, 1, 10).is_err(), "{text}");
        }
        assert_eq!(rate("0.5", 100.0), Ok(0.5));
        assert_eq!(rate("100", 100.0), Ok(100.0));
        for text in ["0", "-1", "100.1", "inf", "nan", "", "5/s"] {
            assert!(rate(text, 100.0).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_duration_of_any_parts_is_their_sum(w in 0u64..50, d in 0u64..400, h in 0u64..50, m in 0u64..100, s in 0u64..100, ms in 0u64..2000) {
            let text = format!("{w}w{d}d{h}h{m}m{s}s{ms}ms");
            let seconds = ((w * 7 + d) * 24 + h) * 3600 + m * 60 + s;
            prop_assert_eq!(duration(&text), Ok(Duration::from_secs(seconds) + Duration::from_millis(ms)));
        }

        #[test]
        fn no_text_makes_the_readers_panic(text in "\\PC{0,20}") {
            let _ = (duration(&text), switch(&text), count(&text, 0, 9), rate(&text, 9.0));
        }
    }
}
