//! A deflate encoder (RFC 1951) that knows where metrics repeat themselves.
//!
//! In a family's text every line repeats the one before but for an id, a name and a value. What repeats begins at a
//! quote, a blank, a bracket or a line's beginning, so matches are looked for there alone. An encoder for any text
//! looks everywhere, and takes the short matches that the digits of random ids have by chance, which cost more than
//! the digits. Measured on 72 MB of 10 000 simulated instances in blocks of 256: 14.6 % in 0.12 s, where `flate2`
//! (miniz) takes 17.0 % and 0.28 s at its fastest level, 15.7 % and 1.1 s at its usual one.
//!
//! Every text becomes blocks of its own that end on a byte and do not refer to anything before them, so that those of
//! several texts can be joined in any order (`gzip`).
//!
//! * `matches`: a text split in literals and repetitions;
//! * `block`: these written in codes of their own; `huffman`: the codes; `bits`: their bits.

#![allow(clippy::cast_possible_truncation)] // bits are cut on purpose; lengths are bounded by the format or the text

mod bits;
mod block;
mod huffman;
mod matches;

use bits::Bits;

/// Literals and matches of one block of the format: each block has codes of its own.
const BLOCK: usize = 24 * 1024;

/// The text, compressed: whole blocks that end on a byte, none of them marked as the last.
pub(super) fn deflated(text: &[u8]) -> Vec<u8> {
    let mut bits = Bits::with_capacity(text.len() / 5 + 64);
    let mut rest = text;
    for steps in matches::steps(text).chunks(BLOCK) {
        rest = block::write(rest, steps, &mut bits);
    }
    bits.align();
    bits.into_bytes()
}

/// A text too short to be worth compressing, in the form of a compressed one.
pub(super) fn stored(text: &[u8]) -> Vec<u8> {
    let mut bits = Bits::with_capacity(text.len() + 16);
    for part in text.chunks(usize::from(u16::MAX)) {
        bits.store(part);
    }
    bits.into_bytes()
}

#[cfg(test)]
mod tests;
