//! How much of an artwork is printed and how: semi-transparent areas, an opaque background, ink at the border.

use super::bits;
use crate::budget::{Buffer, MemoryBudget};
use crate::error::Result;
use crate::geom::PxSize;
use crate::pixel::Rgba8;

/// What an artwork's pixels cover.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Coverage {
    /// Pixels that are visible at all.
    pub(crate) visible_px: u64,
    /// Pixels that are opaque, or so nearly that nobody sees it.
    pub(crate) opaque_px: u64,
    /// Semi-transparent pixels that are no antialiased edge, and the first of them.
    pub(crate) semi_transparent_px: u64,
    pub(crate) semi_transparent_at: Option<(u32, u32)>,
    /// Pixels of ink in the first and last row and column: top, right, bottom, left.
    pub(crate) border_px: [u64; 4],
    /// The colour that nearly all pixels along the border have, while others inside do not.
    pub(crate) background: Option<Rgba8>,
}

/// Measures what an artwork's pixels cover, row by row.
///
/// # Memory
///
/// [`Meter::memory_bytes`]: three bits a pixel for as many rows as an antialiased edge is wide, twice.
#[derive(Debug)]
pub(super) struct Meter {
    size: PxSize,
    /// How many pixels an edge is soft to either side.
    edge: usize,
    /// For each of the last rows what is semi-transparent, and what lies within an edge of opaque and of clear pixels of that row.
    semi: Buffer<u64>,
    near_opaque: Buffer<u64>,
    near_clear: Buffer<u64>,
    taken: u32,
    corner: Rgba8,
    /// Pixels along the border, and of all pixels, that have the colour of the first one.
    like_corner_px: [u64; 2],
    found: Coverage,
}

/// What is so opaque that nobody sees through.
const OPAQUE: u8 = 250;

/// Channels of one colour differ by no more, as JPEG leaves them.
const SAME_COLOUR: u8 = 16;

/// The share of the border, in thousandths, that a background has: a design may touch it here and there.
const BACKGROUND_AROUND: u64 = 980;

/// The share of all pixels, in thousandths, from which a picture is of one colour: what is left is dust.
const ONE_COLOUR: u64 = 998;

impl Meter {
    /// # Errors
    ///
    /// [`ErrorKind::MemoryLimit`](crate::ErrorKind::MemoryLimit).
    pub(super) fn new(size: PxSize, edge: usize, budget: &MemoryBudget) -> Result<Self> {
        let words = bits::words(size.width() as usize) * (2 * edge + 1);
        let rows = || budget.buffer(words, "rows of an artwork");
        let (semi, near_opaque, near_clear) = (rows()?, rows()?, rows()?);
        let (corner, like_corner_px, found) = (Rgba8::TRANSPARENT, [0; 2], Coverage::default());
        Ok(Self { size, edge, semi, near_opaque, near_clear, taken: 0, corner, like_corner_px, found })
    }

    /// Bytes that this holds.
    pub(super) fn memory_bytes(size: PxSize, edge: usize) -> u64 {
        3 * (bits::words(size.width() as usize) * (2 * edge + 1) * size_of::<u64>()) as u64
    }

    /// Takes the next row, and its alpha alone.
    pub(super) fn push(&mut self, row: &[Rgba8], alpha: &[u8]) {
        self.count(row, alpha);
        self.note_transparency(alpha);
        self.taken += 1;
        let edge = u32::try_from(self.edge).unwrap_or(u32::MAX);
        if let Some(y) = self.taken.checked_sub(edge + 1) {
            self.settle(y);
        }
    }

    /// What was found in all rows.
    pub(super) fn finish(mut self) -> Coverage {
        let edge = u32::try_from(self.edge).unwrap_or(u32::MAX);
        (self.taken.saturating_sub(edge)..self.taken).for_each(|y| self.settle(y));
        let (width, height) = (u64::from(self.size.width()), u64::from(self.size.height()));
        let around = if width.min(height) == 1 { width * height } else { 2 * (width + height) - 4 };
        let [border, all] = self.like_corner_px;
        let is_around = border * 1000 >= around * BACKGROUND_AROUND;
        // A picture of one colour alone is meant.
        if self.corner.a >= OPAQUE && is_around && all * 1000 < width * height * ONE_COLOUR {
            self.found.background = Some(self.corner);
        }
        self.found
    }

