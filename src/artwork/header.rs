//! What an artwork file says about itself before any pixel is decoded.

use std::path::Path;

use crate::error::Result;
use crate::geom::PxSize;

use super::reduced::Reduction;
use super::source::Source;
use super::{ArtworkLimits, Orientation, jpeg, png, tiff, webp};

/// The format of an artwork's file, told by its content and never by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ArtworkFormat {
    /// Portable Network Graphics, third edition.
    Png,
    /// JPEG (ITU-T T.81), baseline or progressive.
    Jpeg,
    /// WebP (RFC 9649), lossy or lossless.
    WebP,
    /// TIFF 6.0 and BigTIFF.
    Tiff,
}

/// What an artwork file says about itself before any pixel is decoded.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ArtworkHeader {
    /// Size in pixels, as it is seen: after the orientation that the file asks for.
    pub size: PxSize,
    /// The format of the file's content.
    pub format: ArtworkFormat,
    /// Whether the format allows transparent pixels in this file.
    pub may_be_transparent: bool,
    /// Pixels per inch, horizontally and vertically, where the file says so in a physical unit.
    pub dpi: Option<(f64, f64)>,
    /// Frames of an animation or pages of a document. The first one is printed.
    pub frames: u32,
    /// Tells contents apart: SHA-256 of the bytes, or for PNG of all chunks' types, lengths and CRCs and of the file's length.
    pub fingerprint: [u8; 32],
    /// Size of the file in bytes.
    pub file_bytes: u64,
    /// What is wrong with a damaged file that is printed as far as it can be read; `None` for a file that is whole as far as it was read.
    pub damage: Option<String>,
    /// How the pixels of the file become what is seen.
    pub(crate) orientation: Orientation,
    /// How much smaller the file is decoded than it is.
    pub(super) reduction: Reduction,
    /// What reading may take.
    pub(super) limits: ArtworkLimits,
    /// Bytes that the decoder of this file holds, apart from a constant.
    pub(super) decoder_bytes: u64,
    /// What the decoder of a JPEG file wants to know beforehand.
    pub(super) jpeg: jpeg::Facts,
}

impl ArtworkHeader {
    /// The size of the file's pixels as they are decoded, before its orientation.
    pub(crate) fn stored_size(&self) -> PxSize {
        self.reduction.of(self.file_size())
    }

    /// The size of the file's pixels, before its orientation and whatever they are decoded to.
    pub(super) fn file_size(&self) -> PxSize {
        self.size.turned(self.orientation.turn)
    }

    /// Whether the file is decoded smaller than it is.
    pub(crate) fn is_reduced(&self) -> bool {
        self.reduction != Reduction::default()
    }

    /// Has the file decoded smaller, where it can be, as long as it leaves `width` × `height` pixels before its orientation.
    pub(crate) fn reduce_to(&mut self, width: u32, height: u32) {
        if self.jpeg.is_reducible && self.damage.is_none() {
            self.reduction = Reduction::to(self.file_size(), width, height);
        }
    }

    /// The header of a file whose pixels are to be seen in this `orientation`; so far it told of them as they are stored.
    pub(super) fn oriented(self, orientation: Orientation) -> Self {
        let dpi = if orientation.turn.swaps_sides() { self.dpi.map(|(x, y)| (y, x)) } else { self.dpi };
        Self { size: self.size.turned(orientation.turn), dpi, orientation, ..self }
    }

    /// The header of a file that is to be read as far as it can be. What cannot be read is transparent.
    pub(crate) fn damaged(self, damage: String) -> Self {
        Self { damage: Some(damage), may_be_transparent: true, ..self }
    }
}

/// Reads the header and the structure of the artwork at `path`. No pixels are decoded, but a truncated file is refused here.
///
/// # Errors
///
/// [`ErrorKind::Io`](crate::ErrorKind::Io) where the file cannot be read, [`ErrorKind::Artwork`](crate::ErrorKind::Artwork) where it
/// is no artwork that can be printed: of another format, damaged, or of a size beyond [`MAX_SIDE_PX`](crate::MAX_SIDE_PX), and
/// [`ErrorKind::ArtworkLimit`](crate::ErrorKind::ArtworkLimit).
pub(crate) fn probe(path: &Path, limits: &ArtworkLimits) -> Result<ArtworkHeader> {
    probe_source(open(path)?, limits)
}

/// [Probes](probe) a file that may be damaged: one that says what it is, and of whose pixels something may be there, has a header.
///
/// # Errors
///
/// As for [`probe`].
pub(crate) fn probe_damaged(path: &Path, limits: &ArtworkLimits) -> Result<ArtworkHeader> {
    probe_source(open(path)?.lenient(true), limits)
}

fn open(path: &Path) -> Result<Source> {
    // Most of a PNG file is skipped, so a large buffer would mostly read what nobody wants.
    Source::open(path, 1 << 10)
}

