//! The unit of work: a band's rows, composited and encoded.

use super::store::ArtworkStore;
use super::strip::{self, Blend};
use crate::encode::{BandEncoder, Fragment, PixelFormat};
use crate::error::Result;
use crate::geom::Rows;
use crate::job::Background;
use crate::pixel::Rgba8;
use crate::plan::{Band, RenderPlan, STRIP_ROWS};

/// Composites and encodes one band: what every thread, a resumed run and a worker on another machine call.
///
/// Artwork that the `store` does not hold yet is decoded first. The bytes depend on the plan and the artwork's pixels alone.
///
/// # Memory
///
/// One strip of 16 rows, the band's rows of artwork that is not resident, the encoder's state and the fragment: [`MemoryPlan`](crate::MemoryPlan) counts them per worker and window. They
/// are not charged to the store's budget here, since whoever runs bands side by side reserves them once.
///
/// # Errors
///
/// Those of decoding: [`ErrorKind::Artwork`](crate::ErrorKind::Artwork), [`ErrorKind::Io`](crate::ErrorKind::Io),
/// [`ErrorKind::MemoryLimit`](crate::ErrorKind::MemoryLimit), [`ErrorKind::Cancelled`](crate::ErrorKind::Cancelled).
pub fn render_band(plan: &RenderPlan, band: &Band, store: &ArtworkStore) -> Result<Fragment> {
    let header = plan.parts()[band.part()].header();
    let width = header.size.width() as usize;
    let mut encoder = BandEncoder::new(header.size.width(), header.format, plan.compression());
    let mut rgb = vec![[0; 3]; if header.format == PixelFormat::Rgb8 { width } else { 0 }];
    compose_band(plan, band, store, |_, strip| {
        for row in strip.chunks_exact(width) {
            match header.format {
                PixelFormat::Rgba8 => encoder.push_row(bytemuck::cast_slice(row)),
                PixelFormat::Rgb8 => {
                    rgb.iter_mut().zip(row).for_each(|(rgb, pixel)| *rgb = [pixel.r, pixel.g, pixel.b]);
                    encoder.push_row(rgb.as_flattened());
                }
            }
        }
    })?;
    Ok(encoder.finish())
}

/// Composites a band strip by strip, from top to bottom, and hands each strip with its rows to `each`.
pub(crate) fn compose_band(plan: &RenderPlan, band: &Band, store: &ArtworkStore, mut each: impl FnMut(Rows, &[Rgba8])) -> Result<()> {
    let part = &plan.parts()[band.part()];
    let width = part.size().width() as usize;
    let artwork = store.take(plan, band)?;
    let placed = artwork.placed();
    let (background, blend) = match plan.layout().output.background {
        Background::Opaque([r, g, b]) => (Rgba8::new(r, g, b, 255), Blend::Over),
        Background::Transparent if part.overlapping() => (Rgba8::TRANSPARENT, Blend::Over),
        Background::Transparent => (Rgba8::TRANSPARENT, Blend::Copy),
    };
    let mut pixels = vec![Rgba8::TRANSPARENT; width * STRIP_ROWS.get().min(band.rows().len()) as usize];
    for rows in band.rows().chunks(STRIP_ROWS) {
        let strip = &mut pixels[..rows.len() as usize * width];
        strip::compose(strip, rows, width, &placed, background, blend);
        each(rows, strip);
    }
    drop(placed);
    store.put_back(artwork);
    Ok(())
}
