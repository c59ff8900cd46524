//! Texts as deflate blocks (RFC 1951) that can be joined.
//!
//! Every text becomes blocks that end on a byte and do not refer to anything before them: a full flush of the
//! encoder. So those of several texts can be put one after the other in any order (`gzip`).

use std::sync::{Mutex, PoisonError};

use zlib_rs::{Deflate, DeflateFlush};

/// The longest window there is.
const WINDOW_BITS: u8 = 15;
/// Level 1 codes all texts with one table, which costs half as much again in bytes. Each level above 2 saves a third of a
/// percent of the text for a third more time: most of what is left are ids, and those are random.
const LEVEL: i32 = 2;
/// Room for the blocks' own bytes, whatever the text.
const OVERHEAD: usize = 64;
/// The longest text of one stored block.
const LONGEST_STORED: usize = 0xffff;

/// The encoder that was used last: each has tables of a third of a megabyte.
static SPARE: Mutex<Option<Deflate>> = Mutex::new(None);

/// The text, compressed: whole blocks that end on a byte, none of them marked as the last.
pub(super) fn deflated(text: &[u8]) -> Vec<u8> {
    let spare = || SPARE.lock().unwrap_or_else(PoisonError::into_inner);
    let spared = spare().take();
    let mut encoder = spared.unwrap_or_else(|| Deflate::new(LEVEL, false, WINDOW_BITS));
    encoder.reset();
    let bytes = encoded(text, &mut encoder);
    *spare() = Some(encoder);
    bytes
}

/// A text too short to be worth compressing, in the form of a compressed one.
pub(super) fn stored(text: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len() + OVERHEAD);
    for part in text.chunks(LONGEST_STORED) {
        let length = u16::try_from(part.len()).expect("a part is no longer than that");
        // Not the last one, stored; the length and its complement.
        bytes.push(0);
        bytes.extend_from_slice(&length.to_le_bytes());
        bytes.extend_from_slice(&(!length).to_le_bytes());
        bytes.extend_from_slice(part);
    }
    bytes
}

fn encoded(text: &[u8], encoder: &mut Deflate) -> Vec<u8> {
    let mut bytes = vec![0; text.len() / 4 + OVERHEAD];
    let place = |total: u64| usize::try_from(total).expect("it is the length of something in memory");
    loop {
        let (read, written) = (place(encoder.total_in()), place(encoder.total_out()));
        let result = encoder.compress(&text[read..], &mut bytes[written..], DeflateFlush::FullFlush);
        debug_assert!(result.is_ok(), "{result:?}");
        let written = place(encoder.total_out());
        // What does not fill the room was flushed to its end.
        if written < bytes.len() {
            bytes.truncate(written);
            return bytes;
        }
        bytes.resize(2 * written, 0);
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use flate2::bufread::DeflateDecoder;
    use proptest::prelude::*;

    use super::*;

    /// What a decoder makes of the blocks, after a last one is added.
    fn inflated(mut blocks: Vec<u8>) -> Vec<u8> {
        blocks.extend([3, 0]);
        let mut decoder = DeflateDecoder::new(blocks.as_slice());
        let mut text = Vec::new();
        decoder.read_to_end(&mut text).unwrap();
        assert!(decoder.into_inner().is_empty(), "the blocks end before their bytes");
        text
    }

    #[test]
    fn texts_of_all_lengths_come_back() {
        let text: Vec<u8> =
            (0..40_000_u32).flat_map(|number| (number.wrapping_mul(2_654_435_761)).to_le_bytes()).collect();
        for length in (0..300).chain([1000, 32_767, 32_768, 32_769, 65_535, 65_536, 160_000]) {
            let text = &text[..length];
            assert_eq!(inflated(deflated(text)), text, "{length}");
            assert_eq!(inflated(stored(text)), text, "{length}");
        }
    }

    proptest! {
        #[test]
        fn joined_texts_come_back_one_after_the_other(texts in prop::collection::vec("[a-c\\PC]{0,400}", 0..8)) {
            let joined: Vec<u8> = texts.iter().flat_map(|text| deflated(text.as_bytes())).collect();
            prop_assert_eq!(inflated(joined), texts.concat().into_bytes());
        }
    }
}
