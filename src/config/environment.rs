//! Variables of the environment as a layer, and as a way to start without a file.
//!
//! `DCS_EXPORTER_POLLING__IDLE_INTERVAL` is `polling.idle_interval`: `__` stands between levels, case does not matter.
//! An entry of `credentials` is found by its name in the file whatever its case and hyphens are, since neither can be
//! told from a variable. A list's elements have no names and so no variables. Other variables that begin the same are
//! ignored with a warning: Kubernetes sets `DCS_EXPORTER_SERVICE_HOST` and the like for a service of that name.

use std::collections::BTreeMap;

use super::advice;
use super::problem::{Origin, Place, Report};
use super::schema::{self, Kind};
use super::section::Field;
use super::tree::Node;

const PREFIX: &str = "DCS_EXPORTER_";

/// What the environment says; empty variables say nothing.
pub(super) struct Environment<'v> {
    /// The layer.
    pub(super) tree: Node,
    /// `DCS_EXPORTER_REGION`: the region of the one project of a start without a file.
    pub(super) region: Option<Variable<'v>>,
    /// `DCS_EXPORTER_ENDPOINT`: its endpoint.
    pub(super) endpoint: Option<Variable<'v>>,
    variables: &'v [(String, String)],
}

/// A variable that is set.
#[derive(Clone, Copy)]
pub(super) struct Variable<'v> {
    pub(super) name: &'v str,
    pub(super) value: &'v str,
}

impl<'v> Variable<'v> {
    pub(super) fn place<'r>(&self, report: &'r Report) -> Place<'r> {
        Place { report, origin: Origin::Variable(self.name.into()), path: String::new() }
    }

    /// The value, where it is one of this kind; else a problem.
    pub(super) fn checked<'r>(&self, kind: Kind, report: &'r Report) -> Option<Field<'r>>
    where
        'v: 'r,
    {
        let place = self.place(report);
        match kind.check(self.value) {
            Ok(()) => Some(Field { text: self.value, place }),
            Err(sentence) => {
                place.problem(sentence);
                None
            }
        }
    }
}

impl<'v> Environment<'v> {
    /// Sorts the variables out; `file` tells which entries of `credentials` there are.
    pub(super) fn read(variables: &'v [(String, String)], file: &Node, report: &Report) -> Self {
        let tree = Node::empty(Origin::Nowhere);
        let mut this = Self { tree, region: None, endpoint: None, variables };
        let mut names: Vec<String> =
            file.get("credentials").map_or(&[][..], Node::entries).iter().map(|e| e.key.to_string()).collect();
        let mut seen: BTreeMap<Vec<String>, &str> = BTreeMap::new();
        for variable in variables.iter().filter(|(_, value)| !value.is_empty()) {
            let variable = Variable { name: &variable.0, value: &variable.1 };
            let Some(rest) = without_prefix(variable.name) else { continue };
            let place = variable.place(report);
            let path = match resolve(rest, &mut names) {
                Ok(path) => path,
                Err(Unaddressable::Unknown(advice)) => {
                    place.warning(format!("is not known and ignored{advice}"));
                    continue;
                }
                Err(Unaddressable::Wrong(sentence)) => {
                    place.problem(sentence);
                    continue;
                }
            };
            if let Some(other) = seen.insert(path.clone(), variable.name) {
                place.problem(format!("sets the same key as {other}; unset one"));
                continue;
            }
            match path.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
                ["region"] => this.region = Some(variable),
                ["endpoint"] => this.endpoint = Some(variable),
                path => this.tree.insert(path, Node::text(Origin::Variable(variable.name.into()), variable.value)),
            }
        }
        this
    }

    /// A variable that others know too, such as `HUAWEICLOUD_SDK_AK`, by its name as it stands.
    pub(super) fn variable(&self, name: &str) -> Option<Variable<'v>> {
        let (name, value) = self.variables.iter().find(|(known, value)| known == name && !value.is_empty())?;
        Some(Variable { name, value })
    }
}

fn without_prefix(name: &str) -> Option<&str> {
    let (prefix, rest) = name.split_at_checked(PREFIX.len())?;
    prefix.eq_ignore_ascii_case(PREFIX).then_some(rest)
}

enum Unaddressable {
    Unknown(String),
    Wrong(String),
}

