//! One element of `projects`, or the one project that the environment names.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use url::Url;

use super::credentials::Credentials;
use super::environment::Environment;
use super::problem::{Origin, Place, Report, quoted};
use super::schema::Kind;
use super::section::Section;
use super::{
    ApiVersion, CloudProject, CredentialsConfig, Discovery, InstanceConfig, Limits, ProjectConfig, Proxies, address,
    named_file, region,
};
use crate::domain::plan::UtcOffset;
use crate::domain::{InstanceId, ProjectId, ProjectName};

/// What projects have in common.
pub(super) struct Shared<'a> {
    pub(super) credentials: Credentials<'a>,
    /// The top-level `rpo`.
    pub(super) rpo: Option<Duration>,
    pub(super) rpo_grace: Duration,
    /// Where relative paths begin.
    pub(super) directory: &'a Path,
}

/// A project of the file; `None` where something was complained about.
pub(super) fn of_file<'a>(section: &Section<'a>, shared: &Shared<'a>) -> Option<ProjectConfig> {
    let name = section.required("name", "give the project a name; it becomes the label `project`");
    let project_id = project_id(section);
    let endpoint = endpoint(section);
    let credentials = shared.credentials.of_project(section);
    let ca_file = section.text("ca_file").map(|field| named_file::certificates(&field, shared.directory));
    let instances = instances(section);
    let discovery = discovery(section, name.as_ref().map_or("", |name| name.text));
    for each in section.elements("overrides") {
        each.required("match", "say which instances it is for");
        each.required("rpo", "say what it changes");
    }
    let credentials = credentials?;
    Some(ProjectConfig {
        name: ProjectName::from(name?.text),
        region: section.text("region").map_or_else(String::new, |field| field.text.to_owned()),
        project: CloudProject::Id(project_id?),
        endpoint: endpoint?,
        iam_endpoint: None,
        sts_endpoint: None,
        api_version: match section.text_or_default("api_version")? {
            "v1.0" => ApiVersion::V1,
            _ => ApiVersion::V2,
        },
        ca_file: ca_file.flatten(),
        proxies: section
            .text("proxy")
            .and_then(|field| address::proxy(field.text).ok())
            .map_or_else(Proxies::default, Proxies::all),
        instances: instances?,
        discovery,
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

fn project_id(section: &Section) -> Option<ProjectId> {
    // `project_name` in its place is refused as a key that is not built yet; one complaint is enough.
    if !section.has("project_id") && !section.has("project_name") {
        section
            .place_of("project_id")
            .problem("is missing, and is not looked up yet; copy it from the console (My Credentials)");
    }
    section.text("project_id").map(|field| ProjectId::from(field.text))
}

fn endpoint(section: &Section) -> Option<Url> {
    let (key, url) = match (section.has("endpoint"), section.has("region")) {
        (true, _) => ("endpoint", address::endpoint(section.text("endpoint")?.text).ok()?),
        (false, true) => {
            ("region", of_region(section.text("region")?.text, "`endpoint`", &section.place_of("region"))?)
        }
        (false, false) => {
            section.place_of("region").problem("is missing; set it, or `endpoint` for a cloud of your own");
            return None;
        }
    };
    warn_of_clear_text(&url, &section.place_of(key));
    Some(url)
}

/// `instead` is how the endpoint itself is set.
fn of_region(name: &str, instead: &str, place: &Place) -> Option<Url> {
    match region::endpoint(name, instead).and_then(|text| address::endpoint(&text)) {
        Ok(url) => Some(url),
        Err(sentence) => {
            place.problem(sentence);
            None
        }
    }
}

fn warn_of_clear_text(url: &Url, place: &Place) {
    if url.scheme() == "http" && !address::is_loopback(url) {
        place.warning(
            "is not encrypted: whoever listens can read requests, signatures and answers (not the secret key)",
        );
    }
}

fn instances(section: &Section) -> Option<Vec<InstanceConfig>> {
    let elements = section.elements("instances");
    let mut lines: BTreeMap<&str, String> = BTreeMap::new();
    let mut instances = Some(Vec::with_capacity(elements.len()));
    for element in elements {
        let Some(id) = element.required("id", "copy it from the console or the list of instances") else {
            instances = None;
            continue;
        };
        if let Some(line) = lines.insert(id.text, element.line()) {
            id.place.problem(format!("{} is listed already{line}; remove one", quoted(id.text)));
        }
        let name = element.text("name").map(|field| field.text.to_owned());
        if let Some(instances) = &mut instances {
            instances.push(InstanceConfig { id: InstanceId::from(id.text), name });
        }
    }
    instances
}

fn discovery(section: &Section, project: &str) -> Option<Discovery> {
    let discovery = section.section("discovery");
    let by_hand = section.count("instances") > 0;
    let switch = discovery.as_ref().filter(|discovery| discovery.has("enabled"));
    let enabled = match switch {
        Some(discovery) => discovery.switch("enabled").unwrap_or(true),
        None => !by_hand,
    };
    if !enabled && switch.is_none() {
        section.place_of("discovery").warning(format!(
            "is off for project {}, because its instances are listed by hand; set `enabled` in it to choose",
            quoted(project)
        ));
    }
    if !enabled && !by_hand {
        let place = switch.map_or_else(|| section.place_of("discovery"), |discovery| discovery.place_of("enabled"));
        place.problem("is off, and `instances` lists none: there is nothing to watch; switch it on or list some");
    }
    let interval = match &discovery {
        Some(discovery) => discovery.duration("interval"),
        None => default_interval(),
    };
    enabled.then_some(Discovery { interval: interval? })
}

fn default_interval() -> Option<Duration> {
    super::scalar::duration(super::schema::find("projects[].discovery.interval")?.default?).ok()
}

/// The one project that the environment names, all of it.
pub(super) fn of_environment(environment: &Environment, shared: &Shared, report: &Report) -> Option<ProjectConfig> {
    let nowhere = Place { report, origin: Origin::Nowhere, path: String::new() };
    let checked = |variable: super::environment::Variable, kind: Kind| match kind.check(variable.value) {
        Ok(()) => Some(variable.value.to_owned()),
        Err(sentence) => {
            variable.place(report).problem(sentence);
            None
        }
    };
    let not_set = |name: &str, advice: &str| {
        let place = nowhere.clone().typed_at(&Origin::Variable(name.into()));
        place.problem(format!("is not set; set it, or {advice}"));
    };
    let in_a_file = "list `projects` in a file";
    let credentials = shared.credentials.of_environment(&nowhere, |missing| {
        for name in missing {
            not_set(name, in_a_file);
        }
    });
    let project_id = environment.sdk("HUAWEICLOUD_SDK_PROJECT_ID");
    if project_id.is_none() {
        not_set("HUAWEICLOUD_SDK_PROJECT_ID", in_a_file);
    }
    let project_id = project_id.and_then(|variable| checked(variable, Kind::Name));
    let region = environment.region.map(|variable| checked(variable, Kind::Name));
    let endpoint = match (environment.endpoint, environment.region) {
        (Some(variable), _) => {
            let url = checked(variable, Kind::Endpoint).and_then(|text| address::endpoint(&text).ok());
            url.inspect(|url| warn_of_clear_text(url, &variable.place(report)))
        }
        (None, Some(variable)) => region
            .clone()
            .flatten()
            .and_then(|region| of_region(&region, "DCS_EXPORTER_ENDPOINT", &variable.place(report))),
        (None, None) => {
            not_set("DCS_EXPORTER_REGION", "DCS_EXPORTER_ENDPOINT for a cloud of your own");
            None
        }
    };
    let (credentials, endpoint) = (credentials?, endpoint?);
    let region = region.unwrap_or_else(|| Some(String::new()))?;
    let name = if region.is_empty() { endpoint.host_str()?.to_owned() } else { region.clone() };
    Some(ProjectConfig {
        name: ProjectName::from(name),
        region,
        project: CloudProject::Id(ProjectId::from(project_id?)),
        endpoint,
        iam_endpoint: None,
        sts_endpoint: None,
        api_version: ApiVersion::default(),
        ca_file: None,
        proxies: Proxies::default(),
        instances: Vec::new(),
        discovery: Some(Discovery { interval: default_interval()? }),
        plan_utc_offset: UtcOffset::UTC,
        limits: limits(None, &credentials),
        rpo: shared.rpo,
        rpo_grace: shared.rpo_grace,
        credentials,
    })
}
