//! An agency that is assumed on top of other credentials: by IAM with its name, or by STS with its URN.

use crate::config::section::Section;
use crate::config::{Agency, Assume, Domain};

/// Reads the key `assume` of an entry, which is there.
pub(super) fn read(section: &Section) -> Option<Assume> {
    let duration = section.duration("duration");
    let agency = match (section.has("agency_name"), section.has("agency_urn")) {
        (true, false) => named(section),
        (false, true) => by_urn(section),
        (true, true) => {
            section.place_of("agency_urn").problem("is given, and `agency_name` too; remove one");
            None
        }
        (false, false) => {
            section
                .place
                .problem("names no agency; set `agency_name` and its account's `domain_name`, or `agency_urn`");
            None
        }
    };
    Some(Assume { agency: agency?, duration: duration? })
}

fn named(section: &Section) -> Option<Agency> {
    refuse(section, &["session_name"], "agency_urn");
    let domain = match (section.has("domain_name"), section.has("domain_id")) {
        (true, false) => section.text("domain_name").map(|field| Domain::Name(field.text.to_owned())),
        (false, true) => section.text("domain_id").map(|field| Domain::Id(field.text.to_owned())),
        (true, true) => {
            section.place_of("domain_id").problem("is given, and `domain_name` too; remove one");
            None
        }
        (false, false) => {
            let place = section.place_of("domain_name");
            place.problem("is missing; name the account that the agency belongs to, or set its `domain_id`");
            None
        }
    };
    Some(Agency::Named { name: section.text("agency_name")?.text.to_owned(), domain: domain? })
}

fn by_urn(section: &Section) -> Option<Agency> {
    refuse(section, &["domain_name", "domain_id"], "agency_name");
    let session_name = section.text_or_default("session_name")?.to_owned();
    Some(Agency::Urn { urn: section.text("agency_urn")?.text.to_owned(), session_name })
}

fn refuse(section: &Section, keys: &[&str], other: &str) {
    for key in keys.iter().filter(|key| section.has(key)) {
        section.place_of(key).problem(format!("belongs to `{other}`; remove it"));
    }
}
