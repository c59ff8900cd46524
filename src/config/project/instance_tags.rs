//! Which tags become labels.

use crate::config::problem::quoted;
use crate::config::section::Section;
use crate::domain::tags::TagLabel;

/// Key `instance_tags`; `None` where something was complained about. A key whose label another one has already gets
/// another label, and a warning names it: two labels of one name would make a scrape that Prometheus refuses.
pub(super) fn read(section: &Section) -> Option<Vec<TagLabel>> {
    if !section.has("instance_tags") {
        return Some(Vec::new());
    }
    let keys = section.texts("instance_tags")?;
    let labels = TagLabel::of(keys.iter().map(|field| field.text));
    for (field, TagLabel { label, .. }) in keys.iter().zip(&labels) {
        let plain = TagLabel::plain(field.text);
        if let Some(other) = labels.iter().find(|other| other.label == plain && *label != plain) {
            field
                .place
                .warning(format!("becomes the label {label}, because {plain} is that of {}", quoted(&other.key)));
        }
    }
    Some(labels)
}
