//! From an artwork's rows to those of a raster, before its turn.

use std::path::Path;

use super::{ArtworkHeader, ArtworkReader, Resampler};
use crate::budget::{Buffer, MemoryBudget};
use crate::error::{ErrorKind, Result};
use crate::geom::{PxRect, PxSize, Rows};
use crate::job::{AlphaRules, Kernel, Resample};
use crate::pixel::Rgba8;

use super::alpha::{clean, cleans, knock_out};
use super::raster::Shape;

/// How an artwork becomes the rows of a raster before its turn: cropped, resampled, mirrored, cleaned, put on a canvas.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shaping {
    /// The rectangle of the artwork that is printed.
    pub(crate) crop: PxRect,
    /// Where it is printed on the raster, and so the size that it is resampled to.
    pub(crate) place: PxRect,
    /// The size of the raster.
    pub(crate) size: PxSize,
    /// Whether it is mirrored left to right.
    pub(crate) mirror: bool,
    pub(crate) resample: Resample,
    pub(crate) alpha: AlphaRules,
}

/// Makes the rows of a raster of an artwork's rows.
///
/// # Memory
///
/// [`ShapedRows::memory_bytes`].
#[derive(Debug)]
pub(crate) struct ShapedRows {
    shaping: Shaping,
    /// None where the size stays.
    resampler: Option<Resampler>,
    /// A row of the artwork from which a colour is knocked out, if one is.
    knocked_out: Buffer<Rgba8>,
    /// The row that is handed out, where it is not the resampler's own.
    row: Buffer<Rgba8>,
    /// Whether `row` is to be handed out, where there is no resampler.
    ready: bool,
    /// A row of the canvas above or below the artwork, if there is one.
    blank: Buffer<Rgba8>,
    /// The row of the raster that is handed out next.
    next: u32,
}

impl ShapedRows {
    /// # Errors
    ///
    /// [`ErrorKind::MemoryLimit`](crate::ErrorKind::MemoryLimit).
    pub(crate) fn new(shaping: &Shaping, budget: &MemoryBudget) -> Result<Self> {
        let Shaping { crop, place, size, resample, alpha, .. } = *shaping;
        let resampler = if shaping.is_resampled() { Some(Resampler::new(crop.size(), place.size(), resample, budget)?) } else { None };
        let knocked_out = alpha.knockout.map_or(0, |_| crop.size().width() as usize);
        let knocked_out = budget.buffer(knocked_out, "a row of the artwork")?;
        let row = budget.buffer(size.width() as usize, "a row of a raster")?;
        let blank = budget.buffer(if place.size() == size { 0 } else { size.width() as usize }, "a row of a canvas")?;
        Ok(Self { shaping: *shaping, resampler, knocked_out, row, ready: false, blank, next: 0 })
    }

    /// Bytes that this holds.
    pub(crate) fn memory_bytes(shaping: &Shaping) -> u64 {
        let Shaping { crop, place, size, resample, alpha, .. } = *shaping;
        let resampling = if shaping.is_resampled() { Resampler::memory_bytes(crop.size(), place.size(), resample) } else { 0 };
        let knocked_out = alpha.knockout.map_or(0, |_| row_bytes(crop.size()));
        let blank = if place.size() == size { 0 } else { row_bytes(size) };
        resampling.saturating_add(row_bytes(size)).saturating_add(knocked_out).saturating_add(blank)
    }

    /// Takes row `y` of the artwork. All rows that could be made of those before must have been taken.
    pub(crate) fn push(&mut self, y: u32, row: &[Rgba8]) -> Result<()> {
        let crop = self.shaping.crop;
        if !(crop.y()..crop.bottom()).contains(&y) {
            return Ok(());
        }
        let mut row = &row[crop.x() as usize..crop.right() as usize];
        if let Some(knockout) = self.shaping.alpha.knockout {
            self.knocked_out.copy_from_slice(row);
            knock_out(knockout, &mut self.knocked_out);
            row = &self.knocked_out;
        }
        match &mut self.resampler {
            Some(resampler) => resampler.push_row(row),
            None => {
                self.shaping.finish(row, &mut self.row);
                self.ready = true;
                Ok(())
            }
        }
    }

    /// The next row of the raster before its turn, if the artwork's rows so far suffice.
    pub(crate) fn next(&mut self) -> Result<Option<&[Rgba8]>> {
        let Shaping { place, size, .. } = self.shaping;
        if !(place.y()..place.bottom()).contains(&self.next) {
            if self.next == size.height() {
                return Ok(None);
            }
            self.next += 1;
            return Ok(Some(&self.blank));
        }
        let row = match &mut self.resampler {
            None => std::mem::take(&mut self.ready).then_some(&*self.row),
            Some(resampler) => match resampler.next_row()? {
                Some(row) if self.shaping.is_finished() => Some(row),
                Some(row) => {
                    self.shaping.finish(row, &mut self.row);
                    Some(&*self.row)
                }
                None => None,
            },
        };
        self.next += u32::from(row.is_some());
        Ok(row)
    }
}

