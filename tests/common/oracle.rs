//! What a part must look like, found out the straightforward way: whole images, one after the other, in floating point.

use std::collections::HashMap;
use std::path::Path;

use fast_image_resize::images::Image;
use fast_image_resize::{FilterType, MulDiv, PixelType, ResizeAlg, ResizeOptions, Resizer};
use gangsheet::{Background, Layout, Placement, Rgba8};

use super::{Picture, decode_png};

/// A pixel as it ought to be.
#[derive(Clone, Copy, Debug)]
struct Expected {
    /// The straight pixel, rounded after each layer, as what is drawn pixel for pixel must be.
    straight: Rgba8,
    /// Red, green, blue (multiplied by alpha) and alpha in 0..=255, never rounded.
    premultiplied: [f64; 4],
    /// Layers that have a part in it, and how many of those were resampled.
    layers: u32,
    resampled: u32,
}

impl Expected {
    fn exact(pixel: Rgba8) -> Self {
        Self { straight: pixel, premultiplied: premultiplied(pixel), layers: u32::from(pixel.a > 0), resampled: 0 }
    }

    /// `self` composited over `below` (Porter and Duff, 1984).
    fn over(self, below: Self) -> Self {
        let is_exactly = |pixel: Self, alpha: u8| pixel.resampled == 0 && pixel.straight.a == alpha;
        if is_exactly(self, 255) || is_exactly(below, 0) {
            return self;
        }
        if is_exactly(self, 0) {
            return below;
        }
        let uncovered = 1.0 - self.premultiplied[3] / 255.0;
        let premultiplied = std::array::from_fn(|channel| self.premultiplied[channel] + below.premultiplied[channel] * uncovered);
        let (layers, resampled) = (self.layers + below.layers, self.resampled + below.resampled);
        Self { straight: over(self.straight, below.straight), premultiplied, layers, resampled }
    }

    /// In what a `found` pixel is wrong.
    ///
    /// What was never resampled is exact. Resampling window by window may differ by 2 in each premultiplied channel
    /// (fast_image_resize takes one bit more for the weights of a window whose largest is below 1; rounded rows then pass the horizontal
    /// lobes: 2 in one of 50,000 values of enlarged noise, else at most 1), and keeping straight
    /// colours costs up to half a unit more. Each further layer adds the roundings of its straight result, and lets through as much of what
    /// is below as its own alpha is off.
    fn wrong(self, found: Rgba8) -> bool {
        if self.resampled == 0 {
            return found != self.straight;
        }
        let (resampled, blends) = (f64::from(self.resampled), f64::from(self.layers.max(1) - 1));
        let alpha_off = (f64::from(found.a) - self.premultiplied[3]).abs() > 2.0 * resampled + blends * 0.5 + 1e-9;
        let allowed = 2.5 * resampled + blends * 2.0 + 1e-9;
        let off = |channel: usize| (premultiplied(found)[channel] - self.premultiplied[channel]).abs() > allowed;
        alpha_off || (0..3).any(off)
    }
}

fn premultiplied(pixel: Rgba8) -> [f64; 4] {
    let [r, g, b, a] = [pixel.r, pixel.g, pixel.b, pixel.a].map(f64::from);
    [r * a / 255.0, g * a / 255.0, b * a / 255.0, a]
}

