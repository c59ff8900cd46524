//! Whatever is typed, the loader either takes it as it is or says what is wrong, and where.

use std::fs;
use std::path::Path;

use dcs_backup_exporter::config::{CloudProject, Config, Source, TextSource};
use proptest::prelude::*;
use secrecy::ExposeSecret;

use crate::Directory;

fn secret_key(config: &Config) -> String {
    let Source::AccessKeys(keys) = &config.projects[0].credentials.source else { panic!("no access keys") };
    match &keys.secret_key {
        TextSource::Inline(text) => text.expose_secret().to_owned(),
        TextSource::File(path) => panic!("{}", path.display()),
    }
}

/// A text in double quotes, every character escaped.
fn quoted(text: &str) -> String {
    let escaped: Vec<String> = text.chars().map(|c| format!("\\U{:08x}", c as u32)).collect();
    format!("\"{}\"", escaped.concat())
}

fn yaml(id: &str, secret: &str) -> String {
    format!(
        "projects:\n  - name: {id}\n    endpoint: https://dcs.example.com\n    project_id: {id}\n    credentials: {id}\n    instances:\n      - {{ id: {id}, name: {id} }}\ncredentials:\n  {id}:\n    access_key: AK\n    secret_key: {secret}\n"
    )
}

/// Texts that somebody's YAML would take for something else.
fn deceptive() -> impl Strategy<Value = String> {
    prop_oneof![
        "[0-9]{1,40}",
        "0[0-9]{1,8}",
        "0[xob][0-9a-fA-F]{1,8}",
        "[0-9]{1,3}[eE][+-]?[0-9]{1,3}",
        "[0-9]{1,3}(_[0-9]{3}){1,3}",
        "[0-9]{1,3}\\.[0-9]{0,5}",
        "[0-9]{4}-[0-9]{2}-[0-9]{2}",
        "[0-9]{1,2}:[0-9]{2}:[0-9]{2}",
        "[Tt]rue|TRUE|[Ff]alse|[Yy]es|[Nn]o|ON|off|y|n|Null|NULL|\\.inf|\\.nan|NaN|inf",
        "[A-Za-z0-9+/]{1,40}={0,2}",
    ]
}

