use std::collections::BTreeSet;

use dcs_backup_exporter::simulator::{Call, Options, PROJECT_ID, RateLimit, SECOND_PROJECT_ID, Simulator, Version};
use jiff::SignedDuration;
use reqwest::Method;
use serde_json::{Value, json};

use super::client::{Cloud, Got, Signer};

fn keys(object: &Value) -> BTreeSet<&str> {
    object.as_object().unwrap().keys().map(String::as_str).collect()
}

fn list<'a>(got: &'a Value, key: &str) -> &'a Vec<Value> {
    got[key].as_array().unwrap_or_else(|| panic!("no {key} in {got}"))
}

#[tokio::test]
async fn the_root_lists_the_versions() {
    let cloud = Cloud::usual().await;
    let got = cloud.unsigned(Method::GET, "/").await;
    let versions: Vec<(String, String)> = list(&got.json(), "versions")
        .iter()
        .map(|version| [&version["id"], &version["status"]].map(|text| text.as_str().unwrap().to_owned()).into())
        .collect();
    assert_eq!(versions, [("v1.0", "DEPRECATED"), ("v2", "CURRENT")].map(|(id, status)| (id.into(), status.into())));
}

#[tokio::test]
async fn a_listing_of_v2_has_the_documented_keys_and_no_more_of_the_policy() {
    let cloud = Cloud::usual().await;
    let body = cloud.get(&Cloud::path("v2", "?limit=1000")).await.json();
    assert_eq!(body["instance_num"], 12);
    let documented = "publicip_id vpc_name charging_mode vpc_id subnet_id user_name created_at updated_at enable_ssl max_memory publicip_address capacity order_id maintain_begin engine maintain_end capacity_minor service_upgrade no_password_access service_task_id ip used_memory access_user instance_id enable_publicip port user_id domain_name name spec_code engine_version status security_group_id enterprise_project_id tags az_codes description cpu_type features sub_status readonly_domain_name";
    for instance in list(&body, "instances") {
        assert_eq!(keys(instance), documented.split(' ').collect(), "{instance}");
    }
    let flags = &list(&body, "instances")[3];
    assert_eq!(
        (&flags["capacity"], &flags["capacity_minor"], &flags["max_memory"]),
        (&json!(0), &json!(".125"), &json!(128))
    );
}

#[tokio::test]
async fn an_instance_is_shown_with_mode_and_policy() {
    let cloud = Cloud::usual().await;
    for version in ["v2", "v1.0"] {
        let show = async |name: &str| cloud.get(&Cloud::path(version, &format!("/{}", cloud.id(name)))).await.json();
        let orders = show("orders-cache").await;
        assert_eq!(orders["cache_mode"], "ha");
        let policy = &orders["instance_backup_policy"]["policy"];
        assert_eq!((&policy["backup_type"], &policy["save_days"]), (&json!("auto"), &json!(7)));
        let plan = &policy["periodical_backup_plan"];
        assert_eq!(plan["backup_at"], json!([1, 2, 3, 4, 5, 6, 7]));
        assert_eq!((&plan["timezone_offset"], &plan["period_type"]), (&Value::Null, &json!("weekly")));
        let begin_at = plan["begin_at"].as_str().unwrap();
        assert!(begin_at.len() == 11 && begin_at.ends_with(":00"), "{begin_at}");
        assert_eq!(
            show("payments-ledger").await["instance_backup_policy"]["policy"]["periodical_backup_plan"]["timezone_offset"],
            "+0800"
        );
        let legacy = show("legacy-sessions").await;
        assert_eq!(legacy["instance_backup_policy"]["policy"]["backup_type"], "manual");
        assert_eq!(legacy["instance_backup_policy"]["policy"]["periodical_backup_plan"]["backup_at"], json!([2, 4, 6]));
        assert_eq!(show("rate-limiter").await["instance_backup_policy"], Value::Null);
        assert_eq!(show("feature-flags").await["cache_mode"], "single");
        assert_eq!(orders.get("resource_spec_code").is_some(), version == "v1.0");
        assert!(orders.get("update_at").is_some());
    }
}

