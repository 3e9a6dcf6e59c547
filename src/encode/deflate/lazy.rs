//! The thorough parser: of all copies the one that saves most.

use super::block::SHORTEST_COPY;
use super::chains::Chains;
use super::sink::Sink;
use super::symbols::{self, Costs, MAX_COPY};
use super::window::{self, Window};
use crate::simd::vectorized;

/// Zeros are a run from here on, without a search.
const MIN_RUN: usize = 16;

/// Zeros behind so many others cost nothing: there a run would go on. (Counted as literals, they would make any copy that holds a run look
/// worth its bits.)
const COUNTED_ZEROS: u32 = 4;

/// Bytes that are gathered before they are parsed: copies do not reach into what comes later.
const GATHERED_BYTES: usize = 64 << 10;

/// The most bytes that are passed over between two that are searched.
const MAX_SKIPPED: usize = 3;

/// How hard the parser searches.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SearchDepth {
    /// Bytes that must agree for a place to be looked at.
    pub(crate) hashed_bytes: u32,
    /// Places looked at for each byte.
    pub(crate) depth: u32,
    /// A copy of so many bytes is taken without looking further.
    pub(crate) good_bytes: usize,
    /// After so many bytes without a copy the first is passed over unsearched, then more.
    pub(crate) patience: usize,
}

/// Compresses filtered rows by searching all of the last 32 KiB, and takes a copy unless the next byte's saves more bits.
#[derive(Debug)]
pub(crate) struct LazyDeflate {
    sink: Sink,
    window: Window,
    chains: Chains,
    effort: SearchDepth,
    /// Zeros since the last row that are not in the window.
    gap: u64,
}

/// A copy, and how many bits fewer than its literals it takes by the costs of the block before.
#[derive(Clone, Copy, Debug, Default)]
struct Match {
    length: usize,
    distance: usize,
    saved_bits: u32,
}

impl LazyDeflate {
    /// For rows of up to `row_bytes` filtered bytes.
    pub(crate) fn new(row_bytes: usize, effort: SearchDepth) -> Self {
        let window = Window::new(row_bytes.saturating_add(GATHERED_BYTES));
        Self { sink: Sink::new(), window, chains: Chains::new(effort.hashed_bytes), effort, gap: 0 }
    }

    /// Bytes held for rows of `row_bytes` filtered bytes, but for the stream.
    pub(crate) const fn memory_bytes(row_bytes: u64) -> u64 {
        let ahead = row_bytes.saturating_add(GATHERED_BYTES as u64);
        Window::memory_bytes(ahead).saturating_add(Sink::MEMORY_BYTES + Chains::MEMORY_BYTES)
    }

    /// Room for the next row of `length` filtered bytes, holding anything.
    pub(crate) fn row_mut(&mut self, length: usize) -> &mut [u8] {
        self.window.pass_zeros(std::mem::take(&mut self.gap));
        if !self.window.has_room(length) {
            self.parse();
            self.window.slide();
        }
        self.window.room_mut(length)
    }

    /// Adds the row that [`row_mut`](Self::row_mut) gave room for.
    pub(crate) fn push_row(&mut self, length: usize) {
        self.window.fill(length);
    }

    /// Adds zeros, whole empty rows.
    pub(crate) fn push_zeros(&mut self, count: u64) {
        self.parse();
        self.sink.zeros(count);
        self.gap += count;
    }

    /// Ends the stream on a byte boundary and starts a new one.
    pub(crate) fn finish(&mut self) -> Vec<u8> {
        self.parse();
        self.window.restart();
        self.chains.forget();
        self.gap = 0;
        self.sink.finish()
    }

    /// Parses all that was gathered.
    fn parse(&mut self) {
        vectorized(
            #[inline(always)]
            || self.parse_inline(),
        );
    }

