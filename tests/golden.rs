//! Fixed jobs with every option, by the CRC-32 of their parts' decoded pixels.
//!
//! A difference means that prints change. If that is meant, say so in the commit's message and renew the values: `cargo test --test golden`
//! prints the lines to put here. Where `layout` differs, whose placements are given, raise the plan's format number as well, so that no
//! unfinished part is continued with other pixels.
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

mod common;

use common::{PngKind, Shop, Style, draw, png_bytes, read_part, scene};
use gangsheet::{Effort, Job, Layout, Packing, Run, RunOptions};

/// The name of a case, and for each of its parts: file name, width, length, CRC-32 of the straight RGBA bytes of all its pixels.
type Golden = (&'static str, &'static [(&'static str, u32, u32, u32)]);

const GOLDEN: [Golden; 7] = [
    ("everything", &[("Shop_1-1of2.png", 375, 231, 0x82cb8a32), ("Shop_1-2of2.png", 375, 118, 0xe5dc5282)]),
    ("opaque", &[("Shop_1-1of2.png", 375, 231, 0x9c4d418e), ("Shop_1-2of2.png", 375, 118, 0xf3b3b571)]),
    ("content", &[("Shop_1-1of1.png", 375, 108, 0xd325a8b5)]),
    ("none", &[("Shop_1-1of2.png", 375, 236, 0x339345db), ("Shop_1-2of2.png", 375, 236, 0x2db00744)]),
    ("sizes", &[("Sizes part 1.png", 300, 96, 0x5f2c2919)]),
    ("kinds", &[("Kinds part 1.png", 250, 175, 0x8fcc7b70)]),
    ("layout", &[("Test part 1.png", 900, 1400, 0xa7c018ed), ("Test part 2.png", 860, 1500, 0x1d93e0ef)]),
];

/// Renders a case's job and describes its parts.
fn parts(shop: &Shop, run: &Run) -> Vec<(String, u32, u32, u32)> {
    let out = shop.path("out");
    let packing = Packing::default().with_effort(Effort::Fast);
    let report = run.clone().options(RunOptions { packing, ..RunOptions::default() }).render(&out, |_| {}).unwrap();
    let part = |part: &gangsheet::PartReport| {
        let picture = read_part(&out.join(&part.file)).picture;
        let bytes: Vec<u8> = picture.pixels.iter().flat_map(|pixel| [pixel.r, pixel.g, pixel.b, pixel.a]).collect();
        (part.file.clone(), picture.width, picture.height, crc32fast::hash(&bytes))
    };
    report.parts.iter().map(part).collect()
}

/// Compares with the golden values.
fn check(case: &str, shop: &Shop, run: &Run) {
    let found = parts(shop, run);
    let (_, expected) = GOLDEN.iter().find(|golden| golden.0 == case).unwrap();
    let same = found.len() == expected.len() && found.iter().zip(*expected).all(|(f, e)| (f.0.as_str(), f.1, f.2, f.3) == *e);
    let line: Vec<String> = found.iter().map(|(name, width, length, crc)| format!("({name:?}, {width}, {length}, {crc:#010x})")).collect();
    assert!(same, "the pixels have changed; if that is meant:\n    ({case:?}, &[{}]),", line.join(", "));
}

/// Artwork of every style, and one of each kind of PNG.
fn shop() -> Shop {
    let shop = Shop::new();
    for (nth, style) in Style::ALL.into_iter().enumerate() {
        shop.artwork(&format!("art/{style:?}.png"), &draw(style, nth as u64, 90, 60));
    }
    for (nth, kind) in PngKind::ALL.into_iter().enumerate() {
        shop.write(&format!("kind/{nth}.png"), &png_bytes(&draw(Style::Noise, 40 + nth as u64, 31, 23), kind, nth % 2 == 1));
    }
    shop
}

fn job(text: &str) -> Job {
    Job::from_json(text.as_bytes()).unwrap()
}

const EVERYTHING: &str = r##"{
    "version": 1, "name": "Shop/1", "dpi": 150,
    "media": { "width": "2.5in", "max_length": "40mm", "margin": { "left": "3px", "right": "0.05in", "top": "1mm", "bottom": "0.2cm" } },
    "gutter": { "x": "4px", "y": "0.02in" },
    "orders": [
        { "id": "1001", "items": [
            { "artwork": "art/Disc.png", "size": { "width": "1in" }, "copies": 3 },
            { "artwork": "art/Dot.png", "size": { "height": "20mm" }, "trim": true, "turn": 90 },
            { "artwork": "art/Gradient.png", "mirror": true, "turn": 180 } ] },
        { "id": "1002", "items": [
            { "artwork": "art/Noise.png", "turn": 270, "copies": 2 },
            { "artwork": "art/Faint.png", "size": { "dpi": 100 }, "turn": "none", "mirror": true } ] } ],
    "output": { "name": "{job}-{part}of{parts}", "background": "transparent", "crop": "length", "compression": "small" }
}"##;

#[test]
fn a_job_with_every_option() {
    let (shop, job) = (shop(), job(EVERYTHING));
    check("everything", &shop, &Run::of_job(&job, shop.base()));
}

#[test]
fn on_an_opaque_background() {
    let text = EVERYTHING.replace("\"transparent\"", "\"#20c0f7\"").replace("\"small\"", "\"balanced\"");
    let (shop, job) = (shop(), job(&text));
    check("opaque", &shop, &Run::of_job(&job, shop.base()));
}

#[test]
fn cropped_to_the_content() {
    let job = job(&EVERYTHING.replace("\"length\"", "\"content\"")).select(&["1002"]).unwrap();
    let shop = shop();
    check("content", &shop, &Run::of_job(&job, shop.base()));
}

#[test]
fn not_cropped() {
    let (shop, job) = (shop(), job(&EVERYTHING.replace("\"length\"", "\"none\"")));
    check("none", &shop, &Run::of_job(&job, shop.base()));
}

#[test]
fn every_rule_of_size() {
    let sizes = [
        r#"{ "width": "35.7px" }"#,
        r#"{ "height": "0.31in" }"#,
        r#"{ "longest": "9mm" }"#,
        r#"{ "fit": ["1.5cm", "5mm"] }"#,
        r#"{ "exact": ["50px", "70px"] }"#,
        r#"{ "dpi": 72 }"#,
        r#"{ "metadata": true }"#,
    ];
    let items: Vec<String> = sizes.iter().map(|size| format!(r#"{{ "artwork": "tagged.png", "size": {size} }}"#)).collect();
    let text = format!(
        r#"{{ "version": 1, "name": "Sizes", "dpi": 120, "media": {{ "width": "300px", "max_length": "1000px" }},
            "orders": [{{ "id": "1", "items": [{}] }}] }}"#,
        items.join(", ")
    );
    let shop = Shop::new();
    // 4000 pixels a metre across, 5000 down.
    let phys = [&4000_u32.to_be_bytes()[..], &5000_u32.to_be_bytes(), &[1]].concat();
    let tagged = common::png_file::png_bytes_with(&draw(Style::Disc, 9, 60, 40), PngKind::Rgba8, false, &[(*b"pHYs", &phys)]);
    shop.write("tagged.png", &tagged);
    let job = job(&text);
    check("sizes", &shop, &Run::of_job(&job, shop.base()));
}

#[test]
fn every_kind_of_file() {
    let shop = shop();
    let item = |nth| format!(r#"{{ "artwork": "kind/{nth}.png" }}, {{ "artwork": "kind/{nth}.png", "size": {{ "width": "40px" }} }}"#);
    let items: Vec<String> = (0..PngKind::ALL.len()).map(item).collect();
    let text = format!(
        r#"{{ "version": 1, "name": "Kinds", "dpi": 300, "media": {{ "width": "250px", "max_length": "1000px" }}, "gutter": "1px",
            "orders": [{{ "id": "1", "items": [{}] }}] }}"#,
        items.join(", ")
    );
    let job = job(&text);
    check("kinds", &shop, &Run::of_job(&job, shop.base()));
}

/// Overlaps, and parts of several bands.
#[test]
fn a_layout_by_hand() {
    let shop = Shop::new();
    let layout: Layout = scene(&shop);
    check("layout", &shop, &Run::of_layout(&layout, shop.base()));
}
