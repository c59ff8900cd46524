//! One element of `projects`, or (`alone`) the one project that the environment names.

pub(super) mod alone;
mod instance_tags;
mod overrides;
mod watched;

use std::path::Path;
use std::time::Duration;

use super::credentials::Credentials;
use super::environment::Environment;
use super::reach::Typed;
use super::section::Section;
use super::{ApiVersion, CloudProject, CredentialsConfig, Limits, ProjectConfig, named_file};
use crate::domain::ProjectName;
use crate::domain::plan::UtcOffset;

/// What projects have in common.
pub(super) struct Shared<'a> {
    pub(super) credentials: Credentials<'a>,
    pub(super) environment: &'a Environment<'a>,
    /// The top-level `rpo`.
    pub(super) rpo: Option<Duration>,
    pub(super) rpo_grace: Duration,
    /// Where relative paths begin.
    pub(super) directory: &'a Path,
}

/// A project of the file; `None` where something was complained about.
pub(super) fn of_file<'a>(section: &Section<'a>, shared: &Shared<'a>) -> Option<ProjectConfig> {
    let name = section.required("name", "give the project a name; it becomes the label `project`");
    let project = cloud_project(section);
    if !section.has("endpoint") && !section.has("region") {
        section.place_of("region").problem("is missing; set it, or `endpoint` for a cloud of your own");
    }
    let credentials = shared.credentials.of_project(section);
    let typed = Typed {
        section: Some(section),
        region: section.text("region"),
        endpoint: section.text("endpoint"),
        environment: shared.environment,
        report: section.place.report,
    };
    // Where an address was refused, none follows from the region in its place.
    let refused = section.has("endpoint") && typed.endpoint.is_none();
    let reach = if refused { None } else { typed.reach(project.as_ref(), credentials.as_ref()) };
    let ca_file = section.text("ca_file").map(|field| named_file::certificates(&field, shared.directory));
    let instances = watched::instances(section);
    let discovery = watched::discovery(section, name.as_ref().map_or("", |name| name.text));
    let overrides = overrides::read(section);
    let instance_tags = instance_tags::read(section);
    let (credentials, reach) = (credentials?.config, reach?);
    Some(ProjectConfig {
        name: ProjectName::from(name?.text),
        region: section.text("region").map_or_else(String::new, |field| field.text.to_owned()),
        project: project?,
        endpoint: reach.endpoint,
        iam_endpoint: reach.iam_endpoint,
        sts_endpoint: reach.sts_endpoint,
        api_version: match section.text_or_default("api_version")? {
            "v1.0" => ApiVersion::V1,
            _ => ApiVersion::V2,
        },
        ca_file: ca_file.flatten(),
        proxies: reach.proxies,
        instances: instances?,
        discovery,
        overrides: overrides?.into(),
        instance_tags: instance_tags?.into(),
        plan_utc_offset: section.text_or_default("plan_utc_offset").and_then(UtcOffset::parse)?,
        limits: limits(section.limits(), &credentials),
        rpo: section.duration("rpo").or(shared.rpo),
        rpo_grace: shared.rpo_grace,
        credentials,
    })
}

/// The limits of a project; none where its credentials' own hold for all their projects together.
fn limits(own: Option<Limits>, credentials: &CredentialsConfig) -> Option<Limits> {
    own.or_else(|| credentials.limits.is_none().then(Limits::default))
}

/// The id where there is one, else the name to look it up by.
fn cloud_project(section: &Section) -> Option<CloudProject> {
    if section.has("project_id") {
        return section.text("project_id").map(|field| CloudProject::Id(field.text.into()));
    }
    for key in ["project_name", "region"] {
        if section.has(key) {
            return section.text(key).map(|field| CloudProject::Named(field.text.to_owned()));
        }
    }
    // Without an endpoint too, the region is asked for anyway.
    if section.has("endpoint") {
        section
            .place_of("project_id")
            .problem("is missing; set it, or `project_name` or `region`, by whose name it is looked up");
    }
    None
}
