//! Whole bodies: the documents' examples, every shape of emptiness, and arbitrary values in every field.

use std::time::Duration;

use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::*;
use crate::cloud::{Page, Window};
use crate::domain::InstanceId;
use crate::domain::instance::{CacheMode, Engine, Instance, InstanceStatus, PolicyReading};
use crate::domain::plan::{BackupPolicy, UtcOffset};
use crate::domain::record::{BackupFormat, BackupType, ErrorCode, Record, State};
use crate::domain::tags::Tags;

mod instances;
mod policies;
mod records;

const FIRST: Window = Window { offset: 0, limit: 1000 };
const LATER: Window = Window { offset: 1000, limit: 1000 };

fn now() -> Timestamp {
    "2026-11-21T10:00:00Z".parse().unwrap()
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn id() -> InstanceId {
    InstanceId::from("asked-for")
}

fn records(request: &Request, body: &[u8]) -> Result<Page<Record>, WireError> {
    match read(request, body, now())? {
        Answer::Records(page) => Ok(page),
        other => panic!("{other:?}"),
    }
}

fn backups(body: impl AsRef<[u8]>) -> Result<Page<Record>, WireError> {
    records(&Request::Backups(id(), FIRST), body.as_ref())
}

fn restores(body: impl AsRef<[u8]>) -> Result<Page<Record>, WireError> {
    records(&Request::Restores(id(), FIRST), body.as_ref())
}

fn instances(body: impl AsRef<[u8]>) -> Result<Page<Instance>, WireError> {
    match read(&Request::Instances(FIRST), body.as_ref(), now())? {
        Answer::Instances(page) => Ok(page),
        other => panic!("{other:?}"),
    }
}

fn instance(body: impl AsRef<[u8]>) -> Result<(Instance, Oddities), WireError> {
    match read(&Request::Instance(id()), body.as_ref(), now())? {
        Answer::Instance(instance, oddities) => Ok((*instance, oddities)),
        other => panic!("{other:?}"),
    }
}

fn good_backup() -> Json {
    json!({
        "backup_id": "b", "status": "succeed", "created_at": "2026-11-20T01:00:00.000Z",
        "execution_at": "2026-11-20T01:00:05.000Z", "updated_at": "2026-11-20T01:02:00.000Z", "progress": "100.00",
        "error_code": null, "size": 10, "backup_type": "auto", "backup_format": "rdb", "is_support_restore": "TRUE",
    })
}

fn counted(counts: &std::collections::BTreeMap<&'static str, u64>) -> Vec<(&'static str, u64)> {
    counts.iter().map(|(field, count)| (*field, *count)).collect()
}

#[test]
fn every_shape_of_no_records() {
    for body in [
        "",
        " \r\n",
        "{}",
        "{ }",
        "null",
        r#""""#,
        "\u{feff}{}",
        r#"{"total_num":0}"#,
        r#"{"total_num":"0"}"#,
        r#"{"LIST":[]}"#,
        r#"{"LIST":null}"#,
        r#"{"LIST":{}}"#,
        r#"{"LIST":""}"#,
        r#"{"LIST":[],"total_num":0}"#,
        r#"{"LIST":null,"total_num":0}"#,
        r#"{"LIST":null,"total_num":null}"#,
        r#"{"LIST":null,"total_num":0,"error_code":null,"error_msg":""}"#,
        r#"{"LIST":[],"total_num":7}"#,
    ] {
        for (page, body) in [
            (backups(body.replace("LIST", "backup_record_response")), body),
            (restores(body.replace("LIST", "restore_record_response")), body),
        ] {
            let page = page.unwrap_or_else(|error| panic!("{body}: {error}"));
            assert_eq!((page.items.len(), page.received), (0, 0), "{body}");
            assert_eq!(page.oddities, Oddities::default(), "{body}");
        }
        // A listing that says nothing at all would let every instance vanish.
        let says_something = body.contains("LIST") || body.contains("total_num");
        let body = body.replace("LIST", "instances").replace("total_num", "instance_num");
        assert_eq!(instances(&body).ok().map(|page| page.received), says_something.then_some(0), "{body}");
    }
}

#[test]
fn what_is_not_no_records() {
    for body in [
        "<html><body>Maintenance</body></html>",
        "OK",
        "[]",
        "[1]",
        "0",
        "true",
        r#""no records""#,
        "{",
        r#"{"LIST":[{"#,
        r#"{"LIST":[]}}"#,
        r#"{"error_code":"DCS.5000","error_msg":"Internal service error."}"#,
        r#"{"total_num":0,"error_code":"DCS.5000"}"#,
        r#"{"error":{"code":"111500000","message":"x"}}"#,
        r#"{"status":"ok"}"#,
        r#"{"LIST":"x"}"#,
        r#"{"LIST":5}"#,
        r#"{"LIST":{"backup_id":"x"}}"#,
        r#"{"total_num":3}"#,
        r#"{"total_num":"3","LIST":null}"#,
        r#"{"total_num":3,"LIST":{}}"#,
    ] {
        for (page, list) in [
            (backups(body.replace("LIST", "backup_record_response")), "backups"),
            (restores(body.replace("LIST", "restore_record_response")), "restores"),
        ] {
            assert!(page.is_err(), "{list}: {body}");
        }
        let body = body.replace("LIST", "instances").replace("total_num", "instance_num");
        assert!(instances(&body).is_err(), "{body}");
    }
}

#[test]
fn a_page_beyond_the_end_may_count_and_have_no_list() {
    let body = br#"{"total_num":1000,"backup_record_response":null}"#;
    assert_eq!(records(&Request::Backups(id(), LATER), body).unwrap().received, 0);
    assert!(records(&Request::Backups(id(), FIRST), body).is_err());
}

#[test]
fn errors_tell_what_came() {
    assert!(backups("<!DOCTYPE html>").unwrap_err().to_string().contains("HTML"));
    assert!(backups(r#"{"a":"#).unwrap_err().to_string().contains("cut off"));
    assert!(backups(r#"{"total_num":3}"#).unwrap_err().to_string().contains("counts 3"));
}

#[test]
fn totals_are_read_like_any_number() {
    let total = |json: Json| {
        let page = backups(json!({"backup_record_response": [], "total_num": json}).to_string()).unwrap();
        (page.total, counted(&page.oddities.rejected))
    };
    assert_eq!(total(json!("12")), (Some(12), vec![]));
    assert_eq!(total(json!(12.0)), (Some(12), vec![]));
    assert_eq!(total(json!({})), (None, vec![]));
    assert_eq!(total(json!(-1)), (None, vec![("total_num", 1)]));
    assert_eq!(total(json!("many")), (None, vec![("total_num", 1)]));
}

#[test]
fn nesting_without_end_overflows_no_stack() {
    const DEPTH: usize = 30_000;
    let deep = |open: &str, close: &str| format!("{}1{}", open.repeat(DEPTH), close.repeat(DEPTH));
    for nested in [deep("[", "]"), deep(r#"{"a":"#, "}")] {
        for body in [
            nested.clone(),
            format!(r#"{{"backup_record_response":{nested}}}"#),
            format!(r#"{{"backup_record_response":[{{"backup_id":{nested},"size":{nested}}}],"x":{nested}}}"#),
            format!(r#"{{"instance_backup_policy":{nested}}}"#),
        ] {
            let _ = backups(&body);
            let _ = instances(&body);
            let _ = instance(&body);
        }
    }
    assert!(backups("[".repeat(16 << 20)).is_err());
    assert!(backups(r#"{"a":"#.repeat(3 << 20)).is_err());
    let body = format!(r#"{{"backup_record_response":[{}],"x":{}}}"#, good_backup(), deep("[", "]"));
    assert_eq!(backups(body).unwrap().items.len(), 1, "what nobody asks for does not matter");
}

fn show(field: &str, value: impl Into<Json>) -> (Instance, Oddities) {
    instance(json!({"instance_id": "x", field: value.into()}).to_string()).unwrap()
}

fn any_json() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        any::<f64>().prop_map(Json::from),
        ".{0,12}".prop_map(Json::from),
        "[-+0-9:.TZ ]{0,28}".prop_map(Json::from),
        prop::sample::select(vec![
            "2026-11-20T01:00:00Z",
            "succeed",
            "TRUE",
            "auto",
            "+0800",
            "00:00-01:00",
            "dcs.08.0001"
        ])
        .prop_map(Json::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Json::from),
            prop::collection::btree_map("[a-z_]{0,12}", inner, 0..4).prop_map(Json::from_iter),
        ]
    })
}

fn any_entry(fields: &'static [&'static str]) -> impl Strategy<Value = Json> {
    prop_oneof![
        prop::collection::btree_map(prop::sample::select(fields), any_json(), 0..12).prop_map(Json::from_iter),
        any_json(),
    ]
}

proptest! {
    #[test]
    fn arbitrary_values_lose_no_other_record(
        entries in prop::collection::vec(any_entry(&["backup_id", "restore_id", "status", "created_at",
            "execution_at", "updated_at", "progress", "error_code", "size", "backup_type", "backup_format",
            "is_support_restore"]), 0..4),
        place in 0_usize..4,
        total in any_json(),
    ) {
        let mut list = entries;
        let mut good = good_backup();
        good["backup_id"] = json!("the good one");
        good["restore_id"] = json!("the good one");
        list.insert(place.min(list.len()), good);
        let count = list.len() as u64;
        let body = json!({"backup_record_response": list, "restore_record_response": list, "total_num": total}).to_string();
        for page in [backups(&body).unwrap(), restores(&body).unwrap()] {
            prop_assert_eq!(page.received, count);
            prop_assert!(page.items.iter().any(|record| record.id.as_str() == "the good one"));
            let limit = now() + jiff::SignedDuration::from_hours(24);
            for record in &page.items {
                prop_assert!(record.created_at <= limit && record.updated_at.is_none_or(|updated| updated <= limit));
                prop_assert!(record.progress.is_none_or(|progress| (0.0..=1.0).contains(&progress)));
            }
            let left_out: u64 = page.oddities.rejected.values().sum();
            prop_assert!(page.items.len() as u64 + left_out >= count, "what is left out is counted");
        }
    }

    #[test]
    fn arbitrary_values_lose_no_other_instance(
        entries in prop::collection::vec(any_entry(&["instance_id", "name", "status", "engine", "engine_version",
            "cache_mode", "spec_code", "max_memory", "capacity", "capacity_minor", "created_at",
            "instance_backup_policy"]), 0..4),
    ) {
        let mut list = entries;
        list.push(json!({"instance_id": "the good one"}));
        let page = instances(json!({ "instances": list }).to_string()).unwrap();
        prop_assert_eq!(page.received, list.len() as u64);
        prop_assert!(page.items.iter().any(|instance| instance.id.as_str() == "the good one"));
    }

    #[test]
    fn arbitrary_policies_keep_the_instance(
        outer in any_entry(&["policy", "updated_at", "created_at"]),
        inner in any_entry(&["backup_type", "save_days", "periodical_backup_plan"]),
        plan in any_entry(&["backup_at", "begin_at", "period_type", "timezone_offset"]),
    ) {
        for body in [outer.clone(), json!({ "policy": inner }), json!({"policy": {"backup_type": "auto", "periodical_backup_plan": plan}})] {
            let (instance, _) = show("instance_backup_policy", body);
            if let PolicyReading::Present(policy) = instance.policy {
                prop_assert!(policy.days.iter().all(|day| (1..=7).contains(day)));
                prop_assert!(policy.begin_minute.is_none_or(|minute| minute < 24 * 60));
            }
        }
    }

    #[test]
    fn arbitrary_bytes_and_cut_bodies_do_not_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), cut in 0_usize..500) {
        let body = include_bytes!("../../../tests/fixtures/seeds/backups_v2_2024.json");
        for body in [bytes.as_slice(), &body[..cut.min(body.len() - 2)]] {
            let _ = instances(body);
            let _ = instance(body);
            prop_assert!(backups(body).is_err() || String::from_utf8_lossy(body).trim().len() < 3);
        }
    }
}
