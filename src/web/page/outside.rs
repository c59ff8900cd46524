//! Texts from outside, such as names and what the cloud says: whichever way they run, what is beside them does not.

use askama::Template;
use askama::filters::HtmlSafe;

use crate::direction;

/// A text that cannot turn the direction of what is beside it.
#[derive(Debug, Template)]
#[template(ext = "html", source = "<bdi>{{ text }}</bdi>")]
pub(super) struct Isolated {
    text: String,
}

impl HtmlSafe for Isolated {}

/// The text apart from what is beside it.
pub(super) fn isolated(text: impl AsRef<str>) -> Isolated {
    // Browsers put the same characters around the element: one in the text that closes more than it opens would end it.
    Isolated { text: text.as_ref().chars().filter(|c| !direction::is_isolate(*c)).collect() }
}

/// The text where there are no elements, as in the title of a page.
pub(super) fn undirected(text: &str) -> String {
    text.chars().filter(|c| !direction::is_control(*c)).collect()
}
