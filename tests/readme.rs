//! The README's tables say what the code does.
//!
//! `UPDATE_README=1 cargo test --test readme` writes them anew.
#![allow(clippy::disallowed_methods)] // the switch that rewrites is a variable
#![allow(clippy::unwrap_used)]

use std::fmt::Write as _;

use clap::CommandFactory as _;

use dcs_backup_exporter::config;
use dcs_backup_exporter::exposition::{Kind, catalogue};

const README: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/README.md");

fn metrics() -> String {
    let mut table = "| name | labels | meaning |\n|---|---|---|\n".to_owned();
    for entry in catalogue() {
        let kind = match entry.kind {
            Kind::Gauge => "",
            Kind::Counter => " (counter)",
            Kind::Histogram => " (histogram)",
        };
        let labels: Vec<String> = entry.labels.iter().map(|label| format!("`{label}`")).collect();
        writeln!(table, "| `{}`{kind} | {} | {} |", entry.name, labels.join(", "), cell(entry.help)).unwrap();
    }
    table
}

fn configuration() -> String {
    let mut table = "| key | default | meaning |\n|---|---|---|\n".to_owned();
    for key in config::keys() {
        let default = key.default.map(|default| format!("`{default}`")).unwrap_or_default();
        let not_yet = if key.is_not_yet() { "*not yet* — " } else { "" };
        writeln!(table, "| `{}` | {default} | {not_yet}{} |", key.path, cell(key.help)).unwrap();
    }
    table
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

/// The text with what stands between the two marks replaced.
fn with_table(text: &str, name: &str, table: &str) -> String {
    let begin = text.find(&format!("<!-- {name}:")).expect("the README has the mark");
    let begin = begin + text[begin..].find("-->\n").expect("the mark ends") + "-->\n".len();
    let end = text.find(&format!("<!-- end of {name} -->")).expect("the README has the end mark");
    format!("{}{table}{}", &text[..begin], &text[end..])
}

#[test]
fn the_tables_are_those_of_the_code() {
    let readme = std::fs::read_to_string(README).unwrap();
    let expected = with_table(&readme, "metrics", &metrics());
    let expected = with_table(&expected, "configuration", &configuration());
    if std::env::var_os("UPDATE_README").is_some() {
        return std::fs::write(README, expected).unwrap();
    }
    assert!(readme == expected, "README.md is out of date: UPDATE_README=1 cargo test --test readme");
}

#[test]
fn every_metric_and_flag_that_the_text_names_exists() {
    let readme = std::fs::read_to_string(README).unwrap();
    let names: Vec<&str> = catalogue().map(|entry| entry.name).collect();
    for word in readme.split(|c: char| !c.is_ascii_alphanumeric() && c != '_') {
        if word.starts_with("dcs_") && word != "dcs_backup_exporter" {
            assert!(names.contains(&word), "README.md names {word}, which does not exist");
        }
    }
    let mut command = dcs_backup_exporter::cli::Cli::command();
    let mut help = command.render_long_help().to_string();
    for sub in command.get_subcommands_mut() {
        help += &sub.render_long_help().to_string();
    }
    for flag in readme.split(|c: char| !c.is_ascii_alphanumeric() && !"-._".contains(c)) {
        let is_flag = flag.strip_prefix("--").is_some_and(|name| name.starts_with(|c: char| c.is_ascii_lowercase()));
        let is_ours = is_flag && !["--release", "--test", "--help"].contains(&flag);
        assert!(!is_ours || help.contains(flag.trim_end_matches('.')), "README.md names {flag}, which does not exist");
    }
}
