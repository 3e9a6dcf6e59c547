//! What `verify` proves: nothing that differs from what the layout and the artwork give goes unnoticed, and the copy that is wrong is named.
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

mod common;

use std::fs;
use std::path::PathBuf;

use common::png_file::{chunk, png_bytes_with};
use common::{PLENTY, Picture, PngKind, Shop, Style, draw, files_in, placement, read_part, rect, scene};
use gangsheet::{
    Background, ErrorKind, Layout, MemoryBudget, Output, PROCESS_BYTES, Placement, Rgba8, Run, Turn, Verified, VerifyOptions, verify,
};
use serde_json::Value;
use sha2::{Digest, Sha256};

/// A shop with a finished run in `out`.
struct Finished {
    shop: Shop,
    layout: Layout,
}

impl Finished {
    fn new(layout: impl FnOnce(&Shop) -> Layout) -> Self {
        let shop = Shop::new();
        let layout = layout(&shop);
        Run::of_layout(&layout, shop.base()).render(&shop.path("out"), |_| {}).unwrap();
        // With the paths as they are written there.
        let layout = Layout::read(&shop.path("out/layout.json")).unwrap();
        Self { shop, layout }
    }

    fn part(&self, part: usize) -> PathBuf {
        self.shop.path(&format!("out/Test part {part}.png"))
    }

    fn verify(&self) -> gangsheet::Result<Verified> {
        verify(&self.shop.path("out"), &VerifyOptions { threads: Some(2), ..VerifyOptions::default() }, &MemoryBudget::new(PLENTY))
    }

    /// The file that is not proven, and why.
    #[track_caller]
    fn refusal(&self) -> (PathBuf, String) {
        match self.verify().expect_err("it was proven").into_kind() {
            ErrorKind::NotProven { path, message } => (path, message),
            other => panic!("{other:?}"),
        }
    }

    /// Replaces a part's file, and makes the report agree with it.
    fn replace(&self, part: usize, bytes: &[u8]) {
        fs::write(self.part(part), bytes).unwrap();
        self.edit_report(|report| {
            let hash = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect::<String>();
            report["parts"][part - 1]["sha256"] = hash.into();
            report["parts"][part - 1]["bytes"] = bytes.len().into();
        });
    }

    fn edit_report(&self, edit: impl FnOnce(&mut Value)) {
        self.edit("report.json", edit);
    }

    fn edit(&self, name: &str, edit: impl FnOnce(&mut Value)) {
        let path = self.shop.path("out").join(name);
        let mut value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        edit(&mut value);
        fs::write(path, value.to_string()).unwrap();
    }

    /// The part with other pixels, its other chunks kept or not.
    fn encode(&self, part: usize, picture: &Picture, keep: &[[u8; 4]]) -> Vec<u8> {
        let original = fs::read(self.part(part)).unwrap();
        let kept: Vec<([u8; 4], &[u8])> = chunks(&original).into_iter().filter(|(name, _)| keep.contains(name)).collect();
        let kind = if self.layout.output.background == Background::Transparent { PngKind::Rgba8 } else { PngKind::Rgb8 };
        png_bytes_with(picture, kind, false, &kept)
    }
}

const PHYS: [u8; 4] = *b"pHYs";
const SRGB: [u8; 4] = *b"sRGB";
const TEXT: [u8; 4] = *b"tEXt";

/// The chunks of a PNG: name and data.
fn chunks(mut png: &[u8]) -> Vec<([u8; 4], &[u8])> {
    let mut chunks = Vec::new();
    png = &png[8..];
    while let Some(head) = png.first_chunk::<8>() {
        let (length, name) = head.split_at(4);
        let end = 8 + u32::from_be_bytes(length.try_into().unwrap()) as usize;
        chunks.push((name.try_into().unwrap(), &png[8..end]));
        png = &png[end + 4..];
    }
    chunks
}

