//! Which instances a request is about: the parameters of `/api/v1/instances` and of the status page.

use super::query::{BadQuery, Query};
use crate::status::{Order, Selection, Sort, Verdict};

/// All parameters, in the order of the documentation.
pub(super) const PARAMETERS: [&str; 9] =
    ["project", "instance_id", "name", "search", "verdict", "sort", "order", "limit", "offset"];

/// Characters of a text; names and ids are shorter, and a page repeats it in many links.
const LONGEST: usize = 300;

/// Reads the selection of a query; whether there are other parameters is the caller's concern.
pub(super) fn of(query: &Query) -> Result<Selection, BadQuery> {
    let text = |name| match query.one(name)? {
        Some(value) if value.chars().count() > LONGEST => {
            Err(BadQuery::Wrong(name, format!("{LONGEST} characters long at most")))
        }
        value => Ok(value.map(str::to_owned)),
    };
    Ok(Selection {
        project: text("project")?,
        instance_id: text("instance_id")?,
        name: text("name")?,
        search: text("search")?,
        verdict: word(query, "verdict", &Verdict::ALL, Verdict::as_str)?,
        sort: word(query, "sort", &Sort::ALL, Sort::as_str)?.unwrap_or_default(),
        order: word(query, "order", &Order::ALL, Order::as_str)?,
        limit: query.number("limit")?,
        offset: query.number("offset")?.unwrap_or(0),
    })
}

/// One of a closed list of words.
fn word<T: Copy>(
    query: &Query,
    name: &'static str,
    all: &[T],
    as_str: fn(T) -> &'static str,
) -> Result<Option<T>, BadQuery> {
    let Some(value) = query.one(name)? else { return Ok(None) };
    let known = all.iter().copied().find(|known| as_str(*known) == value);
    let words = || all.iter().map(|known| as_str(*known)).collect::<Vec<_>>().join(", ");
    known.map(Some).ok_or_else(|| BadQuery::Wrong(name, format!("one of {}", words())))
}
