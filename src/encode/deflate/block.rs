//! One deflate block: literals and copies are collected, then written with the codes that make them shortest.

use super::bits::{BitWriter, Tail};
use super::codes::{self, Codes};
use super::header::CodeHeader;
use super::huffman::{self, MAX_CODE_BITS};
use super::symbols::{Costs, DISTANCES, END_OF_BLOCK, LENGTH_SYMBOLS, LITERALS, LONGEST, MAX_COPY, MAX_DISTANCE};
use super::symbols::{distance_symbol, length_index, narrow, pieces};
use crate::simd::vectorized;

/// The shortest copy that parsers make: at 31 bits in a fixed block, the worst case, it is no longer than four literals of nine.
pub(super) const SHORTEST_COPY: usize = 4;

/// Literals in a block; as many as a stored one holds (RFC 1951, section 3.2.4). Codes are made anew after so many: few enough to follow
/// the picture, many enough for the codes to cost nothing.
const MAX_LITERALS: usize = 65_535;

/// Copies in a block.
const MAX_STEPS: usize = 8 << 10;

/// A few literals and the copy that follows them.
#[derive(Clone, Copy, Debug)]
struct Step {
    literals: u32,
    copy: u32,
    distance: u32,
}

/// What a parser found, not yet written.
#[derive(Debug)]
pub(super) struct Block {
    literals: Vec<u8>,
    /// How many of the literals belong to no step yet.
    loose: u32,
    steps: Vec<Step>,
    tail: Tail,
    costs: Costs,
}

/// How often each symbol occurs, and how many extra bits follow them.
struct Counts {
    literals: [u32; LITERALS],
    distances: [u32; DISTANCES],
    extra_bits: u64,
}

impl Block {
    pub(super) fn new() -> Self {
        let (literals, steps) = (Vec::with_capacity(MAX_LITERALS), Vec::with_capacity(MAX_STEPS));
        Self { literals, loose: 0, steps, tail: Tail::default(), costs: Costs::expected() }
    }

    /// Bytes that a block holds.
    pub(super) const MEMORY_BYTES: u64 = (MAX_LITERALS + MAX_STEPS * size_of::<Step>()) as u64;

    /// The most bytes that blocks write for `raw_bytes`, the sync flush included.
    ///
    /// In a fixed block no literal takes more than 9 bits and no copy more than 9 bits for each of its bytes; its ends take 10. All
    /// blocks but the last one hold 32 KiB or more, and the flush takes 42 bits.
    pub(super) const fn bound_bytes(raw_bytes: u64) -> u64 {
        let ends = 2 * (raw_bytes / (MAX_STEPS * SHORTEST_COPY) as u64 + 1);
        raw_bytes.saturating_add(raw_bytes / 8).saturating_add(ends + 1 + 6)
    }

    /// Adds literals; writes the block to `out` where it is full.
    #[inline]
    pub(super) fn literals(&mut self, mut bytes: &[u8], out: &mut Vec<u8>) {
        while !bytes.is_empty() {
            if self.literals.len() == MAX_LITERALS {
                self.write(out);
            }
            let (now, later) = bytes.split_at(bytes.len().min(MAX_LITERALS - self.literals.len()));
            self.literals.extend_from_slice(now);
            self.loose += narrow(now.len());
            bytes = later;
        }
    }

    /// Adds a copy of `length` bytes from `distance` back; writes the block where it is full.
    #[inline]
    pub(super) fn copy(&mut self, length: usize, distance: usize, out: &mut Vec<u8>) {
        debug_assert!((SHORTEST_COPY..=MAX_STEP).contains(&length) && (1..=MAX_DISTANCE).contains(&distance));
        self.steps.push(Step { literals: self.loose, copy: narrow(length), distance: narrow(distance) });
        self.loose = 0;
        if self.steps.len() == MAX_STEPS {
            self.write(out);
        }
    }

    /// What symbols cost in the block before.
    pub(super) fn costs(&self) -> &Costs {
        &self.costs
    }

    /// Writes what is left, ends on a byte boundary with an empty stored block (a sync flush), and starts anew.
    pub(super) fn finish(&mut self, out: &mut Vec<u8>) {
        self.write(out);
        let mut bits = BitWriter::new(out, self.tail, 3 + 7 + 32);
        stored_header(&mut bits, 0);
        self.tail = bits.finish();
        self.costs = Costs::expected();
    }

    /// Writes the block and empties it.
    fn write(&mut self, out: &mut Vec<u8>) {
        if self.literals.is_empty() && self.steps.is_empty() {
            return;
        }
        let counts = vectorized(
            #[inline(always)]
            || self.count(),
        );
        let literal_lengths = huffman::code_lengths(&counts.literals, MAX_CODE_BITS);
        let distance_lengths = huffman::code_lengths(&counts.distances, MAX_CODE_BITS);
        let header = CodeHeader::new(&literal_lengths, &distance_lengths);
        let own_bits = header.bits() + counts.bits(&literal_lengths, &distance_lengths);
        let fixed = codes::fixed_lengths();
        let fixed_bits = 3 + counts.bits(&fixed.0, &fixed.1);
        // Only literals can be stored as they are.
        let stored_bits = if self.steps.is_empty() { self.literals.len() as u64 * 8 + 3 + 7 + 32 } else { u64::MAX };
        let bits = own_bits.min(fixed_bits).min(stored_bits);
        let mut writer = BitWriter::new(out, self.tail, bits);
        if bits == own_bits {
            header.write(&mut writer);
            self.write_symbols(&Codes::new(&literal_lengths, &distance_lengths), &mut writer);
        } else if bits == fixed_bits {
            // Not final, fixed codes.
            writer.put(0b010, 3);
            self.write_symbols(&Codes::new(&fixed.0, &fixed.1), &mut writer);
        } else {
            // At most `MAX_LITERALS`.
            stored_header(&mut writer, u16::try_from(self.literals.len()).unwrap_or(u16::MAX));
            writer.bytes(&self.literals);
        }
        self.tail = writer.finish();
        self.costs = Costs::of_codes(&literal_lengths, &distance_lengths);
        self.literals.clear();
        self.steps.clear();
        self.loose = 0;
    }

