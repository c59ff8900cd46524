//! The bodies of successful answers, as the vendor's examples and the captures of real ones show them.
//!
//! Built with `serde_json` from the fleet's own types: nothing here is shared with the client that reads them, so
//! that a misunderstanding cannot hide in both. What is absent is `null` here; [`super::quirk`] gives it its form.

mod instances;
mod records;

pub(super) use instances::{ip, listed, shown};
pub(super) use records::{backup, restore};

use serde_json::{Value, json};

/// A moment: RFC 3339 in UTC with milliseconds.
fn stamp(moment: jiff::Timestamp) -> Value {
    json!(format!("{moment:.3}"))
}

/// The answer to `GET /`.
pub(super) fn versions() -> Value {
    let version = |id: &str, status: &str| json!({ "id": id, "links": [], "min_version": "", "status": status, "updated": "2018-09-30T00:00:00Z", "version": "" });
    json!({ "versions": [version("v1.0", "DEPRECATED"), version("v2", "CURRENT")] })
}
