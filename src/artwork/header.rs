//! What an artwork file says about itself before any pixel is decoded.

use std::path::Path;

use image::ImageFormat;

use crate::error::Result;
use crate::geom::PxSize;

use super::source::Source;
use super::{jpeg, png};

/// The format of an artwork's file, told by its content and never by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ArtworkFormat {
    /// Portable Network Graphics, third edition.
    Png,
    /// JPEG (ITU-T T.81), baseline or progressive.
    Jpeg,
}

/// What an artwork file says about itself before any pixel is decoded.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ArtworkHeader {
    /// Size in pixels.
    pub size: PxSize,
    /// The format of the file's content.
    pub format: ArtworkFormat,
    /// Whether the format allows transparent pixels in this file.
    pub may_be_transparent: bool,
    /// Pixels per inch, horizontally and vertically, where the file says so in a physical unit.
    pub dpi: Option<(f64, f64)>,
    /// Tells contents apart: SHA-256 of the bytes, or for PNG of all chunks' types, lengths and CRCs and of the file's length.
    pub fingerprint: [u8; 32],
    /// Size of the file in bytes.
    pub file_bytes: u64,
    /// Bytes that the decoder of this file holds, apart from a constant and from a JPEG's frame.
    pub(super) decoder_bytes: u64,
    /// What the decoder of a JPEG file wants to know beforehand.
    pub(super) jpeg: jpeg::Facts,
}

/// Reads the header and the structure of the artwork at `path`. No pixels are decoded, but a truncated file is refused here.
///
/// # Errors
///
/// [`ErrorKind::Io`](crate::ErrorKind::Io) where the file cannot be read, and [`ErrorKind::Artwork`](crate::ErrorKind::Artwork) where it
/// is no artwork that can be printed: of another format, damaged, or of a size beyond [`MAX_SIDE_PX`](crate::MAX_SIDE_PX).
pub(crate) fn probe(path: &Path) -> Result<ArtworkHeader> {
    // Most of a PNG file is skipped, so a large buffer would mostly read what nobody wants.
    let mut source = Source::open(path, 1 << 10)?;
    let mut start = [0; 512];
    let filled = source.read_up_to(&mut start)?;
    let start = &start[..filled];
    source.rewind()?;
    match image::guess_format(start) {
        Ok(ImageFormat::Png) => png::probe(source),
        Ok(ImageFormat::Jpeg) => jpeg::probe(source),
        Ok(other) => {
            let name = other.to_mime_type().trim_start_matches("image/").trim_start_matches("x-").to_ascii_uppercase();
            Err(source.damaged(format!("{name} is not supported: convert it to PNG")))
        }
        Err(_) => Err(source.damaged(format!("not a PNG or JPEG image but {}", describe(start)))),
    }
}

/// What a file looks like that is no image of pixels, with advice.
fn describe(start: &[u8]) -> &'static str {
    let text = start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(start).trim_ascii_start();
    let lower = text.to_ascii_lowercase();
    let holds = |tag: &[u8]| lower.windows(tag.len()).any(|window| window == tag);
    match start {
        [] => "an empty file: export it again",
        [_, _, _, _, b'f', b't', b'y', b'p', ..] => "a HEIC, AVIF or video file: convert it to PNG",
        [b'8', b'B', b'P', b'S', ..] => "a Photoshop document: export it as PNG",
        [b'%', b'P', b'D', b'F', ..] => "a PDF document: export it as PNG at its printed size",
        [b'%', b'!', b'P', b'S', ..] => "a PostScript document: export it as PNG at its printed size",
        [b'P', b'K', 3, 4, ..] => "a ZIP archive: unpack it",
        [0x1f, 0x8b, ..] => "a gzip archive: unpack it",
        _ if start.iter().all(|&byte| byte == 0) => "a file of zero bytes: upload it again",
        _ if holds(b"<svg") => "an SVG drawing: export it as PNG at its printed size",
        _ if holds(b"<html") || holds(b"<!doctype html") => "a web page: download the image itself",
        _ if std::str::from_utf8(text).is_ok_and(|text| !text.contains('\0')) => "a text: choose the image itself",
        _ => "an unknown format: convert it to PNG",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_artwork_is_named() {
        let cases: [(&[u8], &str); 8] = [
            (b"", "an empty file"),
            (b"GIF89a", "GIF is not supported"),
            (b"BM\x00\x00", "BMP is not supported"),
            (b"II*\0", "TIFF is not supported"),
            (b"RIFF\x00\x00\x00\x00WEBPVP8L", "WEBP is not supported"),
            (b"\xef\xbb\xbf<?xml version='1.0'?>\n<SVG>", "an SVG"),
            (b"<!DOCTYPE html><p>", "a web page"),
            (b"not an image", "a text"),
        ];
        for (bytes, expected) in cases {
            let file = tempfile::NamedTempFile::new().unwrap();
            std::fs::write(file.path(), bytes).unwrap();
            let message = probe(file.path()).unwrap_err().to_string();
            assert!(message.contains(expected), "{message}");
        }
    }

    #[test]
    fn a_missing_file_and_a_folder_are_input_failures() {
        for path in [Path::new("/no/such/artwork.png"), Path::new("/")] {
            assert!(matches!(probe(path).unwrap_err().kind(), crate::ErrorKind::Io { .. }));
        }
    }
}
