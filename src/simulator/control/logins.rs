//! The part of the control page that is about logging in.

use std::fmt::Write;
use std::time::Duration;

use super::text;
use crate::simulator::answer::Answer;
use crate::simulator::login::LoginSettings;
use crate::simulator::query::Query;
use crate::simulator::region::{Region, locked};
use crate::simulator::{
    AGENCY_NAME, AGENCY_URN, DOMAIN_NAME, ID_TOKEN, IDP_ID, PASSWORD, POD_TOKEN, PROJECT_NAME, PROVIDER_URN, USERNAME,
};

/// Settings and their values, one in a line.
const SETTINGS: &str = "\
  validity=SECONDS          of tokens and keys issued from now on
  refusal=HOW               unauthorized, forbidden, unavailable, throttled or garbage
  metadata=MODE             version2, version1, no-agency or absent
  metadata-renewal=SECONDS  the same keys from the metadata service until so long before their end
  projects=NAMES            unique, twice or absent
  forbid=CALL               403, may be repeated: instances, backups, projects, token, assume-agency, …
";

/// `PUT`: all settings that are named, or none where one of them cannot be.
pub(super) fn change(region: &Region, query: &Query) -> Answer {
    let mut login = region.settings().login.clone();
    let mut named = false;
    for (name, value) in query.pairs() {
        named = true;
        if let Err(sentence) = set(&mut login, name, value) {
            return text(400, &format!("{name}: {sentence}\n"));
        }
    }
    if !named {
        return text(400, &format!("name a setting:\n{SETTINGS}"));
    }
    region.settings_mut().login = login;
    text(200, "done, see /simulator/logins\n")
}

fn set(login: &mut LoginSettings, name: &str, value: &str) -> Result<(), String> {
    let seconds = || value.parse().map(|seconds| Some(Duration::from_secs(seconds)));
    let seconds = || seconds().map_err(|_| "expected a number of seconds, such as 90".to_owned());
    match name {
        "validity" => login.validity = seconds()?,
        "refusal" => login.refusal = Some(parsed(value)?),
        "metadata" => login.metadata = parsed(value)?,
        "metadata-renewal" => login.metadata_renews_before = seconds()?,
        "projects" => login.project_names = parsed(value)?,
        "forbid" => drop(login.forbidden.insert(parsed(value)?)),
        _ => return Err(format!("there is no such setting; there are\n{SETTINGS}")),
    }
    Ok(())
}

fn parsed<T: std::str::FromStr<Err: ToString>>(value: &str) -> Result<T, String> {
    value.parse().map_err(|error: T::Err| error.to_string())
}

/// `DELETE`: everything as usual.
pub(super) fn restore(region: &Region) -> Answer {
    region.settings_mut().login = LoginSettings::default();
    text(200, "as usual, see /simulator/logins\n")
}

/// Ends what was issued.
pub(super) fn revoke(region: &Region) -> Answer {
    locked(&region.issued).revoke();
    text(200, "all tokens and temporary keys issued so far are revoked\n")
}

/// With what one logs in.
pub(super) fn names() -> String {
    format!(
        "account      {DOMAIN_NAME}\nuser         {USERNAME}\npassword     {PASSWORD}\nproject name {PROJECT_NAME}\n\
         agency       {AGENCY_NAME} or {AGENCY_URN}\n\
         id token     {ID_TOKEN} of {IDP_ID} or {PROVIDER_URN}\npod token    {POD_TOKEN}\n"
    )
}

/// The settings at work and what has been issued.
pub(super) fn overview(region: &Region) -> String {
    let now = region.now();
    let (mut page, settings) = (String::new(), region.settings().login.clone());
    let tally = locked(&region.judge).tally.clone();
    let good = locked(&region.issued).good_ones(now);
    let _ =
        writeln!(page, "logins       {}, {} failed; {good} grants are good", tally.all_logins(), tally.failed_logins);
    for (call, count) in &tally.logins {
        let _ = writeln!(page, "  {count} {call}");
    }
    if locked(&region.user).locked(now) {
        let _ = writeln!(page, "  LOCKED {USERNAME}, after five wrong passwords in a row");
    }
    page.push_str(
        "  DELETE /simulator/grants revokes them; PUT /simulator/logins?SETTING=VALUE, DELETE for the usual:\n",
    );
    let _ = write!(page, "  metadata={} projects={}", settings.metadata, settings.project_names);
    let seconds = [("validity", settings.validity), ("metadata-renewal", settings.metadata_renews_before)];
    for (name, duration) in seconds {
        if let Some(duration) = duration {
            let _ = write!(page, " {name}={}", duration.as_secs_f64());
        }
    }
    if let Some(refusal) = settings.refusal {
        let _ = write!(page, " refusal={refusal}");
    }
    for call in &settings.forbidden {
        let _ = write!(page, " forbid={call}");
    }
    page.push('\n');
    page
}
