//! Every way of logging in, as it is configured, and the official SDK's chain.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use dcs_backup_exporter::config::{
    Agency, Assume, CloudProject, Domain, Loaded, ProjectConfig, Proxies, Source, TextSource,
};
use secrecy::ExposeSecret;

use crate::{Directory, load_environment};

fn inline(source: &TextSource) -> &str {
    match source {
        TextSource::Inline(text) => text.expose_secret(),
        TextSource::File(path) => panic!("{}", path.display()),
    }
}

fn file(source: &TextSource) -> &Path {
    match source {
        TextSource::Inline(_) => panic!("no file"),
        TextSource::File(path) => path,
    }
}

/// A project with this entry, without a warning; nothing that is shown of it tells a secret.
fn project(directory: &Directory, entry: &str, environment: &[(&str, &str)]) -> ProjectConfig {
    let yaml = format!(
        "projects: [{{ name: a, region: cn-north-4, project_id: p, credentials: x }}]\ncredentials:\n  x: {{ {entry} }}\n"
    );
    let Loaded { mut config, warnings } = directory.load(yaml, environment).unwrap_or_else(|p| panic!("{p}\n{entry}"));
    assert_eq!(warnings, [""; 0], "{entry}");
    let shown = format!("{config:?}");
    assert!(!shown.contains("hunter2"), "{shown}");
    config.projects.remove(0)
}

#[test]
fn each_kind_of_entry_becomes_its_source() {
    let directory = Directory::furnished();
    let of =
        |entry: &str, environment: &[(&str, &str)]| project(&directory, entry, environment).credentials.source.clone();
    let Source::Password(user) = of("username: u, password: hunter2, domain_name: d", &[]) else { panic!() };
    assert_eq!((user.username.as_str(), inline(&user.password), user.domain_name.as_str()), ("u", "hunter2", "d"));
    let Source::Password(user) = of("username: u, password_file: password, domain_name: d", &[]) else { panic!() };
    assert_eq!(file(&user.password), directory.0.join("password"));
    let Source::IdToken(token) = of("source: oidc, idp_id: i, id_token_file: token", &[]) else { panic!() };
    assert_eq!((token.idp_id.as_str(), file(&token.id_token)), ("i", &*directory.0.join("token")));
    let Source::Metadata(url) = of("source: metadata", &[]) else { panic!() };
    assert_eq!(url.as_str(), "http://169.254.169.254/");
    let Source::Metadata(url) = of("source: metadata, metadata_endpoint: 'http://[fd00::1]:80'", &[]) else { panic!() };
    assert_eq!(url.as_str(), "http://[fd00::1]/");
    let Source::Profile(path) = of("source: profile, profile_file: profile", &[]) else { panic!() };
    assert_eq!(path, directory.0.join("profile"));
    let Source::PodIdentity(pod) =
        of("source: pod_identity, credentials_uri: http://127.0.0.1:1/v1?x=1, authorization_token_file: token", &[])
    else {
        panic!()
    };
    assert_eq!((pod.uri.as_str(), file(&pod.token)), ("http://127.0.0.1:1/v1?x=1", &*directory.0.join("token")));
}

