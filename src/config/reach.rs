//! How a project's services are reached: their addresses, and the proxies on the way.
//!
//! A project of the file and the one of the environment differ in what may be typed and in how that is spoken of;
//! everything else is the same for both.

use url::Url;

use super::credentials::Found;
use super::endpoint::{self, Endpoint, IAM, Refused, STS, Service};
use super::environment::Environment;
use super::need::{self, Need};
use super::problem::{Origin, Place, Report};
use super::section::{Field, Section};
use super::{CloudProject, Proxies, Source, address, proxy, region};

/// What was typed of it.
pub(super) struct Typed<'a> {
    /// The project in the file; none for that of the environment.
    pub(super) section: Option<&'a Section<'a>>,
    pub(super) region: Option<Field<'a>>,
    /// The address of DCS.
    pub(super) endpoint: Option<Field<'a>>,
    pub(super) environment: &'a Environment<'a>,
    pub(super) report: &'a Report,
}

/// What came of it.
pub(super) struct Reach {
    pub(super) endpoint: Url,
    pub(super) iam_endpoint: Option<Url>,
    pub(super) sts_endpoint: Option<Url>,
    pub(super) proxies: Proxies,
}

impl<'a> Typed<'a> {
    /// Everything for this project with these credentials; `None` for what was complained about.
    pub(super) fn reach(&self, project: Option<&CloudProject>, credentials: Option<&Found>) -> Option<Reach> {
        let dcs = self.dcs();
        if let Some(dcs) = &dcs {
            warn_of_clear_text(dcs, token_passes(credentials));
        }
        let profile = credentials.and_then(|found| found.profile.as_deref());
        let of_profile = profile.and_then(|profile| profile.iam_endpoint.as_ref());
        let (mut for_iam, mut for_sts) = (need::of_iam(project, credentials), need::of_sts(credentials));
        if dcs.is_none() && self.region.as_ref().is_some_and(|field| region::meant(field.text).is_some()) {
            // Nothing follows from a misspelt region; that is one mistake, not three.
            (for_iam, for_sts) = (None, None);
        }
        let dcs_url = dcs.as_ref().map(|dcs| &dcs.url);
        let iam = self.login(&IAM, for_iam, of_profile, dcs_url);
        let sts = self.login(&STS, for_sts, None, dcs_url);
        let iam_asked = iam.as_ref().ok().filter(|_| for_iam.is_some()).and_then(Option::as_ref);
        let sts_asked = sts.as_ref().ok().filter(|_| for_sts.is_some()).and_then(Option::as_ref);
        let asked: Vec<&Url> = [dcs_url, iam_asked, sts_asked].into_iter().flatten().collect();
        let key = self.section.filter(|section| section.has("proxy")).map(|section| section.text("proxy"));
        let proxies = match key {
            // It was refused.
            Some(None) => None,
            key => proxy::of_project(key.flatten(), &asked, self.environment, self.report),
        };
        Some(Reach { endpoint: dcs?.url, iam_endpoint: iam.ok()?, sts_endpoint: sts.ok()?, proxies: proxies? })
    }

    fn dcs(&self) -> Option<Endpoint<'a>> {
        let instead = if self.section.is_some() { "`endpoint`" } else { "DCS_EXPORTER_ENDPOINT" };
        match (&self.endpoint, &self.region) {
            (Some(field), _) => {
                let url = address::endpoint(field.text).ok()?;
                Some(Endpoint { url, place: field.place.clone() })
            }
            (None, Some(region)) => endpoint::dcs(region.clone(), self.environment, self.report, instead),
            (None, None) => None,
        }
    }

    /// The address of IAM or STS: where it is needed it must be there, else nobody complains.
    fn login(
        &self,
        service: &Service,
        need: Option<Need>,
        of_profile: Option<&Url>,
        dcs: Option<&Url>,
    ) -> Result<Option<Url>, Refused> {
        if let Some(section) = self.section.filter(|section| section.has(service.key)) {
            let field = section.text(service.key).ok_or(Refused)?;
            let url = address::endpoint(field.text).map_err(|_| Refused)?;
            return Ok(Some(told(Endpoint { url, place: field.place }, need)));
        }
        // A private cloud may call its region as a public one does; a password must not go there.
        let is_of_dcs = |region: &&str| dcs.is_none_or(|dcs| service.is_beside(dcs, region));
        let region = self.region.as_ref().map(|field| field.text).filter(is_of_dcs);
        let Some(needed) = need else {
            // What goes wrong with an address that nobody asks is nobody's business.
            let unheard = Report::default();
            let place = Place { report: &unheard, origin: Origin::Nowhere, path: String::new() };
            let found = service.find(region, self.environment, of_profile, place);
            return Ok(found.ok().flatten().map(|endpoint| endpoint.url));
        };
        if let Some(endpoint) = service.find(region, self.environment, of_profile, self.place_of(service))? {
            return Ok(Some(told(endpoint, need)));
        }
        let missing = if self.section.is_some() { "is missing" } else { "is not set" };
        let (name, what) = (service.name, needed.what);
        self.place_of(service).problem(format!("{missing}; set it to the address of {name}: {what}"));
        Err(Refused)
    }

    /// Where to complain of a service's address that is missing.
    fn place_of(&self, service: &Service) -> Place<'a> {
        match self.section {
            Some(section) => section.place_of(service.key),
            None => {
                Place { report: self.report, origin: Origin::Variable(service.variable.into()), path: String::new() }
            }
        }
    }
}

/// What whoever listens on the way would read.
#[derive(Clone, Copy)]
enum Passing {
    Signatures,
    Token,
    Login,
}

/// The address, once everything odd about it has been told.
fn told(endpoint: Endpoint, need: Option<Need>) -> Url {
    if let Some(need) = need {
        warn_of_clear_text(&endpoint, if need.secret { Passing::Login } else { Passing::Signatures });
    }
    endpoint.url
}

/// What goes to DCS.
fn token_passes(credentials: Option<&Found>) -> Passing {
    match credentials.map(|found| &*found.config) {
        Some(config) if config.assume.is_none() && matches!(config.source, Source::Password(_)) => Passing::Token,
        _ => Passing::Signatures,
    }
}

fn warn_of_clear_text(endpoint: &Endpoint, passing: Passing) {
    if endpoint.url.scheme() != "http" || address::is_loopback(&endpoint.url) {
        return;
    }
    endpoint.place.warning(match passing {
        Passing::Signatures => {
            "is not encrypted: whoever listens can read requests, signatures and answers (not the secret key)"
        }
        Passing::Token => {
            "is not encrypted: whoever listens can read requests, answers and the token, and do with it what its user may"
        }
        Passing::Login => {
            "is not encrypted: whoever listens can read the password or token that is sent there, and the token or keys that come back"
        }
    });
}
