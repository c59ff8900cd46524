//! Every region of the official SDK, and what its projects ask.

use dcs_backup_exporter::config::{CloudProject, Config, Problems};
use url::Url;

use crate::Directory;

const REGIONS: &str = include_str!("../fixtures/config/regions.tsv");

/// A region and the addresses of DCS, IAM and STS in it, where they are certain.
fn regions() -> impl Iterator<Item = (&'static str, [Option<&'static str>; 3])> {
    let lines = REGIONS.lines().filter(|line| !line.starts_with('#'));
    lines.map(|line| {
        let mut cells = line.split('\t');
        let region = cells.next().unwrap();
        let addresses = [(); 3].map(|()| cells.next().filter(|cell| *cell != "-"));
        (region, addresses)
    })
}

/// A project there that needs all three.
fn load(region: &str, rest: &str, environment: &[(&str, &str)]) -> Result<Config, Problems> {
    let yaml = format!(
        "projects: [{{ name: a, region: {region}, credentials: x, {rest} }}]\ncredentials:\n  x: {{ username: u, password: p, domain_name: d, assume: {{ agency_urn: a }} }}\n"
    );
    Directory::new().load(yaml, environment).map(|loaded| loaded.config)
}

fn addresses(config: &Config) -> [Option<String>; 3] {
    let project = &config.projects[0];
    let text = |url: &Url| url.as_str().trim_end_matches('/').to_owned();
    [Some(&project.endpoint), project.iam_endpoint.as_ref(), project.sts_endpoint.as_ref()].map(|url| url.map(text))
}

#[test]
fn every_region_has_its_addresses_or_asks_for_them() {
    assert_eq!(regions().count(), 38);
    for (region, known) in regions() {
        let keys = ["endpoint", "iam_endpoint", "sts_endpoint"];
        let missing: Vec<&str> =
            keys.iter().zip(known).filter(|(_, known)| known.is_none()).map(|(key, _)| *key).collect();
        match load(region, "", &[]) {
            Ok(_) => assert!(missing.is_empty(), "{region}: {missing:?}"),
            Err(problems) => {
                let text = problems.to_string();
                assert_eq!(problems.iter().count(), missing.len(), "{region}: {text}");
                for key in &missing {
                    let named = [format!(".{key}: is missing"), format!("set `{key}`")];
                    assert!(named.iter().any(|words| text.contains(words)), "{region}: {text}");
                }
            }
        }
        let rest: Vec<String> = missing.iter().map(|key| format!("{key}: https://{key}.t-systems.com")).collect();
        let config = load(region, &rest.join(", "), &[]).unwrap_or_else(|problems| panic!("{region}: {problems}"));
        let expected: Vec<Option<String>> = keys
            .iter()
            .zip(known)
            .map(|(key, known)| Some(known.map_or_else(|| format!("https://{key}.t-systems.com"), str::to_owned)))
            .collect();
        assert_eq!(addresses(&config).to_vec(), expected, "{region}");
        assert_eq!(config.projects[0].project, CloudProject::Named(region.to_owned()));
    }
}

#[test]
fn what_counts_most_is_what_was_typed_then_the_variables_then_the_region() {
    let variables = [
        ("HUAWEICLOUD_SDK_REGION_DCS_CN_NORTH_4", "https://dcs.v,https://other"),
        ("HUAWEICLOUD_SDK_IAM_ENDPOINT", "https://iam.v"),
        ("HUAWEICLOUD_SDK_STS_ENDPOINT", "https://sts.v"),
    ];
    let typed = "endpoint: https://dcs.t, iam_endpoint: https://iam.t, sts_endpoint: https://sts.t";
    let of = |region: &str, rest: &str, variables: &[(&str, &str)]| {
        addresses(&load(region, rest, variables).unwrap_or_else(|problems| panic!("{problems}"))).map(Option::unwrap)
    };
    assert_eq!(of("cn-north-4", typed, &variables), ["https://dcs.t", "https://iam.t", "https://sts.t"]);
    assert_eq!(of("cn-north-4", "", &variables), ["https://dcs.v", "https://iam.v", "https://sts.v"]);
    assert_eq!(of("cn-north-4", "", &[])[2], "https://sts.cn-north-4.myhuaweicloud.com");
    // Another region's variable does not count, and with its own a region need not be known.
    assert_eq!(of("cn-south-1", "", &variables)[0], "https://dcs.cn-south-1.myhuaweicloud.com");
    let own = [&[("HUAWEICLOUD_SDK_REGION_DCS_REGION_OF_MINE_1", "http://127.0.0.1:1")][..], &variables].concat();
    assert_eq!(of("region-of-mine-1", "", &own), ["http://127.0.0.1:1", "https://iam.v", "https://sts.v"]);
}

#[test]
fn what_nobody_needs_is_not_asked_for() {
    let yaml = "projects: [{ name: a, endpoint: https://dcs.example.com, project_id: p, credentials: x }, { name: b, region: cn-north-4, project_id: p, credentials: x }]\ncredentials: { x: { access_key: AK, secret_key: SK } }\n";
    let bad =
        [("HUAWEICLOUD_SDK_IAM_ENDPOINT", "nonsense"), ("HUAWEICLOUD_SDK_STS_ENDPOINT", "http://sts.example.com")];
    let loaded = Directory::new().load(yaml, &bad).unwrap();
    assert_eq!(loaded.warnings, [""; 0]);
    let loaded = Directory::new().load(yaml, &[]).unwrap();
    let [private, known] = loaded.config.projects.as_slice() else { panic!("two projects") };
    assert!(private.iam_endpoint.is_none() && private.sts_endpoint.is_none());
    assert!(known.iam_endpoint.is_some() && known.sts_endpoint.is_some());
}
