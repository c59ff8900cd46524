//! Which instances are watched, and with which RPO and labels, while their tags, names and listings come and go.

use std::collections::BTreeMap;

use proptest::prelude::*;
use tokio::time::Instant;

use super::super::fake::{by_tag, tagged};
use super::super::project::{Moment, Project, Reading, Task};
use super::*;
use crate::cloud::CloudError;
use crate::cloud::listing::Extent;
use crate::config::Override;
use crate::domain::selection::{Filter, NamePattern, Selection};
use crate::domain::shard::Shard;
use crate::domain::tags::{TagLabel, Tags};
use crate::exposition::own::OwnMetrics;

fn filtered(include: Option<Selection>, exclude: Option<Selection>) -> ProjectConfig {
    let mut config = project(&[]);
    config.discovery.as_mut().unwrap().filter = Filter { include, exclude };
    config
}

fn only_prod() -> ProjectConfig {
    filtered(Some(by_tag("env", &["prod"])), None)
}

fn by_name(pattern: &str) -> Selection {
    Selection { names: vec![NamePattern::parse(pattern).unwrap()], ..Selection::default() }
}

fn set_tags(fake: &Fake, id: &str, tags: &[(&str, &str)]) {
    fake.lock().instances.get_mut(&id.into()).unwrap().tags = Some(Tags::of(tags.iter().copied()));
}

fn watched(poller: &Running) -> Vec<String> {
    poller.project().instances.iter().map(|view| view.id.to_string()).collect()
}

/// Requests about one instance so far.
fn asked(fake: &Fake, id: &str) -> usize {
    let about = |request: &Request| match request {
        Request::Instance(of) | Request::Backups(of, _) | Request::Restores(of, _) => of.as_str() == id,
        Request::Instances(_) => false,
    };
    fake.lock().requests.iter().filter(|(_, request)| about(request)).count()
}

#[tokio::test(start_paused = true)]
async fn one_that_the_filters_select_is_watched_within_one_interval_and_no_other() {
    let exclude = Selection { names: by_name("-scratch").names, ..by_tag("env", &["prod"]) };
    let config = filtered(Some(by_tag("env", &["prod", "staging"])), Some(exclude));
    let fake = Fake::new([tagged("a", &[("env", "prod")]), tagged("b", &[("env", "test")]), tagged("c", &[])]);
    let poller = Running::start(&fake, &config);
    pass(MINUTE).await;
    assert_eq!(watched(&poller), ["a"]);
    assert_eq!((poller.project().watched, poller.project().missing), (1, Some(0)));
    for instance in [
        tagged("d", &[("env", "staging")]),
        tagged("e-scratch", &[("env", "prod")]),
        tagged("f-scratch", &[("env", "staging")]),
    ] {
        fake.lock().instances.insert(instance.id.clone(), instance);
    }
    set_tags(&fake, "b", &[("env", "prod")]);
    pass(5 * MINUTE).await;
    assert_eq!(watched(&poller), ["a", "b", "d", "f-scratch"]);
    assert!(poller.instance("d").polls.iter().all(|poll| poll.success == Some(true)));
    pass(HOUR).await;
    assert_eq!(["c", "e-scratch"].map(|id| asked(&fake, id)), [0, 0], "what is left out costs nothing");
}

#[tokio::test(start_paused = true)]
async fn one_that_is_not_selected_any_more_goes_at_the_second_listing_that_shows_it() {
    let fake = fleet(2);
    for id in ["i-000", "i-001"] {
        set_tags(&fake, id, &[("env", "prod")]);
    }
    let poller = Running::start(&fake, &only_prod());
    pass(MINUTE).await;
    // Away for one listing and back: it stays, and its count begins anew.
    set_tags(&fake, "i-001", &[("env", "test")]);
    pass(5 * MINUTE).await;
    assert_eq!(watched(&poller), ["i-000", "i-001"]);
    set_tags(&fake, "i-001", &[("env", "prod")]);
    pass(5 * MINUTE).await;
    set_tags(&fake, "i-001", &[("env", "test")]);
    pass(5 * MINUTE).await;
    assert_eq!(watched(&poller), ["i-000", "i-001"]);
    assert_eq!((poller.project().watched, poller.project().missing), (2, Some(0)), "it is not missing");
    assert!(poller.last_success("i-001").is_some());
    pass(5 * MINUTE).await;
    assert_eq!(watched(&poller), ["i-000"]);
    assert_eq!((poller.project().watched, poller.project().missing), (1, Some(0)));
    let polls = asked(&fake, "i-001");
    pass(2 * HOUR).await;
    assert_eq!(asked(&fake, "i-001"), polls, "nobody asks for it any more");
    set_tags(&fake, "i-001", &[("env", "prod")]);
    pass(5 * MINUTE).await;
    assert!(poller.last_success("i-001").is_some(), "watched again within one interval");
}

