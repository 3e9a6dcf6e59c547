//! Resampled and turned pixels in memory, ready to be drawn.

use std::ops::Range;

use crate::budget::Buffer;
use crate::geom::{PxSize, Rows, Turn};
use crate::pixel::Rgba8;

/// Where the pixels of a resampled artwork live while they are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Residence {
    /// In memory, from its decoding to the last band that uses it.
    Resident,
    /// Nowhere: the decoder runs in step with the bands, each of which takes its rows.
    Streamed,
    /// In a temporary file without a name, of which each band reads its rows.
    Spilled,
}

/// How the pixels of a raster lie.
///
/// They lie in *panels* of a few columns, one below the other: a block of rows before a quarter turn becomes one panel, so that it is
/// written in one go. Without a quarter turn there is one panel.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    pub(super) turn: Turn,
    /// Size before the turn.
    pub(super) width: usize,
    pub(super) height: usize,
    /// Rows before the turn that make one panel.
    pub(super) block_rows: usize,
}

impl Shape {
    /// A panel's block of rows should stay in the processor's cache while it is turned.
    const BLOCK_BYTES: usize = 1 << 20;

    pub(super) fn new(before_turn: PxSize, turn: Turn) -> Self {
        let (width, height) = (before_turn.width() as usize, before_turn.height() as usize);
        let block_rows = if turn.swaps_sides() { (Self::BLOCK_BYTES / (width * Rgba8::BYTES)).clamp(16, 128).min(height) } else { 1 };
        Self { turn, width, height, block_rows }
    }

    pub(super) fn block_pixels(self) -> usize {
        self.block_rows * self.width
    }

    /// The panels as they are stored: the first of their rows before the turn, and how many.
    fn panels(self) -> impl DoubleEndedIterator<Item = (usize, usize)> {
        let step = if self.turn.swaps_sides() { self.block_rows } else { self.height };
        (0..self.height.div_ceil(step)).map(move |panel| (panel * step, step.min(self.height - panel * step)))
    }

    /// The stored pixels of one row after the turn, panel by panel, as (x, pixels).
    fn segments(self, row: usize) -> impl Iterator<Item = (usize, Range<usize>)> {
        let Self { turn, width, height, .. } = self;
        self.panels().map(move |(first, rows)| match turn {
            Turn::None => (0, row * width..(row + 1) * width),
            Turn::Cw180 => (0, (height - 1 - row) * width..(height - row) * width),
            Turn::Cw90 | Turn::Cw270 => {
                let start = first * width + row * rows;
                (if turn == Turn::Cw90 { height - first - rows } else { first }, start..start + rows)
            }
        })
    }

    /// The shape of an image without a turn.
    pub(super) fn plain(size: PxSize) -> Self {
        Self::new(size, Turn::None)
    }

    /// The shape of some `rows` after the turn alone, and where they are stored: ranges of pixels that follow one another in that shape.
    pub(super) fn piece(self, rows: Rows) -> (Self, impl Iterator<Item = Range<usize>>) {
        let (start, end) = (rows.start() as usize, rows.end() as usize);
        let shape = if self.turn.swaps_sides() { Self { width: end - start, ..self } } else { Self { height: end - start, ..self } };
        let Self { turn, width, height, .. } = self;
        let ranges = self.panels().map(move |(first, columns)| match turn {
            Turn::None => start * width..end * width,
            Turn::Cw180 => (height - end) * width..(height - start) * width,
            Turn::Cw90 | Turn::Cw270 => first * width + start * columns..first * width + end * columns,
        });
        (shape, ranges)
    }
}

/// Resampled and turned pixels in memory.
///
/// # Memory
///
/// 4 bytes a pixel, charged to the budget.
#[derive(Debug)]
pub(crate) struct Raster {
    pub(super) shape: Shape,
    pub(super) pixels: Buffer<Rgba8>,
}

impl Raster {
    /// Bytes of the pixels.
    pub(crate) fn bytes(&self) -> u64 {
        (self.pixels.len() * Rgba8::BYTES) as u64
    }

    /// The pixels' memory, for another raster.
    pub(crate) fn into_pages(self) -> Buffer<Rgba8> {
        self.pixels
    }

    /// The pixels, to be drawn.
    pub(crate) fn view(&self) -> RasterView<'_> {
        RasterView { shape: self.shape, pixels: &self.pixels }
    }
}

/// Pixels of a raster or of some of its rows, ready to be drawn.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RasterView<'a> {
    shape: Shape,
    pixels: &'a [Rgba8],
}

impl<'a> RasterView<'a> {
    /// `pixels` that lie in this `shape`.
    pub(crate) fn new(shape: Shape, pixels: &'a [Rgba8]) -> Self {
        Self { shape, pixels }
    }

    /// The pixels of `row`, counted after the turn, as segments: where each begins, and its pixels.
    pub(crate) fn row(self, row: u32) -> impl Iterator<Item = (usize, &'a [Rgba8])> {
        self.shape.segments(row as usize).map(move |(x, range)| (x, &self.pixels[range]))
    }
}
