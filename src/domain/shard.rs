//! Which of several processes an instance belongs to.
//!
//! Rendezvous hashing (Thaler and Ravishankar 1998): every shard draws a number for the instance, and the highest one
//! has it. A shard that is added so takes its part from all others, and nothing moves between those; no process need
//! know of another but how many there are.
//!
//! All of them must draw alike, whatever their version or machine, or an instance would be watched twice or by nobody.
//! So the draws are specified: those of `SplitMix64` (Steele, Lea, Flood 2014), one after the other for shard 0, 1, …,
//! begun with the first eight bytes (big-endian) of the SHA-256 of the instance's id.

use std::fmt;
use std::num::NonZeroU32;

use aws_lc_rs::digest::{SHA256, digest};

use super::InstanceId;

/// One of the processes that share the instances.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    /// Below `total`.
    ordinal: u32,
    total: NonZeroU32,
}

impl Shard {
    /// The only one: all instances are its own.
    pub const ALONE: Self = Self { ordinal: 0, total: NonZeroU32::MIN };

    /// The process with this number, from 0, of so many; `None` where there is none with that number.
    ///
    /// ```
    /// use dcs_backup_exporter::domain::shard::Shard;
    ///
    /// let shards: Vec<Shard> = (0..3).filter_map(|ordinal| Shard::new(ordinal, 3)).collect();
    /// let owners = shards.iter().filter(|shard| shard.owns(&"5560df16-cebf-4473-95c4-d1b573c16e79".into()));
    /// assert_eq!(owners.count(), 1);
    /// assert_eq!(Shard::new(3, 3), None);
    /// ```
    pub fn new(ordinal: u32, total: u32) -> Option<Self> {
        let total = NonZeroU32::new(total)?;
        (ordinal < total.get()).then_some(Self { ordinal, total })
    }

    /// Its number, from 0.
    pub fn ordinal(self) -> u32 {
        self.ordinal
    }

    /// How many there are.
    pub fn total(self) -> u32 {
        self.total.get()
    }

    /// Whether there are others.
    pub fn has_others(self) -> bool {
        self.total.get() > 1
    }

    /// Whether the instance belongs to this one: it does to exactly one of them.
    pub fn owns(self, id: &InstanceId) -> bool {
        !self.has_others() || owner(id, self.total) == self.ordinal
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "shard {} of {}", self.ordinal, self.total)
    }
}

/// The one with the highest draw; of equals the one with the lowest number.
fn owner(id: &InstanceId, total: NonZeroU32) -> u32 {
    let mut draws = Draws::of(id);
    let mut highest = (draws.next(), 0);
    for ordinal in 1..total.get() {
        let draw = draws.next();
        if draw > highest.0 {
            highest = (draw, ordinal);
        }
    }
    highest.1
}

/// `SplitMix64`.
struct Draws(u64);

impl Draws {
    fn of(id: &InstanceId) -> Self {
        let hash = digest(&SHA256, id.as_str().as_bytes());
        Self(hash.as_ref()[..8].iter().fold(0, |seed, byte| seed << 8 | u64::from(*byte)))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn owner_of(id: &str, total: u32) -> u32 {
        owner(&id.into(), NonZeroU32::new(total).unwrap())
    }

    /// Ids as the cloud makes them.
    fn ids(count: u64) -> impl Iterator<Item = String> {
        (0..count).map(|number| format!("{number:08x}-cebf-4473-95c4-d1b573c16e79"))
    }

    #[test]
    fn owners_are_the_same_for_ever() {
        // Reckoned once by another program (hashlib and integers, in Python): an instance that moved with a new version
        // would be watched twice, or by nobody, while versions are mixed.
        let table = [
            ("5560df16-cebf-4473-95c4-d1b573c16e79", [0, 1, 2, 3, 6, 203]),
            ("i-000", [0, 0, 2, 2, 5, 716]),
            ("0012", [0, 1, 1, 4, 4, 508]),
            ("ü", [0, 1, 1, 4, 5, 470]),
            ("", [0, 1, 1, 1, 1, 1]),
        ];
        for (id, owners) in table {
            assert_eq!([1, 2, 3, 5, 10, 1000].map(|total| owner_of(id, total)), owners, "{id:?}");
        }
    }

    #[test]
    fn draws_are_those_of_the_published_generator() {
        // The first numbers that the reference implementation (Vigna's splitmix64.c) gives for the seed 1234567.
        let mut draws = Draws(1_234_567);
        let expected = [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423];
        assert_eq!([draws.next(), draws.next(), draws.next()], expected);
    }

    #[test]
    fn there_is_no_shard_beyond_the_last_and_none_of_none() {
        assert_eq!(Shard::new(0, 1), Some(Shard::ALONE));
        assert!(Shard::new(2, 3).is_some());
        for (ordinal, total) in [(0, 0), (1, 1), (3, 3), (u32::MAX, 3)] {
            assert_eq!(Shard::new(ordinal, total), None);
        }
    }

    #[test]
    fn shares_are_about_the_same() {
        const COUNT: u64 = 20_000;
        for total in [2, 3, 7, 16] {
            let mut shares = vec![0_u32; total as usize];
            for id in ids(COUNT) {
                shares[owner_of(&id, total) as usize] += 1;
            }
            let expected = COUNT as f64 / f64::from(total);
            // Five standard deviations of a share that chance gives.
            let allowed = 5.0 * (expected * (1.0 - 1.0 / f64::from(total))).sqrt();
            let off = |share: &u32| (f64::from(*share) - expected).abs();
            assert!(shares.iter().all(|share| off(share) < allowed), "{shares:?}");
        }
    }

    #[test]
    fn one_more_takes_its_part_and_nothing_else_moves() {
        const COUNT: u64 = 5000;
        for total in 1..12 {
            let moved = ids(COUNT).filter(|id| owner_of(id, total) != owner_of(id, total + 1));
            let moved: Vec<String> = moved.collect();
            assert!(moved.iter().all(|id| owner_of(id, total + 1) == total), "only to the new one");
            let expected = COUNT as f64 / f64::from(total + 1);
            assert!((moved.len() as f64 - expected).abs() < 5.0 * expected.sqrt(), "{} of {COUNT}", moved.len());
        }
    }

    proptest! {
        #[test]
        fn every_id_has_exactly_one_owner(id in ".{0,60}", total in 1_u32..200) {
            let id = InstanceId::from(id);
            let owners = (0..total).filter(|ordinal| Shard::new(*ordinal, total).unwrap().owns(&id));
            prop_assert_eq!(owners.count(), 1);
        }
    }
}