#[tokio::test]
async fn records_have_the_documented_keys_and_words() {
    let cloud = Cloud::usual().await;
    let backup_keys = "period backup_type created_at remark is_support_restore backup_id backup_name instance_id size updated_at progress error_code status execution_at backup_format";
    let restore_keys = "backup_id restore_id backup_name updated_at restore_remark created_at progress error_code restore_name backup_remark status";
    for version in ["v2", "v1.0"] {
        let absent = if version == "v2" { json!({}) } else { Value::Null };
        for name in ["orders-cache", "load-test", "legacy-sessions"] {
            let id = cloud.id(name);
            let body = cloud.get(&Cloud::path(version, &format!("/{id}/backups?limit=1000"))).await.json();
            let backups = list(&body, "backup_record_response");
            assert_eq!(body["total_num"], backups.len());
            for backup in backups {
                assert_eq!(keys(backup), backup_keys.split(' ').collect());
                assert_eq!(backup["instance_id"], id.as_str());
                let status = backup["status"].as_str().unwrap();
                assert!(["waiting", "backuping", "succeed", "failed", "expired", "deleted"].contains(&status));
                assert_eq!(backup["error_code"] == absent, status != "failed", "{backup}");
                assert_eq!(backup["period"] == absent, backup["backup_type"] == "manual");
                assert_eq!(backup["progress"] == "100.00", ["succeed", "expired", "deleted"].contains(&status));
                assert_eq!(backup["is_support_restore"] == "TRUE", status == "succeed");
                let created = backup["created_at"].as_str().unwrap();
                assert!(created.len() == 24 && created.ends_with('Z'), "{created}");
                assert!(created.parse::<jiff::Timestamp>().unwrap() <= cloud.clock.now());
            }
        }
        let id = cloud.id("load-test");
        let body = cloud.get(&Cloud::path(version, &format!("/{id}/restores?limit=1000"))).await.json();
        let restores = list(&body, "restore_record_response");
        assert!(restores.len() >= 19, "{}", restores.len());
        for restore in restores {
            let mut expected: BTreeSet<&str> = restore_keys.split(' ').collect();
            if version == "v1.0" {
                expected.extend(["sourceInstanceId", "sourceInstanceName"]);
                assert_eq!(restore["sourceInstanceName"], "load-test");
            }
            assert_eq!(keys(restore), expected);
            assert!(["waiting", "restoring", "succeed", "failed"].contains(&restore["status"].as_str().unwrap()));
        }
    }
}

#[tokio::test]
async fn no_records_are_204_in_v2_and_an_empty_list_in_v1() {
    let cloud = Cloud::usual().await;
    for name in ["feature-flags", "rate-limiter"] {
        for (what, list) in [("backups", "backup_record_response"), ("restores", "restore_record_response")] {
            let rest = format!("/{}/{what}", cloud.id(name));
            let got = cloud.get(&Cloud::path("v2", &rest)).await;
            assert_eq!((got.status, got.text.as_str()), (204, ""));
            let got = cloud.get(&Cloud::path("v1.0", &rest)).await;
            assert_eq!((got.status, got.json()), (200, json!({ list: [], "total_num": 0 })));
        }
    }
    let beyond = cloud.get(&Cloud::path("v2", &format!("/{}/backups?offset=24", cloud.id("orders-cache")))).await;
    assert_eq!(beyond.status, 204);
}

#[tokio::test]
async fn both_versions_page() {
    let cloud = Cloud::start(Options { instances: 25, ..Options::default() }).await;
    let names = |got: &Got| -> Vec<String> {
        list(&got.json(), "instances").iter().map(|one| one["name"].as_str().unwrap().to_owned()).collect()
    };
    let all: Vec<String> = cloud.handle.instances(PROJECT_ID).into_iter().map(|instance| instance.name).collect();
    for (version, query, expected) in [
        ("v2", "", &all[..10]),
        ("v2", "?offset=20&limit=10", &all[20..]),
        ("v2", "?offset=25", &all[25..]),
        ("v1.0", "", &all[..]),
        ("v1.0", "?start=1&limit=10", &all[..10]),
        ("v1.0", "?start=21&limit=10", &all[20..]),
    ] {
        let got = cloud.get(&Cloud::path(version, query)).await;
        assert_eq!(names(&got), expected, "{version} {query}");
        assert_eq!(got.json()["instance_num"], 25);
    }
    let id = cloud.id("orders-cache");
    let ids = async |version: &str, query: &str| -> Vec<String> {
        let body = cloud.get(&Cloud::path(version, &format!("/{id}/backups{query}"))).await.json();
        assert_eq!(body["total_num"], 24);
        list(&body, "backup_record_response").iter().map(|one| one["backup_id"].as_str().unwrap().to_owned()).collect()
    };
    let all = ids("v2", "?limit=1000").await;
    assert_eq!(ids("v2", "").await, all[..10]);
    assert_eq!(ids("v2", "?offset=20&limit=10").await, all[20..]);
    assert_eq!(ids("v1.0", "").await, all[..10]);
    assert_eq!(ids("v1.0", "?start=21&limit=10").await, all[20..]);
}

