//! A DCS instance, as the listing and `instances/{id}` describe it.

use jiff::Timestamp;

use super::InstanceId;
use super::plan::BackupPolicy;
use super::tags::Tags;

/// What is known of an instance. A listing knows neither the cache mode nor the policy.
#[derive(Clone, Debug, PartialEq)]
pub struct Instance {
    /// `instance_id`.
    pub id: InstanceId,
    /// `name`; absent where the cloud sends none.
    pub name: Option<String>,
    /// `status`; absent where the cloud sends none.
    pub status: Option<InstanceStatus>,
    /// `engine`.
    pub engine: Option<Engine>,
    /// `engine_version`, digits and dots; anything else is `other`.
    pub engine_version: Option<String>,
    /// `cache_mode`, or what `spec_code` says of it.
    pub cache_mode: Option<CacheMode>,
    /// `max_memory` in bytes, or `capacity` and `capacity_minor`.
    pub max_memory_bytes: Option<u64>,
    /// `created_at`.
    pub created_at: Option<Timestamp>,
    /// `enterprise_project_id`; absent where the answer does not say.
    pub enterprise_project_id: Option<String>,
    /// `tags`; absent where the answer does not say, empty where it says that there are none.
    pub tags: Option<Tags>,
    /// `instance_backup_policy`: `Unread` in a listing, which has none.
    pub policy: PolicyReading,
}

/// What an answer tells about the backup policy.
#[derive(Clone, Debug, PartialEq)]
pub enum PolicyReading {
    /// The answer was of a kind that has no policy.
    Unread,
    /// The instance has none, and so no scheduled backups.
    Absent,
    /// The instance has one.
    Present(BackupPolicy),
}

/// Defines an enum for a closed list of the cloud's words, with `Other` for those we do not know yet.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($variant:ident = $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[allow(missing_docs)] // each variant is the word it stands for
        pub enum $name { $($variant,)* Other }

        impl $name {
            /// The known words.
            pub const KNOWN: &'static [Self] = &[$(Self::$variant,)*];

            /// Reads the cloud's word, in whatever case.
            pub fn parse(text: &str) -> Self {
                let text = text.trim();
                let is_it = |known: &Self| known.as_str().eq_ignore_ascii_case(text);
                Self::KNOWN.iter().copied().find(is_it).unwrap_or(Self::Other)
            }

            /// The cloud's word, `other` for unknown ones.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)*
                    Self::Other => "other",
                }
            }
        }
    };
}

words! {
    /// `status` of an instance (page "DCS Instance Statuses"; the last five from the statistics of Huawei's API).
    InstanceStatus {
        Creating = "CREATING",
        CreateFailed = "CREATEFAILED",
        Running = "RUNNING",
        Error = "ERROR",
        Restarting = "RESTARTING",
        Extending = "EXTENDING",
        Restoring = "RESTORING",
        Frozen = "FROZEN",
        Flushing = "FLUSHING",
        Paying = "PAYING",
        Freezing = "FREEZING",
        Migrating = "MIGRATING",
        Upgrading = "UPGRADING",
    }
}

words! {
    /// `engine` of an instance.
    Engine {
        Redis = "Redis",
        Memcached = "Memcached",
    }
}

words! {
    /// `cache_mode` of an instance.
    CacheMode {
        Single = "single",
        MasterStandby = "ha",
        Cluster = "cluster",
        Proxy = "proxy",
        ReadWriteSplitting = "ha_rw_split",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clouds_words_are_read_in_whatever_case() {
        for (text, expected) in [
            ("RUNNING", InstanceStatus::Running),
            ("running", InstanceStatus::Running),
            (" CreateFailed ", InstanceStatus::CreateFailed),
            ("freezing", InstanceStatus::Freezing),
            ("RUN", InstanceStatus::Other),
            ("", InstanceStatus::Other),
        ] {
            assert_eq!(InstanceStatus::parse(text), expected, "{text:?}");
        }
        assert_eq!((Engine::parse("redis"), Engine::parse("Memcached")), (Engine::Redis, Engine::Memcached));
        assert_eq!(CacheMode::parse("HA_RW_SPLIT"), CacheMode::ReadWriteSplitting);
        assert_eq!(CacheMode::parse("master"), CacheMode::Other);
    }

    #[test]
    fn each_known_word_reads_back_as_itself() {
        for status in InstanceStatus::KNOWN {
            assert_eq!(InstanceStatus::parse(status.as_str()), *status);
            assert_ne!(*status, InstanceStatus::Other);
        }
        for mode in CacheMode::KNOWN {
            assert_eq!(CacheMode::parse(mode.as_str()), *mode);
        }
        for engine in Engine::KNOWN {
            assert_eq!(Engine::parse(engine.as_str()), *engine);
        }
        assert_eq!(InstanceStatus::Other.as_str(), "other");
    }
}