#[tokio::test(start_paused = true)]
async fn one_that_waits_to_be_dropped_is_polled_and_described_until_then() {
    let fake = fleet(1);
    set_tags(&fake, "i-000", &[("env", "prod")]);
    let mut config = only_prod();
    config.discovery.as_mut().unwrap().interval = HOUR;
    config.instance_tags = TagLabel::of(["env"]).into();
    let poller = Running::start(&fake, &config);
    pass(59 * MINUTE).await;
    set_tags(&fake, "i-000", &[("env", "test")]);
    pass(2 * MINUTE).await;
    let polls = asked(&fake, "i-000");
    pass(50 * MINUTE).await;
    assert!(asked(&fake, "i-000") >= polls + 3);
    assert_eq!(poller.instance("i-000").tags.iter().collect::<Vec<_>>(), [("tag_env", "test")], "as it is now");
    pass(10 * MINUTE).await;
    assert!(poller.find("i-000").is_none());
}

#[tokio::test(start_paused = true)]
async fn what_a_listing_shows_is_not_doubted() {
    let fake = fleet(12);
    for id in ids(12) {
        set_tags(&fake, &id, &[("env", "prod")]);
    }
    let poller = Running::start(&fake, &only_prod());
    pass(MINUTE).await;
    // Two are gone altogether, ten have another tag.
    fake.lock().unlisted = vec!["i-000".into(), "i-001".into()];
    for id in &ids(12)[2..] {
        set_tags(&fake, id, &[("env", "test")]);
    }
    pass(5 * MINUTE).await;
    assert_eq!((poller.project().watched, poller.project().missing), (12, Some(2)));
    pass(5 * MINUTE).await;
    assert_eq!((poller.project().watched, poller.project().missing), (0, Some(0)));
}

#[tokio::test(start_paused = true)]
async fn a_fleet_without_its_tags_is_doubted_for_an_hour() {
    let fake = fleet(12);
    for id in ids(12) {
        set_tags(&fake, &id, &[("env", "prod")]);
    }
    let poller = Running::start(&fake, &only_prod());
    pass(MINUTE).await;
    // As for somebody who may not read them any more; one was given another before.
    for id in &ids(12)[1..] {
        set_tags(&fake, id, &[]);
    }
    set_tags(&fake, "i-000", &[("env", "test")]);
    pass(55 * MINUTE).await;
    assert_eq!((poller.project().watched, poller.project().missing), (11, Some(0)), "doubted");
    pass(20 * MINUTE).await;
    assert_eq!((poller.project().watched, poller.project().missing), (0, Some(0)), "believed");
}

#[tokio::test(start_paused = true)]
async fn one_configured_by_hand_is_watched_whatever_it_is() {
    let fake = fleet(3);
    set_tags(&fake, "i-000", &[("env", "test")]);
    set_tags(&fake, "i-001", &[("env", "prod")]);
    set_tags(&fake, "i-002", &[("env", "test")]);
    let config = ProjectConfig { discovery: only_prod().discovery, ..project(&["i-000"]) };
    let poller = Running::start(&fake, &config);
    pass(HOUR).await;
    assert_eq!(watched(&poller), ["i-000", "i-001"]);
    assert_eq!(poller.project().missing, Some(0));
}

