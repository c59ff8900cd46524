//! The search for a project's id.

use super::*;
use crate::config::CloudProject;

fn named(stub: &Stub, name: &str) -> ProjectConfig {
    ProjectConfig { project: CloudProject::Named(name.to_owned()), ..project(stub, access_keys(), None) }
}

#[tokio::test]
async fn a_project_is_searched_by_its_name_once() {
    let stub = Stub::by(|seen, _| {
        assert!(seen.is_signed_with(SECRET));
        // A filter that is not exact does no harm.
        answer(
            "200 OK",
            "",
            r#"{"projects":[{"id":"other","name":"eu-de"},{"id":"id 1","name":"x"},{"id":"p-id","name":"eu-de_a b"}]}"#,
        )
    })
    .await;
    let (mut logins, metrics) = logins_with(Clock::system());
    let login = logins.of(&named(&stub, "eu-de_a b")).unwrap();
    let searches = (0..50).map(|_| {
        let login = Arc::clone(&login);
        tokio::spawn(async move { login.project_id("eu-de_a b", &caller()).await.unwrap() })
    });
    for search in searches.collect::<Vec<_>>() {
        assert_eq!(search.await.unwrap().as_str(), "p-id");
    }
    assert_eq!(stub.lines(), ["GET /v3/projects?name=eu-de_a%20b"]);
    assert_eq!(stub.seen()[0].header("x-project-id"), None);
    let text = written(&metrics);
    assert!(text.contains(r#"dcs_exporter_api_requests_total{code="200",operation="project",project="prod"} 1"#));
}

#[tokio::test]
async fn what_is_found_is_told_in_one_sentence() {
    let many: Vec<_> = (0..30).map(|number| format!(r#"{{"id":"id{number}","name":"eu-de"}}"#)).collect();
    let many = format!(r#"{{"projects":[{}]}}"#, many.join(","));
    for (status, body, kind, expected) in [
        ("200 OK", r#"{"projects":[]}"#, ErrorKind::NotFound, "found none that these credentials may use"),
        ("200 OK", r#"{"projects":[{"id":"a"},{"id":"b"}]}"#, ErrorKind::NotFound, "found 2 (a, b)"),
        ("200 OK", &many, ErrorKind::NotFound, "found 30 (id0, id1, id2, id3, id4, id5, id6, id7, id8, id9, …)"),
        ("200 OK", "{}", ErrorKind::Decode, "the answer has no list of projects"),
        ("200 OK", r#"{"projects":[{"name":"eu-de"}]}"#, ErrorKind::Decode, "the answer has a project without an id"),
        ("403 Forbidden", "", ErrorKind::Forbidden, "a permission is lacking"),
        ("401 Unauthorized", "", ErrorKind::BadSignature, "refused"),
        ("503 Service Unavailable", "", ErrorKind::Unavailable, "failed: the service cannot answer now"),
    ] {
        let stub = Stub::serving([answer(status, "", body)]).await;
        let login = logins().of(&named(&stub, "eu-de")).unwrap();
        let error = login.project_id("eu-de", &caller()).await.unwrap_err();
        assert_eq!(error.kind, kind, "{error}");
        assert!(error.at_login && error.message.contains(expected), "{error}");
        assert_eq!(error.kind == ErrorKind::NotFound, hint_of(&error).starts_with("set project_id"), "{error:?}");
        let start = format!("credentials ops: the search for project \"eu-de\" at {} ", stub.address);
        assert!(error.message.starts_with(&start), "{error}");
        let again = login.project_id("eu-de", &caller()).await.unwrap_err();
        assert_eq!((again.kind, again.message), (ErrorKind::Held, error.message));
        assert_eq!(stub.seen().len(), 1);
    }
}

#[tokio::test]
async fn a_changed_key_searches_at_once() {
    let scratch = Scratch::new("search");
    let stub = Stub::by(|seen, _| {
        let found = answer("200 OK", "", r#"{"projects":[{"id":"p-id","name":"eu-de"}]}"#);
        if seen.is_signed_with(SECRET) { found } else { unauthorised("verify aksk signature fail") }
    })
    .await;
    let keys =
        KeySource { access_key: inline("AK"), secret_key: scratch.file("sk", "HUSHWRONG"), security_token: None };
    let project = ProjectConfig {
        project: CloudProject::Named("eu-de".to_owned()),
        ..project(&stub, Source::AccessKeys(keys), None)
    };
    let login = logins().of(&project).unwrap();
    for kind in [ErrorKind::BadSignature, ErrorKind::Held, ErrorKind::Held] {
        assert_eq!(login.project_id("eu-de", &caller()).await.unwrap_err().kind, kind);
    }
    scratch.file("sk", SECRET);
    assert_eq!(login.project_id("eu-de", &caller()).await.unwrap().as_str(), "p-id");
    assert_eq!(stub.seen().len(), 2);
}

#[tokio::test]
async fn without_a_login_nothing_is_searched() {
    let stub = Stub::serving([answer("200 OK", "", r#"{"projects":[]}"#)]).await;
    let missing = TextSource::File("/nonexistent/sk".into());
    let keys = KeySource { access_key: inline("AK"), secret_key: missing, security_token: None };
    let project = ProjectConfig {
        project: CloudProject::Named("eu-de".to_owned()),
        ..project(&stub, Source::AccessKeys(keys), None)
    };
    let login = logins().of(&project).unwrap();
    for _ in 0..2 {
        let error = login.project_id("eu-de", &caller()).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Unauthorized);
        assert!(error.message.contains("/nonexistent/sk cannot be read"), "{error}");
    }
    assert!(stub.seen().is_empty());
}