#[tokio::test]
async fn listings_can_be_filtered() {
    let cloud = Cloud::usual().await;
    let count =
        async |version: &str, query: &str| cloud.get(&Cloud::path(version, query)).await.json()["instance_num"].clone();
    let id = cloud.id("geo-index");
    for (version, query, expected) in [
        ("v2", "?name=sessions".to_owned(), 2),
        ("v2", "?name=sessions-eu&name_equal=true".to_owned(), 1),
        ("v2", "?name=sessions&name_equal=true".to_owned(), 0),
        ("v2", format!("?instance_id={id}"), 1),
        ("v1.0", format!("?id={id}"), 1),
        ("v2", "?status=ERROR".to_owned(), 0),
        ("v2", "?tags=env%3Dstaging".to_owned(), 2),
        ("v2", "?tags=env%3Dstaging%2Cteam%3Dplatform".to_owned(), 1),
        ("v2", "?capacity=8".to_owned(), 2),
    ] {
        assert_eq!(count(version, &query).await, expected, "{version} {query}");
    }
}

#[tokio::test]
async fn records_can_be_filtered_by_their_time_in_every_spelling() {
    let cloud = Cloud::usual().await;
    let id = cloud.id("orders-cache");
    let created = async |query: &str| -> Vec<String> {
        let got = cloud.get(&Cloud::path("v2", &format!("/{id}/backups?limit=1000{query}"))).await;
        if got.status == 204 {
            return Vec::new();
        }
        list(&got.json(), "backup_record_response")
            .iter()
            .map(|one| one["created_at"].as_str().unwrap().to_owned())
            .collect()
    };
    let all = created("").await;
    let middle: String = all[12].chars().filter(char::is_ascii_digit).take(14).collect();
    for key in ["begin_time", "begin_Time", "beginTime"] {
        assert_eq!(created(&format!("&{key}={middle}")).await, all[..13], "{key}");
    }
    for key in ["end_time", "end_Time", "endTime"] {
        assert_eq!(created(&format!("&{key}={middle}")).await, all[13..], "{key}");
    }
}

#[tokio::test]
async fn errors_have_the_form_of_their_version() {
    let cloud = Cloud::usual().await;
    let known = cloud.id("orders-cache");
    for (rest, status, v2, v1) in [
        ("/no-such-instance".to_owned(), 404, "DCS.3022", "111404022"),
        ("/no-such-instance/backups".to_owned(), 404, "DCS.3022", "111404022"),
        ("?limit=0".to_owned(), 400, "DCS.4800", "111400800"),
        ("?limit=1001".to_owned(), 400, "DCS.4800", "111400800"),
        (format!("/{known}/restores?limit=x"), 400, "DCS.4800", "111400800"),
        (format!("/{known}/backups?begin_time=20260102000000&end_time=20260101000000"), 400, "DCS.4025", "111400025"),
    ] {
        let got = cloud.get(&Cloud::path("v2", &rest)).await;
        assert_eq!((got.status, got.code().as_str()), (status, v2), "{rest}");
        assert_eq!(keys(&got.json()), ["error_code", "error_ext_msg", "error_msg"].into());
        let got = cloud.get(&Cloud::path("v1.0", &rest)).await;
        assert_eq!((got.status, got.code().as_str()), (status, v1), "{rest}");
        assert_eq!(keys(&got.json()["error"]), ["code", "ext_message", "message"].into());
    }
    for path in ["/v2", "/v3/p/instances", "/v2/p/instances/i/tasks", "/nothing"] {
        let got = cloud.unsigned(Method::GET, path).await;
        assert_eq!((got.status, got.code().as_str()), (404, "APIGW.0101"), "{path}");
    }
    for method in [Method::POST, Method::DELETE, Method::PUT] {
        let got = cloud.unsigned(method, &Cloud::path("v2", "")).await;
        assert_eq!((got.status, got.code().as_str()), (405, "DCS.5001"));
    }
}

