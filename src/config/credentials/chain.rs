//! The official SDK's provider chain, for whoever names no credentials.
//!
//! Its order is that of `CredentialProviderChain`: an OIDC agency, the environment, the profile, the metadata service,
//! the agent of CCE. The first three are decided here, by what is configured. Whether one of the last two answers only
//! an attempt can tell, and that is for later; until then a warning says what was looked for.

use super::given::Given;
use super::source::{self, Step};
use crate::config::problem::Place;
use crate::config::{Profile, Source};

/// The first source that is configured; `None` where one is broken. `place` is who asks.
pub(super) fn find(given: &Given, place: &Place) -> Option<(Source, Option<Profile>)> {
    if given.first_set(&source::OIDC).is_some() {
        return source::oidc_agency(given).map(|source| (source, None));
    }
    match source::environment(given) {
        Step::Configured(source) => return Some((source, None)),
        Step::Broken => return None,
        Step::NotConfigured => {}
    }
    match source::profile(given, place, false) {
        Step::Configured(found) => return Some(found),
        Step::Broken => return None,
        Step::NotConfigured => {}
    }
    last_resort(given, place).map(|source| (source, None))
}

fn last_resort(given: &Given, place: &Place) -> Option<Source> {
    let mut sources = vec![source::default_metadata()?];
    let mut asked = "the metadata service of the ECS (169.254.169.254) is asked for keys".to_owned();
    if given.first_set(&source::POD).is_some() {
        sources.push(source::pod_identity(given)?);
        asked += ", and the agent of CCE after it";
    }
    let profile = source::default_profile(given);
    let profile = profile.map_or_else(String::new, |path| format!(", no profile {:?}", path.to_string_lossy()));
    place.warning(format!(
        "nothing is configured, neither HUAWEICLOUD_OIDC_* nor HUAWEICLOUD_SDK_AK nor HUAWEICLOUD_SDK_IDP_ID{profile}: {asked}"
    ));
    Some(Source::FirstOf(sources))
}
