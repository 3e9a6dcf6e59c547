//! Resampling of light: in linear values and single precision.

use super::kernel::{Filter, Taps};
use crate::budget::{Buffer, MemoryBudget, Reservation};
use crate::error::Result;
use crate::geom::PxSize;
use crate::pixel::Rgba8;
use crate::simd::vectorized;

/// Premultiplied linear light: red, green, blue and alpha, 0 to 1.
type Light = [f32; 4];

/// Steps of the table that encodes light: enough that the steepest of sRGB's curve, at black, does not skip an 8-bit value.
const STEPS: usize = 1 << 13;

/// Resamples by mixing light, first across, then down.
///
/// # Memory
///
/// [`LinearResampler::memory_bytes`].
#[derive(Debug)]
pub(super) struct LinearResampler {
    across: Option<Weights>,
    down: Option<Taps>,
    tables: Tables,
    /// The source row as light.
    row: Buffer<Light>,
    /// Rows of the target's width that target rows still need; the one of source row `y` is at `y` modulo their number.
    window: Buffer<Light>,
    window_rows: u32,
    target: PxSize,
    next_source: u32,
    next_target: u32,
    weights: Vec<f64>,
    mixed: Buffer<Light>,
    out: Buffer<Rgba8>,
    _charge: Reservation,
}

impl LinearResampler {
    /// # Errors
    ///
    /// [`MemoryLimit`](crate::ErrorKind::MemoryLimit).
    pub(super) fn new(filter: Filter, source: PxSize, target: PxSize, budget: &MemoryBudget) -> Result<Self> {
        let (across, down) = Self::taps(filter, source, target);
        let window_rows = down.map_or(1, Taps::most);
        let width = target.width() as usize;
        let charge = budget.reserve(Self::tables_bytes(across, down, target), "the weights of resampling")?;
        Ok(Self {
            across: across.map(|taps| Weights::new(taps, target.width())),
            down,
            tables: Tables::new(),
            row: budget.buffer(source.width() as usize, "a row of light")?,
            window: budget.buffer(window_rows as usize * width, "the window of resampling")?,
            window_rows,
            target,
            next_source: 0,
            next_target: 0,
            weights: Vec::with_capacity(window_rows as usize),
            mixed: budget.buffer(width, "a row of light")?,
            out: budget.buffer(width, "a resampled row")?,
            _charge: charge,
        })
    }

    /// Bytes that resampling from `source` to `target` holds.
    pub(super) fn memory_bytes(filter: Filter, source: PxSize, target: PxSize) -> u64 {
        let (across, down) = Self::taps(filter, source, target);
        let rows = u64::from(down.map_or(1, Taps::most)) + 1;
        let (source, width) = (u64::from(source.width()), u64::from(target.width()));
        let light = (source + rows * width) * size_of::<Light>() as u64;
        light + width * Rgba8::BYTES as u64 + Self::tables_bytes(across, down, target)
    }

    fn taps(filter: Filter, source: PxSize, target: PxSize) -> (Option<Taps>, Option<Taps>) {
        let taps = |source: u32, target: u32| (source != target).then(|| Taps::new(filter, source, target));
        (taps(source.width(), target.width()), taps(source.height(), target.height()))
    }

    fn tables_bytes(across: Option<Taps>, down: Option<Taps>, target: PxSize) -> u64 {
        let across = across.map_or(0, |taps| Weights::memory_bytes(taps, target.width()));
        let down = down.map_or(0, |taps| u64::from(taps.most())) * size_of::<f64>() as u64;
        across + down + (STEPS + 1 + 256 * size_of::<f32>()) as u64
    }

    /// Whether a target row waits to be taken.
    pub(super) fn has_row(&self) -> bool {
        let needed = self.down.map_or(self.next_target + 1, |taps| taps.range(self.next_target).end);
        self.next_target < self.target.height() && needed <= self.next_source
    }

    /// Takes the next source row.
    pub(super) fn push_row(&mut self, row: &[Rgba8]) {
        let width = self.target.width() as usize;
        let slot = (self.next_source % self.window_rows) as usize * width;
        let slot = &mut self.window[slot..slot + width];
        self.next_source += 1;
        match &self.across {
            Some(weights) => {
                self.tables.decode(row, &mut self.row);
                weights.mix(&self.row, slot);
            }
            None => self.tables.decode(row, slot),
        }
    }

    /// The next target row, if the source rows so far suffice.
    pub(super) fn next_row(&mut self) -> Option<&[Rgba8]> {
        if !self.has_row() {
            return None;
        }
        let width = self.target.width() as usize;
        let slot = |y: u32| (y % self.window_rows) as usize * width;
        match self.down {
            None => self.tables.encode(&self.window[slot(self.next_target)..][..width], &mut self.out),
            Some(taps) => {
                taps.weights(self.next_target, &mut self.weights);
                self.mixed.fill([0.0; 4]);
                for (y, &weight) in taps.range(self.next_target).zip(&self.weights) {
                    add(&self.window[slot(y)..][..width], weight, &mut self.mixed);
                }
                self.tables.encode(&self.mixed, &mut self.out);
            }
        }
        self.next_target += 1;
        Some(&self.out)
    }
}

