//! How thick lines are, or how wide the gaps between shapes, in any direction and to a fraction of a pixel.
//!
//! Through every pixel of a shape go four chords: across, down and along both diagonals. Of a line at least two neighbouring ones are short, and
//! from their lengths `a` and `b`, 45° apart, follow its angle and its thickness `1 / √(1/a² + (√2/b − 1/a)²)`. At a convex corner or a round end
//! only one is short, or both for no farther than the shape is thick, so that what is thin counts as a line only where it is several
//! times as long as it is thick. A chord is measured when it ends, as the sum of the alpha along it, which is where antialiased edges lie.

use std::f32::consts::SQRT_2;

use super::bits;
use super::regions::{Region, Regions};
use crate::budget::{Buffer, MemoryBudget};
use crate::error::Result;

/// What is taken for a shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// What is printed. It ends at the artwork's border.
    Ink,
    /// What is not. It goes on beyond the border.
    Gap,
}

/// What is thinner than the limit.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct ThinPlaces {
    /// Pixels of it.
    pub(crate) area_px: f64,
    /// The thinnest place.
    pub(crate) thinnest: Option<ThinPlace>,
}

/// A place and how thick the shape is there.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct ThinPlace {
    pub(crate) thickness_px: f32,
    pub(crate) x: u32,
    pub(crate) y: u32,
}

/// The directions of chords, each at 45° to the next: the step from one pixel to the next, and its length.
const STEPS: [(isize, isize, f32); 4] = [(1, 0, 1.0), (1, 1, SQRT_2), (0, 1, 1.0), (-1, 1, SQRT_2)];

/// A chord that was not measured, as it is too long to tell anything.
const LONG: u8 = u8::MAX;

/// Where a chord begins that comes from beyond the border.
const BEYOND: i64 = i64::MIN / 2;

/// What is thinner covers no pixel as a whole, wherever it lies.
const FAINT_PX: f32 = 3.5;

/// A thin place counts where it is so many times as long as it is thick, and as the limit: the tip of a corner of more than 16° is shorter.
const LEAST_SLENDERNESS: f64 = 4.0;
const LEAST_LENGTH: f64 = 2.0;

/// A shape exactly as thick as the limit is measured a little thinner at times.
const TOLERANCE: f32 = 0.95;

/// Measures what is thin in an artwork, row by row.
///
/// # Memory
///
/// [`Thickness::memory_bytes`]: the rows that a chord of one and a half times the limit crosses, each with 5 bytes a pixel, and regions.
#[derive(Debug)]
pub(super) struct Thickness {
    shape: Shape,
    width: usize,
    limit_px: f32,
    /// The longest chord that is measured, and the rows that it crosses.
    longest_px: f32,
    reach: usize,
    /// Rows that are held.
    rows: usize,
    /// The last rows: how much of each pixel belongs to the shape, the chords through it, and whether there is any.
    values: Buffer<u8>,
    chords: Buffer<[u8; 4]>,
    touched: Buffer<u64>,
    /// What belongs to the shape in this row and the one above.
    row: Buffer<u64>,
    above: Buffer<u64>,
    /// For each column and both diagonals, the row in which its chord began.
    starts: [Buffer<i64>; 3],
    /// Rows that were taken, and rows whose thin pixels are known.
    taken: usize,
    known: usize,
    regions: Regions<Thin>,
    found: ThinPlaces,
}

/// What is known of a connected thin place.
#[derive(Clone, Debug)]
struct Thin {
    area_px: f64,
    /// Thicknesses of all pixels together, and how many they are.
    thickness_px: f64,
    pixels: f64,
    thinnest: ThinPlace,
}

impl Region for Thin {
    fn join(&mut self, other: &Self) {
        self.area_px += other.area_px;
        self.thickness_px += other.thickness_px;
        self.pixels += other.pixels;
        if other.thinnest.thickness_px < self.thinnest.thickness_px {
            self.thinnest = other.thinnest;
        }
    }
}

impl Thickness {
    /// Chords are so many times as long as the limit at most, where a line lies between two directions.
    const REACH: f32 = 1.5;

