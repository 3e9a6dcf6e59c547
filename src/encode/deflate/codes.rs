//! A block's codes, ready to be sent.

use super::huffman;
use super::symbols::{DISTANCES, LENGTH_SYMBOLS, LITERALS};

/// A code with its bits in sending order; for a length, the extra bits included.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Code {
    pub(super) bits: u32,
    pub(super) count: u32,
}

#[derive(Debug)]
pub(super) struct Codes {
    /// Of the bytes: bits from the ninth on, their count in the low eight. What most of the work looks up is one load.
    pub(super) packed: [u32; 256],
    pub(super) literals: [Code; LITERALS],
    /// By [`length_index`](super::symbols::length_index).
    pub(super) lengths: [Code; 256],
    pub(super) distances: [Code; DISTANCES],
}

impl Codes {
    pub(super) fn new(literal_lengths: &[u8; LITERALS], distance_lengths: &[u8; DISTANCES]) -> Self {
        let literals = codes(literal_lengths);
        let packed = std::array::from_fn(|byte| literals[byte].bits << 8 | literals[byte].count);
        let mut lengths = [Code::default(); 256];
        let (mut symbol, mut first) = (0, 0);
        for (index, (length, &(own, extra))) in (0_u32..).zip(lengths.iter_mut().zip(&LENGTH_SYMBOLS)) {
            if own != symbol {
                (symbol, first) = (own, index);
            }
            let Code { bits, count } = literals[usize::from(symbol)];
            *length = Code { bits: bits | (index - first) << count, count: count + u32::from(extra) };
        }
        Self { packed, literals, lengths, distances: codes(distance_lengths) }
    }
}

fn codes<const N: usize>(lengths: &[u8; N]) -> [Code; N] {
    let bits = huffman::canonical_codes(lengths);
    std::array::from_fn(|symbol| Code { bits: bits[symbol].into(), count: lengths[symbol].into() })
}

/// Lengths of the codes that a fixed block has (RFC 1951, section 3.2.6).
pub(super) fn fixed_lengths() -> ([u8; LITERALS], [u8; DISTANCES]) {
    let literals = std::array::from_fn(|symbol| match symbol {
        0..144 => 8,
        144..256 => 9,
        256..280 => 7,
        _ => 8,
    });
    (literals, [5; DISTANCES])
}
