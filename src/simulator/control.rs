//! The control page of a simulated cloud that runs alone: what there is, and faults, quirks, pauses and logins at run
//! time.
//!
//! Not signed, and only for clients on this machine.

mod logins;

use std::fmt::Write;
use std::net::SocketAddr;

use hyper::{Method, Uri};

use super::answer::Answer;
use super::faults::Fault;
use super::history;
use super::query::Query;
use super::quirk::Quirk;
use super::region::{Region, locked};
use super::{ACCESS_KEY, SECRET_KEY, SECURITY_TOKEN, TEMPORARY_ACCESS_KEY, TEMPORARY_SECRET_KEY};

/// Whether a path is one of the control page's.
pub(super) fn is_control(path: &str) -> bool {
    path == "/simulator" || path.starts_with("/simulator/")
}

/// Answers a request to the control page.
pub(super) fn handle(region: &Region, method: &Method, uri: &Uri, peer: SocketAddr) -> Answer {
    if !peer.ip().to_canonical().is_loopback() {
        return text(403, "the control page is for clients on this machine only\n");
    }
    let query = Query::parse(uri.query().unwrap_or(""));
    match (uri.path().trim_end_matches('/'), method) {
        ("/simulator", &Method::GET) => text(200, &overview(region)),
        ("/simulator/requests", &Method::GET) => text(200, &requests(region)),
        ("/simulator/requests", _) => text(405, "use GET\n"),
        ("/simulator/faults", &Method::GET) => text(200, &faults(region)),
        ("/simulator/faults", &Method::PUT) => add_faults(region, &query),
        ("/simulator/faults", &Method::DELETE) => remove_faults(region, &query),
        ("/simulator/quirks", &Method::GET) => text(200, &quirks(region)),
        ("/simulator/quirks", &Method::PUT) => add_quirks(region, &query),
        ("/simulator/quirks", &Method::DELETE) => remove_quirks(region, &query),
        ("/simulator/pauses", &Method::GET) => text(200, &pauses(region)),
        ("/simulator/pauses", &Method::PUT) => pause(region, &query, true),
        ("/simulator/pauses", &Method::DELETE) => pause(region, &query, false),
        ("/simulator/logins", &Method::GET) => text(200, &logins::overview(region)),
        ("/simulator/logins", &Method::PUT) => logins::change(region, &query),
        ("/simulator/logins", &Method::DELETE) => logins::restore(region),
        ("/simulator/grants", &Method::DELETE) => logins::revoke(region),
        ("/simulator/grants", _) => text(405, "use DELETE\n"),
        ("/simulator" | "/simulator/faults" | "/simulator/quirks" | "/simulator/pauses" | "/simulator/logins", _) => {
            text(405, "use GET, PUT or DELETE\n")
        }
        _ => text(404, "there are /simulator/, and below it requests, faults, quirks, pauses, logins and grants\n"),
    }
}

fn text(status: u16, body: &str) -> Answer {
    Answer::of(status, "text/plain;charset=utf-8", body.to_owned())
}

fn add_faults(region: &Region, query: &Query) -> Answer {
    let added: Result<Vec<Fault>, _> = query.all("fault").map(str::parse).collect();
    match added {
        Err(error) => text(400, &format!("{error}\n")),
        Ok(added) if added.is_empty() => text(400, "name a fault: /simulator/faults?fault=flaky=0.3@orders-cache\n"),
        Ok(added) => {
            let faults = &mut region.settings_mut().faults;
            faults.retain(|old| !added.iter().any(|new| (new.kind, &new.instance) == (old.kind, &old.instance)));
            faults.extend(added);
            text(200, &format!("{} active, see /simulator/faults\n", faults.len()))
        }
    }
}

fn remove_faults(region: &Region, query: &Query) -> Answer {
    let removed: Result<Vec<Fault>, _> = query.all("fault").map(str::parse).collect();
    match removed {
        Err(error) => text(400, &format!("{error}\n")),
        Ok(removed) => {
            let faults = &mut region.settings_mut().faults;
            let named =
                |old: &Fault| removed.iter().any(|fault| (fault.kind, &fault.instance) == (old.kind, &old.instance));
            faults.retain(|old| !removed.is_empty() && !named(old));
            text(200, &format!("{} active, see /simulator/faults\n", faults.len()))
        }
    }
}

fn add_quirks(region: &Region, query: &Query) -> Answer {
    let added: Result<Vec<Quirk>, _> = query.all("quirk").map(str::parse).collect();
    match added {
        Err(error) => text(400, &format!("{error}\n")),
        Ok(added) if added.is_empty() => {
            text(400, "name a quirk: /simulator/quirks?quirk=absent=null&instance=orders-cache\n")
        }
        Ok(added) => {
            let mut settings = region.settings_mut();
            match query.first(&["instance"]) {
                Some(instance) => settings.quirks.entry(instance.to_owned()).or_default().extend(added),
                None => settings.quirks_of_all.extend(added),
            }
            text(200, "done, see /simulator/quirks\n")
        }
    }
}

