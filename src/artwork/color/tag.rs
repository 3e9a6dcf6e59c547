//! What a file says about its colours.

use moxcms::{Chromaticity, CicpColorPrimaries, CicpProfile, ColorPrimaries, ColorProfile, DataColorSpace, MatrixCoefficients};
use moxcms::{ToneReprCurve, TransferCharacteristics, XyY};
use sha2::{Digest, Sha256};

use super::ColorMode;

/// What a file says about its colours.
#[derive(Clone, Debug, Default, PartialEq)]
pub(in super::super) enum ColorTag {
    /// Nothing, or that they are sRGB.
    #[default]
    Srgb,
    /// An ICC profile (ICC.1:2022).
    Icc(Vec<u8>),
    /// Numbers of primaries and curve (ITU-T H.273).
    Cicp { primaries: u8, transfer: u8 },
    /// The exponent by which light is decoded, or sRGB's curve, and where the white, red, green and blue of full strength lie, x and y, or
    /// where they do in sRGB.
    Measured { exponent: Option<f64>, chromaticities: Option<[[f64; 2]; 4]> },
    /// A profile that cannot be read: why.
    Damaged(&'static str),
}

impl ColorTag {
    /// What tells tags apart.
    pub(super) fn digest(&self, mode: ColorMode) -> [u8; 32] {
        let hash = Sha256::new().chain_update(format!("{mode:?} "));
        match self {
            Self::Icc(bytes) => hash.chain_update(bytes),
            other => hash.chain_update(format!("{other:?}")),
        }
        .finalize()
        .into()
    }

    /// Bytes that the tables of an ICC profile take together, each one counted for every tag that it stands for: they are read as often.
    pub(in super::super) fn profile_bytes(&self) -> u64 {
        let Self::Icc(bytes) = self else { return 0 };
        // Behind the header of 128 bytes: the number of tags, and the name, place and size of each (ICC.1:2022, section 7.3).
        let tags = bytes.get(132..).unwrap_or_default().as_chunks::<12>().0;
        let count = bytes.get(128..132).and_then(|count| count.try_into().ok()).map_or(0, u32::from_be_bytes) as usize;
        let size = |&[_, _, _, _, _, _, _, _, a, b, c, d]: &[u8; 12]| u64::from(u32::from_be_bytes([a, b, c, d])).min(bytes.len() as u64);
        tags.iter().take(count).map(size).sum::<u64>().max(bytes.len() as u64)
    }

    /// The profile for pixels of this kind.
    ///
    /// # Errors
    ///
    /// Why there is none.
    pub(in super::super) fn profile(&self, mode: ColorMode) -> Result<ColorProfile, &'static str> {
        match *self {
            Self::Srgb => Ok(ColorProfile::new_srgb()),
            Self::Icc(ref bytes) => icc(bytes, mode),
            Self::Cicp { primaries, transfer } => cicp(primaries, transfer),
            Self::Measured { exponent, chromaticities } => measured(exponent, chromaticities),
            Self::Damaged(why) => Err(why),
        }
    }
}

fn icc(bytes: &[u8], mode: ColorMode) -> Result<ColorProfile, &'static str> {
    let profile = ColorProfile::new_from_slice(bytes).map_err(|_| "it is damaged or of an unknown kind")?;
    match (mode, profile.color_space) {
        // Many programs describe greys by a profile of colours.
        (ColorMode::Grey, DataColorSpace::Gray | DataColorSpace::Rgb)
        | (ColorMode::Rgb, DataColorSpace::Rgb)
        | (ColorMode::Cmyk, DataColorSpace::Cmyk) => Ok(profile),
        _ => Err("it is for another kind of pixels"),
    }
}

fn cicp(primaries: u8, transfer: u8) -> Result<ColorProfile, &'static str> {
    let unknown = "its numbers are unknown";
    let profile = ColorProfile::new_from_cicp(CicpProfile {
        color_primaries: CicpColorPrimaries::try_from(primaries).map_err(|_| unknown)?,
        transfer_characteristics: TransferCharacteristics::try_from(transfer).map_err(|_| unknown)?,
        matrix_coefficients: MatrixCoefficients::Identity,
        full_range: true,
    });
    if profile.is_matrix_shaper() { Ok(profile) } else { Err(unknown) }
}

fn measured(exponent: Option<f64>, chromaticities: Option<[[f64; 2]; 4]>) -> Result<ColorProfile, &'static str> {
    let mut profile = ColorProfile::new_srgb();
    profile.cicp = None;
    #[expect(clippy::cast_possible_truncation, reason = "a few digits are given")]
    let single = |value: f64| value as f32;
    if let Some([white, red, green, blue]) = chromaticities {
        if !are_possible(white, [red, green, blue]) {
            return Err("its primaries are not possible");
        }
        let place = |[x, y]: [f64; 2]| Chromaticity::new(single(x), single(y));
        let primaries = ColorPrimaries { red: place(red), green: place(green), blue: place(blue) };
        profile.update_rgb_colorimetry(XyY { x: white[0], y: white[1], yb: 1.0 }, primaries);
    }
    if let Some(exponent) = exponent {
        if !(0.1..=10.0).contains(&exponent) {
            return Err("its gamma is not possible");
        }
        let curve = Some(ToneReprCurve::Parametric(vec![single(exponent)]));
        (profile.red_trc, profile.green_trc, profile.blue_trc) = (curve.clone(), curve.clone(), curve);
    }
    Ok(profile)
}

/// Whether primaries make a triangle, and white lies in it.
fn are_possible(white: [f64; 2], [red, green, blue]: [[f64; 2]; 3]) -> bool {
    const LEAST: f64 = 1e-3;
    // Twice the area, above 0 where the corners go round counterclockwise.
    let area = |[ax, ay]: [f64; 2], [bx, by]: [f64; 2], [cx, cy]: [f64; 2]| (bx - ax) * (cy - ay) - (cx - ax) * (by - ay);
    let is_light = |[x, y]: [f64; 2]| x >= 0.0 && y > 0.0 && x + y <= 1.0;
    [white, red, green, blue].into_iter().all(is_light)
        && [area(red, green, blue), area(red, green, white), area(green, blue, white), area(blue, red, white)]
            .into_iter()
            .all(|a| a > LEAST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn primaries_that_are_not_possible_are_refused() {
        let (white, srgb) = ([0.3127, 0.329], [[0.64, 0.33], [0.3, 0.6], [0.15, 0.06]]);
        assert!(are_possible(white, srgb));
        assert!(!are_possible(white, [[0.3, 0.3]; 3]));
        assert!(!are_possible([0.6, 0.05], srgb));
        assert!(!are_possible(white, [[0.9, 0.33], srgb[1], srgb[2]]));
        assert!(measured(Some(0.01), None).is_err() && measured(Some(2.2), None).is_ok());
    }

    #[test]
    fn tables_that_tags_share_are_counted_for_each() {
        let mut icc = vec![0; 132 + 3 * 12 + 1000];
        icc[131] = 3;
        for tag in 0..3 {
            icc[132 + tag * 12 + 8..][..4].copy_from_slice(&1000_u32.to_be_bytes());
        }
        assert_eq!(ColorTag::Icc(icc).profile_bytes(), 3000);
        assert_eq!(ColorTag::Icc(vec![9; 50]).profile_bytes(), 50);
    }
}