#[test]
fn what_was_printed_is_proven_and_nothing_stays_behind() {
    let finished = Finished::new(scene);
    let before = files_in(&finished.shop.path("out"));
    let smallest = common::plan(&finished.layout, &finished.shop.path("out"), PLENTY, 1).unwrap().plan.memory().smallest_limit_bytes;
    for (threads, limit_bytes) in [(1, PLENTY), (3, PLENTY), (4, smallest)] {
        // Reading a part takes a decoder and a row more than rendering it.
        let budget = MemoryBudget::new(limit_bytes + (256 << 10));
        let process = budget.reserve(PROCESS_BYTES, "the program itself").unwrap();
        let proven =
            verify(&finished.shop.path("out"), &VerifyOptions { threads: Some(threads), ..VerifyOptions::default() }, &budget).unwrap();
        assert_eq!((proven.parts, proven.copies), (2, 13));
        drop(process);
        assert_eq!(budget.held_bytes(), 0);
        assert!(files_in(&finished.shop.path("out")) == before);
    }
}

/// One bit of one byte, anywhere in a copy: the copy is named, with the place in it.
#[test]
fn a_wrong_byte_is_traced_to_its_copy() {
    let finished = Finished::new(scene);
    for part in 1..=2 {
        let printed = read_part(&finished.part(part)).picture;
        let placements = finished.layout.parts[part - 1].placements();
        for (nth, placed) in placements.iter().enumerate() {
            let size = placed.rect.size();
            let corners = [(0, 0), (size.width() - 1, size.height() - 1), (size.width() / 2, size.height() / 3)];
            let (column, row) = corners[nth % 3];
            let (x, y) = (placed.rect.x() + column, placed.rect.y() + row);
            let topmost = placements.iter().rfind(|other| other.rect.contains(x, y)).unwrap();
            let mut wrong = printed.clone();
            let pixel = printed.at(x, y);
            wrong.set(
                x,
                y,
                [Rgba8 { r: pixel.r ^ 1, ..pixel }, Rgba8 { a: pixel.a ^ 1, ..pixel }, Rgba8 { b: pixel.b ^ 128, ..pixel }][nth % 3],
            );
            let keep = if nth % 2 == 0 { &[PHYS, TEXT, SRGB][..] } else { &[PHYS, SRGB] };
            finished.replace(part, &finished.encode(part, &wrong, keep));
            let (path, message) = finished.refusal();
            assert_eq!(path, finished.part(part));
            let (column, row) = (x - topmost.rect.x(), y - topmost.rect.y());
            let named = format!("part {part}: {topmost} is wrong at its column {column}, row {row} (x {x}, y {y} on the part): found [");
            assert!(message.starts_with(&named), "expected {named:?}: {message}");
        }
        // The same pixels in another encoding are still the same print.
        finished.replace(part, &finished.encode(part, &printed, &[PHYS, SRGB]));
        finished.verify().unwrap();
    }
}

#[test]
fn a_pixel_outside_of_all_copies_is_found() {
    let finished = Finished::new(scene);
    for (part, x, y) in [(1, 0, 0), (1, 899, 1399), (2, 859, 699), (2, 5, 30)] {
        assert!(finished.layout.parts[part - 1].placements().iter().all(|placed| !placed.rect.contains(x, y)));
        let original = fs::read(finished.part(part)).unwrap();
        let mut picture = read_part(&finished.part(part)).picture;
        // Also one that nobody sees.
        picture.set(x, y, Rgba8::new(0, 0, 1, u8::from(x > 0)));
        finished.replace(part, &finished.encode(part, &picture, &[PHYS, TEXT, SRGB]));
        let (path, message) = finished.refusal();
        assert_eq!(path, finished.part(part));
        assert!(message.contains(&format!("outside of all copies at x {x}, y {y}")), "{message}");
        finished.replace(part, &original);
    }
    finished.verify().unwrap();
}

