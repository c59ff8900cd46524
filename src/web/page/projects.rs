//! The projects, and how asking each of them goes.

use std::time::Duration;

use askama::Template;
use askama::filters::HtmlSafe;
use jiff::Timestamp;

use super::address::Address;
use super::frame::Mark;
use super::moment::Moment;
use super::trouble::Line;
use super::words::{counted, number, span};
use super::{outside, runbooks, words};
use crate::snapshot::{ProjectView, Snapshot};
use crate::status::project::ProjectStatus;

/// A poll may be late by so much without being told: nobody polls to the second.
const LATE: f64 = 60.0;
/// More projects than these are shown when asked for, unless one of them is in trouble.
const FEW: usize = 3;
/// A clock that is off by more is told; by 15 minutes the cloud refuses every request.
const SKEWED: f64 = 60.0;

/// All projects, in the order of the configuration.
#[derive(Debug, Template)]
#[template(
    ext = "html",
    source = r#"<details class="projects"{% if is_open %} open{% endif %}>
<summary><h2>{{ summary }}</h2></summary>
<ul class="cards">
{% for project in cards -%}
<li class="card {{ project.mark.class() }}">
<h3><span class="shape" aria-hidden="true">{{ project.mark.shape() }}</span> <a href="{{ project.link }}">{{ outside::isolated(project.name) }}</a> <span class="state">{{ project.state }}</span></h3>
{% for line in project.troubles %}{{ line }}{% endfor %}
<dl>
<div><dt>Instances</dt><dd>{{ project.instances }}</dd></div>
<div><dt>Oldest facts</dt><dd>{% if let Some(at) = project.oldest %}{{ at }}{% else %}none yet{% endif %}; read every {{ project.interval }}</dd></div>
{% if let Some(at) = project.listed -%}<div><dt>Last listing</dt><dd>{{ at }}</dd></div>{% endif %}
<div><dt>Polls</dt><dd>{{ project.polls }}</dd></div>
{% if let Some(throttled) = project.throttled -%}<div><dt>Throttled</dt><dd>{{ throttled }}</dd></div>{% endif %}
{% if let Some(skew) = project.skew -%}<div><dt>Clock</dt><dd>{{ skew }}</dd></div>{% endif %}
{% if let Some(at) = project.expiry -%}<div><dt>Key expires</dt><dd>{{ at }}</dd></div>{% endif %}
<div><dt>Asked at</dt><dd>{% if let Some(region) = project.region %}{{ outside::isolated(region) }}, {% endif %}{{ outside::isolated(project.endpoint) }}</dd></div>
</dl>
</li>
{% endfor -%}
</ul>
</details>"#
)]
pub(super) struct Projects {
    summary: String,
    is_open: bool,
    cards: Vec<Project>,
}

impl HtmlSafe for Projects {}

#[derive(Debug)]
struct Project {
    mark: Mark,
    name: String,
    link: String,
    state: &'static str,
    troubles: Vec<Line>,
    instances: String,
    oldest: Option<Moment>,
    interval: String,
    listed: Option<Moment>,
    polls: String,
    throttled: Option<String>,
    skew: Option<String>,
    expiry: Option<Moment>,
    region: Option<String>,
    endpoint: String,
}

/// How a project stands.
pub(super) fn mark(project: &ProjectView, now: Timestamp) -> Mark {
    if project.up == Some(false) || project.error.is_some() || is_outdated(project, now) {
        return Mark::Bad;
    }
    match project.up {
        None => Mark::Quiet,
        Some(_) if project.missing.is_some_and(|missing| missing > 0) => Mark::Warn,
        Some(_) => Mark::Good,
    }
}

/// Its oldest facts are older than they may be, with a margin: as in the alert `DcsProjectDataStale`.
fn is_outdated(project: &ProjectView, now: Timestamp) -> bool {
    let newest = project.instances().filter_map(|instance| instance.polls[0].last_success_at).max();
    let age = newest.and_then(|at| Duration::try_from(now.duration_since(at)).ok());
    age.is_some_and(|age| age > 2 * project.poll_interval + Duration::from_mins(5))
}

