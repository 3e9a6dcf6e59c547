//! Where a row differs from the one above, and which filter suits it there.

use std::ops::Range;

use super::filter::{self, RowFilter};
use crate::simd::vectorized;

/// Bytes of a row that are looked at as one.
const CHUNK: usize = 64;

/// Gaps shorter than this are worked through instead of skipped: copies may span them.
const GAP: usize = 256;

/// Bytes that a filter is tried on at a time.
const SAMPLE: usize = 128;

/// What a chunk of a row is, in the order of what it asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Change {
    /// Zero, and zero above.
    Empty,
    /// The same as above, and not all zero.
    Same,
    /// Different from above.
    Different,
}

/// The chunks of a row that are alike, as ranges of bytes.
#[derive(Debug)]
pub(super) struct Changes {
    runs: Vec<(Change, Range<usize>)>,
    row_is_empty: bool,
}

impl Changes {
    /// For rows of `row_bytes` bytes.
    pub(super) fn new(row_bytes: usize) -> Self {
        Self { runs: Vec::with_capacity(row_bytes / CHUNK + 1), row_is_empty: true }
    }

    /// The most spans that such a row can have.
    pub(super) const fn max_spans(row_bytes: usize) -> usize {
        row_bytes / GAP + 1
    }

    /// Bytes held for rows of `row_bytes` bytes, their spans included.
    pub(super) const fn memory_bytes(row_bytes: u64) -> u64 {
        let runs = (row_bytes / CHUNK as u64 + 1).saturating_mul(size_of::<(Change, Range<usize>)>() as u64);
        let spans = (row_bytes / GAP as u64 + 2).saturating_mul(size_of::<Range<usize>>() as u64);
        runs.saturating_add(spans)
    }

    /// Starts with a row that nothing is known of.
    pub(super) fn clear(&mut self) {
        self.runs.clear();
        self.row_is_empty = true;
    }

    /// Compares the bytes `range` of `row` with those `above`, behind the ranges that were compared before. The first `known` of them only
    /// count for the bytes that follow.
    pub(super) fn find(&mut self, row: &[u8], above: &[u8], range: Range<usize>, known: usize) {
        vectorized(
            #[inline(always)]
            || self.find_inline(row, above, range, known),
        );
    }

    #[inline(always)]
    fn find_inline(&mut self, row: &[u8], above: &[u8], range: Range<usize>, known: usize) {
        let ((chunks, rest), (chunks_above, rest_above)) =
            (row[range.clone()].as_chunks::<CHUNK>(), above[range.clone()].as_chunks::<CHUNK>());
        let first = range.start + known;
        let (mut start, mut end) = (first, range.start);
        let mut current = Change::Empty;
        for (chunk, chunk_above) in chunks.iter().zip(chunks_above) {
            let change = self.compare(chunk, chunk_above);
            if change != current {
                self.add(current, start..end);
                (current, start) = (change, end.max(first));
            }
            end += CHUNK;
        }
        if !rest.is_empty() {
            let (mut chunk, mut chunk_above) = ([0; CHUNK], [0; CHUNK]);
            chunk[..rest.len()].copy_from_slice(rest);
            chunk_above[..rest.len()].copy_from_slice(rest_above);
            let change = self.compare(&chunk, &chunk_above);
            if change != current {
                self.add(current, start..end);
                (current, start) = (change, end.max(first));
            }
        }
        self.add(current, start..range.end);
    }

    /// Whether all that was compared of the row is zero, whatever is above.
    pub(super) fn is_empty_row(&self) -> bool {
        self.row_is_empty
    }

    /// The filter of `filters` that seems to suit best, by about `samples` samples of where the row is not empty.
    pub(super) fn choose<const BPP: usize>(&self, row: &[u8], above: &[u8], filters: &[RowFilter], samples: usize) -> RowFilter {
        vectorized(
            #[inline(always)]
            || self.choose_inline::<BPP>(row, above, filters, samples),
        )
    }

    #[inline(always)]
    fn choose_inline<const BPP: usize>(&self, row: &[u8], above: &[u8], filters: &[RowFilter], samples: usize) -> RowFilter {
        let mut costs = [0; RowFilter::ALL.len()];
        let mut scratch = [0; SAMPLE];
        // Where the row is as above, most filters leave nothing: fewer samples show that.
        for (change, samples) in [(Change::Same, samples / 4), (Change::Different, samples)] {
            let ranges = || self.runs.iter().filter(|run| run.0 == change).map(|run| &run.1);
            let bytes: usize = ranges().map(Range::len).sum();
            let stride = (bytes / samples).max(SAMPLE);
            let mut skipped = 0;
            for range in ranges() {
                let mut at = range.start + skipped;
                while at < range.end {
                    let out = &mut scratch[..SAMPLE.min(range.end - at)];
                    for (cost, &filter) in costs.iter_mut().zip(filters) {
                        filter::apply::<BPP>(filter, row, above, at, out);
                        *cost += filter::estimate(out) * stride as u64;
                    }
                    at += stride;
                }
                skipped = at - range.end;
            }
        }
        let best = filters.iter().zip(costs).min_by_key(|&(_, cost)| cost);
        best.map_or(RowFilter::None, |(&filter, _)| filter)
    }

    /// The ranges outside of which `filter` makes zeros of the row, in order.
    ///
    /// Where a pixel is the same as above, and so is the one to its left, Up and Paeth leave nothing; the other filters only do where
    /// both are zero.
    pub(super) fn spans<const BPP: usize>(&self, filter: RowFilter, row_bytes: usize, spans: &mut Vec<Range<usize>>) {
        let least = match filter {
            RowFilter::Up | RowFilter::Paeth => Change::Different,
            RowFilter::None | RowFilter::Sub | RowFilter::Average => Change::Same,
        };
        spans.clear();
        for (_, range) in self.runs.iter().filter(|run| run.0 >= least) {
            // The next pixel sees this one to its left.
            let end = (range.end + BPP).min(row_bytes);
            match spans.last_mut() {
                Some(last) if last.end + GAP > range.start => last.end = end,
                _ => spans.push(range.start..end),
            }
        }
    }

    fn add(&mut self, change: Change, range: Range<usize>) {
        if !range.is_empty() {
            self.runs.push((change, range));
        }
    }

    /// Without a branch inside a chunk, so that it is a few vector instructions.
    #[inline(always)]
    fn compare(&mut self, chunk: &[u8; CHUNK], above: &[u8; CHUNK]) -> Change {
        let words = |bytes: &[u8; CHUNK]| -> [u64; CHUNK / 8] {
            std::array::from_fn(|word| u64::from_le_bytes(std::array::from_fn(|byte| bytes[word * 8 + byte])))
        };
        let (chunk, above) = (words(chunk), words(above));
        let differing = chunk.iter().zip(&above).fold(0, |any, (x, b)| any | (x ^ b));
        let set = chunk.iter().fold(0, |any, x| any | x);
        self.row_is_empty &= set == 0;
        match (differing, set) {
            (0, 0) => Change::Empty,
            (0, _) => Change::Same,
            _ => Change::Different,
        }
    }
}
