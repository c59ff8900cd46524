//! What the query of a request asks for, in both versions' spellings.
//!
//! The documents do not agree with themselves: tables say `begin_time`, the example URLs beside them `begin_Time`
//! or `beginTime`, and one page of v2 has `start` in its example. All are understood.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use super::refusal::Refusal;
use super::route::{Call, Version};

/// The query, decoded.
pub(super) struct Query(Vec<(String, String)>);

/// Which part of a list is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Paging {
    /// How many entries to leave out.
    pub(super) offset: usize,
    /// How many to send at most.
    pub(super) limit: usize,
}

/// The longest page (newest documents of v2).
const LONGEST: usize = 1000;

impl Query {
    /// Reads the part of a URL behind the question mark.
    pub(super) fn parse(query: &str) -> Self {
        Self(url::form_urlencoded::parse(query.as_bytes()).into_owned().collect())
    }

    /// The first value of the first of these keys that is there.
    pub(super) fn first(&self, keys: &[&str]) -> Option<&str> {
        keys.iter().find_map(|key| self.0.iter().find(|(name, _)| name == key)).map(|(_, value)| value.as_str())
    }

    /// Every value of a key.
    pub(super) fn all<'a>(&'a self, key: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(name, _)| name == key).map(|(_, value)| value.as_str())
    }

    /// Every key with its value.
    pub(super) fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The page that is asked for.
    pub(super) fn paging(&self, version: Version, call: Call) -> Result<Paging, Refusal> {
        let number = |key: &'static str, range: std::ops::RangeInclusive<usize>, default| match self.first(&[key]) {
            None => Ok(default),
            Some(text) => match text.parse() {
                Ok(number) if range.contains(&number) => Ok(number),
                _ => Err(Refusal::invalid(key)),
            },
        };
        let usual = if version == Version::V1 && call == Call::Instances { LONGEST } else { 10 };
        let limit = number("limit", 1..=LONGEST, usual)?;
        let offset = match version {
            Version::V2 if self.first(&["offset"]).is_some() => number("offset", 0..=usize::MAX, 0)?,
            _ => number("start", 1..=usize::MAX, 1)? - 1,
        };
        Ok(Paging { offset, limit })
    }

    /// Between which moments the records asked for were requested.
    pub(super) fn period(&self) -> Result<(Timestamp, Timestamp), Refusal> {
        let moment = |keys: &[&str], name: &'static str, default| match self.first(keys) {
            None | Some("") => Ok(default),
            Some(text) => DateTime::strptime("%Y%m%d%H%M%S", text)
                .and_then(|moment| moment.to_zoned(TimeZone::UTC))
                .map(|moment| moment.timestamp())
                .map_err(|_| Refusal::invalid(name)),
        };
        let begins = ["begin_time", "begin_Time", "beginTime", "start_time", "startTime"];
        let begin = moment(&begins, "begin_time", Timestamp::MIN)?;
        let end = moment(&["end_time", "end_Time", "endTime"], "end_time", Timestamp::MAX)?;
        if end < begin {
            Err(Refusal::service(400, "DCS.4025", "The end time must be after the start time."))
        } else {
            Ok((begin, end))
        }
    }

    /// Whether `tags=k=v,k2=v2` lets these tags through: all must match, a key alone matches any value.
    pub(super) fn admits_tags(&self, tags: &[(String, String)]) -> bool {
        let Some(wanted) = self.first(&["tags"]) else { return true };
        wanted.split(',').filter(|pair| !pair.is_empty()).all(|pair| match pair.split_once('=') {
            Some((key, value)) => tags.iter().any(|(own, its)| own == key && its == value),
            None => tags.iter().any(|(key, _)| *key == pair),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_in_both_versions() {
        let paging = |version, call, query: &str| {
            Query::parse(query).paging(version, call).ok().map(|paging| (paging.offset, paging.limit))
        };
        let cases = [
            (Version::V2, Call::Instances, "", Some((0, 10))),
            (Version::V2, Call::Backups, "offset=20&limit=1000", Some((20, 1000))),
            (Version::V2, Call::Backups, "start=3", Some((2, 10))),
            (Version::V2, Call::Backups, "offset=1&start=3", Some((1, 10))),
            (Version::V2, Call::Backups, "limit=0", None),
            (Version::V2, Call::Backups, "limit=1001", None),
            (Version::V2, Call::Backups, "limit=ten", None),
            (Version::V2, Call::Backups, "offset=-1", None),
            (Version::V1, Call::Instances, "", Some((0, 1000))),
            (Version::V1, Call::Backups, "", Some((0, 10))),
            (Version::V1, Call::Restores, "start=11&limit=10", Some((10, 10))),
            (Version::V1, Call::Restores, "start=0", None),
        ];
        for (version, call, query, expected) in cases {
            assert_eq!(paging(version, call, query), expected, "{version:?} {call} {query}");
        }
    }

    #[test]
    fn times_in_every_spelling() {
        let begin: Timestamp = "2017-07-18T23:59:59Z".parse().unwrap();
        for key in ["begin_time", "begin_Time", "beginTime"] {
            let query = format!("{key}=20170718235959");
            assert_eq!(Query::parse(&query).period().unwrap(), (begin, Timestamp::MAX), "{query}");
        }
        for key in ["end_time", "end_Time", "endTime"] {
            let query = format!("{key}=20170718235959");
            assert_eq!(Query::parse(&query).period().unwrap(), (Timestamp::MIN, begin), "{query}");
        }
        for bad in ["begin_time=2017", "end_time=x", "begin_time=20170719000000&end_time=20170718000000"] {
            assert!(Query::parse(bad).period().is_err(), "{bad}");
        }
    }

    #[test]
    fn tags_must_all_match() {
        let tags = [("env", "prod"), ("team", "shop")].map(|(key, value)| (key.to_owned(), value.to_owned()));
        for (query, expected) in [
            ("", true),
            ("tags=env%3Dprod", true),
            ("tags=env=prod,team=shop", true),
            ("tags=env", true),
            ("tags=env=prod,team=edge", false),
            ("tags=owner", false),
        ] {
            assert_eq!(Query::parse(query).admits_tags(&tags), expected, "{query}");
        }
    }
}
