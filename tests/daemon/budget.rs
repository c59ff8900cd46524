//! The budget over real sockets: what the simulated cloud counts is what counts.

use std::time::{Duration, Instant};

use dcs_backup_exporter::simulator::{Fault, FaultKind, Handle, Options, RateLimit, SECOND_PROJECT_ID};

use crate::harness::{Daemon, PATIENCE, cloud, configuration};

const DISCOVERY: &str = "  discovery: { enabled: true, interval: 500ms }\n";
const AMPLE: &str = "limits: { requests_per_second: 500, burst: 500, concurrency: 8 }";
const NARROW: &str = "limits: { requests_per_second: 40, burst: 5, concurrency: 3 }";
/// Of the narrow limits, in any second: the burst, the rate, and those that the sockets held up.
const MOST_A_SECOND: usize = 5 + 40 + 3;

/// Waits until the cloud has seen so many requests.
pub(crate) async fn until_asked(cloud: &Handle, requests: u64) {
    let begin = Instant::now();
    while cloud.tally().requests < requests {
        assert!(begin.elapsed() < PATIENCE, "only {} requests came", cloud.tally().requests);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn assert_within(cloud: &Handle) {
    let tally = cloud.tally();
    assert!(tally.peak_per_second <= MOST_A_SECOND, "{} requests in a second", tally.peak_per_second);
    assert!(tally.peak_per_second > 20, "{} in a second: there was more to do", tally.peak_per_second);
    assert!(tally.peak_concurrency <= 3, "{} at the same time", tally.peak_concurrency);
}

/// What comes and goes; slow answers do not, for the cloud counts those that the client has given up.
fn faults() -> impl Iterator<Item = Fault> {
    let kinds = [FaultKind::Flaky, FaultKind::Garbage, FaultKind::Truncate, FaultKind::Reset, FaultKind::NotFound];
    kinds.into_iter().map(|kind| Fault { probability: 0.1, ..Fault::always(kind) })
}

#[tokio::test(flavor = "multi_thread")]
async fn no_fault_makes_a_project_exceed_its_budget() {
    let cloud = cloud(Options { instances: 60, ..Options::default() }).await;
    let daemon = Daemon::start(&configuration(&cloud, DISCOVERY).replace(AMPLE, NARROW)).await;
    until_asked(&cloud, 80).await;
    cloud.set_faults(faults());
    until_asked(&cloud, 240).await;
    cloud.set_faults([Fault::always(FaultKind::Flaky)]);
    daemon.scrape_until("the cloud is down", |series| series.is(&["dcs_project_up{"], 0.0)).await;
    cloud.set_faults([]);
    let seen = cloud.tally().requests;
    until_asked(&cloud, seen + 80).await;
    assert_within(&cloud);
    // Far more is due than 40 a second, and that is told.
    daemon
        .scrape_until("the schedule is behind", |series| {
            series.sum(&["dcs_exporter_polls_due{"]) > Some(50.0)
                && series.sum(&["dcs_exporter_poll_lag_seconds{"]) > Some(0.5)
                && series.sum(&["dcs_project_poll_interval_seconds{"]) > Some(1.0)
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn projects_share_the_limits_of_their_credentials() {
    let cloud = cloud(Options { instances: 60, ..Options::default() }).await;
    let one = configuration(&cloud, DISCOVERY);
    let endpoint = format!("  endpoint: http://{}\n  credentials: ops\n", cloud.addr());
    let second = format!("- name: second\n  project_id: {SECOND_PROJECT_ID}\n{endpoint}{DISCOVERY}");
    let both = one
        .replace(&format!("  {AMPLE}\n"), "")
        .replace("credentials: { ops: { ", &format!("{second}credentials: {{ ops: {{ {NARROW}, "));
    let daemon = Daemon::start(&both).await;
    cloud.set_faults(faults());
    until_asked(&cloud, 250).await;
    assert_within(&cloud);
    for project in ["prod", "second"] {
        let project = format!("project=\"{project}\"");
        daemon
            .scrape_until("both are polled", |series| {
                series.sum(&["dcs_exporter_api_requests_total{", &project]) > Some(50.0)
            })
            .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_throttles_is_asked_less_and_its_retry_after_is_waited_for() {
    let cloud = cloud(Options { instances: 60, ..Options::default() }).await;
    let daemon = Daemon::start(&configuration(&cloud, DISCOVERY).replace(AMPLE, NARROW)).await;
    until_asked(&cloud, 80).await;
    cloud.set_rate_limit(Some(RateLimit { per_second: 5.0, burst: 5, retry_after: Some(Duration::from_secs(1)) }));
    cloud.reset_tally();
    daemon.scrape_until("throttled", |series| series.sum(&["dcs_exporter_throttled_total{"]) > Some(0.0)).await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    let tally = cloud.tally();
    // 40 a second would be some 200, most of them in vain.
    assert!((5..80).contains(&tally.requests), "{} requests", tally.requests);
    assert!(tally.throttled <= 20, "{} of {} in vain", tally.throttled, tally.requests);
}
