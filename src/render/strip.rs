//! The strip: a full-width buffer of a few rows, composited.

use crate::artwork::RasterView;
use crate::geom::{PxRect, Rows};
use crate::pixel::Rgba8;

/// Pixels and the rectangle of the part that they cover.
pub(super) type Placed<'a> = (RasterView<'a>, PxRect);

/// How a raster's pixels go onto the strip.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Blend {
    /// They replace what is there: right where nothing but transparency is below.
    Copy,
    /// They are composited [over](Rgba8::over) what is there.
    Over,
}

/// Draws the `rows` of a part of `width` pixels into `strip`, from `placed` in drawing order onto `background`.
///
/// `strip` holds exactly `rows.len() × width` pixels.
pub(super) fn compose(strip: &mut [Rgba8], rows: Rows, width: usize, placed: &[Placed<'_>], background: Rgba8, blend: Blend) {
    debug_assert_eq!(strip.len(), rows.len() as usize * width);
    strip.fill(background);
    for &(raster, rect) in placed {
        let Some(drawn) = rows.intersect(rect.rows()) else { continue };
        for row in drawn.start()..drawn.end() {
            let start = (row - rows.start()) as usize * width + rect.x() as usize;
            let below = &mut strip[start..start + rect.size().width() as usize];
            for (x, pixels) in raster.row(row - rect.y()) {
                draw(&mut below[x..x + pixels.len()], pixels, blend);
            }
        }
    }
}

fn draw(below: &mut [Rgba8], pixels: &[Rgba8], blend: Blend) {
    match blend {
        Blend::Copy => below.copy_from_slice(pixels),
        Blend::Over => below.iter_mut().zip(pixels).for_each(|(below, pixel)| *below = pixel.over(*below)),
    }
}
