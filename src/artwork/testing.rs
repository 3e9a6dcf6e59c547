//! Helpers for the tests of decoders.

use std::path::{Path, PathBuf};

use super::{ArtworkHeader, ArtworkLimits, ArtworkReader, ColorSpace, Probing, probe};
use crate::budget::MemoryBudget;
use crate::error::Result;
use crate::pixel::Rgba8;

/// A file of `tests/data`.
pub(super) fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name)
}

/// The pixels of an artwork as they are stored; what it reserves is what its header said.
pub(super) fn read(path: &Path) -> Result<Vec<Rgba8>> {
    read_as(path, &header(path)?)
}

/// The header of an artwork for parts in sRGB.
pub(super) fn header(path: &Path) -> Result<ArtworkHeader> {
    header_within(path, &ArtworkLimits::default())
}

/// The header of an artwork that asks for no more than `limits`.
pub(super) fn header_within(path: &Path, limits: &ArtworkLimits) -> Result<ArtworkHeader> {
    probe(path, &Probing { limits, space: &ColorSpace::default(), budget: &MemoryBudget::new(1 << 24) })
}

/// The pixels of an artwork with this header.
pub(super) fn read_as(path: &Path, header: &ArtworkHeader) -> Result<Vec<Rgba8>> {
    let budget = MemoryBudget::new(64 << 20);
    let mut reader = ArtworkReader::open(path, header, &budget)?;
    assert_eq!(budget.high_water_bytes(), ArtworkReader::memory_bytes(header));
    let mut pixels = vec![Rgba8::TRANSPARENT; usize::try_from(header.stored_size().area()).unwrap()];
    for row in pixels.chunks_exact_mut(header.stored_size().width() as usize) {
        reader.read_row(row)?;
    }
    assert!(reader.read_row(&mut vec![Rgba8::TRANSPARENT; header.stored_size().width() as usize]).is_err());
    reader.finish()?;
    assert_eq!(budget.held_bytes(), 0);
    Ok(pixels)
}

/// The pixels of a file of these bytes.
pub(super) fn read_bytes(bytes: &[u8]) -> Result<Vec<Rgba8>> {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), bytes).unwrap();
    read(file.path())
}

/// The largest difference of any channel.
pub(super) fn difference(a: &[Rgba8], b: &[Rgba8]) -> u8 {
    assert_eq!(a.len(), b.len());
    let (a, b): (&[u8], &[u8]) = (bytemuck::cast_slice(a), bytemuck::cast_slice(b));
    a.iter().zip(b).map(|(a, b)| a.abs_diff(*b)).max().unwrap_or(0)
}
