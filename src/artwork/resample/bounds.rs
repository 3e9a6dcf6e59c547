//! Keeps the colours at edges among those that they are made of.
//!
//! A premultiplied value of 8 bits says little about the colour of a nearly transparent pixel: at alpha 3 there are four shades of red. And
//! where a kernel overshoots, alpha ends at 255 while colours do not. So near transparency no pixel has a colour beyond those of the visible
//! source pixels around it: a design of one colour keeps it at every edge.

use std::ops::Range;

use super::kernel::{Filter, Taps};
use crate::budget::{Buffer, MemoryBudget};
use crate::error::Result;
use crate::geom::PxSize;
use crate::pixel::Rgba8;
use crate::simd::vectorized;

/// Columns whose colours are looked at together.
const BLOCK: usize = 64;

/// Bytes of the pixels that are looked at in one step.
const LANES: usize = 32;

/// The least or the most of each colour among visible pixels, and of alpha among all pixels.
type Extreme = [u8; 4];

/// Those of no pixels.
const NONE: (Extreme, Extreme) = ([u8::MAX; 4], [0; 4]);

/// The bytes of eight pixels, and those of them that are colours of hidden pixels, with all bits set.
#[inline(always)]
fn step(pixels: &[Rgba8; LANES / 4]) -> ([u8; LANES], [u8; LANES]) {
    let numbers: [u32; LANES / 4] = bytemuck::cast(*pixels);
    // Alpha is the last byte.
    let hidden = numbers.map(|pixel| if u32::from_le(pixel) < 1 << 24 { u32::from_le(0x00ff_ffff) } else { 0 });
    (bytemuck::cast(numbers), bytemuck::cast(hidden))
}

#[inline(always)]
fn add(pixels: &[Rgba8; LANES / 4], least: &mut [u8; LANES], most: &mut [u8; LANES]) {
    let (values, hidden) = step(pixels);
    for lane in 0..LANES {
        least[lane] = least[lane].min(values[lane] | hidden[lane]);
        most[lane] = most[lane].max(values[lane] & !hidden[lane]);
    }
}

/// The extremes of at least one pixel.
#[inline(always)]
fn extremes(pixels: &[Rgba8]) -> (Extreme, Extreme) {
    let (mut least, mut most) = ([u8::MAX; LANES], [0; LANES]);
    let (whole, rest) = pixels.as_chunks();
    for pixels in whole {
        add(pixels, &mut least, &mut most);
    }
    if let Some(&last) = rest.last() {
        let mut filled = [last; LANES / 4];
        filled[..rest.len()].copy_from_slice(rest);
        add(&filled, &mut least, &mut most);
    }
    for half in [LANES / 2, LANES / 4, LANES / 8] {
        for lane in 0..half {
            least[lane] = least[lane].min(least[lane + half]);
            most[lane] = most[lane].max(most[lane + half]);
        }
    }
    let [least_r, least_g, least_b, least_a, ..] = least;
    let [most_r, most_g, most_b, most_a, ..] = most;
    ([least_r, least_g, least_b, least_a], [most_r, most_g, most_b, most_a])
}

#[inline(always)]
fn merged((least, most): (Extreme, Extreme), (other_least, other_most): (Extreme, Extreme)) -> (Extreme, Extreme) {
    let mut all = (least, most);
    for channel in 0..4 {
        all.0[channel] = least[channel].min(other_least[channel]);
        all.1[channel] = most[channel].max(other_most[channel]);
    }
    all
}

/// Whether there is an edge: something visible, and something that is not opaque.
fn have_an_edge((least, most): (Extreme, Extreme)) -> bool {
    most[3] > 0 && least[3] < u8::MAX
}

/// Limits the colours of visible pixels.
#[inline(always)]
fn limit((least, most): (Extreme, Extreme), pixels: &mut [Rgba8]) {
    let [[least_r, least_g, least_b, _], [most_r, most_g, most_b, _]] = [least, most];
    let least = bytemuck::cast([[least_r, least_g, least_b, 0]; LANES / 4]);
    let most = bytemuck::cast([[most_r, most_g, most_b, u8::MAX]; LANES / 4]);
    let (whole, rest) = pixels.as_chunks_mut();
    for pixels in whole {
        limit_step(&least, &most, pixels);
    }
    let mut filled = [Rgba8::TRANSPARENT; LANES / 4];
    filled[..rest.len()].copy_from_slice(rest);
    limit_step(&least, &most, &mut filled);
    rest.copy_from_slice(&filled[..rest.len()]);
}

