//! From an artwork file to rows of resampled, turned pixels: decoders, trimming, resampling; rasters in memory, streamed or
//! spilled.

#[cfg(not(all(feature = "jpeg", feature = "webp", feature = "tiff")))]
mod absent;
mod alpha;
mod color;
mod convert;
mod depth;
mod exif;
mod header;
#[cfg(feature = "jpeg")]
mod jpeg;
mod limits;
mod orientation;
mod png;
mod raster;
#[cfg(feature = "jpeg")]
mod reduced;
mod reduction;
mod resample;
mod rows;
mod source;
mod spill;
#[cfg(test)]
mod testing;
#[cfg(feature = "tiff")]
mod tiff;
mod timed;
#[cfg(feature = "jpeg")]
mod timed_bytes;
mod visible;
#[cfg(feature = "webp")]
mod vp8l;
#[cfg(feature = "webp")]
mod webp;
mod writer;

#[cfg(not(feature = "jpeg"))]
use self::absent as jpeg;
#[cfg(not(feature = "tiff"))]
use self::absent as tiff;
#[cfg(not(feature = "webp"))]
use self::absent as webp;

use std::path::{Path, PathBuf};

pub use self::color::{ColorMode, ColorSpace};
pub use self::header::{ArtworkFormat, ArtworkHeader};
pub(crate) use self::header::{Probing, probe, probe_damaged};
pub use self::limits::ArtworkLimits;
pub(crate) use self::orientation::Orientation;
pub use self::raster::Residence;
pub(crate) use self::raster::{Raster, RasterView, Shape};
pub use self::resample::Resampler;
pub(crate) use self::rows::{RasterStream, ShapedRows, Shaping};
pub(crate) use self::spill::Spill;
pub(crate) use self::visible::{are_visible, visible_boxes};
pub(crate) use self::writer::{RasterWriter, Written};

use crate::budget::MemoryBudget;
use crate::error::{ErrorKind, Result};
use crate::geom::PxSize;
use crate::pixel::Rgba8;

use self::color::Colors;
use self::depth::Pixel;
use self::limits::Deadline;
use self::png::PngReader;
use self::source::{Source, damaged};

/// Bytes of a file that are read at once, to find its colour profile.
const INPUT_BYTES: usize = 4 << 10;

/// Reads an artwork's pixels once, top to bottom, as rows of [`Rgba8`], whatever the file's format and colour type. They come as they are
/// stored: the header's orientation is for those who use them.
///
/// # Memory
///
/// [`ArtworkReader::memory_bytes`], charged to the budget by [`ArtworkReader::open`] and given back on drop.
#[derive(Debug)]
pub(crate) struct ArtworkReader {
    path: PathBuf,
    size: PxSize,
    rows_read: u32,
    decoder: Decoder,
    colors: Option<Colors>,
    deadline: Deadline,
    reading: Reading,
}

/// What becomes of damage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reading {
    /// It is an error.
    Strict,
    /// From where it is met the rows are transparent.
    Lenient,
    /// It was met.
    Damaged,
}

#[derive(Debug)]
enum Decoder {
    Png(Box<PngReader>),
    Jpeg(jpeg::Reader),
    WebP(webp::Reader),
    Tiff(Box<tiff::Reader>),
}

impl Decoder {
    fn read_row<P: Pixel>(&mut self, out: &mut [P], deadline: &Deadline) -> Result<()> {
        match self {
            Self::Png(reader) => reader.read_row(out),
            Self::Jpeg(reader) => reader.read_row(out, deadline),
            Self::WebP(reader) => reader.read_row(out, deadline),
            Self::Tiff(reader) => reader.read_row(out, deadline),
        }
    }
}

