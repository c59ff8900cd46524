//! Which instances are meant: the filters of discovery, and what an override is for (contract §2).
//!
//! A [`Selection`] has keys, all of which must match, and of each key's values any. What it looks at are an instance's
//! [`Traits`], and the cloud may never have said one of them: an answer may lack its tags. Then the judgement is
//! neither yes nor no, and whoever asked decides on the safe side: discovery rather watches an instance that might be
//! meant, because one that is not watched is silent ([`Filter::selects`]); an override is taken where it surely
//! matches, and the next one that does counts until then.

use std::collections::BTreeMap;
use std::fmt;

use regex::{Regex, RegexBuilder};

use super::InstanceId;
use super::instance::{Engine, Instance, InstanceStatus};
use super::tags::Tags;

/// What a compiled expression may take, in bytes: names are short, and so are expressions for them.
const LARGEST_PATTERN: usize = 1 << 20;

/// Which instances are meant. A key that is empty is not asked for; [`Self::default`] means all.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Selection {
    /// Key `id`.
    pub ids: Vec<InstanceId>,
    /// Key `name`: of the name that the label `instance_name` shows, in any part of it.
    pub names: Vec<NamePattern>,
    /// Key `engine`.
    pub engines: Vec<Engine>,
    /// Key `status`.
    pub statuses: Vec<InstanceStatus>,
    /// Key `enterprise_project_id`.
    pub enterprise_project_ids: Vec<String>,
    /// Key `tags`: the values that each of these tags may have.
    pub tags: BTreeMap<String, Vec<String>>,
}

/// What selections look at, as far as the cloud has ever said it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Traits {
    /// `name`.
    pub name: Option<String>,
    /// `engine`.
    pub engine: Option<Engine>,
    /// `status`.
    pub status: Option<InstanceStatus>,
    /// `enterprise_project_id`; `0` is the default one.
    pub enterprise_project_id: Option<String>,
    /// `tags`.
    pub tags: Option<Tags>,
}

/// An instance that may be meant.
#[derive(Clone, Copy, Debug)]
pub struct Candidate<'a> {
    /// Its id.
    pub id: &'a InstanceId,
    /// Its name: configured, else the cloud's.
    pub name: Option<&'a str>,
    /// What else is known of it.
    pub traits: &'a Traits,
}

/// Whether an instance is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// It is not, whatever else may become known of it.
    No,
    /// What is known of it leaves that open.
    Open,
    /// It is.
    Yes,
}

impl Selection {
    /// Whether it asks for anything.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether this instance is meant.
    pub fn judge(&self, candidate: &Candidate<'_>) -> Verdict {
        let Candidate { id, name, traits } = *candidate;
        let project = traits.enterprise_project_id.as_ref();
        let of_tags = self.tags.iter().map(|(key, values)| match &traits.tags {
            None => Verdict::Open,
            Some(tags) if tags.get(key).is_some_and(|own| values.iter().any(|value| value == own)) => Verdict::Yes,
            Some(_) => Verdict::No,
        });
        [
            any(&self.ids, Some(id), PartialEq::eq),
            any(&self.names, name, NamePattern::is_match),
            any(&self.engines, traits.engine.as_ref(), PartialEq::eq),
            any(&self.statuses, traits.status.as_ref(), PartialEq::eq),
            any(&self.enterprise_project_ids, project, PartialEq::eq),
        ]
        .into_iter()
        .chain(of_tags)
        .min()
        .unwrap_or(Verdict::Yes)
    }
}

/// Whether a trait is one of those that are wanted, if any are.
fn any<W, T: ?Sized>(wanted: &[W], own: Option<&T>, fits: impl Fn(&W, &T) -> bool) -> Verdict {
    match own {
        _ if wanted.is_empty() => Verdict::Yes,
        None => Verdict::Open,
        Some(own) if wanted.iter().any(|wanted| fits(wanted, own)) => Verdict::Yes,
        Some(_) => Verdict::No,
    }
}

/// Keys `discovery.include` and `discovery.exclude`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Filter {
    /// Only these; `None` for all.
    pub include: Option<Selection>,
    /// But not these.
    pub exclude: Option<Selection>,
}

impl Filter {
    /// Whether discovery is to watch this instance: it is included or may be, and is not surely excluded.
    pub fn selects(&self, candidate: &Candidate<'_>) -> bool {
        let judge = |selection: &Selection| selection.judge(candidate);
        self.include.as_ref().map(judge) != Some(Verdict::No) && self.exclude.as_ref().map(judge) != Some(Verdict::Yes)
    }

    /// Whether it lets everything through.
    pub fn is_none(&self) -> bool {
        self.include.is_none() && self.exclude.is_none()
    }
}

impl Traits {
    /// Takes what an answer says; what it does not say stays.
    pub fn learn(&mut self, answer: &Instance) {
        let Self { name, engine, status, enterprise_project_id, tags } = self;
        if answer.name.as_ref().is_some_and(|said| !said.is_empty()) {
            name.clone_from(&answer.name);
        }
        *engine = answer.engine.or(*engine);
        *status = answer.status.or(*status);
        if answer.enterprise_project_id.is_some() {
            enterprise_project_id.clone_from(&answer.enterprise_project_id);
        }
        if answer.tags.is_some() {
            tags.clone_from(&answer.tags);
        }
    }
}

/// A regular expression for names, not anchored. It takes time linear to the name, whatever it is.
#[derive(Clone)]
pub struct NamePattern(Regex);

/// A text that is no regular expression.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// It cannot be read, for this reason.
    #[error("{0}")]
    Syntax(String),
    /// It would take too much memory.
    #[error("it is too large")]
    TooLarge,
}

impl NamePattern {
    /// Reads an expression (syntax of the crate `regex`: no look-around, no back references).
    ///
    /// # Errors
    /// [`PatternError`].
    pub fn parse(text: &str) -> Result<Self, PatternError> {
        let built = RegexBuilder::new(text).size_limit(LARGEST_PATTERN).dfa_size_limit(LARGEST_PATTERN).build();
        built.map(Self).map_err(|error| match error {
            regex::Error::CompiledTooBig(_) => PatternError::TooLarge,
            // The reason is the last of several lines, behind a drawing of the place.
            other => {
                let said = other.to_string();
                let reason = said.lines().last().unwrap_or_default();
                PatternError::Syntax(reason.strip_prefix("error: ").unwrap_or(reason).to_owned())
            }
        })
    }

    /// The expression as it was written.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// Whether it fits any part of the name.
    pub fn is_match(&self, name: &str) -> bool {
        self.0.is_match(name)
    }
}

impl PartialEq for NamePattern {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl fmt::Debug for NamePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

#[cfg(test)]
mod tests;
