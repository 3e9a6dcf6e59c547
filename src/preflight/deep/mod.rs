//! What an artwork's pixels, at their printed size, tell of how they will print: arithmetic on rows, one after the other.

mod bits;
mod coverage;
mod regions;
mod specks;
mod thickness;

pub(super) use self::coverage::Coverage;
use self::coverage::Meter;
use self::specks::Finder;
pub(super) use self::specks::Specks;
pub(super) use self::thickness::ThinPlaces;
use self::thickness::{Shape, Thickness};
use crate::budget::{Buffer, MemoryBudget};
use crate::error::Result;
use crate::geom::PxSize;
use crate::pixel::Rgba8;

/// What is looked for, in pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Measures {
    /// Lines are to be no thinner.
    pub(super) line_px: f32,
    /// Gaps are to be no narrower.
    pub(super) gap_px: f32,
    /// What is printed on its own has at least so many pixels.
    pub(super) speck_px: f64,
    /// How many pixels an antialiased edge is wide to either side.
    pub(super) edge: usize,
}

/// What was found.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Findings {
    pub(super) coverage: Coverage,
    pub(super) lines: ThinPlaces,
    pub(super) gaps: ThinPlaces,
    pub(super) specks: Specks,
}

/// Looks at an artwork's rows, from the top.
///
/// # Memory
///
/// [`Analyser::memory_bytes`], whatever the artwork shows.
#[derive(Debug)]
pub(super) struct Analyser {
    alpha: Buffer<u8>,
    ink: Buffer<u64>,
    coverage: Meter,
    /// None for artwork without a transparent pixel: it has one shape, a rectangle.
    shapes: Option<Shapes>,
}

#[derive(Debug)]
struct Shapes {
    lines: Thickness,
    gaps: Thickness,
    specks: Finder,
}

impl Shapes {
    fn new(width: usize, measures: &Measures, budget: &MemoryBudget) -> Result<Self> {
        Ok(Self {
            lines: Thickness::new(Shape::Ink, width, measures.line_px, budget)?,
            gaps: Thickness::new(Shape::Gap, width, measures.gap_px, budget)?,
            specks: Finder::new(width, measures.speck_px, budget)?,
        })
    }
}

impl Analyser {
    /// # Errors
    ///
    /// [`ErrorKind::MemoryLimit`](crate::ErrorKind::MemoryLimit).
    pub(super) fn new(size: PxSize, may_be_transparent: bool, measures: &Measures, budget: &MemoryBudget) -> Result<Self> {
        let width = size.width() as usize;
        let budget = budget.reserve(Self::memory_bytes(size, may_be_transparent, measures), "what artwork is checked with")?.into_budget();
        let analyser = Self {
            alpha: budget.buffer(width, "a row of an artwork")?,
            ink: budget.buffer(bits::words(width), "a row of an artwork")?,
            coverage: Meter::new(size, measures.edge, &budget)?,
            shapes: may_be_transparent.then(|| Shapes::new(width, measures, &budget)).transpose()?,
        };
        budget.close();
        Ok(analyser)
    }

    /// Bytes that this holds.
    pub(super) fn memory_bytes(size: PxSize, may_be_transparent: bool, measures: &Measures) -> u64 {
        let width = size.width() as usize;
        let rows = (width + bits::words(width) * size_of::<u64>()) as u64 + Meter::memory_bytes(size, measures.edge);
        let shapes = || {
            let [lines, gaps] = [measures.line_px, measures.gap_px].map(|limit_px| Thickness::memory_bytes(width, limit_px));
            lines.saturating_add(gaps).saturating_add(Finder::memory_bytes(width))
        };
        rows.saturating_add(if may_be_transparent { shapes() } else { 0 })
    }

    /// Takes the next row.
    pub(super) fn push(&mut self, row: &[Rgba8]) {
        for (alpha, pixel) in self.alpha.iter_mut().zip(row) {
            *alpha = pixel.a;
        }
        self.coverage.push(row, &self.alpha);
        if let Some(Shapes { lines, gaps, specks }) = &mut self.shapes {
            // With its antialiased edge.
            bits::at_least_16(&self.alpha, &mut self.ink);
            specks.push(&self.alpha, &self.ink);
            lines.push(&self.alpha);
            self.alpha.iter_mut().for_each(|alpha| *alpha = !*alpha);
            gaps.push(&self.alpha);
        }
    }

    /// What was found in all rows.
    pub(super) fn finish(mut self) -> Findings {
        self.alpha.fill(0);
        let coverage = self.coverage.finish();
        match self.shapes {
            None => Findings { coverage, ..Findings::default() },
            Some(Shapes { lines, gaps, specks }) => {
                Findings { coverage, lines: lines.finish(&self.alpha), gaps: gaps.finish(&self.alpha), specks: specks.finish() }
            }
        }
    }
}

#[cfg(test)]
mod tests;
