//! Whole lists out of pages.
//!
//! The service's pages are read on until there is no more, whatever its total means: the documents call it the
//! number of all records or of those returned, so it can ask for one more page but never make one superfluous.
//! A list that changes while it is read shifts under its offsets: records then come twice, which is harmless, or
//! slip through between two pages, which shows in the totals; such a list is read again. A service that does not
//! take our page size is asked for smaller pages from then on.

use std::collections::{BTreeMap, HashSet};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use super::error::{CloudError, ErrorKind};
use super::{Answer, DcsApi, Oddities, Page, Request, Window};
use crate::domain::InstanceId;
use crate::domain::facts::newest_of_each;
use crate::domain::instance::Instance;
use crate::domain::record::Record;

/// Page sizes, each tried after the one before was refused; the first is the service's largest.
const SIZES: [u32; 3] = [1000, 100, 10];
/// How many entries the service sends where no limit is given. One that ignores the limit sends pages of this size.
const DEFAULT_LIMIT: u64 = 10;
/// No list has more pages, …
const MAX_PAGES: usize = 100;
/// … but that of a project's instances, as far as its total says; and none has more than these.
const MAX_TOLD_PAGES: usize = 1000;
/// How often a list that shifts is read at most.
const MAX_READINGS: usize = 3;

/// A whole list.
#[derive(Clone, Debug, PartialEq)]
pub struct Listing<T> {
    /// The entries that could be read, each once, sorted by id.
    pub items: Vec<T>,
    /// How much of it that is: unless it is the whole, no entry's absence follows.
    pub extent: Extent,
    /// What could not be read.
    pub oddities: Oddities,
}

/// How much of a list was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// All of it, as far as the service's totals tell.
    Whole,
    /// To its end, and it holds still; yet something was not seen.
    Short {
        /// Entries that the service counts and does not show.
        hidden: u64,
        /// Entries that cannot be read.
        unreadable: u64,
    },
    /// Not to its end, or it was on the move.
    Cut,
}

/// A list that could not be had.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{error}")]
pub struct ListingError {
    /// Why.
    pub error: Box<CloudError>,
    /// What could not be read until then.
    pub oddities: Box<Oddities>,
}

/// The page sizes that a project's service takes, as far as is known; one for all its instances.
#[derive(Debug, Default)]
pub struct PageSizes {
    backups: PageSize,
    restores: PageSize,
    instances: PageSize,
    /// The service has sent more than [`DEFAULT_LIMIT`] entries at once: it heeds the limit.
    heeded: AtomicBool,
}

/// An index of [`SIZES`].
#[derive(Debug, Default)]
struct PageSize(AtomicUsize);

/// All backup records of an instance, the truest look at each.
///
/// # Errors
/// [`ErrorKind::PageLimit`] where the list has no end, [`ErrorKind::Decode`] where no entry of a page can be read,
/// and whatever a request fails with.
pub async fn backups(api: &impl DcsApi, sizes: &PageSizes, id: &InstanceId) -> Result<Listing<Record>, ListingError> {
    let request = |window| Request::Backups(id.clone(), window);
    records(whole(api, &sizes.backups, &sizes.heeded, MAX_PAGES, request, record_page, record_id).await)
}

/// All restore records of an instance, the truest look at each.
///
/// # Errors
/// As for [`backups`].
pub async fn restores(api: &impl DcsApi, sizes: &PageSizes, id: &InstanceId) -> Result<Listing<Record>, ListingError> {
    let request = |window| Request::Restores(id.clone(), window);
    records(whole(api, &sizes.restores, &sizes.heeded, MAX_PAGES, request, record_page, record_id).await)
}

/// All instances of the project, each as it was seen last.
///
/// # Errors
/// As for [`backups`].
pub async fn instances(api: &impl DcsApi, sizes: &PageSizes) -> Result<Listing<Instance>, ListingError> {
    let page = |answer| match answer {
        Answer::Instances(page) => Some(page),
        _ => None,
    };
    let listing =
        whole(api, &sizes.instances, &sizes.heeded, MAX_TOLD_PAGES, Request::Instances, page, |instance: &Instance| {
            instance.id.as_str()
        })
        .await?;
    let by_id: BTreeMap<InstanceId, Instance> =
        listing.items.into_iter().map(|instance| (instance.id.clone(), instance)).collect();
    Ok(Listing { items: by_id.into_values().collect(), extent: listing.extent, oddities: listing.oddities })
}