#[tokio::test]
async fn the_second_project_has_other_instances() {
    let cloud = Cloud::usual().await;
    let signer = Signer { project: Some(SECOND_PROJECT_ID.to_owned()), ..Signer::default() };
    let body = cloud.try_get(&format!("/v2/{SECOND_PROJECT_ID}/instances"), &signer).await.unwrap().json();
    assert_eq!(body["instance_num"], 3);
    let first = cloud.handle.instances(PROJECT_ID);
    for instance in list(&body, "instances") {
        let id = instance["instance_id"].as_str().unwrap();
        assert!(first.iter().all(|other| other.id != id));
        assert_eq!(
            cloud.get(&Cloud::path("v2", &format!("/{id}"))).await.status,
            404,
            "it is not in the first project"
        );
    }
}

#[tokio::test]
async fn a_restarted_simulator_goes_on_where_it_was() {
    let (one, two) = (Cloud::usual().await, Cloud::usual().await);
    let other = Cloud::start(Options { seed: 2, ..Options::default() }).await;
    let finished = async |cloud: &Cloud| -> Vec<Value> {
        let body =
            cloud.get(&Cloud::path("v2", &format!("/{}/backups?limit=1000", cloud.id("geo-index")))).await.json();
        list(&body, "backup_record_response").iter().filter(|one| one["status"] == "succeed").cloned().collect()
    };
    assert_eq!(finished(&one).await, finished(&two).await);
    assert_ne!(finished(&one).await, finished(&other).await);
}

#[tokio::test]
async fn the_date_is_always_there_and_follows_the_skew() {
    let cloud = Cloud::usual().await;
    for skew in [0, 600, -600] {
        cloud.handle.set_clock_skew(SignedDuration::from_secs(skew));
        let got = cloud.get(&Cloud::path("v2", "?limit=1")).await;
        let date = httpdate::parse_http_date(got.headers["date"].to_str().unwrap()).unwrap();
        let ahead = jiff::Timestamp::try_from(date).unwrap().duration_since(cloud.clock.now()).as_secs();
        assert!((ahead - skew).abs() <= 5, "{ahead} s ahead with a skew of {skew} s");
    }
}

#[tokio::test]
async fn the_rate_limit_refuses_what_is_too_much() {
    let retry_after = Some(std::time::Duration::from_millis(1500));
    let rate_limit = Some(RateLimit { per_second: 0.001, burst: 3, retry_after });
    let cloud = Cloud::start(Options { rate_limit, ..Options::default() }).await;
    for _ in 0..3 {
        assert_eq!(cloud.get(&Cloud::path("v2", "")).await.status, 200);
    }
    let got = cloud.get(&Cloud::path("v2", "")).await;
    assert_eq!(
        (got.status, got.code().as_str(), &got.headers["retry-after"]),
        (429, "APIGW.0308", &"2".parse().unwrap())
    );
    assert!(got.json()["error_msg"].as_str().unwrap().starts_with("The throttling threshold has been reached"));
    cloud.handle.set_rate_limit(Some(RateLimit { per_second: 0.001, burst: 1, retry_after: None }));
    assert_eq!(cloud.get(&Cloud::path("v2", "")).await.status, 200);
    assert!(!cloud.get(&Cloud::path("v2", "")).await.headers.contains_key("retry-after"));
    assert_eq!(cloud.handle.tally().throttled, 2);
    cloud.handle.set_rate_limit(None);
    assert_eq!(cloud.get(&Cloud::path("v2", "")).await.status, 200);
}

#[tokio::test]
async fn bodies_can_be_replaced_byte_for_byte() {
    let cloud = Cloud::usual().await;
    let id = "5560df16-cebf-4473-95c4-d1b573c16e79";
    let body = "{\"total_num\" : 1,\n \"backup_record_response\" : [ { \"period\" : { } } ]}";
    cloud.handle.replace_body(Version::V2, Call::Backups, Some(id), 200, body);
    let path = |rest: &str| Cloud::path("v2", &format!("/{id}/backups{rest}"));
    assert_eq!(cloud.get(&path("?start=1&beginTime=20170718000000")).await.text, body);
    assert_eq!(cloud.get(&path("?offset=1&limit=10")).await.status, 204, "there is no second page");
    assert_eq!(cloud.get(&Cloud::path("v1.0", &format!("/{id}/backups"))).await.status, 404);
    cloud.handle.replace_body(Version::V2, Call::Backups, None, 500, "{}");
    assert_eq!(cloud.get(&path("")).await.status, 200, "its own comes first");
    assert_eq!(cloud.get(&Cloud::path("v2", &format!("/{}/backups", cloud.id("geo-index")))).await.status, 500);
    cloud.handle.restore_bodies();
    assert_eq!(cloud.get(&path("")).await.status, 404);
}

