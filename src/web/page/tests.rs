//! Pages of small fleets, as text.

use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::cloud::CloudError;
use crate::cloud::error::ErrorKind;
use crate::domain::facts::{Failure, RecordFacts, Running};
use crate::domain::record::{ErrorCode, Outcome};
use crate::reload::{Newest, Refusal};
use crate::snapshot::{InstanceView, PollView, ProjectView};
use crate::status::tests::{instance, now, project, silent, snapshot};

fn around() -> Around {
    Around { telemetry_path: "/metrics".to_owned(), newest: None }
}

fn shown(snapshot: &Snapshot, query: &str, around: &Around) -> (u16, String) {
    let address = Address::of(Some(query)).unwrap();
    let status = FleetStatus::of(snapshot, &address.selection, silent, now());
    let (code, page) = render(snapshot, &status, &address, around, now()).unwrap();
    (code.as_u16(), String::from_utf8(page.to_vec()).unwrap())
}

fn page(instances: Vec<InstanceView>, query: &str) -> String {
    shown(&snapshot(vec![project("prod", instances)]), query, &around()).1
}

/// What people see of a page, in one line.
fn seen(html: &str) -> String {
    let body = html.split_once("<main").unwrap().1.split_once("</main>").unwrap().0;
    let mut text = String::new();
    let mut is_tag = true; // the rest of `<main …>`
    for character in body.chars() {
        match character {
            '<' => {
                is_tag = true;
                text.push(' ');
            }
            '>' if is_tag => is_tag = false,
            _ if !is_tag => text.push(character),
            _ => {}
        }
    }
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn with_backups(view: InstanceView, change: impl FnOnce(&mut RecordFacts)) -> InstanceView {
    let mut facts = RecordFacts::clone(view.backups.as_deref().unwrap());
    change(&mut facts);
    InstanceView { backups: Some(Arc::new(facts)), ..view }
}

fn failed(view: InstanceView, error_code: Option<ErrorCode>) -> InstanceView {
    with_backups(view, |facts| {
        facts.last_outcome = Some(Outcome::Failed);
        facts.last_failure = Some(Failure { at: now() - Duration::from_mins(90), error_code });
    })
}

fn title(snapshot: &Snapshot) -> String {
    let (_, page) = shown(snapshot, "", &around());
    let title = page.split_once("<title>").unwrap().1.split_once(" – dcs-backup-exporter</title>").unwrap().0;
    assert!(page.contains(&format!("</span> {title}</h1>")), "{title}");
    title.to_owned()
}

#[test]
fn the_first_line_says_whether_all_is_well() {
    let of = |instances| snapshot(vec![project("prod", instances)]);
    let (fresh, stale, never) = (instance("a", "a", Some(1)), instance("b", "b", Some(30)), instance("c", "c", None));
    let warned = || failed(instance("d", "d", Some(1)), None);
    let down = ProjectView { up: Some(false), ..project("prod", vec![fresh.clone()]) };
    let untried = ProjectView { tried: false, ..project("prod", Vec::new()) };
    for (fleet, expected) in [
        (of(vec![fresh.clone()]), "All is well: 1 of 1 instance is fresh"),
        (of(vec![fresh.clone(), warned()]), "1 of 2 instances has a failed or missed backup, still within the RPO"),
        (of(vec![fresh.clone(), warned(), stale.clone()]), "1 of 3 instances needs help"),
        (of(vec![stale, never]), "2 of 2 instances need help"),
        (snapshot(vec![down]), "1 project needs help"),
        (of(Vec::new()), "No instance is watched"),
        (snapshot(vec![untried]), "Starting: the cloud is being asked for the first time"),
        (Snapshot::default(), "Starting: the cloud is being asked for the first time"),
    ] {
        assert_eq!(title(&fleet), expected);
    }
}

#[test]
fn nothing_from_outside_becomes_markup() {
    const EVIL: &str = "\"'><script>alert(1)</script>&amp;<b>";
    let mut error = CloudError::new(ErrorKind::Forbidden, EVIL);
    error.status = Some(403);
    error.code = Some(EVIL.into());
    let error = Some(Arc::new(error));
    let polls = [(); 3].map(|()| PollView { success: Some(false), last_success_at: None, error: error.clone() });
    let evil = InstanceView { polls, ..instance(EVIL, EVIL, Some(1)) };
    let fleet = snapshot(vec![ProjectView {
        error: error.clone(),
        region: EVIL.to_owned(),
        endpoint: EVIL.to_owned(),
        ..project(EVIL, vec![evil])
    }]);
    let newest = Newest { at: now(), outcome: Err(Arc::new(Refusal::of(EVIL))) };
    let around = Around { telemetry_path: format!("/{EVIL}"), newest: Some(newest) };
    let encoded: String = url::form_urlencoded::byte_serialize(EVIL.as_bytes()).collect();
    for query in [
        String::new(),
        format!("search={encoded}"),
        format!("name={encoded}&project=nowhere{encoded}"),
        format!("project={encoded}&instance_id={encoded}"),
    ] {
        let (_, page) = shown(&fleet, &query, &around);
        let (head, rest) = page.split_once("<style>").unwrap();
        let body = rest.split_once("</style>").unwrap().1;
        assert_eq!(head.matches('<').count(), head.matches('>').count(), "{head}");
        for part in ["<script", "<b>\"", "alert(1)<", "\"'", "&amp;<"] {
            assert!(!body.contains(part), "{query}: {part}");
        }
        assert!(
            body.contains("&#34;&#39;&#62;&#60;script&#62;alert(1)&#60;/script&#62;&#38;amp;&#60;b&#62;"),
            "{query}"
        );
    }
    let refused = refused(EVIL, &around).unwrap();
    assert!(!String::from_utf8_lossy(&refused).contains("<script"));
}

#[test]
fn texts_from_outside_do_not_turn_what_is_beside_them() {
    const EVIL: &str = "a\u{202e}b";
    const OUT: &str = "\u{2069}\u{202e}b\u{2066}";
    let error = Some(Arc::new(CloudError::new(ErrorKind::Connection, EVIL)));
    let polls = [(); 3].map(|()| PollView { success: Some(false), last_success_at: None, error: error.clone() });
    let evil = InstanceView { polls, ..instance("id", EVIL, Some(1)) };
    let out = instance("out", OUT, Some(1));
    let view =
        ProjectView { error, region: EVIL.to_owned(), endpoint: EVIL.to_owned(), ..project(EVIL, vec![evil, out]) };
    let newest = Newest { at: now(), outcome: Err(Arc::new(Refusal::of(EVIL))) };
    let (fleet, around) = (snapshot(vec![view]), Around { newest: Some(newest), ..around() });
    for query in ["", "instance_id=id", "project=%E2%80%AE"] {
        let (_, page) = shown(&fleet, query, &around);
        let (head, body) = page.split_once("</head>").unwrap();
        assert!(!head.contains('\u{202e}'), "{head}");
        let mut isolates = 0;
        for (place, _) in body.match_indices('\u{202e}') {
            let before = &body[..place];
            let in_element = before.rfind('<').is_some_and(|tag| before[tag..].starts_with("<bdi>"));
            let is_choice = before.rfind('<').is_some_and(|tag| before[tag..].starts_with("<option"));
            assert!(in_element || is_choice, "{query}: {}", &before[before.len().saturating_sub(80)..]);
            isolates += usize::from(in_element);
        }
        assert!(isolates > 0, "{query}");
        assert!(!body.contains(['\u{2066}', '\u{2069}']), "{query}");
    }
    let heading = shown(&fleet, "instance_id=id", &around).1;
    assert!(heading.contains("</span> <bdi>a\u{202e}b</bdi>: "), "{heading}");
    assert!(heading.contains("<title>ab: "), "{heading}");
    let out = shown(&fleet, "instance_id=out", &around).1;
    assert!(out.contains("</span> <bdi>\u{202e}b</bdi>: "), "what would end the isolate is left out: {out}");
}

#[test]
fn a_row_tells_age_state_and_what_failed() {
    let text = seen(&page(
        vec![
            instance("a", "orders", Some(3)),
            instance("b", "never", None),
            failed(instance("c", "carts", Some(5)), Some(ErrorCode::InstanceBusy)),
            InstanceView { supported: Some(false), ..instance("d", "single", None) },
        ],
        "",
    ));
    for part in [
        "✕ never backed up never prod never of 24 h",
        "! last failed carts prod 5 h of 24 h – none Last backup failed 1 h 30 min ago : the instance was busy, so the \
         automatic backup did not run (dcs.08.0008) the instance was busy with another task in its slot: move that \
         task, or the backup plan, to another hour",
        "✓ fresh orders prod 3 h of 24 h",
        "– unsupported single prod cannot be backed up",
        "1–4 of 4 instances, worst first",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
}

#[test]
fn what_runs_has_a_bar() {
    let running = with_backups(instance("a", "orders", Some(3)), |facts| {
        facts.progress.count = 2;
        facts.progress.running = Some(Running { begun_at: now() - Duration::from_mins(4), progress: Some(0.379) });
    });
    let waiting = with_backups(instance("b", "carts", Some(3)), |facts| {
        facts.progress.count = 1;
        facts.progress.oldest_created_at = Some(now() - Duration::from_secs(8));
    });
    let page = page(vec![running, waiting], "");
    assert!(page.contains(r#"<progress max="100" value="37" aria-label="Backup of orders">37 %</progress>"#), "{page}");
    let text = seen(&page);
    for part in
        ["Backup running, 37 %, begun 4 min ago ; 1 more waiting or running", "Backup waiting, requested 8 s ago"]
    {
        assert!(text.contains(part), "{part}\n{text}");
    }
    assert_eq!(page.matches("<progress").count(), 1, "what waits has none");
}

#[test]
fn the_form_shows_what_is_chosen() {
    let query = "search=ord%22&project=prod&verdict=fresh&sort=age&limit=50&refresh=30";
    let page = page(vec![instance("a", "orders", Some(3))], query);
    for part in [
        r#"name="search" type="search" value="ord&#34;""#,
        r#"<option value="prod" selected>"#,
        r#"<option value="fresh" selected>"#,
        r#"<option value="age" selected>"#,
        r#"<input type="hidden" name="limit" value="50">"#,
        r#"<input type="hidden" name="refresh" value="30">"#,
        r#"<meta http-equiv="refresh" content="30">"#,
        r#"<a href="./?sort=age&#38;limit=50&#38;refresh=30">Show all</a>"#,
        r#"<a href="./?project=prod&#38;search=ord%22&#38;verdict=fresh&#38;sort=age&#38;limit=50">Stop refreshing</a>"#,
        r#"<a href="./api/v1/instances?project=prod&#38;search=ord%22&#38;verdict=fresh&#38;sort=age&#38;limit=50">"#,
        "No instance is like that.",
    ] {
        assert!(page.contains(part), "{part}\n{page}");
    }
    assert_eq!(page.matches(" selected>").count(), 3);
}

#[test]
fn headings_say_how_the_table_is_sorted() {
    let instances = || vec![instance("a", "a", Some(3)), instance("b", "b", Some(5))];
    for (query, sorted) in [
        ("", r#"aria-sort="ascending"><a href="./?order=desc">State <span"#),
        ("sort=age", r#"aria-sort="descending"><a href="./?sort=age&#38;order=asc">Newest backup <span"#),
        ("sort=age&order=asc", r#"aria-sort="ascending"><a href="./?sort=age">Newest backup <span"#),
    ] {
        let page = page(instances(), query);
        assert!(page.contains(sorted), "{query}\n{page}");
        assert_eq!(page.matches("aria-sort").count(), 1, "{query}");
    }
    assert!(!page(instances(), "sort=polled").contains("aria-sort"), "no column has it");
}

#[test]
fn a_large_fleet_is_shown_page_by_page() {
    let fleet = (0..1_234).map(|number| instance(&format!("{number:04}"), &format!("cache-{number:04}"), Some(1)));
    let fleet = snapshot(vec![project("prod", fleet.collect())]);
    let (_, page) = shown(&fleet, "sort=name&offset=1200", &around());
    assert_eq!(page.matches("rowheader").count(), 34);
    let text = seen(&page);
    assert!(text.contains("1201–1234 of 1234 First Previous Next Last"), "{text}");
    assert!(page.contains(r#"<a href="./?sort=name&#38;offset=1100" rel="prev">Previous</a>"#), "{page}");
    assert!(shown(&fleet, "offset=9999", &around()).1.contains("There are fewer instances than that."));
    assert_eq!(shown(&fleet, "", &around()).1.matches("rowheader").count(), 100);
}

#[test]
fn one_instance_is_told_in_full() {
    let view = failed(instance("5560df16", "orders", Some(30)), Some(ErrorCode::TimedOut));
    let fleet = snapshot(vec![project("prod", vec![view])]);
    let (code, page) = shown(&fleet, "project=prod&instance_id=5560df16", &around());
    let text = seen(&page);
    assert_eq!(code, 200);
    for part in [
        "✕ orders : stale Its newest backup is older than it may be. Runbook Newest backup: 30 h of 24 h",
        "Newest success 2026-11-20 06:00:00 UTC (30 h ago)",
        "Because it took too long and was given up (dcs.08.0002)",
        "Failures in 1 h none",
        "RPO 24 h",
        "Id 5560df16",
        "Backups answered",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
    assert!(page.contains(r#"href="./probe?project=prod&#38;instance_id=5560df16""#), "{page}");
    let (code, page) = shown(&fleet, "instance_id=gone", &around());
    assert!(code == 404 && page.contains("None with this id is watched"), "{page}");
}

#[test]
fn a_project_in_trouble_says_why_and_what_to_do() {
    let error = CloudError::new(ErrorKind::Connection, "no route to the endpoint");
    let error = error.with_hint(crate::cloud::diagnosis::Hint::new("check proxy"));
    let down = ProjectView { up: Some(false), error: Some(Arc::new(error)), ..project("down", Vec::new()) };
    let others = (0..9).map(|number| project(&format!("p{number}"), vec![instance("a", "a", Some(1))]));
    let (_, page) = shown(&snapshot(std::iter::once(down).chain(others).collect()), "", &around());
    let text = seen(&page);
    for part in [
        "10 projects, 1 in trouble",
        "✕ down does not answer It cannot be asked or listed : no route to the endpoint check proxy",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
    assert!(page.contains(r#"<details class="projects" open>"#));
}

#[test]
fn a_reload_that_went_wrong_is_told() {
    let refusal = Refusal::of("config.yml:1: <b> is unknown");
    let newest = Newest { at: now() - Duration::from_mins(5), outcome: Err(Arc::new(refusal)) };
    let around = Around { newest: Some(newest), ..around() };
    let fleet = snapshot(vec![project("prod", vec![instance("a", "a", Some(1))])]);
    let text = seen(&shown(&fleet, "", &around).1);
    let told = "The configuration was not reloaded Tried 2026-11-21 11:55:00 UTC (5 min ago) ; the one before stays in \
                use, and the next restart would fail. Runbook config.yml:1: &#60;b&#62; is unknown";
    assert!(text.contains(told), "{text}");
}