    /// Looks for what is thinner than `limit_px`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::MemoryLimit`](crate::ErrorKind::MemoryLimit).
    pub(super) fn new(shape: Shape, width: usize, limit_px: f32, budget: &MemoryBudget) -> Result<Self> {
        let reach = Self::reach(limit_px);
        let rows = Self::rows(limit_px);
        let starts = || budget.buffer(width, "chords of an artwork");
        Ok(Self {
            shape,
            width,
            limit_px,
            longest_px: limit_px * Self::REACH + 1.0,
            reach,
            rows,
            values: budget.buffer(rows * width, "rows of an artwork")?,
            chords: budget.buffer(rows * width, "chords of an artwork")?,
            touched: budget.buffer(rows * bits::words(width), "chords of an artwork")?,
            row: budget.buffer(bits::words(width), "a row of an artwork")?,
            above: budget.buffer(bits::words(width), "a row of an artwork")?,
            starts: [starts()?, starts()?, starts()?],
            taken: 0,
            known: 0,
            regions: Regions::new(width, budget)?,
            found: ThinPlaces::default(),
        })
    }

    /// Bytes that this holds for rows of `width` pixels.
    pub(super) fn memory_bytes(width: usize, limit_px: f32) -> u64 {
        let (rows, words) = (Self::rows(limit_px) as u64, bits::words(width) as u64 * 8);
        let pixels = (width as u64).saturating_mul(5 * rows + 3 * size_of::<i64>() as u64);
        pixels.saturating_add((rows + 2) * words).saturating_add(Regions::<Thin>::memory_bytes(width))
    }

    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "`as` saturates, and no budget holds so many rows")]
    fn reach(limit_px: f32) -> usize {
        (limit_px * Self::REACH + 1.0).ceil() as usize
    }

    /// A row whose chords are all measured, the chords that cross it and their ends, and how far a line goes on above.
    fn rows(limit_px: f32) -> usize {
        Self::reach(limit_px) + 3 + steps(limit_px, 1.0)
    }

    /// Takes the next row: how much of each pixel belongs to the shape, from 0 to 255.
    pub(super) fn push(&mut self, values: &[u8]) {
        let (slot, words) = (self.slot(self.taken), bits::words(self.width));
        self.values[slot * self.width..][..self.width].copy_from_slice(values);
        self.chords[slot * self.width..][..self.width].fill([LONG; 4]);
        self.touched[slot * words..][..words].fill(0);
        std::mem::swap(&mut self.row, &mut self.above);
        bits::are_ink(values, &mut self.row);
        self.across();
        (1..STEPS.len()).for_each(|direction| self.onwards(direction));
        self.taken += 1;
        if self.taken - self.known > self.reach {
            self.settle();
        }
    }

    /// What was found in all rows, after which comes an empty one: `nothing`.
    pub(super) fn finish(mut self, nothing: &[u8]) -> ThinPlaces {
        if self.shape == Shape::Ink {
            self.push(nothing);
        }
        while self.known < self.taken {
            self.settle();
        }
        self.close_row();
        self.found
    }

    fn slot(&self, y: usize) -> usize {
        y % self.rows
    }

    /// Measures the chords that lie in this row.
    fn across(&mut self) {
        let mut from = 0;
        while let Some((start, end)) = bits::next_run(&self.row, from) {
            if self.shape == Shape::Ink || (start > 0 && end < self.width) {
                self.measure(0, end as isize, (end - start) as i64);
            }
            from = end;
        }
    }

    /// Begins and ends the chords that go down in a `direction`.
    fn onwards(&mut self, direction: usize) {
        let step_x = STEPS[direction].0;
        // Those that leave at a side come first: others begin in their lanes.
        let leaving = match step_x {
            0 => None,
            1 => Some((self.width - 1, self.width as isize)),
            _ => Some((0, -1)),
        };
        if let Some((_, beyond)) = leaving.filter(|&(last, _)| self.shape == Shape::Ink && bits::is_set(&self.above, last)) {
            self.end(direction, beyond);
        }
        for nth in 0..self.row.len() {
            let before = match step_x {
                0 => self.above[nth],
                1 => bits::from_left(&self.above, nth),
                _ => bits::from_right(&self.above, nth),
            };
            bits::each(self.row[nth] ^ before, nth, |x| {
                // The last word has a bit beyond the row where one came from the left.
                if x < self.width && bits::is_set(&self.row, x) {
                    self.begin(direction, x);
                } else if x < self.width {
                    self.end(direction, x as isize);
                }
            });
        }
    }

    fn begin(&mut self, direction: usize, x: usize) {
        let first = match STEPS[direction].0 {
            0 => false,
            1 => x == 0,
            _ => x + 1 == self.width,
        };
        let is_beyond = self.shape == Shape::Gap && (first || self.taken == 0);
        let lane = self.lane(direction, x as isize);
        self.starts[direction - 1][lane] = if is_beyond { BEYOND } else { self.taken as i64 };
    }

    /// Ends the chord whose last pixel lies before the one at `x` in this row.
    fn end(&mut self, direction: usize, x: isize) {
        let began = self.starts[direction - 1][self.lane(direction, x)];
        self.measure(direction, x, self.taken as i64 - began);
    }

    /// Where the start of a chord is kept that meets the pixel at `x` in this row.
    fn lane(&self, direction: usize, x: isize) -> usize {
        let lane = x - STEPS[direction].0 * self.taken as isize;
        lane.rem_euclid(self.width as isize).unsigned_abs()
    }

    /// Measures a chord of `count` pixels, the last of which lies before the one at `x` in this row.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "what is longer than the longest chord was sent away")]
    fn measure(&mut self, direction: usize, x: isize, count: i64) {
        let (step_x, step_y, step_px) = STEPS[direction];
        if count as f32 * step_px > self.longest_px {
            return;
        }
        let (count, y) = (count as isize, self.taken as isize);
        let at = |nth: isize| (x - nth * step_x, y - nth * step_y);
        let (mut sum, mut peak) = (0, 0);
        for nth in 0..=count + 1 {
            let (x, y) = at(nth);
            let value = u32::from(self.value(x, y));
            sum += 2 * value;
            peak = peak.max(value);
            if step_px > 1.0 && nth <= count {
                // Halfway to the next pixel lie two others: without them every other line along the diagonal is missed.
                sum += u32::from(self.value(x - step_x, y)) + u32::from(self.value(x, y - step_y));
            }
        }
        let halves = if step_px > 1.0 { 2.0 } else { 1.0 };
        // A shape as a whole may be half transparent; of what is thinner nobody knows, and it is as thin as it is faint.
        let whole = if count as f32 * step_px < FAINT_PX { 255 } else { peak };
        let length_px = sum as f32 * step_px / (2.0 * halves * whole as f32);
        if length_px > self.longest_px {
            return;
        }
        let chord = (length_px / self.longest_px * f32::from(LONG - 1)).round() as u8;
        for nth in 1..=count {
            let (x, y) = at(nth);
            let (slot, x) = (self.slot(y.unsigned_abs()), x.unsigned_abs());
            self.chords[slot * self.width + x][direction] = chord;
            self.touched[slot * bits::words(self.width) + x / bits::WORD] |= 1 << (x % bits::WORD);
        }
    }

    /// How much of a pixel, in one of the last rows, belongs to the shape: beyond the border nothing.
    fn value(&self, x: isize, y: isize) -> u8 {
        match (usize::try_from(x), usize::try_from(y)) {
            (Ok(x), Ok(y)) if x < self.width => self.values[self.slot(y) * self.width + x],
            _ => 0,
        }
    }

    /// Finds the thin pixels of the first row whose chords are all measured.
    fn settle(&mut self) {
        let (y, slot, words) = (self.known, self.slot(self.known), bits::words(self.width));
        let mut piece: Option<Piece> = None;
        for nth in 0..words {
            bits::each(self.touched[slot * words + nth], nth, |x| {
                let thickness_px = thickness(self.chords[slot * self.width + x], self.longest_px);
                let Some(thickness_px) = thickness_px.filter(|&thin| thin < TOLERANCE * self.limit_px) else { return };
                let (value, is_inner) = (self.values[slot * self.width + x], self.is_inner(x, y, thickness_px));
                match &mut piece {
                    Some(piece) if piece.end == x && ((x - piece.start) as f32) < self.limit_px => piece.add(thickness_px, value, is_inner),
                    _ => {
                        let mut next = Piece { start: x, end: x, ..Piece::default() };
                        next.add(thickness_px, value, is_inner);
                        if let Some(piece) = piece.replace(next) {
                            self.regions.push(piece.start, piece.end, piece.thin(y));
                        }
                    }
                }
            });
        }
        if let Some(piece) = piece {
            self.regions.push(piece.start, piece.end, piece.thin(y));
        }
        self.close_row();
        self.known += 1;
    }

    /// Whether the shape goes on to either side across the shortest chord through a pixel, so that its chords are not cut by the end of a line.
    fn is_inner(&self, x: usize, y: usize, thickness_px: f32) -> bool {
        let chords = self.chords[self.slot(y) * self.width + x];
        let shortest = (0..STEPS.len()).min_by_key(|&direction| chords[direction]).unwrap_or(0);
        let (step_x, step_y, step_px) = STEPS[(shortest + 2) % STEPS.len()];
        let steps = steps(thickness_px, step_px) as isize;
        let (step_x, step_y) = (steps * step_x, steps * step_y);
        let belongs = |x: isize, y: isize| y < self.taken as isize && self.value(x, y) >= bits::INK;
        belongs(x as isize + step_x, y as isize + step_y) && belongs(x as isize - step_x, y as isize - step_y)
    }

    fn close_row(&mut self) {
        self.regions.end_row(|thin| thin.count(self.limit_px, &mut self.found));
    }
}

