//! From rows of pixels to filtered rows: which filter, and where it leaves anything.

use std::ops::Range;

use super::adler::Adler;
use super::changes::Changes;
use super::deflate::{Deflate, Segment};
use super::filter::{self, RowFilter};
use super::fragment::Fragment;
use super::repeat::{Repeat, RepeatedBytes};
use crate::job::Compression;

/// How often filters are chosen, and how carefully.
#[derive(Clone, Copy, Debug)]
struct FilterChoice {
    /// In so many rows a filter is chosen once.
    rows: u32,
    /// Pieces of a row that the filters are tried on.
    samples: usize,
}

impl FilterChoice {
    /// Neighbouring rows agree in all but a few, and the choice is a tenth of the work.
    const FAST: Self = Self { rows: 4, samples: 24 };

    /// Gains 3 % on flat art, next to none on photographs.
    const THOROUGH: Self = Self { rows: 1, samples: 96 };
}

/// The encoder for pixels of `BPP` bytes.
#[derive(Debug)]
pub(super) struct RowEncoder<const BPP: usize> {
    /// The next row, which the caller fills, and the one above. They take turns.
    row: Vec<u8>,
    above: Vec<u8>,
    rows: u64,
    filter: RowFilter,
    /// How many more rows `filter` is used for.
    filter_rows: u32,
    choice: FilterChoice,
    /// What the last row repeats, and the same in bytes.
    given: Vec<Repeat>,
    repeats: Vec<RepeatedBytes>,
    /// Whether repeats are skipped once the row above has the same ones.
    skips_repeats: bool,
    /// Whether they were in the row above, which then holds anything there.
    skipped_above: bool,
    changes: Changes,
    spans: Vec<Range<usize>>,
    segments: Vec<Segment>,
    deflate: Deflate<BPP>,
    adler: Adler,
}

