//! What the log is told of troubles that last, in virtual time.

use std::sync::Arc;
use std::time::Duration;

use crate::cloud::Request;
use crate::cloud::diagnosis::Hint;
use crate::cloud::error::ErrorKind;
use crate::config::{Override, Polling, ProjectConfig};
use crate::domain::selection::{NamePattern, Selection};
use crate::logging::heard::Heard;
use crate::poller::fake::{Fake, Script, by_tag, daily, project, tagged};

const MONTH: Duration = Duration::from_hours(30 * 24);

/// The warnings of a month in which requests fail by this script, and how many requests were sent.
async fn warnings_of_a_month(script: Script) -> (Vec<String>, usize) {
    let fake = Fake::new([daily("i-000")]);
    {
        let mut cloud = fake.lock();
        cloud.code = Some("DCS.2007");
        cloud.hint = Some(Hint::new("allow the action"));
        cloud.script = script;
    }
    let lines = warnings(&fake, &project(&["i-000"]), MONTH).await;
    let sent = fake.lock().requests.len();
    (lines, sent)
}

/// The warnings of so long a time.
async fn warnings(fake: &Fake, config: &ProjectConfig, time: Duration) -> Vec<String> {
    let heard = Heard::listen(tracing::Level::WARN);
    let poller = fake.poller(config, &Polling::default());
    let task = tokio::spawn(poller.run(std::future::pending()));
    tokio::time::sleep(time).await;
    task.abort();
    heard.text().lines().map(str::to_owned).collect()
}

#[tokio::test(start_paused = true)]
async fn overrides_and_filters_that_fit_nothing_are_told_once() {
    let hours = Duration::from_hours(13);
    let by_name = |text| Selection { names: vec![NamePattern::parse(text).unwrap()], ..Selection::default() };
    let overrides = [by_tag("tier", &["gold"]), by_tag("tier", &["glod"]), by_name("^i-0"), by_name("^by-hand$")];
    let overrides = overrides.into_iter().map(|of| Override { of, rpo: hours }).collect();
    let mut config = ProjectConfig { overrides, discovery: project(&[]).discovery, ..project(&["i-001"]) };
    config.instances[0].name = Some("by-hand".to_owned());
    let fake = Fake::new([tagged("i-000", &[("tier", "gold")]), tagged("i-001", &[])]);
    let told = |lines: &[String]| -> Vec<(String, String)> {
        let lines = lines.iter().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
        lines.map(|line| (line["key"].to_string(), line["message"].to_string())).collect()
    };
    let day = Duration::from_hours(24);
    let lines = told(&warnings(&fake, &config, day).await);
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].0.contains("overrides[1].match") && lines[0].1.contains("spelling"), "{lines:?}");

    let include = Some(by_tag("tier", &["glod"]));
    config.discovery.as_mut().unwrap().filter.include = include;
    config.overrides = Arc::default();
    assert_eq!(warnings(&fake, &config, day).await.len(), 0, "one is watched, by hand");
    config.instances.clear();
    let lines = told(&warnings(&fake, &config, day).await);
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].1.contains("leave out every instance"), "{lines:?}");

    // Before the first complete listing, and where something may still turn out to fit, nobody knows.
    config.overrides = [Override { of: by_tag("tier", &["glod"]), rpo: hours }].into();
    fake.lock().lists_no_tags = true;
    assert_eq!(warnings(&fake, &config, Duration::from_secs(10)).await.len(), 0);
    fake.lock().lists_in_part = true;
    fake.lock().lists_no_tags = false;
    let lines = warnings(&fake, &config, day).await;
    // Of the listing itself alone, and once.
    assert!(lines.len() == 1 && lines[0].contains(r#""hidden":0,"unreadable":1"#), "{lines:?}");
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
