//! Resampled and turned pixels, in memory or in a temporary file.

use std::ops::Range;
use std::path::Path;

use crate::budget::{Buffer, MemoryBudget};
use crate::error::Result;
use crate::geom::{PxSize, Rows, Turn};
use crate::pixel::Rgba8;

use super::spill::{Spill, SpillWriter};

/// Where the pixels of a resampled artwork live while they are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Residence {
    /// In memory.
    Resident,
    /// In a temporary file without a name, of which only the rows in use are in memory.
    Spilled,
}

/// Resampled and turned pixels, ready to be drawn: many threads may read rows at once.
///
/// The pixels lie in *panels* of a few columns, one below the other: a block of rows before a quarter turn becomes one panel, so that it
/// is written in one go. Without a quarter turn there is one panel.
///
/// # Memory
///
/// [`Raster::memory_bytes`], charged to the budget; plus the pages of spilled rows from reading them until they are given back.
#[derive(Debug)]
pub(crate) struct Raster {
    size: PxSize,
    shape: Shape,
    pixels: Pixels,
}

#[derive(Debug)]
enum Pixels {
    Resident(Buffer<Rgba8>),
    Spilled(Spill),
}

/// How the pixels of a raster lie.
#[derive(Clone, Copy, Debug)]
struct Shape {
    turn: Turn,
    /// Size before the turn.
    width: usize,
    height: usize,
    /// Rows before the turn that make one panel.
    block_rows: usize,
}

impl Shape {
    /// A panel's block of rows should stay in the processor's cache while it is turned.
    const BLOCK_BYTES: usize = 1 << 20;

    fn new(before_turn: PxSize, turn: Turn) -> Self {
        let (width, height) = (before_turn.width() as usize, before_turn.height() as usize);
        let block_rows = if turn.swaps_sides() { (Self::BLOCK_BYTES / (width * Rgba8::BYTES)).clamp(16, 128).min(height) } else { 1 };
        Self { turn, width, height, block_rows }
    }

    fn block_pixels(self) -> usize {
        self.block_rows * self.width
    }

    /// The stored pixels of one row after the turn, panel by panel, as (x, pixels).
    fn segments(self, row: usize) -> impl Iterator<Item = (usize, Range<usize>)> {
        let Self { turn, width, height, block_rows } = self;
        let panels = if turn.swaps_sides() { height.div_ceil(block_rows) } else { 1 };
        (0..panels).map(move |panel| {
            let first = if turn == Turn::Cw90 { panels - 1 - panel } else { panel };
            let rows = block_rows.min(height - first * block_rows);
            match turn {
                Turn::None => (0, row * width..(row + 1) * width),
                Turn::Cw180 => (0, (height - 1 - row) * width..(height - row) * width),
                Turn::Cw90 | Turn::Cw270 => {
                    let start = first * block_rows * width + row * rows;
                    let x = if turn == Turn::Cw90 { height - first * block_rows - rows } else { first * block_rows };
                    (x, start..start + rows)
                }
            }
        })
    }
}

impl Raster {
    /// Size after the turn.
    pub(crate) fn size(&self) -> PxSize {
        self.size
    }

    /// Bytes that a raster of `size` holds in memory while it lives.
    pub(crate) fn memory_bytes(size: PxSize, residence: Residence) -> u64 {
        match residence {
            Residence::Resident => size.rgba_bytes(),
            Residence::Spilled => 0,
        }
    }

    /// Bytes in the temporary file; 0 for a resident raster.
    pub(crate) fn spilled_bytes(&self) -> u64 {
        match &self.pixels {
            Pixels::Resident(_) => 0,
            Pixels::Spilled(spill) => spill.bytes(),
        }
    }

    /// The pixels of `row`, counted after the turn, from left to right as segments: where each begins, and its pixels.
    pub(crate) fn row(&self, row: u32) -> impl Iterator<Item = (u32, &[Rgba8])> {
        debug_assert!(row < self.size.height());
        let pixels = match &self.pixels {
            Pixels::Resident(buffer) => buffer,
            Pixels::Spilled(spill) => spill.pixels(),
        };
        self.shape.segments(row as usize).map(|(x, range)| (u32::try_from(x).unwrap_or(u32::MAX), &pixels[range]))
    }

