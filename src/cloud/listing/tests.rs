//! Scripted pages, and a model of a service whose lists change while they are read.

use std::sync::Mutex;

use proptest::prelude::*;

use super::*;
use crate::domain::instance::PolicyReading;
use crate::domain::record::State;
use crate::domain::sample;
use crate::pace::keys::Fingerprint;

/// An API that answers from a function and remembers what it was asked.
struct Fake<F> {
    answer: Mutex<F>,
    asked: Mutex<Vec<Window>>,
}

impl<F: FnMut(Window) -> Result<Answer, CloudError> + Send + 'static> Fake<F> {
    fn new(answer: F) -> Self {
        Self { answer: Mutex::new(answer), asked: Mutex::default() }
    }

    fn asked(&self) -> Vec<(u64, u32)> {
        self.asked.lock().unwrap().iter().map(|window| (window.offset, window.limit)).collect()
    }
}

impl<F: FnMut(Window) -> Result<Answer, CloudError> + Send + 'static> DcsApi for Fake<F> {
    async fn send(&self, request: &Request) -> Result<Answer, CloudError> {
        let window = match request {
            Request::Instances(window) | Request::Backups(_, window) | Request::Restores(_, window) => *window,
            Request::Instance(_) => panic!("not a list"),
        };
        self.asked.lock().unwrap().push(window);
        (self.answer.lock().unwrap())(window)
    }

    async fn key(&self) -> Result<Fingerprint, CloudError> {
        Ok(Fingerprint::of_parts(&[]))
    }
}

/// Answers with these pages one after the other.
fn script(pages: Vec<Page<Record>>) -> Fake<impl FnMut(Window) -> Result<Answer, CloudError> + Send + 'static> {
    let mut pages = pages.into_iter();
    Fake::new(move |_| Ok(Answer::Records(pages.next().expect("more pages were asked for than expected"))))
}

fn record(id: u64) -> Record {
    sample::record(&format!("{id:06}"), State::Succeeded, 0)
}

fn page(ids: impl IntoIterator<Item = u64>, total: Option<u64>) -> Page<Record> {
    let items: Vec<Record> = ids.into_iter().map(record).collect();
    Page { received: items.len() as u64, items, total, oddities: Oddities::default() }
}

fn unreadable(count: u64) -> Page<Record> {
    let oddities = Oddities { rejected: [("status", count)].into(), ..Oddities::default() };
    Page { received: count, oddities, ..Page::default() }
}

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

fn list(api: &impl DcsApi) -> Result<Listing<Record>, ListingError> {
    run(backups(api, &PageSizes::default(), &"i".into()))
}

fn is_whole<T>(listing: &Listing<T>) -> bool {
    listing.extent == Extent::Whole
}

fn ids(listing: &Listing<Record>) -> Vec<u64> {
    listing.items.iter().map(|record| record.id.as_str().parse().unwrap()).collect()
}

fn refused() -> CloudError {
    CloudError { status: Some(400), ..CloudError::new(ErrorKind::InvalidParameter, "a parameter was refused") }
}

#[tokio::test]
async fn lists_can_be_read_on_any_thread() {
    let task = tokio::spawn(async {
        let (api, sizes) = (Fake::new(|_| Ok(Answer::Instances(Page::default()))), PageSizes::default());
        let found = instances(&api, &sizes).await.unwrap().items.len();
        (found, backups(&api, &sizes, &"i".into()).await.is_err(), restores(&api, &sizes, &"i".into()).await.is_err())
    });
    assert_eq!(task.await.unwrap(), (0, true, true));
}

#[test]
fn a_service_that_ignores_the_limit_is_read_to_its_end() {
    for totals in [None, Some(10)] {
        let api = script(vec![page(1..11, totals), page(11..21, totals), page(21..25, totals.map(|_| 4))]);
        let listing = list(&api).unwrap();
        assert_eq!(ids(&listing), (1..25).collect::<Vec<_>>(), "{totals:?}");
        assert!(is_whole(&listing));
        assert_eq!(api.asked(), [(0, 1000), (10, 1000), (20, 1000)]);
    }
}

