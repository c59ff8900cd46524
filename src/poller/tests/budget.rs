//! The budget, whatever happens: the cloud in memory is the judge.

use proptest::prelude::*;

use super::*;
use crate::exposition::own::OwnMetrics;

/// What happens to the cloud in an hour of a stormy day.
#[derive(Clone, Debug)]
enum Weather {
    Fails {
        kind: ErrorKind,
        every: u64,
        retry_after: Option<u64>,
    },
    Slow {
        latency: u64,
    },
    /// The key changes, and it takes so many seconds to log in with the new one.
    NewKey {
        login: u64,
    },
    Fair,
}

fn weather() -> impl Strategy<Value = Weather> {
    let kind = prop::sample::select(vec![
        ErrorKind::Throttled,
        ErrorKind::BadSignature,
        ErrorKind::Unauthorized,
        ErrorKind::Forbidden,
        ErrorKind::NotFound,
        ErrorKind::Unavailable,
        ErrorKind::Timeout,
        ErrorKind::Connection,
        ErrorKind::Decode,
    ]);
    prop_oneof![
        4 => (kind, 1_u64..4, prop::option::of(0_u64..300))
            .prop_map(|(kind, every, retry_after)| Weather::Fails { kind, every, retry_after }),
        1 => (0_u64..20).prop_map(|latency| Weather::Slow { latency }),
        1 => (0_u64..60).prop_map(|login| Weather::NewKey { login }),
        1 => Just(Weather::Fair),
    ]
}

fn limits() -> impl Strategy<Value = Limits> {
    (0.2_f64..20.0, 1_u32..20, 1_u32..6).prop_map(|(requests_per_second, burst, concurrency)| Limits {
        requests_per_second,
        burst,
        concurrency,
    })
}

/// No span of time holds more requests than the bucket lets go: tokens are held against the times of the requests.
pub(super) fn assert_within(times: &[Duration], limits: Limits, whose: &str) {
    let (mut tokens, mut before) = (f64::from(limits.burst), Duration::ZERO);
    for at in times {
        tokens += at.saturating_sub(before).as_secs_f64() * limits.requests_per_second;
        tokens = tokens.min(f64::from(limits.burst)) - 1.0;
        before = *at;
        assert!(tokens > -0.01, "{whose}: one too many at {at:?} for {limits:?}");
    }
}

proptest! {
    #![proptest_config(proptest::test_runner::Config { cases: 24, ..Default::default() })]
    #[test]
    fn a_stormy_day_breaks_no_budget(
        hours in prop::collection::vec(weather(), 12), of_projects in [limits(), limits()], shared in limits(),
        instances in 1_usize..40,
    ) {
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let fake = fleet(instances);
            let configs: Vec<_> = ["a", "b"].into_iter().zip(of_projects).map(|(name, limits)| {
                ProjectConfig { name: name.into(), limits: Some(limits), ..project(&[]) }
            }).collect();
            let metrics = OwnMetrics::new(epoch(), DAY, &[]);
            let poller = fake.poller_with(&configs, &Polling::default(), Some(shared), &metrics);
            let task = tokio::spawn(poller.run(std::future::pending()));
            // The slots are in the middle of it.
            for weather in hours {
                fake.lock().script = Box::new(|_, _| None);
                fake.lock().latency = Duration::from_millis(20);
                match weather {
                    Weather::Fails { kind, every, retry_after } => {
                        fake.lock().retry_after = retry_after.map(Duration::from_secs);
                        let count = std::sync::atomic::AtomicU64::new(0);
                        fake.lock().script = Box::new(move |_, _| {
                            let turn = count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                            turn.is_multiple_of(every).then_some(kind)
                        });
                    }
                    Weather::Slow { latency } => fake.lock().latency = Duration::from_secs(latency),
                    Weather::NewKey { login } => {
                        fake.lock().key += 1;
                        fake.lock().login = Duration::from_secs(login);
                    }
                    Weather::Fair => {}
                }
                pass(2 * HOUR).await;
            }
            assert!(!task.is_finished());
            let cloud = fake.lock();
            let all: Vec<_> = cloud.requests.iter().map(|(at, _)| *at).collect();
            assert_within(&all, shared, "both");
            assert!(cloud.most_under_way <= shared.concurrency as usize);
            for (index, limits) in of_projects.into_iter().enumerate() {
                let of_project: Vec<_> =
                    all.iter().zip(&cloud.senders).filter(|(_, sender)| **sender == index).map(|(at, _)| *at).collect();
                assert_within(&of_project, limits, "one project");
                let most = cloud.most_of_project.get(&index).map_or(0, |(_, most)| *most);
                assert!(most <= limits.concurrency as usize);
            }
        });
    }
}

#[tokio::test(start_paused = true)]
async fn those_who_waited_for_a_login_do_not_leave_all_at_once() {
    let fake = fleet(40);
    let limits = Limits { requests_per_second: 2.0, burst: 2, concurrency: 8 };
    let poller = Running::start(&fake, &ProjectConfig { limits: Some(limits), ..project(&[]) });
    // In the first round all places are taken; the attempt to renew the key takes a minute and brings the same.
    pass(20 * Duration::from_secs(1)).await;
    fake.lock().login = MINUTE;
    fake.lock().log_out();
    pass(20 * MINUTE).await;
    drop(poller);
    let times: Vec<_> = fake.lock().requests.iter().map(|(at, _)| *at).collect();
    assert!(times.iter().any(|at| *at > 2 * MINUTE), "it goes on");
    assert_within(&times, limits, "the project");
}
