//! What is known of a row before it is parsed.

use std::ops::Range;

/// Copies have this length at least: what is shorter gets some of the zeros beside it.
const MIN_COPY_BYTES: usize = 16;

/// Bytes of a filtered row that need not be zero.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::encode) struct Segment {
    /// Where they lie, counted from the filter byte.
    pub(in crate::encode) range: Range<usize>,
    /// How far to the left the same bytes are; zero where nothing is known of them.
    pub(in crate::encode) distance: usize,
}

impl Segment {
    /// Room for all segments of a row of `row_bytes`.
    pub(in crate::encode) fn list(row_bytes: usize) -> Vec<Self> {
        Vec::with_capacity(row_bytes / 24 + 4)
    }

    /// Bytes that such a list holds. Repeated ones and what is between them have [`MIN_COPY_BYTES`] at
    /// least, which makes one in 32 bytes; others are ten times as far apart.
    pub(in crate::encode) const fn memory_bytes(row_bytes: u64) -> u64 {
        (row_bytes / 24 + 4).saturating_mul(size_of::<Self>() as u64)
    }

    /// Adds to a row's segments those of what repeats `source` at `distance`: none where that is zero.
    pub(in crate::encode) fn repeat(segments: &mut Vec<Self>, source: Range<usize>, distance: usize) {
        let whole = source.start + distance..source.end + distance;
        let first = segments.partition_point(|segment| segment.range.end <= source.start);
        let mut free_from = whole.start;
        for index in first..segments.len() {
            let range = &segments[index].range;
            let (start, end) = (range.start.max(source.start) + distance, range.end.min(source.end) + distance);
            if start >= end {
                break;
            }
            let end = end.max(start + MIN_COPY_BYTES).min(whole.end);
            let start = start.min(end - MIN_COPY_BYTES).max(whole.start);
            match segments.last_mut() {
                Some(last) if start < free_from => last.range.end = end,
                _ => segments.push(Self { range: start..end, distance }),
            }
            free_from = end + MIN_COPY_BYTES;
        }
    }
}
