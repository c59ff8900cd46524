//! What may be shown of a memory, and that its bytes say all of it.

use proptest::prelude::*;

use super::sample::any_memory;
use super::*;
use crate::domain::sample::minute;

fn instance(polled_at: Option<Timestamp>) -> InstanceMemory {
    let polled = Polled { success: Some(true), last_success_at: polled_at };
    InstanceMemory {
        id: "i".into(),
        shown: Some(Box::new(Shown {
            by_hand: false,
            misses: 0,
            cloud_name: Some("cache".to_owned()),
            details: None,
            enterprise_project_id: None,
            tags: Some(Tags::of([("e", "p")])),
            policy: PolicyReading::Unread,
            refused: false,
            backups: None,
            restores: None,
            polls: [polled, Polled::default(), Polled::default()],
        })),
        backups: Lasting { last_success: None, told: Some(vec![1, 2]), had_records: true },
        restores: Lasting::default(),
    }
}

fn memory(saved_at: Timestamp, polled_at: Option<Timestamp>) -> Memory {
    let project = ProjectMemory {
        name: "prod".into(),
        project_id: "0123".into(),
        project_name: None,
        endpoint: "https://dcs.example".to_owned(),
        shown: Some(ShownProject { up: Some(true), listed_at: polled_at, missing: Some(0) }),
        known: 1,
        instances: vec![instance(polled_at)],
    };
    Memory { saved_at, projects: vec![project] }
}

#[test]
fn a_young_memory_is_shown_and_of_an_old_one_what_lasts_is_kept() {
    let now = minute(100);
    let hour = Duration::from_hours(1);
    for (saved, max_age, shown) in [
        (100, hour, 1),
        (41, hour, 1),
        (40, hour, 0),
        (-5000, hour, 0),
        (-5000, Duration::MAX, 1),
        (100, Duration::ZERO, 0),
        // The clock was set a little, and a lot.
        (101, hour, 1),
        (102, hour, 0),
        (9000, Duration::MAX, 0),
    ] {
        let before = memory(minute(saved), Some(minute(30)));
        let after = before.clone().as_of(now, max_age);
        assert_eq!((after.shown(), after.len()), (shown, 1), "saved in minute {saved}");
        assert_eq!(after.projects[0].shown.is_some(), shown == 1);
        assert_eq!(after.projects[0].instances[0].backups, before.projects[0].instances[0].backups);
        if shown == 1 {
            assert_eq!(after, before, "saved in minute {saved}");
        }
    }
}

#[test]
fn a_poll_in_the_future_has_no_time() {
    let now = minute(100);
    for (at, kept) in [(30, true), (100, true), (101, true), (102, false), (90_000, false)] {
        let memory = memory(now, Some(minute(at))).as_of(now, Duration::from_hours(1));
        let shown = memory.projects[0].instances[0].shown.as_ref().unwrap();
        let expected = kept.then(|| minute(at));
        assert_eq!(shown.polls[0].last_success_at, expected, "minute {at}");
        assert_eq!(memory.projects[0].shown.as_ref().unwrap().listed_at, expected, "minute {at}");
        assert_eq!(shown.polls[0].success, Some(true));
    }
}

fn bytes(memory: &Memory) -> Vec<u8> {
    let mut bytes = Vec::new();
    layout::write(memory, &mut bytes).unwrap();
    bytes
}

/// The bytes of a memory with these for the number of known instances, whose instance takes so many, with these for its enterprise project and tags.
fn laid_out(known: &[u8], length: u8, project_and_tags: &[u8]) -> Vec<u8> {
    [
        &[0x80, 0xd4, 0xcf, 0x6a, 1, 4][..],
        b"prod",
        &[4],
        b"0123",
        &[0, 19],
        b"https://dcs.example",
        &[1, 1, 1, 1, 0xe0, 0xc8, 0xcf, 0x6a, 1, 0],
        known,
        &[1, length, 1, b'i', 1, 0, 0, 1, 5],
        b"cache",
        &[0],
        project_and_tags,
        &[0, 0, 0, 0, 1, 1, 1, 0xe0, 0xc8, 0xcf, 0x6a, 0, 0, 0, 0],
        &[0, 1, 2, 1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 1],
        &[0, 0, 0],
    ]
    .concat()
}

#[test]
fn the_layout_is_that_of_its_version() {
    let bytes = bytes(&memory(minute(0), Some(minute(-3))));
    let expected = laid_out(&[1], 58, &[0, 1, 1, 1, b'e', 1, b'p']);
    assert_eq!((layout::VERSION, bytes), (2, expected), "another form needs another VERSION of the file");
}

#[test]
fn what_the_version_before_wrote_is_read_and_has_no_tags() {
    let mut expected = memory(minute(0), Some(minute(-3)));
    expected.projects[0].instances[0].shown.as_mut().unwrap().tags = None;
    let earlier = laid_out(&[], 51, &[]);
    assert_eq!(layout::read(&earlier, 1), Some(expected));
    assert_eq!([0, 2, 3].map(|version| layout::read(&earlier, version)), [None, None, None]);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_is_read(memory in any_memory()) {
        prop_assert_eq!(layout::read(&bytes(&memory), layout::VERSION), Some(memory));
    }

    #[test]
    fn what_is_cut_or_longer_is_refused(memory in any_memory(), more: u8) {
        let bytes = bytes(&memory);
        for length in 0..bytes.len() {
            prop_assert_eq!(layout::read(&bytes[..length], layout::VERSION), None);
        }
        prop_assert_eq!(layout::read(&[bytes.as_slice(), &[more]].concat(), layout::VERSION), None);
    }

    #[test]
    fn any_bytes_are_read_without_panic(noise: Vec<u8>, memory in any_memory(), at: prop::sample::Index, flip: u8) {
        for version in 0..=layout::VERSION {
            let _ = layout::read(&noise, version);
        }
        let mut bytes = bytes(&memory);
        let at = at.index(bytes.len());
        bytes[at] ^= flip;
        if let Some(memory) = layout::read(&bytes, layout::VERSION) {
            let _ = memory.as_of(minute(0), Duration::from_hours(1));
        }
    }
}
