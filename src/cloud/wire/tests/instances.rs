//! Instances, listed and shown.

use super::*;

#[test]
fn the_documents_example_of_a_listing() {
    let page = instances(include_str!("../../../../tests/fixtures/instances_v2.json")).unwrap();
    let expected = Instance {
        id: "c830053e-d5a3-4bc0-b6d6-ca37d1ea9dd5".into(),
        name: Some("dcs-lpvo0829".to_owned()),
        status: Some(InstanceStatus::Running),
        engine: Some(Engine::Redis),
        engine_version: Some("5.0".to_owned()),
        cache_mode: Some(CacheMode::MasterStandby),
        max_memory_bytes: Some(128 << 20),
        created_at: Some(at("2022-08-29T09:00:34.335Z")),
        enterprise_project_id: Some("0".to_owned()),
        tags: Some(Tags::of([("1", "DCS")])),
        policy: PolicyReading::Unread,
    };
    assert_eq!(page, Page { items: vec![expected], received: 1, total: Some(1), oddities: Oddities::default() });
}

#[test]
fn a_captured_single_node_instance() {
    let (instance, oddities) = instance(include_str!("../../../../tests/fixtures/instance_v1.json")).unwrap();
    assert_eq!(instance.id, id(), "the id is the one that was asked for");
    assert_eq!(instance.cache_mode, Some(CacheMode::Single));
    assert_eq!(instance.max_memory_bytes, Some(1 << 30));
    assert_eq!(instance.policy, PolicyReading::Absent);
    assert_eq!((instance.tags, instance.enterprise_project_id), (Some(Tags::default()), None));
    assert_eq!(oddities, Oddities::default());
}

#[test]
fn an_instance_must_be_described() {
    for body in
        ["", "{}", "null", "[]", "<html>", r#""x""#, r#"{"error_code":"DCS.5000"}"#, r#"{"other":1}"#, r#"{"tags":[]}"#]
    {
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

#[test]
fn tags_in_every_form() {
    let said = |pairs: &[(&str, &str)]| Some(Tags::of(pairs.iter().copied()));
    for (value, expected) in [
        (
            json!([{"key": "env", "value": "prod"}, {"key": "team", "value": "shop"}]),
            said(&[("env", "prod"), ("team", "shop")]),
        ),
        (json!([{"value": true, "key": 1, "more": {}}]), said(&[("1", "true")])),
        (json!([{"key": "bare", "value": null}, {"key": "other"}]), said(&[("bare", ""), ("other", "")])),
        (json!([{"key": "env", "value": "old"}, {"key": "env", "value": "new"}]), said(&[("env", "new")])),
        (json!({"env": "prod", "n": 1, "bare": null}), said(&[("env", "prod"), ("n", "1"), ("bare", "")])),
        (json!([]), said(&[])),
        (json!(null), said(&[])),
        (json!({}), said(&[])),
        (json!(""), said(&[])),
    ] {
        let (instance, oddities) = show("tags", value.clone());
        assert_eq!(instance.tags, expected, "{value}");
        assert_eq!(oddities, Oddities::default(), "{value}");
    }
    let many: Vec<_> = (0..65).map(|key| json!({"key": key, "value": "x"})).collect();
    for value in [
        json!("env=prod"),
        json!(7),
        json!(["env"]),
        json!([{"key": "env", "value": "prod"}, 5]),
        json!([{"key": "env", "value": {"deep": 1}}]),
        json!([{"key": {}, "value": "prod"}]),
        json!({"env": ["prod"]}),
        json!([{"key": "k".repeat(1025), "value": "x"}]),
        json!([{"key": "k", "value": "v".repeat(1025)}]),
        json!(many),
    ] {
        let (instance, oddities) = show("tags", value.clone());
        assert_eq!(instance.tags, None, "{value}: one tag left out would look like one that is missing");
        assert_eq!(counted(&oddities.rejected), vec![("tags", 1)], "{value}");
    }
    assert_eq!(instance(r#"{"name":"n"}"#).unwrap().0.tags, None, "nothing was said");
}

#[test]
fn enterprise_projects_in_every_form() {
    for (value, expected) in
        [(json!(0), Some("0")), (json!("0"), Some("0")), (json!("4aa3-b"), Some("4aa3-b")), (json!(null), None)]
    {
        assert_eq!(show("enterprise_project_id", value).0.enterprise_project_id.as_deref(), expected);
    }
    assert_eq!(counted(&show("enterprise_project_id", json!([])).1.rejected), vec![("enterprise_project_id", 1)]);
}

#[test]
fn no_tags_in_a_listing_means_none_where_it_tells_those_of_others() {
    let tags = |entries: serde_json::Value| {
        let page = instances(json!({"instances": entries}).to_string()).unwrap();
        page.items.into_iter().map(|instance| instance.tags).collect::<Vec<_>>()
    };
    let none = Some(Tags::default());
    let env = Some(Tags::of([("env", "prod")]));
    let blank = json!({"instance_id": "a", "tags": null});
    let without = json!({"instance_id": "b"});
    let tagged = json!({"instance_id": "c", "tags": [{"key": "env", "value": "prod"}]});
    let garbage = json!({"instance_id": "d", "tags": 5});
    assert_eq!(tags(json!([blank, without, tagged, garbage])), [none, None, env, None]);
    assert_eq!(tags(json!([blank, without])), [None, None], "perhaps its listings never tell any");
}
