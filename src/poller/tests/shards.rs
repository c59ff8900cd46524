//! Several shards on one cloud: together they are what one process would be.

use std::collections::{BTreeMap, BTreeSet};

use super::super::fake::{by_tag, tagged};
use super::budget::assert_within;
use super::*;
use crate::domain::selection::Filter;
use crate::domain::shard::Shard;
use crate::domain::tags::Tags;
use crate::exposition::own::OwnMetrics;
use crate::memory::Memory;
use crate::poller::Recall;
use crate::snapshot::PollView;

const TOTAL: u32 = 3;

/// One of the shards at work.
struct Running {
    shard: Shard,
    picture: watch::Receiver<Arc<Snapshot>>,
    recall: Recall,
    task: tokio::task::JoinHandle<()>,
}

impl Running {
    fn start(fake: &Fake, config: &ProjectConfig, shard: Shard, memory: Option<Memory>) -> (Self, usize) {
        let mut poller = fake.shard_poller(config, shard, &OwnMetrics::new(epoch(), DAY, &[]));
        let dropped = memory.map_or(0, |memory| poller.restore(memory));
        let (picture, recall) = (poller.subscribe(), poller.recall());
        (Self { shard, picture, recall, task: tokio::spawn(poller.run(std::future::pending())) }, dropped)
    }

    fn project(&self) -> Arc<ProjectView> {
        assert!(!self.task.is_finished(), "the poller has ended");
        self.picture.borrow().projects[0].clone()
    }

    fn ids(&self) -> Vec<String> {
        self.project().instances.iter().map(|view| view.id.to_string()).collect()
    }

    async fn stop(self) -> Memory {
        let memory = self.recall.ask().await.expect("it runs").memory;
        self.task.abort();
        let _ = self.task.await;
        memory
    }
}

fn shards(total: u32) -> impl Iterator<Item = Shard> {
    (0..total).map(move |ordinal| Shard::new(ordinal, total).unwrap())
}

fn start_all(fake: &Fake, config: &ProjectConfig) -> Vec<Running> {
    shards(TOTAL).map(|shard| Running::start(fake, config, shard, None).0).collect()
}

/// What `dcs_project_*` says of the instances, which is the same everywhere.
fn of_project(running: &Running) -> (u64, Option<u64>) {
    let project = running.project();
    (project.watched, project.missing)
}

fn assert_all(all: &[Running], expected: (u64, Option<u64>), when: &str) {
    for running in all {
        assert_eq!(of_project(running), expected, "{}, {when}", running.shard);
    }
}

/// The instances without the times of their polls.
fn union<'a>(all: impl IntoIterator<Item = &'a Running>) -> BTreeMap<InstanceId, InstanceView> {
    let mut union = BTreeMap::new();
    for running in all {
        for view in &running.project().instances {
            let polls = view.polls.each_ref().map(|poll| PollView { last_success_at: None, ..poll.clone() });
            let view = InstanceView { polls, ..InstanceView::clone(view) };
            assert!(union.insert(view.id.clone(), view).is_none(), "in two shards");
        }
    }
    union
}

