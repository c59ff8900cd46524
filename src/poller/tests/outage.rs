//! A cloud that is down: few calls, kept facts, and a prompt return.

use super::super::fake::Script;
use super::*;

fn while_down(from: Duration, to: Duration, kind: ErrorKind) -> Script {
    Box::new(move |at, _| (from..to).contains(&at).then_some(kind))
}

#[tokio::test(start_paused = true)]
async fn an_outage_costs_a_probe_every_two_minutes_and_ends_with_the_first_answer() {
    for kind in [ErrorKind::Connection, ErrorKind::Timeout, ErrorKind::Unavailable, ErrorKind::Unauthorized] {
        let fake = fleet(200);
        let (down, back) = (2 * HOUR, 9 * HOUR);
        fake.lock().script = while_down(down, back, kind);
        let poller = Running::start(&fake, &project(&[]));
        pass(down + 10 * MINUTE).await;
        assert_eq!(poller.project().up, Some(false));
        let known = poller.instance("i-007");
        pass(410 * MINUTE).await;
        let times: Vec<Duration> = fake.lock().requests.iter().map(|(at, _)| *at).collect();
        let sent = times.iter().filter(|at| (down..back).contains(*at)).count();
        assert!((180..300).contains(&sent), "{kind:?}: {sent} requests in seven hours");
        let settled: Vec<_> = times.iter().filter(|at| (down + 30 * MINUTE..back).contains(*at)).collect();
        for pair in settled.windows(2) {
            let pause = pair[1].saturating_sub(*pair[0]);
            assert!((90..=150).contains(&pause.as_secs()), "{kind:?}: {pause:?} between two probes");
        }
        assert_eq!(poller.instance("i-007").backups, known.backups, "facts are kept");
        // Back within one probe, and with everything that was due.
        pass(Duration::from_secs(151)).await;
        assert_eq!(poller.project().up, Some(true), "{kind:?}");
        pass(Duration::from_secs(20)).await;
        let now = fake.clock().now();
        let oldest = poller.project().instances.iter().map(|view| view.polls[0].last_success_at.unwrap()).min();
        let age = now.duration_since(oldest.unwrap()).unsigned_abs();
        assert!(age < Polling::default().idle_interval, "{kind:?}: {age:?} old after the return");
        assert!(poller.project().instances.iter().all(|view| view.polls.iter().all(|poll| poll.success == Some(true))));
        // The crowd of the return has dissolved an hour later.
        pass(HOUR).await;
        drop(poller);
        let hour = fake.times(Operation::Backups);
        let begin = hour.last().unwrap().checked_sub(15 * MINUTE).unwrap();
        for minute in 0..15 {
            let (from, to) = (begin + minute * MINUTE, begin + (minute + 1) * MINUTE);
            let count = hour.iter().filter(|at| (from..to).contains(*at)).count();
            assert!((3..=32).contains(&count), "{count} of 200 in minute {minute}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn one_probe_at_a_time_leaves_however_long_it_takes() {
    let fake = fleet(50);
    fake.lock().script = while_down(HOUR, 3 * HOUR, ErrorKind::Timeout);
    let poller = Running::start(&fake, &project(&[]));
    pass(59 * MINUTE).await;
    fake.lock().latency = 10 * Duration::from_secs(1);
    pass(20 * MINUTE).await;
    fake.lock().most_under_way = 0;
    let before = fake.lock().requests.len();
    pass(HOUR).await;
    assert_eq!(fake.lock().most_under_way, 1);
    let sent = fake.lock().requests.len() - before;
    assert!((20..45).contains(&sent), "{sent} probes in an hour");
    drop(poller);
}

#[tokio::test(start_paused = true)]
async fn after_an_outage_the_urgent_go_first() {
    let fake = fleet(100);
    let slow = Limits { requests_per_second: 1.0, burst: 1, concurrency: 4 };
    // The slots are at 02:00, after 14 hours; one instance alone has none, so that it is idle.
    fake.lock().instances.get_mut(&"i-000".into()).unwrap().policy = crate::domain::instance::PolicyReading::Absent;
    fake.lock().backups.insert("i-000".into(), Vec::new());
    fake.lock().script = while_down(13 * HOUR, 14 * HOUR + 15 * MINUTE, ErrorKind::Connection);
    let poller = Running::start(&fake, &ProjectConfig { limits: Some(slow), ..project(&[]) });
    pass(15 * HOUR).await;
    drop(poller);
    let requests = fake.lock().requests.clone();
    let back = 14 * HOUR + 15 * MINUTE;
    let first = |wanted: &dyn Fn(&Request) -> bool| {
        requests.iter().filter(|(at, _)| *at > back).position(|(_, request)| wanted(request)).unwrap()
    };
    let idle = first(&|request| matches!(request, Request::Backups(id, _) if id.as_str() == "i-000"));
    let policies = first(&|request| matches!(request, Request::Instance(_)));
    let windows = (1..100)
        .filter(|number| {
            let id = format!("i-{number:03}");
            first(&|request| matches!(request, Request::Backups(known, _) if known.as_str() == id)) < idle.min(policies)
        })
        .count();
    assert!(windows >= 95, "{windows} of 99 in their window went before the idle one and the policies");
}

#[tokio::test(start_paused = true)]
async fn a_single_instance_is_fresh_soon_after_an_outage_too() {
    let fake = fleet(1);
    fake.lock().script = while_down(2 * HOUR, 8 * HOUR, ErrorKind::Connection);
    let poller = Running::start(&fake, &project(&["i-000"]));
    pass(8 * HOUR + 3 * MINUTE).await;
    assert!(poller.instance("i-000").polls.iter().all(|poll| poll.success == Some(true)));
    let sent = fake.lock().requests.iter().filter(|(at, _)| (2 * HOUR..8 * HOUR).contains(at)).count();
    assert!(sent < 230, "{sent} requests in six hours");
}

#[tokio::test(start_paused = true)]
async fn an_instance_that_never_answers_in_time_stops_no_other() {
    let fake = fleet(20);
    fake.lock().script = Box::new(|_, request| {
        let concerned = |id: &InstanceId| id.as_str() == "i-003";
        match request {
            Request::Backups(id, _) | Request::Restores(id, _) | Request::Instance(id) => {
                concerned(id).then_some(ErrorKind::Timeout)
            }
            Request::Instances(_) => None,
        }
    });
    let poller = Running::start(&fake, &project(&[]));
    pass(10 * HOUR).await;
    drop(poller);
    let polls = fake
        .lock()
        .requests
        .iter()
        .filter(|(_, request)| matches!(request, Request::Backups(id, _) if id.as_str() != "i-003"))
        .count();
    assert!((19 * 40..=19 * 42).contains(&polls), "{polls} polls of the others");
}

#[tokio::test(start_paused = true)]
async fn a_cloud_that_fails_every_other_request_is_polled_on() {
    let fake = fleet(60);
    fake.lock().script = Box::new(|at, _| (crate::schedule::fraction(at) < 0.5).then_some(ErrorKind::Unavailable));
    let poller = Running::start(&fake, &project(&[]));
    pass(12 * HOUR).await;
    let now = fake.clock().now();
    let project = poller.project();
    let age = |view: &InstanceView| now.duration_since(view.polls[0].last_success_at.unwrap()).unsigned_abs();
    let fresh = project.instances.iter().filter(|view| age(view) < 16 * MINUTE).count();
    assert!(fresh >= 45, "{fresh} of 60");
    // One good answer each quarter of an hour costs two polls.
    let polls = fake.times(Operation::Backups).len();
    assert!(polls > 60 * 12 * 4 * 3 / 2, "{polls} polls");
}

#[tokio::test(start_paused = true)]
async fn one_round_ends_soon_where_the_cloud_is_out_of_reach() {
    let fake = fleet(500);
    fake.lock().script = while_down(Duration::from_secs(2), DAY, ErrorKind::Connection);
    let mut poller = fake.poller(&project(&[]), &Polling::default());
    let begin = tokio::time::Instant::now();
    poller.run_one_round().await;
    assert!(begin.elapsed() < MINUTE, "{:?}", begin.elapsed());
    assert!(poller.subscribe().borrow().projects[0].error.is_some());
}

#[tokio::test(start_paused = true)]
async fn one_round_does_not_sit_out_a_long_pause_and_says_so() {
    for (pause, is_waited_for) in [(30, true), (3600, false)] {
        let fake = fleet(20);
        fake.lock().retry_after = Some(Duration::from_secs(pause));
        let throttled = Duration::from_secs(3)..Duration::from_secs(4);
        fake.lock().script = Box::new(move |at, _| throttled.contains(&at).then_some(ErrorKind::Throttled));
        let slow = Limits { requests_per_second: 5.0, burst: 1, concurrency: 4 };
        let config = ProjectConfig { limits: Some(slow), ..project(&[]) };
        let mut poller = fake.poller(&config, &Polling::default());
        let begin = tokio::time::Instant::now();
        poller.run_one_round().await;
        let project = poller.subscribe().borrow().projects[0].clone();
        let is_whole = project.instances.iter().all(|view| view.polls.iter().all(|poll| poll.success.is_some()));
        assert_eq!(is_whole, is_waited_for, "after {pause} s");
        let error = project.error.as_ref().map(ToString::to_string).unwrap_or_default();
        let is_told =
            error.contains("asks for no requests for 3600 s") || error.contains("asks for no requests for 3599 s");
        assert_eq!(is_told, !is_waited_for, "{error:?}");
        assert!(begin.elapsed() < 2 * MINUTE, "{:?}", begin.elapsed());
    }
}