#[tokio::test]
async fn instances_come_and_go() {
    let cloud = Cloud::usual().await;
    assert!(cloud.handle.add_instance(PROJECT_ID, "an-id", "new-cache", "staging-replica"));
    assert!(!cloud.handle.add_instance(PROJECT_ID, "an-id", "new-cache", "no-such-kind"));
    assert!(!cloud.handle.add_instance("no-such-project", "an-id", "new-cache", "staging-replica"));
    let got = cloud.get(&Cloud::path("v2", "/an-id")).await.json();
    assert_eq!((&got["name"], &got["cache_mode"]), (&json!("new-cache"), &json!("ha")));
    assert_eq!(cloud.get(&Cloud::path("v2", "/an-id/backups")).await.json()["total_num"], 24);
    assert!(cloud.handle.remove_instance("new-cache"));
    assert!(!cloud.handle.remove_instance("new-cache"));
    assert_eq!(cloud.get(&Cloud::path("v2", "/an-id")).await.status, 404);
    assert_eq!(cloud.get(&Cloud::path("v2", "")).await.json()["instance_num"], 12);
}

#[tokio::test]
async fn the_judge_counts() {
    let cloud = Cloud::usual().await;
    let id = cloud.id("geo-index");
    cloud.get(&Cloud::path("v2", "")).await;
    cloud.get(&Cloud::path("v2", &format!("/{id}/backups?limit=5"))).await;
    cloud.get(&Cloud::path("v1.0", &format!("/{id}/backups"))).await;
    cloud.get(&Cloud::path("v2", "/none/restores")).await;
    let tally = cloud.handle.tally();
    assert_eq!((tally.requests, tally.calls(Call::Backups), tally.calls(Call::Instances)), (4, 2, 1));
    assert_eq!(tally.by_call[&(Version::V1, Call::Backups)], 1);
    assert_eq!((tally.by_instance[&id], tally.by_instance["none"]), (2, 1));
    assert_eq!((tally.by_status[&200], tally.by_status[&404]), (3, 1));
    assert!((1..=4).contains(&tally.peak_per_second));
    assert_eq!(tally.peak_concurrency, 1);
    let newest: Vec<(&str, u16)> = tally.newest.iter().map(|seen| (seen.target.as_str(), seen.status)).collect();
    assert_eq!(newest[1], (Cloud::path("v2", &format!("/{id}/backups?limit=5")).as_str(), 200));
    cloud.handle.reset_tally();
    assert_eq!(cloud.handle.tally().requests, 0);
}

#[tokio::test]
async fn ten_thousand_instances_can_be_listed_while_one_looks() {
    let cloud = Cloud::start(Options { instances: 10_000, ..Options::default() }).await;
    let mut seen = BTreeSet::new();
    for offset in (0..10_000).step_by(1000) {
        let body = cloud.get(&Cloud::path("v2", &format!("?offset={offset}&limit=1000"))).await.json();
        seen.extend(list(&body, "instances").iter().map(|one| one["instance_id"].as_str().unwrap().to_owned()));
    }
    assert_eq!(seen.len(), 10_000);
}

#[tokio::test]
async fn options_out_of_range_are_refused_with_a_sentence() {
    for speed in [0.5, 0.0, -1.0, 1001.0, f64::NAN, f64::INFINITY] {
        let options = Options { speed, ..Options::default() };
        let error = Simulator::bind(options, dcs_backup_exporter::clock::Clock::system()).await.unwrap_err();
        assert!(error.to_string().ends_with("must be from 1 to 1000"), "{error}");
    }
    let rate_limit = Some(RateLimit { per_second: 0.0, burst: 1, retry_after: None });
    let options = Options { rate_limit, ..Options::default() };
    let error = Simulator::bind(options, dcs_backup_exporter::clock::Clock::system()).await.unwrap_err();
    assert_eq!(error.to_string(), "rate limit 0/s, burst 1: both must be above 0");
}
