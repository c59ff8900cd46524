//! The entries of `credentials`, and the official SDK's variables where a project names none.
//!
//! Each entry becomes one [`CredentialsConfig`] that its projects share: what is counted per key (locks, limits) is
//! counted once. An entry that nobody uses is checked like the others and then only warned about.

use std::cell::{Cell, OnceCell};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use secrecy::SecretString;

use super::advice;
use super::environment::Environment;
use super::problem::{Origin, Place, quoted};
use super::schema::Kind;
use super::section::Section;
use super::{CredentialsConfig, KeySource, Source, TextSource, named_file};

const ACCESS_KEY: &str = "HUAWEICLOUD_SDK_AK";
const SECRET_KEY: &str = "HUAWEICLOUD_SDK_SK";
const SECURITY_TOKEN: &str = "HUAWEICLOUD_SDK_SECURITY_TOKEN";

/// All credentials that there are.
pub(super) struct Credentials<'a> {
    entries: BTreeMap<&'a str, Entry<'a>>,
    /// They were complained about as a whole.
    unreadable: bool,
    environment: &'a Environment<'a>,
    /// Those of the official SDK's variables, made when first asked for.
    chain: OnceCell<Option<Arc<CredentialsConfig>>>,
}

struct Entry<'a> {
    /// `None` where it was complained about.
    config: Option<Arc<CredentialsConfig>>,
    place: Place<'a>,
    used: Cell<bool>,
}

impl<'a> Credentials<'a> {
    /// Reads all entries.
    pub(super) fn read(root: &Section<'a>, environment: &'a Environment<'a>, directory: &Path) -> Self {
        let mut entries = BTreeMap::new();
        if let Some(named) = root.section("credentials") {
            for (name, place, section) in named.named() {
                let config = section.and_then(|section| entry(name, &section, environment, directory)).map(Arc::new);
                entries.insert(name, Entry { config, place, used: Cell::new(false) });
            }
        }
        let unreadable = root.has("credentials") && root.section("credentials").is_none();
        Self { entries, unreadable, environment, chain: OnceCell::new() }
    }

    /// Those of a project: of the entry that it names, else of the environment.
    pub(super) fn of_project(&self, project: &Section<'a>) -> Option<Arc<CredentialsConfig>> {
        if !project.has("credentials") {
            let place = project.place_of("credentials");
            return self.of_environment(&place, |missing| {
                let variables = missing.join(" and ");
                place.problem(format!(
                    "is missing; name an entry of `credentials`, or set {variables} in the environment"
                ));
            });
        }
        let name = project.text("credentials")?;
        if let Some(entry) = self.entries.get(name.text) {
            entry.used.set(true);
            return entry.config.clone();
        }
        if !self.unreadable {
            let advice = self.advice(name.text);
            name.place.problem(format!("{} is not an entry of `credentials`; {advice}", quoted(name.text)));
        }
        None
    }

    /// Which entry was probably meant.
    fn advice(&self, name: &str) -> String {
        // Nobody reads more of them, and comparing all with all takes time.
        const SHOWN: usize = 20;
        const COMPARED: usize = 500;
        let known: Vec<&str> = self.entries.keys().take(COMPARED).map(|name| advice::presentable(name)).collect();
        match advice::nearest(name, &known) {
            _ if known.is_empty() => "there is no entry at all".to_owned(),
            Some(meant) => format!("did you mean {}?", quoted(meant)),
            None if known.len() > SHOWN => format!("known: {} and more", known[..SHOWN].join(", ")),
            None => format!("known: {}", known.join(", ")),
        }
    }

