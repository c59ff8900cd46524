//! The order, the selection, and that nobody is lost.

use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::cloud::CloudError;
use crate::cloud::diagnosis::Hint;
use crate::cloud::error::ErrorKind;
use crate::config::ApiVersion;
use crate::domain::facts::{LastSuccess, RecordFacts};
use crate::domain::record::Outcome;
use crate::domain::tags::TagLabels;
use crate::snapshot::{InstanceView, PollView, ProjectView};

const HOUR: Duration = Duration::from_hours(1);

pub(crate) fn now() -> Timestamp {
    "2026-11-21T12:00:00Z".parse().unwrap()
}

/// Of a project that was never asked.
pub(crate) fn silent(_: &ProjectName) -> Health {
    Health::default()
}

pub(crate) fn project(name: &str, instances: Vec<InstanceView>) -> ProjectView {
    ProjectView {
        name: name.into(),
        project_id: None,
        region: String::new(),
        endpoint: "https://dcs.example".to_owned(),
        api_version: ApiVersion::V2,
        up: Some(true),
        watched: instances.len() as u64,
        missing: None,
        unlisted: None,
        left_out: 0,
        listed_at: None,
        poll_interval: HOUR,
        tried: true,
        error: None,
        instances: instances.into_iter().map(Arc::new).collect(),
    }
}

pub(crate) fn snapshot(projects: Vec<ProjectView>) -> Snapshot {
    Snapshot { projects: projects.into_iter().map(Arc::new).collect(), lookback: HOUR }
}

/// An instance whose newest backup is so many hours old, to be renewed within a day.
pub(crate) fn instance(id: &str, name: &str, age: Option<u64>) -> InstanceView {
    let poll = PollView { success: Some(true), last_success_at: Some(now()), error: None };
    let last_success = age.map(|hours| LastSuccess {
        at: now() - u32::try_from(hours).unwrap() * HOUR,
        size_bytes: None,
        duration: None,
        backup_type: None,
        backup_format: None,
    });
    InstanceView {
        id: id.into(),
        name: name.to_owned(),
        tags: TagLabels::default(),
        details: None,
        supported: Some(true),
        policy: None,
        rpo: Some(24 * HOUR),
        backups: Some(Arc::new(RecordFacts { last_success, ..RecordFacts::default() })),
        restores: None,
        polls: [poll.clone(), poll.clone(), poll],
    }
}

fn fleet() -> Snapshot {
    let failed = RecordFacts {
        last_outcome: Some(Outcome::Failed),
        ..RecordFacts::clone(instance("", "", Some(2)).backups.as_deref().unwrap())
    };
    let one = vec![
        instance("a", "orders", Some(1)),
        instance("b", "Orders-2", Some(30)),
        instance("c", "sessions", Some(90)),
        InstanceView { backups: Some(Arc::new(failed)), ..instance("d", "carts", None) },
    ];
    let two = vec![
        instance("a", "orders", None),
        InstanceView { polls: Default::default(), ..instance("e", "new", Some(1)) },
    ];
    snapshot(vec![project("one", one), project("two", two)])
}

fn shown(selection: &Selection) -> Vec<String> {
    let fleet = fleet();
    let status = FleetStatus::of(&fleet, selection, silent, now());
    let of = |instance: &InstanceStatus<'_>| {
        format!("{}/{} {}", instance.project, instance.instance_id, instance.verdict.as_str())
    };
    status.instances.iter().map(of).collect()
}

#[test]
fn the_worst_stand_first_and_of_the_stale_the_stalest() {
    assert_eq!(
        shown(&Selection::default()),
        ["two/e not_polled", "two/a never_backed_up", "one/c stale", "one/b stale", "one/d last_failed", "one/a fresh"]
    );
}

#[test]
fn a_selection_shows_what_matches_all_of_it() {
    let text = |text: &str| Some(text.to_owned());
    for (selection, expected) in [
        (
            Selection { project: text("two"), ..Selection::default() },
            &["two/e not_polled", "two/a never_backed_up"][..],
        ),
        (Selection { instance_id: text("a"), ..Selection::default() }, &["two/a never_backed_up", "one/a fresh"]),
        (
            Selection { name: text("ORDERS"), ..Selection::default() },
            &["two/a never_backed_up", "one/b stale", "one/a fresh"],
        ),
        (Selection { search: text("SESS"), ..Selection::default() }, &["one/c stale"]),
        (
            Selection { search: text("E"), verdict: Some(Verdict::NotPolled), ..Selection::default() },
            &["two/e not_polled"],
        ),
        (Selection { search: text("C"), ..Selection::default() }, &["one/c stale", "one/d last_failed"]),
        (Selection { verdict: Some(Verdict::Stale), ..Selection::default() }, &["one/c stale", "one/b stale"]),
        (Selection { verdict: Some(Verdict::Stale), limit: Some(1), ..Selection::default() }, &["one/c stale"]),
        (Selection { verdict: Some(Verdict::Stale), offset: 1, ..Selection::default() }, &["one/b stale"]),
        (Selection { limit: Some(0), ..Selection::default() }, &[]),
        (Selection { offset: usize::MAX, limit: Some(usize::MAX), ..Selection::default() }, &[]),
        (Selection { project: text("one"), name: text("new"), ..Selection::default() }, &[]),
        (Selection { project: text("three"), ..Selection::default() }, &[]),
    ] {
        assert_eq!(shown(&selection), expected, "{selection:?}");
    }
}

