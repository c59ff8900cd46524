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

/// A page of a backup with one field changed and a good one beside it.
fn with(field: &str, value: Json) -> Page<Record> {
    let mut changed = good_backup();
    changed["backup_id"] = json!("a");
    changed[field] = value;
    let page =
        backups(json!({"backup_record_response": [changed, good_backup()], "total_num": 2}).to_string()).unwrap();
    assert_eq!(page.received, 2);
    assert!(page.items.iter().any(|record| record.id.as_str() == "b"), "the other record was lost");
    page
}

fn without(fields: &[&str]) -> Page<Record> {
    let mut record = good_backup();
    for field in fields {
        record.as_object_mut().unwrap().remove(*field);
    }
    backups(json!({ "backup_record_response": [record] }).to_string()).unwrap()
}

fn counted(counts: &std::collections::BTreeMap<&'static str, u64>) -> Vec<(&'static str, u64)> {
    counts.iter().map(|(field, count)| (*field, *count)).collect()
}

#[test]
fn the_documents_examples_of_backups() {
    let expected = Record {
        id: "4631832a-14c6-45b0-a0b3-3abd8f591ad1".into(),
        state: State::Succeeded,
        created_at: at("2019-05-10T08:31:16.166Z"),
        execution_at: Some(at("2019-05-10T08:31:21.461Z")),
        updated_at: Some(at("2019-05-10T08:32:30.546Z")),
        progress: Some(1.0),
        error_code: None,
        size_bytes: Some(880_232),
        backup_type: Some(BackupType::Manual),
        backup_format: None,
        restorable: Some(true),
    };
    let with_format = Record {
        execution_at: Some(at("2019-05-11T08:31:16.166Z")),
        backup_format: Some(BackupFormat::Aof),
        ..expected.clone()
    };
    for (body, expected) in [
        (include_str!("../../../tests/fixtures/seeds/backups_v1.json"), &expected),
        (include_str!("../../../tests/fixtures/seeds/backups_v2_2021.json"), &expected),
        (include_str!("../../../tests/fixtures/seeds/backups_v2_2024.json"), &with_format),
    ] {
        let page = Page { items: vec![expected.clone()], received: 1, total: Some(1), oddities: Oddities::default() };
        assert_eq!(backups(body), Ok(page), "{body}");
    }
}

#[test]
fn the_documents_examples_of_restores() {
    for body in [
        include_str!("../../../tests/fixtures/seeds/restores_v2_2025.json"),
        include_str!("../../../tests/fixtures/seeds/restores_v2_otc.json"),
    ] {
        let expected = Record {
            id: "a6155972-800c-4170-a479-3231e907d2f6".into(),
            state: State::Succeeded,
            created_at: at("2017-07-18T21:41:20.721Z"),
            execution_at: None,
            updated_at: Some(at("2017-07-18T21:41:35.182Z")),
            progress: Some(1.0),
            error_code: None,
            size_bytes: None,
            backup_type: None,
            backup_format: None,
            restorable: None,
        };
        let page = Page { items: vec![expected], received: 1, total: Some(1), oddities: Oddities::default() };
        assert_eq!(restores(body), Ok(page), "{body}");
    }
}

#[test]
fn the_documents_example_of_a_listing() {
    let page = instances(include_str!("../../../tests/fixtures/instances_v2.json")).unwrap();
    let expected = Instance {
        id: "c830053e-d5a3-4bc0-b6d6-ca37d1ea9dd5".into(),
        name: Some("dcs-lpvo0829".to_owned()),
        status: Some(InstanceStatus::Running),
        engine: Some(Engine::Redis),
        engine_version: Some("5.0".to_owned()),
        cache_mode: Some(CacheMode::MasterStandby),
        max_memory_bytes: Some(128 << 20),
        created_at: Some(at("2022-08-29T09:00:34.335Z")),
        policy: PolicyReading::Unread,
    };
    assert_eq!(page, Page { items: vec![expected], received: 1, total: Some(1), oddities: Oddities::default() });
}

