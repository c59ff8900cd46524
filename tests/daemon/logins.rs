//! Every way to log in, alone: facts appear, an early end is not noticed, an outage is told and overcome.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::time::Duration;

use dcs_backup_exporter::simulator::{
    ACCESS_KEY, AGENCY_NAME, AGENCY_URN, DOMAIN_ID, DOMAIN_NAME, Handle, ID_TOKEN, IDP_ID, LoginRefusal, MetadataMode,
    Options, PASSWORD, POD_TOKEN, PROJECT_ID, PROJECT_NAME, PROVIDER_URN, SECRET_KEY, SECURITY_TOKEN, USERNAME,
};
use tokio::task::JoinSet;

use crate::harness::{Daemon, Directory, Series, cloud};

const SECRETS: [&str; 5] = [SECRET_KEY, SECURITY_TOKEN, PASSWORD, ID_TOKEN, POD_TOKEN];

/// A way to log in.
struct Way {
    name: &'static str,
    /// The entry `ops`; without one the project names none.
    entry: Option<String>,
    variables: Vec<(&'static str, String)>,
    /// Files beside the configuration.
    files: Vec<(&'static str, String)>,
    metadata: MetadataMode,
}

impl Way {
    fn new(name: &'static str, entry: impl Into<String>) -> Self {
        let entry = Some(entry.into());
        Self { name, entry, variables: Vec::new(), files: Vec::new(), metadata: MetadataMode::Version2 }
    }

    fn of_variables(name: &'static str, variables: impl Into<Vec<(&'static str, String)>>) -> Self {
        Self { entry: None, variables: variables.into(), ..Self::new(name, "") }
    }

    fn file(mut self, name: &'static str, text: impl Into<String>) -> Self {
        self.files.push((name, text.into()));
        self
    }

    /// The daemon on this cloud with nothing but this way; the project is looked up by its name.
    async fn start(&self, cloud: &Handle) -> Daemon {
        let address = cloud.addr();
        let named = if self.entry.is_some() { "\n  credentials: ops" } else { "" };
        let mut configuration = format!(
            "projects:\n- name: prod\n  project_name: {PROJECT_NAME}\n  endpoint: http://{address}\n  \
             iam_endpoint: http://{address}\n  sts_endpoint: http://{address}{named}\n  \
             discovery: {{ enabled: true, interval: 500ms }}\n  \
             limits: {{ requests_per_second: 500, burst: 500, concurrency: 8 }}\n\
             polling: {{ idle_interval: 300ms, window_interval: 300ms, active_interval: 300ms, policy_interval: 1s, request_timeout: 5s }}\n"
        );
        if let Some(entry) = &self.entry {
            let entry = entry.replace("CLOUD", &address.to_string());
            let _ = writeln!(configuration, "credentials: {{ ops: {{ {entry} }} }}");
        }
        let directory = Directory::new();
        for (name, text) in &self.files {
            directory.file(name, text);
        }
        let place = directory.0.display().to_string();
        let variables: Vec<(&str, String)> = self
            .variables
            .iter()
            .map(|(name, value)| (*name, value.replace("CLOUD", &address.to_string()).replace("DIRECTORY", &place)))
            .collect();
        cloud.set_metadata(self.metadata);
        Daemon::start_in(directory, &configuration, &variables).await
    }
}

/// All of them that obtain a token or temporary keys.
fn ways() -> Vec<Way> {
    let keys = format!("access_key: {ACCESS_KEY}, secret_key: {SECRET_KEY}");
    let password = format!("username: {USERNAME}, password: {PASSWORD}, domain_name: {DOMAIN_NAME}");
    let named = format!("assume: {{ agency_name: {AGENCY_NAME}, domain_name: {DOMAIN_NAME} }}");
    let by_id = format!("assume: {{ agency_name: {AGENCY_NAME}, domain_id: {DOMAIN_ID}, duration: 15m }}");
    let by_urn = format!("assume: {{ agency_urn: {AGENCY_URN:?} }}");
    let metadata = "source: metadata, metadata_endpoint: \"http://CLOUD\"";
    let mut version_1 = Way::new("metadata, version 1", metadata);
    version_1.metadata = MetadataMode::Version1;
    vec![
        Way::new("password", password.clone()),
        Way::new("password in a file", format!("username: {USERNAME}, password_file: pw, domain_name: {DOMAIN_NAME}"))
            .file("pw", format!("{PASSWORD}\n")),
        Way::new("metadata", metadata),
        version_1,
        Way::new("oidc", format!("source: oidc, idp_id: {IDP_ID}, id_token_file: token")).file("token", ID_TOKEN),
        Way::new(
            "oidc agency",
            format!("source: oidc_agency, provider_urn: {PROVIDER_URN:?}, agency_urn: {AGENCY_URN:?}, id_token_file: token"),
        )
        .file("token", ID_TOKEN),
        Way::new(
            "pod identity",
            "source: pod_identity, credentials_uri: \"http://CLOUD/pod-identity/credentials\", authorization_token_file: token",
        )
        .file("token", POD_TOKEN),
        Way::new("profile of an identity provider", "source: profile, profile_file: profile")
            .file("profile", format!("[basic]\nidp_id = {IDP_ID}\nid_token_file = TOKEN\n")),
        Way::of_variables(
            "identity provider in the environment",
            [("HUAWEICLOUD_SDK_IDP_ID", IDP_ID.to_owned()), ("HUAWEICLOUD_SDK_ID_TOKEN_FILE", "DIRECTORY/token".to_owned())],
        )
        .file("token", ID_TOKEN),
        Way::of_variables(
            "oidc agency in the environment",
            [
                ("HUAWEICLOUD_OIDC_PROVIDER_URN", PROVIDER_URN.to_owned()),
                ("HUAWEICLOUD_OIDC_AGENCY_URN", AGENCY_URN.to_owned()),
                ("HUAWEICLOUD_OIDC_ID_TOKEN", ID_TOKEN.to_owned()),
            ],
        ),
        Way::new("agency by its name, with keys", format!("{keys}, {named}")),
        Way::new("agency by its account's id, with a password", format!("{password}, {by_id}")),
        Way::new("agency by its URN, with keys", format!("{keys}, {by_urn}")),
        Way::new("agency by its URN, with a password", format!("{password}, {by_urn}")),
        Way::new("agency by its URN, with metadata", format!("{metadata}, {by_urn}")),
        Way::new("agency by its name, with oidc", format!("source: oidc, idp_id: {IDP_ID}, id_token_file: token, {named}"))
            .file("token", ID_TOKEN),
    ]
}

fn all_is_well(series: &Series, instances: usize) -> bool {
    series.is(&["dcs_poll_success{"], 3.0 * instances as f64) && series.is(&["dcs_project_up{"], 1.0)
}

fn failures(series: &Series, reason: &str) -> f64 {
    series.sum(&["dcs_exporter_poll_failures_total{", &format!("reason=\"{reason}\"")]).unwrap_or(0.0)
}

/// Waits until every instance was polled anew.
async fn polled_anew(daemon: &Daemon, instances: usize) {
    let count = |series: &Series| {
        series.sum(&["dcs_exporter_api_requests_total{", "operation=\"backups\"", "code=\"200\""]).unwrap_or(0.0)
            + series.sum(&["dcs_exporter_api_requests_total{", "operation=\"backups\"", "code=\"204\""]).unwrap_or(0.0)
    };
    let before = count(&daemon.scrape().await);
    let enough = before + 3.0 * instances as f64;
    daemon.scrape_until("everything was polled anew", |series| count(series) >= enough).await;
}

async fn works_and_recovers(way: Way) {
    let cloud = cloud(Options { instances: 3, ..Options::default() }).await;
    let instances = cloud.instances(PROJECT_ID).len();
    let mut way = way;
    if let Some((_, profile)) = way.files.iter_mut().find(|(name, _)| *name == "profile") {
        let token = Directory::new();
        *profile = profile.replace("TOKEN", &token.file("token", ID_TOKEN).display().to_string());
        std::mem::forget(token); // as long as the test
    }
    let daemon = way.start(&cloud).await;
    let what = |step: &str| format!("{}: {step}", way.name);

    let series = daemon.scrape_until(&what("facts appear"), |series| all_is_well(series, instances)).await;
    assert!(series.sum(&["dcs_backup_records{"]).is_some_and(|records| records > 0.0));
    assert!(series.is(&["dcs_project_info{", PROJECT_ID], 1.0), "{}", series.lines(&["dcs_project_info"]));
    let ends = series.sum(&["dcs_exporter_credentials_expiry_timestamp_seconds{"]).unwrap();
    let now = jiff::Timestamp::now().as_second() as f64;
    assert!((800.0..100_000.0).contains(&(ends - now)), "{}: ends in {} s", way.name, ends - now);
    let logins = cloud.tally().all_logins();
    polled_anew(&daemon, instances).await;
    assert_eq!(cloud.tally().all_logins(), logins, "{}: one login for everything", way.name);

    // Revoked: everything is asked once more with a new grant, and no poll fails.
    cloud.revoke_grants();
    polled_anew(&daemon, instances).await;
    assert!(cloud.tally().all_logins() > logins, "{}: logged in anew", way.name);
    let series = daemon.scrape().await;
    assert!(
        all_is_well(&series, instances) && failures(&series, "unauthorized") == 0.0,
        "{}: {}",
        way.name,
        series.text()
    );

    // Short-lived ones are renewed before their end, again and again.
    cloud.set_validity(Duration::from_secs(4));
    cloud.revoke_grants();
    let mut ends = BTreeSet::new();
    while ends.len() < 4 {
        polled_anew(&daemon, instances).await;
        let series = daemon.scrape().await;
        assert!(failures(&series, "unauthorized") < 1.0, "{}: {}", way.name, series.lines(&["poll_failures"]));
        let end = series.sum(&["dcs_exporter_credentials_expiry_timestamp_seconds{"]).unwrap();
        ends.insert(end.to_bits());
    }

    // An outage of whoever issues them: told by its reason, facts kept, overcome by itself.
    cloud.refuse_logins(LoginRefusal::Unavailable);
    cloud.revoke_grants();
    let series = daemon
        .scrape_until(&what("the outage shows"), |series| {
            series.is(&["dcs_project_up{"], 0.0) && failures(series, "unavailable") > 0.0
        })
        .await;
    assert!(series.sum(&["dcs_backup_records{"]).is_some_and(|records| records > 0.0), "{}: facts are kept", way.name);
    cloud.set_validity(None);
    cloud.refuse_logins(None);
    daemon.scrape_until(&what("all is well again"), |series| all_is_well(series, instances)).await;

    // Refused: the right reason.
    cloud.refuse_logins(LoginRefusal::Forbidden);
    cloud.revoke_grants();
    daemon
        .scrape_until(&what("the refusal shows"), |series| {
            series.is(&["dcs_project_up{"], 0.0) && failures(series, "forbidden") > 0.0
        })
        .await;
    let attempts = cloud.tally().all_logins();
    let secrets: Vec<&str> = SECRETS.to_vec();
    daemon.assert_no_secret(&secrets).await;
    assert!(cloud.tally().all_logins() <= attempts + 1, "{}: a refused login is not repeated at once", way.name);
    assert!(daemon.stop().await.0.success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_way_to_log_in_works_alone_and_recovers() {
    let ways = ways();
    let expected = ways.len();
    let mut running = JoinSet::new();
    for way in ways {
        running.spawn(works_and_recovers(way));
    }
    let mut passed = 0;
    while let Some(result) = running.join_next().await {
        result.unwrap();
        passed += 1;
    }
    assert_eq!((passed, expected), (16, 16));
}

/// Puts these keys where the daemon reads them.
type Put = fn(&Directory, u32, &str, &str);

/// As the official SDK's profile.
fn put_profile(directory: &Directory, _: u32, access_key: &str, secret: &str) {
    let text = format!("[basic]\nak = {access_key}\nsk = {secret}\n");
    directory.file("profile.new", &text);
    std::fs::rename(directory.0.join("profile.new"), directory.0.join("profile")).unwrap();
}

/// As Kubernetes mounts a secret: files are links into a directory that is a link itself, and that one is swapped.
fn put_mounted(directory: &Directory, version: u32, access_key: &str, secret: &str) {
    let folder = directory.0.join(format!("..v{version}"));
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("ak"), access_key).unwrap();
    std::fs::write(folder.join("sk"), secret).unwrap();
    let link = directory.0.join("..data_tmp");
    std::os::unix::fs::symlink(&folder, &link).unwrap();
    std::fs::rename(&link, directory.0.join("..data")).unwrap();
    for name in ["ak", "sk"] {
        let _ = std::os::unix::fs::symlink(format!("..data/{name}"), directory.0.join(name));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_that_are_replaced_are_tried_at_once() {
    let ways: [(Put, &str); 2] = [
        (put_profile, "source: profile, profile_file: profile"),
        (put_mounted, "access_key_file: ak, secret_key_file: sk"),
    ];
    for (put, entry) in ways {
        let cloud = cloud(Options { instances: 2, ..Options::default() }).await;
        let configuration = crate::harness::configuration(&cloud, "");
        let (before, after) = configuration.split_once("credentials: {").unwrap();
        let rest = after.split_once('\n').unwrap().1;
        let configuration = format!("{before}credentials: {{ ops: {{ {entry} }} }}\n{rest}");
        let directory = Directory::new();
        put(&directory, 1, ACCESS_KEY, SECRET_KEY);
        let daemon = Daemon::start_in(directory, &configuration, &[]).await;
        daemon.scrape_until("facts appear", |series| all_is_well(series, 2)).await;
        put(&daemon.directory, 2, ACCESS_KEY, "another-secret");
        daemon
            .scrape_until("the wrong key shows", |series| {
                series.is(&["dcs_project_up{"], 0.0) && failures(series, "unauthorized") > 0.0
            })
            .await;
        let refused = cloud.tally().signature_failures;
        put(&daemon.directory, 3, ACCESS_KEY, SECRET_KEY);
        daemon.scrape_until("the right one is tried at once", |series| all_is_well(series, 2)).await;
        assert!(cloud.tally().signature_failures <= refused + 1, "a wrong key is used once, not by every poll");
        daemon.assert_no_secret(&["another-secret", SECRET_KEY]).await;
    }
}
