//! The next bytes of an answer, in the pieces they are kept in: handed to the kernel together, without being copied
//! into one.

use std::collections::VecDeque;
use std::io::IoSlice;

use bytes::{Buf, Bytes};

/// As many pieces as hyper hands to the kernel in one call.
const MOST_PIECES: usize = 64;

/// Some bytes of an answer.
#[derive(Clone, Debug, Default)]
pub struct Portion {
    /// None of them empty.
    pieces: VecDeque<Bytes>,
    left: usize,
}

impl Portion {
    /// Appends bytes.
    pub(super) fn push(&mut self, bytes: Bytes) {
        if !bytes.is_empty() {
            self.left += bytes.len();
            self.pieces.push_back(bytes);
        }
    }

    /// Whether more pieces would be of no use.
    pub(super) fn is_full(&self) -> bool {
        self.pieces.len() >= MOST_PIECES
    }
}

impl Buf for Portion {
    fn remaining(&self) -> usize {
        self.left
    }

    fn chunk(&self) -> &[u8] {
        self.pieces.front().map_or(&[], Bytes::as_ref)
    }

    fn chunks_vectored<'a>(&'a self, slices: &mut [IoSlice<'a>]) -> usize {
        for (slice, piece) in slices.iter_mut().zip(&self.pieces) {
            *slice = IoSlice::new(piece);
        }
        slices.len().min(self.pieces.len())
    }

    fn advance(&mut self, count: usize) {
        assert!(count <= self.left, "{count} bytes of {} are to be passed", self.left);
        self.left -= count;
        let mut count = count;
        while count > 0
            && let Some(piece) = self.pieces.front_mut()
        {
            let passed = count.min(piece.len());
            piece.advance(passed);
            count -= passed;
            self.pieces.pop_front_if(|piece| piece.is_empty());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn portion() -> Portion {
        let mut portion = Portion::default();
        for text in ["one", "", "two and more", "x"] {
            portion.push(Bytes::from(text));
        }
        portion
    }

    fn slices(portion: &Portion, most: usize) -> Vec<String> {
        let mut slices = vec![IoSlice::new(&[]); most];
        let count = portion.chunks_vectored(&mut slices);
        slices[..count].iter().map(|slice| String::from_utf8_lossy(slice).into_owned()).collect()
    }

    #[test]
    fn it_is_passed_in_steps_of_any_length() {
        for step in 1..20 {
            let (mut portion, mut passed) = (portion(), Vec::new());
            while portion.has_remaining() {
                let length = step.min(portion.remaining());
                passed.extend_from_slice(&slices(&portion, 9).concat().as_bytes()[..length]);
                assert!(!portion.chunk().is_empty());
                portion.advance(length);
            }
            assert_eq!(passed, b"onetwo and morex", "{step}");
        }
    }

    #[test]
    fn it_shows_as_many_pieces_as_are_asked_for() {
        let mut portion = portion();
        portion.advance(4);
        assert_eq!(slices(&portion, 0), [""; 0]);
        assert_eq!(slices(&portion, 1), ["wo and more"]);
        assert_eq!(slices(&portion, 2), ["wo and more", "x"]);
        assert_eq!(slices(&portion, 3), ["wo and more", "x"]);
    }

    #[test]
    #[should_panic(expected = "17 bytes of 16 are to be passed")]
    fn nothing_is_passed_that_is_not_there() {
        portion().advance(17);
    }

    #[test]
    fn it_is_full_of_as_many_pieces_as_go_out_at_once() {
        let mut portion = Portion::default();
        for count in 0..MOST_PIECES {
            assert!(!portion.is_full(), "{count}");
            portion.push(Bytes::from_static(b"x"));
        }
        assert!(portion.is_full());
    }
}