#[inline(always)]
fn limit_step(least: &[u8; LANES], most: &[u8; LANES], pixels: &mut [Rgba8; LANES / 4]) {
    let (mut values, hidden) = step(pixels);
    for lane in 0..LANES {
        let limited = values[lane].max(least[lane]).min(most[lane]);
        values[lane] = limited & !hidden[lane] | values[lane] & hidden[lane];
    }
    *pixels = bytemuck::cast(values);
}

/// The extremes of some rows, for each block of columns.
#[derive(Debug)]
struct Rows {
    blocks: usize,
    /// Of row `y` at `y` modulo their number.
    least: Buffer<Extreme>,
    most: Buffer<Extreme>,
}

impl Rows {
    fn new(rows: u32, blocks: usize, budget: &MemoryBudget) -> Result<Self> {
        let buffer = || budget.buffer(rows as usize * blocks, "the colours of rows");
        Ok(Self { blocks, least: buffer()?, most: buffer()? })
    }

    fn range(&self, y: u32) -> Range<usize> {
        let start = y as usize % (self.least.len() / self.blocks) * self.blocks;
        start..start + self.blocks
    }

    fn row(&self, y: u32) -> (&[Extreme], &[Extreme]) {
        (&self.least[self.range(y)], &self.most[self.range(y)])
    }

    fn row_mut(&mut self, y: u32) -> (&mut [Extreme], &mut [Extreme]) {
        let range = self.range(y);
        (&mut self.least[range.clone()], &mut self.most[range])
    }
}

/// The colours of the rows that resampled rows are made of.
///
/// # Memory
///
/// [`RowBounds::memory_bytes`]: a 32nd of the rows' pixels.
#[derive(Debug)]
pub(super) struct RowBounds {
    across: Option<Taps>,
    down: Option<Taps>,
    /// The source rows that one target row needs.
    source: Rows,
    next_source: u32,
    /// Target rows that are not yet finished.
    target: Rows,
    next_target: u32,
    next_finished: u32,
}

impl RowBounds {
    /// Up to `waiting` target rows are made before the first of them is finished.
    ///
    /// # Errors
    ///
    /// [`MemoryLimit`](crate::ErrorKind::MemoryLimit).
    pub(super) fn new(filter: Filter, source: PxSize, target: PxSize, waiting: u32, budget: &MemoryBudget) -> Result<Self> {
        let taps = |source: u32, target: u32| (source != target).then(|| Taps::new(filter, source, target));
        let (across, down) = (taps(source.width(), target.width()), taps(source.height(), target.height()));
        let blocks = (source.width() as usize).div_ceil(BLOCK);
        let source = Rows::new(Self::source_rows(down), blocks, budget)?;
        let target = Rows::new(waiting, blocks, budget)?;
        Ok(Self { across, down, source, next_source: 0, target, next_target: 0, next_finished: 0 })
    }

    pub(super) fn memory_bytes(filter: Filter, source: PxSize, target: PxSize, waiting: u32) -> u64 {
        let down = (source.height() != target.height()).then(|| Taps::new(filter, source.height(), target.height()));
        let rows = u64::from(Self::source_rows(down)) + u64::from(waiting);
        rows * u64::from(source.width()).div_ceil(BLOCK as u64) * 2 * size_of::<Extreme>() as u64
    }

    fn source_rows(down: Option<Taps>) -> u32 {
        down.map_or(1, Taps::most)
    }

    /// Takes the next source row.
    pub(super) fn push(&mut self, row: &[Rgba8]) {
        let (least, most) = self.source.row_mut(self.next_source);
        self.next_source += 1;
        vectorized(
            #[inline(always)]
            || {
                for (pixels, (least, most)) in row.chunks(BLOCK).zip(least.iter_mut().zip(most)) {
                    (*least, *most) = extremes(pixels);
                }
            },
        );
    }

    /// The next target row was made of the source rows so far.
    pub(super) fn pull(&mut self) {
        let rows = self.down.map_or(self.next_target..self.next_target + 1, |taps| taps.range(self.next_target));
        let (least, most) = self.target.row_mut(self.next_target);
        self.next_target += 1;
        least.fill(NONE.0);
        most.fill(NONE.1);
        let (least, most) = (least.as_flattened_mut(), most.as_flattened_mut());
        for y in rows {
            let (other_least, other_most) = self.source.row(y);
            vectorized(
                #[inline(always)]
                || {
                    for (least, other) in least.iter_mut().zip(other_least.as_flattened()) {
                        *least = (*least).min(*other);
                    }
                    for (most, other) in most.iter_mut().zip(other_most.as_flattened()) {
                        *most = (*most).max(*other);
                    }
                },
            );
        }
    }

