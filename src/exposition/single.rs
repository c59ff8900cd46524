//! The series of one instance, by the same families as in `/metrics`: what `/probe` answers.

use std::time::Duration;

use jiff::Timestamp;

use super::families::{self, At};
use super::render::Format;
use crate::snapshot::{InstanceView, ProjectView};

/// All families of an instance of this project, as they are now; nothing about the project or the exporter.
pub fn text(
    project: &ProjectView,
    instance: &InstanceView,
    lookback: Duration,
    now: Timestamp,
    format: Format,
) -> String {
    let mut text = String::with_capacity(16 * 1024);
    families::write_instance(project, instance, &At { now, lookback }, &mut text);
    if format == Format::OpenMetrics {
        text.push_str("# EOF\n");
    }
    text
}
