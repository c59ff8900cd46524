//! A rendered answer: pieces that belong one after the other, put together while they are sent.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::{Buf, BufMut, Bytes, BytesMut};

use super::gzip::{Joined, Member, Packed};
use super::pieces::{Piece, Pieces};
use super::portion::Portion;

/// Shorter bytes are copied: the kernel takes longer over one more piece than over so many bytes more.
const WORTH_A_PIECE: usize = 512;
/// Lines that are put together at once, in bytes: what a slow client holds of the memory.
const LONGEST_TEXT: usize = 128 * 1024;
/// A line more than was asked for, usually.
const ROOM: usize = 1024;

/// What is left of a rendered answer; cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Rendered {
    /// None of them empty.
    parts: VecDeque<Arc<Pieces>>,
    /// How many pieces of the first part were taken.
    pieces: usize,
    /// How much of its next piece: bytes or lines.
    taken: usize,
    left: usize,
}

impl Rendered {
    pub(super) fn new(parts: impl IntoIterator<Item = Arc<Pieces>>) -> Self {
        let parts: VecDeque<_> = parts.into_iter().filter(|part| part.len() > 0).collect();
        Self { left: parts.iter().map(|part| part.len()).sum(), parts, pieces: 0, taken: 0 }
    }

    /// A text, as one gzip member.
    pub fn compressed(text: &[u8]) -> Self {
        let mut member = Member::default();
        member.push(&Joined::of([Packed::of(text)]));
        member.into_rendered()
    }

    /// How many bytes are left.
    pub fn len(&self) -> usize {
        self.left
    }

    /// Whether nothing is left.
    pub fn is_empty(&self) -> bool {
        self.left == 0
    }

    /// Takes out the next bytes, about so many or fewer; `None` after the last.
    pub fn take(&mut self, about: usize) -> Option<Portion> {
        let mut portion = Portion::default();
        let mut text = Vec::new();
        while portion.remaining() + text.len() < about && text.len() < LONGEST_TEXT && !portion.is_full() {
            let wanted = about - portion.remaining();
            match self.parts.front().and_then(|part| part.get(self.pieces)) {
                None => break,
                Some(Piece::Bytes(bytes)) => {
                    let end = bytes.len().min(self.taken + wanted - text.len());
                    if bytes.len() < WORTH_A_PIECE {
                        text.extend_from_slice(&bytes[self.taken..end]);
                    } else {
                        portion.push(Bytes::from(std::mem::take(&mut text)));
                        portion.push(bytes.slice(self.taken..end));
                    }
                    self.taken = if end < bytes.len() { end } else { self.next_piece() };
                }
                Some(Piece::Block(block)) => {
                    let longest = wanted.min(LONGEST_TEXT);
                    let room = longest.min(self.left) + ROOM;
                    text.reserve_exact(room.saturating_sub(text.len())); // nothing where there is room already
                    self.taken = match block.write(self.taken, &mut text, longest) {
                        Some(next) => next,
                        None => self.next_piece(),
                    };
                }
            }
        }
        portion.push(Bytes::from(text));
        self.left -= portion.remaining();
        portion.has_remaining().then_some(portion)
    }

    /// Goes on to the next piece, of which nothing was taken.
    fn next_piece(&mut self) -> usize {
        self.pieces += 1;
        if self.parts.pop_front_if(|part| part.get(self.pieces).is_none()).is_some() {
            self.pieces = 0;
        }
        0
    }

    /// All that is left.
    pub fn to_bytes(&self) -> Bytes {
        let mut left = self.clone();
        let mut all = BytesMut::with_capacity(self.left);
        while let Some(portion) = left.take(self.left) {
            all.put(portion);
        }
        all.freeze()
    }

    /// All that is left as a text, for people and tests.
    pub fn to_text(&self) -> String {
        String::from_utf8_lossy(&self.to_bytes()).into_owned()
    }
}

impl From<Bytes> for Rendered {
    fn from(bytes: Bytes) -> Self {
        Self::new([Pieces::one(bytes)])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(texts: &[&str]) -> Arc<Pieces> {
        Arc::new(texts.iter().map(|text| Piece::from(Bytes::from((*text).to_owned()))).collect())
    }

    /// Its portions.
    fn taken(mut rendered: Rendered, about: usize) -> Vec<Portion> {
        let mut length = rendered.len();
        let mut portions = Vec::new();
        while let Some(portion) = rendered.take(about) {
            assert!(portion.has_remaining(), "{about}");
            length -= portion.remaining();
            assert_eq!(rendered.len(), length, "{about}");
            portions.push(portion);
        }
        assert!(rendered.is_empty());
        portions
    }

    fn text(portions: Vec<Portion>) -> String {
        let mut all = Vec::new();
        for portion in portions {
            all.put(portion);
        }
        String::from_utf8(all).unwrap()
    }

    #[test]
    fn all_of_it_comes_in_whatever_portions() {
        let long = "long".repeat(WORTH_A_PIECE);
        let parts = [&["", "one", "", "two and more", "x"][..], &[], &[""], &[&long, "y", &long, &long], &["z"]];
        let whole: String = parts.concat().concat();
        let rendered = Rendered::new(parts.map(pieces));
        for about in (1..30).chain([100, 1_000, 3_000, 10_000]) {
            let portions = taken(rendered.clone(), about);
            assert!(portions.iter().all(|portion| portion.remaining() <= about), "{about}");
            assert_eq!(text(portions), whole, "{about}");
        }
        assert_eq!(rendered.to_text(), whole);
    }

    #[test]
    fn long_pieces_are_sent_as_they_are_and_short_ones_put_together() {
        let long = Bytes::from("long".repeat(WORTH_A_PIECE));
        let parts: Pieces = [&b"a"[..], b"b", &long, b"c", b"d"]
            .into_iter()
            .map(|bytes| Piece::from(if bytes.len() > 1 { long.clone() } else { Bytes::copy_from_slice(bytes) }))
            .collect();
        let portion = Rendered::new([Arc::new(parts)]).take(usize::MAX).unwrap();
        let mut slices = [std::io::IoSlice::new(&[]); 9];
        assert_eq!(portion.chunks_vectored(&mut slices), 3);
        assert_eq!((&*slices[0], &*slices[2]), (&b"ab"[..], &b"cd"[..]));
        assert_eq!(slices[1].as_ptr(), long.as_ptr(), "it was copied");
    }

    #[test]
    fn there_are_no_more_pieces_than_go_out_at_once() {
        let long = Bytes::from("long".repeat(WORTH_A_PIECE));
        let many: Pieces = (0..200).map(|_| Piece::from(long.clone())).collect();
        let rendered = Rendered::new([Arc::new(many)]);
        let lengths: Vec<usize> = taken(rendered, usize::MAX).iter().map(Buf::remaining).collect();
        assert_eq!(lengths, [64, 64, 64, 8].map(|pieces| pieces * long.len()));
    }

    #[test]
    fn nothing_is_left_of_nothing() {
        let nothing = Rendered::default();
        assert_eq!((nothing.clone().take(10).is_none(), nothing.to_text()), (true, String::new()));
    }
}
