//! The gateway before the service: counts, checks, throttles, and lets faults strike.

use std::net::SocketAddr;

use bytes::Bytes;
use hyper::header::HeaderMap;
use hyper::{Method, Uri};

use super::answer::Answer;
use super::api;
use super::caller::Caller;
use super::chance::Chance;
use super::faults::FaultKind;
use super::judge::Seen;
use super::login::{self, Scope};
use super::query::Query;
use super::refusal::Refusal;
use super::region::{Region, locked};
use super::route::{Call, Route};
use super::spoil::spoil;
use super::{PROJECT_ID, SECOND_PROJECT_ID};

/// A request as it came.
pub(super) struct Received<'a> {
    pub(super) method: &'a Method,
    pub(super) uri: &'a Uri,
    pub(super) headers: &'a HeaderMap,
    pub(super) body: &'a Bytes,
    pub(super) peer: SocketAddr,
}

impl Received<'_> {
    /// The value of a header, in lower case here.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| std::str::from_utf8(value.as_bytes()).ok())
    }
}

/// What happens to a request.
pub(super) enum Outcome {
    /// It is answered, with this `X-Request-Id`.
    Answered(Answer, String),
    /// Its connection is reset.
    Reset,
}

/// Ends the count of a request, whatever becomes of it: a client may go away while it waits.
struct UnderWay<'a> {
    region: &'a Region,
    seen: Seen,
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        locked(&self.region.judge).end(self.seen.clone());
    }
}

/// Handles a request to the API.
pub(super) async fn handle(region: &Region, request: Received<'_>) -> Outcome {
    let route = Route::of(request.uri.path());
    let number = locked(&region.judge).begin(&route);
    let seen = Seen {
        call: route.call,
        method: request.method.to_string(),
        target: request.uri.path_and_query().map_or_else(|| "/".to_owned(), ToString::to_string),
        status: 0,
        body: if route.call.is_login() { Bytes::copy_from_slice(request.body) } else { Bytes::new() },
    };
    let mut under_way = UnderWay { region, seen };
    let request_id = Chance::seeded(region.seed).of("request").nth(i64::try_from(number).unwrap_or(i64::MAX)).hex(32);
    let outcome = if route.call.is_login() {
        login::handle(region, &route, &request, &request_id).await
    } else if *request.method != Method::GET && route.call != Call::Unknown {
        let refusal = Refusal::service(405, "DCS.5001", "This request method is not allowed.");
        Some(refusal.answer(route.version, &request_id))
    } else if matches!(route.call, Call::Versions | Call::Unknown) {
        Some(respond(region, &route, &request, &request_id))
    } else {
        authorised(region, &route, &request, &request_id).await
    };
    match outcome {
        Some(answer) => {
            under_way.seen.status = answer.status;
            Outcome::Answered(answer, request_id)
        }
        None => Outcome::Reset,
    }
}

/// Handles a request that needs a signature or a token; `None` where its connection is to be reset.
async fn authorised(region: &Region, route: &Route, request: &Received<'_>, request_id: &str) -> Option<Answer> {
    let struck = region.strike(route, request.uri.path());
    if let Some(delay) = struck.delay {
        tokio::time::sleep(delay).await;
    }
    match (admit(region, route, request), struck.kind) {
        (_, Some((FaultKind::Reset, _))) => None,
        (Err(refusal), _) => Some(refusal.answer(route.version, request_id)),
        (Ok(()), Some((kind, draw))) => {
            Some(spoil(kind, draw, route, request_id, respond(region, route, request, request_id)))
        }
        (Ok(()), None) => Some(respond(region, route, request, request_id)),
    }
}

fn respond(region: &Region, route: &Route, request: &Received<'_>, request_id: &str) -> Answer {
    let query = Query::parse(request.uri.query().unwrap_or(""));
    api::respond(region, route, &query).unwrap_or_else(|refusal| refusal.answer(route.version, request_id))
}

/// Signature or token, rate limit, project, right: in the order of the real gateway.
fn admit(region: &Region, route: &Route, request: &Received<'_>) -> Result<(), Refusal> {
    let caller = Caller::of(region, request).inspect_err(|_| {
        locked(&region.judge).tally.signature_failures += 1;
        tracing::debug!(peer = %request.peer, target = %request.uri, "simulated gateway refused a request");
    })?;
    if let Some(bucket) = locked(&region.bucket).as_mut()
        && !bucket.admits()
    {
        locked(&region.judge).tally.throttled += 1;
        let per_second = super::fleet::bytes(bucket.limit.per_second.ceil());
        return Err(Refusal::throttled(per_second, bucket.limit.retry_after));
    }
    let project = match caller {
        Caller::Key { .. } => request.header("x-project-id"),
        Caller::Token(Scope::Project(id)) => Some(id),
        Caller::Token(_) => None,
    };
    if project != Some(route.project.as_str()) {
        return Err(Refusal::service(401, "DCS.1004", "Project ID does not match the token."));
    }
    if ![PROJECT_ID, SECOND_PROJECT_ID].contains(&route.project.as_str()) {
        return Err(api::foreign_project());
    }
    if region.settings().login.forbidden.contains(&route.call) {
        return Err(Refusal::forbidden(route.call));
    }
    Ok(())
}
