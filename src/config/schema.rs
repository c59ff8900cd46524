//! What a key is: its kind, its default, its help; and how to find one in the table.

use std::ops::RangeInclusive;
use std::time::Duration;

use super::address;
use super::advice::either;
use super::keys::KEYS;
use super::problem::quoted;
use super::scalar;
use crate::domain::plan::UtcOffset;

/// Ids, names and paths are shorter; labels stay bounded.
pub(super) const LONGEST_NAME: usize = 128;

/// How long temporary keys may be asked for: what IAM documents for the keys of an agency.
pub(super) const VALIDITY: RangeInclusive<Duration> = Duration::from_mins(15)..=Duration::from_hours(24);

/// One key of the configuration.
#[derive(Clone, Copy, Debug)]
pub struct KeyDoc {
    /// Where it stands, such as `projects[].discovery.interval` or `credentials.<name>.access_key`: `[]` is any
    /// element of a list, `<name>` a name of the user's own.
    pub path: &'static str,
    /// The default as it could be typed; `None` where there is none or where it follows from something else, which
    /// `help` then says.
    pub default: Option<&'static str>,
    /// What it means, in one line.
    pub help: &'static str,
    /// What may stand there.
    pub(super) kind: Kind,
}

/// What may stand under a key.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Kind {
    /// A mapping whose keys are in the table.
    Map,
    /// A mapping whose keys are the user's own.
    Names,
    /// A list of mappings.
    List,
    /// A list of texts.
    Texts,
    /// A text or a list of texts.
    TextOrTexts,
    /// A name or id: not empty, not long, on one line.
    Name,
    /// Any text on one line.
    Text,
    /// A name that becomes a header: visible ASCII.
    HeaderText,
    /// Never shown.
    Secret,
    /// Never shown, and part of a header: visible ASCII.
    HeaderSecret,
    /// The path of a file or directory.
    Path,
    /// The base of an API's URLs.
    Endpoint,
    /// A whole URL, with its path.
    Url,
    /// The URL of a proxy, perhaps with a password.
    Proxy,
    /// Longer than nothing.
    Duration,
    /// Nothing at all is meaningful too.
    DurationOrZero,
    /// How long temporary keys shall be valid.
    Validity,
    /// True or false.
    Switch,
    /// A number above 0 up to this.
    Rate(f64),
    /// A whole number from … to ….
    Count(u32, u32),
    /// An offset from UTC.
    Offset,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// A whole number from 0, or `auto`.
    Ordinal,
}

impl KeyDoc {
    /// The last word of the path; a name of the user's own has none.
    pub(super) fn word(&self) -> Option<&'static str> {
        let word = self.path.rsplit('.').next()?;
        (word != "<name>").then_some(word)
    }

    /// The path of what it stands in; empty at the top.
    pub(super) fn parent(&self) -> &'static str {
        self.path.rsplit_once('.').map_or("", |(parent, _)| parent)
    }

    /// Where the keys stand that stand in it.
    pub(super) fn inside(&self) -> String {
        match self.kind {
            Kind::List => format!("{}[]", self.path),
            _ => self.path.to_owned(),
        }
    }
}

impl Kind {
    /// Whether a list or a mapping may stand there, and what to say where something else does.
    pub(super) fn expects(self) -> &'static str {
        match self {
            Self::Map => "must be a mapping of keys",
            Self::Names => "must be a mapping of names",
            Self::List => "must be a list (lines that begin with `- `)",
            Self::Texts => "must be a list of words, such as [a, b]",
            Self::TextOrTexts => "must be a word or a list of words",
            _ => "must be a single value, not a list or a mapping",
        }
    }

    /// What is wrong with a text as a value of this kind. Secrets are not repeated.
    pub(super) fn check(self, text: &str) -> Result<(), String> {
        match self {
            Self::Name | Self::Texts if text.len() > LONGEST_NAME => {
                Err(format!("is longer than {LONGEST_NAME} bytes; shorten it"))
            }
            Self::Name | Self::Text | Self::Path | Self::Texts | Self::TextOrTexts => one_line(text),
            Self::HeaderText if !text.bytes().all(|byte| byte.is_ascii_graphic()) => {
                Err(format!("{} holds a space or another character that no such name has", quoted(text)))
            }
            Self::HeaderText => Self::Name.check(text),
            Self::Secret | Self::HeaderSecret if text.is_empty() => Err(EMPTY.to_owned()),
            Self::HeaderSecret if !text.bytes().all(|byte| byte.is_ascii_graphic()) => {
                Err("holds a space, a line break or another character that no such key has; check how it was copied"
                    .to_owned())
            }
            Self::Secret | Self::HeaderSecret | Self::Map | Self::Names | Self::List => Ok(()),
            Self::Endpoint => address::endpoint(text).map(drop),
            Self::Url => address::whole(text).map(drop),
            Self::Proxy => address::proxy(text).map(drop),
            Self::Duration | Self::DurationOrZero => {
                let duration = scalar::duration(text)?;
                if duration.is_zero() && self == Self::Duration {
                    Err(format!("{} is no time at all; write a duration such as 15s, 5m or 7d", quoted(text)))
                } else if duration > scalar::LONGEST {
                    Err(format!("{} is longer than a year", quoted(text)))
                } else {
                    Ok(())
                }
            }
            Self::Validity => match scalar::duration(text)? {
                duration if VALIDITY.contains(&duration) => Ok(()),
                _ => Err(format!("{} is not from 15m to 24h, which is what the cloud grants", quoted(text))),
            },
            Self::Switch => scalar::switch(text).map(drop),
            Self::Rate(most) => scalar::rate(text, most).map(drop),
            Self::Count(least, most) => scalar::count(text, least, most).map(drop),
            Self::Offset => UtcOffset::parse(text)
                .map(drop)
                .ok_or_else(|| format!("{} is not an offset from UTC; write it like \"+08:00\"", quoted(text))),
            Self::Choice(words) if words.contains(&text) => Ok(()),
            Self::Choice(words) => Err(format!("{} is not known; write {}", quoted(text), either(words))),
            Self::Ordinal if text == "auto" => Ok(()),
            Self::Ordinal => scalar::count(text, 0, u32::MAX)
                .map(drop)
                .map_err(|_| format!("{} is neither a whole number nor `auto`", quoted(text))),
        }
    }
}