#[test]
fn ten_entries_are_all_where_nothing_new_follows() {
    for (what, follows) in [
        ("no more", Ok(page([], Some(10)))),
        ("the same again", Ok(page(1..11, Some(10)))),
        ("refused", Err(CloudError { code: Some("DCS.4800".into()), ..refused() })),
    ] {
        let api = Fake::new(move |window| match window.offset {
            0 => Ok(Answer::Records(page(1..11, Some(10)))),
            _ => follows.clone().map(Answer::Records),
        });
        let listing = list(&api).unwrap();
        assert_eq!((ids(&listing), is_whole(&listing)), ((1..11).collect(), true), "{what}");
    }
    let api = script(vec![page(1..11, None), unreadable(3)]);
    assert_eq!(list(&api).unwrap_err().error.kind, ErrorKind::Decode, "more follow that cannot be read");
    let api = Fake::new(|window| match window.offset {
        0 => Ok(Answer::Records(page(1..11, Some(10)))),
        _ => Err(CloudError::new(ErrorKind::Timeout, "no answer")),
    });
    assert_eq!(list(&api).unwrap_err().error.kind, ErrorKind::Timeout, "nobody knows whether more follow");
}

#[test]
fn a_service_that_has_heeded_the_limit_is_not_asked_twice() {
    let api = script(vec![page(1..12, None), page(1..11, None)]);
    let sizes = PageSizes::default();
    for _ in 0..2 {
        run(backups(&api, &sizes, &"i".into())).unwrap();
    }
    assert_eq!(api.asked(), [(0, 1000), (0, 1000)]);
}

#[test]
fn a_short_page_is_the_last_one() {
    for total in [None, Some(0), Some(2), Some(3)] {
        let api = script(vec![page([2, 1, 3], total)]);
        let listing = list(&api).unwrap();
        assert_eq!(ids(&listing), [1, 2, 3]);
        assert!(is_whole(&listing), "{total:?}");
        assert_eq!(api.asked(), [(0, 1000)]);
    }
    let api = script(vec![page([], None)]);
    assert_eq!((ids(&list(&api).unwrap()), api.asked()), (vec![], vec![(0, 1000)]));
}

#[test]
fn a_full_page_is_followed_whatever_the_total_says() {
    for (first, last) in [(None, None), (Some(1500), Some(1500)), (Some(1000), Some(500))] {
        let api = script(vec![page(0..1000, first), page(1000..1500, last)]);
        let listing = list(&api).unwrap();
        assert_eq!(listing.items.len(), 1500);
        assert!(is_whole(&listing), "{first:?}");
        assert_eq!(api.asked(), [(0, 1000), (1000, 1000)]);
    }
    let api = script(vec![page(0..1000, Some(1000)), page([], Some(0))]);
    let listing = list(&api).unwrap();
    assert_eq!((listing.items.len(), is_whole(&listing)), (1000, true));
}

#[test]
fn a_total_beyond_a_short_page_asks_for_another_one() {
    let api = script(vec![page(0..10, Some(25)), page(10..20, Some(25)), page(20..25, Some(25))]);
    let listing = list(&api).unwrap();
    assert_eq!((listing.items.len(), is_whole(&listing)), (25, true));
    assert_eq!(api.asked(), [(0, 1000), (10, 1000), (20, 1000)], "a service that caps our limit");
    let api = script(vec![page(0..10, Some(12)), page([], Some(12))]);
    let listing = list(&api).unwrap();
    let short = Extent::Short { hidden: 2, unreadable: 0 };
    assert_eq!((listing.items.len(), listing.extent), (10, short), "a total of more than there is to see");
    assert_eq!(api.asked().len(), 2, "nothing slips through behind the only page");
    // One was deleted meanwhile, which may not have been the last one.
    let api = script(vec![page(0..12, Some(13)), page([], Some(12)), page(0..12, Some(12))]);
    assert!(is_whole(&list(&api).unwrap()));
}

#[test]
fn a_service_that_repeats_itself_is_not_asked_for_ever() {
    let api = Fake::new(|_| Ok(Answer::Records(page(0..1000, None))));
    let listing = list(&api).unwrap();
    assert_eq!((listing.items.len(), listing.extent, api.asked().len()), (1000, Extent::Cut, 2));
    let api = Fake::new(|_| Ok(Answer::Records(page(0..10, Some(25)))));
    let listing = list(&api).unwrap();
    assert_eq!(
        (listing.items.len(), is_whole(&listing), api.asked().len()),
        (10, false, 4),
        "two readings of two pages"
    );
}

