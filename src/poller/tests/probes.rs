//! Probes: one poll for all who ask together, within the budget, and nothing that cannot be had is waited for.

use tokio::time::Instant;

use super::*;
use crate::poller::Prober;
use crate::schedule::fraction;

const SECOND: Duration = Duration::from_secs(1);

/// A poller at work, to be asked.
struct Asked {
    prober: Prober,
    poller: Running,
}

impl Asked {
    fn start(fake: &Fake, config: &ProjectConfig) -> Self {
        let poller = fake.poller(config, &Polling::default());
        let (prober, picture) = (poller.prober(), poller.subscribe());
        let task = tokio::spawn(poller.run(std::future::pending()));
        Self { prober, poller: Running { picture, task } }
    }

    /// What a probe with so much time is told, and when.
    async fn probe(&self, id: &str, time: Duration) -> (Option<InstanceView>, Duration) {
        let begun = Instant::now();
        let view = self.prober.poll_now("prod".into(), id.into(), begun + time).await;
        (view, begun.elapsed())
    }

    /// The same in the background.
    fn spawn(&self, id: &str, time: Duration) -> tokio::task::JoinHandle<Option<InstanceView>> {
        let (prober, id) = (self.prober.clone(), InstanceId::from(id));
        tokio::spawn(async move { prober.poll_now("prod".into(), id, Instant::now() + time).await })
    }
}

fn worked(view: &InstanceView) -> [bool; 3] {
    view.polls.each_ref().map(|poll| poll.success.expect("a probe tells it of each operation"))
}

fn sent(fake: &Fake) -> usize {
    fake.lock().requests.len()
}

fn limited(requests_per_second: f64, by_hand: &[&str]) -> ProjectConfig {
    ProjectConfig { limits: Some(Limits { requests_per_second, burst: 1, concurrency: 4 }), ..project(by_hand) }
}

#[tokio::test(start_paused = true)]
async fn probes_that_come_together_or_a_moment_later_share_one_poll() {
    let fake = fleet(3);
    let asked = Asked::start(&fake, &project(&["i-000", "i-001", "i-002"]));
    pass(5 * MINUTE).await;
    let before = sent(&fake);
    let all: Vec<_> = (0..100).map(|_| asked.spawn("i-001", 10 * SECOND)).collect();
    for one in all {
        let view = one.await.unwrap().unwrap();
        assert_eq!(worked(&view), [true; 3]);
        let age = fake.clock().now().duration_since(view.polls[2].last_success_at.unwrap());
        assert!(age.unsigned_abs() < SECOND, "{age:?}");
    }
    assert_eq!(sent(&fake) - before, 3);
    pass(SECOND).await;
    let (view, took) = asked.probe("i-001", 10 * SECOND).await;
    assert_eq!((worked(&view.unwrap()), took), ([true; 3], Duration::ZERO));
    assert_eq!(sent(&fake) - before, 3, "nothing new can be known");
    pass(2 * SECOND).await;
    assert_eq!(worked(&asked.probe("i-001", 10 * SECOND).await.0.unwrap()), [true; 3]);
    assert_eq!(sent(&fake) - before, 6);
}

#[tokio::test(start_paused = true)]
async fn a_tight_loop_of_probes_costs_a_poll_every_two_seconds() {
    let fake = fleet(1);
    let asked = Asked::start(&fake, &project(&["i-000"]));
    pass(5 * MINUTE).await;
    let (before, begun) = (sent(&fake), Instant::now());
    while begun.elapsed() < MINUTE {
        assert_eq!(worked(&asked.probe("i-000", SECOND).await.0.unwrap()), [true; 3]);
        pass(Duration::from_millis(10)).await;
    }
    let sent = sent(&fake) - before;
    assert!((80..=95).contains(&sent), "{sent} requests in a minute");
}

#[tokio::test(start_paused = true)]
async fn a_probe_finds_what_has_just_ended_and_the_schedule_goes_on() {
    let fake = fleet(2);
    let asked = Asked::start(&fake, &project(&["i-000", "i-001"]));
    pass(5 * MINUTE).await;
    let life = Life {
        id: "by-hand".to_owned(),
        created_at: fake.clock().now(),
        lasts: 3 * SECOND,
        error_code: None,
        backup_type: BackupType::Manual,
    };
    let ended_at = life.created_at + life.lasts;
    fake.lock().backups.get_mut(&"i-000".into()).unwrap().push(life);
    pass(4 * SECOND).await;
    let earlier = asked.poller.last_success("i-000");
    assert_ne!(earlier, Some(ended_at), "its turn has not come");
    let (view, _) = asked.probe("i-000", 10 * SECOND).await;
    let view = view.unwrap();
    assert_eq!(view.backups.as_ref().unwrap().last_success.as_ref().unwrap().at, ended_at);
    assert_eq!(*asked.poller.instance("i-000"), view, "the picture has it too");
    assert_eq!(asked.poller.last_success("i-001"), earlier, "nobody asked for the other");
    let polls = |fake: &Fake| {
        let cloud = fake.lock();
        cloud
            .requests
            .iter()
            .filter(|(_, request)| matches!(request, Request::Backups(id, _) if id.as_str() == "i-000"))
            .count()
    };
    let before = polls(&fake);
    pass(4 * HOUR).await;
    let later = polls(&fake) - before;
    assert!((16..=17).contains(&later), "{later} polls in four hours");
}

