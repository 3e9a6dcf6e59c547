//! Pixels on disk: a temporary file without a name, of which each band reads the rows that it needs.
//!
//! Reading into buffers of known size, not mapping: a mapping's resident pages are the kernel's to choose. With a turned raster, whose rows
//! lie in many short stretches, twice as many pages came in as were asked for.

use std::fmt;
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::raster::Shape;
use crate::error::{Error, Result};
use crate::geom::Rows;
use crate::pixel::Rgba8;

/// A temporary file being written. It has no name, so that nothing stays behind, whatever happens to the process.
#[derive(Debug)]
pub(super) struct SpillWriter {
    file: File,
    folder: PathBuf,
    bytes: u64,
    bytes_written: u64,
}

impl SpillWriter {
    /// Creates a file in `folder` that will have so many `bytes`.
    pub(super) fn create(folder: &Path, bytes: u64) -> Result<Self> {
        let file = tempfile::tempfile_in(folder).map_err(|source| Error::io("create a temporary file in", folder, source))?;
        Ok(Self { file, folder: folder.to_owned(), bytes, bytes_written: 0 })
    }

    pub(super) fn write(&mut self, pixels: &[Rgba8]) -> Result<()> {
        self.file.write_all(bytemuck::cast_slice(pixels)).map_err(|error| {
            let missing_bytes = self.bytes.saturating_sub(self.bytes_written);
            let source = io::Error::new(error.kind(), Short { missing_bytes, bytes: self.bytes, source: error });
            Error::io("write temporary pixels in", &self.folder, source)
        })?;
        self.bytes_written += (pixels.len() * Rgba8::BYTES) as u64;
        Ok(())
    }

    pub(super) fn finish(self, shape: Shape) -> Spill {
        Spill { file: self.file, folder: self.folder, shape }
    }
}

/// How much of a temporary file could not be written, and why.
#[derive(Debug)]
struct Short {
    missing_bytes: u64,
    bytes: u64,
    source: io::Error,
}

impl fmt::Display for Short {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {} bytes are missing", self.missing_bytes, self.bytes)
    }
}

impl std::error::Error for Short {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.source)
    }
}

/// A raster in a temporary file.
#[derive(Debug)]
pub(crate) struct Spill {
    file: File,
    folder: PathBuf,
    shape: Shape,
}

impl Spill {
    /// Bytes of the file.
    pub(crate) fn bytes(&self) -> u64 {
        self.shape.width as u64 * self.shape.height as u64 * Rgba8::BYTES as u64
    }

    /// Reads some `rows` into `pixels`, as many as they have, and tells the shape that they lie in.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Io`](crate::ErrorKind::Io).
    pub(crate) fn read(&self, rows: Rows, pixels: &mut [Rgba8]) -> Result<Shape> {
        let (shape, stored) = self.shape.piece(rows);
        let mut rest = pixels;
        for range in stored {
            let (piece, after) = rest.split_at_mut(range.len());
            rest = after;
            let read = read_exact_at(&self.file, bytemuck::cast_slice_mut(piece), range.start as u64 * Rgba8::BYTES as u64);
            read.map_err(|source| Error::io("read temporary pixels in", &self.folder, source))?;
        }
        Ok(shape)
    }
}

#[cfg(unix)]
fn read_exact_at(file: &File, bytes: &mut [u8], offset: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, bytes, offset)
}

#[cfg(windows)]
fn read_exact_at(file: &File, mut bytes: &mut [u8], mut offset: u64) -> io::Result<()> {
    while !bytes.is_empty() {
        match std::os::windows::fs::FileExt::seek_read(file, bytes, offset)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            read => {
                bytes = &mut bytes[read..];
                offset += read as u64;
            }
        }
    }
    Ok(())
}