#[test]
fn on_an_opaque_background_too() {
    let finished = Finished::new(|shop| {
        let output = Output { background: Background::Opaque([10, 200, 30]), ..Output::default() };
        Layout { output, ..scene(shop) }
    });
    finished.verify().unwrap();
    let printed = read_part(&finished.part(2)).picture;
    for (x, y, words) in [(105, 103, "order 2, item 0, copy 4"), (1, 1, "outside of all copies at x 1, y 1")] {
        let mut wrong = printed.clone();
        wrong.set(x, y, Rgba8 { g: printed.at(x, y).g ^ 1, ..printed.at(x, y) });
        finished.replace(2, &finished.encode(2, &wrong, &[PHYS, SRGB]));
        let (_, message) = finished.refusal();
        assert!(message.contains(words), "{message}");
    }
}

#[test]
fn a_wrong_resolution_or_form_is_found() {
    let finished = Finished::new(scene);
    let picture = read_part(&finished.part(1)).picture;
    let phys = |x: u32, y: u32, unit: u8| [&x.to_be_bytes()[..], &y.to_be_bytes(), &[unit]].concat();
    let with = |data: Vec<u8>| png_bytes_with(&picture, PngKind::Rgba8, false, &[(PHYS, &data), (SRGB, &[1])]);
    finished.replace(1, &with(phys(11811, 11811, 1)));
    finished.verify().unwrap();
    let right = phys(11811, 11811, 1);
    let right: &[([u8; 4], &[u8])] = &[(PHYS, &right)];
    for (bytes, words) in [
        (with(phys(11812, 11811, 1)), "its resolution is 300.02 DPI across and 300.00 down where the layout says 300 DPI"),
        (with(phys(2835, 2835, 1)), "its resolution is 72.01 DPI where"),
        (with(phys(11811, 11811, 0)), "its resolution is a ratio without a unit"),
        (png_bytes_with(&picture, PngKind::Rgba8, false, &[]), "its resolution is missing"),
        (png_bytes_with(&picture, PngKind::Rgba8, true, right), "interlaced rows of 4 × 8 bits a pixel"),
        (png_bytes_with(&picture, PngKind::Rgb8, false, right), "rows of 3 × 8 bits a pixel where this program writes rows of 4 × 8 bits"),
        (png_bytes_with(&picture, PngKind::Rgba16, false, right), "rows of 4 × 16 bits a pixel"),
        (
            png_bytes_with(&picture.crop((0, 0, 900, 1399)), PngKind::Rgba8, false, right),
            "900 × 1399 px where the layout says 900 × 1400 px",
        ),
        (png_bytes_with(&picture, PngKind::Rgba8, false, right), "what it says about its colours is not what the layout asks for"),
        (
            png_bytes_with(&picture, PngKind::Rgba8, false, &[right[0], (SRGB, &[0])]),
            "what it says about its colours is not what the layout asks for",
        ),
        (b"not a PNG at all".to_vec(), "no whole PNG"),
        (Vec::new(), "no whole PNG"),
    ] {
        finished.replace(1, &bytes);
        let (path, message) = finished.refusal();
        assert!(path == finished.part(1) && message.contains(words), "{words}: {message}");
    }
}

