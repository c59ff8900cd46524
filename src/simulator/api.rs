//! The service behind the gateway: what a request that was let in is answered with.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::answer::Answer;
use super::bodies;
use super::fleet::Member;
use super::history;
use super::query::{Paging, Query};
use super::quirk::{NoRecords, Quirk, Quirks, Total};
use super::refusal::Refusal;
use super::region::{Project, Region};
use super::route::{Call, Route, Version};

/// The answer to a request of a known path, or why there is none.
pub(super) fn respond(region: &Region, route: &Route, query: &Query) -> Result<Answer, Refusal> {
    if let Some(canned) = region.canned(route) {
        let paging = query.paging(route.version, route.call);
        let beyond = canned.status < 300 && paging.is_ok_and(|paging| paging.offset > 0);
        // A body given by a test is the whole list: there is no second page.
        return Ok(if beyond { no_records(route, &Quirks::default()) } else { canned.answer() });
    }
    let now = region.now();
    match route.call {
        Call::Versions => Ok(Answer::json(200, bodies::versions().to_string())),
        Call::Instances => {
            let projects = region.projects();
            let project = projects.iter().find(|project| project.id == route.project);
            project.map_or_else(|| Err(foreign_project()), |project| listing(region, project, route, query, now))
        }
        Call::Instance => instance(region, route, now),
        Call::Backups | Call::Restores => records(region, route, query, now),
        // Those to log in are answered elsewhere.
        _ => Err(Refusal::service(
            404,
            "APIGW.0101",
            "The API does not exist or has not been published in the environment",
        )),
    }
}

/// A project that the key's owner has nothing to do with.
pub(super) fn foreign_project() -> Refusal {
    Refusal::service(403, "DCS.2003", "This role does not have the permission to perform this operation.")
}

fn listing(
    region: &Region,
    project: &Project,
    route: &Route,
    query: &Query,
    now: Timestamp,
) -> Result<Answer, Refusal> {
    let Paging { offset, limit } = query.paging(route.version, route.call)?;
    let quirks = region.quirks(None);
    let found: Vec<&Member> =
        project.members.iter().map(AsRef::as_ref).filter(|member| admits(query, member, now)).collect();
    let (page, total) = quirks.page(found.len(), offset, limit);
    let entries = found[page].iter().map(|member| {
        let quirks = region.quirks(Some(member));
        let mut entry = bodies::listed(member, now, route.version, quirks.has(Quirk::Small));
        finish_instance(&mut entry, &quirks, route.version);
        entry
    });
    let entries: Vec<Value> = entries.collect();
    if entries.is_empty() && quirks.no_records().is_some() {
        return Ok(no_records(route, &quirks));
    }
    Ok(list(route, &quirks, entries, total))
}

/// The filters of a listing. Without `include_failure=true` instances whose creation failed would be left out, but
/// this fleet has none.
fn admits(query: &Query, member: &Member, now: Timestamp) -> bool {
    let exact = query.first(&["name_equal"]) == Some("true");
    query.first(&["instance_id", "id"]).is_none_or(|id| id == member.id)
        && query
            .first(&["name"])
            .is_none_or(|name| if exact { member.name == name } else { member.name.contains(name) })
        && query.first(&["status"]).is_none_or(|status| status == history::status(member, now))
        && query.first(&["ip"]).is_none_or(|ip| bodies::ip(member).split(',').any(|own| own == ip))
        && query.first(&["capacity"]).is_none_or(|gigabytes| gigabytes == (member.kind.memory_mb / 1024).to_string())
        && query.admits_tags(&member.tags)
}

fn instance(region: &Region, route: &Route, now: Timestamp) -> Result<Answer, Refusal> {
    let member = region.member(route).ok_or_else(Refusal::no_such_instance)?;
    let quirks = region.quirks(Some(&member));
    let mut body = bodies::shown(&member, now, route.version, quirks.has(Quirk::Small), &route.project);
    finish_instance(&mut body, &quirks, route.version);
    Ok(Answer::json(200, body.to_string()))
}

