//! Wrong set-ups, as people make them: each is told in one clear sentence, which the snapshot shows.
//!
//! `check` is what one runs when something does not work, so that is what is run. The texts are for a reader: they
//! are read, not only compared.

use std::fmt::Write as _;
use std::net::SocketAddr;

use dcs_backup_exporter::simulator::{
    ACCESS_KEY, AGENCY_URN, Call, DOMAIN_NAME, Handle, IDP_ID, LoginRefusal, MetadataMode, Options, PASSWORD,
    POD_TOKEN, PROJECT_ID, PROJECT_NAME, PROVIDER_URN, ProjectNames, SECRET_KEY, SECURITY_TOKEN, TEMPORARY_ACCESS_KEY,
    TEMPORARY_SECRET_KEY, USERNAME,
};
use jiff::SignedDuration;

use crate::harness::{Directory, binary, cloud};
use crate::servers;

/// One wrong set-up.
struct Setup<'a> {
    name: &'a str,
    /// Of the project, beyond its name.
    project: String,
    /// The entry `ops`.
    credentials: String,
    environment: Vec<(&'a str, String)>,
}

impl<'a> Setup<'a> {
    fn new(name: &'a str, project: impl Into<String>, credentials: impl Into<String>) -> Self {
        Self { name, project: project.into(), credentials: credentials.into(), environment: Vec::new() }
    }

    fn with(mut self, variable: &'a str, value: impl Into<String>) -> Self {
        self.environment.push((variable, value.into()));
        self
    }
}

/// Everything that differs from run to run, named.
struct Scene {
    cloud: Handle,
    directory: Directory,
    names: Vec<(String, &'static str)>,
    text: String,
    count: usize,
}

impl Scene {
    async fn new() -> Self {
        let directory = Directory::new();
        let names = vec![(directory.0.display().to_string(), "DIRECTORY")];
        let mut scene =
            Self { cloud: cloud(Options::default()).await, directory, names, text: String::new(), count: 0 };
        scene.reset().await;
        scene
    }

    /// A cloud that remembers no wrong key, with one instance.
    async fn reset(&mut self) {
        self.cloud = cloud(Options { instances: 1, ..Options::default() }).await;
        self.names.push((self.cloud.addr().to_string(), "CLOUD"));
    }

    fn named(&mut self, address: SocketAddr, name: &'static str) -> SocketAddr {
        self.names.push((address.to_string(), name));
        address
    }

    /// The project's part of a set-up in which nothing is wrong.
    fn project(&self) -> String {
        format!("project_id: {PROJECT_ID}, endpoint: http://{}, credentials: ops", self.cloud.addr())
    }

    /// The same with IAM and STS, the id being looked up by this name.
    fn by_name(&self, name: &str) -> String {
        let cloud = self.cloud.addr();
        format!("project_name: {name}, {}", self.project().replacen(&format!("project_id: {PROJECT_ID}, "), "", 1))
            + &format!(", iam_endpoint: http://{cloud}, sts_endpoint: http://{cloud}")
    }

