//! The client over real sockets, against a stub that sends scripted bytes.

mod hints;

use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

use super::*;
use crate::cloud::Answer;
use crate::cloud::credentials::Logins;
use crate::cloud::sign::{Authorization, parse_date};
use crate::cloud::stub::{Deed, Stub, answer, hint_of, project_at};
use crate::cloud::transport::MAX_BODY;
use crate::config::{CredentialsConfig, KeySource, PasswordSource, Proxies, Source, TextSource};
use crate::logging::heard::Heard;
use crate::pace::keys::KeyRing;

const AK: &str = "AKHUSHHUSHHUSH";
const SK: &str = "SKHUSHHUSHHUSH";
const TOKEN: &str = "TOKENHUSHHUSH/+==";
const ENOUGH: Duration = Duration::from_secs(20);

fn no_records() -> Deed {
    answer("200 OK", "", r#"{"total_num":0,"backup_record_response":[]}"#)
}

fn project(endpoint: Url) -> ProjectConfig {
    let text = |text: &str| TextSource::Inline(text.into());
    let keys = KeySource { access_key: text(AK), secret_key: text(SK), security_token: None };
    project_at(endpoint, entry(keys))
}

fn entry(keys: KeySource) -> Arc<CredentialsConfig> {
    let source = Source::AccessKeys(keys);
    Arc::new(CredentialsConfig { name: "ops".to_owned(), source, assume: None, limits: None })
}

fn temporary_keys() -> Arc<CredentialsConfig> {
    let text = |text: &str| TextSource::Inline(text.into());
    let keys = KeySource { access_key: text(AK), secret_key: text(SK), security_token: Some(text(TOKEN)) };
    entry(keys)
}

fn api_within(project: &ProjectConfig, request_timeout: Duration) -> Result<HttpApi, BuildError> {
    let clock = Clock::system();
    let metrics = OwnMetrics::new(clock.now(), Duration::ZERO, std::slice::from_ref(&project.name));
    let mut logins = Logins::new(request_timeout, Arc::new(KeyRing::default()), clock.clone(), metrics.clone());
    let login = logins.of(project)?;
    HttpApi::new(project, &Polling { request_timeout, ..Polling::default() }, login, clock, metrics)
}

fn api(project: &ProjectConfig) -> HttpApi {
    api_within(project, ENOUGH).unwrap()
}

fn backups() -> Request {
    Request::Backups("5560df16-cebf-4473-95c4-d1b573c16e79".into(), Window { offset: 0, limit: 1000 })
}

async fn error_after(deed: Deed) -> CloudError {
    let stub = Stub::serving([deed]).await;
    let error = api(&project(stub.endpoint())).send(&backups()).await.unwrap_err();
    assert_eq!(stub.seen().len(), 1, "nothing is asked again");
    assert!(!error.to_string().contains("HUSH"), "{error}");
    error
}

#[tokio::test]
async fn requests_are_signed_and_addressed() {
    let stub = Stub::serving([no_records()]).await;
    let api = api(&project(stub.endpoint()));
    api.send(&backups()).await.unwrap();
    let seen = &stub.seen()[0];
    assert_eq!(seen.method, "GET");
    let path = "/v2/0123456789abcdef0123456789abcdef/instances/5560df16-cebf-4473-95c4-d1b573c16e79/backups";
    assert_eq!(seen.target, format!("{path}?limit=1000&offset=0"));
    assert_eq!(seen.header("host"), Some(stub.address.to_string().as_str()));
    assert_eq!(seen.header("x-project-id"), Some("0123456789abcdef0123456789abcdef"));
    assert_eq!(seen.header("content-type"), Some("application/json"));
    assert_eq!(seen.header("x-security-token"), None);
    assert_eq!(seen.header("accept-encoding"), Some("gzip"));
    assert_eq!(seen.header("user-agent"), Some(concat!("dcs-backup-exporter/", env!("CARGO_PKG_VERSION"))));
    let signed_at = parse_date(seen.header("x-sdk-date").unwrap()).unwrap();
    assert!(Clock::system().now().duration_since(signed_at).abs() < SignedDuration::from_mins(1));
    let authorization = Authorization::parse(seen.header("authorization").unwrap()).unwrap();
    assert_eq!(authorization.access_key, AK);
    assert_eq!(authorization.signed_headers, ["content-type", "host", "x-project-id", "x-sdk-date"]);
    assert!(seen.is_signed_with(SK));
    assert!(!seen.is_signed_with("SKHUSHHUSHHUSi"));
}

fn gzipped(body: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(body).unwrap();
    encoder.finish().unwrap()
}

fn encoded(body: &[u8]) -> Deed {
    let head = format!("HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: {}\r\n\r\n", body.len());
    Deed::Answer([head.as_bytes(), body].concat())
}

#[tokio::test]
async fn compressed_answers_are_read_and_bounded_by_what_they_unpack_to() {
    let records = gzipped(br#"{"backup_record_response":[],"total_num":0}"#);
    let stub = Stub::serving([encoded(&records)]).await;
    let answer = api(&project(stub.endpoint())).send(&backups()).await.unwrap();
    assert!(matches!(answer, Answer::Records(page) if page.total == Some(0)));
    let bomb = gzipped(&vec![b' '; 10 * MAX_BODY]);
    assert!(bomb.len() < MAX_BODY / 10);
    assert_eq!(error_after(encoded(&bomb)).await.kind, ErrorKind::Decode);
    // What is no gzip, and what breaks off.
    for body in [&b"{}"[..], &records[..records.len() / 2]] {
        let error = error_after(encoded(body)).await;
        assert!(matches!(error.kind, ErrorKind::Connection | ErrorKind::Decode), "{error}");
    }
}

#[tokio::test]
async fn a_security_token_is_sent_and_signed() {
    let stub = Stub::serving([no_records()]).await;
    let project = ProjectConfig { credentials: temporary_keys(), ..project(stub.endpoint()) };
    api(&project).send(&backups()).await.unwrap();
    let seen = &stub.seen()[0];
    assert_eq!(seen.header("x-security-token"), Some(TOKEN));
    assert!(
        Authorization::parse(seen.header("authorization").unwrap())
            .unwrap()
            .signed_headers
            .contains(&"x-security-token")
    );
    assert!(seen.is_signed_with(SK));
}

#[tokio::test]
async fn paths_and_windows_of_both_versions() {
    let window = Window { offset: 2000, limit: 100 };
    for (version, request, expected) in [
        (ApiVersion::V2, Request::Instances(window), "/v2/p/instances?limit=100&offset=2000"),
        (ApiVersion::V1, Request::Instances(window), "/v1.0/p/instances?limit=100&start=2001"),
        (ApiVersion::V2, Request::Instance("i".into()), "/v2/p/instances/i"),
        (ApiVersion::V1, Request::Instance("i".into()), "/v1.0/p/instances/i"),
        (ApiVersion::V2, Request::Restores("i".into(), window), "/v2/p/instances/i/restores?limit=100&offset=2000"),
        (ApiVersion::V1, Request::Backups("i".into(), window), "/v1.0/p/instances/i/backups?limit=100&start=2001"),
        (ApiVersion::V2, Request::Instance("../x".into()), "/v2/p/instances/..%2Fx"),
        (ApiVersion::V2, Request::Instance("a?b=c#d%2e ü".into()), "/v2/p/instances/a%3Fb%3Dc%23d%252e%20%C3%BC"),
    ] {
        let stub = Stub::serving([answer("404 Not Found", "", "")]).await;
        let project =
            ProjectConfig { project: CloudProject::Id("p".into()), api_version: version, ..project(stub.endpoint()) };
        api(&project).send(&request).await.unwrap_err();
        let seen = &stub.seen()[0];
        assert_eq!(seen.target, expected);
        assert!(seen.is_signed_with(SK), "{expected}");
    }
}

#[tokio::test]
async fn ids_that_would_change_the_path_are_not_sent() {
    let stub = Stub::serving([no_records()]).await;
    for id in ["", ".", ".."] {
        let error = api(&project(stub.endpoint())).send(&Request::Instance(id.into())).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::NotFound);
    }
    assert!(stub.seen().is_empty());
    let project = ProjectConfig { project: CloudProject::Id("..".into()), ..project(stub.endpoint()) };
    assert!(matches!(api_within(&project, ENOUGH), Err(BuildError::ProjectId(_))));
}

#[tokio::test]
async fn answers_are_read() {
    let body = include_str!("../../../tests/fixtures/seeds/backups_v2_2024.json");
    let stub = Stub::serving([answer("200 OK", "content-type: application/json\r\n", body)]).await;
    let Answer::Records(page) = api(&project(stub.endpoint())).send(&backups()).await.unwrap() else { panic!() };
    assert_eq!((page.items.len(), page.total), (1, Some(1)));
    for deed in [
        Deed::Answer(b"HTTP/1.1 204 No Content\r\n\r\n".to_vec()),
        answer("200 OK", "", ""),
        answer("200 OK", "", "{}"),
        Deed::Answer(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n".to_vec()),
        Deed::Close(b"HTTP/1.1 200 OK\r\n\r\n{}".to_vec()),
    ] {
        let stub = Stub::serving([deed]).await;
        let Answer::Records(page) = api(&project(stub.endpoint())).send(&backups()).await.unwrap() else { panic!() };
        assert_eq!(page.received, 0);
    }
}

#[tokio::test]
async fn a_connection_is_used_again_after_successes_and_refusals() {
    let refusal = answer("429 Too Many Requests", "", r#"{"error_code":"APIGW.0308"}"#);
    let html = answer("200 OK", "", "<html></html>");
    let empty = Deed::Answer(b"HTTP/1.1 204 No Content\r\n\r\n".to_vec());
    let stub = Stub::serving([no_records(), refusal, html, empty, no_records()]).await;
    let api = api(&project(stub.endpoint()));
    for _ in 0..6 {
        let _ = api.send(&backups()).await;
    }
    assert_eq!(stub.seen().len(), 6);
    assert_eq!(stub.accepted.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn redirects_are_not_followed() {
    for status in ["301 Moved", "302 Found", "307 Temporary Redirect", "308 Permanent Redirect"] {
        let error = error_after(answer(status, "location: /elsewhere\r\n", "")).await;
        assert_eq!(error.kind, ErrorKind::Decode);
        assert!(error.message.contains("redirects are not followed"), "{error}");
    }
}

#[tokio::test]
async fn a_body_without_end_is_not_read_to_it() {
    let announced = Deed::Stall(format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", (16 << 20) + 1).into_bytes());
    let mut chunk = format!("{:x}\r\n", 1 << 20).into_bytes();
    chunk.extend(vec![b' '; 1 << 20]);
    chunk.extend(b"\r\n");
    let endless = Deed::Flood(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n".to_vec(), chunk);
    for deed in [announced, endless] {
        let error = error_after(deed).await;
        assert_eq!((error.kind, error.status), (ErrorKind::Decode, Some(200)));
        assert!(error.message.contains("longer than 16 MiB"), "{error}");
    }
}

#[tokio::test]
async fn a_large_body_is_read() {
    let body = format!(r#"{{"backup_record_response":[],"padding":"{}"}}"#, "x".repeat((16 << 20) - 50));
    let stub = Stub::serving([answer("200 OK", "", &body)]).await;
    assert!(api(&project(stub.endpoint())).send(&backups()).await.is_ok());
}

#[tokio::test]
async fn a_slow_answer_is_a_timeout() {
    for bytes in ["", "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n{", "HTTP/1.1 2"] {
        let stub = Stub::serving([Deed::Stall(bytes.into())]).await;
        let api = api_within(&project(stub.endpoint()), Duration::from_millis(300)).unwrap();
        let error = api.send(&backups()).await.unwrap_err();
        assert_eq!((error.kind, error.status), (ErrorKind::Timeout, None), "{bytes:?}");
        assert_eq!(error.message, "no whole answer within 0.3 s");
    }
}

#[tokio::test]
async fn a_connection_that_breaks_is_told_with_its_cause() {
    for (bytes, expected) in [
        ("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n{", "the answer broke off: "),
        ("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\n{", "the answer broke off: "),
        ("HTTP/1.1 200", "the connection broke before an answer came: "),
        ("", "the connection broke before an answer came: "),
        ("SSH-2.0-OpenSSH\r\n\r\n", "the connection broke before an answer came: "),
    ] {
        let error = error_after(Deed::Close(bytes.into())).await;
        assert_eq!((error.kind, error.status), (ErrorKind::Connection, None), "{bytes:?}");
        assert!(error.message.starts_with(expected) && error.message.len() > expected.len(), "{error}");
    }
    let nobody = Stub::serving([no_records()]).await.address;
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    assert_ne!(nobody, closed);
    let endpoint: Url = format!("http://{closed}").parse().unwrap();
    let error = api(&project(endpoint)).send(&backups()).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Connection);
    assert!(error.message.contains("refused"), "{error}");
}

#[tokio::test]
async fn a_name_that_nobody_knows_is_told() {
    let endpoint: Url = "http://dcs.invalid".parse().unwrap();
    let api = api_within(&project(endpoint), Duration::from_secs(3)).unwrap();
    let error = api.send(&backups()).await.unwrap_err();
    // Some resolvers take their time.
    assert!(matches!(error.kind, ErrorKind::Connection | ErrorKind::Timeout), "{error:?}");
}

#[tokio::test]
async fn what_is_no_answer_of_the_service_is_a_decode_error() {
    for body in ["<html>Welcome</html>", "[]", r#"{"error_code":"DCS.5000"}"#, r#"{"total_num":3}"#] {
        let error = error_after(answer("200 OK", "x-request-id: r-1\r\n", body)).await;
        assert_eq!((error.kind, error.status), (ErrorKind::Decode, Some(200)), "{body}");
        assert_eq!(error.request_id.as_deref(), Some("r-1"));
    }
}

#[tokio::test]
async fn refusals_are_typed() {
    let echo = format!(r#"{{"error_code":"APIGW.0301","error_msg":"fail {SK} {TOKEN},canonicalRequest:GET|{AK}"}}"#);
    for (status, body, kind, code) in [
        (
            "400 Bad Request",
            r#"{"error_code":"DCS.4800","error_msg":"x"}"#,
            ErrorKind::InvalidParameter,
            Some("DCS.4800"),
        ),
        ("400 Bad Request", r#"{"error":{"code":"111400086"}}"#, ErrorKind::Unsupported, Some("111400086")),
        ("401 Unauthorized", echo.as_str(), ErrorKind::BadSignature, Some("APIGW.0301")),
        ("403 Forbidden", r#"{"error_code":"DCS.2007"}"#, ErrorKind::Forbidden, Some("DCS.2007")),
        ("404 Not Found", r#"{"error_code":"DCS.3022"}"#, ErrorKind::NotFound, Some("DCS.3022")),
        ("429 Too Many Requests", "", ErrorKind::Throttled, None),
        ("502 Bad Gateway", "<html></html>", ErrorKind::Unavailable, None),
    ] {
        let stub = Stub::serving([answer(status, "retry-after: 7\r\nx-request-id: r\r\n", body)]).await;
        let project = ProjectConfig { credentials: temporary_keys(), ..project(stub.endpoint()) };
        let error = api(&project).send(&backups()).await.unwrap_err();
        assert_eq!((error.kind, error.code.as_deref()), (kind, code), "{status} {body}");
        assert_eq!(error.retry_after, Some(Duration::from_secs(7)), "{status}");
        assert_eq!(error.request_id.as_deref(), Some("r"), "{status}");
        assert!(!format!("{error} {error:?}").contains("HUSH"), "{error}");
    }
}

#[tokio::test]
async fn a_wrong_clock_is_told_by_the_answers_date() {
    let at = |minutes: i64| {
        let moment = Clock::system().now() + SignedDuration::from_mins(minutes);
        format!("date: {}\r\n", httpdate::fmt_http_date(moment.into()))
    };
    for (minutes, kind) in [
        (0, ErrorKind::BadSignature),
        (14, ErrorKind::BadSignature),
        (20, ErrorKind::ClockSkew),
        (-20, ErrorKind::ClockSkew),
    ] {
        let error = error_after(answer("401 Unauthorized", at(minutes), r#"{"error_code":"APIGW.0301"}"#)).await;
        assert_eq!(error.kind, kind, "{minutes} min");
    }
}

#[tokio::test]
async fn without_keys_nothing_is_sent() {
    let stub = Stub::serving([no_records()]).await;
    let missing = || TextSource::File(PathBuf::from("/nonexistent/key"));
    let keys = KeySource { access_key: missing(), secret_key: missing(), security_token: None };
    let credentials = entry(keys);
    let api = api(&ProjectConfig { credentials, ..project(stub.endpoint()) });
    let error = api.send(&backups()).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unauthorized);
    assert!(error.message.contains("/nonexistent/key"), "{error}");
    assert!(stub.seen().is_empty());
    assert!(api.key().await.is_err());
}

#[tokio::test]
async fn a_proxy_is_used_where_one_is_configured() {
    let proxy = Stub::serving([no_records()]).await;
    let url = format!("http://user:HUSHPASS@{}", proxy.address);
    let project = ProjectConfig {
        proxies: Proxies::all(url.parse().unwrap()),
        ..project("http://dcs.invalid:8080".parse().unwrap())
    };
    let api = api(&project);
    api.send(&backups()).await.unwrap();
    let seen = &proxy.seen()[0];
    assert!(seen.target.starts_with("http://dcs.invalid:8080/v2/"), "{}", seen.target);
    assert_eq!(seen.header("host"), Some("dcs.invalid:8080"));
    assert_eq!(seen.header("proxy-authorization"), Some("Basic dXNlcjpIVVNIUEFTUw=="));
    let project = ProjectConfig { proxies: Proxies::all("socks5://127.0.0.1:1".parse().unwrap()), ..project };
    assert!(matches!(api_within(&project, ENOUGH), Err(BuildError::Proxy(_))));
}

#[tokio::test]
async fn a_ca_file_that_is_none_is_told() {
    let stub = Stub::serving([no_records()]).await;
    for (path, expected) in [("/nonexistent/ca.pem", "cannot be read"), ("Cargo.toml", "holds no certificate")] {
        let project = ProjectConfig { ca_file: Some(path.into()), ..project(stub.endpoint()) };
        let error = api_within(&project, ENOUGH).unwrap_err().to_string();
        assert!(error.contains(path) && error.contains(expected), "{error}");
    }
}

/// A server's certificate for this name, and the PEM file of its issuer.
fn certificate(name: &str) -> (TlsAcceptor, CaFile) {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new([name.to_owned()]).unwrap().signed_by(&key, &issuer).unwrap();
    let key = PrivateKeyDer::Pkcs8(key.serialize_der().into());
    let config = ServerConfig::builder().with_no_client_auth().with_single_cert(vec![certificate.der().clone()], key);
    (TlsAcceptor::from(Arc::new(config.unwrap())), CaFile::new(name, &issuer.pem()))
}

struct CaFile(PathBuf);

impl CaFile {
    fn new(name: &str, pem: &str) -> Self {
        let path = std::env::temp_dir().join(format!("dcs-ca-{name}-{}.pem", std::process::id()));
        std::fs::write(&path, pem).unwrap();
        Self(path)
    }
}

impl Drop for CaFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

#[tokio::test]
async fn tls_is_verified_and_a_ca_file_adds_to_the_roots() {
    for (name, with_ca_file, expected) in [
        ("127.0.0.1", true, None),
        ("127.0.0.1", false, Some(("UnknownIssuer", "into ca_file"))),
        ("dcs.example", true, Some(("certificate not valid for name \"127.0.0.1\"", "for another name"))),
    ] {
        let (tls, ca_file) = certificate(name);
        let stub = Stub::over([no_records()], Some(tls)).await;
        let endpoint: Url = format!("https://{}", stub.address).parse().unwrap();
        let project = ProjectConfig { ca_file: with_ca_file.then(|| ca_file.0.clone()), ..project(endpoint) };
        let result = api(&project).send(&backups()).await;
        match expected {
            None => assert!(result.is_ok() && stub.seen()[0].is_signed_with(SK), "{result:?}"),
            Some((cause, hint)) => {
                let error = result.unwrap_err();
                assert_eq!(error.kind, ErrorKind::Connection);
                assert!(error.message.contains(cause) && hint_of(&error).contains(hint), "{error:?}");
                assert!(stub.seen().is_empty(), "nothing is sent to a stranger");
            }
        }
    }
}

#[tokio::test]
async fn a_server_with_an_authoritys_own_certificate_is_refused_with_a_way_out() {
    let mut params = CertificateParams::new(["127.0.0.1".to_owned()]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    let certificate = params.self_signed(&key).unwrap();
    let key = PrivateKeyDer::Pkcs8(key.serialize_der().into());
    let config = ServerConfig::builder().with_no_client_auth().with_single_cert(vec![certificate.der().clone()], key);
    let stub = Stub::over([no_records()], Some(TlsAcceptor::from(Arc::new(config.unwrap())))).await;
    let endpoint: Url = format!("https://{}", stub.address).parse().unwrap();
    let error = api(&project(endpoint)).send(&backups()).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Connection);
    assert!(error.message.contains("CaUsedAsEndEntity"), "{error}");
    assert!(hint_of(&error).contains("own certificate (self-signed): have it issue one"), "{error:?}");
    assert!(stub.seen().is_empty(), "nothing is sent to a stranger");
}

#[tokio::test]
async fn no_secret_is_logged() {
    let heard = Heard::listen(tracing::Level::TRACE);
    let refusal = answer("401 Unauthorized", "", &format!(r#"{{"error_msg":"key {AK} token {TOKEN}"}}"#));
    let stub = Stub::serving([no_records(), refusal, Deed::Close(Vec::new())]).await;
    let api = api(&ProjectConfig { credentials: temporary_keys(), ..project(stub.endpoint()) });
    for _ in 0..3 {
        let _ = api.send(&backups()).await;
    }
    let logged = heard.text();
    assert!(logged.contains(r#""operation":"backups""#) && logged.contains(r#""status":401"#), "{logged}");
    assert!(!logged.contains("HUSH"), "{logged}");
    assert!(!format!("{api:?}").contains("HUSH"));
}

#[tokio::test]
async fn a_named_project_is_asked_with_its_id_and_a_token() {
    let iam = Stub::serving([answer(
        "201 Created",
        format_args!("x-subject-token: {TOKEN}\r\n"),
        r#"{"token":{"expires_at":"2999-01-01T00:00:00Z","project":{"id":"p-id"}}}"#,
    )])
    .await;
    let stub = Stub::serving([no_records()]).await;
    let password = PasswordSource {
        username: "u".to_owned(),
        password: TextSource::Inline("HUSHPASS".into()),
        domain_name: "d".to_owned(),
    };
    let credentials =
        CredentialsConfig { name: "ops".to_owned(), source: Source::Password(password), assume: None, limits: None };
    let project = ProjectConfig {
        project: CloudProject::Named("eu-de".to_owned()),
        iam_endpoint: Some(iam.endpoint()),
        credentials: Arc::new(credentials),
        ..project(stub.endpoint())
    };
    let api = api(&project);
    assert_eq!(api.project_id(), None);
    for _ in 0..2 {
        api.key().await.unwrap();
        api.send(&backups()).await.unwrap();
    }
    assert_eq!(api.project_id(), Some("p-id".into()));
    assert_eq!(iam.seen().len(), 1);
    for seen in stub.seen() {
        assert!(seen.target.starts_with("/v2/p-id/instances/"), "{}", seen.target);
        assert_eq!(seen.header("x-auth-token"), Some(TOKEN));
        assert_eq!((seen.header("authorization"), seen.header("x-project-id")), (None, None));
    }
}

#[tokio::test]
async fn a_login_that_fails_is_no_answer_of_the_service() {
    let stub = Stub::serving([answer("403 Forbidden", "", "")]).await;
    let project = ProjectConfig { project: CloudProject::Named("eu-de".to_owned()), ..project(stub.endpoint()) };
    let error = api(&project).send(&backups()).await.unwrap_err();
    assert_eq!((error.kind, error.status), (ErrorKind::Forbidden, Some(403)));
    assert!(!error.service_answered());
    assert_eq!(stub.lines(), ["GET /v3/projects?name=eu-de"]);
}
