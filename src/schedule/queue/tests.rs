//! The queue against a plain map, and what more work than time does to it.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// What a plain map would hand out.
fn most_urgent(model: &BTreeMap<u8, (Duration, Duration)>, now: Duration) -> Option<u8> {
    let due = model.iter().filter(|(_, (at, _))| *at <= now);
    let late = |at: Duration, measure: Duration| now.saturating_sub(at).as_secs_f64() / measure.as_secs_f64();
    let rank = |(key, (at, measure)): (&u8, &(Duration, Duration))| (late(*at, *measure), *measure, *at, *key);
    due.map(rank)
        .min_by(|left, right| {
            let (key, other) = ((left.1, left.2, left.3), (right.1, right.2, right.3));
            right.0.total_cmp(&left.0).then(key.cmp(&other))
        })
        .map(|(_, _, _, key)| key)
}

proptest! {
    /// Every step of the queue against a plain map.
    #[test]
    fn the_queue_hands_out_the_most_urgent(
        steps in proptest::collection::vec((0_u8..5, 0_u8..6, 0_u64..20, 1_u64..4), 0..60),
    ) {
        let mut queue: Queue<u8, Duration> = Queue::default();
        let mut model: BTreeMap<u8, (Duration, Duration)> = BTreeMap::new();
        for (step, key, time, measure) in steps {
            let (time, measure) = (seconds(time), seconds(measure));
            match step {
                0 => {
                    queue.set(key, time, measure);
                    model.insert(key, (time, measure));
                }
                1 => {
                    queue.hasten(&key, time, measure);
                    model.entry(key).and_modify(|place| *place = (place.0.min(time), place.1.min(measure)));
                }
                2 => {
                    queue.remove(&key);
                    model.remove(&key);
                }
                3 => {
                    let next = queue.pop_next();
                    prop_assert_eq!(next.map(|key| model[&key].0), model.values().map(|(at, _)| *at).min());
                    next.map(|key| model.remove(&key));
                }
                _ => {
                    let expected = most_urgent(&model, time);
                    prop_assert_eq!(queue.pop_due(time), expected);
                    expected.map(|key| model.remove(&key));
                }
            }
            prop_assert_eq!(queue.next_at(), model.values().map(|(at, _)| *at).min());
            prop_assert_eq!(queue.due(time), model.values().filter(|(at, _)| *at <= time).count());
            let place = model.get(&key).copied();
            prop_assert_eq!(queue.place(&key), place);
            for (measure, count) in queue.measures() {
                prop_assert_eq!(count, model.values().filter(|(_, known)| *known == measure).count());
            }
            prop_assert_eq!(queue.measures().map(|(_, count)| count).sum::<usize>(), model.len());
        }
    }

    /// Where there is time for one part of the work only, every interval is stretched by the same factor, and nobody
    /// waits much longer than the others of its kind.
    #[test]
    fn too_much_work_stretches_all_intervals_alike(active in 0_u32..4, window in 0_u32..10, idle in 1_u32..60, tempo in 1_u32..4) {
        let kinds = [(active, 15), (window, 60), (idle, 900)];
        let demand: f64 = kinds.iter().map(|(count, every)| f64::from(*count) / f64::from(*every)).sum();
        // One is served at each step; `tempo` times too few steps.
        let step = Duration::from_secs_f64(f64::from(tempo) / demand);
        let mut queue: Queue<(u32, u32), Duration> = Queue::default();
        for (count, every) in kinds {
            for index in 0..count {
                queue.set((every, index), seconds(u64::from(every)), seconds(u64::from(every)));
            }
        }
        let (mut now, mut served) = (Duration::ZERO, BTreeMap::<(u32, u32), Vec<Duration>>::new());
        let end = 40 * tempo * seconds(900);
        while now < end {
            now += step;
            if let Some(key) = queue.pop_due(now) {
                served.entry(key).or_default().push(now);
                let every = seconds(u64::from(key.0));
                queue.set(key, now + every, every);
            }
        }
        for (count, every) in kinds {
            for index in 0..count {
                let times = &served[&(every, index)];
                let settled: Vec<_> = times.iter().filter(|at| **at > end / 4).collect();
                let longest = settled.windows(2).map(|pair| pair[1].saturating_sub(*pair[0])).max().unwrap();
                let most = 2.2 * f64::from(tempo) * f64::from(every) + 3.0 * step.as_secs_f64();
                prop_assert!(longest.as_secs_f64() <= most, "{every}: {longest:?} > {most}");
            }
        }
    }
}

#[test]
fn lateness_counts_by_the_measure_and_equals_go_by_key() {
    let mut queue: Queue<&str, Duration> = Queue::default();
    queue.set("idle, 10 minutes late", seconds(0), seconds(900));
    queue.set("active, 12 seconds late", seconds(588), seconds(15));
    queue.set("window, 30 seconds late", seconds(570), seconds(60));
    queue.set("not due", seconds(601), seconds(1));
    let order: Vec<_> = std::iter::from_fn(|| queue.pop_due(seconds(600))).collect();
    assert_eq!(order, ["active, 12 seconds late", "idle, 10 minutes late", "window, 30 seconds late"]);
    assert_eq!(queue.pop_next(), Some("not due"));
    for key in ["b", "a", "c"] {
        queue.set(key, seconds(5), seconds(60));
    }
    assert_eq!(std::iter::from_fn(|| queue.pop_due(seconds(5))).collect::<String>(), "abc");
}