#[test]
fn a_captured_single_node_instance() {
    let (instance, oddities) = instance(include_str!("../../../tests/fixtures/instance_v1.json")).unwrap();
    assert_eq!(instance.id, id(), "the id is the one that was asked for");
    assert_eq!(instance.cache_mode, Some(CacheMode::Single));
    assert_eq!(instance.max_memory_bytes, Some(1 << 30));
    assert_eq!(instance.policy, PolicyReading::Absent);
    assert_eq!(oddities, Oddities::default());
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
        let body = body.replace("LIST", "instances").replace("total_num", "instance_num");
        assert_eq!(instances(&body).unwrap().received, 0, "{body}");
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
fn a_bad_record_is_counted_and_does_not_lose_its_page() {
    for (field, value, rejected) in [
        ("backup_id", json!(null), "backup_id"),
        ("backup_id", json!({}), "backup_id"),
        ("backup_id", json!(" "), "backup_id"),
        ("backup_id", json!(["a"]), "backup_id"),
        ("backup_id", json!(true), "backup_id"),
        ("status", json!(null), "status"),
        ("status", json!({}), "status"),
        ("status", json!(["succeed"]), "status"),
        ("created_at", json!("yesterday"), "created_at"),
        ("created_at", json!(1_700_000_000), "created_at"),
        ("created_at", json!("2026-11-22T10:00:01Z"), "created_at"),
        ("updated_at", json!("soon"), "updated_at"),
        ("updated_at", json!("2036-11-21T10:00:00Z"), "updated_at"),
        ("updated_at", json!(true), "updated_at"),
    ] {
        let page = with(field, value.clone());
        assert_eq!(page.items.len(), 1, "{field}: {value}");
        assert_eq!(counted(&page.oddities.rejected), vec![(rejected, 1)], "{field}: {value}");
    }
    for entry in [json!(null), json!(7), json!("x"), json!([]), json!({})] {
        let page = backups(json!({"backup_record_response": [entry, good_backup()]}).to_string()).unwrap();
        assert_eq!((page.items.len(), page.received), (1, 2), "{entry}");
        assert_eq!(counted(&page.oddities.rejected), vec![("record", 1)], "{entry}");
    }
    let page = restores(json!({"restore_record_response": [good_backup()]}).to_string()).unwrap();
    assert_eq!((page.items.len(), page.received), (0, 1), "all are bad: whoever turns pages into lists decides");
    assert_eq!(counted(&page.oddities.rejected), vec![("restore_id", 1)]);
}

#[test]
fn a_bad_field_is_counted_and_does_not_lose_its_record() {
    for (field, value) in [
        ("execution_at", json!("n/a")),
        ("execution_at", json!("2027-01-01T00:00:00Z")),
        ("size", json!(-1)),
        ("size", json!("n/a")),
        ("size", json!("NaN")),
        ("size", json!("99999999999999999999")),
        ("size", json!([1])),
        ("size", json!(true)),
        ("progress", json!(-0.5)),
        ("progress", json!("NaN")),
        ("progress", json!("101")),
        ("progress", json!("half")),
        ("is_support_restore", json!("perhaps")),
        ("backup_type", json!(["auto"])),
        ("backup_format", json!({"a": 1})),
    ] {
        let page = with(field, value.clone());
        let record = page.items.iter().find(|record| record.id.as_str() == "a").unwrap();
        let absent = match field {
            "execution_at" => record.execution_at.is_none(),
            "size" => record.size_bytes.is_none(),
            "progress" => record.progress.is_none(),
            "is_support_restore" => record.restorable.is_none(),
            "backup_type" => record.backup_type.is_none(),
            _ => record.backup_format.is_none(),
        };
        assert!(absent, "{field}: {value}");
        let rejected = page.oddities.rejected.keys().copied().collect::<Vec<_>>();
        assert_eq!(rejected, vec![field], "{value}");
        assert_eq!(page.oddities.rejected[field], 1, "{field}: {value}");
    }
    let overflow = r#"{"backup_record_response":[{"backup_id":"a","status":"succeed",
        "created_at":"2026-11-20T01:00:00Z","size":1e999,"progress":"\ud800","remark":"\ud800"}]}"#;
    let page = backups(overflow).unwrap();
    assert_eq!(page.items.len(), 1);
    assert_eq!(counted(&page.oddities.rejected), vec![("progress", 1), ("size", 1)]);
}

