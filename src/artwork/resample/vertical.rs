//! The vertical pass of resampling: each target row is a weighted sum of source rows.

use super::kernel::{Filter, Taps};
use crate::budget::{Buffer, MemoryBudget, Reservation};
use crate::error::Result;
use crate::pixel::Rgba8;
use crate::simd::vectorized;

/// Makes target rows of source rows that come one by one.
///
/// # Memory
///
/// [`VerticalPass::memory_bytes`].
#[derive(Debug)]
pub(super) struct VerticalPass {
    taps: Taps,
    width: usize,
    /// Fractional bits of the weights.
    precision: u32,
    /// Source rows that target rows still need, one below the other, and some room, so that they are moved up only now and then.
    window: Buffer<Rgba8>,
    first_row: u32,
    rows: u32,
    target_rows: u32,
    next_target: u32,
    weights: Vec<f64>,
    fixed: Vec<i16>,
    _weights: Reservation,
}

impl VerticalPass {
    /// Rows by which the window moves at once.
    const SPARE_ROWS: u32 = 16;

    /// A pass over rows of `width` pixels.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::MemoryLimit`](crate::ErrorKind::MemoryLimit).
    pub(super) fn new(filter: Filter, width: u32, source_rows: u32, target_rows: u32, budget: &MemoryBudget) -> Result<Self> {
        let taps = Taps::new(filter, source_rows, target_rows);
        let window = budget.buffer(Self::window_rows(taps) as usize * width as usize, "the window of resampling")?;
        let charge = budget.reserve(Self::weights_bytes(taps), "the weights of resampling")?;
        let (mut weights, fixed) = (Vec::with_capacity(taps.most() as usize), Vec::with_capacity(taps.most() as usize));
        let largest = (0..target_rows).fold(0.0, |largest: f64, row| {
            taps.weights(row, &mut weights);
            weights.iter().copied().fold(largest, f64::max)
        });
        let precision = precision(largest);
        Ok(Self {
            taps,
            width: width as usize,
            precision,
            window,
            first_row: 0,
            rows: 0,
            target_rows,
            next_target: 0,
            weights,
            fixed,
            _weights: charge,
        })
    }

    /// Bytes that a pass holds.
    pub(super) fn memory_bytes(filter: Filter, width: u32, source_rows: u32, target_rows: u32) -> u64 {
        let taps = Taps::new(filter, source_rows, target_rows);
        u64::from(Self::window_rows(taps)) * u64::from(width) * Rgba8::BYTES as u64 + Self::weights_bytes(taps)
    }

    fn window_rows(taps: Taps) -> u32 {
        taps.source().min(taps.most() + Self::SPARE_ROWS)
    }

    fn weights_bytes(taps: Taps) -> u64 {
        u64::from(taps.most()) * (size_of::<f64>() + size_of::<i16>()) as u64
    }

    /// The place of the next source row. Whoever fills it calls [`push`](Self::push).
    pub(super) fn next_place(&mut self) -> &mut [Rgba8] {
        let first_needed = self.taps.range(self.next_target).start;
        if self.rows == Self::window_rows(self.taps) && first_needed > self.first_row {
            let gone = first_needed.min(self.first_row + self.rows) - self.first_row;
            self.window.copy_within(gone as usize * self.width..self.rows as usize * self.width, 0);
            self.first_row += gone;
            self.rows -= gone;
        }
        assert!(self.rows < Self::window_rows(self.taps), "a row before those that can be made are taken");
        &mut self.window[self.rows as usize * self.width..][..self.width]
    }

    /// The next source row is in its place.
    pub(super) fn push(&mut self) {
        self.rows += 1;
    }

    /// Makes the next target row, if all of its source rows are there.
    pub(super) fn pull(&mut self, out: &mut [Rgba8]) -> bool {
        let needed = self.taps.range(self.next_target);
        if self.next_target == self.target_rows || needed.end > self.first_row + self.rows {
            return false;
        }
        self.taps.weights(self.next_target, &mut self.weights);
        let unit = f64::from(1 << self.precision);
        self.fixed.clear();
        #[expect(clippy::cast_possible_truncation, reason = "the precision is chosen so that the largest weight fits")]
        self.fixed.extend(self.weights.iter().map(|weight| (weight * unit).round() as i16));
        let rows = &self.window[(needed.start - self.first_row) as usize * self.width..];
        weigh(bytemuck::cast_slice(rows), &self.fixed, self.precision, bytemuck::cast_slice_mut(out));
        self.next_target += 1;
        true
    }
}

/// The most fractional bits with which the `largest` weight is below 2¹⁵, at most 21.
fn precision(largest: f64) -> u32 {
    let next_too_large = |&bits: &u32| (largest * f64::from(1 << (bits + 1))).round() >= f64::from(1 << 15);
    (0..22).find(next_too_large).unwrap_or(21)
}

/// Sums the rows of `out.len()` bytes, one below the other, each times its weight.
fn weigh(rows: &[u8], weights: &[i16], precision: u32, out: &mut [u8]) {
    vectorized(
        #[inline(always)]
        || weigh_inline(rows, weights, precision, out),
    );
}

#[inline(always)]
fn weigh_inline(rows: &[u8], weights: &[i16], precision: u32, out: &mut [u8]) {
    const LANES: usize = 32;
    let stride = out.len();
    let (chunks, rest) = out.as_chunks_mut::<LANES>();
    for (nth, chunk) in chunks.iter_mut().enumerate() {
        let mut sums = [1_i32 << (precision - 1); LANES];
        for (row, &weight) in rows.chunks_exact(stride).zip(weights) {
            let row = &row[nth * LANES..][..LANES];
            sums.iter_mut().zip(row).for_each(|(sum, &value)| *sum += i32::from(value) * i32::from(weight));
        }
        chunk.iter_mut().zip(sums).for_each(|(out, sum)| *out = clipped(sum >> precision));
    }
    let done = stride - rest.len();
    for (at, out) in rest.iter_mut().enumerate() {
        let products = rows.chunks_exact(stride).zip(weights).map(|(row, &weight)| i32::from(row[done + at]) * i32::from(weight));
        *out = clipped((products.sum::<i32>() + (1 << (precision - 1))) >> precision);
    }
}

fn clipped(value: i32) -> u8 {
    value.clamp(0, 255) as u8
}