/// The path of the key that a variable sets. A new name of `credentials` joins the known `names`.
fn resolve(rest: &str, names: &mut Vec<String>) -> Result<Vec<String>, Unaddressable> {
    let words: Vec<String> = rest.split("__").map(str::to_lowercase).collect();
    if let [word] = words.as_slice()
        && matches!(word.as_str(), "region" | "endpoint")
    {
        return Ok(words);
    }
    let mut pattern = String::new();
    let mut path = Vec::new();
    let mut kind = Kind::Map;
    for word in words {
        let key = match schema::child(&pattern, &word) {
            Some(key) if !word.is_empty() => key,
            _ => return Err(Unaddressable::Unknown(advice(rest))),
        };
        if matches!(key.kind, Kind::List | Kind::Texts) {
            let sentence = format!("`{}` is a list, which the environment cannot set; write it in the file", key.path);
            return Err(Unaddressable::Wrong(sentence));
        }
        path.push(if key.word().is_some() { word } else { entry_name(&word, names)? });
        pattern = key.inside();
        kind = key.kind;
    }
    if matches!(kind, Kind::Map | Kind::Names) {
        let word = schema::keys().iter().find(|key| key.parent() == pattern).and_then(schema::KeyDoc::word);
        let example = word.unwrap_or("<name>").to_uppercase();
        let sentence = format!("`{pattern}` has keys of its own; set them one by one, like {PREFIX}{rest}__{example}");
        return Err(Unaddressable::Wrong(sentence));
    }
    Ok(path)
}

/// The entry of the file that a variable means, or a new one.
fn entry_name(word: &str, names: &mut Vec<String>) -> Result<String, Unaddressable> {
    let fold = |name: &str| name.to_lowercase().replace(['-', '.', ' '], "_");
    let known: Vec<&String> = names.iter().filter(|name| fold(name) == fold(word)).collect();
    match known.as_slice() {
        [] => {
            names.push(word.to_owned());
            Ok(word.to_owned())
        }
        [name] => Ok((*name).clone()),
        [one, other, ..] => Err(Unaddressable::Wrong(format!(
            "may mean the entry {} or {} of `credentials`; rename one",
            advice::presentable(one),
            advice::presentable(other)
        ))),
    }
}

/// Which variable was probably meant, where it is no invention of Kubernetes.
fn advice(rest: &str) -> String {
    let rest = rest.to_uppercase();
    if ["_SERVICE_HOST", "_SERVICE_PORT", "_PORT", "_TCP", "_UDP"].iter().any(|part| format!("_{rest}").contains(part))
    {
        return String::new();
    }
    let addressable = |path: &&str| !path.contains("[]") && !path.contains("<name>");
    let paths = schema::keys().iter().filter(|key| !matches!(key.kind, Kind::Map | Kind::Names | Kind::List));
    let names: Vec<String> = paths.map(|key| key.path).filter(addressable).map(variable).collect();
    let mut names: Vec<&str> = names.iter().map(String::as_str).collect();
    names.extend(["REGION", "ENDPOINT"]);
    advice::nearest(&rest, &names).map_or_else(String::new, |name| format!("; did you mean {PREFIX}{name}?"))
}

