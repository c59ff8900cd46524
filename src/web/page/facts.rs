//! Facts with their names.

use askama::Template;
use askama::filters::HtmlSafe;
use jiff::Timestamp;

use super::moment::Moment;
use super::outside;

/// A heading and what is known under it.
#[derive(Debug, Template)]
#[template(
    ext = "html",
    source = r#"<section class="facts"><h2>{{ heading }}</h2>
<dl>
{% for fact in lines -%}
<div><dt>{{ outside::isolated(fact.name) }}</dt><dd>{% match fact.value %}{% when Value::Text with (text) %}{{ outside::isolated(text) }}{% when Value::At with (moment) %}{{ moment }}{% when Value::Unknown %}<span class="quiet">–</span>{% endmatch %}</dd></div>
{% endfor -%}
</dl></section>"#
)]
pub(super) struct Facts {
    heading: &'static str,
    now: Timestamp,
    lines: Vec<Fact>,
}

impl HtmlSafe for Facts {}

#[derive(Debug)]
struct Fact {
    name: String,
    value: Value,
}

#[derive(Debug)]
enum Value {
    Text(String),
    At(Moment),
    Unknown,
}

impl Facts {
    /// None yet, under this heading.
    pub(super) fn under(heading: &'static str, now: Timestamp) -> Self {
        Self { heading, now, lines: Vec::new() }
    }

    /// And something that is told in words.
    pub(super) fn and(mut self, name: impl Into<String>, value: Option<impl ToString>) -> Self {
        let value = value.map_or(Value::Unknown, |value| Value::Text(value.to_string()));
        self.lines.push(Fact { name: name.into(), value });
        self
    }

    /// And a moment.
    pub(super) fn and_at(mut self, name: impl Into<String>, at: Option<Timestamp>) -> Self {
        let value = at.map_or(Value::Unknown, |at| Value::At(Moment::full(at, self.now)));
        self.lines.push(Fact { name: name.into(), value });
        self
    }
}
