//! The addresses of a project's services: DCS, IAM and STS.
//!
//! What was typed counts before the profile, that before the official SDK's variables, as in the SDK, and these before
//! what follows from the region. A list of addresses in a variable is the SDK's way of failing over; the first is used here.

use url::Url;

use super::address;
use super::environment::{Environment, Variable};
use super::problem::{Place, Report};
use super::region;
use super::schema::Kind;
use super::section::Field;

/// The address of a service, and where it was typed or follows from.
pub(super) struct Endpoint<'a> {
    pub(super) url: Url,
    pub(super) place: Place<'a>,
}

/// There is one, and it was complained about.
pub(super) struct Refused;

/// Of IAM and STS: what they are called, and what follows from a region.
pub(super) struct Service {
    /// In sentences.
    pub(super) name: &'static str,
    pub(super) key: &'static str,
    pub(super) variable: &'static str,
    of_region: fn(&str) -> Option<String>,
}

pub(super) const IAM: Service =
    Service { name: "IAM", key: "iam_endpoint", variable: "HUAWEICLOUD_SDK_IAM_ENDPOINT", of_region: region::iam };
pub(super) const STS: Service =
    Service { name: "STS", key: "sts_endpoint", variable: "HUAWEICLOUD_SDK_STS_ENDPOINT", of_region: region::sts };

/// The address of DCS in a region; `instead` is how it is set itself.
pub(super) fn dcs<'a>(
    region: Field<'a>,
    environment: &Environment<'a>,
    report: &'a Report,
    instead: &str,
) -> Option<Endpoint<'a>> {
    let variable = format!("HUAWEICLOUD_SDK_REGION_DCS_{}", region.text.replace('-', "_").to_uppercase());
    if let Some(variable) = environment.variable(&variable) {
        return first_of(variable, report);
    }
    match region::dcs(region.text, instead).and_then(|text| address::endpoint(&text)) {
        Ok(url) => Some(Endpoint { url, place: region.place }),
        Err(sentence) => {
            region.place.problem(sentence);
            None
        }
    }
}

impl Service {
    /// Whether the region's own address is of the same cloud as this one of DCS: of the same domain.
    pub(super) fn is_beside(&self, dcs: &Url, region: &str) -> bool {
        let of_region = (self.of_region)(region).and_then(|text| address::endpoint(&text).ok());
        of_region.is_none_or(|url| domain(&url) == domain(dcs))
    }

    /// Where the service is, as far as anything but the project's own key tells. `place` is the project's.
    pub(super) fn find<'a>(
        &self,
        region: Option<&str>,
        environment: &Environment<'a>,
        of_profile: Option<&Url>,
        place: Place<'a>,
    ) -> Result<Option<Endpoint<'a>>, Refused> {
        if let Some(url) = of_profile {
            return Ok(Some(Endpoint { url: url.clone(), place }));
        }
        if let Some(variable) = environment.variable(self.variable) {
            let place = variable.place(place.report);
            let field = variable.checked(Kind::Endpoint, place.report).ok_or(Refused)?;
            let url = address::endpoint(field.text).map_err(|_| Refused)?;
            return Ok(Some(Endpoint { url, place }));
        }
        let of_region = || address::endpoint(&(self.of_region)(region?)?).ok();
        Ok(of_region().map(|url| Endpoint { url, place }))
    }
}

/// The last two words of a host's name, such as `myhuaweicloud.com`.
fn domain(url: &Url) -> Option<&str> {
    let host = url.domain()?;
    let (start, _) = host.rmatch_indices('.').nth(1).unwrap_or_default();
    Some(host[start..].trim_start_matches('.'))
}

/// The first of the addresses in a variable.
fn first_of<'a>(variable: Variable<'a>, report: &'a Report) -> Option<Endpoint<'a>> {
    let place = variable.place(report);
    let (first, others) = variable.value.split_once(',').unwrap_or((variable.value, ""));
    if !others.trim().is_empty() {
        place.warning("lists several addresses; the first is used and no other");
    }
    match address::endpoint(first.trim()) {
        Ok(url) => Some(Endpoint { url, place }),
        Err(sentence) => {
            place.problem(sentence);
            None
        }
    }
}
