use std::time::Duration;

use dcs_backup_exporter::clock::Clock;
use dcs_backup_exporter::simulator::{
    ACCESS_KEY, AGENCY_URN, Fault, FaultKind, ID_TOKEN, Options, PASSWORD, POD_TOKEN, PROJECT_ID, Simulator, USERNAME,
};
use reqwest::Method;
use serde_json::Value;

use super::client::Cloud;
use super::grants::{POD, project_token};
use super::tokens::{TOKENS, password};

#[tokio::test]
async fn the_overview_lists_keys_instances_faults_and_quirks() {
    let cloud = Cloud::usual().await;
    cloud.handle.set_faults(["flaky@geo-index".parse().unwrap()]);
    cloud.handle.set_quirks(Some("geo-index"), ["absent=null".parse().unwrap()]);
    let page = cloud.unsigned(Method::GET, "/simulator/").await;
    assert_eq!(page.status, 200);
    let id = cloud.id("geo-index");
    for needed in [ACCESS_KEY, PROJECT_ID, "geo-index", &id, "flaky=0.3@geo-index", "absent=null of geo-index"] {
        assert!(page.text.contains(needed), "{needed} is missing:\n{}", page.text);
    }
    assert_eq!(cloud.handle.tally().requests, 0, "the control page does not count");
}

#[tokio::test]
async fn faults_are_switched_at_run_time() {
    let cloud = Cloud::usual().await;
    let listing = Cloud::path("v2", "");
    let ask = async |method: Method, query: &str| cloud.unsigned(method, &format!("/simulator/faults{query}")).await;
    assert_eq!(ask(Method::PUT, "?fault=403&fault=404=0.5@geo-index").await.status, 200);
    assert_eq!(cloud.get(&listing).await.status, 403);
    assert_eq!(ask(Method::PUT, "?fault=403=0").await.status, 200);
    assert_eq!(cloud.handle.faults().len(), 2, "the same fault takes the place of the old one");
    assert_eq!(cloud.get(&listing).await.status, 200);
    assert_eq!(ask(Method::DELETE, "?fault=404@geo-index").await.status, 200);
    assert_eq!(cloud.handle.faults().len(), 1);
    assert_eq!(ask(Method::DELETE, "").await.status, 200);
    assert_eq!(cloud.handle.faults(), []);
    let refused = ask(Method::PUT, "?fault=trottle").await;
    assert_eq!(refused.status, 400);
    assert!(refused.text.starts_with("fault \"trottle\" is not known"), "{}", refused.text);
    assert_eq!(ask(Method::PUT, "").await.status, 400);
    assert_eq!(ask(Method::POST, "").await.status, 405);
    assert_eq!(cloud.unsigned(Method::GET, "/simulator/nothing").await.status, 404);
}

#[tokio::test]
async fn quirks_are_switched_at_run_time() {
    let cloud = Cloud::usual().await;
    let ask = async |method: Method, query: &str| cloud.unsigned(method, &format!("/simulator/quirks{query}")).await;
    let path = Cloud::path("v2", &format!("/{}", cloud.id("geo-index")));
    assert_eq!(ask(Method::PUT, "?quirk=unknown-status&instance=geo-index").await.status, 200);
    assert_eq!(cloud.get(&path).await.json()["status"], "HIBERNATING");
    assert_eq!(ask(Method::DELETE, "?instance=geo-index").await.status, 200);
    assert_ne!(cloud.get(&path).await.json()["status"], "HIBERNATING");
    assert_eq!(ask(Method::PUT, "?quirk=unknown-status").await.status, 200);
    assert_eq!(cloud.get(&path).await.json()["status"], "HIBERNATING");
    assert_eq!(ask(Method::DELETE, "").await.status, 200);
    assert_ne!(cloud.get(&path).await.json()["status"], "HIBERNATING");
    assert_eq!(ask(Method::PUT, "?quirk=odd").await.status, 400);
}