#[test]
fn a_damaged_file_is_found_even_where_the_report_agrees_with_it() {
    let finished = Finished::new(scene);
    let whole = fs::read(finished.part(1)).unwrap();
    let last = whole.len() - 12;
    for cut in [last, last - 1, last - 8, whole.len() * 2 / 3, whole.len() / 4, 150, 40, 8] {
        finished.replace(1, &whole[..cut]);
        let (path, message) = finished.refusal();
        assert!(path == finished.part(1) && (message.contains("read") || message.contains("no whole PNG")), "cut at {cut}: {message}");
    }
    // Every checksum: a CRC in the middle and of the end, and the Adler-32 with the chunk's CRC made to agree.
    let adler_at = last - 4 - 4;
    let mut other_adler = whole.clone();
    other_adler[adler_at] ^= 1;
    let start = chunks(&whole).iter().rev().nth(1).map(|(name, data)| (*name == *b"IDAT").then_some(data.len())).unwrap().unwrap();
    let crc = crc32fast::hash(&other_adler[last - 4 - start - 4..last - 4]);
    other_adler[last - 4..last].copy_from_slice(&crc.to_be_bytes());
    let flipped = |at: usize| {
        let mut bytes = whole.clone();
        bytes[at] ^= 1;
        bytes
    };
    for (what, bytes) in [
        ("the Adler-32", other_adler),
        ("a CRC", flipped(last - 1)),
        ("the last CRC", flipped(whole.len() - 1)),
        ("pixels", flipped(whole.len() / 2)),
    ] {
        finished.replace(1, &bytes);
        assert_eq!(finished.refusal().0, finished.part(1), "{what}");
    }
    finished.replace(1, &whole);
    finished.verify().unwrap();
}

/// What is in a file beside the picture may change how it is shown, or be read by nobody: it was not printed.
#[test]
fn what_was_put_into_a_file_is_found_even_where_the_report_agrees_with_it() {
    let finished = Finished::new(scene);
    let whole = fs::read(finished.part(1)).unwrap();
    let end = whole.len() - 12;
    let with = |at: usize, more: &[u8]| [&whole[..at], more, &whole[at..]].concat();
    for (bytes, words) in [
        (with(whole.len(), b"more"), "it goes on behind its end, from byte"),
        (with(33, &chunk(*b"gAMA", &1_u32.to_be_bytes())), "a chunk gAMA at byte 33"),
        (with(end, &chunk(*b"prVt", b"a secret")), "a chunk prVt at byte"),
    ] {
        finished.replace(1, &bytes);
        let (path, message) = finished.refusal();
        assert!(path == finished.part(1) && message.contains(words), "{words}: {message}");
    }
}

#[test]
fn a_part_that_the_report_does_not_name_is_found() {
    let finished = Finished::new(scene);
    let out = |name: &str| finished.shop.path(&format!("out/{name}"));
    fs::copy(finished.shop.path("art/disc.png"), out("disc.png")).unwrap();
    fs::write(out("other.PNG"), b"no part").unwrap();
    fs::write(out("note.txt"), b"no part").unwrap();
    assert_eq!(finished.verify().unwrap().strays, [out("disc.png"), out("other.PNG")]);
    for name in ["Test part 3.png", "Test part 1.png.partial"] {
        fs::copy(finished.part(2), out(name)).unwrap();
        let (path, message) = finished.refusal();
        assert!(path == out(name) && message.contains("the report does not name"), "{message}");
        fs::remove_file(out(name)).unwrap();
    }
}

#[test]
fn folders_for_the_proof_are_those_that_are_named() {
    let finished = Finished::new(scene);
    let prove = |options: VerifyOptions| verify(&finished.shop.path("out"), &options, &MemoryBudget::new(PLENTY));
    prove(VerifyOptions { artwork_root: Some(finished.shop.base().to_owned()), ..VerifyOptions::default() }).unwrap();
    let outside = VerifyOptions { artwork_root: Some(finished.shop.path("out")), ..VerifyOptions::default() };
    assert!(matches!(prove(outside).unwrap_err().kind(), ErrorKind::Preflight { .. }));
    let nowhere = VerifyOptions { temp_dir: Some(finished.shop.path("gone")), ..VerifyOptions::default() };
    assert!(matches!(prove(nowhere).unwrap_err().kind(), ErrorKind::NoFolder { what: "temporary files", .. }));
}

