//! Good configurations, and what becomes of them.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use dcs_backup_exporter::config::{
    ApiVersion, CloudProject, Config, CredentialsConfig, Discovery, KeySource, Limits, Loaded, Override, Polling,
    ProjectConfig, Proxies, Source, TextSource,
};
use dcs_backup_exporter::domain::instance::{Engine, InstanceStatus};
use dcs_backup_exporter::domain::selection::{Filter, NamePattern, Selection};
use secrecy::ExposeSecret;

use crate::{Directory, load_environment};

const CREDENTIALS: &str = "credentials: { ops: { access_key: AK, secret_key: SK } }\n";

fn good(yaml: &str, environment: &[(&str, &str)]) -> Loaded {
    let directory = Directory::furnished();
    let loaded = directory.load(yaml, environment).unwrap_or_else(|problems| panic!("{problems}\n{yaml}"));
    let warnings = loaded.warnings.iter().map(|warning| directory.relative(warning)).collect();
    Loaded { warnings, ..loaded }
}

/// A configuration without warnings.
fn quiet(yaml: &str, environment: &[(&str, &str)]) -> Config {
    let loaded = good(yaml, environment);
    assert_eq!(loaded.warnings, [""; 0]);
    loaded.config
}

fn secret(source: &TextSource) -> &str {
    match source {
        TextSource::Inline(text) => text.expose_secret(),
        TextSource::File(path) => panic!("{}", path.display()),
    }
}

fn keys(credentials: &CredentialsConfig) -> &KeySource {
    match &credentials.source {
        Source::AccessKeys(keys) => keys,
        other => panic!("no access keys: {other:?}"),
    }
}

fn id(project: &ProjectConfig) -> &str {
    match &project.project {
        CloudProject::Id(id) => id.as_str(),
        CloudProject::Named(name) => panic!("no id but the name {name}"),
    }
}

fn access_key(credentials: &CredentialsConfig) -> &str {
    secret(&keys(credentials).access_key)
}

#[test]
fn little_is_needed_and_the_rest_is_as_documented() {
    let config = quiet(
        &format!("projects: [{{ name: prod, region: eu-de, project_id: p1, credentials: ops }}]\n{CREDENTIALS}"),
        &[],
    );
    let project = &config.projects[0];
    assert_eq!((project.name.as_str(), id(project), project.region.as_str()), ("prod", "p1", "eu-de"));
    assert_eq!(project.endpoint.as_str(), "https://dcs.eu-de.otc.t-systems.com/");
    assert_eq!((project.api_version, project.plan_utc_offset.minutes()), (ApiVersion::V2, 0));
    assert!(project.ca_file.is_none() && project.proxies == Proxies::default() && project.instances.is_empty());
    assert_eq!(project.discovery.as_ref().unwrap().interval, Duration::from_mins(5));
    assert_eq!(
        (project.limits, project.rpo, project.rpo_grace),
        (Some(Limits::default()), None, Duration::from_hours(5))
    );
    assert_eq!(project.credentials.name, "ops");
    assert!(project.credentials.limits.is_none() && keys(&project.credentials).security_token.is_none());
    assert_eq!(config.polling, Polling::default(), "the table of keys and the types have the same defaults");
}

