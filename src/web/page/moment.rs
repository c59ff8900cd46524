//! A moment: how long ago, or when exactly.

use std::time::Duration;

use askama::Template;
use askama::filters::HtmlSafe;
use jiff::Timestamp;

use super::words;

/// A moment, told from another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Template)]
#[template(
    ext = "html",
    source = r#"<time datetime="{{ self.exact("T") }}Z" title="{{ self.exact(" ") }} UTC">
{%- if is_full %}{{ self.exact(" ") }} UTC <span class="quiet">({{ self.in_words() }})</span>{% else %}{{ self.in_words() }}{% endif -%}
</time>"#
)]
pub(super) struct Moment {
    at: Timestamp,
    now: Timestamp,
    /// Date and clock are shown too, not only where one points at.
    is_full: bool,
}

impl HtmlSafe for Moment {}

impl Moment {
    /// How long ago it was, or how long it is until then.
    pub(super) fn ago(at: Timestamp, now: Timestamp) -> Self {
        Self { at, now, is_full: false }
    }

    /// That and the moment itself.
    pub(super) fn full(at: Timestamp, now: Timestamp) -> Self {
        Self { is_full: true, ..Self::ago(at, now) }
    }

    fn exact(&self, between: &str) -> String {
        self.at.strftime(&format!("%Y-%m-%d{between}%H:%M:%S")).to_string()
    }

    /// `3 h 12 min ago`, `in 14 h`.
    pub(super) fn in_words(&self) -> String {
        let since = self.now.duration_since(self.at);
        let span = Duration::try_from(since.abs()).unwrap_or_default();
        match (since.as_secs(), since.is_negative()) {
            (0, _) => "now".to_owned(),
            (_, false) => format!("{} ago", words::span(span)),
            (_, true) => format!("in {}", words::span(span)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_told_from_now_and_exactly() {
        let now: Timestamp = "2026-11-21T12:00:00.5Z".parse().unwrap();
        for (at, expected) in [
            ("2026-11-21T08:48:00Z", "3 h 12 min ago"),
            ("2026-11-21T12:00:00Z", "now"),
            ("2026-11-21T12:00:01Z", "now"),
            ("2026-11-21T12:00:02Z", "in 1 s"),
            ("2026-11-22T02:00:00.5Z", "in 14 h"),
            ("1970-01-01T00:00:00Z", "20778 d 12 h ago"),
        ] {
            assert_eq!(Moment::ago(at.parse().unwrap(), now).in_words(), expected, "{at}");
        }
        let moment = Moment::full("2026-11-21T08:48:00.25Z".parse().unwrap(), now);
        assert_eq!(
            moment.to_string(),
            r#"<time datetime="2026-11-21T08:48:00Z" title="2026-11-21 08:48:00 UTC">2026-11-21 08:48:00 UTC <span class="quiet">(3 h 12 min ago)</span></time>"#
        );
    }
}
