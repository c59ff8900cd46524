//! Instances, in a listing and shown alone.
//!
//! A listing of v2 has neither `cache_mode` nor the backup policy. The keys of v1.0 are those of captures of a real
//! cloud: some are spelled in two ways at once.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::super::archetype::{Mode, Policy};
use super::super::fleet::Member;
use super::super::history::status;
use super::super::route::Version;
use super::stamp;

/// An entry of a listing.
pub(in super::super) fn listed(member: &Member, now: Timestamp, version: Version, small: bool) -> Value {
    let mut body = common(member, now, small);
    match version {
        Version::V2 => {
            insert(
                &mut body,
                json!({
                    "publicip_id": {},
                    "no_password_access": true,
                    "updated_at": stamp(member.policy_dates.1),
                    "sub_status": "normal",
                }),
            );
        }
        Version::V1 => {
            insert(&mut body, in_v1_too(member, small));
        }
    }
    Value::Object(body)
}

/// The answer about one instance, without the policy's ids where it has none.
pub(in super::super) fn shown(member: &Member, now: Timestamp, version: Version, small: bool, project: &str) -> Value {
    let mut body = common(member, now, small);
    let (shards, replicas) = member.kind.mode.shards_and_replicas();
    insert(
        &mut body,
        json!({
            "cache_mode": member.kind.mode.as_str(),
            "replica_count": replicas,
            "sharding_count": if shards > 1 { shards } else { 0 },
            "db_number": if shards > 1 { 1 } else { 256 },
            "product_type": "generic",
            "no_password_access": "true",
            "update_at": stamp(member.policy_dates.1),
            "launched_at": stamp(member.created_at + jiff::SignedDuration::from_secs(95)),
            "subnet_name": "subnet-simulated",
            "subnet_cidr": "192.168.0.0/24",
            "security_group_name": "default",
            "available_zones": ["sim-1a", "sim-1b"],
            "enterprise_project_name": "default",
            "backend_addrs": null,
            "inquery_spec_code": spec_code(member, small),
            "cloud_service_type_code": "hws.service.type.dcs",
            "cloud_resource_type_code": "hws.resource.type.dcs3",
            "task": null,
            "sub_status": "normal",
            "instance_backup_policy": policy(member, project),
        }),
    );
    if version == Version::V1 {
        insert(&mut body, in_v1_too(member, small));
    }
    Value::Object(body)
}

/// What a listing and the answer about one have in both versions.
fn common(member: &Member, now: Timestamp, small: bool) -> Map<String, Value> {
    let memory_mb = if small { 128 } else { member.kind.memory_mb };
    let (capacity, capacity_minor) = match memory_mb {
        128 => (0, Some(".125")),
        256 => (0, Some(".25")),
        512 => (0, Some(".5")),
        more => (more / 1024, None),
    };
    let domain = format!("redis-{}.dcs.simulated.example", member.id);
    let mut body = Map::new();
    insert(
        &mut body,
        json!({
            "instance_id": member.id,
            "name": member.name,
            "engine": member.engine,
            "engine_version": member.engine_version,
            "status": status(member, now),
            "capacity": capacity,
            "capacity_minor": capacity_minor,
            "max_memory": memory_mb,
            "used_memory": member.used_bytes(now) / 1_048_576 * u64::from(memory_mb) / u64::from(member.kind.memory_mb),
            "spec_code": spec_code(member, small),
            "created_at": stamp(member.created_at),
            "tags": tags(member),
            "enterprise_project_id": member.enterprise_project_id,
            "ip": ip(member),
            "port": 6379,
            "domain_name": domain,
            "readonly_domain_name": null,
        }),
    );
    insert(
        &mut body,
        json!({
            "az_codes": ["sim-1a", "sim-1b"],
            "charging_mode": 0,
            "order_id": null,
            "vpc_id": member.chance.of("vpc").uuid(),
            "vpc_name": "vpc-simulated",
            "subnet_id": member.chance.of("subnet").uuid(),
            "security_group_id": member.chance.of("security group").uuid(),
            "publicip_id": null,
            "publicip_address": null,
            "enable_publicip": false,
            "enable_ssl": false,
            "service_upgrade": false,
            "service_task_id": "",
            "access_user": null,
            "user_id": member.chance.of("user").hex(32),
            "user_name": "simulated-user",
            "maintain_begin": "18:00:00",
            "maintain_end": "19:00:00",
            "description": null,
            "cpu_type": "x86_64",
            "features": { "support_acl": true, "support_transparent_client_ip": true, "support_ssl": false, "support_audit_log": false },
        }),
    );
    body
}

fn in_v1_too(member: &Member, small: bool) -> Value {
    json!({
        "resource_spec_code": spec_code(member, small),
        "internal_version": null,
        "domainName": format!("redis-{}.dcs.simulated.example", member.id),
        "readonlyDomainName": null,
        "freeze_scene": null,
        "error_code": null,
        "no_password_access": "true",
        "storage_type": "DRAM",
        "task_status": null,
        "update_at": stamp(member.policy_dates.1),
        "ipv6": null,
        "enable_ipv6": false,
    })
}

/// After a switch to `manual` the old plan stays.
fn policy(member: &Member, project: &str) -> Value {
    let Some(weekly) = member.weekly() else { return Value::Null };
    let backup_type = if matches!(member.kind.policy, Policy::Automatic(_)) { "auto" } else { "manual" };
    json!({
        "backup_policy_id": member.chance.of("policy").uuid(),
        "tenant_id": project,
        "created_at": stamp(member.policy_dates.0),
        "updated_at": stamp(member.policy_dates.1),
        "policy": {
            "backup_type": backup_type,
            "save_days": weekly.save_days,
            "periodical_backup_plan": {
                "timezone_offset": weekly.zone.map(|(text, _)| text),
                "backup_at": weekly.days,
                "period_type": "weekly",
                "begin_at": member.begin_at(),
            },
        },
    })
}

/// `tags`: an empty list, not `null`, for none.
fn tags(member: &Member) -> Value {
    member.tags.iter().map(|(key, value)| json!({ "key": key, "value": value })).collect()
}

/// `ip`: of a cluster those of all its nodes, with commas between.
pub(in super::super) fn ip(member: &Member) -> String {
    let (shards, _) = member.kind.mode.shards_and_replicas();
    let host = 10 + member.chance.of("ip").below(200);
    let hosts: Vec<String> = (0..shards as usize).map(|shard| format!("192.168.0.{}", host + shard)).collect();
    hosts.join(",")
}

fn spec_code(member: &Member, small: bool) -> String {
    let mode = match member.kind.mode {
        Mode::Single => "single",
        Mode::MasterStandby => "ha",
        Mode::Cluster => "cluster",
        Mode::Proxy => "proxy",
        Mode::ReadWriteSplitting => "ha_rw_split",
    };
    match if small { 128 } else { member.kind.memory_mb } {
        tiny if tiny < 1024 => format!("{}.{mode}.xu1.tiny.{tiny}", member.engine.to_ascii_lowercase()),
        large => format!("{}.{mode}.xu1.large.{}", member.engine.to_ascii_lowercase(), large / 1024),
    }
}

fn insert(into: &mut Map<String, Value>, more: Value) {
    if let Value::Object(more) = more {
        into.extend(more);
    }
}