fn records(listing: Result<Listing<Record>, ListingError>) -> Result<Listing<Record>, ListingError> {
    listing.map(|listing| Listing { items: newest_of_each(listing.items), ..listing })
}

fn record_page(answer: Answer) -> Option<Page<Record>> {
    match answer {
        Answer::Records(page) => Some(page),
        _ => None,
    }
}

fn record_id(record: &Record) -> &str {
    record.id.as_str()
}

/// Reads the list until it holds still, or has shifted too often; its items may repeat.
async fn whole<T>(
    api: &impl DcsApi,
    size: &PageSize,
    heeded: &AtomicBool,
    most_told_pages: usize,
    request: impl Fn(Window) -> Request,
    page_of: impl Fn(Answer) -> Option<Page<T>>,
    id_of: impl Fn(&T) -> &str,
) -> Result<Listing<T>, ListingError> {
    let mut earlier: Option<Reading<T>> = None;
    let mut settled = false;
    for _ in 0..MAX_READINGS {
        let mut reading = Reading { most_told_pages, ..Reading::default() };
        if let Err(error) = read_once(api, size, heeded, &request, &page_of, &id_of, &mut reading).await {
            return Err(ListingError { error: Box::new(error), oddities: Box::new(reading.oddities) });
        }
        settled = !reading.shifted() || earlier.is_some_and(|earlier| reading.found_the_same_as(&earlier));
        earlier = Some(reading);
        if settled {
            break;
        }
    }
    let last = earlier.unwrap_or_default();
    Ok(Listing { extent: last.extent(settled), items: last.items, oddities: last.oddities })
}

/// Reads the list from its beginning to its end.
///
/// A page of just as many entries as a service sends that ignores the limit is not believed to be the last one: one
/// more is asked for, until the service has once shown that it heeds the limit.
async fn read_once<T>(
    api: &impl DcsApi,
    size: &PageSize,
    heeded: &AtomicBool,
    request: impl Fn(Window) -> Request,
    page_of: impl Fn(Answer) -> Option<Page<T>>,
    id_of: impl Fn(&T) -> &str,
    reading: &mut Reading<T>,
) -> Result<(), CloudError> {
    let mut offset = 0;
    let mut doubting = false;
    while reading.asked < reading.most_pages() {
        let (answer, limit) = if doubting {
            let limit = size.present();
            match api.send(&request(Window { offset, limit })).await {
                // There is nothing at this offset, and some services call the question invalid then.
                Err(error) if error.kind == ErrorKind::InvalidParameter => return Ok(()),
                answer => (answer?, limit),
            }
        } else {
            size.ask(api, offset, &request).await?
        };
        let other_kind = || CloudError::new(ErrorKind::Decode, "the answer is of another kind than the request");
        let page = page_of(answer).ok_or_else(other_kind)?;
        let received = page.received;
        let is_readable = page.items.len() as u64 == received;
        if doubting && is_readable && page.items.iter().all(|item| reading.ids.contains(id_of(item))) {
            return Ok(());
        }
        offset += received;
        let unreadable = received > 0 && page.items.is_empty();
        let ends = reading.take(page, offset, limit, &id_of);
        if unreadable {
            let fields: Vec<&str> = reading.oddities.rejected.keys().copied().collect();
            let message = format!("none of the {received} entries of a page can be read ({})", fields.join(", "));
            return Err(CloudError::new(ErrorKind::Decode, message));
        }
        if received > DEFAULT_LIMIT {
            heeded.store(true, Ordering::Relaxed);
        }
        doubting = ends && received == DEFAULT_LIMIT && !reading.repeats && !heeded.load(Ordering::Relaxed);
        if ends && !doubting {
            return Ok(());
        }
    }
    Err(CloudError::new(ErrorKind::PageLimit, format!("the list has more than {} pages", reading.asked)))
}

impl PageSize {
    /// The size that is asked for first.
    fn present(&self) -> u32 {
        SIZES[self.0.load(Ordering::Relaxed)]
    }

