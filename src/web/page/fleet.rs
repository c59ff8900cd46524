//! The page of many instances.

use askama::Template;
use askama::filters::HtmlSafe;
use jiff::Timestamp;

use super::Around;
use super::address::Address;
use super::filter::Filter;
use super::headline::Headline;
use super::pager::Pager;
use super::projects::Projects;
use super::table::Table;
use super::verdicts::Verdicts;
use crate::snapshot::Snapshot;
use crate::status::FleetStatus;

/// Seconds between two refreshes, where one asks for them.
const REFRESH: usize = 30;

/// From the answer to the details.
#[derive(Debug, Template)]
#[template(
    ext = "html",
    source = r#"{{ headline }}
{{ verdicts }}
{{ projects }}
<section aria-labelledby="instances">
<div class="bar"><h2 id="instances">Instances</h2><a href="{{ refresh_link }}">{% if is_refreshed %}Stop refreshing{% else %}Refresh every {{ REFRESH }} s{% endif %}</a></div>
{{ filter }}
{% if table.is_empty() %}<p class="empty">{{ nothing }}</p>{% else %}{{ table }}{% endif %}
{{ pager }}
</section>"#
)]
pub(super) struct Fleet<'a> {
    pub(super) headline: Headline,
    verdicts: Verdicts,
    projects: Projects,
    filter: Filter,
    table: Table<'a>,
    nothing: &'static str,
    pager: Pager,
    refresh_link: String,
    is_refreshed: bool,
}

impl HtmlSafe for Fleet<'_> {}

impl<'a> Fleet<'a> {
    /// What the address shows of a picture.
    pub(super) fn of(
        snapshot: &Snapshot,
        status: &'a FleetStatus<'_>,
        address: &Address,
        around: &Around,
        now: Timestamp,
    ) -> Self {
        let is_refreshed = address.refresh.is_some();
        Self {
            headline: Headline::of(snapshot, status, around.newest.as_ref(), now),
            verdicts: Verdicts::of(status, address),
            projects: Projects::of(snapshot, &status.projects, address, now),
            filter: Filter::of(snapshot, address),
            table: Table::of(status, address, now),
            nothing: match status.total {
                0 if address.is_filtered() => "No instance is like that.",
                0 => "No instance is watched.",
                _ => "There are fewer instances than that.",
            },
            pager: Pager::of(status.total, address),
            refresh_link: address.refreshed((!is_refreshed).then_some(REFRESH)).link(),
            is_refreshed,
        }
    }
}