/// Where a secret may stand: a variable of its own, and what is typed in the file.
const SECRETS: [(&str, &str); 12] = [
    ("HUAWEICLOUD_SDK_AK", ""),
    ("HUAWEICLOUD_SDK_SK", ""),
    ("HUAWEICLOUD_SDK_SECURITY_TOKEN", ""),
    ("HUAWEICLOUD_OIDC_ID_TOKEN", ""),
    ("all_proxy", ""),
    ("https_proxy", "credentials: { x: { source: metadata } }"),
    ("NONE", "credentials: { x: { access_key: SECRET, secret_key: SECRET, security_token: SECRET } }"),
    ("NONE", "credentials: { x: { username: u, password: SECRET, domain_name: d } }"),
    ("NONE", "credentials: { x: { username: u, password_file: password, domain_name: d } }"),
    ("NONE", "credentials: { x: { source: oidc, idp_id: i, id_token_file: token } }"),
    ("NONE", "credentials: { x: { source: profile, profile_file: profile } }"),
    ("NONE", "credentials: { x: { source: oidc_agency, provider_urn: p, agency_urn: a, id_token_file: token } }"),
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn plain_text_arrives_as_it_was_typed(text in deceptive()) {
        prop_assume!(!text.starts_with('/') || text.len() > 1);
        let directory = Directory::new();
        for typed in [text.clone(), format!("'{text}'"), format!("\"{text}\"")] {
            let loaded = directory.load(yaml(&typed, &typed), &[]);
            let config = loaded.map_err(|problems| TestCaseError::fail(format!("{text}: {problems}")))?.config;
            let project = &config.projects[0];
            prop_assert_eq!(project.name.as_str(), &text);
            prop_assert_eq!(&project.project, &CloudProject::Id(text.as_str().into()));
            prop_assert_eq!(&project.credentials.name, &text);
            prop_assert_eq!(project.instances[0].id.as_str(), &text);
            prop_assert_eq!(project.instances[0].name.as_ref(), Some(&text));
            prop_assert_eq!(secret_key(&config), text.clone());
        }
    }

    #[test]
    fn any_secret_arrives_from_file_and_environment_alike(secret in "\\PC{1,60}", odd in any::<String>()) {
        let directory = Directory::new();
        for secret in [secret, odd].iter().filter(|secret| !secret.is_empty() && !secret.contains('\0')) {
            let config = directory.load(yaml("a", &quoted(secret)), &[]).map_err(|p| TestCaseError::fail(p.to_string()))?.config;
            prop_assert_eq!(&secret_key(&config), secret);
            let variable = [("DCS_EXPORTER_CREDENTIALS__A__SECRET_KEY", secret.as_str())];
            let config = directory.load(yaml("a", ""), &variable).map_err(|p| TestCaseError::fail(p.to_string()))?.config;
            prop_assert_eq!(&secret_key(&config), secret);
        }
    }

    #[test]
    fn no_secret_is_told_wherever_it_stands(before in "[ -~äß\t]{0,6}", after in "[ -~äß\t]{0,6}", at in 0..SECRETS.len()) {
        let secret = format!("{before}hunter2{after}");
        let directory = Directory::furnished();
        let (variable, typed) = SECRETS[at];
        let typed = typed.replace("SECRET", &quoted(&secret));
        for name in ["profile", "password", "token"] {
            directory.write(name, format!("[basic]\nak = {secret}\nsk = {secret}\n{secret}\n"));
        }
        let profile = directory.0.join("profile").display().to_string();
        let value = if variable.ends_with('y') { format!("http://me:{secret}@proxy:1") } else { secret.clone() };
        let variables = [(variable, value.as_str()), ("HUAWEICLOUD_SDK_CREDENTIALS_FILE", profile.as_str())];
        for region in ["cn-north-4", "nowhere"] {
            let yaml = format!("projects: [{{ name: a, region: {region}, {typed} }}]\n");
            let yaml = if typed.contains("credentials") { format!("projects: [{{ name: a, region: {region}, credentials: x }}]\n{typed}\n") } else { yaml };
            let told = match directory.load(yaml, &variables) {
                Ok(loaded) => format!("{loaded:?}"),
                Err(problems) => problems.to_string(),
            };
            prop_assert!(!told.contains("hunter2"), "{variable} {typed}: {told}");
        }
    }

    #[test]
    fn arbitrary_bytes_give_a_report(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(Directory::new().load(bytes, &[]).is_err());
    }

    #[test]
    fn arbitrary_variables_do_no_harm(names in proptest::collection::vec(("[A-Z_.a-zä-]{0,30}", "\\PC{0,8}"), 0..6)) {
        let names: Vec<(String, String)> = names.into_iter().map(|(name, value)| (format!("DCS_EXPORTER_{name}"), value)).collect();
        let borrowed: Vec<(&str, &str)> = names.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let _ = Directory::new().load(yaml("a", "x"), &borrowed);
    }
}

/// Each mutation of the reference loads, or is a problem with its line.
#[test]
fn a_slip_in_the_reference_is_told_with_its_line() {
    let reference = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/dcs-backup-exporter.yml");
    // Comments are left out: a slip in them means nothing.
    let text = fs::read_to_string(reference).unwrap();
    let lines: Vec<&str> =
        text.lines().filter(|line| !line.trim_start().starts_with('#') && !line.is_empty()).collect();
    let text = lines.join("\n") + "\n";
    let directory = Directory::new();
    let check = |mutated: &str, slip: &str| {
        let Err(problems) = directory.load(mutated, &[]) else { return };
        for problem in &problems {
            assert!(problem.line().is_some(), "{slip}: {problem}");
            assert!(!problem.to_string().contains("SKsecret"), "{slip}: {problem}");
        }
    };
    for (at, c) in text.char_indices() {
        let mut mutated = text.clone();
        mutated.remove(at);
        check(&mutated, &format!("without {c:?} at {at}"));
        let inserted = [':', ' ', '\n', '-', '"', '{', '#', '&', '*', '!', '\t'][at % 11];
        let mut mutated = text.clone();
        mutated.insert(at, inserted);
        check(&mutated, &format!("with {inserted:?} at {at}"));
    }
    for index in 0..lines.len() {
        let mut mutated = lines.clone();
        let removed = mutated.remove(index);
        check(&(mutated.join("\n") + "\n"), &format!("without the line {removed:?}"));
        let renamed = lines[index].replacen(':', "x:", 1);
        mutated.insert(index, &renamed);
        check(&(mutated.join("\n") + "\n"), &format!("with the line {renamed:?}"));
        let mutated = mutated.join("\n") + "\n";
        assert!(directory.load(&mutated, &[]).is_err() || lines[index].trim() == "ops:", "{renamed:?} passes");
    }
}
