//! Is all well?

use askama::Template;
use askama::filters::HtmlSafe;
use jiff::Timestamp;

use super::frame::Mark;
use super::moment::Moment;
use super::words::counted;
use super::{outside, projects, runbooks};
use crate::reload::Newest;
use crate::snapshot::Snapshot;
use crate::status::{FleetStatus, Verdict};

/// The answer in a line, and what it rests on.
#[derive(Debug, Template)]
#[template(
    ext = "html",
    source = r#"<h1 class="{{ mark.class() }}"><span class="shape" aria-hidden="true">{{ mark.shape() }}</span> {{ title }}</h1>
<p class="freshness">{% if let Some(oldest) = oldest %}As of <time datetime="{{ self.exact("T") }}Z">{{ self.exact(" ") }} UTC</time>; the oldest facts are from {{ oldest }}.{% else %}No instance has been read yet.{% endif %}</p>
{% if let Some(reload) = reload -%}
<section class="notice bad" aria-labelledby="reload">
<h2 id="reload"><span class="shape" aria-hidden="true">✕</span> The configuration was not reloaded</h2>
<p>Tried {{ reload.at }}; the one before stays in use, and the next restart would fail. <a href="{{ runbooks::of_alert("DcsExporterReloadFailed") }}">Runbook</a></p>
<ul>{% for problem in reload.shown %}<li>{{ outside::isolated(problem) }}</li>{% endfor %}{% if reload.others > 0 %}<li>and {{ reload.others }} more: see the log</li>{% endif %}</ul>
</section>
{%- endif %}"#
)]
pub(super) struct Headline {
    /// How bad it is.
    pub(super) mark: Mark,
    /// In a line.
    pub(super) title: String,
    now: Timestamp,
    oldest: Option<Moment>,
    reload: Option<ReloadFailure>,
}

impl HtmlSafe for Headline {}

/// A reload that went wrong.
#[derive(Debug)]
struct ReloadFailure {
    at: Moment,
    shown: Vec<String>,
    others: usize,
}

/// So many problems of a reload are shown; the log has all.
const PROBLEMS: usize = 5;

impl Headline {
    /// What is to be said of the whole fleet.
    pub(super) fn of(snapshot: &Snapshot, status: &FleetStatus<'_>, newest: Option<&Newest>, now: Timestamp) -> Self {
        let (mark, title) = judge(snapshot, status, now);
        let polls = snapshot.projects.iter().flat_map(|project| project.instances()).map(|instance| &instance.polls[0]);
        let oldest = polls.filter_map(|poll| poll.last_success_at).min();
        Self {
            mark,
            title,
            now,
            oldest: oldest.map(|at| Moment::ago(at, now)),
            reload: newest.and_then(|newest| ReloadFailure::of(newest, now)),
        }
    }

    fn exact(&self, between: &str) -> String {
        self.now.strftime(&format!("%Y-%m-%d{between}%H:%M:%S")).to_string()
    }
}

impl ReloadFailure {
    fn of(newest: &Newest, now: Timestamp) -> Option<Self> {
        let problems = newest.outcome.as_ref().err()?.problems();
        Some(Self {
            at: Moment::full(newest.at, now),
            shown: problems.iter().take(PROBLEMS).cloned().collect(),
            others: problems.len().saturating_sub(PROBLEMS),
        })
    }
}

fn judge(snapshot: &Snapshot, status: &FleetStatus<'_>, now: Timestamp) -> (Mark, String) {
    let count = |is: &dyn Fn(Verdict) -> bool| {
        let these = status.fleet_verdicts.iter().filter(|(verdict, _)| is(**verdict));
        these.map(|(_, count)| count).sum::<usize>()
    };
    let all = count(&|_| true);
    let bad = count(&|verdict| verdict.severity() == 2);
    let warned = count(&|verdict| verdict.severity() == 1);
    let in_trouble = snapshot.projects.iter().filter(|project| projects::mark(project, now) == Mark::Bad).count();
    let of_all = |some: usize| format!("{} of {}", super::words::number(some), counted(all, "instance"));
    let verb = |some: usize, one: &'static str, several: &'static str| if some == 1 { one } else { several };
    if snapshot.projects.is_empty() || !snapshot.all_tried() {
        return (Mark::Quiet, "Starting: the cloud is being asked for the first time".to_owned());
    }
    if bad > 0 {
        return (Mark::Bad, format!("{} {} help", of_all(bad), verb(bad, "needs", "need")));
    }
    if in_trouble > 0 {
        let projects = counted(in_trouble, "project");
        return (Mark::Bad, format!("{projects} {} help", verb(in_trouble, "needs", "need")));
    }
    if warned > 0 {
        let missed = "a failed or missed backup, still within the RPO";
        return (Mark::Warn, format!("{} {} {missed}", of_all(warned), verb(warned, "has", "have")));
    }
    if all == 0 {
        return (Mark::Quiet, "No instance is watched".to_owned());
    }
    let fresh = count(&|verdict| verdict == Verdict::Fresh);
    (Mark::Good, format!("All is well: {} {} fresh", of_all(fresh), verb(fresh, "is", "are")))
}
