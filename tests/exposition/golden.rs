//! Golden files: `{snapshot} → text` of the fleet, one for each state an instance can be in.

use std::sync::Arc;
use std::time::Duration;

use dcs_backup_exporter::config::ApiVersion;
use dcs_backup_exporter::domain::facts::{InProgress, LastSuccess, RecordFacts, Running};
use dcs_backup_exporter::domain::instance::{CacheMode, InstanceStatus};
use dcs_backup_exporter::domain::record::{BackupFormat, BackupType, Outcome, State};
use dcs_backup_exporter::domain::tags::{TagLabel, TagLabels, Tags};
use dcs_backup_exporter::exposition::families;
use dcs_backup_exporter::snapshot::{Details, InstanceView, PolicyView, PollView, ProjectView, Snapshot};

use crate::fleet::{self, at, empty, full, project, snapshot, unknown};

fn text(snapshot: &Snapshot) -> String {
    let mut text = String::new();
    families::write(snapshot, fleet::now(), &mut text);
    text
}

/// The samples of one instance in a project of its own, without HELP and TYPE and without the project's families.
fn samples(instance: InstanceView) -> String {
    let text = text(&snapshot(vec![project("prod", vec![instance])]));
    text.split_inclusive('\n').filter(|line| line.contains("instance_id=")).collect()
}

#[test]
fn an_instance_with_everything() {
    insta::assert_snapshot!(text(&snapshot(vec![project(
        "prod",
        vec![full("5560df16-cebf-4473-95c4-d1b573c16e79", "orders-cache")]
    )])));
}

#[test]
fn an_instance_that_was_never_polled() {
    insta::assert_snapshot!(samples(unknown("5560df16")), @"");
}

#[test]
fn an_instance_whose_first_polls_failed() {
    let failed = PollView { success: Some(false), last_success_at: None, error: None };
    insta::assert_snapshot!(samples(InstanceView {
        polls: [failed.clone(), failed.clone(), failed],
        ..unknown("5560df16")
    }));
}

#[test]
fn an_instance_without_records() {
    insta::assert_snapshot!(samples(empty("5560df16", "quiet")));
}

#[test]
fn a_single_node_instance() {
    let single = empty("5560df16", "scratch");
    let details = single.details.clone().map(|details| Details { cache_mode: Some(CacheMode::Single), ..details });
    let policy = PolicyView {
        automatic: false,
        updated_at: None,
        retention: None,
        expected_interval: None,
        plan: None,
        since: None,
    };
    // The recovery point objective is left in, to see that it is not told.
    insta::assert_snapshot!(samples(InstanceView { supported: Some(false), details, policy: Some(policy), ..single }));
}

#[test]
fn a_plan_that_was_switched_off_means_nothing() {
    let mut instance = empty("5560df16", "manual");
    if let Some(policy) = &mut instance.policy {
        policy.automatic = false; // with all of the old plan left in
    }
    let samples = samples(InstanceView { rpo: None, backups: None, restores: None, ..instance });
    let policy: Vec<&str> = samples.lines().filter(|line| line.starts_with("dcs_backup_")).collect();
    insta::assert_snapshot!(policy.join("\n"));
}

#[test]
fn a_slot_before_the_policys_last_change_does_not_count() {
    let mut instance = empty("5560df16", "new");
    if let Some(policy) = &mut instance.policy {
        policy.since = Some(at("2026-11-22T02:00:01Z"));
    }
    let samples = samples(instance);
    assert!(!samples.contains("dcs_backup_last_scheduled_timestamp_seconds"), "{samples}");
    assert!(samples.contains("dcs_backup_next_scheduled_timestamp_seconds"), "{samples}");
}

#[test]
fn a_backup_and_a_restore_that_run() {
    let text = samples(full("5560df16", "busy"));
    let progress: Vec<&str> = text
        .lines()
        .filter(|line| {
            ["in_progress", "progress_ratio", "_started_", "oldest_in_progress", "ing\"}"]
                .iter()
                .any(|part| line.contains(part))
        })
        .collect();
    insta::assert_snapshot!(progress.join("\n"));
}

#[test]
fn facts_that_are_known_in_part() {
    let success = LastSuccess {
        at: at("2026-11-22T12:00:01Z"), // after now: clocks differ
        size_bytes: None,
        duration: None,
        backup_type: Some(BackupType::Other),
        backup_format: Some(BackupFormat::Other),
    };
    let mut backups =
        RecordFacts { last_success: Some(success), last_outcome: Some(Outcome::Failed), ..RecordFacts::default() };
    backups.restorable.bytes = None;
    backups.progress = InProgress {
        count: 1,
        oldest_created_at: Some(at("2026-11-22T11:00:00Z")),
        newest_created_at: Some(at("2026-11-22T11:00:00Z")),
        running: Some(Running { begun_at: at("2026-11-22T11:00:01Z"), progress: None }),
    };
    let restores = RecordFacts {
        records: [State::Expired, State::Expired, State::Other].into_iter().collect(),
        ..RecordFacts::default()
    };
    let details = Details {
        engine: None,
        engine_version: None,
        cache_mode: None,
        status: Some(InstanceStatus::Other),
        created_at: None,
        max_memory_bytes: None,
    };
    insta::assert_snapshot!(samples(InstanceView {
        details: Some(details),
        backups: Some(Arc::new(backups)),
        restores: Some(Arc::new(restores)),
        policy: None,
        rpo: None,
        ..empty("5560df16", "partly")
    }));
}

