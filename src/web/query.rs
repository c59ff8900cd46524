//! The parameters of a request's query.

use thiserror::Error;
use url::form_urlencoded;

/// Parameters as they were sent, decoded.
#[derive(Debug)]
pub(super) struct Query(Vec<(String, String)>);

/// A query that cannot be answered; the sentence is for the client.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(super) enum BadQuery {
    #[error("{0} parameter is missing")]
    Missing(&'static str),
    #[error("{0} parameter is given more than once")]
    Repeated(&'static str),
    #[error("{0} parameter must be {1}")]
    Wrong(&'static str, String),
    #[error("unknown parameter; there are {0}")]
    Unknown(String),
}

impl Query {
    /// Reads a query. Its length is bounded by that of a request's head.
    pub(super) fn of(query: Option<&str>) -> Self {
        let pairs = form_urlencoded::parse(query.unwrap_or_default().as_bytes());
        Self(pairs.map(|(name, value)| (name.into_owned(), value.into_owned())).collect())
    }

    /// The value of a parameter; an empty one counts as not sent.
    pub(super) fn one(&self, name: &'static str) -> Result<Option<&str>, BadQuery> {
        let mut values = self.0.iter().filter(|(known, _)| known == name).map(|(_, value)| value.as_str());
        let value = values.next().filter(|value| !value.is_empty());
        if values.next().is_some() { Err(BadQuery::Repeated(name)) } else { Ok(value) }
    }

    /// The value of a parameter that must be there.
    pub(super) fn needed(&self, name: &'static str) -> Result<&str, BadQuery> {
        self.one(name)?.ok_or(BadQuery::Missing(name))
    }

    /// A parameter that is a number.
    pub(super) fn number(&self, name: &'static str) -> Result<Option<usize>, BadQuery> {
        let wrong = |_| BadQuery::Wrong(name, "a number, from 0".to_owned());
        self.one(name)?.map(|value| value.parse().map_err(wrong)).transpose()
    }

    /// Refuses parameters that are none of these: one that is misspelt would silently select nothing.
    pub(super) fn has_only(&self, names: &[&str]) -> Result<(), BadQuery> {
        let is_known = |(name, _): &(String, String)| names.contains(&name.as_str());
        if self.0.iter().all(is_known) { Ok(()) } else { Err(BadQuery::Unknown(names.join(", "))) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_parameter_is_there_once_and_decoded() {
        for (query, expected) in [
            (None, Err(BadQuery::Missing("id"))),
            (Some(""), Err(BadQuery::Missing("id"))),
            (Some("id"), Err(BadQuery::Missing("id"))),
            (Some("id="), Err(BadQuery::Missing("id"))),
            (Some("ID=a"), Err(BadQuery::Missing("id"))),
            (Some("id=a"), Ok("a")),
            (Some("x=y&&id=a&x=z"), Ok("a")),
            (Some("id=a&id=a"), Err(BadQuery::Repeated("id"))),
            (Some("id=&id=a"), Err(BadQuery::Repeated("id"))),
            (Some("%69d=%61+%2B%26%3D%E7%BC%93"), Ok("a +&=缓")),
            (Some("id=a%"), Ok("a%")),
            (Some("id=a%ZZ"), Ok("a%ZZ")),
            (Some("id=%FF"), Ok("\u{fffd}")),
            (Some("id=a=b"), Ok("a=b")),
        ] {
            assert_eq!(Query::of(query).needed("id"), expected, "{query:?}");
        }
    }

    #[test]
    fn numbers_are_whole_and_not_negative() {
        let wrong = || Err(BadQuery::Wrong("n", "a number, from 0".to_owned()));
        for (value, expected) in [
            ("", Ok(None)),
            ("0", Ok(Some(0))),
            ("100", Ok(Some(100))),
            ("-1", wrong()),
            ("1.5", wrong()),
            ("99999999999999999999999", wrong()),
            ("x", wrong()),
        ] {
            assert_eq!(Query::of(Some(&format!("n={value}"))).number("n"), expected, "{value}");
        }
    }

    #[test]
    fn what_is_unknown_is_refused_without_being_repeated() {
        let query = Query::of(Some("project=a&verdicts=<script>"));
        assert_eq!(query.has_only(&["project", "verdicts"]), Ok(()));
        let refusal = query.has_only(&["project", "verdict"]).unwrap_err();
        assert_eq!(refusal.to_string(), "unknown parameter; there are project, verdict");
    }
}
