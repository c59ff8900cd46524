//! Numbers as people read them.

use std::time::Duration;

pub(super) use crate::check::table::size;

/// The two largest units of a span: `3 h 12 min`, `2 d 4 h`, `45 s`; hours up to two days, as RPOs are told.
pub(super) fn span(span: Duration) -> String {
    let seconds = span.as_secs();
    let days = if seconds < 2 * 86_400 { 0 } else { seconds / 86_400 };
    let parts = [(days, "d"), (seconds / 3600 - days * 24, "h"), (seconds / 60 % 60, "min"), (seconds % 60, "s")];
    let first = parts.iter().position(|(count, _)| *count > 0).unwrap_or(parts.len() - 1);
    let mut shown = parts[first..].iter().take(2);
    let largest = shown.next().map(|(count, unit)| format!("{count} {unit}")).unwrap_or_default();
    match shown.next() {
        Some((count, unit)) if *count > 0 => format!("{largest} {count} {unit}"),
        _ => largest,
    }
}

/// `1 instance`, `2 instances`, `10 000 instances`.
pub(super) fn counted(count: usize, noun: &str) -> String {
    format!("{} {noun}{}", number(count), if count == 1 { "" } else { "s" })
}

/// Digits in groups of three where there are more than four: the space between them does not break.
pub(super) fn number(number: usize) -> String {
    let digits = number.to_string();
    if digits.len() < 5 {
        return digits;
    }
    let mut grouped = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            grouped.push('\u{202f}');
        }
        grouped.push(digit);
    }
    grouped
}

/// The beginning of a text, so many characters at most.
pub(super) fn clipped(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", text[..end].trim_end()),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_show_their_two_largest_units() {
        for (seconds, expected) in [
            (0, "0 s"),
            (45, "45 s"),
            (60, "1 min"),
            (61, "1 min 1 s"),
            (11_520, "3 h 12 min"),
            (3600, "1 h"),
            (3601, "1 h"),
            (187_200, "2 d 4 h"),
            (86_460, "24 h 1 min"),
            (104_400, "29 h"),
            (172_799, "47 h 59 min"),
            (172_800, "2 d"),
            (31_536_000, "365 d"),
        ] {
            assert_eq!(span(Duration::from_secs(seconds)), expected);
        }
        assert_eq!(span(Duration::from_millis(999)), "0 s");
    }

    #[test]
    fn large_numbers_are_grouped() {
        for (count, expected) in [
            (0, "0 instances"),
            (1, "1 instance"),
            (9_999, "9999 instances"),
            (10_000, "10\u{202f}000 instances"),
            (1_234_567, "1\u{202f}234\u{202f}567 instances"),
        ] {
            assert_eq!(counted(count, "instance"), expected);
        }
    }

    #[test]
    fn texts_are_cut_between_characters() {
        assert_eq!(clipped("缓存", 2), "缓存");
        assert_eq!(clipped("缓 存存", 2), "缓…");
        assert_eq!(clipped("", 0), "");
    }
}
