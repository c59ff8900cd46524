//! `/api/v1/instances`: the fleet as JSON, worst first.

use bytes::Bytes;
use hyper::StatusCode;
use hyper::header::HeaderMap;

use super::lists::Lists;
use super::query::Query;
use super::routes::Answer;
use super::selection;
use crate::exposition::Exposition;
use crate::status::{FleetStatus, Selection};

const JSON: &str = "application/json";

/// Answers the request with this query.
pub(super) async fn answer(lists: &Lists, query: Option<&str>, headers: &HeaderMap) -> Answer {
    let query = Query::of(query);
    let selection = match query.has_only(&selection::PARAMETERS).and_then(|()| selection::of(&query)) {
        Ok(selection) => selection,
        Err(refusal) => return Answer::text(StatusCode::BAD_REQUEST, format!("{refusal}\n")),
    };
    lists.answer(JSON, headers, move |exposition| render(exposition, &selection)).await
}

fn render(exposition: &Exposition, selection: &Selection) -> serde_json::Result<(StatusCode, Bytes)> {
    let (snapshot, now) = exposition.picture();
    let status = FleetStatus::of(&snapshot, selection, |project| exposition.health(project), now);
    let mut json = serde_json::to_vec(&status)?;
    json.push(b'\n');
    Ok((StatusCode::OK, Bytes::from(json)))
}
