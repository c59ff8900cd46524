//! Which instances to show, and in which order.

use super::sort::{Order, Sort};
use super::verdict::{Judged, Verdict};

/// Which instances, and how many of them; all that is asked for must match.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// Of this project.
    pub project: Option<String>,
    /// The one with this id.
    pub instance_id: Option<String>,
    /// With this in their name, in whatever case.
    pub name: Option<String>,
    /// With this in their name or their id, in whatever case.
    pub search: Option<String>,
    /// With this verdict.
    pub verdict: Option<Verdict>,
    /// Sorted by this, …
    pub sort: Sort,
    /// … this way round, or the usual one.
    pub order: Option<Order>,
    /// So many at most.
    pub limit: Option<usize>,
    /// Without the first ones.
    pub offset: usize,
}

impl Selection {
    /// Whether instances of this project can be among them.
    pub fn includes_project(&self, name: &str) -> bool {
        self.project.as_ref().is_none_or(|project| project == name)
    }

    /// Which way round they are sorted.
    pub fn order(&self) -> Order {
        self.order.unwrap_or(self.sort.usual_order())
    }

    /// Whether it is among them, on this page or another.
    pub fn includes(&self, judged: &Judged<'_>) -> bool {
        let instance = judged.instance;
        let has = |text: &str, part: &str| text.to_lowercase().contains(&part.to_lowercase());
        self.includes_project(judged.project.name.as_str())
            && self.instance_id.as_ref().is_none_or(|id| id == instance.id.as_str())
            && self.verdict.is_none_or(|verdict| verdict == judged.verdict)
            && self.name.as_ref().is_none_or(|part| has(&instance.name, part))
            && self.search.as_ref().is_none_or(|part| has(&instance.name, part) || has(instance.id.as_str(), part))
    }
}
