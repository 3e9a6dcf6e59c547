//! Resampling row by row.
//!
//! The result is, to the bit, that of fast_image_resize on the whole image: first a vertical pass, then a horizontal one, with weights in
//! fixed point whose precision follows from the largest weight. The horizontal pass does not look beyond a row, so the library does it. Its
//! vertical pass would take the precision from the rows at hand, and windows of an image would come out a little different from the whole;
//! that pass is done here. Near transparency colours are then kept among those that they are made of.
//!
//! Light is mixed by passes of its own, in single precision, and the nearest pixel is just picked.

mod bounds;
mod horizontal;
mod kernel;
mod linear;
mod nearest;
mod vertical;

use fast_image_resize::MulDiv;
use fast_image_resize::images::{TypedImage, TypedImageRef};
use fast_image_resize::pixels::U8x4;

use self::bounds::RowBounds;
use self::horizontal::HorizontalPass;
use self::kernel::Filter;
use self::linear::LinearResampler;
use self::nearest::Nearest;
use self::vertical::VerticalPass;
use crate::budget::MemoryBudget;
use crate::error::{ErrorKind, Result};
use crate::geom::PxSize;
use crate::job::Resample;
use crate::pixel::Rgba8;

/// Resamples an image whose rows come one by one, on premultiplied pixels.
///
/// # Memory
///
/// [`Resampler::memory_bytes`]: the source rows that one target row needs, and a batch of rows on their way.
#[derive(Debug)]
pub struct Resampler {
    /// Source rows that are yet to come.
    rows_left: u32,
    way: Way,
}

#[derive(Debug)]
enum Way {
    Encoded(Box<EncodedResampler>),
    Linear(Box<LinearResampler>),
    Nearest(Nearest),
}

impl Resampler {
    /// A resampler from images of size `source` to images of size `target`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::MemoryLimit`] when `budget` has not as much left as [`memory_bytes`](Self::memory_bytes).
    pub fn new(source: PxSize, target: PxSize, how: Resample, budget: &MemoryBudget) -> Result<Self> {
        let way = match Filter::of(how.kernel) {
            None => Way::Nearest(Nearest::new(source, target, budget)?),
            Some(filter) if how.linear => Way::Linear(Box::new(LinearResampler::new(filter, source, target, budget)?)),
            Some(filter) => Way::Encoded(Box::new(EncodedResampler::new(filter, source, target, budget)?)),
        };
        Ok(Self { rows_left: source.height(), way })
    }

    /// Bytes that resampling from `source` to `target` holds.
    #[must_use]
    pub fn memory_bytes(source: PxSize, target: PxSize, how: Resample) -> u64 {
        match Filter::of(how.kernel) {
            None => Nearest::memory_bytes(target),
            Some(filter) if how.linear => LinearResampler::memory_bytes(filter, source, target),
            Some(filter) => EncodedResampler::memory_bytes(filter, source, target),
        }
    }

    /// Takes the next source row. The rows that could be made of those before must have been taken by [`next_row`](Self::next_row).
    ///
    /// # Errors
    ///
    /// None that the arguments can cause.
    ///
    /// # Panics
    ///
    /// When `row` is not as wide as the source, comes after its last row, or before the rows that can be made are taken.
    pub fn push_row(&mut self, row: &[Rgba8]) -> Result<()> {
        assert!(self.rows_left > 0, "a row after the last one");
        let has_row = match &self.way {
            Way::Encoded(resampler) => resampler.horizontal.has_row(),
            Way::Linear(resampler) => resampler.has_row(),
            Way::Nearest(nearest) => nearest.has_row(),
        };
        assert!(!has_row, "a row before those that can be made are taken");
        self.rows_left -= 1;
        match &mut self.way {
            Way::Encoded(resampler) => resampler.push_row(row)?,
            Way::Linear(resampler) => resampler.push_row(row),
            Way::Nearest(nearest) => nearest.push_row(row),
        }
        Ok(())
    }

    /// The next target row, from the top, if the source rows so far suffice. After the last source row all target rows can be taken.
    ///
    /// # Errors
    ///
    /// None that the arguments can cause.
    pub fn next_row(&mut self) -> Result<Option<&[Rgba8]>> {
        match &mut self.way {
            Way::Encoded(resampler) => resampler.next_row(),
            Way::Linear(resampler) => Ok(resampler.next_row()),
            Way::Nearest(nearest) => Ok(nearest.next_row()),
        }
    }
}

/// Mixes the numbers that stand for light, as they are, in 8 bits.
#[derive(Debug)]
struct EncodedResampler {
    mul_div: MulDiv,
    /// None where the height stays.
    vertical: Option<VerticalPass>,
    horizontal: HorizontalPass,
    bounds: RowBounds,
}

impl EncodedResampler {
    fn new(filter: Filter, source: PxSize, target: PxSize, budget: &MemoryBudget) -> Result<Self> {
        let vertical = if source.height() == target.height() {
            None
        } else {
            Some(VerticalPass::new(filter, source.width(), source.height(), target.height(), budget)?)
        };
        let horizontal = HorizontalPass::new(filter, source.width(), target.width(), target.height(), budget)?;
        let bounds = RowBounds::new(filter, source, target, horizontal.most_rows(), budget)?;
        Ok(Self { mul_div: MulDiv::new(), vertical, horizontal, bounds })
    }

    fn memory_bytes(filter: Filter, source: PxSize, target: PxSize) -> u64 {
        let vertical = if source.height() == target.height() {
            0
        } else {
            VerticalPass::memory_bytes(filter, source.width(), source.height(), target.height())
        };
        let waiting = HorizontalPass::batch_rows(source.width(), target.width(), target.height());
        let horizontal = HorizontalPass::memory_bytes(filter, source.width(), target.width(), target.height());
        vertical.saturating_add(horizontal).saturating_add(RowBounds::memory_bytes(filter, source, target, waiting))
    }