/// A change that is none of the pixels: another encoding, a longer file, another text.
#[test]
fn without_the_reports_agreement_any_change_is_found_by_length_or_hash() {
    let finished = Finished::new(scene);
    let whole = fs::read(finished.part(2)).unwrap();
    let longer = [&whole[..], &[0]].concat();
    let encoded = finished.encode(2, &read_part(&finished.part(2)).picture, &[PHYS, SRGB]);
    let (_, text) = chunks(&whole).into_iter().find(|(name, _)| *name == TEXT).unwrap();
    let mut other_text = text.to_vec();
    *other_text.last_mut().unwrap() ^= 1;
    let (old, new) = (chunk(TEXT, text), chunk(TEXT, &other_text));
    let at = whole.windows(old.len()).position(|window| window == old).unwrap();
    let other_text = [&whole[..at], &new, &whole[at + old.len()..]].concat();
    for (bytes, words) in [(longer, "it goes on behind its end"), (encoded, "bytes, the report says"), (other_text, "its SHA-256 is")] {
        fs::write(finished.part(2), bytes).unwrap();
        let (path, message) = finished.refusal();
        assert!(path == finished.part(2) && message.contains(words), "{message}");
    }
}

#[test]
fn swapped_and_missing_parts_are_found() {
    // Two parts of the same size that differ in a single copy.
    let finished = Finished::new(|shop| {
        shop.artwork("a.png", &draw(Style::Disc, 1, 40, 30));
        shop.artwork("b.png", &draw(Style::Noise, 2, 40, 30));
        let part = |artwork: &str, copy| {
            ((60, 80), vec![placement("a.png", copy, rect(5, 5, 40, 30)), placement(artwork, 2 + copy, rect(9, 44, 40, 30))])
        };
        common::layout([part("a.png", 1), part("b.png", 2)])
    });
    finished.verify().unwrap();
    let parts = [1, 2].map(|part| fs::read(finished.part(part)).unwrap());
    finished.replace(1, &parts[1]);
    finished.replace(2, &parts[0]);
    let (path, message) = finished.refusal();
    assert!(path == finished.part(1) && message.contains("part 1: order 1, item 0, copy 3 (../a.png) is wrong"), "{message}");

    finished.replace(1, &parts[0]);
    fs::remove_file(finished.part(2)).unwrap();
    let error = finished.verify().unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Io { path, .. } if *path == finished.part(2)), "{error:?}");
    assert!(error.to_string().contains("Test part 2.png"));
}

#[test]
fn a_tampered_report_is_found() {
    let finished = Finished::new(scene);
    let report = fs::read(finished.shop.path("out/report.json")).unwrap();
    type Edit<'a> = (&'a str, &'a dyn Fn(&mut Value));
    let edits: [Edit; 13] = [
        ("a part less", &|report| drop(report["parts"].as_array_mut().unwrap().pop())),
        ("a part more", &|report| {
            let again = report["parts"][1].clone();
            report["parts"].as_array_mut().unwrap().push(again);
        }),
        ("another hash", &|report| report["parts"][0]["sha256"] = "00".repeat(32).into()),
        ("a file elsewhere", &|report| report["parts"][0]["file"] = "../Test part 1.png".into()),
        ("an absolute file", &|report| report["parts"][0]["file"] = "/etc/passwd".into()),
        ("the same file twice", &|report| report["parts"][1]["file"] = report["parts"][0]["file"].clone()),
        ("another number", &|report| report["parts"][0]["part"] = 2.into()),
        ("another width: part 1: 901 × 1400 px, 300 DPI", &|report| report["parts"][0]["width"] = 901.into()),
        ("another length", &|report| report["parts"][1]["length"] = 1.into()),
        ("another resolution", &|report| report["parts"][1]["dpi"] = 72.into()),
        ("another size in bytes", &|report| report["parts"][0]["bytes"] = 7.into()),
        ("more copies on a part", &|report| report["parts"][0]["copies"] = 9.into()),
        ("more copies in all", &|report| report["placed_copies"] = 14.into()),
    ];
    for (what, edit) in edits {
        finished.edit_report(edit);
        let refused = finished.verify().expect_err(what);
        assert!(matches!(refused.kind(), ErrorKind::NotProven { .. }), "{what}: {refused:?}");
        if let Some((_, words)) = what.split_once(": ") {
            assert!(refused.to_string().contains(words), "{refused}");
        }
        fs::write(finished.shop.path("out/report.json"), &report).unwrap();
    }
    finished.verify().unwrap();
    finished.edit_report(|report| report["lies"] = true.into());
    assert!(matches!(finished.verify().unwrap_err().kind(), ErrorKind::Document { at, .. } if at == "lies"));
    fs::remove_file(finished.shop.path("out/report.json")).unwrap();
    assert!(matches!(finished.verify().unwrap_err().kind(), ErrorKind::Io { path, .. } if path.ends_with("report.json")));
}