#[tokio::test(start_paused = true)]
async fn what_is_under_way_already_is_shared() {
    let fake = fleet(1);
    let asked = Asked::start(&fake, &project(&["i-000"]));
    pass(5 * MINUTE).await;
    fake.lock().latency = 4 * SECOND;
    let before = sent(&fake);
    let first = asked.spawn("i-000", 10 * SECOND);
    pass(3 * SECOND).await;
    let (second, took) = asked.probe("i-000", 10 * SECOND).await;
    assert_eq!((worked(&second.unwrap()), took), ([true; 3], SECOND));
    assert_eq!(worked(&first.await.unwrap().unwrap()), [true; 3]);
    assert_eq!(sent(&fake) - before, 3);
}

#[tokio::test(start_paused = true)]
async fn without_budget_or_time_the_last_facts_are_told_when_the_time_is_over() {
    let fake = fleet(1);
    let asked = Asked::start(&fake, &limited(0.1, &["i-000"]));
    pass(5 * MINUTE).await;
    let known = asked.poller.instance("i-000");
    let policies = fake.times(Operation::Policy);
    let (view, took) = asked.probe("i-000", 3 * SECOND).await;
    let view = view.unwrap();
    assert_eq!(worked(&view), [true, false, false], "one token was there");
    assert_eq!((&view.restores, view.polls[1].last_success_at), (&known.restores, known.polls[1].last_success_at));
    assert_eq!(took, 3 * SECOND);
    assert!(asked.poller.instance("i-000").polls.iter().all(|poll| poll.success == Some(true)), "none has failed");
    pass(2 * MINUTE).await;
    // What had been chosen for the next token was sent; what nobody waits for any more was not.
    let polled_at = |index: usize| asked.poller.instance("i-000").polls[index].last_success_at;
    assert!(polled_at(1) > known.polls[1].last_success_at);
    assert_eq!(fake.times(Operation::Policy), policies);
    // Time that does not suffice.
    fake.lock().latency = 10 * SECOND;
    let (view, took) = asked.probe("i-000", 5 * SECOND).await;
    assert_eq!((worked(&view.unwrap()), took), ([false; 3], 5 * SECOND));
}

#[tokio::test(start_paused = true)]
async fn who_goes_away_costs_nothing_further() {
    let fake = fleet(10);
    let ids = ids(10);
    let by_hand: Vec<&str> = ids.iter().map(String::as_str).collect();
    let asked = Asked::start(&fake, &limited(0.5, &by_hand));
    pass(5 * MINUTE).await;
    let before = sent(&fake);
    let probes: Vec<_> = by_hand.iter().map(|id| asked.spawn(id, 20 * SECOND)).collect();
    pass(SECOND).await;
    for probe in probes {
        probe.abort();
    }
    pass(10 * SECOND).await;
    let sent = sent(&fake) - before;
    assert!(sent <= 3, "{sent} requests: the first, and what had been chosen");
}

#[tokio::test(start_paused = true)]
async fn while_a_key_is_stopped_nothing_is_sent_or_waited_for() {
    let fake = fleet(2);
    let asked = Asked::start(&fake, &project(&["i-000", "i-001"]));
    pass(5 * MINUTE).await;
    let known = asked.poller.instance("i-000");
    fake.lock().script = Box::new(|at, _| (at > 5 * MINUTE).then_some(ErrorKind::BadSignature));
    assert_eq!(worked(&asked.probe("i-000", 10 * SECOND).await.0.unwrap()), [false; 3]);
    let before = sent(&fake);
    for _ in 0..20 {
        let (view, took) = asked.probe("i-000", 10 * SECOND).await;
        let view = view.unwrap();
        assert_eq!((worked(&view), &view.backups), ([false; 3], &known.backups));
        assert!(took < SECOND, "{took:?}");
        pass(SECOND).await;
    }
    assert_eq!(sent(&fake), before);
}

#[tokio::test(start_paused = true)]
async fn in_an_outage_only_the_attempts_leave_that_would_leave_anyway() {
    let fake = fleet(30);
    fake.lock().script = Box::new(|at, _| (HOUR..3 * HOUR).contains(&at).then_some(ErrorKind::Connection));
    let asked = Asked::start(&fake, &project(&[]));
    pass(HOUR + 40 * MINUTE).await;
    let known = asked.poller.instance("i-007");
    let before = sent(&fake);
    let begun = Instant::now();
    while begun.elapsed() < 30 * MINUTE {
        let (view, took) = asked.probe("i-007", 10 * SECOND).await;
        let view = view.unwrap();
        assert_eq!((worked(&view), &view.backups), ([false; 3], &known.backups));
        assert!(took <= 10 * SECOND);
        pass(5 * SECOND).await;
    }
    let attempts = sent(&fake) - before;
    assert!((12..=21).contains(&attempts), "{attempts} in half an hour");
    pass(HOUR).await;
    assert_eq!(worked(&asked.probe("i-007", 10 * SECOND).await.0.unwrap()), [true; 3]);
}

