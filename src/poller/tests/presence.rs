//! Who is there, who is gone, and who can have no backups: by listings, by 404, by refusals.

use super::*;

#[tokio::test(start_paused = true)]
async fn instances_come_and_go_with_complete_listings() {
    let fake = fleet(12);
    let poller = Running::start(&fake, &project(&[]));
    pass(MINUTE).await;
    let newcomer = daily("newcomer");
    fake.lock().instances.insert(newcomer.id.clone(), newcomer);
    fake.lock().unlisted.push("i-000".into());
    // One listing: the new one is there with its facts, the lost one still too.
    pass(5 * MINUTE).await;
    assert!(poller.instance("newcomer").backups.is_some());
    assert!(poller.find("i-000").is_some());
    assert_eq!(poller.project().missing, Some(1));
    pass(5 * MINUTE).await;
    assert!(poller.find("i-000").is_none(), "the second listing in a row that lacks it");
    assert_eq!((poller.project().watched, poller.project().missing), (12, Some(0)));
}

#[tokio::test(start_paused = true)]
async fn a_listing_that_lacks_most_is_believed_after_an_hour() {
    let fake = fleet(12);
    let poller = Running::start(&fake, &project(&[]));
    pass(MINUTE).await;
    let all = std::mem::take(&mut fake.lock().instances);
    pass(55 * MINUTE).await;
    assert_eq!((poller.project().watched, poller.project().missing), (12, Some(12)));
    assert!(poller.last_success("i-000").is_some());
    fake.lock().instances = all;
    pass(10 * MINUTE).await;
    assert_eq!((poller.project().watched, poller.project().missing), (12, Some(0)));
    fake.lock().instances.clear();
    pass(80 * MINUTE).await;
    assert_eq!((poller.project().watched, poller.project().missing), (0, Some(0)));
}

#[tokio::test(start_paused = true)]
async fn a_listing_that_is_never_whole_drops_those_alone_that_say_themselves_that_they_are_gone() {
    let fake = fleet(12);
    let config = ProjectConfig { instances: project(&["by-hand"]).instances, ..project(&[]) };
    let poller = Running::start(&fake, &config);
    fake.lock().lists_in_part = true;
    pass(30 * MINUTE).await;
    assert_eq!((poller.project().unlisted, poller.project().listed_at), (Some(1), None));
    // One that lives on is hidden for days; one is deleted.
    fake.lock().unlisted.push("i-000".into());
    fake.lock().instances.remove(&"i-001".into());
    pass(2 * DAY).await;
    assert!(poller.last_success("i-000").is_some(), "hidden is not gone");
    assert!(poller.find("i-001").is_none());
    assert!(poller.find("by-hand").is_some(), "whoever was configured stays");
    assert_eq!(poller.project().watched, 12);
    // Most of them at once are doubted for an hour.
    let all = std::mem::take(&mut fake.lock().instances);
    pass(50 * MINUTE).await;
    assert_eq!(poller.project().watched, 12);
    fake.lock().instances = all;
    fake.lock().lists_in_part = false;
    fake.lock().unlisted.clear();
    pass(20 * MINUTE).await;
    assert_eq!((poller.project().watched, poller.project().unlisted), (12, Some(0)));
    assert!(poller.project().listed_at.is_some());
}

#[tokio::test(start_paused = true)]
async fn one_that_had_backups_is_not_excused_by_a_refusal() {
    let fake = fleet(1);
    let poller = Running::start(&fake, &project(&["i-000"]));
    pass(MINUTE).await;
    let before = poller.instance("i-000");
    fake.lock().script =
        Box::new(|_, request| matches!(request, Request::Backups(..)).then_some(ErrorKind::Unsupported));
    pass(3 * DAY).await;
    let after = poller.instance("i-000");
    assert!(after.backups.as_ref().unwrap().records.is_empty(), "it has said so twice");
    assert_eq!((after.supported, after.rpo), (Some(true), before.rpo));
    assert_eq!(
        poller.last_success("i-000"),
        before.backups.as_ref().unwrap().last_success.as_ref().map(|last| last.at)
    );
    // Resized to a single node, it has none.
    fake.lock().instances.get_mut(&"i-000".into()).unwrap().cache_mode = Some(CacheMode::Single);
    pass(DAY).await;
    assert_eq!((poller.instance("i-000").supported, poller.instance("i-000").rpo), (Some(false), None));
}

#[tokio::test(start_paused = true)]
async fn one_configured_by_hand_that_is_not_found_keeps_its_facts() {
    let fake = fleet(1);
    let poller = Running::start(&fake, &project(&["i-000"]));
    pass(MINUTE).await;
    fake.lock().instances.clear();
    pass(5 * HOUR).await;
    let view = poller.instance("i-000");
    assert_eq!(view.polls[0].error.as_ref().unwrap().kind, ErrorKind::NotFound);
    assert!(poller.last_success("i-000").is_some());
    assert!(fake.times(Operation::Instances).is_empty());
    assert_eq!(poller.project().up, Some(true), "the service itself has answered");
}

#[tokio::test(start_paused = true)]
async fn a_found_one_that_is_not_found_triggers_a_listing() {
    let fake = fleet(3);
    let poller = Running::start(&fake, &project(&[]));
    pass(30 * MINUTE).await;
    let before = fake.times(Operation::Instances).len();
    fake.lock().script = Box::new(|_, request| {
        matches!(request, Request::Backups(id, _) if id.as_str() == "i-001").then_some(ErrorKind::NotFound)
    });
    pass(HOUR).await;
    let listings = fake.times(Operation::Instances).len() - before;
    assert!((13..=20).contains(&listings), "{listings} listings in an hour: 12 by the clock, and a few triggered");
    assert!(poller.find("i-001").is_some(), "the listing has it, so it stays");
}

#[tokio::test(start_paused = true)]
async fn an_unsupported_instance_is_no_failure() {
    let fake = Fake::new([daily("single")]);
    fake.lock().script =
        Box::new(|_, request| matches!(request, Request::Backups(..)).then_some(ErrorKind::Unsupported));
    let poller = Running::start(&fake, &project(&["single"]));
    pass(MINUTE).await;
    let view = poller.instance("single");
    assert_eq!(view.supported, Some(false));
    assert_eq!(view.rpo, None);
    assert_eq!(view.polls[0].success, Some(true));
    assert!(view.backups.as_ref().unwrap().records.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_request_called_invalid_means_no_backups_only_for_a_single_node() {
    let single = Instance { cache_mode: Some(CacheMode::Single), ..daily("single") };
    let fake = Fake::new([single, daily("ha")]);
    fake.lock().code = Some("DCS.4800");
    fake.lock().script = Box::new(|_, request| matches!(request, Request::Backups(..)).then_some(ErrorKind::Decode));
    let poller = Running::start(&fake, &project(&[]));
    pass(MINUTE).await;
    let success = |id| poller.instance(id).poll(Operation::Backups).success;
    assert_eq!((success("single"), success("ha")), (Some(true), Some(false)));
}
