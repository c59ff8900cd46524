//! An instance, as the listing and `instances/{id}` describe it.

use std::borrow::Cow;
use std::time::Duration;

use jiff::Timestamp;

use super::WireError;
use super::value::{Fields, Garbage, Reading, Value, for_each, for_each_pair};
use crate::cloud::{Oddities, Page};
use crate::domain::InstanceId;
use crate::domain::instance::{CacheMode, Engine, Instance, InstanceStatus, PolicyReading};
use crate::domain::plan::{BackupPolicy, UtcOffset};
use crate::domain::tags::Tags;

const FIELDS: &[&str] = &[
    "instance_id",
    "name",
    "status",
    "engine",
    "engine_version",
    "cache_mode",
    "spec_code",
    "resource_spec_code",
    "max_memory",
    "capacity",
    "capacity_minor",
    "created_at",
    "enterprise_project_id",
    TAGS,
    POLICY,
];
const POLICY: &str = "instance_backup_policy";
const TAGS: &str = "tags";
/// Longer names are cut: they become a label.
const MAX_NAME_LENGTH: usize = 256;
const MIB: f64 = 1024.0 * 1024.0;
const GIB: f64 = 1024.0 * MIB;
/// DCS allows 20 tags of an instance, …
const MOST_TAGS: usize = 64;
/// … and 128 characters of a key, 255 of a value; here in bytes.
const MAX_TAG_LENGTH: usize = 1024;
/// The longest retention that is believed; the documentation ends at 7 days.
const MAX_SAVE_DAYS: u64 = 3660;

/// An entry of a listing.
pub(super) struct Listed {
    instance: Instance,
    /// Its `tags` are there and say nothing.
    has_blank_tags: bool,
}

/// Reads an entry of `instances`, or names the field for whose sake it is left out.
pub(super) fn listed(entry: &Value<'_>, now: Timestamp, oddities: &mut Oddities) -> Result<Listed, &'static str> {
    let Ok(Some(fields)) = entry.object(FIELDS) else { return Err("record") };
    let Ok(Some(id)) = fields.get("instance_id").id() else { return Err("instance_id") };
    let policy = if fields.has(POLICY) { policy(&fields.get(POLICY), now, oddities) } else { PolicyReading::Unread };
    let has_blank_tags = fields.has(TAGS) && matches!(fields.get(TAGS), Value::Absent);
    Ok(Listed { instance: instance(&fields, InstanceId::from(id.as_ref()), policy, now, oddities), has_blank_tags })
}

/// The instances of a page. `"tags":null` means that there are none where the page tells those of others; a page that
/// tells none at all may be of a service whose listings have no tags, so that nothing is known of them.
pub(super) fn of_page(page: Page<Listed>) -> Page<Instance> {
    let tells_tags = page.items.iter().any(|listed| listed.instance.tags.is_some());
    let instance = |Listed { mut instance, has_blank_tags }: Listed| {
        if has_blank_tags && tells_tags {
            instance.tags = Some(Tags::default());
        }
        instance
    };
    let Page { items, received, total, oddities } = page;
    Page { items: items.into_iter().map(instance).collect(), received, total, oddities }
}

/// Reads the answer to `instances/{id}`, which is about the instance that was asked for.
pub(super) fn shown(
    body: &Value<'_>,
    id: &InstanceId,
    now: Timestamp,
    oddities: &mut Oddities,
) -> Result<Instance, WireError> {
    let fields = match body {
        Value::Absent => return Err(WireError::InstanceMissing),
        _ => match body.object(FIELDS) {
            Ok(Some(fields)) => fields,
            _ => return Err(WireError::OtherContent("is no object; one that describes an instance is expected")),
        },
    };
    // Tags alone are the answer to another call.
    if !FIELDS.iter().any(|field| *field != TAGS && fields.has(field)) {
        return Err(WireError::OtherContent("is an object about something else"));
    }
    let policy = policy(&fields.get(POLICY), now, oddities);
    let mut instance = instance(&fields, id.clone(), policy, now, oddities);
    if matches!(fields.get(TAGS), Value::Absent) && fields.has(TAGS) {
        instance.tags = Some(Tags::default());
    }
    Ok(instance)
}

fn instance(
    fields: &Fields<'_>,
    id: InstanceId,
    policy: PolicyReading,
    now: Timestamp,
    oddities: &mut Oddities,
) -> Instance {
    let mut word = |field: &'static str| oddities.tolerate(field, fields.get(field).text());
    let (name, status, engine, version) = (word("name"), word("status"), word("engine"), word("engine_version"));
    Instance {
        id,
        name: name.map(|name| name.chars().take(MAX_NAME_LENGTH).collect()),
        status: status.map(|word| known(InstanceStatus::parse(&word), InstanceStatus::Other, "status", oddities)),
        engine: engine.map(|word| known(Engine::parse(&word), Engine::Other, "engine", oddities)),
        engine_version: version.map(|version| engine_version(&version, oddities)),
        cache_mode: cache_mode(fields, oddities),
        max_memory_bytes: max_memory_bytes(fields, oddities),
        created_at: oddities.tolerate("created_at", fields.get("created_at").timestamp(now)),
        enterprise_project_id: oddities
            .tolerate("enterprise_project_id", fields.get("enterprise_project_id").id())
            .map(Cow::into_owned),
        tags: oddities.tolerate(TAGS, tags(&fields.get(TAGS))),
        policy,
    }
}

/// Reads `tags`: a list of objects with `key` and `value`, or one object. Where one of them cannot be read nothing is
/// known of all, because a tag that is left out looks like one that the instance lacks.
fn tags(value: &Value<'_>) -> Reading<Tags> {
    let mut pairs = Vec::new();
    let mut is_garbage = false;
    let mut take = |key: &Value<'_>, value: &Value<'_>| match (key.text(), value.text()) {
        (Ok(Some(key)), Ok(value)) if key.len() <= MAX_TAG_LENGTH => {
            let value = value.unwrap_or_default();
            is_garbage |= value.len() > MAX_TAG_LENGTH;
            pairs.push((key.into_owned(), value.into_owned()));
        }
        _ => is_garbage = true,
    };
    match value {
        Value::Absent => return Ok(None),
        Value::List(list) => for_each(list, |entry| match entry.object(&["key", "value"]) {
            Ok(Some(tag)) => take(&tag.get("key"), &tag.get("value")),
            _ => take(&Value::Broken, &entry),
        }),
        Value::Object(object) => for_each_pair(object, |key, value| take(&key, &value)),
        _ => return Err(Garbage),
    }
    if is_garbage || pairs.len() > MOST_TAGS { Err(Garbage) } else { Ok(Some(Tags::of(pairs))) }
}

/// Counts the word if it is unknown.
fn known<T: Copy + PartialEq>(word: T, other: T, field: &'static str, oddities: &mut Oddities) -> T {
    if word == other {
        oddities.wonder(field);
    }
    word
}

/// A version becomes a label, so nothing but digits and dots passes.
fn engine_version(version: &str, oddities: &mut Oddities) -> String {
    if version.len() <= 16 && version.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
        version.to_owned()
    } else {
        oddities.wonder("engine_version");
        "other".to_owned()
    }
}