#[test]
fn everything_that_is_set_arrives() {
    let yaml = "
projects:
  - name: prod
    region: somewhere
    project_id: 0012
    endpoint: HTTPS://[2001:db8::1]:8443/
    api_version: v1.0
    credentials: ops
    ca_file: ca.pem
    proxy: http://me:secret@proxy:3128
    instances: [ { id: 1e5, name: true }, { id: 0x1F } ]
    discovery: { enabled: YES, interval: 90s }
    plan_utc_offset: +08:00
    limits: { burst: 3 }
    rpo: 1d5h
  - { name: other, region: eu-nl, project_id: '0012', credentials: ops }
credentials:
  ops:
    access_key_file: ak
    secret_key_file: sk
    security_token_file: token
    limits: { requests_per_second: .5, concurrency: 1 }
polling: { idle_interval: 1h, window_interval: 2m, active_interval: 100ms, policy_interval: 1d, request_timeout: 1s, lookback: 30d }
rpo: 29h
rpo_grace: 0s
shard: { ordinal: 0, total: 1 }
";
    let directory = Directory::furnished();
    let Loaded { config, warnings } = directory.load(yaml, &[]).unwrap();
    assert_eq!(warnings, [""; 0]);
    let [project, other] = config.projects.as_slice() else { panic!("two projects") };
    assert_eq!((id(project), project.region.as_str()), ("0012", "somewhere"));
    assert_eq!(project.endpoint.as_str(), "https://[2001:db8::1]:8443/");
    assert_eq!((project.api_version, project.plan_utc_offset.minutes()), (ApiVersion::V1, 480));
    assert_eq!(project.ca_file, Some(directory.0.join("ca.pem")));
    assert_eq!(project.proxies.https.as_ref().unwrap().password(), Some("secret"));
    let instances: Vec<_> = project.instances.iter().map(|i| (i.id.as_str(), i.name.as_deref())).collect();
    assert_eq!(instances, [("1e5", Some("true")), ("0x1F", None)]);
    assert_eq!(project.discovery.as_ref().unwrap().interval, Duration::from_secs(90));
    assert_eq!(project.limits, Some(Limits { requests_per_second: 5.0, burst: 3, concurrency: 8 }));
    assert_eq!((project.rpo, project.rpo_grace), (Some(Duration::from_hours(29)), Duration::ZERO));
    assert_eq!((other.limits, other.rpo), (None, Some(Duration::from_hours(29))), "its credentials have limits");
    assert!(Arc::ptr_eq(&project.credentials, &other.credentials), "one entry, one key");
    assert_eq!(project.credentials.limits, Some(Limits { requests_per_second: 0.5, burst: 10, concurrency: 1 }));
    let keys = keys(&project.credentials);
    for (source, file) in
        [(&keys.access_key, "ak"), (&keys.secret_key, "sk"), (keys.security_token.as_ref().unwrap(), "token")]
    {
        assert!(matches!(source, TextSource::File(path) if *path == directory.0.join(file)), "{file}");
    }
    let polling = Polling {
        idle_interval: Duration::from_hours(1),
        window_interval: Duration::from_mins(2),
        active_interval: Duration::from_millis(100),
        policy_interval: Duration::from_hours(24),
        request_timeout: Duration::from_secs(1),
        lookback: Duration::from_hours(30 * 24),
    };
    assert_eq!(config.polling, polling);
    assert!(!format!("{config:?}").contains("secret@") && !format!("{config:?}").contains("\"secret\""));
}

#[test]
fn layers_lie_upon_each_other_key_by_key() {
    let yaml = "\
projects: [{ name: a, region: eu-de, project_id: p, credentials: My-Ops }]
credentials: { My-Ops: { access_key: file, secret_key: ~ } }
polling: { idle_interval: 1h, window_interval: ~, active_interval: }
rpo: null
";

    let config = quiet(
        yaml,
        &[
            ("DCS_EXPORTER_POLLING__IDLE_INTERVAL", "2h"),
            ("dcs_exporter_polling__active_interval", "1s"),
            ("DCS_EXPORTER_CREDENTIALS__MY_OPS__SECRET_KEY", "0012"),
            ("DCS_EXPORTER_RPO", "1d"),
            ("DCS_EXPORTER_RPO_GRACE", ""),
        ],
    );
    assert_eq!(config.polling.idle_interval, Duration::from_hours(2));
    assert_eq!(config.polling.window_interval, Duration::from_mins(1));
    assert_eq!(config.polling.active_interval, Duration::from_secs(1));
    let project = &config.projects[0];
    assert_eq!((project.rpo, project.rpo_grace), (Some(Duration::from_hours(24)), Duration::from_hours(5)));
    assert_eq!((access_key(&project.credentials), secret(&keys(&project.credentials).secret_key)), ("file", "0012"));
}

