//! Every alert has a runbook, every runbook an alert, and what a runbook tells to do can be done.

use std::collections::{BTreeMap, BTreeSet};

use clap::CommandFactory as _;

use crate::{documents, read, root, rules, short};

/// What each has, in this order.
const SECTIONS: [&str; 6] = ["What it means", "Impact", "Look", "Fix", "Silence", "Resolves"];

/// The severities of each alert; one without has `none`.
fn severities() -> BTreeMap<String, BTreeSet<String>> {
    let mut severities: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for rule in rules::shipped(root()) {
        let Some(alert) = rule.alert else { continue };
        let severity = rule.labels.get("severity").cloned().unwrap_or_else(|| "none".to_owned());
        severities.entry(alert).or_default().insert(severity);
    }
    severities
}

fn runbooks() -> BTreeMap<String, String> {
    let files = documents::below(&root().join("dashboards/runbooks"), "md");
    let name = |file: &std::path::Path| file.file_stem().unwrap().to_string_lossy().into_owned();
    files.iter().map(|file| (name(file), read(file))).filter(|(name, _)| name != "README").collect()
}

#[test]
fn every_alert_has_a_runbook_and_links_to_it() {
    let alerts: Vec<String> = severities().into_keys().collect();
    let runbooks: Vec<String> = runbooks().into_keys().collect();
    assert_eq!(alerts, runbooks);
    for rule in rules::shipped(root()) {
        let Some(alert) = rule.alert else { continue };
        let link = rule.annotations.get("runbook_url").cloned().unwrap_or_default();
        assert!(
            link.ends_with(&format!("/dashboards/runbooks/{alert}.md")),
            "{alert} in {}: {link}",
            short(&rule.file)
        );
    }
}

#[test]
fn a_runbook_says_how_bad_it_is_and_what_to_do() {
    let severities = severities();
    for (alert, text) in runbooks() {
        assert!(text.starts_with(&format!("# {alert}\n\nSeverity: ")), "{alert}");
        let line = text.lines().nth(2).unwrap();
        let told: BTreeSet<String> = ["critical", "warning", "info", "none"]
            .into_iter()
            .filter(|severity| line.split(|c: char| !c.is_ascii_alphabetic()).any(|word| word == *severity))
            .map(str::to_owned)
            .collect();
        assert_eq!(Some(&told), severities.get(&alert), "{alert}: its severities");
        let sections: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("## ")).collect();
        assert_eq!(sections, SECTIONS, "{alert}");
        assert!(!documents::fenced(&text, "promql").is_empty(), "{alert} has no query");
        assert!(text.contains("dcs-backup-exporter check "), "{alert} does not say how to look by `check`");
        let console = text.contains("Distributed Cache Service") || text.contains("In the console");
        assert!(console, "{alert} does not say where to look in the console");
    }
}

#[test]
fn commands_of_ours_have_the_flags_that_are_given() {
    let mut help = BTreeMap::new();
    let mut command = dcs_backup_exporter::cli::Cli::command();
    for sub in command.get_subcommands_mut() {
        help.insert(sub.get_name().to_owned(), sub.render_long_help().to_string());
    }
    let mut seen = 0;
    for file in
        documents::markdown(root()).iter().filter(|file| file.components().any(|part| part.as_os_str() == "runbooks"))
    {
        for block in documents::fenced(&read(file), "sh") {
            for line in block.lines().filter_map(|line| line.strip_prefix("dcs-backup-exporter ")) {
                let ours = line.split(['|', '&', '#']).next().unwrap();
                let mut words = ours.split_whitespace();
                let help = help.get(words.next().unwrap()).unwrap_or_else(|| panic!("{}: {line}", short(file)));
                for flag in words {
                    let name = flag.split('=').next().unwrap();
                    assert!(name.starts_with("--") && help.contains(name), "{}: {flag}", short(file));
                    seen += 1;
                }
            }
        }
    }
    assert!(seen > 20, "{seen} flags");
}

#[test]
fn links_lead_somewhere() {
    for file in documents::markdown(root()) {
        let text = read(&file);
        for link in text.split("](").skip(1).filter_map(|part| part.split_once(')')).map(|(link, _)| link) {
            let path = link.split('#').next().unwrap();
            if path.is_empty() || path.contains("://") {
                continue;
            }
            assert!(file.parent().unwrap().join(path).exists(), "{}: {link} is not there", short(&file));
        }
    }
}