#[test]
fn tags_become_labels_escaped_and_bounded_where_they_have_a_value() {
    let wanted = TagLabel::of(["team", "cost-center", "团队", "环境", "lacking", "blank"]).into();
    let long = "值".repeat(100);
    let tags = [
        ("cost-center", "47\"11\\\n"),
        ("团队", "缓存 🚀"),
        ("环境", &long),
        ("blank", ""),
        ("team", "shop"),
        ("x", "y"),
    ];
    let tags = TagLabels::of(&wanted, &Tags::of(tags));
    let samples = samples(InstanceView { tags: tags.clone(), ..empty("5560df16", "orders") });
    let info: Vec<&str> = samples.lines().filter(|line| line.contains("tag_")).collect();
    let expected = format!(
        "dcs_instance_info{{project=\"prod\",instance_id=\"5560df16\",instance_name=\"orders\",engine=\"Redis\",\
         engine_version=\"5.0\",cache_mode=\"ha\",tag_team=\"shop\",tag_cost_center=\"47\\\"11\\\\\\n\",\
         tag___=\"缓存 🚀\",tag____conflict1=\"{}\"}} 1",
        "值".repeat(85)
    );
    assert_eq!(info, [expected], "in no other family");
    let undescribed = self::samples(InstanceView { tags, ..unknown("5560df16") });
    assert_eq!(undescribed, "", "tags come with a description");
}

#[test]
fn odd_names_are_escaped_and_bounded() {
    let names = ["back\\slash", "quo\"te", "two\nlines", "缓存 🚀", &"long ".repeat(100), ""];
    let instances = names.iter().enumerate().map(|(number, name)| {
        let mut instance = unknown(&format!("id-{number}\\\"\n"));
        instance.name = (*name).to_owned();
        instance.supported = Some(true);
        instance
    });
    insta::assert_snapshot!(text(&snapshot(vec![ProjectView {
        region: String::new(),
        ..project("pro\"ject\\", instances.collect())
    }])));
}

#[test]
fn two_projects() {
    let untried = ProjectView {
        api_version: ApiVersion::V1,
        up: None,
        missing: None,
        left_out: 0,
        listed_at: None,
        tried: false,
        ..project("private", vec![unknown("b")])
    };
    let down = ProjectView {
        up: Some(false),
        missing: Some(1),
        left_out: 0,
        poll_interval: Duration::from_millis(1_234_500),
        ..project(
            "prod",
            vec![
                InstanceView { supported: Some(true), ..unknown("a") },
                InstanceView { supported: Some(false), ..unknown("b") },
            ],
        )
    };
    insta::assert_snapshot!(text(&snapshot(vec![down, untried])));
}

#[test]
fn how_many_instances_there_are_is_unknown_before_the_first_listing() {
    let count = |listed_at, instances| {
        let text = text(&snapshot(vec![ProjectView { listed_at, ..project("prod", instances) }]));
        text.lines().find(|line| line.starts_with("dcs_project_instances{")).map(str::to_owned)
    };
    let line = |count| Some(format!("dcs_project_instances{{project=\"prod\"}} {count}"));
    assert_eq!(count(None, Vec::new()), None);
    assert_eq!(count(Some(at("2026-11-22T11:56:00Z")), Vec::new()), line(0));
    assert_eq!(count(None, vec![unknown("by-hand")]), line(1));
}

#[test]
fn no_project_is_no_text() {
    assert_eq!(text(&Snapshot::default()), "");
}

#[test]
fn the_window_of_failures_moves_with_the_clock() {
    let snapshot = snapshot(vec![project("prod", vec![full("5560df16", "orders")])]);
    let failures = |now: &str| {
        let mut text = String::new();
        families::write(&snapshot, at(now), &mut text);
        let lines = text.lines().filter(|line| line.starts_with("dcs_backup_failures{"));
        lines.map(|line| line.split_once("error_code=").unwrap().1.to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(failures("2026-11-22T12:00:00Z"), ["\"dcs.08.0008\"} 2", "\"none\"} 1", "\"other\"} 1"]);
    assert_eq!(failures("2026-11-24T02:00:06Z"), ["\"dcs.08.0008\"} 1", "\"none\"} 1", "\"other\"} 1"]);
    assert_eq!(failures("2026-11-27T02:20:00.5Z"), ["\"other\"} 1"]);
    assert!(failures("2026-11-27T02:20:00.6Z").is_empty());
}
