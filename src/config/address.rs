//! URLs of endpoints and proxies, checked once.
//!
//! The URL standard forgives much (`https:\host`, line breaks, spaces); a configuration should not. What may hold a
//! password is never repeated in a sentence, and of a variable's value nothing is.

use std::net::IpAddr;

use url::{Host, Url};

use super::problem::quoted;

/// The base of an API's URLs: scheme, host and perhaps a port.
pub(super) fn endpoint(text: &str) -> Result<Url, String> {
    let url = parse(text, &shown(text))?;
    nobody(&url)?;
    bare(&url)?;
    Ok(url)
}

/// A whole address, perhaps with a path and a query.
pub(super) fn whole(text: &str) -> Result<Url, String> {
    let url = parse(text, &shown(text))?;
    nobody(&url)?;
    if url.fragment().is_some() {
        return Err("has a fragment; remove the `#` and what follows".to_owned());
    }
    Ok(url)
}

/// An HTTP proxy; it may hold a user and a password.
pub(super) fn proxy(text: &str) -> Result<Url, String> {
    let url = parse(text, &shown(text))?;
    bare(&url)?;
    Ok(url)
}

/// An HTTP proxy as variables name one: without a scheme it is `http://`. Nothing of it is repeated.
pub(super) fn proxy_of_variable(text: &str) -> Result<Url, String> {
    let text = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
    let url = parse(&text, "its value")?;
    if url.path() != "/" {
        return Err("has a path; remove it: scheme, host and port are enough".to_owned());
    }
    bare(&url)?;
    Ok(url)
}

/// Whether requests to it stay on this machine.
pub(super) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(ip)) => IpAddr::from(ip).is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback() || ip.to_ipv4_mapped().is_some_and(|ip| ip.is_loopback()),
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        None => false,
    }
}

/// A text as it may be repeated: what has an `@` may have a password before it.
fn shown(text: &str) -> String {
    if text.contains('@') { "it".to_owned() } else { quoted(text) }
}

fn parse(text: &str, shown: &str) -> Result<Url, String> {
    if text.is_empty() {
        return Err("is empty; give it a value or remove it".to_owned());
    }
    if text.chars().any(|c| c.is_whitespace() || c.is_control() || c == '\\') {
        return Err("holds a space, line break or backslash; remove it".to_owned());
    }
    let Some((scheme, rest)) = text.split_once("://") else {
        return Err(format!("{shown} is not a URL; write it like https://dcs.example.com"));
    };
    if !scheme.eq_ignore_ascii_case("http") && !scheme.eq_ignore_ascii_case("https") {
        return Err(format!("{shown} begins with neither https:// nor http://"));
    }
    if rest.is_empty() || rest.starts_with(['/', ':', '?', '#']) {
        return Err(format!("{shown} has no host; write it like https://dcs.example.com"));
    }
    let url = Url::parse(text).map_err(|error| format!("{shown} is not a URL: {error}"))?;
    if url.port() == Some(0) {
        return Err(format!("{shown} has port 0, which nothing listens on"));
    }
    Ok(url)
}

/// Nobody's name or password may stand in it.
fn nobody(url: &Url) -> Result<(), String> {
    if url.username().is_empty() && url.password().is_none() {
        Ok(())
    } else {
        Err("holds a user name or password; remove what stands before the `@`".to_owned())
    }
}

