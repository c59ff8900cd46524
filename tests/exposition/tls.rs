//! TLS and HTTP/2: deadlines hold as they do without.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use dcs_backup_exporter::web::{Bounds, WebConfig};
use hyper::Request;
use rcgen::{CertificateParams, KeyPair};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::{Instant, timeout};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use crate::fleet::{self, full, project, snapshot};
use crate::server::{Server, eventually};

const SHORT: Duration = Duration::from_millis(300);
const PATIENCE: Duration = Duration::from_secs(30);
const LARGE: u64 = 4_000;

/// A server with TLS, and who trusts it.
struct Secure {
    server: Server,
    roots: Arc<RootCertStore>,
}

impl Secure {
    async fn start(large: bool, bounds: Bounds) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("tls-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new(["localhost".to_owned()]).unwrap().self_signed(&key).unwrap();
        std::fs::write(folder.join("server.pem"), certificate.pem()).unwrap();
        std::fs::write(folder.join("server.key"), key.serialize_pem()).unwrap();
        let file = folder.join("web.yml");
        std::fs::write(&file, "tls_server_config: { cert_file: server.pem, key_file: server.key }\n").unwrap();
        let (config, warnings) = WebConfig::load(&file).unwrap();
        assert!(warnings.is_empty() && config.is_tls() && config.is_http2());
        let fleet = if large { fleet::large(LARGE) } else { snapshot(vec![project("prod", vec![full("a", "a")])]) };
        let server = Server::start_configured(fleet, bounds, "/metrics", Some(config)).await;
        let mut roots = RootCertStore::empty();
        roots.add(certificate.der().clone()).unwrap();
        Self { server, roots: Arc::new(roots) }
    }

    async fn connect(&self, protocol: &str) -> TlsStream<TcpStream> {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(4096).unwrap();
        let stream = socket.connect(self.server.addr).await.unwrap();
        let mut config = ClientConfig::builder().with_root_certificates(Arc::clone(&self.roots)).with_no_client_auth();
        config.alpn_protocols = vec![protocol.as_bytes().to_vec()];
        let name = ServerName::try_from("localhost").unwrap();
        TlsConnector::from(Arc::new(config)).connect(name, stream).await.unwrap()
    }

    async fn healthy(&self) {
        let mut stream = self.connect("http/1.1").await;
        stream.write_all(b"GET /-/healthy HTTP/1.0\r\n\r\n").await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.0 200 OK"), "{answer}");
    }
}

/// How long until the server ends the connection.
async fn end(stream: &mut (impl AsyncReadExt + Unpin)) -> Duration {
    let begun = Instant::now();
    let mut scratch = vec![0; 1 << 16];
    let ended = timeout(PATIENCE, async { while stream.read(&mut scratch).await.is_ok_and(|read| read > 0) {} }).await;
    ended.expect("the connection ends");
    begun.elapsed()
}

#[tokio::test]
async fn a_handshake_that_does_not_get_on_is_cut_off() {
    let secure = Secure::start(false, Bounds { head: SHORT, ..Bounds::default() }).await;
    // Nothing, a part of a record's head, and a record that never ends.
    for beginning in [&b""[..], &[22, 3], &[22, 3, 1, 2, 0, 1, 0, 1, 252]] {
        let mut stream = TcpStream::connect(secure.server.addr).await.unwrap();
        stream.write_all(beginning).await.unwrap();
        let took = end(&mut stream).await;
        assert!(took >= SHORT * 4 / 5, "{beginning:?}: {took:?}");
    }
    // No TLS at all, which is clear at once.
    let mut stream = TcpStream::connect(secure.server.addr).await.unwrap();
    stream.write_all(b"SSH-2.0-OpenSSH_9.9\r\n").await.unwrap();
    end(&mut stream).await;
    secure.healthy().await;
}

#[tokio::test]
async fn a_head_that_does_not_end_and_idleness_have_their_times_under_tls() {
    let secure = Secure::start(false, Bounds { head: SHORT, idle: 3 * SHORT, ..Bounds::default() }).await;
    let mut stream = secure.connect("http/1.1").await;
    stream.write_all(b"GET / HTTP/1.1\r\nX: ").await.unwrap();
    assert!(end(&mut stream).await < 10 * SHORT);
    for protocol in ["http/1.1", "h2"] {
        let mut stream = secure.connect(protocol).await;
        assert!(end(&mut stream).await < 10 * SHORT, "{protocol}: nothing is asked");
    }
}

