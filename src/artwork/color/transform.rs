//! From the colours of a file to those of the parts.

use std::fmt;
use std::sync::Arc;

use moxcms::{ColorProfile, DataColorSpace, Layout, RenderingIntent, ToneReprCurve, Transform8BitExecutor, TransformOptions};

use super::gamut::Gamut;
use super::{ColorMode, ColorSpace, ColorTag};
use crate::job::Intent;
use crate::pixel::Rgba8;

/// What becomes of a file's colours.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(in super::super) struct ColorChange {
    pub(in super::super) way: Way,
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
            let unused = tag.profile(mode).err();
            let transform = ColorTransform::between(tag, mode, space).map(|(transform, ..)| transform);
            // A profile that the library cannot use is none.
            let unused = unused.or(transform.is_none().then_some("it is of a kind that cannot be used"));
            let way = match transform {
                None => Way::Keep,
                Some(transform) if transform.from_inks => Way::Inks,
                Some(transform) if transform.changes_anything() => Way::Pixels,
                Some(_) => Way::Keep,
            };
            Self { way, unused }
        })
    }
}

/// Converts rows of pixels.
///
/// # Memory
///
/// [`ColorTransform::memory_bytes`].
pub(in super::super) struct ColorTransform {
    executor: Executor,
    from_inks: bool,
    /// Where colours that the parts cannot show are counted; none for greys, which every space has.
    gamut: Option<Gamut>,
}

enum Executor {
    /// Four samples a pixel.
    Pixels(Arc<Transform8BitExecutor>),
    /// Of pixels that are grey, by their red.
    Greys(Vec<Rgba8>),
}

impl ColorTransform {
    /// The conversion from the colours that `tag` means, or from sRGB where it cannot be used; `None` where the library has none.
    pub(in super::super) fn new(tag: &ColorTag, mode: ColorMode, space: &ColorSpace) -> Option<Self> {
        let (transform, source, target) = Self::between(tag, mode, space)?;
        let gamut = match &transform.executor {
            Executor::Pixels(there) => Gamut::new(&source, &target, &**there, space.options()),
            Executor::Greys(_) => None,
        };
        Some(Self { gamut, ..transform })
    }

    /// The conversion alone, with the profiles that it is between.
    fn between(tag: &ColorTag, mode: ColorMode, space: &ColorSpace) -> Option<(Self, ColorProfile, ColorProfile)> {
        let source = tag.profile(mode).unwrap_or_else(|_| ColorProfile::new_srgb());
        let from_inks = source.color_space == DataColorSpace::Cmyk;
        let (target, options) = (space.profile(), space.options());
        let is_compensated = from_inks && space.intent() == Intent::Relative;
        let lifted = is_compensated.then(|| black_light(&source, options)).flatten().and_then(|light| lifted(target, light));
        let target = lifted.unwrap_or_else(|| target.clone());
        let executor = if source.color_space == DataColorSpace::Gray {
            let transform = source.create_transform_8bit(Layout::Gray, &target, Layout::Rgba, options).ok()?;
            let (greys, mut pixels): (Vec<u8>, _) = ((0..=u8::MAX).collect(), vec![Rgba8::TRANSPARENT; 256]);
            transform.transform(&greys, bytemuck::cast_slice_mut(&mut pixels)).ok()?;
            Executor::Greys(pixels)
        } else {
            Executor::Pixels(source.create_transform_8bit(Layout::Rgba, &target, Layout::Rgba, options).ok()?)
        };
        Some((Self { executor, from_inks, gamut: None }, source, target))
    }

    /// The most bytes that a transform and its making hold, for a file whose profile has tables of so many bytes: the profile, whose bytes are
    /// read as floating-point numbers, and tables of 17⁴ inks or 33³ colours.
    pub(in super::super) fn memory_bytes(profile_bytes: u64, mode: ColorMode) -> u64 {
        4 * profile_bytes + if mode == ColorMode::Cmyk { 5 << 20 } else { 2 << 20 }
    }

    /// Converts a row of pixels, or of inks in their place, which are opaque.
    pub(in super::super) fn convert(&self, from: &[Rgba8], to: &mut [Rgba8]) {
        match &self.executor {
            Executor::Pixels(transform) => {
                let converted = transform.transform(bytemuck::cast_slice(from), bytemuck::cast_slice_mut(to));
                debug_assert!(converted.is_ok(), "rows of one length");
            }
            Executor::Greys(pixels) => to.iter_mut().zip(from).for_each(|(to, from)| *to = pixels[usize::from(from.r)]),
        }
        if self.from_inks {
            to.iter_mut().for_each(|pixel| pixel.a = u8::MAX);
        } else {
            to.iter_mut().zip(from).for_each(|(to, from)| to.a = from.a);
        }
    }

    /// The number of visible pixels in a row, not yet converted, and of those whose colours the parts cannot show.
    pub(in super::super) fn count_beyond(&self, row: &[Rgba8]) -> (u64, u64) {
        self.gamut.as_ref().map_or((0, 0), |gamut| gamut.count(row))
    }

    /// Whether any colour moves by more than rounding does.
    fn changes_anything(&self) -> bool {
        let moves = |from: &Rgba8, to: &Rgba8| from.r.abs_diff(to.r).max(from.g.abs_diff(to.g)).max(from.b.abs_diff(to.b)) > 1;
        if let Executor::Greys(pixels) = &self.executor {
            return (0..=u8::MAX).zip(pixels).any(|(grey, to)| moves(&Rgba8::new(grey, grey, grey, 255), to));
        }
        let steps = || (0..=255).step_by(15);
        let colors: Vec<Rgba8> = steps().flat_map(|r| steps().flat_map(move |g| steps().map(move |b| Rgba8::new(r, g, b, 255)))).collect();
        let mut converted = vec![Rgba8::TRANSPARENT; colors.len()];
        self.convert(&colors, &mut converted);
        colors.iter().zip(&converted).any(|(from, to)| moves(from, to))
    }
}

/// How much light the darkest colour of a profile reflects, 0 to 1, beside its white: that of the inks which its perceptual tables print
/// black with.
fn black_light(inks: &ColorProfile, options: TransformOptions) -> Option<f64> {
    let perceptual = TransformOptions { rendering_intent: RenderingIntent::Perceptual, ..options };
    let to_inks = ColorProfile::new_srgb().create_transform_f32(Layout::Rgb, inks, Layout::Rgba, perceptual).ok()?;
    let mut black = [0.0; 4];
    to_inks.transform(&[0.0; 3], &mut black).ok()?;
    let mut linear = ColorProfile::new_srgb();
    linear.cicp = None;
    for curve in [&mut linear.red_trc, &mut linear.green_trc, &mut linear.blue_trc] {
        *curve = Some(ToneReprCurve::Lut(Vec::new()));
    }
    let to_light = inks.create_transform_f32(Layout::Rgba, &linear, Layout::Rgb, options).ok()?;
    let mut light = [0.0; 3];
    to_light.transform(&black, &mut light).ok()?;
    let luminance = [linear.red_colorant.y, linear.green_colorant.y, linear.blue_colorant.y];
    let light: f64 = light.iter().zip(luminance).map(|(&light, luminance)| f64::from(light) * luminance).sum();
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

impl fmt::Debug for ColorTransform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ColorTransform").field("from_inks", &self.from_inks).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
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
        assert_eq!(way(&adobe, ColorMode::Rgb), ColorChange { way: Way::Pixels, unused: None });
        assert_eq!(way(&adobe, ColorMode::Cmyk), ColorChange { way: Way::Keep, unused: Some("it is for another kind of pixels") });
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
