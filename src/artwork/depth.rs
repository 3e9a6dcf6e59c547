//! Pixels on their way to [`Rgba8`]: rounded at once, or with 16 bits a channel until their colours are converted.

use std::sync::Arc;

use bytemuck::{Pod, Zeroable};
use moxcms::{ColorProfile, Layout, TransformExecutor, TransformOptions};

use crate::pixel::Rgba8;

/// A pixel of 16 bits a channel: red, green, blue and straight alpha.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub(super) struct Rgba16 {
    pub(super) r: u16,
    pub(super) g: u16,
    pub(super) b: u16,
    pub(super) a: u16,
}

impl Rgba16 {
    pub(super) const fn new(r: u16, g: u16, b: u16, a: u16) -> Self {
        Self { r, g, b, a }
    }
}

/// What rows are decoded to: four samples, of 8 or 16 bits.
pub(super) trait Pixel: Pod + Default {
    type Sample: Pod + Default;

    /// Bytes of the tables of all samples that a conversion of these needs beside those of 8 bits: for each of three channels, a float to decode
    /// and a sample to encode it, or of greys both and the pixels that they become.
    const TABLE_BYTES: u64;

    fn of_8(pixel: Rgba8) -> Self;

    fn of_16(pixel: Rgba16) -> Self;

    fn rounded(self) -> Rgba8;

    /// Its red as an index.
    fn red(self) -> usize;

    /// All values of a sample, from black to white.
    fn all_samples() -> Vec<Self::Sample>;

    /// Converts from samples of `source` in this layout to pixels of `target`; `None` where the library cannot.
    fn executor(
        source: &ColorProfile,
        layout: Layout,
        target: &ColorProfile,
        options: TransformOptions,
    ) -> Option<Arc<dyn TransformExecutor<Self::Sample> + Send + Sync>>;
}

impl Pixel for Rgba8 {
    type Sample = u8;

    const TABLE_BYTES: u64 = 0;

    fn of_8(pixel: Self) -> Self {
        pixel
    }

    fn of_16(pixel: Rgba16) -> Self {
        pixel.rounded()
    }

    fn rounded(self) -> Self {
        self
    }

    fn red(self) -> usize {
        self.r.into()
    }

    fn all_samples() -> Vec<u8> {
        (0..=u8::MAX).collect()
    }

    fn executor(
        source: &ColorProfile,
        layout: Layout,
        target: &ColorProfile,
        options: TransformOptions,
    ) -> Option<Arc<dyn TransformExecutor<u8> + Send + Sync>> {
        source.create_transform_8bit(layout, target, Layout::Rgba, options).ok()
    }
}

impl Pixel for Rgba16 {
    type Sample = u16;

    const TABLE_BYTES: u64 = 2 << 20;

    fn of_8(pixel: Rgba8) -> Self {
        Self::new(widen(pixel.r), widen(pixel.g), widen(pixel.b), widen(pixel.a))
    }

    fn of_16(pixel: Self) -> Self {
        pixel
    }

    fn rounded(self) -> Rgba8 {
        Rgba8::new(narrow(self.r), narrow(self.g), narrow(self.b), narrow(self.a))
    }

    fn red(self) -> usize {
        self.r.into()
    }

    fn all_samples() -> Vec<u16> {
        (0..=u16::MAX).collect()
    }

    fn executor(
        source: &ColorProfile,
        layout: Layout,
        target: &ColorProfile,
        options: TransformOptions,
    ) -> Option<Arc<dyn TransformExecutor<u16> + Send + Sync>> {
        // Of numbers with a fixed point, some processors have others.
        let options = TransformOptions { prefer_fixed_point: false, ..options };
        source.create_transform_16bit(layout, target, Layout::Rgba, options).ok()
    }
}

/// A sample of 8 bits as 16 bits: 65535 / 257 is 255 exactly (PNG specification, section 13.12).
pub(super) fn widen(sample: u8) -> u16 {
    u16::from(sample) * 257
}

/// A sample of 16 bits as 8 bits, rounded to nearest.
pub(super) fn narrow(sample: u16) -> u8 {
    ((u32::from(sample) + 128) / 257).to_le_bytes()[0]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sixteen_bits_are_rounded_not_cut() {
        for value in 0..=u16::MAX {
            let exact = f64::from(value) * 255.0 / 65535.0;
            assert_eq!(f64::from(narrow(value)), exact.round(), "{value}");
        }
        assert!((0..=u8::MAX).all(|value| narrow(widen(value)) == value));
    }
}
