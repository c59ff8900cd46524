//! `/api/v1/instances`: the fleet as JSON, worst first.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use hyper::StatusCode;
use hyper::header::{HeaderMap, VARY};
use tokio::sync::Semaphore;

use super::negotiate;
use super::query::{BadQuery, Query};
use super::routes::Answer;
use crate::exposition::{Exposition, Rendered};
use crate::status::{FleetStatus, Selection, Verdict};

const JSON: &str = "application/json";
const PARAMETERS: [&str; 6] = ["project", "instance_id", "name", "verdict", "limit", "offset"];

/// Answers `/api/v1/instances`.
#[derive(Debug)]
pub(super) struct Instances {
    exposition: Exposition,
    places: Arc<Semaphore>,
    /// A large fleet keeps a processor busy for a while: one list at a time, so that scrapes have the others.
    turn: Arc<Mutex<()>>,
}

impl Instances {
    /// So many may be rendered or sent at the same time.
    pub(super) fn new(exposition: Exposition, most: usize) -> Self {
        Self { exposition, places: Arc::new(Semaphore::new(most)), turn: Arc::default() }
    }

    /// Answers the request with this query.
    pub(super) async fn answer(&self, query: Option<&str>, headers: &HeaderMap) -> Answer {
        let selection = match selection(&Query::of(query)) {
            Ok(selection) => selection,
            Err(refusal) => return Answer::text(StatusCode::BAD_REQUEST, format!("{refusal}\n")),
        };
        let Ok(place) = Arc::clone(&self.places).try_acquire_owned() else { return Answer::too_many("lists") };
        let gzip = negotiate::gzip(headers);
        let (exposition, turn) = (self.exposition.clone(), Arc::clone(&self.turn));
        let rendering = tokio::task::spawn_blocking(move || {
            let _turn = turn.lock().unwrap_or_else(PoisonError::into_inner);
            render(&exposition, &selection, gzip)
        });
        let failed = |error: &dyn std::fmt::Display| {
            tracing::error!(%error, "the instances could not be rendered");
            Answer::text(StatusCode::INTERNAL_SERVER_ERROR, "the instances could not be rendered; see the log\n")
        };
        match rendering.await {
            Ok(Ok(body)) => {
                let answer = Answer::new(StatusCode::OK, JSON, body).with(VARY, "Accept-Encoding");
                answer.gzipped(gzip).holding(place)
            }
            Ok(Err(error)) => failed(&error),
            Err(error) => failed(&error),
        }
    }
}

fn render(exposition: &Exposition, selection: &Selection, gzip: bool) -> serde_json::Result<Rendered> {
    let (snapshot, now) = exposition.picture();
    let mut json = serde_json::to_vec(&FleetStatus::of(&snapshot, selection, now))?;
    json.push(b'\n');
    Ok(if gzip { Rendered::compressed(&json) } else { Rendered::from(Bytes::from(json)) })
}

fn selection(query: &Query) -> Result<Selection, BadQuery> {
    query.has_only(&PARAMETERS)?;
    let text = |name| query.one(name).map(|value| value.map(str::to_owned));
    Ok(Selection {
        project: text("project")?,
        instance_id: text("instance_id")?,
        name: text("name")?,
        verdict: query.one("verdict")?.map(verdict).transpose()?,
        limit: query.number("limit")?,
        offset: query.number("offset")?.unwrap_or(0),
    })
}

fn verdict(word: &str) -> Result<Verdict, BadQuery> {
    let words = || format!("one of {}", Verdict::ALL.map(Verdict::as_str).join(", "));
    let found = Verdict::ALL.into_iter().find(|verdict| verdict.as_str() == word);
    found.ok_or_else(|| BadQuery::Wrong("verdict", words()))
}