    /// Runs `check` with this set-up and adds what it says to the text.
    async fn tell(&mut self, setup: Setup<'_>) {
        let Setup { name, project, credentials, environment } = setup;
        let mut configuration = format!("projects:\n- {{ name: prod, {project} }}\n");
        if !credentials.is_empty() {
            let _ = writeln!(configuration, "credentials:\n  ops: {{ {credentials} }}");
        }
        configuration.push_str("polling: { request_timeout: 1s }\n");
        let file = self.directory.file("config.yml", &configuration);
        let mut command = binary();
        command.arg("check").arg("--config.file").arg(file).args(["--log.level", "error"]);
        command.env("HOME", &self.directory.0).envs(environment);
        let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
        let code = output.status.code().unwrap();
        assert_ne!(code, 0, "{name}: a wrong set-up is told: {output:?}");
        let mut said = String::from_utf8([output.stderr, output.stdout].concat()).unwrap();
        for secret in [SECRET_KEY, TEMPORARY_SECRET_KEY, SECURITY_TOKEN, PASSWORD, POD_TOKEN, "hunter2"] {
            assert!(!said.contains(secret), "{name}: a secret came out: {said}");
        }
        for (text, name) in &self.names {
            said = said.replace(text, name);
        }
        self.count += 1;
        let _ = writeln!(self.text, "## {name}: exit code {code}\n{}\n", settled(&said));
        self.reset().await;
    }
}

/// Without what differs from run to run: ids of requests, and the last digits of a difference of clocks.
fn settled(text: &str) -> String {
    let mut rest = text.trim_end();
    let mut kept = String::new();
    while let Some(start) = rest.find("request ") {
        let (before, after) = rest.split_at(start + "request ".len());
        let end = after.find(|c: char| !c.is_ascii_hexdigit()).unwrap_or(after.len());
        kept += before;
        kept += if end >= 16 { "ID" } else { &after[..end] };
        rest = &after[end..];
    }
    kept += rest;
    ["1018 s", "1019 s", "1020 s", "1021 s"].iter().fold(kept, |text, seconds| text.replace(seconds, "1020 s"))
}

const KEYS: &str = "access_key: SIMULATEDACCESSKEY01, secret_key: simulated-secret-key-of-no-real-user-001";

#[tokio::test(flavor = "multi_thread")]
async fn wrong_before_anything_is_sent() {
    assert_eq!(KEYS, format!("access_key: {ACCESS_KEY}, secret_key: {SECRET_KEY}"));
    let mut scene = Scene::new().await;
    let id = format!("project_id: {PROJECT_ID}");
    let here = |rest: &str| format!("{id}, endpoint: https://dcs.example.com, credentials: ops{rest}");
    scene.directory.file("empty", "");
    scene.directory.file("two", "two words");
    scene.directory.file("token", "hunter2");
    scene.directory.file("half", "[basic]\nak = AK\n");
    for setup in [
        Setup::new(
            "an endpoint with a path",
            format!("{id}, endpoint: https://dcs.example.com/v2, credentials: ops"),
            KEYS,
        ),
        Setup::new("an endpoint without https://", format!("{id}, endpoint: dcs.example.com, credentials: ops"), KEYS),
        Setup::new("a region that is none", format!("{id}, region: moon-base, credentials: ops"), KEYS),
        Setup::new("a region misspelt", format!("{id}, region: cn-nort-4, credentials: ops"), KEYS),
        Setup::new(
            "a region whose endpoint is not certain",
            format!("{id}, region: eu-west-101, credentials: ops"),
            KEYS,
        ),
        Setup::new("credentials of another name", here("").replace("ops", "opps"), KEYS),
        Setup::new("two kinds of credentials", here(""), format!("{KEYS}, username: me")),
        Setup::new("a key's file that is missing", here(""), "access_key_file: missing, secret_key_file: token"),
        Setup::new("a key's file that is empty", here(""), "access_key_file: empty, secret_key_file: token"),
        Setup::new("an access key with a blank", here(""), "access_key_file: two, secret_key_file: token"),
        Setup::new("an access key alone in the environment", format!("{id}, region: eu-de"), "")
            .with("HUAWEICLOUD_SDK_AK", "AK"),
        Setup::new("a profile that is missing", here(""), "source: profile"),
        Setup::new("a profile without its secret", here(""), "source: profile, profile_file: half"),
        Setup::new(
            "a password without its account",
            here(", iam_endpoint: https://iam.example.com"),
            "username: me, password: hunter2",
        ),
        Setup::new(
            "a password for a private cloud without IAM",
            here(""),
            "username: me, password: hunter2, domain_name: us",
        ),
        Setup::new(
            "an agency without its account",
            here(", iam_endpoint: https://iam.example.com"),
            format!("{KEYS}, assume: {{ agency_name: a }}"),
        ),
        Setup::new(
            "an agency for too long",
            here(", iam_endpoint: https://iam.example.com"),
            format!("{KEYS}, assume: {{ agency_name: a, domain_name: us, duration: 7d }}"),
        ),
        Setup::new("a file of authorities that holds none", here(", ca_file: token"), KEYS),
        Setup::new("a proxy of a kind that is not spoken", here(", proxy: socks5://me:hunter2@proxy"), KEYS),
        Setup::new("a proxy's variable of such a kind", here(""), KEYS)
            .with("HTTPS_PROXY", "socks5://me:hunter2@proxy"),
        Setup::new("neither id nor name nor region", "endpoint: https://dcs.example.com, credentials: ops", KEYS),
    ] {
        scene.tell(setup).await;
    }
    assert_eq!(scene.count, 21);
    insta::assert_snapshot!("setups_before", scene.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_ways() {
    let mut scene = Scene::new().await;
    let to = |url: String, rest: &str| format!("project_id: {PROJECT_ID}, endpoint: {url}, credentials: ops{rest}");

    let nobody = scene.named(servers::nobody().await, "NOBODY");
    scene.tell(Setup::new("nobody listens there", to(format!("http://{nobody}"), ""), KEYS)).await;
    scene.tell(Setup::new("a name that does not exist", to("https://dcs.invalid".to_owned(), ""), KEYS)).await;
    let silence = scene.named(servers::silence().await, "SILENCE");
    scene.tell(Setup::new("somebody who says nothing", to(format!("http://{silence}"), ""), KEYS)).await;
    let https = to(format!("https://{}", scene.cloud.addr()), "");
    scene.tell(Setup::new("https instead of http", https, KEYS)).await;

    let (tls, authority) = servers::tls(scene.cloud.addr(), "127.0.0.1").await;
    scene.named(tls, "TLS");
    scene.directory.file("ca.pem", &authority);
    scene.tell(Setup::new("http instead of https", to(format!("http://{tls}"), ""), KEYS)).await;
    scene.tell(Setup::new("an authority that nobody knows", to(format!("https://{tls}"), ""), KEYS)).await;
    let (other, authority) = servers::tls(scene.cloud.addr(), "dcs.example.com").await;
    scene.named(other, "OTHER");
    scene.directory.file("other.pem", &authority);
    scene
        .tell(Setup::new(
            "a certificate for another name",
            to(format!("https://{other}"), ", ca_file: other.pem"),
            KEYS,
        ))
        .await;
    scene
        .tell(Setup::new("another authority's file", to(format!("https://{tls}"), ", ca_file: other.pem"), KEYS))
        .await;

    let proxied =
        |proxy: SocketAddr| to("https://dcs.example.com".to_owned(), &format!(", proxy: http://me:hunter2@{proxy}"));
    scene.tell(Setup::new("a proxy that is not there", proxied(nobody), KEYS)).await;
    let proxy = servers::page("HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n").await;
    scene.named(proxy, "PROXY");
    scene.tell(Setup::new("a proxy that wants another password", proxied(proxy), KEYS)).await;
    let plain = to("http://dcs.example.com".to_owned(), &format!(", proxy: http://{proxy}"));
    scene.tell(Setup::new("the same without TLS", plain, KEYS)).await;

    let console = servers::page(
        "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 45\r\n\r\n<!DOCTYPE html><html><body>Login</body></html",
    )
    .await;
    scene.named(console, "CONSOLE");
    scene.tell(Setup::new("a page for people", to(format!("http://{console}"), ""), KEYS)).await;
    let moved = servers::page(
        "HTTP/1.1 301 Moved Permanently\r\nlocation: https://www.example.com/\r\ncontent-length: 0\r\n\r\n",
    )
    .await;
    scene.named(moved, "MOVED");
    scene.tell(Setup::new("a redirect", to(format!("http://{moved}"), ""), KEYS)).await;
    let other = servers::page(
        "HTTP/1.1 404 Not Found\r\ncontent-type: application/json\r\ncontent-length: 126\r\n\r\n{\"error_msg\":\"The API does not exist or has not been published in the environment\",\"error_code\":\"APIGW.0101\",\"request_id\":\"1\"}",
    )
    .await;
    scene.named(other, "GATEWAY");
    scene.tell(Setup::new("another service's endpoint", to(format!("http://{other}"), ""), KEYS)).await;
    assert_eq!(scene.count, 14);
    insta::assert_snapshot!("setups_ways", scene.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_keys_and_rights() {
    let mut scene = Scene::new().await;
    let ops = |access_key: &str, secret: &str| format!("access_key: {access_key}, secret_key: {secret}");
    scene.tell(Setup::new("a wrong secret", scene.project(), ops(ACCESS_KEY, "hunter2"))).await;
    scene.tell(Setup::new("an access key that does not exist", scene.project(), ops("AKOFNOBODY", "hunter2"))).await;
    let temporary = ops(TEMPORARY_ACCESS_KEY, TEMPORARY_SECRET_KEY);
    scene.tell(Setup::new("temporary keys without their token", scene.project(), temporary)).await;
    let unknown = scene.project().replace(PROJECT_ID, "0123456789abcdef0123456789abcdef");
    scene.tell(Setup::new("another account's project", unknown, KEYS)).await;
    scene.cloud.set_clock_skew(SignedDuration::from_mins(17));
    scene.tell(Setup::new("a clock that is 17 minutes behind", scene.project(), KEYS)).await;
    scene.cloud.set_clock_skew(SignedDuration::from_mins(-17));
    scene.tell(Setup::new("a clock that is 17 minutes ahead", scene.project(), KEYS)).await;
    scene.cloud.forbid([Call::Instances]);
    scene.tell(Setup::new("a user who may not list instances", scene.project(), KEYS)).await;
    scene.cloud.forbid([Call::Instance, Call::Backups, Call::Restores]);
    scene.tell(Setup::new("a user who may list instances and nothing else", scene.project(), KEYS)).await;
    let by_hand = format!("{}, instances: [{{ id: no-such-instance }}]", scene.project());
    scene.tell(Setup::new("an instance that does not exist", by_hand, KEYS)).await;
    scene.tell(Setup::new("a project's name that does not exist", scene.by_name("eu-sim-9"), KEYS)).await;
    scene.cloud.set_project_names(ProjectNames::Twice);
    scene.tell(Setup::new("a project's name that two have", scene.by_name(PROJECT_NAME), KEYS)).await;
    scene.cloud.forbid([Call::Projects]);
    scene.tell(Setup::new("a user who may not look projects up", scene.by_name(PROJECT_NAME), KEYS)).await;
    assert_eq!(scene.count, 12);
    insta::assert_snapshot!("setups_rights", scene.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_logins() {
    let mut scene = Scene::new().await;
    let password = |user: &str, password: &str, domain: &str| {
        format!("username: {user}, password: {password}, domain_name: {domain}")
    };
    let good = password(USERNAME, PASSWORD, DOMAIN_NAME);
    scene
        .tell(Setup::new("a wrong password", scene.by_name(PROJECT_NAME), password(USERNAME, "hunter2", DOMAIN_NAME)))
        .await;
    scene
        .tell(Setup::new("another account's user", scene.by_name(PROJECT_NAME), password(USERNAME, PASSWORD, "others")))
        .await;
    scene.tell(Setup::new("a project that the user has not", scene.by_name("eu-sim-9"), good.clone())).await;
    scene.cloud.forbid([Call::Instances]);
    scene.tell(Setup::new("a token's user without rights", scene.by_name(PROJECT_NAME), good.clone())).await;
    let nobody = scene.named(servers::nobody().await, "NOBODY");
    let cloud = scene.cloud.addr().to_string();
    let elsewhere = scene
        .by_name(PROJECT_NAME)
        .replace(&format!("iam_endpoint: http://{cloud}"), &format!("iam_endpoint: http://{nobody}"));
    scene.tell(Setup::new("an IAM that is not there", elsewhere, good.clone())).await;
    scene.cloud.refuse_logins(LoginRefusal::Unavailable);
    scene.tell(Setup::new("an IAM that cannot answer", scene.by_name(PROJECT_NAME), good)).await;

    let metadata = |cloud: &Handle| format!("source: metadata, metadata_endpoint: http://{}", cloud.addr());
    scene.cloud.set_metadata(MetadataMode::NoAgency);
    scene.tell(Setup::new("an ECS without an agency", scene.project(), metadata(&scene.cloud))).await;
    scene.cloud.set_metadata(MetadataMode::Absent);
    scene.tell(Setup::new("no metadata service", scene.project(), metadata(&scene.cloud))).await;

    scene.directory.file("id-token", "hunter2");
    let oidc = format!("source: oidc, idp_id: {IDP_ID}, id_token_file: id-token");
    scene.tell(Setup::new("an id token that is not good", scene.by_name(PROJECT_NAME), oidc)).await;
    let agency = format!(
        "source: oidc_agency, provider_urn: {PROVIDER_URN:?}, agency_urn: {AGENCY_URN:?}, id_token_file: id-token"
    );
    scene.tell(Setup::new("an id token that an agency does not trust", scene.by_name(PROJECT_NAME), agency)).await;
    scene.directory.file("pod-token", "hunter2");
    let pod = |cloud: &Handle| {
        format!(
            "source: pod_identity, credentials_uri: http://{}/pod-identity/credentials, authorization_token_file: pod-token",
            cloud.addr()
        )
    };
    scene.tell(Setup::new("a pod's token that is not good", scene.project(), pod(&scene.cloud))).await;
    let assume = format!("{KEYS}, assume: {{ agency_name: no-such-agency, domain_name: {DOMAIN_NAME} }}");
    scene.tell(Setup::new("an agency that does not exist", scene.by_name(PROJECT_NAME), assume)).await;
    scene.cloud.forbid([Call::SecurityTokens]);
    let assume = format!("{KEYS}, assume: {{ agency_name: simulated-agency, domain_name: {DOMAIN_NAME} }}");
    scene.tell(Setup::new("an agency that does not trust us", scene.by_name(PROJECT_NAME), assume)).await;
    let assume = format!("{KEYS}, assume: {{ agency_urn: \"iam::1:agency:none\" }}");
    scene.tell(Setup::new("an agency's URN that does not exist", scene.by_name(PROJECT_NAME), assume)).await;
    assert_eq!(scene.count, 14);
    insta::assert_snapshot!("setups_logins", scene.text);
}
