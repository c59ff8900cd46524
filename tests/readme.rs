//! The README's tables say what the code does.
//!
//! `UPDATE_README=1 cargo test --test readme` writes them anew.
#![allow(clippy::disallowed_methods)] // the switch that rewrites is a variable
#![allow(clippy::unwrap_used)]

use std::fmt::Write as _;

use clap::CommandFactory as _;

use dcs_backup_exporter::cloud::CloudError;
use dcs_backup_exporter::cloud::diagnosis::connection::{self, Failure};
use dcs_backup_exporter::cloud::error::ErrorKind;
use dcs_backup_exporter::cloud::response::{Head, refusal};
use dcs_backup_exporter::config;
use dcs_backup_exporter::domain::Operation;
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
        writeln!(table, "| `{}` | {default} | {} |", key.path, cell(key.help)).unwrap();
    }
    table
}

/// The troubles that are most likely, as they would be told.
fn troubles() -> String {
    let now = "2026-11-21T10:00:00Z".parse().unwrap();
    let refused = |status, code: &str, told: &str, minutes: i64| {
        let body = format!(r#"{{"error_code":"{code}","error_msg":"{told}"}}"#);
        let skew = Some(jiff::SignedDuration::from_mins(minutes));
        let head = Head { status, ..Head::default() };
        (refusal(&head, body.as_bytes(), now, skew, [], Operation::Backups.into()), told.to_owned())
    };
    let unanswered = |failure, cause: &str| {
        let hint = connection::hint(failure, cause, false, true);
        (CloudError::new(ErrorKind::Connection, cause).with_hint(hint), cause.to_owned())
    };
    let troubles = [
        ("the secret key is wrong or cut off", refused(401, "APIGW.0301", "verify aksk signature fail", 0)),
        ("another cloud's key, or a temporary one without its token", refused(401, "APIGW.0301", "ak … not exist", 0)),
        ("somebody signs wrongly with this key", refused(401, "APIGW.0301", "AK access failed to reach the limit", 0)),
        ("this machine's clock", refused(401, "APIGW.0301", "verify aksk signature fail", -17)),
        ("a key of another project", refused(401, "DCS.1004", "Project ID does not match the token", 0)),
        ("the user may not read backups", refused(403, "DCS.2007", "Policy does not allow … to be performed", 0)),
        ("wrong endpoint or version", refused(404, "APIGW.0101", "The API does not exist", 0)),
        (
            "others ask with the same account",
            refused(429, "APIGW.0308", "The throttling threshold has been reached", 0),
        ),
        ("a wrong region or host", unanswered(Failure::Name, "the endpoint's name cannot be resolved")),
        ("a private authority, or a proxy that opens TLS", unanswered(Failure::Connect, "UnknownIssuer")),
    ];
    let mut table = "| `reason` | the log says | because of | so |\n|---|---|---|---|\n".to_owned();
    for (cause, (error, told)) in troubles {
        let (reason, hint) = (error.kind.reason(), error.hint.unwrap().to_string());
        let code = error.code.map(|code| format!("`{code}` ")).unwrap_or_default();
        writeln!(table, "| `{reason}` | {code}{} | {cause} | {} |", cell(&told), cell(&hint)).unwrap();
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
    let expected = with_table(&expected, "troubles", &troubles());
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
    // Other programs have flags of their own.
    let is_foreign = |line: &&str| ["helm ", "kubectl ", "docker "].iter().any(|program| line.contains(program));
    let ours: String = readme.lines().filter(|line| !is_foreign(line)).flat_map(|line| [line, "\n"]).collect();
    for flag in ours.split(|c: char| !c.is_ascii_alphanumeric() && !"-._".contains(c)) {
        let is_flag = flag.strip_prefix("--").is_some_and(|name| name.starts_with(|c: char| c.is_ascii_lowercase()));
        let is_ours = is_flag && !["--bench", "--release", "--test", "--help", "--cacert"].contains(&flag);
        assert!(!is_ours || help.contains(flag.trim_end_matches('.')), "README.md names {flag}, which does not exist");
    }
}
