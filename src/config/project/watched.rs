//! Which instances of a project are watched: those listed by hand, those found, or both.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::config::problem::quoted;
use crate::config::section::Section;
use crate::config::{Discovery, InstanceConfig, scalar, schema, selection};
use crate::domain::InstanceId;
use crate::domain::selection::Filter;

/// Key `instances`.
pub(super) fn instances(section: &Section) -> Option<Vec<InstanceConfig>> {
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

/// Key `discovery`; `None` where it is off.
pub(super) fn discovery(section: &Section, project: &str) -> Option<Discovery> {
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
    let filter = discovery.as_ref().map(|discovery| filter(discovery, enabled)).unwrap_or_default();
    enabled.then_some(Discovery { interval: interval?, filter })
}

/// Keys `include` and `exclude`; one that was complained about is left out.
fn filter(discovery: &Section, enabled: bool) -> Filter {
    let [include, exclude] = ["include", "exclude"].map(|key| {
        if discovery.has(key) && !enabled {
            let place = discovery.place_of(key);
            place.warning("has no effect: discovery is off, and instances listed by hand are always watched");
        }
        selection::read(&discovery.section(key)?)
    });
    Filter { include, exclude }
}

/// The time between two listings where nobody sets it.
pub(super) fn default_interval() -> Option<Duration> {
    scalar::duration(schema::find("projects[].discovery.interval")?.default?).ok()
}