/// `cache_mode`, or the mode that is part of a specification's name such as `redis.ha.xu1.tiny.r2.128` or, of
/// old, `dcs.single_node`.
fn cache_mode(fields: &Fields<'_>, oddities: &mut Oddities) -> Option<CacheMode> {
    if let Some(word) = oddities.tolerate("cache_mode", fields.get("cache_mode").text()) {
        return Some(known(CacheMode::parse(&word), CacheMode::Other, "cache_mode", oddities));
    }
    let spec = fields.first_of(&["spec_code", "resource_spec_code"]).text().ok()??;
    spec.split('.').find_map(|segment| match segment.to_ascii_lowercase().as_str() {
        "single_node" => Some(CacheMode::Single),
        "master_standby" => Some(CacheMode::MasterStandby),
        segment => Some(CacheMode::parse(segment)).filter(|mode| *mode != CacheMode::Other),
    })
}

/// `max_memory` in MB; where it is missing, `capacity` in GB, which is 0 below one and then has its fraction in
/// `capacity_minor`.
fn max_memory_bytes(fields: &Fields<'_>, oddities: &mut Oddities) -> Option<u64> {
    let mut amount = |field: &'static str, unit: f64| {
        let number = oddities.tolerate(field, fields.get(field).number())?;
        match number * unit {
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // within the range
            bytes if bytes < (1_u64 << 53) as f64 => Some(bytes as u64),
            _ => {
                oddities.reject(field);
                None
            }
        }
    };
    match amount("max_memory", MIB) {
        Some(bytes) if bytes > 0 => Some(bytes),
        _ => {
            let bytes = amount("capacity", GIB).unwrap_or(0) + amount("capacity_minor", GIB).unwrap_or(0);
            (bytes > 0).then_some(bytes)
        }
    }
}

