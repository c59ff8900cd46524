//! The sources of the official SDK, each by itself: what it needs, and whether it is configured at all.
//!
//! Names and rules are those of `huaweicloudsdkcore/auth/provider.py`, version 3.1.219, but for one: what is begun and
//! not complete (one variable of a pair, a profile that cannot be understood) is not passed over. Whoever sets half of
//! something meant it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::given::Given;
use crate::config::environment::Environment;
use crate::config::problem::Place;
use crate::config::profile::ProfileError;
use crate::config::schema::{self, Kind};
use crate::config::section::{Field, Section};
use crate::config::{
    IdTokenSource, KeySource, OidcAgencySource, PodIdentitySource, Profile, ProfileLogin, Source, TextSource, address,
    named_file, scalar,
};

const ACCESS_KEY: &str = "HUAWEICLOUD_SDK_AK";
const SECRET_KEY: &str = "HUAWEICLOUD_SDK_SK";
const SECURITY_TOKEN: &str = "HUAWEICLOUD_SDK_SECURITY_TOKEN";
const IDP_ID: &str = "HUAWEICLOUD_SDK_IDP_ID";
const ID_TOKEN_FILE: &str = "HUAWEICLOUD_SDK_ID_TOKEN_FILE";

const CREDENTIALS_FILE: &str = "HUAWEICLOUD_SDK_CREDENTIALS_FILE";

const OIDC_PROVIDER: &str = "HUAWEICLOUD_OIDC_PROVIDER_URN";
const OIDC_AGENCY: &str = "HUAWEICLOUD_OIDC_AGENCY_URN";
const OIDC_TOKEN: &str = "HUAWEICLOUD_OIDC_ID_TOKEN";
const OIDC_TOKEN_FILE: &str = "HUAWEICLOUD_OIDC_TOKEN_FILE";
const OIDC_SESSION: &str = "HUAWEICLOUD_OIDC_SESSION_NAME";
const OIDC_DURATION: &str = "HUAWEICLOUD_OIDC_DURATION_SECONDS";
const OIDC_POLICY: &str = "HUAWEICLOUD_OIDC_POLICY";
const OIDC_POLICY_IDS: &str = "HUAWEICLOUD_OIDC_POLICY_IDS";

const POD_URI: &str = "HC_CONTAINER_CREDENTIALS_FULL_URI";
const POD_TOKEN_FILE: &str = "HC_CONTAINER_AUTHORIZATION_TOKEN_FILE";

/// The variables of [`environment`].
pub(super) const ENVIRONMENT: [&str; 5] = [ACCESS_KEY, SECRET_KEY, SECURITY_TOKEN, IDP_ID, ID_TOKEN_FILE];
/// The variables of [`oidc_agency`].
pub(super) const OIDC: [&str; 8] = [
    OIDC_PROVIDER,
    OIDC_AGENCY,
    OIDC_TOKEN,
    OIDC_TOKEN_FILE,
    OIDC_SESSION,
    OIDC_DURATION,
    OIDC_POLICY,
    OIDC_POLICY_IDS,
];
/// The variables of [`pod_identity`].
pub(super) const POD: [&str; 2] = [POD_URI, POD_TOKEN_FILE];

/// Whether any variable says that somebody logs in, whatever else is missing.
pub(in crate::config) fn begins(environment: &Environment) -> bool {
    let names = ENVIRONMENT.iter().chain(&OIDC).chain(&[CREDENTIALS_FILE]);
    names.copied().any(|name| environment.variable(name).is_some())
}

/// What to do where [`environment`] is asked for and finds nothing.
pub(super) const NO_KEYS: &str = "finds nothing; set HUAWEICLOUD_SDK_AK and HUAWEICLOUD_SDK_SK in the environment, or HUAWEICLOUD_SDK_IDP_ID and HUAWEICLOUD_SDK_ID_TOKEN_FILE";

/// What came of looking for a source.
pub(super) enum Step<T> {
    /// It is there.
    Configured(T),
    /// Nobody speaks of it: the next one's turn.
    NotConfigured,
    /// It was begun and complained about.
    Broken,
}

impl<T> Step<T> {
    /// For a source that must be there.
    pub(super) fn required(self, place: &Place, otherwise: &str) -> Option<T> {
        match self {
            Self::Configured(it) => Some(it),
            Self::NotConfigured => {
                place.problem(otherwise);
                None
            }
            Self::Broken => None,
        }
    }

    fn of(read: Option<T>) -> Self {
        read.map_or(Self::Broken, Self::Configured)
    }
}

