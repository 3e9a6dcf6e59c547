//! Rows of any colour type to rows of straight RGBA.

use crate::pixel::Rgba8;

use super::depth::{Pixel, Rgba16};

/// How the samples of a row become pixels.
///
/// Samples of 16 bits are in network byte order. A *key* is the one colour of an image without alpha that is transparent; it is compared
/// before samples are rounded.
#[derive(Clone, Debug)]
pub(super) enum Conversion {
    /// Pixels of 8 bits or less: each byte stands for `pixels.len() / 256` pixels, looked up.
    Table(Vec<Rgba8>),
    Grey8,
    Grey16 {
        key: Option<[u8; 2]>,
    },
    GreyAlpha8,
    GreyAlpha16,
    Rgb8 {
        key: Option<[u8; 3]>,
    },
    Rgb16 {
        key: Option<[u8; 6]>,
    },
    Rgba8,
    Rgba16,
    /// Cyan, magenta, yellow and black, 255 being full ink.
    Cmyk8,
    /// The same, left as they are in the place of red, green, blue and alpha, from samples that may be what the inks leave of the light, and
    /// may have the first three as luma and chroma (ITU-T T.871, section 7).
    Inks {
        inverted: bool,
        from_ycck: bool,
    },
}

impl Conversion {
    /// From indices of `depth` bits into a palette of three bytes a colour; `alpha` holds the alpha of the first colours, the others are
    /// opaque. An index beyond the palette is opaque black.
    pub(super) fn from_palette(depth: u8, palette: &[u8], alpha: &[u8]) -> Self {
        Self::table(depth, |index| match palette.as_chunks::<3>().0.get(usize::from(index)) {
            Some(&[r, g, b]) => Rgba8::new(r, g, b, alpha.get(usize::from(index)).copied().unwrap_or(255)),
            None => Rgba8::new(0, 0, 0, 255),
        })
    }

    /// From grey samples of `depth` bits.
    pub(super) fn from_grey(depth: u8, key: Option<[u16; 1]>) -> Self {
        match (depth, key) {
            (8, None) => Self::Grey8,
            (16, key) => Self::Grey16 { key: key.map(|[grey]| grey.to_be_bytes()) },
            (depth, key) => Self::table(depth, |sample| {
                // 255 is a multiple of the largest sample of 1, 2, 4 and 8 bits.
                let grey = sample * (255 / low_bits(depth));
                let opaque = key != Some([sample.into()]);
                Rgba8::new(grey, grey, grey, if opaque { 255 } else { 0 })
            }),
        }
    }

    /// From red, green and blue samples of `depth` bits, 8 or 16.
    pub(super) fn from_rgb(depth: u8, key: Option<[u16; 3]>) -> Self {
        match depth {
            // A key beyond 8 bits is no colour of the image.
            8 => Self::Rgb8 { key: key.and_then(|[r, g, b]| Some([u8::try_from(r).ok()?, u8::try_from(g).ok()?, u8::try_from(b).ok()?])) },
            _ => Self::Rgb16 { key: key.map(big_endian) },
        }
    }

    fn table(depth: u8, pixel: impl Fn(u8) -> Rgba8) -> Self {
        let unpack = |byte: u8| (0..8 / depth).rev().map(move |place| byte >> (place * depth) & low_bits(depth));
        Self::Table((0..=255).flat_map(unpack).map(pixel).collect())
    }

    /// Converts a row: as many pixels as `out` holds.
    pub(super) fn convert<P: Pixel>(&self, samples: &[u8], out: &mut [P]) {
        let of = |r, g, b, a| P::of_8(Rgba8::new(r, g, b, a));
        let of_16 = |[r, g, b, a]: [[u8; 2]; 4]| {
            let n = u16::from_be_bytes;
            P::of_16(Rgba16::new(n(r), n(g), n(b), n(a)))
        };
        match self {
            Self::Table(table) => match table.len() / 256 {
                8 => look_up::<8, _>(table, samples, out),
                4 => look_up::<4, _>(table, samples, out),
                2 => look_up::<2, _>(table, samples, out),
                _ => look_up::<1, _>(table, samples, out),
            },
            Self::Grey8 => each(samples, out, |&[v]| of(v, v, v, 255)),
            Self::Grey16 { key } => each(samples, out, |&v| of_16([v, v, v, [unless(*key, v); 2]])),
            Self::GreyAlpha8 => each(samples, out, |&[v, a]| of(v, v, v, a)),
            Self::GreyAlpha16 => each(samples, out, |&[v, w, a, b]| of_16([[v, w], [v, w], [v, w], [a, b]])),
            Self::Rgb8 { key: None } => each(samples, out, |&[r, g, b]| of(r, g, b, 255)),
            Self::Rgb8 { key } => each(samples, out, |&[r, g, b]| of(r, g, b, unless(*key, [r, g, b]))),
            Self::Rgb16 { key } => {
                each(samples, out, |&[r, s, g, h, b, c]| of_16([[r, s], [g, h], [b, c], [unless(*key, [r, s, g, h, b, c]); 2]]))
            }
            Self::Rgba8 => each(samples, out, |&[r, g, b, a]| of(r, g, b, a)),
            Self::Rgba16 => each(samples, out, |&[r, s, g, h, b, c, a, z]| of_16([[r, s], [g, h], [b, c], [a, z]])),
            Self::Cmyk8 => each(samples, out, |&[c, m, y, k]| of(unprinted(c, k), unprinted(m, k), unprinted(y, k), 255)),
            Self::Inks { inverted, from_ycck } => each(samples, out, |&inks| {
                let [c, m, y, k] = if *from_ycck { inks_of_ycck(inks) } else { inks };
                let sign = if *inverted { 255 } else { 0 };
                of(c ^ sign, m ^ sign, y ^ sign, k ^ sign)
            }),
        }
    }
}

