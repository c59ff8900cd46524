//! Calls where they can tell something.

use super::*;
use crate::domain::instance::PolicyReading;
use crate::domain::plan::BackupPolicy;

/// Requests of an operation between two times since the beginning.
fn within(fake: &Fake, operation: Operation, from: Duration, to: Duration) -> usize {
    fake.times(operation).iter().filter(|at| (from..to).contains(*at)).count()
}

/// From noon to the slot at 02:00 the next day.
const SLOT: Duration = Duration::from_hours(14);
const BEFORE_SLOT: Duration = Duration::from_mins(14 * 60 - 1);

fn with_policy(change: impl FnOnce(&mut BackupPolicy)) -> Instance {
    let mut instance = daily("i-000");
    if let PolicyReading::Present(policy) = &mut instance.policy {
        change(policy);
    }
    instance
}

#[tokio::test(start_paused = true)]
async fn a_backup_of_usual_length_is_left_alone_in_its_middle_and_its_end_is_seen_at_once() {
    let fake = fleet(1);
    let poller = Running::start(&fake, &project(&["i-000"]));
    pass(SLOT + 30 * MINUTE).await;
    let begin = SLOT + 10 * MINUTE;
    let middle = within(&fake, Operation::Backups, begin + MINUTE, begin + 17 * MINUTE);
    assert!((3..=5).contains(&middle), "{middle} glances: progress moves now and then");
    let end = within(&fake, Operation::Backups, begin + 17 * MINUTE, begin + 20 * MINUTE);
    assert!((7..=12).contains(&end), "{end} polls where it may end");
    pass(Duration::from_secs(16)).await;
    assert_eq!(poller.last_success("i-000"), Some("2026-11-22T02:30:00Z".parse().unwrap()));
}

