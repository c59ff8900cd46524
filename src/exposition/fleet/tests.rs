use std::time::Duration;

use super::*;
use crate::config::ApiVersion;
use crate::domain::facts::{Failure, LastSuccess, RecordFacts};
use crate::domain::tags::TagLabels;
use crate::exposition::blocks::Block;
use crate::snapshot::InstanceView;

const DAY: Duration = Duration::from_hours(24);

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// An instance with a success and a failure, that was polled.
fn instance(number: usize) -> InstanceView {
    let success = LastSuccess {
        at: at("2026-11-21T00:00:00Z"),
        size_bytes: Some(1),
        duration: None,
        backup_type: None,
        backup_format: None,
    };
    let facts = RecordFacts {
        last_success: Some(success),
        failures: vec![Failure { at: at("2026-11-20T12:00:00Z"), error_code: None }],
        ..RecordFacts::default()
    };
    let id = format!("id-{number:04}");
    InstanceView {
        id: id.as_str().into(),
        name: id,
        details: None,
        tags: TagLabels::default(),
        supported: Some(true),
        policy: None,
        rpo: Some(DAY),
        backups: Some(Arc::new(facts)),
        restores: None,
        polls: Default::default(),
    }
}

fn project(instances: Vec<Arc<InstanceView>>) -> ProjectView {
    ProjectView {
        name: "prod".into(),
        project_id: None,
        region: String::new(),
        endpoint: String::new(),
        api_version: ApiVersion::V2,
        up: None,
        watched: 0,
        missing: None,
        unlisted: None,
        left_out: 0,
        listed_at: None,
        poll_interval: Duration::ZERO,
        tried: false,
        error: None,
        instances: instances.into_iter().collect(),
    }
}

fn snapshot(instances: &[Arc<InstanceView>]) -> Arc<Snapshot> {
    Arc::new(Snapshot { projects: vec![Arc::new(project(instances.to_vec()))], lookback: DAY })
}

fn instances(numbers: impl Iterator<Item = usize>) -> Vec<Arc<InstanceView>> {
    numbers.map(|number| Arc::new(instance(number))).collect()
}

fn fleet(instances: &[Arc<InstanceView>], now: &str) -> Fleet {
    let mut fleet = Fleet::default();
    fleet.move_to(at(now));
    fleet.take(&snapshot(instances));
    fleet
}

fn text(fleet: &mut Fleet) -> String {
    crate::exposition::Rendered::new(fleet.plain()).to_text()
}

fn at_once(fleet: &Fleet) -> String {
    let mut text = String::new();
    families::write(&fleet.snapshot, fleet.moment, &mut text);
    text
}

/// All blocks, by family and group.
fn blocks(fleet: &Fleet) -> Vec<(usize, usize, Arc<Block>)> {
    let groups = fleet.groups.iter().enumerate();
    groups
        .flat_map(|(number, group)| {
            (0..fleet.families.len()).filter_map(move |family| Some((family, number, Arc::clone(group.block(family)?))))
        })
        .collect()
}

/// The names of the families with blocks that were rendered anew, and in which group.
fn rendered_anew(fleet: &Fleet, before: &[(usize, usize, Arc<Block>)]) -> Vec<(&'static str, usize)> {
    let is_new = |block: &Arc<Block>| !before.iter().any(|(_, _, old)| Arc::ptr_eq(old, block));
    let blocks = blocks(fleet);
    let new = blocks.iter().filter(|(_, _, block)| is_new(block));
    new.map(|(family, group, _)| (fleet.families[*family].family.name, *group)).collect()
}

/// The names of the families that are to be compressed again.
fn unpacked(fleet: &Fleet) -> Vec<&'static str> {
    fleet.families.iter().filter(|whole| whole.packed.is_none()).map(|whole| whole.family.name).collect()
}

const NOW: &str = "2026-11-21T10:00:00Z";

#[test]
fn a_poll_that_changes_nothing_renders_nothing() {
    let mut views = instances(0..600);
    let mut fleet = fleet(&views, NOW);
    fleet.pack();
    let before = blocks(&fleet);
    views[300] = Arc::new(instance(300)); // another view that says the same
    fleet.take(&snapshot(&views));
    assert_eq!(rendered_anew(&fleet, &before), []);
    // The project is another one, and its families are not compared.
    assert!(unpacked(&fleet).iter().all(|name| name.starts_with("dcs_project_")), "{:?}", unpacked(&fleet));
}

