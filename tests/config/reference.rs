//! The annotated reference file and the examples are true.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use dcs_backup_exporter::config::{ApiVersion, CloudProject, Override, keys};
use dcs_backup_exporter::domain::instance::Engine;
use dcs_backup_exporter::domain::selection::{Candidate, Traits, Verdict};
use dcs_backup_exporter::domain::tags::Tags;

use crate::Directory;

fn shipped(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("config").join(name)).unwrap()
}

/// The lines of the reference without what comments them out, so that every key stands where it belongs.
fn every_line(text: &str) -> Vec<String> {
    let uncomment = |line: &str| {
        let mut rest = line.trim_start();
        while let Some(inner) = rest.strip_prefix("# ") {
            rest = inner.trim_start();
        }
        // Two columns of each `# ` belong to the comment.
        let signs = line[..line.len() - rest.len()].matches('#').count();
        format!("{}{rest}", " ".repeat(line.len() - rest.len() - 2 * signs))
    };
    text.lines().map(uncomment).collect()
}

/// The paths of all keys in such lines, as the table of keys writes them.
fn paths(lines: &[String]) -> BTreeSet<String> {
    let mut paths = BTreeSet::new();
    let mut open: Vec<(usize, String)> = Vec::new();
    for line in lines {
        let (indent, element) = match line.trim_start().strip_prefix("- ") {
            Some(rest) => (line.len() - rest.len(), true),
            None => (line.len() - line.trim_start().len(), false),
        };
        let Some((word, value)) = line[indent..].split_once(':') else { continue };
        if word.is_empty() || !word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_') {
            continue;
        }
        open.retain(|(outer, _)| *outer < if element { indent - 1 } else { indent });
        let parent = open.last().map_or("", |(_, path)| path.as_str());
        let parent = if element { format!("{parent}[]") } else { parent.to_owned() };
        let word = if parent == "credentials" { "<name>" } else { word };
        let path = if parent.is_empty() { word.to_owned() } else { format!("{parent}.{word}") };
        if value.trim_start().starts_with('{') {
            paths.insert(format!("{path}.<name>"));
        }
        paths.insert(path.clone());
        if element {
            // Its other keys stand under its first one, and belong to the same element.
            open.push((indent - 1, parent));
        }
        open.push((indent, path));
    }
    paths
}

#[test]
fn the_reference_loads_as_it_is() {
    let loaded = Directory::new().load(shipped("dcs-backup-exporter.yml"), &[]).unwrap_or_else(|p| panic!("{p}"));
    assert_eq!(loaded.warnings, [""; 0]);
}

#[test]
fn every_key_is_in_the_reference() {
    let text = shipped("dcs-backup-exporter.yml");
    let all = paths(&every_line(&text));
    let active: Vec<String> = text.lines().filter(|line| !line.trim_start().starts_with('#')).map(Into::into).collect();
    let active = paths(&active);
    for key in keys() {
        assert!(all.contains(key.path), "{} is not in the reference: {all:#?}", key.path);
    }
    for path in active {
        assert!(keys().iter().any(|key| key.path == path), "{path} is not a key");
    }
}

#[test]
fn defaults_are_said_as_they_are() {
    let lines = every_line(&shipped("dcs-backup-exporter.yml"));
    for key in keys() {
        let Some(default) = key.default else { continue };
        let word = key.path.rsplit('.').next().unwrap();
        // The comment above the key says it, and the key shows it.
        let shows = |line: &String| {
            let value = line.trim_start().strip_prefix(word).and_then(|rest| rest.strip_prefix(':'));
            value.is_some_and(|value| value.trim().trim_matches('"') == default)
        };
        assert!(lines.iter().any(shows), "{} is not shown with its default {default}", key.path);
        let says = format!("Default: {default}.");
        let said = lines
            .iter()
            .enumerate()
            .any(|(at, line)| shows(line) && lines[at.saturating_sub(2)..at].iter().any(|above| above.contains(&says)));
        assert!(said || key.path.starts_with("credentials"), "{} does not say `{says}`", key.path);
    }
}

/// With the files that the examples name.
fn with_secrets() -> Directory {
    let directory = Directory::new();
    for file in ["ak", "sk", "china-ak", "china-sk", "china-token", "password", "id-token"] {
        directory.write(&format!("secrets/{file}"), "SECRET\n");
    }
    directory.write("private-ca.pem", include_str!("../fixtures/config/private-ca.pem"));
    directory
}

