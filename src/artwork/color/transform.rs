//! From the colours of a file to those of the parts.

use std::fmt;
use std::sync::Arc;

use moxcms::{ColorProfile, DataColorSpace, Layout, RenderingIntent, ToneReprCurve, TransformExecutor, TransformOptions};

use super::super::depth::Pixel;
use super::gamut::Gamut;
use super::{ColorMode, ColorSpace, ColorTag};
use crate::job::Intent;
use crate::pixel::Rgba8;

/// What becomes of a file's colours.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(in super::super) struct ColorChange {
    pub(in super::super) way: Way,
    /// Whether tables say what they look like, which the library reads with 8 bits a sample.
    pub(in super::super) by_tables: bool,
    /// Why the file's profile is not used.
    pub(in super::super) unused: Option<&'static str>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(in super::super) enum Way {
    /// They are those of the parts.
    #[default]
    Keep,
    /// Pixels are converted.
    Pixels,
    /// Inks are converted, which come in the place of red, green, blue and alpha.
    Inks,
}

impl ColorChange {
    /// What becomes of the colours of a file of this kind.
    pub(in super::super) fn of(tag: &ColorTag, mode: ColorMode, space: &ColorSpace) -> Self {
        let is_the_same = match (tag, space.icc()) {
            (ColorTag::Srgb, None) => true,
            (ColorTag::Icc(bytes), Some(icc)) => bytes[..] == icc[..],
            _ => false,
        };
        if is_the_same {
            return Self::default();
        }
        space.change(tag.digest(mode), || {
            let profile = tag.profile(mode);
            let unused = profile.as_ref().err().copied();
            let source = profile.unwrap_or_else(|_| ColorProfile::new_srgb());
            let transform = ColorTransform::<Rgba8>::between(&source, space).map(|(transform, _)| transform);
            // A profile that the library cannot use is none.
            let unused = unused.or(transform.is_none().then_some("it is of a kind that cannot be used"));
            let way = match transform {
                None => Way::Keep,
                Some(transform) if transform.from_inks => Way::Inks,
                Some(transform) if transform.changes_anything() => Way::Pixels,
                Some(_) => Way::Keep,
            };
            Self { way, by_tables: has_tables(&source), unused }
        })
    }
}

/// Converts rows of pixels.
///
/// # Memory
///
/// [`ColorTransform::memory_bytes`].
pub(in super::super) struct ColorTransform<P: Pixel> {
    executor: Executor<P>,
    from_inks: bool,
    /// Where colours that the parts cannot show are counted; none for greys, which every space has.
    gamut: Option<Gamut>,
}

enum Executor<P: Pixel> {
    /// Four samples a pixel.
    Pixels(Arc<dyn TransformExecutor<P::Sample> + Send + Sync>),
    /// Of pixels that are grey, by their red.
    Greys(Vec<Rgba8>),
}

impl<P: Pixel> ColorTransform<P> {
    /// The conversion from the colours that `tag` means, or from sRGB where it cannot be used; `None` where the library has none.
    pub(super) fn new(tag: &ColorTag, mode: ColorMode, space: &ColorSpace) -> Option<Self> {
        Self::of_profile(&tag.profile(mode).unwrap_or_else(|_| ColorProfile::new_srgb()), space)
    }

    fn of_profile(source: &ColorProfile, space: &ColorSpace) -> Option<Self> {
        let (transform, target) = Self::between(source, space)?;
        let there = |from: &[Rgba8], to: &mut [Rgba8]| {
            let from: Vec<P> = from.iter().copied().map(P::of_8).collect();
            transform.convert(&from, to);
        };
        let gamut = match &transform.executor {
            Executor::Pixels(_) => Gamut::new(source, &target, there, space.options()),
            Executor::Greys(_) => None,
        };
        Some(Self { gamut, ..transform })
    }

    /// The conversion alone, and the profile that it leads to.
    fn between(source: &ColorProfile, space: &ColorSpace) -> Option<(Self, ColorProfile)> {
        let from_inks = source.color_space == DataColorSpace::Cmyk;
        let (target, options) = (space.profile(), space.options());
        // Of profiles by primaries and curves, black is no light at all.
        let is_compensated = space.intent() == Intent::Relative && has_tables(source);
        let lifted = is_compensated.then(|| black_light(source, options)).flatten().and_then(|light| lifted(target, light));
        let target = lifted.unwrap_or_else(|| target.clone());
        let executor = if source.color_space == DataColorSpace::Gray {
            let transform = P::executor(source, Layout::Gray, &target, options)?;
            let greys = P::all_samples();
            let mut pixels = vec![P::default(); greys.len()];
            transform.transform(&greys, bytemuck::cast_slice_mut(&mut pixels)).ok()?;
            Executor::Greys(pixels.into_iter().map(P::rounded).collect())
        } else {
            Executor::Pixels(P::executor(source, Layout::Rgba, &target, options)?)
        };
        Some((Self { executor, from_inks, gamut: None }, target))
    }