#[tokio::test(start_paused = true)]
async fn a_listing_that_fails_or_is_cut_short_drops_nothing_and_what_was_known_stays() {
    let fake = fleet(2);
    let name = poller_name(&fake);
    let mut config = only_prod();
    config.instance_tags = TagLabel::of(["env", "team"]).into();
    config.overrides = [Override { of: by_tag("team", &["shop"]), rpo: 13 * HOUR }].into();
    for id in ["i-000", "i-001"] {
        set_tags(&fake, id, &[("env", "prod"), ("team", "shop")]);
    }
    let poller = Running::start(&fake, &config);
    pass(MINUTE).await;
    let known = poller.instance("i-001");
    assert_eq!(known.tags.iter().collect::<Vec<_>>(), [("tag_env", "prod"), ("tag_team", "shop")]);
    assert_eq!((known.name.as_str(), known.rpo), (name.as_str(), Some(13 * HOUR)));
    // Neither a listing nor the instance itself can be read.
    fake.lock().script = Box::new(|_, request| {
        matches!(request, Request::Instances(_) | Request::Instance(_)).then_some(ErrorKind::Decode)
    });
    {
        let mut cloud = fake.lock();
        let instance = cloud.instances.get_mut(&"i-001".into()).unwrap();
        (instance.tags, instance.name) = (Some(Tags::default()), Some("renamed".to_owned()));
    }
    pass(12 * HOUR).await;
    let after = poller.instance("i-001");
    assert_eq!((&after.tags, &after.name, after.rpo), (&known.tags, &known.name, known.rpo));
    // Cut short, listings tell what they hold, and drop nobody: neither whom they lack nor whom they show otherwise.
    fake.lock().script = Box::new(|_, _| None);
    fake.lock().lists_in_part = true;
    fake.lock().unlisted.push("i-000".into());
    pass(3 * HOUR).await;
    assert_eq!(watched(&poller), ["i-000", "i-001"]);
    let after = poller.instance("i-001");
    assert_eq!((after.name.as_str(), after.tags.iter().count(), after.rpo), ("renamed", 0, Some(29 * HOUR)));
    assert_eq!(poller.instance("i-000").tags, known.tags);
    fake.lock().lists_in_part = false;
    pass(11 * MINUTE).await;
    assert_eq!(watched(&poller), [""; 0]);
}

fn poller_name(fake: &Fake) -> String {
    fake.lock().instances[&"i-001".into()].name.clone().unwrap()
}

#[tokio::test(start_paused = true)]
async fn an_answer_without_tags_leaves_them_as_they_were_known() {
    let fake = fleet(2);
    set_tags(&fake, "i-000", &[("env", "prod")]);
    set_tags(&fake, "i-001", &[("env", "test")]);
    let poller = Running::start(&fake, &only_prod());
    pass(MINUTE).await;
    fake.lock().lists_no_tags = true;
    pass(3 * HOUR).await;
    assert_eq!(watched(&poller), ["i-000"], "the one stays, the other stays out");
    assert_eq!(asked(&fake, "i-001"), 0);
}

#[tokio::test(start_paused = true)]
async fn one_whose_tags_no_listing_tells_is_watched_until_they_are_known() {
    let fake = fleet(2);
    set_tags(&fake, "i-000", &[("env", "prod")]);
    set_tags(&fake, "i-001", &[("env", "test")]);
    fake.lock().lists_no_tags = true;
    let poller = Running::start(&fake, &only_prod());
    pass(MINUTE).await;
    assert_eq!(watched(&poller), ["i-000", "i-001"], "it might be meant, and one that is not watched is silent");
    pass(10 * MINUTE).await;
    assert_eq!(watched(&poller), ["i-000"], "its own answer has told");
    let polls = asked(&fake, "i-001");
    pass(6 * HOUR).await;
    assert_eq!(watched(&poller), ["i-000"]);
    assert_eq!(asked(&fake, "i-001"), polls, "it does not come and go");
}

