//! Which instances to show.

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
    /// With this verdict.
    pub verdict: Option<Verdict>,
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

    /// Whether it is among them, on this page or another.
    pub fn includes(&self, judged: &Judged<'_>) -> bool {
        let instance = judged.instance;
        self.includes_project(judged.project.name.as_str())
            && self.instance_id.as_ref().is_none_or(|id| id == instance.id.as_str())
            && self.verdict.is_none_or(|verdict| verdict == judged.verdict)
            && self.name.as_ref().is_none_or(|part| instance.name.to_lowercase().contains(&part.to_lowercase()))
    }
}
