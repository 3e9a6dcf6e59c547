//! Which colours of a file the parts cannot show.

use moxcms::{ColorProfile, DataColorSpace, Layout, TransformOptions};

use crate::pixel::Rgba8;

/// The colours of a profile that another one has not, on a grid over its red, green and blue, or its inks.
#[derive(Debug)]
pub(super) struct Gamut {
    /// A bit for each of 2¹⁶ inks or 2¹⁵ colours.
    beyond: Vec<u64>,
    /// Bits of each channel's place on the grid.
    bits: u32,
    channels: u32,
}

impl Gamut {
    /// What of `source` becomes another colour in `target`, by more than rounding, when it is brought `there`. Both are seen in ProPhoto RGB,
    /// which holds them.
    pub(super) fn new(
        source: &ColorProfile,
        target: &ColorProfile,
        there: impl Fn(&[Rgba8], &mut [Rgba8]),
        options: TransformOptions,
    ) -> Option<Self> {
        let (bits, channels) = if source.color_space == DataColorSpace::Cmyk { (4, 4) } else { (5, 3) };
        let wide = ColorProfile::new_pro_photo_rgb();
        let to_wide = |profile: &ColorProfile| profile.create_transform_8bit(Layout::Rgba, &wide, Layout::Rgba, options).ok();
        let (direct, back) = (to_wide(source)?, to_wide(target)?);
        let most = (1_u32 << bits) - 1;
        let level = |cell: u32, channel: u32| (((cell >> (channel * bits)) & most) * 255 / most).to_le_bytes()[0];
        let cells = 1_u32 << (bits * channels);
        let color = |cell| Rgba8::new(level(cell, 0), level(cell, 1), level(cell, 2), if channels == 4 { level(cell, 3) } else { 255 });
        let colors: Vec<Rgba8> = (0..cells).map(color).collect();
        let (words, _) = colors.as_chunks::<64>();
        let mut beyond = vec![0; words.len()];
        for (colors, word) in words.iter().zip(&mut beyond) {
            let [mut seen, mut brought, mut kept] = [[Rgba8::TRANSPARENT; 64]; 3];
            direct.transform(bytemuck::cast_slice(colors), bytemuck::cast_slice_mut(&mut seen)).ok()?;
            there(colors, &mut brought);
            back.transform(bytemuck::cast_slice(&brought), bytemuck::cast_slice_mut(&mut kept)).ok()?;
            for (bit, (seen, kept)) in seen.iter().zip(kept).enumerate() {
                *word |= u64::from(seen.color_distance(kept) > Self::ROUNDING) << bit;
            }
        }
        Some(Self { beyond, bits, channels })
    }

    /// By how much a value moves through three conversions in 8 bits although it stays where it is.
    const ROUNDING: u8 = 5;

    /// The number of visible pixels of a row, and of those that are beyond.
    pub(super) fn count(&self, row: impl Iterator<Item = Rgba8>) -> (u64, u64) {
        let visible = row.filter(|pixel| self.channels == 4 || pixel.a > 0);
        visible.fold((0, 0), |(visible, beyond), pixel| {
            let place = |value: u8, channel: u32| u32::from(value >> (8 - self.bits)) << (channel * self.bits);
            let inks = if self.channels == 4 { place(pixel.a, 3) } else { 0 };
            let cell = (place(pixel.r, 0) | place(pixel.g, 1) | place(pixel.b, 2) | inks) as usize;
            (visible + 1, beyond + (self.beyond[cell / 64] >> (cell % 64) & 1))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_vivid_colours_of_a_wide_space_are_beyond() {
        let (wide, srgb) = (ColorProfile::new_adobe_rgb(), ColorProfile::new_srgb());
        let gamut = |source: &ColorProfile, target: &ColorProfile| {
            let options = TransformOptions::default();
            let there = source.create_transform_8bit(Layout::Rgba, target, Layout::Rgba, options).unwrap();
            let there =
                |from: &[Rgba8], to: &mut [Rgba8]| there.transform(bytemuck::cast_slice(from), bytemuck::cast_slice_mut(to)).unwrap();
            Gamut::new(source, target, there, options).unwrap()
        };
        let vivid = Rgba8::new(0, 255, 0, 255);
        let soft = [Rgba8::new(200, 180, 160, 255), Rgba8::new(0, 0, 0, 255), Rgba8::new(255, 255, 255, 255), Rgba8::TRANSPARENT];
        assert_eq!(gamut(&wide, &srgb).count([vivid; 3].into_iter()), (3, 3));
        assert_eq!(gamut(&wide, &srgb).count(soft.into_iter()), (3, 0));
        assert_eq!(gamut(&srgb, &wide).beyond.iter().map(|word| word.count_ones()).sum::<u32>(), 0);
    }
}