    /// Asks for the page at this offset, with the largest size that is not refused, and tells the size.
    async fn ask(
        &self,
        api: &impl DcsApi,
        offset: u64,
        request: impl Fn(Window) -> Request,
    ) -> Result<(Answer, u32), CloudError> {
        let mut index = self.0.load(Ordering::Relaxed);
        loop {
            let limit = SIZES[index];
            match api.send(&request(Window { offset, limit })).await {
                Err(error) if error.kind == ErrorKind::InvalidParameter && index + 1 < SIZES.len() => index += 1,
                Err(error) if error.kind == ErrorKind::InvalidParameter => {
                    return Err(CloudError { kind: ErrorKind::Decode, ..error });
                }
                answer => {
                    let answer = answer?;
                    // Only what worked is remembered, or a refusal for another reason would leave small pages behind.
                    self.0.store(index, Ordering::Relaxed);
                    return Ok((answer, limit));
                }
            }
        }
    }
}

/// One way through the pages.
struct Reading<T> {
    items: Vec<T>,
    ids: HashSet<String>,
    oddities: Oddities,
    /// What pages held, in entries, and the total that they told; empty ones only where they told one.
    pages: Vec<(u64, Option<u64>)>,
    /// How many pages were asked for.
    asked: usize,
    /// How many may be asked for where a total tells of so many.
    most_told_pages: usize,
    /// Entries that could not be read.
    unreadable: u64,
    /// The end was not reached: the last page repeated what had come.
    repeats: bool,
}

impl<T> Default for Reading<T> {
    fn default() -> Self {
        Self {
            items: Vec::new(),
            ids: HashSet::new(),
            oddities: Oddities::default(),
            pages: Vec::new(),
            asked: 0,
            most_told_pages: MAX_PAGES,
            unreadable: 0,
            repeats: false,
        }
    }
}

impl<T> Reading<T> {
    /// Takes the next page; `offset` is the one behind it. Tells whether it was the last one.
    fn take(&mut self, page: Page<T>, offset: u64, limit: u32, id_of: impl Fn(&T) -> &str) -> bool {
        self.oddities.add(&page.oddities);
        self.asked += 1;
        if page.received > 0 || page.total.is_some_and(|total| total > 0) {
            self.pages.push((page.received, page.total));
        }
        if page.received == 0 {
            return true;
        }
        self.unreadable += page.received.saturating_sub(page.items.len() as u64);
        let known = self.ids.len();
        self.ids.extend(page.items.iter().map(|item| id_of(item).to_owned()));
        self.items.extend(page.items);
        let total = self.pages.iter().rev().find_map(|(_, total)| *total);
        let short = page.received < u64::from(limit) && total.is_none_or(|total| total <= offset);
        self.repeats = !short && self.ids.len() == known;
        short || self.repeats
    }

    /// The totals, if they are of all entries: not where each tells its own page's.
    fn grand_totals(&self) -> impl Iterator<Item = u64> {
        let of_pages =
            self.asked > 1 && self.pages.iter().all(|(received, total)| total.is_none_or(|total| total == *received));
        self.pages.iter().filter_map(move |(_, total)| total.filter(|_| !of_pages))
    }

    /// How many pages may be asked for: enough for all that the total tells, and the empty one at the end.
    fn most_pages(&self) -> usize {
        let largest = self.pages.iter().map(|(received, _)| *received).max().unwrap_or(0).max(1);
        let told = self.grand_totals().max().unwrap_or(0).div_ceil(largest);
        usize::try_from(told).unwrap_or(usize::MAX).saturating_add(1).clamp(MAX_PAGES, self.most_told_pages)
    }

    /// Entries may have slipped through between pages: between two that hold some, or the totals differ.
    fn shifted(&self) -> bool {
        let largest = self.grand_totals().max().unwrap_or(0);
        let smallest = self.grand_totals().min().unwrap_or(0);
        let has_seams = self.pages.iter().filter(|(received, _)| *received > 0).count() > 1;
        self.asked > 1 && (smallest != largest || (has_seams && self.ids.len() as u64 + self.unreadable < largest))
    }

    /// What lacks at two readings of the same list is not on the move: the service counts what it does not show.
    fn found_the_same_as(&self, earlier: &Self) -> bool {
        self.pages == earlier.pages && self.ids == earlier.ids
    }

    /// How much of the list it saw, if that has settled.
    fn extent(&self, settled: bool) -> Extent {
        let largest = self.grand_totals().max().unwrap_or(0);
        let hidden = largest.saturating_sub(self.ids.len() as u64 + self.unreadable);
        match (hidden, self.unreadable) {
            _ if self.repeats => Extent::Cut,
            (0, 0) => Extent::Whole,
            (hidden, unreadable) if settled => Extent::Short { hidden, unreadable },
            _ => Extent::Cut,
        }
    }
}

#[cfg(test)]
mod tests;
