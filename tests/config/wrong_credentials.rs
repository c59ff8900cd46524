//! Wrong credentials of every kind, and their reports.

use crate::golden::{Golden, PROJECT};

/// A project whose credentials the environment has to give.
const CHAIN: &str = "projects:\n  - { name: a, region: cn-north-4, project_id: p }\n";

#[test]
fn credentials_that_cannot_work() {
    let mut golden = Golden::new();
    golden.case(
        "an entry that does not exist",
        &format!("{PROJECT}credentials:\n  opss: {{ access_key: AK, secret_key: hunter2 }}\n"),
        &[],
    );
    golden.case("no entry at all", PROJECT, &[]);
    golden.case(
        "half of the variables",
        "projects:\n  - { name: a, region: eu-de, project_id: p }\n",
        &[("HUAWEICLOUD_SDK_AK", "AK")],
    );
    golden.case(
        "half of the variables, by name",
        &format!("{PROJECT}credentials: {{ ops: {{ source: environment }} }}\n"),
        &[("HUAWEICLOUD_SDK_SK", "hunter2")],
    );
    golden.credentials("inline and by file", "    access_key: AK\n    access_key_file: ak\n    secret_key: hunter2\n");
    golden.credentials("a secret without its key", "    secret_key: hunter2\n");
    golden.credentials("a token alone", "    security_token: hunter2\n");
    golden.credentials("two kinds", "    access_key: AK\n    secret_key: hunter2\n    source: environment\n");
    golden.credentials("nothing", "    limits: { burst: 1 }\n");
    golden.case("an empty entry", &format!("{PROJECT}credentials:\n  ops:\n"), &[]);
    golden.credentials(
        "files",
        "    access_key_file: missing\n    secret_key_file: directory\n    security_token_file: empty\n",
    );
    golden.credentials("blank and odd files", "    access_key_file: two-lines\n    secret_key_file: blank\n");
    golden.credentials("a secret of two lines", "    access_key: \"hunter2\\n\"\n    secret_key: ''\n");
    golden.credentials("a source that nobody knows", "    source: vault\n");
    golden.credentials("keys of another source", "    source: environment\n    idp_id: x\n");
    golden.case(
        "secrets without their keys",
        &format!("{PROJECT}credentials:\n  ops: {{ AKhunter2, SKhunter2, hunter }}\n"),
        &[],
    );
    golden.case(
        "no space after the colon",
        &format!("{PROJECT}credentials:\n  ops: {{ access_key: AK, secret_key:hunter2 }}\n"),
        &[],
    );
    golden.case("a secret for a mapping", &format!("{PROJECT}credentials:\n  ops: hunter2\n"), &[]);
    golden.case("a secret for a mapping of names", &format!("{PROJECT}credentials: hunter2\n"), &[]);
    golden.matches("credentials");
}

#[test]
fn users_and_agencies_that_cannot_work() {
    let mut golden = Golden::new();
    let keys = "    access_key: AK\n    secret_key: hunter2\n";
    golden.credentials("a user alone", "    username: u\n");
    golden.credentials("a password alone", "    password: hunter2\n    password_file: password\n");
    golden.credentials("a password's file", "    username: u\n    domain_name: d\n    password_file: empty\n");
    golden.credentials("a user with keys", &format!("{keys}    username: u\n"));
    golden.credentials("no agency", &format!("{keys}    assume: {{ domain_name: d }}\n"));
    golden.credentials("an agency without its account", &format!("{keys}    assume: {{ agency_name: a }}\n"));
    golden.credentials(
        "an agency with two accounts",
        &format!("{keys}    assume: {{ agency_name: a, domain_name: d, domain_id: e, session_name: s }}\n"),
    );
    golden.credentials(
        "an agency with two names",
        &format!("{keys}    assume: {{ agency_name: a, agency_urn: u, duration: 10m }}\n"),
    );
    golden.credentials(
        "an agency by its URN with an account",
        &format!("{keys}    assume: {{ agency_urn: u, domain_id: e, duration: 25h }}\n"),
    );
    golden.credentials("an agency alone", "    assume: { agency_name: a, domain_name: d }\n");
    golden.matches("users");
}

