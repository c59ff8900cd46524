//! Bits in deflate's order: the first one lowest in its byte.

/// Bytes that are filled bit by bit.
#[derive(Debug)]
pub(super) struct Bits {
    bytes: Vec<u8>,
    /// Those that fill no four bytes yet, the first one lowest.
    pending: u64,
    /// How many these are: below 32.
    count: u32,
}

impl Bits {
    pub(super) fn with_capacity(bytes: usize) -> Self {
        Self { bytes: Vec::with_capacity(bytes), pending: 0, count: 0 }
    }

    /// Appends so many bits, at most 32, the lowest first; higher ones must be zero.
    #[inline]
    pub(super) fn push(&mut self, (bits, count): (u32, u8)) {
        self.pending |= u64::from(bits) << self.count;
        self.count += u32::from(count);
        if self.count >= 32 {
            self.bytes.extend_from_slice(&(self.pending as u32).to_le_bytes());
            self.pending >>= 32;
            self.count -= 32;
        }
    }

    /// Appends all of these.
    #[inline]
    pub(super) fn push_all(&mut self, all: impl Iterator<Item = (u32, u8)>) {
        // In registers: through memory, each step waits for the one before.
        let (mut pending, mut count) = (self.pending, self.count);
        for (bits, length) in all {
            pending |= u64::from(bits) << count;
            count += u32::from(length);
            if count >= 32 {
                self.bytes.extend_from_slice(&(pending as u32).to_le_bytes());
                pending >>= 32;
                count -= 32;
            }
        }
        (self.pending, self.count) = (pending, count);
    }

    /// Appends bytes as they are, in a block of their own; at most 65 535. It begins and ends on a byte.
    pub(super) fn store(&mut self, bytes: &[u8]) {
        self.push((0b000, 3)); // not the last one; stored
        self.fill_byte();
        let length = u16::try_from(bytes.len()).expect("the caller cuts it");
        self.bytes.extend_from_slice(&length.to_le_bytes());
        self.bytes.extend_from_slice(&(!length).to_le_bytes());
        self.bytes.extend_from_slice(bytes);
    }

    /// Fills up to a byte, between two blocks: with an empty one.
    pub(super) fn align(&mut self) {
        if self.count.is_multiple_of(8) {
            self.fill_byte();
        } else {
            self.store(&[]);
        }
    }

    fn fill_byte(&mut self) {
        let used = self.count.div_ceil(8) as usize;
        self.bytes.extend_from_slice(&self.pending.to_le_bytes()[..used]);
        (self.pending, self.count) = (0, 0);
    }

    /// All of them, which end on a byte.
    pub(super) fn into_bytes(self) -> Vec<u8> {
        debug_assert_eq!(self.count, 0, "bits after the last byte");
        self.bytes
    }
}
