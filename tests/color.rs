//! Colours: what files say about theirs, what the parts say, and what an item asks to be done with transparency.
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

mod common;

use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use common::profile::{jpeg_with_profile, press_profile};
use common::{Picture, Shop, read_part};
use gangsheet::{
    AlphaRules, Dpi, ErrorKind, Existing, Harden, Item, Job, Kernel, Knockout, Layout, Length, Media, Order, Output, OutputProfile,
    PreflightOptions, Resample, Rgba8, Run, RunOptions, Sizing, Treatment, Trim, TurnPolicy, VerifyOptions, WarningKind, verify,
};
use moxcms::ColorProfile;

const SOFT: Rgba8 = Rgba8::new(150, 120, 90, 255);

/// Encoded once: profiles tell the second in which they are made.
static ADOBE: LazyLock<Vec<u8>> = LazyLock::new(|| ColorProfile::new_adobe_rgb().encode().unwrap());

fn adobe() -> Vec<u8> {
    ADOBE.clone()
}

/// Writes a PNG of one colour that has this ICC profile.
fn with_profile(shop: &Shop, name: &str, color: Rgba8, profile: &[u8]) {
    let picture = Picture::new(8, 8, |_, _| color);
    let mut info = png::Info::with_size(8, 8);
    (info.color_type, info.bit_depth) = (png::ColorType::Rgba, png::BitDepth::Eight);
    info.icc_profile = Some(profile.to_vec().into());
    let mut bytes = Vec::new();
    let mut writer = png::Encoder::with_info(&mut bytes, info).unwrap().write_header().unwrap();
    writer.write_image_data(bytemuck::cast_slice(&picture.pixels)).unwrap();
    drop(writer);
    shop.write(name, &bytes);
}

fn job(items: Vec<Item>, output: Output) -> Job {
    let media = Media::new(Length::px(60), Length::px(60));
    Job { output, ..Job::new("Test", Dpi::new(300).unwrap(), media, vec![Order::new("1001", items)]) }
}

/// The chunk of this kind in a part.
fn chunk(part: &Path, kind: &[u8; 4]) -> Option<Vec<u8>> {
    let bytes = fs::read(part).unwrap();
    let mut at = 8;
    while at < bytes.len() {
        let length = u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
        if &bytes[at + 4..at + 8] == kind {
            return Some(bytes[at + 8..at + 8 + length].to_vec());
        }
        at += 12 + length;
    }
    None
}

fn near(found: Rgba8, expected: [u8; 3]) -> bool {
    [found.r, found.g, found.b].iter().zip(expected).all(|(found, expected)| found.abs_diff(expected) <= 1)
}

#[test]
fn colours_of_another_space_are_converted_and_counted() {
    let shop = Shop::new();
    with_profile(&shop, "soft.png", SOFT, &adobe());
    with_profile(&shop, "vivid.png", Rgba8::new(0, 255, 0, 255), &adobe());
    with_profile(&shop, "same.png", SOFT, &ColorProfile::new_srgb().encode().unwrap());
    with_profile(&shop, "broken.png", SOFT, b"no profile at all");
    let items = ["soft.png", "vivid.png", "same.png", "broken.png"].map(|name| Item { turn: TurnPolicy::None, ..Item::new(name) });
    let out = shop.path("out");
    let report = Run::of_job(&job(items.to_vec(), Output::default()), shop.base()).render(&out, |_| {}).unwrap();
    assert_eq!((report.converted_artworks, report.out_of_gamut_artworks), (2, 1));
    assert_eq!(report.warnings.iter().map(|warning| warning.kind).collect::<Vec<_>>(), [WarningKind::UnusedProfile]);
    let layout = Layout::read(&out.join("layout.json")).unwrap();
    let printed = read_part(&out.join("Test part 1.png")).picture;
    for placed in layout.parts[0].placements() {
        let found = printed.at(placed.rect.x() + 3, placed.rect.y() + 3);
        // By the formulas of Adobe RGB (1998), section 4.3, and IEC 61966-2-1.
        let good = match Path::new(&*placed.artwork).file_name().unwrap().to_str().unwrap() {
            "soft.png" => near(found, [162, 121, 88]),
            "vivid.png" => near(found, [0, 255, 1]),
            _ => found == SOFT,
        };
        assert!(good, "{}: {found:?}", placed.artwork);
    }
    assert_eq!(chunk(&out.join("Test part 1.png"), b"sRGB"), Some(vec![1]));
    verify(&out, &VerifyOptions::default(), &gangsheet::MemoryBudget::new(1 << 27)).unwrap();
}

