//! Artwork as customers send it: held any way, damaged, of several pages, or made to keep a reader busy.
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

mod common;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use common::{Picture, Shop, placement, read_part, rect};
use gangsheet::{
    ArtworkLimits, ErrorKind, Layout, MemoryBudget, Placement, PreflightOptions, ProblemKind, Report, Rgba8, Run, RunOptions, Treatment,
    Turn, VerifyOptions, WarningKind, verify,
};

fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name)
}

/// The JPEG file with Exif that says how the camera was held.
fn held(file: &[u8], orientation: u8) -> Vec<u8> {
    let exif = [b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0".as_slice(), &[orientation, 0, 0, 0, 0, 0, 0]].concat();
    let length = u16::try_from(exif.len() + 2).unwrap().to_be_bytes();
    [&file[..2], &[0xff, 0xe1], &length, &exif, &file[2..]].concat()
}

/// What is seen of a picture that is stored with this orientation, as the Exif standard names its first row and column.
fn seen(stored: &Picture, orientation: u8) -> Picture {
    match orientation {
        1 => stored.clone(),
        2 => stored.mirrored(),
        3 => stored.turned(Turn::Cw180),
        4 => stored.mirrored().turned(Turn::Cw180),
        5 => Picture::new(stored.height, stored.width, |x, y| stored.at(y, x)),
        6 => stored.turned(Turn::Cw90),
        7 => Picture::new(stored.height, stored.width, |x, y| stored.at(stored.width - 1 - y, stored.height - 1 - x)),
        _ => stored.turned(Turn::Cw270),
    }
}

fn render(shop: &Shop, layout: &Layout, preflight: PreflightOptions) -> gangsheet::Result<Report> {
    Run::of_layout(layout, shop.base()).options(RunOptions { preflight, ..RunOptions::default() }).render(&shop.path("out"), |_| {})
}

fn printed(shop: &Shop, report: &Report) -> Picture {
    read_part(&shop.path("out").join(&report.parts[0].file)).picture
}

fn prove(shop: &Shop) {
    verify(&shop.path("out"), &VerifyOptions::default(), &MemoryBudget::new(common::PLENTY)).unwrap();
}

#[test]
fn every_orientation_is_honoured_in_every_turn() {
    let (shop, file) = (Shop::new(), fs::read(data("jpeg/rgb444.jpg")).unwrap());
    shop.write("0.jpg", &file);
    let stored = {
        let layout = common::layout([((37, 26), vec![placement("0.jpg", 1, rect(0, 0, 37, 26))])]);
        let report = render(&shop, &layout, PreflightOptions::default()).unwrap();
        printed(&shop, &report)
    };
    fs::remove_dir_all(shop.path("out")).unwrap();
    let (mut placements, mut expected) = (Vec::new(), Vec::new());
    for orientation in 1..=8 {
        let name = format!("{orientation}.jpg");
        shop.write(&name, &held(&file, orientation));
        for (column, (mirror, turn)) in (0..).zip([false, true].into_iter().flat_map(|mirror| Turn::ALL.map(|turn| (mirror, turn)))) {
            let picture = seen(&stored, orientation);
            let picture = if mirror { picture.mirrored() } else { picture }.turned(turn);
            let rect = rect(column * 40, (u32::from(orientation) - 1) * 40, picture.width, picture.height);
            let treatment = Treatment { mirror, ..Treatment::default() };
            placements.push(Placement { treatment, turn, ..placement(&name, column + 1, rect) });
            expected.push(picture);
        }
    }
    let layout = common::layout([((320, 320), placements.clone())]);
    let report = render(&shop, &layout, PreflightOptions::default()).unwrap();
    let part = printed(&shop, &report);
    for (placed, expected) in placements.iter().zip(expected) {
        let found = part.crop((placed.rect.x(), placed.rect.y(), expected.width, expected.height));
        assert!(found == expected, "{} {:?} {}", placed.artwork, placed.turn, placed.treatment.mirror);
    }
    prove(&shop);
}

#[test]
fn damaged_artwork_is_refused_or_printed_as_far_as_it_can_be_read_when_asked() {
    let shop = Shop::new();
    let picture = common::draw(common::Style::Gradient, 7, 90, 600);
    let whole = common::png_bytes(&picture, common::PngKind::Rgba8, false);
    let mut broken = whole.clone();
    let last = whole.len() - 20;
    broken[last] ^= 0x40;
    let jpeg = fs::read(data("jpeg/rgb420.jpg")).unwrap();
    let tiff = fs::read(data("tiff/rgb8.tif")).unwrap();
    for (name, bytes, size) in [
        ("cut.png", &whole[..whole.len() / 2], (90, 600)),
        ("broken.png", &broken[..], (90, 600)),
        ("cut.jpg", &jpeg[..jpeg.len() - 60], (37, 26)),
        ("cut.tif", &tiff[..tiff.len() - 1500], (37, 26)),
    ] {
        shop.write(name, bytes);
        let layout = common::layout([(size, vec![placement(name, 1, rect(0, 0, size.0, size.1))])]);
        let error = render(&shop, &layout, PreflightOptions::default()).unwrap_err();
        assert!(error.to_string().contains(name) && common::files_in(&shop.path("out")).is_empty(), "{error}");

        let report = render(&shop, &layout, PreflightOptions { allow_damaged: true, ..PreflightOptions::default() }).unwrap();
        let kinds: Vec<_> = report.warnings.iter().map(|warning| (warning.kind, &*warning.artwork)).collect();
        assert_eq!(kinds, [(WarningKind::Damaged, name)]);
        let part = printed(&shop, &report);
        assert_eq!(part.at(0, 0).a, 255, "{name}");
        if name == "cut.png" {
            let rows = part.visible().unwrap().3;
            assert!((50..600).contains(&rows), "{rows} rows");
            assert!(part.crop((0, 0, 90, rows)) == picture.crop((0, 0, 90, rows)));
        }
        if name == "cut.tif" {
            assert_eq!(part.at(36, 25), Rgba8::TRANSPARENT);
        }
        prove(&shop);
        fs::remove_dir_all(shop.path("out")).unwrap();
    }
}

#[test]
fn of_several_pages_the_first_is_printed_with_a_warning() {
    let shop = Shop::new();
    for (name, file) in [("pages.tif", "tiff/pages.tif"), ("animated.webp", "webp/animated.webp")] {
        shop.write(name, &fs::read(data(file)).unwrap());
        let layout = common::layout([((37, 26), vec![placement(name, 1, rect(0, 0, 37, 26))])]);
        let report = render(&shop, &layout, PreflightOptions::default()).unwrap();
        assert_eq!(report.warnings.iter().map(|warning| warning.kind).collect::<Vec<_>>(), [WarningKind::FirstFrame], "{name}");
        prove(&shop);
        fs::remove_dir_all(shop.path("out")).unwrap();
    }
}

#[test]
fn what_asks_for_more_than_the_limits_allow_is_refused_by_name() {
    let shop = Shop::new();
    for name in ["jpeg/progressive.jpg", "jpeg/rgb444.jpg", "tiff/pages.tif", "webp/animated.webp"] {
        shop.write(name, &fs::read(data(name)).unwrap());
    }
    let none = ArtworkLimits::default();
    let limits = [
        ("jpeg/rgb444.jpg", ArtworkLimits { pixels: 37 * 26 - 1, ..none }, "pixels"),
        ("jpeg/progressive.jpg", ArtworkLimits { scans: 2, ..none }, "scans"),
        ("jpeg/rgb444.jpg", ArtworkLimits { metadata_bytes: 10, ..none }, "metadata"),
        ("tiff/pages.tif", ArtworkLimits { frames: 2, ..none }, "pages"),
        ("webp/animated.webp", ArtworkLimits { frames: 1, ..none }, "frames"),
    ];
    for (name, limits, word) in limits {
        let layout = common::layout([((37, 26), vec![placement(name, 1, rect(0, 0, 37, 26))])]);
        let error = render(&shop, &layout, PreflightOptions { limits, ..PreflightOptions::default() }).unwrap_err();
        let ErrorKind::Preflight { problems } = error.kind() else { panic!("{error}") };
        let [problem] = &problems[..] else { panic!("{error}") };
        assert!(problem.kind == ProblemKind::Limit && problem.artwork == name, "{error}");
        assert!(problem.message.contains(word) && problem.message.contains("limit"), "{error}");
    }
    // Time is known only when it is over: after preflight, and nothing stays.
    let limits = ArtworkLimits { decode_time: Duration::ZERO, decode_time_per_megapixel: Duration::ZERO, ..none };
    let layout = common::layout([((37, 26), vec![placement("jpeg/rgb444.jpg", 1, rect(0, 0, 37, 26))])]);
    let error = render(&shop, &layout, PreflightOptions { limits, ..PreflightOptions::default() }).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::ArtworkLimit { path, .. } if path.ends_with("rgb444.jpg")), "{error}");
    assert!(!shop.path("out").exists());
}
