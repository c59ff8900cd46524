//! Wrong configurations and their complete reports, as golden files: one per topic, each case with what was typed.

use std::fmt::Write as _;

use dcs_backup_exporter::config::{Inputs, load};

use crate::golden::{CREDENTIALS, Golden, PROJECT};
use crate::{Directory, load_environment};

#[test]
fn files_that_are_no_configuration() {
    let mut golden = Golden::new();
    golden.case("empty", "", &[]);
    golden.case("only comments", "# nothing\n", &[]);
    golden.case("a list", "- projects\n", &[]);
    golden.case("a word", "projects\n", &[]);
    golden.case("no YAML", "projects:\n  - name: 'prod\n", &[]);
    golden.case("a tab", "projects:\n\t- name: prod\n", &[]);
    golden.case("no space after the colon", "projects:\n  - name:prod\n    region: eu-de\n", &[]);
    golden.case("a second document", &format!("{PROJECT}{CREDENTIALS}---\nprojects: []\n"), &[]);
    golden.case("duplicate keys", &format!("{PROJECT}    name: again\n{CREDENTIALS}{CREDENTIALS}"), &[]);
    golden.case("a tag", &format!("{PROJECT}    endpoint: !env ENDPOINT\n{CREDENTIALS}"), &[]);
    golden.case(
        "a secret that begins like a tag",
        &format!("{PROJECT}credentials: {{ ops: {{ access_key: AK, secret_key: !hunter2 }} }}\n"),
        &[],
    );
    golden.case("an alias without an anchor", &format!("{PROJECT}    endpoint: *endpoint\n"), &[]);
    golden.case("an anchor within itself", "projects: &p [ *p ]\n", &[]);
    golden.case("too deep", &format!("projects: {}{}\n", "[".repeat(50), "]".repeat(50)), &[]);
    golden.case("a control character", "projects:\n  - name: \u{1}\n", &[]);
    golden.case("projects that are none", "projects: []\n", &[]);
    golden.matches("files");
}

#[test]
fn keys_that_are_unknown_or_of_the_wrong_shape() {
    let mut golden = Golden::new();
    golden.beside("misspelt", "    regoin: eu-nl\n", "poling:\n  idle_interval: 15m\n");
    golden.beside("in another case", "    projectId: p1\n", "");
    golden.beside("a level too low", "    polling: { idle_interval: 15m }\n", "");
    golden.beside("a level too high", "", "lookback: 7d\nrequests_per_second: 3\n");
    golden.beside("not known at all", "", "zzz: 1\npolling:\n  zzz:\n");
    golden.beside("a value for a mapping", "    discovery: true\n", "polling: 5m\n");
    golden.beside("a list for a mapping", "", "polling: [5m]\n");
    golden.beside("a mapping for a list", "    instances: { id: i1 }\n", "");
    golden.beside("words for mappings", "    instances: [i1, i2]\n", "");
    golden.beside("a list for a value", "    region: \n", "rpo: [29h]\n");
    golden.case("nothing in a list", "projects:\n  -\n", &[]);
    golden.case("projects by name", "projects:\n  prod:\n    region: eu-de\n", &[]);
    golden.matches("keys");
}

#[test]
fn values_that_are_not_what_their_key_needs() {
    let mut golden = Golden::new();
    golden.beside("durations", "    rpo: 0s\n", "polling:\n  idle_interval: 15\n  window_interval: 1 minute\n  active_interval: -15s\n  policy_interval: 1.5h\n  request_timeout: 30m1h\n  lookback: 2y\nrpo_grace: soon\nrpo: 5\n");
    golden.beside("limits", "    limits: { requests_per_second: 0, burst: 1.5, concurrency: -1 }\n", "");
    golden.beside(
        "limits far too high",
        "    limits: { requests_per_second: 1e9, burst: 99999, concurrency: 4294967296 }\n",
        "",
    );
    golden.beside("a switch", "    discovery: { enabled: maybe, interval: 0s }\n", "");
    golden.beside("an API version", "    api_version: v1\n", "");
    golden.beside("an offset", "    plan_utc_offset: Berlin\n", "");
    golden.beside(
        "names",
        &format!(
            "    instances:\n      - id: \"\"\n      - id: {}\n      - {{ id: i1, name: \"a\\nb\" }}\n",
            "x".repeat(129)
        ),
        "",
    );
    golden.beside("endpoint without a scheme", "    endpoint: dcs.example.com\n", "");
    golden.beside("endpoint with a path", "    endpoint: https://dcs.example.com/v2/p1\n", "");
    golden.beside("endpoint with a query", "    endpoint: https://dcs.example.com?x=1\n", "");
    golden.beside("endpoint with a password", "    endpoint: https://me:hunter2@dcs.example.com\n", "");
    golden.beside("proxy with a bad password", "    proxy: http://me:hun/hunter2@proxy:3128\n", "");
    golden.matches("values");
}

