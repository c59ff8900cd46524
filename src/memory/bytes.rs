//! Numbers, texts and moments in few bytes, and back, with every bound checked.
//!
//! Whole numbers are written seven bits at a time, the lowest first (LEB128), signed ones with their sign in the
//! lowest bit (zigzag). A moment is its distance in seconds from one that the reader knows, with milli- or
//! nanoseconds only where it has some. Reading never panics and never allocates more than the input is long.

use jiff::Timestamp;

/// Writes.
#[derive(Debug, Default)]
pub(crate) struct Writer(pub(crate) Vec<u8>);

/// Reads what a [`Writer`] wrote; `None` from any method says that the bytes are none of its.
#[derive(Debug)]
pub(crate) struct Reader<'a>(&'a [u8]);

/// What a moment has beyond its seconds, in the two lowest bits of their distance.
const WHOLE: u64 = 0;
const MILLIS: u64 = 1;
const NANOS: u64 = 2;

const NANOS_PER_MILLI: i32 = 1_000_000;

impl Writer {
    pub(crate) fn byte(&mut self, byte: u8) {
        self.0.push(byte);
    }

    pub(crate) fn flag(&mut self, flag: bool) {
        self.byte(u8::from(flag));
    }

    #[allow(clippy::cast_possible_truncation)] // seven bits at a time
    pub(crate) fn number(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.byte(number as u8 | 0x80);
            number >>= 7;
        }
        self.byte(number as u8);
    }

    pub(crate) fn count(&mut self, count: usize) {
        self.number(count as u64);
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.count(bytes.len());
        self.0.extend_from_slice(bytes);
    }

    pub(crate) fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }

    pub(crate) fn option<T>(&mut self, value: Option<T>, write: impl FnOnce(&mut Self, T)) {
        self.flag(value.is_some());
        if let Some(value) = value {
            write(self, value);
        }
    }

    /// A moment that is likely to be near `base`.
    pub(crate) fn moment(&mut self, at: Timestamp, base: Timestamp) {
        let nanos = at.subsec_nanosecond();
        let (kind, fraction) = match nanos {
            0 => (WHOLE, 0),
            _ if nanos % NANOS_PER_MILLI == 0 => (MILLIS, nanos / NANOS_PER_MILLI),
            _ => (NANOS, nanos),
        };
        self.number(zigzag(at.as_second() - base.as_second()) << 2 | kind);
        if kind != WHOLE {
            self.number(zigzag(i64::from(fraction)));
        }
    }
}

impl<'a> Reader<'a> {
    pub(crate) fn of(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// Everything was read.
    pub(crate) fn end(&self) -> Option<()> {
        self.0.is_empty().then_some(())
    }

    pub(crate) fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    pub(crate) fn flag(&mut self) -> Option<bool> {
        match self.byte()? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    }

    pub(crate) fn number(&mut self) -> Option<u64> {
        let mut number = 0_u64;
        for shift in (0..u64::BITS).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            if bits << shift >> shift != bits {
                return None;
            }
            number |= bits << shift;
            if byte < 0x80 {
                return Some(number);
            }
        }
        None
    }

    /// How many things follow, each of which takes a byte at least.
    pub(crate) fn count(&mut self) -> Option<usize> {
        let count = usize::try_from(self.number()?).ok()?;
        (count <= self.0.len()).then_some(count)
    }

    pub(crate) fn exactly(&mut self, length: usize) -> Option<&'a [u8]> {
        let (bytes, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(bytes)
    }

