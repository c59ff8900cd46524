use std::time::Duration;

use dcs_backup_exporter::clock::Clock;
use dcs_backup_exporter::simulator::{ACCESS_KEY, Fault, FaultKind, Options, PROJECT_ID, Simulator};
use reqwest::Method;

use super::client::Cloud;

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
