//! The horizontal pass of resampling, by fast_image_resize: many rows at once, since it computes its weights anew for each call.

use fast_image_resize::images::{TypedImage, TypedImageRef};
use fast_image_resize::pixels::U8x4;
use fast_image_resize::{MulDiv, ResizeOptions, Resizer};

use super::internal;
use crate::budget::{Buffer, MemoryBudget, Reservation};
use crate::error::Result;
use crate::pixel::Rgba8;

/// Brings premultiplied rows to the target's width, and to straight alpha.
///
/// # Memory
///
/// [`HorizontalPass::memory_bytes`].
#[derive(Debug)]
pub(super) struct HorizontalPass {
    source_width: u32,
    target_width: u32,
    /// Rows that are yet to come, those of the batch included.
    rows_left: u32,
    /// Rows of the source's width, and how many of them are filled.
    batch: Buffer<Rgba8>,
    batched: u32,
    /// The batch in the target's width; empty where the width stays.
    resized: Buffer<Rgba8>,
    resizer: Resizer,
    mul_div: MulDiv,
    _weights: Reservation,
}

impl HorizontalPass {
    /// Bytes of a batch's wider side that are aimed at.
    const BATCH_BYTES: u64 = 1 << 20;

    /// A pass over `rows` rows.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::MemoryLimit`](crate::ErrorKind::MemoryLimit).
    pub(super) fn new(source_width: u32, target_width: u32, rows: u32, budget: &MemoryBudget) -> Result<Self> {
        let batch_rows = Self::batch_rows(source_width, target_width, rows) as usize;
        let batch = budget.buffer(batch_rows * source_width as usize, "rows to resample")?;
        let resized_width = if source_width == target_width { 0 } else { target_width as usize };
        let resized = budget.buffer(batch_rows * resized_width, "resampled rows")?;
        let weights = budget.reserve(Self::weights_bytes(source_width, target_width), "the weights of resampling")?;
        let (resizer, mul_div) = (Resizer::new(), MulDiv::new());
        Ok(Self { source_width, target_width, rows_left: rows, batch, batched: 0, resized, resizer, mul_div, _weights: weights })
    }

    /// Bytes that a pass holds.
    pub(super) fn memory_bytes(source_width: u32, target_width: u32, rows: u32) -> u64 {
        let resized_width = if source_width == target_width { 0 } else { u64::from(target_width) };
        let row_bytes = (u64::from(source_width) + resized_width) * Rgba8::BYTES as u64;
        u64::from(Self::batch_rows(source_width, target_width, rows)) * row_bytes + Self::weights_bytes(source_width, target_width)
    }

    fn batch_rows(source_width: u32, target_width: u32, rows: u32) -> u32 {
        let row_bytes = u64::from(source_width.max(target_width)) * Rgba8::BYTES as u64;
        let batch_rows = (Self::BATCH_BYTES / row_bytes).clamp(4, 256);
        u32::try_from(batch_rows).unwrap_or(u32::MAX).min(rows)
    }

    /// What fast_image_resize holds for its weights: for each target column each weight as `f64` and as `i16`, and about 100 bytes for the
    /// lists that they stand in.
    fn weights_bytes(source_width: u32, target_width: u32) -> u64 {
        if source_width == target_width {
            return 0;
        }
        let weights = 6 * u64::from(source_width.div_ceil(target_width)) + 1;
        u64::from(target_width) * (weights * (size_of::<f64>() + size_of::<i16>()) as u64 + 100)
    }

    /// The place of the next row. Whoever fills it calls [`push`](Self::push).
    pub(super) fn next_row(&mut self) -> &mut [Rgba8] {
        let width = self.source_width as usize;
        &mut self.batch[self.batched as usize * width..][..width]
    }

    /// The next row is in its place. Hands a full or last batch to `sink`, row by row.
    ///
    /// # Errors
    ///
    /// Those of `sink`.
    pub(super) fn push(&mut self, sink: &mut impl FnMut(&[Rgba8]) -> Result<()>) -> Result<()> {
        self.batched += 1;
        let (source_width, target_width) = (self.source_width as usize, self.target_width as usize);
        if self.batched < self.rows_left && (self.batched as usize + 1) * source_width <= self.batch.len() {
            return Ok(());
        }
        let batch = &mut self.batch[..self.batched as usize * source_width];
        let rows = if source_width == target_width {
            batch
        } else {
            let resized = &mut self.resized[..self.batched as usize * target_width];
            let from =
                TypedImageRef::<U8x4>::from_buffer(self.source_width, self.batched, bytemuck::cast_slice(batch)).map_err(internal)?;
            let mut to = TypedImage::from_buffer(self.target_width, self.batched, bytemuck::cast_slice_mut(resized)).map_err(internal)?;
            self.resizer.resize_typed(&from, &mut to, &ResizeOptions::new().use_alpha(false)).map_err(internal)?;
            resized
        };
        let mut straight =
            TypedImage::<U8x4>::from_buffer(self.target_width, self.batched, bytemuck::cast_slice_mut(rows)).map_err(internal)?;
        self.mul_div.divide_alpha_inplace_typed(&mut straight).map_err(internal)?;
        self.rows_left -= self.batched;
        self.batched = 0;
        rows.chunks_exact(target_width).try_for_each(sink)
    }
}
