//! Every way to a grant over real sockets: what is sent is what the official SDK sends, and what fails says so.

mod agencies;
mod chain;
mod federation;
mod machine;
mod password;
mod profile;
mod projects;
mod sharing;

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use secrecy::ExposeSecret as _;

use super::scratch::Scratch;
use super::{Grant, Keys, Login, Logins};
use crate::clock::Clock;
use crate::cloud::error::{CloudError, ErrorKind};
use crate::cloud::stub::{Deed, Seen, Stub, answer, hint_of, project_at};
use crate::config::{Assume, CredentialsConfig, KeySource, ProjectConfig, Source, TextSource};
use crate::domain::ProjectName;
use crate::exposition::Format;
use crate::exposition::own::OwnMetrics;
use crate::pace::keys::KeyRing;

const SECRET: &str = "HUSHSECRET";
const TOKEN: &str = "HUSHTOKEN/+==";

fn inline(text: &str) -> TextSource {
    TextSource::Inline(text.into())
}

fn caller() -> ProjectName {
    "prod".into()
}

fn entry(source: Source, assume: Option<Assume>) -> Arc<CredentialsConfig> {
    Arc::new(CredentialsConfig { name: "ops".to_owned(), source, assume, limits: None })
}

fn access_keys() -> Source {
    let (access_key, secret_key) = (inline("AKBASE"), inline(SECRET));
    Source::AccessKeys(KeySource { access_key, secret_key, security_token: None })
}

/// Logins with what they write to.
fn logins_with(clock: Clock) -> (Logins, OwnMetrics) {
    let metrics = OwnMetrics::new(clock.now(), Duration::ZERO, &[caller()]);
    let logins = Logins::new(Duration::from_secs(20), Arc::new(KeyRing::default()), clock, metrics.clone());
    (logins, metrics)
}

fn written(metrics: &OwnMetrics) -> String {
    let mut text = String::new();
    metrics.write(Format::Text, &mut text);
    text
}

fn logins() -> Logins {
    logins_with(Clock::system()).0
}

/// The login of a project whose endpoints are all the stub.
fn login(stub: &Stub, source: Source, assume: Option<Assume>) -> Arc<Login> {
    logins().of(&project(stub, source, assume)).unwrap()
}

fn project(stub: &Stub, source: Source, assume: Option<Assume>) -> ProjectConfig {
    project_at(stub.endpoint(), entry(source, assume))
}

async fn granted_keys(login: &Login) -> Keys {
    match login.grant(&caller()).await.unwrap() {
        Grant::Keys(keys) => keys,
        Grant::Token(_) => panic!("a token"),
    }
}

async fn refusal(login: &Login) -> CloudError {
    let error = login.grant(&caller()).await.unwrap_err();
    assert!(error.at_login && !error.service_answered(), "{error}");
    assert!(error.message.starts_with("credentials ops: "), "{error}");
    assert!(!format!("{error} {error:?}").contains("HUSH"), "{error}");
    error
}

fn in_hours(hours: i64) -> Timestamp {
    Clock::system().now() + SignedDuration::from_hours(hours)
}

fn keys_answer(number: usize, ends: Timestamp) -> Deed {
    let body = format!(
        r#"{{"credential":{{"access":"AK{number}","secret":"{SECRET}","securitytoken":"{TOKEN}","expires_at":"{ends}"}}}}"#
    );
    answer("201 Created", "", &body)
}

fn sts_answer(number: usize, ends: Timestamp) -> Deed {
    let body = format!(
        r#"{{"credentials":{{"access_key_id":"AK{number}","secret_access_key":"{SECRET}","security_token":"{TOKEN}","expiration":"{ends}"}}}}"#
    );
    answer("200 OK", "", &body)
}

fn token_answer(project: &str) -> Deed {
    let body = format!(r#"{{"token":{{"expires_at":"{}","project":{project}}}}}"#, in_hours(24));
    answer("201 Created", format_args!("x-subject-token: {TOKEN}\r\n"), &body)
}

fn unauthorised(message: &str) -> Deed {
    let body = format!(r#"{{"error":{{"code":401,"message":"{message}","title":"Unauthorized"}}}}"#);
    answer("401 Unauthorized", "", &body)
}