/// Access keys or a federated user in variables.
pub(super) fn environment(given: &Given) -> Step<Source> {
    let is_set = |name: &str| given.environment.variable(name).is_some();
    if given.first_set(&ENVIRONMENT).is_none() {
        return Step::NotConfigured;
    }
    let halves = [[ACCESS_KEY, SECRET_KEY], [IDP_ID, ID_TOKEN_FILE]].map(|pair| half(given, pair));
    let whole = if is_set(IDP_ID) && is_set(ID_TOKEN_FILE) {
        Some((federated(given), halves[0]))
    } else if is_set(ACCESS_KEY) && is_set(SECRET_KEY) {
        Some((keys(given), halves[1]))
    } else {
        None
    };
    if let Some((source, other_half)) = whole {
        if let Some([set, missing]) = other_half
            && let Some(variable) = given.environment.variable(set)
        {
            variable.place(given.report).warning(format!("is ignored, because {missing} is not set"));
        }
        return Step::of(source);
    }
    for [set, missing] in halves.iter().flatten() {
        given.complain_of_half(missing, &[set]);
    }
    if halves.iter().all(Option::is_none) {
        // The security token is alone.
        given.complain_of_half(ACCESS_KEY, &[SECURITY_TOKEN]);
        given.complain_of_half(SECRET_KEY, &[SECURITY_TOKEN]);
    }
    Step::Broken
}

/// Which variable of a pair is set alone, and which is missing.
fn half<'n>(given: &Given, [one, other]: [&'n str; 2]) -> Option<[&'n str; 2]> {
    match [one, other].map(|name| given.environment.variable(name).is_some()) {
        [true, false] => Some([one, other]),
        [false, true] => Some([other, one]),
        _ => None,
    }
}

fn keys(given: &Given) -> Option<Source> {
    // All are looked at, so that all complain.
    let access_key = given.secret(ACCESS_KEY, Kind::HeaderSecret);
    let secret_key = given.secret(SECRET_KEY, Kind::Secret);
    let security_token = given.secret(SECURITY_TOKEN, Kind::HeaderSecret);
    Some(Source::AccessKeys(KeySource { access_key: access_key?, secret_key: secret_key?, security_token }))
}

fn federated(given: &Given) -> Option<Source> {
    let idp_id = given.variable(IDP_ID, Kind::HeaderText);
    let id_token = given.without_section().file("", ID_TOKEN_FILE, Kind::HeaderSecret);
    Some(Source::IdToken(IdTokenSource { idp_id: idp_id?.text.to_owned(), id_token: id_token? }))
}

/// Keys `idp_id` and `id_token_file`.
pub(super) fn oidc(given: &Given, section: &Section) -> Option<Source> {
    let idp_id = section.required("idp_id", "name the identity provider as IAM knows it");
    let file = section.required("id_token_file", "name the file with the id token");
    let path = file.and_then(|file| named_file::secret(&file, Kind::HeaderSecret, given.directory));
    Some(Source::IdToken(IdTokenSource { idp_id: idp_id?.text.to_owned(), id_token: TextSource::File(path?) }))
}

/// An id token that assumes an agency.
pub(super) fn oidc_agency(given: &Given) -> Option<Source> {
    given.require("provider_urn", &[OIDC_PROVIDER], &OIDC);
    given.require("agency_urn", &[OIDC_AGENCY], &OIDC);
    given.require("id_token_file", &[OIDC_TOKEN, OIDC_TOKEN_FILE], &OIDC);
    let provider_urn = given.value("provider_urn", OIDC_PROVIDER, Kind::Text);
    let agency_urn = given.value("agency_urn", OIDC_AGENCY, Kind::Text);
    let has_file = given.section.as_ref().is_some_and(|section| section.has("id_token_file"));
    // The SDK takes the token itself before a file of the environment.
    let id_token = if !has_file && given.environment.variable(OIDC_TOKEN).is_some() {
        given.secret(OIDC_TOKEN, Kind::HeaderSecret)
    } else {
        given.file("id_token_file", OIDC_TOKEN_FILE, Kind::HeaderSecret)
    };
    let session_name = given.value("session_name", OIDC_SESSION, Kind::Name);
    let session_name = session_name.map_or_else(|| default("session_name"), |field| field.text);
    let duration = oidc_duration(given);
    let policy_ids = given.environment.variable(OIDC_POLICY_IDS).map_or("", |variable| variable.value);
    Some(Source::OidcAgency(Box::new(OidcAgencySource {
        provider_urn: provider_urn?.text.to_owned(),
        agency_urn: agency_urn?.text.to_owned(),
        id_token: id_token?,
        session_name: session_name.to_owned(),
        duration: duration?,
        policy: given.environment.variable(OIDC_POLICY).map(|variable| variable.value.to_owned()),
        policy_ids: policy_ids.split(',').map(str::trim).filter(|id| !id.is_empty()).map(str::to_owned).collect(),
    })))
}

