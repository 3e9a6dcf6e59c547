//! Deflate (RFC 1951) made for filtered rows of pixels.
//!
//! A parser cuts the rows into literals, copies and runs of zeros, and a block writes what it got with codes made for that. The two
//! parsers, one fast and one thorough, share everything else. No general compressor is used, since some of them choose their hash by the
//! processor's features, and then the bytes depend on the machine.

mod bits;
mod block;
mod chains;
mod codes;
mod fast;
mod header;
mod huffman;
mod lazy;
mod segment;
mod sink;
mod survey;
mod symbols;
mod window;

use self::fast::FastDeflate;
use self::lazy::{LazyDeflate, SearchDepth};
pub(super) use self::segment::Segment;
pub(super) use self::symbols::MAX_DISTANCE;
use crate::job::Compression;

/// The parser of a level of compression.
#[derive(Debug)]
pub(super) enum Deflate<const BPP: usize> {
    Fast(FastDeflate<BPP>),
    Lazy(LazyDeflate),
}

/// The size of libpng's level 6, five times as fast.
const BALANCED: SearchDepth = SearchDepth { hashed_bytes: 7, depth: 3, good_bytes: 64, patience: 12 };

/// Smaller than libpng's level 9, and faster.
const SMALL: SearchDepth = SearchDepth { hashed_bytes: 5, depth: 256, good_bytes: 258, patience: usize::MAX };

impl<const BPP: usize> Deflate<BPP> {
    /// For rows of up to `row_bytes` filtered bytes.
    pub(super) fn new(row_bytes: usize, compression: Compression) -> Self {
        match compression {
            Compression::Fast => Self::Fast(FastDeflate::new(row_bytes)),
            Compression::Balanced => Self::Lazy(LazyDeflate::new(row_bytes, BALANCED)),
            Compression::Small => Self::Lazy(LazyDeflate::new(row_bytes, SMALL)),
        }
    }

    /// The most bytes of a stream of `raw_bytes` filtered bytes.
    pub(super) const fn bound_bytes(raw_bytes: u64) -> u64 {
        block::Block::bound_bytes(raw_bytes)
    }

    /// The most bytes held while rows of `row_bytes` become a stream of up to `stream_bytes`, which is handed over as a copy.
    pub(super) const fn memory_bytes(row_bytes: u64, stream_bytes: u64) -> u64 {
        let (fast, lazy) = (FastDeflate::<BPP>::memory_bytes(row_bytes), LazyDeflate::memory_bytes(row_bytes));
        let parser = if fast > lazy { fast } else { lazy };
        // While a stream grows, its old bytes are there, too.
        let stream = stream_bytes.saturating_mul(2).saturating_add(2 * bits::GROWTH_BYTES as u64);
        parser.saturating_add(stream)
    }

    /// Room for the next row of `length` filtered bytes, holding anything.
    pub(super) fn row_mut(&mut self, length: usize) -> &mut [u8] {
        match self {
            Self::Fast(parser) => parser.row_mut(length),
            Self::Lazy(parser) => parser.row_mut(length),
        }
    }

    /// Adds the row that [`row_mut`](Self::row_mut) gave room for; outside of the `segments` it is zero.
    pub(super) fn push_row(&mut self, length: usize, segments: &[Segment]) {
        match self {
            Self::Fast(parser) => parser.push_row(length, segments),
            Self::Lazy(parser) => parser.push_row(length),
        }
    }

    /// Adds zeros, whole empty rows.
    pub(super) fn push_zeros(&mut self, count: u64) {
        match self {
            Self::Fast(parser) => parser.push_zeros(count),
            Self::Lazy(parser) => parser.push_zeros(count),
        }
    }

    /// Ends the stream on a byte boundary with a sync flush and starts a new one.
    pub(super) fn finish(&mut self) -> Vec<u8> {
        match self {
            Self::Fast(parser) => parser.finish(),
            Self::Lazy(parser) => parser.finish(),
        }
    }
}