#[tokio::test(start_paused = true)]
async fn where_nothing_is_scheduled_it_is_idle_all_day() {
    for (what, instance) in [
        ("no policy", Instance { policy: PolicyReading::Absent, ..daily("i-000") }),
        ("a policy that is off", with_policy(|policy| policy.automatic = false)),
        ("a plan without days", with_policy(|policy| policy.days = Vec::new())),
        ("a single node", Instance { cache_mode: Some(CacheMode::Single), ..daily("i-000") }),
    ] {
        let fake = Fake::new([instance]);
        let poller = Running::start(&fake, &project(&["i-000"]));
        pass(2 * DAY).await;
        drop(poller);
        let polls = within(&fake, Operation::Backups, HOUR, HOUR + DAY);
        assert_eq!(polls, 96, "{what}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_backup_that_does_not_come_costs_a_window_and_one_look_at_the_policy() {
    let fake = Fake::new([daily("i-000")]);
    let poller = Running::start(&fake, &project(&["i-000"]));
    // 02:00 to 07:00 by the minute, and before that is over the policy is read once more, out of turn.
    pass(BEFORE_SLOT + 4 * HOUR).await;
    let regular = fake.times(Operation::Policy).len();
    pass(5 * MINUTE).await;
    assert_eq!(fake.times(Operation::Policy).len(), regular + 1);
    let read_at = poller.instance("i-000").poll(Operation::Policy).last_success_at;
    assert!(read_at >= Some("2026-11-22T06:00:00Z".parse().unwrap()));
    pass(3 * HOUR).await;
    assert_eq!(within(&fake, Operation::Policy, SLOT + 4 * HOUR + 5 * MINUTE, SLOT + 5 * HOUR), 0, "once is enough");
    let window = within(&fake, Operation::Backups, SLOT, SLOT + 5 * HOUR);
    assert!((295..=302).contains(&window), "{window} polls in five hours");
    let after = within(&fake, Operation::Backups, SLOT + 5 * HOUR + MINUTE, SLOT + 6 * HOUR + MINUTE);
    assert_eq!(after, 4, "overdue: idle");
}

#[tokio::test(start_paused = true)]
async fn a_slot_of_a_plan_that_was_changed_does_not_count() {
    let fake = Fake::new([daily("i-000")]);
    let poller = Running::start(&fake, &project(&["i-000"]));
    pass(BEFORE_SLOT).await;
    // A minute before the slot somebody moves the plan to noon; nobody reads policies then.
    let changed = with_policy(|policy| {
        policy.begin_minute = Some(12 * 60);
        policy.updated_at = Some(epoch() + BEFORE_SLOT);
    });
    fake.lock().instances.insert("i-000".into(), changed);
    pass(5 * HOUR).await;
    let now = fake.clock().now();
    let policy = poller.instance("i-000").policy.clone().unwrap();
    assert_eq!(policy.last_scheduled(now), None, "read again before the slot was overdue");
    assert_eq!(poller.instance("i-000").missed_slot(HOUR, now), None);
}

#[tokio::test(start_paused = true)]
async fn a_slot_is_missed_only_by_the_word_of_a_policy_read_after_it() {
    let fake = Fake::new([daily("i-000")]);
    let poller = Running::start(&fake, &project(&["i-000"]));
    pass(BEFORE_SLOT).await;
    fake.lock().script =
        Box::new(|_, request| matches!(request, Request::Instance(_)).then_some(ErrorKind::Unavailable));
    pass(MINUTE + 6 * HOUR).await;
    let missed = || poller.instance("i-000").missed_slot(5 * HOUR, fake.clock().now());
    assert_eq!(missed(), None, "perhaps somebody has changed the plan");
    fake.lock().script = Box::new(|_, _| None);
    pass(20 * MINUTE).await;
    assert_eq!(missed(), Some("2026-11-22T02:00:00Z".parse().unwrap()));
}

#[tokio::test(start_paused = true)]
async fn restores_are_read_hourly_while_listings_would_show_one_and_else_as_often_as_backups() {
    for (by_hand, broken, expected) in [(&[][..], false, 24), (&[], true, 96), (&["i-000"], false, 96)] {
        let fake = fleet(1);
        fake.lock().script = Box::new(move |at, request| {
            let listing = matches!(request, Request::Instances(_)) && at > MINUTE && broken;
            listing.then_some(ErrorKind::Forbidden)
        });
        let poller = Running::start(&fake, &project(by_hand));
        pass(2 * DAY).await;
        drop(poller);
        let polls = within(&fake, Operation::Restores, 4 * HOUR, 4 * HOUR + DAY);
        assert_eq!(polls, expected, "{by_hand:?} {broken}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_restore_by_hand_is_followed_from_the_listing_that_shows_it_to_its_end() {
    let fake = fleet(1);
    let poller = Running::start(&fake, &project(&[]));
    pass(2 * HOUR + 3 * MINUTE).await;
    let status = |status| fake.lock().instances.get_mut(&"i-000".into()).unwrap().status = Some(status);
    status(InstanceStatus::Restoring);
    // The record shows up late; until then it is looked for by the minute.
    let begun = fake.clock().now() + 10 * MINUTE;
    let life = Life {
        id: "restore".to_owned(),
        created_at: begun,
        lasts: 12 * MINUTE,
        error_code: None,
        backup_type: BackupType::Other,
    };
    fake.lock().restores.insert("i-000".into(), vec![life]);
    pass(10 * MINUTE).await;
    let looked = within(&fake, Operation::Restores, 2 * HOUR + 8 * MINUTE, 2 * HOUR + 13 * MINUTE);
    assert!((4..=6).contains(&looked), "{looked} looks by the minute");
    pass(12 * MINUTE + Duration::from_secs(20)).await;
    let restores = poller.instance("i-000").restores.clone().unwrap();
    assert_eq!(restores.last_success.as_ref().map(|success| success.at), Some(begun + 12 * MINUTE));
    let running = within(&fake, Operation::Restores, 2 * HOUR + 15 * MINUTE, 2 * HOUR + 24 * MINUTE);
    assert!((33..=38).contains(&running), "{running} looks while it ran");
    status(InstanceStatus::Running);
    pass(10 * MINUTE).await;
    let before = fake.times(Operation::Restores).len();
    pass(3 * HOUR).await;
    assert_eq!(fake.times(Operation::Restores).len() - before, 3, "over: hourly again");
}

#[tokio::test(start_paused = true)]
async fn an_instance_that_says_for_days_it_is_restored_does_not_cost_thousands_of_calls() {
    let fake = fleet(1);
    fake.lock().instances.get_mut(&"i-000".into()).unwrap().status = Some(InstanceStatus::Restoring);
    let poller = Running::start(&fake, &project(&[]));
    pass(DAY).await;
    let first = fake.times(Operation::Restores).len();
    pass(2 * DAY).await;
    drop(poller);
    let second = within(&fake, Operation::Restores, 2 * DAY, 3 * DAY);
    assert!(first < 300 && second <= 97, "{first} on the first day, {second} on the third");
}