/// A file in linear light has most of its shadows below the steps of 8 bits.
#[test]
fn sixteen_bits_in_linear_light_are_rounded_when_they_are_converted() {
    let shop = Shop::new();
    let level = |x: u32| u16::try_from(x * 8).unwrap();
    for (name, color) in [("colour.png", png::ColorType::Rgb), ("grey.png", png::ColorType::Grayscale)] {
        let mut info = png::Info::with_size(400, 1);
        (info.color_type, info.bit_depth) = (color, png::BitDepth::Sixteen);
        info.source_gamma = Some(png::ScaledFloat::new(1.0));
        let mut bytes = Vec::new();
        let mut writer = png::Encoder::with_info(&mut bytes, info).unwrap().write_header().unwrap();
        let row: Vec<u8> = (0..400).flat_map(|x| level(x).to_be_bytes().repeat(color.samples())).collect();
        writer.write_image_data(&row).unwrap();
        drop(writer);
        shop.write(name, &bytes);
    }
    let items = ["colour.png", "grey.png"].map(|name| Item { turn: TurnPolicy::None, ..Item::new(name) });
    let job = Job { media: Media::new(Length::px(500), Length::px(60)), ..job(items.to_vec(), Output::default()) };
    let out = shop.path("out");
    Run::of_job(&job, shop.base()).render(&out, |_| {}).unwrap();
    let printed = read_part(&out.join("Test part 1.png")).picture;
    let layout = Layout::read(&out.join("layout.json")).unwrap();
    for placed in layout.parts[0].placements() {
        for x in 0..400 {
            // IEC 61966-2-1.
            let light = f64::from(level(x)) / 65535.0;
            let encoded = 255.0 * if light <= 0.003_130_8 { 12.92 * light } else { 1.055 * light.powf(1.0 / 2.4) - 0.055 };
            let found = printed.at(placed.rect.x() + x, placed.rect.y());
            assert!((f64::from(found.r) - encoded).abs() < 0.7, "{}, {x}: {found:?}, not {encoded}", placed.artwork);
        }
    }
}

#[test]
fn inks_are_converted_by_their_profile_and_told() {
    let shop = Shop::new();
    let inks = fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/jpeg/cmyk_adobe.jpg")).unwrap();
    shop.write("press.jpg", &jpeg_with_profile(&inks, &press_profile()));
    let report = Run::of_job(&job(vec![Item::new("press.jpg")], Output::default()), shop.base()).render(&shop.path("out"), |_| {}).unwrap();
    assert_eq!(report.converted_artworks, 1);
    assert_eq!(report.warnings.iter().map(|warning| warning.kind).collect::<Vec<_>>(), [WarningKind::Inks]);
}

#[test]
fn parts_are_in_the_space_of_the_profile_that_they_embed() {
    let shop = Shop::new();
    shop.artwork("plain.png", &Picture::new(8, 8, |_, _| Rgba8::new(162, 121, 88, 255)));
    with_profile(&shop, "wide.png", SOFT, &adobe());
    shop.write("press/film.icc", &adobe());
    let output = Output { profile: OutputProfile::Icc("press/film.icc".into()), ..Output::default() };
    let job = job(vec![Item::new("plain.png"), Item::new("wide.png")], output);
    let out = shop.path("out/sheets");
    let report = Run::of_job(&job, shop.base()).render(&out, |_| {}).unwrap();
    // What already is in it stays as it is.
    assert_eq!(report.converted_artworks, 1);
    let part = out.join("Test part 1.png");
    let printed = read_part(&part).picture;
    assert!(printed.pixels.iter().filter(|pixel| pixel.a > 0).all(|&pixel| near(pixel, [150, 120, 90])));
    let embedded = png::Decoder::new(std::io::BufReader::new(fs::File::open(&part).unwrap())).read_info().unwrap();
    assert_eq!(embedded.info().icc_profile.as_deref(), Some(&adobe()[..]));
    assert_eq!(chunk(&part, b"sRGB"), None);
    let budget = gangsheet::MemoryBudget::new(1 << 27);
    verify(&out, &VerifyOptions::default(), &budget).unwrap();
    // The layout finds the profile from where it lies, and gives the same bytes.
    let layout = Layout::read(&out.join("layout.json")).unwrap();
    assert_eq!(layout.output.profile, OutputProfile::Icc("../../press/film.icc".into()));
    let again = Run::of_layout(&layout, &out).render(&shop.path("again"), |_| {}).unwrap();
    assert_eq!(again.parts[0].sha256, report.parts[0].sha256);
    let laid_out = Run::of_laid_out_job(&job, shop.base(), &layout, &out).render(&shop.path("laid out"), |_| {}).unwrap();
    assert_eq!(laid_out.parts[0].sha256, report.parts[0].sha256);
    // Another profile is another print.
    shop.write("press/film.icc", &ColorProfile::new_display_p3().encode().unwrap());
    let options = RunOptions { existing: Existing::Resume, ..RunOptions::default() };
    let error = Run::of_job(&job, shop.base()).options(options).render(&out, |_| {}).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::NotResumable { .. }), "{error}");
    assert!(verify(&out, &VerifyOptions::default(), &budget).is_err());
}

