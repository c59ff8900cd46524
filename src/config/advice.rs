//! What was probably meant, and how to speak of what was typed.
//!
//! A key that is not known is most often a known one: misspelt, in another case, or a level too high or too low. What
//! does not look like a key may be a value that slipped into its place, perhaps a secret, and is not repeated.

use std::collections::BTreeSet;

use super::keys::KEYS;
use super::schema::{KeyDoc, LONGEST_NAME};

/// What to say of a key that is not known in `parent`.
pub(super) fn unknown(parent: &str, word: &str) -> String {
    let siblings: Vec<&'static str> =
        KEYS.iter().filter(|key| key.parent() == parent).filter_map(KeyDoc::word).collect();
    if let Some((before, _)) = word.split_once(':')
        && siblings.contains(&before)
    {
        return format!("a space is missing after `{before}:`");
    }
    let folded = fold(word);
    if let Some(same) = siblings.iter().find(|sibling| fold(sibling) == folded) {
        return format!("unknown key; write `{same}`");
    }
    let elsewhere: Vec<String> =
        KEYS.iter().filter(|key| key.word().is_some_and(|known| fold(known) == folded)).map(home).collect();
    if let [home] = elsewhere.as_slice() {
        return format!("unknown key here; it belongs {home}");
    }
    if let Some(meant) = nearest(word, &siblings) {
        return format!("unknown key; did you mean `{meant}`?");
    }
    let all: BTreeSet<&'static str> = KEYS.iter().filter_map(KeyDoc::word).collect();
    let all: Vec<&str> = all.into_iter().collect();
    let homes_of = |word: &str| KEYS.iter().filter(|key| key.word() == Some(word)).map(home).collect::<Vec<_>>();
    match nearest(word, &all) {
        Some(meant) if elsewhere.is_empty() && homes_of(meant).len() == 1 => {
            format!("unknown key; did you mean `{meant}`, {}?", homes_of(meant)[0])
        }
        _ if !elsewhere.is_empty() && elsewhere.len() <= 3 => {
            let homes: Vec<&str> = elsewhere.iter().map(String::as_str).collect();
            format!("unknown key here; it belongs {}", either(&homes))
        }
        _ if siblings.is_empty() => "unknown key; remove it".to_owned(),
        _ => format!("unknown key; known here: {}", siblings.join(", ")),
    }
}

fn home(key: &KeyDoc) -> String {
    match key.parent() {
        "" => "at the top level".to_owned(),
        parent => format!("under `{parent}`"),
    }
}

/// Words that others use for our keys.
const SYNONYMS: [(&str, &str); 8] = [
    ("ak", "access_key"),
    ("sk", "secret_key"),
    ("accesskeyid", "access_key"),
    ("secretaccesskey", "secret_key"),
    ("secret", "secret_key"),
    ("token", "security_token"),
    ("url", "endpoint"),
    ("timeout", "request_timeout"),
];

/// The candidate that was probably meant, if any is near enough.
pub(crate) fn nearest<'c>(word: &str, candidates: &[&'c str]) -> Option<&'c str> {
    let folded = fold(word);
    if let Some((_, meant)) = SYNONYMS.iter().find(|(other, _)| *other == folded)
        && let Some(known) = candidates.iter().find(|candidate| *candidate == meant)
    {
        return Some(known);
    }
    // Endless words cost time that grows with their square.
    if folded.len() > LONGEST_NAME {
        return None;
    }
    let distance = |candidate: &str| strsim::damerau_levenshtein(&folded, &fold(candidate));
    let best = candidates.iter().copied().min_by_key(|candidate| distance(candidate))?;
    let longer = folded.chars().count().max(best.chars().count());
    (distance(best) * 3 <= longer.max(3)).then_some(best)
}

/// Case, hyphens and underscores are what people mix up first.
fn fold(word: &str) -> String {
    word.chars().filter(|c| !matches!(c, '_' | '-' | ' ')).flat_map(char::to_lowercase).collect()
}

/// A key that may be repeated in a sentence. What does not look like one may be a value that slipped, even a secret.
pub(crate) fn presentable(word: &str) -> &str {
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | ' ' | '@' | '/' | '+');
    if word.len() <= LONGEST_NAME && word.chars().all(plain) { word } else { "…" }
}

/// `a`, `a or b`, `a, b or c`.
pub(crate) fn either(words: &[&str]) -> String {
    match words.split_last() {
        None => String::new(),
        Some((last, [])) => (*last).to_owned(),
        Some((last, rest)) => format!("{} or {last}", rest.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_key_gets_the_best_advice_there_is() {
        let table = [
            ("", "pollling", "unknown key; did you mean `polling`?"),
            ("", "Polling", "unknown key; write `polling`"),
            ("projects[]", "projectId", "unknown key; write `project_id`"),
            ("projects[]", "polling", "unknown key here; it belongs at the top level"),
            ("projects[]", "pooling", "unknown key; did you mean `polling`, at the top level?"),
            ("", "idle_interval", "unknown key here; it belongs under `polling`"),
            ("", "limits", "unknown key here; it belongs under `projects[]` or under `credentials.<name>`"),
            ("credentials.<name>", "ak", "unknown key; did you mean `access_key`?"),
            ("credentials.<name>", "secret_key:xyz", "a space is missing after `secret_key:`"),
            ("shard", "zzz", "unknown key; known here: ordinal, total"),
        ];
        for (parent, word, expected) in table {
            assert_eq!(unknown(parent, word), expected, "{parent} {word}");
        }
    }

    #[test]
    fn what_may_be_a_secret_is_not_repeated() {
        for word in ["secret_key:hunter2", "sk=hunter2", "a\nb", &"k".repeat(129)] {
            assert_eq!(presentable(word), "…");
        }
        for word in ["ops", "my-ops_2.eu", "größe", "0012", "team@prod"] {
            assert_eq!(presentable(word), word);
        }
    }

    #[test]
    fn far_words_are_not_meant() {
        assert_eq!(nearest("zzz", &["ordinal", "total"]), None);
        assert_eq!(nearest("totl", &["ordinal", "total"]), Some("total"));
        assert_eq!(nearest("anything", &[]), None);
        assert_eq!(nearest(&"x".repeat(1_000_000), &["total"]), None);
        assert_eq!(either(&["a", "b", "c"]), "a, b or c");
    }
}
