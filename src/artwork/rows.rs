//! From an artwork's rows to those of a raster, before its turn.

use std::path::Path;

use super::{ArtworkHeader, ArtworkReader, Resampler};
use crate::budget::{Buffer, MemoryBudget};
use crate::error::{ErrorKind, Result};
use crate::geom::{PxRect, PxSize, Rows};
use crate::pixel::Rgba8;

use super::raster::Shape;

/// How an artwork becomes the rows of a raster before its turn: cropped, resampled, mirrored.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shaping {
    /// The rectangle of the artwork that is printed.
    pub(crate) crop: PxRect,
    /// The size that it is resampled to.
    pub(crate) size: PxSize,
    /// Whether it is mirrored left to right.
    pub(crate) mirror: bool,
}

/// Makes the rows of a raster of an artwork's rows.
///
/// # Memory
///
/// [`ShapedRows::memory_bytes`].
#[derive(Debug)]
pub(crate) struct ShapedRows {
    crop: PxRect,
    mirror: bool,
    /// None where the size stays.
    resampler: Option<Resampler>,
    /// The row that is handed out, where it is not the resampler's own.
    row: Buffer<Rgba8>,
    /// Whether `row` is to be handed out.
    ready: bool,
}

impl ShapedRows {
    /// # Errors
    ///
    /// [`ErrorKind::MemoryLimit`](crate::ErrorKind::MemoryLimit).
    pub(crate) fn new(shaping: &Shaping, budget: &MemoryBudget) -> Result<Self> {
        let Shaping { crop, size, mirror } = *shaping;
        let resampler = if crop.size() == size { None } else { Some(Resampler::new(crop.size(), size, budget)?) };
        let row = budget.buffer(size.width() as usize, "a row of a raster")?;
        Ok(Self { crop, mirror, resampler, row, ready: false })
    }

    /// Bytes that this holds.
    pub(crate) fn memory_bytes(shaping: &Shaping) -> u64 {
        let Shaping { crop, size, .. } = *shaping;
        let resampling = if crop.size() == size { 0 } else { Resampler::memory_bytes(crop.size(), size) };
        resampling.saturating_add(row_bytes(size))
    }

    /// Takes row `y` of the artwork. All rows that could be made of those before must have been taken.
    pub(crate) fn push(&mut self, y: u32, row: &[Rgba8]) -> Result<()> {
        if !(self.crop.y()..self.crop.bottom()).contains(&y) {
            return Ok(());
        }
        let row = &row[self.crop.x() as usize..self.crop.right() as usize];
        match &mut self.resampler {
            Some(resampler) => resampler.push_row(row),
            None => {
                place(row, self.mirror, &mut self.row);
                self.ready = true;
                Ok(())
            }
        }
    }

    /// The next row of the raster before its turn, if the artwork's rows so far suffice.
    pub(crate) fn next(&mut self) -> Result<Option<&[Rgba8]>> {
        match &mut self.resampler {
            None => Ok(std::mem::take(&mut self.ready).then_some(&*self.row)),
            Some(resampler) => Ok(match resampler.next_row()? {
                Some(row) if self.mirror => {
                    place(row, true, &mut self.row);
                    Some(&*self.row)
                }
                row => row,
            }),
        }
    }
}

fn place(row: &[Rgba8], mirror: bool, out: &mut [Rgba8]) {
    out.copy_from_slice(row);
    if mirror {
        out.reverse();
    }
}

/// Bytes of a row of an image of this size, as pixels.
fn row_bytes(size: PxSize) -> u64 {
    u64::from(size.width()) * Rgba8::BYTES as u64
}

/// One artwork being read for one raster without a turn: bands take their rows from it as they come.
///
/// # Memory
///
/// [`RasterStream::memory_bytes`].
#[derive(Debug)]
pub(crate) struct RasterStream {
    /// None once the artwork is known to be whole.
    reader: Option<ArtworkReader>,
    /// A row of the artwork, and which one is next.
    row: Buffer<Rgba8>,
    next_source_row: u32,
    rows: ShapedRows,
    size: PxSize,
    next_row: u32,
}

impl RasterStream {
    /// Opens the artwork at `path`.
    ///
    /// # Errors
    ///
    /// Those of [`ArtworkReader::open`].
    pub(crate) fn open(path: &Path, header: &ArtworkHeader, shaping: &Shaping, budget: &MemoryBudget) -> Result<Self> {
        let reader = ArtworkReader::open(path, header, budget)?;
        let row = budget.buffer(header.stored_size().width() as usize, "a row of the artwork")?;
        let rows = ShapedRows::new(shaping, budget)?;
        Ok(Self { reader: Some(reader), row, next_source_row: 0, rows, size: shaping.size, next_row: 0 })
    }

    /// Bytes that a stream holds.
    pub(crate) fn memory_bytes(header: &ArtworkHeader, shaping: &Shaping) -> u64 {
        let reading = ArtworkReader::memory_bytes(header).saturating_add(row_bytes(header.stored_size()));
        reading.saturating_add(ShapedRows::memory_bytes(shaping))
    }

    /// The next row of the raster that is taken.
    pub(crate) fn next_row(&self) -> u32 {
        self.next_row
    }

    /// Passes over the next `count` rows. `check` is asked for each row of the artwork whether to go on.
    ///
    /// # Errors
    ///
    /// As for [`take`](Self::take).
    pub(crate) fn skip(&mut self, count: u32, check: impl Fn() -> Result<()>) -> Result<()> {
        (0..count).try_for_each(|_| self.advance(&check, |_| ()))
    }

    /// Takes some rows, which must be the next ones, into `pixels`, as many as they have, and tells the shape that they lie in. The artwork
    /// is known to be whole when its last row was taken.
    ///
    /// # Errors
    ///
    /// Those of [`ArtworkReader::read_row`] and [`ArtworkReader::finish`], and those of `check`.
    pub(crate) fn take(&mut self, rows: Rows, pixels: &mut [Rgba8], check: impl Fn() -> Result<()>) -> Result<Shape> {
        debug_assert_eq!(rows.start(), self.next_row);
        for line in pixels.chunks_exact_mut(self.size.width() as usize) {
            self.advance(&check, |row| line.copy_from_slice(row))?;
        }
        if self.next_row == self.size.height() {
            self.finish()?;
        }
        Ok(Shape::plain(PxSize::new(self.size.width(), rows.len())?))
    }

    /// Hands the next row to `each`.
    fn advance(&mut self, check: &impl Fn() -> Result<()>, mut each: impl FnMut(&[Rgba8])) -> Result<()> {
        loop {
            if let Some(row) = self.rows.next()? {
                each(row);
                self.next_row += 1;
                return Ok(());
            }
            check()?;
            let beyond = || ErrorKind::Panicked { message: "a row after the last one of a stream".to_owned() };
            let reader = self.reader.as_mut().ok_or_else(beyond)?;
            reader.read_row(&mut self.row)?;
            self.rows.push(self.next_source_row, &self.row)?;
            self.next_source_row += 1;
        }
    }

    /// Reads what follows the rows: the rest of a cropped artwork, and its checksums.
    fn finish(&mut self) -> Result<()> {
        let Some(mut reader) = self.reader.take() else { return Ok(()) };
        for _ in self.next_source_row..reader.size().height() {
            reader.read_row(&mut self.row)?;
        }
        reader.finish()
    }
}
