//! `/api/v1/instances`: its JSON, its parameters, and a fleet of every kind.

use std::sync::Arc;
use std::time::Duration;

use dcs_backup_exporter::cloud::CloudError;
use dcs_backup_exporter::cloud::diagnosis::Hint;
use dcs_backup_exporter::cloud::error::ErrorKind;
use dcs_backup_exporter::domain::facts::RecordFacts;
use dcs_backup_exporter::exposition::own::Health;
use dcs_backup_exporter::snapshot::{InstanceView, PollView, ProjectView, Snapshot};
use dcs_backup_exporter::status::{FleetStatus, Selection};
use dcs_backup_exporter::web::Bounds;
use serde_json::Value;

use crate::fleet::{self, at, empty, full, project, snapshot, unknown};
use crate::server::{Server, eventually};

fn error() -> Arc<CloudError> {
    let hint = Hint::new("allow the action dcs:instance:getDataBackupLog");
    let mut error = CloudError::new(ErrorKind::Forbidden, "a permission is lacking").with_hint(hint);
    error.status = Some(403);
    error.code = Some("DCS.2007".into());
    error.request_id = Some("4f2e".into());
    Arc::new(error)
}

/// One of each kind.
pub(crate) fn every_kind() -> Arc<Snapshot> {
    let mut refused = full("refused", "refused");
    refused.polls[0] = PollView { success: Some(false), error: Some(error()), ..refused.polls[0].clone() };
    let mut stale = full("stale", "stale");
    let mut facts = RecordFacts::clone(stale.backups.as_deref().unwrap());
    facts.last_success.as_mut().unwrap().at = at("2026-11-20T02:06:40Z");
    stale.backups = Some(Arc::new(facts));
    let mut manual = empty("manual", "manual");
    manual.policy.as_mut().unwrap().automatic = false; // with all of the old plan left in
    let prod = vec![
        full("full", "orders"),
        manual.clone(),
        empty("never", "never"),
        InstanceView { rpo: None, ..empty("no-rpo", "no-rpo") },
        refused,
        InstanceView { supported: Some(false), ..empty("single", "single") },
        stale,
        unknown("unknown"),
    ];
    let down = ProjectView {
        project_id: None,
        region: String::new(),
        up: Some(false),
        missing: None,
        left_out: 0,
        listed_at: None,
        poll_interval: Duration::from_millis(1_234_500),
        error: Some(error()),
        ..project("down", Vec::new())
    };
    snapshot(vec![project("prod", prod), down])
}

#[test]
fn a_fleet_of_every_kind() {
    let fleet = every_kind();
    let health = Health {
        poll_lag_seconds: Some(0.25),
        polls_due: Some(2),
        throttled_total: Some(0),
        clock_skew_seconds: Some(-1.5),
        credentials_expiry_at: None,
    };
    let status = FleetStatus::of(&fleet, &Selection::default(), |_| health, fleet::now());
    insta::assert_snapshot!(serde_json::to_string_pretty(&status).unwrap());
}

async fn json(server: &Server, query: &str) -> Value {
    let answer = server.connect().await.get(&format!("/api/v1/instances{query}")).await;
    assert_eq!(answer.status, 200, "{query}: {}", answer.text());
    serde_json::from_slice(&answer.body).unwrap()
}

