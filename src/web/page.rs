//! `/`: the page for people, who may be tired and have a phone: is all well, and if not, what is wrong since when?
//!
//! It needs no script. Filters are a form, orders and pages are links, and an address tells all that is shown, so that
//! it can be sent to somebody. Links are relative: the page may be served under a prefix.
//!
//! * `address`: what is asked for, and the links to other selections; the same parameters as `/api/v1/instances`;
//! * `fleet`: the page of many instances: `headline`, `verdicts`, `projects`, `filter`, `table`, `pager`;
//! * `instance`: the page of one, with all that is known of it (`facts`, `policy`);
//! * `trouble`, `progress`, `moment`, `words`: what they have in common; `runbooks`: where more is to be read;
//! * `outside`: texts from outside, apart from what is beside them;
//! * `frame`, `style`: what is around them, and how it looks.
//!
//! Each piece is a template that escapes what it is given; pieces are [`HtmlSafe`] to put into others.

mod address;
mod facts;
mod filter;
mod fleet;
mod frame;
mod headline;
mod instance;
mod moment;
mod outside;
mod pager;
mod progress;
mod projects;
mod runbooks;
mod style;
mod table;
#[cfg(test)]
mod tests;
mod trouble;
mod verdicts;
mod words;

use askama::Template as _;
use askama::filters::HtmlSafe;
use bytes::Bytes;
use hyper::StatusCode;
use hyper::header::{CONTENT_SECURITY_POLICY, HeaderMap, REFERRER_POLICY, X_FRAME_OPTIONS};
use jiff::Timestamp;

use super::lists::Lists;
use super::routes::Answer;
use crate::reload::Newest;
use crate::snapshot::Snapshot;
use crate::status::FleetStatus;
use address::Address;
use fleet::Fleet;
use frame::{Frame, Mark};
use instance::Instances;

const HTML: &str = "text/html; charset=utf-8";

/// What of the page the newest picture does not tell.
#[derive(Clone, Debug)]
pub(super) struct Around {
    /// Where the metrics are.
    pub(super) telemetry_path: String,
    /// How the newest loading of the configuration went.
    pub(super) newest: Option<Newest>,
}

/// Answers the request with this query.
pub(super) async fn answer(lists: &Lists, query: Option<&str>, headers: &HeaderMap, around: Around) -> Answer {
    let address = Address::of(query);
    let rendering = move |exposition: &crate::exposition::Exposition| {
        let (snapshot, now) = exposition.picture();
        let address = match &address {
            Ok(address) => address,
            Err(refusal) => return refused(&refusal.to_string(), &around).map(|page| (StatusCode::BAD_REQUEST, page)),
        };
        let status = FleetStatus::of(&snapshot, &address.selection, |project| exposition.health(project), now);
        render(&snapshot, &status, address, &around, now)
    };
    lists
        .answer(HTML, headers, rendering)
        .await
        .with_value(CONTENT_SECURITY_POLICY, style::content_policy())
        .with(X_FRAME_OPTIONS, "deny")
        .with(REFERRER_POLICY, "no-referrer")
}

fn render(
    snapshot: &Snapshot,
    status: &FleetStatus<'_>,
    address: &Address,
    around: &Around,
    now: Timestamp,
) -> askama::Result<(StatusCode, Bytes)> {
    let is_about_one = address.selection.instance_id.is_some();
    if is_about_one {
        let code = if status.instances.is_empty() { StatusCode::NOT_FOUND } else { StatusCode::OK };
        let page = Instances::of(status, address, snapshot.lookback, now);
        return Ok((code, framed(page.title(), page.mark(), &page, address, around)?));
    }
    let page = Fleet::of(snapshot, status, address, around, now);
    Ok((StatusCode::OK, framed(page.headline.title.clone(), page.headline.mark, &page, address, around)?))
}

fn framed<P: HtmlSafe + std::fmt::Display>(
    title: String,
    mark: Mark,
    page: &P,
    address: &Address,
    around: &Around,
) -> askama::Result<Bytes> {
    Ok(Bytes::from(Frame::of(title, mark, page, address, around).render()?))
}

fn refused(why: &str, around: &Around) -> askama::Result<Bytes> {
    let page = frame::Refused { why };
    framed("this page cannot be shown".to_owned(), Mark::Warn, &page, &Address::default(), around)
}