    fn count(&mut self, row: &[Rgba8], alpha: &[u8]) {
        let last = row.len() - 1;
        if self.taken == 0 {
            self.corner = row[0];
        }
        let corner = self.corner;
        let is_like = |pixel: &Rgba8| pixel.color_distance(corner).max(pixel.a.abs_diff(corner.a)) <= SAME_COLOUR;
        let like = row.iter().filter(|pixel| is_like(pixel)).count() as u64;
        let is_first_or_last = self.taken == 0 || self.taken + 1 == self.size.height();
        let sides = u64::from(is_like(&row[0])) + u64::from(last > 0 && is_like(&row[last]));
        self.like_corner_px[0] += if is_first_or_last { like } else { sides };
        self.like_corner_px[1] += like;

        self.found.visible_px += alpha.iter().filter(|&&alpha| alpha > 0).count() as u64;
        self.found.opaque_px += alpha.iter().filter(|&&alpha| alpha >= OPAQUE).count() as u64;
        let is_ink = |alpha: u8| alpha >= bits::INK;
        let [top, right, bottom, left] = &mut self.found.border_px;
        *right += u64::from(is_ink(alpha[last]));
        *left += u64::from(is_ink(alpha[0]));
        let ink = || alpha.iter().filter(|&&alpha| is_ink(alpha)).count() as u64;
        if self.taken == 0 {
            *top = ink();
        }
        if self.taken + 1 == self.size.height() {
            *bottom = ink();
        }
    }

    fn note_transparency(&mut self, alpha: &[u8]) {
        let (width, slot) = (alpha.len(), self.slot(self.taken));
        let [semi, opaque, clear] = [&mut self.semi[slot.clone()], &mut self.near_opaque[slot.clone()], &mut self.near_clear[slot]];
        bits::at_least_240(alpha, opaque);
        bits::at_least_16(alpha, clear);
        for nth in 0..semi.len() {
            let used = bits::used(width, nth);
            semi[nth] = clear[nth] & !opaque[nth];
            clear[nth] = !clear[nth] & used;
        }
        // Beyond the border all is clear.
        let sides = self.edge.min(width);
        (0..sides).chain(width - sides..width).for_each(|x| clear[x / bits::WORD] |= 1 << (x % bits::WORD));
        bits::widen(opaque, self.edge, width);
        bits::widen(clear, self.edge, width);
    }

    /// Counts the pixels of row `y` that are semi-transparent and no edge: opaque ones lie on one side of it, and clear ones on the other.
    fn settle(&mut self, y: u32) {
        let edge = u32::try_from(self.edge).unwrap_or(u32::MAX);
        let is_at_border = y < edge || y.saturating_add(edge) >= self.size.height();
        let rows = y.saturating_sub(edge)..=y.saturating_add(edge).min(self.taken - 1);
        for nth in 0..bits::words(self.size.width() as usize) {
            let semi = self.semi[self.slot(y)][nth];
            if semi == 0 {
                continue;
            }
            let near = |rows_of: &[u64]| rows.clone().fold(0, |near, y| near | rows_of[self.slot(y)][nth]);
            let clear = if is_at_border { u64::MAX } else { near(&self.near_clear) };
            let soft = semi & !(near(&self.near_opaque) & clear);
            self.found.semi_transparent_px += u64::from(soft.count_ones());
            if soft != 0 && self.found.semi_transparent_at.is_none() {
                let x = nth * bits::WORD + soft.trailing_zeros() as usize;
                self.found.semi_transparent_at = Some((u32::try_from(x).unwrap_or(u32::MAX), y));
            }
        }
    }

    fn slot(&self, y: u32) -> std::ops::Range<usize> {
        let words = bits::words(self.size.width() as usize);
        let slot = y as usize % (2 * self.edge + 1);
        slot * words..(slot + 1) * words
    }
}
