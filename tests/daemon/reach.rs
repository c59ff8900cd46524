//! How the cloud is reached: IPv6, a private authority, and the proxies of the environment.

use dcs_backup_exporter::simulator::{
    ACCESS_KEY, DOMAIN_NAME, Handle, MetadataMode, Options, PASSWORD, PROJECT_ID, PROJECT_NAME, SECRET_KEY, USERNAME,
};

use crate::harness::{Daemon, Directory, cloud, configuration};
use crate::servers;

/// Hosts that no name server knows: only a proxy can reach them.
const ELSEWHERE: &str = "http://dcs.cloud.invalid";

async fn facts_appear(daemon: &Daemon, cloud: &Handle) {
    let expected = 3.0 * cloud.instances(PROJECT_ID).len() as f64;
    daemon.scrape_until("facts appear", |series| series.is(&["dcs_poll_success{"], expected)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn over_ipv6() {
    let cloud = cloud(Options { listen: "[::1]:0".parse().unwrap(), ..Options::default() }).await;
    let daemon = Daemon::start(&configuration(&cloud, "")).await;
    facts_appear(&daemon, &cloud).await;
    let endpoint = format!("endpoint=\"http://{}\"", cloud.addr());
    assert!(daemon.scrape().await.is(&["dcs_project_info{", &endpoint], 1.0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_private_authority_is_trusted_for_logins_too() {
    let cloud = cloud(Options::default()).await;
    let (tls, authority) = servers::tls(cloud.addr(), "127.0.0.1").await;
    let directory = Directory::new();
    directory.file("ca.pem", &authority);
    let text = configuration(&cloud, "")
        .replace(&format!("project_id: {PROJECT_ID}"), &format!("project_name: {PROJECT_NAME}"))
        .replace(
            &format!("endpoint: http://{}", cloud.addr()),
            &format!("endpoint: https://{tls}\n  iam_endpoint: https://{tls}\n  ca_file: ca.pem"),
        )
        .replace(
            &format!("access_key: {ACCESS_KEY}, secret_key: {SECRET_KEY}"),
            &format!("username: {USERNAME}, password: {PASSWORD}, domain_name: {DOMAIN_NAME}"),
        );
    let daemon = Daemon::start_in(directory, &text, &[]).await;
    facts_appear(&daemon, &cloud).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn proxies_of_the_environment_are_used_but_never_for_the_metadata_service() {
    // A simulated cloud answers whatever host it is asked for: it is its own proxy.
    let cloud = cloud(Options::default()).await;
    let proxy = format!("http://{}", cloud.addr());
    let metadata = crate::harness::cloud(Options::default()).await;
    metadata.set_metadata(MetadataMode::Absent);
    let text = configuration(&cloud, "")
        .replace(&format!("project_id: {PROJECT_ID}"), &format!("project_name: {PROJECT_NAME}"))
        .replace(&format!("endpoint: {proxy}"), &format!("endpoint: {ELSEWHERE}\n  iam_endpoint: {ELSEWHERE}"));
    let daemon = Daemon::start_in(Directory::new(), &text, &[("HTTP_PROXY", proxy.clone())]).await;
    facts_appear(&daemon, &cloud).await;
    assert!(cloud.tally().newest.iter().any(|seen| seen.target.contains("/v3/projects")), "the look-up too");

    let except = [("http_proxy", proxy.clone()), ("NO_PROXY", ".cloud.invalid".to_owned())];
    let daemon = Daemon::start_in(Directory::new(), &text, &except).await;
    daemon.log_line("cannot be resolved").await;

    let keys = format!("access_key: {ACCESS_KEY}, secret_key: {SECRET_KEY}");
    let asked = text.replace(&keys, &format!("source: metadata, metadata_endpoint: \"http://{}\"", metadata.addr()));
    let through = asked.replace("  iam_endpoint", &format!("  proxy: {proxy}\n  iam_endpoint"));
    for (text, variables) in [(&asked, vec![("ALL_PROXY", proxy.clone())]), (&through, Vec::new())] {
        let before = metadata.tally().all_logins();
        let daemon = Daemon::start_in(Directory::new(), text, &variables).await;
        daemon.log_line("the metadata service").await;
        assert!(metadata.tally().all_logins() > before, "asked directly");
    }
}
