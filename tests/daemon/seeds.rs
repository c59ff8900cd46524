//! The verbatim example bodies of the vendor's five documents, and exactly the series that they make.

use dcs_backup_exporter::simulator::{Call, Options, PROJECT_ID, Version};

use crate::harness::{Daemon, cloud, configuration};

const INSTANCE: &str = "5560df16-cebf-4473-95c4-d1b573c16e79";

/// A document: the form of its example URL, and the body that it shows.
struct Document {
    name: &'static str,
    version: Version,
    call: Call,
    url: &'static str,
    body: &'static str,
}

const DOCUMENTS: [Document; 5] = [
    Document {
        name: "restores_v2_2025",
        version: Version::V2,
        call: Call::Restores,
        url: "/v2/{project_id}/instances/{instance_id}/restores?offset=0&limit=10&begin_Time=20170718000000&end_Time=20170719000000",
        body: include_str!("../fixtures/seeds/restores_v2_2025.json"),
    },
    Document {
        name: "backups_v1",
        version: Version::V1,
        call: Call::Backups,
        url: "/v1.0/{project_id}/instances/{instance_id}/backups?start=1&limit=10&beginTime=20190510000000&endTime=20190511000000",
        body: include_str!("../fixtures/seeds/backups_v1.json"),
    },
    Document {
        name: "restores_v2_otc",
        version: Version::V2,
        call: Call::Restores,
        url: "/v2/{project_id}/instances/{instance_id}/restores?offset=0&limit=10&begin_Time=20170718000000&end_Time=20170719000000",
        body: include_str!("../fixtures/seeds/restores_v2_otc.json"),
    },
    Document {
        name: "backups_v2_2024",
        version: Version::V2,
        call: Call::Backups,
        url: "/v2/{project_id}/instances/{instance_id}/backups?offset=0&limit=10&beginTime=20190510000000&end_time=20190512000000",
        body: include_str!("../fixtures/seeds/backups_v2_2024.json"),
    },
    Document {
        name: "backups_v2_2021",
        version: Version::V2,
        call: Call::Backups,
        url: "/v2/{project_id}/instances/{instance_id}/backups?start=1&limit=10&beginTime=20190510000000&endTime=20190511000000",
        body: include_str!("../fixtures/seeds/backups_v2_2021.json"),
    },
];

#[tokio::test(flavor = "multi_thread")]
async fn every_documents_example_gives_exactly_its_series() {
    for document in DOCUMENTS {
        let cloud = cloud(Options { instances: 0, ..Options::default() }).await;
        let no_records = |call| (call, 200, "{}");
        for (call, status, body) in
            [no_records(Call::Backups), no_records(Call::Restores), (Call::Instance, 200, SHOWN)]
        {
            cloud.replace_body(document.version, call, Some(INSTANCE), status, body);
        }
        cloud.replace_body(document.version, document.call, Some(INSTANCE), 200, document.body);
        let version = if document.version == Version::V1 { "v1.0" } else { "v2" };
        let more = format!("  api_version: {version}\n  instances: [{{ id: {INSTANCE}, name: orders-cache }}]\n");
        let daemon = Daemon::start(&configuration(&cloud, &more)).await;
        let series =
            daemon.scrape_until("all three polls", |series| series.is(&["dcs_poll_success{", INSTANCE], 3.0)).await;
        let what = if document.call == Call::Backups { "dcs_backup_" } else { "dcs_restore_" };
        insta::assert_snapshot!(document.name, series.lines(&[what, INSTANCE]));

        // The simulator takes the form of URL that the document itself shows, and answers it with the same body.
        let target = document.url.replace("{project_id}", PROJECT_ID).replace("{instance_id}", INSTANCE);
        assert_eq!(signed_get(&cloud.addr().to_string(), &target).await, document.body);
    }
}

/// What `instances/{id}` says of an instance without a policy.
const SHOWN: &str = r#"{"instance_id":"5560df16-cebf-4473-95c4-d1b573c16e79","name":"dcs-example","engine":"Redis",
 "engine_version":"5.0","status":"RUNNING","cache_mode":"ha","max_memory":1024,"capacity":1,"capacity_minor":null,
 "created_at":"2017-07-01T08:00:00.000Z","instance_backup_policy":null}"#;

/// A request signed as the vendor's guide says, sent as it is.
async fn signed_get(host: &str, target: &str) -> String {
    use dcs_backup_exporter::cloud::sign::{Signable, format_date, sign};
    use dcs_backup_exporter::simulator::{ACCESS_KEY, SECRET_KEY};
    let (path, query) = target.split_once('?').unwrap();
    let date = format_date(jiff::Timestamp::now());
    let headers = [("host", host), ("x-project-id", PROJECT_ID), ("x-sdk-date", date.as_str())];
    let signable = Signable { method: "GET", path, query, headers: &headers, body: b"" };
    let authorization = sign(&signable, &date, ACCESS_KEY, SECRET_KEY);
    let response = reqwest::Client::new()
        .get(format!("http://{host}{target}"))
        .header("x-project-id", PROJECT_ID)
        .header("x-sdk-date", &date)
        .header("authorization", authorization)
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), 200, "{target}");
    response.text().await.unwrap()
}