fn finish_instance(body: &mut Value, quirks: &Quirks, version: Version) {
    if quirks.has(Quirk::UnknownStatus) {
        body["status"] = json!("HIBERNATING");
    }
    quirks.bend(body, version, false);
}

fn records(region: &Region, route: &Route, query: &Query, now: Timestamp) -> Result<Answer, Refusal> {
    let member = region.member(route).ok_or_else(Refusal::no_such_instance)?;
    let quirks = region.quirks(Some(&member));
    if !member.supports_backups() && quirks.has(Quirk::SingleNodeRefused) {
        return Err(Refusal::service(400, "DCS.4086", "only master standby instance is support this action"));
    }
    let Paging { offset, limit } = query.paging(route.version, route.call)?;
    let (begin, end) = query.period()?;
    let mut found: Vec<(Timestamp, Value)> = if route.call == Call::Backups {
        let backups = history::backups(&member, now);
        backups.iter().map(|backup| (backup.course.created_at, bodies::backup(&member, backup, now))).collect()
    } else {
        let restores = history::restores(&member, now);
        let body = |restore| bodies::restore(&member, restore, now, route.version);
        restores.iter().map(|restore| (restore.course.created_at, body(restore))).collect()
    };
    found.retain(|(created_at, _)| (begin..=end).contains(created_at));
    if let (Some((_, newest)), true) = (found.first_mut(), quirks.has(Quirk::UnknownStatus)) {
        newest["status"] = json!("archiving");
    }
    if quirks.has(Quirk::OldestFirst) {
        found.reverse();
    }
    let (page, total) = quirks.page(found.len(), offset, limit);
    let mut page: Vec<Value> = found.drain(page).map(|(_, record)| record).collect();
    if page.is_empty() {
        return Ok(no_records(route, &quirks));
    }
    for record in &mut page {
        quirks.bend(record, route.version, true);
    }
    Ok(list(route, &quirks, page, total))
}

/// The names of a list and of its count.
fn names(call: Call) -> (&'static str, &'static str) {
    match call {
        Call::Instances => ("instances", "instance_num"),
        Call::Restores => ("restore_record_response", "total_num"),
        _ => ("backup_record_response", "total_num"),
    }
}

fn list(route: &Route, quirks: &Quirks, entries: Vec<Value>, total: usize) -> Answer {
    let (list, count) = names(route.call);
    let mut body = Map::new();
    let as_text = quirks.has(Quirk::NumbersAsText);
    match quirks.total() {
        Some(Total::Missing) => {}
        Some(Total::Text) => drop(body.insert(count.to_owned(), json!(total.to_string()))),
        Some(Total::OfPage) => drop(body.insert(count.to_owned(), json!(entries.len()))),
        None if as_text => drop(body.insert(count.to_owned(), json!(total.to_string()))),
        None => drop(body.insert(count.to_owned(), json!(total))),
    }
    body.insert(list.to_owned(), Value::Array(entries));
    Answer::json(200, Value::Object(body).to_string())
}

/// v2 documents 204 for no records, v1.0 only 200.
fn no_records(route: &Route, quirks: &Quirks) -> Answer {
    let (list, count) = names(route.call);
    let usual = match (route.version, route.call) {
        (_, Call::Instances) | (Version::V1, _) => NoRecords::EmptyList,
        (Version::V2, _) => NoRecords::NoContent,
    };
    match quirks.no_records().unwrap_or(usual) {
        NoRecords::NoContent => Answer::empty(204),
        NoRecords::EmptyBody => Answer::empty(200),
        NoRecords::EmptyObject => Answer::json(200, "{}"),
        NoRecords::NullList => Answer::json(200, json!({ list: null, count: 0 }).to_string()),
        NoRecords::EmptyList => Answer::json(200, json!({ list: [], count: 0 }).to_string()),
    }
}
