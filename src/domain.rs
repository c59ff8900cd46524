//! What backups, restores and plans are, whatever the wire calls them; pure, `now` is an argument.
//!
//! * [`record`]: one backup or restore, as the cloud keeps it;
//! * [`instance`]: a DCS instance and its backup policy;
//! * [`plan`]: the weekly slots of a policy, in absolute time;
//! * [`facts`]: the pure function from records to what `/metrics` tells;
//! * [`contradiction`]: whether the records show that a plan's zone is not what we think;
//! * [`events`]: which records are told to the log, once each;
//! * [`tags`], [`selection`]: an instance's tags and their labels, and which instances a filter or an override means;
//! * [`shard`]: which of several processes an instance belongs to.

pub mod contradiction;
pub mod events;
pub mod facts;
pub mod instance;
pub mod plan;
pub mod record;
#[cfg(test)]
pub(crate) mod sample;
pub mod selection;
pub mod shard;
pub mod tags;

use std::fmt;
use std::sync::Arc;

/// Defines a name or id that is cheap to clone and cannot be mistaken for another kind of text.
macro_rules! text_newtype {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// The text as it was given.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.into())
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self(text.into())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&self.0, f)
            }
        }
    };
}

text_newtype! {
    /// The id of a DCS instance, a UUID by the documentation; any text is taken.
    InstanceId
}
text_newtype! {
    /// The id of a backup or restore record.
    RecordId
}
text_newtype! {
    /// The user's name of a project in the configuration: the label `project`.
    ProjectName
}
text_newtype! {
    /// The cloud's id of a project: 32 hexadecimal digits by the documentation; any text is taken.
    ProjectId
}

/// What is asked of the cloud: the label `operation`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Operation {
    /// The backup records of an instance.
    Backups,
    /// The restore records of an instance.
    Restores,
    /// One instance with its backup policy.
    Policy,
    /// The listing of a project's instances.
    Instances,
}

impl Operation {
    /// The operations that are asked of every instance.
    pub const PER_INSTANCE: [Self; 3] = [Self::Backups, Self::Restores, Self::Policy];
    /// All operations.
    pub const ALL: [Self; 4] = [Self::Backups, Self::Restores, Self::Policy, Self::Instances];

    /// The label's value.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Backups => "backups",
            Self::Restores => "restores",
            Self::Policy => "policy",
            Self::Instances => "instances",
        }
    }
}

/// What a request is for: the label `operation` of the counts of requests. Beyond polls, what makes them possible.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Purpose {
    /// A poll.
    Poll(Operation),
    /// A token or temporary keys, of IAM, STS, a metadata service or a pod's agent.
    Login,
    /// The id of a project, of IAM.
    Project,
}

impl From<Operation> for Purpose {
    fn from(operation: Operation) -> Self {
        Self::Poll(operation)
    }
}

impl Purpose {
    /// The label's value.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Poll(operation) => operation.as_str(),
            Self::Login => "login",
            Self::Project => "project",
        }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
