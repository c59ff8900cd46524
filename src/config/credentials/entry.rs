//! One entry of `credentials`: exactly one kind, and what may stand beside it.

use super::given::{Given, inline};
use super::{Found, assume, chain, source};
use crate::config::schema::Kind;
use crate::config::section::{Field, Section};
use crate::config::{CredentialsConfig, KeySource, PasswordSource, Profile, Source, TextSource, named_file};

/// Keys that belong to each kind of entry; the kind's own name is how it is spoken of.
const KINDS: [(&str, &[&str]); 3] = [
    (
        "access keys",
        &["access_key", "access_key_file", "secret_key", "secret_key_file", "security_token", "security_token_file"],
    ),
    ("a user's password", &["username", "password", "password_file", "domain_name"]),
    (
        "a `source`",
        &[
            "source",
            "profile_file",
            "metadata_endpoint",
            "idp_id",
            "id_token_file",
            "provider_urn",
            "agency_urn",
            "session_name",
            "duration",
            "credentials_uri",
            "authorization_token_file",
        ],
    ),
];

/// Keys that each source has of its own; the first source of a key is the one that is proposed where none is named.
const SOURCES: [(&str, &[&str]); 5] = [
    ("profile", &["profile_file"]),
    ("metadata", &["metadata_endpoint"]),
    ("oidc", &["idp_id", "id_token_file"]),
    ("oidc_agency", &["provider_urn", "agency_urn", "id_token_file", "session_name", "duration"]),
    ("pod_identity", &["credentials_uri", "authorization_token_file"]),
];

/// Reads an entry; `None` where something was complained about.
pub(super) fn read(name: &str, given: &Given) -> Option<Found> {
    let section = given.section.as_ref()?;
    let kinds: Vec<(&str, &str)> =
        KINDS.iter().filter_map(|(kind, keys)| Some((*kind, *keys.iter().find(|key| section.has(key))?))).collect();
    let read = match kinds.as_slice() {
        [] => {
            section.place.problem(
                "has no credentials; give it `access_key` and `secret_key`, or `username` and `password`, or a `source`",
            );
            None
        }
        [("access keys", _)] => access_keys(given, section).map(|keys| (Source::AccessKeys(keys), None)),
        [("a `source`", key)] => of_source(given, section, key),
        [_] => password(given, section).map(|user| (Source::Password(user), None)),
        [(one, key), (other, other_key), ..] => {
            let sentence = format!("mixes {one} (`{key}`) and {other} (`{other_key}`); an entry has exactly one kind");
            section.place.problem(sentence);
            None
        }
    };
    let assume = section.section("assume").map(|section| assume::read(&section));
    let limits = section.limits();
    let (source, profile) = read?;
    // Something is wrong with the agency: without it these are other credentials.
    let assume = match assume {
        Some(assume) => Some(assume?),
        None => None,
    };
    Some(Found::new(CredentialsConfig { name: name.to_owned(), source, assume, limits }, profile))
}

fn access_keys(given: &Given, section: &Section) -> Option<KeySource> {
    // All are looked at, so that all complain.
    let access_key = required_text(given, section, "access_key", Kind::HeaderSecret);
    let secret_key = required_text(given, section, "secret_key", Kind::Secret);
    let security_token = text(given, section, "security_token", Kind::HeaderSecret);
    Some(KeySource { access_key: access_key?, secret_key: secret_key?, security_token })
}

fn password(given: &Given, section: &Section) -> Option<PasswordSource> {
    let username = section.required("username", "name the IAM user");
    let password = required_text(given, section, "password", Kind::Secret);
    let domain_name = section.required("domain_name", "name the user's account (console: My Credentials)");
    let owned = |field: Option<Field>| field.map(|field| field.text.to_owned());
    Some(PasswordSource { username: owned(username)?, password: password?, domain_name: owned(domain_name)? })
}

fn required_text(given: &Given, section: &Section, key: &str, kind: Kind) -> Option<TextSource> {
    if !section.has(key) && !section.has(&format!("{key}_file")) {
        section.place_of(key).problem(format!("is missing; set it, or `{key}_file`"));
    }
    text(given, section, key, kind)
}

/// A secret that stands in the entry or in a file that the entry names.
fn text(given: &Given, section: &Section, key: &str, kind: Kind) -> Option<TextSource> {
    let file = format!("{key}_file");
    if !section.has(key) {
        let field = section.text(&file)?;
        return named_file::secret(&field, kind, given.directory).map(TextSource::File);
    }
    if section.has(&file) {
        section.place_of(key).problem(format!("is given, and `{file}` too; remove one"));
        return None;
    }
    section.text(key).map(|field| inline(&field))
}

/// `key` is one that says that there should be a source.
fn of_source(given: &Given, section: &Section, key: &str) -> Option<(Source, Option<Profile>)> {
    let Some(named) = section.text("source") else {
        if !section.has("source") {
            let meant = SOURCES.iter().find(|(_, keys)| keys.contains(&key)).map_or("oidc", |(source, _)| *source);
            section.place_of("source").problem(format!("is missing; write `source: {meant}` for `{key}`"));
        }
        return None;
    };
    let own = SOURCES.iter().find(|(source, _)| *source == named.text).map_or(&[][..], |(_, keys)| *keys);
    for (other, keys) in SOURCES {
        for key in keys.iter().filter(|key| !own.contains(key) && section.has(key)) {
            section.place_of(key).problem(format!("belongs to source `{other}`; remove it"));
        }
    }
    let plain = |source: Source| (source, None);
    match named.text {
        "environment" => source::environment(given).required(&named.place, source::NO_KEYS).map(plain),
        "profile" => source::named_profile(given, &named.place),
        "metadata" => source::metadata(section.text_or_default("metadata_endpoint")?).map(plain),
        "oidc" => source::oidc(given, section).map(plain),
        "oidc_agency" => source::oidc_agency(given).map(plain),
        "pod_identity" => source::pod_identity(given).map(plain),
        _ => chain::find(&given.without_section(), &named.place),
    }
}