#[test]
fn other_times_stand_in_for_a_missing_creation() {
    let page = without(&["created_at"]);
    assert_eq!(page.items[0].created_at, at("2026-11-20T01:00:05Z"), "the beginning");
    assert_eq!(page.oddities, Oddities::default());
    assert_eq!(without(&["created_at", "execution_at"]).items[0].created_at, at("2026-11-20T01:02:00Z"), "the end");
    let none = without(&["created_at", "execution_at", "updated_at"]);
    assert_eq!((none.items.len(), counted(&none.oddities.rejected)), (0, vec![("created_at", 1)]));
    let page = with("created_at", json!({}));
    assert_eq!(page.items[0].created_at, at("2026-11-20T01:00:05Z"));
    let body = r#"{"backup_record_response":[{"backup_id":"a","status":"succeed","execution_at":"x",
        "updated_at":"2026-11-20T01:02:00Z"}]}"#;
    let page = backups(body).unwrap();
    assert_eq!(page.items[0].created_at, at("2026-11-20T01:02:00Z"));
    assert_eq!(counted(&page.oddities.rejected), vec![("execution_at", 1)]);
}

#[test]
fn words_are_read_in_any_case_and_unknown_ones_are_counted() {
    for (word, expected) in [
        ("waiting", State::Waiting),
        ("backuping", State::Running),
        (" SUCCEED ", State::Succeeded),
        ("Failed", State::Failed),
        ("expired", State::Expired),
        ("deleted", State::Deleted),
    ] {
        let page = with("status", json!(word));
        assert_eq!(page.items[0].state, expected, "{word}");
        assert_eq!(page.oddities, Oddities::default(), "{word}");
    }
    for (field, word) in [
        ("status", json!("paused")),
        ("status", json!(3)),
        ("status", json!("restoring")),
        ("backup_type", json!("snapshot")),
        ("backup_format", json!("parquet")),
        ("error_code", json!("dcs.08.0099")),
        ("error_code", json!(42)),
    ] {
        let page = with(field, word.clone());
        assert_eq!(counted(&page.oddities.unknown), vec![(field, 1)], "{word}");
        assert_eq!(counted(&page.oddities.rejected), vec![], "{word}");
        let record = &page.items[0];
        let other = match field {
            "status" => record.state == State::Other,
            "backup_type" => record.backup_type == Some(BackupType::Other),
            "backup_format" => record.backup_format == Some(BackupFormat::Other),
            _ => record.error_code == Some(ErrorCode::Other),
        };
        assert!(other, "{field}: {word}");
    }
    assert_eq!(with("backup_format", json!("AOF")).items[0].backup_format, Some(BackupFormat::Aof));
    assert_eq!(with("backup_type", json!(" Manual")).items[0].backup_type, Some(BackupType::Manual));
}

#[test]
fn states_of_restores() {
    for (word, expected) in [
        ("waiting", State::Waiting),
        ("RESTORING", State::Running),
        ("succeed", State::Succeeded),
        ("failed", State::Failed),
        ("expired", State::Other),
        ("backuping", State::Other),
    ] {
        let body = json!({"restore_record_response": [
            {"restore_id": "r", "status": word, "created_at": "2026-11-20T01:00:00Z"}]});
        let page = restores(body.to_string()).unwrap();
        assert_eq!(page.items[0].state, expected, "{word}");
        assert_eq!(page.oddities.unknown.contains_key("status"), expected == State::Other, "{word}");
    }
}

