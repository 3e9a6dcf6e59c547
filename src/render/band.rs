//! The unit of work: a band's rows, composited and encoded.

use super::store::ArtworkStore;
use super::strip::Ground;
use crate::encode::{BandEncoder, Fragment, PixelFormat};
use crate::error::Result;
use crate::pixel::Rgba8;
use crate::plan::{Band, RenderPlan};

/// Composites and encodes one band: what every thread, a resumed run and a worker on another machine call.
///
/// Artwork that the `store` does not hold yet is decoded first. The bytes depend on the plan and the artwork's pixels alone.
///
/// # Memory
///
/// Three rows of the part, the band's rows of artwork that is not resident, the encoder's state and the fragment:
/// [`MemoryPlan`](crate::MemoryPlan) counts them per worker and window. They are not charged to the store's budget here, since whoever runs
/// bands side by side reserves them once.
///
/// # Errors
///
/// Those of decoding: [`ErrorKind::Artwork`](crate::ErrorKind::Artwork), [`ErrorKind::Io`](crate::ErrorKind::Io),
/// [`ErrorKind::MemoryLimit`](crate::ErrorKind::MemoryLimit), [`ErrorKind::Cancelled`](crate::ErrorKind::Cancelled).
pub fn render_band(plan: &RenderPlan, band: &Band, store: &ArtworkStore) -> Result<Fragment> {
    let header = plan.parts()[band.part()].header();
    let ground = Ground::of(plan, band);
    let mut encoder = BandEncoder::new(header.size.width(), header.format, plan.compression());
    let mut row = vec![Rgba8::TRANSPARENT; if header.format == PixelFormat::Rgb8 { header.size.width() as usize } else { 0 }];
    let artwork = store.take(plan, band)?;
    for strip in artwork.strips(band.rows(), ground) {
        if strip.is_empty() {
            encoder.push_empty_rows(strip.rows().len());
            continue;
        }
        for (nth, y) in (strip.rows().start()..strip.rows().end()).enumerate() {
            let place = match header.format {
                PixelFormat::Rgba8 => bytemuck::cast_slice_mut(encoder.row_mut()),
                PixelFormat::Rgb8 => &mut row[..],
            };
            // The encoder's two places take turns; beside what is drawn they stay as they are.
            if nth < 2 {
                ground.fill(place);
            }
            strip.draw(y, place);
            if header.format == PixelFormat::Rgb8 {
                let (pixels, _) = encoder.row_mut().as_chunks_mut();
                pixels.iter_mut().zip(&row).for_each(|(rgb, pixel)| *rgb = [pixel.r, pixel.g, pixel.b]);
            }
            encoder.push(strip.repeats());
        }
    }
    store.put_back(artwork);
    Ok(encoder.finish())
}