fn variable(path: &str) -> String {
    path.replace('.', "__").to_uppercase()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::tree::Value;

    fn read(variables: &[(&str, &str)], entries: &[&str]) -> (Vec<String>, Result<Vec<String>, String>) {
        let mut file = Node::empty(Origin::Nowhere);
        for name in entries {
            file.insert(&["credentials", name], Node::empty(Origin::Nowhere));
        }
        let variables: Vec<_> = variables.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        let report = Report::default();
        let environment = Environment::read(&variables, &file, &report);
        let mut leaves = Vec::new();
        collect(&environment.tree, "", &mut leaves);
        for (key, variable) in [("REGION", environment.region), ("ENDPOINT", environment.endpoint)] {
            leaves.extend(variable.map(|variable| format!("{key}={}", variable.value)));
        }
        (leaves, report.into_result().map_err(|problems| problems.to_string()))
    }

    fn collect(node: &Node, path: &str, leaves: &mut Vec<String>) {
        match &node.value {
            Value::Text(text) => leaves.push(format!("{path}={text}")),
            _ => node.entries().iter().for_each(|e| collect(&e.node, &format!("{path}/{}", e.key), leaves)),
        }
    }

    #[test]
    fn variables_set_keys_in_any_case_and_empty_ones_do_not() {
        let (leaves, result) = read(
            &[
                ("DCS_EXPORTER_POLLING__IDLE_INTERVAL", "1m"),
                ("dcs_exporter_Rpo", "0012"),
                ("DCS_EXPORTER_RPO_GRACE", ""),
                ("DCS_EXPORTER_NONSENSE", ""),
                ("DCS_EXPORTER_REGION", "eu-de"),
                ("DCS_EXPORTER_ENDPOINT", "http://[::1]"),
                ("PATH", "/bin"),
                ("DCS_EXPORTE", "x"),
                ("ÄÖÜ_DCS_EXPORTER", "x"),
            ],
            &[],
        );
        assert_eq!(result, Ok(Vec::new()));
        assert_eq!(leaves, ["/polling/idle_interval=1m", "/rpo=0012", "REGION=eu-de", "ENDPOINT=http://[::1]"]);
    }

    #[test]
    fn entries_of_credentials_are_found_whatever_their_case_and_hyphens() {
        let names = [
            ("DCS_EXPORTER_CREDENTIALS__MY_OPS__SECRET_KEY", "s"),
            ("DCS_EXPORTER_CREDENTIALS__NEW__ACCESS_KEY", "a"),
            ("DCS_EXPORTER_CREDENTIALS__NEW__LIMITS__BURST", "2"),
        ];
        let (leaves, result) = read(&names, &["My-Ops", "other"]);
        assert_eq!(result, Ok(Vec::new()));
        let expected =
            ["/credentials/My-Ops/secret_key=s", "/credentials/new/access_key=a", "/credentials/new/limits/burst=2"];
        assert_eq!(leaves, expected);
        let (_, result) = read(&names[..1], &["my-ops", "my_ops"]);
        assert!(result.unwrap_err().contains("may mean the entry my-ops or my_ops"));
    }

    #[test]
    fn what_cannot_be_set_is_a_problem() {
        let table = [
            ("DCS_EXPORTER_PROJECTS__0__NAME", "`projects` is a list, which the environment cannot set"),
            ("DCS_EXPORTER_PROJECTS", "`projects` is a list"),
            (
                "DCS_EXPORTER_POLLING",
                "`polling` has keys of its own; set them one by one, like DCS_EXPORTER_POLLING__IDLE_INTERVAL",
            ),
            ("DCS_EXPORTER_CREDENTIALS__OPS", "has keys of its own"),
        ];
        for (name, words) in table {
            let (leaves, result) = read(&[(name, "x")], &[]);
            let text = result.unwrap_err();
            assert!(leaves.is_empty() && text.contains(words) && text.contains(name), "{text}");
        }
        let (_, result) = read(&[("DCS_EXPORTER_RPO", "1h"), ("dcs_exporter_rpo", "2h")], &[]);
        assert_eq!(
            result.unwrap_err(),
            "environment variable dcs_exporter_rpo: sets the same key as DCS_EXPORTER_RPO; unset one"
        );
    }

    #[test]
    fn what_is_not_known_is_a_warning_each() {
        let table = [
            ("DCS_EXPORTER_SERVICE_HOST", ""),
            ("DCS_EXPORTER_PORT", ""),
            ("DCS_EXPORTER_PORT_10105_TCP", ""),
            ("DCS_EXPORTER_PORT_10105_TCP_ADDR", ""),
            ("DCS_EXPORTER_SERVICE_PORT_HTTP", ""),
            ("DCS_EXPORTER_POLLING_IDLE_INTERVAL", "; did you mean DCS_EXPORTER_POLLING__IDLE_INTERVAL?"),
            ("DCS_EXPORTER_REGIO", "; did you mean DCS_EXPORTER_REGION?"),
            ("DCS_EXPORTER_POLLING__", ""),
            ("DCS_EXPORTER_", ""),
            ("DCS_EXPORTER_RPO__X", "; did you mean DCS_EXPORTER_RPO?"),
        ];
        for (name, advice) in table {
            let (leaves, result) = read(&[(name, "x")], &[]);
            assert!(leaves.is_empty());
            let expected = format!("environment variable {name}: is not known and ignored{advice}");
            assert_eq!(result, Ok(vec![expected]));
        }
    }
}
