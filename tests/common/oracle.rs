//! What a part must look like, found out the straightforward way: whole images, one after the other. Every pixel must be equal.

use std::collections::HashMap;
use std::path::Path;

use fast_image_resize::images::Image;
use fast_image_resize::{PixelType, Resizer};
use gangsheet::{Background, Layout, Placement, Rgba8, Trim};

use super::{Picture, decode_png};

/// `top` composited over `below` (Porter and Duff, 1984), both straight: in floating point, exact until the one rounding, since everything is
/// scaled by 255².
fn over(top: Rgba8, below: Rgba8) -> Rgba8 {
    // Onto nothing it is a copy, also of a colour that is not seen.
    if below.a == 0 {
        return top;
    }
    let (at, ab) = (f64::from(top.a) * 255.0, f64::from(below.a) * (255.0 - f64::from(top.a)));
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0..=255")]
    let rounded = |value: f64| value.round() as u8;
    let mix = |top: u8, below: u8| rounded((f64::from(top) * at + f64::from(below) * ab) / (at + ab));
    Rgba8::new(mix(top.r, below.r), mix(top.g, below.g), mix(top.b, below.b), rounded((at + ab) / 255.0))
}

/// The artwork of a placement as it is printed: cropped, resampled, mirrored, turned.
fn printed(artwork: &Picture, placement: &Placement) -> Picture {
    let cropped = if placement.treatment.trim != Trim::None { artwork.crop(artwork.visible().unwrap()) } else { artwork.clone() };
    let size = placement.rect.size().turned(placement.turn);
    let resized = resized(&cropped, size.width(), size.height());
    if placement.treatment.mirror { resized.mirrored() } else { resized }.turned(placement.turn)
}

/// The whole image resized at once with Lanczos3, premultiplied meanwhile. Near transparency, pixels keep to the colours
/// around them.
fn resized(picture: &Picture, width: u32, height: u32) -> Picture {
    let bytes = picture.pixels.iter().flat_map(|pixel| [pixel.r, pixel.g, pixel.b, pixel.a]).collect();
    let source = Image::from_vec_u8(picture.width, picture.height, bytes, PixelType::U8x4).unwrap();
    let mut target = Image::new(width, height, PixelType::U8x4);
    Resizer::new().resize(&source, &mut target, None).unwrap();
    let pixels = target.buffer().as_chunks::<4>().0.iter().map(|&[r, g, b, a]| Rgba8::new(r, g, b, a)).collect();
    let mut resized = Picture { width, height, pixels };
    if (width, height) == (picture.width, picture.height) {
        return resized;
    }
    for (y, left) in (0..height).flat_map(|y| (0..width).step_by(64).map(move |left| (y, left))) {
        let right = (left + 64).min(width);
        let (rows, first, last) =
            (taps(y, picture.height, height), taps(left, picture.width, width), taps(right - 1, picture.width, width));
        // Columns are looked at in blocks of 64.
        let columns = first.start / 64 * 64..last.end.next_multiple_of(64).min(picture.width);
        let around: Vec<Rgba8> = rows.flat_map(|y| columns.clone().map(move |x| picture.at(x, y))).collect();
        let visible: Vec<&Rgba8> = around.iter().filter(|pixel| pixel.a > 0).collect();
        if visible.is_empty() || around.iter().all(|pixel| pixel.a == 255) {
            continue;
        }
        for x in (left..right).filter(|&x| resized.at(x, y).a > 0).collect::<Vec<_>>() {
            let pixel = resized.at(x, y);
            let limited = |of: fn(&Rgba8) -> u8| {
                let values = || visible.iter().map(|pixel| of(pixel));
                of(&pixel).clamp(values().min().unwrap(), values().max().unwrap())
            };
            resized.set(x, y, Rgba8::new(limited(|pixel| pixel.r), limited(|pixel| pixel.g), limited(|pixel| pixel.b), pixel.a));
        }
    }
    resized
}

/// The source pixels, along one axis, that a target pixel is made of.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "within the source")]
fn taps(target_pixel: u32, source: u32, target: u32) -> std::ops::Range<u32> {
    if source == target {
        return target_pixel..target_pixel + 1;
    }
    let scale = f64::from(source) / f64::from(target);
    let (center, radius) = ((f64::from(target_pixel) + 0.5) * scale, 3.0 * scale.max(1.0));
    (center - radius).floor().max(0.0) as u32..(center + radius).ceil().min(source.into()) as u32
}

/// The first pixel in which `found` is not `expected`, in words.
pub(crate) fn first_wrong(expected: &Picture, found: &Picture) -> Option<String> {
    assert_eq!((found.width, found.height), (expected.width, expected.height));
    let at = expected.pixels.iter().zip(&found.pixels).position(|(expected, found)| expected != found)?;
    let (x, y) = (at % expected.width as usize, at / expected.width as usize);
    Some(format!("x {x}, y {y}: found {:?}, expected {:?}", found.pixels[at], expected.pixels[at]))
}

/// Draws all parts of a layout whose artwork, all PNG, holds from `base`.
pub(crate) fn render(layout: &Layout, base: &Path) -> Vec<Picture> {
    let mut artworks: HashMap<&str, Picture> = HashMap::new();
    for placement in layout.parts.iter().flat_map(gangsheet::Part::placements) {
        artworks.entry(&placement.artwork).or_insert_with(|| decode_png(&base.join(&*placement.artwork)));
    }
    let background = match layout.output.background {
        Background::Transparent => Rgba8::TRANSPARENT,
        Background::Opaque([r, g, b]) => Rgba8::new(r, g, b, 255),
    };
    let part = |part: &gangsheet::Part| {
        let (width, height) = (part.size().width(), part.size().height());
        let mut picture = Picture { width, height, pixels: vec![background; width as usize * height as usize] };
        for placement in part.placements() {
            let printed = printed(&artworks[&*placement.artwork], placement);
            for (y, x) in (0..printed.height).flat_map(|y| (0..printed.width).map(move |x| (y, x))) {
                let (left, top) = (placement.rect.x() + x, placement.rect.y() + y);
                picture.set(left, top, over(printed.at(x, y), picture.at(left, top)));
            }
        }
        picture
    };
    layout.parts.iter().map(part).collect()
}
