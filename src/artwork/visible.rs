//! Where an artwork has visible pixels.

use crate::budget::{Buffer, MemoryBudget};
use crate::cancel::Cancel;
use crate::error::Result;
use crate::geom::{PxRect, PxSize};
use crate::job::Border;
use crate::pixel::Rgba8;

use super::ArtworkReader;
use super::alpha::knock_out;

/// For each of the `borders`, what it leaves of the artwork; `None` where that is nothing. Reads all rows and checks the file's end.
///
/// # Memory
///
/// Two rows and some numbers for each border, charged to `budget`, beside what `reader` holds.
///
/// # Errors
///
/// Those of [`ArtworkReader::read_row`], [`MemoryLimit`](crate::ErrorKind::MemoryLimit), and [`Cancelled`](crate::ErrorKind::Cancelled).
pub(crate) fn visible_boxes(
    mut reader: ArtworkReader,
    borders: &[Border],
    budget: &MemoryBudget,
    cancel: &Cancel,
) -> Result<Vec<Option<PxRect>>> {
    let size = reader.size();
    let mut rows = VisibleRows::new(size, borders, budget)?;
    let bytes = borders.len() * (size_of::<Border>() + size_of::<Extent>() + size_of::<Option<PxRect>>());
    let _charge = budget.reserve(bytes as u64, "the visible rectangles of an artwork")?;
    let mut found = vec![Extent { left: size.width(), right: 0, top: None, bottom: 0 }; borders.len()];
    for y in 0..size.height() {
        rows.read(&mut reader)?;
        for (extent, border) in found.iter_mut().zip(borders) {
            cancel.check()?;
            extent.add(y, rows.seen_by(border), border.alpha);
        }
    }
    reader.finish()?;
    found.into_iter().map(Extent::rect).collect()
}

/// How far visible pixels reach.
#[derive(Clone, Copy, Debug)]
struct Extent {
    left: u32,
    right: u32,
    top: Option<u32>,
    bottom: u32,
}

impl Extent {
    /// Adds the pixels of row `y` whose alpha is above `alpha`.
    fn add(&mut self, y: u32, row: &[Rgba8], alpha: u8) {
        let visible = |pixel: &Rgba8| pixel.a > alpha;
        let Some((first, _)) = (0..).zip(row).find(|(_, pixel)| visible(pixel)) else { return };
        let last = row.iter().rposition(visible).and_then(|last| u32::try_from(last).ok()).unwrap_or(first);
        self.left = self.left.min(first);
        self.right = self.right.max(last + 1);
        self.top = self.top.or(Some(y));
        self.bottom = y + 1;
    }

    fn rect(self) -> Result<Option<PxRect>> {
        self.top.map(|top| PxRect::new(self.left, top, PxSize::new(self.right - self.left, self.bottom - top)?)).transpose()
    }
}

/// For each of the `borders`, whether it leaves any pixel of the artwork. Stops reading when all of them do.
///
/// # Memory
///
/// Two rows and a byte for each border, charged to `budget`, beside what `reader` holds.
///
/// # Errors
///
/// Those of [`ArtworkReader::read_row`], [`MemoryLimit`](crate::ErrorKind::MemoryLimit), and [`Cancelled`](crate::ErrorKind::Cancelled).
pub(crate) fn are_visible(mut reader: ArtworkReader, borders: &[Border], budget: &MemoryBudget, cancel: &Cancel) -> Result<Vec<bool>> {
    let size = reader.size();
    let mut rows = VisibleRows::new(size, borders, budget)?;
    let _charge = budget.reserve(borders.len() as u64, "what is visible of an artwork")?;
    let mut found = vec![false; borders.len()];
    for _ in 0..size.height() {
        rows.read(&mut reader)?;
        for (found, border) in found.iter_mut().zip(borders).filter(|(found, _)| !**found) {
            cancel.check()?;
            *found = rows.seen_by(border).iter().any(|pixel| pixel.a > border.alpha);
        }
        if !found.contains(&false) {
            return Ok(found);
        }
    }
    reader.finish()?;
    Ok(found)
}

/// A row of an artwork, as it is and with a colour knocked out.
struct VisibleRows {
    row: Buffer<Rgba8>,
    /// Empty where no border asks for it.
    knocked_out: Buffer<Rgba8>,
}

impl VisibleRows {
    fn new(size: PxSize, borders: &[Border], budget: &MemoryBudget) -> Result<Self> {
        let width = size.width() as usize;
        let knocked_out = if borders.iter().any(|border| border.knockout.is_some()) { width } else { 0 };
        let buffer = |pixels| budget.buffer::<Rgba8>(pixels, "a row of an artwork");
        Ok(Self { row: buffer(width)?, knocked_out: buffer(knocked_out)? })
    }

    fn read(&mut self, reader: &mut ArtworkReader) -> Result<()> {
        reader.read_row(&mut self.row)
    }

    /// The row once a border's colour is knocked out.
    fn seen_by(&mut self, border: &Border) -> &[Rgba8] {
        let Some(knockout) = border.knockout else { return &self.row };
        self.knocked_out.copy_from_slice(&self.row);
        knock_out(knockout, &mut self.knocked_out);
        &self.knocked_out
    }
}