impl Projects {
    /// All of a picture; `statuses` are those of all projects.
    pub(super) fn of(snapshot: &Snapshot, statuses: &[ProjectStatus<'_>], address: &Address, now: Timestamp) -> Self {
        let both = snapshot.projects.iter().filter_map(|view| {
            let status = statuses.iter().find(|status| status.project == view.name.as_str())?;
            Some((view, status))
        });
        let cards: Vec<Project> = both.map(|(view, status)| Project::of(view, status, address, now)).collect();
        let bad = cards.iter().filter(|project| project.mark == Mark::Bad).count();
        let all = counted(cards.len(), "project");
        let summary = if bad == 0 { all } else { format!("{all}, {} in trouble", number(bad)) };
        Self { summary, is_open: cards.len() <= FEW || bad > 0, cards }
    }
}

impl Project {
    fn of(view: &ProjectView, status: &ProjectStatus<'_>, address: &Address, now: Timestamp) -> Self {
        let moment = |at: Option<Timestamp>| at.map(|at| Moment::ago(at, now));
        Self {
            mark: mark(view, now),
            name: status.project.to_owned(),
            link: address.of_project(status.project).link(),
            state: match status.up {
                Some(true) => "answers",
                Some(false) => "does not answer",
                None => "not asked yet",
            },
            troubles: troubles(view, status, now),
            instances: instances(view, status),
            oldest: moment(status.oldest_backups_poll_at),
            interval: span(status.poll_interval_seconds.0),
            listed: moment(status.last_listing_success_at),
            polls: polls(status),
            throttled: status.throttled_total.filter(|count| *count > 0).map(times),
            skew: status.clock_skew_seconds.filter(|skew| skew.abs() > SKEWED).map(|skew| {
                let side = if skew > 0.0 { "behind" } else { "ahead of" };
                format!("ours is {} {side} the cloud's", words::span(Duration::from_secs_f64(skew.abs())))
            }),
            expiry: moment(status.credentials_expiry_at),
            region: status.region.map(str::to_owned),
            endpoint: status.endpoint.to_owned(),
        }
    }
}

fn troubles(view: &ProjectView, status: &ProjectStatus<'_>, now: Timestamp) -> Vec<Line> {
    let error = status.error.as_ref().map(|error| Line::of("It cannot be asked or listed", error));
    let outdated = is_outdated(view, now).then(|| {
        Line::new("Its facts are outdated", "none was read for more than twice the time that is due", None)
            .with_runbook(runbooks::of_alert("DcsProjectDataStale"))
    });
    error.into_iter().chain(outdated).collect()
}

/// By all processes together, and by this one where it is one of several.
fn instances(view: &ProjectView, status: &ProjectStatus<'_>) -> String {
    let all = number(usize::try_from(status.instances).unwrap_or(usize::MAX));
    let here = view.instances.len();
    let of_this = (status.instances != here as u64).then(|| format!(", {} by this process", number(here)));
    let missing = status.missing_instances.filter(|missing| *missing > 0);
    let missing = missing.map(|missing| format!("; {missing} missing in the last listing"));
    let unlisted = status.unlisted_instances.filter(|unlisted| *unlisted > 0);
    let unlisted = unlisted.map(|unlisted| format!("; {unlisted} counted by the listing and not to be seen"));
    [Some(all), of_this, missing, unlisted].into_iter().flatten().collect()
}

fn polls(status: &ProjectStatus<'_>) -> String {
    match (status.poll_lag_seconds, status.polls_due) {
        (Some(lag), Some(due)) if lag > LATE => {
            let late = words::span(Duration::from_secs_f64(lag.min(1e9)));
            format!("late by {late}, {due} due: the budget is too small, or the cloud slow")
        }
        (Some(_), _) => "on time".to_owned(),
        (None, _) => "none yet".to_owned(),
    }
}

fn times(count: u64) -> String {
    if count == 1 { "once since the start".to_owned() } else { format!("{count} times since the start") }
}
