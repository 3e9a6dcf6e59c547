//! What parsers write to: literals, copies, and zeros, of which runs are made.

use super::block::Block;
use super::symbols::Costs;

/// Zeros become a run from here on: shorter runs cost more as a copy than as literals, where zero has the shortest code.
const MIN_RUN: usize = 10;

/// A long run is added in pieces of so many zeros.
const RUN_PIECE: usize = 1 << 20;

/// Collects what a parser found in blocks, and those in a stream.
#[derive(Debug)]
pub(super) struct Sink {
    block: Block,
    /// Kept from stream to stream, so that its pages are.
    out: Vec<u8>,
    /// Zeros that were seen and not yet added to the block: more may follow.
    zeros: u64,
}

impl Sink {
    /// Bytes that a sink holds, but for the stream.
    pub(super) const MEMORY_BYTES: u64 = Block::MEMORY_BYTES;

    pub(super) fn new() -> Self {
        Self { block: Block::new(), out: Vec::new(), zeros: 0 }
    }

    /// Adds literals.
    #[inline(always)]
    pub(super) fn literals(&mut self, bytes: &[u8]) {
        if !bytes.is_empty() {
            self.end_run();
            self.block.literals(bytes, &mut self.out);
        }
    }

    /// Adds a copy of `length` bytes, [`SHORTEST_COPY`](super::block::SHORTEST_COPY) or more, from `distance` back.
    #[inline(always)]
    pub(super) fn copy(&mut self, length: usize, distance: usize) {
        self.end_run();
        let mut left = length;
        while left > 2 * RUN_PIECE {
            self.block.copy(RUN_PIECE, distance, &mut self.out);
            left -= RUN_PIECE;
        }
        self.block.copy(left, distance, &mut self.out);
    }

    /// Adds zeros, which join those before and behind.
    #[inline(always)]
    pub(super) fn zeros(&mut self, count: u64) {
        self.zeros += count;
    }

    /// What symbols cost in the block before.
    pub(super) fn costs(&self) -> &Costs {
        self.block.costs()
    }

    /// Ends the stream on a byte boundary and starts a new one.
    pub(super) fn finish(&mut self) -> Vec<u8> {
        self.end_run();
        self.block.finish(&mut self.out);
        let bytes = self.out.clone();
        self.out.clear();
        bytes
    }

    #[inline(always)]
    fn end_run(&mut self) {
        if self.zeros > 0 {
            self.add_run();
        }
    }

    fn add_run(&mut self) {
        let mut zeros = std::mem::take(&mut self.zeros);
        while zeros > 2 * RUN_PIECE as u64 {
            self.add_short_run(RUN_PIECE);
            zeros -= RUN_PIECE as u64;
        }
        self.add_short_run(usize::try_from(zeros).unwrap_or(0));
    }

    fn add_short_run(&mut self, zeros: usize) {
        match zeros.checked_sub(1) {
            // A literal zero, and a copy of it.
            Some(more) if zeros >= MIN_RUN => {
                self.block.literals(&[0], &mut self.out);
                self.block.copy(more, 1, &mut self.out);
            }
            _ => self.block.literals(&[0; MIN_RUN][..zeros], &mut self.out),
        }
    }
}
