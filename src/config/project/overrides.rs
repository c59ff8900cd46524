//! Other settings for some instances of a project.

use crate::config::section::Section;
use crate::config::{Override, selection};

/// Key `overrides`; `None` where something was complained about.
pub(super) fn read(section: &Section) -> Option<Vec<Override>> {
    let read = |each: Section| {
        each.required("match", "say which instances it is for");
        each.required("rpo", "say what it changes");
        let of = each.section("match").and_then(|of| selection::read(&of));
        Some(Override { of: of?, rpo: each.duration("rpo")? })
    };
    // All are looked at, so that all complain.
    let read: Vec<_> = section.elements("overrides").into_iter().map(read).collect();
    read.into_iter().collect()
}