/// Reads `instance_backup_policy`. Of a value that is no object nothing is known, not even that there is no policy.
fn policy(value: &Value<'_>, now: Timestamp, oddities: &mut Oddities) -> PolicyReading {
    const OUTER: &[&str] =
        &["policy", "updated_at", "update_at", "created_at", "backup_type", "save_days", "periodical_backup_plan"];
    const INNER: &[&str] =
        &["backup_type", "backupType", "save_days", "saveDays", "periodical_backup_plan", "periodicalBackupPlan"];
    let outer = match value.object(OUTER) {
        Ok(None) => return PolicyReading::Absent,
        Ok(Some(outer)) => outer,
        Err(Garbage) => {
            oddities.reject(POLICY);
            return PolicyReading::Unread;
        }
    };
    // Requests to set a policy have no inner object; an answer that mirrors one is read all the same.
    let inner = if outer.has("policy") { outer.get("policy").object(INNER) } else { value.object(INNER) };
    let Ok(inner) = inner else {
        oddities.reject("policy");
        return PolicyReading::Unread;
    };
    let mut policy = BackupPolicy {
        automatic: false,
        updated_at: oddities
            .tolerate("updated_at", outer.first_of(&["updated_at", "update_at"]).timestamp(now))
            .or_else(|| oddities.tolerate("created_at", outer.get("created_at").timestamp(now))),
        retention: None,
        days: Vec::new(),
        begin_minute: None,
        utc_offset: None,
    };
    if let Some(inner) = inner {
        let word = oddities.tolerate("backup_type", inner.first_of(&["backup_type", "backupType"]).text());
        match word.map(|word| word.to_ascii_lowercase()).as_deref() {
            Some("auto") => policy.automatic = true,
            Some("manual") | None => {}
            Some(_) => oddities.wonder("backup_type"),
        }
        policy.retention = oddities
            .tolerate("save_days", save_days(&inner.first_of(&["save_days", "saveDays"])))
            .map(|days| Duration::from_secs(days * 24 * 3600));
        plan(&inner.first_of(&["periodical_backup_plan", "periodicalBackupPlan"]), &mut policy, oddities);
    }
    PolicyReading::Present(policy)
}

fn save_days(value: &Value<'_>) -> Reading<u64> {
    match value.integer()? {
        Some(days) if days == 0 || days > MAX_SAVE_DAYS => Err(Garbage),
        days => Ok(days),
    }
}

/// Reads `periodical_backup_plan` into the policy.
///
/// With the zone or one of the days garbage no hour is known, and so no slot is told; the days that can be read stay,
/// because the RPO follows from them: one that is too long still raises an alarm, none at all never does.
fn plan(value: &Value<'_>, policy: &mut BackupPolicy, oddities: &mut Oddities) {
    const PLAN: &[&str] = &[
        "backup_at",
        "backupAt",
        "begin_at",
        "beginAt",
        "period_type",
        "periodType",
        "timezone_offset",
        "timezoneOffset",
    ];
    let Some(plan) = oddities.tolerate("periodical_backup_plan", value.object(PLAN)) else { return };
    let garbage_days = days(&plan.first_of(&["backup_at", "backupAt"]), &mut policy.days);
    let period = oddities.tolerate("period_type", plan.first_of(&["period_type", "periodType"]).text());
    if period.is_some_and(|word| !word.eq_ignore_ascii_case("weekly")) {
        oddities.wonder("period_type");
        policy.days.clear();
    }
    policy.begin_minute = oddities.tolerate("begin_at", begin_minute(&plan.first_of(&["begin_at", "beginAt"])));
    let zone = utc_offset(&plan.first_of(&["timezone_offset", "timezoneOffset"]));
    if zone.is_err() || garbage_days.is_err() {
        policy.begin_minute = None;
    }
    oddities.tolerate("backup_at", garbage_days.map(Some));
    policy.utc_offset = oddities.tolerate("timezone_offset", zone);
}

/// Days of the week, 1 to 7, in a list or between commas; sorted, without duplicates. An error tells that there were
/// others, which are left out.
fn days(value: &Value<'_>, days: &mut Vec<u8>) -> Result<(), Garbage> {
    let mut reading = Ok(());
    let mut day = |value: &Value<'_>| match value.integer() {
        Ok(Some(day @ 1..=7)) => days.push(u8::try_from(day).unwrap_or_default()),
        _ => reading = Err(Garbage),
    };
    match value {
        Value::Absent => {}
        Value::List(list) => for_each(list, |entry| day(&entry)),
        Value::Text(text) => text.split(',').for_each(|part| day(&Value::Text(part.trim().into()))),
        value => day(value),
    }
    days.sort_unstable();
    days.dedup();
    reading
}

/// The beginning of `00:00-01:00`, or of an hour alone, in minutes since midnight.
fn begin_minute(value: &Value<'_>) -> Reading<u16> {
    let text = match value {
        Value::Absent => return Ok(None),
        Value::Text(text) => text,
        _ => return Err(Garbage),
    };
    let begin = text.split('-').next().unwrap_or_default().trim();
    let mut parts = begin.split(':');
    let mut part = |end: u16| {
        let text = parts.next().filter(|text| (1..=2).contains(&text.len()))?;
        text.parse::<u16>().ok().filter(|number| *number < end && !text.starts_with('+'))
    };
    let (hour, minute) = (part(24).ok_or(Garbage)?, part(60).ok_or(Garbage)?);
    match (parts.next(), parts.next()) {
        (None | Some("00"), None) => Ok(Some(hour * 60 + minute)),
        _ => Err(Garbage),
    }
}

fn utc_offset(value: &Value<'_>) -> Reading<UtcOffset> {
    match value.text()? {
        Some(text) => UtcOffset::parse(&text).map(Some).ok_or(Garbage),
        None => Ok(None),
    }
}
