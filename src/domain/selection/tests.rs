//! Tables of single keys, and what holds for all selections.

use proptest::prelude::*;

use super::*;

fn pattern(text: &str) -> NamePattern {
    NamePattern::parse(text).unwrap()
}

fn tagged(tags: &[(&str, &[&str])]) -> Selection {
    let values = |values: &[&str]| values.iter().map(|value| (*value).to_owned()).collect();
    Selection { tags: tags.iter().map(|(key, of)| ((*key).to_owned(), values(of))).collect(), ..Selection::default() }
}

fn orders() -> Traits {
    Traits {
        name: Some("prod-orders".to_owned()),
        engine: Some(Engine::Redis),
        status: Some(InstanceStatus::Running),
        enterprise_project_id: Some("0".to_owned()),
        tags: Some(Tags::of([("env", "prod"), ("team", "shop"), ("bare", "")])),
    }
}

fn judge(selection: &Selection, traits: &Traits) -> Verdict {
    let id = InstanceId::from("i-1");
    selection.judge(&Candidate { id: &id, name: traits.name.as_deref(), traits })
}

#[test]
fn each_key_is_matched_by_any_of_its_values() {
    let none = Selection::default;
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    let table = [
        (none(), Verdict::Yes),
        (Selection { ids: vec!["i-2".into(), "i-1".into()], ..none() }, Verdict::Yes),
        (Selection { ids: vec!["I-1".into(), "i-".into()], ..none() }, Verdict::No),
        (Selection { names: vec![pattern("^prod-")], ..none() }, Verdict::Yes),
        (Selection { names: vec![pattern("order")], ..none() }, Verdict::Yes),
        (Selection { names: vec![pattern("-scratch$"), pattern("^orders")], ..none() }, Verdict::No),
        (Selection { names: vec![pattern("-scratch$"), pattern("orders$")], ..none() }, Verdict::Yes),
        (Selection { names: vec![pattern("PROD")], ..none() }, Verdict::No),
        (Selection { names: vec![pattern("(?i)PROD")], ..none() }, Verdict::Yes),
        (Selection { engines: vec![Engine::Memcached, Engine::Redis], ..none() }, Verdict::Yes),
        (Selection { engines: vec![Engine::Other], ..none() }, Verdict::No),
        (Selection { statuses: vec![InstanceStatus::Running], ..none() }, Verdict::Yes),
        (Selection { statuses: vec![InstanceStatus::Frozen], ..none() }, Verdict::No),
        (Selection { enterprise_project_ids: words(&["1", "0"]), ..none() }, Verdict::Yes),
        (Selection { enterprise_project_ids: words(&["00"]), ..none() }, Verdict::No),
        (tagged(&[("env", &["test", "prod"])]), Verdict::Yes),
        (tagged(&[("env", &["Prod", "pro"])]), Verdict::No),
        (tagged(&[("Env", &["prod"])]), Verdict::No),
        (tagged(&[("env", &["prod"]), ("team", &["shop"])]), Verdict::Yes),
        (tagged(&[("env", &["prod"]), ("team", &["edge"])]), Verdict::No),
        (tagged(&[("tier", &["gold"])]), Verdict::No),
        (Selection { ids: vec!["i-1".into()], ..tagged(&[("env", &["test"])]) }, Verdict::No),
    ];
    for (selection, expected) in table {
        assert_eq!(judge(&selection, &orders()), expected, "{selection:?}");
    }
}

#[test]
fn what_was_never_said_leaves_it_open_unless_something_else_differs() {
    let silent = Traits { tags: None, enterprise_project_id: None, ..orders() };
    let by_tag = tagged(&[("env", &["prod"])]);
    let verdicts = [
        (by_tag.clone(), Verdict::Open),
        (Selection { names: vec![pattern("^prod")], ..by_tag.clone() }, Verdict::Open),
        (Selection { names: vec![pattern("^test")], ..by_tag }, Verdict::No),
        (Selection { enterprise_project_ids: vec!["0".to_owned()], ..Selection::default() }, Verdict::Open),
    ];
    for (selection, expected) in verdicts {
        assert_eq!(judge(&selection, &silent), expected, "{selection:?}");
    }
    let unnamed = Selection { names: vec![pattern("")], ..Selection::default() };
    assert_eq!(judge(&unnamed, &Traits::default()), Verdict::Open, "even one that any name fits");
    let untagged = Traits { tags: Some(Tags::default()), ..orders() };
    assert_eq!(judge(&tagged(&[("env", &["prod"])]), &untagged), Verdict::No, "no tags is an answer");
}

#[test]
fn discovery_watches_what_may_be_included_and_leaves_out_what_surely_is_excluded() {
    let id = InstanceId::from("i-1");
    let [prod, test] = ["prod", "test"].map(|env| Some(tagged(&[("env", &[env])])));
    let silent = Traits { tags: None, ..orders() };
    for (include, exclude, selected, selected_if_silent) in [
        (None, None, true, true),
        (prod.clone(), None, true, true),
        (test.clone(), None, false, true),
        (None, prod.clone(), false, true),
        (None, test.clone(), true, true),
        (prod.clone(), prod.clone(), false, true),
        (prod, test.clone(), true, true),
        (Some(Selection { ids: vec!["i-1".into()], ..Selection::default() }), test, true, true),
    ] {
        let filter = Filter { include, exclude };
        for (traits, expected) in [(&orders(), selected), (&silent, selected_if_silent)] {
            let candidate = Candidate { id: &id, name: traits.name.as_deref(), traits };
            assert_eq!(filter.selects(&candidate), expected, "{filter:?} {traits:?}");
        }
    }
}

