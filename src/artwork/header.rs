//! What an artwork file says about itself before any pixel is decoded.

use std::path::Path;

use image::ImageFormat;

use crate::budget::MemoryBudget;
use crate::error::Result;
use crate::geom::PxSize;
use crate::pixel::Rgba8;

use super::color::{ColorChange, ColorTag, ColorTransform, Way};
use super::reduction::Reduction;
use super::source::Source;
use super::{ArtworkLimits, ColorMode, ColorSpace, Orientation, jpeg, png, tiff, webp};

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
    /// What the file's samples stand for.
    pub color_mode: ColorMode,
    /// What is wrong with a damaged file that is printed as far as it can be read; `None` for a file that is whole as far as it was read.
    pub damage: Option<String>,
    /// How the pixels of the file become what is seen.
    pub(crate) orientation: Orientation,
    /// How its colours become those of the parts.
    pub(super) color: HeaderColor,
    /// `None` where its rows are decoded to 8 bits a sample. Else they have 16 bits until their colours are converted, for which the decoder holds
    /// so many bytes more.
    pub(super) deep_bytes: Option<u64>,
    /// How much smaller the file is decoded than it is.
    pub(super) reduction: Reduction,
    /// What reading may take.
    pub(super) limits: ArtworkLimits,
    /// Bytes that the decoder of this file holds, apart from a constant.
    pub(super) decoder_bytes: u64,
    /// What the decoder of a JPEG file wants to know beforehand.
    pub(super) jpeg: JpegFacts,
}

/// How the colours of a file become those of the parts.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct HeaderColor {
    /// The space of the parts, where colours are converted.
    pub(super) space: Option<ColorSpace>,
    pub(super) change: ColorChange,
    /// Bytes of the tables of the file's profile.
    pub(super) profile_bytes: u64,
}

/// What the decoder of a JPEG file wants to know beforehand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct JpegFacts {
    /// Bytes of a pixel as it is decoded: 1 for grey, 3 for colours, 4 for inks that are not inverted.
    pub(super) channels: u8,
    /// Bytes of the file up to and with the end marker; behind it there may be anything.
    pub(super) file_bytes: u64,
    pub(super) progressive: bool,
    /// Whether the file can be decoded smaller than it is: one scan, and no inks. Several would save neither time nor memory.
    pub(super) is_reducible: bool,
    pub(super) metadata_bytes: u64,
    /// Whether inks are stored as what they leave of the light.
    pub(super) inverted: bool,
}

impl JpegFacts {
    /// Has inks handed out as they are, and not as red, green and blue.
    pub(super) fn keep_inks(&mut self) {
        self.channels = if self.channels == 1 { 1 } else { 4 };
    }
}

impl ArtworkHeader {
    /// Whether the file's colours are not those of the parts and have to be converted.
    #[must_use]
    pub fn is_converted(&self) -> bool {
        self.color.change.way != Way::Keep
    }

    /// Why the file's colour profile is not used, if it has one that is not.
    #[must_use]
    pub fn unused_profile(&self) -> Option<&'static str> {
        self.color.change.unused
    }

    /// Whether the file has inks of an unknown kind, which become colours by a formula.
    #[must_use]
    pub fn has_unknown_inks(&self) -> bool {
        self.color_mode == ColorMode::Cmyk && self.color.change.way != Way::Inks
    }

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
/// is no artwork that can be printed: of another format, damaged, or of a size beyond [`MAX_SIDE_PX`](crate::MAX_SIDE_PX),
/// [`ErrorKind::ArtworkLimit`](crate::ErrorKind::ArtworkLimit), and [`ErrorKind::MemoryLimit`](crate::ErrorKind::MemoryLimit) where
/// `budget` has no room for its colour profile.
pub(crate) fn probe(path: &Path, probing: &Probing<'_>) -> Result<ArtworkHeader> {
    probe_source(open(path)?, probing)
}

/// What a header is read with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Probing<'a> {
    pub(crate) limits: &'a ArtworkLimits,
    /// The space of the parts.
    pub(crate) space: &'a ColorSpace,
    pub(crate) budget: &'a MemoryBudget,
}

/// [Probes](probe) a file that may be damaged: one that says what it is, and of whose pixels something may be there, has a header.
///
/// # Errors
///
/// As for [`probe`].
pub(crate) fn probe_damaged(path: &Path, probing: &Probing<'_>) -> Result<ArtworkHeader> {
    probe_source(open(path)?.lenient(true), probing)
}

fn open(path: &Path) -> Result<Source> {
    // Most of a PNG file is skipped, so a large buffer would mostly read what nobody wants.
    Source::open(path, 1 << 10)
}

