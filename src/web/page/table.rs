//! The instances of a page as a table; on a phone each row becomes a card.
//!
//! A style that lays out rows as blocks makes browsers forget that they are rows, so their roles are written out.

use askama::Template;
use askama::filters::HtmlSafe;
use jiff::Timestamp;

use super::address::Address;
use super::filter;
use super::frame::Mark;
use super::moment::Moment;
use super::outside;
use super::pager;
use super::progress::Progress;
use super::trouble::Line;
use super::words::{size, span};
use crate::status::instance::{InstanceStatus, RecordsStatus};
use crate::status::{FleetStatus, Order, Sort, Verdict};

/// The table.
#[derive(Debug, Template)]
#[template(
    ext = "html",
    source = r##"<table role="table">
<caption>{{ range }} instances, {{ order }}</caption>
<thead role="rowgroup"><tr role="row">
{% for heading in headings -%}
<th role="columnheader" scope="col"{% if let Some(sorted) = heading.sorted %} aria-sort="{{ sorted }}"{% endif %}><a href="{{ heading.link }}">{{ heading.words }}{% if let Some(arrow) = heading.arrow() %} <span aria-hidden="true">{{ arrow }}</span>{% endif %}</a></th>
{% endfor -%}
<th role="columnheader" scope="col">What else</th>
</tr></thead>
<tbody role="rowgroup">
{% for row in rows -%}
<tr role="row" class="{{ row.mark.class() }}">
<td role="cell" class="verdict"><span class="badge {{ row.mark.class() }}"><span class="shape" aria-hidden="true">{{ row.mark.shape() }}</span> {{ row.verdict }}</span></td>
<th role="rowheader" scope="row"><a href="{{ row.link }}">{{ outside::isolated(row.name) }}</a></th>
<td role="cell" data-label="Project">{{ outside::isolated(row.project) }}</td>
<td role="cell" data-label="Newest backup" class="age">{{ row.age }}</td>
<td role="cell" data-label="Size" class="number">{{ row.size }}</td>
<td role="cell" data-label="Next slot">{% if let Some(slot) = row.next_slot %}{{ slot }}{% else %}<span class="quiet">none</span>{% endif %}</td>
<td role="cell" class="notes">{% for progress in row.progress %}{{ progress }}{% endfor %}{% for note in row.notes %}{{ note }}{% endfor %}</td>
</tr>
{% endfor -%}
</tbody>
</table>"##
)]
pub(super) struct Table<'a> {
    range: String,
    order: String,
    headings: Vec<Heading>,
    rows: Vec<Row<'a>>,
}

impl HtmlSafe for Table<'_> {}

#[derive(Debug)]
struct Heading {
    words: &'static str,
    link: String,
    /// As `aria-sort` has it; only where the table is sorted by this.
    sorted: Option<&'static str>,
}

#[derive(Debug)]
struct Row<'a> {
    mark: Mark,
    verdict: &'static str,
    link: String,
    name: &'a str,
    project: &'a str,
    age: Age,
    size: String,
    next_slot: Option<Moment>,
    progress: Vec<Progress>,
    notes: Vec<Line>,
}

/// How old the newest backup is, and how old it may be.
#[derive(Debug, Template)]
#[template(
    ext = "html",
    source = r#"{% if let Some((at, age)) = newest %}<time datetime="{{ at.strftime("%Y-%m-%dT%H:%M:%S") }}Z" title="{{ at.strftime("%Y-%m-%d %H:%M:%S") }} UTC">{{ age }}</time>{% else %}{{ without }}{% endif %}
{%- if let Some(rpo) = rpo %} <span class="quiet">of {{ rpo }}</span>{% endif %}
{%- if let Some(share) = share %}<meter aria-hidden="true" max="100" high="99" value="{{ share }}"></meter>{% endif %}"#
)]
pub(super) struct Age {
    newest: Option<(Timestamp, String)>,
    without: &'static str,
    rpo: Option<String>,
    /// Of the RPO, in per cent; more than 100 looks like 100.
    share: Option<u64>,
}

impl HtmlSafe for Age {}

impl<'a> Table<'a> {
    /// The instances of this page.
    pub(super) fn of(status: &'a FleetStatus<'_>, address: &Address, now: Timestamp) -> Self {
        let sort = address.selection.sort;
        let is_usual = address.order() == sort.usual_order();
        let order = filter::words(sort).to_owned() + if is_usual { "" } else { ", the other way round" };
        Self {
            range: pager::range(status.total, address.limit(), address.selection.offset),
            order,
            headings: headings(address),
            rows: status.instances.iter().map(|instance| Row::of(instance, address, now)).collect(),
        }
    }

    /// Whether there is nothing in it.
    pub(super) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }
}

