//! The fast parser: runs of zeros, and repeats in a row.

use std::ops::Range;

use super::segment::Segment;
use super::sink::Sink;
use super::survey::Survey;
use super::window::{self, Window};
use crate::simd::vectorized;

/// Copies are taken from here on: shorter ones cost as much as their literals.
const MIN_COPY_BYTES: usize = 12;

/// Every so many rows are searched for repeats. Between them the distances that were found are tried, and nothing else: what lies side by
/// side on a sheet does so for hundreds of rows, and a search costs as much as all the rest.
const SURVEY_ROWS: u32 = 16;

/// Room in the window for new rows before the last 32 KiB are moved to its start.
const SLACK_BYTES: usize = 192 << 10;

/// Compresses filtered rows of pixels of `BPP` bytes as they come: zeros as runs, art that lies repeatedly in a row as copies, all else as
/// literals.
#[derive(Debug)]
pub(crate) struct FastDeflate<const BPP: usize> {
    sink: Sink,
    window: Window,
    survey: Survey,
    rows: u32,
    /// Zeros since the last row that are not in the window.
    gap: u64,
}

impl<const BPP: usize> FastDeflate<BPP> {
    /// For rows of up to `row_bytes` filtered bytes.
    pub(crate) fn new(row_bytes: usize) -> Self {
        let window = Window::new(row_bytes.max(SLACK_BYTES));
        Self { sink: Sink::new(), window, survey: Survey::new(), rows: 0, gap: 0 }
    }

    /// Bytes held for rows of `row_bytes` filtered bytes, but for the stream.
    pub(crate) const fn memory_bytes(row_bytes: u64) -> u64 {
        let ahead = if row_bytes > SLACK_BYTES as u64 { row_bytes } else { SLACK_BYTES as u64 };
        Window::memory_bytes(ahead).saturating_add(Sink::MEMORY_BYTES + Survey::MEMORY_BYTES)
    }

    /// Room for the next row of `length` filtered bytes, holding anything.
    pub(crate) fn row_mut(&mut self, length: usize) -> &mut [u8] {
        self.window.pass_zeros(std::mem::take(&mut self.gap));
        if !self.window.has_room(length) {
            self.window.slide();
        }
        self.window.room_mut(length)
    }

    /// Adds the row that [`row_mut`](Self::row_mut) gave room for; outside of the `segments` it is zero.
    pub(crate) fn push_row(&mut self, length: usize, segments: &[Segment]) {
        let row = self.window.fill(length).start;
        if self.rows.is_multiple_of(SURVEY_ROWS) {
            self.survey.take::<BPP>(&self.window, row, segments);
        }
        self.rows = self.rows.wrapping_add(1);
        let mut done = 0;
        for Segment { range, distance } in segments {
            self.sink.zeros((range.start - done) as u64);
            match distance {
                0 => self.parse(row, range),
                &distance => self.sink.copy(range.len(), distance),
            }
            done = range.end;
        }
        self.sink.zeros((length - done) as u64);
        self.window.set_parsed();
    }

    /// Adds zeros, whole empty rows.
    pub(crate) fn push_zeros(&mut self, count: u64) {
        self.sink.zeros(count);
        self.gap += count;
    }

    /// Ends the stream on a byte boundary and starts a new one.
    pub(crate) fn finish(&mut self) -> Vec<u8> {
        self.window.restart();
        self.survey.forget();
        (self.rows, self.gap) = (0, 0);
        self.sink.finish()
    }

    /// Parses a part of the row at `row`.
    fn parse(&mut self, row: usize, span: &Range<usize>) {
        vectorized(
            #[inline(always)]
            || self.parse_inline(row, span),
        );
    }

    #[inline(always)]
    fn parse_inline(&mut self, row: usize, span: &Range<usize>) {
        let (mut literals, end) = (row + span.start, row + span.end);
        let bytes = self.window.bytes();
        let mut at = literals;
        // The first pixel lies behind the filter byte.
        let place = |at: usize| at.saturating_sub(row + 1);
        let mut cursor = self.survey.cursor(place(at));
        while at + 8 <= end {
            if let Some(expected) = self.survey.next_start(&cursor) {
                // Up to there, only zeros are of interest.
                let limit = end.min(expected.saturating_add(row + 1));
                at += window::words_before_zero(&bytes[at..limit.max(at)]);
                if at + 8 > end {
                    break;
                }
            }
            let word = window::word(bytes, at);
            if word == 0 {
                let start = at - window::zeros_before(&bytes[literals..at]);
                let stop = at + 8 + window::zeros_ahead(&bytes[at + 8..end]);
                self.sink.literals(&bytes[literals..start]);
                self.sink.zeros((stop - start) as u64);
                (at, literals) = (stop, stop);
                continue;
            }
            let distance = self.survey.distance(&mut cursor, place(at));
            if distance <= at && window::word(bytes, at - distance) == word {
                let start = at - window::agreement_before(bytes, at, distance, literals);
                let stop = at + window::agreement(bytes, at, distance, end);
                if stop - start >= MIN_COPY_BYTES {
                    self.sink.literals(&bytes[literals..start]);
                    self.sink.copy(stop - start, distance);
                    (at, literals) = (stop, stop);
                    continue;
                }
            }
            at += 8;
        }
        let start = end - window::zeros_before(&bytes[literals..end]);
        self.sink.literals(&bytes[literals..start]);
        self.sink.zeros((end - start) as u64);
    }
}