#[test]
fn the_examples_load() {
    let sdk = [("HUAWEICLOUD_SDK_AK", "AK"), ("HUAWEICLOUD_SDK_SK", "SK")];
    for (name, projects) in [
        ("ecs-agency.yml", 2),
        ("filters.yml", 2),
        ("kubernetes-oidc.yml", 2),
        ("many-projects.yml", 3),
        ("one-project.yml", 1),
        ("open-telekom-cloud-user.yml", 2),
        ("open-telekom-cloud.yml", 2),
        ("private-cloud.yml", 1),
    ] {
        let directory = with_secrets();
        let yaml = shipped(&format!("examples/{name}"));
        let loaded = directory.load(yaml, &sdk).unwrap_or_else(|problems| panic!("{name}: {problems}"));
        assert_eq!(loaded.warnings, [""; 0], "{name}");
        assert_eq!(loaded.config.projects.len(), projects, "{name}");
    }
    let files: Vec<PathBuf> = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("config/examples"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    assert_eq!(files.len(), 8, "an example is not tested: {files:?}");
}

#[test]
fn the_examples_mean_what_their_comments_say() {
    let directory = with_secrets();
    let config = directory.load(shipped("examples/many-projects.yml"), &[]).unwrap().config;
    let [shop, payments, archive] = config.projects.as_slice() else { panic!("three projects") };
    assert_eq!(
        (payments.name.as_str(), &payments.project),
        ("payments", &CloudProject::Id("1123456789abcdef0123456789abcdef".into()))
    );
    assert_eq!((&payments.endpoint, payments.rpo.unwrap().as_secs()), (&shop.endpoint, 13 * 3600));
    assert!(shop.limits.is_none() && archive.limits.is_some() && archive.discovery.is_none());
    let config = directory.load(shipped("examples/private-cloud.yml"), &[]).unwrap().config;
    assert_eq!(config.projects[0].api_version, ApiVersion::V1);
    let config = directory.load(shipped("examples/open-telekom-cloud-user.yml"), &[]).unwrap().config;
    let names: Vec<_> = config.projects.iter().map(|project| project.project.clone()).collect();
    assert_eq!(names, ["eu-de", "eu-de_payments"].map(|name| CloudProject::Named(name.to_owned())));
    assert!(Arc::ptr_eq(&config.projects[0].credentials, &config.projects[1].credentials), "one login");
}

#[test]
fn the_filters_of_the_example_mean_what_its_comments_say() {
    let config = with_secrets().load(shipped("examples/filters.yml"), &[]).unwrap().config;
    let [prod, sandbox] = config.projects.as_slice() else { panic!("two projects") };
    let filter = &prod.discovery.as_ref().unwrap().filter;
    let judged = |name: &str, tags: &[(&str, &str)]| {
        let traits = Traits {
            name: Some(name.to_owned()),
            engine: Some(Engine::Redis),
            tags: Some(Tags::of(tags.iter().copied())),
            ..Traits::default()
        };
        let id = "5560df16-cebf-4473-95c4-d1b573c16e79".into();
        let candidate = Candidate { id: &id, name: traits.name.as_deref(), traits: &traits };
        let fits = |each: &&Override| each.of.judge(&candidate) == Verdict::Yes;
        let rpo = prod.overrides.iter().find(fits).map(|each| each.rpo.as_secs() / 3600);
        (filter.selects(&candidate), rpo)
    };
    for (name, tags, expected) in [
        ("orders", &[("env", "prod"), ("tier", "gold")][..], (true, Some(13))),
        ("orders", &[("env", "prod")], (true, Some(29))),
        ("orders", &[("env", "staging"), ("tier", "gold")], (true, Some(13))),
        ("orders", &[("env", "test")], (false, Some(29))),
        ("orders", &[], (false, Some(29))),
        ("orders-scratch", &[("env", "prod")], (false, Some(29))),
    ] {
        assert_eq!(judged(name, tags), expected, "{name} {tags:?}");
    }
    let labels: Vec<&str> = prod.instance_tags.iter().map(|label| label.label.as_str()).collect();
    assert_eq!(labels, ["tag_team", "tag_cost_center"]);
    assert!(sandbox.discovery.as_ref().unwrap().filter.include.is_some() && sandbox.overrides.is_empty());
}