#[test]
fn discovery_is_on_without_instances_and_off_with_them() {
    let project = |rest: &str| {
        format!(
            "projects:\n  - {{ name: prod, region: eu-de, project_id: p, credentials: ops, {rest} }}\n{CREDENTIALS}"
        )
    };
    let on = |rest: &str| {
        let loaded = good(&project(rest), &[]);
        (loaded.config.projects[0].discovery.is_some(), loaded.warnings)
    };
    for rest in ["", "instances: []", "instances:", "discovery: { enabled: on, interval: 1m }, instances: [{ id: i }]"]
    {
        assert_eq!(on(rest), (true, Vec::new()), "{rest}");
    }
    assert_eq!(on("discovery: { enabled: off }, instances: [{ id: i }]"), (false, Vec::new()));
    let warning = "config.yml:2: projects[0].discovery: is off for project \"prod\", because its instances are listed by hand; set `enabled` in it to choose";
    for rest in ["instances: [{ id: i }]", "instances: [{ id: i }], discovery: { interval: 1m }"] {
        assert_eq!(on(rest), (false, vec![warning.to_owned()]), "{rest}");
    }
}

#[test]
fn a_project_without_credentials_takes_those_of_the_environment() {
    let yaml =
        "projects:\n  - { name: a, region: eu-de, project_id: p }\n  - { name: b, region: eu-nl, project_id: p }\n";
    let sdk =
        [("HUAWEICLOUD_SDK_AK", "0012"), ("HUAWEICLOUD_SDK_SK", "1e5"), ("HUAWEICLOUD_SDK_SECURITY_TOKEN", "true")];
    let config = quiet(yaml, &sdk);
    let credentials = &config.projects[0].credentials;
    assert!(Arc::ptr_eq(credentials, &config.projects[1].credentials));
    assert_eq!((credentials.name.as_str(), access_key(credentials)), ("environment", "0012"));
    assert_eq!(secret(&keys(credentials).secret_key), "1e5");
    assert_eq!(secret(keys(credentials).security_token.as_ref().unwrap()), "true");
    let named = "projects: [{ name: a, region: eu-de, project_id: p, credentials: sdk }]\ncredentials: { sdk: { source: environment, limits: { burst: 2 } } }\n";
    let config = quiet(named, &sdk[..2]);
    let credentials = &config.projects[0].credentials;
    assert_eq!((credentials.name.as_str(), access_key(credentials)), ("sdk", "0012"));
    assert!(keys(credentials).security_token.is_none());
    assert_eq!((credentials.limits.unwrap().burst, config.projects[0].limits), (2, None));
}

#[test]
fn the_environment_alone_is_enough() {
    let sdk = [("HUAWEICLOUD_SDK_AK", "AK"), ("HUAWEICLOUD_SDK_SK", "SK"), ("HUAWEICLOUD_SDK_PROJECT_ID", "0012")];
    let start = |more: &[(&str, &str)]| {
        let loaded = load_environment(&[&sdk[..], more].concat()).unwrap_or_else(|problems| panic!("{problems}"));
        assert_eq!((loaded.config.projects.len(), loaded.warnings), (1, Vec::new()));
        loaded.config
    };
    let config = start(&[
        ("DCS_EXPORTER_REGION", "eu-de"),
        ("DCS_EXPORTER_RPO", "1d"),
        ("DCS_EXPORTER_POLLING__IDLE_INTERVAL", "1m"),
    ]);
    let project = &config.projects[0];
    assert_eq!((project.name.as_str(), project.region.as_str(), id(project)), ("eu-de", "eu-de", "0012"));
    assert_eq!(project.endpoint.as_str(), "https://dcs.eu-de.otc.t-systems.com/");
    assert_eq!((project.rpo, config.polling.idle_interval), (Some(Duration::from_hours(24)), Duration::from_mins(1)));
    assert_eq!(project.discovery.as_ref().unwrap().interval, Duration::from_mins(5));
    assert_eq!((project.credentials.name.as_str(), project.limits), ("environment", Some(Limits::default())));

    let project = start(&[("DCS_EXPORTER_ENDPOINT", "http://127.0.0.1:8080")]).projects.remove(0);
    assert_eq!((project.name.as_str(), project.region.as_str()), ("127.0.0.1", ""));
    let project = start(&[("DCS_EXPORTER_ENDPOINT", "https://dcs.example.com"), ("dcs_exporter_region", "here")])
        .projects
        .remove(0);
    assert_eq!((project.name.as_str(), project.endpoint.as_str()), ("here", "https://dcs.example.com/"));

    // A file may set the rest and leave the project to the environment.
    for yaml in ["polling: { idle_interval: 1m }\n", "projects: []\npolling: { idle_interval: 1m }\n"] {
        let config = quiet(yaml, &[&sdk[..], &[("DCS_EXPORTER_REGION", "eu-nl")]].concat());
        assert_eq!((config.projects[0].name.as_str(), config.polling.idle_interval), ("eu-nl", Duration::from_mins(1)));
    }
}

