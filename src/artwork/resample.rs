//! Resampling row by row.

use fast_image_resize::images::{TypedImage, TypedImageRef};
use fast_image_resize::pixels::U8x4;
use fast_image_resize::{MulDiv, ResizeOptions, Resizer};

use crate::budget::{Buffer, MemoryBudget, Reservation};
use crate::error::{ErrorKind, Result};
use crate::geom::PxSize;
use crate::pixel::Rgba8;

/// Resamples an image whose rows come one by one, with a Lanczos kernel of three lobes on premultiplied pixels.
///
/// # Memory
///
/// [`Resampler::memory_bytes`]: the rows that one window of target rows needs.
#[derive(Debug)]
pub(crate) struct Resampler {
    source: PxSize,
    target: PxSize,
    window: Buffer<Rgba8>,
    first_row: u32,
    rows: u32,
    emitted: u32,
    out: Buffer<Rgba8>,
    resizer: Resizer,
    mul_div: MulDiv,
    _internal: Reservation,
}

impl Resampler {
    const LOBES: f64 = 3.0;
    const WINDOW_ROWS: u32 = 64;

    /// A resampler from images of size `source` to images of size `target`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::MemoryLimit`].
    pub(crate) fn new(source: PxSize, target: PxSize, budget: &MemoryBudget) -> Result<Self> {
        let copy = source == target;
        let (window_rows, out_rows) =
            if copy { (0, 0) } else { (Self::window_rows(source, target), target.height().min(Self::WINDOW_ROWS)) };
        let window = budget.buffer(window_rows as usize * source.width() as usize, "the window of resampling")?;
        let out = budget.buffer(out_rows as usize * target.width() as usize, "resampled rows")?;
        let internal = Self::memory_bytes(source, target) - ((window.len() + out.len()) * Rgba8::BYTES) as u64;
        let internal = budget.reserve(internal, "the state of resampling")?;
        Ok(Self {
            source,
            target,
            window,
            first_row: 0,
            rows: 0,
            emitted: 0,
            out,
            resizer: Resizer::new(),
            mul_div: MulDiv::new(),
            _internal: internal,
        })
    }

    /// Bytes that resampling holds.
    pub(crate) fn memory_bytes(source: PxSize, target: PxSize) -> u64 {
        if source == target {
            return 0;
        }
        let out_rows = u64::from(target.height().min(Self::WINDOW_ROWS));
        let window = u64::from(Self::window_rows(source, target)) * u64::from(source.width()) * 4;
        let kernel = 8 * u64::from(source.width().max(target.width())) * 16;
        window + out_rows * 4 * (u64::from(target.width()) + u64::from(source.width())) + kernel
    }

    fn scale(source: u32, target: u32) -> f64 {
        f64::from(source) / f64::from(target)
    }

    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the value is limited to the source's rows")]
    fn needed_until(source: PxSize, target: PxSize, end: u32) -> u32 {
        let scale = Self::scale(source.height(), target.height());
        let until = (f64::from(end) * scale + Self::LOBES * scale.max(1.0)).ceil() + 1.0;
        until.clamp(0.0, f64::from(source.height())) as u32
    }

    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the value is limited to the source's rows")]
    fn needed_from(source: PxSize, target: PxSize, start: u32) -> u32 {
        let scale = Self::scale(source.height(), target.height());
        let from = (f64::from(start) * scale - Self::LOBES * scale.max(1.0)).floor() - 1.0;
        from.clamp(0.0, f64::from(source.height())) as u32
    }

    fn window_rows(source: PxSize, target: PxSize) -> u32 {
        let scale = Self::scale(source.height(), target.height());
        let rows = (f64::from(Self::WINDOW_ROWS) * scale + 2.0 * Self::LOBES * scale.max(1.0)).ceil() + 6.0;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the value is limited to the source's rows")]
        let rows = rows.clamp(1.0, f64::from(source.height())) as u32;
        rows
    }

    /// Takes the next source row and hands complete target rows to `sink`, top to bottom. After the last source row, `sink` has had
    /// exactly all target rows.
    ///
    /// # Errors
    ///
    /// Those of `sink`.
    pub(crate) fn push_row(&mut self, row: &[Rgba8], sink: &mut impl FnMut(&[Rgba8]) -> Result<()>) -> Result<()> {
        debug_assert_eq!(row.len(), self.source.width() as usize);
        if self.source == self.target {
            return sink(row);
        }
        let width = row.len();
        let slot = &mut self.window[self.rows as usize * width..][..width];
        let (source, mut slot) =
            (image(row, width)?, TypedImage::<U8x4>::from_buffer(size_u32(width), 1, bytemuck::cast_slice_mut(slot)).map_err(internal)?);
        self.mul_div.multiply_alpha_typed(&source, &mut slot).map_err(internal)?;
        self.rows += 1;
        while self.emitted < self.target.height() {
            let end = self.target.height().min(self.emitted + Self::WINDOW_ROWS);
            if self.first_row + self.rows < Self::needed_until(self.source, self.target, end) {
                break;
            }
            self.emit(end, sink)?;
        }
        Ok(())
    }

