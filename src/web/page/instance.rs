//! The page of one instance: all that is known of it.

use std::collections::BTreeMap;
use std::time::Duration;

use askama::Template;
use askama::filters::HtmlSafe;
use jiff::Timestamp;

use super::address::Address;
use super::facts::Facts;
use super::frame::Mark;
use super::outside;
use super::progress::Progress;
use super::runbooks;
use super::table::{Age, notes, progress};
use super::trouble::Line;
use super::words::{size, span};
use crate::status::instance::{InstanceStatus, PollStatus, RecordsStatus};
use crate::status::{FleetStatus, Verdict};

/// The instances with an id: one, or one in each of several projects.
#[derive(Debug, Template)]
#[template(
    ext = "html",
    source = r#"<p><a href="{{ back }}">All instances</a></p>
{% for instance in instances %}{{ instance }}{% endfor -%}
{% if instances.is_empty() %}<h1>No such instance</h1>
<p>None with this id is watched: it may be gone, left out by a filter, or another process' to watch.</p>{% endif %}"#
)]
pub(super) struct Instances<'a> {
    back: String,
    instances: Vec<Instance<'a>>,
}

impl HtmlSafe for Instances<'_> {}

/// One of them.
#[derive(Debug, Template)]
#[template(
    ext = "html",
    source = r##"<h1 class="{{ mark.class() }}"><span class="shape" aria-hidden="true">{{ mark.shape() }}</span> {{ outside::isolated(name) }}: {{ verdict }}</h1>
<p>{{ meaning }}{% if let Some(runbook) = runbook %} <a href="{{ runbook }}">Runbook</a>{% endif %}</p>
<p class="age"><b>Newest backup:</b> {{ age }}</p>
{% for progress in progress %}{{ progress }}{% endfor %}
{% for note in notes %}{{ note }}{% endfor %}
<div class="sections">
{% for facts in sections %}{{ facts }}{% endfor %}
</div>
<p><a href="{{ api }}">The same as JSON</a>. <a href="{{ probe }}">Ask the cloud now</a>: its series, as Prometheus reads them; up to three requests.</p>
"##
)]
struct Instance<'a> {
    mark: Mark,
    name: &'a str,
    verdict: &'static str,
    meaning: &'static str,
    runbook: Option<String>,
    age: Age,
    progress: Vec<Progress>,
    notes: Vec<Line>,
    sections: [Facts; 5],
    api: String,
    probe: String,
}

impl HtmlSafe for Instance<'_> {}

impl<'a> Instances<'a> {
    /// Those that the address selects.
    pub(super) fn of(status: &'a FleetStatus<'_>, address: &Address, lookback: Duration, now: Timestamp) -> Self {
        let of = |instance| Instance::of(instance, address, lookback, now);
        Self { back: address.of_all().link(), instances: status.instances.iter().map(of).collect() }
    }

    /// What a tab shows.
    pub(super) fn title(&self) -> String {
        match self.instances.first() {
            Some(instance) => format!("{}: {}", outside::undirected(instance.name), instance.verdict),
            None => "No such instance".to_owned(),
        }
    }

    /// Of the worst.
    pub(super) fn mark(&self) -> Mark {
        self.instances.iter().map(|instance| instance.mark).max().unwrap_or(Mark::Quiet)
    }
}

impl<'a> Instance<'a> {
    fn of(instance: &'a InstanceStatus<'_>, address: &Address, lookback: Duration, now: Timestamp) -> Self {
        let this = address.of_instance(instance.project, instance.instance_id);
        let probe: String = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs([("project", instance.project), ("instance_id", instance.instance_id)])
            .finish();
        Self {
            mark: Mark::of(instance.verdict),
            name: instance.instance_name,
            verdict: instance.verdict.words(),
            meaning: meaning(instance.verdict),
            runbook: runbooks::of_verdict(instance.verdict),
            age: Age::of(instance),
            progress: progress(instance, now),
            notes: notes(instance, now),
            sections: [
                backups(instance, lookback, now),
                policy(instance, now),
                restores(instance, lookback, now),
                polls(instance, now),
                about(instance, now),
            ],
            api: this.api(),
            probe: format!("./probe?{probe}"),
        }
    }
}

/// What a verdict says, in a sentence.
fn meaning(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::NotPolled => "The newest poll of it failed, or there was none yet: what is shown may be old.",
        Verdict::NeverBackedUp => "It has never been backed up: nothing could be restored.",
        Verdict::Stale => "Its newest backup is older than it may be.",
        Verdict::LastFailed => "Its newest attempt failed; the newest backup is still young enough.",
        Verdict::SlotMissed => "No backup came of its latest slot; the newest backup is still young enough.",
        Verdict::Fresh => "Its newest backup is young enough, and nothing failed since.",
        Verdict::NoRpo => "Nobody says how young its newest backup should be.",
        Verdict::Unsupported => "It is a single node, which the cloud cannot back up.",
    }
}

