//! Edges: a disc of one colour, on transparent pixels of any colour, at ten sizes, against the exact premultiplied result: its colour
//! everywhere, and its alpha but for rounding.
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

mod common;

use common::{Picture, Shop, placement, read_part, rect};
use gangsheet::{Rgba8, Run};

const SIDE: u32 = 64;
const COLOR: [u8; 3] = [201, 37, 90];

/// A disc with soft edges; what is outside of it has the `hidden` colour.
fn disc(hidden: [u8; 3]) -> Picture {
    let pixel = |x: u32, y: u32| {
        let from_middle = |at: u32| f64::from(at) + 0.5 - f64::from(SIDE) / 2.0;
        let inside = 25.3 - from_middle(x).hypot(from_middle(y));
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 255")]
        let alpha = ((inside + 0.5).clamp(0.0, 1.0) * 255.0).round() as u8;
        let [r, g, b] = if alpha > 0 { COLOR } else { hidden };
        Rgba8::new(r, g, b, alpha)
    };
    Picture::new(SIDE, SIDE, pixel)
}

/// The weights of source pixels for each target pixel, by Lanczos with three lobes.
fn weights(target: u32) -> Vec<Vec<f64>> {
    let scale = f64::from(SIDE) / f64::from(target);
    let lanczos = |x: f64| {
        let sinc = |x: f64| if x == 0.0 { 1.0 } else { (x * std::f64::consts::PI).sin() / (x * std::f64::consts::PI) };
        if x.abs() < 3.0 { sinc(x) * sinc(x / 3.0) } else { 0.0 }
    };
    let of_one = |at: u32| {
        let distance = |source: u32| f64::from(source) + 0.5 - (f64::from(at) + 0.5) * scale;
        let weights: Vec<f64> = (0..SIDE).map(|source| lanczos(distance(source) / scale.max(1.0))).collect();
        let sum: f64 = weights.iter().sum();
        weights.into_iter().map(|weight| weight / sum).collect()
    };
    (0..target).map(of_one).collect()
}

/// The alpha of the disc at another size, 0 to 255, exact but that no pixel is beyond these limits, between the passes and after them: of
/// one colour there is nothing else to mix.
fn exact_alpha(disc: &Picture, target: u32) -> Vec<f64> {
    let weights = weights(target);
    let mix =
        |weights: &[f64], values: &[f64]| weights.iter().zip(values).map(|(weight, value)| weight * value).sum::<f64>().clamp(0.0, 255.0);
    let columns: Vec<Vec<f64>> = (0..SIDE).map(|x| (0..SIDE).map(|y| f64::from(disc.at(x, y).a)).collect()).collect();
    let row = |down: &Vec<f64>| -> Vec<f64> { columns.iter().map(|column| mix(down, column)).collect() };
    weights.iter().map(row).flat_map(|row| weights.iter().map(|across| mix(across, &row)).collect::<Vec<_>>()).collect()
}

#[test]
fn there_is_no_halo_at_any_size() {
    let shop = Shop::new();
    for (name, hidden) in [("black.png", [0; 3]), ("white.png", [255; 3])] {
        let disc = disc(hidden);
        shop.artwork(name, &disc);
        for size in [5, 13, 24, 40, 63, 65, 100, 128, 201, 333] {
            let out = shop.path(&format!("{name} {size}"));
            let layout = common::layout([((size, size), vec![placement(name, 1, rect(0, 0, size, size))])]);
            Run::of_layout(&layout, shop.base()).render(&out, |_| {}).unwrap();
            let printed = read_part(&out.join("Test part 1.png")).picture;
            for (pixel, exact) in printed.pixels.iter().zip(exact_alpha(&disc, size)) {
                assert!((f64::from(pixel.a) - exact).abs() <= 1.5, "{name} at {size}: alpha {} is not {exact}", pixel.a);
                let off = [pixel.r, pixel.g, pixel.b].iter().zip(COLOR).map(|(&found, color)| found.abs_diff(color)).max().unwrap();
                assert!(pixel.a == 0 || off == 0, "{name} at {size}: {pixel:?}");
            }
        }
    }
}