/// Straight pixels: the formula in floating point, exact until the one rounding, since everything is scaled by 255².
fn over(top: Rgba8, below: Rgba8) -> Rgba8 {
    let (at, ab) = (f64::from(top.a) * 255.0, f64::from(below.a) * (255.0 - f64::from(top.a)));
    if at + ab == 0.0 {
        return below;
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0..=255")]
    let rounded = |value: f64| value.round() as u8;
    let mix = |top: u8, below: u8| rounded((f64::from(top) * at + f64::from(below) * ab) / (at + ab));
    Rgba8::new(mix(top.r, below.r), mix(top.g, below.g), mix(top.b, below.b), rounded((at + ab) / 255.0))
}

/// The artwork of a placement as it is printed: cropped, resampled, mirrored, turned.
fn printed(artwork: &Picture, placement: &Placement) -> (Picture, Option<Picture>) {
    let cropped = if placement.trim { artwork.crop(artwork.visible().unwrap()) } else { artwork.clone() };
    let size = placement.rect.size().turned(placement.turn);
    let finish = |picture: Picture| if placement.mirror { picture.mirrored() } else { picture }.turned(placement.turn);
    if (cropped.width, cropped.height) == (size.width(), size.height()) {
        return (finish(cropped), None);
    }
    let (straight, premultiplied) = resized(&cropped, size.width(), size.height());
    (finish(straight), Some(finish(premultiplied)))
}

/// The whole image resized at once with Lanczos3, as straight and as premultiplied pixels.
fn resized(picture: &Picture, width: u32, height: u32) -> (Picture, Picture) {
    let bytes = |picture: &Picture| picture.pixels.iter().flat_map(|pixel| [pixel.r, pixel.g, pixel.b, pixel.a]).collect::<Vec<u8>>();
    let picture_of = |image: &Image| {
        let pixels = image.buffer().as_chunks::<4>().0.iter().map(|&[r, g, b, a]| Rgba8::new(r, g, b, a)).collect();
        Picture { width, height, pixels }
    };
    let mut source = Image::from_vec_u8(picture.width, picture.height, bytes(picture), PixelType::U8x4).unwrap();
    MulDiv::new().multiply_alpha_inplace(&mut source).unwrap();
    let mut target = Image::new(width, height, PixelType::U8x4);
    let options = ResizeOptions::new().use_alpha(false).resize_alg(ResizeAlg::Convolution(FilterType::Lanczos3));
    Resizer::new().resize(&source, &mut target, &options).unwrap();
    let mut premultiplied = picture_of(&target);
    // Lanczos overshoots; a colour above its alpha is cut to it when it is divided.
    premultiplied.pixels.iter_mut().for_each(|p| *p = Rgba8::new(p.r.min(p.a), p.g.min(p.a), p.b.min(p.a), p.a));
    MulDiv::new().divide_alpha_inplace(&mut target).unwrap();
    (picture_of(&target), premultiplied)
}

/// A whole part as it ought to be.
pub(crate) struct ExpectedPart {
    width: u32,
    pixels: Vec<Expected>,
}

impl ExpectedPart {
    /// The first pixel that is wrong, in words.
    pub(crate) fn first_wrong(&self, found: &Picture) -> Option<String> {
        assert_eq!((found.width, found.pixels.len()), (self.width, self.pixels.len()));
        let at = self.pixels.iter().zip(&found.pixels).position(|(expected, &found)| expected.wrong(found))?;
        let (x, y) = (at % self.width as usize, at / self.width as usize);
        Some(format!("x {x}, y {y}: found {:?}, expected {:?}", found.pixels[at], self.pixels[at]))
    }
}

/// Draws all parts of a layout whose artwork, all PNG, holds from `base`.
pub(crate) fn render(layout: &Layout, base: &Path) -> Vec<ExpectedPart> {
    let mut artworks: HashMap<&str, Picture> = HashMap::new();
    for placement in layout.parts.iter().flat_map(gangsheet::Part::placements) {
        artworks.entry(&placement.artwork).or_insert_with(|| decode_png(&base.join(&*placement.artwork)));
    }
    let background = match layout.output.background {
        Background::Transparent => Rgba8::TRANSPARENT,
        Background::Opaque([r, g, b]) => Rgba8::new(r, g, b, 255),
    };
    let part = |part: &gangsheet::Part| {
        let width = part.size().width();
        let mut pixels = vec![Expected::exact(background); width as usize * part.size().height() as usize];
        for placement in part.placements() {
            let (straight, premultiplied) = printed(&artworks[&*placement.artwork], placement);
            for (y, x) in (0..straight.height).flat_map(|y| (0..straight.width).map(move |x| (y, x))) {
                let mut top = Expected::exact(straight.at(x, y));
                if let Some(premultiplied) = &premultiplied {
                    let pixel = premultiplied.at(x, y);
                    top.premultiplied = [pixel.r, pixel.g, pixel.b, pixel.a].map(f64::from);
                    (top.layers, top.resampled) = (1, 1);
                }
                let below = &mut pixels[(placement.rect.y() + y) as usize * width as usize + (placement.rect.x() + x) as usize];
                *below = top.over(*below);
            }
        }
        ExpectedPart { width, pixels }
    };
    layout.parts.iter().map(part).collect()
}