#[test]
fn a_poll_that_changes_an_instance_renders_its_group_where_it_says_something_else() {
    let mut views = instances(0..600);
    let mut fleet = fleet(&views, NOW);
    fleet.pack();
    let before = blocks(&fleet);
    let mut changed = instance(300);
    changed.polls[0].success = Some(true);
    changed.rpo = Some(2 * DAY);
    views[300] = Arc::new(changed);
    fleet.take(&snapshot(&views));
    assert_eq!(rendered_anew(&fleet, &before), [("dcs_backup_rpo_seconds", 1), ("dcs_poll_success", 1)]);
    assert_eq!(text(&mut fleet), at_once(&fleet));
    assert_eq!(unpacked(&fleet)[..2], ["dcs_backup_rpo_seconds", "dcs_poll_success"]);
}

#[test]
fn instances_that_come_and_go_change_their_own_group() {
    let mut views = instances((0..1200).step_by(2));
    let mut fleet = fleet(&views, NOW);
    let before = blocks(&fleet);
    views.insert(151, Arc::new(instance(301)));
    views.remove(10);
    fleet.take(&snapshot(&views));
    assert!(rendered_anew(&fleet, &before).iter().all(|(_, group)| *group == 0));
    assert_eq!(text(&mut fleet), at_once(&fleet));
    let before = blocks(&fleet);
    views.push(Arc::new(instance(5000)));
    views.drain(256..400);
    fleet.take(&snapshot(&views));
    assert!(rendered_anew(&fleet, &before).iter().all(|(_, group)| *group > 0));
    assert_eq!(text(&mut fleet), at_once(&fleet));
}

#[test]
fn groups_neither_grow_nor_shrink_without_bounds() {
    let views = instances(0..3000);
    let mut fleet = fleet(&views[..100], NOW);
    for count in [100, 700, 3000, 2500, 300, 3000, 40, 41, 0, 1] {
        fleet.take(&snapshot(&views[..count]));
        assert_eq!(text(&mut fleet), at_once(&fleet), "{count}");
        assert!(fleet.groups.len() <= count / 64 + 1, "{} groups of {count}", fleet.groups.len());
        assert!(fleet.groups.len() >= count / 512, "{} groups of {count}", fleet.groups.len());
    }
    // From a large fleet, every tenth instance stays.
    fleet.take(&snapshot(&views));
    let sparse: Vec<_> = views.iter().step_by(10).cloned().collect();
    fleet.take(&snapshot(&sparse));
    assert!(fleet.groups.len() <= 3, "{} groups of 300", fleet.groups.len());
}

#[test]
fn the_clock_renders_what_moves_with_it() {
    let views = instances(0..300);
    let mut fleet = fleet(&views, NOW);
    let before = blocks(&fleet);
    fleet.move_to(at("2026-11-21T10:00:00.999Z"));
    assert_eq!(rendered_anew(&fleet, &before), []);
    fleet.move_to(at("2026-11-21T10:00:01Z"));
    let ages = [("dcs_backup_last_success_age_seconds", 0), ("dcs_backup_last_success_age_seconds", 1)];
    assert_eq!(rendered_anew(&fleet, &before), ages);
    // The window of the failures: there is nothing left of them.
    let count = |fleet: &mut Fleet| text(fleet).matches("\ndcs_backup_failures{").count();
    assert_eq!(count(&mut fleet), 300);
    fleet.move_to(at("2026-11-21T12:00:00.000000001Z"));
    assert_eq!((count(&mut fleet), text(&mut fleet)), (0, at_once(&fleet)));
    // A clock that is set back.
    fleet.move_to(at(NOW));
    assert_eq!((count(&mut fleet), text(&mut fleet)), (300, at_once(&fleet)));
}

#[test]
fn what_a_moment_leaves_as_it_is_can_be_compressed_ahead() {
    let mut fleet = fleet(&instances(0..300), NOW);
    fleet.pack_ahead();
    assert_eq!(unpacked(&fleet), ["dcs_backup_last_success_age_seconds", "dcs_restore_last_success_age_seconds"]);
    fleet.move_to(at("2026-11-21T10:00:01Z"));
    assert_eq!(unpacked(&fleet).len(), 2);
}