    fn push_row(&mut self, row: &[Rgba8]) -> Result<()> {
        self.bounds.push(row);
        match &mut self.vertical {
            Some(vertical) => {
                premultiply(&self.mul_div, row, vertical.next_place())?;
                vertical.push();
                Ok(())
            }
            None => {
                premultiply(&self.mul_div, row, self.horizontal.next_place())?;
                self.bounds.pull();
                self.horizontal.push()
            }
        }
    }

    fn next_row(&mut self) -> Result<Option<&[Rgba8]>> {
        while !self.horizontal.has_row() {
            let Some(vertical) = &mut self.vertical else { return Ok(None) };
            if !vertical.pull(self.horizontal.next_place()) {
                return Ok(None);
            }
            self.bounds.pull();
            self.horizontal.push()?;
        }
        let row = self.horizontal.take_row();
        self.bounds.limit(row);
        Ok(Some(row))
    }
}

fn premultiply(mul_div: &MulDiv, row: &[Rgba8], out: &mut [Rgba8]) -> Result<()> {
    assert_eq!(row.len(), out.len(), "a row of another width");
    let width = u32::try_from(row.len()).unwrap_or(u32::MAX);
    let row = TypedImageRef::<U8x4>::from_buffer(width, 1, bytemuck::cast_slice(row)).map_err(internal)?;
    let mut out = TypedImage::from_buffer(width, 1, bytemuck::cast_slice_mut(out)).map_err(internal)?;
    mul_div.multiply_alpha_typed(&row, &mut out).map_err(internal)
}

/// An error of the library that none of our calls can cause.
fn internal(error: impl std::fmt::Display) -> crate::Error {
    ErrorKind::Panicked { message: error.to_string() }.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::Kernel;
    use fast_image_resize::{ResizeAlg, ResizeOptions, Resizer};
    use proptest::prelude::*;

    const KERNELS: &[Kernel] = &[Kernel::Lanczos3, Kernel::CatmullRom, Kernel::Mitchell, Kernel::Bilinear, Kernel::Box];

    pub(super) fn resample(pixels: &[Rgba8], source: PxSize, target: PxSize, how: Resample) -> Vec<Rgba8> {
        let budget = MemoryBudget::new(u64::MAX);
        let mut resampler = Resampler::new(source, target, how, &budget).unwrap();
        assert_eq!(budget.held_bytes(), Resampler::memory_bytes(source, target, how));
        let mut out = Vec::new();
        for row in pixels.chunks(source.width() as usize) {
            resampler.push_row(row).unwrap();
            while let Some(row) = resampler.next_row().unwrap() {
                out.extend_from_slice(row);
            }
        }
        assert_eq!(out.len() as u64, target.area());
        out
    }

    fn whole_image(pixels: &[Rgba8], source: PxSize, target: PxSize, kernel: Kernel) -> Vec<Rgba8> {
        let mut out = vec![Rgba8::TRANSPARENT; usize::try_from(target.area()).unwrap()];
        let view = TypedImageRef::<U8x4>::from_buffer(source.width(), source.height(), bytemuck::cast_slice(pixels)).unwrap();
        let mut image = TypedImage::from_buffer(target.width(), target.height(), bytemuck::cast_slice_mut(&mut out)).unwrap();
        let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(Filter::of(kernel).unwrap().filter_type));
        Resizer::new().resize_typed(&view, &mut image, &options).unwrap();
        out
    }

    proptest! {
        #[test]
        fn equals_a_whole_image_resize(sides in [1u32..300, 1..300, 1..300, 1..300], seed: u32, opaque: bool, kernel in prop::sample::select(KERNELS)) {
            let (source, target) = (PxSize::new(sides[0], sides[1]).unwrap(), PxSize::new(sides[2], sides[3]).unwrap());
            let value = |i: u32| i.wrapping_mul(2_654_435_761).wrapping_add(seed).to_le_bytes();
            let alpha = if opaque { 255 } else { 0 };
            let pixels = (0..sides[0] * sides[1]).map(|i| bytemuck::cast(value(i))).map(|p: Rgba8| Rgba8 { a: p.a | alpha, ..p });
            let pixels: Vec<Rgba8> = pixels.collect();
            let how = Resample { kernel, linear: false };
            let (found, expected) = (resample(&pixels, source, target, how), whole_image(&pixels, source, target, kernel));
            for (found, expected) in found.iter().zip(&expected) {
                prop_assert!(found.a == expected.a && (found == expected || !opaque), "{:?} {:?}", found, expected);
            }
        }

        #[test]
        fn the_nearest_pixel_is_the_one_at_the_middle(sides in [1u32..60, 1..60, 1..60, 1..60]) {
            let [width, height, wide, high] = sides;
            let pixel = |x: u32, y: u32| Rgba8::new(x.to_le_bytes()[0], y.to_le_bytes()[0], 7, 8);
            let pixels: Vec<Rgba8> = (0..height).flat_map(|y| (0..width).map(move |x| pixel(x, y))).collect();
            let middle = |at: u32, source: u32, target: u32| {
                let ends_beyond = |pixel: &u32| (pixel + 1) * 2 * target > (2 * at + 1) * source;
                (0..source).find(ends_beyond).unwrap()
            };
            let expected: Vec<Rgba8> =
                (0..high).flat_map(|y| (0..wide).map(move |x| pixel(middle(x, width, wide), middle(y, height, high)))).collect();
            let how = Resample { kernel: Kernel::Nearest, linear: false };
            prop_assert!(resample(&pixels, PxSize::new(width, height).unwrap(), PxSize::new(wide, high).unwrap(), how) == expected);
        }
    }
}