impl Shaping {
    /// Whether the raster may be made of a smaller image than the one of size `stored` that the file has. A part of it would lie between the
    /// smaller one's pixels; the nearest pixel, and one of a colour, may not be among them, and they are mixed as they are encoded.
    pub(crate) fn may_be_of_smaller(&self, stored: PxSize) -> bool {
        let is_mixed = self.resample.kernel != Kernel::Nearest && !self.resample.linear && self.alpha.knockout.is_none();
        self.crop.size() == stored && is_mixed
    }

    fn is_resampled(&self) -> bool {
        self.crop.size() != self.place.size()
    }

    /// Whether nothing is left to do with a resampled row.
    fn is_finished(&self) -> bool {
        !self.mirror && self.place.size() == self.size && !cleans(self.alpha)
    }

    /// Makes a row of the raster, one that the artwork lies in, of a resampled one.
    fn finish(&self, row: &[Rgba8], out: &mut [Rgba8]) {
        let (left, right) = (self.place.x() as usize, self.place.right() as usize);
        out[..left].fill(Rgba8::TRANSPARENT);
        out[right..].fill(Rgba8::TRANSPARENT);
        let out = &mut out[left..right];
        out.copy_from_slice(row);
        if self.mirror {
            out.reverse();
        }
        if cleans(self.alpha) {
            clean(self.alpha, out);
        }
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
    /// Whether the artwork, read to its end, has colours that the parts cannot show.
    beyond_gamut: bool,
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
        Ok(Self { reader: Some(reader), row, next_source_row: 0, rows, size: shaping.size, next_row: 0, beyond_gamut: false })
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
        self.beyond_gamut = reader.finish()?;
        Ok(())
    }

    /// Whether the artwork was read to its end and has colours that the parts cannot show.
    pub(crate) fn is_beyond_gamut(&self) -> bool {
        self.beyond_gamut
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::{Harden, Knockout};

    const RED: Rgba8 = Rgba8::new(255, 0, 0, 255);
    const BLACK: Rgba8 = Rgba8::new(0, 0, 0, 255);
    const SOFT: Rgba8 = Rgba8::new(255, 0, 0, 100);
    const NONE: Rgba8 = Rgba8::TRANSPARENT;

    fn size(width: u32, height: u32) -> PxSize {
        PxSize::new(width, height).unwrap()
    }

    fn shaped(rows: &[&[Rgba8]], shaping: &Shaping) -> Vec<Vec<Rgba8>> {
        let budget = MemoryBudget::new(1 << 24);
        let mut shaped = ShapedRows::new(shaping, &budget).unwrap();
        assert_eq!(budget.held_bytes(), ShapedRows::memory_bytes(shaping));
        let mut out = Vec::new();
        for (y, row) in (0..).zip(rows) {
            shaped.push(y, row).unwrap();
            while let Some(row) = shaped.next().unwrap() {
                out.push(row.to_vec());
            }
        }
        out
    }

    /// Of an image of 2 × 2 pixels, on a canvas of 5 × 4.
    fn on_canvas() -> Shaping {
        let (crop, size) = (size(2, 2).into(), size(5, 4));
        Shaping {
            crop,
            place: crop.size().in_the_middle_of(size),
            size,
            mirror: false,
            resample: Resample::default(),
            alpha: AlphaRules::default(),
        }
    }

    #[test]
    fn artwork_lies_in_the_middle_of_its_canvas() {
        let picture: &[&[Rgba8]] = &[&[RED, BLACK], &[SOFT, RED]];
        let empty = vec![NONE; 5];
        let expected = [empty.clone(), vec![NONE, RED, BLACK, NONE, NONE], vec![NONE, SOFT, RED, NONE, NONE], empty.clone()];
        assert_eq!(shaped(picture, &on_canvas()), expected);
        let mirrored = shaped(picture, &Shaping { mirror: true, ..on_canvas() });
        assert_eq!(mirrored[1..3], [vec![NONE, BLACK, RED, NONE, NONE], vec![NONE, RED, SOFT, NONE, NONE]]);
        let larger = Shaping { place: PxRect::new(0, 0, size(4, 4)).unwrap(), ..on_canvas() };
        let nearest = Resample { kernel: Kernel::Nearest, linear: false };
        let doubled = shaped(picture, &Shaping { resample: nearest, ..larger });
        assert_eq!(doubled[..2], [[RED, RED, BLACK, BLACK, NONE]; 2]);
        assert_eq!(doubled.len(), 4);
    }

    #[test]
    fn colours_are_knocked_out_before_edges_are_hardened() {
        let alpha = AlphaRules { knockout: Some(Knockout { color: [0; 3], tolerance: 0 }), harden: Harden::new(0.25), min_alpha: 0 };
        let rows = shaped(&[&[RED, BLACK], &[SOFT, RED]], &Shaping { alpha, ..on_canvas() });
        assert_eq!(rows[1..3], [vec![NONE, RED, NONE, NONE, NONE], vec![NONE, RED, RED, NONE, NONE]]);
    }
}