    fn emit(&mut self, end: u32, sink: &mut impl FnMut(&[Rgba8]) -> Result<()>) -> Result<()> {
        let (width, out_width) = (self.source.width() as usize, self.target.width() as usize);
        let scale = Self::scale(self.source.height(), self.target.height());
        let count = end - self.emitted;
        let top = (f64::from(self.emitted) * scale - f64::from(self.first_row)).clamp(0.0, f64::from(self.rows));
        let height = (f64::from(count) * scale).min(f64::from(self.rows) - top);
        let options = ResizeOptions::new().use_alpha(false).crop(0.0, top, f64::from(self.source.width()), height);
        let window = image(&self.window[..self.rows as usize * width], width)?;
        let out = &mut self.out[..count as usize * out_width];
        let mut target = TypedImage::<U8x4>::from_buffer(self.target.width(), count, bytemuck::cast_slice_mut(out)).map_err(internal)?;
        self.resizer.resize_typed(&window, &mut target, &options).map_err(internal)?;
        self.mul_div.divide_alpha_inplace_typed(&mut target).map_err(internal)?;
        for row in self.out[..count as usize * out_width].chunks_exact(out_width) {
            sink(row)?;
        }
        self.emitted = end;
        let drop = Self::needed_from(self.source, self.target, end).min(self.first_row + self.rows).saturating_sub(self.first_row);
        self.window.copy_within(drop as usize * width..self.rows as usize * width, 0);
        self.first_row += drop;
        self.rows -= drop;
        Ok(())
    }
}

fn size_u32(value: usize) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

fn image(pixels: &[Rgba8], width: usize) -> Result<TypedImageRef<'_, U8x4>> {
    TypedImageRef::from_buffer(size_u32(width), size_u32(pixels.len() / width), bytemuck::cast_slice(pixels)).map_err(internal)
}

fn internal(error: impl std::fmt::Display) -> crate::Error {
    ErrorKind::Panicked { message: error.to_string() }.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn resample(pixels: &[Rgba8], source: PxSize, target: PxSize) -> Vec<Rgba8> {
        let budget = MemoryBudget::new(u64::MAX);
        let mut resampler = Resampler::new(source, target, &budget).unwrap();
        assert_eq!(budget.held_bytes(), Resampler::memory_bytes(source, target));
        let mut out = Vec::new();
        for row in pixels.chunks(source.width() as usize) {
            let mut sink = |row: &[Rgba8]| {
                out.extend_from_slice(row);
                Ok(())
            };
            resampler.push_row(row, &mut sink).unwrap();
        }
        assert_eq!(out.len() as u64, target.area());
        out
    }

    fn whole_image(pixels: &[Rgba8], source: PxSize, target: PxSize) -> Vec<Rgba8> {
        let mut out = vec![Rgba8::TRANSPARENT; usize::try_from(target.area()).unwrap()];
        let view = image(pixels, source.width() as usize).unwrap();
        let mut image = TypedImage::<U8x4>::from_buffer(target.width(), target.height(), bytemuck::cast_slice_mut(&mut out)).unwrap();
        Resizer::new().resize_typed(&view, &mut image, &ResizeOptions::new()).unwrap();
        out
    }

    proptest! {
        #[test]
        fn equals_a_whole_image_resize(sides in [1u32..200, 1..200, 1..200, 1..200], seed: u32, opaque: bool) {
            let (source, target) = (PxSize::new(sides[0], sides[1]).unwrap(), PxSize::new(sides[2], sides[3]).unwrap());
            let value = |i: u32| i.wrapping_mul(2_654_435_761).wrapping_add(seed).to_le_bytes();
            let alpha = if opaque { 255 } else { 128 };
            let pixels: Vec<Rgba8> = (0..sides[0] * sides[1]).map(|i| bytemuck::cast(value(i))).map(|p: Rgba8| Rgba8 { a: p.a | alpha, ..p }).collect();
            for (a, b) in resample(&pixels, source, target).into_iter().zip(whole_image(&pixels, source, target)) {
                // Straight colours of faint pixels differ by more, as the same difference is divided by a small alpha.
                let near = |c: u8, d: u8| (u32::from(c) * u32::from(a.a)).abs_diff(u32::from(d) * u32::from(b.a)) <= 4 * 255;
                prop_assert!(near(a.r, b.r) && near(a.g, b.g) && near(a.b, b.b) && a.a.abs_diff(b.a) <= 2, "{:?} {:?}", a, b);
            }
        }
    }
}
