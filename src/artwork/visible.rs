//! Where an artwork has visible pixels.

use crate::budget::MemoryBudget;
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
    let mut row = budget.buffer::<Rgba8>(size.width() as usize, "a row of an artwork")?;
    let mut knocked_out = budget.buffer::<Rgba8>(size.width() as usize, "a row of an artwork")?;
    let bytes = borders.len() * (size_of::<Border>() + size_of::<Extent>() + size_of::<Option<PxRect>>());
    let _charge = budget.reserve(bytes as u64, "the visible rectangles of an artwork")?;
    let mut found = vec![Extent { left: size.width(), right: 0, top: None, bottom: 0 }; borders.len()];
    for y in 0..size.height() {
        reader.read_row(&mut row)?;
        for (extent, border) in found.iter_mut().zip(borders) {
            cancel.check()?;
            match border.knockout {
                None => extent.add(y, &row, border.alpha),
                Some(knockout) => {
                    knocked_out.copy_from_slice(&row);
                    knock_out(knockout, &mut knocked_out);
                    extent.add(y, &knocked_out, border.alpha);
                }
            }
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

/// Whether no pixel is visible. Stops reading at the first one that is.
///
/// # Memory
///
/// One row, charged to `budget`, beside what `reader` holds.
///
/// # Errors
///
/// Those of [`ArtworkReader::read_row`], [`MemoryLimit`](crate::ErrorKind::MemoryLimit), and [`Cancelled`](crate::ErrorKind::Cancelled).
pub(crate) fn is_fully_transparent(mut reader: ArtworkReader, budget: &MemoryBudget, cancel: &Cancel) -> Result<bool> {
    let size = reader.size();
    let mut row = budget.buffer::<Rgba8>(size.width() as usize, "a row of an artwork")?;
    for _ in 0..size.height() {
        cancel.check()?;
        reader.read_row(&mut row)?;
        if row.iter().any(|pixel| pixel.a > 0) {
            return Ok(false);
        }
    }
    reader.finish()?;
    Ok(true)
}
