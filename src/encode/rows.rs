//! From rows of pixels to filtered rows: which filter, and where it leaves anything.

use std::ops::Range;

use super::adler::Adler;
use super::changes::Changes;
use super::deflate::Deflate;
use super::filter::{self, RowFilter};
use super::fragment::Fragment;
use crate::job::Compression;

/// In how many rows a filter is chosen once, at [`Compression::Fast`]. Neighbours agree in all but a few rows, and the choice is a tenth of
/// the work.
const ROWS_PER_CHOICE: u32 = 4;

/// The encoder for pixels of `BPP` bytes.
#[derive(Debug)]
pub(super) struct RowEncoder<const BPP: usize> {
    above: Vec<u8>,
    rows: u64,
    filter: RowFilter,
    /// How many more rows `filter` is used for.
    filter_rows: u32,
    rows_per_choice: u32,
    changes: Changes,
    spans: Vec<Range<usize>>,
    deflate: Deflate<BPP>,
    adler: Adler,
}

impl<const BPP: usize> RowEncoder<BPP> {
    pub(super) fn new(row_bytes: usize, compression: Compression) -> Self {
        Self {
            above: vec![0; row_bytes],
            rows: 0,
            filter: RowFilter::None,
            filter_rows: 0,
            rows_per_choice: if compression == Compression::Fast { ROWS_PER_CHOICE } else { 1 },
            changes: Changes::new(row_bytes),
            spans: Vec::with_capacity(Changes::max_spans(row_bytes) + 1),
            deflate: Deflate::new(row_bytes.saturating_add(1), compression),
            adler: Adler::default(),
        }
    }

    /// The most bytes of the fragment of `rows` rows.
    pub(super) const fn fragment_bound_bytes(row_bytes: u64, rows: u32) -> u64 {
        Deflate::<BPP>::bound_bytes((row_bytes + 1).saturating_mul(rows as u64))
    }

    /// The most bytes held while `rows` rows become a fragment.
    pub(super) const fn memory_bytes(row_bytes: u64, rows: u32) -> u64 {
        let fragment = Self::fragment_bound_bytes(row_bytes, rows);
        let spans = row_bytes.saturating_add(Changes::memory_bytes(row_bytes));
        Deflate::<BPP>::memory_bytes(row_bytes + 1, fragment).saturating_add(spans)
    }

    pub(super) fn row_bytes(&self) -> usize {
        self.above.len()
    }

    pub(super) fn push_row(&mut self, row: &[u8]) {
        self.changes.find(row, &self.above);
        if self.changes.is_empty_row() {
            return self.push_empty_rows(1);
        }
        if self.rows == 0 {
            self.filter = self.changes.choose::<BPP>(row, &self.above, &RowFilter::INTRA);
        } else if self.filter_rows == 0 {
            self.filter = self.changes.choose::<BPP>(row, &self.above, &RowFilter::ALL);
            self.filter_rows = self.rows_per_choice - 1;
        } else {
            self.filter_rows -= 1;
        }
        self.rows += 1;
        self.changes.spans::<BPP>(self.filter, row.len(), &mut self.spans);
        self.filter_row(row);
        self.deflate.push_row(row.len() + 1, &self.spans);
    }

    /// Adds rows of zeros without looking at any. They are the same under all filters but those that look up, so filter None suits them.
    pub(super) fn push_empty_rows(&mut self, count: u32) {
        let bytes = (self.above.len() as u64 + 1).saturating_mul(count.into());
        self.above.fill(0);
        self.filter_rows = 0;
        self.rows += u64::from(count);
        self.adler.zeros(bytes);
        self.deflate.push_zeros(bytes);
    }

    /// Filters `row` where it is not zero afterwards, and makes the spans count from the filter byte.
    fn filter_row(&mut self, row: &[u8]) {
        let filtered = self.deflate.row_mut(row.len() + 1);
        filtered[0] = self.filter as u8;
        self.adler.data(&filtered[..1]);
        let mut done = 0;
        for span in &mut self.spans {
            filtered[done + 1..=span.start].fill(0);
            self.adler.zeros((span.start - done) as u64);
            let out = &mut filtered[span.start + 1..=span.end];
            filter::apply::<BPP>(self.filter, row, &self.above, span.start, out);
            self.adler.data(out);
            self.above[span.clone()].copy_from_slice(&row[span.clone()]);
            done = span.end;
            *span = span.start + 1..span.end + 1;
        }
        filtered[done + 1..].fill(0);
        self.adler.zeros((row.len() - done) as u64);
        match self.spans.first_mut() {
            Some(first) if first.start == 1 => first.start = 0,
            _ => self.spans.insert(0, 0..1),
        }
    }

    pub(super) fn finish(&mut self) -> Fragment {
        let raw_bytes = (self.above.len() as u64 + 1).saturating_mul(self.rows);
        let fragment = Fragment::new(self.deflate.finish(), std::mem::take(&mut self.adler).checksum(), raw_bytes);
        self.above.fill(0);
        (self.rows, self.filter_rows) = (0, 0);
        fragment
    }
}
