//! What somebody needs who starts a simulated cloud: texts for people, and a configuration that polls it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;
use url::Url;

use super::{
    ACCESS_KEY, DOMAIN_NAME, Options, PASSWORD, PROJECT_ID, PROJECT_NAME, SECOND_PROJECT_ID, SECRET_KEY, USERNAME,
};
use crate::config::{
    ApiVersion, CloudProject, Config, CredentialsConfig, Discovery, KeySource, Limits, Polling, ProjectConfig, Proxies,
    Source, TextSource,
};
use crate::domain::plan::UtcOffset;
use crate::domain::selection::Filter;
use crate::domain::shard::Shard;
use crate::domain::{ProjectId, ProjectName};

/// What `simulate` prints at its start; `addr` is where it listens.
pub fn banner(options: &Options, addr: SocketAddr) -> String {
    let faults: Vec<String> = options.faults.iter().map(ToString::to_string).collect();
    let faults = if faults.is_empty() { "none".to_owned() } else { faults.join(", ") };
    let (configuration, with_password) = (configuration(addr), password_configuration(addr));
    let Options { instances, seed, speed, .. } = options;
    format!(
        "A simulated DCS cloud listens on http://{addr}. Nothing leaves this machine; every key below is fake.\n\
         \n\
         \x20 instances    {instances} (seed {seed}), backups and restores {speed} times faster than in a real cloud\n\
         \x20 project id   {PROJECT_ID} (and a smaller one: {SECOND_PROJECT_ID})\n\
         \x20 access key   {ACCESS_KEY}\n\
         \x20 secret key   {SECRET_KEY}\n\
         \x20 faults       {faults}\n\
         \x20 control      curl http://{addr}/simulator/\n\
         \x20              curl -X PUT 'http://{addr}/simulator/faults?fault=flaky=0.3'\n\
         \x20              curl -X PUT 'http://{addr}/simulator/pauses?instance=orders-cache'    (no more backups)\n\
         \x20              curl -X DELETE http://{addr}/simulator/grants    (ends all tokens)\n\
         \n\
         A configuration that watches it:\n\
         \n\
         {configuration}\n\
         The same, logging in at its IAM with a password instead of keys:\n\
         \n\
         {with_password}\n\
         Ctrl-C stops it.\n"
    )
}

/// A configuration file that watches the simulated cloud at this address.
pub fn configuration(addr: SocketAddr) -> String {
    let project = format!("project_id: {PROJECT_ID}");
    with_credentials(addr, &project, &[("access_key", ACCESS_KEY), ("secret_key", SECRET_KEY)])
}

/// A configuration file that does so with a user's password: a token of IAM, and a project that is found by its name.
pub fn password_configuration(addr: SocketAddr) -> String {
    let project = format!("project_name: {PROJECT_NAME}\n\x20   iam_endpoint: http://{addr}");
    let user = [("username", USERNAME), ("password", PASSWORD), ("domain_name", DOMAIN_NAME)];
    with_credentials(addr, &project, &user)
}

fn with_credentials(addr: SocketAddr, project: &str, credentials: &[(&str, &str)]) -> String {
    let credentials: Vec<String> = credentials.iter().map(|(key, value)| format!("\x20   {key}: {value}\n")).collect();
    let credentials = credentials.concat();
    format!(
        "projects:\n\
         \x20 - name: demo\n\
         \x20   {project}\n\
         \x20   endpoint: http://{addr}\n\
         \x20   credentials: simulated\n\
         \x20   discovery: {{ enabled: true, interval: 15s }}\n\
         \x20   limits: {{ requests_per_second: 50, burst: 100, concurrency: 8 }}\n\
         credentials:\n\
         \x20 simulated:\n\
         {credentials}\
         polling: {{ idle_interval: 15s, window_interval: 5s, active_interval: 2s, policy_interval: 1m }}\n"
    )
}

/// The same as [`configuration`], for a daemon in this process.
pub fn demo_config(addr: SocketAddr) -> Config {
    let secret = |text: &str| TextSource::Inline(SecretString::from(text));
    let credentials = CredentialsConfig {
        name: "simulated".to_owned(),
        source: Source::AccessKeys(KeySource {
            access_key: secret(ACCESS_KEY),
            secret_key: secret(SECRET_KEY),
            security_token: None,
        }),
        assume: None,
        limits: None,
    };
    let project = ProjectConfig {
        name: ProjectName::from("demo"),
        region: String::new(),
        project: CloudProject::Id(ProjectId::from(PROJECT_ID)),
        endpoint: Url::parse(&format!("http://{addr}")).expect("a socket's address makes a URL"),
        iam_endpoint: None,
        sts_endpoint: None,
        api_version: ApiVersion::V2,
        credentials: Arc::new(credentials),
        ca_file: None,
        proxies: Proxies::default(),
        instances: Vec::new(),
        discovery: Some(Discovery { interval: Duration::from_secs(15), filter: Filter::default() }),
        overrides: Arc::default(),
        instance_tags: Arc::default(),
        plan_utc_offset: UtcOffset::UTC,
        limits: Some(Limits { requests_per_second: 50.0, burst: 100, concurrency: 8 }),
        rpo: None,
        rpo_grace: Duration::from_hours(5),
    };
    Config {
        projects: vec![project],
        polling: Polling {
            idle_interval: Duration::from_secs(15),
            window_interval: Duration::from_secs(5),
            active_interval: Duration::from_secs(2),
            policy_interval: Duration::from_mins(1),
            ..Polling::default()
        },
        storage: None,
        shard: Shard::ALONE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_banner_has_all_that_is_needed() {
        let addr = "127.0.0.1:18080".parse().unwrap();
        let options = Options { faults: vec!["flaky".parse().unwrap()], ..Options::default() };
        let banner = banner(&options, addr);
        for needed in [
            ACCESS_KEY,
            SECRET_KEY,
            PROJECT_ID,
            "http://127.0.0.1:18080",
            "flaky=0.3",
            "Ctrl-C",
            &configuration(addr),
            &password_configuration(addr),
        ] {
            assert!(banner.contains(needed), "{needed} is missing:\n{banner}");
        }
    }

    #[test]
    fn the_demos_configuration_says_what_the_text_says() {
        let addr: SocketAddr = "[::1]:18080".parse().unwrap();
        let (config, text) = (demo_config(addr), configuration(addr));
        let project = &config.projects[0];
        assert_eq!(project.endpoint.as_str(), "http://[::1]:18080/");
        assert_eq!(project.project, CloudProject::Id(PROJECT_ID.into()));
        assert!(text.contains("endpoint: http://[::1]:18080\n"));
        let seconds = |duration: Duration| format!("{}s", duration.as_secs());
        let polling = &config.polling;
        for expected in [
            format!("name: {}", project.name),
            format!("project_id: {PROJECT_ID}"),
            format!("credentials: {}", project.credentials.name),
            format!(
                "discovery: {{ enabled: true, interval: {} }}",
                seconds(project.discovery.as_ref().unwrap().interval)
            ),
            format!("idle_interval: {}", seconds(polling.idle_interval)),
            format!("window_interval: {}", seconds(polling.window_interval)),
            format!("active_interval: {}", seconds(polling.active_interval)),
            format!("policy_interval: {}m", polling.policy_interval.as_secs() / 60),
        ] {
            assert!(text.contains(&expected), "{expected} is missing:\n{text}");
        }
    }
}