    /// Lets go of the memory of spilled `rows`, which can still be read again. Does nothing for a resident raster.
    pub(crate) fn give_back(&self, rows: Rows) {
        let Pixels::Spilled(spill) = &self.pixels else { return };
        if rows.is_empty() {
            return;
        }
        let (first, last) = (self.shape.segments(rows.start() as usize), self.shape.segments(rows.end() as usize - 1));
        for ((_, first), (_, last)) in first.zip(last) {
            spill.give_back(first.start.min(last.start)..first.end.max(last.end));
        }
    }
}

/// Writes a [`Raster`] row by row, top to bottom before the turn.
///
/// # Memory
///
/// [`RasterWriter::memory_bytes`], charged to the budget.
#[derive(Debug)]
pub(crate) struct RasterWriter {
    size: PxSize,
    shape: Shape,
    rows: usize,
    /// The rows of the panel that is not yet complete; for spilled rasters without a quarter turn, a row.
    block: Buffer<Rgba8>,
    target: Target,
}

#[derive(Debug)]
enum Target {
    Resident(Buffer<Rgba8>),
    Spilled { writer: SpillWriter, panel: Buffer<Rgba8> },
}

impl RasterWriter {
    /// A writer of rows of `before_turn.width()` pixels.
    ///
    /// # Errors
    ///
    /// [`MemoryLimit`](crate::ErrorKind::MemoryLimit), and [`Io`](crate::ErrorKind::Io) where no temporary file can be made in
    /// `temp_dir`.
    pub(crate) fn new(before_turn: PxSize, turn: Turn, residence: Residence, budget: &MemoryBudget, temp_dir: &Path) -> Result<Self> {
        let shape = Shape::new(before_turn, turn);
        let size = before_turn.turned(turn);
        let block = budget.buffer(shape.block_pixels(), "rows to turn")?;
        let target = match residence {
            Residence::Resident => {
                let pixels = usize::try_from(size.area()).unwrap_or(usize::MAX);
                Target::Resident(budget.buffer(pixels, format_args!("a resampled artwork of {size}"))?)
            }
            Residence::Spilled => {
                Target::Spilled { writer: SpillWriter::create(temp_dir)?, panel: budget.buffer(shape.block_pixels(), "turned rows")? }
            }
        };
        Ok(Self { size, shape, rows: 0, block, target })
    }

    /// Bytes that writing a raster holds at most, those of the raster included.
    pub(crate) fn memory_bytes(before_turn: PxSize, turn: Turn, residence: Residence) -> u64 {
        let block = (Shape::new(before_turn, turn).block_pixels() * Rgba8::BYTES) as u64;
        match residence {
            Residence::Resident => block.saturating_add(before_turn.rgba_bytes()),
            Residence::Spilled => block.saturating_mul(2),
        }
    }

    /// Writes the next row before the turn.
    ///
    /// # Errors
    ///
    /// [`Io`](crate::ErrorKind::Io) where the temporary file cannot be written.
    pub(crate) fn push_row(&mut self, row: &[Rgba8]) -> Result<()> {
        let Shape { turn, width, height, block_rows } = self.shape;
        debug_assert!(row.len() == width && self.rows < height);
        let in_block = self.rows % block_rows;
        let slot = &mut self.block[in_block * width..(in_block + 1) * width];
        slot.copy_from_slice(row);
        if turn == Turn::Cw180 {
            slot.reverse();
        }
        self.rows += 1;
        if in_block + 1 < block_rows && self.rows < height {
            return Ok(());
        }
        let rows = in_block + 1;
        let (start, pixels) = ((self.rows - rows) * width, rows * width);
        let block = &self.block[..pixels];
        match &mut self.target {
            Target::Resident(buffer) => turn_block(turn, block, width, &mut buffer[start..start + pixels]),
            Target::Spilled { writer, panel } => {
                turn_block(turn, block, width, &mut panel[..pixels]);
                writer.write(&panel[..pixels])?;
            }
        }
        Ok(())
    }

