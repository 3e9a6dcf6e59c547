//! The vertical pass of resampling: each target row is a weighted sum of source rows.

use std::f64::consts::PI;

use crate::budget::{Buffer, MemoryBudget, Reservation};
use crate::error::Result;
use crate::pixel::Rgba8;
use crate::simd::vectorized;

/// Lobes of the Lanczos kernel on each side.
const LOBES: f64 = 3.0;

/// A Lanczos kernel over the rows of an image: which source rows make a target row, and with which weights.
#[derive(Clone, Copy, Debug)]
struct Kernel {
    source_rows: u32,
    /// Source rows a target row.
    scale: f64,
    /// Source rows on each side that have a weight.
    radius: f64,
}

impl Kernel {
    fn new(source_rows: u32, target_rows: u32) -> Self {
        let scale = f64::from(source_rows) / f64::from(target_rows);
        Self { source_rows, scale, radius: LOBES * scale.max(1.0) }
    }

    /// The most source rows that one target row is made of.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "limited to the source's rows")]
    fn most_rows(self) -> u32 {
        (2.0 * self.radius.ceil() + 1.0).min(f64::from(self.source_rows)) as u32
    }

    fn center(self, target_row: u32) -> f64 {
        (f64::from(target_row) + 0.5) * self.scale
    }

    /// The source rows that make `target_row`.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "limited to the source's rows")]
    fn rows(self, target_row: u32) -> std::ops::Range<u32> {
        let center = self.center(target_row);
        let last = f64::from(self.source_rows);
        (center - self.radius).floor().clamp(0.0, last) as u32..(center + self.radius).ceil().clamp(0.0, last) as u32
    }

    /// The weights of these rows, whose sum is 1.
    fn weights(self, target_row: u32, weights: &mut Vec<f64>) {
        let center = self.center(target_row) - 0.5;
        let shrink = 1.0 / self.scale.max(1.0);
        weights.clear();
        weights.extend(self.rows(target_row).map(|row| lanczos((f64::from(row) - center) * shrink)));
        let sum: f64 = weights.iter().sum();
        weights.iter_mut().for_each(|weight| *weight /= sum);
    }
}

/// `sinc(x)·sinc(x/3)` between -3 and 3, else 0.
fn lanczos(x: f64) -> f64 {
    let sinc = |x: f64| if x == 0.0 { 1.0 } else { (x * PI).sin() / (x * PI) };
    if (-LOBES..LOBES).contains(&x) { sinc(x) * sinc(x / LOBES) } else { 0.0 }
}

/// Makes target rows of source rows that come one by one.
///
/// # Memory
///
/// [`VerticalPass::memory_bytes`].
#[derive(Debug)]
pub(super) struct VerticalPass {
    kernel: Kernel,
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
    pub(super) fn new(width: u32, source_rows: u32, target_rows: u32, budget: &MemoryBudget) -> Result<Self> {
        let kernel = Kernel::new(source_rows, target_rows);
        let window = budget.buffer(Self::window_rows(kernel) as usize * width as usize, "the window of resampling")?;
        let charge = budget.reserve(Self::weights_bytes(kernel), "the weights of resampling")?;
        let (mut weights, fixed) = (Vec::with_capacity(kernel.most_rows() as usize), Vec::with_capacity(kernel.most_rows() as usize));
        let largest = (0..target_rows).fold(0.0, |largest: f64, row| {
            kernel.weights(row, &mut weights);
            weights.iter().copied().fold(largest, f64::max)
        });
        let precision = precision(largest);
        Ok(Self {
            kernel,
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
    pub(super) fn memory_bytes(width: u32, source_rows: u32, target_rows: u32) -> u64 {
        let kernel = Kernel::new(source_rows, target_rows);
        u64::from(Self::window_rows(kernel)) * u64::from(width) * Rgba8::BYTES as u64 + Self::weights_bytes(kernel)
    }

    fn window_rows(kernel: Kernel) -> u32 {
        kernel.source_rows.min(kernel.most_rows() + Self::SPARE_ROWS)
    }

    fn weights_bytes(kernel: Kernel) -> u64 {
        u64::from(kernel.most_rows()) * (size_of::<f64>() + size_of::<i16>()) as u64
    }

    /// The place of the next source row. Whoever fills it calls [`push`](Self::push).
    pub(super) fn next_place(&mut self) -> &mut [Rgba8] {
        let first_needed = self.kernel.rows(self.next_target).start;
        if self.rows == Self::window_rows(self.kernel) && first_needed > self.first_row {
            let gone = first_needed.min(self.first_row + self.rows) - self.first_row;
            self.window.copy_within(gone as usize * self.width..self.rows as usize * self.width, 0);
            self.first_row += gone;
            self.rows -= gone;
        }
        assert!(self.rows < Self::window_rows(self.kernel), "a row before those that can be made are taken");
        &mut self.window[self.rows as usize * self.width..][..self.width]
    }

    /// The next source row is in its place.
    pub(super) fn push(&mut self) {
        self.rows += 1;
    }

    /// Makes the next target row, if all of its source rows are there.
    pub(super) fn pull(&mut self, out: &mut [Rgba8]) -> bool {
        let needed = self.kernel.rows(self.next_target);
        if self.next_target == self.target_rows || needed.end > self.first_row + self.rows {
            return false;
        }
        self.kernel.weights(self.next_target, &mut self.weights);
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