#[test]
fn error_codes() {
    for code in ErrorCode::DOCUMENTED {
        assert_eq!(with("error_code", json!(code.as_str())).items[0].error_code, Some(code));
        assert_eq!(with("error_code", json!(code.as_str().to_uppercase())).items[0].error_code, Some(code));
    }
    for none in [json!(null), json!({}), json!(""), json!("  "), json!("0"), json!(0), json!(false)] {
        let page = with("error_code", none.clone());
        assert_eq!(page.items[0].error_code, None, "{none}");
        assert_eq!(page.oddities, Oddities::default(), "{none}");
    }
    let page = with("error_code", json!({"code": "dcs.08.0001"}));
    assert_eq!(page.items[0].error_code, Some(ErrorCode::Other), "a failure must not pass for a success");
    assert_eq!(counted(&page.oddities.rejected), vec![("error_code", 1)]);
}

#[test]
fn numbers_and_truth_values_in_any_spelling() {
    assert_eq!(with("size", json!("880232")).items[0].size_bytes, Some(880_232));
    assert_eq!(with("size", json!(0)).items[0].size_bytes, Some(0));
    assert_eq!(with("size", json!({})).items[0].size_bytes, None);
    for (progress, expected) in
        [(json!("37.50"), 0.375), (json!(37.5), 0.375), (json!("37.5%"), 0.375), (json!(0), 0.0), (json!(".5"), 0.005)]
    {
        assert_eq!(with("progress", progress.clone()).items[0].progress, Some(expected), "{progress}");
    }
    for (value, expected) in [
        (json!("TRUE"), true),
        (json!(true), true),
        (json!("FALSE"), false),
        (json!(false), false),
        (json!("0"), false),
    ] {
        assert_eq!(with("is_support_restore", value.clone()).items[0].restorable, Some(expected), "{value}");
    }
    assert_eq!(with("backup_id", json!(17)).items[0].id.as_str(), "17");
}

