//! The metadata service of an ECS instance with an agency.
//!
//! Version 2 demands a token that is asked for with `PUT`; version 1 knows none. On Open Telekom Cloud the keys stay
//! the same until some minutes before their end, which can be asked for here.

use std::time::Duration;

use super::asked::{Asked, credential};
use super::settings::MetadataMode;
use crate::simulator::answer::Answer;
use crate::simulator::refusal::Refusal;
use crate::simulator::region::locked;
use crate::simulator::route::Call;

/// How long keys are good.
const VALIDITY: Duration = Duration::from_hours(1);
/// How many seconds a token may be asked for.
const SECONDS: std::ops::RangeInclusive<u64> = 1..=21_600;

/// `PUT /meta-data/latest/api/token`.
pub(super) fn token(asked: &Asked<'_>) -> Result<Answer, Refusal> {
    match asked.settings.metadata {
        MetadataMode::Version2 | MetadataMode::NoAgency => {}
        MetadataMode::Version1 => {
            let before = locked(&asked.region.judge).tally.calls(Call::MetadataToken);
            let (status, message) =
                [(503, "Service Unavailable"), (404, "Not Found"), (405, "Method Not Allowed")][(before % 3) as usize];
            return Err(Refusal::login(asked.call, status, message));
        }
        MetadataMode::Absent => return Err(Refusal::login(asked.call, 404, "Not Found")),
    }
    let seconds = asked.header("x-metadata-token-ttl-seconds").and_then(|seconds| seconds.parse().ok());
    let Some(seconds) = seconds.filter(|seconds| SECONDS.contains(seconds)) else {
        return Err(Refusal::login(asked.call, 400, "X-Metadata-Token-Ttl-Seconds must be from 1 to 21600"));
    };
    let ends_at = asked.ends_at(Duration::from_secs(seconds));
    let token = locked(&asked.region.issued).metadata_token(asked.chance, ends_at);
    Ok(Answer::of(200, "text/plain", token))
}

/// `GET /openstack/latest/securitykey`.
pub(super) fn security_key(asked: &Asked<'_>) -> Result<Answer, Refusal> {
    let (mode, now) = (asked.settings.metadata, asked.now);
    let mut issued = locked(&asked.region.issued);
    if mode == MetadataMode::Absent {
        return Err(Refusal::login(asked.call, 404, "Not Found"));
    }
    let token = asked.header("x-metadata-token").unwrap_or("");
    if mode != MetadataMode::Version1 && !issued.is_metadata_token(token, now) {
        return Err(Refusal::login(asked.call, 401, "Unauthorized"));
    }
    if mode == MetadataMode::NoAgency {
        return Err(Refusal::login(asked.call, 401, "Please configure Cloud Service Agency first"));
    }
    let renews_before = asked.settings.metadata_renews_before;
    let keys = issued.keys_of_metadata(asked.chance, asked.ends_at(VALIDITY), now, renews_before);
    Ok(Answer::json(200, credential(&keys).to_string()))
}