#[tokio::test(start_paused = true)]
async fn the_first_override_that_matches_counts_anew_with_every_change() {
    let fake = fleet(3);
    let set = |of: Selection, hours: u64| Override { of, rpo: Duration::from_hours(hours) };
    let by_id = Selection { ids: vec!["i-002".into()], ..Selection::default() };
    let mut config = ProjectConfig {
        overrides: [
            set(by_tag("tier", &["gold"]), 13),
            set(by_id, 20),
            set(by_name("^orders"), 40),
            set(by_tag("tier", &["gold", "silver"]), 50),
        ]
        .into(),
        discovery: project(&[]).discovery,
        ..project(&["i-001"])
    };
    config.instances[0].name = Some("orders-by-hand".to_owned());
    let poller = Running::start(&fake, &config);
    pass(MINUTE).await;
    let rpos = || ["i-000", "i-001", "i-002"].map(|id| poller.instance(id).rpo.unwrap().as_secs() / 3600);
    assert_eq!(rpos(), [29, 40, 20], "tags that are not known match nothing");
    for id in ids(3) {
        set_tags(&fake, &id, &[("tier", "silver")]);
    }
    pass(5 * MINUTE).await;
    assert_eq!(rpos(), [50, 40, 20]);
    fake.lock().instances.get_mut(&"i-000".into()).unwrap().name = Some("orders-2".to_owned());
    set_tags(&fake, "i-002", &[("tier", "gold")]);
    pass(5 * MINUTE).await;
    assert_eq!(rpos(), [40, 40, 13]);
    set_tags(&fake, "i-002", &[]);
    fake.lock().instances.get_mut(&"i-000".into()).unwrap().name = Some("payments".to_owned());
    pass(5 * MINUTE).await;
    assert_eq!(rpos(), [50, 40, 20]);
}

#[tokio::test(start_paused = true)]
async fn an_override_goes_before_the_projects_rpo_and_needs_no_listing() {
    let fake = fleet(2);
    set_tags(&fake, "i-000", &[("tier", "gold")]);
    let overrides = [Override { of: by_tag("tier", &["gold"]), rpo: 13 * HOUR }].into();
    let config = ProjectConfig { overrides, rpo: Some(48 * HOUR), ..project(&["i-000", "i-001"]) };
    let poller = Running::start(&fake, &config);
    pass(MINUTE).await;
    assert!(fake.times(Operation::Instances).is_empty());
    assert_eq!(["i-000", "i-001"].map(|id| poller.instance(id).rpo), [Some(13 * HOUR), Some(48 * HOUR)]);
}

#[tokio::test(start_paused = true)]
async fn two_projects_one_of_them_broken_do_not_disturb_each_other() {
    for kind in [ErrorKind::Forbidden, ErrorKind::Decode, ErrorKind::Connection, ErrorKind::Throttled] {
        let fake = fleet(4);
        for (index, id) in ids(4).iter().enumerate() {
            set_tags(&fake, id, &[("env", if index < 2 { "prod" } else { "test" })]);
        }
        let configs = [
            ProjectConfig { name: "good".into(), ..only_prod() },
            ProjectConfig { name: "broken".into(), ..filtered(None, Some(by_tag("env", &["prod"]))) },
        ];
        let poller = fake.poller_of(&configs, &Polling::default());
        let picture = poller.subscribe();
        let task = tokio::spawn(poller.run(std::future::pending()));
        let view = |project: usize| {
            let view = picture.borrow().projects[project].clone();
            (view.up, view.instances.iter().map(|view| view.id.to_string()).collect::<Vec<_>>())
        };
        pass(MINUTE).await;
        let (good, broken) = ((Some(true), ids(2)), ids(4)[2..].to_vec());
        assert_eq!((view(0), view(1)), (good.clone(), (Some(true), broken.clone())));
        fake.lock().broken = Some((1, kind));
        set_tags(&fake, "i-002", &[("env", "prod")]);
        pass(3 * HOUR).await;
        let (up, instances) = view(1);
        assert_eq!((up == Some(true), instances), (matches!(kind, ErrorKind::Forbidden | ErrorKind::Decode), broken));
        assert_eq!(view(0), (Some(true), vec!["i-000".to_owned(), "i-001".to_owned(), "i-002".to_owned()]), "{kind:?}");
        let now = fake.clock().now();
        for view in &picture.borrow().projects[0].instances {
            let age = now.duration_since(view.polls[0].last_success_at.unwrap()).unsigned_abs();
            assert!(age <= 16 * MINUTE, "{kind:?}: {age:?}");
        }
        fake.lock().broken = None;
        pass(HOUR).await;
        assert_eq!(view(1), (Some(true), vec!["i-003".to_owned()]), "{kind:?}");
        task.abort();
    }
}

