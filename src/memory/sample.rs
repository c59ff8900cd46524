//! Memories as properties need them: any at all.

use std::time::Duration;

use jiff::Timestamp;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use super::packed::Packed;
use super::{InstanceMemory, Lasting, Memory, Polled, ProjectMemory, Records, Shown, ShownProject};
use crate::domain::facts::{LastSuccess, RecordFacts};
use crate::domain::instance::{CacheMode, Engine, InstanceStatus, PolicyReading};
use crate::domain::plan::{BackupPolicy, UtcOffset};
use crate::domain::sample::{any_record, minute};
use crate::domain::tags::Tags;
use crate::snapshot::Details;

fn any_moment() -> impl Strategy<Value = Timestamp> {
    let range = Timestamp::MIN.as_second() + 1..Timestamp::MAX.as_second();
    prop_oneof![
        10 => (0..100_i64).prop_map(minute),
        3 => (range, 0..1_000_000_000_i32).prop_map(|(second, nanos)| {
            Timestamp::new(second, if second < 0 { -nanos } else { nanos }).unwrap()
        }),
        1 => Just(Timestamp::MIN),
        1 => Just(Timestamp::MAX),
    ]
}

fn any_duration() -> impl Strategy<Value = Duration> {
    prop_oneof![(0..1_000_000_u64).prop_map(Duration::from_millis), Just(Duration::MAX)]
}

fn any_word<T: Copy + std::fmt::Debug + 'static>(known: &'static [T], other: T) -> impl Strategy<Value = Option<T>> {
    option::of(prop_oneof![5 => prop::sample::select(known), 1 => Just(other)])
}

fn any_details() -> impl Strategy<Value = Details> {
    (
        any_word(Engine::KNOWN, Engine::Other),
        option::of(".{0,9}"),
        any_word(CacheMode::KNOWN, CacheMode::Other),
        any_word(InstanceStatus::KNOWN, InstanceStatus::Other),
        option::of(any_moment()),
        option::of(any::<u64>()),
    )
        .prop_map(|(engine, engine_version, cache_mode, status, created_at, max_memory_bytes)| Details {
            engine,
            engine_version,
            cache_mode,
            status,
            created_at,
            max_memory_bytes,
        })
}

fn any_policy() -> impl Strategy<Value = PolicyReading> {
    let policy = (
        any::<bool>(),
        option::of(any_moment()),
        option::of(any_duration()),
        vec(any::<u8>(), 0..8),
        option::of(any::<u16>()),
        option::of((-840..=840_i16).prop_map(|minutes| UtcOffset::from_minutes(minutes).unwrap())),
    )
        .prop_map(|(automatic, updated_at, retention, days, begin_minute, utc_offset)| {
            PolicyReading::Present(BackupPolicy { automatic, updated_at, retention, days, begin_minute, utc_offset })
        });
    prop_oneof![1 => Just(PolicyReading::Unread), 1 => Just(PolicyReading::Absent), 3 => policy]
}

fn any_records() -> impl Strategy<Value = Option<Records>> {
    let records = (vec(any_record(), 0..6), any::<bool>());
    option::of(records.prop_map(|(records, emptied)| Records { packed: Packed::of(&records), emptied }))
}

fn any_polled() -> impl Strategy<Value = Polled> {
    (option::of(any::<bool>()), option::of(any_moment()))
        .prop_map(|(success, last_success_at)| Polled { success, last_success_at })
}

fn any_shown() -> impl Strategy<Value = Shown> {
    let tags = option::of(prop::collection::btree_map("[^\0]{1,9}", "[^\0]{0,9}", 0..4).prop_map(Tags::of));
    let said = (option::of(".{0,9}"), option::of(any_details()), option::of(".{0,9}"), tags, any_policy());
    let state = (any::<bool>(), any::<u32>(), said);
    let polls = [any_polled(), any_polled(), any_polled()];
    (state, any::<bool>(), any_records(), any_records(), polls).prop_map(
        |((by_hand, misses, said), refused, backups, restores, polls)| {
            let (cloud_name, details, enterprise_project_id, tags, policy) = said;
            Shown {
                by_hand,
                misses,
                cloud_name,
                details,
                enterprise_project_id,
                tags,
                policy,
                refused,
                backups,
                restores,
                polls,
            }
        },
    )
}

fn any_success() -> impl Strategy<Value = Option<LastSuccess>> {
    (vec(any_record(), 0..6), option::of(any_duration())).prop_map(|(records, duration)| {
        let success = RecordFacts::of(&records).last_success?;
        Some(LastSuccess { duration, ..success })
    })
}

fn any_lasting() -> impl Strategy<Value = Lasting> {
    (any_success(), option::of(vec(any::<u64>(), 0..5)), any::<bool>())
        .prop_map(|(last_success, told, had_records)| Lasting { last_success, told, had_records })
}

fn any_instance() -> impl Strategy<Value = InstanceMemory> {
    (".{0,40}", option::weighted(0.8, any_shown()), any_lasting(), any_lasting()).prop_map(
        |(id, shown, backups, restores)| InstanceMemory {
            id: id.into(),
            shown: shown.map(Box::new),
            backups,
            restores,
        },
    )
}

fn any_project() -> impl Strategy<Value = ProjectMemory> {
    let shown = (option::of(any::<bool>()), option::of(any_moment()), option::of(any::<u64>()));
    let shown = shown.prop_map(|(up, listed_at, missing)| ShownProject { up, listed_at, missing });
    let names = (".{0,9}", ".{0,32}", option::of(".{0,9}"), ".{0,30}");
    (names, option::of(shown), any::<u64>(), vec(any_instance(), 0..5)).prop_map(
        |((name, project_id, project_name, endpoint), shown, known, instances)| ProjectMemory {
            name: name.into(),
            project_id: project_id.into(),
            project_name,
            endpoint,
            shown,
            known,
            instances,
        },
    )
}

/// Any memory, sensible or not.
pub(crate) fn any_memory() -> impl Strategy<Value = Memory> {
    (any_moment(), vec(any_project(), 0..4)).prop_map(|(saved_at, projects)| Memory { saved_at, projects })
}