#[tokio::test]
async fn instances_are_paused_at_run_time() {
    let cloud = Cloud::usual().await;
    let ask = async |method: Method, query: &str| cloud.unsigned(method, &format!("/simulator/pauses{query}")).await;
    let (paused, other) = (cloud.id("load-test"), "geo-index since");
    assert_eq!(ask(Method::PUT, &format!("?instance={paused}")).await.status, 200);
    let page = cloud.unsigned(Method::GET, "/simulator/").await.text;
    assert!(page.contains("  load-test since 2026-11-21T12:") && !page.contains(other), "{page}");
    let records = Cloud::path("v2", &format!("/{paused}/backups"));
    assert!(!cloud.get(&records).await.json()["backup_record_response"].as_array().unwrap().is_empty());
    assert_eq!(ask(Method::PUT, "").await.status, 200);
    assert!(ask(Method::GET, "").await.text.contains(other));
    assert_eq!(ask(Method::DELETE, "?instance=geo-index").await.status, 200);
    let page = ask(Method::GET, "").await.text;
    assert!(page.contains("load-test since") && !page.contains(other), "{page}");
    assert_eq!(ask(Method::DELETE, "").await.status, 200);
    assert!(!ask(Method::GET, "").await.text.contains("since"));
    assert_eq!(ask(Method::PUT, "?instance=nobody").await.status, 404);
    assert_eq!(ask(Method::POST, "").await.status, 405);
}

#[tokio::test]
async fn the_control_page_changes_and_shows_logins() {
    let cloud = Cloud::usual().await;
    let ask = async |method: &str, target: &str| cloud.send(method, &format!("/simulator/{target}"), &[], "").await;
    let token = project_token(&cloud).await;
    let page = ask("GET", "").await.text;
    for needed in [USERNAME, PASSWORD, AGENCY_URN, ID_TOKEN, POD_TOKEN, "1, 0 failed; 1 grants are good", "1 token"] {
        assert!(page.contains(needed), "{needed} is missing:\n{page}");
    }
    assert!(!page.contains(&token[..100]), "no token is shown");
    let settings = "logins?validity=90&refusal=unavailable&metadata=no-agency&metadata-renewal=600&projects=twice\
                    &forbid=backups&forbid=token";
    assert_eq!(ask("PUT", settings).await.status, 200);
    let page = ask("GET", "logins").await.text;
    let expected = "metadata=no-agency projects=twice validity=90 metadata-renewal=600 refusal=unavailable \
                    forbid=backups forbid=token";
    assert!(page.contains(expected), "{page}");
    assert_eq!(cloud.send("POST", POD, &[], "{}").await.status, 503);
    assert_eq!(ask("DELETE", "logins").await.status, 200);
    assert_eq!(cloud.send("POST", POD, &[("Authorization", POD_TOKEN)], "{}").await.status, 200);
    assert_eq!(cloud.get_with_token(&token).await.status, 200);
    assert_eq!(ask("DELETE", "grants").await.status, 200);
    assert_eq!(cloud.get_with_token(&token).await.status, 401);
    for (method, target, status, sentence) in [
        ("PUT", "logins", 400, "name a setting"),
        ("PUT", "logins?validity=soon", 400, "validity: expected a number of seconds"),
        ("PUT", "logins?metadata=3", 400, "metadata: \"3\" is not known: use one of version2, version1"),
        ("PUT", "logins?forbid=all", 400, "forbid: call \"all\" is not known"),
        ("PUT", "logins?odd=1", 400, "odd: there is no such setting"),
        ("PUT", "grants", 405, "use DELETE"),
        ("POST", "logins", 405, "use GET, PUT or DELETE"),
    ] {
        let got = ask(method, target).await;
        assert_eq!(got.status, status, "{target}");
        assert!(got.text.starts_with(sentence), "{target}: {}", got.text);
    }
    for _ in 0..5 {
        cloud.send("POST", TOKENS, &[], &password("wrong", Value::Null).to_string()).await;
    }
    assert!(ask("GET", "").await.text.contains("LOCKED simulated-user"));
    assert_eq!(cloud.handle.tally().requests, 2, "the control page does not count");
}

#[tokio::test]
async fn it_stops_although_connections_are_open_and_an_answer_is_slow() {
    let slow = Fault { delay: Some(Duration::from_mins(10)), ..Fault::always(FaultKind::Slow) };
    let options = Options { faults: vec![slow], ..Options::default() };
    let simulator = Simulator::bind(options, Clock::system()).await.unwrap();
    let (addr, handle) = (simulator.addr(), simulator.handle());
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let running = tokio::spawn(simulator.run(async { drop(stopped.await) }));
    let idle = tokio::net::TcpStream::connect(addr).await.unwrap();
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let waiting = tokio::spawn(http.get(format!("http://{addr}{}", Cloud::path("v2", ""))).send());
    while handle.tally().requests == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    drop(stop);
    tokio::time::timeout(Duration::from_secs(10), running).await.expect("it ends within seconds").unwrap();
    assert!(waiting.await.unwrap().is_err());
    assert!(tokio::net::TcpStream::connect(addr).await.is_err(), "nobody listens any more");
    drop(idle);
}