#[test]
fn an_oidc_agency_is_typed_or_left_to_the_variables() {
    let directory = Directory::furnished();
    let token = directory.0.join("token").display().to_string();
    let of = |entry: &str, environment: &[(&str, &str)]| {
        let project = project(&directory, &format!("source: oidc_agency, {entry}"), environment);
        let Source::OidcAgency(agency) = &project.credentials.source else { panic!("{entry}") };
        agency.clone()
    };
    let typed = of("provider_urn: p, agency_urn: a, id_token_file: token", &[]);
    assert_eq!((typed.provider_urn.as_str(), typed.agency_urn.as_str()), ("p", "a"));
    assert_eq!((typed.session_name.as_str(), typed.duration), ("oidc-sts-session", Duration::from_hours(1)));
    assert_eq!(file(&typed.id_token), directory.0.join("token"));
    assert!(typed.policy.is_none() && typed.policy_ids.is_empty());
    let variables = [
        ("HUAWEICLOUD_OIDC_PROVIDER_URN", "vp"),
        ("HUAWEICLOUD_OIDC_AGENCY_URN", "va"),
        ("HUAWEICLOUD_OIDC_TOKEN_FILE", token.as_str()),
        ("HUAWEICLOUD_OIDC_SESSION_NAME", "vs"),
        ("HUAWEICLOUD_OIDC_DURATION_SECONDS", "900"),
        ("HUAWEICLOUD_OIDC_POLICY", "{\"Version\":\"5.0\"}"),
        ("HUAWEICLOUD_OIDC_POLICY_IDS", "one, two,,"),
    ];
    let left = of("", &variables);
    assert_eq!((left.provider_urn.as_str(), left.agency_urn.as_str()), ("vp", "va"));
    assert_eq!((left.session_name.as_str(), left.duration), ("vs", Duration::from_mins(15)));
    assert_eq!(left.policy.as_deref(), Some("{\"Version\":\"5.0\"}"));
    assert_eq!(left.policy_ids, ["one", "two"]);
    let inline_token = [&variables[..], &[("HUAWEICLOUD_OIDC_ID_TOKEN", "hunter2")]].concat();
    assert_eq!(inline(&of("", &inline_token).id_token), "hunter2", "the token itself counts before its file");
    let both = of("agency_urn: a, id_token_file: password-free, session_name: s, duration: 12h", &inline_token);
    assert_eq!((both.provider_urn.as_str(), both.agency_urn.as_str(), both.session_name.as_str()), ("vp", "a", "s"));
    assert_eq!((both.duration, file(&both.id_token)), (Duration::from_hours(12), &*directory.0.join("password-free")));
}

#[test]
fn an_agency_may_be_assumed_on_top_of_anything() {
    let directory = Directory::furnished();
    let entries = [
        "access_key: AK, secret_key: hunter2",
        "username: u, password: hunter2, domain_name: d",
        "source: metadata",
        "source: profile, profile_file: profile",
        "source: oidc, idp_id: i, id_token_file: token",
        "source: oidc_agency, provider_urn: p, agency_urn: a, id_token_file: token",
    ];
    let agencies = [
        (
            "agency_name: r, domain_name: d",
            Agency::Named { name: "r".to_owned(), domain: Domain::Name("d".to_owned()) },
            Duration::from_hours(1),
        ),
        (
            "agency_name: r, domain_id: 0012, duration: 24h",
            Agency::Named { name: "r".to_owned(), domain: Domain::Id("0012".to_owned()) },
            Duration::from_hours(24),
        ),
        (
            "agency_urn: r, duration: 15m",
            Agency::Urn { urn: "r".to_owned(), session_name: "dcs-backup-exporter".to_owned() },
            Duration::from_mins(15),
        ),
        (
            "agency_urn: r, session_name: s",
            Agency::Urn { urn: "r".to_owned(), session_name: "s".to_owned() },
            Duration::from_hours(1),
        ),
    ];
    for entry in entries {
        assert!(project(&directory, entry, &[]).credentials.assume.is_none());
        for (text, agency, duration) in &agencies {
            let assume = project(&directory, &format!("{entry}, assume: {{ {text} }}"), &[]).credentials.assume.clone();
            assert_eq!(assume, Some(Assume { agency: agency.clone(), duration: *duration }), "{entry} {text}");
        }
    }
}

/// What the chain finds, in a word, with the warnings.
fn chain(environment: &[(&str, &str)]) -> (String, Vec<String>) {
    let alone = [&[("DCS_EXPORTER_REGION", "cn-north-4")], environment].concat();
    let loaded = load_environment(&alone).unwrap_or_else(|problems| panic!("{problems}"));
    let credentials = &loaded.config.projects[0].credentials;
    assert_eq!(credentials.name, "environment");
    (word(&credentials.source), loaded.warnings)
}

