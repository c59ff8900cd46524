//! IAM's temporary keys, version 3: for a token, or for an agency that is assumed.

use serde_json::Value;

use super::asked::{Asked, credential, text};
use crate::simulator::answer::Answer;
use crate::simulator::refusal::Refusal;
use crate::simulator::{AGENCY_NAME, DOMAIN_ID, DOMAIN_NAME};

/// How many seconds may be asked for, and how many there are otherwise.
const SECONDS: (std::ops::RangeInclusive<u64>, u64) = (900..=86_400, 900);

/// `POST /v3.0/OS-CREDENTIAL/securitytokens`.
pub(super) fn create(asked: &Asked<'_>) -> Result<Answer, Refusal> {
    let body = asked.body()?;
    let identity = body.pointer("/auth/identity").unwrap_or(&Value::Null);
    let method = match identity.get("methods").and_then(Value::as_array).map(Vec::as_slice) {
        Some([Value::String(method)]) if method == "token" || method == "assume_role" => method.as_str(),
        _ => return Err(asked.malformed("/auth/identity/methods must be [\"token\"] or [\"assume_role\"]")),
    };
    if method == "token" {
        let in_body = text(identity, "/token/id");
        let Some(token) = in_body.or_else(|| asked.header("x-auth-token")) else {
            return Err(asked.malformed("/auth/identity/token/id is missing"));
        };
        asked.scope(token)?;
    } else {
        asked.caller()?;
        check_agency(asked, identity)?;
    }
    let validity = asked.seconds(identity, &format!("/{method}/duration_seconds"), SECONDS.0, SECONDS.1)?;
    Ok(Answer::json(201, credential(&asked.keys(validity)).to_string()))
}

/// Whether the agency exists in the account that is named.
fn check_agency(asked: &Asked<'_>, identity: &Value) -> Result<(), Refusal> {
    let agency = identity.get("assume_role").unwrap_or(&Value::Null);
    let name = asked.text(agency, "/agency_name")?;
    let ours = match text(agency, "/domain_id") {
        Some(id) => id == DOMAIN_ID,
        None => asked.text(agency, "/domain_name")? == DOMAIN_NAME,
    };
    if ours && name == AGENCY_NAME {
        Ok(())
    } else {
        Err(Refusal::login(asked.call, 404, format!("Could not find agency: {name}.")))
    }
}
