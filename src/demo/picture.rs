//! Pictures as the PNG files of a customer: formulas to pixels, pixels to files.

use std::borrow::Cow;

use png::{BitDepth, ColorType, Compression, Encoder, EncodingError, PixelDimensions, Unit};

use super::draw::{Paint, Point, at};

/// The pixels of a picture as PNG holds them.
#[derive(Debug)]
pub(super) struct Picture {
    width: u32,
    height: u32,
    color: ColorType,
    depth: BitDepth,
    /// Colours and alphas, for [`ColorType::Indexed`].
    palette: Option<(Vec<u8>, Vec<u8>)>,
    /// Resolution in pixels per metre, for the file's tag.
    per_metre: Option<u32>,
    bytes: Vec<u8>,
}

/// The paint at a point; pixels are painted at their centres, which lie at halves.
pub(super) type Formula<'a> = &'a dyn Fn(Point) -> Paint;

impl Picture {
    /// 8 bits a channel, with alpha.
    pub(super) fn rgba(width: u32, height: u32, formula: Formula<'_>) -> Self {
        Self::paint(
            width,
            height,
            ColorType::Rgba,
            BitDepth::Eight,
            &|paint, bytes| {
                bytes.extend(channels(paint).map(|channel| scaled(channel, u8::MAX.into()).to_be_bytes()[1]));
            },
            formula,
        )
    }

    /// 8 bits a channel, opaque.
    pub(super) fn rgb(width: u32, height: u32, formula: Formula<'_>) -> Self {
        Self::paint(
            width,
            height,
            ColorType::Rgb,
            BitDepth::Eight,
            &|paint, bytes| {
                bytes.extend(paint.rgb.map(|channel| scaled(channel, u8::MAX.into()).to_be_bytes()[1]));
            },
            formula,
        )
    }

    /// 16 bits a channel, with alpha.
    pub(super) fn rgba16(width: u32, height: u32, formula: Formula<'_>) -> Self {
        Self::paint(
            width,
            height,
            ColorType::Rgba,
            BitDepth::Sixteen,
            &|paint, bytes| {
                bytes.extend(channels(paint).iter().flat_map(|&channel| scaled(channel, u16::MAX).to_be_bytes()));
            },
            formula,
        )
    }

    /// A sprite: a letter for each square of `scale` × `scale` pixels, looked up in `palette` as a colour; others are transparent.
    pub(super) fn sprite(rows: &[&str], scale: u32, palette: &[(char, u32)]) -> Self {
        let mut colors = vec![0, 0, 0];
        colors.extend(palette.iter().flat_map(|&(_, rgb)| rgb.to_be_bytes().into_iter().skip(1)));
        let scale_usize = usize::try_from(scale).unwrap_or(usize::MAX);
        let mut bytes = Vec::new();
        let mut width = 0;
        for row in rows {
            let index = |letter: char| (1_u8..).zip(palette).find(|(_, entry)| entry.0 == letter).map_or(0, |(index, _)| index);
            let line: Vec<u8> = row.chars().flat_map(|letter| std::iter::repeat_n(index(letter), scale_usize)).collect();
            width = u32::try_from(line.len()).unwrap_or(u32::MAX);
            // Two pixels a byte, the left one in the high bits; a sprite's rows are even.
            let packed: Vec<u8> = line.chunks(2).map(|pair| pair.iter().fold(0, |byte, index| byte << 4 | index)).collect();
            bytes.extend(std::iter::repeat_n(packed, scale_usize).flatten());
        }
        let height = u32::try_from(rows.len()).unwrap_or(u32::MAX) * scale;
        Self { width, height, color: ColorType::Indexed, depth: BitDepth::Four, palette: Some((colors, vec![0])), per_metre: None, bytes }
    }

    /// The same with a tag in its file that says 300 DPI.
    pub(super) fn at_300_dpi(self) -> Self {
        Self { per_metre: Some(11_811), ..self }
    }

    fn paint(width: u32, height: u32, color: ColorType, depth: BitDepth, push: &dyn Fn(Paint, &mut Vec<u8>), formula: Formula<'_>) -> Self {
        let mut bytes = Vec::new();
        for y in 0..height {
            for x in 0..width {
                push(formula(at(x as f32 + 0.5, y as f32 + 0.5)), &mut bytes);
            }
        }
        Self { width, height, color, depth, palette: None, per_metre: None, bytes }
    }

    /// The picture's PNG file.
    pub(super) fn encode(&self) -> Result<Vec<u8>, EncodingError> {
        let mut file = Vec::new();
        let mut encoder = Encoder::new(&mut file, self.width, self.height);
        encoder.set_color(self.color);
        encoder.set_depth(self.depth);
        encoder.set_compression(Compression::Fast);
        if let Some((colors, alphas)) = &self.palette {
            encoder.set_palette(Cow::Borrowed(colors.as_slice()));
            encoder.set_trns(Cow::Borrowed(alphas.as_slice()));
        }
        encoder.set_pixel_dims(self.per_metre.map(|per_metre| PixelDimensions { xppu: per_metre, yppu: per_metre, unit: Unit::Meter }));
        let mut writer = encoder.write_header()?;
        writer.write_image_data(&self.bytes)?;
        writer.finish()?;
        Ok(file)
    }
}

/// Red, green, blue and alpha. Where there is no paint there is no colour either.
fn channels(paint: Paint) -> [f32; 4] {
    let [r, g, b] = if paint.alpha > 0.0 { paint.rgb } else { [0.0; 3] };
    [r, g, b, paint.alpha]
}

/// `channel`, from 0 to 1, as a whole number from 0 to `max`, rounded to nearest.
fn scaled(channel: f32, max: u16) -> u16 {
    // In this magnitude a float's last bit counts as 1: its low bits are the rounded number.
    let [low, high, ..] = (channel.clamp(0.0, 1.0) * f32::from(max) + 8_388_608.0).to_bits().to_le_bytes();
    u16::from_le_bytes([low, high])
}