#[test]
fn projects_that_do_not_fit_together() {
    let mut golden = Golden::new();
    golden.case("everything missing", &format!("projects:\n  - {{}}\n{CREDENTIALS}"), &[]);
    golden.case("a region that nobody knows", &format!("projects:\n  - {{ name: a, region: eu-dee, project_id: p, credentials: ops }}\n  - {{ name: b, region: moon, project_id: p, credentials: ops }}\n{CREDENTIALS}"), &[]);
    golden.case(
        "a region whose endpoint is uncertain",
        &format!("projects:\n  - {{ name: a, region: eu-west-101, project_id: p, credentials: ops }}\n{CREDENTIALS}"),
        &[],
    );
    golden.case("one name twice", &format!("projects:\n  - {{ name: a, region: eu-de, project_id: p, credentials: ops }}\n  - {{ name: a, region: eu-nl, project_id: p, credentials: ops }}\n{CREDENTIALS}"), &[]);
    golden.beside("one instance twice", "    instances:\n      - id: i1\n      - name: no-id\n      - id: i1\n", "");
    golden.beside("nothing to watch", "    discovery: { enabled: false }\n", "");
    golden.beside("files of certificates", "    ca_file: missing.pem\n", "");
    for file in ["directory", "empty", "no-certificate.pem", "broken.pem", "nonsense.pem"] {
        golden.beside(file, &format!("    ca_file: {file}\n"), "");
    }
    golden.matches("projects");
}

#[test]
fn variables_that_are_wrong() {
    let mut golden = Golden::new();
    let good = format!("{PROJECT}{CREDENTIALS}");
    golden.case(
        "values",
        &good,
        &[
            ("DCS_EXPORTER_POLLING__IDLE_INTERVAL", "5"),
            ("dcs_exporter_rpo", "soon"),
            ("DCS_EXPORTER_STORAGE__INTERVAL", "0s"),
        ],
    );
    golden.case(
        "lists and mappings",
        &good,
        &[("DCS_EXPORTER_PROJECTS__0__NAME", "a"), ("DCS_EXPORTER_PROJECTS", "a"), ("DCS_EXPORTER_POLLING", "5m")],
    );
    golden.case(
        "a secret beside its file",
        &format!("{PROJECT}credentials: {{ ops: {{ access_key: AK, secret_key_file: sk }} }}\n"),
        &[("DCS_EXPORTER_CREDENTIALS__OPS__SECRET_KEY", "hunter2")],
    );
    golden.case(
        "a broken file does not hide them",
        "projects: [\n",
        &[("DCS_EXPORTER_RPO", "5"), ("DCS_EXPORTER_POLLING", "x")],
    );
    golden.case(
        "good ones do not hide what is wrong in the file",
        &format!("{good}polling: 5m\n"),
        &[("DCS_EXPORTER_POLLING__IDLE_INTERVAL", "5m")],
    );
    golden.matches("variables");
}

#[test]
fn storage_that_is_wrong() {
    let mut golden = Golden::new();
    golden.beside("nowhere", "", "storage: { interval: 10s }\n");
    golden.beside("nothing", "", "storage: {}\n");
    golden.beside("less than nothing", "", "storage:\n");
    golden.beside("a file", "", "storage: { path: config.yml }\n");
    golden.beside("values", "", "storage: { path: \"\", interval: 0s, max_age: 1, keep: 3 }\n");
    golden.beside("a path alone", "", "storage: /var/lib/x\n");
    let good = format!("{PROJECT}{CREDENTIALS}");
    golden.case("a variable without a path", &good, &[("DCS_EXPORTER_STORAGE__MAX_AGE", "2h")]);
    golden.matches("storage");
}

