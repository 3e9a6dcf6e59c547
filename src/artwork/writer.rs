//! Turning the rows of a raster, into memory or into a temporary file.

use std::path::Path;

use super::raster::{Raster, Shape};
use super::spill::{Spill, SpillWriter};
use crate::budget::{Buffer, MemoryBudget};
use crate::error::Result;
use crate::geom::{PxSize, Turn};
use crate::pixel::Rgba8;

/// Writes a raster row by row, top to bottom before the turn.
///
/// # Memory
///
/// [`RasterWriter::memory_bytes`], charged to the budget.
#[derive(Debug)]
pub(crate) struct RasterWriter {
    shape: Shape,
    rows: usize,
    /// The rows of the panel that is not yet complete; without a quarter turn, a row.
    block: Buffer<Rgba8>,
    target: Target,
}

#[derive(Debug)]
enum Target {
    Resident(Buffer<Rgba8>),
    Spilled { writer: SpillWriter, panel: Buffer<Rgba8> },
}

/// A raster that was written.
#[derive(Debug)]
pub(crate) enum Written {
    Resident(Raster),
    Spilled(Spill),
}

impl RasterWriter {
    /// A writer into memory of rows of `before_turn.width()` pixels: into `pages` that an earlier raster of as many pixels had, if there
    /// are any.
    ///
    /// # Errors
    ///
    /// [`MemoryLimit`](crate::ErrorKind::MemoryLimit).
    pub(crate) fn resident(before_turn: PxSize, turn: Turn, budget: &MemoryBudget, pages: Option<Buffer<Rgba8>>) -> Result<Self> {
        let size = before_turn.turned(turn);
        let pixels = usize::try_from(size.area()).unwrap_or(usize::MAX);
        let buffer = match pages.filter(|pages| pages.len() == pixels) {
            Some(pages) => pages,
            None => budget.buffer(pixels, format_args!("a resampled artwork of {size}"))?,
        };
        Self::new(before_turn, turn, Target::Resident(buffer), budget)
    }

    /// A writer into a temporary file in `temp_dir`.
    ///
    /// # Errors
    ///
    /// [`MemoryLimit`](crate::ErrorKind::MemoryLimit), and [`Io`](crate::ErrorKind::Io) where no file can be made.
    pub(crate) fn spilled(before_turn: PxSize, turn: Turn, budget: &MemoryBudget, temp_dir: &Path) -> Result<Self> {
        let panel = budget.buffer(Shape::new(before_turn, turn).block_pixels(), "turned rows")?;
        Self::new(before_turn, turn, Target::Spilled { writer: SpillWriter::create(temp_dir, before_turn.rgba_bytes())?, panel }, budget)
    }

    fn new(before_turn: PxSize, turn: Turn, target: Target, budget: &MemoryBudget) -> Result<Self> {
        let shape = Shape::new(before_turn, turn);
        let block = budget.buffer(shape.block_pixels(), "rows to turn")?;
        Ok(Self { shape, rows: 0, block, target })
    }

