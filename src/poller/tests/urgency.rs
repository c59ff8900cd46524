//! A budget that is too small: the urgent go first, the rest stretch evenly, and the metrics say so.

use super::*;
use crate::clock::Clock;
use crate::domain::instance::PolicyReading;
use crate::exposition::own::OwnMetrics;
use crate::exposition::{Exposition, Format};

/// The value of one of the exporter's own gauges of the project `prod`.
fn gauge(metrics: &OwnMetrics, name: &str) -> f64 {
    let nothing = watch::channel(Arc::new(Snapshot::default())).1;
    let exposition = Exposition::new(nothing, metrics.clone(), Clock::starting_at(epoch()));
    let text = exposition.render(Format::Text).to_text();
    let series = format!("{name}{{project=\"prod\"}} ");
    text.lines().find_map(|line| line.strip_prefix(&series)).unwrap().parse().unwrap()
}

/// Of the polls of one kind of each instance, the longest and the shortest time between two.
fn gaps(fake: &Fake, id: &str, from: Duration) -> (Duration, Duration) {
    let requests = fake.lock().requests.clone();
    let of_id = |request: &Request| matches!(request, Request::Backups(known, _) if known.as_str() == id);
    let times: Vec<_> =
        requests.iter().filter(|(at, request)| *at > from && of_id(request)).map(|(at, _)| *at).collect();
    let gaps = || times.windows(2).map(|pair| pair[1].checked_sub(pair[0]).unwrap());
    (gaps().max().unwrap(), gaps().min().unwrap())
}

#[tokio::test(start_paused = true)]
async fn too_small_a_budget_stretches_all_alike_and_the_metrics_say_so() {
    let fake = Fake::new(ids(600).iter().map(|id| Instance { policy: PolicyReading::Absent, ..daily(id) }));
    // One backup after the other, so that this one is active all the time.
    let busy = (0..400).map(|number| Life {
        id: format!("backup-{number}"),
        created_at: epoch() + number * 3 * MINUTE,
        lasts: 3 * MINUTE,
        error_code: None,
        backup_type: BackupType::Manual,
    });
    fake.lock().backups.insert("i-300".into(), busy.collect());
    // 600 backups in 15 minutes, 600 restores in an hour: 0.83 a second, a third of which is given.
    let limits = Limits { requests_per_second: 0.3, burst: 1, concurrency: 8 };
    let config = ProjectConfig { limits: Some(limits), ..project(&[]) };
    let metrics = OwnMetrics::new(epoch(), DAY, std::slice::from_ref(&config.name));
    let poller = fake.poller_with(std::slice::from_ref(&config), &Polling::default(), None, &metrics);
    let picture = poller.subscribe();
    let task = tokio::spawn(poller.run(std::future::pending()));
    pass(18 * HOUR).await;
    let settled = 10 * HOUR;
    let stretched = picture.borrow().projects[0].poll_interval;
    assert!((45 * MINUTE..=60 * MINUTE).contains(&stretched), "{stretched:?}");
    for id in ["i-000", "i-123", "i-299", "i-301", "i-599"] {
        let (longest, shortest) = gaps(&fake, id, settled);
        assert!(longest < stretched.mul_f64(1.5) && shortest > stretched / 3, "{id}: {shortest:?} to {longest:?}");
    }
    let (longest, _) = gaps(&fake, "i-300", settled);
    assert!(longest < 2 * MINUTE, "the active one is read every {longest:?}");
    let (lag, due) = (gauge(&metrics, "dcs_exporter_poll_lag_seconds"), gauge(&metrics, "dcs_exporter_polls_due"));
    assert!((1200.0..12_000.0).contains(&lag) && due > 300.0, "{lag} seconds late, {due} due");
    let before = fake.lock().requests.len();
    // What cannot be sent gets later, and is told so, while nothing leaves.
    fake.lock().retry_after = Some(HOUR);
    fake.lock().script = Box::new(|_, _| Some(ErrorKind::Throttled));
    pass(30 * MINUTE).await;
    assert!(fake.lock().requests.len() - before < 10);
    assert!(gauge(&metrics, "dcs_exporter_poll_lag_seconds") > lag + 1000.0);
    assert!(!task.is_finished());
}

#[tokio::test(start_paused = true)]
async fn where_there_is_enough_nothing_is_late() {
    let fake = fleet(30);
    let metrics = OwnMetrics::new(epoch(), DAY, &["prod".into()]);
    let poller = fake.poller_with(&[project(&[])], &Polling::default(), None, &metrics);
    let picture = poller.subscribe();
    let task = tokio::spawn(poller.run(std::future::pending()));
    pass(HOUR).await;
    assert_eq!(picture.borrow().projects[0].poll_interval, Polling::default().idle_interval);
    assert!(gauge(&metrics, "dcs_exporter_poll_lag_seconds") < 0.1);
    assert!(gauge(&metrics, "dcs_exporter_polls_due") < 2.0);
    assert_eq!(gauge(&metrics, "dcs_exporter_instances_watched").to_bits(), 30_f64.to_bits());
    assert!(!task.is_finished());
}

#[tokio::test(start_paused = true)]
async fn projects_that_share_a_budget_say_that_it_is_stretched() {
    let fake = Fake::new(ids(300).iter().map(|id| Instance { policy: PolicyReading::Absent, ..daily(id) }));
    let configs = ["a", "b"].map(|name| ProjectConfig { name: name.into(), limits: None, ..project(&[]) });
    let metrics = OwnMetrics::new(epoch(), DAY, &[]);
    let shared = Limits { requests_per_second: 0.5, burst: 1, concurrency: 2 };
    let poller = fake.poller_with(&configs, &Polling::default(), Some(shared), &metrics);
    let picture = poller.subscribe();
    let task = tokio::spawn(poller.run(std::future::pending()));
    pass(12 * HOUR).await;
    // 0.43 a second each, and 0.5 for both.
    for view in &picture.borrow().projects {
        assert!((24 * MINUTE..30 * MINUTE).contains(&view.poll_interval), "{}: {:?}", view.name, view.poll_interval);
    }
    let cloud = fake.lock();
    let of_first = cloud.senders.iter().filter(|sender| **sender == 0).count();
    let part = of_first as f64 / cloud.senders.len() as f64;
    assert!((0.45..0.55).contains(&part), "{part} of the requests are one project's");
    assert!(!task.is_finished());
}
