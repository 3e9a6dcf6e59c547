//! How a block tells its codes (RFC 1951, section 3.2.7).

use super::bits::BitWriter;
use super::huffman;
use super::symbols::{DISTANCES, LITERALS};

/// The order in which the code lengths' own code lengths are sent.
const ORDER: [usize; 19] = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

/// Symbols of the code lengths' code: a length itself, or a repetition with so many extra bits.
const REPEAT_LAST: u8 = 16;
const REPEAT_ZERO: u8 = 17;
const REPEAT_ZERO_LONG: u8 = 18;

/// The longest code for code lengths: it is sent in three bits.
const MAX_META_BITS: u8 = 7;

/// The header of a block with its own codes, ready to be written.
#[derive(Debug)]
pub(super) struct CodeHeader {
    literals: usize,
    distances: usize,
    /// Code lengths and repetitions: symbol and extra bits' value.
    tokens: Vec<(u8, u8)>,
    meta_lengths: [u8; 19],
    meta_count: usize,
}

impl CodeHeader {
    pub(super) fn new(literal_lengths: &[u8; LITERALS], distance_lengths: &[u8; DISTANCES]) -> Self {
        let used = |lengths: &[u8], least: usize| lengths.iter().rposition(|&length| length > 0).map_or(least, |last| least.max(last + 1));
        let (literals, distances) = (used(literal_lengths, 257), used(distance_lengths, 1));
        let mut all = Vec::with_capacity(LITERALS + DISTANCES);
        all.extend_from_slice(&literal_lengths[..literals]);
        all.extend_from_slice(&distance_lengths[..distances]);
        let tokens = tokens(&all);
        let mut counts = [0; 19];
        for &(symbol, _) in &tokens {
            counts[usize::from(symbol)] += 1;
        }
        let meta_lengths = huffman::code_lengths(&counts, MAX_META_BITS);
        let meta_count = ORDER.iter().rposition(|&symbol| meta_lengths[symbol] > 0).map_or(4, |last| 4.max(last + 1));
        Self { literals, distances, tokens, meta_lengths, meta_count }
    }

    /// Bits that the header takes.
    pub(super) fn bits(&self) -> u64 {
        let tokens: u32 =
            self.tokens.iter().map(|&(symbol, _)| u32::from(self.meta_lengths[usize::from(symbol)]) + extra_bits(symbol)).sum();
        3 + 5 + 5 + 4 + 3 * self.meta_count as u64 + u64::from(tokens)
    }

    pub(super) fn write(&self, bits: &mut BitWriter<'_>) {
        // Not final, with its own codes.
        bits.put(0b100, 3);
        bits.put(self.literals as u64 - 257, 5);
        bits.put(self.distances as u64 - 1, 5);
        bits.put(self.meta_count as u64 - 4, 4);
        bits.flush();
        for &symbol in &ORDER[..self.meta_count] {
            bits.put(self.meta_lengths[symbol].into(), 3);
            bits.flush();
        }
        let codes = huffman::canonical_codes(&self.meta_lengths);
        for &(symbol, extra) in &self.tokens {
            bits.put(codes[usize::from(symbol)].into(), self.meta_lengths[usize::from(symbol)].into());
            bits.put(extra.into(), extra_bits(symbol));
            bits.flush();
        }
    }
}

fn extra_bits(symbol: u8) -> u32 {
    match symbol {
        REPEAT_LAST => 2,
        REPEAT_ZERO => 3,
        REPEAT_ZERO_LONG => 7,
        _ => 0,
    }
}

/// Code lengths with their repetitions shortened.
fn tokens(lengths: &[u8]) -> Vec<(u8, u8)> {
    let mut tokens = Vec::with_capacity(lengths.len());
    for run in lengths.chunk_by(|a, b| a == b) {
        let value = run[0];
        let mut left = run.len();
        if value > 0 {
            tokens.push((value, 0));
            left -= 1;
        }
        while left > 0 {
            let (symbol, least, most) = match (value, left) {
                (0, 11..) => (REPEAT_ZERO_LONG, 11, 138),
                (0, 3..) => (REPEAT_ZERO, 3, 10),
                (1.., 3..) => (REPEAT_LAST, 3, 6),
                _ => (value, 1, 1),
            };
            let count = left.min(most);
            tokens.push((symbol, u8::try_from(count - least).unwrap_or(0)));
            left -= count;
        }
    }
    tokens
}