    #[inline(always)]
    fn parse_inline(&mut self) {
        let unparsed = self.window.unparsed();
        let (mut literals, end) = (unparsed.start, unparsed.end);
        let mut at = literals;
        let mut found = None;
        while at + 8 <= end {
            if window::word(self.window.bytes(), at) == 0 {
                let bytes = self.window.bytes();
                let stop = at + 8 + window::zeros_ahead(&bytes[at + 8..end]);
                if stop - at >= MIN_RUN {
                    let start = at - window::zeros_before(&bytes[literals..at]);
                    self.sink.literals(&bytes[literals..start]);
                    self.sink.zeros((stop - start) as u64);
                    (at, literals, found) = (stop, stop, None);
                    continue;
                }
            }
            let copy = found.take().unwrap_or_else(|| self.search(at, end, 0));
            if copy.saved_bits == 0 {
                at += 1 + ((at - literals) / self.effort.patience).min(MAX_SKIPPED);
                continue;
            }
            let mut searched = at + 1;
            if copy.length < self.effort.good_bytes && at + 9 <= end {
                let later = self.search(at + 1, end, copy.length - 1);
                if later.saved_bits > copy.saved_bits {
                    at += 1;
                    found = Some(later);
                    continue;
                }
                searched += 1;
            }
            self.sink.literals(&self.window.bytes()[literals..at]);
            self.sink.copy(copy.length, copy.distance);
            at += copy.length;
            literals = at;
            for skipped in searched..at.min(end.saturating_sub(8)) {
                self.chains.insert(&self.window, skipped);
            }
        }
        let bytes = self.window.bytes();
        let start = end - window::zeros_before(&bytes[literals..end]);
        self.sink.literals(&bytes[literals..start]);
        self.sink.zeros((end - start) as u64);
        self.window.set_parsed();
    }

    /// The copy at `at`, longer than `least`, that saves most; notes `at`.
    #[inline(always)]
    fn search(&mut self, at: usize, end: usize, least: usize) -> Match {
        let costs = self.sink.costs();
        let mut best = Match::default();
        let mut length = least.max(SHORTEST_COPY - 1);
        let mut candidate = self.chains.insert(&self.window, at);
        let bytes = self.window.bytes();
        let here = window::word(bytes, at);
        let mut plain = Plain::default();
        for _ in 0..self.effort.depth {
            let Some(distance) = candidate else { break };
            // Four bytes first: most candidates end here.
            let differing = here ^ window::word(bytes, at - distance);
            if differing.trailing_zeros() >= 32 && at + length < end && bytes[at + length] == bytes[at + length - distance] {
                let agreed = window::agreement(bytes, at, distance, end);
                if agreed > length {
                    length = agreed;
                    // At most 258 count: what is longer saves in proportion.
                    let counted = agreed.min(MAX_COPY as usize);
                    let saved_bits = plain
                        .bits_up_to(costs, &bytes[at..at + counted])
                        .saturating_sub(costs.copy(symbols::narrow(counted), symbols::narrow(distance)));
                    if saved_bits > best.saved_bits {
                        best = Match { length, distance, saved_bits };
                    }
                    if agreed >= self.effort.good_bytes {
                        break;
                    }
                }
            }
            candidate = self.chains.next(&self.window, at, distance);
        }
        best
    }
}

/// What bytes cost without copies, counted on from one length to the next.
#[derive(Debug, Default)]
struct Plain {
    counted: usize,
    zeros: u32,
    bits: u32,
}

impl Plain {
    /// Bits of `bytes`, whose first ones were counted before.
    #[inline(always)]
    fn bits_up_to(&mut self, costs: &Costs, bytes: &[u8]) -> u32 {
        for &byte in &bytes[self.counted.min(bytes.len())..] {
            self.zeros = if byte == 0 { self.zeros + 1 } else { 0 };
            if self.zeros <= COUNTED_ZEROS {
                self.bits += u32::from(costs.literals[usize::from(byte)]);
            }
        }
        self.counted = self.counted.max(bytes.len());
        self.bits
    }
}