#[tokio::test(start_paused = true)]
async fn retry_after_holds_for_probes_too() {
    let fake = fleet(1);
    let asked = Asked::start(&fake, &project(&["i-000"]));
    pass(5 * MINUTE).await;
    fake.lock().retry_after = Some(MINUTE);
    fake.lock().script = Box::new(|at, _| (at < 5 * MINUTE + SECOND).then_some(ErrorKind::Throttled));
    assert_eq!(worked(&asked.probe("i-000", 10 * SECOND).await.0.unwrap()), [false; 3]);
    let before = sent(&fake);
    for _ in 0..4 {
        assert_eq!(worked(&asked.probe("i-000", 10 * SECOND).await.0.unwrap()), [false; 3]);
    }
    assert_eq!(sent(&fake), before);
    pass(MINUTE).await;
    assert_eq!(worked(&asked.probe("i-000", 10 * SECOND).await.0.unwrap()), [true; 3]);
}

#[tokio::test(start_paused = true)]
async fn one_operation_that_fails_is_told_beside_good_ones() {
    let fake = fleet(1);
    let asked = Asked::start(&fake, &project(&["i-000"]));
    pass(5 * MINUTE).await;
    fake.lock().script = Box::new(|at, request| {
        (at > 5 * MINUTE && request.operation() == Operation::Restores).then_some(ErrorKind::Forbidden)
    });
    let (view, _) = asked.probe("i-000", 10 * SECOND).await;
    assert_eq!(worked(&view.unwrap()), [true, false, true]);
    let before = sent(&fake);
    assert_eq!(worked(&asked.probe("i-000", 10 * SECOND).await.0.unwrap()), [true, false, true]);
    assert_eq!(sent(&fake), before, "a refusal a moment ago is not asked for again either");
}

#[tokio::test(start_paused = true)]
async fn what_is_not_watched_is_not_known() {
    let fake = fleet(2);
    let asked = Asked::start(&fake, &project(&["i-000"]));
    pass(MINUTE).await;
    let before = sent(&fake);
    assert_eq!(asked.probe("i-001", 10 * SECOND).await, (None, Duration::ZERO));
    assert_eq!(asked.prober.poll_now("other".into(), "i-000".into(), Instant::now() + SECOND).await, None);
    assert_eq!(sent(&fake), before);
    // And once the poller has ended nobody is.
    asked.poller.task.abort();
    pass(SECOND).await;
    assert_eq!(asked.probe("i-000", 10 * SECOND).await, (None, Duration::ZERO));
}

#[tokio::test(start_paused = true)]
async fn those_who_wait_are_told_when_the_poller_ends() {
    let fake = fleet(1);
    let asked = Asked::start(&fake, &project(&["i-000"]));
    pass(5 * MINUTE).await;
    fake.lock().latency = MINUTE;
    let waiting = asked.spawn("i-000", 30 * SECOND);
    pass(SECOND).await;
    let begun = Instant::now();
    asked.poller.task.abort();
    assert_eq!(waiting.await.unwrap(), None);
    assert!(begun.elapsed() < SECOND);
}

#[tokio::test(start_paused = true)]
async fn regular_polls_do_not_starve_however_many_probe() {
    let fake = fleet(100);
    let ids = ids(100);
    let by_hand: Vec<&str> = ids.iter().map(String::as_str).collect();
    // The schedule alone takes more than half of it.
    let limits = Limits { requests_per_second: 0.4, burst: 5, concurrency: 4 };
    let asked = Asked::start(&fake, &ProjectConfig { limits: Some(limits), ..project(&by_hand) });
    pass(HOUR).await;
    for id in &by_hand[..20] {
        let (prober, id) = (asked.prober.clone(), InstanceId::from(*id));
        tokio::spawn(async move {
            // Not all in step.
            pass(10 * SECOND.mul_f64(fraction(&id))).await;
            loop {
                prober.poll_now("prod".into(), id.clone(), Instant::now() + 10 * SECOND).await;
                pass(5 * SECOND).await;
            }
        });
    }
    let before = sent(&fake);
    for _ in 0..8 {
        pass(30 * MINUTE).await;
        let now = fake.clock().now();
        let project = asked.poller.project();
        let ages = project.instances().skip(20).map(|view| now.duration_since(view.polls[0].last_success_at.unwrap()));
        let oldest = ages.max().unwrap().unsigned_abs();
        assert!(oldest < 20 * MINUTE, "one of the others was not polled for {oldest:?}");
    }
    let times: Vec<_> = fake.lock().requests.iter().map(|(at, _)| *at).collect();
    let rate = (times.len() - before) as f64 / (4.0 * HOUR.as_secs_f64());
    assert!(rate > 0.38, "{rate} a second: what regular polls leave is the probes'");
    budget::assert_within(&times, limits, "the project");
}
