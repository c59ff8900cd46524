//! Pieces of an answer that belong one after the other, kept from answer to answer.

use std::sync::Arc;

use bytes::Bytes;

use super::blocks::Block;

/// A piece of an answer.
#[derive(Clone, Debug)]
pub(super) enum Piece {
    /// Bytes as they are sent.
    Bytes(Bytes),
    /// Lines to be put together.
    Block(Arc<Block>),
}

impl Piece {
    fn len(&self) -> usize {
        match self {
            Self::Bytes(bytes) => bytes.len(),
            Self::Block(block) => block.len(),
        }
    }
}

impl From<Bytes> for Piece {
    fn from(bytes: Bytes) -> Self {
        Self::Bytes(bytes)
    }
}

/// Pieces that belong one after the other, none of them empty.
#[derive(Debug, Default)]
pub(super) struct Pieces {
    pieces: Box<[Piece]>,
    length: usize,
}

impl Pieces {
    /// One piece.
    pub(super) fn one(bytes: Bytes) -> Arc<Self> {
        Arc::new([Piece::from(bytes)].into_iter().collect())
    }

    /// How long all of them are, in bytes.
    pub(super) fn len(&self) -> usize {
        self.length
    }

    /// The piece of this number.
    pub(super) fn get(&self, number: usize) -> Option<&Piece> {
        self.pieces.get(number)
    }
}

impl FromIterator<Piece> for Pieces {
    fn from_iter<I: IntoIterator<Item = Piece>>(pieces: I) -> Self {
        let pieces: Box<[Piece]> = pieces.into_iter().filter(|piece| piece.len() > 0).collect();
        Self { length: pieces.iter().map(Piece::len).sum(), pieces }
    }
}
