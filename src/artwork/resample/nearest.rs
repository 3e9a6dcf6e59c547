//! Resampling to the nearest pixel.

use crate::budget::{Buffer, MemoryBudget};
use crate::error::Result;
use crate::geom::PxSize;
use crate::pixel::Rgba8;

/// Makes target rows by repeating or leaving out source pixels: each target pixel is the source pixel at its middle.
///
/// # Memory
///
/// A target row.
#[derive(Debug)]
pub(super) struct Nearest {
    source: PxSize,
    target: PxSize,
    row: Buffer<Rgba8>,
    next_source: u32,
    next_target: u32,
}

impl Nearest {
    pub(super) fn new(source: PxSize, target: PxSize, budget: &MemoryBudget) -> Result<Self> {
        let row = budget.buffer(target.width() as usize, "a resampled row")?;
        Ok(Self { source, target, row, next_source: 0, next_target: 0 })
    }

    pub(super) fn memory_bytes(target: PxSize) -> u64 {
        u64::from(target.width()) * Rgba8::BYTES as u64
    }

    /// Whether a target row waits to be taken.
    pub(super) fn has_row(&self) -> bool {
        self.next_target < self.target.height() && middle(self.next_target, self.source.height(), self.target.height()) < self.next_source
    }

    /// Takes the next source row.
    pub(super) fn push_row(&mut self, row: &[Rgba8]) {
        self.next_source += 1;
        if self.has_row() {
            for (x, pixel) in (0..).zip(self.row.iter_mut()) {
                *pixel = row[middle(x, self.source.width(), self.target.width()) as usize];
            }
        }
    }

    /// The next target row, if its source row was pushed.
    pub(super) fn next_row(&mut self) -> Option<&[Rgba8]> {
        self.has_row().then(|| {
            self.next_target += 1;
            &*self.row
        })
    }
}

/// The source pixel of `source` at the middle of a target pixel of `target`.
fn middle(at: u32, source: u32, target: u32) -> u32 {
    let place = (2 * u64::from(at) + 1) * u64::from(source) / (2 * u64::from(target));
    // Below `source`, since `at` is below `target`.
    u32::try_from(place).unwrap_or(source - 1)
}