#[test]
fn an_order_can_be_chosen_and_what_is_not_known_comes_last() {
    use Order::{Ascending, Descending};
    let ids = |sort, order| {
        let shown = shown(&Selection { sort, order, ..Selection::default() });
        shown.iter().map(|one| one.split(' ').next().unwrap().to_owned()).collect::<Vec<_>>().join(" ")
    };
    for (sort, order, expected) in [
        (Sort::Worst, None, "two/e two/a one/c one/b one/d one/a"),
        (Sort::Worst, Some(Descending), "one/a one/d one/b one/c two/a two/e"),
        (Sort::Name, None, "one/d two/e two/a one/a one/b one/c"),
        (Sort::Name, Some(Descending), "one/c one/b two/a one/a two/e one/d"),
        (Sort::Project, None, "one/d one/a one/b one/c two/e two/a"),
        (Sort::Age, None, "one/c one/b one/d two/e one/a two/a"),
        (Sort::Age, Some(Ascending), "two/e one/a one/d one/b one/c two/a"),
        (Sort::Polled, None, "two/a one/c one/b one/d one/a two/e"),
        // Nobody knows any of these: of equals the worst first.
        (Sort::Size, None, "two/e two/a one/c one/b one/d one/a"),
        (Sort::NextSlot, Some(Descending), "two/e two/a one/c one/b one/d one/a"),
        (Sort::LastFailure, None, "two/e two/a one/c one/b one/d one/a"),
    ] {
        assert_eq!(ids(sort, order), expected, "{sort:?} {order:?}");
    }
}

#[test]
fn counts_are_of_all_that_match_whatever_the_page() {
    let fleet = fleet();
    let selection = Selection { project: Some("one".to_owned()), limit: Some(1), ..Selection::default() };
    let status = FleetStatus::of(&fleet, &selection, silent, now());
    assert_eq!((status.total, status.instances.len(), status.projects.len()), (4, 1, 1));
    let json = serde_json::to_value(&status).unwrap();
    assert_eq!(json["verdicts"]["stale"], 2);
    assert_eq!(json["verdicts"]["not_polled"], 0, "zeros are told");
    assert_eq!(status.verdicts.values().sum::<usize>(), 4);
    assert_eq!(status.fleet_verdicts.values().sum::<usize>(), 6, "those of all, whatever is selected");
}

#[test]
fn errors_are_told_with_their_hints() {
    let error = CloudError::new(ErrorKind::Forbidden, "a permission is lacking").with_hint(Hint::new("allow it"));
    let mut one = instance("a", "a", None);
    one.polls[1] = PollView { success: Some(false), last_success_at: None, error: Some(Arc::new(error.clone())) };
    let fleet = snapshot(vec![ProjectView { error: Some(Arc::new(error)), ..project("one", vec![one]) }]);
    let json = serde_json::to_value(FleetStatus::of(&fleet, &Selection::default(), silent, now())).unwrap();
    let told = serde_json::json!({"reason": "forbidden", "message": "a permission is lacking", "hint": "allow it"});
    assert_eq!(json["instances"][0]["polls"]["restores"]["error"], told);
    assert_eq!(json["projects"][0]["error"], told);
    assert!(json["projects"][0]["region"].is_null() && json["projects"][0]["project_id"].is_null());
}

proptest! {
    #[test]
    fn exactly_the_instances_of_the_picture_are_listed_worst_first(
        ages in prop::collection::vec(prop::collection::vec(prop::option::of(0_u64..100), 0..12), 0..4),
        page in 1_usize..10,
    ) {
        let projects = ages.iter().enumerate().map(|(number, ages)| {
            let instances = ages.iter().enumerate().map(|(index, age)| instance(&format!("{index:02}"), "same", *age));
            project(&format!("p{number}"), instances.collect())
        });
        let fleet = snapshot(projects.collect());
        let mut expected: Vec<(&str, &str)> = fleet.projects.iter()
            .flat_map(|project| project.instances().map(|view| (project.name.as_str(), view.id.as_str())))
            .collect();
        // Page by page, as somebody reads it who cannot take it all.
        let mut listed = Vec::new();
        loop {
            let selection = Selection { limit: Some(page), offset: listed.len(), ..Selection::default() };
            let status = FleetStatus::of(&fleet, &selection, silent, now());
            prop_assert_eq!(status.total, expected.len());
            if status.instances.is_empty() {
                break;
            }
            listed.extend(status.instances);
        }
        let severities: Vec<u8> = listed.iter().map(|one| one.verdict.severity()).collect();
        prop_assert!(severities.is_sorted_by(|one, next| one >= next), "{severities:?}");
        let mut found: Vec<(&str, &str)> = listed.iter().map(|one| (one.project, one.instance_id)).collect();
        let as_check: Vec<_> = crate::check::Report::of(&fleet, now()).instances;
        let as_check: Vec<(&str, &str)> = as_check.iter().map(|row| (row.project.as_str(), row.instance_id.as_str())).collect();
        prop_assert_eq!(&found, &as_check, "the command check has the same order");
        found.sort_unstable();
        expected.sort_unstable();
        prop_assert_eq!(found, expected);
    }
}
