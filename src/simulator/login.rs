//! How clients log in: IAM, STS, the metadata service of an ECS instance, and the agent of a pod.
//!
//! What is [`issued`] is what the gateway accepts in front of DCS. Faults strike here only where they name `iam` or
//! the call; refusals and validity are [`settings`]. Sources: the vendor's API references of IAM and STS, and what
//! `huaweicloudsdkcore` 3.1.219 sends and reads.

mod agencies;
mod asked;
mod issued;
mod metadata;
mod pod;
mod projects;
mod security_tokens;
mod settings;
mod tokens;

use hyper::Method;

use super::answer::Answer;
use super::chance::Chance;
use super::faults::FaultKind;
use super::gateway::Received;
use super::refusal::Refusal;
use super::region::Region;
use super::route::{Call, Route};
use super::spoil::spoil;
use asked::Asked;
pub(super) use issued::{Ended, Issued, Scope};
pub(super) use settings::LoginSettings;
pub use settings::{LoginRefusal, MetadataMode, ProjectNames, UnknownWord};

/// Handles a call that is not DCS's; `None` where its connection is to be reset.
pub(super) async fn handle(region: &Region, route: &Route, request: &Received<'_>, request_id: &str) -> Option<Answer> {
    let struck = region.strike(route, request.uri.path());
    if let Some(delay) = struck.delay {
        tokio::time::sleep(delay).await;
    }
    let answer = match (respond(region, route, request), struck.kind) {
        (_, Some((FaultKind::Reset, _))) => return None,
        (Err(refusal), _) => refusal.answer(route.version, request_id),
        (Ok(answer), Some((kind, draw))) => spoil(kind, draw, route, request_id, answer),
        (Ok(answer), None) => answer,
    };
    Some(match route.call {
        Call::MetadataToken | Call::SecurityKey | Call::PodIdentity => answer,
        _ => answer.with("x-iam-trace-id", format!("token_{}_null_{request_id}", super::REGION)),
    })
}

fn respond(region: &Region, route: &Route, request: &Received<'_>) -> Result<Answer, Refusal> {
    let call = route.call;
    let settings = region.settings().login.clone();
    let answer: fn(&Asked<'_>) -> Result<Answer, Refusal> = match (call, request.method) {
        (Call::Token, &Method::POST) => tokens::by_password,
        (Call::IdToken, &Method::POST) => tokens::by_id_token,
        (Call::Projects, &Method::GET) => projects::list,
        (Call::SecurityTokens, &Method::POST) => security_tokens::create,
        (Call::AssumeAgency, &Method::POST) => agencies::assume,
        (Call::AssumeWithOidc, &Method::POST) => agencies::assume_with_oidc,
        (Call::MetadataToken, &Method::PUT) => metadata::token,
        (Call::SecurityKey, &Method::GET) => metadata::security_key,
        (Call::PodIdentity, &Method::POST) => pod::credentials,
        _ => return Err(Refusal::login(call, 405, "This request method is not allowed.")),
    };
    if let Some(refusal) = settings.refusal
        && call != Call::Projects
    {
        return refusal.answer(call);
    }
    let now = region.now();
    let chance = Chance::seeded(region.seed).nth(now.as_millisecond());
    let answer = answer(&Asked { region, call, request, settings: &settings, now, chance })?;
    if settings.forbidden.contains(&call) {
        // Only who has logged in is told that a right is missing.
        return Err(Refusal::forbidden(call));
    }
    Ok(match region.canned(route) {
        Some(canned) => Answer { headers: answer.headers, ..canned.answer() },
        None => answer,
    })
}