fn word(source: &Source) -> String {
    match source {
        Source::AccessKeys(keys) => format!("keys {}", inline(&keys.access_key)),
        Source::IdToken(token) => format!("id token {}", token.idp_id),
        Source::OidcAgency(agency) => format!("oidc agency {}", agency.agency_urn),
        Source::Profile(path) => format!("profile {}", path.file_name().unwrap().to_str().unwrap()),
        Source::Metadata(url) => format!("metadata {}", url.host_str().unwrap()),
        Source::PodIdentity(pod) => format!("pod {}", pod.uri),
        Source::FirstOf(sources) => sources.iter().map(word).collect::<Vec<_>>().join(", "),
        Source::Password(_) => panic!("no variable names a user"),
    }
}

#[test]
fn the_chain_takes_the_first_that_is_configured() {
    let directory = Directory::furnished();
    directory.write("home/.huaweicloud/credentials", "[basic]\nak = AKP\nsk = hunter2\n");
    directory.write("global/.huaweicloud/credentials", "[global]\nak = AKG\nsk = hunter2\n");
    let path = |name: &str| directory.0.join(name).display().to_string();
    let (home, global, token, profile) = (path("home"), path("global"), path("token"), path("profile"));
    let pod = [
        ("HC_CONTAINER_CREDENTIALS_FULL_URI", "http://127.0.0.1/x"),
        ("HC_CONTAINER_AUTHORIZATION_TOKEN_FILE", token.as_str()),
    ];
    let all: [(&str, &[(&str, &str)]); 5] = [
        (
            "oidc agency a",
            &[
                ("HUAWEICLOUD_OIDC_PROVIDER_URN", "p"),
                ("HUAWEICLOUD_OIDC_AGENCY_URN", "a"),
                ("HUAWEICLOUD_OIDC_ID_TOKEN", "hunter2"),
            ],
        ),
        ("id token i", &[("HUAWEICLOUD_SDK_IDP_ID", "i"), ("HUAWEICLOUD_SDK_ID_TOKEN_FILE", &token)]),
        ("keys AK", &[("HUAWEICLOUD_SDK_AK", "AK"), ("HUAWEICLOUD_SDK_SK", "hunter2")]),
        ("profile profile", &[("HUAWEICLOUD_SDK_CREDENTIALS_FILE", &profile)]),
        ("profile credentials", &[("HOME", &home)]),
    ];
    for (index, (expected, _)) in all.iter().enumerate() {
        let variables: Vec<(&str, &str)> = all[index..].iter().flat_map(|(_, own)| own.to_vec()).chain(pod).collect();
        assert_eq!(chain(&variables), ((*expected).to_owned(), Vec::new()));
    }
    for (environment, expected) in [
        (vec![("HOME", "/missing")], "metadata 169.254.169.254"),
        (vec![("HOME", global.as_str())], "metadata 169.254.169.254"),
        (pod.to_vec(), "metadata 169.254.169.254, pod http://127.0.0.1/x"),
    ] {
        let (found, warnings) = chain(&environment);
        assert_eq!((found.as_str(), warnings.len()), (expected, 1), "{warnings:?}");
    }
}

#[test]
fn half_of_one_pair_beside_the_other_is_a_warning() {
    let directory = Directory::furnished();
    let token = directory.0.join("token").display().to_string();
    let keys = [("HUAWEICLOUD_SDK_AK", "AK"), ("HUAWEICLOUD_SDK_SK", "hunter2")];
    let idp = [("HUAWEICLOUD_SDK_IDP_ID", "i"), ("HUAWEICLOUD_SDK_ID_TOKEN_FILE", token.as_str())];
    let told = |found: &str, of: &str, missing: &str| {
        let warning = format!("environment variable {of}: is ignored, because {missing} is not set");
        (found.to_owned(), vec![warning])
    };
    assert_eq!(chain(&[keys[0], keys[1], idp[0]]), told("keys AK", idp[0].0, idp[1].0));
    assert_eq!(chain(&[keys[0], keys[1], idp[1]]), told("keys AK", idp[1].0, idp[0].0));
    assert_eq!(chain(&[keys[0], idp[0], idp[1]]), told("id token i", keys[0].0, keys[1].0));
}