/// Nothing may follow host and port.
fn bare(url: &Url) -> Result<(), String> {
    if url.query().is_some() {
        Err("has a query; remove the `?` and what follows".to_owned())
    } else if url.fragment().is_some() {
        Err("has a fragment; remove the `#` and what follows".to_owned())
    } else if url.path() != "/" {
        // A password with a slash in it makes a path of what follows.
        let path = if url.path().contains('@') { "it".to_owned() } else { quoted(url.path()) };
        Err(format!("has a path; remove {path}: scheme, host and port are enough"))
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scheme_host_and_port_make_an_endpoint() {
        let table = [
            ("https://dcs.eu-de.otc.t-systems.com", "https://dcs.eu-de.otc.t-systems.com/"),
            ("https://dcs.example.com/", "https://dcs.example.com/"),
            ("HTTPS://DCS.Example.com:443", "https://dcs.example.com/"),
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080/"),
            ("https://[2001:db8::1]:8443", "https://[2001:db8::1]:8443/"),
        ];
        for (text, expected) in table {
            assert_eq!(endpoint(text).unwrap().as_str(), expected);
            assert_eq!(proxy(text).unwrap().as_str(), expected);
        }
    }

    #[test]
    fn everything_else_is_refused_with_what_to_do() {
        let table = [
            ("", "is empty"),
            ("dcs.example.com", "is not a URL"),
            ("dcs.example.com:443", "is not a URL"),
            ("https:dcs.example.com", "is not a URL"),
            ("https:\\\\dcs.example.com", "backslash"),
            ("https://dcs.example.com\n", "line break"),
            (" https://dcs.example.com", "space"),
            ("ftp://dcs.example.com", "neither https:// nor http://"),
            ("socks5://dcs.example.com", "neither https:// nor http://"),
            ("https://", "has no host"),
            ("https:///path", "has no host"),
            ("https://:443", "has no host"),
            ("https://dcs.example.com:0", "port 0"),
            ("https://dcs.example.com:99999", "is not a URL: invalid port"),
            ("https://[::1", "is not a URL"),
            ("https://dcs.example.com/v2/abc", "remove \"/v2/abc\""),
            ("https://dcs.example.com?x=1", "has a query"),
            ("https://dcs.example.com/#x", "has a fragment"),
        ];
        for (text, words) in table {
            for error in [endpoint(text).unwrap_err(), proxy(text).unwrap_err()] {
                assert!(error.contains(words), "{text}: {error}");
            }
        }
        assert!(endpoint("https://user:pw@dcs.example.com").unwrap_err().contains("user name or password"));
        assert_eq!(proxy("http://user:pw@proxy:3128").unwrap().port(), Some(3128));
    }

    #[test]
    fn a_whole_address_keeps_its_path() {
        for text in ["http://169.254.0.1/v1/credentials?x=1", "https://agent/"] {
            assert_eq!(whole(text).unwrap().as_str(), text);
        }
        assert!(whole("http://me:hunter2@agent/x").unwrap_err().contains("user name or password"));
        assert!(whole("http://agent/#x").unwrap_err().contains("fragment"));
        assert!(whole("agent/x").is_err());
    }

    #[test]
    fn proxies_of_variables_are_http_and_are_not_repeated() {
        for text in ["proxy:3128", "http://proxy:3128", "http://proxy:3128/", "HTTP://proxy:3128"] {
            assert_eq!(proxy_of_variable(text).unwrap().as_str(), "http://proxy:3128/");
        }
        assert_eq!(proxy_of_variable("me:hunter2@proxy:3128").unwrap().password(), Some("hunter2"));
        assert_eq!(proxy_of_variable("https://[::1]:1").unwrap().scheme(), "https");
        for text in [
            "socks5://hunter2",
            "socks5h://me:hunter2@proxy",
            "http://",
            "http://hunter2:x",
            "proxy/hunter2",
            "hun ter2",
            "http://me:hun/hunter2@proxy:1",
            "http://proxy?hunter2",
            "hunter2:0",
        ] {
            let sentence = proxy_of_variable(text).unwrap_err();
            assert!(!sentence.contains("hunter2"), "{sentence}");
        }
    }

    #[test]
    fn loopback_is_what_never_leaves_the_machine() {
        for text in
            ["http://127.0.0.1:1", "http://127.9.9.9", "http://[::1]:1", "http://localhost:1", "http://a.localhost"]
        {
            assert!(is_loopback(&endpoint(text).unwrap()), "{text}");
        }
        for text in ["http://10.0.0.1", "http://[::2]", "http://localhost.example.com", "http://example.com"] {
            assert!(!is_loopback(&endpoint(text).unwrap()), "{text}");
        }
    }
}
