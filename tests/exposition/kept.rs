//! What is kept from scrape to scrape says the same as what is rendered at once, whatever has happened in between.

use std::io::Read;
use std::sync::Arc;
use std::time::Duration;

use dcs_backup_exporter::clock::Clock;
use dcs_backup_exporter::domain::facts::{Failure, RecordFacts};
use dcs_backup_exporter::domain::plan::{UtcOffset, WeeklyPlan};
use dcs_backup_exporter::domain::tags::{TagLabel, TagLabels, Tags};
use dcs_backup_exporter::exposition::{Exposition, Format, OwnMetrics, Rendered, families};
use dcs_backup_exporter::snapshot::{InstanceView, ProjectView, Snapshot};
use jiff::Timestamp;
use proptest::prelude::*;
use tokio::sync::watch;

use crate::fleet::{self, DAY, empty, full, project, unknown};

/// Something that happens between two scrapes. Instances are told by their number, which is also their id.
#[derive(Clone, Debug)]
enum Event {
    /// These come, or are polled for the first time in another state.
    Come {
        project: usize,
        from: u16,
        count: u16,
        state: u8,
    },
    /// These go.
    Go {
        project: usize,
        from: u16,
        count: u16,
    },
    /// One is polled, and this is what is found.
    Poll {
        project: usize,
        number: u16,
        state: u8,
    },
    /// All are described anew, and nothing has changed.
    Describe {
        project: usize,
    },
    Rename {
        project: usize,
        number: u16,
        name: u8,
    },
    ChangeProject {
        project: usize,
        up: bool,
    },
    RenameProject {
        project: usize,
        name: u8,
    },
    AddProject,
    TurnProjects,
    DropProject {
        project: usize,
    },
    Lookback {
        days: u8,
    },
    Wait {
        milliseconds: u64,
    },
    Scrape,
}

fn event() -> impl Strategy<Value = Event> {
    let place = || 0..3_usize;
    let number = || prop_oneof![0..1500_u16, 0..20_u16];
    prop_oneof![
        2 => (place(), number(), 1..900_u16, any::<u8>())
            .prop_map(|(project, from, count, state)| Event::Come { project, from, count, state }),
        1 => (place(), number(), 1..900_u16).prop_map(|(project, from, count)| Event::Go { project, from, count }),
        1 => (place(), number(), 1..3_u16).prop_map(|(project, from, count)| Event::Go { project, from, count }),
        6 => (place(), number(), any::<u8>())
            .prop_map(|(project, number, state)| Event::Poll { project, number, state }),
        1 => place().prop_map(|project| Event::Describe { project }),
        1 => (place(), number(), any::<u8>()).prop_map(|(project, number, name)| Event::Rename { project, number, name }),
        1 => (place(), any::<bool>()).prop_map(|(project, up)| Event::ChangeProject { project, up }),
        1 => (place(), 0..3_u8).prop_map(|(project, name)| Event::RenameProject { project, name }),
        1 => Just(Event::AddProject),
        1 => Just(Event::TurnProjects),
        1 => place().prop_map(|project| Event::DropProject { project }),
        1 => (0..10_u8).prop_map(|days| Event::Lookback { days }),
        4 => prop_oneof![1..1500_u64, 1..4_000_000_u64, 1..200_000_000_u64]
            .prop_map(|milliseconds| Event::Wait { milliseconds }),
        4 => Just(Event::Scrape),
    ]
}

/// An instance in one of many states; some of them will move with the clock soon.
fn instance(number: u16, state: u8) -> InstanceView {
    let (id, name) = (format!("id-{number:04}"), format!("cache-{}", number % 7));
    let mut view = match state % 4 {
        0 => unknown(&id),
        1 => empty(&id, &name),
        _ => full(&id, &name),
    };
    let tags = [("env", "prod"), ("team", ["shop", ""][usize::from(state / 4 % 2)])];
    view.tags = TagLabels::of(
        &TagLabel::of(["team", "env"]).into(),
        &Tags::of(tags.into_iter().take(usize::from(state / 8 % 3))),
    );
    let shift = Duration::from_secs(u64::from(number) * 61 + u64::from(state) * 3_607);
    if let Some(policy) = &mut view.policy {
        policy.automatic = !state.is_multiple_of(5);
        policy.plan = WeeklyPlan::new(&[1 + state % 7, 7], u16::from(state) * 5 + number % 60, UtcOffset::UTC);
    }
    if let Some(facts) = view.backups.as_deref().filter(|_| !state.is_multiple_of(3)) {
        let mut facts = RecordFacts { failures: Vec::new(), ..facts.clone() };
        facts.failures = (0..u32::from(state % 3))
            .map(|index| Failure { at: fleet::now() - 4 * DAY - shift * index, error_code: None })
            .collect();
        if let Some(success) = &mut facts.last_success {
            success.at -= shift;
        }
        view.backups = Some(Arc::new(facts));
    }
    view.polls[usize::from(state % 3)].last_success_at = Some(fleet::now() + shift);
    view
}

