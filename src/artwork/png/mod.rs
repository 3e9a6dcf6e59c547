//! PNG: what its chunks say (PNG specification, third edition).

mod chunks;
mod color;
mod reader;
mod unfilter;

use crate::error::Result;
use crate::geom::{MAX_SIDE_PX, PxSize};
use crate::pixel::Rgba8;

use super::depth::Rgba16;
use super::header::{ArtworkFormat, ArtworkHeader};
use super::source::Source;
use super::{ArtworkLimits, ColorMode};

use self::chunks::Chunks;
pub(super) use self::color::color_tag;
pub(super) use self::reader::{PngReader, memory_bytes};

/// The first eight bytes of every PNG file (section 5.2).
pub(super) const SIGNATURE: [u8; 8] = *b"\x89PNG\r\n\x1a\n";

/// A colour type (section 11.2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Color {
    Grey,
    Rgb,
    Palette,
    GreyAlpha,
    Rgba,
}

/// What the header chunk says (section 11.2.1), checked: only combinations that exist.
#[derive(Clone, Copy, Debug)]
struct Ihdr {
    size: PxSize,
    color: Color,
    /// Bits a sample: 1, 2, 4, 8 or 16.
    depth: u8,
    interlaced: bool,
}

impl Ihdr {
    fn parse(bytes: &[u8; 13], source: &Source) -> Result<Self> {
        let [w0, w1, w2, w3, h0, h1, h2, h3, depth, color, compression, filter, interlace] = *bytes;
        let (width, height) = (u32::from_be_bytes([w0, w1, w2, w3]), u32::from_be_bytes([h0, h1, h2, h3]));
        if width == 0 || height == 0 || width > MAX_SIDE_PX || height > MAX_SIDE_PX {
            return Err(source.damaged(format!("no PNG can be {width} × {height} px: export it again")));
        }
        let color = match (color, depth) {
            (0, 1 | 2 | 4 | 8 | 16) => Color::Grey,
            (2, 8 | 16) => Color::Rgb,
            (3, 1 | 2 | 4 | 8) => Color::Palette,
            (4, 8 | 16) => Color::GreyAlpha,
            (6, 8 | 16) => Color::Rgba,
            _ => return Err(source.damaged(format!("no PNG can be of colour type {color} with {depth} bits: export it again"))),
        };
        if compression != 0 || filter != 0 || interlace > 1 {
            return Err(source.damaged("its compression, filter or interlace method does not exist: export it again"));
        }
        Ok(Self { size: PxSize::new(width, height)?, color, depth, interlaced: interlace == 1 })
    }

    fn bits_per_pixel(self) -> u64 {
        let channels = match self.color {
            Color::Grey | Color::Palette => 1,
            Color::GreyAlpha => 2,
            Color::Rgb => 3,
            Color::Rgba => 4,
        };
        channels * u64::from(self.depth)
    }

    /// Bytes of a row of `width` pixels, without its filter byte (section 7.2).
    fn row_bytes(self, width: u32) -> u64 {
        // At most 2³¹ × 64 bits: far inside u64.
        (u64::from(width) * self.bits_per_pixel()).div_ceil(8)
    }
}

/// Walks over all chunks, reading none of the pixels.
pub(super) fn probe(source: Source, limits: &ArtworkLimits) -> Result<ArtworkHeader> {
    let mut chunks = Chunks::start(source)?;
    let ihdr = chunks.read_header()?;
    let (mut dpi, mut has_palette, mut has_key, mut frames) = (None, false, false, 1);
    let mut metadata_bytes = 0;
    let mut pixels = Pixels::Before;
    loop {
        let (kind, length) = match chunks.next() {
            // What was read of a damaged file is all that there is.
            Err(_) if pixels != Pixels::Before && chunks.source().is_lenient() => break,
            next => next?,
        };
        pixels = match (pixels, &kind) {
            (Pixels::Before | Pixels::Here, b"IDAT") => Pixels::Here,
            (Pixels::After, b"IDAT") => return Err(chunks.source().damaged("its pixels are in pieces: export it again")),
            (Pixels::Here, _) => Pixels::After,
            (before_or_after, _) => before_or_after,
        };
        if kind[0].is_ascii_lowercase() && !matches!(&kind, b"fdAT") {
            metadata_bytes += u64::from(length);
            limits.check_metadata(metadata_bytes, chunks.source().path())?;
        }
        match &kind {
            b"acTL" if length == 8 => {
                let mut bytes = [0; 8];
                chunks.read(&mut bytes)?;
                let [n0, n1, n2, n3, ..] = bytes;
                frames = u32::from_be_bytes([n0, n1, n2, n3]).max(1);
                continue;
            }
            b"pHYs" if pixels == Pixels::Before && length == 9 => {
                let mut bytes = [0; 9];
                chunks.read(&mut bytes)?;
                dpi = physical_dpi(bytes);
                continue;
            }
            b"PLTE" if pixels == Pixels::Before => has_palette = true,
            b"tRNS" if pixels == Pixels::Before => has_key = true,
            b"IEND" => {
                chunks.skip()?;
                break;
            }
            b"IDAT" | b"PLTE" => {}
            // An upper-case first letter: pictures cannot be understood without this chunk (section 5.4).
            [b'A'..=b'Z', ..] => {
                return Err(chunks.source().damaged(format!("it uses an unknown extension ({}): export it again", kind.escape_ascii())));
            }
            _ => {}
        }
        match chunks.skip() {
            Err(_) if pixels != Pixels::Before && chunks.source().is_lenient() => break,
            skipped => skipped?,
        }
    }
    if pixels == Pixels::Before {
        return Err(chunks.source().damaged("it has no pixels: export it again"));
    }
    if ihdr.color == Color::Palette && !has_palette {
        return Err(chunks.source().damaged("its palette is missing: export it again"));
    }
    Ok(ArtworkHeader {
        size: ihdr.size,
        format: ArtworkFormat::Png,
        may_be_transparent: has_key || matches!(ihdr.color, Color::GreyAlpha | Color::Rgba),
        dpi,
        frames,
        color_mode: match ihdr.color {
            Color::Grey | Color::GreyAlpha => ColorMode::Grey,
            Color::Rgb | Color::Palette | Color::Rgba => ColorMode::Rgb,
        },
        color: Default::default(),
        deep_bytes: (ihdr.depth == 16).then(|| reader::frame_bytes::<Rgba16>(ihdr) - reader::frame_bytes::<Rgba8>(ihdr)),
        file_bytes: chunks.source().length_bytes(),
        damage: None,
        orientation: Default::default(),
        reduction: Default::default(),
        limits: *limits,
        fingerprint: chunks.fingerprint()?,
        decoder_bytes: reader::decoder_bytes(ihdr),
        jpeg: Default::default(),
    })
}

/// Where a walk over the chunks is, as seen from the pixels, which lie in one run of IDAT chunks (section 5.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pixels {
    Before,
    Here,
    After,
}

/// Pixels per inch from a pHYs chunk (section 11.3.4.3), where its unit is the metre.
fn physical_dpi([x0, x1, x2, x3, y0, y1, y2, y3, unit]: [u8; 9]) -> Option<(f64, f64)> {
    let [x, y] = [[x0, x1, x2, x3], [y0, y1, y2, y3]].map(|bytes| f64::from(u32::from_be_bytes(bytes)) * 0.0254);
    (unit == 1 && x > 0.0 && y > 0.0).then_some((x, y))
}
