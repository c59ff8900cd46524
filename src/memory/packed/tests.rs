//! What is packed comes back as it was; what was never packed is refused.

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::domain::sample::{any_record, minute, record};

#[test]
fn every_word_has_its_place_and_keeps_it() {
    assert_eq!(STATES, State::OF_BACKUPS);
    assert_eq!(CODES[..8], ErrorCode::DOCUMENTED);
    let records = [
        record("802d6021-5f4b-4d4c-9a3c-000000000000", State::Succeeded, 0)
            .begun(1)
            .updated(5)
            .progress(1.0)
            .size(880_232)
            .kind(BackupType::Auto)
            .format(BackupFormat::Rdb)
            .restorable(true),
        record("x", State::Failed, 30).code(ErrorCode::InstanceBusy).progress(0.125).kind(BackupType::Manual),
    ];
    let expected = [
        &[2, 0, 0x80, 0x2d, 0x60, 0x21, 0x5f, 0x4b, 0x4d, 0x4c, 0x9a, 0x3c, 0, 0, 0, 0, 0, 0, 0xba, 0x29][..],
        &[0x80, 0xe4, 0x86, 0xc0, 0x35, 0xe0, 0x03, 0xe0, 0x12, 100, 0xe8, 0xdc, 0x35],
        &[2, b'x', 0x63, 2, 0xc0, 0x70, 0xff, 0, 0, 0, 0, 0, 0, 0xc0, 0x3f, 7],
    ]
    .concat();
    assert_eq!(Packed::of(&records).as_bytes(), expected, "another form needs another VERSION of the file");
}

#[test]
fn ids_of_every_kind_come_back() {
    for (id, length) in [
        ("802d6021-5f4b-4d4c-9a3c-0123456789ab", 17),
        ("802D6021-5f4b-4d4c-9a3c-0123456789ab", 37),
        ("802d60215f4b-4d4c-9a3c--0123456789ab", 37),
        ("802d6021-5f4b-4d4c-9a3c-0123456789a", 36),
        ("802d6021-5f4b-4d4c-9a3c-0123456789ä", 37),
        ("", 1),
        ("ü", 3),
    ] {
        let mut writer = Writer::default();
        put_id(&mut writer, id);
        assert_eq!(writer.0.len(), length, "{id}");
        assert_eq!(get_id(&mut Reader::of(&writer.0)), Some(id.into()));
    }
}

#[test]
fn a_ratio_that_is_none_is_left_out() {
    for ratio in [f64::NAN, -0.1, 1.1, f64::INFINITY] {
        let packed = Packed::of(&[record("a", State::Running, 0).progress(ratio)]);
        assert_eq!(Packed::from_bytes(packed.as_bytes()).unwrap().records()[0].progress, None, "{ratio}");
    }
}

#[test]
fn a_usual_list_takes_a_third_of_its_memory() {
    let records: Vec<Record> = (0..24)
        .map(|day| {
            let at = day * 1440;
            record(&format!("802d6021-5f4b-4d4c-9a3c-{day:012x}"), State::Succeeded, at)
                .begun(at + 1)
                .updated(at + 20)
                .progress(1.0)
                .size(3_000_000_000)
                .kind(BackupType::Auto)
                .format(BackupFormat::Rdb)
        })
        .collect();
    let plain = records.len() * (size_of::<Record>() + 36 + 16);
    let packed = Packed::of(&records).as_bytes().len();
    assert!(packed * 3 < plain && packed < 24 * 40, "{packed} of {plain} bytes");
    assert_eq!(minute(0).as_second() % 60, 0);
}

proptest! {
    #[test]
    fn records_come_back(records in vec(any_record(), 0..30)) {
        let packed = Packed::of(&records);
        prop_assert_eq!(packed.is_empty(), records.is_empty());
        prop_assert_eq!(Packed::from_bytes(packed.as_bytes()), Some(packed.clone()));
        prop_assert_eq!(packed.records(), records);
    }

    #[test]
    fn what_is_cut_or_longer_is_refused(records in vec(any_record(), 1..5), more: u8) {
        let packed = Packed::of(&records);
        let bytes = packed.as_bytes();
        for length in 0..bytes.len() {
            prop_assert_eq!(Packed::from_bytes(&bytes[..length]), None);
        }
        prop_assert_eq!(Packed::from_bytes(&[bytes, &[more]].concat()), None);
    }

    #[test]
    fn any_bytes_are_read_without_panic(bytes: Vec<u8>) {
        if let Some(packed) = Packed::from_bytes(&bytes) {
            packed.records();
        }
    }
}