#[test]
fn a_chain_that_finds_nothing_says_what_it_looked_for() {
    let directory = Directory::new();
    let yaml = "projects:
  - { name: a, region: cn-north-4 }
  - { name: b, region: cn-south-1 }
  - { name: c, region: cn-south-1, credentials: own }
credentials:
  own: { source: chain, limits: { burst: 2 }, assume: { agency_name: r, domain_name: d } }
";
    let Loaded { config, warnings } = directory.load(yaml, &[("HOME", "/missing")]).unwrap();
    let sentence = "nothing is configured, neither HUAWEICLOUD_OIDC_* nor HUAWEICLOUD_SDK_AK nor HUAWEICLOUD_SDK_IDP_ID, no profile \"/missing/.huaweicloud/credentials\": the metadata service of the ECS (169.254.169.254) is asked for keys";
    let warnings: Vec<String> = warnings.iter().map(|warning| directory.relative(warning)).collect();
    assert_eq!(
        warnings,
        [
            format!("config.yml:2: projects[0].credentials: {sentence}"),
            format!("config.yml:6: credentials.own.source: {sentence}"),
        ]
    );
    let [a, b, c] = config.projects.as_slice() else { panic!("three projects") };
    assert!(Arc::ptr_eq(&a.credentials, &b.credentials));
    assert_eq!(c.credentials.name, "own");
    assert!(c.credentials.assume.is_some() && c.credentials.limits.is_some());
    assert_eq!(a.project, CloudProject::Named("cn-north-4".to_owned()));
}

#[test]
fn a_region_alone_is_enough_and_the_profile_tells_the_rest() {
    let directory = Directory::furnished();
    let profile = directory.0.join("profile").display().to_string();
    let start = |variables: &[(&str, &str)]| {
        let alone = [&[("DCS_EXPORTER_REGION", "eu-de"), ("HUAWEICLOUD_SDK_CREDENTIALS_FILE", &profile)], variables];
        load_environment(&alone.concat()).unwrap_or_else(|problems| panic!("{problems}")).config.projects.remove(0)
    };
    let project = start(&[]);
    assert_eq!(project.project, CloudProject::Id("p-of-profile".into()));
    assert_eq!(project.iam_endpoint.unwrap().as_str(), "https://iam.of-profile.example/");
    let variables = [("HUAWEICLOUD_SDK_PROJECT_ID", "p"), ("HUAWEICLOUD_SDK_IAM_ENDPOINT", "https://iam.v")];
    let project = start(&variables);
    assert_eq!(project.project, CloudProject::Id("p".into()));
    assert_eq!(project.iam_endpoint.unwrap().as_str(), "https://iam.of-profile.example/", "as in the SDK");
    // Where the profile is not the source, nothing is taken from it.
    let project = start(&[("HUAWEICLOUD_SDK_AK", "AK"), ("HUAWEICLOUD_SDK_SK", "hunter2")]);
    assert_eq!(project.project, CloudProject::Named("eu-de".to_owned()));
    assert_eq!(project.iam_endpoint.unwrap().as_str(), "https://iam.eu-de.otc.t-systems.com/");
    // A project of the file names itself; the profile's IAM counts for it.
    let yaml = "projects: [{ name: a, region: eu-de, project_name: eu-de_x, credentials: x }]\ncredentials: { x: { source: profile, profile_file: profile } }\n";
    let project = directory.load(yaml, &[]).unwrap().config.projects.remove(0);
    assert_eq!(project.project, CloudProject::Named("eu-de_x".to_owned()));
    assert_eq!(project.iam_endpoint.unwrap().as_str(), "https://iam.of-profile.example/");
}

