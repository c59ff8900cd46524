//! The instances of a simulated project, each a pure function of the seed and its number.
//!
//! Nothing is stored and nothing happens between requests: what an instance is follows from (seed, number), and
//! what its backups and restores look like follows from that, the speed and the clock ([`super::history`]). So
//! ten thousand instances cost nothing until somebody asks, and a restarted simulator goes on where it was.

use jiff::{SignedDuration, Timestamp};

use super::archetype::{ARCHETYPES, Archetype, ByHand, Mode, Policy, Weekly, busy_before};
use super::chance::Chance;

/// An instance.
#[derive(Clone, Debug)]
pub(super) struct Member {
    /// `instance_id`.
    pub(super) id: String,
    /// `name`.
    pub(super) name: String,
    /// What kind of instance it is.
    pub(super) kind: &'static Archetype,
    /// `engine`.
    pub(super) engine: &'static str,
    /// `engine_version`.
    pub(super) engine_version: &'static str,
    /// `status` while no restore runs.
    pub(super) status: &'static str,
    /// `tags`: keys and values.
    pub(super) tags: Vec<(String, String)>,
    /// `enterprise_project_id`; `0` is the default one.
    pub(super) enterprise_project_id: String,
    /// `created_at`.
    pub(super) created_at: Timestamp,
    /// When the backup policy was made and last changed.
    pub(super) policy_dates: (Timestamp, Timestamp),
    /// The hour of the day, in the plan's zone, at which scheduled backups begin.
    pub(super) begin_hour: u8,
    /// By how much of their period the backups by hand are moved against those of other instances, 0 to 1.
    pub(super) phase: f64,
    /// What everything else about it is drawn from.
    pub(super) chance: Chance,
    /// How many times faster than in a real cloud backups and restores go.
    pub(super) speed: f64,
    /// The moment from which on no backup or restore of it is asked for, by a plan or by hand.
    pub(super) paused_at: Option<Timestamp>,
}

const DAY: SignedDuration = SignedDuration::from_hours(24);

impl Member {
    /// The instance of this number in the fleet of this seed.
    pub(super) fn new(seed: u64, number: usize, speed: f64) -> Self {
        let (round, position) = (number / ARCHETYPES.len(), number % ARCHETYPES.len());
        let name = match round {
            0 => ARCHETYPES[position].name.to_owned(),
            _ => format!("{}-{:02}", ARCHETYPES[position].name, round + 1),
        };
        let mut member = Self::like(seed, number, position, speed);
        member.name = name;
        if round > 0 {
            member.status = match member.chance.of("status").below(100) {
                0 => "ERROR",
                1 => "FROZEN",
                2 => "EXTENDING",
                _ => "RUNNING",
            };
        }
        member
    }

    /// An instance like the `position`th archetype.
    pub(super) fn like(seed: u64, number: usize, position: usize, speed: f64) -> Self {
        let kind = &ARCHETYPES[position % ARCHETYPES.len()];
        let chance = Chance::seeded(seed).of("instance").nth(i64::try_from(number).unwrap_or(i64::MAX));
        let engine = if kind.mode == Mode::Single && number % (2 * ARCHETYPES.len()) >= ARCHETYPES.len() {
            "Memcached"
        } else {
            "Redis"
        };
        let created_at = date(2019) + chance.of("created").between(SignedDuration::ZERO, DAY * 4 * 365);
        let policy_made = created_at + chance.of("policy made").between(SignedDuration::from_mins(3), DAY * 3);
        let policy_changed = match kind.policy {
            Policy::Stopped(_) => date(2023) + chance.of("policy changed").between(DAY * 10, DAY * 300),
            _ => policy_made + chance.of("policy changed").between(SignedDuration::ZERO, DAY * 100),
        };
        let busy = number / ARCHETYPES.len() * busy_before(ARCHETYPES.len()) + busy_before(position);
        let phase = match kind.by_hand {
            ByHand::Busy => evenly(busy),
            _ => chance.of("phase").fraction(),
        };
        let tier = if matches!(kind.policy, Policy::Never) { "bronze" } else { "gold" };
        let tags = [("team", kind.team), ("env", kind.env), ("tier", tier)];
        Self {
            id: chance.of("id").uuid(),
            name: kind.name.to_owned(),
            kind,
            engine,
            engine_version: if engine == "Redis" { chance.of("version").pick(&["4.0", "5.0", "6.0"]) } else { "1.5" },
            status: "RUNNING",
            tags: tags.map(|(key, value)| (key.to_owned(), value.to_owned())).to_vec(),
            enterprise_project_id: "0".to_owned(),
            created_at,
            policy_dates: (policy_made, policy_changed),
            begin_hour: u8::try_from(chance.of("begin").below(24)).unwrap_or(0),
            phase,
            chance,
            speed,
            paused_at: None,
        }
    }