    /// The most bytes that a transform and its making hold, for a file whose profile has tables of so many bytes: the profile, whose bytes are
    /// read as floating-point numbers, tables of 17⁴ inks or 33³ colours, and for each channel those of all its samples.
    pub(in super::super) fn memory_bytes(profile_bytes: u64, mode: ColorMode) -> u64 {
        4 * profile_bytes + P::TABLE_BYTES + if mode == ColorMode::Cmyk { 5 << 20 } else { 2 << 20 }
    }

    /// Converts a row of pixels, or of inks in their place, which are opaque.
    pub(super) fn convert(&self, from: &[P], to: &mut [Rgba8]) {
        match &self.executor {
            Executor::Pixels(transform) => {
                let mut converted = [P::default(); AT_ONCE];
                for (from, to) in from.chunks(AT_ONCE).zip(to.chunks_mut(AT_ONCE)) {
                    let converted = &mut converted[..from.len()];
                    let done = transform.transform(bytemuck::cast_slice(from), bytemuck::cast_slice_mut(converted));
                    debug_assert!(done.is_ok(), "rows of one length");
                    to.iter_mut().zip(converted).for_each(|(to, converted)| *to = converted.rounded());
                }
            }
            Executor::Greys(pixels) => to.iter_mut().zip(from).for_each(|(to, from)| *to = pixels[from.red()]),
        }
        if self.from_inks {
            to.iter_mut().for_each(|pixel| pixel.a = u8::MAX);
        } else {
            to.iter_mut().zip(from).for_each(|(to, from)| to.a = from.rounded().a);
        }
    }

    /// The number of visible pixels in a row, not yet converted, and of those whose colours the parts cannot show.
    pub(super) fn count_beyond(&self, row: &[P]) -> (u64, u64) {
        self.gamut.as_ref().map_or((0, 0), |gamut| gamut.count(row.iter().map(|pixel| pixel.rounded())))
    }
}

impl ColorTransform<Rgba8> {
    /// Whether any colour moves by more than rounding does.
    fn changes_anything(&self) -> bool {
        if let Executor::Greys(pixels) = &self.executor {
            return (0..=u8::MAX).zip(pixels).any(|(grey, to)| Rgba8::new(grey, grey, grey, 255).color_distance(*to) > 1);
        }
        let steps = || (0..=255).step_by(15);
        let colors: Vec<Rgba8> = steps().flat_map(|r| steps().flat_map(move |g| steps().map(move |b| Rgba8::new(r, g, b, 255)))).collect();
        let mut converted = vec![Rgba8::TRANSPARENT; colors.len()];
        self.convert(&colors, &mut converted);
        colors.iter().zip(&converted).any(|(from, to)| from.color_distance(*to) > 1)
    }
}

/// How many pixels are converted at once, before they are rounded: they stay in the processor's cache.
const AT_ONCE: usize = 256;

/// Whether tables say what the colours of a profile look like, and not primaries and curves.
fn has_tables(profile: &ColorProfile) -> bool {
    [&profile.lut_a_to_b_perceptual, &profile.lut_a_to_b_colorimetric, &profile.lut_a_to_b_saturation].iter().any(|lut| lut.is_some())
}

/// How much light the darkest colour of a profile reflects, 0 to 1, beside its white: that of zero in each channel or, where the profile is
/// one of inks, of those which its perceptual tables print black with.
fn black_light(profile: &ColorProfile, options: TransformOptions) -> Option<f64> {
    let mut black = [0.0, 0.0, 0.0, 1.0];
    if profile.color_space == DataColorSpace::Cmyk {
        let perceptual = TransformOptions { rendering_intent: RenderingIntent::Perceptual, ..options };
        let to_inks = ColorProfile::new_srgb().create_transform_f32(Layout::Rgb, profile, Layout::Rgba, perceptual).ok()?;
        to_inks.transform(&[0.0; 3], &mut black).ok()?;
    }
    let mut linear = ColorProfile::new_srgb();
    linear.cicp = None;
    for curve in [&mut linear.red_trc, &mut linear.green_trc, &mut linear.blue_trc] {
        *curve = Some(ToneReprCurve::Lut(Vec::new()));
    }
    let to_light = profile.create_transform_f32(Layout::Rgba, &linear, Layout::Rgba, options).ok()?;
    let mut light = [0.0; 4];
    to_light.transform(&black, &mut light).ok()?;
    let luminance = [linear.red_colorant.y, linear.green_colorant.y, linear.blue_colorant.y];
    let light: f64 = light[..3].iter().zip(luminance).map(|(&light, luminance)| f64::from(light) * luminance).sum();
    // No black is lighter than the middle between black and white, L* 50.
    Some(light.clamp(0.0, 0.184))
}

