//! From an artwork file to rows of resampled, turned pixels: decoders, trimming, resampling; rasters in memory, streamed or
//! spilled.

mod convert;
mod exif;
mod header;
mod jpeg;
mod limits;
mod orientation;
mod png;
mod raster;
mod reduced;
mod resample;
mod rows;
mod source;
mod spill;
#[cfg(test)]
mod testing;
mod tiff;
mod visible;
mod webp;
mod writer;

use std::path::{Path, PathBuf};
use std::time::Duration;

pub use self::header::{ArtworkFormat, ArtworkHeader};
pub(crate) use self::header::{probe, probe_damaged};
pub use self::limits::ArtworkLimits;
pub(crate) use self::orientation::Orientation;
pub use self::raster::Residence;
pub(crate) use self::raster::{Raster, RasterView, Shape};
pub use self::resample::Resampler;
pub(crate) use self::rows::{RasterStream, ShapedRows, Shaping};
pub(crate) use self::spill::Spill;
pub(crate) use self::visible::{is_fully_transparent, visible_box};
pub(crate) use self::writer::{RasterWriter, Written};

use crate::budget::MemoryBudget;
use crate::error::{ErrorKind, Result};
use crate::geom::PxSize;
use crate::pixel::Rgba8;
use crate::system::thread_time;

use self::jpeg::JpegReader;
use self::png::PngReader;
use self::source::damaged;
use self::tiff::TiffReader;
use self::webp::WebPReader;

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
    limits: ArtworkLimits,
    /// Time that the decoder took so far.
    taken: Duration,
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
    Jpeg(JpegReader),
    WebP(WebPReader),
    Tiff(Box<TiffReader>),
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
        let started = thread_time();
        let decoder = match header.format {
            ArtworkFormat::Png => Decoder::Png(Box::new(PngReader::open(path, header, budget)?)),
            ArtworkFormat::Jpeg => Decoder::Jpeg(JpegReader::open(path, header, budget)?),
            ArtworkFormat::WebP => Decoder::WebP(WebPReader::open(path, header, budget)?),
            ArtworkFormat::Tiff => Decoder::Tiff(Box::new(TiffReader::open(path, header, budget)?)),
        };
        let size = header.stored_size();
        let reading = if header.damage.is_some() { Reading::Lenient } else { Reading::Strict };
        let (path, taken) = (path.to_owned(), thread_time().saturating_sub(started));
        let reader = Self { path, size, rows_read: 0, decoder, limits: header.limits, taken, reading };
        reader.check_time()?;
        Ok(reader)
    }

    /// The most bytes that reading an artwork with this `header` holds at once: a few rows, but the whole frame for interlaced PNG, for JPEG
    /// and for WebP, and the rows of a tile for tiled TIFF.
    pub(crate) fn memory_bytes(header: &ArtworkHeader) -> u64 {
        match header.format {
            ArtworkFormat::Png => png::memory_bytes(header),
            ArtworkFormat::Jpeg => jpeg::memory_bytes(header),
            ArtworkFormat::WebP => webp::memory_bytes(header),
            ArtworkFormat::Tiff => tiff::memory_bytes(header),
        }
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
        let started = thread_time();
        let read = match &mut self.decoder {
            Decoder::Png(reader) => reader.read_row(out),
            Decoder::Jpeg(reader) => {
                reader.read_row(out);
                Ok(())
            }
            Decoder::WebP(reader) => {
                reader.read_row(out);
                Ok(())
            }
            Decoder::Tiff(reader) => reader.read_row(out),
        };
        self.taken += thread_time().saturating_sub(started);
        match read {
            Err(error) if self.reading == Reading::Lenient && matches!(error.kind(), ErrorKind::Artwork { .. }) => {
                self.reading = Reading::Damaged;
                out.fill(Rgba8::TRANSPARENT);
            }
            read => read?,
        }
        self.check_time()
    }

    fn check_time(&self) -> Result<()> {
        self.limits.check_time(self.taken, self.size, &self.path)
    }

    /// Checks what follows the rows: checksums, and that the file ends as it should.
    ///
    /// # Errors
    ///
    /// As for [`open`](Self::open).
    pub(crate) fn finish(self) -> Result<()> {
        match self.decoder {
            _ if self.reading != Reading::Strict => Ok(()),
            Decoder::Png(reader) => reader.finish(),
            Decoder::Jpeg(_) | Decoder::WebP(_) | Decoder::Tiff(_) => Ok(()),
        }
    }
}
