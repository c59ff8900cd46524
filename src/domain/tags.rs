//! The tags of an instance: keys and values that its owners chose, and the labels that some of them become.
//!
//! All tags of an instance are kept, not only those that the configuration names today: a reload or a restart that
//! names another one is then right at once, without asking the cloud. They lie in one text, so that the twenty that
//! DCS allows cost about half a kilobyte of an instance's memory, and a copy costs nothing.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// What ends a key and a value; no tag holds it.
const END: char = '\0';

/// The tags of an instance, sorted by key; cheap to clone.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Tags(Arc<str>);

impl Tags {
    /// These tags; of a key that occurs twice the last value counts, and one without a text is no key.
    pub fn of<K: AsRef<str>, V: AsRef<str>>(tags: impl IntoIterator<Item = (K, V)>) -> Self {
        let plain = |text: &str| text.replace(END, "\u{fffd}");
        let sorted: BTreeMap<String, String> =
            tags.into_iter().map(|(key, value)| (plain(key.as_ref()), plain(value.as_ref()))).collect();
        let mut text = String::with_capacity(sorted.iter().map(|(key, value)| key.len() + value.len() + 2).sum());
        for (key, value) in sorted.iter().filter(|(key, _)| !key.is_empty()) {
            for part in [key, value] {
                text.push_str(part);
                text.push(END);
            }
        }
        Self(text.into())
    }

    /// Each key and its value, which may be empty.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        let mut parts = self.0.split_terminator(END);
        std::iter::from_fn(move || Some((parts.next()?, parts.next()?)))
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.iter().find(|(own, _)| *own == key).map(|(_, value)| value)
    }
}

impl fmt::Debug for Tags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

/// A tag that becomes a label.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TagLabel {
    /// The tag's key, as the cloud has it.
    pub key: String,
    /// The label's name: ASCII letters, digits and `_`, unique among those of a project.
    pub label: String,
}

impl TagLabel {
    /// The labels of these keys: `tag_` and the key, with `_` for every character that no label may have.
    ///
    /// Where that is the label of an earlier key, `_conflict1`, `_conflict2`, … is added. So the names follow from the
    /// keys and their order alone, never from which instances there are, and a key added at the end renames no other.
    pub fn of<K: AsRef<str>>(keys: impl IntoIterator<Item = K>) -> Vec<Self> {
        let mut labels: Vec<Self> = Vec::new();
        for key in keys {
            let key = key.as_ref();
            let plain = Self::plain(key);
            let is_free = |label: &String| labels.iter().all(|other| other.label != *label);
            let conflicts = (1_usize..).map(|number| format!("{plain}_conflict{number}"));
            let label = std::iter::once(plain.clone()).chain(conflicts).find(is_free);
            labels.extend(label.map(|label| Self { key: key.to_owned(), label }));
        }
        labels
    }

    /// What a key's label is called where no other one is in its way.
    pub fn plain(key: &str) -> String {
        let allowed = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
        "tag_".chars().chain(key.chars().map(allowed)).collect()
    }
}

/// The labels that the tags of an instance give; cheap to clone and to compare.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TagLabels {
    wanted: Arc<[TagLabel]>,
    tags: Tags,
}

impl TagLabels {
    /// Those that are wanted of these tags.
    pub fn of(wanted: &Arc<[TagLabel]>, tags: &Tags) -> Self {
        Self { wanted: Arc::clone(wanted), tags: tags.clone() }
    }

    /// Names and values, in the order of the configuration; tags that are missing or empty give none, which is the
    /// same to Prometheus.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        let value = |wanted: &TagLabel| self.tags.get(&wanted.key).filter(|value| !value.is_empty());
        self.wanted.iter().filter_map(move |wanted| Some((wanted.label.as_str(), value(wanted)?)))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    fn labels(keys: &[&str]) -> Vec<String> {
        TagLabel::of(keys).into_iter().map(|label| label.label).collect()
    }

    #[test]
    fn tags_are_sorted_and_each_key_counts_once() {
        let tags = Tags::of([("team", "shop"), ("env", "test"), ("", "nothing"), ("env", "prod"), ("bare", "")]);
        assert_eq!(tags.iter().collect::<Vec<_>>(), [("bare", ""), ("env", "prod"), ("team", "shop")]);
        assert_eq!((tags.get("env"), tags.get("bare"), tags.get("en")), (Some("prod"), Some(""), None));
        assert_eq!(format!("{tags:?}"), r#"{"bare": "", "env": "prod", "team": "shop"}"#);
        assert_eq!(Tags::of([("a\0b", "c\0d")]).get("a\u{fffd}b"), Some("c\u{fffd}d"));
    }

    #[test]
    fn labels_have_the_characters_that_labels_may_have() {
        for (key, label) in [
            ("team", "tag_team"),
            ("Cost-Center", "tag_Cost_Center"),
            ("k8s.io/cluster", "tag_k8s_io_cluster"),
            ("1st", "tag_1st"),
            ("_sys", "tag__sys"),
            ("größe", "tag_gr__e"),
            ("团队", "tag___"),
            ("a b\"c\\d", "tag_a_b_c_d"),
        ] {
            assert_eq!(labels(&[key]), [label], "{key}");
        }
    }

    #[test]
    fn keys_that_would_share_a_label_get_their_own_by_their_order() {
        assert_eq!(labels(&["团队", "环境", "a"]), ["tag___", "tag____conflict1", "tag_a"]);
        assert_eq!(labels(&["a-b", "a.b", "a_b"]), ["tag_a_b", "tag_a_b_conflict1", "tag_a_b_conflict2"]);
        assert_eq!(
            labels(&["a-b_conflict1", "a-b", "a.b"]),
            ["tag_a_b_conflict1", "tag_a_b", "tag_a_b_conflict2"],
            "an odd key may already be called so"
        );
    }

    #[test]
    fn a_tag_that_is_missing_or_empty_gives_no_label() {
        let wanted = TagLabel::of(["env", "team", "tier"]).into();
        let of = |tags: &[(&str, &str)]| TagLabels::of(&wanted, &Tags::of(tags.iter().copied()));
        let labels = of(&[("tier", "gold"), ("env", "prod"), ("team", ""), ("other", "x")]);
        assert_eq!(labels.iter().collect::<Vec<_>>(), [("tag_env", "prod"), ("tag_tier", "gold")]);
        assert_eq!(TagLabels::default().iter().count(), 0);
    }

    proptest! {
        #[test]
        fn tags_come_back_as_they_are(pairs in proptest::collection::btree_map("[^\0]{1,12}", "[^\0]{0,12}", 0..8)) {
            let tags = Tags::of(&pairs);
            let own = tags.iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
            prop_assert_eq!(&pairs, &own);
            prop_assert_eq!(Tags::of(tags.iter()), tags);
        }

        #[test]
        fn labels_are_valid_unique_and_not_renamed_by_what_comes_later(keys in proptest::collection::hash_set("[ab._\\-é团]{1,4}(_conflict[12])?", 0..12)) {
            let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
            let all = labels(&keys);
            prop_assert_eq!(all.len(), keys.len());
            prop_assert_eq!(all.iter().collect::<HashSet<_>>().len(), all.len());
            for (index, label) in all.iter().enumerate() {
                prop_assert!(label.starts_with("tag_"));
                prop_assert!(label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_'), "{}", label);
                prop_assert_eq!(&labels(&keys[..=index])[index], label);
            }
        }
    }
}