#[test]
fn a_profile_that_cannot_be_embedded_and_film_that_would_be_blank_are_refused() {
    let shop = Shop::new();
    shop.artwork("plain.png", &Picture::new(8, 8, |_, _| SOFT));
    shop.write("note.icc", b"not a profile");
    shop.write("grey.icc", &ColorProfile::new_gray_with_gamma(2.2).encode().unwrap());
    for (path, words) in
        [("note.icc", "which is no ICC profile"), ("grey.icc", "which is for inks or has tables"), ("gone.icc", "which cannot be read")]
    {
        let output = Output { profile: OutputProfile::Icc(path.into()), ..Output::default() };
        let error = Run::of_job(&job(vec![Item::new("plain.png")], output), shop.base()).render(&shop.path("out"), |_| {}).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Document { at, .. } if at == "output.profile"), "{error}");
        assert!(error.to_string().contains(words), "{error}");
    }
    shop.artwork("faint.png", &Picture::new(8, 8, |_, _| Rgba8 { a: 100, ..SOFT }));
    // All pixels have this colour.
    let knockout = Some(Knockout { color: [150, 120, 90], tolerance: 0 });
    let rules = AlphaRules::default();
    let render = |artwork: &str, alpha, out: &str| {
        let item = Item { treatment: Treatment { alpha, ..Treatment::default() }, ..Item::new(artwork) };
        Run::of_job(&job(vec![item], Output::default()), shop.base()).render(&shop.path(out), |_| {})
    };
    for (artwork, alpha) in [
        ("plain.png", AlphaRules { knockout, ..rules }),
        ("faint.png", AlphaRules { min_alpha: 101, ..rules }),
        ("faint.png", AlphaRules { harden: Harden::new(0.5), ..rules }),
    ] {
        let error = render(artwork, alpha, "out").unwrap_err();
        assert!(error.to_string().contains("its rules for alpha leave no pixel"), "{error}");
    }
    render("faint.png", AlphaRules { min_alpha: 100, ..rules }, "faint").unwrap();
    // Lines of a pixel vanish where ten of them become one.
    shop.artwork("lines.png", &Picture::new(100, 100, |x, _| if x % 10 == 0 { SOFT } else { Rgba8::TRANSPARENT }));
    let treatment = Treatment { alpha: AlphaRules { harden: Harden::new(0.5), ..rules }, ..Treatment::default() };
    let item = Item { size: Some(Sizing::Width(Length::px(10))), treatment, ..Item::new("lines.png") };
    let preflight = PreflightOptions { deep: true, ..PreflightOptions::default() };
    let options = RunOptions { preflight, ..RunOptions::default() };
    let error =
        Run::of_job(&job(vec![item], Output::default()), shop.base()).options(options).render(&shop.path("out"), |_| {}).unwrap_err();
    assert!(error.to_string().contains("nothing of it is visible at its printed size"), "{error}");
    assert!(!shop.path("out").exists());
}

#[test]
fn an_items_treatment_is_printed_reported_and_proven() {
    let shop = Shop::new();
    let (red, soft) = (Rgba8::new(200, 30, 30, 255), Rgba8::new(200, 30, 30, 90));
    // A red square with a soft edge on black, with two empty columns on its left.
    let picture = Picture::new(12, 10, |x, y| match (x, y) {
        (0 | 1, _) => Rgba8::TRANSPARENT,
        (4..10, 2..8) => red,
        (3..11, 1..9) => soft,
        _ => Rgba8::new(0, 0, 0, 255),
    });
    shop.artwork("badge.png", &picture);
    let treatment = Treatment {
        trim: Trim::Above(100),
        resample: Resample { kernel: Kernel::Nearest, linear: false },
        alpha: AlphaRules { knockout: Some(Knockout { color: [0; 3], tolerance: 3 }), min_alpha: 0, harden: Harden::new(0.5) },
        ..Treatment::default()
    };
    let badge = Item {
        size: Some(Sizing::Width(Length::px(12))),
        canvas: Some((Length::px(16), Length::px(20))),
        treatment,
        turn: TurnPolicy::None,
        ..Item::new("badge.png")
    };
    let out = shop.path("out");
    let report = Run::of_job(&job(vec![badge], Output::default()), shop.base()).render(&out, |_| {}).unwrap();
    let printed = read_part(&out.join("Test part 1.png")).picture;
    // 6 × 6 px of red at twice their size, in the middle of the canvas.
    let expected = |x: u32, y: u32| (2..14).contains(&x) && (4..16).contains(&y);
    for (y, x) in (0..20).flat_map(|y| (0..60).map(move |x| (y, x))) {
        assert_eq!(printed.at(x, y), if expected(x, y) { red } else { Rgba8::TRANSPARENT }, "x {x}, y {y}");
    }
    let [trimmed] = &report.trimmed[..] else { panic!("{:?}", report.trimmed) };
    // 4, 2, 2 and 2 px of the artwork, doubled, at 300 DPI.
    assert_eq!((trimmed.left_mm, trimmed.right_mm, trimmed.top_mm, trimmed.bottom_mm), (0.7, 0.3, 0.3, 0.3));
    verify(&out, &VerifyOptions::default(), &gangsheet::MemoryBudget::new(1 << 27)).unwrap();
    let layout = Layout::read(&out.join("layout.json")).unwrap();
    let again = Run::of_layout(&layout, &out).render(&shop.path("again"), |_| {}).unwrap();
    assert_eq!(again.parts[0].sha256, report.parts[0].sha256);
}