impl<const BPP: usize> RowEncoder<BPP> {
    pub(super) fn new(row_bytes: usize, compression: Compression) -> Self {
        let fast = compression == Compression::Fast;
        Self {
            row: vec![0; row_bytes],
            above: vec![0; row_bytes],
            rows: 0,
            filter: RowFilter::None,
            filter_rows: 0,
            choice: if fast { FilterChoice::FAST } else { FilterChoice::THOROUGH },
            given: Vec::new(),
            repeats: Vec::new(),
            // The thorough parser finds better ones.
            skips_repeats: fast,
            skipped_above: false,
            changes: Changes::new(row_bytes),
            spans: Vec::with_capacity(Changes::max_spans(row_bytes)),
            segments: Segment::list(row_bytes),
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
        // Lists that grow have up to twice the room that they need.
        let repeats = (row_bytes / (Repeat::MIN_COLUMNS as usize * BPP) as u64 + 1)
            .saturating_mul(2 * (size_of::<Repeat>() + size_of::<RepeatedBytes>()) as u64);
        let segments = Segment::memory_bytes(row_bytes);
        let row = row_bytes.saturating_mul(2).saturating_add(Changes::memory_bytes(row_bytes));
        let rows = row.saturating_add(repeats).saturating_add(segments);
        Deflate::<BPP>::memory_bytes(row_bytes + 1, fragment).saturating_add(rows)
    }

    /// The place of the next row.
    pub(super) fn row_mut(&mut self) -> &mut [u8] {
        &mut self.row
    }

    /// Adds the row in its place.
    pub(super) fn push(&mut self, repeats: &[Repeat]) {
        let known = self.given == repeats;
        if !known {
            self.take_over(repeats);
        }
        // What the row above repeats as well is the same as its source once it is filtered, and not looked at.
        let skipped = known && self.skips_repeats;
        if skipped {
            self.repeats.iter().for_each(|repeat| repeat.fill_ends::<BPP>(&mut self.row));
        } else {
            self.repeats.iter().for_each(|repeat| repeat.fill(&mut self.row));
        }
        self.find_changes(skipped);
        if self.changes.is_empty_row() {
            return self.push_empty_rows(1);
        }
        if self.rows == 0 {
            self.filter = self.changes.choose::<BPP>(&self.row, &self.above, &RowFilter::INTRA, self.choice.samples);
        } else if self.filter_rows == 0 {
            self.filter = self.changes.choose::<BPP>(&self.row, &self.above, &RowFilter::ALL, self.choice.samples);
            self.filter_rows = self.choice.rows - 1;
        } else {
            self.filter_rows -= 1;
        }
        self.rows += 1;
        self.changes.spans::<BPP>(self.filter, self.row.len(), &mut self.spans);
        self.filter_row(skipped);
        self.deflate.push_row(self.row.len() + 1, &self.segments);
        std::mem::swap(&mut self.row, &mut self.above);
        self.skipped_above = skipped;
    }

    /// Adds rows of zeros without looking at any. They are the same under all filters but those that look up, so filter None suits them.
    pub(super) fn push_empty_rows(&mut self, count: u32) {
        let bytes = (self.above.len() as u64 + 1).saturating_mul(count.into());
        self.above.fill(0);
        self.skipped_above = false;
        self.filter_rows = 0;
        self.rows += u64::from(count);
        self.adler.zeros(bytes);
        self.deflate.push_zeros(bytes);
    }

    /// From this row on, `repeats` are what rows repeat.
    fn take_over(&mut self, repeats: &[Repeat]) {
        if self.skipped_above {
            self.repeats.iter().for_each(|repeat| repeat.fill(&mut self.above));
            self.skipped_above = false;
        }
        self.given.clear();
        self.given.extend_from_slice(repeats);
        self.repeats.clear();
        for repeat in repeats {
            self.repeats.push(RepeatedBytes::new::<BPP>(repeat, &self.repeats, self.row.len()));
        }
    }

    /// Compares the row with the one above, but for repeats that are `skipped`.
    fn find_changes(&mut self, skipped: bool) {
        let Self { changes, row, above, repeats, .. } = self;
        changes.clear();
        // Behind a repeat its last pixel decides what the filters leave of the first one there.
        let (mut start, mut known) = (0, 0);
        for repeat in repeats.iter().filter(|_| skipped) {
            changes.find(row, above, start..repeat.filtered::<BPP>().start, known);
            (start, known) = (repeat.range.end - BPP, BPP);
        }
        changes.find(row, above, start..row.len(), known);
    }

    /// Filters the row where it is not zero afterwards, and lists the segments that are not.
    fn filter_row(&mut self, skipped: bool) {
        let Self { row, above, deflate, adler, segments, .. } = self;
        let filtered = deflate.row_mut(row.len() + 1);
        let mut line = FilteredRow { filtered, adler, segments, done: 0 };
        line.start(self.filter);
        let mut repeats = self.repeats.iter().filter(|_| skipped).peekable();
        for span in &self.spans {
            // A span may begin at any byte of a repeat's first pixel, and at none behind that.
            while let Some(repeat) = repeats.next_if(|repeat| repeat.filtered::<BPP>().start <= span.start) {
                line.repeat(repeat.filtered::<BPP>(), repeat.distance);
            }
            // What the last pixel before a repeat does to the next one is already known.
            let end = repeats.peek().map_or(span.end, |repeat| span.end.min(repeat.filtered::<BPP>().start));
            line.add(span.start..end, |out| filter::apply::<BPP>(self.filter, row, above, span.start, out));
        }
        for repeat in repeats {
            line.repeat(repeat.filtered::<BPP>(), repeat.distance);
        }
        line.finish();
    }

    pub(super) fn finish(&mut self) -> Fragment {
        let raw_bytes = (self.above.len() as u64 + 1).saturating_mul(self.rows);
        let fragment = Fragment::new(self.deflate.finish(), std::mem::take(&mut self.adler).checksum(), raw_bytes);
        self.above.fill(0);
        self.given.clear();
        self.repeats.clear();
        (self.rows, self.filter_rows, self.skipped_above) = (0, 0, false);
        fragment
    }
}

/// A row as it is filtered, from left to right. Places are counted from its first pixel; the filter byte lies before that.
struct FilteredRow<'a> {
    filtered: &'a mut [u8],
    adler: &'a mut Adler,
    segments: &'a mut Vec<Segment>,
    /// Up to here all bytes are there.
    done: usize,
}

impl FilteredRow<'_> {
    fn start(&mut self, filter: RowFilter) {
        self.segments.clear();
        self.segments.push(Segment { range: 0..1, distance: 0 });
        self.filtered[0] = filter as u8;
        self.adler.data(&self.filtered[..1]);
    }

    /// Adds the bytes that `filter` gives for `range`.
    fn add(&mut self, range: Range<usize>, filter: impl FnOnce(&mut [u8])) {
        self.pass_zeros(range.start);
        let out = &mut self.filtered[range.start + 1..range.end + 1];
        filter(out);
        self.adler.data(out);
        self.done = range.end;
        match self.segments.last_mut() {
            Some(last) if last.distance == 0 && last.range.end == range.start + 1 => last.range.end = range.end + 1,
            _ => self.segments.push(Segment { range: range.start + 1..range.end + 1, distance: 0 }),
        }
    }

    /// Adds a repeat, in the segments that its source has.
    fn repeat(&mut self, range: Range<usize>, distance: usize) {
        self.pass_zeros(range.start);
        let range = range.start + 1..range.end + 1;
        let source = range.start - distance..range.end - distance;
        self.filtered.copy_within(source.clone(), range.start);
        self.adler.data(&self.filtered[range.clone()]);
        self.done = range.end - 1;
        Segment::repeat(self.segments, source, distance);
    }

    fn finish(mut self) {
        self.pass_zeros(self.filtered.len() - 1);
    }

    fn pass_zeros(&mut self, end: usize) {
        self.filtered[self.done + 1..=end].fill(0);
        self.adler.zeros((end - self.done) as u64);
        self.done = end;
    }
}
