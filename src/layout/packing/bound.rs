//! How short a packing can be at best.

use super::Blank;
use super::fold::{Folded, Kind};
use crate::error::Result;
use crate::preflight::MediaPx;

/// The least number of parts that any packing needs, in parts: 0 without copies.
///
/// # Errors
///
/// The same as [`pack_rectangles`](super::pack_rectangles).
pub fn parts_lower_bound(blanks: &[Blank], film: &MediaPx) -> Result<u32> {
    let folded = Folded::new(blanks, film)?;
    let parts = strip_bound(&folded).div_ceil(folded.height.into());
    Ok(u32::try_from(parts).unwrap_or(u32::MAX))
}

/// A length in pixels that no packing on `parts` parts stays below, all parts together, margins included.
///
/// # Errors
///
/// The same as [`pack_rectangles`](super::pack_rectangles).
pub fn length_lower_bound(blanks: &[Blank], film: &MediaPx, parts: u32) -> Result<u64> {
    // Parts set one after the other, a gutter between them, are a packing on an endless strip.
    let folded = Folded::new(blanks, film)?;
    let endless = strip_bound(&folded).saturating_sub(u64::from(parts) * u64::from(film.gutter_y.min(folded.height)));
    let without_gutter = MediaPx { gutter_y: 0, ..*film };
    let tight = strip_bound(&Folded::new(blanks, &without_gutter)?);
    let margins = u64::from(parts) * (u64::from(film.top) + u64::from(film.bottom));
    Ok(endless.max(tight) + margins)
}

/// A length that no packing of the kinds on an endless strip of the folded width stays below.
fn strip_bound(folded: &Folded<'_>) -> u64 {
    // With different gutters in x and y a turned copy covers another area.
    let smallest = |kind: &Kind| kind.shapes().map(|shape| shape.area()).min().unwrap_or(0);
    let area: u128 = folded.kinds.iter().map(|kind| u128::from(smallest(kind)) * u128::from(kind.copies)).sum();
    let by_area = u64::try_from(area.div_ceil(folded.width.into())).unwrap_or(u64::MAX);
    let flattest = |kind: &Kind| kind.shapes().map(|shape| shape.height).min().unwrap_or(0);
    let tallest = folded.kinds.iter().map(flattest).max().unwrap_or(0);
    by_area.max(tallest.into())
}