#[test]
fn an_id_counts_before_a_name_and_neither_is_needed() {
    let directory = Directory::furnished();
    let mut yaml = "projects:\n".to_owned();
    let table = [
        ("project_id: p, project_name: n", CloudProject::Id("p".into())),
        ("project_name: n", CloudProject::Named("n".to_owned())),
        ("api_version: v2", CloudProject::Named("eu-de".to_owned())),
    ];
    for (index, (keys, _)) in table.iter().enumerate() {
        writeln!(yaml, "  - {{ name: {index}, region: eu-de, {keys}, credentials: x }}").unwrap();
    }
    yaml += "  - { name: again, region: eu-de, project_name: n, credentials: x }\n";
    yaml += "  - { name: elsewhere, region: eu-de, project_name: n, credentials: y }\n";
    yaml += "credentials: { x: { access_key: AK, secret_key: SK }, y: { access_key: AK, secret_key: SK } }\n";
    let Loaded { config, warnings } = directory.load(&yaml, &[]).unwrap();
    for (project, (keys, expected)) in config.projects.iter().zip(table) {
        assert_eq!(project.project, expected, "{keys}");
    }
    let warnings: Vec<String> = warnings.iter().map(|warning| directory.relative(warning)).collect();
    assert_eq!(
        warnings,
        [
            "config.yml:5: projects[3].project_name: is that of project \"1\" too, at the same endpoint: what both watch is polled twice"
        ]
    );
}

#[test]
fn proxies_come_from_the_key_or_the_variables() {
    let variables = [("HTTPS_PROXY", "http://me:hunter2@p:1"), ("no_proxy", "*.local")];
    let entry = "access_key: AK, secret_key: hunter2";
    let of_variables = project(&Directory::furnished(), entry, &variables).proxies;
    assert_eq!(of_variables.https.as_ref().unwrap().as_str(), "http://me:hunter2@p:1/");
    assert_eq!((of_variables.http, of_variables.except.as_str()), (None, "*.local"));
    let yaml = "projects: [{ name: a, region: eu-de, project_id: p, proxy: http://own:3128, credentials: x }]\ncredentials: { x: { access_key: AK, secret_key: SK } }\n";
    // With a key of its own a project does not look at variables, good or bad.
    let bad = [("HTTPS_PROXY", "socks5://p"), ("NO_PROXY", "*")];
    let config = Directory::new().load(yaml, &bad).unwrap().config;
    assert_eq!(config.projects[0].proxies, Proxies::all("http://own:3128".parse().unwrap()));
}

#[test]
fn what_is_not_encrypted_is_a_warning_that_says_what_can_be_read() {
    let directory = Directory::furnished();
    let yaml = "projects:
  - { name: a, region: r, endpoint: http://dcs.example.com, iam_endpoint: http://iam.example.com, project_id: p, credentials: keys }
  - { name: b, region: r, endpoint: http://dcs.example.com, iam_endpoint: http://iam.example.com, credentials: keys }
  - { name: c, region: r, endpoint: http://dcs.example.com, iam_endpoint: http://iam.example.com, credentials: user }
  - { name: d, region: eu-de, sts_endpoint: http://sts.example.com, project_id: q, credentials: agency }
  - { name: e, region: r, endpoint: http://127.0.0.1:1, iam_endpoint: http://localhost:1, credentials: user }
credentials:
  keys: { access_key: AK, secret_key: hunter2 }
  user: { username: u, password: hunter2, domain_name: d }
  agency: { access_key: AK, secret_key: hunter2, assume: { agency_urn: a } }
";
    let Loaded { warnings, .. } = directory.load(yaml, &[]).unwrap();
    let signatures = "is not encrypted: whoever listens can read requests, signatures and answers (not the secret key)";
    let token =
        "is not encrypted: whoever listens can read requests, answers and the token, and do with it what its user may";
    let login = "is not encrypted: whoever listens can read the password or token that is sent there, and the token or keys that come back";
    let warnings: Vec<String> = warnings.iter().map(|warning| directory.relative(warning)).collect();
    assert_eq!(
        warnings,
        [
            format!("config.yml:2: projects[0].endpoint: {signatures}"),
            format!("config.yml:3: projects[1].endpoint: {signatures}"),
            format!("config.yml:3: projects[1].iam_endpoint: {signatures}"),
            format!("config.yml:4: projects[2].endpoint: {token}"),
            format!("config.yml:4: projects[2].iam_endpoint: {login}"),
            format!("config.yml:5: projects[3].sts_endpoint: {login}"),
        ]
    );
}
