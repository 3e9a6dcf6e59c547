//! Samples of a TIFF row to straight RGBA.

use crate::pixel::Rgba8;

use super::super::convert::{Conversion, unprinted};
use super::super::depth::{Pixel, Rgba16, narrow, widen};
use super::{Alpha, Color, Image};

/// How the samples of a row become pixels.
#[derive(Debug)]
pub(super) enum Samples {
    /// As PNG has them, too.
    Plain(Conversion),
    /// Any other kind of 8 or 16 bits.
    Mixed(Mixed),
}

#[derive(Debug)]
pub(super) struct Mixed {
    color: Color,
    alpha: Alpha,
    /// Samples of a pixel, of which the last ones may say nothing about its colour.
    count: usize,
    wide: bool,
    big_endian: bool,
    /// Whether inks are left as they are, in the place of red, green, blue and alpha.
    keeps_inks: bool,
}

impl Samples {
    /// For an image whose palette, if it has one, is three bytes a colour.
    pub(super) fn new(image: &Image, palette: &[u8], keeps_inks: bool) -> Self {
        let Image { color, alpha, samples, bits, .. } = *image;
        if bits < 8 || color == Color::Palette {
            let colors = 1_u16 << bits;
            let grey = |nth: u16| {
                let value = nth * 255 / (colors - 1);
                let value = value.to_le_bytes()[0];
                [if color == (Color::Grey { inverted: true }) { 255 - value } else { value }; 3]
            };
            let greys: Vec<u8> = (0..colors).flat_map(grey).collect();
            let palette = if color == Color::Palette { palette } else { &greys };
            // At most 8.
            return Self::Plain(Conversion::from_palette(u8::try_from(bits).unwrap_or(8), palette, &[]));
        }
        match (color, alpha, samples, bits) {
            (Color::Grey { inverted: false }, Alpha::None, 1, 8) => Self::Plain(Conversion::Grey8),
            (Color::Grey { inverted: false }, Alpha::Straight, 2, 8) => Self::Plain(Conversion::GreyAlpha8),
            (Color::Rgb | Color::YCbCr, Alpha::None, 3, 8) => Self::Plain(Conversion::Rgb8 { key: None }),
            (Color::Rgb, Alpha::Straight, 4, 8) => Self::Plain(Conversion::Rgba8),
            (Color::Cmyk, Alpha::None, 4, 8) if !keeps_inks => Self::Plain(Conversion::Cmyk8),
            _ => {
                let (wide, big_endian) = (bits == 16, image.form.big_endian);
                Self::Mixed(Mixed { color, alpha, count: samples.into(), wide, big_endian, keeps_inks })
            }
        }
    }

    /// Converts a row: as many pixels as `out` holds.
    pub(super) fn convert<P: Pixel>(&self, samples: &[u8], out: &mut [P]) {
        match self {
            Self::Plain(conversion) => conversion.convert(samples, out),
            Self::Mixed(mixed) => mixed.convert(samples, out),
        }
    }
}

impl Mixed {
    fn convert<P: Pixel>(&self, samples: &[u8], out: &mut [P]) {
        let sample_bytes = if self.wide { 2 } else { 1 };
        for (pixel, out) in samples.chunks_exact(self.count * sample_bytes).zip(out) {
            let at = |nth: usize| match (self.wide, self.big_endian) {
                (false, _) => widen(pixel[nth]),
                (true, true) => u16::from_be_bytes([pixel[nth * 2], pixel[nth * 2 + 1]]),
                (true, false) => u16::from_le_bytes([pixel[nth * 2], pixel[nth * 2 + 1]]),
            };
            let channels = self.color.channels();
            let alpha = if self.alpha == Alpha::None { u16::MAX } else { at(channels) };
            let color = |nth: usize| match self.alpha {
                Alpha::Premultiplied => straight(at(nth), alpha),
                Alpha::None | Alpha::Straight => at(nth),
            };
            *out = match self.color {
                Color::Grey { inverted } => {
                    // Of what is printed black in white, alpha is premultiplied to the sample as it stands.
                    let value = color(0) ^ if inverted { u16::MAX } else { 0 };
                    P::of_16(Rgba16::new(value, value, value, alpha))
                }
                Color::Cmyk => {
                    let [c, m, y, k] = [0, 1, 2, 3].map(|nth| narrow(color(nth)));
                    let light = |ink| unprinted(ink, k);
                    P::of_8(if self.keeps_inks { Rgba8::new(c, m, y, k) } else { Rgba8::new(light(c), light(m), light(y), narrow(alpha)) })
                }
                Color::Rgb | Color::YCbCr | Color::Palette => P::of_16(Rgba16::new(color(0), color(1), color(2), alpha)),
            };
        }
    }
}

/// A premultiplied value without its alpha; more than alpha allows is full.
fn straight(value: u16, alpha: u16) -> u16 {
    let (value, alpha) = (u32::from(value), u32::from(alpha));
    if alpha == 0 {
        return 0;
    }
    u16::try_from((u64::from(value) * 65535 + u64::from(alpha / 2)) / u64::from(alpha)).unwrap_or(u16::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mixed(color: Color, alpha: Alpha, count: usize, wide: bool) -> Mixed {
        Mixed { color, alpha, count, wide, big_endian: false, keeps_inks: false }
    }

    fn one(mixed: &Mixed, samples: &[u8]) -> Rgba8 {
        let mut out = [Rgba8::TRANSPARENT];
        mixed.convert(samples, &mut out);
        out[0]
    }

    #[test]
    fn premultiplied_colours_come_back_within_a_half() {
        let rgba = mixed(Color::Rgb, Alpha::Premultiplied, 4, false);
        for alpha in 1..=255_u8 {
            for value in 0..=alpha {
                let expected = (f64::from(value) * 255.0 / f64::from(alpha)).round();
                let found = one(&rgba, &[value, alpha, 0, alpha]);
                assert!(
                    (f64::from(found.r) - expected).abs() <= 1.0 && found.g == 255 && found.a == alpha,
                    "{value} of {alpha}: {found:?}"
                );
            }
        }
        assert_eq!(one(&rgba, &[9, 9, 9, 0]), Rgba8::TRANSPARENT);
        assert_eq!(one(&rgba, &[200, 0, 0, 100]), Rgba8::new(255, 0, 0, 100));
    }

    #[test]
    fn what_is_no_colour_is_passed_over_and_what_is_inverted_is_turned() {
        assert_eq!(one(&mixed(Color::Rgb, Alpha::None, 5, false), &[1, 2, 3, 4, 5]), Rgba8::new(1, 2, 3, 255));
        assert_eq!(one(&mixed(Color::Grey { inverted: true }, Alpha::Straight, 2, false), &[55, 7]), Rgba8::new(200, 200, 200, 7));
        assert_eq!(one(&mixed(Color::Grey { inverted: false }, Alpha::None, 1, true), &[0x80, 0x7f]), Rgba8::new(127, 127, 127, 255));
        assert_eq!(one(&mixed(Color::Cmyk, Alpha::None, 5, false), &[255, 0, 0, 0, 9]), Rgba8::new(0, 255, 255, 255));
    }
}