#[test]
fn sources_that_cannot_work() {
    let mut golden = Golden::new();
    golden.credentials("keys without their source", "    idp_id: i\n    id_token_file: token\n");
    golden.credentials("an URN without its source", "    agency_urn: a\n");
    golden.credentials("oidc without anything", "    source: oidc\n");
    golden.credentials("oidc with wrong values", "    source: oidc\n    idp_id: a b\n    id_token_file: two-lines\n");
    golden.credentials(
        "keys of every other source",
        "    source: metadata\n    metadata_endpoint: http://169.254.169.254/openstack\n    profile_file: p\n    idp_id: i\n    provider_urn: p\n    credentials_uri: http://h/\n    session_name: s\n",
    );
    golden.credentials("an agency without anything", "    source: oidc_agency\n");
    golden.credentials(
        "an agency with other wrong values",
        "    source: oidc_agency\n    provider_urn: p\n    agency_urn: a\n    id_token_file: missing\n    duration: 1m\n",
    );
    golden.credentials("a pod without anything", "    source: pod_identity\n");
    golden.credentials(
        "a pod with wrong values",
        "    source: pod_identity\n    credentials_uri: http://me:hunter2@127.0.0.1/x\n    authorization_token_file: blank\n",
    );
    golden.credentials("an environment without anything", "    source: environment\n");
    golden.credentials("a profile without a home", "    source: profile\n");
    golden.credentials("a profile that is not there", "    source: profile\n    profile_file: missing\n");
    golden.credentials("a profile that is none", "    source: profile\n    profile_file: sk\n");
    golden.credentials("a chain with keys of its own", "    source: chain\n    profile_file: profile\n");
    golden.matches("sources");
}

#[test]
fn chains_that_are_broken() {
    let mut golden = Golden::new();
    golden.case("half of the keys", CHAIN, &[("HUAWEICLOUD_SDK_SK", "hunter2")]);
    golden.case("half of a federated user", CHAIN, &[("HUAWEICLOUD_SDK_IDP_ID", "i")]);
    golden.case(
        "half of both",
        CHAIN,
        &[("HUAWEICLOUD_SDK_AK", "hunter2"), ("HUAWEICLOUD_SDK_ID_TOKEN_FILE", "/hunter2")],
    );
    golden.case("a token alone", CHAIN, &[("HUAWEICLOUD_SDK_SECURITY_TOKEN", "hunter2")]);
    golden.case(
        "a federated user without the file",
        CHAIN,
        &[("HUAWEICLOUD_SDK_IDP_ID", "i"), ("HUAWEICLOUD_SDK_ID_TOKEN_FILE", "/missing/token")],
    );
    golden.case(
        "a part of an agency, and complete keys after it",
        CHAIN,
        &[("HUAWEICLOUD_OIDC_PROVIDER_URN", "p"), ("HUAWEICLOUD_SDK_AK", "AK"), ("HUAWEICLOUD_SDK_SK", "hunter2")],
    );
    golden.case(
        "an agency with wrong values",
        CHAIN,
        &[
            ("HUAWEICLOUD_OIDC_PROVIDER_URN", "p"),
            ("HUAWEICLOUD_OIDC_AGENCY_URN", "a"),
            ("HUAWEICLOUD_OIDC_ID_TOKEN", "hunter2 hunter2"),
            ("HUAWEICLOUD_OIDC_DURATION_SECONDS", "1h"),
        ],
    );
    golden.case("a profile that is named and not there", CHAIN, &[("HUAWEICLOUD_SDK_CREDENTIALS_FILE", "/missing/it")]);
    golden.case("half of a pod's identity", CHAIN, &[("HC_CONTAINER_CREDENTIALS_FULL_URI", "http://127.0.0.1/x")]);
    golden.case(
        "two projects and an entry ask, and it is told once",
        "projects:\n  - { name: a, region: eu-de, project_id: p }\n  - { name: b, region: eu-nl, project_id: p }\n  - { name: c, region: eu-nl, project_id: q, credentials: own }\ncredentials: { own: { source: chain } }\n",
        &[("HUAWEICLOUD_SDK_AK", "AK")],
    );
    golden.matches("chains");
}