#[test]
fn ten_problems_are_told_at_once() {
    let mut golden = Golden::new();
    let yaml = "\
projects:
  - name: prod
    region: eu-dee
    project_id: p1
    credentials: opps
    pooling: { idle_interval: 1m }
    instances:
      - id: i1
      - name: nameless
      - id: i1
    limits: { burst: none }
    overrides: [ { match: {}, rpo: 13h } ]
credentials:
  ops:
    access_key: AK
    access_key_file: ak
    secret_key_file: missing
polling:
  idle_interval: 15
";
    golden.case("ten problems", yaml, &[("DCS_EXPORTER_RPO", "-1h")]);
    assert_eq!(
        golden.0.lines().filter(|line| line.starts_with("config.yml:") || line.starts_with("environment")).count(),
        11
    );
    golden.matches("ten");
}

#[test]
fn starts_without_a_file_that_cannot_work() {
    let mut text = String::new();
    let cases: [&[(&str, &str)]; 10] = [
        &[],
        &[("DCS_EXPORTER_REGION", "eu-de"), ("HUAWEICLOUD_SDK_AK", "AK")],
        &[("HUAWEICLOUD_SDK_AK", "AK"), ("HUAWEICLOUD_SDK_SK", "hunter2")],
        &[("HUAWEICLOUD_SDK_AK", "AK"), ("HUAWEICLOUD_SDK_PROJECT_ID", "p"), ("DCS_EXPORTER_REGION", "eu-dee")],
        &[
            ("HUAWEICLOUD_SDK_AK", "A K"),
            ("HUAWEICLOUD_SDK_SK", "hunter2"),
            ("HUAWEICLOUD_SDK_PROJECT_ID", "p"),
            ("DCS_EXPORTER_ENDPOINT", "https://x/y"),
        ],
        &[("DCS_EXPORTER_RPO", "5")],
        &[("DCS_EXPORTER_ENDPOINT", "https://dcs.example.com")],
        &[("DCS_EXPORTER_ENDPOINT", "https://dcs.example.com"), ("DCS_EXPORTER_REGION", "region-1")],
        &[
            ("DCS_EXPORTER_REGION", "eu-de"),
            ("HUAWEICLOUD_SDK_IAM_ENDPOINT", "https://iam/v3"),
            ("HTTPS_PROXY", "socks5://hunter2"),
        ],
        &[("HUAWEICLOUD_OIDC_ID_TOKEN", "hunter2")],
    ];
    for environment in cases {
        for (name, value) in environment {
            writeln!(text, "  $ {name}={value}").unwrap();
        }
        let report = load_environment(environment).unwrap_err().to_string();
        assert!(!report.contains("hunter2"));
        writeln!(text, "{report}\n").unwrap();
    }
    Golden(text).matches("environment_alone");
}

#[test]
fn files_that_cannot_be_read() {
    let directory = Directory::furnished();
    directory.write("large.yml", "# comment\n".repeat(110_000));
    directory.write("latin1.yml", b"projects:\n  - name: gr\xfc\xdfe\n");
    let mut text = String::new();
    for name in ["missing.yml", "directory", "large.yml", "latin1.yml"] {
        let inputs = Inputs { file: Some(directory.0.join(name)), ..Inputs::default() };
        let report = load(&inputs).unwrap_err().to_string();
        writeln!(text, "{}", directory.relative(&report)).unwrap();
    }
    Golden(text).matches("unreadable");
}

#[test]
fn a_long_path_is_told_whole() {
    let file = format!("{}.pem", "a-long-way-down/".repeat(10));
    let yaml = format!("{PROJECT}    ca_file: {file}\n{CREDENTIALS}");
    let report = Directory::furnished().load(yaml, &[]).expect_err("there is no such file").to_string();
    assert!(report.contains(&format!("{file}\" cannot be read")), "{report}");
}