#[test]
fn a_list_without_end_is_an_error() {
    let api = Fake::new(|window| Ok(Answer::Records(page(window.offset..window.offset + 1000, None))));
    let error = list(&api).unwrap_err();
    assert_eq!((error.error.kind, api.asked().len()), (ErrorKind::PageLimit, 100));
    let api = Fake::new(|window| Ok(Answer::Records(page([window.offset], Some(u64::MAX)))));
    assert_eq!(list(&api).unwrap_err().error.kind, ErrorKind::PageLimit);
}

#[test]
fn smaller_pages_are_asked_for_and_remembered() {
    let most = |most: u32| {
        Fake::new(move |window| match window.limit {
            limit if limit > most => Err(refused()),
            limit => {
                let end = (window.offset + u64::from(limit)).min(25).max(window.offset);
                Ok(Answer::Records(page(window.offset..end, None)))
            }
        })
    };
    let sizes = PageSizes::default();
    let id = InstanceId::from("i");
    let api = most(10);
    assert_eq!(run(backups(&api, &sizes, &id)).unwrap().items.len(), 25);
    assert_eq!(api.asked(), [(0, 1000), (0, 100), (0, 10), (10, 10), (20, 10)]);
    let api = most(10);
    assert_eq!(run(backups(&api, &sizes, &id)).unwrap().items.len(), 25);
    assert_eq!(api.asked(), [(0, 10), (10, 10), (20, 10)], "the size is remembered");
    let api = most(100);
    run(restores(&api, &sizes, &id)).unwrap();
    assert_eq!(api.asked(), [(0, 1000), (0, 100)], "another operation, another size");
    let api = most(9);
    let sizes = PageSizes::default();
    let error = run(backups(&api, &sizes, &id)).unwrap_err();
    assert_eq!((error.error.kind, error.error.status), (ErrorKind::Decode, Some(400)));
    assert_eq!(api.asked(), [(0, 1000), (0, 100), (0, 10)]);
    let api = most(1000);
    run(backups(&api, &sizes, &id)).unwrap();
    assert_eq!(api.asked(), [(0, 1000)], "what no size helped is not remembered");
}

#[test]
fn a_smaller_page_goes_on_where_the_refused_one_would_have() {
    let api = Fake::new(|window| {
        if window.offset > 0 && window.limit > 100 {
            return Err(refused());
        }
        let end = (window.offset + u64::from(window.limit)).min(1150).max(window.offset);
        Ok(Answer::Records(page(window.offset..end, Some(1150))))
    });
    let listing = list(&api).unwrap();
    assert_eq!((listing.items.len(), is_whole(&listing)), (1150, true));
    assert_eq!(api.asked(), [(0, 1000), (1000, 1000), (1000, 100), (1100, 100)]);
}

#[test]
fn other_errors_pass_through() {
    for kind in [ErrorKind::Unsupported, ErrorKind::Throttled, ErrorKind::NotFound, ErrorKind::Timeout, ErrorKind::Held]
    {
        let api = Fake::new(move |window| match window.offset {
            0 => Ok(Answer::Records(Page {
                oddities: Oddities { unknown: [("status", 1)].into(), ..Oddities::default() },
                ..page(0..1000, None)
            })),
            _ => Err(CloudError::new(kind, "x")),
        });
        let error = list(&api).unwrap_err();
        assert_eq!(error.error.kind, kind);
        assert_eq!(error.oddities.unknown["status"], 1);
        assert_eq!(api.asked().len(), 2);
    }
    let api = Fake::new(|_| Ok(Answer::Instances(Page::default())));
    assert_eq!(list(&api).unwrap_err().error.kind, ErrorKind::Decode);
}

#[test]
fn a_page_of_which_nothing_can_be_read_is_an_error_with_its_oddities() {
    let error = list(&script(vec![unreadable(3)])).unwrap_err();
    assert_eq!((error.error.kind, error.oddities.rejected["status"]), (ErrorKind::Decode, 3));
    assert!(error.to_string().contains("none of the 3 entries") && error.to_string().contains("status"), "{error}");
    let error = list(&script(vec![page(0..1000, None), unreadable(1)])).unwrap_err();
    assert_eq!(error.error.kind, ErrorKind::Decode);
}

#[test]
fn with_an_unreadable_entry_a_list_is_not_complete() {
    let mut some = page([1, 2], Some(3));
    some.received = 3;
    some.oddities = Oddities { rejected: [("record", 1)].into(), ..Oddities::default() };
    let listing = list(&script(vec![some.clone()])).unwrap();
    assert_eq!((ids(&listing), listing.extent), (vec![1, 2], Extent::Short { hidden: 0, unreadable: 1 }));
    assert_eq!(listing.oddities, some.oddities);
    some.total = None;
    assert!(!is_whole(&list(&script(vec![some])).unwrap()));
}

