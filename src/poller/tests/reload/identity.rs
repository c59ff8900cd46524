//! Whose facts they are: another project, other credentials.

use super::*;

#[tokio::test(start_paused = true)]
async fn one_of_the_same_name_elsewhere_is_another_project() {
    let fake = fleet(3);
    let prod = named("prod", &["i-001"]);
    fake.lock().script = Box::new(|_, request| matches!(request, Request::Instance(_)).then_some(ErrorKind::Forbidden));
    let mut site = Site::start(&fake, std::slice::from_ref(&prod));
    pass(MINUTE).await;
    let failures = |site: &Site| {
        let series = site.own_series("prod");
        let is_meant = |line: &&String| ["poll_failures", "policy", "forbidden"].iter().all(|part| line.contains(part));
        let line = series.iter().find(is_meant).unwrap();
        line.rsplit_once(' ').unwrap().1.parse::<f64>().unwrap()
    };
    assert!(failures(&site) > 0.0);
    for elsewhere in [
        ProjectConfig { endpoint: "https://dcs.elsewhere.example".parse().unwrap(), ..prod.clone() },
        ProjectConfig { project: CloudProject::Id("4567".into()), ..prod.clone() },
        ProjectConfig { project: CloudProject::Named("eu-de".to_owned()), ..prod.clone() },
    ] {
        let changed = site.reload(std::slice::from_ref(&elsewhere)).await;
        assert_eq!((changed.projects_added, changed.projects_removed), (vec!["prod".into()], vec!["prod".into()]));
        let view = site.instance("i-001").unwrap();
        assert!(view.backups.is_none() && view.polls[0].last_success_at.is_none(), "no fact of the other one");
        assert!(failures(&site) < 1.0, "counts begin anew");
        pass(MINUTE).await;
        assert!(site.instance("i-001").unwrap().backups.is_some());
    }
}

#[tokio::test(start_paused = true)]
async fn other_credentials_are_tried_at_once_whatever_became_of_those_before() {
    for kind in [ErrorKind::BadSignature, ErrorKind::Unauthorized, ErrorKind::Forbidden, ErrorKind::Timeout] {
        let fake = fleet(20);
        let prod = [named("prod", &[])];
        let mut site = Site::start(&fake, &prod);
        pass(HOUR).await;
        let known = site.instance("i-004").unwrap();
        fake.lock().script = Box::new(move |_, _| Some(kind));
        pass(7 * HOUR).await;
        assert!(site.project("prod").error.is_some(), "{kind:?}");
        assert_eq!(site.instance("i-004").unwrap().backups, known.backups);
        // The same again is no reason to ask.
        let sent = site.sent();
        site.reload(&prod).await;
        pass(SECOND / 10).await;
        assert_eq!(site.sent(), sent, "{kind:?}");
        fake.lock().key = 2;
        fake.lock().script = Box::new(|_, _| None);
        site.renew("prod");
        site.reload(&prod).await;
        pass(SECOND / 10).await;
        assert!(site.sent() > sent, "{kind:?}: at once");
        assert_eq!(site.project("prod").up, Some(true), "{kind:?}");
        pass(10 * SECOND).await;
        let view = site.project("prod");
        let is_well = view.instances.iter().all(|view| view.polls.iter().all(|poll| poll.success == Some(true)));
        assert!(is_well && view.error.is_none(), "{kind:?}: {:?}", view.error);
    }
}

#[tokio::test(start_paused = true)]
async fn wrong_credentials_again_are_tried_by_one() {
    let fake = fleet(20);
    let prod = [named("prod", &[])];
    let mut site = Site::start(&fake, &prod);
    pass(HOUR).await;
    fake.lock().script = Box::new(|_, _| Some(ErrorKind::BadSignature));
    fake.lock().latency = SECOND;
    for key in 2..10 {
        let sent = site.sent();
        fake.lock().key = key;
        site.renew("prod");
        site.reload(&prod).await;
        pass(MINUTE).await;
        // The same key by another client is no other key.
        site.renew("prod");
        site.reload(&prod).await;
        pass(MINUTE).await;
        assert_eq!(site.sent() - sent, 1, "key {key}");
    }
}

#[test]
fn whose_facts_they_are_decides_who_stays() {
    let now = tokio::time::Instant::now();
    let metrics = OwnMetrics::new(epoch(), HOUR, &[]);
    let by_id = project(&[]);
    let by_name = ProjectConfig { project: CloudProject::Named("eu-de".to_owned()), ..by_id.clone() };
    let known = || Some(ProjectId::from("0123"));
    let is_still = |from: &ProjectConfig, to: &ProjectConfig, id: Option<ProjectId>| {
        Project::new(from, Shard::ALONE, &Polling::default(), metrics.clone(), now).is_still(to, id)
    };
    for (from, to, id, expected) in [
        (&by_id, &by_id, None, true),
        (&by_name, &by_name, None, true),
        (&by_name, &by_name, known(), true),
        // An id that was looked up and is now configured.
        (&by_name, &by_id, known(), true),
        (&by_name, &by_id, Some("4567".into()), false),
        (&by_name, &by_id, None, false),
        (&by_id, &by_name, known(), false),
        (
            &by_name,
            &ProjectConfig { project: CloudProject::Named("eu-nl".to_owned()), ..by_id.clone() },
            known(),
            false,
        ),
        (&by_id, &ProjectConfig { name: "dev".into(), ..by_id.clone() }, known(), false),
        (&by_id, &ProjectConfig { endpoint: "https://x.example".parse().unwrap(), ..by_id.clone() }, known(), false),
        (&by_id, &ProjectConfig { region: "x".to_owned(), rpo: Some(HOUR), ..by_id.clone() }, known(), true),
    ] {
        assert_eq!(is_still(from, to, id.clone()), expected, "{:?} {:?} {id:?}", from.project, to.project);
    }
}

#[tokio::test(start_paused = true)]
async fn facts_are_forgotten_where_other_credentials_mean_another_project() {
    let at = Moment { steady: tokio::time::Instant::now(), wall: epoch() };
    let config = ProjectConfig { project: CloudProject::Named("eu-de".to_owned()), ..project(&["i-001"]) };
    for (id, is_kept) in [("0123", true), ("4567", false)] {
        let mut project =
            Project::new(&config, Shard::ALONE, &Polling::default(), OwnMetrics::new(epoch(), HOUR, &[]), at.steady);
        let task = crate::poller::Task::Policy("i-001".into());
        let reading = crate::poller::Reading::Instance(Box::new(daily("i-001")));
        project.apply(&task, Ok(reading), at);
        project.is_asked_anew(Some("0123".into()), at);
        project.turned_out_to_be(&id.into(), at);
        assert_eq!(project.view(None, 1.0).instances.iter().next().unwrap().policy.is_some(), is_kept, "{id}");
    }
}
