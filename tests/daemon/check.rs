//! `check` and `check-config` against the simulated cloud.

use dcs_backup_exporter::simulator::{ACCESS_KEY, Fault, FaultKind, Options, PROJECT_ID, SECRET_KEY};

use crate::harness::{Directory, binary, cloud, configuration};

/// Runs the binary off the runtime's threads.
async fn run(arguments: Vec<String>, environment: Vec<(String, String)>) -> std::process::Output {
    tokio::task::spawn_blocking(move || binary().args(arguments).envs(environment).output().unwrap()).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn one_round_gives_a_table_and_json_that_agree() {
    let cloud = cloud(Options::default()).await;
    let directory = Directory::new();
    let file = directory.file("config.yml", &configuration(&cloud, "")).display().to_string();
    let arguments = |output: &str| ["check", "--config.file", &file, "--output", output].map(str::to_owned).to_vec();
    let json = run(arguments("json"), Vec::new()).await;
    let report: serde_json::Value = serde_json::from_slice(&json.stdout).unwrap();
    let rows = report["instances"].as_array().unwrap();
    assert_eq!(rows.len(), cloud.instances(PROJECT_ID).len());
    assert_eq!(report["exit_code"].as_i64(), json.status.code().map(i64::from));
    assert!(rows.iter().any(|row| row["status"] == "unsupported"), "the fleet has single nodes");
    assert!(rows.iter().all(|row| row["status"] != "not_polled"), "{report:#}");
    let table = run(arguments("table"), Vec::new()).await;
    let text = String::from_utf8(table.stdout).unwrap();
    assert!(text.starts_with("STATUS"), "{text}");
    for instance in cloud.instances(PROJECT_ID) {
        assert!(text.contains(&instance.name), "{} is missing:\n{text}", instance.name);
    }
    assert!(!text.contains('\u{1b}'), "colour on a terminal only");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_polled_is_critical_and_says_why() {
    let cloud = cloud(Options::default()).await;
    let victim = cloud.instances(PROJECT_ID).remove(0);
    cloud.set_faults([Fault::always(FaultKind::Forbidden).on(&victim.id)]);
    let directory = Directory::new();
    let file = directory.file("config.yml", &configuration(&cloud, "")).display().to_string();
    let output = run(["check".to_owned(), "--config.file".to_owned(), file].to_vec(), Vec::new()).await;
    assert_eq!(output.status.code(), Some(2));
    let text = String::from_utf8(output.stdout).unwrap();
    let line = text.lines().find(|line| line.contains(&victim.name)).unwrap();
    assert!(line.starts_with("not polled") && line.contains("403"), "{line}");
    let actions = ["getDataBackupLog", "getDataRestoreLog", "get "].map(|action| format!("dcs:instance:{action}"));
    for action in actions {
        let hints = text.lines().filter(|line| line.starts_with("hint: ") && line.contains(&action)).count();
        assert_eq!(hints, 1, "{action}:\n{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_key_is_told_after_one_request() {
    let cloud = cloud(Options::default()).await;
    let directory = Directory::new();
    let wrong = configuration(&cloud, "").replace(SECRET_KEY, "wrong");
    let file = directory.file("config.yml", &wrong).display().to_string();
    let output = run(["check".to_owned(), "--config.file".to_owned(), file].to_vec(), Vec::new()).await;
    assert_eq!(output.status.code(), Some(2));
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("project prod: ") && text.contains("401"), "{text}");
    assert!(text.contains("hint: the secret key does not fit the access key"), "{text}");
    assert_eq!(cloud.tally().requests, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_environment_alone_is_enough() {
    let cloud = cloud(Options::default()).await;
    let environment = [
        ("HUAWEICLOUD_SDK_AK", ACCESS_KEY.to_owned()),
        ("HUAWEICLOUD_SDK_SK", SECRET_KEY.to_owned()),
        ("HUAWEICLOUD_SDK_PROJECT_ID", PROJECT_ID.to_owned()),
        ("DCS_EXPORTER_REGION", "eu-de".to_owned()),
        ("DCS_EXPORTER_ENDPOINT", format!("http://{}", cloud.addr())),
        ("DCS_EXPORTER_SERVICE_HOST", "10.0.0.1".to_owned()),
    ]
    .map(|(name, value)| (name.to_owned(), value));
    let output = run(vec!["check-config".to_owned()], environment.to_vec()).await;
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(String::from_utf8(output.stderr).unwrap().contains("DCS_EXPORTER_SERVICE_HOST"), "a warning");
    let output = run(["check", "--output", "json"].map(str::to_owned).to_vec(), environment.to_vec()).await;
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["instances"].as_array().unwrap().len(), cloud.instances(PROJECT_ID).len());
}