fn headings(address: &Address) -> Vec<Heading> {
    [
        ("State", Sort::Worst),
        ("Instance", Sort::Name),
        ("Project", Sort::Project),
        ("Newest backup", Sort::Age),
        ("Size", Sort::Size),
        ("Next slot", Sort::NextSlot),
    ]
    .map(|(words, sort)| Heading {
        words,
        link: address.sorted_by(sort).link(),
        sorted: (address.selection.sort == sort).then(|| match address.order() {
            Order::Ascending => "ascending",
            Order::Descending => "descending",
        }),
    })
    .into()
}

impl Heading {
    fn arrow(&self) -> Option<char> {
        self.sorted.map(|sorted| if sorted == "ascending" { '↑' } else { '↓' })
    }
}

impl<'a> Row<'a> {
    fn of(instance: &'a InstanceStatus<'_>, address: &Address, now: Timestamp) -> Self {
        let backups = instance.backups.as_ref();
        let next_slot = instance.policy.as_ref().and_then(|policy| policy.next_scheduled_at);
        let unknown = if backups.is_some() { "–" } else { "not known" };
        Self {
            mark: Mark::of(instance.verdict),
            verdict: instance.verdict.words(),
            link: address.of_instance(instance.project, instance.instance_id).link(),
            name: instance.instance_name,
            project: instance.project,
            age: Age::of(instance),
            size: backups.and_then(|backups| backups.last_success_size_bytes).map_or_else(|| unknown.to_owned(), size),
            next_slot: next_slot.map(|at| Moment::ago(at, now)),
            progress: progress(instance, now),
            notes: notes(instance, now).into_iter().map(Line::short).collect(),
        }
    }
}

impl Age {
    /// That of an instance.
    pub(super) fn of(instance: &InstanceStatus<'_>) -> Self {
        let records = instance.backups.as_ref().map(|backups| &backups.records);
        let age = records.and_then(|records| records.last_success_age_seconds).map(|age| age.0);
        let rpo = instance.rpo_seconds.map(|rpo| rpo.0);
        let share = age.zip(rpo).filter(|(_, rpo)| rpo.as_secs() > 0);
        Self {
            newest: records.and_then(|records| records.last_success_at).zip(age.map(span)),
            without: match (records, instance.backup_supported) {
                (_, Some(false)) => "cannot be backed up",
                (Some(_), _) => "never",
                (None, _) => "not known",
            },
            rpo: rpo.map(span),
            share: share.map(|(age, rpo)| (age.as_secs().saturating_mul(100) / rpo.as_secs()).min(100)),
        }
    }
}

/// Backups and restores under way.
pub(super) fn progress(instance: &InstanceStatus<'_>, now: Timestamp) -> Vec<Progress> {
    let of = |what, records: Option<&RecordsStatus>| Progress::of(what, instance.instance_name, records?, now);
    let backups = of("Backup", instance.backups.as_ref().map(|backups| &backups.records));
    backups.into_iter().chain(of("Restore", instance.restores.as_ref())).collect()
}

/// What somebody who looks at the instance should know: what cannot be asked, what failed last.
pub(super) fn notes(instance: &InstanceStatus<'_>, now: Timestamp) -> Vec<Line> {
    let polls = &instance.polls;
    let read = [
        ("Backups not read", &polls.backups),
        ("Restores not read", &polls.restores),
        ("Policy not read", &polls.policy),
    ];
    let mut notes: Vec<Line> = Vec::new();
    for (what, poll) in read {
        match &poll.error {
            Some(error) => notes.push(Line::of(what, error)),
            None if poll.success == Some(false) => notes.push(Line::new(what, "no request was sent", None)),
            None => {}
        }
    }
    if polls.backups.success.is_none() {
        notes.push(Line::new("Not asked yet", "", None));
    }
    let backups = instance.backups.as_ref().map(|backups| &backups.records);
    notes.extend(backups.and_then(|records| failure("Last backup failed", records, now)));
    notes.extend(instance.restores.as_ref().and_then(|records| failure("Last restore failed", records, now)));
    match instance.verdict {
        Verdict::SlotMissed => {
            let slot = instance.policy.as_ref().and_then(|policy| policy.last_scheduled_at);
            let since = slot.map(|at| format!("no backup since the slot {}", Moment::ago(at, now).in_words()));
            notes.push(Line::new("Slot missed", since.unwrap_or_default(), None));
        }
        Verdict::NoRpo if instance.backups.is_some() => {
            notes.push(Line::advice("no automatic backups and no rpo configured"));
        }
        _ => {}
    }
    notes
}

/// The newest failure, where nothing has succeeded since.
fn failure(what: &str, records: &RecordsStatus, now: Timestamp) -> Option<Line> {
    let at = records.last_failure_at.filter(|_| records.last_attempt_success == Some(false))?;
    let code = records.last_failure_error_code.filter(|code| *code != "none").map(|code| format!(" ({code})"));
    let said = format!("{}{}", records.last_failure_meaning.unwrap_or_default(), code.unwrap_or_default());
    let hint = records.last_failure_hint.map(|hint| hint.to_string());
    Some(Line::new(format!("{what} {}", Moment::ago(at, now).in_words()), said, hint))
}
