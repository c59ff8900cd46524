//! The merged tree as a [`Config`]: what only makes sense together is judged here.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use super::credentials::{self, Credentials};
use super::environment::Environment;
use super::problem::{Origin, Place, Report, quoted};
use super::project::{self, Shared, alone};
use super::section::Section;
use super::tree::Node;
use super::{CloudProject, Config, Polling, ProjectConfig, StorageConfig, shard};

/// Reads the whole tree; `None` where something was complained about.
pub(super) fn config<'a>(
    tree: &'a Node,
    environment: &'a Environment<'a>,
    file: Option<&Place>,
    directory: &'a Path,
    host_name: Option<&str>,
    report: &'a Report,
) -> Option<Config> {
    let root = Section::root(tree, report);
    let part = shard::read(&root, host_name);
    let storage = storage(&root, directory);
    let polling = polling(&root);
    let rpo_grace = root.duration("rpo_grace");
    let shared = Shared {
        credentials: Credentials::read(&root, environment, directory),
        environment,
        rpo: root.duration("rpo"),
        // A bad one was complained about; the rest is still looked at.
        rpo_grace: rpo_grace.unwrap_or_default(),
        directory,
    };
    let projects = if root.count("projects") > 0 {
        for variable in [environment.region, environment.endpoint].into_iter().flatten() {
            variable.place(report).warning("is ignored, because the file lists `projects`");
        }
        projects_of_file(&root, &shared)
    } else if starts(environment) {
        alone::read(environment, &shared, report).map(|project| vec![project])
    } else {
        nothing_to_watch(file, report);
        None
    };
    shared.credentials.warn_of_unused();
    rpo_grace?;
    Some(Config { projects: projects?, polling: polling?, storage, shard: part? })
}

/// Whether any variable says that the environment is to name the project.
fn starts(environment: &Environment) -> bool {
    environment.region.is_some()
        || environment.endpoint.is_some()
        || environment.variable("HUAWEICLOUD_SDK_PROJECT_ID").is_some()
        || credentials::begins(environment)
}

fn nothing_to_watch(file: Option<&Place>, report: &Report) {
    let variables =
        "set DCS_EXPORTER_REGION, HUAWEICLOUD_SDK_AK, HUAWEICLOUD_SDK_SK and, optional, HUAWEICLOUD_SDK_PROJECT_ID";
    match file {
        Some(file) => {
            file.key("projects").problem(format!("lists nothing to watch; list at least one project, or {variables}"));
        }
        None => Place { report, origin: Origin::Nowhere, path: String::new() }.problem(format!(
            "nothing to watch: there is neither a configuration file nor a project in the environment\n\
             name a file with --config.file, or {variables}\n\
             to look around without an account, start `dcs-backup-exporter demo`"
        )),
    }
}

fn projects_of_file<'a>(root: &Section<'a>, shared: &Shared<'a>) -> Option<Vec<ProjectConfig>> {
    let sections = root.elements("projects");
    let read: Vec<Option<ProjectConfig>> = sections.iter().map(|section| project::of_file(section, shared)).collect();
    let mut names: BTreeMap<&str, String> = BTreeMap::new();
    for section in &sections {
        let Some(name) = section.text("name") else { continue };
        if let Some(line) = names.insert(name.text, section.line()) {
            name.place.problem(format!("{} is the name of another project{line}; choose another", quoted(name.text)));
        }
    }
    warn_of_twins(&sections, &read);
    read.into_iter().collect()
}

/// Two projects that are the same to the cloud: their instances are polled and counted twice.
fn warn_of_twins(sections: &[Section], read: &[Option<ProjectConfig>]) {
    let mut seen: BTreeMap<(&str, &str, usize), &ProjectConfig> = BTreeMap::new();
    for (section, project) in sections.iter().zip(read) {
        let Some(project) = project else { continue };
        let (id, key, account) = match &project.project {
            CloudProject::Id(id) => (id.as_str(), "project_id", 0),
            // The same name is another project in another account.
            CloudProject::Named(name) => (name.as_str(), "project_name", Arc::as_ptr(&project.credentials).addr()),
        };
        if let Some(other) = seen.insert((id, project.endpoint.as_str(), account), project) {
            section.place_of(key).warning(format!(
                "is that of project {} too, at the same endpoint: what both watch is polled twice",
                quoted(other.name.as_str())
            ));
        }
    }
}

fn polling(root: &Section) -> Option<Polling> {
    let polling = root.section("polling")?;
    Some(Polling {
        idle_interval: polling.duration("idle_interval")?,
        window_interval: polling.duration("window_interval")?,
        active_interval: polling.duration("active_interval")?,
        policy_interval: polling.duration("policy_interval")?,
        request_timeout: polling.duration("request_timeout")?,
        lookback: polling.duration("lookback")?,
    })
}

/// `None` where it is left out or was complained about. A directory that is missing is made later.
fn storage(root: &Section, directory: &Path) -> Option<StorageConfig> {
    // The defaults alone are no wish to store anything.
    let storage = root.section("storage").filter(|storage| storage.place.origin != Origin::Nowhere)?;
    if !storage.has("path") {
        // A mapping stands where its first key does, which would be another variable.
        let place = match &storage.place.origin {
            Origin::Variable(_) => {
                storage.place.clone().typed_at(&Origin::Variable("DCS_EXPORTER_STORAGE__PATH".into()))
            }
            _ => storage.place_of("path"),
        };
        place.problem("is missing; name the directory to keep the facts in");
    }
    let field = storage.text("path")?;
    let path = directory.join(field.text);
    if path.exists() && !path.is_dir() {
        field
            .place
            .problem(format!("{:?} is no directory; name one, it is made if it is missing", path.to_string_lossy()));
    }
    Some(StorageConfig { path, interval: storage.duration("interval")?, max_age: storage.duration("max_age")? })
}