fn ids(json: &Value) -> Vec<&str> {
    json["instances"].as_array().unwrap().iter().map(|instance| instance["instance_id"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn parameters_select_and_page() {
    let server = Server::start(every_kind(), Bounds::default()).await;
    let all = json(&server, "").await;
    assert_eq!((ids(&all).len(), &all["total"]), (8, &Value::from(8)));
    assert_eq!(all["projects"].as_array().unwrap().len(), 2);
    let page = json(&server, "?limit=3&offset=2").await;
    assert_eq!((ids(&page), &page["total"]), (ids(&all)[2..5].to_vec(), &Value::from(8)));
    assert_eq!(ids(&json(&server, "?instance_id=single").await), ["single"]);
    assert_eq!(ids(&json(&server, "?name=RDE&project=prod").await), ["full"]);
    assert_eq!(ids(&json(&server, "?verdict=unsupported").await), ["single"]);
    assert_eq!(ids(&json(&server, "?verdict=not_polled").await).len(), 2);
    for query in ["?project=down", "?project=nowhere", "?offset=8", "?limit=0", "?name=%E7%BC%93"] {
        assert_eq!(ids(&json(&server, query).await), [""; 0], "{query}");
    }
    assert_eq!(ids(&json(&server, "?search=RDE").await), ["full"], "by its name");
    assert_eq!(ids(&json(&server, "?search=ULL&sort=name").await), ["full"], "by its id");
    let by_name = json(&server, "?sort=name&order=desc").await;
    assert_eq!(ids(&by_name), ["unknown", "stale", "single", "refused", "full", "no-rpo", "never", "manual"]);
    let health = &json(&server, "?project=prod").await["projects"][0];
    assert_eq!((&health["throttled_total"], &health["poll_lag_seconds"]), (&Value::from(0), &Value::Null));
    assert_eq!(json(&server, "?project=down").await["projects"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn parameters_that_mean_nothing_are_refused() {
    let server = Server::start(every_kind(), Bounds::default()).await;
    let mut client = server.connect().await;
    for (query, text) in [
        (
            "verdicts=stale",
            "unknown parameter; there are project, instance_id, name, search, verdict, sort, order, limit, offset\n",
        ),
        (
            "verdict=bad",
            "verdict parameter must be one of not_polled, never_backed_up, stale, last_failed, slot_missed, fresh, no_rpo, unsupported\n",
        ),
        (
            "sort=colour",
            "sort parameter must be one of worst, name, project, age, size, next_slot, last_failure, polled\n",
        ),
        ("order=up", "order parameter must be one of asc, desc\n"),
        ("limit=ten", "limit parameter must be a number, from 0\n"),
        ("offset=-1", "offset parameter must be a number, from 0\n"),
        ("name=a&name=b", "name parameter is given more than once\n"),
    ] {
        let answer = client.get(&format!("/api/v1/instances?{query}")).await;
        assert_eq!((answer.status, answer.text().as_str()), (400, text), "{query}");
        assert_eq!(answer.header("content-type"), Some("text/plain; charset=utf-8"));
    }
}

#[tokio::test]
async fn it_is_json_that_is_not_kept_and_compressed_where_accepted() {
    let server = Server::start(fleet::large(300), Bounds::default()).await;
    let mut client = server.connect().await;
    let plain = client.get("/api/v1/instances").await;
    for (name, value) in
        [("content-type", "application/json"), ("cache-control", "no-store"), ("vary", "Accept-Encoding")]
    {
        assert_eq!(plain.header(name), Some(value));
    }
    let zipped = client.ask("GET", "/api/v1/instances", "Accept-Encoding: gzip\r\n").await;
    assert_eq!(zipped.header("content-encoding"), Some("gzip"));
    assert!(zipped.body.len() * 5 < plain.body.len(), "{} of {}", zipped.body.len(), plain.body.len());
    let unzipped: Value = serde_json::from_str(&zipped.unzipped()).unwrap();
    assert_eq!(ids(&unzipped), ids(&serde_json::from_slice(&plain.body).unwrap()));
}

#[tokio::test]
async fn a_crowd_of_lists_keeps_no_scrape_out() {
    let bounds = Bounds { lists: 1, stall: Duration::from_secs(1), ..Bounds::default() };
    let server = Server::start(fleet::large(8_000), bounds).await;
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let mut silent = crate::server::Client(socket.connect(server.addr).await.unwrap());
    silent.send("GET /api/v1/instances HTTP/1.1\r\nHost: x\r\n\r\n").await;
    let mut other = server.connect().await;
    eventually("the only place is taken", async || {
        let answer = other.ask("HEAD", "/api/v1/instances?limit=0", "").await;
        answer.status == 503 && answer.header("retry-after") == Some("1")
    })
    .await;
    assert_eq!(other.ask("HEAD", "/metrics", "").await.status, 200);
    eventually("the place is free again", async || {
        other.ask("HEAD", "/api/v1/instances?limit=0", "").await.status == 200
    })
    .await;
}
