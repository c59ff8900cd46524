//! The entries of `credentials`, and the official SDK's chain where a project names none.
//!
//! Each entry becomes one [`CredentialsConfig`] that its projects share: what is counted per key (locks, limits) is
//! counted once. An entry that nobody uses is checked like the others and then only warned about. `entry` reads one,
//! `source` knows each kind that is not typed key by key, `chain` their order, `given` where their values come from.

mod assume;
mod chain;
mod entry;
mod given;
mod source;

use std::cell::{Cell, OnceCell};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use super::advice;
use super::environment::Environment;
use super::problem::{Place, Report, quoted};
use super::section::Section;
use super::{CredentialsConfig, Profile, ProfileLogin, Source};
use given::Given;
pub(super) use source::begins;

/// All credentials that there are.
pub(super) struct Credentials<'a> {
    entries: BTreeMap<&'a str, Entry<'a>>,
    /// They were complained about as a whole.
    unreadable: bool,
    environment: &'a Environment<'a>,
    report: &'a Report,
    /// Those of the chain, made when first asked for.
    chain: OnceCell<Option<Found>>,
}

struct Entry<'a> {
    /// `None` where it was complained about.
    found: Option<Found>,
    place: Place<'a>,
    used: Cell<bool>,
}

/// Credentials, and what else came to light with them.
#[derive(Clone)]
pub(super) struct Found {
    pub(super) config: Arc<CredentialsConfig>,
    /// What the profile says, where it is the source.
    pub(super) profile: Option<Arc<Profile>>,
}

impl Found {
    fn new(config: CredentialsConfig, profile: Option<Profile>) -> Self {
        Self { config: Arc::new(config), profile: profile.map(Arc::new) }
    }

    /// Whether they begin with an id token that IAM exchanges.
    pub(super) fn has_id_token(&self) -> bool {
        let of_profile = self.profile.as_ref().is_some_and(|it| matches!(it.login, ProfileLogin::IdToken(_)));
        of_profile || matches!(self.config.source, Source::IdToken(_))
    }
}

impl<'a> Credentials<'a> {
    /// Reads all entries.
    pub(super) fn read(root: &Section<'a>, environment: &'a Environment<'a>, directory: &'a Path) -> Self {
        let report = root.place.report;
        let mut entries = BTreeMap::new();
        if let Some(named) = root.section("credentials") {
            for (name, place, section) in named.named() {
                let given = section.map(|section| Given { section: Some(section), environment, directory, report });
                let found = given.and_then(|given| entry::read(name, &given));
                entries.insert(name, Entry { found, place, used: Cell::new(false) });
            }
        }
        let unreadable = root.has("credentials") && root.section("credentials").is_none();
        Self { entries, unreadable, environment, report, chain: OnceCell::new() }
    }

    /// Those of a project: of the entry that it names, else of the chain.
    pub(super) fn of_project(&self, project: &Section<'a>) -> Option<Found> {
        if !project.has("credentials") {
            return self.of_chain(&project.place_of("credentials"));
        }
        let name = project.text("credentials")?;
        if let Some(entry) = self.entries.get(name.text) {
            entry.used.set(true);
            return entry.found.clone();
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

    /// Those of the official SDK's chain, looked for once; `place` is who asks first.
    pub(super) fn of_chain(&self, place: &Place<'a>) -> Option<Found> {
        let make = || {
            let given = Given {
                section: None,
                environment: self.environment,
                // Relative paths in variables count from where the program was started, as in the SDK.
                directory: Path::new(""),
                report: self.report,
            };
            let (source, profile) = chain::find(&given, place)?;
            let name = "environment".to_owned();
            Some(Found::new(CredentialsConfig { name, source, assume: None, limits: None }, profile))
        };
        self.chain.get_or_init(make).clone()
    }

    /// Warns about entries that no project names.
    pub(super) fn warn_of_unused(&self) {
        for entry in self.entries.values().filter(|entry| !entry.used.get()) {
            entry.place.warning("is used by no project; name it there (`credentials`), or remove it");
        }
    }
}