/// A profile whose black reflects so much `light`: what a source's black becomes is then encoded as this one's own. In linear light black
/// point compensation (Adobe Systems, “Adobe Systems' Implementation of Black Point Compensation”, 2006) scales all colours towards white,
/// which is 1 in each channel: it is the same as lifting the curves by which the target decodes light.
fn lifted(profile: &ColorProfile, light: f64) -> Option<ColorProfile> {
    const STEPS: u16 = 4095;
    let mut lifted = profile.clone();
    lifted.cicp = None;
    for curve in [&mut lifted.red_trc, &mut lifted.green_trc, &mut lifted.blue_trc] {
        let decode = curve.as_ref()?.make_linear_evaluator().ok()?;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 65535")]
        let lift = |step: u16| {
            let decoded = f64::from(decode.evaluate_value(f32::from(step) / f32::from(STEPS))).clamp(0.0, 1.0);
            ((light + (1.0 - light) * decoded) * 65535.0).round() as u16
        };
        *curve = Some(ToneReprCurve::Lut((0..=STEPS).map(lift).collect()));
    }
    Some(lifted)
}

impl<P: Pixel> fmt::Debug for ColorTransform<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ColorTransform").field("from_inks", &self.from_inks).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use moxcms::{LutDataType, LutStore, LutType, LutWarehouse, Matrix3d};

    use super::super::super::depth::Rgba16;
    use super::*;

    fn converted(tag: &ColorTag, mode: ColorMode, space: &ColorSpace, pixel: Rgba8) -> Rgba8 {
        let mut out = [Rgba8::TRANSPARENT];
        ColorTransform::new(tag, mode, space).unwrap().convert(&[pixel], &mut out);
        out[0]
    }

    #[test]
    fn only_what_moves_is_converted() {
        let space = ColorSpace::srgb(Intent::Relative);
        let way = |tag: &ColorTag, mode| ColorChange::of(tag, mode, &space);
        let icc = |profile: &ColorProfile| ColorTag::Icc(profile.encode().unwrap());
        let keep = ColorChange::default();
        assert_eq!(way(&ColorTag::Srgb, ColorMode::Rgb), keep);
        assert_eq!(way(&icc(&ColorProfile::new_srgb()), ColorMode::Rgb), keep);
        assert_eq!(way(&ColorTag::Cicp { primaries: 1, transfer: 13 }, ColorMode::Rgb), keep);
        let adobe = icc(&ColorProfile::new_adobe_rgb());
        assert_eq!(way(&adobe, ColorMode::Rgb), ColorChange { way: Way::Pixels, ..keep });
        assert_eq!(way(&icc(&dull(DataColorSpace::Rgb)), ColorMode::Rgb), ColorChange { way: Way::Pixels, by_tables: true, ..keep });
        assert_eq!(way(&adobe, ColorMode::Cmyk), ColorChange { unused: Some("it is for another kind of pixels"), ..keep });
        let damaged = ColorTag::Icc(vec![7; 200]);
        assert_eq!(way(&damaged, ColorMode::Rgb).unused, Some("it is damaged or of an unknown kind"));
    }

    #[test]
    fn colours_arrive_where_they_should() {
        let space = ColorSpace::srgb(Intent::Relative);
        let adobe = ColorTag::Icc(ColorProfile::new_adobe_rgb().encode().unwrap());
        // By the formulas of Adobe RGB (1998), section 4.3, and IEC 61966-2-1.
        let soft = converted(&adobe, ColorMode::Rgb, &space, Rgba8::new(150, 120, 90, 77));
        assert!(soft.r.abs_diff(162) <= 1 && soft.g.abs_diff(121) <= 1 && soft.b.abs_diff(88) <= 1 && soft.a == 77, "{soft:?}");
        let gamma = ColorTag::Measured { exponent: Some(1.0), chromaticities: None };
        assert_eq!(converted(&gamma, ColorMode::Rgb, &space, Rgba8::new(128, 0, 255, 255)), Rgba8::new(188, 0, 255, 255));
        let grey = ColorTag::Icc(ColorProfile::new_gray_with_gamma(1.0).encode().unwrap());
        assert_eq!(converted(&grey, ColorMode::Grey, &space, Rgba8::new(128, 128, 128, 9)), Rgba8::new(188, 188, 188, 9));
    }

    /// In linear light the darkest shades of sRGB lie closer together than the steps of 8 bits.
    #[test]
    fn samples_of_sixteen_bits_are_rounded_after_the_conversion() {
        let linear = ColorTag::Measured { exponent: Some(1.0), chromaticities: None };
        let space = ColorSpace::srgb(Intent::Relative);
        for mode in [ColorMode::Rgb, ColorMode::Grey] {
            let transform = ColorTransform::<Rgba16>::new(&linear, mode, &space).unwrap();
            let row: Vec<Rgba16> = (0..=u16::MAX).step_by(37).map(|value| Rgba16::new(value, value, value, 300)).collect();
            let mut found = vec![Rgba8::TRANSPARENT; row.len()];
            transform.convert(&row, &mut found);
            for (from, to) in row.iter().zip(&found) {
                // IEC 61966-2-1.
                let light = f64::from(from.r) / 65535.0;
                let encoded = if light <= 0.003_130_8 { 12.92 * light } else { 1.055 * light.powf(1.0 / 2.4) - 0.055 };
                assert!((f64::from(to.r) - 255.0 * encoded).abs() < 0.7 && to.a == 1, "{from:?} {to:?}");
            }
            assert!(found.windows(2).all(|pair| pair[1].r - pair[0].r <= 2), "no steps");
        }
    }

    /// A table of a profile, by its values at all corners of its inputs.
    fn table(inputs: u8, corners: &[u16]) -> Option<LutWarehouse> {
        let outputs = u8::try_from(corners.len() >> inputs).unwrap();
        let line = |channels: u8| LutStore::Store16([0, u16::MAX].repeat(channels.into()));
        Some(LutWarehouse::Lut(LutDataType {
            num_input_channels: inputs,
            num_output_channels: outputs,
            num_clut_grid_points: 2,
            matrix: Matrix3d::IDENTITY,
            num_input_table_entries: 2,
            num_output_table_entries: 2,
            input_table: line(inputs),
            clut_table: LutStore::Store16(corners.to_vec()),
            output_table: line(outputs),
            lut_type: LutType::Lut16,
        }))
    }

    /// A profile by tables whose black is that of L* 20.
    fn dull(space: DataColorSpace) -> ColorProfile {
        // Lab in 16 bits: L* 100 is 65535, a* and b* 0 are 0x8080.
        let lab = |dark: u32, all: u32| [u16::try_from(65535 - (65535 - 13107) / all * dark).unwrap(), 0x8080, 0x8080];
        let mut profile = ColorProfile::new_srgb();
        (profile.color_space, profile.pcs, profile.cicp) = (space, DataColorSpace::Lab, None);
        let is_of_inks = space == DataColorSpace::Cmyk;
        let corners: Vec<u16> = match is_of_inks {
            true => (0_u32..16).flat_map(|inks| lab(inks.count_ones(), 4)).collect(),
            false => (0_u32..8).flat_map(|light| lab(3 - light.count_ones(), 3)).collect(),
        };
        let there = table(if is_of_inks { 4 } else { 3 }, &corners);
        (profile.lut_a_to_b_perceptual, profile.lut_a_to_b_colorimetric) = (there.clone(), there);
        if is_of_inks {
            // L* is the first input: black is printed with all inks, whatever a* and b* are.
            profile.lut_b_to_a_perceptual = table(3, &[[u16::MAX; 16], [0; 16]].concat());
        }
        profile
    }

    #[test]
    fn the_black_of_a_profile_with_tables_is_compensated() {
        for (space, black, white) in [
            (DataColorSpace::Rgb, Rgba8::new(0, 0, 0, 255), Rgba8::new(255, 255, 255, 255)),
            (DataColorSpace::Cmyk, Rgba8::new(255, 255, 255, 255), Rgba8::TRANSPARENT),
        ] {
            let printed = |intent| {
                let transform = ColorTransform::<Rgba8>::of_profile(&dull(space), &ColorSpace::srgb(intent)).unwrap();
                // What is compensated is not lost.
                assert_eq!(transform.count_beyond(&[black, white]), (2, 0));
                let mut out = [Rgba8::TRANSPARENT; 2];
                transform.convert(&[black, white], &mut out);
                assert!(out[1].color_distance(Rgba8::new(255, 255, 255, 255)) <= 2, "{out:?}");
                out[0].r
            };
            assert!(printed(Intent::Relative) <= 2, "{space:?}: {}", printed(Intent::Relative));
            // sRGB has grey 48 for L* 20.
            assert!(printed(Intent::Perceptual).abs_diff(48) <= 2);
        }
    }

    #[test]
    fn a_lifted_black_is_encoded_as_black() {
        let srgb = ColorProfile::new_srgb();
        let lifted = lifted(&srgb, 0.02).unwrap();
        let transform = srgb.create_transform_8bit(Layout::Rgb, &lifted, Layout::Rgb, TransformOptions::default()).unwrap();
        let mut out = [0; 9];
        // 39 stands for 0.02 of the light.
        transform.transform(&[39, 39, 39, 10, 10, 10, 255, 255, 255], &mut out).unwrap();
        assert!(out[..6].iter().all(|&value| value <= 2) && out[6..] == [255; 3], "{out:?}");
    }
}
