//! Addresses that are missing, wrong or not certain, and proxies that cannot be used.

use crate::golden::Golden;

const LOGINS: &str = "credentials:
  keys: { access_key: AK, secret_key: hunter2 }
  user: { username: u, password: hunter2, domain_name: d }
  agency: { access_key: AK, secret_key: hunter2, assume: { agency_name: a, domain_name: d } }
  urn: { access_key: AK, secret_key: hunter2, assume: { agency_urn: u } }
";

fn projects(list: &[&str]) -> String {
    let projects: Vec<String> = list.iter().map(|project| format!("  - {{ {project} }}\n")).collect();
    format!("projects:\n{}{LOGINS}", projects.concat())
}

#[test]
fn addresses_that_are_missing() {
    let mut golden = Golden::new();
    golden.case(
        "a private cloud without its IAM",
        &projects(&[
            "name: a, region: region-1, endpoint: https://dcs.example.com, credentials: keys",
            "name: b, region: region-1, endpoint: https://dcs.example.com, project_id: p, credentials: user",
            "name: c, region: region-1, endpoint: https://dcs.example.com, project_id: p, credentials: agency",
            "name: d, region: eu-west-101, endpoint: https://dcs.example.com, project_name: p, credentials: urn",
            // Its region's name is a public cloud's too, whose IAM must not see the password.
            "name: e, region: eu-de, endpoint: https://dcs.example.com, project_id: p, credentials: user",
        ]),
        &[],
    );
    golden.case(
        "neither id nor name nor region",
        &projects(&["name: a, endpoint: https://dcs.example.com, credentials: keys"]),
        &[],
    );
    golden.case("no STS in Europe", &projects(&["name: a, region: eu-de, project_id: p, credentials: urn"]), &[]);
    golden.case("a region that nobody knows", &projects(&["name: a, region: eu-dee, credentials: user"]), &[]);
    golden.case("empty names", &projects(&["name: a, region: eu-de, project_name: '', credentials: user"]), &[]);
    golden.matches("addresses");
}

#[test]
fn addresses_that_are_wrong() {
    let mut golden = Golden::new();
    golden.case(
        "in the file",
        &projects(&[
            "name: a, region: eu-de, credentials: user, iam_endpoint: https://iam.example.com/v3, sts_endpoint: sts",
        ]),
        &[],
    );
    golden.case(
        "in variables",
        &projects(&[
            "name: a, region: eu-de, credentials: user",
            "name: b, region: eu-de, project_id: p, credentials: urn",
        ]),
        &[
            ("HUAWEICLOUD_SDK_REGION_DCS_EU_DE", "dcs.example.com,https://other.example.com"),
            ("HUAWEICLOUD_SDK_IAM_ENDPOINT", "https://me:hunter2@iam.example.com"),
            ("HUAWEICLOUD_SDK_STS_ENDPOINT", "https://sts.example.com/v5"),
        ],
    );
    golden.matches("wrong_addresses");
}

#[test]
fn proxies_that_cannot_be_used() {
    let mut golden = Golden::new();
    let project = projects(&["name: a, region: eu-de, project_id: p, credentials: keys"]);
    for value in ["socks5://hunter2:1080", "http://hunter2:hunter2@", "https://proxy:port", "http://proxy:3128/hunter2"]
    {
        golden.case("a variable", &project, &[("HTTPS_PROXY", value), ("HTTP_PROXY", "gopher://hunter2")]);
    }
    golden.case("a variable for everything", &project, &[("all_proxy", "socks5h://me:hunter2@proxy")]);
    golden.case(
        "http for IAM alone",
        &projects(&["name: a, region: eu-de, project_id: p, credentials: user, iam_endpoint: http://iam.example.com"]),
        &[("HTTP_PROXY", "ftp://hunter2"), ("HTTPS_PROXY", "proxy")],
    );
    golden.matches("proxies");
}
