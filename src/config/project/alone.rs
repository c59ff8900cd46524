//! The one project of a start without a file: all that the environment says of it.

use std::sync::Arc;

use crate::config::environment::Environment;
use crate::config::problem::{Origin, Place, Report};
use crate::config::project::{Shared, limits, watched};
use crate::config::reach::Typed;
use crate::config::schema::Kind;
use crate::config::{ApiVersion, CloudProject, Discovery, ProjectConfig};
use crate::domain::ProjectName;
use crate::domain::plan::UtcOffset;
use crate::domain::selection::Filter;

const PROJECT_ID: &str = "HUAWEICLOUD_SDK_PROJECT_ID";

/// The project that the environment names.
pub(in crate::config) fn read<'a>(
    environment: &'a Environment<'a>,
    shared: &Shared<'a>,
    report: &'a Report,
) -> Option<ProjectConfig> {
    let place = Place { report, origin: Origin::Nowhere, path: "credentials".to_owned() };
    let not_set = |name: &str, advice: &str| {
        place.clone().typed_at(&Origin::Variable(name.into())).problem(format!("is not set; set it, or {advice}"));
    };
    // All are looked at, so that all complain.
    let credentials = shared.credentials.of_chain(&place);
    let region = environment.region.map(|variable| variable.checked(Kind::Name, report));
    let endpoint = environment.endpoint.map(|variable| variable.checked(Kind::Endpoint, report));
    let of_profile = credentials.as_ref().and_then(|found| found.profile.as_ref()?.project_id.clone());
    let project = match environment.variable(PROJECT_ID) {
        Some(variable) => variable.checked(Kind::Name, report).map(|field| CloudProject::Id(field.text.into())),
        None => of_profile.map(|id| CloudProject::Id(id.as_str().into())).or_else(|| {
            let region = region.as_ref()?.as_ref()?;
            Some(CloudProject::Named(region.text.to_owned()))
        }),
    };
    if region.is_none() && endpoint.is_none() {
        not_set("DCS_EXPORTER_REGION", "DCS_EXPORTER_ENDPOINT for a cloud of your own");
    } else if region.is_none() && project.is_none() && environment.variable(PROJECT_ID).is_none() {
        not_set(PROJECT_ID, "DCS_EXPORTER_REGION, by whose name the project is looked up");
    }
    let typed = Typed {
        section: None,
        region: region.clone().flatten(),
        endpoint: endpoint.clone().flatten(),
        environment,
        report,
    };
    // Where an address was refused, none follows from the region in its place.
    let reach = match endpoint {
        Some(None) => None,
        _ => typed.reach(project.as_ref(), credentials.as_ref()),
    };
    let (reach, credentials) = (reach?, credentials?);
    let region = match region {
        Some(region) => region?.text.to_owned(),
        None => String::new(),
    };
    let name = if region.is_empty() { reach.endpoint.host_str()?.to_owned() } else { region.clone() };
    Some(ProjectConfig {
        name: ProjectName::from(name),
        region,
        project: project?,
        endpoint: reach.endpoint,
        iam_endpoint: reach.iam_endpoint,
        sts_endpoint: reach.sts_endpoint,
        api_version: ApiVersion::default(),
        ca_file: None,
        proxies: reach.proxies,
        instances: Vec::new(),
        discovery: Some(Discovery { interval: watched::default_interval()?, filter: Filter::default() }),
        overrides: Arc::default(),
        instance_tags: Arc::default(),
        plan_utc_offset: UtcOffset::UTC,
        limits: limits(None, &credentials.config),
        rpo: shared.rpo,
        rpo_grace: shared.rpo_grace,
        credentials: credentials.config,
    })
}