/// The layout says what ought to be on the part.
#[test]
fn a_tampered_layout_or_artwork_is_found() {
    let finished = Finished::new(|shop| {
        shop.artwork("a.png", &draw(Style::Disc, 1, 40, 30));
        shop.artwork("b.png", &draw(Style::Disc, 2, 40, 30));
        let turned = Placement { turn: Turn::Cw180, ..placement("a.png", 2, rect(50, 5, 40, 30)) };
        common::layout([((100, 80), vec![placement("a.png", 1, rect(5, 5, 40, 30)), turned, placement("a.png", 3, rect(5, 40, 60, 35))])])
    });
    let path = finished.shop.path("out/layout.json");
    let layout = fs::read(&path).unwrap();
    type Edit<'a> = (&'a dyn Fn(&mut Vec<Value>), &'a str);
    let edits: [Edit; 8] = [
        (&|copies| copies[0]["x"] = 6.into(), "outside of all copies"),
        (&|copies| copies[1]["turn"] = 0.into(), "copy 2"),
        (&|copies| copies[1]["mirror"] = true.into(), "copy 2"),
        (&|copies| copies[2]["trim"] = true.into(), "copy 3"),
        (&|copies| copies[2]["width"] = 59.into(), "copy 3"),
        (&|copies| copies[0]["artwork"] = "../b.png".into(), "copy 1 (../b.png)"),
        (&|copies| drop(copies.remove(1)), "outside of all copies"),
        (
            &|copies| {
                let mut more = copies[0].clone();
                (more["x"], more["y"], more["copy"]) = (60.into(), 45.into(), 4.into());
                copies.push(more);
            },
            "copy 4",
        ),
    ];
    for (edit, words) in edits {
        finished.edit("layout.json", |layout| edit(layout["parts"][0]["placements"].as_array_mut().unwrap()));
        // The number of copies is made to agree, so that it is the pixels that tell.
        let copies = Layout::read(&path).unwrap().copies();
        finished.edit_report(|report| {
            (report["parts"][0]["copies"], report["placed_copies"]) = (copies.into(), copies.into());
            report["ordered_copies"] = copies.into();
        });
        let (found, message) = finished.refusal();
        assert!(found == finished.part(1) && message.contains(words), "{words}: {message}");
        fs::write(&path, &layout).unwrap();
    }
    finished.edit_report(|report| {
        (report["parts"][0]["copies"], report["placed_copies"]) = (3.into(), 3.into());
        report["ordered_copies"] = 3.into();
    });
    finished.verify().unwrap();
    finished.edit("layout.json", |layout| layout["dpi"] = 301.into());
    assert!(finished.refusal().1.contains("301"));
    fs::write(&path, &layout).unwrap();

    // Artwork that was replaced after printing, and artwork that is gone.
    finished.shop.artwork("a.png", &draw(Style::Disc, 7, 40, 30));
    let (_, message) = finished.refusal();
    assert!(message.contains("order 1, item 0, copy 1 (../a.png) is wrong"), "{message}");
    fs::remove_file(finished.shop.path("a.png")).unwrap();
    assert!(matches!(finished.verify().unwrap_err().kind(), ErrorKind::Preflight { .. }));
}
