//! Which projects share a login, and what all logins share.

use super::machine::{ASK_TOKEN, metadata, pod};
use super::password::password;
use super::*;
use crate::cloud::transport::BuildError;
use crate::config::{Agency, CloudProject, Domain, Proxies};
use crate::logging::heard::Heard;

#[tokio::test]
async fn projects_share_a_login_where_nothing_differs() {
    let stub = Stub::serving([token_answer("null")]).await;
    let assume = Assume {
        agency: Agency::Named { name: "a".to_owned(), domain: Domain::Id("d".to_owned()) },
        duration: Duration::from_hours(1),
    };
    let other_endpoint = Some("http://127.0.0.1:9".parse().unwrap());
    for (source, assume, is_scoped) in [
        (access_keys(), None, false),
        (Source::Metadata(stub.endpoint()), None, false),
        (password(inline("p")), None, true),
        (Source::FirstOf(vec![password(inline("p"))]), None, true),
        (password(inline("p")), Some(assume), false),
    ] {
        let mut logins = logins();
        let base = project(&stub, source, assume);
        let first = logins.of(&base).unwrap();
        let mut shares = |project: &ProjectConfig| Arc::ptr_eq(&first, &logins.of(project).unwrap());
        let named = |name: &str| CloudProject::Named(name.to_owned());
        assert!(shares(&ProjectConfig { name: "other".into(), region: "x".to_owned(), ..base.clone() }));
        assert_eq!(shares(&ProjectConfig { project: CloudProject::Id("2".into()), ..base.clone() }), !is_scoped);
        assert_eq!(shares(&ProjectConfig { project: named("eu-de"), ..base.clone() }), !is_scoped);
        assert!(!shares(&ProjectConfig { iam_endpoint: other_endpoint.clone(), ..base.clone() }));
        assert!(!shares(&ProjectConfig { sts_endpoint: other_endpoint.clone(), ..base.clone() }));
        let proxies = Proxies::all("http://127.0.0.1:9".parse().unwrap());
        assert!(!shares(&ProjectConfig { proxies, ..base.clone() }));
        let limits = Some(crate::config::Limits::default());
        let read_anew = CredentialsConfig { limits, ..CredentialsConfig::clone(&base.credentials) };
        assert!(shares(&ProjectConfig { credentials: Arc::new(read_anew.clone()), ..base.clone() }), "a reload");
        let renamed = CredentialsConfig { name: "dev".to_owned(), ..read_anew.clone() };
        assert!(!shares(&ProjectConfig { credentials: Arc::new(renamed), ..base.clone() }));
        let other = CredentialsConfig { source: password(inline("q")), ..read_anew };
        assert!(!shares(&ProjectConfig { credentials: Arc::new(other), ..base.clone() }));
        logins.set_timeout(Duration::from_secs(1));
        assert!(!Arc::ptr_eq(&first, &logins.of(&base).unwrap()));
    }
}

#[tokio::test]
async fn a_login_is_made_anew_where_its_certificates_have_changed_and_forgotten_with_its_last_user() {
    let stub = Stub::serving([token_answer("null")]).await;
    let scratch = Scratch::new("trusted");
    let pem = || {
        let key = rcgen::KeyPair::generate().unwrap();
        rcgen::CertificateParams::new(["stub.example".to_owned()]).unwrap().self_signed(&key).unwrap().pem()
    };
    let path = scratch.path("ca.pem");
    std::fs::write(&path, pem()).unwrap();
    let mut logins = logins();
    let project = ProjectConfig { ca_file: Some(path.clone()), ..project(&stub, password(inline("p")), None) };
    let login = logins.of(&project).unwrap();
    assert!(Arc::ptr_eq(&login, &logins.of(&project).unwrap()));
    std::fs::write(&path, pem()).unwrap();
    let anew = logins.of(&project).unwrap();
    assert!(!Arc::ptr_eq(&login, &anew));
    let gone = [Arc::downgrade(&login), Arc::downgrade(&anew)];
    drop((login, anew));
    logins.sweep();
    assert!(gone.iter().all(|login| login.upgrade().is_none()));
    assert!(!format!("{logins:?}").contains("ops"), "nothing is left of them");
}

