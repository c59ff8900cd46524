//! `/`, the page for people, as a browser gets it.

use std::time::Duration;

use dcs_backup_exporter::web::Bounds;

use crate::fleet;
use crate::instances::every_kind;
use crate::server::Server;

const HTML: &str = "text/html; charset=utf-8";

#[tokio::test]
async fn the_page_is_harmless_and_shows_every_instance() {
    let server = Server::start(every_kind(), Bounds::default()).await;
    let page = server.connect().await.get("/").await;
    for (name, value) in [
        ("content-type", HTML),
        ("cache-control", "no-store"),
        ("vary", "Accept-Encoding"),
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "deny"),
        ("referrer-policy", "no-referrer"),
    ] {
        assert_eq!(page.header(name), Some(value));
    }
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.starts_with("default-src 'none'; style-src 'sha256-") && !policy.contains("unsafe"), "{policy}");
    let text = page.text();
    for part in ["<script", "<img", "style=", "onclick", "javascript:"] {
        assert!(!text.contains(part), "{part}");
    }
    for id in ["full", "manual", "never", "no-rpo", "refused", "single", "stale", "unknown"] {
        assert!(text.contains(&format!("href=\"./?project=prod&#38;instance_id={id}\"")), "{id}");
        let details = server.connect().await.get(&format!("/?project=prod&instance_id={id}")).await;
        assert_eq!(details.status, 200, "{id}");
    }
    for part in ["href=\"./metrics\"", "href=\"./-/healthy\"", "href=\"./-/ready\"", env!("CARGO_PKG_VERSION")] {
        assert!(text.contains(part), "{part}");
    }
    let not_ours = |link: &&&str| !link.starts_with("./") && !link.starts_with('#') && !link.starts_with("data:");
    let links: Vec<&str> = text.split("href=\"").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
    assert!(links.iter().filter(not_ours).all(|link| link.starts_with(env!("CARGO_PKG_REPOSITORY"))), "{links:?}");
    assert_eq!(server.connect().await.get("/?instance_id=gone").await.status, 404);
    let refused = server.connect().await.get("/?verdict=bad").await;
    assert_eq!((refused.status, refused.header("content-type")), (400, Some(HTML)));
    assert!(refused.text().contains("the <bdi>verdict parameter must be one of not_polled,"));
}

#[tokio::test]
async fn page_and_json_agree() {
    let server = Server::start(every_kind(), Bounds::default()).await;
    let mut client = server.connect().await;
    for query in
        ["", "?sort=name", "?sort=age&order=asc", "?search=L&sort=name", "?verdict=not_polled", "?limit=3&offset=2"]
    {
        let json = client.get(&format!("/api/v1/instances{query}")).await;
        let json: serde_json::Value = serde_json::from_slice(&json.body).unwrap();
        let expected: Vec<&str> =
            json["instances"].as_array().unwrap().iter().map(|one| one["instance_id"].as_str().unwrap()).collect();
        let page = client.get(&format!("/{query}")).await.text();
        let rows = page.split("rowheader").skip(1);
        let shown: Vec<&str> =
            rows.map(|row| row.split("instance_id=").nth(1).unwrap().split(['"', '&']).next().unwrap()).collect();
        assert_eq!(shown, expected, "{query}");
    }
}

#[tokio::test]
async fn a_page_of_ten_thousand_is_small_and_shares_the_places_of_lists() {
    let server = Server::start(fleet::large(10_000), Bounds::default()).await;
    let mut client = server.connect().await;
    let zipped = client.ask("GET", "/?sort=age&offset=9900", "Accept-Encoding: gzip\r\n").await;
    assert_eq!((zipped.status, zipped.header("content-encoding")), (200, Some("gzip")));
    let text = zipped.unzipped();
    assert_eq!(text.matches("rowheader").count(), 100);
    assert!(text.contains("9901–10\u{202f}000 of 10\u{202f}000") && text.len() < 250_000, "{} bytes", text.len());
    let bounds = Bounds { lists: 0, stall: Duration::from_secs(1), ..Bounds::default() };
    let full = Server::start(fleet::large(10), bounds).await;
    let refused = full.connect().await.get("/").await;
    assert_eq!((refused.status, refused.header("retry-after")), (503, Some("1")));
}
