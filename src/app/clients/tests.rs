//! Configurations one after the other, and what lives on between them.

use std::time::Duration;

use super::*;
use crate::config::{
    Agency, ApiVersion, Assume, CloudProject, CredentialsConfig, Discovery, InstanceConfig, KeySource, Proxies, Source,
    TextSource,
};
use crate::domain::plan::UtcOffset;
use crate::domain::selection::Filter;
use crate::domain::shard::Shard;

fn credentials(name: &str, secret: &str, limits: Option<Limits>) -> Arc<CredentialsConfig> {
    let text = |text: &str| TextSource::Inline(text.into());
    let keys = KeySource { access_key: text("AK"), secret_key: text(secret), security_token: None };
    Arc::new(CredentialsConfig { name: name.to_owned(), source: Source::AccessKeys(keys), assume: None, limits })
}

fn project(name: &str) -> ProjectConfig {
    ProjectConfig {
        name: name.into(),
        region: "eu-de".to_owned(),
        project: CloudProject::Id("0123".into()),
        endpoint: "http://127.0.0.1:9".parse().unwrap(),
        iam_endpoint: Some("http://127.0.0.1:8".parse().unwrap()),
        sts_endpoint: None,
        api_version: ApiVersion::V2,
        credentials: credentials("ops", "SK", None),
        ca_file: None,
        proxies: Proxies::default(),
        instances: Vec::new(),
        discovery: Some(Discovery { interval: Duration::from_mins(5), filter: Filter::default() }),
        plan_utc_offset: UtcOffset::UTC,
        limits: Some(Limits::default()),
        rpo: None,
        overrides: Arc::default(),
        instance_tags: Arc::default(),
        rpo_grace: Duration::from_hours(5),
    }
}

fn clients() -> Clients {
    let clock = Clock::system();
    let metrics = OwnMetrics::new(clock.now(), Duration::ZERO, &[]);
    Clients::new(1, &clock, &metrics)
}

fn config(projects: &[ProjectConfig]) -> Config {
    Config { projects: projects.to_vec(), polling: Polling::default(), storage: None, shard: Shard::ALONE }
}

/// Puts a configuration in use; the client of the first project.
fn load(clients: &mut Clients, config: &Config) -> Arc<Paced<HttpApi>> {
    let prepared = clients.prepare(config).unwrap();
    let in_use = clients.put_in_use(prepared);
    clients.sweep();
    in_use[0].1.clone()
}

fn limits(concurrency: u32) -> Limits {
    Limits { concurrency, ..Limits::default() }
}

