//! Every file of PngSuite: the valid ones are printed pixel for pixel, those of another gamma converted, and the corrupt ones are refused.
//!
//! The files in `tests/data/pngsuite` are Willem van Schaik's; their licence lies beside them.
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use common::{Shop, decode_png, placement, read_part, rect};
use gangsheet::{ErrorKind, Run};

fn suite() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/pngsuite")
}

/// The names of the files, the valid or the corrupt ones, which begin with `x`.
fn names(corrupt: bool) -> Vec<String> {
    let names = fs::read_dir(suite()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.filter(|name| name.ends_with(".png") && name.starts_with('x') == corrupt).collect();
    names.sort();
    names
}

/// The file's gAMA chunk (PNG specification, section 11.3.2.1), where it says something else than sRGB.
fn gamma(name: &str) -> Option<f64> {
    let file = std::io::BufReader::new(fs::File::open(suite().join(name)).unwrap());
    let info = png::Decoder::new(file).read_info().unwrap();
    let gamma = f64::from(info.info().gama_chunk?.into_value());
    ((gamma - 0.45455).abs() > 0.01).then_some(gamma)
}

/// The channels of all pixels, 0 to 1, with all bits that the file has.
fn channels(name: &str) -> Vec<[f64; 4]> {
    let mut decoder = png::Decoder::new(std::io::BufReader::new(fs::File::open(suite().join(name)).unwrap()));
    decoder.set_transformations(png::Transformations::EXPAND);
    let mut reader = decoder.read_info().unwrap();
    let mut bytes = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut bytes).unwrap();
    let samples: Vec<f64> = match info.bit_depth {
        png::BitDepth::Sixteen => bytes.as_chunks().0.iter().map(|&pair| f64::from(u16::from_be_bytes(pair)) / 65535.0).collect(),
        _ => bytes.iter().map(|&byte| f64::from(byte) / 255.0).collect(),
    };
    let pixel = |samples: &[f64]| match *samples {
        [v] => [v, v, v, 1.0],
        [v, a] => [v, v, v, a],
        [r, g, b] => [r, g, b, 1.0],
        [r, g, b, a] => [r, g, b, a],
        _ => unreachable!(),
    };
    samples.chunks_exact(info.color_type.samples()).map(pixel).collect()
}

/// A value that was encoded by a power, as sRGB encodes it (IEC 61966-2-1).
fn as_srgb(value: f64, gamma: f64) -> f64 {
    let light = value.powf(1.0 / gamma);
    255.0 * if light <= 0.003_130_8 { light * 12.92 } else { 1.055 * light.powf(1.0 / 2.4) - 0.055 }
}

#[test]
fn every_valid_file_is_printed_as_the_png_crate_expands_it() {
    let names = names(false);
    assert!(names.len() > 150, "only {} files are there", names.len());
    let pictures: Vec<_> = names.iter().map(|name| decode_png(&suite().join(name))).collect();
    // Side by side in rows of 16; none of them is larger than 48 × 48 px.
    let place = |(nth, picture): (usize, &common::Picture)| {
        let (column, row) = (u32::try_from(nth % 16).unwrap(), u32::try_from(nth / 16).unwrap());
        placement(&names[nth], 1 + u32::try_from(nth).unwrap(), rect(column * 50, row * 50, picture.width, picture.height))
    };
    let placements: Vec<_> = pictures.iter().enumerate().map(place).collect();
    let layout = common::layout([((800, 50 * u32::try_from(names.len().div_ceil(16)).unwrap()), placements.clone())]);
    let shop = Shop::new();
    let report = Run::of_layout(&layout, &suite()).render(&shop.path("out"), |_| {}).unwrap();
    let printed = read_part(&shop.path("out").join(&report.parts[0].file)).picture;
    for (placed, picture) in placements.iter().zip(&pictures) {
        let found = printed.crop((placed.rect.x(), placed.rect.y(), picture.width, picture.height));
        let wrong = match gamma(&placed.artwork) {
            None => found.pixels.iter().zip(&picture.pixels).position(|(found, expected)| found != expected),
            Some(gamma) => found.pixels.iter().zip(channels(&placed.artwork)).position(|(found, [r, g, b, a])| {
                let differs = |found: u8, expected: f64| (f64::from(found) - as_srgb(expected, gamma)).abs() > 1.0;
                f64::from(found.a) != (a * 255.0).round() || differs(found.r, r) || differs(found.g, g) || differs(found.b, b)
            }),
        };
        if let Some(at) = wrong {
            panic!("{}: pixel {at} is {:?}, not {:?}", placed.artwork, found.pixels[at], picture.pixels[at]);
        }
    }
}

#[test]
fn every_corrupt_file_is_refused_by_its_name_and_nothing_is_written() {
    let names = names(true);
    assert!(names.len() >= 14, "only {} files are there", names.len());
    let shop = Shop::new();
    for name in names {
        let layout = common::layout([((100, 100), vec![placement(&name, 1, rect(0, 0, 32, 32))])]);
        let error = Run::of_layout(&layout, &suite()).render(&shop.path("out"), |_| {}).unwrap_err();
        let known = matches!(error.kind(), ErrorKind::Preflight { .. } | ErrorKind::Artwork { .. });
        assert!(known && error.to_string().contains(&name), "{name}: {error}");
        assert!(!shop.path("out").exists(), "{name}");
    }
}
