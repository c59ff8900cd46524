//! A rendered answer: pieces that belong one after the other, put together while they are sent.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;

use super::blocks::Block;
use super::gzip::{Joined, Packed};

/// A line more than was asked for, usually.
const ROOM: usize = 1024;

/// A piece of an answer.
#[derive(Clone, Debug)]
pub(super) enum Piece {
    /// Bytes as they are sent.
    Bytes(Bytes),
    /// Lines to be put together.
    Block(Arc<Block>),
}

impl From<Bytes> for Piece {
    fn from(bytes: Bytes) -> Self {
        Self::Bytes(bytes)
    }
}

impl Piece {
    fn len(&self) -> usize {
        match self {
            Self::Bytes(bytes) => bytes.len(),
            Self::Block(block) => block.len(),
        }
    }
}

/// What is left of a rendered answer; cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Rendered {
    pieces: VecDeque<Piece>,
    /// Lines that were taken out of the first piece.
    lines: usize,
    left: usize,
}

impl Rendered {
    pub(super) fn new(pieces: impl IntoIterator<Item = Piece>) -> Self {
        let pieces: VecDeque<Piece> = pieces.into_iter().filter(|piece| piece.len() > 0).collect();
        Self { left: pieces.iter().map(Piece::len).sum(), pieces, lines: 0 }
    }

    /// A text, as one gzip member.
    pub fn compressed(text: &[u8]) -> Self {
        let mut member = Joined::default();
        member.push(Packed::of(text));
        Self::new(member.into_member().into_iter().map(Piece::from))
    }

    /// How many bytes are left.
    pub fn len(&self) -> usize {
        self.left
    }

    /// Whether nothing is left.
    pub fn is_empty(&self) -> bool {
        self.left == 0
    }

    /// Takes out the next bytes, about so many; `None` after the last.
    pub fn take(&mut self, about: usize) -> Option<Bytes> {
        let bytes = match self.pieces.front_mut() {
            None => return None,
            // Sent as it is, without a copy.
            Some(Piece::Bytes(bytes)) if bytes.len() >= about => bytes.split_to(about),
            Some(_) => self.put_together(about),
        };
        self.left -= bytes.len();
        self.pieces.pop_front_if(|piece| matches!(piece, Piece::Bytes(bytes) if bytes.is_empty()));
        Some(bytes)
    }

    fn put_together(&mut self, about: usize) -> Bytes {
        let mut out = Vec::with_capacity(about.min(self.left) + ROOM);
        while out.len() < about
            && let Some(piece) = self.pieces.pop_front()
        {
            match piece {
                Piece::Bytes(bytes) if bytes.len() < about => out.extend_from_slice(&bytes),
                Piece::Bytes(_) => {
                    self.pieces.push_front(piece);
                    break;
                }
                Piece::Block(block) => match block.write(self.lines, &mut out, about) {
                    Some(next) => {
                        self.lines = next;
                        self.pieces.push_front(Piece::Block(block));
                    }
                    None => self.lines = 0,
                },
            }
        }
        Bytes::from(out)
    }

    /// All that is left.
    pub fn to_bytes(&self) -> Bytes {
        self.clone().put_together(usize::MAX)
    }

    /// All that is left as a text, for people and tests.
    pub fn to_text(&self) -> String {
        String::from_utf8_lossy(&self.to_bytes()).into_owned()
    }
}

impl From<Bytes> for Rendered {
    fn from(bytes: Bytes) -> Self {
        Self::new([Piece::Bytes(bytes)])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rendered() -> Rendered {
        Rendered::new(["", "one", "", "two and more", "x"].map(|text| Piece::Bytes(Bytes::from(text))))
    }

    #[test]
    fn all_of_it_comes_in_whatever_portions() {
        for about in 1..30 {
            let mut rendered = rendered();
            let mut taken = Vec::new();
            while let Some(bytes) = rendered.take(about) {
                assert!(!bytes.is_empty(), "{about}");
                taken.extend_from_slice(&bytes);
                assert_eq!(rendered.len(), 16 - taken.len(), "{about}");
            }
            assert_eq!(taken, b"onetwo and morex", "{about}");
            assert!(rendered.is_empty());
        }
        assert_eq!(rendered().to_text(), "onetwo and morex");
    }

    #[test]
    fn nothing_is_left_of_nothing() {
        assert_eq!((Rendered::default().take(10), Rendered::default().to_text()), (None, String::new()));
    }
}
