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
    Bench::new(plan, band.part()).render(plan, band, store)
}

/// What the bands of a part are composited and encoded with, one after the other.
pub(super) struct Bench {
    encoder: BandEncoder,
    /// A row of pixels, where the encoder takes others.
    row: Vec<Rgba8>,
}

impl Bench {
    pub(super) fn new(plan: &RenderPlan, part: usize) -> Self {
        let header = plan.parts()[part].header();
        let encoder = BandEncoder::new(header.size.width(), header.format, plan.compression());
        let pixels = if header.format == PixelFormat::Rgb8 { header.size.width() as usize } else { 0 };
        Self { encoder, row: vec![Rgba8::TRANSPARENT; pixels] }
    }

    /// [`render_band`], for a band of this part.
    pub(super) fn render(&mut self, plan: &RenderPlan, band: &Band, store: &ArtworkStore) -> Result<Fragment> {
        let Self { encoder, row } = self;
        let (format, ground) = (plan.parts()[band.part()].header().format, Ground::of(plan, band));
        let artwork = store.take(plan, band)?;
        for strip in artwork.strips(band.rows(), ground) {
            if strip.is_empty() {
                encoder.push_empty_rows(strip.rows().len());
                continue;
            }
            for (nth, y) in (strip.rows().start()..strip.rows().end()).enumerate() {
                let place = match format {
                    PixelFormat::Rgba8 => bytemuck::cast_slice_mut(encoder.row_mut()),
                    PixelFormat::Rgb8 => &mut row[..],
                };
                // The encoder's two places take turns; beside what is drawn they stay as they are.
                if nth < 2 {
                    ground.fill(place);
                }
                strip.draw(y, place);
                if format == PixelFormat::Rgb8 {
                    let (pixels, _) = encoder.row_mut().as_chunks_mut();
                    pixels.iter_mut().zip(&*row).for_each(|(rgb, pixel)| *rgb = [pixel.r, pixel.g, pixel.b]);
                }
                encoder.push(strip.repeats());
            }
        }
        store.put_back(artwork);
        Ok(encoder.finish())
    }
}