fn apply(event: &Event, snapshot: &mut Snapshot) {
    let lookback = &mut snapshot.lookback;
    let projects = &mut snapshot.projects;
    let mut change = |project: usize, change: &dyn Fn(&mut ProjectView)| {
        if let Some(view) = projects.get_mut(project) {
            change(Arc::make_mut(view));
        }
    };
    match event {
        Event::Come { project, from, count, state } => change(*project, &|view| {
            for (number, more) in (*from..from + count).zip((0..16).cycle()) {
                view.instances.set(Arc::new(instance(number, state.wrapping_add(more))));
            }
        }),
        Event::Go { project, from, count } => change(*project, &|view| {
            (*from..from + count).for_each(|number| view.instances.remove(&unknown(&format!("id-{number:04}")).id));
        }),
        Event::Poll { project, number, state } => change(*project, &|view| {
            let new = instance(*number, *state);
            if view.instances.get(&new.id).is_some() {
                view.instances.set(Arc::new(new));
            }
        }),
        Event::Describe { project } => change(*project, &|view| {
            view.instances = view.instances.iter().map(|view| Arc::new(InstanceView::clone(view))).collect();
        }),
        Event::Rename { project, number, name } => change(*project, &|view| {
            let id = unknown(&format!("id-{number:04}")).id;
            if let Some(known) = view.instances.get(&id) {
                let name = format!("renamed \"{name}\"");
                view.instances.set(Arc::new(InstanceView { name, ..InstanceView::clone(known) }));
            }
        }),
        Event::ChangeProject { project, up } => change(*project, &|view| view.up = Some(*up)),
        Event::RenameProject { project, name } => {
            change(*project, &|view| view.name = format!("other-{name}").as_str().into());
        }
        Event::AddProject => {
            if projects.len() < 3 {
                let name = format!("project-{}", projects.len());
                projects.push(Arc::new(project(&name, Vec::new())));
            }
        }
        Event::TurnProjects => projects.reverse(),
        Event::DropProject { project } => {
            if projects.len() > 1 && *project < projects.len() {
                projects.remove(*project);
            }
        }
        Event::Lookback { days } => *lookback = u32::from(*days) * DAY,
        Event::Wait { .. } | Event::Scrape => {}
    }
}

fn unpacked(rendered: &Rendered) -> String {
    let bytes = rendered.to_bytes();
    let mut decoder = flate2::bufread::GzDecoder::new(&*bytes);
    let mut text = String::new();
    decoder.read_to_string(&mut text).unwrap();
    assert!(decoder.into_inner().is_empty(), "more than one gzip member");
    text
}

/// The fleet's part of a scrape: what stands before the exporter's own metrics.
fn fleets(text: &str) -> &str {
    &text[..text.find("# HELP dcs_exporter_").unwrap()]
}

fn rendered_at_once(snapshot: &Snapshot, moment: Timestamp) -> String {
    let mut text = String::new();
    families::write(snapshot, moment, &mut text);
    text
}

/// Says where two long texts part.
fn assert_same(kept: &str, at_once: &str, what: &str) {
    let differing = kept.lines().zip(at_once.lines()).position(|(one, other)| one != other);
    if let Some(line) = differing {
        let of = |text: &str| text.lines().nth(line).unwrap().to_owned();
        panic!("{what}: line {line} is kept as\n{}\nand would be\n{}", of(kept), of(at_once));
    }
    assert_eq!(kept.len(), at_once.len(), "{what}: one ends before the other");
}

async fn play(events: &[Event]) {
    let (sender, snapshots) = watch::channel(fleet::large(3));
    let clock = Clock::starting_at(fleet::now());
    let own = OwnMetrics::new(fleet::now(), DAY, &[]);
    let exposition = Exposition::new(snapshots.clone(), own, clock.clone());
    let mut moment = Timestamp::MIN;
    for (index, event) in events.iter().chain([&Event::Scrape]).enumerate() {
        match event {
            Event::Wait { milliseconds } => tokio::time::advance(Duration::from_millis(*milliseconds)).await,
            Event::Scrape => {
                if clock.now().as_second() != moment.as_second() {
                    moment = clock.now();
                }
                let expected = rendered_at_once(&snapshots.borrow(), moment);
                let text = exposition.render(Format::Text).to_text();
                assert_same(fleets(&text), &expected, &format!("scrape {index}"));
                let text = unpacked(&exposition.render_compressed(Format::OpenMetrics));
                assert_same(fleets(&text), &expected, &format!("compressed scrape {index}"));
                assert!(text.ends_with("# EOF\n"));
            }
            other => {
                let mut snapshot = Snapshot::clone(&snapshots.borrow());
                apply(other, &mut snapshot);
                sender.send(Arc::new(snapshot)).unwrap();
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn what_is_kept_says_what_would_be_rendered_at_once(events in prop::collection::vec(event(), 1..40)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(play(&events));
    }
}

#[tokio::test(start_paused = true)]
async fn a_large_fleet_is_compressed_well() {
    let (_sender, snapshots) = watch::channel(fleet::large(600));
    let own = OwnMetrics::new(fleet::now(), DAY, &[]);
    let exposition = Exposition::new(snapshots, own, Clock::starting_at(fleet::now()));
    let (plain, compressed) = (exposition.render(Format::Text), exposition.render_compressed(Format::Text));
    assert!(compressed.len() * 100 <= plain.len() * 12, "{} of {} bytes", compressed.len(), plain.len());
    assert_same(fleets(&unpacked(&compressed)), fleets(&plain.to_text()), "compressed");
}
