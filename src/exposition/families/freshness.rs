//! How fresh the data itself is: per instance and operation, and per project.

use super::Emit::{Instance, Project};
use super::Family;
use crate::domain::Operation;

pub(super) const FAMILIES: &[Family] = &[
    Family {
        name: "dcs_poll_success",
        help: "1 if the last poll worked, 0 if it failed and the facts are those of an earlier one.",
        labels: &["operation"],
        emit: Instance(|instance, samples| {
            for operation in Operation::PER_INSTANCE {
                if let Some(success) = instance.poll(operation).success {
                    samples.labelled(&[("operation", operation.as_str())], success);
                }
            }
        }),
    },
    Family {
        name: "dcs_poll_last_success_timestamp_seconds",
        help: "When the last poll that worked was answered.",
        labels: &["operation"],
        emit: Instance(|instance, samples| {
            for operation in Operation::PER_INSTANCE {
                if let Some(at) = instance.poll(operation).last_success_at {
                    samples.labelled(&[("operation", operation.as_str())], at);
                }
            }
        }),
    },
    Family {
        name: "dcs_project_info",
        help: "Which project of the cloud is watched, and where; always 1.",
        labels: &["project_id", "region", "endpoint", "api_version"],
        emit: Project(|project, samples| {
            // One that is still looked up has no id; a series without it would be another one than the later.
            let Some(project_id) = &project.project_id else { return };
            samples.labelled(
                &[
                    ("project_id", project_id.as_str()),
                    ("region", &project.region),
                    ("endpoint", &project.endpoint),
                    ("api_version", project.api_version.as_str()),
                ],
                true,
            );
        }),
    },
    Family {
        name: "dcs_project_up",
        help: "1 if the service itself answered the newest request, 0 if it was not reached or refused to serve it.",
        labels: &[],
        emit: Project(|project, samples| samples.known(project.up)),
    },
    Family {
        name: "dcs_project_instances",
        help: "Instances watched, by all shards together.",
        labels: &[],
        emit: Project(|project, samples| {
            // Before the first listing nobody knows: a zero would look like a fleet that is gone.
            let is_known = project.watched > 0 || project.listed_at.is_some();
            samples.known(is_known.then_some(project.watched));
        }),
    },
    Family {
        name: "dcs_project_missing_instances",
        help: "Watched instances that the newest complete listing lacked.",
        labels: &[],
        emit: Project(|project, samples| samples.known(project.missing)),
    },
    Family {
        name: "dcs_project_unlisted_instances",
        help: "Instances that the newest listing counted and did not show, or showed unreadably: nobody watches them.",
        labels: &[],
        emit: Project(|project, samples| samples.known(project.unlisted)),
    },
    Family {
        name: "dcs_project_poll_interval_seconds",
        help: "How old a fact may rightly be now: the idle interval, or more where the request budget stretches it; restores, while nothing goes on, up to four times as old.",
        labels: &[],
        emit: Project(|project, samples| samples.one(project.poll_interval)),
    },
    Family {
        name: "dcs_project_last_listing_success_timestamp_seconds",
        help: "When the newest complete listing of the project's instances came.",
        labels: &[],
        emit: Project(|project, samples| samples.known(project.listed_at)),
    },
];
