//! Compositing: the rows of a band, strip by strip.

use crate::artwork::RasterView;
use crate::encode::Repeat;
use crate::geom::{PxRect, Rows};
use crate::job::Background;
use crate::pixel::Rgba8;
use crate::plan::{Band, RenderPlan};

/// Pixels and the rectangle of the part that they cover.
pub(super) type Placed<'a> = (RasterView<'a>, PxRect);

/// What placements are drawn onto.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ground {
    background: Rgba8,
    overlapping: bool,
}

impl Ground {
    /// That of the band's part.
    pub(crate) fn of(plan: &RenderPlan, band: &Band) -> Self {
        let background = match plan.layout().output.background {
            Background::Opaque([r, g, b]) => Rgba8::new(r, g, b, 255),
            Background::Transparent => Rgba8::TRANSPARENT,
        };
        Self { background, overlapping: plan.parts()[band.part()].overlapping() }
    }

    /// Whether rows without placements are zeros.
    pub(super) fn is_empty(self) -> bool {
        self.background == Rgba8::TRANSPARENT
    }

    /// Makes a row that nothing was drawn to.
    pub(crate) fn fill(self, row: &mut [Rgba8]) {
        row.fill(self.background);
    }

    /// Draws pixels onto their places in a row that was [filled](Self::fill), where others of the same placements may have been drawn.
    fn draw(self, below: &mut [Rgba8], pixels: &[Rgba8]) {
        if self.overlapping {
            below.iter_mut().zip(pixels).for_each(|(below, pixel)| *below = pixel.over(*below));
        } else if self.is_empty() {
            below.copy_from_slice(pixels);
        } else {
            below.iter_mut().zip(pixels).for_each(|(below, pixel)| *below = pixel.over(self.background));
        }
    }
}

/// Rows that are crossed by the same placements from the first one to the last.
#[derive(Debug)]
pub(crate) struct Strip<'a> {
    rows: Rows,
    ground: Ground,
    drawn: Vec<Placed<'a>>,
    /// Copies that are not drawn, from left to right.
    repeats: Vec<Repeat>,
}

impl<'a> Strip<'a> {
    /// Cuts `rows` into strips, from what is `drawn`, in drawing order, and what is `repeated` over which distance.
    pub(super) fn cut(rows: Rows, ground: Ground, drawn: Vec<Placed<'a>>, repeated: &[(PxRect, u32)]) -> impl Iterator<Item = Self> {
        let rects = drawn.iter().map(|&(_, rect)| rect).chain(repeated.iter().map(|&(rect, _)| rect));
        let mut edges: Vec<u32> = rects.flat_map(|rect| [rect.y(), rect.bottom()]).collect();
        edges.retain(|edge| (rows.start() + 1..rows.end()).contains(edge));
        edges.extend([rows.start(), rows.end()]);
        edges.sort_unstable();
        edges.dedup();
        let strips: Vec<Rows> = edges.windows(2).filter_map(|pair| Rows::new(pair[0], pair[1]).ok()).collect();
        strips.into_iter().map(move |rows| {
            let crosses = |rect: PxRect| rect.rows().intersect(rows).is_some();
            let drawn = drawn.iter().filter(|(_, rect)| crosses(*rect)).copied().collect();
            let repeats = repeated.iter().filter(|(rect, _)| crosses(*rect));
            let mut repeats: Vec<Repeat> = repeats.map(|&(rect, distance)| Repeat { columns: rect.x()..rect.right(), distance }).collect();
            repeats.sort_unstable_by_key(|repeat| repeat.columns.start);
            Self { rows, ground, drawn, repeats }
        })
    }

    /// The strip's rows.
    pub(crate) fn rows(&self) -> Rows {
        self.rows
    }

    /// The columns that are not drawn, and what they repeat.
    pub(super) fn repeats(&self) -> &[Repeat] {
        &self.repeats
    }

    /// Whether there is nothing but zeros on it.
    pub(super) fn is_empty(&self) -> bool {
        self.ground.is_empty() && self.drawn.is_empty()
    }

    /// Draws `row` of the part to where another row of this strip was drawn, or nothing.
    pub(crate) fn draw(&self, row: u32, onto: &mut [Rgba8]) {
        if self.ground.overlapping {
            self.ground.fill(onto);
        }
        for &(raster, rect) in &self.drawn {
            let below = &mut onto[rect.x() as usize..rect.right() as usize];
            for (x, pixels) in raster.row(row - rect.y()) {
                self.ground.draw(&mut below[x..x + pixels.len()], pixels);
            }
        }
    }
}
