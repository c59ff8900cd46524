//! IAM's list of projects, in which a client finds the id of the one that has the region's name.

use serde_json::{Value, json};

use super::asked::Asked;
use super::settings::ProjectNames;
use crate::simulator::answer::Answer;
use crate::simulator::refusal::Refusal;
use crate::simulator::{DOMAIN_ID, PROJECT_ID, PROJECT_NAME, SECOND_PROJECT_ID, SECOND_PROJECT_NAME};

/// Ids and names of the projects.
pub(super) fn named(names: ProjectNames) -> Vec<(&'static str, &'static str)> {
    match names {
        ProjectNames::Unique => vec![(PROJECT_ID, PROJECT_NAME), (SECOND_PROJECT_ID, SECOND_PROJECT_NAME)],
        ProjectNames::Twice => vec![(PROJECT_ID, PROJECT_NAME), (SECOND_PROJECT_ID, PROJECT_NAME)],
        ProjectNames::Absent => Vec::new(),
    }
}

/// `GET /v3/projects`; with `name` those of exactly this name.
pub(super) fn list(asked: &Asked<'_>) -> Result<Answer, Refusal> {
    asked.caller()?;
    let (query, origin) = (asked.query(), asked.origin());
    let wanted = query.first(&["name"]);
    let found = named(asked.settings.project_names).into_iter().filter(|(_, name)| wanted.is_none_or(|w| w == *name));
    let projects: Vec<Value> = found
        .map(|(id, name)| {
            json!({
                "id": id,
                "name": name,
                "description": "",
                "domain_id": DOMAIN_ID,
                "parent_id": DOMAIN_ID,
                "is_domain": false,
                "enabled": true,
                "links": { "self": format!("{origin}/v3/projects/{id}") },
            })
        })
        .collect();
    let links = json!({ "self": format!("{origin}/v3/projects"), "next": null, "previous": null });
    Ok(Answer::json(200, json!({ "projects": projects, "links": links }).to_string()))
}
