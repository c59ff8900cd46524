//! Chance without a generator's state: every draw is a pure function of what it is drawn for.
//!
//! A draw for "restore 17 of instance 3 of seed 1" gives the same number today, tomorrow and after a restart, in
//! whatever order draws are made. That is what makes the fleet a function of the clock alone.

use jiff::SignedDuration;

/// A point to draw from; [`Chance::of`] leads to further points.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Chance(u64);

impl Chance {
    /// The root of all draws of a seed.
    pub(super) fn seeded(seed: u64) -> Self {
        Self(mix(seed ^ 0x6463_735f_7369_6d00))
    }

    /// The point for a purpose, such as `"size"`.
    pub(super) fn of(self, purpose: &str) -> Self {
        Self(purpose.bytes().fold(self.0, |point, byte| mix(point ^ u64::from(byte))))
    }

    /// The point for a number, such as that of a backup.
    pub(super) fn nth(self, number: i64) -> Self {
        Self(mix(self.0 ^ mix(number.cast_unsigned().wrapping_add(0x9e37_79b9_7f4a_7c15))))
    }

    /// 0 up to, but not including, 1.
    pub(super) fn fraction(self) -> f64 {
        (mix(self.0) >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Whether something of this probability happens.
    pub(super) fn happens(self, probability: f64) -> bool {
        self.fraction() < probability
    }

    /// An index below `count`, which is not 0.
    pub(super) fn below(self, count: usize) -> usize {
        usize::try_from(mix(self.0) % count.max(1) as u64).unwrap_or(0)
    }

    /// One of these.
    pub(super) fn pick<T: Copy>(self, choices: &[T]) -> T {
        choices[self.below(choices.len())]
    }

    /// From `shortest` to `longest`, in milliseconds.
    pub(super) fn between(self, shortest: SignedDuration, longest: SignedDuration) -> SignedDuration {
        millis((longest - shortest).as_secs_f64() * 1000.0 * self.fraction()) + shortest
    }

    /// Text that looks like a UUID (version 4).
    pub(super) fn uuid(self) -> String {
        let (high, low) = (mix(self.0), mix(self.0 ^ 0xffff));
        format!(
            "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
            high >> 32,
            (high >> 16) & 0xffff,
            high & 0xfff,
            (low >> 48) & 0x3fff | 0x8000,
            low & 0xffff_ffff_ffff
        )
    }

    /// So many hexadecimal digits, at most 32.
    pub(super) fn hex(self, digits: usize) -> String {
        let mut text = format!("{:016x}{:016x}", mix(self.0), mix(self.0 ^ 0xffff));
        text.truncate(digits);
        text
    }
}

/// A duration of so many milliseconds, the fraction cut off.
#[allow(clippy::cast_possible_truncation)] // `as` saturates, and no duration here comes near the limits
pub(super) fn millis(milliseconds: f64) -> SignedDuration {
    SignedDuration::from_millis(milliseconds as i64)
}

/// The finalizer of `SplitMix64` (Steele, Lea, Flood 2014): every bit of the input changes half of the output.
fn mix(value: u64) -> u64 {
    let value = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_depend_on_seed_purpose_and_number_alone() {
        let draw = |seed: u64, purpose: &str, number: i64| Chance::seeded(seed).of(purpose).nth(number).fraction();
        assert_eq!(draw(1, "size", 7).to_bits(), draw(1, "size", 7).to_bits());
        let others = [draw(2, "size", 7), draw(1, "fate", 7), draw(1, "size", 8), draw(1, "size", -7)];
        assert!(others.iter().all(|other| other.to_bits() != draw(1, "size", 7).to_bits()));
    }

    #[test]
    fn fractions_are_spread_evenly() {
        let point = Chance::seeded(1);
        let mut tenths = [0_u32; 10];
        for number in 0..10_000 {
            tenths[point.nth(number).below(10)] += 1;
            assert!((0.0..1.0).contains(&point.nth(number).fraction()));
        }
        assert!(tenths.iter().all(|count| (850..1150).contains(count)), "{tenths:?}");
    }

    #[test]
    fn ids_look_like_uuids() {
        let id = Chance::seeded(1).uuid();
        let lengths: Vec<usize> = id.split('-').map(str::len).collect();
        assert_eq!(lengths, [8, 4, 4, 4, 12], "{id}");
        assert_eq!(id.as_bytes()[14], b'4', "{id}");
        assert!(matches!(id.as_bytes()[19], b'8' | b'9' | b'a' | b'b'), "{id}");
    }
}
