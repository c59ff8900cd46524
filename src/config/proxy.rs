//! The proxies of a project: its key, else the environment's variables as curl reads them.
//!
//! Variables count only for what is asked over their scheme, so that a variable for others is no trouble here, and
//! never for this machine itself, as with Prometheus. Their values may hold passwords and are not repeated.

use std::net::IpAddr;

use url::{Host, Url};

use super::environment::{Environment, Variable};
use super::problem::Report;
use super::section::Field;
use super::{Proxies, address};

/// The proxies on the way to these endpoints; `None` where one was complained about.
pub(super) fn of_project(
    key: Option<Field>,
    endpoints: &[&Url],
    environment: &Environment,
    report: &Report,
) -> Option<Proxies> {
    if let Some(field) = key {
        return address::proxy(field.text).ok().map(Proxies::all);
    }
    let proxy = |scheme: &str, names: &[&str]| {
        let asked = endpoints.iter().any(|url| url.scheme() == scheme && !address::is_loopback(url));
        let variable = names.iter().find_map(|name| environment.variable(name)).filter(|_| asked);
        variable.map(|variable| read(variable, report)).transpose()
    };
    let mut http = vec!["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"];
    if environment.variable("REQUEST_METHOD").is_some() {
        // A CGI program gets this one from the header `Proxy` of whoever asks it.
        http.retain(|name| *name != "HTTP_PROXY");
    }
    let (http, https) =
        (proxy("http", &http), proxy("https", &["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"]));
    let (http, https) = (http.ok()?, https.ok()?);
    if http.is_none() && https.is_none() {
        return Some(Proxies::default());
    }
    let except = ["no_proxy", "NO_PROXY"].iter().find_map(|name| environment.variable(name));
    let except = except.into_iter().map(|variable| variable.value.to_owned());
    let here = endpoints.iter().filter(|url| address::is_loopback(url)).filter_map(|url| host(url));
    Some(Proxies { http, https, except: except.chain(here).collect::<Vec<_>>().join(",") })
}

/// The error was complained about.
fn read(variable: Variable, report: &Report) -> Result<Url, ()> {
    address::proxy_of_variable(variable.value).map_err(|sentence| {
        variable.place(report).problem(format!("{sentence}; correct it, or set the project's `proxy` in the file"));
    })
}

/// A host as lists of exceptions write it.
fn host(url: &Url) -> Option<String> {
    Some(match url.host()? {
        Host::Domain(name) => name.to_owned(),
        Host::Ipv4(ip) => IpAddr::from(ip).to_string(),
        Host::Ipv6(ip) => IpAddr::from(ip).to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::problem::Origin;
    use crate::config::tree::Node;

    /// Variables, endpoints, and what comes of them.
    type Case<'a> = (&'a [(&'a str, &'a str)], &'a [&'a str], [&'a str; 3]);

    /// What these variables are to a project with these endpoints: proxies by scheme and exceptions, or the report.
    fn of(variables: &[(&str, &str)], endpoints: &[&str]) -> Result<[String; 3], String> {
        let variables: Vec<_> = variables.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        let report = Report::default();
        let environment = Environment::read(&variables, &Node::empty(Origin::Nowhere), &report);
        let urls: Vec<Url> = endpoints.iter().map(|text| text.parse().unwrap()).collect();
        let proxies = of_project(None, &urls.iter().collect::<Vec<_>>(), &environment, &report);
        report.into_result().map_err(|problems| problems.to_string())?;
        let Proxies { http, https, except } = proxies.unwrap();
        let text = |url: Option<Url>| url.map_or_else(String::new, |url| url.to_string());
        Ok([text(http), text(https), except])
    }

    #[test]
    fn variables_are_read_as_curl_reads_them() {
        let both = &["http://dcs.example", "https://iam.example"][..];
        let (http, https) = (&both[..1], &both[1..]);
        #[rustfmt::skip]
        let table: [Case; 15] = [
            (&[], both, ["", "", ""]),
            (&[("NO_PROXY", "x")], both, ["", "", ""]),
            (&[("HTTPS_PROXY", "http://p:1")], both, ["", "http://p:1/", ""]),
            (&[("HTTP_PROXY", "p:1"), ("no_proxy", "*.local,10.0.0.0/8")], both, ["http://p:1/", "", "*.local,10.0.0.0/8"]),
            (&[("ALL_PROXY", "p:1")], both, ["http://p:1/", "http://p:1/", ""]),
            (&[("ALL_PROXY", "p:1"), ("https_proxy", "p:2")], both, ["http://p:1/", "http://p:2/", ""]),
            (&[("all_proxy", "p:1"), ("ALL_PROXY", "p:2")], https, ["", "http://p:1/", ""]),
            (&[("HTTPS_PROXY", "p:1"), ("https_proxy", "p:2")], both, ["", "http://p:2/", ""]),
            (&[("HTTPS_PROXY", "p:1"), ("https_proxy", "")], both, ["", "http://p:1/", ""]),
            (&[("NO_PROXY", "x"), ("no_proxy", "y"), ("http_proxy", "p")], both, ["http://p/", "", "y"]),
            (&[("HTTP_PROXY", "p:1"), ("REQUEST_METHOD", "GET")], both, ["", "", ""]),
            (&[("http_proxy", "p:1"), ("REQUEST_METHOD", "GET")], both, ["http://p:1/", "", ""]),
            (&[("HTTP_PROXY", "p:1"), ("ALL_PROXY", "p:2"), ("REQUEST_METHOD", "GET")], http, ["http://p:2/", "", ""]),
            (&[("HTTP_PROXY", "p:1")], https, ["", "", ""]),
            (&[("HTTPS_PROXY", "https://me:pw@[::1]:1")], https, ["", "https://me:pw@[::1]:1/", ""]),
        ];
        for (variables, endpoints, expected) in table {
            assert_eq!(of(variables, endpoints), Ok(expected.map(str::to_owned)), "{variables:?}");
        }
    }

    #[test]
    fn this_machine_is_asked_directly() {
        let variables = [("http_proxy", "p:1"), ("NO_PROXY", "x")];
        for here in ["http://127.0.0.1:8080", "http://[::1]:8080", "http://localhost:1"] {
            assert_eq!(of(&variables, &[here]), Ok(Default::default()), "{here}");
        }
        let mixed = of(&variables, &["http://[::1]:8080", "http://iam.example", "http://127.0.0.1:1"]).unwrap();
        assert_eq!(mixed, ["http://p:1/", "", "x,::1,127.0.0.1"]);
    }

    #[test]
    fn a_bad_one_is_a_problem_only_where_it_would_be_used() {
        for value in ["socks5://hunter2:1080", "http://", "hunter2 x", "http://u:hunter2@p/path", "p:99999"] {
            let report = of(&[("HTTPS_PROXY", value)], &["https://dcs.example"]).unwrap_err();
            assert!(report.starts_with("environment variable HTTPS_PROXY: "), "{report}");
            assert!(!report.contains("hunter2") && report.contains("`proxy`"), "{report}");
            for endpoint in ["http://dcs.example", "https://localhost"] {
                assert_eq!(of(&[("HTTPS_PROXY", value)], &[endpoint]), Ok(Default::default()));
            }
        }
    }
}