impl ArtworkReader {
    /// Opens the artwork at `path`, whose `header` was probed before.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::MemoryLimit`] where the budget cannot hold the decoder, [`ErrorKind::Io`] where the file cannot be read,
    /// [`ErrorKind::Artwork`] where it is damaged or is not what `header` says, and [`ErrorKind::ArtworkLimit`] where decoding it takes too
    /// long.
    pub(crate) fn open(path: &Path, header: &ArtworkHeader, budget: &MemoryBudget) -> Result<Self> {
        let size = header.stored_size();
        let mut deadline = header.limits.deadline(size);
        let open = || Ok(Source::open(path, INPUT_BYTES)?.lenient(header.damage.is_some()));
        let colors = Colors::new(open, header, budget)?;
        let opened = match header.format {
            ArtworkFormat::Png => PngReader::open(path, header, budget, &deadline).map(|reader| Decoder::Png(Box::new(reader))),
            ArtworkFormat::Jpeg => jpeg::Reader::open(path, header, budget, &deadline).map(Decoder::Jpeg),
            ArtworkFormat::WebP => webp::Reader::open(path, header, budget, &deadline).map(Decoder::WebP),
            ArtworkFormat::Tiff => tiff::Reader::open(path, header, budget, &deadline).map(|reader| Decoder::Tiff(Box::new(reader))),
        };
        // What was interrupted looks damaged.
        deadline.stop(path)?;
        let reading = if header.damage.is_some() { Reading::Lenient } else { Reading::Strict };
        Ok(Self { path: path.to_owned(), size, rows_read: 0, decoder: opened?, colors, deadline, reading })
    }

    /// The most bytes that reading an artwork with this `header` holds at once: a few rows, but the whole frame for interlaced PNG, for JPEG
    /// and for WebP, and the rows of a tile for tiled TIFF.
    pub(crate) fn memory_bytes(header: &ArtworkHeader) -> u64 {
        let decoder = match header.format {
            ArtworkFormat::Png => png::memory_bytes(header),
            ArtworkFormat::Jpeg => jpeg::memory_bytes(header),
            ArtworkFormat::WebP => webp::memory_bytes(header),
            ArtworkFormat::Tiff => tiff::memory_bytes(header),
        };
        decoder.saturating_add(Colors::memory_bytes(header))
    }

    /// The size of the artwork's pixels as they are stored.
    pub(crate) fn size(&self) -> PxSize {
        self.size
    }

    /// Reads the next row into `out`, which is one row long.
    ///
    /// # Errors
    ///
    /// As for [`open`](Self::open), and after the last row.
    pub(crate) fn read_row(&mut self, out: &mut [Rgba8]) -> Result<()> {
        debug_assert_eq!(out.len(), self.size.width() as usize);
        if self.rows_read == self.size.height() {
            return Err(damaged(&self.path, format!("there is no row after the last, {}", self.rows_read)));
        }
        self.rows_read += 1;
        if self.reading == Reading::Damaged {
            out.fill(Rgba8::TRANSPARENT);
            return Ok(());
        }
        self.deadline.start();
        let read = match &mut self.colors {
            None => self.decoder.read_row(out, &self.deadline),
            Some(Colors::Narrow(rows)) => rows.read_row(|row| self.decoder.read_row(row, &self.deadline), out),
            Some(Colors::Deep(rows)) => rows.read_row(|row| self.decoder.read_row(row, &self.deadline), out),
        };
        self.deadline.stop(&self.path)?;
        match read {
            Err(error) if self.reading == Reading::Lenient && matches!(error.kind(), ErrorKind::Artwork { .. }) => {
                self.reading = Reading::Damaged;
                out.fill(Rgba8::TRANSPARENT);
                Ok(())
            }
            read => read,
        }
    }

    /// Checks what follows the rows: checksums, and that the file ends as it should. Says whether the artwork has colours that the parts
    /// cannot show.
    ///
    /// # Errors
    ///
    /// As for [`open`](Self::open).
    pub(crate) fn finish(self) -> Result<bool> {
        match self.decoder {
            Decoder::Png(reader) if self.reading == Reading::Strict => reader.finish()?,
            Decoder::Png(_) | Decoder::Jpeg(_) | Decoder::WebP(_) | Decoder::Tiff(_) => {}
        }
        Ok(self.colors.is_some_and(|colors| colors.are_beyond()))
    }
}
