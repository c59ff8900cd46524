//! One gzip member (RFC 1952) of texts that were compressed one by one.
//!
//! A member per text would be simpler and is a file that `gzip` reads, but Chromium shows the first of several members
//! only, silently, and curl 7.88 stops with an error. So the texts' deflate blocks, which end on a byte and refer to
//! nothing before them, are joined into one member, and its checksum is combined from theirs.

use std::sync::Arc;

use bytes::Bytes;

use super::deflate;
use super::pieces::{Piece, Pieces};
use super::rendered::Rendered;

/// Shorter texts are taken as they are.
const WORTH_COMPRESSING: usize = 256;
/// Magic number, deflate, no name, no time, no hint, an unknown system.
const HEADER: &[u8] = &[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];
/// An empty deflate block that says it is the last one.
const LAST_BLOCK: [u8; 2] = [3, 0];

/// What the end of a member says of its text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Checksum {
    crc: u32,
    length: u64,
}

impl Checksum {
    /// That of a text.
    fn of(text: &[u8]) -> Self {
        Self { crc: crc32fast::hash(text), length: text.len() as u64 }
    }

    /// That of this text with the other one after it.
    fn then(self, other: Self) -> Self {
        let mut hasher = crc32fast::Hasher::new_with_initial_len(self.crc, self.length);
        hasher.combine(&crc32fast::Hasher::new_with_initial_len(other.crc, other.length));
        Self { crc: hasher.finalize(), length: self.length + other.length }
    }
}

/// A text, compressed.
#[derive(Clone, Debug)]
pub(super) struct Packed {
    bytes: Bytes,
    checksum: Checksum,
}

impl Packed {
    /// Compresses a text.
    pub(super) fn of(text: &[u8]) -> Self {
        let bytes = if text.len() < WORTH_COMPRESSING { deflate::stored(text) } else { deflate::deflated(text) };
        Self { bytes: Bytes::from(bytes.into_boxed_slice()), checksum: Checksum::of(text) }
    }
}

/// Compressed texts, one after the other, kept from answer to answer.
#[derive(Clone, Debug)]
pub(super) struct Joined {
    pieces: Arc<Pieces>,
    checksum: Checksum,
}

impl Joined {
    /// These, in their order.
    pub(super) fn of(texts: impl IntoIterator<Item = Packed>) -> Self {
        let mut checksum = Checksum::default();
        let pieces = texts.into_iter().map(|packed| {
            checksum = checksum.then(packed.checksum);
            Piece::from(packed.bytes)
        });
        Self { pieces: Arc::new(pieces.collect()), checksum }
    }
}

/// A gzip member in the making.
#[derive(Debug, Default)]
pub(super) struct Member {
    parts: Vec<Arc<Pieces>>,
    checksum: Checksum,
}

impl Member {
    /// Appends texts.
    pub(super) fn push(&mut self, joined: &Joined) {
        self.checksum = self.checksum.then(joined.checksum);
        self.parts.push(Arc::clone(&joined.pieces));
    }

    /// All of it, with its header and its end.
    pub(super) fn into_rendered(self) -> Rendered {
        let mut end = LAST_BLOCK.to_vec();
        end.extend_from_slice(&self.checksum.crc.to_le_bytes());
        // Of the length, what 32 bits hold.
        end.extend_from_slice(&self.checksum.length.to_le_bytes()[..4]);
        let [header, end] = [Bytes::from_static(HEADER), Bytes::from(end)].map(Pieces::one);
        Rendered::new([header].into_iter().chain(self.parts).chain([end]))
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use flate2::bufread::GzDecoder;
    use proptest::prelude::*;

    use super::*;

    fn unpacked(parts: &[Joined]) -> Vec<u8> {
        let mut member = Member::default();
        for part in parts {
            member.push(part);
        }
        let member = member.into_rendered().to_bytes();
        let mut decoder = GzDecoder::new(&*member);
        let mut text = Vec::new();
        decoder.read_to_end(&mut text).unwrap();
        assert!(decoder.into_inner().is_empty(), "bytes after the member");
        text
    }

    fn joined(texts: &[Vec<u8>]) -> Joined {
        Joined::of(texts.iter().map(|text| Packed::of(text)))
    }

    #[test]
    fn nothing_is_a_member_too() {
        assert_eq!(unpacked(&[]), b"");
        assert_eq!(unpacked(&[joined(&[]), joined(&[Vec::new(), Vec::new()])]), b"");
    }

    #[test]
    fn checksums_combine_in_the_order_of_the_texts() {
        let [one, other, both] = [&b"one"[..], b"other", b"oneother"].map(Checksum::of);
        assert_eq!(one.then(other), both);
        assert_ne!(other.then(one), both);
        assert_eq!(Checksum::default().then(both).then(Checksum::default()), both);
    }

    proptest! {
        #[test]
        fn texts_come_back_in_their_order(
            texts in prop::collection::vec(prop::collection::vec(b'a'..b'e', 0..1000), 0..8),
            cut in 0_usize..8,
        ) {
            let (head, tail) = texts.split_at(cut.min(texts.len()));
            prop_assert_eq!(unpacked(&[joined(head), joined(tail)]), texts.concat());
        }
    }
}
