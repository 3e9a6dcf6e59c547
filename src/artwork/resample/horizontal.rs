//! The horizontal pass of resampling, by fast_image_resize: many rows at once, since it computes its weights anew for each call.

use std::ops::Range;

use fast_image_resize::images::{TypedImage, TypedImageRef};
use fast_image_resize::pixels::U8x4;
use fast_image_resize::{MulDiv, ResizeAlg, ResizeOptions, Resizer};

use super::internal;
use super::kernel::{Filter, Taps};
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
    /// Which rows of the batch are finished and not yet taken.
    finished: Range<u32>,
    resizer: Resizer,
    options: ResizeOptions,
    mul_div: MulDiv,
    _weights: Reservation,
}

impl HorizontalPass {
    /// Bytes of a batch's wider side that are aimed at.
    const BATCH_BYTES: u64 = 2 << 20;

    /// A pass over `rows` rows.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::MemoryLimit`](crate::ErrorKind::MemoryLimit).
    pub(super) fn new(filter: Filter, source_width: u32, target_width: u32, rows: u32, budget: &MemoryBudget) -> Result<Self> {
        let batch_rows = Self::batch_rows(source_width, target_width, rows) as usize;
        let batch = budget.buffer(batch_rows * source_width as usize, "rows to resample")?;
        let resized_width = if source_width == target_width { 0 } else { target_width as usize };
        let resized = budget.buffer(batch_rows * resized_width, "resampled rows")?;
        let weights = budget.reserve(Self::weights_bytes(filter, source_width, target_width), "the weights of resampling")?;
        let options = ResizeOptions::new().use_alpha(false).resize_alg(ResizeAlg::Convolution(filter.filter_type));
        Ok(Self {
            source_width,
            target_width,
            rows_left: rows,
            batch,
            batched: 0,
            resized,
            finished: 0..0,
            resizer: Resizer::new(),
            options,
            mul_div: MulDiv::new(),
            _weights: weights,
        })
    }

    /// Bytes that a pass holds.
    pub(super) fn memory_bytes(filter: Filter, source_width: u32, target_width: u32, rows: u32) -> u64 {
        let resized_width = if source_width == target_width { 0 } else { u64::from(target_width) };
        let row_bytes = (u64::from(source_width) + resized_width) * Rgba8::BYTES as u64;
        u64::from(Self::batch_rows(source_width, target_width, rows)) * row_bytes + Self::weights_bytes(filter, source_width, target_width)
    }

    /// Rows of a batch.
    pub(super) fn batch_rows(source_width: u32, target_width: u32, rows: u32) -> u32 {
        let row_bytes = u64::from(source_width.max(target_width)) * Rgba8::BYTES as u64;
        let batch_rows = (Self::BATCH_BYTES / row_bytes).clamp(4, 256);
        u32::try_from(batch_rows).unwrap_or(u32::MAX).min(rows)
    }

    /// What fast_image_resize holds for its weights: for each target column each weight as `f64` and as `i16`, and about 100 bytes for the
    /// lists that they stand in.
    fn weights_bytes(filter: Filter, source_width: u32, target_width: u32) -> u64 {
        if source_width == target_width {
            return 0;
        }
        let weights = Taps::new(filter, source_width, target_width).widest();
        u64::from(target_width) * (weights * (size_of::<f64>() + size_of::<i16>()) as u64 + 100)
    }

    /// The most rows that wait to be finished at once.
    pub(super) fn most_rows(&self) -> u32 {
        // A batch has few rows.
        u32::try_from(self.batch.len() / self.source_width as usize).unwrap_or(u32::MAX)
    }

    /// The place of the next row. Whoever fills it calls [`push`](Self::push).
    pub(super) fn next_place(&mut self) -> &mut [Rgba8] {
        let width = self.source_width as usize;
        &mut self.batch[self.batched as usize * width..][..width]
    }

    /// The next row is in its place. All finished rows must have been [taken](Self::take_row).
    ///
    /// # Errors
    ///
    /// None that the arguments can cause: the library's calls cannot fail here.
    pub(super) fn push(&mut self) -> Result<()> {
        self.batched += 1;
        if self.batched < self.rows_left && (self.batched as usize + 1) * self.source_width as usize <= self.batch.len() {
            return Ok(());
        }
        let (rows, batch) = (self.batched, &mut self.batch[..self.batched as usize * self.source_width as usize]);
        let finished = if self.source_width == self.target_width {
            batch
        } else {
            let resized = &mut self.resized[..rows as usize * self.target_width as usize];
            let from = TypedImageRef::<U8x4>::from_buffer(self.source_width, rows, bytemuck::cast_slice(batch)).map_err(internal)?;
            let mut to = TypedImage::from_buffer(self.target_width, rows, bytemuck::cast_slice_mut(resized)).map_err(internal)?;
            self.resizer.resize_typed(&from, &mut to, &self.options).map_err(internal)?;
            resized
        };
        let mut straight =
            TypedImage::<U8x4>::from_buffer(self.target_width, rows, bytemuck::cast_slice_mut(finished)).map_err(internal)?;
        self.mul_div.divide_alpha_inplace_typed(&mut straight).map_err(internal)?;
        self.rows_left -= rows;
        self.batched = 0;
        self.finished = 0..rows;
        Ok(())
    }

    /// Whether a finished row waits to be taken.
    pub(super) fn has_row(&self) -> bool {
        !self.finished.is_empty()
    }

    /// The next finished row. There must be one.
    pub(super) fn take_row(&mut self) -> &mut [Rgba8] {
        let width = self.target_width as usize;
        let at = self.finished.start as usize * width;
        self.finished.start += 1;
        let rows = if self.source_width == self.target_width { &mut self.batch } else { &mut self.resized };
        &mut rows[at..at + width]
    }
}
