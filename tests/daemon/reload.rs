//! The configuration read anew, by SIGHUP and by `POST /-/reload`: what stays is kept, a bad file changes nothing.

use std::time::Duration;

use dcs_backup_exporter::simulator::{Handle, Options, PROJECT_ID, SECRET_KEY};

use crate::harness::{Daemon, Series, binary, cloud, configuration};

const WRONG_SECRET: &str = "hunter2-is-not-the-secret";

/// A daemon that takes `POST /-/reload`.
async fn start(configuration: &str) -> Daemon {
    let mut command = binary();
    command.arg("--web.enable-lifecycle");
    Daemon::start_by(command, configuration).await
}

/// Both ways to ask for a reload.
#[derive(Clone, Copy, Debug)]
enum By {
    Signal,
    Post,
}

async fn post(daemon: &Daemon) -> (u16, String) {
    let answer = reqwest::Client::new().post(format!("{}/-/reload", daemon.url)).send().await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

/// Writes this configuration and reloads; waits until that has gone well or wrong.
async fn reload(daemon: &Daemon, by: By, configuration: &str, is_good: bool) {
    // As editors and Kubernetes do: never half a file.
    daemon.directory.file("config.new", configuration);
    std::fs::rename(daemon.directory.0.join("config.new"), daemon.directory.0.join("config.yml")).unwrap();
    let outcome = if is_good { "configuration reloaded" } else { "configuration not reloaded" };
    let told = || daemon.log().iter().filter(|line| line.contains(outcome)).count();
    let before = told();
    match by {
        By::Signal => {
            daemon.signal("HUP");
            while told() == before {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        }
        By::Post => {
            let (status, body) = post(daemon).await;
            assert_eq!(status, if is_good { 200 } else { 500 }, "{body}");
        }
    }
}

fn ids(cloud: &Handle) -> Vec<String> {
    cloud.instances(PROJECT_ID).iter().map(|instance| instance.id.clone()).collect()
}

/// A configuration with these instances by hand, which asks so seldom that every call is one too many.
fn by_hand(cloud: &Handle, ids: &[String]) -> String {
    let list: Vec<String> = ids.iter().map(|id| format!("{{ id: {id} }}")).collect();
    configuration(cloud, &format!("  instances: [{}]\n", list.join(", "))).replace(
        "idle_interval: 300ms, window_interval: 200ms, active_interval: 100ms, policy_interval: 500ms",
        "idle_interval: 12h, window_interval: 12h, active_interval: 12h, policy_interval: 12h",
    )
}

fn all_polled(series: &Series, project: &str, instances: usize) -> bool {
    series.is(&["dcs_poll_success{", &format!("project=\"{project}\"")], 3.0 * instances as f64)
}

fn last_polls(series: &Series) -> f64 {
    series.sum(&["dcs_poll_last_success_timestamp_seconds{", "project=\"prod\""]).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn instances_and_projects_are_added_and_go_and_nothing_else_is_asked() {
    for by in [By::Signal, By::Post] {
        let (here, there) = (cloud(Options::default()).await, cloud(Options::default()).await);
        let ids = ids(&here);
        let daemon = start(&by_hand(&here, &ids[..2])).await;
        let before = daemon.scrape_until("two instances", |series| all_polled(series, "prod", 2)).await;
        let started = before.sum(&["dcs_exporter_config_last_reload_success_timestamp_seconds"]).unwrap();
        let calls = here.tally().by_instance;

        reload(&daemon, by, &by_hand(&here, &ids[..3]), true).await;
        let series = daemon.scrape_until("a third one", |series| all_polled(series, "prod", 3)).await;
        let mut asked = here.tally().by_instance;
        assert!(asked.remove(&ids[2]).is_some());
        assert_eq!(asked, calls, "{by:?}: the new one alone was asked for");
        for id in &ids[..2] {
            assert_eq!(series.every(&[id, "dcs_backup"]), before.every(&[id, "dcs_backup"]), "{by:?}");
        }
        assert!(series.is(&["dcs_exporter_config_last_reload_successful"], 1.0));
        assert!(series.sum(&["dcs_exporter_config_last_reload_success_timestamp_seconds"]).unwrap() > started);
        let line = daemon.log_line("instances_added=1").await;
        assert!(line.contains("configuration reloaded") && line.contains("instances_removed=0"), "{line}");

        let more = by_hand(&here, &ids[..3]).replace(
            "projects:\n",
            &format!(
                "projects:\n- name: second\n  project_id: {PROJECT_ID}\n  endpoint: http://{}\n  credentials: ops\n  \
                 instances: [{{ id: {} }}]\n",
                there.addr(),
                ids[0]
            ),
        );
        let calls = here.tally().requests;
        let polls = last_polls(&daemon.scrape().await);
        reload(&daemon, by, &more, true).await;
        let series = daemon.scrape_until("a second project", |series| all_polled(series, "second", 1)).await;
        assert!(all_polled(&series, "prod", 3));
        daemon.log_line("projects_added=second").await;
        assert_eq!(daemon.get("/-/ready").await.status(), 200);
        let polled = |series: &Series| series.sum(&["dcs_exporter_api_requests_total{", "project=\"second\""]);
        assert!(polled(&series) > Some(0.0));

        reload(&daemon, by, &by_hand(&here, &ids[1..3]), true).await;
        let series = daemon.scrape().await;
        assert!(series.values(&["project=\"second\""]).is_empty(), "{by:?}: {}", series.lines(&["second"]));
        assert!(series.values(&[&ids[0]]).is_empty() && all_polled(&series, "prod", 2));
        daemon.log_line("projects_removed=second").await;
        assert_eq!(here.tally().requests, calls, "{by:?}: the first project is not asked for the second one's sake");
        assert!(last_polls(&series) < polls, "one went, none was polled");
        daemon.assert_no_secret(&[SECRET_KEY]).await;
        assert!(daemon.stop().await.0.success());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn credentials_that_were_refused_are_replaced_and_tried_at_once() {
    for by in [By::Signal, By::Post] {
        let cloud = cloud(Options { instances: 3, ..Options::default() }).await;
        let right = by_hand(&cloud, &ids(&cloud));
        let wrong = right.replace(SECRET_KEY, WRONG_SECRET);
        let daemon = start(&wrong).await;
        let is_down = |series: &Series| series.is(&["dcs_project_up{"], 0.0);
        daemon.scrape_until("the key is refused", is_down).await;
        let refused = cloud.tally().signature_failures;
        assert_eq!(refused, 1);
        for _ in 0..5 {
            reload(&daemon, by, &wrong, true).await;
        }
        assert_eq!(cloud.tally().signature_failures, refused, "{by:?}: the same key stays stopped");
        reload(&daemon, by, &right, true).await;
        let up = |series: &Series| series.is(&["dcs_project_up{"], 1.0) && all_polled(series, "prod", 3);
        let known = daemon.scrape_until("the right key works", up).await;

        // Back to the wrong one: facts stay.
        reload(&daemon, by, &wrong, true).await;
        let now = daemon.scrape().await;
        assert_eq!(now.every(&["dcs_backup"]), known.every(&["dcs_backup"]), "{by:?}");
        assert_eq!(
            cloud.tally().signature_failures,
            refused,
            "{by:?}: nothing is due, and the key is known as refused"
        );
        daemon.assert_no_secret(&[SECRET_KEY, WRONG_SECRET]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_file_changes_nothing_and_is_told_everywhere() {
    let cloud = cloud(Options::default()).await;
    let good = by_hand(&cloud, &ids(&cloud)[..2]);
    let daemon = start(&good).await;
    let before = daemon.scrape_until("facts", |series| all_polled(series, "prod", 2)).await;
    let is_told = async || daemon.get("/").await.text().await.unwrap().contains("not reloaded");
    assert!(!is_told().await);
    let calls = cloud.tally().requests;
    let bad = good
        .replace("projects:\n- name: prod\n", "projects:\n- name: prod\n  regoin: eu-de\n")
        .replace(SECRET_KEY, WRONG_SECRET)
        .replace("request_timeout: 1s", "request_timeout: 1");
    for by in [By::Signal, By::Post] {
        reload(&daemon, by, &bad, false).await;
        let series = daemon.scrape().await;
        assert!(series.is(&["dcs_exporter_config_last_reload_successful"], 0.0));
        let at = |series: &Series| series.values(&["dcs_exporter_config_last_reload_success_timestamp_seconds"]);
        assert_eq!(at(&series), at(&before));
        for family in ["dcs_backup", "dcs_restore", "dcs_poll", "dcs_project"] {
            assert_eq!(series.every(&[family]), before.every(&[family]));
        }
    }
    let (status, body) = post(&daemon).await;
    let output = binary().args(["check-config", "--config.file"]).arg(daemon.directory.0.join("config.yml")).output();
    let sentences = String::from_utf8(output.unwrap().stderr).unwrap();
    assert!(sentences.contains("config.yml:3") && sentences.contains("request_timeout"), "{sentences}");
    assert_eq!((status, body), (500, format!("not reloaded, the configuration before stays in use:\n{sentences}")));
    let told = daemon.log();
    for sentence in sentences.lines() {
        let escaped = sentence.replace('"', "\\\"");
        let count = told.iter().filter(|line| line.contains("level=error") && line.contains(&escaped)).count();
        assert_eq!(count, 3, "once each time: {sentence}");
    }
    let told = daemon.get("/").await.text().await.unwrap();
    assert!(told.contains("was not reloaded</h2>") && told.contains("regoin"), "{told}");
    assert!(
        sentences.lines().count() > 1 && told.matches("config.yml:").count() == sentences.lines().count(),
        "{told}"
    );
    daemon.assert_no_secret(&[SECRET_KEY, WRONG_SECRET]).await;

    std::fs::remove_file(daemon.directory.0.join("config.yml")).unwrap();
    let (status, body) = post(&daemon).await;
    assert!(status == 500 && body.contains("config.yml"), "{body}");

    reload(&daemon, By::Post, &good, true).await;
    let series = daemon.scrape().await;
    assert!(series.is(&["dcs_exporter_config_last_reload_successful"], 1.0));
    assert!(!is_told().await);
    assert_eq!(cloud.tally().requests, calls, "none of that asked the cloud");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_storm_of_reloads_costs_no_call_and_ends_nothing() {
    let cloud = cloud(Options::default()).await;
    let daemon = start(&by_hand(&cloud, &ids(&cloud))).await;
    let count = cloud.instances(PROJECT_ID).len();
    let before = daemon.scrape_until("facts", |series| all_polled(series, "prod", count)).await;
    let calls = cloud.tally().requests;
    let asking: Vec<_> = (0..20)
        .map(|_| {
            let url = format!("{}/-/reload", daemon.url);
            tokio::spawn(async move { reqwest::Client::new().put(url).send().await.unwrap().status() })
        })
        .collect();
    for _ in 0..30 {
        daemon.signal("HUP");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    for asked in asking {
        assert_eq!(asked.await.unwrap(), 200);
    }
    assert!(daemon.log().iter().filter(|line| line.contains("configuration reloaded")).count() >= 2);
    let series = daemon.scrape().await;
    assert_eq!(series.every(&["dcs_backup"]), before.every(&["dcs_backup"]));
    assert_eq!(cloud.tally().requests, calls);
    let (status, took) = daemon.stop().await;
    assert!(status.success() && took < Duration::from_secs(5), "{status} {took:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_change_and_what_needs_a_restart_is_named() {
    let cloud = cloud(Options { instances: 30, ..Options::default() }).await;
    let quick = configuration(&cloud, "  discovery: { enabled: true, interval: 1s }\n");
    let daemon = start(&quick).await;
    let count = cloud.instances(PROJECT_ID).len();
    daemon.scrape_until("facts", |series| all_polled(series, "prod", count)).await;
    let slow = quick.replace(
        "requests_per_second: 500, burst: 500, concurrency: 8",
        "requests_per_second: 2, burst: 1, concurrency: 1",
    ) + &format!("storage: {{ path: {} }}\n", daemon.directory.0.join("facts").display());
    reload(&daemon, By::Signal, &slow, true).await;
    let line = daemon.log_line("takes effect after a restart").await;
    assert!(line.contains("level=warn") && line.contains("key=storage"), "{line}");
    let (status, told) = post(&daemon).await;
    assert_eq!(status, 200);
    assert_eq!(told, "reloaded\nstorage has another value than at the start: it takes effect after a restart\n");
    let begin = std::time::Instant::now();
    let calls = cloud.tally().requests;
    tokio::time::sleep(Duration::from_secs(3)).await;
    let sent = cloud.tally().requests - calls;
    let most = 2.0 * begin.elapsed().as_secs_f64() + 10.0; // and those under way
    assert!((1.0..=most).contains(&(sent as f64)), "{sent} requests in {:?}", begin.elapsed());
    daemon
        .scrape_until("the interval stretches", |series| {
            series.sum(&["dcs_project_poll_interval_seconds{"]) > Some(5.0)
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_flag_only_the_signal_reloads() {
    let cloud = cloud(Options::default()).await;
    let good = by_hand(&cloud, &ids(&cloud)[..1]);
    let daemon = Daemon::start(&good).await;
    let (status, body) = post(&daemon).await;
    assert!(status == 404 && body.contains("--web.enable-lifecycle") && body.contains("SIGHUP"), "{status} {body}");
    assert!(!daemon.log().iter().any(|line| line.contains("configuration reloaded")));
    reload(&daemon, By::Signal, &good, true).await;
    let with_the_flag = start(&good).await;
    for method in [reqwest::Method::GET, reqwest::Method::HEAD, reqwest::Method::DELETE] {
        let request = reqwest::Client::new().request(method, format!("{}/-/reload", with_the_flag.url));
        let answer = request.send().await.unwrap();
        assert_eq!((answer.status().as_u16(), answer.headers()["allow"].to_str().unwrap()), (405, "POST, PUT"));
    }
}
