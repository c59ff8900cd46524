//! Something that fails: what it is, what was said, and what a person can do.

use askama::Template;
use askama::filters::HtmlSafe;

use super::outside;
use super::words::clipped;
use crate::status::trouble::Trouble;

/// A line about something that fails.
#[derive(Debug, Template)]
#[template(
    ext = "html",
    source = r#"<p class="trouble">{% if !what.is_empty() %}<b>{{ what }}</b>{% if !said.is_empty() %}: {{ outside::isolated(said) }}{% endif %}<br>{% endif %}{% if let Some(hint) = hint %}<span class="hint">{{ outside::isolated(hint) }}</span>{% endif %}{% if let Some(runbook) = runbook %} <a href="{{ runbook }}">Runbook</a>{% endif %}</p>"#
)]
pub(super) struct Line {
    what: String,
    said: String,
    hint: Option<String>,
    runbook: Option<String>,
}

impl HtmlSafe for Line {}

/// Characters of what others say in a row of a table; the instance's own page has all.
const SHORT: usize = 160;

impl Line {
    /// Something of ours to say.
    pub(super) fn new(what: impl Into<String>, said: impl Into<String>, hint: Option<String>) -> Self {
        Self { what: what.into(), said: said.into(), hint, runbook: None }
    }

    /// Only what can be done.
    pub(super) fn advice(hint: &str) -> Self {
        Self::new("", "", Some(hint.to_owned()))
    }

    /// Something that cannot be asked.
    pub(super) fn of(what: impl Into<String>, trouble: &Trouble) -> Self {
        Self::new(what, trouble.message.clone(), trouble.hint.map(|hint| hint.to_string()))
    }

    /// The same with a link to where more is to be read.
    pub(super) fn with_runbook(self, runbook: String) -> Self {
        Self { runbook: Some(runbook), ..self }
    }

    /// The same where there is little room.
    pub(super) fn short(self) -> Self {
        Self { said: clipped(&self.said, SHORT), ..self }
    }
}