    /// Limits the colours of the next finished target row.
    pub(super) fn limit(&mut self, row: &mut [Rgba8]) {
        let (least, most) = self.target.row(self.next_finished);
        self.next_finished += 1;
        let across = self.across;
        vectorized(
            #[inline(always)]
            || {
                for (nth, pixels) in row.chunks_mut(BLOCK).enumerate() {
                    let columns = columns(across, nth * BLOCK, pixels.len());
                    let mut around = NONE;
                    for block in columns.start / BLOCK..columns.end.div_ceil(BLOCK) {
                        around = merged(around, (least[block], most[block]));
                    }
                    if have_an_edge(around) {
                        limit(around, pixels);
                    }
                }
            },
        );
    }
}

/// The source columns that some target columns are made of.
fn columns(across: Option<Taps>, first: usize, count: usize) -> Range<usize> {
    let column = |column: usize| u32::try_from(column).unwrap_or(u32::MAX);
    match across {
        None => first..first + count,
        Some(taps) => taps.range(column(first)).start as usize..taps.range(column(first + count - 1)).end as usize,
    }
}

#[cfg(test)]
mod tests {
    use super::super::Resampler;
    use super::*;
    use crate::job::{Kernel, Resample};
    use proptest::prelude::*;

    #[test]
    fn bounds_are_those_of_visible_pixels() {
        let hidden = Rgba8::new(0, 255, 0, 0);
        let pixels = [[hidden; 9].as_slice(), &[Rgba8::new(10, 20, 30, 1), Rgba8::new(5, 25, 30, 200)]].concat();
        let found = extremes(&pixels);
        assert_eq!(found, ([5, 20, 30, 0], [10, 25, 30, 200]));
        assert!(have_an_edge(found) && !have_an_edge(extremes(&[hidden; 40])) && !have_an_edge(extremes(&[Rgba8::new(1, 2, 3, 255)])));
        let mut pixels = [Rgba8::new(200, 22, 0, 9), Rgba8::new(200, 22, 0, 255), Rgba8::TRANSPARENT];
        limit(found, &mut pixels);
        assert_eq!(pixels, [Rgba8::new(10, 22, 30, 9), Rgba8::new(10, 22, 30, 255), Rgba8::TRANSPARENT]);
    }

    proptest! {
        #[test]
        fn a_design_of_one_colour_keeps_it_in_every_visible_pixel(
            sides in [1u32..200, 1..90, 1..200, 1..90],
            color: [u8; 3],
            hidden: [u8; 3],
            seed: u32,
            kernel in prop::sample::select(&[Kernel::Lanczos3, Kernel::CatmullRom, Kernel::Mitchell, Kernel::Bilinear, Kernel::Box]),
            linear: bool,
        ) {
            let (source, target) = (PxSize::new(sides[0], sides[1]).unwrap(), PxSize::new(sides[2], sides[3]).unwrap());
            let [[r, g, b], [hidden_r, hidden_g, hidden_b]] = [color, hidden];
            let budget = MemoryBudget::new(u64::MAX);
            let mut resampler = Resampler::new(source, target, Resample { kernel, linear }, &budget).unwrap();
            for y in 0..sides[1] {
                let row: Vec<Rgba8> = (0..sides[0]).map(|x| {
                    // Hard and soft edges, faint and empty areas.
                    let noise = (x / 7 * 31 + y / 5 * 17 + seed % 97).wrapping_mul(2_654_435_761).to_be_bytes();
                    match noise[0] % 5 {
                        0 | 1 => Rgba8::new(hidden_r, hidden_g, hidden_b, 0),
                        2 => Rgba8::new(r, g, b, 255),
                        3 => Rgba8::new(r, g, b, noise[1] % 8 + 1),
                        _ => Rgba8::new(r, g, b, noise[2].max(1)),
                    }
                }).collect();
                resampler.push_row(&row).unwrap();
                while let Some(row) = resampler.next_row().unwrap() {
                    for pixel in row.iter().filter(|pixel| pixel.a > 0) {
                        let off = pixel.r.abs_diff(r).max(pixel.g.abs_diff(g)).max(pixel.b.abs_diff(b));
                        prop_assert!(off <= 1, "{:?} of {:?}", pixel, color);
                    }
                }
            }
        }
    }
}