/// Steps of `step_px` that go farther from the end of a line than its corners.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "`as` saturates, and no budget holds so many rows")]
fn steps(thickness_px: f32, step_px: f32) -> usize {
    (0.75 * thickness_px / step_px).ceil() as usize
}

/// The thickness in pixels at a pixel with these chords, of which the longest possible one is given; `None` where none or one is short.
fn thickness(chords: [u8; 4], longest_px: f32) -> Option<f32> {
    let (shortest, chord) = chords.into_iter().enumerate().min_by_key(|&(_, chord)| chord)?;
    let neighbour = chords[(shortest + 1) % 4].min(chords[(shortest + 3) % 4]);
    if neighbour == LONG {
        return None;
    }
    let inverse = |chord: u8| f32::from(LONG - 1) / (f32::from(chord.max(1)) * longest_px);
    let (along, aside) = (inverse(chord), inverse(neighbour));
    let thickness_px = 1.0 / along.hypot(SQRT_2 * aside - along);
    // The shortest of four chords is at most 22.5° from straight across. At the end of a line its neighbour is cut.
    const STRAIGHTEST: f32 = 0.923_879_5;
    Some(thickness_px.clamp(STRAIGHTEST / along, 1.0 / along))
}

/// Thin pixels side by side, no more of them than the limit is wide, so that their mean is that of one place.
#[derive(Default)]
struct Piece {
    start: usize,
    end: usize,
    thickness_px: f32,
    value: u32,
    /// Of the inner pixels alone.
    inner: u32,
    inner_thickness_px: f32,
}