/// Adds `row` times `weight` to `sum`.
#[expect(clippy::cast_possible_truncation, reason = "weights are about 1")]
fn add(row: &[Light], weight: f64, sum: &mut [Light]) {
    let weight = weight as f32;
    vectorized(
        #[inline(always)]
        || {
            let (row, sum) = (row.as_flattened(), sum.as_flattened_mut());
            sum.iter_mut().zip(row).for_each(|(sum, &value)| *sum += value * weight);
        },
    );
}

/// The weights of all target pixels of a row.
#[derive(Debug)]
struct Weights {
    taps: Taps,
    /// For each target pixel [`Taps::most`] weights.
    weights: Vec<f32>,
}

impl Weights {
    fn new(taps: Taps, target: u32) -> Self {
        let most = taps.most() as usize;
        let (mut weights, mut of_one) = (vec![0.0; most * target as usize], Vec::with_capacity(most));
        for (x, weights) in (0..target).zip(weights.chunks_exact_mut(most)) {
            taps.weights(x, &mut of_one);
            #[expect(clippy::cast_possible_truncation, reason = "weights are about 1")]
            weights.iter_mut().zip(&of_one).for_each(|(to, &from)| *to = from as f32);
        }
        Self { taps, weights }
    }

    fn memory_bytes(taps: Taps, target: u32) -> u64 {
        u64::from(taps.most()) * (u64::from(target) * size_of::<f32>() as u64 + size_of::<f64>() as u64)
    }

    fn mix(&self, row: &[Light], out: &mut [Light]) {
        let weights = self.weights.chunks_exact(self.taps.most() as usize);
        for ((x, out), weights) in (0..).zip(out).zip(weights) {
            let first = self.taps.range(x).start as usize;
            *out = row[first..]
                .iter()
                .zip(weights)
                .fold([0.0; 4], |sum, (pixel, weight)| [0, 1, 2, 3].map(|channel: usize| sum[channel] + pixel[channel] * weight));
        }
    }
}

/// sRGB's curve (IEC 61966-2-1) in tables.
#[derive(Debug)]
struct Tables {
    light: Box<[f32; 256]>,
    encoded: Vec<u8>,
}

impl Tables {
    fn new() -> Self {
        let decode = |value: f64| if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) };
        let encode = |light: f64| if light <= 0.003_130_8 { light * 12.92 } else { 1.055 * light.powf(1.0 / 2.4) - 0.055 };
        #[expect(clippy::cast_possible_truncation, reason = "0 to 1")]
        let light = Box::new(std::array::from_fn(|value| decode(value as f64 / 255.0) as f32));
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 255")]
        let encoded = (0..=STEPS).map(|step| (encode(step as f64 / STEPS as f64) * 255.0).round() as u8).collect();
        Self { light, encoded }
    }

    fn decode(&self, row: &[Rgba8], out: &mut [Light]) {
        for (out, pixel) in out.iter_mut().zip(row) {
            let alpha = f32::from(pixel.a) / 255.0;
            let light = |value: u8| self.light[usize::from(value)] * alpha;
            *out = [light(pixel.r), light(pixel.g), light(pixel.b), alpha];
        }
    }

    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "limited to the table and to 255")]
    fn encode(&self, row: &[Light], out: &mut [Rgba8]) {
        for (out, &[red, green, blue, alpha]) in out.iter_mut().zip(row) {
            let a = (alpha * 255.0).round().clamp(0.0, 255.0) as u8;
            let straight = |light: f32| self.encoded[((light / alpha).clamp(0.0, 1.0) * STEPS as f32).round() as usize];
            *out = if a == 0 { Rgba8::TRANSPARENT } else { Rgba8::new(straight(red), straight(green), straight(blue), a) };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::resample;
    use super::*;
    use crate::job::{Kernel, Resample};

    fn resampled(pixels: &[Rgba8], source: PxSize, target: PxSize) -> Vec<Rgba8> {
        resample(pixels, source, target, Resample { kernel: Kernel::Box, linear: true })
    }

    #[test]
    fn black_and_white_mix_to_the_middle_of_light() {
        let size = |width, height| PxSize::new(width, height).unwrap();
        let (black, white, clear) = (Rgba8::new(0, 0, 0, 255), Rgba8::new(255, 255, 255, 255), Rgba8::new(9, 9, 9, 0));
        // Half of the light is encoded as 188 (IEC 61966-2-1); half of the numbers would be 128.
        let grey = Rgba8::new(188, 188, 188, 255);
        assert_eq!(resampled(&[black, white, white, black], size(2, 2), size(1, 1)), [grey]);
        assert_eq!(resampled(&[black, white, black, white], size(2, 2), size(1, 2)), [grey; 2]);
        assert_eq!(resampled(&[black, black, white, white], size(2, 2), size(2, 1)), [grey; 2]);
        // What is transparent has no colour.
        assert_eq!(resampled(&[white, clear], size(2, 1), size(1, 1)), [Rgba8::new(255, 255, 255, 128)]);
    }

    #[test]
    fn every_value_comes_back() {
        let tables = Tables::new();
        let pixels: Vec<Rgba8> = (0..=255).map(|value| Rgba8::new(value, 255 - value, value, 255)).collect();
        let (mut light, mut back) = (vec![[0.0; 4]; 256], vec![Rgba8::TRANSPARENT; 256]);
        tables.decode(&pixels, &mut light);
        tables.encode(&light, &mut back);
        assert_eq!(back, pixels);
    }
}