#[tokio::test]
async fn a_client_lives_on_where_all_that_it_is_built_from_is_the_same() {
    let base = project("prod");
    let other_url: url::Url = "http://127.0.0.1:7".parse().unwrap();
    let agency = Agency::Urn { urn: "iam::1:agency:a".to_owned(), session_name: "s".to_owned() };
    let assume = Some(Assume { agency, duration: Duration::from_hours(1) });
    let assuming = CredentialsConfig { assume, ..CredentialsConfig::clone(&base.credentials) };
    let instances = vec![InstanceConfig { id: "i".into(), name: None }];
    let table: Vec<(&str, ProjectConfig, bool)> = vec![
        ("read anew", ProjectConfig { credentials: credentials("ops", "SK", None), ..base.clone() }, true),
        ("region", ProjectConfig { region: "eu-nl".to_owned(), ..base.clone() }, true),
        ("instances", ProjectConfig { instances, ..base.clone() }, true),
        ("discovery", ProjectConfig { discovery: None, ..base.clone() }, true),
        ("limits", ProjectConfig { limits: Some(limits(2)), ..base.clone() }, true),
        ("rpo", ProjectConfig { rpo: Some(Duration::from_hours(9)), ..base.clone() }, true),
        ("rpo_grace", ProjectConfig { rpo_grace: Duration::ZERO, ..base.clone() }, true),
        ("secret", ProjectConfig { credentials: credentials("ops", "other", None), ..base.clone() }, false),
        ("entry", ProjectConfig { credentials: credentials("dev", "SK", None), ..base.clone() }, false),
        (
            "shared limits",
            ProjectConfig { credentials: credentials("ops", "SK", Some(limits(1))), ..base.clone() },
            false,
        ),
        (
            "assume",
            ProjectConfig { credentials: Arc::new(assuming), sts_endpoint: Some(other_url.clone()), ..base.clone() },
            false,
        ),
        ("project", ProjectConfig { project: CloudProject::Named("eu-de".to_owned()), ..base.clone() }, false),
        ("endpoint", ProjectConfig { endpoint: other_url.clone(), ..base.clone() }, false),
        ("iam_endpoint", ProjectConfig { iam_endpoint: Some(other_url.clone()), ..base.clone() }, false),
        ("api_version", ProjectConfig { api_version: ApiVersion::V1, ..base.clone() }, false),
        ("proxy", ProjectConfig { proxies: Proxies::all(other_url), ..base.clone() }, false),
        ("name", ProjectConfig { name: "dev".into(), ..base.clone() }, false),
    ];
    for (what, changed, lives_on) in table {
        let mut clients = clients();
        let client = load(&mut clients, &config(std::slice::from_ref(&base)));
        assert_eq!(Arc::ptr_eq(&client, &load(&mut clients, &config(&[changed]))), lives_on, "{what}");
    }
    let mut clients = clients();
    let client = load(&mut clients, &config(std::slice::from_ref(&base)));
    let slower = Polling { request_timeout: Duration::from_secs(1), ..Polling::default() };
    let often = Polling { idle_interval: Duration::from_secs(1), ..Polling::default() };
    for (polling, lives_on) in [(often, true), (slower, false)] {
        let config = Config { polling, ..config(std::slice::from_ref(&base)) };
        assert_eq!(Arc::ptr_eq(&client, &load(&mut clients, &config)), lives_on);
    }
}

#[tokio::test]
async fn budgets_are_their_owners_whatever_becomes_of_the_clients() {
    let mut clients = clients();
    let shared = |secret: &str, most: u32| credentials("ops", secret, Some(limits(most)));
    let [a, b] =
        ["a", "b"].map(|name| ProjectConfig { credentials: shared("SK", 3), limits: Some(limits(5)), ..project(name) });
    let client = load(&mut clients, &config(&[a.clone(), b.clone()]));
    assert_eq!(client.concurrency(), 3, "the narrowest");
    let pace = |clients: &mut Clients, owner| clients.paces.pace(owner, Limits::default());
    let of_ops = || Owner::Credentials("ops".to_owned());
    let before = [pace(&mut clients, Owner::Project("a".into())), pace(&mut clients, of_ops())];
    assert_eq!(before.each_ref().map(|pace| pace.limits().concurrency), [5, 3]);

    // Other keys, other limits, one project less, and it comes back.
    let changed = |project: &ProjectConfig| ProjectConfig {
        credentials: shared("new", 7),
        limits: Some(limits(2)),
        ..project.clone()
    };
    let anew = load(&mut clients, &config(&[changed(&a)]));
    assert!(!Arc::ptr_eq(&client, &anew) && anew.concurrency() == 2);
    load(&mut clients, &config(&[changed(&b), changed(&a)]));
    let after = [pace(&mut clients, Owner::Project("a".into())), pace(&mut clients, of_ops())];
    assert!(before.iter().zip(&after).all(|(before, after)| Arc::ptr_eq(before, after)));
    assert_eq!(after.each_ref().map(|pace| pace.limits().concurrency), [2, 7]);
}

/// A project `name` of the cloud's project `id` with limits of its own and of its credentials.
fn limited(name: &str, id: &str, entry: &str) -> ProjectConfig {
    let credentials = credentials(entry, "SK", Some(limits(3)));
    ProjectConfig { project: CloudProject::Id(id.into()), credentials, limits: Some(limits(5)), ..project(name) }
}

