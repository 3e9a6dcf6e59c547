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

    /// The profile for pixels of this kind.
    ///
    /// # Errors
    ///
    /// Why there is none.
    pub(super) fn profile(&self, mode: ColorMode) -> Result<ColorProfile, &'static str> {
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
        if [white, red, green, blue].iter().any(|[x, y]| *y <= 0.0 || x + y > 1.0) {
            return Err("its primaries are not possible");
        }
        let place = |[x, y]: [f64; 2]| Chromaticity::new(single(x), single(y));
        let primaries = ColorPrimaries { red: place(red), green: place(green), blue: place(blue) };
        profile.update_rgb_colorimetry(XyY { x: white[0], y: white[1], yb: 1.0 }, primaries);
    }
    if let Some(exponent) = exponent {
        let curve = Some(ToneReprCurve::Parametric(vec![single(exponent)]));
        (profile.red_trc, profile.green_trc, profile.blue_trc) = (curve.clone(), curve.clone(), curve);
    }
    Ok(profile)
}