/// The key's duration, else the variable's seconds.
fn oidc_duration(given: &Given) -> Option<Duration> {
    if let Some(section) = given.section.as_ref().filter(|section| section.has("duration")) {
        return section.duration("duration");
    }
    let Some(variable) = given.environment.variable(OIDC_DURATION) else {
        return scalar::duration(default("duration")).ok();
    };
    let [least, most] = [schema::VALIDITY.start(), schema::VALIDITY.end()].map(Duration::as_secs);
    let seconds = variable.value.parse().ok().filter(|seconds| (least..=most).contains(seconds));
    if seconds.is_none() {
        variable.place(given.report).problem(format!("is not a whole number of seconds from {least} to {most}"));
    }
    seconds.map(Duration::from_secs)
}

fn default(key: &str) -> &'static str {
    schema::child("credentials.<name>", key).and_then(|key| key.default).unwrap_or_default()
}

/// The agent on a node of CCE.
pub(super) fn pod_identity(given: &Given) -> Option<Source> {
    given.require("credentials_uri", &[POD_URI], &POD);
    given.require("authorization_token_file", &[POD_TOKEN_FILE], &POD);
    let uri = given.value("credentials_uri", POD_URI, Kind::Url).and_then(|field| address::whole(field.text).ok());
    let token = given.file("authorization_token_file", POD_TOKEN_FILE, Kind::HeaderSecret);
    Some(Source::PodIdentity(PodIdentitySource { uri: uri?, token: token? }))
}

/// The metadata service at this address.
pub(super) fn metadata(endpoint: &str) -> Option<Source> {
    address::endpoint(endpoint).ok().map(Source::Metadata)
}

/// The metadata service where every ECS has it.
pub(super) fn default_metadata() -> Option<Source> {
    metadata(default("metadata_endpoint"))
}

/// The profile of an entry, which must be there.
pub(super) fn named_profile(given: &Given, source: &Place) -> Option<(Source, Option<Profile>)> {
    let field = given.section.as_ref().filter(|section| section.has("profile_file")).map(|it| it.text("profile_file"));
    match field {
        Some(field) => {
            let field = field?;
            read_profile(&given.directory.join(field.text), &field.place, true)
        }
        None => profile(given, source, true),
    }
    .required(source, "finds no profile: HOME is not set; set HUAWEICLOUD_SDK_CREDENTIALS_FILE or `profile_file`")
}

/// The profile of the environment; one that is not there is a problem where it is `needed`, or named.
pub(super) fn profile(given: &Given, place: &Place, needed: bool) -> Step<(Source, Option<Profile>)> {
    if given.environment.variable(CREDENTIALS_FILE).is_some() {
        let Some(Field { text, place }) = given.variable(CREDENTIALS_FILE, Kind::Path) else { return Step::Broken };
        return read_profile(Path::new(text), &place, true);
    }
    match default_profile(given) {
        Some(path) => read_profile(&path, place, needed),
        None => Step::NotConfigured,
    }
}

/// Where the profile of the environment is, or would be.
pub(super) fn default_profile(given: &Given) -> Option<PathBuf> {
    let home = given.environment.variable("HOME")?;
    Some(Path::new(home.value).join(".huaweicloud").join("credentials"))
}

fn read_profile(path: &Path, place: &Place, needed: bool) -> Step<(Source, Option<Profile>)> {
    let profile = match Profile::read(path) {
        Ok(profile) => profile,
        Err(ProfileError::Absent { .. }) if !needed => return Step::NotConfigured,
        Err(error) => {
            place.problem(error.to_string());
            return Step::Broken;
        }
    };
    if let ProfileLogin::IdToken(IdTokenSource { id_token: TextSource::File(file), .. }) = &profile.login {
        let text = file.to_string_lossy();
        let field = Field { text: &text, place: place.clone() };
        if named_file::secret(&field, Kind::HeaderSecret, Path::new("")).is_none() {
            return Step::Broken;
        }
    }
    Step::Configured((Source::Profile(path.to_owned()), Some(profile)))
}
