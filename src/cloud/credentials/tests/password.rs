//! A user's password.

use serde_json::json;

use super::*;
use crate::config::{CloudProject, PasswordSource};

pub(super) fn password(text: TextSource) -> Source {
    Source::Password(PasswordSource {
        username: "exporter".to_owned(),
        password: text,
        domain_name: "ACCOUNT".to_owned(),
    })
}

#[tokio::test]
async fn a_password_is_changed_for_a_token_of_the_project() {
    let named = CloudProject::Named("eu-de_payments".to_owned());
    let by_id = CloudProject::Id("0123".into());
    for (scope, expected) in [(named, json!({"name": "eu-de_payments"})), (by_id, json!({"id": "0123"}))] {
        let stub = Stub::serving([token_answer(r#"{"id":"p-id","name":"x"}"#)]).await;
        let project = ProjectConfig { project: scope, ..project(&stub, password(inline("HUSHPASS\"\\")), None) };
        let (mut logins, metrics) = logins_with(Clock::system());
        let login = logins.of(&project).unwrap();
        for _ in 0..3 {
            let Grant::Token(token) = login.grant(&caller()).await.unwrap() else { panic!() };
            assert_eq!(token.0.expose_secret(), TOKEN);
        }
        assert_eq!(stub.lines(), ["POST /v3/auth/tokens?nocatalog=true"]);
        let seen = &stub.seen()[0];
        for absent in ["authorization", "x-auth-token", "x-project-id", "x-sdk-date"] {
            assert_eq!(seen.header(absent), None);
        }
        assert_eq!(seen.header("content-type"), Some("application/json"));
        let user = json!({"name": "exporter", "password": "HUSHPASS\"\\", "domain": {"name": "ACCOUNT"}});
        let identity = json!({"methods": ["password"], "password": {"user": user}});
        assert_eq!(seen.json(), json!({"auth": {"identity": identity, "scope": {"project": expected}}}));
        let left = login.expires_at().unwrap().duration_since(Clock::system().now());
        assert!(left > SignedDuration::from_hours(23) && left <= SignedDuration::from_hours(24));
        let text = written(&metrics);
        assert!(text.contains(r#"dcs_exporter_api_requests_total{code="201",operation="login",project="prod"} 1"#));
    }
}

#[tokio::test]
async fn the_answer_tells_the_id_of_a_named_project() {
    let stub = Stub::serving([token_answer(r#"{"id":"p-id"}"#)]).await;
    let project = ProjectConfig {
        project: CloudProject::Named("eu-de".to_owned()),
        ..project(&stub, password(inline("p")), None)
    };
    let login = logins().of(&project).unwrap();
    assert_eq!(login.project_id("eu-de", &caller()).await.unwrap().as_str(), "p-id");
    assert_eq!(stub.seen().len(), 1);
}

#[tokio::test]
async fn where_the_answer_does_not_tell_the_id_it_is_looked_up_with_the_token() {
    let stub = Stub::by(|seen, _| match seen.method.as_str() {
        "POST" => token_answer("null"),
        _ => answer("200 OK", "", r#"{"projects":[{"id":"p-id","name":"eu-de"}]}"#),
    })
    .await;
    let project = ProjectConfig {
        project: CloudProject::Named("eu-de".to_owned()),
        ..project(&stub, password(inline("p")), None)
    };
    let login = logins().of(&project).unwrap();
    assert_eq!(login.project_id("eu-de", &caller()).await.unwrap().as_str(), "p-id");
    assert_eq!(stub.lines()[1], "GET /v3/projects?name=eu-de");
    assert_eq!(stub.seen()[1].header("x-auth-token"), Some(TOKEN));
    assert_eq!(stub.seen()[1].header("authorization"), None);
}

#[tokio::test]
async fn a_wrong_password_is_tried_once_for_all_projects_and_a_changed_one_at_once() {
    let scratch = Scratch::new("password");
    let stub = Stub::by(|seen, _| {
        let is_good = seen.body.contains("HUSHGOOD");
        if is_good { token_answer("null") } else { unauthorised("The username or password is wrong: HUSHWRONG.") }
    })
    .await;
    let credentials = entry(password(scratch.file("password", "HUSHWRONG\n")), None);
    let mut logins = logins();
    let logins: Vec<_> = (0..5)
        .map(|number| {
            let project = project_at(stub.endpoint(), Arc::clone(&credentials));
            let id = CloudProject::Id(format!("p{number}").into());
            logins.of(&ProjectConfig { project: id, ..project }).unwrap()
        })
        .collect();
    let error = refusal(&logins[0]).await;
    assert!(error.kind.is_unauthorised() && error.status == Some(401), "{error:?}");
    let start = format!("credentials ops: the login of user \"exporter\" of account \"ACCOUNT\" at {}", stub.address);
    assert!(error.message.starts_with(&format!("{start} failed: ")), "{error}");
    assert!(error.message.contains("The username or password is wrong: …"), "{error}");
    assert!(hint_of(&error).contains("check username"), "{error:?}");
    let again = refusal(&logins[0]).await;
    assert_eq!((again.kind, &again.message), (ErrorKind::Held, &error.message));
    assert!(again.retry_after.unwrap() > Duration::from_mins(5));
    for login in &logins[1..] {
        let error = refusal(login).await;
        assert_eq!(error.kind, ErrorKind::Held);
        assert!(error.message.starts_with(&format!("{start} was not tried: ")), "{error}");
        let left = error.retry_after.unwrap();
        assert!(left <= Duration::from_secs(330) && left > Duration::from_mins(4), "{left:?}");
    }
    assert_eq!(stub.seen().len(), 1);
    scratch.file("password", "HUSHGOOD");
    for login in &logins {
        login.grant(&caller()).await.unwrap();
    }
    assert_eq!(stub.seen().len(), 6);
}

#[tokio::test]
async fn the_life_of_a_token_counts_by_the_clouds_clock() {
    // Our clock is two days ahead: by it the token has ended long ago.
    let date = httpdate::fmt_http_date(Clock::system().now().into());
    let body = format!(r#"{{"token":{{"expires_at":"{}"}}}}"#, in_hours(24));
    let headers = format!("x-subject-token: {TOKEN}\r\ndate: {date}\r\n");
    let stub = Stub::serving([answer("201 Created", headers, &body)]).await;
    let (mut logins, metrics) = logins_with(Clock::starting_at(in_hours(48)));
    let login = logins.of(&project(&stub, password(inline("p")), None)).unwrap();
    for _ in 0..2 {
        login.grant(&caller()).await.unwrap();
    }
    assert_eq!(stub.seen().len(), 1);
    assert!(written(&metrics).contains("dcs_exporter_clock_skew_seconds{project=\"prod\"} -172"));
}

#[tokio::test]
async fn answers_that_cannot_be_read_say_what_is_missing() {
    let ended = format!(r#"{{"token":{{"expires_at":"{}"}}}}"#, in_hours(-1));
    let with_token = |body: &str| answer("201 Created", format_args!("x-subject-token: {TOKEN}\r\n"), body);
    let long = format!(r#"{{"token":{{}},"padding":"{}"}}"#, "x".repeat(1 << 20));
    for (deed, kind, expected) in [
        (answer("201 Created", "", "{}"), ErrorKind::Decode, "the answer has no header X-Subject-Token"),
        (with_token("<html>"), ErrorKind::Decode, "the answer is no JSON object"),
        (with_token(&long), ErrorKind::Decode, "the answer is longer than 1 MiB"),
        (with_token(&ended), ErrorKind::ClockSkew, "ended already"),
        (answer("302 Found", "location: /x\r\n", ""), ErrorKind::Decode, "redirects are not followed"),
        (answer("503 Service Unavailable", "", ""), ErrorKind::Unavailable, "failed: the service cannot answer now"),
        (Deed::Close(Vec::new()), ErrorKind::Connection, "the connection broke"),
    ] {
        let stub = Stub::serving([deed]).await;
        let error = refusal(&login(&stub, password(inline("HUSHPASS")), None)).await;
        assert_eq!(error.kind, kind, "{error}");
        assert!(error.message.contains(expected), "{error}");
    }
}