fn probe_source(mut source: Source, limits: &ArtworkLimits) -> Result<ArtworkHeader> {
    let path = source.path().to_owned();
    let mut start = [0; 512];
    let filled = source.read_up_to(&mut start)?;
    let start = &start[..filled];
    source.rewind()?;
    let header = match format_of(start) {
        Some(ArtworkFormat::Png) => png::probe(source, limits)?,
        Some(ArtworkFormat::Jpeg) => jpeg::probe(source, limits)?,
        Some(ArtworkFormat::WebP) => webp::probe(source, limits)?,
        Some(ArtworkFormat::Tiff) => tiff::probe(source, limits)?,
        None => return Err(source.damaged(describe(start))),
    };
    limits.check_size(header.size, &path)?;
    limits.check_frames(header.frames, &path)?;
    Ok(header)
}

/// The format of a file that begins like this.
fn format_of(start: &[u8]) -> Option<ArtworkFormat> {
    match start {
        _ if start.starts_with(&png::SIGNATURE) => Some(ArtworkFormat::Png),
        [0xff, 0xd8, 0xff, ..] => Some(ArtworkFormat::Jpeg),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some(ArtworkFormat::WebP),
        // Behind the byte order 42, or 43 for BigTIFF.
        [b'I', b'I', 42 | 43, 0, ..] | [b'M', b'M', 0, 42 | 43, ..] => Some(ArtworkFormat::Tiff),
        _ => None,
    }
}

/// What a file looks like that is no artwork, with advice.
fn describe(start: &[u8]) -> &'static str {
    let text = start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(start).trim_ascii_start();
    let lower = text.to_ascii_lowercase();
    let holds = |tag: &[u8]| lower.windows(tag.len()).any(|window| window == tag);
    match start {
        [] => "an empty file: export it again",
        [b'G', b'I', b'F', b'8', ..] => "GIF is not supported: convert it to PNG",
        [b'B', b'M', ..] => "BMP is not supported: convert it to PNG",
        [0, 0, 1, 0, ..] => "ICO is not supported: convert it to PNG",
        [b'q', b'o', b'i', b'f', ..] => "QOI is not supported: convert it to PNG",
        [0x76, 0x2f, 0x31, 0x01, ..] => "OpenEXR is not supported: convert it to PNG",
        [b'#', b'?', b'R', b'A', b'D', ..] => "Radiance HDR is not supported: convert it to PNG",
        [b'D', b'D', b'S', b' ', ..] => "DDS is not supported: convert it to PNG",
        [b'P', b'1'..=b'7', b' ' | b'\t' | b'\n' | b'\r', ..] => "PNM is not supported: convert it to PNG",
        [0xff, 0x0a, ..] | [0, 0, 0, 12, b'J', b'X', b'L', b' ', ..] => "JPEG XL is not supported: convert it to PNG",
        [_, _, _, _, b'f', b't', b'y', b'p', ..] => "HEIC, AVIF and videos are not supported: convert it to PNG",
        [b'8', b'B', b'P', b'S', ..] => "a Photoshop document is not supported: export it as PNG",
        [b'%', b'P', b'D', b'F', ..] => "PDF is not supported: export it as PNG at its printed size",
        [b'%', b'!', b'P', b'S', ..] => "PostScript is not supported: export it as PNG at its printed size",
        [b'P', b'K', 3, 4, ..] => "a ZIP archive, not an image: unpack it",
        [0x1f, 0x8b, ..] => "a gzip archive, not an image: unpack it",
        _ if start.iter().all(|&byte| byte == 0) => "a file of zero bytes: upload it again",
        _ if holds(b"<svg") => "SVG is not supported: export it as PNG at its printed size",
        _ if holds(b"<html") || holds(b"<!doctype html") => "a web page, not an image: download the image itself",
        _ if std::str::from_utf8(text).is_ok_and(|text| !text.contains('\0')) => {
            "a text, not an image (PNG, JPEG, WebP or TIFF): choose the image itself"
        }
        _ => "its format is unknown and not supported: convert it to PNG",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_artwork_is_named() {
        let cases: [(&[u8], &str); 9] = [
            (b"", "an empty file"),
            (b"GIF89a", "GIF is not supported"),
            (b"BM\x00\x00", "BMP is not supported"),
            (b"P6\n1 1\n255\n", "PNM is not supported"),
            (b"RIFF\x04\x00\x00\x00WAVE", "unknown and not supported"),
            (b"\xff\x00\x01\x02", "unknown and not supported: convert it to PNG"),
            (b"\xef\xbb\xbf<?xml version='1.0'?>\n<SVG>", "SVG is not supported"),
            (b"<!DOCTYPE html><p>", "a web page"),
            (b"not an image", "a text"),
        ];
        for (bytes, expected) in cases {
            let file = tempfile::NamedTempFile::new().unwrap();
            std::fs::write(file.path(), bytes).unwrap();
            let message = probe(file.path(), &ArtworkLimits::default()).unwrap_err().to_string();
            assert!(message.contains(expected), "{message}");
        }
    }

    #[test]
    fn a_missing_file_and_a_folder_are_input_failures() {
        for path in [Path::new("/no/such/artwork.png"), Path::new("/")] {
            assert!(matches!(probe(path, &ArtworkLimits::default()).unwrap_err().kind(), crate::ErrorKind::Io { .. }));
        }
    }
}