    pub(crate) fn bytes(&mut self) -> Option<&'a [u8]> {
        let length = self.count()?;
        self.exactly(length)
    }

    pub(crate) fn text(&mut self) -> Option<&'a str> {
        std::str::from_utf8(self.bytes()?).ok()
    }

    #[allow(clippy::option_option)] // the outer one says whether the bytes make sense
    pub(crate) fn option<T>(&mut self, read: impl FnOnce(&mut Self) -> Option<T>) -> Option<Option<T>> {
        if self.flag()? { read(self).map(Some) } else { Some(None) }
    }

    pub(crate) fn moment(&mut self, base: Timestamp) -> Option<Timestamp> {
        let number = self.number()?;
        let second = base.as_second().checked_add(unzigzag(number >> 2))?;
        let nanos = match number & 3 {
            WHOLE => 0,
            MILLIS => i32::try_from(unzigzag(self.number()?)).ok()?.checked_mul(NANOS_PER_MILLI)?,
            NANOS => i32::try_from(unzigzag(self.number()?)).ok()?,
            _ => return None,
        };
        Timestamp::new(second, nanos).ok()
    }
}

/// 0, -1, 1, -2, … as 0, 1, 2, 3, …
fn zigzag(number: i64) -> u64 {
    ((number << 1) ^ (number >> 63)).cast_unsigned()
}

fn unzigzag(number: u64) -> i64 {
    (number >> 1).cast_signed() ^ -(number & 1).cast_signed()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn written(write: impl FnOnce(&mut Writer)) -> Vec<u8> {
        let mut writer = Writer::default();
        write(&mut writer);
        writer.0
    }

    #[test]
    fn small_things_are_small() {
        let base = Timestamp::from_second(1_795_176_000).unwrap();
        for (bytes, expected) in [
            (written(|w| w.number(127)), 1),
            (written(|w| w.number(128)), 2),
            (written(|w| w.number(u64::MAX)), 10),
            (written(|w| w.moment(base, base)), 1),
            (written(|w| w.moment(base + jiff::SignedDuration::from_mins(30), base)), 2),
            (written(|w| w.moment(base, Timestamp::UNIX_EPOCH)), 5),
            (written(|w| w.text("abc")), 4),
        ] {
            assert_eq!(bytes.len(), expected, "{bytes:?}");
        }
    }

    #[test]
    fn what_no_writer_writes_is_refused() {
        for bytes in [&[][..], &[0x80], &[0xff; 11], &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02]] {
            assert_eq!(Reader::of(bytes).number(), None, "{bytes:?}");
        }
        assert_eq!(Reader::of(&[2]).flag(), None);
        assert_eq!(Reader::of(&[3, b'a', b'b']).text(), None);
        assert_eq!(Reader::of(&[1, 0xff]).text(), None);
        assert_eq!(Reader::of(&[3]).moment(Timestamp::UNIX_EPOCH), None);
        assert_eq!(Reader::of(&[0]).moment(Timestamp::MAX), Timestamp::from_second(Timestamp::MAX.as_second()).ok());
        assert_eq!(Reader::of(&[8]).moment(Timestamp::MAX), None, "a second later there is no time");
    }

    proptest! {
        #[test]
        fn numbers_come_back(number: u64) {
            let bytes = written(|w| w.number(number));
            let mut reader = Reader::of(&bytes);
            prop_assert_eq!((reader.number(), reader.end()), (Some(number), Some(())));
            prop_assert_eq!(unzigzag(zigzag(number.cast_signed())), number.cast_signed());
        }

        #[test]
        fn moments_come_back(
            second in Timestamp::MIN.as_second() + 1..Timestamp::MAX.as_second(),
            base in Timestamp::MIN.as_second() + 1..Timestamp::MAX.as_second(),
            fraction in prop_oneof![Just(0), (-999..=999).prop_map(|n| n * NANOS_PER_MILLI), -999_999_999..=999_999_999],
        ) {
            let base = Timestamp::from_second(base).unwrap();
            let at = Timestamp::new(second, fraction).unwrap();
            let bytes = written(|w| w.moment(at, base));
            prop_assert_eq!(Reader::of(&bytes).moment(base), Some(at));
        }

        #[test]
        fn any_bytes_are_read_without_panic(bytes: Vec<u8>) {
            let mut reader = Reader::of(&bytes);
            while reader.end().is_none() && reader.moment(Timestamp::MIN).is_some() {}
            let mut reader = Reader::of(&bytes);
            while reader.end().is_none() && reader.option(|r| r.text().map(drop)).is_some() {}
        }
    }
}