#[tokio::test]
async fn what_gets_another_name_takes_its_budget_along() {
    let project = |name: &str| Owner::Project(name.into());
    let entry = |name: &str| Owner::Credentials(name.to_owned());
    let old = [limited("a", "1", "ops"), limited("b", "2", "dev")];
    for (what, new, expected) in [
        ("one project", vec![limited("x", "1", "ops"), limited("b", "2", "dev")], vec![(project("x"), project("a"))]),
        ("credentials", vec![limited("a", "1", "adm"), limited("b", "2", "dev")], vec![(entry("adm"), entry("ops"))]),
        (
            "all of it",
            vec![limited("y", "2", "q"), limited("x", "1", "p")],
            vec![
                (project("x"), project("a")),
                (project("y"), project("b")),
                (entry("p"), entry("ops")),
                (entry("q"), entry("dev")),
            ],
        ),
        ("another project of the cloud", vec![limited("x", "3", "ops"), limited("b", "2", "dev")], vec![]),
        ("a second one", vec![limited("a", "1", "ops"), limited("x", "1", "ops")], vec![]),
        ("names that are taken", vec![limited("b", "1", "dev"), limited("a", "2", "ops")], vec![]),
        // One heir for one budget.
        (
            "credentials that were parted",
            vec![limited("a", "1", "p"), limited("x", "2", "q"), limited("b", "2", "p")],
            vec![(entry("p"), entry("ops"))],
        ),
    ] {
        let mut clients = clients();
        load(&mut clients, &config(&old));
        let pace = |clients: &mut Clients, owner| clients.paces.pace(owner, Limits::default());
        let owners = ["a", "b"].map(project).into_iter().chain(["ops", "dev"].map(entry));
        let before: HashMap<Owner, _> = owners.map(|owner| (owner.clone(), pace(&mut clients, owner))).collect();
        let prepared = clients.prepare(&config(&new)).unwrap();
        // Not before it is in use.
        for (owner, old) in &before {
            assert!(Arc::ptr_eq(old, &pace(&mut clients, owner.clone())), "{what}");
        }
        clients.put_in_use(prepared);
        let mut found: Vec<(Owner, Owner)> = Vec::new();
        for (owner, _) in new.iter().flat_map(budgets) {
            let now = pace(&mut clients, owner.clone());
            let was = before.iter().find(|(_, pace)| Arc::ptr_eq(pace, &now)).map(|(owner, _)| owner.clone());
            found.extend(was.filter(|was| *was != owner).map(|was| (owner, was)));
        }
        found.sort_by_key(|pair| format!("{pair:?}"));
        found.dedup();
        let mut expected = expected;
        expected.sort_by_key(|pair| format!("{pair:?}"));
        assert_eq!(found, expected, "{what}");
    }
}

#[tokio::test]
async fn a_configuration_that_cannot_be_used_changes_nothing() {
    let mut clients = clients();
    let good = project("good");
    let client = load(&mut clients, &config(std::slice::from_ref(&good)));
    let narrow = ProjectConfig { limits: Some(limits(1)), ..good.clone() };
    let broken = ProjectConfig { project: CloudProject::Id("..".into()), ..project("broken") };
    let error = clients.prepare(&config(&[narrow, broken])).unwrap_err();
    assert!(format!("{error:#}").starts_with("project broken: project_id \"..\" cannot"), "{error:#}");
    assert_eq!(client.concurrency(), 8);
    assert!(Arc::ptr_eq(&client, &load(&mut clients, &config(&[good]))));
}

#[tokio::test]
async fn certificates_are_read_anew() {
    let path = std::env::temp_dir().join(format!("dcs-clients-{}.pem", std::process::id()));
    let write = || {
        let key = rcgen::KeyPair::generate().unwrap();
        let params = rcgen::CertificateParams::new(["dcs.example".to_owned()]).unwrap();
        std::fs::write(&path, params.self_signed(&key).unwrap().pem()).unwrap();
    };
    let config = config(&[ProjectConfig { ca_file: Some(path.clone()), ..project("prod") }]);
    let mut clients = clients();
    write();
    let client = load(&mut clients, &config);
    assert!(Arc::ptr_eq(&client, &load(&mut clients, &config)));
    write();
    let anew = load(&mut clients, &config);
    assert!(!Arc::ptr_eq(&client, &anew), "another certificate in the file of the same name");
    std::fs::remove_file(&path).unwrap();
    assert!(clients.prepare(&config).is_err());
}