    /// Whether it can be backed up at all.
    pub(super) fn supports_backups(&self) -> bool {
        self.kind.mode != Mode::Single
    }

    /// Up to when backups and restores of it have been asked for.
    pub(super) fn asked_until(&self, now: Timestamp) -> Timestamp {
        self.paused_at.map_or(now, |paused_at| now.min(paused_at))
    }

    /// Its plan, in force or left behind.
    pub(super) fn weekly(&self) -> Option<Weekly> {
        match self.kind.policy {
            Policy::Never => None,
            Policy::Automatic(weekly) | Policy::Stopped(weekly) => Some(weekly),
        }
    }

    /// `begin_at`: the hour in which scheduled backups begin.
    pub(super) fn begin_at(&self) -> String {
        format!("{:02}:00-{:02}:00", self.begin_hour, (self.begin_hour + 1) % 24)
    }

    /// Bytes in use at this moment: growing, ever more slowly, towards 85 % of its memory.
    pub(super) fn used_bytes(&self, at: Timestamp) -> u64 {
        let years = at.duration_since(self.created_at).as_secs_f64().max(0.0) / (DAY.as_secs_f64() * 365.0);
        let first = 0.15 + 0.3 * self.chance.of("fill").fraction();
        let part = first + (0.85 - first) * (1.0 - (-years / 6.0).exp());
        bytes(part * f64::from(self.kind.memory_mb) * 1_048_576.0)
    }
}

/// A whole number of bytes.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // `as` saturates
pub(super) fn bytes(number: f64) -> u64 {
    number as u64
}

/// Midnight of the first of January.
fn date(year: i64) -> Timestamp {
    let leap_days = (year - 1969) / 4; // right from 1970 to 2100
    Timestamp::UNIX_EPOCH + DAY * i32::try_from((year - 1970) * 365 + leap_days).unwrap_or(0)
}

/// Fractions that are spread evenly however many are taken: 0, 1/2, 1/4, 3/4, 1/8, … (van der Corput's sequence).
fn evenly(number: usize) -> f64 {
    f64::from(u32::try_from(number).unwrap_or(0).reverse_bits()) / (f64::from(u32::MAX) + 1.0)
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, HashSet};

    use super::*;

    #[test]
    fn years_begin_in_january() {
        assert_eq!(date(2019).to_string(), "2019-01-01T00:00:00Z");
        assert_eq!(date(2023).to_string(), "2023-01-01T00:00:00Z");
    }

    #[test]
    fn the_first_fractions_quarter_the_period() {
        let fractions: Vec<f64> = (0..4).map(evenly).collect();
        for (fraction, expected) in fractions.iter().zip([0.0, 0.5, 0.25, 0.75]) {
            assert!((fraction - expected).abs() < 1e-12, "{fractions:?}");
        }
    }

    #[test]
    fn the_same_seed_gives_the_same_fleet_and_another_seed_another() {
        for number in 0..30 {
            let [one, same, other] = [1, 1, 2].map(|seed| Member::new(seed, number, 20.0));
            assert_eq!(format!("{one:?}"), format!("{same:?}"));
            assert_ne!(one.id, other.id);
            assert_eq!(one.name, other.name);
        }
    }

    #[test]
    fn ids_and_names_are_unique_among_ten_thousand() {
        let (mut ids, mut names) = (HashSet::new(), HashSet::new());
        for number in 0..10_000 {
            let member = Member::new(1, number, 1.0);
            assert!(ids.insert(member.id));
            assert!(names.insert(member.name));
        }
    }

    #[test]
    fn a_fleet_has_every_mode_and_kind_of_policy() {
        let mut seen: BTreeMap<String, u32> = BTreeMap::new();
        for number in 0..24 {
            let member = Member::new(1, number, 1.0);
            *seen.entry(member.kind.mode.as_str().to_owned()).or_default() += 1;
            let policy = format!("{:?}", member.kind.policy);
            *seen.entry(policy.split('(').next().unwrap().to_owned()).or_default() += 1;
            *seen.entry(member.engine.to_owned()).or_default() += 1;
            assert!(member.created_at < member.policy_dates.0);
            assert!(member.policy_dates.0 <= member.policy_dates.1);
            assert!(member.policy_dates.1 < date(2024));
        }
        for expected in
            ["single", "ha", "cluster", "proxy", "ha_rw_split", "Never", "Automatic", "Stopped", "Redis", "Memcached"]
        {
            assert!(seen.contains_key(expected), "{expected} is missing: {seen:?}");
        }
    }

    #[test]
    fn memory_in_use_grows_slowly_and_never_reaches_all() {
        for number in 0..12 {
            let member = Member::new(1, number, 1.0);
            let mut before = 0;
            for month in 0..100 {
                let used = member.used_bytes(member.created_at + DAY * 30 * month);
                assert!(used >= before && used < u64::from(member.kind.memory_mb) * 1_048_576);
                before = used;
            }
        }
    }
}
