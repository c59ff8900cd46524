//! The kinds of instances that a fleet is made of, in turn: the twelfth is followed by the first again.
//!
//! Together they have every mode, every kind of backup policy, and every way in which backups go wrong. Four are
//! *busy*: their owners back them up and restore them all the time, spread so evenly that somewhere a restore is
//! under way most of the time.

use jiff::SignedDuration;

/// A kind of instance.
#[derive(Debug)]
pub(super) struct Archetype {
    /// Its name, with a number behind it from the second round on.
    pub(super) name: &'static str,
    /// Tag `team`.
    pub(super) team: &'static str,
    /// Tag `env`.
    pub(super) env: &'static str,
    /// `cache_mode`.
    pub(super) mode: Mode,
    /// `max_memory`, MB.
    pub(super) memory_mb: u32,
    /// The backup policy.
    pub(super) policy: Policy,
    /// Backups and restores by hand.
    pub(super) by_hand: ByHand,
    /// How its automatic backups go wrong, beyond the odd failure.
    pub(super) trouble: Trouble,
}

/// `cache_mode`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    Single,
    MasterStandby,
    Cluster,
    Proxy,
    ReadWriteSplitting,
}

impl Mode {
    /// As in `cache_mode`.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Single => "single",
            Self::MasterStandby => "ha",
            Self::Cluster => "cluster",
            Self::Proxy => "proxy",
            Self::ReadWriteSplitting => "ha_rw_split",
        }
    }

    /// How many shards and replicas such an instance has.
    pub(super) fn shards_and_replicas(self) -> (u32, u32) {
        match self {
            Self::Single => (1, 1),
            Self::MasterStandby => (1, 2),
            Self::Cluster | Self::Proxy => (3, 2),
            Self::ReadWriteSplitting => (1, 3),
        }
    }
}

/// The backup policy.
#[derive(Clone, Copy, Debug)]
pub(super) enum Policy {
    /// `instance_backup_policy` is absent.
    Never,
    /// Backups are scheduled.
    Automatic(Weekly),
    /// They once were; the old plan is still in the answer.
    Stopped(Weekly),
}

/// When scheduled backups are made.
#[derive(Clone, Copy, Debug)]
pub(super) struct Weekly {
    /// 1 = Monday … 7 = Sunday.
    pub(super) days: &'static [u8],
    /// How long files live.
    pub(super) save_days: u8,
    /// `timezone_offset` and its minutes east; `None` is UTC.
    pub(super) zone: Option<(&'static str, i32)>,
}

/// Backups and restores by hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ByHand {
    /// None at all.
    Never,
    /// One in every so many days at speed 1, some restored.
    EveryDays(u16),
    /// One every [`BUSY_PERIOD`], each restored.
    Busy,
}

/// How automatic backups go wrong, beyond the odd failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    /// Not at all.
    Rarely,
    /// Every ninth finds the instance busy (`dcs.08.0008`) and is made an hour later.
    Collides,
    /// Two days in ten all attempts fail.
    BadDays,
}

/// Time between two backups of a busy instance at speed 1.
pub(super) const BUSY_PERIOD: SignedDuration = SignedDuration::from_mins(80);

const DAILY: &[u8] = &[1, 2, 3, 4, 5, 6, 7];

/// All of them.
pub(super) const ARCHETYPES: [Archetype; 12] = [
    Archetype {
        name: "orders-cache",
        team: "shop",
        env: "prod",
        mode: Mode::MasterStandby,
        memory_mb: 4096,
        policy: Policy::Automatic(Weekly { days: DAILY, save_days: 7, zone: None }),
        by_hand: ByHand::EveryDays(10),
        trouble: Trouble::Rarely,
    },
    Archetype {
        name: "sessions-eu",
        team: "identity",
        env: "prod",
        mode: Mode::Cluster,
        memory_mb: 24576,
        policy: Policy::Automatic(Weekly { days: DAILY, save_days: 3, zone: Some(("+0100", 60)) }),
        by_hand: ByHand::Busy,
        trouble: Trouble::Rarely,
    },
    Archetype {
        name: "catalog-search",
        team: "shop",
        env: "prod",
        mode: Mode::Proxy,
        memory_mb: 16384,
        policy: Policy::Automatic(Weekly { days: &[1, 3, 5], save_days: 7, zone: None }),
        by_hand: ByHand::EveryDays(20),
        trouble: Trouble::Rarely,
    },
    Archetype {
        name: "feature-flags",
        team: "platform",
        env: "prod",
        mode: Mode::Single,
        memory_mb: 128,
        policy: Policy::Never,
        by_hand: ByHand::Never,
        trouble: Trouble::Rarely,
    },
    Archetype {
        name: "payments-ledger",
        team: "payments",
        env: "prod",
        mode: Mode::MasterStandby,
        memory_mb: 8192,
        policy: Policy::Automatic(Weekly { days: DAILY, save_days: 7, zone: Some(("+0800", 480)) }),
        by_hand: ByHand::EveryDays(60),
        trouble: Trouble::Collides,
    },
    Archetype {
        name: "staging-replica",
        team: "platform",
        env: "staging",
        mode: Mode::MasterStandby,
        memory_mb: 2048,
        policy: Policy::Never,
        by_hand: ByHand::Busy,
        trouble: Trouble::Rarely,
    },
    Archetype {
        name: "geo-index",
        team: "logistics",
        env: "prod",
        mode: Mode::ReadWriteSplitting,
        memory_mb: 8192,
        policy: Policy::Automatic(Weekly { days: &[1, 2, 3, 4, 5], save_days: 5, zone: Some(("-0500", -300)) }),
        by_hand: ByHand::EveryDays(6),
        trouble: Trouble::BadDays,
    },
    Archetype {
        name: "legacy-sessions",
        team: "identity",
        env: "prod",
        mode: Mode::MasterStandby,
        memory_mb: 1024,
        policy: Policy::Stopped(Weekly { days: &[2, 4, 6], save_days: 7, zone: None }),
        by_hand: ByHand::Never,
        trouble: Trouble::Rarely,
    },
    Archetype {
        name: "load-test",
        team: "platform",
        env: "test",
        mode: Mode::MasterStandby,
        memory_mb: 512,
        policy: Policy::Never,
        by_hand: ByHand::Busy,
        trouble: Trouble::Rarely,
    },
    Archetype {
        name: "rate-limiter",
        team: "edge",
        env: "prod",
        mode: Mode::MasterStandby,
        memory_mb: 256,
        policy: Policy::Never,
        by_hand: ByHand::Never,
        trouble: Trouble::Rarely,
    },
    Archetype {
        name: "leaderboard",
        team: "games",
        env: "prod",
        mode: Mode::Cluster,
        memory_mb: 49152,
        policy: Policy::Automatic(Weekly { days: &[7], save_days: 3, zone: Some(("+0530", 330)) }),
        by_hand: ByHand::EveryDays(30),
        trouble: Trouble::Rarely,
    },
    Archetype {
        name: "notifications-queue",
        team: "messaging",
        env: "staging",
        mode: Mode::MasterStandby,
        memory_mb: 1024,
        policy: Policy::Never,
        by_hand: ByHand::Busy,
        trouble: Trouble::Rarely,
    },
];

/// How many of the archetypes up to this one (without it) are busy.
pub(super) fn busy_before(position: usize) -> usize {
    ARCHETYPES.iter().take(position).filter(|kind| kind.by_hand == ByHand::Busy).count()
}