    /// Bytes that writing a raster holds at most beside its pixels.
    pub(crate) fn memory_bytes(before_turn: PxSize, turn: Turn) -> u64 {
        (Shape::new(before_turn, turn).block_pixels() * Rgba8::BYTES) as u64 * 2
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
    pub(crate) fn finish(self) -> Written {
        debug_assert_eq!(self.rows, self.shape.height);
        match self.target {
            Target::Resident(pixels) => Written::Resident(Raster { shape: self.shape, pixels }),
            Target::Spilled { writer, .. } => Written::Spilled(writer.finish(self.shape)),
        }
    }
}

/// Turns a block of rows into a panel.
fn turn_block(turn: Turn, block: &[Rgba8], width: usize, panel: &mut [Rgba8]) {
    match turn {
        Turn::None | Turn::Cw180 => panel.copy_from_slice(block),
        Turn::Cw90 => transpose::<true>(block, width, panel),
        Turn::Cw270 => transpose::<false>(block, width, panel),
    }
}

/// Turns a block by a quarter, clockwise or not, tile by tile: both sides of a tile stay in the processor's cache, and a
/// whole one, whose size is known, takes half of the time.
fn transpose<const CLOCKWISE: bool>(block: &[Rgba8], width: usize, panel: &mut [Rgba8]) {
    const TILE: usize = 16;
    let rows = block.len() / width;
    // Columns of the block become rows of the panel.
    let place = |x: usize, y: usize| if CLOCKWISE { x * rows + rows - 1 - y } else { (width - 1 - x) * rows + y };
    for (y0, x0) in (0..rows).step_by(TILE).flat_map(|y0| (0..width).step_by(TILE).map(move |x0| (y0, x0))) {
        if y0 + TILE > rows || x0 + TILE > width {
            for (y, x) in (y0..rows.min(y0 + TILE)).flat_map(|y| (x0..width.min(x0 + TILE)).map(move |x| (y, x))) {
                panel[place(x, y)] = block[y * width + x];
            }
            continue;
        }
        let mut tile = [[Rgba8::TRANSPARENT; TILE]; TILE];
        for (y, line) in tile.iter_mut().enumerate() {
            line.copy_from_slice(&block[(y0 + y) * width + x0..][..TILE]);
        }
        for x in 0..TILE {
            let start = place(x0 + x, if CLOCKWISE { y0 + TILE - 1 } else { y0 });
            let column = &mut panel[start..start + TILE];
            for (y, line) in tile.iter().enumerate() {
                column[if CLOCKWISE { TILE - 1 - y } else { y }] = line[x];
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::raster::RasterView;
    use super::*;
    use crate::geom::Rows;
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

    fn drawn(view: RasterView<'_>, size: PxSize) -> Vec<Rgba8> {
        let mut pixels = vec![Rgba8::TRANSPARENT; usize::try_from(size.area()).unwrap()];
        for (y, line) in (0..).zip(pixels.chunks_exact_mut(size.width() as usize)) {
            for (x, segment) in view.row(y) {
                line[x..][..segment.len()].copy_from_slice(segment);
            }
        }
        pixels
    }

    proptest! {
        #[test]
        fn every_turn_and_residence_equals_a_naive_turn(width in 1u32..300, height in 1u32..300, seed: u32, cut in 0.0..1.0) {
            let value = |i: u32| i.wrapping_mul(2_654_435_761).wrapping_add(seed).to_le_bytes();
            let pixels: Vec<Rgba8> = (0..width * height).map(|i| bytemuck::cast(value(i))).collect();
            let size = PxSize::new(width, height).unwrap();
            for turn in Turn::ALL {
                let expected = naive_turn(&pixels, width as usize, height as usize, turn);
                let budget = MemoryBudget::new(u64::MAX);
                let write = |mut writer: RasterWriter| {
                    pixels.chunks(width as usize).for_each(|row| writer.push_row(row).unwrap());
                    writer.finish()
                };
                let Written::Resident(raster) = write(RasterWriter::resident(size, turn, &budget, None).unwrap()) else { unreachable!() };
                prop_assert!(drawn(raster.view(), size.turned(turn)) == expected, "{:?}", turn);
                prop_assert_eq!(budget.held_bytes(), size.rgba_bytes());
                drop(raster);
                let spilled = RasterWriter::spilled(size, turn, &budget, &std::env::temp_dir()).unwrap();
                prop_assert_eq!(budget.held_bytes(), RasterWriter::memory_bytes(size, turn));
                let Written::Spilled(spill) = write(spilled) else { unreachable!() };
                prop_assert_eq!(budget.held_bytes(), 0);
                let (width, rows) = (size.turned(turn).width(), size.turned(turn).height());
                #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a part of the rows")]
                let middle = (f64::from(rows) * cut) as u32;
                let mut found = Vec::new();
                for rows in [Rows::new(0, middle).unwrap(), Rows::new(middle, rows).unwrap()].into_iter().filter(|rows| !rows.is_empty()) {
                    let size = PxSize::new(width, rows.len()).unwrap();
                    let mut pixels = vec![Rgba8::TRANSPARENT; usize::try_from(size.area()).unwrap()];
                    let shape = spill.read(rows, &mut pixels).unwrap();
                    found.extend(drawn(RasterView::new(shape, &pixels), size));
                }
                prop_assert!(found == expected, "{:?}, cut at {}", turn, middle);
            }
        }
    }
}
