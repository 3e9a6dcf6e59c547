//! The pixel convention of the whole crate.

use bytemuck::{Pod, Zeroable};

/// One pixel: red, green, blue and alpha, 8 bits each, sRGB-encoded, with **straight** alpha (colour is not multiplied by alpha).
///
/// This is the byte order and meaning of PNG colour type 6 ([PNG specification], section 6.1), so a row of `Rgba8` is a row of the
/// output file. Premultiplied values exist only inside resampling and [blending](Rgba8::over).
///
/// [PNG specification]: https://www.w3.org/TR/png-3/
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Pod, Zeroable)]
#[repr(C)]
pub struct Rgba8 {
    /// Red, 0..=255.
    pub r: u8,
    /// Green, 0..=255.
    pub g: u8,
    /// Blue, 0..=255.
    pub b: u8,
    /// Alpha: 0 is fully transparent, 255 opaque.
    pub a: u8,
}

impl Rgba8 {
    /// The fully transparent pixel of an empty sheet: all four channels zero.
    pub const TRANSPARENT: Self = Self::new(0, 0, 0, 0);

    /// Size of a pixel in memory and in an RGBA file.
    pub const BYTES: usize = 4;

    /// A pixel from its channels.
    #[must_use]
    pub const fn new(r: u8, g: u8, b: u8, a: u8) -> Self {
        Self { r, g, b, a }
    }

    /// The largest difference of two colours in one channel, whatever their alpha.
    pub(crate) fn color_distance(self, other: Self) -> u8 {
        self.r.abs_diff(other.r).max(self.g.abs_diff(other.g)).max(self.b.abs_diff(other.b))
    }

    /// Composites `self` over `below` with the *over* operator of Porter and Duff (“Compositing Digital Images”, SIGGRAPH 1984),
    /// both with straight alpha.
    ///
    /// The result is the exact value rounded to nearest. Where either pixel is fully transparent the other one comes back unchanged, and an
    /// opaque `self` hides `below` completely, so that drawing onto an empty sheet is a copy.
    #[must_use]
    pub fn over(self, below: Self) -> Self {
        match (self.a, below.a) {
            (255, _) | (_, 0) => self,
            (0, _) => below,
            (top, bottom) => {
                // Everything is scaled by 255²: `alpha` is at most 255², a colour sum at most 255³, both fit u32.
                let top = u32::from(top) * 255;
                let bottom = u32::from(bottom) * (255 - u32::from(self.a));
                let alpha = top + bottom;
                let mix = |over: u8, under: u8| narrow((u32::from(over) * top + u32::from(under) * bottom + alpha / 2) / alpha);
                Self::new(mix(self.r, below.r), mix(self.g, below.g), mix(self.b, below.b), narrow((alpha + 127) / 255))
            }
        }
    }
}

/// The low byte of a value that the caller's arithmetic keeps within 0..=255.
fn narrow(value: u32) -> u8 {
    debug_assert!(value <= 255);
    value.to_le_bytes()[0]
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn over_is_the_real_valued_formula_rounded(top: [u8; 4], bottom: [u8; 4]) {
            let [top, bottom]: [Rgba8; 2] = bytemuck::cast([top, bottom]);
            let (at, ab) = (f64::from(top.a) / 255.0, f64::from(bottom.a) / 255.0);
            let alpha = at + ab * (1.0 - at);
            let got = top.over(bottom);
            prop_assert!((f64::from(got.a) - alpha * 255.0).abs() <= 0.501);
            if top.a > 0 && bottom.a > 0 {
                let red = (f64::from(top.r) * at + f64::from(bottom.r) * ab * (1.0 - at)) / alpha;
                prop_assert!((f64::from(got.r) - red).abs() <= 0.501);
            }
        }

        #[test]
        fn over_an_empty_sheet_is_a_copy(pixel: [u8; 4]) {
            let pixel: Rgba8 = bytemuck::cast(pixel);
            prop_assert_eq!(pixel.over(Rgba8::TRANSPARENT), pixel);
        }
    }
}
