//! Where an artwork has visible pixels.

use crate::budget::MemoryBudget;
use crate::cancel::Cancel;
use crate::error::Result;
use crate::geom::{PxRect, PxSize};
use crate::pixel::Rgba8;

use super::ArtworkReader;

/// The smallest rectangle that holds every pixel of alpha above 0; `None` where there is none. Reads all rows and checks the file's end.
///
/// # Memory
///
/// One row, charged to `budget`, beside what `reader` holds.
///
/// # Errors
///
/// Those of [`ArtworkReader::read_row`], [`MemoryLimit`](crate::ErrorKind::MemoryLimit), and [`Cancelled`](crate::ErrorKind::Cancelled).
pub(crate) fn visible_box(mut reader: ArtworkReader, budget: &MemoryBudget, cancel: &Cancel) -> Result<Option<PxRect>> {
    let size = reader.size();
    let mut row = budget.buffer::<Rgba8>(size.width() as usize, "a row of an artwork")?;
    let (mut left, mut right, mut top, mut bottom) = (size.width(), 0, None, 0);
    for y in 0..size.height() {
        cancel.check()?;
        reader.read_row(&mut row)?;
        let visible = |pixel: &Rgba8| pixel.a > 0;
        let (columns, width) = (0..size.width(), size.width());
        if let Some((x, _)) = columns.clone().zip(row.iter()).find(|(_, pixel)| visible(pixel)) {
            left = left.min(x);
            let hidden = (0..width).zip(row.iter().rev()).find(|(_, pixel)| visible(pixel)).map_or(width, |(x, _)| x);
            right = right.max(width - hidden);
            top = top.or(Some(y));
            bottom = y + 1;
        }
    }
    reader.finish()?;
    top.map(|top| PxRect::new(left, top, PxSize::new(right - left, bottom - top)?)).transpose()
}

/// Whether no pixel is visible. Stops reading at the first one that is.
///
/// # Memory
///
/// As for [`visible_box`].
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