    #[inline(always)]
    fn count(&self) -> Counts {
        let mut counts = Counts { literals: count_bytes(&self.literals), distances: [0; DISTANCES], extra_bits: 0 };
        for step in &self.steps {
            let (full, rest) = pieces(step.copy);
            let mut copies = full;
            counts.literals[LONGEST] += full;
            for length in rest.into_iter().filter(|&length| length > 0) {
                let (symbol, extra) = LENGTH_SYMBOLS[length_index(length)];
                counts.literals[usize::from(symbol)] += 1;
                counts.extra_bits += u64::from(extra);
                copies += 1;
            }
            let (symbol, extra) = distance_symbol(step.distance);
            counts.distances[symbol % DISTANCES] += copies;
            counts.extra_bits += u64::from(copies) * u64::from(extra);
        }
        counts.literals[END_OF_BLOCK] = 1;
        counts
    }

    fn write_symbols(&self, codes: &Codes, bits: &mut BitWriter<'_>) {
        vectorized(
            #[inline(always)]
            || self.write_symbols_inline(codes, bits),
        );
    }

    #[inline(always)]
    fn write_symbols_inline(&self, codes: &Codes, bits: &mut BitWriter<'_>) {
        let mut literals = self.literals.as_slice();
        for step in &self.steps {
            let (now, later) = literals.split_at(step.literals as usize);
            write_literals(now, codes, bits);
            literals = later;
            write_copy(step, codes, bits);
        }
        write_literals(literals, codes, bits);
        let end = codes.literals[END_OF_BLOCK];
        bits.put(end.bits.into(), end.count);
        bits.flush();
    }
}

/// The longest copy that a block takes in one call.
const MAX_STEP: usize = 1 << 24;

impl Counts {
    /// Bits of all symbols with codes of these lengths.
    fn bits(&self, literal_lengths: &[u8; LITERALS], distance_lengths: &[u8; DISTANCES]) -> u64 {
        let sum = |counts: &[u32], lengths: &[u8]| counts.iter().zip(lengths).map(|(&n, &l)| u64::from(n) * u64::from(l)).sum::<u64>();
        sum(&self.literals, literal_lengths) + sum(&self.distances, distance_lengths) + self.extra_bits
    }
}

/// Starts a stored block that is not the last one.
fn stored_header(bits: &mut BitWriter<'_>, length: u16) {
    bits.put(0b000, 3);
    bits.align();
    bits.bytes(&length.to_le_bytes());
    bits.bytes(&(!length).to_le_bytes());
}

/// Counts bytes in eight tables at once, so that equal neighbours, such as an opaque picture's alpha, do not wait for each other.
#[inline(always)]
fn count_bytes(bytes: &[u8]) -> [u32; LITERALS] {
    let mut tables = [[0_u32; 256]; 8];
    let (groups, rest) = bytes.as_chunks::<8>();
    for group in groups {
        for (table, &byte) in tables.iter_mut().zip(group) {
            table[usize::from(byte)] += 1;
        }
    }
    for &byte in rest {
        tables[0][usize::from(byte)] += 1;
    }
    std::array::from_fn(|symbol| tables.iter().map(|table| table.get(symbol).copied().unwrap_or(0)).sum())
}

#[inline(always)]
fn write_literals(literals: &[u8], codes: &Codes, bits: &mut BitWriter<'_>) {
    let packed = |byte: u8| u64::from(codes.packed[usize::from(byte)]);
    let (quads, rest) = literals.as_chunks::<4>();
    for &[a, b, c, d] in quads {
        let [a, b, c, d] = [packed(a), packed(b), packed(c), packed(d)];
        // Pairs first: two short chains of shifts instead of a long one. The low six bits, which a shift looks at, hold a count.
        let ab = (a & !0xff) | (b & !0xff) << (a & 63);
        let cd = (c & !0xff) | (d & !0xff) << (c & 63);
        let count = a + b;
        bits.put((ab | cd << (count & 63)) >> 8, ((count + c + d) & 63) as u32);
        bits.flush();
    }
    for &byte in rest {
        let code = packed(byte);
        bits.put(code >> 8, (code & 63) as u32);
    }
    bits.flush();
}

#[inline(always)]
fn write_copy(step: &Step, codes: &Codes, bits: &mut BitWriter<'_>) {
    let (symbol, extra) = distance_symbol(step.distance);
    let code = codes.distances[symbol % DISTANCES];
    let mask = (1 << extra) - 1;
    let distance_bits = u64::from(code.bits) | u64::from((step.distance - 1) & mask) << code.count;
    let distance_count = code.count + extra;
    let mut put = |length: u32| {
        let code = codes.lengths[length_index(length)];
        bits.put(u64::from(code.bits) | distance_bits << code.count, code.count + distance_count);
        bits.flush();
    };
    let (full, rest) = pieces(step.copy);
    for _ in 0..full {
        put(MAX_COPY);
    }
    rest.into_iter().filter(|&length| length > 0).for_each(put);
}
