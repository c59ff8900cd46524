//! Backups or restores under way.

use askama::Template;
use askama::filters::HtmlSafe;
use jiff::Timestamp;

use super::moment::Moment;
use super::outside;
use crate::status::instance::RecordsStatus;

/// What is under way, with a bar where it is known how far it is.
#[derive(Debug, Template)]
#[template(
    ext = "html",
    source = r#"<div class="progress">
{%- if let Some(ratio) = ratio %}<progress max="100" value="{{ ratio }}" aria-label="{{ what }} of {{ name }}">{{ ratio }} %</progress> {% endif -%}
<span>{{ what }} {% if is_running %}running{% else %}waiting{% endif %}{% if let Some(ratio) = ratio %}, {{ ratio }} %{% endif %}{% if let Some(since) = since %}, {% if is_running %}begun{% else %}requested{% endif %} {{ since }}{% endif %}{% if others > 0 %}; {{ others }} more waiting or running{% endif %}</span></div>"#
)]
pub(super) struct Progress {
    what: &'static str,
    name: String,
    is_running: bool,
    /// In per cent.
    ratio: Option<String>,
    since: Option<Moment>,
    others: u64,
}

impl HtmlSafe for Progress {}

impl Progress {
    /// What is under way of these records; `what` is `Backup` or `Restore`.
    pub(super) fn of(what: &'static str, name: &str, records: &RecordsStatus, now: Timestamp) -> Option<Self> {
        let others = records.in_progress.checked_sub(1)?;
        let is_running = records.started_at.is_some();
        let since = if is_running { records.started_at } else { records.oldest_in_progress_at };
        Some(Self {
            what,
            name: outside::undirected(name),
            is_running,
            ratio: records.progress_ratio.map(|ratio| format!("{:.0}", (ratio.clamp(0.0, 1.0) * 100.0).floor())),
            since: since.map(|at| Moment::ago(at, now)),
            others,
        })
    }
}