const EMPTY: &str = "is empty; give it a value or remove it";

fn one_line(text: &str) -> Result<(), String> {
    if text.is_empty() {
        Err(EMPTY.to_owned())
    } else if text.chars().any(char::is_control) {
        Err(format!("{} holds a line break or another control character; remove it", quoted(text)))
    } else {
        Ok(())
    }
}

/// Every key there is, in the order of the annotated reference file.
pub fn keys() -> &'static [KeyDoc] {
    KEYS
}

/// The key with this path.
pub(super) fn find(path: &str) -> Option<&'static KeyDoc> {
    KEYS.iter().find(|key| key.path == path)
}

/// The key of this word that stands directly in `parent` (a path, with `[]` after a list's).
pub(super) fn child(parent: &str, word: &str) -> Option<&'static KeyDoc> {
    KEYS.iter().find(|key| key.parent() == parent && key.word().is_none_or(|known| known == word))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn the_table_is_consistent() {
        let mut seen = HashSet::new();
        for key in keys() {
            assert!(seen.insert(key.path), "{} is there twice", key.path);
            assert!(!key.help.is_empty() && !key.help.contains('\n') && !key.help.ends_with('.'), "{}", key.path);
            let parent = key.parent().trim_end_matches("[]");
            assert!(parent.is_empty() || seen.contains(parent), "{} comes before its parent", key.path);
            if let Some(default) = key.default {
                assert_eq!(key.kind.check(default), Ok(()), "{}", key.path);
            }
        }
    }

    #[test]
    fn keys_are_found_by_where_they_stand() {
        let table = [
            ("", "polling", Some("polling")),
            ("projects[]", "name", Some("projects[].name")),
            ("credentials", "anything at all", Some("credentials.<name>")),
            ("credentials.<name>", "limits", Some("credentials.<name>.limits")),
            ("projects[].discovery.include.tags", "env", Some("projects[].discovery.include.tags.<name>")),
            ("projects", "name", None),
            ("", "name", None),
            ("", "<name>", None),
        ];
        for (parent, word, expected) in table {
            assert_eq!(child(parent, word).map(|key| key.path), expected, "{parent} {word}");
        }
    }

    #[test]
    fn temporary_keys_are_asked_for_within_what_is_granted() {
        for text in ["15m", "1h", "24h", "1d"] {
            assert_eq!(Kind::Validity.check(text), Ok(()), "{text}");
        }
        for text in ["14m59s", "24h1ms", "0s", "1y", "3600"] {
            assert!(Kind::Validity.check(text).is_err(), "{text}");
        }
    }

    #[test]
    fn names_for_headers_are_visible_ascii() {
        assert_eq!(Kind::HeaderText.check("my-idp_2"), Ok(()));
        for text in ["", "a b", "ä", "a\nb", &"a".repeat(129)] {
            assert!(Kind::HeaderText.check(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn names_are_bounded_and_secrets_are_not_repeated() {
        assert_eq!(Kind::Name.check(&"a".repeat(128)), Ok(()));
        for text in ["", "a\nb", "\u{7f}", &"a".repeat(129)] {
            assert!(Kind::Name.check(text).is_err(), "{text:?}");
        }
        for kind in [Kind::HeaderSecret, Kind::Secret, Kind::Proxy, Kind::Endpoint, Kind::Url] {
            for text in ["hunter2\n", "http://u:hunter2@h/path", "hunter2@", "ftp://hunter2@x", "http://u:1/hunter2@h"]
            {
                if let Err(sentence) = kind.check(text) {
                    assert!(!sentence.contains("hunter2"), "{kind:?} {sentence}");
                }
            }
        }
    }
}
