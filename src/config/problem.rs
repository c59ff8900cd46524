//! What is wrong with a configuration, and where it was typed.
//!
//! Nothing here stops at the first mistake: whoever finds one tells the [`Report`] and goes on, so that the user
//! sees all of them at once, in the order of the file. A [`Place`] is the address of a value (file and line,
//! variable or flag, and the key's path); whoever judges a value complains there and need not know which layer
//! it came from.

use std::cell::RefCell;
use std::fmt;
use std::sync::Arc;

/// Where a value was typed. The order is that of the report.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Origin {
    /// In the configuration file; line 0 is the file as a whole.
    File {
        /// The file's name as it was given.
        file: Arc<str>,
        /// Counted from 1.
        line: usize,
    },
    /// In a variable of the environment.
    Variable(Arc<str>),
    /// In a flag of the command line.
    Flag(&'static str),
    /// Nowhere: a default, or something that is missing altogether.
    Nowhere,
}

/// One thing that is wrong (or, as a warning, odd): where, which key, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    origin: Origin,
    path: String,
    sentence: String,
}

impl Problem {
    pub(crate) fn new(origin: Origin, path: impl Into<String>, sentence: impl Into<String>) -> Self {
        Self { origin, path: path.into(), sentence: sentence.into() }
    }

    /// The line of the configuration file, counted from 1, if the problem stands in one.
    pub fn line(&self) -> Option<usize> {
        match &self.origin {
            Origin::File { line, .. } if *line > 0 => Some(*line),
            _ => None,
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.origin {
            Origin::File { file, line: 0 } => write!(f, "{file}: ")?,
            Origin::File { file, line } => write!(f, "{file}:{line}: ")?,
            // The variable's name is the key's path.
            Origin::Variable(name) => return write!(f, "environment variable {}: {}", printable(name), self.sentence),
            Origin::Flag(name) => return write!(f, "{name}: {}", self.sentence),
            Origin::Nowhere => {}
        }
        if !self.path.is_empty() {
            write!(f, "{}: ", printable(&self.path))?;
        }
        f.write_str(&self.sentence)
    }
}

/// Everything that is wrong with a configuration, in the order of the file: one line each, without a line break at
/// the end. No secret is ever part of it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", lines(.0))]
pub struct Problems(Vec<Problem>);

impl Problems {
    /// One after the other, never none.
    pub fn iter(&self) -> std::slice::Iter<'_, Problem> {
        self.0.iter()
    }
}

impl<'a> IntoIterator for &'a Problems {
    type Item = &'a Problem;
    type IntoIter = std::slice::Iter<'a, Problem>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

fn lines(problems: &[Problem]) -> String {
    let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
    lines.join("\n")
}

/// Collects problems and warnings while a configuration is read.
#[derive(Default)]
pub(crate) struct Report {
    problems: RefCell<Vec<Problem>>,
    warnings: RefCell<Vec<Problem>>,
}

impl Report {
    pub(crate) fn problem(&self, problem: Problem) {
        self.problems.borrow_mut().push(problem);
    }

    pub(crate) fn warning(&self, warning: Problem) {
        self.warnings.borrow_mut().push(warning);
    }

    /// Whether anything is wrong so far.
    pub(crate) fn has_problems(&self) -> bool {
        !self.problems.borrow().is_empty()
    }

    /// The warnings, or the problems where there are any.
    pub(crate) fn into_result(self) -> Result<Vec<String>, Problems> {
        let problems = sorted(self.problems.into_inner());
        if problems.is_empty() {
            Ok(sorted(self.warnings.into_inner()).iter().map(ToString::to_string).collect())
        } else {
            Err(Problems(problems))
        }
    }
}

/// By origin; problems of one line stay as they were found. The same sentence is said once (an alias brings the
/// same mistake to several places).
fn sorted(mut problems: Vec<Problem>) -> Vec<Problem> {
    problems.sort_by(|a, b| a.origin.cmp(&b.origin));
    problems.dedup();
    problems
}

/// The address of a value: who complains about it does so here.
#[derive(Clone)]
pub(crate) struct Place<'t> {
    pub(crate) report: &'t Report,
    pub(crate) origin: Origin,
    /// Such as `projects[0].name`; empty for the whole.
    pub(crate) path: String,
}

impl Place<'_> {
    pub(crate) fn problem(&self, sentence: impl Into<String>) {
        self.report.problem(Problem::new(self.origin.clone(), self.path.clone(), sentence));
    }

    pub(crate) fn warning(&self, sentence: impl Into<String>) {
        self.report.warning(Problem::new(self.origin.clone(), self.path.clone(), sentence));
    }

    /// A key within: the place of one that is missing is that of the mapping it is missing from.
    pub(crate) fn key(&self, key: &str) -> Self {
        Self { path: join(&self.path, key), ..self.clone() }
    }

    /// An element within.
    pub(crate) fn element(&self, index: usize) -> Self {
        Self { path: format!("{}[{index}]", self.path), ..self.clone() }
    }

    /// The same key, typed elsewhere.
    pub(crate) fn typed_at(self, origin: &Origin) -> Self {
        Self { origin: origin.clone(), ..self }
    }
}

/// The path of a key in a mapping.
pub(crate) fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

/// A value in a sentence: in quotes, on one line, not endless.
pub(crate) fn quoted(text: &str) -> String {
    const LONGEST: usize = 60;
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{:?}…", &text[..end]),
        None => format!("{text:?}"),
    }
}

/// Keys and names may hold anything; a problem is one line.
fn printable(text: &str) -> String {
    text.chars().flat_map(|c| if c.is_control() { c.escape_default().collect() } else { vec![c] }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(line: usize) -> Origin {
        Origin::File { file: "config.yml".into(), line }
    }

    #[test]
    fn a_problem_names_its_place_by_where_it_was_typed() {
        let table = [
            (at(12), "rpo", "config.yml:12: rpo: is wrong"),
            (at(0), "", "config.yml: is wrong"),
            (at(3), "", "config.yml:3: is wrong"),
            (Origin::Variable("DCS_EXPORTER_RPO".into()), "rpo", "environment variable DCS_EXPORTER_RPO: is wrong"),
            (Origin::Flag("--shard.total"), "shard.total", "--shard.total: is wrong"),
            (Origin::Nowhere, "projects", "projects: is wrong"),
        ];
        for (origin, path, expected) in table {
            assert_eq!(Problem::new(origin, path, "is wrong").to_string(), expected);
        }
    }

    #[test]
    fn the_report_follows_the_file_and_says_nothing_twice() {
        let report = Report::default();
        for (origin, path) in [
            (Origin::Nowhere, "e"),
            (Origin::Flag("--x"), "d"),
            (Origin::Variable("V".into()), "c"),
            (at(10), "b"),
            (at(9), "a"),
            (at(9), "a"),
        ] {
            report.problem(Problem::new(origin, path, "is wrong"));
        }
        let text = report.into_result().unwrap_err().to_string();
        let expected = "config.yml:9: a: is wrong\nconfig.yml:10: b: is wrong\nenvironment variable V: is wrong\n--x: is wrong\ne: is wrong";
        assert_eq!(text, expected);
    }

    #[test]
    fn a_value_in_a_sentence_stays_on_its_line_and_ends() {
        assert_eq!(quoted("a\nb\""), r#""a\nb\"""#);
        assert_eq!(quoted(&"ä".repeat(61)), format!("\"{}\"…", "ä".repeat(60)));
        assert_eq!(Problem::new(at(1), "a\nb", "is wrong").to_string(), "config.yml:1: a\\nb: is wrong");
    }
}