/// The largest sample of `depth` bits, 1 to 8.
fn low_bits(depth: u8) -> u8 {
    u8::MAX >> (8 - depth)
}

fn big_endian([r, g, b]: [u16; 3]) -> [u8; 6] {
    let ([r, s], [g, h], [b, c]) = (r.to_be_bytes(), g.to_be_bytes(), b.to_be_bytes());
    [r, s, g, h, b, c]
}

/// The alpha of `sample` where the colour `key` is transparent.
fn unless<const BYTES: usize>(key: Option<[u8; BYTES]>, sample: [u8; BYTES]) -> u8 {
    if key == Some(sample) { 0 } else { 255 }
}

fn each<const BYTES: usize, P>(samples: &[u8], out: &mut [P], pixel: impl Fn(&[u8; BYTES]) -> P) {
    for (out, sample) in out.iter_mut().zip(samples.as_chunks::<BYTES>().0) {
        *out = pixel(sample);
    }
}

fn look_up<const PIXELS: usize, P: Pixel>(table: &[Rgba8], samples: &[u8], out: &mut [P]) {
    let (table, _) = table.as_chunks::<PIXELS>();
    let (whole, rest) = out.as_chunks_mut::<PIXELS>();
    for (out, &sample) in whole.iter_mut().zip(samples) {
        *out = table[usize::from(sample)].map(P::of_8);
    }
    if let Some(&sample) = samples.get(whole.len()) {
        rest.iter_mut().zip(table[usize::from(sample)]).for_each(|(out, pixel)| *out = P::of_8(pixel));
    }
}

/// Inks of luma, chroma and black: the colours that luma and chroma stand for, inverted.
fn inks_of_ycck([luma, blue, red, black]: [u8; 4]) -> [u8; 4] {
    let (luma, blue, red) = (f64::from(luma), f64::from(blue) - 128.0, f64::from(red) - 128.0);
    let rgb = [luma + 1.402 * red, luma - 0.344_136 * blue - 0.714_136 * red, luma + 1.772 * blue];
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 255")]
    let [c, m, y] = rgb.map(|light| 255 - light.round().clamp(0.0, 255.0) as u8);
    [c, m, y, black]
}

/// The light that an ink and the black leave over.
pub(super) fn unprinted(ink: u8, black: u8) -> u8 {
    let light = u16::from(255 - ink) * u16::from(255 - black);
    ((light + 127) / 255).to_le_bytes()[0]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn converted<const PIXELS: usize>(conversion: &Conversion, samples: &[u8]) -> [Rgba8; PIXELS] {
        let mut out = [Rgba8::TRANSPARENT; PIXELS];
        conversion.convert(samples, &mut out);
        out
    }

    #[test]
    fn a_transparent_colour_is_compared_before_rounding() {
        let conversion = Conversion::from_grey(16, Some([0x8000]));
        assert_eq!(converted(&conversion, &[0x80, 0, 0x80, 1]), [Rgba8::new(128, 128, 128, 0), Rgba8::new(128, 128, 128, 255)]);
        let conversion = Conversion::from_rgb(16, Some([1, 2, 3]));
        let [hit, miss] = converted(&conversion, &[0, 1, 0, 2, 0, 3, 0, 1, 0, 2, 0, 4]);
        assert_eq!((hit.a, miss.a), (0, 255));
        // No sample of 8 bits can equal it.
        let conversion = Conversion::from_rgb(8, Some([257, 2, 3]));
        assert_eq!(converted(&conversion, &[1, 2, 3]), [Rgba8::new(1, 2, 3, 255)]);
    }

    #[test]
    fn the_last_byte_of_a_row_may_hold_fewer_pixels() {
        let conversion = Conversion::from_palette(2, &[1, 2, 3, 4, 5, 6], &[9]);
        let (first, second, beyond) = (Rgba8::new(1, 2, 3, 9), Rgba8::new(4, 5, 6, 255), Rgba8::new(0, 0, 0, 255));
        assert_eq!(converted(&conversion, &[0b00_01_10_11, 0b01_00_00_00]), [first, second, beyond, beyond, second]);
    }
}
