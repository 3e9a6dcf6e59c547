//! From an artwork file to rows of resampled, turned pixels: decoders, trimming, resampling; rasters in memory, streamed or
//! spilled.

mod convert;
mod header;
mod jpeg;
mod png;
mod raster;
mod resample;
mod rows;
mod source;
mod spill;
mod visible;
mod writer;

use std::path::{Path, PathBuf};

pub(crate) use self::header::probe;
pub use self::header::{ArtworkFormat, ArtworkHeader};
pub use self::raster::Residence;
pub(crate) use self::raster::{Raster, RasterView, Shape};
pub use self::resample::Resampler;
pub(crate) use self::rows::{RasterStream, ShapedRows, Shaping};
pub(crate) use self::spill::Spill;
pub(crate) use self::visible::{is_fully_transparent, visible_box};
pub(crate) use self::writer::{RasterWriter, Written};

use crate::budget::MemoryBudget;
use crate::error::Result;
use crate::geom::PxSize;
use crate::pixel::Rgba8;

use self::jpeg::JpegReader;
use self::png::PngReader;
use self::source::damaged;

/// Reads an artwork's pixels once, top to bottom, as rows of [`Rgba8`], whatever the file's format and colour type.
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
}

#[derive(Debug)]
enum Decoder {
    Png(Box<PngReader>),
    Jpeg(JpegReader),
}

impl ArtworkReader {
    /// Opens the artwork at `path`, whose `header` was probed before.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::MemoryLimit`] where the budget cannot hold the decoder, [`ErrorKind::Io`] where the file cannot be read, and
    /// [`ErrorKind::Artwork`] where it is damaged or is not what `header` says.
    pub(crate) fn open(path: &Path, header: &ArtworkHeader, budget: &MemoryBudget) -> Result<Self> {
        let decoder = match header.format {
            ArtworkFormat::Png => Decoder::Png(Box::new(PngReader::open(path, header, budget)?)),
            ArtworkFormat::Jpeg => Decoder::Jpeg(JpegReader::open(path, header, budget)?),
        };
        Ok(Self { path: path.to_owned(), size: header.size, rows_read: 0, decoder })
    }

    /// The most bytes that reading an artwork with this `header` holds at once: a few rows, but the whole frame for interlaced PNG and
    /// for JPEG.
    pub(crate) fn memory_bytes(header: &ArtworkHeader) -> u64 {
        match header.format {
            ArtworkFormat::Png => png::memory_bytes(header),
            ArtworkFormat::Jpeg => jpeg::memory_bytes(header),
        }
    }

    /// The artwork's size.
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
        match &mut self.decoder {
            Decoder::Png(reader) => reader.read_row(out)?,
            Decoder::Jpeg(reader) => reader.read_row(out),
        }
        self.rows_read += 1;
        Ok(())
    }

    /// Checks what follows the rows: checksums, and that the file ends as it should.
    ///
    /// # Errors
    ///
    /// As for [`open`](Self::open).
    pub(crate) fn finish(self) -> Result<()> {
        match self.decoder {
            Decoder::Png(reader) => reader.finish(),
            Decoder::Jpeg(_) => Ok(()),
        }
    }
}
