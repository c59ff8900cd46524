//! IAM's tokens: for a user's password, and for an `OpenID` Connect id token.
//!
//! The token itself is a header of the answer, several KiB long; the body tells about it. Five wrong passwords in a
//! row lock the user for 15 minutes.

use std::time::Duration;

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::asked::{Asked, stamp, text};
use super::issued::Scope;
use super::projects;
use super::settings::wrong_password;
use crate::simulator::answer::Answer;
use crate::simulator::refusal::Refusal;
use crate::simulator::region::locked;
use crate::simulator::{DOMAIN_ID, DOMAIN_NAME, ID_TOKEN, IDP_ID, PASSWORD, USER_ID, USERNAME};

/// How long tokens are good.
const VALIDITY: Duration = Duration::from_hours(24);
/// For so long a user is locked.
const LOCKED_FOR: SignedDuration = SignedDuration::from_mins(15);

/// `POST /v3/auth/tokens`.
pub(super) fn by_password(asked: &Asked<'_>) -> Result<Answer, Refusal> {
    let body = asked.body()?;
    if body.pointer("/auth/identity/methods") != Some(&json!(["password"])) {
        return Err(asked.malformed("/auth/identity/methods must be [\"password\"]"));
    }
    let user = body.pointer("/auth/identity/password/user").unwrap_or(&Value::Null);
    let password = asked.text(user, "/password")?;
    let known = if let Some(id) = text(user, "/id") {
        id == USER_ID
    } else {
        let name = asked.text(user, "/name")?;
        let domain = user.get("domain").unwrap_or(&Value::Null);
        name == USERNAME && is_domain(asked, domain)?
    };
    check_password(asked, known, password)?;
    let scope = scope(asked, &body, Scope::Domain)?;
    let user = json!({
        "id": USER_ID,
        "name": USERNAME,
        "domain": { "id": DOMAIN_ID, "name": DOMAIN_NAME },
        "password_expires_at": "",
    });
    Ok(issue(asked, scope, "password", &user))
}

/// `POST /v3.0/OS-AUTH/id-token/tokens`.
pub(super) fn by_id_token(asked: &Asked<'_>) -> Result<Answer, Refusal> {
    let body = asked.body()?;
    let id_token = asked.text(&body, "/auth/id_token/id")?;
    let Some(provider) = asked.header("x-idp-id") else {
        return Err(Refusal::login(asked.call, 400, "The header X-Idp-Id is missing."));
    };
    if provider != IDP_ID {
        return Err(Refusal::login(asked.call, 404, format!("Could not find identity provider: {provider}.")));
    }
    if id_token != ID_TOKEN {
        return Err(Refusal::login(asked.call, 401, "The ID token is invalid or has expired."));
    }
    let scope = scope(asked, &body, Scope::Unscoped)?;
    let user = json!({
        "id": USER_ID,
        "name": "FederationUser",
        "domain": { "id": DOMAIN_ID, "name": DOMAIN_NAME },
        "OS-FEDERATION": {
            "identity_provider": { "id": IDP_ID },
            "protocol": { "id": "oidc" },
            "groups": [],
        },
    });
    Ok(issue(asked, scope, "mapped", &user))
}

/// Whether `{"name"}` or `{"id"}` is the account.
pub(super) fn is_domain(asked: &Asked<'_>, domain: &Value) -> Result<bool, Refusal> {
    match text(domain, "/id") {
        Some(id) => Ok(id == DOMAIN_ID),
        None => Ok(asked.text(domain, "/name")? == DOMAIN_NAME),
    }
}

fn check_password(asked: &Asked<'_>, known: bool, password: &str) -> Result<(), Refusal> {
    let (now, locks) = (asked.now, asked.region.settings().locks_keys);
    let mut user = locked(&asked.region.user);
    if !known {
        Err(wrong_password())
    } else if locks && user.locked(now) {
        Err(Refusal::login(asked.call, 401, "The account is locked."))
    } else if password != PASSWORD {
        user.fail(now, LOCKED_FOR);
        Err(wrong_password())
    } else {
        user.forgive();
        Ok(())
    }
}

/// What the token is to be good for.
fn scope(asked: &Asked<'_>, body: &Value, usual: Scope) -> Result<Scope, Refusal> {
    let Some(scope) = body.pointer("/auth/scope") else { return Ok(usual) };
    if let Some(domain) = scope.get("domain") {
        let ours = is_domain(asked, domain)?;
        return if ours { Ok(Scope::Domain) } else { Err(asked.unauthenticated()) };
    }
    let (key, wanted) = match text(scope, "/project/id") {
        Some(id) => ("id", id),
        None => ("name", asked.text(scope, "/project/name")?),
    };
    let projects = projects::named(asked.settings.project_names);
    let found = projects.iter().find(|(id, name)| wanted == if key == "id" { *id } else { *name });
    found
        .map(|(id, _)| Scope::Project(id))
        .ok_or_else(|| Refusal::login(asked.call, 400, format!("Could not find project with {key}: {wanted}.")))
}

fn issue(asked: &Asked<'_>, scope: Scope, method: &str, user: &Value) -> Answer {
    let ends_at = asked.ends_at(VALIDITY);
    let token = locked(&asked.region.issued).token(asked.chance, scope, ends_at);
    let mut about = json!({
        "expires_at": stamp(ends_at),
        "issued_at": stamp(asked.now),
        "methods": [method],
        "user": user,
    });
    let domain = json!({ "id": DOMAIN_ID, "name": DOMAIN_NAME });
    match scope {
        Scope::Unscoped => {}
        Scope::Domain => about["domain"] = domain,
        Scope::Project(id) => {
            let name = projects::named(asked.settings.project_names).into_iter().find(|(known, _)| *known == id);
            about["project"] = json!({ "id": id, "name": name.map(|(_, name)| name), "domain": domain });
        }
    }
    if scope != Scope::Unscoped {
        about["roles"] = json!([{ "id": "0", "name": "te_agency" }, { "id": "0", "name": "readonly" }]);
        if asked.query().first(&["nocatalog"]) != Some("true") {
            about["catalog"] = catalog(asked, scope);
        }
    }
    Answer::json(201, json!({ "token": about }).to_string()).with("x-subject-token", token)
}

/// Where the services are: all here.
fn catalog(asked: &Asked<'_>, scope: Scope) -> Value {
    let origin = asked.origin();
    let service = |name: &str, url: String| {
        json!({
            "id": format!("{name}-of-the-simulator"),
            "name": name,
            "type": name,
            "endpoints": [{
                "id": format!("{name}-endpoint"),
                "interface": "public",
                "region": crate::simulator::REGION,
                "region_id": crate::simulator::REGION,
                "url": url,
            }],
        })
    };
    let mut services = vec![service("iam", format!("{origin}/v3.0"))];
    if let Scope::Project(id) = scope {
        services.push(service("dcs", format!("{origin}/v2/{id}")));
    }
    Value::Array(services)
}