#[tokio::test(start_paused = true)]
async fn together_they_show_what_one_process_would_and_each_instance_once() {
    let by_hand = ids(40);
    let by_hand: Vec<&str> = by_hand.iter().map(String::as_str).collect();
    let both = ProjectConfig { discovery: project(&[]).discovery, ..project(&by_hand[..15]) };
    for config in [project(&[]), project(&by_hand), both] {
        let fake = fleet(40);
        let all = start_all(&fake, &config);
        pass(20 * MINUTE).await;
        let asked = fake.lock().requests.clone();
        let alone = Running::start(&fake, &config, Shard::ALONE, None).0;
        pass(MINUTE).await;
        assert_eq!(union(&all), union([&alone]));
        assert!(all.iter().all(|running| running.ids().len() > 5), "all have some");
        for running in &all {
            let (one, other) = (running.project(), alone.project());
            let facts = |view: &ProjectView| (view.watched, view.missing, view.up, view.poll_interval, view.tried);
            assert_eq!(facts(&one), facts(&other));
            assert!(one.instances.iter().all(|view| running.shard.owns(&view.id)));
        }
        // Nobody asked for what is another's.
        let cloud = fake.lock();
        for ((_, request), sender) in asked.iter().zip(&cloud.senders) {
            if let Request::Backups(id, _) | Request::Restores(id, _) | Request::Instance(id) = request {
                assert!(
                    Shard::new(u32::try_from(*sender).unwrap(), TOTAL).unwrap().owns(id),
                    "{sender} asked for {id}"
                );
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn all_of_them_keep_the_budget_together() {
    let fake = fleet(60);
    let limits = Limits { requests_per_second: 1.5, burst: 6, concurrency: 6 };
    let config = ProjectConfig { limits: Some(limits), ..project(&[]) };
    let all = start_all(&fake, &config);
    pass(16 * HOUR).await;
    {
        let cloud = fake.lock();
        let times: Vec<Duration> = cloud.requests.iter().map(|(at, _)| *at).collect();
        // Each bucket begins with a token, the burst's third has two.
        assert_within(&times, limits, "all");
        assert!(cloud.most_under_way <= 6, "{}", cloud.most_under_way);
        assert!(cloud.most_of_project.values().all(|(_, most)| *most <= 2), "{:?}", cloud.most_of_project);
    }
    // In a slot more is due than the budget gives: each tells how far that stretches the intervals.
    assert!(all.iter().all(|running| running.project().poll_interval >= Polling::default().idle_interval));
    assert_eq!(union(&all).len(), 60);
}

#[tokio::test(start_paused = true)]
async fn what_filters_leave_out_is_left_out_by_all() {
    let fake = Fake::new((0..12).map(|number| tagged(&format!("i-{number:03}"), &[("env", "prod")])));
    let mut config = project(&["i-000"]);
    config.discovery = project(&[]).discovery;
    config.discovery.as_mut().unwrap().filter = Filter { include: Some(by_tag("env", &["prod"])), exclude: None };
    let all = start_all(&fake, &config);
    pass(MINUTE).await;
    assert_all(&all, (12, Some(0)), "at first");
    let tag = |numbers: std::ops::Range<usize>, tags: Option<Tags>| {
        for instance in fake.lock().instances.values_mut().skip(numbers.start).take(numbers.len()) {
            instance.tags.clone_from(&tags);
        }
    };
    // More than half: these are seen, and need not be doubted. The first is configured by hand.
    tag(0..9, Some(Tags::of([("env", "test")])));
    pass(5 * MINUTE).await;
    assert_all(&all, (12, Some(0)), "left out once");
    pass(5 * MINUTE).await;
    assert_all(&all, (4, Some(0)), "left out twice");
    assert_eq!(union(&all).len(), 4);
    // An answer without tags changes nothing, on no shard.
    tag(0..12, None);
    pass(15 * MINUTE).await;
    assert_all(&all, (4, Some(0)), "no tags told");
    tag(0..12, Some(Tags::of([("env", "prod")])));
    pass(5 * MINUTE).await;
    assert_all(&all, (12, Some(0)), "selected again");
    assert_eq!(union(&all).len(), 12);
    // Without tags more than half are doubted by each, though it has few of them.
    tag(0..12, Some(Tags::default()));
    pass(55 * MINUTE).await;
    assert_all(&all, (12, Some(0)), "doubted");
    pass(15 * MINUTE).await;
    assert_all(&all, (1, Some(0)), "without tags for an hour: only the one configured by hand");
}

#[tokio::test(start_paused = true)]
async fn what_comes_and_goes_is_counted_alike_by_all() {
    let fake = fleet(12);
    let all = start_all(&fake, &project(&[]));
    pass(MINUTE).await;
    assert_all(&all, (12, Some(0)), "at first");
    let newcomer = daily("newcomer");
    fake.lock().instances.insert(newcomer.id.clone(), newcomer);
    fake.lock().unlisted.extend(["i-000".into(), "i-001".into()]);
    pass(5 * MINUTE).await;
    assert_all(&all, (13, Some(2)), "lacked once");
    assert_eq!(union(&all).len(), 13);
    pass(5 * MINUTE).await;
    assert_all(&all, (11, Some(0)), "lacked twice");
    assert_eq!(union(&all).len(), 11);
}

#[tokio::test(start_paused = true)]
async fn a_listing_that_lacks_most_is_doubted_by_all_though_each_has_few() {
    let fake = fleet(12);
    let all = start_all(&fake, &project(&[]));
    pass(MINUTE).await;
    assert!(all.iter().all(|running| (1..10).contains(&running.ids().len())));
    let before = std::mem::take(&mut fake.lock().instances);
    // Of one shard's own nothing is lacking: all the same.
    fake.lock()
        .instances
        .extend(before.clone().into_iter().filter(|(id, _)| all[0].shard.owns(id)).take(5).collect::<BTreeMap<_, _>>());
    let left = fake.lock().instances.len() as u64;
    assert!((1..=5).contains(&left));
    pass(55 * MINUTE).await;
    assert_all(&all, (12, Some(12 - left)), "doubted");
    assert_eq!(union(&all).len(), 12);
    pass(20 * MINUTE).await;
    assert_all(&all, (left, Some(0)), "believed");
}

#[tokio::test(start_paused = true)]
async fn one_configured_by_hand_that_is_not_listed_is_missing_everywhere() {
    let fake = fleet(9);
    fake.lock().unlisted.push("i-004".into());
    let config = ProjectConfig { discovery: project(&[]).discovery, ..project(&["i-004", "i-005"]) };
    let all = start_all(&fake, &config);
    assert_all(&all, (2, None), "before the first listing");
    pass(30 * MINUTE).await;
    assert_all(&all, (9, Some(1)), "after it");
}

#[tokio::test(start_paused = true)]
async fn a_shard_without_any_instance_is_ready_and_claims_nothing() {
    let fake = fleet(1);
    let config = project(&["i-000"]);
    let all = start_all(&fake, &config);
    let idle = |running: &&Running| !running.shard.owns(&"i-000".into());
    assert_eq!(all.iter().filter(idle).count(), 2);
    for running in all.iter().filter(idle) {
        let project = running.project();
        assert!(project.tried, "no request of its own will ever come");
        assert_eq!((project.up, project.watched, project.instances.len()), (None, 1, 0));
    }
    pass(HOUR).await;
    let senders: BTreeSet<usize> = fake.lock().senders.iter().copied().collect();
    assert_eq!(senders.len(), 1, "only the owner asks");
    // What the owner knew is none of its business, even if a file tells it.
    let owner = all.iter().find(|running| !idle(running)).unwrap();
    let memory = owner.recall.ask().await.unwrap().memory;
    for running in all.iter().filter(idle) {
        let (heir, dropped) = Running::start(&fake, &config, running.shard, Some(memory.clone()));
        let project = heir.project();
        assert_eq!((dropped, project.up, project.tried, project.watched), (1, None, true, 1));
    }
    // With discovery it lists, and knows by itself.
    let all = start_all(&fake, &project(&[]));
    assert!(all.iter().all(|running| !running.project().tried));
    pass(MINUTE).await;
    assert!(all.iter().all(|running| running.project().up == Some(true)));
    assert_all(&all, (1, Some(0)), "listed");
}

#[tokio::test(start_paused = true)]
async fn one_round_of_a_shard_without_any_instance_ends() {
    let fake = fleet(1);
    for shard in shards(TOTAL) {
        let mut poller = fake.shard_poller(&project(&["i-000"]), shard, &OwnMetrics::new(epoch(), DAY, &[]));
        poller.run_one_round().await;
        assert!(poller.subscribe().borrow().all_tried());
    }
}

#[tokio::test(start_paused = true)]
async fn a_restart_states_nothing_false_and_counts_on() {
    let fake = fleet(12);
    let config = project(&[]);
    let all = start_all(&fake, &config);
    pass(20 * MINUTE).await;
    let before: Vec<_> = all.iter().map(|running| (running.project(), running.ids())).collect();
    let mut memories = Vec::new();
    for running in all {
        memories.push(running.stop().await.as_of(fake.clock().now(), HOUR));
    }
    for (memory, (_, ids)) in memories.iter().zip(&before) {
        let stored: Vec<String> = memory.projects[0].instances.iter().map(|instance| instance.id.to_string()).collect();
        assert_eq!(&stored, ids, "its own and nothing else");
        assert_eq!(memory.projects[0].known, 12);
    }
    // A permission was lost meanwhile: none is listed.
    let instances = std::mem::take(&mut fake.lock().instances);
    let start = |memories: &[Memory]| -> Vec<Running> {
        let each = shards(TOTAL).zip(memories);
        each.map(|(shard, memory)| Running::start(&fake, &config, shard, Some(memory.clone())).0).collect()
    };
    let all = start(&memories);
    for (running, (project, ids)) in all.iter().zip(&before) {
        let now = running.project();
        assert_eq!((&running.ids(), now.watched, now.missing, now.listed_at), (ids, 12, Some(0), project.listed_at));
    }
    pass(55 * MINUTE).await;
    assert_all(&all, (12, Some(12)), "doubted, though each knows but its own by their ids");
    assert_eq!(union(&all).len(), 12);
    for running in all {
        running.stop().await;
    }
    // The same again, but that only two are gone.
    fake.lock().instances = instances;
    fake.lock().unlisted = vec!["i-003".into(), "i-004".into()];
    let all = start(&memories);
    pass(MINUTE).await;
    assert_all(&all, (12, Some(2)), "a listing came at once");
    pass(5 * MINUTE).await;
    assert_all(&all, (10, Some(0)), "and a second one");
}

#[tokio::test(start_paused = true)]
async fn facts_that_are_too_old_leave_the_count_open_and_the_doubt_as_it_was() {
    let fake = fleet(12);
    let shard = Shard::new(0, TOTAL).unwrap();
    let running = Running::start(&fake, &project(&[]), shard, None).0;
    pass(20 * MINUTE).await;
    let own = running.ids().len();
    let memory = running.stop().await;
    pass(2 * HOUR).await;
    let memory = memory.as_of(fake.clock().now(), HOUR);
    let instances = std::mem::take(&mut fake.lock().instances);
    let running = Running::start(&fake, &project(&[]), shard, Some(memory)).0;
    assert_eq!((of_project(&running), running.project().listed_at), ((0, None), None), "nobody knows");
    pass(50 * MINUTE).await;
    let memory = running.stop().await;
    assert_eq!((memory.len(), memory.projects[0].known), (own, 12), "doubted for an hour");
    fake.lock().instances = instances;
    let running = Running::start(&fake, &project(&[]), shard, Some(memory)).0;
    pass(MINUTE).await;
    assert_eq!((of_project(&running), running.ids().len()), ((12, Some(0)), own));
}

#[tokio::test(start_paused = true)]
async fn another_total_keeps_what_is_still_its_own_and_nothing_else() {
    let fake = fleet(60);
    let config = project(&[]);
    let mut memories = Vec::new();
    for shard in shards(2) {
        let running = Running::start(&fake, &config, shard, None).0;
        pass(20 * MINUTE).await;
        memories.push(running.stop().await.as_of(fake.clock().now(), HOUR));
    }
    // Two become three: the third begins with nothing.
    memories.push(Memory { saved_at: fake.clock().now(), projects: Vec::new() });
    fake.lock().script =
        Box::new(|_, request| (request.operation() != Operation::Instances).then_some(ErrorKind::Connection));
    let mut all = Vec::new();
    for (shard, memory) in shards(3).zip(&memories) {
        let stored = memory.len();
        let (running, dropped) = Running::start(&fake, &config, shard, Some(memory.clone()));
        let ids = running.ids();
        assert_eq!(ids.len() + dropped, stored, "what was its own stays its own, or goes to the new one");
        assert!(running.project().instances.iter().all(|view| shard.owns(&view.id) && view.backups.is_some()));
        if shard.ordinal() < 2 {
            assert!((1..stored / 2).contains(&dropped), "{dropped} of {stored}");
            assert_eq!(of_project(&running), (60, Some(0)), "before any listing");
        }
        let remembered = running.recall.ask().await.unwrap().memory;
        assert!(remembered.projects.iter().flat_map(|project| &project.instances).all(|each| shard.owns(&each.id)));
        all.push(running);
    }
    pass(MINUTE).await;
    assert_all(&all, (60, Some(0)), "listed");
    assert_eq!(union(&all).len(), 60);
    // And back to one, which is given the facts of the first.
    let memory = memories.remove(0);
    let sent = fake.lock().requests.len();
    let (alone, dropped) = Running::start(&fake, &config, Shard::ALONE, Some(memory));
    assert_eq!((dropped, of_project(&alone)), (0, (60, Some(0))));
    pass(Duration::from_secs(2)).await;
    assert_eq!(alone.ids().len(), 60, "the rest is found at once");
    assert!(fake.lock().requests[sent..].iter().any(|(_, request)| request.operation() == Operation::Instances));
}