#[test]
fn what_an_answer_does_not_say_stays() {
    let nothing = Instance {
        id: "i-1".into(),
        name: Some(String::new()),
        status: None,
        engine: None,
        engine_version: None,
        cache_mode: None,
        max_memory_bytes: None,
        created_at: None,
        enterprise_project_id: None,
        tags: None,
        policy: crate::domain::instance::PolicyReading::Unread,
    };
    let mut traits = orders();
    traits.learn(&nothing);
    assert_eq!(traits, orders());
    traits.learn(&Instance { tags: Some(Tags::default()), status: Some(InstanceStatus::Frozen), ..nothing });
    assert_eq!(traits, Traits { tags: Some(Tags::default()), status: Some(InstanceStatus::Frozen), ..orders() });
}

#[test]
fn patterns_say_what_is_wrong_with_them_in_one_line() {
    let refused = |text: &str| NamePattern::parse(text).unwrap_err().to_string();
    assert_eq!(refused("^(prod-"), "unclosed group");
    assert_eq!(refused("*-scratch"), "repetition operator missing expression");
    assert!(refused("(?=prod)").contains("look-around"), "{}", refused("(?=prod)"));
    assert_eq!(NamePattern::parse("(a{1000}){1000}"), Err(PatternError::TooLarge));
    assert_eq!(format!("{:?}", pattern("^a")), r#""^a""#);
}

fn any_traits() -> impl Strategy<Value = Traits> {
    let word = || prop::sample::select(vec!["a", "b", "c"]);
    let tags = prop::collection::btree_map(word(), word(), 0..3).prop_map(Tags::of);
    (
        prop::option::of("[ab]{1,3}"),
        prop::option::of(prop::sample::select(Engine::KNOWN)),
        prop::option::of(prop::sample::select(&InstanceStatus::KNOWN[..3])),
        prop::option::of(word()),
        prop::option::of(tags),
    )
        .prop_map(|(name, engine, status, project, tags)| Traits {
            name,
            engine,
            status,
            enterprise_project_id: project.map(str::to_owned),
            tags,
        })
}

fn any_selection() -> impl Strategy<Value = Selection> {
    let words = || prop::collection::vec(prop::sample::select(vec!["a", "b", "c"]).prop_map(str::to_owned), 1..3);
    (
        prop::collection::vec(prop::sample::select(vec!["i-1", "i-2"]).prop_map(InstanceId::from), 0..2),
        prop::collection::vec("\\^?[ab]\\$?".prop_map(|text| pattern(&text)), 0..2),
        prop::collection::vec(prop::sample::select(Engine::KNOWN), 0..2),
        prop::collection::vec(prop::sample::select(&InstanceStatus::KNOWN[..3]), 0..2),
        prop_oneof![Just(Vec::new()), words()],
        prop::collection::btree_map("[abc]", words(), 0..3),
    )
        .prop_map(|(ids, names, engines, statuses, enterprise_project_ids, tags)| Selection {
            ids,
            names,
            engines,
            statuses,
            enterprise_project_ids,
            tags,
        })
}

proptest! {
    /// Whatever the cloud will say of an instance later only settles what was open.
    #[test]
    fn more_knowledge_never_turns_a_verdict_round(selection in any_selection(), all in any_traits(), lost: [bool; 5]) {
        let known = Traits {
            name: all.name.clone().filter(|_| !lost[0]),
            engine: all.engine.filter(|_| !lost[1]),
            status: all.status.filter(|_| !lost[2]),
            enterprise_project_id: all.enterprise_project_id.clone().filter(|_| !lost[3]),
            tags: all.tags.clone().filter(|_| !lost[4]),
        };
        let (before, after) = (judge(&selection, &known), judge(&selection, &all));
        prop_assert!(before == Verdict::Open || before == after, "{:?}, then {:?}", before, after);
    }

    #[test]
    fn a_further_key_never_widens(selection in any_selection(), other in any_selection(), traits in any_traits()) {
        let narrower = Selection { tags: other.tags, names: other.names, ..selection.clone() };
        let wider = Selection { tags: BTreeMap::new(), names: Vec::new(), ..selection };
        prop_assert!(judge(&narrower, &traits) <= judge(&wider, &traits));
    }

    #[test]
    fn exclusion_wins(selection in any_selection(), traits in any_traits()) {
        let id = InstanceId::from("i-1");
        let candidate = Candidate { id: &id, name: traits.name.as_deref(), traits: &traits };
        let both = Filter { include: Some(selection.clone()), exclude: Some(selection.clone()) };
        prop_assert_eq!(both.selects(&candidate), selection.judge(&candidate) == Verdict::Open);
    }

    #[test]
    fn no_text_makes_a_pattern_panic(text in "\\PC{0,30}", name in "\\PC{0,30}") {
        if let Ok(pattern) = NamePattern::parse(&text) {
            pattern.is_match(&name);
        }
    }
}