    /// Those of the official SDK's variables; `complain` is told which are missing.
    pub(super) fn of_environment(
        &self,
        place: &Place,
        complain: impl FnOnce(&[&'static str]),
    ) -> Option<Arc<CredentialsConfig>> {
        let missing = missing(self.environment);
        if !missing.is_empty() {
            complain(&missing);
            return None;
        }
        let make = || keys_of_environment(self.environment, place).map(|keys| Arc::new(config("environment", keys)));
        self.chain.get_or_init(make).clone()
    }

    /// Warns about entries that no project names.
    pub(super) fn warn_of_unused(&self) {
        for entry in self.entries.values().filter(|entry| !entry.used.get()) {
            entry.place.warning("is used by no project; name it there (`credentials`), or remove it");
        }
    }
}

fn config(name: &str, keys: KeySource) -> CredentialsConfig {
    CredentialsConfig { name: name.to_owned(), source: Source::AccessKeys(keys), assume: None, limits: None }
}

/// Which of the official SDK's variables that are needed are not set.
fn missing(environment: &Environment) -> Vec<&'static str> {
    [ACCESS_KEY, SECRET_KEY].into_iter().filter(|name| environment.sdk(name).is_none()).collect()
}

fn keys_of_environment(environment: &Environment, place: &Place) -> Option<KeySource> {
    let inline = |name: &str, kind: Kind| {
        let variable = environment.sdk(name)?;
        if let Err(sentence) = kind.check(variable.value) {
            place.clone().typed_at(&Origin::Variable(name.into())).problem(sentence);
        }
        warn_of_line_break(variable.value, &variable.place(place.report));
        Some(TextSource::Inline(SecretString::from(variable.value)))
    };
    Some(KeySource {
        access_key: inline(ACCESS_KEY, Kind::HeaderSecret)?,
        secret_key: inline(SECRET_KEY, Kind::Secret)?,
        security_token: inline(SECURITY_TOKEN, Kind::HeaderSecret),
    })
}

/// Keys that belong to each kind of entry; the kind's own name is how it is spoken of.
const KINDS: [(&str, &[&str]); 3] = [
    (
        "access keys",
        &["access_key", "access_key_file", "secret_key", "secret_key_file", "security_token", "security_token_file"],
    ),
    ("a user's password", &["username", "password", "password_file", "domain_name"]),
    ("a `source`", &["source", "idp_id", "id_token_file"]),
];

fn entry(name: &str, section: &Section, environment: &Environment, directory: &Path) -> Option<CredentialsConfig> {
    let kinds: Vec<(&str, &str)> =
        KINDS.iter().filter_map(|(kind, keys)| Some((*kind, *keys.iter().find(|key| section.has(key))?))).collect();
    let keys = match kinds.as_slice() {
        [] => {
            section.place.problem("has no credentials; give it `access_key` and `secret_key`, or their `_file`s");
            None
        }
        [("access keys", _)] => access_keys(section, directory),
        [("a `source`", _)] => source(section, environment),
        [(_, key)] => {
            password(section, &section.place_of(key));
            None
        }
        [(one, key), (other, other_key), ..] => {
            let sentence = format!("mixes {one} (`{key}`) and {other} (`{other_key}`); an entry has exactly one kind");
            section.place.problem(sentence);
            None
        }
    };
    if let Some(assume) = section.section("assume") {
        assume.required("agency_name", "name the agency");
        assume.required("domain_name", "name the account that the agency belongs to");
    }
    Some(CredentialsConfig { limits: section.limits(), ..config(name, keys?) })
}

fn access_keys(section: &Section, directory: &Path) -> Option<KeySource> {
    let text = |key: &str, kind: Kind| {
        let file = format!("{key}_file");
        match (section.has(key), section.has(&file)) {
            (true, true) => {
                section.place_of(key).problem(format!("is given, and `{file}` too; remove one"));
                None
            }
            (true, false) => section.text(key).map(|field| {
                warn_of_line_break(field.text, &field.place);
                TextSource::Inline(SecretString::from(field.text))
            }),
            (false, _) => {
                section.text(&file).and_then(|field| named_file::secret(&field, kind, directory)).map(TextSource::File)
            }
        }
    };
    let required = |key: &str| {
        if !section.has(key) && !section.has(&format!("{key}_file")) {
            section.place_of(key).problem(format!("is missing; set it, or `{key}_file`"));
        }
    };
    required("access_key");
    required("secret_key");
    // All are looked at, so that all complain.
    let access_key = text("access_key", Kind::HeaderSecret);
    let secret_key = text("secret_key", Kind::Secret);
    let security_token = text("security_token", Kind::HeaderSecret);
    Some(KeySource { access_key: access_key?, secret_key: secret_key?, security_token })
}

/// A secret is taken as it was typed; a line break at its end was hardly meant.
fn warn_of_line_break(secret: &str, place: &Place) {
    if secret.ends_with(['\n', '\r']) {
        place.warning("ends with a line break, which counts as a part of the secret; remove it if it is none");
    }
}

fn source(section: &Section, environment: &Environment) -> Option<KeySource> {
    let Some(source) = section.text("source") else {
        if !section.has("source") {
            section.place_of("source").problem("is missing; write `source: oidc` for a federated token");
        }
        return None;
    };
    let not_yet = |what: &str| {
        source.place.problem(format!("is not supported yet: {what}; use `access_key` and `secret_key`"));
        None
    };
    match source.text {
        "oidc" => {
            section.required("idp_id", "source `oidc` needs it");
            section.required("id_token_file", "source `oidc` needs it");
            not_yet("federated tokens are not built yet")
        }
        "profile" => not_yet("the official SDK's profile is not read yet"),
        "metadata" => not_yet("the metadata service is not asked yet"),
        _ => {
            for key in ["idp_id", "id_token_file"].into_iter().filter(|key| section.has(key)) {
                section.place_of(key).problem("belongs to source `oidc`; remove it");
            }
            let missing = missing(environment);
            if !missing.is_empty() {
                source.place.problem(format!("finds too little; set {} in the environment", missing.join(" and ")));
                return None;
            }
            keys_of_environment(environment, &source.place)
        }
    }
}

/// Not built yet; its shape is checked all the same.
fn password(section: &Section, place: &Place) {
    place.problem("is not supported yet: IAM tokens are not built yet; use `access_key` and `secret_key`");
    section.required("username", "an IAM token needs it");
    section.required("domain_name", "an IAM token needs it: the account's name");
    match (section.has("password"), section.has("password_file")) {
        (true, true) => section.place_of("password").problem("is given, and `password_file` too; remove one"),
        (false, false) => section.place_of("password").problem("is missing; set it, or `password_file`"),
        _ => {}
    }
}
