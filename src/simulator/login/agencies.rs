//! STS's temporary keys, version 5: for an agency that is assumed with a signature or an id token.

use std::time::Duration;

use serde_json::{Value, json};

use super::asked::{Asked, stamp};
use crate::simulator::answer::Answer;
use crate::simulator::caller::Caller;
use crate::simulator::refusal::Refusal;
use crate::simulator::{AGENCY_NAME, AGENCY_URN, DOMAIN_ID, ID_TOKEN, PROVIDER_URN};

/// How many seconds may be asked for.
const SECONDS: std::ops::RangeInclusive<u64> = 900..=43_200;
/// With temporary keys no more than this, which is also what there is where nothing is asked for.
const HOUR: u64 = 3600;

/// `POST /v5/agencies/assume`.
pub(super) fn assume(asked: &Asked<'_>) -> Result<Answer, Refusal> {
    // This version takes no tokens: only a signature tells who asks.
    if asked.header("authorization").is_none() {
        return Err(asked.unauthenticated());
    }
    let caller = asked.caller()?;
    let body = asked.body()?;
    let agency = asked.text(&body, "/agency_urn")?;
    let session = session_name(asked, &body)?;
    let seconds = if caller == (Caller::Key { temporary: true }) { 900..=HOUR } else { SECONDS };
    let validity = asked.seconds(&body, "/duration_seconds", seconds, HOUR)?;
    check_agency(asked, agency)?;
    Ok(credentials(asked, session, validity))
}

/// `POST /v5/agencies/assume-with-oidc`.
pub(super) fn assume_with_oidc(asked: &Asked<'_>) -> Result<Answer, Refusal> {
    let body = asked.body()?;
    let provider = asked.text(&body, "/provider_urn")?;
    let agency = asked.text(&body, "/agency_urn")?;
    let session = session_name(asked, &body)?;
    let id_token = asked.text(&body, "/id_token")?;
    let validity = asked.seconds(&body, "/duration_seconds", SECONDS, HOUR)?;
    if provider != PROVIDER_URN {
        return Err(Refusal::login(asked.call, 404, format!("Could not find provider: {provider}.")));
    }
    check_agency(asked, agency)?;
    if id_token != ID_TOKEN {
        return Err(Refusal::login(asked.call, 401, "The ID token is invalid or has expired."));
    }
    Ok(credentials(asked, session, validity))
}

/// 2 to 64 letters, digits and some other characters.
fn session_name<'b>(asked: &Asked<'_>, body: &'b Value) -> Result<&'b str, Refusal> {
    let name = asked.text(body, "/agency_session_name")?;
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_+=,.@-".contains(&byte);
    if (2..=64).contains(&name.len()) && name.bytes().all(allowed) {
        Ok(name)
    } else {
        Err(asked.malformed("/agency_session_name cannot be one"))
    }
}

fn check_agency(asked: &Asked<'_>, urn: &str) -> Result<(), Refusal> {
    if urn == AGENCY_URN { Ok(()) } else { Err(Refusal::forbidden(asked.call)) }
}

fn credentials(asked: &Asked<'_>, session: &str, validity: Duration) -> Answer {
    let keys = asked.keys(validity);
    let body = json!({
        "source_identity": null,
        "assumed_agency": {
            "urn": format!("sts::{DOMAIN_ID}:assumed-agency:{AGENCY_NAME}/{session}"),
            "id": format!("51a0000000000000000000000000c001:{session}"),
        },
        "credentials": {
            "access_key_id": keys.access_key,
            "secret_access_key": keys.secret_key,
            "security_token": keys.security_token,
            "expiration": stamp(keys.ends_at),
        },
    });
    Answer::json(200, body.to_string())
}