fn remove_quirks(region: &Region, query: &Query) -> Answer {
    let mut settings = region.settings_mut();
    if let Some(instance) = query.first(&["instance"]) {
        settings.quirks.remove(instance);
    } else {
        settings.quirks_of_all.clear();
        settings.quirks.clear();
    }
    text(200, "done, see /simulator/quirks\n")
}

fn pause(region: &Region, query: &Query, pause: bool) -> Answer {
    match (query.first(&["instance"]), region.set_paused(query.first(&["instance"]), pause)) {
        (Some(instance), 0) => text(404, &format!("there is no instance {instance:?}, see /simulator/\n")),
        _ => text(200, "done, see /simulator/pauses\n"),
    }
}

fn pauses(region: &Region) -> String {
    let mut page =
        "pauses       PUT or DELETE /simulator/pauses[?instance=INSTANCE]: nobody asks for backups and restores\n"
            .to_owned();
    for member in region.projects().iter().flat_map(|project| &project.members) {
        if let Some(paused_at) = member.paused_at {
            let _ = writeln!(page, "  {} since {paused_at:.0}", member.name);
        }
    }
    page
}

fn overview(region: &Region) -> String {
    let now = region.now();
    let mut page = format!(
        "Simulated DCS cloud, seed {}, speed {}, {now:.0}\n\n\
         access key   {ACCESS_KEY}\nsecret key   {SECRET_KEY}\n\
         temporary    {TEMPORARY_ACCESS_KEY}\nits secret   {TEMPORARY_SECRET_KEY}\nits token    {SECURITY_TOKEN}\n",
        region.seed, region.speed,
    );
    page.push_str(&logins::names());
    {
        let gate = locked(&region.gate);
        for key in [ACCESS_KEY, TEMPORARY_ACCESS_KEY].into_iter().filter(|key| gate.locked(key, now)) {
            let _ = writeln!(page, "LOCKED       {key}, after five wrong signatures in a row");
        }
    }
    let _ = write!(page, "\n{}", requests(region));
    let _ = write!(page, "\n{}\n{}\n{}\n{}", logins::overview(region), faults(region), quirks(region), pauses(region));
    for project in region.projects().iter() {
        let _ = writeln!(page, "\nproject {}, {} instances", project.id, project.members.len());
        for member in &project.members {
            let _ = writeln!(
                page,
                "  {}  {:<24} {:<12} {:<10} {}",
                member.id,
                member.name,
                member.kind.mode.as_str(),
                history::status(member, now),
                if member.supports_backups() { "" } else { "no backups" },
            );
        }
    }
    page
}

/// What came so far, in one line: a page of its own, because the overview names every instance.
fn requests(region: &Region) -> String {
    let judge = locked(&region.judge);
    let tally = &judge.tally;
    format!(
        "requests     {}, at most {} in a second and {} at once; {} wrong signatures, {} throttled\n",
        tally.requests, tally.peak_per_second, tally.peak_concurrency, tally.signature_failures, tally.throttled
    )
}

fn faults(region: &Region) -> String {
    let mut page = "faults       PUT or DELETE /simulator/faults?fault=KIND[=PROBABILITY][@INSTANCE]\n".to_owned();
    for fault in &region.settings().faults {
        let _ = writeln!(page, "  {fault}");
    }
    page
}

fn quirks(region: &Region) -> String {
    let mut page = "quirks       PUT or DELETE /simulator/quirks?quirk=QUIRK[&instance=INSTANCE]\n".to_owned();
    let settings = region.settings();
    for quirk in &settings.quirks_of_all {
        let _ = writeln!(page, "  {quirk}");
    }
    let mut by_instance: Vec<_> = settings.quirks.iter().collect();
    by_instance.sort_by_key(|(instance, _)| *instance);
    for (instance, quirks) in by_instance {
        for quirk in quirks {
            let _ = writeln!(page, "  {quirk} of {instance}");
        }
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;
    use crate::simulator::Options;

    #[tokio::test]
    async fn only_this_machine_may_ask() {
        let region = Region::new(&Options::default(), Clock::system());
        for (peer, status) in [
            ("127.0.0.1:1", 200),
            ("[::1]:1", 200),
            ("[::ffff:127.0.0.1]:1", 200),
            ("192.0.2.1:1", 403),
            ("[2001:db8::1]:1", 403),
        ] {
            let uri = "/simulator/".parse().unwrap();
            assert_eq!(handle(&region, &Method::GET, &uri, peer.parse().unwrap()).status, status, "{peer}");
        }
    }

    #[test]
    fn nothing_else_is_control() {
        assert!(is_control("/simulator") && is_control("/simulator/faults"));
        assert!(!is_control("/simulators") && !is_control("/v2/simulator/instances"));
    }
}
