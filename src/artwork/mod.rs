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
mod timed;
mod visible;
mod vp8l;
mod webp;
mod writer;

use std::path::{Path, PathBuf};

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

use self::jpeg::JpegReader;
use self::limits::Deadline;
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
        let size = header.stored_size();
        let mut deadline = header.limits.deadline(size);
        let opened = match header.format {
            ArtworkFormat::Png => PngReader::open(path, header, budget, &deadline).map(|reader| Decoder::Png(Box::new(reader))),
            ArtworkFormat::Jpeg => JpegReader::open(path, header, budget, &deadline).map(Decoder::Jpeg),
            ArtworkFormat::WebP => WebPReader::open(path, header, budget, &deadline).map(Decoder::WebP),
            ArtworkFormat::Tiff => TiffReader::open(path, header, budget).map(|reader| Decoder::Tiff(Box::new(reader))),
        };
        // What was interrupted looks damaged.
        deadline.stop(path)?;
        let reading = if header.damage.is_some() { Reading::Lenient } else { Reading::Strict };
        Ok(Self { path: path.to_owned(), size, rows_read: 0, decoder: opened?, deadline, reading })
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
        self.deadline.start();
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
            Decoder::Tiff(reader) => reader.read_row(out, &self.deadline),
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
