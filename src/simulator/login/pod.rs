//! The agent on a node of CCE that gives pods their keys.

use std::time::Duration;

use serde_json::json;

use super::asked::{Asked, stamp};
use crate::simulator::POD_TOKEN;
use crate::simulator::answer::Answer;
use crate::simulator::refusal::Refusal;

/// How long keys are good.
const VALIDITY: Duration = Duration::from_hours(1);

/// `POST /pod-identity/credentials`.
pub(super) fn credentials(asked: &Asked<'_>) -> Result<Answer, Refusal> {
    asked.body()?;
    if asked.header("authorization") != Some(POD_TOKEN) {
        return Err(Refusal::login(asked.call, 401, "the service account token is not valid"));
    }
    let keys = asked.keys(VALIDITY);
    let body = json!({
        "credential": {
            "accessKeyId": keys.access_key,
            "secretAccessKey": keys.secret_key,
            "securityToken": keys.security_token,
            "expiration": stamp(keys.ends_at),
        }
    });
    Ok(Answer::json(200, body.to_string()))
}
