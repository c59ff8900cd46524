//! From files and variables to a [`Config`]: the steps in their order.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::environment::Environment;
use super::problem::{Origin, Place, Problems, Report};
use super::tree::Node;
use super::{Config, file, layers, shape, validate, yaml};

/// What a configuration is read from; who starts the program knows these.
#[derive(Clone, Default)]
pub struct Inputs {
    /// `--config.file`.
    pub file: Option<PathBuf>,
    /// All variables of the environment; those that begin with `DCS_EXPORTER_`, those of the official SDK and of CCE,
    /// those of proxies and `HOME` count.
    pub environment: Vec<(String, String)>,
    /// `--shard.ordinal`.
    pub shard_ordinal: Option<String>,
    /// `--shard.total`.
    pub shard_total: Option<String>,
    /// The host name, for `ordinal: auto`; empty where it cannot be told. `None` where what is read is for a process
    /// elsewhere: then `auto` is good as it is, and stands for the first shard.
    pub host_name: Option<String>,
}

/// A good configuration.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// What to do.
    pub config: Config,
    /// What is allowed and yet odd, one sentence each, with file and line where there is one.
    pub warnings: Vec<String>,
}

/// Reads and validates a configuration: defaults < file < environment < flags.
///
/// # Errors
/// Everything that is wrong with it, all at once.
pub fn load(inputs: &Inputs) -> Result<Loaded, Problems> {
    let report = Report::default();
    let config = read(inputs, &report);
    let warnings = report.into_result()?;
    let config = config.expect("what cannot be read has been reported");
    Ok(Loaded { config, warnings })
}

fn read(inputs: &Inputs, report: &Report) -> Option<Config> {
    let typed = match &inputs.file {
        Some(path) => from_file(path, report),
        None => Some(Node::empty(Origin::Nowhere)),
    };
    let nothing = Node::empty(Origin::Nowhere);
    let environment = Environment::read(&inputs.environment, typed.as_ref().unwrap_or(&nothing), report);
    let mut tree = layers::merge(&[
        ("defaults", &layers::defaults()),
        ("file", typed.as_ref().unwrap_or(&nothing)),
        ("environment", &environment.tree),
        ("flags", &flags(inputs)),
    ]);
    shape::check_values(&mut tree, report);
    // Without its file a configuration lacks much that nobody left out.
    let typed = typed?;
    let place = Place { report, origin: typed.origin, path: String::new() };
    let directory = inputs.file.as_deref().and_then(Path::parent).unwrap_or(Path::new(""));
    let file = inputs.file.is_some().then_some(&place);
    validate::config(&tree, &environment, file, directory, inputs.host_name.as_deref(), report)
}

fn from_file(path: &Path, report: &Report) -> Option<Node> {
    let name: Arc<str> = path.display().to_string().into();
    let text = file::read(path, &name, report)?;
    let mut tree = yaml::parse(&text, &name, report)?;
    shape::check(&mut tree, report);
    Some(tree)
}

fn flags(inputs: &Inputs) -> Node {
    let mut tree = Node::empty(Origin::Nowhere);
    let flags =
        [("ordinal", "--shard.ordinal", &inputs.shard_ordinal), ("total", "--shard.total", &inputs.shard_total)];
    for (key, flag, value) in flags {
        if let Some(value) = value {
            tree.insert(&["shard", key], Node::text(Origin::Flag(flag), value));
        }
    }
    tree
}
