//! Entries of lists of backups and restores, field by field.

use super::*;

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
        (include_str!("../../../../tests/fixtures/seeds/backups_v1.json"), &expected),
        (include_str!("../../../../tests/fixtures/seeds/backups_v2_2021.json"), &expected),
        (include_str!("../../../../tests/fixtures/seeds/backups_v2_2024.json"), &with_format),
    ] {
        let page = Page { items: vec![expected.clone()], received: 1, total: Some(1), oddities: Oddities::default() };
        assert_eq!(backups(body), Ok(page), "{body}");
    }
}

#[test]
fn the_documents_examples_of_restores() {
    for body in [
        include_str!("../../../../tests/fixtures/seeds/restores_v2_2025.json"),
        include_str!("../../../../tests/fixtures/seeds/restores_v2_otc.json"),
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
fn what_open_telekom_cloud_adds_to_restores_in_v1_is_read_over() {
    let restore = |extra: Json| {
        let mut entry = json!({
            "restore_id": "r", "backup_id": "b", "restore_name": "restore_20170718214120", "backup_name": "backup",
            "status": "succeed", "progress": "100.00", "error_code": null, "restore_remark": null, "backup_remark": null,
            "created_at": "2017-07-18T21:41:20.721Z", "updated_at": "2017-07-18T21:41:35.182Z",
        });
        entry.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        restores(json!({"restore_record_response": [entry], "total_num": 1}).to_string()).unwrap()
    };
    let plain = restore(json!({}));
    assert_eq!((plain.items.len(), &plain.oddities), (1, &Oddities::default()));
    for extra in [
        json!({"sourceInstanceId": "dcb96c22", "sourceInstanceName": "Test-DCS-MS-3-f79a983f"}),
        json!({"sourceInstanceID": "dcb96c22", "sourceInstanceName": null}),
        json!({"sourceInstanceID": {}, "sourceInstanceId": null, "source_instance_id": "dcb96c22"}),
    ] {
        assert_eq!(restore(extra.clone()), plain, "{extra}");
    }
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
fn a_bad_update_costs_only_what_ended_by_it() {
    for (status, kept) in [
        ("succeed", false),
        ("failed", false),
        ("waiting", true),
        ("backuping", true),
        ("expired", true),
        ("deleted", true),
    ] {
        let record =
            json!({"backup_id": "b", "status": status, "created_at": "2026-11-20T01:00:00Z", "updated_at": "soon"});
        let page = backups(json!({"backup_record_response": [record, good_backup()]}).to_string()).unwrap();
        assert_eq!(page.items.len(), 1 + usize::from(kept), "{status}");
        assert_eq!(counted(&page.oddities.rejected), vec![("updated_at", 1)], "{status}");
    }
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
