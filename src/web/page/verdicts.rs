//! How many instances stand how; each count is the link to those it counts.

use askama::Template;
use askama::filters::HtmlSafe;

use super::address::Address;
use super::frame::Mark;
use super::words::number;
use crate::status::{FleetStatus, Verdict};

/// The counts of the whole fleet.
#[derive(Debug, Template)]
#[template(
    ext = "html",
    source = r#"<nav aria-label="Instances by state">
<ul class="verdicts">
{% for count in counts -%}
<li><a class="chip {{ count.mark.class() }}" href="{{ count.link }}"{% if count.is_current %} aria-current="true"{% endif %}><span class="shape" aria-hidden="true">{{ count.mark.shape() }}</span> <b>{{ count.number }}</b> {{ count.words }}</a></li>
{% endfor -%}
<li><a class="chip" href="{{ all_link }}"{% if is_all %} aria-current="true"{% endif %}><b>{{ all }}</b> in all</a></li>
</ul>
</nav>"#
)]
pub(super) struct Verdicts {
    counts: Vec<Count>,
    all: String,
    all_link: String,
    is_all: bool,
}

impl HtmlSafe for Verdicts {}

#[derive(Debug)]
struct Count {
    mark: Mark,
    number: String,
    words: &'static str,
    link: String,
    is_current: bool,
}

impl Verdicts {
    /// Those that occur, and the one that is shown.
    pub(super) fn of(status: &FleetStatus<'_>, address: &Address) -> Self {
        let chosen = address.selection.verdict;
        let occurring =
            status.fleet_verdicts.iter().filter(|(verdict, count)| **count > 0 || chosen == Some(**verdict));
        let count = |(verdict, count): (&Verdict, &usize)| Count {
            mark: Mark::of(*verdict),
            number: number(*count),
            words: verdict.words(),
            link: address.of_verdict(*verdict).link(),
            is_current: chosen == Some(*verdict),
        };
        Self {
            counts: occurring.map(count).collect(),
            all: number(status.fleet_verdicts.values().sum()),
            all_link: address.of_all().link(),
            is_all: !address.is_filtered(),
        }
    }
}
