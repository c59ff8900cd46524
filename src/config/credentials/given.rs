//! Where the values of credentials come from: the keys of an entry, else the variables of the official SDK.
//!
//! The chain has no entry, and so no keys; there a value that is missing is complained about by its variable's name.

use std::path::Path;
use std::path::PathBuf;

use secrecy::SecretString;

use crate::config::environment::{Environment, Variable};
use crate::config::problem::{Origin, Place, Report};
use crate::config::schema::Kind;
use crate::config::section::{Field, Section};
use crate::config::{TextSource, named_file};

/// What there is to read a kind of credentials from.
pub(super) struct Given<'a> {
    /// The entry; none for the chain.
    pub(super) section: Option<Section<'a>>,
    pub(super) environment: &'a Environment<'a>,
    /// Where the relative paths of keys begin.
    pub(super) directory: &'a Path,
    pub(super) report: &'a Report,
}

impl<'a> Given<'a> {
    /// The same without the entry.
    pub(super) fn without_section(&self) -> Self {
        Self { section: None, environment: self.environment, directory: self.directory, report: self.report }
    }

    /// The first of these variables that is set.
    pub(super) fn first_set(&self, names: &[&str]) -> Option<Variable<'a>> {
        names.iter().find_map(|name| self.environment.variable(name))
    }

    /// A variable that is set and what it should be.
    pub(super) fn variable(&self, name: &str, kind: Kind) -> Option<Field<'a>> {
        self.environment.variable(name)?.checked(kind, self.report)
    }

    /// A secret in a variable.
    pub(super) fn secret(&self, name: &str, kind: Kind) -> Option<TextSource> {
        self.variable(name, kind).map(|field| inline(&field))
    }

    /// The key, else the variable.
    pub(super) fn value(&self, key: &str, variable: &str, kind: Kind) -> Option<Field<'a>> {
        match &self.section {
            Some(section) if section.has(key) => section.text(key),
            _ => self.variable(variable, kind),
        }
    }

    /// A file with a secret, named by the key, else by the variable.
    pub(super) fn file(&self, key: &str, variable: &str, kind: Kind) -> Option<TextSource> {
        let of_key = self.section.as_ref().filter(|section| section.has(key));
        let path = match of_key {
            Some(section) => named_file::secret(&section.text(key)?, kind, self.directory)?,
            None => self.variable_file(variable, kind)?,
        };
        Some(TextSource::File(path))
    }

    fn variable_file(&self, name: &str, kind: Kind) -> Option<PathBuf> {
        named_file::secret(&self.variable(name, Kind::Path)?, kind, Path::new(""))
    }

    /// Complains where neither the key nor one of the variables is set. `group` are the variables that belong
    /// together: of a start without an entry one of them is set.
    pub(super) fn require(&self, key: &str, variables: &[&str], group: &[&str]) {
        let has_key = self.section.as_ref().is_some_and(|section| section.has(key));
        if has_key || self.first_set(variables).is_some() {
            return;
        }
        let named = variables.join(" or ");
        match &self.section {
            Some(section) => {
                section.place_of(key).problem(format!("is missing; set it, or {named} in the environment"));
            }
            None => self.complain_of_half(&named, group),
        }
    }

    /// A variable is missing that belongs to others of its group.
    pub(super) fn complain_of_half(&self, missing: &str, group: &[&str]) {
        let begun = self.first_set(group).map_or("", |variable| variable.name);
        self.place_of(missing).problem(format!("is not set, but {begun} is; set it too, or unset that one"));
    }

    /// The place of a variable that is not set.
    fn place_of(&self, name: &str) -> Place<'a> {
        Place { report: self.report, origin: Origin::Variable(name.into()), path: String::new() }
    }
}

/// A secret that was typed, taken as it is; a line break at its end was hardly meant.
pub(super) fn inline(field: &Field) -> TextSource {
    if field.text.ends_with(['\n', '\r']) {
        field.place.warning("ends with a line break, which counts as a part of the secret; remove it if it is none");
    }
    TextSource::Inline(SecretString::from(field.text))
}