fn probe_source(mut source: Source, probing: &Probing<'_>) -> Result<ArtworkHeader> {
    let Probing { limits, .. } = *probing;
    let is_lenient = source.is_lenient();
    let path = source.path().to_owned();
    let mut start = [0; 512];
    let filled = source.read_up_to(&mut start)?;
    let start = &start[..filled];
    source.rewind()?;
    let mut header = match image::guess_format(start) {
        Ok(ImageFormat::Png) => png::probe(source, limits)?,
        Ok(ImageFormat::Jpeg) => jpeg::probe(source, limits)?,
        Ok(ImageFormat::WebP) => webp::probe(source, limits)?,
        Ok(ImageFormat::Tiff) => tiff::probe(source, limits)?,
        Ok(other) => {
            let name = other.to_mime_type().trim_start_matches("image/").trim_start_matches("x-").to_ascii_uppercase();
            return Err(source.damaged(format!("{name} is not supported: convert it to PNG")));
        }
        Err(_) if start.starts_with(b"II+\0") || start.starts_with(b"MM\0+") => tiff::probe(source, limits)?,
        Err(_) => return Err(source.damaged(describe(start))),
    };
    limits.check_size(header.size, &path)?;
    limits.check_frames(header.frames, &path)?;
    header.color = probe_color(open(&path)?.lenient(is_lenient), &header, probing)?;
    let ColorChange { way, by_tables, .. } = header.color.change;
    if way != Way::Pixels || by_tables {
        header.deep_bytes = None;
    }
    if way == Way::Inks {
        header.jpeg.keep_inks();
    }
    Ok(header)
}

/// Finds out how the colours of a file with this header become those of the parts.
fn probe_color(source: Source, header: &ArtworkHeader, probing: &Probing<'_>) -> Result<HeaderColor> {
    let tag = color_tag(source, header.format)?;
    let profile_bytes = tag.profile_bytes();
    let needed_bytes = if tag == ColorTag::Srgb { 0 } else { ColorTransform::<Rgba8>::memory_bytes(profile_bytes, header.color_mode) };
    let _charge = probing.budget.reserve(needed_bytes, "a colour profile")?;
    let change = ColorChange::of(&tag, header.color_mode, probing.space);
    let space = (change.way != Way::Keep).then(|| probing.space.clone());
    Ok(HeaderColor { space, change, profile_bytes })
}

/// What a file says about its colours.
pub(super) fn color_tag(source: Source, format: ArtworkFormat) -> Result<ColorTag> {
    match format {
        ArtworkFormat::Png => png::color_tag(source),
        ArtworkFormat::Jpeg => jpeg::color_tag(source),
        ArtworkFormat::WebP => webp::color_tag(source),
        ArtworkFormat::Tiff => tiff::color_tag(source),
    }
}

/// What a file looks like that is no image of pixels, with advice.
fn describe(start: &[u8]) -> &'static str {
    let text = start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(start).trim_ascii_start();
    let lower = text.to_ascii_lowercase();
    let holds = |tag: &[u8]| lower.windows(tag.len()).any(|window| window == tag);
    match start {
        [] => "an empty file: export it again",
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
    use super::super::testing;
    use super::*;

    #[test]
    fn what_is_no_artwork_is_named() {
        let cases: [(&[u8], &str); 9] = [
            (b"", "an empty file"),
            (b"GIF89a", "GIF is not supported"),
            (b"BM\x00\x00", "BMP is not supported"),
            (b"P6\n1 1\n255\n", "PORTABLE-ANYMAP is not supported"),
            (b"RIFF\x04\x00\x00\x00WAVE", "unknown and not supported"),
            (b"\xff\x00\x01\x02", "unknown and not supported: convert it to PNG"),
            (b"\xef\xbb\xbf<?xml version='1.0'?>\n<SVG>", "SVG is not supported"),
            (b"<!DOCTYPE html><p>", "a web page"),
            (b"not an image", "a text"),
        ];
        for (bytes, expected) in cases {
            let file = tempfile::NamedTempFile::new().unwrap();
            std::fs::write(file.path(), bytes).unwrap();
            let message = testing::header(file.path()).unwrap_err().to_string();
            assert!(message.contains(expected), "{message}");
        }
    }

    #[test]
    fn a_missing_file_and_a_folder_are_input_failures() {
        for path in [Path::new("/no/such/artwork.png"), Path::new("/")] {
            assert!(matches!(testing::header(path).unwrap_err().kind(), crate::ErrorKind::Io { .. }));
        }
    }
}
