//! What the cloud says an instance is.

use super::Emit::Instance;
use super::{Family, Samples};
use crate::domain::instance::{CacheMode, Engine, InstanceStatus};
use crate::snapshot::InstanceView;

pub(super) const FAMILIES: &[Family] = &[
    Family {
        name: "dcs_instance_info",
        help: "What the cloud says the instance is, and those of its tags that instance_tags names, as tag_*; always 1.",
        labels: &["engine", "engine_version", "cache_mode"],
        emit: Instance(info),
    },
    Family {
        name: "dcs_instance_status",
        help: "1 for the present status of the instance.",
        labels: &["status"],
        emit: Instance(|instance, samples| {
            if let Some(status) = instance.details.as_ref().and_then(|details| details.status) {
                samples.labelled(&[("status", InstanceStatus::as_str(status))], true);
            }
        }),
    },
    Family {
        name: "dcs_instance_created_timestamp_seconds",
        help: "When the instance was created.",
        labels: &[],
        emit: Instance(|instance, samples| {
            samples.known(instance.details.as_ref().and_then(|details| details.created_at));
        }),
    },
    Family {
        name: "dcs_instance_max_memory_bytes",
        help: "Memory size of the instance.",
        labels: &[],
        emit: Instance(|instance, samples| {
            samples.known(instance.details.as_ref().and_then(|details| details.max_memory_bytes));
        }),
    },
];

fn info(instance: &InstanceView, samples: &mut Samples<'_>) {
    if let Some(details) = &instance.details {
        let own = [
            ("engine", details.engine.map_or("", Engine::as_str)),
            ("engine_version", details.engine_version.as_deref().unwrap_or("")),
            ("cache_mode", details.cache_mode.map_or("", CacheMode::as_str)),
        ];
        let labels: Vec<(&str, &str)> = own.into_iter().chain(instance.tags.iter()).collect();
        samples.labelled(&labels, true);
    }
}
