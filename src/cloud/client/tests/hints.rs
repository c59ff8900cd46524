//! What is advised where no answer of the API comes, over real sockets.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::*;

/// Listens, and sends this to whoever connects before it has read anything.
async fn greeting(bytes: &'static [u8]) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.write_all(bytes).await;
            let _ = stream.read(&mut [0; 4096]).await;
        }
    });
    address
}

async fn hint_from(project: &ProjectConfig) -> String {
    let error = api_within(project, Duration::from_secs(5)).unwrap().send(&backups()).await.unwrap_err();
    let hint = hint_of(&error);
    assert!(!hint.is_empty() && !error.message.contains(&hint), "the fact and the advice are two things: {error:?}");
    hint
}

async fn hint_at(scheme: &str, address: SocketAddr) -> String {
    hint_from(&project(format!("{scheme}://{address}").parse().unwrap())).await
}

#[tokio::test]
async fn the_wrong_scheme_is_told_in_both_directions() {
    let plain = greeting(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").await;
    assert!(hint_at("https", plain).await.starts_with("what listens there speaks no TLS"));
    let (tls, _ca_file) = certificate("127.0.0.1");
    let secure = Stub::over([no_records()], Some(tls)).await;
    assert!(hint_at("http", secure.address).await.contains("write https:// in endpoint"));
    let page = "<html><center>The plain HTTP request was sent to HTTPS port</center></html>";
    let nginx = Stub::serving([answer("400 Bad Request", "", page)]).await;
    assert!(hint_at("http", nginx.address).await.contains("write https:// in endpoint"));
}

#[tokio::test]
async fn who_answers_in_the_apis_place_is_told() {
    for (status, headers, body, expected) in [
        ("200 OK", "", "<!doctype html><title>Log in to the network</title>", "a web page came"),
        ("403 Forbidden", "", "<html>blocked</html>", "a web page came"),
        ("200 OK", "", "hello", "something else than the DCS API"),
        ("200 OK", "", r#"{"versions":[]}"#, "another API or version"),
        ("302 Found", "location: https://console.example/\r\n", "", "what answers is not the DCS API"),
        ("407 Proxy Authentication Required", "", "", "give proxy a user and password"),
    ] {
        let stub = Stub::serving([answer(status, headers, body)]).await;
        let hint = hint_at("http", stub.address).await;
        assert!(hint.starts_with(expected), "{status} {body}: {hint}");
    }
}

#[tokio::test]
async fn nobody_there_is_told_by_the_way_that_was_taken() {
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    assert!(hint_at("https", closed).await.starts_with("check host and port in endpoint"));
    let proxies = Proxies::all(format!("http://{closed}").parse().unwrap());
    let through = ProjectConfig { proxies, ..project("https://dcs.invalid".parse().unwrap()) };
    assert!(hint_from(&through).await.starts_with("check host and port in proxy"));
    for (answer, expected) in [
        (&b"HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n"[..], "give proxy a user"),
        (b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n", "the proxy does not connect us"),
    ] {
        let proxies = Proxies::all(format!("http://{}", greeting(answer).await).parse().unwrap());
        let hint = hint_from(&ProjectConfig { proxies, ..through.clone() }).await;
        assert!(hint.starts_with(expected), "{hint}");
    }
}

#[tokio::test]
async fn a_proxy_that_is_passed_by_is_not_blamed() {
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let proxy: Url = format!("http://{closed}").parse().unwrap();
    for (proxies, expected) in [
        (Proxies::all(proxy.clone()), "proxy"),
        (Proxies { except: "example, 127.0.0.1".to_owned(), ..Proxies::all(proxy.clone()) }, "endpoint"),
        (Proxies { https: Some(proxy), ..Proxies::default() }, "endpoint"),
    ] {
        let hint = hint_from(&ProjectConfig { proxies, ..project(format!("http://{closed}").parse().unwrap()) }).await;
        assert!(hint.starts_with(&format!("check host and port in {expected}")), "{hint}");
    }
}

#[tokio::test]
async fn silence_is_told() {
    let stub = Stub::serving([Deed::Stall(Vec::new())]).await;
    let api = api_within(&project(stub.endpoint()), Duration::from_millis(300)).unwrap();
    let error = api.send(&backups()).await.unwrap_err();
    assert!(hint_of(&error).contains("request_timeout"), "{error:?}");
}

#[tokio::test]
async fn a_permission_is_named_by_what_was_asked_for() {
    let body = r#"{"error":{"code":"111403003","message":"This role does not have the permission"}}"#;
    let stub = Stub::serving([answer("403 Forbidden", "", body)]).await;
    let api = api(&project(stub.endpoint()));
    let window = Window { offset: 0, limit: 10 };
    for (request, action) in [
        (Request::Instances(window), "dcs:instance:list"),
        (Request::Instance("i".into()), "dcs:instance:get"),
        (Request::Backups("i".into(), window), "dcs:instance:getDataBackupLog"),
        (Request::Restores("i".into(), window), "dcs:instance:getDataRestoreLog"),
    ] {
        let hint = hint_of(&api.send(&request).await.unwrap_err());
        assert!(hint.starts_with(&format!("allow the action {action} ")), "{hint}");
    }
}
