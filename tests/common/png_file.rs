//! PNG files of every kind, written byte by byte.

use std::io::Write;

use super::Picture;

/// How a picture's pixels are stored: colour type, bits a sample, and whether there is a `tRNS` chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PngKind {
    Rgba8,
    Rgba16,
    Rgb8,
    /// With a transparent colour.
    Rgb8Key,
    Rgb16,
    Grey(u8),
    /// With a transparent value.
    GreyKey(u8),
    GreyAlpha8,
    GreyAlpha16,
    /// Colours that depend on the picture's red only.
    Palette(u8),
    /// The same, some of them translucent.
    PaletteAlpha(u8),
}

impl PngKind {
    pub(crate) const ALL: [Self; 21] = [
        Self::Rgba8,
        Self::Rgba16,
        Self::Rgb8,
        Self::Rgb8Key,
        Self::Rgb16,
        Self::Grey(1),
        Self::Grey(2),
        Self::Grey(4),
        Self::Grey(8),
        Self::Grey(16),
        Self::GreyKey(2),
        Self::GreyKey(8),
        Self::GreyKey(16),
        Self::GreyAlpha8,
        Self::GreyAlpha16,
        Self::Palette(1),
        Self::Palette(4),
        Self::Palette(8),
        Self::PaletteAlpha(1),
        Self::PaletteAlpha(4),
        Self::PaletteAlpha(8),
    ];

    fn color_type(self) -> u8 {
        match self {
            Self::Grey(_) | Self::GreyKey(_) => 0,
            Self::Rgb8 | Self::Rgb8Key | Self::Rgb16 => 2,
            Self::Palette(_) | Self::PaletteAlpha(_) => 3,
            Self::GreyAlpha8 | Self::GreyAlpha16 => 4,
            Self::Rgba8 | Self::Rgba16 => 6,
        }
    }

    fn bits(self) -> u8 {
        match self {
            Self::Rgba8 | Self::Rgb8 | Self::Rgb8Key | Self::GreyAlpha8 => 8,
            Self::Rgba16 | Self::Rgb16 | Self::GreyAlpha16 => 16,
            Self::Grey(bits) | Self::GreyKey(bits) | Self::Palette(bits) | Self::PaletteAlpha(bits) => bits,
        }
    }

    /// A pixel's samples.
    fn samples(self, picture: &Picture, x: u32, y: u32) -> Vec<u16> {
        let pixel = picture.at(x, y);
        let scaled = |value: u8| match self.bits() {
            // The low byte is not the high one, so that cutting and rounding differ.
            16 => u16::from(value) << 8 | u16::from(value.wrapping_mul(37).wrapping_add(x.to_le_bytes()[0])),
            bits => u16::from(value >> (8 - bits)),
        };
        // Fully transparent and opaque stay what they are.
        let alpha =
            |value: u8| if matches!(value, 0 | 255) { u16::from(value) * if self.bits() == 16 { 257 } else { 1 } } else { scaled(value) };
        match self.color_type() {
            0 | 3 => vec![scaled(pixel.r)],
            2 => vec![scaled(pixel.r), scaled(pixel.g), scaled(pixel.b)],
            4 => vec![scaled(pixel.r), alpha(pixel.a)],
            _ => vec![scaled(pixel.r), scaled(pixel.g), scaled(pixel.b), alpha(pixel.a)],
        }
    }

    /// What the first pixel of `picture` has, as the value that is transparent.
    fn transparency(self, picture: &Picture) -> Option<Vec<u8>> {
        let key = || self.samples(picture, 0, 0).into_iter().flat_map(u16::to_be_bytes).collect();
        match self {
            Self::Rgb8Key | Self::GreyKey(_) => Some(key()),
            // Fewer entries than colours: the rest is opaque.
            Self::PaletteAlpha(bits) => Some((0..(1_u16 << bits) - 1).map(|index| [128, 255, 0, 7][usize::from(index % 4)]).collect()),
            _ => None,
        }
    }

    fn palette(self) -> Option<Vec<u8>> {
        let colour = |index: u8| [index.wrapping_mul(91), 255 - index, index.wrapping_mul(17).wrapping_add(40)];
        (self.color_type() == 3).then(|| (0..1_u32 << self.bits()).flat_map(|index| colour(index.to_le_bytes()[0])).collect())
    }
}

/// The bytes of a PNG file.
pub(crate) fn png_bytes(picture: &Picture, kind: PngKind, interlaced: bool) -> Vec<u8> {
    png_bytes_with(picture, kind, interlaced, &[])
}

/// The same, with more chunks before the pixels, such as `pHYs`.
pub(crate) fn png_bytes_with(picture: &Picture, kind: PngKind, interlaced: bool, more: &[([u8; 4], &[u8])]) -> Vec<u8> {
    const ADAM7: [(usize, usize, u32, u32); 7] =
        [(8, 8, 0, 0), (8, 8, 4, 0), (4, 8, 0, 4), (4, 4, 2, 0), (2, 4, 0, 2), (2, 2, 1, 0), (1, 2, 0, 1)];
    let passes = if interlaced { &ADAM7[..] } else { &[(1, 1, 0, 0)] };
    let mut rows = Vec::new();
    for &(across, down, left, top) in passes.iter().filter(|pass| pass.2 < picture.width) {
        for y in (top..picture.height).step_by(down) {
            let samples: Vec<u16> = (left..picture.width).step_by(across).flat_map(|x| kind.samples(picture, x, y)).collect();
            rows.push(0);
            rows.extend(packed(&samples, kind.bits()));
        }
    }
    let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
    zlib.write_all(&rows).unwrap();

    let mut ihdr = [picture.width.to_be_bytes(), picture.height.to_be_bytes()].concat();
    ihdr.extend([kind.bits(), kind.color_type(), 0, 0, interlaced.into()]);
    let mut bytes = b"\x89PNG\r\n\x1a\n".to_vec();
    bytes.extend(chunk(*b"IHDR", &ihdr));
    more.iter().for_each(|&(name, data)| bytes.extend(chunk(name, data)));
    kind.palette().iter().for_each(|data| bytes.extend(chunk(*b"PLTE", data)));
    kind.transparency(picture).iter().for_each(|data| bytes.extend(chunk(*b"tRNS", data)));
    bytes.extend(chunk(*b"IDAT", &zlib.finish().unwrap()));
    bytes.extend(chunk(*b"IEND", &[]));
    bytes
}

/// A chunk with its length and CRC.
pub(crate) fn chunk(name: [u8; 4], data: &[u8]) -> Vec<u8> {
    let checked = [&name, data].concat();
    let length = u32::try_from(data.len()).unwrap().to_be_bytes();
    [&length[..], &checked, &crc32fast::hash(&checked).to_be_bytes()].concat()
}

/// Samples of `bits` bits each, the first in the highest bits, filled up to a byte.
fn packed(samples: &[u16], bits: u8) -> Vec<u8> {
    match bits {
        16 => samples.iter().flat_map(|sample| sample.to_be_bytes()).collect(),
        8 => samples.iter().map(|sample| sample.to_le_bytes()[0]).collect(),
        _ => {
            let pack = |group: &[u16]| {
                (0..8 / bits).fold(0, |byte, nth| byte << bits | group.get(usize::from(nth)).map_or(0, |sample| sample.to_le_bytes()[0]))
            };
            samples.chunks(usize::from(8 / bits)).map(pack).collect()
        }
    }
}