#[test]
fn bytes_that_are_no_utf_8_cost_no_record() {
    let body = good_backup().to_string().replace("\"b\"", "\"b\",\"remark\":\"caf\u{1}\"").into_bytes();
    let body: Vec<u8> = body.into_iter().map(|byte| if byte == 1 { 0xe9 } else { byte }).collect();
    let body = [br#"{"backup_record_response":["#.as_slice(), &body, b"]}"].concat();
    assert!(std::str::from_utf8(&body).is_err());
    assert_eq!(backups(body).unwrap().items.len(), 1);
}

#[test]
fn nesting_without_end_overflows_no_stack() {
    const DEPTH: usize = 100_000;
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

#[test]
fn an_instance_must_be_described() {
    for body in ["", "{}", "null", "[]", "<html>", r#""x""#, r#"{"error_code":"DCS.5000"}"#, r#"{"other":1}"#] {
        assert!(instance(body).is_err(), "{body}");
    }
    assert_eq!(instance(r#"{"name":"n"}"#).unwrap().0.id, id(), "the id may be missing");
}

#[test]
fn instances_without_an_id_are_left_out() {
    let body = r#"{"instances":[{"name":"n"},{"instance_id":{}},{"instance_id":"i"},5],"instance_num":4}"#;
    let page = instances(body).unwrap();
    assert_eq!((page.items.len(), page.received, page.total), (1, 4, Some(4)));
    assert_eq!(counted(&page.oddities.rejected), vec![("instance_id", 2), ("record", 1)]);
}

#[test]
fn fields_of_an_instance() {
    assert_eq!(show("status", json!(" running")).0.status, Some(InstanceStatus::Running));
    assert_eq!(show("status", json!("DREAMING")).0.status, Some(InstanceStatus::Other));
    assert_eq!(counted(&show("status", json!("DREAMING")).1.unknown), vec![("status", 1)]);
    assert_eq!(show("engine", json!("redis")).0.engine, Some(Engine::Redis));
    assert_eq!(show("engine", json!("Valkey")).0.engine, Some(Engine::Other));
    assert_eq!(show("engine_version", json!(5.0)).0.engine_version.as_deref(), Some("5.0"));
    assert_eq!(show("engine_version", json!("5.0-beta")).0.engine_version.as_deref(), Some("other"));
    assert_eq!(show("engine_version", json!("1.2.3.4.5.6.7.8.9")).0.engine_version.as_deref(), Some("other"));
    assert_eq!(show("name", json!({})).0.name, None);
    assert_eq!(show("name", json!(12)).0.name.as_deref(), Some("12"));
    assert_eq!(show("name", json!("é".repeat(300))).0.name.unwrap().chars().count(), 256);
    let (instance, oddities) = show("created_at", json!("never"));
    assert_eq!((instance.created_at, counted(&oddities.rejected)), (None, vec![("created_at", 1)]));
}

#[test]
fn the_cache_mode_or_what_the_specification_says_of_it() {
    for (body, expected) in [
        (json!({"cache_mode": "HA"}), Some(CacheMode::MasterStandby)),
        (json!({"cache_mode": "ha_rw_split"}), Some(CacheMode::ReadWriteSplitting)),
        (json!({"cache_mode": "single", "spec_code": "redis.ha.x"}), Some(CacheMode::Single)),
        (json!({"cache_mode": {}, "spec_code": "redis.ha.xu1.tiny.r2.128"}), Some(CacheMode::MasterStandby)),
        (json!({"spec_code": "redis.single.xu1.large.1"}), Some(CacheMode::Single)),
        (json!({"spec_code": "redis.cluster.xu1.large"}), Some(CacheMode::Cluster)),
        (json!({"spec_code": null, "resource_spec_code": "Redis.Proxy.xu1"}), Some(CacheMode::Proxy)),
        (json!({"resource_spec_code": "dcs.single_node"}), Some(CacheMode::Single)),
        (json!({"resource_spec_code": "dcs.master_standby"}), Some(CacheMode::MasterStandby)),
        (json!({"spec_code": "redis.new"}), None),
        (json!({"spec_code": ["redis.ha"]}), None),
        (json!({"name": "n"}), None),
        (json!({"cache_mode": "mesh"}), Some(CacheMode::Other)),
    ] {
        let (instance, oddities) = instance(body.to_string()).unwrap();
        assert_eq!(instance.cache_mode, expected, "{body}");
        assert_eq!(oddities.unknown.contains_key("cache_mode"), expected == Some(CacheMode::Other), "{body}");
    }
}

#[test]
fn the_memory_or_the_capacity() {
    for (body, expected) in [
        (json!({"max_memory": 1024}), Some(1 << 30)),
        (json!({"max_memory": "128", "capacity": 0, "capacity_minor": ".125"}), Some(128 << 20)),
        (json!({"max_memory": null, "capacity": 0, "capacity_minor": ".125"}), Some(128 << 20)),
        (json!({"max_memory": 0, "capacity": 4, "capacity_minor": null}), Some(4 << 30)),
        (json!({"capacity": "0.125"}), Some(128 << 20)),
        (json!({"capacity": 0}), None),
        (json!({"max_memory": -5, "capacity": 2}), Some(2 << 30)),
        (json!({"max_memory": 1e300}), None),
        (json!({"name": "n"}), None),
    ] {
        assert_eq!(instance(body.to_string()).unwrap().0.max_memory_bytes, expected, "{body}");
    }
    let (_, oddities) = show("max_memory", json!("lots"));
    assert_eq!(counted(&oddities.rejected), vec![("max_memory", 1)]);
    assert_eq!(counted(&show("max_memory", json!(1e300)).1.rejected), vec![("max_memory", 1)]);
}

fn policy_body() -> Json {
    json!({
        "backup_policy_id": "p", "created_at": "2022-04-11T09:45:24.790Z", "updated_at": "2022-04-12T02:22:03.269Z",
        "tenant_id": "t",
        "policy": {"backup_type": "auto", "save_days": 1, "periodical_backup_plan": {
            "timezone_offset": null, "backup_at": [1, 2, 3, 4, 6, 7], "period_type": "weekly", "begin_at": "00:00-01:00"}},
    })
}

fn policy_of(body: Json) -> (PolicyReading, Oddities) {
    let (instance, oddities) = show("instance_backup_policy", body);
    (instance.policy, oddities)
}

/// The policy with one value changed, addressed by its JSON pointer.
fn policy_with(pointer: &str, value: Json) -> (BackupPolicy, Oddities) {
    let mut body = policy_body();
    *body.pointer_mut(pointer).unwrap() = value;
    match policy_of(body) {
        (PolicyReading::Present(policy), oddities) => (policy, oddities),
        other => panic!("{other:?}"),
    }
}

fn days(days: u64) -> Duration {
    Duration::from_secs(days * 86_400)
}

#[test]
fn the_documented_policy() {
    let expected = BackupPolicy {
        automatic: true,
        updated_at: Some(at("2022-04-12T02:22:03.269Z")),
        retention: Some(days(1)),
        days: vec![1, 2, 3, 4, 6, 7],
        begin_minute: Some(0),
        utc_offset: None,
    };
    assert_eq!(policy_of(policy_body()), (PolicyReading::Present(expected.clone()), Oddities::default()));
    let mut flat = policy_body()["policy"].clone();
    flat["updated_at"] = json!("2022-04-12T02:22:03.269Z");
    assert_eq!(policy_of(flat), (PolicyReading::Present(expected), Oddities::default()));
}

#[test]
fn a_policy_is_absent_present_or_unread() {
    for none in [json!(null), json!({}), json!("")] {
        assert_eq!(policy_of(none.clone()), (PolicyReading::Absent, Oddities::default()), "{none}");
    }
    assert_eq!(show("name", json!("n")).0.policy, PolicyReading::Absent, "a missing key");
    for garbage in [json!("none"), json!(5), json!([1])] {
        let (policy, oddities) = policy_of(garbage.clone());
        assert_eq!(policy, PolicyReading::Unread, "{garbage}");
        assert_eq!(counted(&oddities.rejected), vec![("instance_backup_policy", 1)], "{garbage}");
    }
    let (policy, oddities) = policy_of(json!({"policy": "weekly"}));
    assert_eq!((policy, counted(&oddities.rejected)), (PolicyReading::Unread, vec![("policy", 1)]));
    let listed = |entry: &str| {
        let page = instances(format!(r#"{{"instances":[{{"instance_id":"i"{entry}}}]}}"#)).unwrap();
        page.items[0].policy.clone()
    };
    assert_eq!(listed(""), PolicyReading::Unread);
    assert_eq!(listed(r#","instance_backup_policy":null"#), PolicyReading::Absent);
    assert!(matches!(listed(&format!(r#","instance_backup_policy":{}"#, policy_body())), PolicyReading::Present(_)));
}

#[test]
fn only_auto_is_automatic() {
    for (word, automatic, unknown) in [
        (json!("auto"), true, 0),
        (json!(" AUTO "), true, 0),
        (json!("manual"), false, 0),
        (json!(null), false, 0),
        (json!("hourly"), false, 1),
    ] {
        let (policy, oddities) = policy_with("/policy/backup_type", word.clone());
        assert_eq!(policy.automatic, automatic, "{word}");
        assert_eq!(oddities.unknown.get("backup_type").copied().unwrap_or(0), unknown, "{word}");
        assert_eq!(policy.days.len(), 6, "the plan stays readable");
    }
}

#[test]
fn days_of_a_plan() {
    const DAYS: &str = "/policy/periodical_backup_plan/backup_at";
    for (json, expected) in [
        (json!(["7", 1, "1", 3.0]), vec![1, 3, 7]),
        (json!([]), vec![]),
        (json!(null), vec![]),
        (json!("2,1"), vec![1, 2]),
        (json!(5), vec![5]),
    ] {
        let (policy, oddities) = policy_with(DAYS, json.clone());
        assert_eq!((policy.days, oddities), (expected, Oddities::default()), "{json}");
    }
    for json in [json!([1, 8]), json!([0]), json!(["Monday"]), json!({"a": 1}), json!([null]), json!("1,")] {
        let (policy, oddities) = policy_with(DAYS, json.clone());
        assert_eq!(policy.days, Vec::<u8>::new(), "{json}: half a plan is none");
        assert_eq!(counted(&oddities.rejected), vec![("backup_at", 1)], "{json}");
    }
}

#[test]
fn the_hour_of_a_plan() {
    const BEGIN: &str = "/policy/periodical_backup_plan/begin_at";
    for (json, expected) in [
        (json!("00:00-01:00"), Some(0)),
        (json!("23:00-00:00"), Some(23 * 60)),
        (json!("02:30"), Some(150)),
        (json!("2:00"), Some(120)),
        (json!(" 02:00:00 - 03:00:00 "), Some(120)),
        (json!({}), None),
    ] {
        let (policy, oddities) = policy_with(BEGIN, json.clone());
        assert_eq!((policy.begin_minute, oddities), (expected, Oddities::default()), "{json}");
    }
    for json in
        [json!("24:00-01:00"), json!("noon"), json!("12"), json!(12), json!("12:60"), json!("+1:00"), json!("1:00:30")]
    {
        let (policy, oddities) = policy_with(BEGIN, json.clone());
        assert_eq!(policy.begin_minute, None, "{json}");
        assert_eq!(counted(&oddities.rejected), vec![("begin_at", 1)], "{json}");
    }
}

#[test]
fn the_zone_of_a_plan() {
    const ZONE: &str = "/policy/periodical_backup_plan/timezone_offset";
    for (json, minutes) in [
        (json!("+0800"), Some(480)),
        (json!("-1200"), Some(-720)),
        (json!("+05:30"), Some(330)),
        (json!(""), None),
        (json!({}), None),
    ] {
        let (policy, oddities) = policy_with(ZONE, json.clone());
        assert_eq!(policy.utc_offset.map(UtcOffset::minutes), minutes, "{json}");
        assert_eq!((policy.begin_minute, oddities), (Some(0), Oddities::default()), "{json}");
    }
    for json in [json!("Mars"), json!("+9900"), json!([8])] {
        let (policy, oddities) = policy_with(ZONE, json.clone());
        assert_eq!((policy.utc_offset, policy.begin_minute), (None, None), "{json}: no zone, no hour");
        assert_eq!(counted(&oddities.rejected), vec![("timezone_offset", 1)], "{json}");
    }
}

#[test]
fn other_parts_of_a_policy() {
    for (json, expected) in [(json!("7"), Some(days(7))), (json!(1), Some(days(1))), (json!(null), None)] {
        assert_eq!(policy_with("/policy/save_days", json).0.retention, expected);
    }
    for json in [json!(0), json!(-1), json!("week"), json!(1e9)] {
        let (policy, oddities) = policy_with("/policy/save_days", json.clone());
        assert_eq!((policy.retention, counted(&oddities.rejected)), (None, vec![("save_days", 1)]), "{json}");
    }
    let (policy, oddities) = policy_with("/policy/periodical_backup_plan/period_type", json!("daily"));
    assert_eq!((policy.days, counted(&oddities.unknown)), (vec![], vec![("period_type", 1)]));
    let (policy, oddities) = policy_with("/policy/periodical_backup_plan", json!([1]));
    assert!(policy.automatic && policy.days.is_empty());
    assert_eq!(counted(&oddities.rejected), vec![("periodical_backup_plan", 1)]);
    let (policy, oddities) = policy_with("/updated_at", json!(null));
    assert_eq!((policy.updated_at, oddities), (Some(at("2022-04-11T09:45:24.790Z")), Oddities::default()));
    let (policy, oddities) = policy_with("/updated_at", json!("x"));
    assert_eq!(policy.updated_at, Some(at("2022-04-11T09:45:24.790Z")));
    assert_eq!(counted(&oddities.rejected), vec![("updated_at", 1)]);
    let (policy, _) = policy_with("/policy", json!({}));
    assert!(!policy.automatic && policy.days.is_empty());
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
