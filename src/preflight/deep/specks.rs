//! Specks: what is printed on its own and is too small to hold.

use super::bits;
use super::regions::{Region, Regions};
use crate::budget::MemoryBudget;
use crate::error::Result;

/// What is printed on its own and is smaller than the limit.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Specks {
    /// How many there are.
    pub(crate) count: u64,
    /// The area of the smallest one.
    pub(crate) smallest_px: f64,
    /// The topmost place of any.
    pub(crate) first: Option<(u32, u32)>,
}

/// Finds specks row by row.
///
/// # Memory
///
/// That of [`Regions`].
#[derive(Debug)]
pub(super) struct Finder {
    limit: u64,
    y: u32,
    regions: Regions<Speck>,
    found: Specks,
}

/// A part of what is printed: the sum of its alpha, the highest, and its topmost pixel.
#[derive(Clone, Debug)]
struct Speck {
    alpha: u64,
    peak: u8,
    y: u32,
    x: u32,
}

impl Region for Speck {
    fn join(&mut self, other: &Self) {
        self.alpha += other.alpha;
        self.peak = self.peak.max(other.peak);
        (self.y, self.x) = (self.y, self.x).min((other.y, other.x));
    }
}

impl Finder {
    /// Looks for what is smaller than `limit_px` pixels.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::MemoryLimit`](crate::ErrorKind::MemoryLimit).
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "`as` saturates: beyond, everything is a speck")]
    pub(super) fn new(width: usize, limit_px: f64, budget: &MemoryBudget) -> Result<Self> {
        let regions = Regions::new(width, budget)?;
        Ok(Self { limit: (limit_px * 255.0) as u64, y: 0, regions, found: Specks::default() })
    }

    /// Bytes that this holds for rows of `width` pixels.
    pub(super) fn memory_bytes(width: usize) -> u64 {
        Regions::<Speck>::memory_bytes(width)
    }

    /// Takes the next row: its alpha, and where it is printed.
    pub(super) fn push(&mut self, alpha: &[u8], ink: &[u64]) {
        for (start, end) in bits::runs(ink) {
            let run = &alpha[start..end];
            let (sum, peak) = (run.iter().map(|&alpha| u64::from(alpha)).sum(), run.iter().copied().max().unwrap_or(0));
            self.regions.push(start, end, Speck { alpha: sum, peak, y: self.y, x: u32::try_from(start).unwrap_or(u32::MAX) });
        }
        self.end_row();
        self.y += 1;
    }

    /// What was found in all rows.
    pub(super) fn finish(mut self) -> Specks {
        self.end_row();
        self.found
    }

    fn end_row(&mut self) {
        let found = &mut self.found;
        self.regions.end_row(|Speck { alpha, peak, y, x }| {
            // A trace beside an edge that resampling left is none.
            if alpha >= self.limit || peak < bits::INK {
                return;
            }
            let area_px = alpha as f64 / 255.0;
            found.smallest_px = if found.count == 0 { area_px } else { found.smallest_px.min(area_px) };
            let is_above = |(first_x, first_y): (u32, u32)| (y, x) < (first_y, first_x);
            if found.first.is_none_or(is_above) {
                found.first = Some((x, y));
            }
            found.count += 1;
        });
    }
}