/// What a listing says of an instance: nothing because it lacks it, nothing of its tags, or its tag.
#[derive(Clone, Copy, Debug)]
enum Said {
    Lacking,
    NoTags,
    Env(&'static str),
}

#[derive(Clone, Debug)]
enum Event {
    Complete(Vec<Said>),
    CutShort(Vec<Said>),
    Failed,
}

fn event() -> impl Strategy<Value = Event> {
    let said = prop_oneof![
        1 => Just(Said::Lacking),
        1 => Just(Said::NoTags),
        2 => Just(Said::Env("prod")),
        2 => Just(Said::Env("test")),
    ];
    let listing = || proptest::collection::vec(said.clone(), 4);
    prop_oneof![
        4 => listing().prop_map(Event::Complete),
        1 => listing().prop_map(Event::CutShort),
        1 => Just(Event::Failed),
    ]
}

/// What the contract says of an instance after a course of listings.
#[derive(Clone, Copy, Debug, Default)]
struct Expected {
    env: Option<&'static str>,
    watched: bool,
    /// Complete listings in a row that spoke against it.
    against: u32,
}

impl Expected {
    fn after(mut self, said: Said, complete: bool) -> Self {
        let is_selected = match said {
            Said::Lacking if self.watched => false,
            Said::Lacking if complete => return Self::default(),
            Said::Lacking => return self,
            Said::NoTags => self.env != Some("test"),
            Said::Env(env) => {
                self.env = Some(env);
                env == "prod"
            }
        };
        if is_selected {
            return Self { watched: true, against: 0, ..self };
        }
        self.against += u32::from(complete && self.watched);
        let is_dropped = self.against >= 2;
        let is_forgotten = is_dropped && matches!(said, Said::Lacking);
        Self {
            env: self.env.filter(|_| !is_forgotten),
            watched: self.watched && !is_dropped,
            against: if is_dropped { 0 } else { self.against },
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    /// Whatever listings say in whatever order: who is selected is watched, and who is not goes at the second complete
    /// listing in a row.
    #[test]
    fn any_course_of_listings_gives_what_the_contract_says(events in proptest::collection::vec(event(), 1..14)) {
        let begun = Instant::now();
        let metrics = OwnMetrics::new(epoch(), DAY, &[]);
        let mut project = Project::new(&only_prod(), Shard::ALONE, &Polling::default(), metrics, begun);
        let mut expected: BTreeMap<String, Expected> = ids(4).into_iter().map(|id| (id, Expected::default())).collect();
        for (turn, event) in (1..).zip(&events) {
            let since = 5 * MINUTE * turn;
            let at = Moment { steady: begun + since, wall: epoch() + since };
            let (said, complete) = match event {
                Event::Complete(said) => (said, true),
                Event::CutShort(said) => (said, false),
                Event::Failed => {
                    project.apply(&Task::Listing, Err(CloudError::new(ErrorKind::Decode, "scripted")), at);
                    continue;
                }
            };
            let listed = ids(4).into_iter().zip(said).filter_map(|(id, said)| match said {
                Said::Lacking => None,
                Said::NoTags => Some(daily(&id)),
                Said::Env(env) => Some(tagged(&id, &[("env", env)])),
            });
            let extent = if complete { Extent::Whole } else { Extent::Cut };
            let reading = Reading::Instances { instances: listed.collect(), extent };
            project.apply(&Task::Listing, Ok(reading), at);
            for (state, said) in expected.values_mut().zip(said) {
                *state = state.after(*said, complete);
            }
            let view = project.view(None, 1.0);
            let watched: Vec<&str> = view.instances.iter().map(|view| view.id.as_str()).collect();
            let wanted: Vec<&str> = expected.iter().filter(|(_, state)| state.watched).map(|(id, _)| id.as_str()).collect();
            prop_assert_eq!(&watched, &wanted, "after {:?}", &events[..turn as usize]);
            if complete {
                let is_missing = |(state, said): (&Expected, &Said)| state.watched && matches!(said, Said::Lacking);
                let missing = expected.values().zip(said).filter(|pair| is_missing(*pair)).count() as u64;
                prop_assert_eq!(view.missing, Some(missing));
            }
        }
    }
}
