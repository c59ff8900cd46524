//! Why a poll or a project fails.

use serde::Serialize;

use crate::cloud::CloudError;
use crate::cloud::diagnosis::Hint;

/// An error as it is told: a sentence, and what a person can do about it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Trouble {
    /// As in the label `reason`.
    pub reason: &'static str,
    /// What the cloud or the network said, with status, code and the cloud's id of the request.
    pub message: String,
    /// What a person can do about it.
    pub hint: Option<Hint>,
}

impl Trouble {
    /// What is told of this error.
    pub fn of(error: &CloudError) -> Self {
        Self { reason: error.kind.reason(), message: error.to_string(), hint: error.hint }
    }
}