#[test]
fn the_truest_look_at_a_record_is_kept() {
    let mut running = record(1000);
    running.state = State::Running;
    let mut first = page(0..999, None);
    first.items.push(running);
    first.received += 1;
    let listing = list(&script(vec![first, page([1000, 1001], None)])).unwrap();
    assert_eq!(listing.items.len(), 1001);
    assert_eq!(listing.items[999].state, State::Succeeded);
}

#[test]
fn a_list_that_shifts_is_read_again_at_most_twice() {
    let shifting = || vec![page(0..10, Some(20)), page(11..20, Some(19))];
    let calm = || vec![page(0..10, Some(19)), page(10..19, Some(19))];
    let api = script([shifting(), calm()].concat());
    let listing = list(&api).unwrap();
    assert_eq!((ids(&listing), is_whole(&listing)), ((0..19).collect(), true));
    let api = script([shifting(), shifting(), shifting()].concat());
    let listing = list(&api).unwrap();
    assert_eq!((listing.items.len(), is_whole(&listing)), (19, false));
    let lacking =
        |lost: u64| vec![page((0..10).filter(|id| *id != lost), Some(20)), page(10..20, Some(20)), page([], None)];
    let api = script([lacking(1), lacking(2), lacking(3)].concat());
    let listing = list(&api).unwrap();
    assert_eq!((listing.items.len(), listing.extent), (19, Extent::Cut), "the total alone shows that one is missing");
    let api = script([lacking(1), lacking(1)].concat());
    let extent = list(&api).unwrap().extent;
    assert_eq!(extent, Extent::Short { hidden: 1, unreadable: 0 }, "what does not move is read no third time");
}

#[test]
fn totals_of_pages_are_no_sign_of_a_shift() {
    let api = Fake::new(|window| {
        let end = (window.offset + 1000).min(2500);
        let page = page(window.offset..end, Some(end - window.offset));
        Ok(Answer::Records(page))
    });
    let listing = list(&api).unwrap();
    assert_eq!((listing.items.len(), is_whole(&listing), api.asked().len()), (2500, true, 3));
}

fn instance(id: &str, name: &str) -> Instance {
    Instance {
        id: id.into(),
        name: Some(name.to_owned()),
        status: None,
        engine: None,
        engine_version: None,
        cache_mode: None,
        max_memory_bytes: None,
        created_at: None,
        enterprise_project_id: None,
        tags: None,
        policy: PolicyReading::Unread,
    }
}

#[test]
fn a_long_list_of_instances_is_read_as_far_as_its_total_says() {
    let instances_of = |ids: std::ops::Range<u64>, total| {
        let received = ids.end - ids.start;
        let items = ids.map(|id| instance(&format!("i-{id}"), "x")).collect();
        Ok(Answer::Instances(Page { items, received, total: Some(total), oddities: Oddities::default() }))
    };
    // A service that ignores the limit, and one of 100 000 entries in full pages.
    for (count, size) in [(5_000, 10), (100_000, 1_000)] {
        let api = Fake::new(move |window| instances_of(window.offset..(window.offset + size).min(count), count));
        let listing = run(instances(&api, &PageSizes::default())).unwrap();
        assert_eq!((listing.items.len() as u64, is_whole(&listing)), (count, true), "pages of {size}");
    }
    // Whatever a total says, there is an end.
    let api = Fake::new(move |window| instances_of(window.offset..window.offset + 10, u64::MAX));
    let error = run(instances(&api, &PageSizes::default())).unwrap_err().error;
    assert_eq!((error.kind, api.asked().len()), (ErrorKind::PageLimit, MAX_TOLD_PAGES));
}

#[test]
fn instances_are_listed_once_as_seen_last() {
    let api = Fake::new(|window| {
        let items = match window.offset {
            0 => vec![instance("b", "old"), instance("a", "a")],
            _ => vec![instance("b", "new"), instance("c", "c")],
        };
        Ok(Answer::Instances(Page { received: 2, items, total: Some(3), oddities: Oddities::default() }))
    });
    let listing = run(instances(&api, &PageSizes::default())).unwrap();
    assert_eq!(listing.items, [instance("a", "a"), instance("b", "new"), instance("c", "c")]);
    assert!(is_whole(&listing));
}

