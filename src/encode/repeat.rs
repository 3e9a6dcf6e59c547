//! Stretches of a row that repeat what lies further left.

use std::ops::Range;

use super::PixelFormat;
use super::deflate::MAX_DISTANCE;

#[expect(clippy::cast_possible_truncation, reason = "it is 2¹⁵")]
const MAX_DISTANCE_BYTES: u32 = MAX_DISTANCE as u32;

/// Columns of a row that hold the same pixels as those `distance` to their left, as two copies of an item side by side do.
///
/// ```
/// use gangsheet::{PixelFormat, Repeat};
///
/// let second_copy = Repeat { columns: 1_860..3_592, distance: 1_860 };
/// assert!(second_copy.distance <= Repeat::most_distance(PixelFormat::Rgba8));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repeat {
    /// The columns, in pixels.
    pub columns: Range<u32>,
    /// How far to the left their pixels are found, in pixels.
    pub distance: u32,
}

impl Repeat {
    /// The fewest columns that are worth a repeat.
    pub const MIN_COLUMNS: u32 = 96;

    /// The greatest distance in pixels: deflate's, 32 KiB.
    #[must_use]
    pub const fn most_distance(format: PixelFormat) -> u32 {
        match format {
            PixelFormat::Rgba8 => MAX_DISTANCE_BYTES / 4,
            PixelFormat::Rgb8 => MAX_DISTANCE_BYTES / 3,
        }
    }
}

/// The same in bytes of a row.
#[derive(Clone, Debug)]
pub(super) struct RepeatedBytes {
    pub(super) range: Range<usize>,
    pub(super) distance: usize,
    /// Where the first and the last pixel are found outside of all repeats.
    first_from: usize,
    last_from: usize,
}

impl RepeatedBytes {
    /// Checks `repeat` and brings it to bytes of rows of `row_bytes`, behind those `before`.
    ///
    /// # Panics
    ///
    /// When it reaches outside of the row, is too short or too far, overlaps its source or one of those before.
    pub(super) fn new<const BPP: usize>(repeat: &Repeat, before: &[Self], row_bytes: usize) -> Self {
        let Repeat { columns, distance } = repeat;
        let range = columns.start as usize * BPP..columns.end as usize * BPP;
        let distance = *distance as usize * BPP;
        assert!(columns.len() >= Repeat::MIN_COLUMNS as usize, "a repeat of few columns: {repeat:?}");
        let free_from = before.last().map_or(0, |last| last.range.end);
        assert!(free_from <= range.start && range.end <= row_bytes, "a repeat out of order, or outside of the row: {repeat:?}");
        assert!((range.len()..=range.start.min(MAX_DISTANCE)).contains(&distance), "a repeat of what is not there: {repeat:?}");
        let origin = |mut at: usize| {
            for repeat in before.iter().rev() {
                at -= if repeat.range.contains(&at) { repeat.distance } else { 0 };
            }
            at
        };
        let (first_from, last_from) = (origin(range.start - distance), origin(range.end - BPP - distance));
        Self { range, distance, first_from, last_from }
    }

    /// What repeats the source's filtered bytes, too: all but the first pixel, whose neighbour to the left may be another.
    pub(super) fn filtered<const BPP: usize>(&self) -> Range<usize> {
        self.range.start + BPP..self.range.end
    }

    /// Puts the repeated pixels of a row in their place, once those of all repeats before are in theirs.
    pub(super) fn fill(&self, row: &mut [u8]) {
        row.copy_within(self.range.start - self.distance..self.range.end - self.distance, self.range.start);
    }

    /// Puts the first and the last pixel in their place: what the pixels beside the rest are filtered with.
    pub(super) fn fill_ends<const BPP: usize>(&self, row: &mut [u8]) {
        row.copy_within(self.first_from..self.first_from + BPP, self.range.start);
        row.copy_within(self.last_from..self.last_from + BPP, self.range.end - BPP);
    }
}