#[tokio::test]
async fn a_shared_login_searches_for_those_who_name_a_project() {
    let stub = Stub::serving([answer("200 OK", "", r#"{"projects":[{"id":"p-id"}]}"#)]).await;
    let mut logins = logins();
    let base = project(&stub, access_keys(), None);
    let login = logins.of(&base).unwrap();
    let error = login.project_id("eu-de", &caller()).await.unwrap_err();
    assert!(error.message.contains("set project_id"), "{error}");
    logins.of(&ProjectConfig { project: CloudProject::Named("eu-de".to_owned()), ..base }).unwrap();
    assert_eq!(login.project_id("eu-de", &caller()).await.unwrap().as_str(), "p-id");
}

#[tokio::test]
async fn a_login_that_lacks_its_endpoint_is_told() {
    let stub = Stub::serving([token_answer("null")]).await;
    let without_iam = |source| ProjectConfig { iam_endpoint: None, ..project(&stub, source, None) };
    let error = logins().of(&without_iam(password(inline("p")))).unwrap_err();
    assert!(matches!(error, BuildError::Endpoint { key: "iam_endpoint", .. }), "{error}");
    assert!(error.to_string().starts_with("credentials ops need iam_endpoint"), "{error}");
    assert!(logins().of(&without_iam(access_keys())).is_ok());
    let by_name = ProjectConfig { project: CloudProject::Named("x".to_owned()), ..without_iam(access_keys()) };
    assert!(logins().of(&by_name).is_err());
}

/// Thirty projects with tokens of their own are thirty logins, at two a second and never more than five at once.
#[tokio::test]
async fn all_logins_at_one_endpoint_share_its_budget() {
    let stub = Stub::by(|_, _| token_answer("null")).await;
    let credentials = entry(password(inline("p")), None);
    let mut logins = logins();
    let start = tokio::time::Instant::now();
    let grants: Vec<_> = (0..4)
        .map(|number| {
            let id = CloudProject::Id(format!("p{number}").into());
            let project = ProjectConfig { project: id, ..project_at(stub.endpoint(), Arc::clone(&credentials)) };
            let login = logins.of(&project).unwrap();
            tokio::spawn(async move { login.grant(&caller()).await.map(drop) })
        })
        .collect();
    for grant in grants {
        grant.await.unwrap().unwrap();
    }
    assert_eq!(stub.seen().len(), 4);
    assert!(start.elapsed() >= Duration::from_millis(1450), "{:?}", start.elapsed());
}

#[tokio::test]
async fn throttled_logins_wait_and_are_counted() {
    let stub = Stub::serving([answer("429 Too Many Requests", "retry-after: 600\r\n", "")]).await;
    let (mut logins, metrics) = logins_with(Clock::system());
    let login = logins.of(&project(&stub, password(inline("p")), None)).unwrap();
    let error = refusal(&login).await;
    assert_eq!((error.kind, error.retry_after), (ErrorKind::Throttled, Some(Duration::from_mins(10))));
    let left = refusal(&login).await.retry_after.unwrap();
    assert!(left > Duration::from_secs(590), "{left:?}");
    assert!(written(&metrics).contains("dcs_exporter_throttled_total{project=\"prod\"} 1"));
}

#[tokio::test]
async fn debug_shows_no_secret() {
    let stub = Stub::serving([token_answer("null")]).await;
    let mut logins = logins();
    let login = logins.of(&project(&stub, password(inline("HUSHPASS")), None)).unwrap();
    login.grant(&caller()).await.unwrap();
    let shown = format!("{login:?} {logins:?}");
    assert!(shown.contains("exporter") && !shown.contains("HUSH"), "{shown}");
}

#[tokio::test]
async fn no_secret_is_logged() {
    let heard = Heard::listen(tracing::Level::TRACE);
    let service = Stub::by(|seen, index| match seen.line().as_str() {
        ASK_TOKEN => answer("200 OK", "", "HUSHMETA"),
        _ => keys_answer(index, in_hours(1)),
    })
    .await;
    let stub = Stub::by(|_, index| match index {
        0 => unauthorised("HUSHPASS"),
        _ => keys_answer(index, in_hours(1)),
    })
    .await;
    refusal(&login(&stub, password(inline("HUSHPASS")), None)).await;
    granted_keys(&login(&service, metadata(&service), None)).await;
    let pod = login(&stub, pod(&stub, inline("HUSHPOD")), None);
    granted_keys(&pod).await;
    let text = heard.text();
    assert!(text.contains(r#""operation":"login""#) && text.contains(r#""status":401"#), "{text}");
    assert!(!text.contains("HUSH"), "{text}");
}