/// What a total means to a service.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Total {
    Grand,
    OfPage,
    Missing,
}

/// A change of a list between two requests.
#[derive(Clone, Copy, Debug)]
enum Change {
    Insert(usize),
    Delete(usize),
}

/// A service whose list of records changes as scripted: after so many requests, this.
#[derive(Clone, Debug)]
struct Model {
    list: Vec<u64>,
    total: Total,
    /// Entries that it sends at most, whatever is asked for.
    cap: u64,
    /// Larger pages are refused.
    largest: u32,
    changes: Vec<(usize, Change)>,
}

/// Entries from here on come and go; those below stay.
const PASSING: u64 = 1000;

impl Model {
    fn serve(mut self) -> Fake<impl FnMut(Window) -> Result<Answer, CloudError> + Send + 'static> {
        let mut requests = 0;
        let mut next = PASSING + 500;
        Fake::new(move |window| {
            if window.limit > self.largest {
                return Err(refused());
            }
            for (_, change) in self.changes.iter().filter(|(after, _)| *after == requests) {
                match change {
                    Change::Insert(at) => {
                        self.list.insert(at % (self.list.len() + 1), next);
                        next += 1;
                    }
                    Change::Delete(at) => {
                        let passing: Vec<usize> = (0..self.list.len()).filter(|i| self.list[*i] >= PASSING).collect();
                        if !passing.is_empty() {
                            self.list.remove(passing[at % passing.len()]);
                        }
                    }
                }
            }
            requests += 1;
            let count = self.cap.min(u64::from(window.limit));
            let ids: Vec<u64> = self
                .list
                .iter()
                .copied()
                .skip(usize::try_from(window.offset).unwrap())
                .take(usize::try_from(count).unwrap())
                .collect();
            let total = match self.total {
                Total::Grand => Some(self.list.len() as u64),
                Total::OfPage => Some(ids.len() as u64),
                Total::Missing => None,
            };
            Ok(Answer::Records(page(ids, total)))
        })
    }
}

prop_compose! {
    /// Any service that a client could read reliably: one that caps pages silently must tell the grand total, and
    /// so must one from whose list entries vanish, at most one between two requests and two in all.
    fn any_model()(
        staying in 0_u64..60,
        passing in 0_u64..20,
        total in prop_oneof![Just(Total::Grand), Just(Total::OfPage), Just(Total::Missing)],
        cap in 1_u64..40,
        largest in prop::sample::select(vec![1000_u32, 500, 100, 50, 10]),
        changes in prop::collection::btree_map(0_usize..30, (any::<bool>(), any::<usize>()), 0..3),
        order in any::<u64>(),
    ) -> Model {
        let mut list: Vec<u64> = (0..staying).chain(PASSING..PASSING + passing).collect();
        list.sort_by_key(|id| (id ^ order).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let grand = total == Total::Grand;
        let changes = changes
            .into_iter()
            .map(|(after, (delete, at))| (after, if delete && grand { Change::Delete(at) } else { Change::Insert(at) }))
            .collect();
        Model { list, total, cap: if grand { cap } else { u64::MAX }, largest, changes }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn no_record_that_exists_throughout_is_lost(model in any_model()) {
        let staying: Vec<u64> = model.list.iter().copied().filter(|id| *id < PASSING).collect();
        let calm = model.changes.is_empty();
        let count = model.list.len();
        let api = model.serve();
        let listing = list(&api).unwrap();
        let found = ids(&listing);
        for id in staying {
            prop_assert!(found.contains(&id), "{} was lost: {:?}", id, api.asked());
        }
        prop_assert!(found.is_sorted() && found.iter().collect::<HashSet<_>>().len() == found.len());
        if calm {
            prop_assert_eq!(found.len(), count);
            prop_assert!(is_whole(&listing));
        }
    }

    #[test]
    fn whatever_comes_the_requests_are_bounded(
        pages in prop::collection::vec((prop::collection::vec(0_u64..40, 0..20), prop::option::of(0_u64..100), 0_u64..3), 1..20),
    ) {
        let mut turn = 0;
        let api = Fake::new(move |_| {
            let (ids, total, more) = pages[turn % pages.len()].clone();
            turn += 1;
            let mut page = page(ids, total);
            page.received += more;
            Ok(Answer::Records(page))
        });
        let _ = list(&api);
        prop_assert!(api.asked().len() <= MAX_PAGES * MAX_READINGS);
    }
}
