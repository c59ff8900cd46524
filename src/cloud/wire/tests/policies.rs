//! Backup policies: a plan is read whole or left open.

use super::*;

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