#[tokio::test]
async fn a_client_that_does_not_read_loses_its_connection_under_tls() {
    let bounds = Bounds { scrapes: 1, stall: SHORT, ..Bounds::default() };
    let secure = Secure::start(true, bounds).await;
    let mut silent = secure.connect("http/1.1").await;
    silent.write_all(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    let status = async || {
        let mut stream = secure.connect("http/1.1").await;
        stream.write_all(b"HEAD /metrics HTTP/1.0\r\n\r\n").await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer.split(' ').nth(1).unwrap().to_owned()
    };
    eventually("the only place is taken", async || status().await == "503").await;
    eventually("the place is free again", async || status().await == "200").await;
}

fn get(path: &str) -> Request<()> {
    Request::get(format!("https://localhost{path}")).body(()).unwrap()
}

#[tokio::test]
async fn http2_answers_and_is_kept_as_long_as_requests_come() {
    let secure = Secure::start(false, Bounds { head: SHORT, idle: 4 * SHORT, ..Bounds::default() }).await;
    let (mut client, mut connection) = h2::client::handshake(secure.connect("h2").await).await.unwrap();
    let mut pings = connection.ping_pong().unwrap();
    let running = tokio::spawn(connection);
    for _ in 0..3 {
        let (answer, _) = client.send_request(get("/-/healthy"), true).unwrap();
        assert_eq!(timeout(PATIENCE, answer).await.unwrap().unwrap().status(), 200);
        // Longer than a head may take, and not idle for too long; a ping is no head that begins.
        pings.ping(h2::Ping::opaque()).await.unwrap();
        tokio::time::sleep(2 * SHORT).await;
    }
    let begun = Instant::now();
    let _ = timeout(PATIENCE, running).await.expect("an idle connection ends");
    assert!(begun.elapsed() >= SHORT);
}

#[tokio::test]
async fn an_http2_client_that_opens_no_window_loses_its_connection() {
    let bounds = Bounds { scrapes: 2, stall: SHORT, ..Bounds::default() };
    let secure = Secure::start(true, bounds).await;
    let mut builder = h2::client::Builder::new();
    builder.initial_window_size(1000);
    let (mut client, connection) = builder.handshake::<_, bytes::Bytes>(secure.connect("h2").await).await.unwrap();
    let running = tokio::spawn(connection);
    let mut answers = Vec::new();
    for _ in 0..2 {
        client = client.ready().await.unwrap();
        let (answer, _) = client.send_request(get("/metrics"), true).unwrap();
        answers.push(timeout(PATIENCE, answer).await.unwrap().unwrap());
    }
    assert_eq!(answers.iter().filter(|answer| answer.status() == 200).count(), 2);
    let _ = timeout(PATIENCE, running).await.expect("the connection ends");
    let status = async || {
        let (mut client, connection) = h2::client::handshake(secure.connect("h2").await).await.unwrap();
        let running = tokio::spawn(connection);
        let (answer, _) = client.send_request(get("/metrics"), true).unwrap();
        let status = answer.await.map(|answer| answer.status().as_u16());
        running.abort();
        status.ok()
    };
    eventually("the places are free again", async || status().await == Some(200)).await;
}

#[tokio::test]
async fn an_http2_client_that_is_only_slow_is_served_on() {
    let secure = Secure::start(true, Bounds { stall: 3 * SHORT / 2, ..Bounds::default() }).await;
    let mut builder = h2::client::Builder::new();
    builder.initial_window_size(16 * 1024);
    let (mut client, connection) = builder.handshake::<_, bytes::Bytes>(secure.connect("h2").await).await.unwrap();
    tokio::spawn(connection);
    let (answer, _) = client.send_request(get("/metrics"), true).unwrap();
    let mut body = timeout(PATIENCE, answer).await.unwrap().unwrap().into_body();
    // A frame now and then: half a megabyte takes several times as long as a client may take nothing.
    for frame in 0..32 {
        let data = timeout(PATIENCE, body.data()).await.unwrap().expect("there is more").expect("it is served on");
        assert!(data.len() <= 16 * 1024, "{frame}: {}", data.len());
        tokio::time::sleep(SHORT / 4).await;
        body.flow_control().release_capacity(data.len()).unwrap();
    }
}

#[tokio::test]
async fn many_streams_of_a_connection_wait_for_each_other() {
    let secure = Secure::start(false, Bounds::default()).await;
    let (client, connection) = h2::client::handshake(secure.connect("h2").await).await.unwrap();
    tokio::spawn(connection);
    // With the first answer comes how many there may be at a time.
    let (answer, _) = client.clone().send_request(get("/-/healthy"), true).unwrap();
    assert_eq!(answer.await.unwrap().status(), 200);
    let mut requests = tokio::task::JoinSet::new();
    for _ in 0..500 {
        let client = client.clone();
        requests.spawn(async move {
            let (answer, _) = client.ready().await.unwrap().send_request(get("/-/healthy"), true).unwrap();
            answer.await.unwrap().status().as_u16()
        });
    }
    let statuses = timeout(PATIENCE, requests.join_all()).await.unwrap();
    assert_eq!(statuses, vec![200; 500]);
}
