//! Pixels on disk: an unlinked temporary file, written once and then mapped for reading. The only home of `unsafe`.
#![allow(unsafe_code)]

use std::fs::File;
use std::io::Write;
use std::ops::Range;
use std::path::{Path, PathBuf};

use memmap2::Mmap;

use crate::error::{Error, Result};
use crate::pixel::Rgba8;

/// A temporary file being written. It has no name, so that nothing stays behind, whatever happens to the process.
#[derive(Debug)]
pub(super) struct SpillWriter {
    file: File,
    folder: PathBuf,
    written_bytes: u64,
}

impl SpillWriter {
    pub(super) fn create(folder: &Path) -> Result<Self> {
        let file = tempfile::tempfile_in(folder).map_err(|source| Error::io("create a temporary file in", folder, source))?;
        Ok(Self { file, folder: folder.to_owned(), written_bytes: 0 })
    }

    /// Appends `pixels`. Plain writes, not a mapping: a full disk is then an error and not a signal.
    pub(super) fn write(&mut self, pixels: &[Rgba8]) -> Result<()> {
        let bytes: &[u8] = bytemuck::cast_slice(pixels);
        self.file.write_all(bytes).map_err(|source| Error::io("write temporary pixels in", &self.folder, source))?;
        self.written_bytes += bytes.len() as u64;
        Ok(())
    }

    pub(super) fn finish(self) -> Result<Spill> {
        // SAFETY: the file is unlinked and this is its only descriptor, so nobody else can change or shorten it, and nothing here writes
        // to it any more.
        let map = unsafe { Mmap::map(&self.file) };
        Ok(Spill { map: map.map_err(|source| Error::io("map temporary pixels in", &self.folder, source))? })
    }
}

/// Pixels in a temporary file. Only what is read, and not yet [given back](Spill::give_back), is in memory.
#[derive(Debug)]
pub(super) struct Spill {
    map: Mmap,
}

impl Spill {
    pub(super) fn pixels(&self) -> &[Rgba8] {
        bytemuck::cast_slice(&self.map)
    }

    pub(super) fn bytes(&self) -> u64 {
        self.map.len() as u64
    }

    /// Lets go of the memory of these `pixels`; they can still be read again, from the file.
    pub(super) fn give_back(&self, pixels: Range<usize>) {
        #[cfg(unix)]
        {
            let (start, end) = (pixels.start * Rgba8::BYTES, (pixels.end * Rgba8::BYTES).min(self.map.len()));
            if start < end {
                // SAFETY: for a shared read-only mapping of a file that nobody changes, dropped pages come back with the same content.
                // A failure costs memory and nothing else.
                let _ = unsafe { self.map.unchecked_advise_range(memmap2::UncheckedAdvice::DontNeed, start, end - start) };
            }
        }
        #[cfg(not(unix))]
        let _ = pixels;
    }
}
