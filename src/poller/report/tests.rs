//! What the log is told of troubles that last, in virtual time.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::cloud::Request;
use crate::cloud::diagnosis::Hint;
use crate::cloud::error::ErrorKind;
use crate::config::Polling;
use crate::poller::fake::{Fake, Script, daily, project};

const MONTH: Duration = Duration::from_hours(30 * 24);

/// Keeps what is logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// The warnings of a month in which requests fail by this script, and how many requests were sent.
async fn warnings_of_a_month(script: Script) -> (Vec<String>, usize) {
    let fake = Fake::new([daily("i-000")]);
    {
        let mut cloud = fake.lock();
        cloud.code = Some("DCS.2007");
        cloud.hint = Some(Hint::new("allow the action"));
        cloud.script = script;
    }
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_max_level(tracing::Level::WARN)
        .with_writer(move || writer.clone())
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let poller = fake.poller(&project(&["i-000"]), &Polling::default());
    let task = tokio::spawn(poller.run(std::future::pending()));
    tokio::time::sleep(MONTH).await;
    task.abort();
    let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    let sent = fake.lock().requests.len();
    (text.lines().map(str::to_owned).collect(), sent)
}

fn assert_told_once(lines: &[String], reason: &str, of_instance: bool) {
    let [line] = lines else { panic!("one line was to be told: {lines:#?}") };
    let line: serde_json::Value = serde_json::from_str(line).unwrap();
    assert_eq!(line["reason"], reason);
    assert_eq!(line["code"], "DCS.2007");
    assert_eq!(line["hint"], "allow the action");
    assert!(line["request_id"].as_str().unwrap().starts_with("request-"), "{line}");
    assert!(line["error"].as_str().unwrap().starts_with("scripted"), "{line}");
    assert_eq!(line.get("instance_id").is_some(), of_instance, "{line}");
}

#[tokio::test(start_paused = true)]
async fn a_month_of_the_same_refusal_is_one_line_with_its_code_request_and_hint() {
    let script: Script = Box::new(|_, request| matches!(request, Request::Backups(..)).then_some(ErrorKind::Forbidden));
    let (lines, sent) = warnings_of_a_month(script).await;
    assert!(sent > 5000, "{sent} requests");
    assert_told_once(&lines, "forbidden", true);
}

#[tokio::test(start_paused = true)]
async fn a_month_without_the_service_is_one_line_for_the_project() {
    let (lines, sent) = warnings_of_a_month(Box::new(|_, _| Some(ErrorKind::Connection))).await;
    assert!(sent > 5000, "{sent} requests");
    assert_told_once(&lines, "connection", false);
}