#[test]
fn what_is_odd_is_a_warning() {
    let yaml = "projects:
  - { name: a, project_id: p, endpoint: http://dcs.example.com, credentials: ops }
  - { name: b, project_id: p, endpoint: http://dcs.example.com/, credentials: ops }
  - { name: c, project_id: p, endpoint: http://127.0.0.1:1, credentials: ops }
credentials:
  ops: { access_key: AK, secret_key: \"SK\\n\" }
  unused: { access_key: AK, secret_key: SK }
";
    let environment = [
        ("DCS_EXPORTER_REGION", "eu-de"),
        ("DCS_EXPORTER_ENDPOINT", "x"),
        ("DCS_EXPORTER_SERVICE_HOST", "10.0.0.1"),
        ("DCS_EXPORTER_PORT_10105_TCP", "tcp://10.0.0.1:10105"),
        ("DCS_EXPORTER_POLLING_LOOKBACK", "7d"),
        ("OTHER", "x"),
    ];
    let clear = "is not encrypted: whoever listens can read requests, signatures and answers (not the secret key)";
    assert_eq!(
        good(yaml, &environment).warnings,
        [
            format!("config.yml:2: projects[0].endpoint: {clear}"),
            format!("config.yml:3: projects[1].endpoint: {clear}"),
            "config.yml:3: projects[1].project_id: is that of project \"a\" too, at the same endpoint: what both watch is polled twice".into(),
            "config.yml:6: credentials.ops.secret_key: ends with a line break, which counts as a part of the secret; remove it if it is none".into(),
            "config.yml:7: credentials.unused: is used by no project; name it there (`credentials`), or remove it".into(),
            "environment variable DCS_EXPORTER_ENDPOINT: is ignored, because the file lists `projects`".into(),
            "environment variable DCS_EXPORTER_POLLING_LOOKBACK: is not known and ignored; did you mean DCS_EXPORTER_POLLING__LOOKBACK?".into(),
            "environment variable DCS_EXPORTER_PORT_10105_TCP: is not known and ignored".into(),
            "environment variable DCS_EXPORTER_REGION: is ignored, because the file lists `projects`".into(),
            "environment variable DCS_EXPORTER_SERVICE_HOST: is not known and ignored".into(),
        ]
    );
}

#[test]
fn ten_thousand_instances_by_hand_fit() {
    let mut yaml = format!(
        "{CREDENTIALS}projects:\n  - name: a\n    region: eu-de\n    project_id: p\n    credentials: ops\n    discovery: {{ enabled: false }}\n    instances:\n"
    );
    for n in 0..10_000 {
        writeln!(yaml, "      - {{ id: {n:032}, name: instance-{n} }}").unwrap();
    }
    assert_eq!(quiet(&yaml, &[]).projects[0].instances.len(), 10_000);
}

#[test]
fn storage_is_off_unless_it_is_asked_for_and_counts_from_the_files_directory() {
    let yaml = format!("projects: [{{ name: prod, region: eu-de, project_id: p1, credentials: ops }}]\n{CREDENTIALS}");
    let storage = |more: &str, environment: &[(&str, &str)]| {
        let storage = quiet(&format!("{yaml}{more}"), environment).storage?;
        let path = storage.path.to_string_lossy().into_owned();
        Some((path, storage.interval.as_secs(), storage.max_age.as_secs()))
    };
    let path = [("DCS_EXPORTER_STORAGE__PATH", "/var/lib/x")];
    for (more, environment, expected) in [
        ("", &[][..], None),
        ("storage: { path: /var/lib/x }\n", &[], Some(("/var/lib/x".to_owned(), 30, 3600))),
        ("storage: { path: /y, interval: 5s, max_age: 1d }\n", &path, Some(("/var/lib/x".to_owned(), 5, 86_400))),
        ("", &path, Some(("/var/lib/x".to_owned(), 30, 3600))),
    ] {
        assert_eq!(storage(more, environment), expected, "{more} {environment:?}");
    }
    let (path, ..) = storage("storage: { path: facts/here }\n", &[]).unwrap();
    assert!(path.starts_with('/') && path.ends_with("/facts/here"), "{path}");
    assert!(!std::path::Path::new(&path).exists(), "reading a configuration makes no directory");
}

#[test]
fn selections_arrive_as_they_are_typed() {
    let yaml = format!(
        "projects:
  - name: prod
    region: eu-de
    project_id: p1
    credentials: ops
    discovery:
      include: {{ name: [^prod-, orders], engine: redis, status: [RUNNING, Other], enterprise_project_id: 0, tags: {{ env: [prod, 0012], 1: true }} }}
      exclude:
        name: -scratch$
    overrides:
      - {{ match: {{ tags: {{ tier: [gold] }} }}, rpo: 13h }}
      - {{ match: {{ id: [1e5, 0x1F], status: FROZEN }}, rpo: 1w }}
    instance_tags: [team, Cost-Center, 团队]
{CREDENTIALS}"
    );
    let config = quiet(&yaml, &[]);
    let project = &config.projects[0];
    let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
    let pattern = |text| NamePattern::parse(text).unwrap();
    let none = Selection::default;
    let include = Selection {
        names: vec![pattern("^prod-"), pattern("orders")],
        engines: vec![Engine::Redis],
        statuses: vec![InstanceStatus::Running, InstanceStatus::Other],
        enterprise_project_ids: texts(&["0"]),
        tags: [("env".to_owned(), texts(&["prod", "0012"])), ("1".to_owned(), texts(&["true"]))].into(),
        ..none()
    };
    let exclude = Selection { names: vec![pattern("-scratch$")], ..none() };
    let filter = Filter { include: Some(include), exclude: Some(exclude) };
    assert_eq!(project.discovery, Some(Discovery { interval: Duration::from_mins(5), filter }));
    let gold = Selection { tags: [("tier".to_owned(), texts(&["gold"]))].into(), ..none() };
    let frozen = Selection { ids: vec!["1e5".into(), "0x1F".into()], statuses: vec![InstanceStatus::Frozen], ..none() };
    let hours = Duration::from_hours;
    let overrides = [Override { of: gold, rpo: hours(13) }, Override { of: frozen, rpo: hours(7 * 24) }];
    assert_eq!(*project.overrides, overrides);
    let labels: Vec<(&str, &str)> = project.instance_tags.iter().map(|tag| (&*tag.key, &*tag.label)).collect();
    assert_eq!(labels, [("team", "tag_team"), ("Cost-Center", "tag_Cost_Center"), ("团队", "tag___")]);
}

#[test]
fn a_selection_without_keys_is_none_and_odd_ones_are_warned_of() {
    let project = |rest: &str| {
        let yaml = format!(
            "projects:\n  - name: prod\n    region: eu-de\n    project_id: p\n    credentials: ops\n{rest}{CREDENTIALS}"
        );
        let mut loaded = good(&yaml, &[]);
        (loaded.config.projects.remove(0), loaded.warnings)
    };
    let (plain, warnings) =
        project("    discovery: { include: , exclude: }\n    overrides: []\n    instance_tags: []\n");
    assert_eq!((plain.discovery.unwrap().filter, warnings), (Filter::default(), Vec::new()));
    assert!(plain.overrides.is_empty() && plain.instance_tags.is_empty());

    let (_, warnings) = project(
        "    discovery: { enabled: false, include: { name: a } }\n    instances: [{ id: i }]\n    instance_tags: [a-b, a.b, c, a_b]\n",
    );
    assert_eq!(
        warnings,
        [
            "config.yml:6: projects[0].discovery.include: has no effect: discovery is off, and instances listed by hand are always watched",
            "config.yml:8: projects[0].instance_tags[1]: becomes the label tag_a_b_conflict1, because tag_a_b is that of \"a-b\"",
            "config.yml:8: projects[0].instance_tags[3]: becomes the label tag_a_b_conflict2, because tag_a_b is that of \"a-b\"",
        ]
    );
}