impl Piece {
    fn add(&mut self, thickness_px: f32, value: u8, is_inner: bool) {
        self.end += 1;
        self.thickness_px += thickness_px;
        self.value += u32::from(value);
        if is_inner {
            self.inner += 1;
            self.inner_thickness_px += thickness_px;
        }
    }

    fn thin(&self, y: usize) -> Thin {
        let side = |side: usize| u32::try_from(side).unwrap_or(u32::MAX);
        let thickness_px = if self.inner > 0 { self.inner_thickness_px / self.inner as f32 } else { f32::INFINITY };
        let thinnest = ThinPlace { thickness_px, x: side((self.start + self.end) / 2), y: side(y) };
        let (pixels, thickness_px) = ((self.end - self.start) as f64, self.thickness_px.into());
        Thin { area_px: f64::from(self.value) / 255.0, thickness_px, pixels, thinnest }
    }
}

impl Thin {
    /// Adds the place to `found`, unless it is a mere corner.
    #[expect(clippy::cast_possible_truncation, reason = "a mean of `f32`")]
    fn count(self, limit_px: f32, found: &mut ThinPlaces) {
        let thickness_px = self.thickness_px / self.pixels;
        let length_px = self.area_px / thickness_px;
        if length_px < LEAST_SLENDERNESS * thickness_px || length_px < LEAST_LENGTH * f64::from(limit_px) {
            return;
        }
        found.area_px += self.area_px;
        let mut thinnest = self.thinnest;
        if thinnest.thickness_px.is_infinite() {
            thinnest.thickness_px = thickness_px as f32;
        }
        if found.thinnest.is_none_or(|place| thinnest.thickness_px < place.thickness_px) {
            found.thinnest = Some(thinnest);
        }
    }
}