    /// The raster. All rows must have been pushed.
    ///
    /// # Errors
    ///
    /// [`Io`](crate::ErrorKind::Io) where the temporary file cannot be mapped.
    pub(crate) fn finish(self) -> Result<Raster> {
        debug_assert_eq!(self.rows, self.shape.height);
        let pixels = match self.target {
            Target::Resident(buffer) => Pixels::Resident(buffer),
            Target::Spilled { writer, .. } => Pixels::Spilled(writer.finish()?),
        };
        Ok(Raster { size: self.size, shape: self.shape, pixels })
    }
}

/// Turns a block of rows into a panel.
fn turn_block(turn: Turn, block: &[Rgba8], width: usize, panel: &mut [Rgba8]) {
    let rows = block.len() / width;
    match turn {
        Turn::None | Turn::Cw180 => panel.copy_from_slice(block),
        Turn::Cw90 => transpose(block, width, panel, |x, y| x * rows + (rows - 1 - y)),
        Turn::Cw270 => transpose(block, width, panel, |x, y| (width - 1 - x) * rows + y),
    }
}

/// Moves each pixel of the block to `place(x, y)`, tile by tile, so that both sides stay in the processor's cache.
fn transpose(block: &[Rgba8], width: usize, panel: &mut [Rgba8], place: impl Fn(usize, usize) -> usize) {
    const TILE: usize = 16;
    let rows = block.len() / width;
    for x0 in (0..width).step_by(TILE) {
        for y0 in (0..rows).step_by(TILE) {
            for y in y0..rows.min(y0 + TILE) {
                for x in x0..width.min(x0 + TILE) {
                    panel[place(x, y)] = block[y * width + x];
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn naive_turn(pixels: &[Rgba8], width: usize, height: usize, turn: Turn) -> Vec<Rgba8> {
        let at = |x: usize, y: usize| pixels[y * width + x];
        match turn {
            Turn::None => pixels.to_vec(),
            Turn::Cw180 => pixels.iter().rev().copied().collect(),
            Turn::Cw90 => (0..width).flat_map(|y| (0..height).map(move |x| at(y, height - 1 - x))).collect(),
            Turn::Cw270 => (0..width).flat_map(|y| (0..height).map(move |x| at(width - 1 - y, x))).collect(),
        }
    }

    proptest! {
        #[test]
        fn every_turn_and_residence_equals_a_naive_turn(width in 1u32..300, height in 1u32..300, seed: u32) {
            let value = |i: u32| i.wrapping_mul(2_654_435_761).wrapping_add(seed).to_le_bytes();
            let pixels: Vec<Rgba8> = (0..width * height).map(|i| bytemuck::cast(value(i))).collect();
            let size = PxSize::new(width, height).unwrap();
            for (turn, residence) in Turn::ALL.into_iter().flat_map(|turn| [(turn, Residence::Resident), (turn, Residence::Spilled)]) {
                let budget = MemoryBudget::new(u64::MAX);
                let mut writer = RasterWriter::new(size, turn, residence, &budget, &std::env::temp_dir()).unwrap();
                prop_assert_eq!(budget.held_bytes(), RasterWriter::memory_bytes(size, turn, residence));
                pixels.chunks(width as usize).for_each(|row| writer.push_row(row).unwrap());
                let raster = writer.finish().unwrap();
                prop_assert_eq!(budget.held_bytes(), Raster::memory_bytes(size, residence));
                let mut got = Vec::new();
                for y in 0..raster.size().height() {
                    for (x, segment) in raster.row(y) {
                        prop_assert_eq!(got.len(), y as usize * raster.size().width() as usize + x as usize);
                        got.extend_from_slice(segment);
                    }
                    raster.give_back(Rows::new(y, y + 1).unwrap());
                }
                prop_assert!(got == naive_turn(&pixels, width as usize, height as usize, turn), "{:?} {:?}", turn, residence);
                drop(raster);
                prop_assert_eq!(budget.held_bytes(), 0);
            }
        }
    }
}