fn backups(instance: &InstanceStatus<'_>, lookback: Duration, now: Timestamp) -> Facts {
    let backups = instance.backups.as_ref();
    let facts = records(Facts::under("Backups", now), backups.map(|backups| &backups.records), lookback);
    let kind = backups.and_then(|backups| {
        let words = [backups.last_success_backup_type, backups.last_success_backup_format];
        let words: Vec<&str> = words.into_iter().flatten().collect();
        (!words.is_empty()).then(|| words.join(", "))
    });
    facts
        .and("Size", backups.and_then(|backups| backups.last_success_size_bytes).map(size))
        .and("Type and format", kind)
        .and("Restorable backups", backups.map(|backups| backups.restorable_records))
        .and("Their size", backups.and_then(|backups| backups.restorable_bytes).map(size))
        .and_at("Oldest to restore from", backups.and_then(|backups| backups.oldest_restorable_at))
        .and_at("Newest to restore from", backups.and_then(|backups| backups.newest_restorable_at))
}

fn restores(instance: &InstanceStatus<'_>, lookback: Duration, now: Timestamp) -> Facts {
    records(Facts::under("Restores", now), instance.restores.as_ref(), lookback)
}

/// What backups and restores have in common.
fn records(facts: Facts, records: Option<&RecordsStatus>, lookback: Duration) -> Facts {
    let failure = records.and_then(|records| {
        let (code, meaning) = (records.last_failure_error_code?, records.last_failure_meaning?);
        Some(if code == "none" { meaning.to_owned() } else { format!("{meaning} ({code})") })
    });
    facts
        .and_at("Newest success", records.and_then(|records| records.last_success_at))
        .and("It took", records.and_then(|records| records.last_success_duration_seconds).map(|took| span(took.0)))
        .and_at("Newest attempt", records.and_then(|records| records.last_attempt_at))
        .and(
            "Newest that ended",
            records
                .and_then(|records| records.last_attempt_success)
                .map(|good| if good { "succeeded" } else { "failed" }),
        )
        .and_at("Newest failure", records.and_then(|records| records.last_failure_at))
        .and("Because", failure)
        .and(format!("Failures in {}", span(lookback)), records.map(|records| tally(&records.failures)))
        .and("Waiting or running", records.map(|records| records.in_progress))
        .and("Records", records.map(|records| tally(&records.records)))
}

/// `3 succeed, 1 failed`.
fn tally(counts: &BTreeMap<&'static str, u64>) -> String {
    let parts: Vec<String> =
        counts.iter().filter(|(_, count)| **count > 0).map(|(word, count)| format!("{count} {word}")).collect();
    if parts.is_empty() { "none".to_owned() } else { parts.join(", ") }
}

fn policy(instance: &InstanceStatus<'_>, now: Timestamp) -> Facts {
    let policy = instance.policy.as_ref();
    Facts::under("Plan", now)
        .and("Automatic backups", policy.map(|policy| if policy.enabled { "on" } else { "off" }))
        .and("Longest gap", policy.and_then(|policy| policy.expected_interval_seconds).map(|gap| span(gap.0)))
        .and("RPO", instance.rpo_seconds.map(|rpo| span(rpo.0)))
        .and_at("Latest slot", policy.and_then(|policy| policy.last_scheduled_at))
        .and_at("Next slot", policy.and_then(|policy| policy.next_scheduled_at))
        .and("Backups are kept", policy.and_then(|policy| policy.retention_seconds).map(|kept| span(kept.0)))
        .and_at("Last changed", policy.and_then(|policy| policy.updated_at))
}

fn polls(instance: &InstanceStatus<'_>, now: Timestamp) -> Facts {
    let polls = &instance.polls;
    let mut facts = Facts::under("Asking the cloud", now);
    for (name, poll) in [("Backups", &polls.backups), ("Restores", &polls.restores), ("Policy", &polls.policy)] {
        facts = facts.and(name, Some(outcome(poll))).and_at(format!("{name} last read"), poll.last_success_at);
    }
    facts
}

fn outcome(poll: &PollStatus) -> String {
    match (poll.success, &poll.error) {
        (None, _) => "not asked yet".to_owned(),
        (Some(true), _) => "answered".to_owned(),
        (Some(false), Some(error)) => format!("failed ({}): {}", error.reason, error.message),
        (Some(false), None) => "no request was sent".to_owned(),
    }
}

fn about(instance: &InstanceStatus<'_>, now: Timestamp) -> Facts {
    let engine = instance.engine.map(|engine| match instance.engine_version {
        Some(version) => format!("{engine} {version}"),
        None => engine.to_owned(),
    });
    let mut facts = Facts::under("Instance", now)
        .and("Id", Some(instance.instance_id))
        .and("Project", Some(instance.project))
        .and("Status", instance.status)
        .and("Engine", engine)
        .and("Kind", instance.cache_mode)
        .and("Memory", instance.max_memory_bytes.map(size))
        .and("Can be backed up", instance.backup_supported.map(|can| if can { "yes" } else { "no" }))
        .and_at("Created", instance.created_at);
    for (label, value) in &instance.tags {
        facts = facts.and(*label, Some(value));
    }
    facts
}
