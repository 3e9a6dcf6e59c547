//! Parts equal what whole-image processing gives: random layouts and jobs against a naive oracle.
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

mod common;

use std::num::NonZeroU32;

use common::{PLENTY, PngKind, Shop, Style, draw, oracle, png_bytes, read_part, rect};
use gangsheet::{
    Background, Compression, Crop, Dpi, Effort, ErrorKind, Gutter, Item, Job, Layout, Length, Margin, Media, Order, Output, PROCESS_BYTES,
    Packing, Placement, PxSize, Report, Run, RunOptions, Sizing, Treatment, Trim, Turn, TurnPolicy,
};
use proptest::prelude::*;

/// Artwork to be drawn and written as a file.
#[derive(Clone, Debug)]
struct Art {
    style: Style,
    seed: u64,
    width: u32,
    height: u32,
    kind: PngKind,
    interlaced: bool,
}

impl Art {
    /// Writes the file, and says its own size and that of what is visible.
    fn write(&self, shop: &Shop, name: &str) -> [(u32, u32); 2] {
        let picture = draw(self.style, self.seed, self.width, self.height);
        shop.write(name, &png_bytes(&picture, self.kind, self.interlaced));
        let visible = common::decode_png(&shop.path(name)).visible();
        let visible = visible.unwrap_or_else(|| {
            // A kind of file that loses what is visible: an opaque one instead.
            shop.write(name, &png_bytes(&picture, PngKind::Rgb8, self.interlaced));
            (0, 0, self.width, self.height)
        });
        [(self.width, self.height), (visible.2, visible.3)]
    }
}

fn art() -> impl Strategy<Value = Art> {
    let kind = prop_oneof![4 => Just(PngKind::Rgba8), 3 => prop::sample::select(&PngKind::ALL)];
    (prop::sample::select(&Style::ALL), any::<u64>(), 1_u32..70, 1_u32..70, kind, prop::bool::weighted(0.2))
        .prop_map(|(style, seed, width, height, kind, interlaced)| Art { style, seed, width, height, kind, interlaced })
}

/// A placement to be: which artwork, its size (`None` pixel for pixel), where (as a fraction of the room there is), and how it is turned.
#[derive(Clone, Debug)]
struct Place {
    art: usize,
    size: Option<(u32, u32)>,
    at: (u32, u32),
    turn: Turn,
    trim: bool,
    mirror: bool,
}

fn place() -> impl Strategy<Value = Place> {
    // Some cross several bands.
    let size = prop::option::of(prop_oneof![7 => (1_u32..90, 1_u32..90), 1 => (1_u32..60, 700_u32..1500)]);
    (any::<prop::sample::Index>(), size, (0_u32..1000, 0_u32..1000), prop::sample::select(&Turn::ALL), any::<bool>(), any::<bool>())
        .prop_map(|(art, size, at, turn, trim, mirror)| Place { art: art.index(1 << 20), size, at, turn, trim, mirror })
}

/// Parts of one band, and parts of many.
fn part_size() -> impl Strategy<Value = (u32, u32)> {
    prop_oneof![3 => (1_u32..200, 1_u32..200), 1 => (900_u32..1500, 400_u32..1600)]
}

fn output() -> impl Strategy<Value = Output> {
    let background = prop_oneof![Just(Background::Transparent), any::<[u8; 3]>().prop_map(Background::Opaque)];
    let crop = prop::sample::select(&[Crop::Length, Crop::Content, Crop::None]);
    let compression = prop::sample::select(&[Compression::Fast, Compression::Balanced]);
    (background, crop, compression).prop_map(|(background, crop, compression)| Output {
        background,
        crop,
        compression,
        ..Output::default()
    })
}

/// How a run is run: threads, and whether under the smallest limit, so that rasters spill, or under a generous one.
fn options() -> impl Strategy<Value = (usize, bool)> {
    (1_usize..5, any::<bool>())
}

/// The placements on a part of `size`: those that fit, where they fit. Sizes are those of the artwork and of its visible part.
fn placements(places: &[Place], size: (u32, u32), arts: &[[(u32, u32); 2]]) -> Vec<Placement> {
    let mut placements = Vec::new();
    for (place, copy) in places.iter().zip(1..) {
        let art = place.art % arts.len();
        let (width, height) = place.size.unwrap_or(arts[art][usize::from(place.trim)]);
        let (width, height) = if place.turn.swaps_sides() { (height, width) } else { (width, height) };
        if width > size.0 || height > size.1 {
            continue;
        }
        let (x, y) = ((size.0 - width) * place.at.0 / 999, (size.1 - height) * place.at.1 / 999);
        placements.push(Placement {
            turn: place.turn,
            treatment: Treatment { trim: place.trim.into(), mirror: place.mirror, ..Treatment::default() },
            item: u32::try_from(art).unwrap(),
            ..common::placement(&name(art), copy, rect(x, y, width, height))
        });
    }
    placements
}

fn name(art: usize) -> String {
    format!("art/{art}.png")
}

/// Renders, and compares every part with what it ought to be.
fn check(shop: &Shop, run: &Run, (threads, tight): (usize, bool)) -> Result<Report, TestCaseError> {
    let packing = Packing::default().with_effort(Effort::Fast);
    let mut options = RunOptions { threads: Some(threads), packing, max_memory_bytes: Some(PLENTY), ..RunOptions::default() };
    if tight {
        options.max_memory_bytes = Some(PROCESS_BYTES + (1 << 20));
    }
    let out = shop.path("out");
    let mut rendered = run.clone().options(options.clone()).render(&out, |_| {});
    if let Some(ErrorKind::MemoryLimit { needed_bytes, .. }) = rendered.as_ref().err().map(gangsheet::Error::kind) {
        prop_assert!(tight && !out.exists());
        options.max_memory_bytes = Some(*needed_bytes);
        rendered = run.clone().options(options).render(&out, |_| {});
    }
    let report = rendered.map_err(|error| TestCaseError::fail(error.to_string()))?;
    let layout = Layout::read(&out.join("layout.json")).unwrap();
    for (part, expected) in report.parts.iter().zip(oracle::render(&layout, &out)) {
        let found = read_part(&out.join(&part.file));
        prop_assert_eq!((found.picture.width, found.picture.height), (part.width, part.length));
        let (across, down) = found.per_metre;
        let per_metre = f64::from(layout.dpi.get()) / 0.0254;
        prop_assert!(across == down && (f64::from(across) - per_metre).abs() <= 0.5);
        let opaque = layout.output.background != Background::Transparent;
        prop_assert_eq!(found.color_type, if opaque { png::ColorType::Rgb } else { png::ColorType::Rgba });
        if let Some(wrong) = oracle::first_wrong(&expected, &found.picture) {
            return Err(TestCaseError::fail(format!("part {}: {wrong}", part.part)));
        }
    }
    prop_assert_eq!(report.parts.len(), layout.parts.len());
    Ok(report)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, ..ProptestConfig::default() })]

    /// Overlaps, turns, mirrors, trims, sizes up and down, every kind of PNG, one band or many, resident or spilled.
    #[test]
    fn a_layout_is_rendered_as_whole_images_would_be(
        arts in prop::collection::vec(art(), 1..4),
        parts in prop::collection::vec((part_size(), prop::collection::vec(place(), 0..9)), 1..3),
        output in output(),
        options in options(),
    ) {
        let shop = Shop::new();
        let sizes: Vec<_> = arts.iter().enumerate().map(|(nth, art)| art.write(&shop, &name(nth))).collect();
        let parts: Vec<_> = parts.iter().map(|(size, places)| (*size, placements(places, *size, &sizes))).collect();
        let layout = Layout { output, ..common::layout(parts) };
        check(&shop, &Run::of_layout(&layout, shop.base()), options)?;
    }

    /// What a job asks for is on the parts: every copy once, in its size and turn, with margins and gutters kept.
    #[test]
    fn a_job_is_printed_as_asked(
        items in prop::collection::vec((art(), sizing(), 1_u32..4, turn_policy(), any::<bool>(), any::<bool>()), 1..5),
        dpi in prop::sample::select(&[72_u32, 100, 300]),
        margin in prop::array::uniform4(0_u32..9),
        gutter in (0_u32..9, 0_u32..9),
        output in output(),
        options in options(),
    ) {
        let shop = Shop::new();
        let mut visible = Vec::new();
        let items: Vec<Item> = items.iter().enumerate().map(|(nth, (art, size, copies, turn, trim, mirror))| {
            visible.push(art.write(&shop, &name(nth)));
            let source = visible[nth][usize::from(*trim)];
            let copies = NonZeroU32::new(*copies).unwrap();
            let treatment = Treatment { trim: (*trim).into(), mirror: *mirror, ..Treatment::default() };
            Item { size: fitting(*size, source, dpi), copies, turn: *turn, treatment, ..Item::new(name(nth)) }
        }).collect();
        let orders = items.chunks(2).zip(1001..).map(|(items, id)| Order::new(id.to_string(), items.to_vec())).collect();
        let [left, right, top, bottom] = margin.map(Length::px);
        let media = Media { margin: Margin { left, right, top, bottom }, ..Media::new(Length::px(400), Length::px(330)) };
        let job = Job {
            gutter: Gutter { x: Length::px(gutter.0), y: Length::px(gutter.1) },
            output,
            ..Job::new("Test", Dpi::new(dpi).unwrap(), media, orders)
        };
        let report = check(&shop, &Run::of_job(&job, shop.base()), options)?;
        prop_assert_eq!((report.ordered_copies, report.placed_copies), (job.copies(), job.copies()));
        let layout = Layout::read(&shop.path("out/layout.json")).unwrap();
        check_places(&job, &visible, &layout)?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// Copies side by side and down the part, as on most sheets: what is not drawn or encoded twice is there all the same.
    #[test]
    fn copies_in_a_grid_are_rendered_as_whole_images_would_be(
        arts in prop::collection::vec(art(), 1..3),
        tile in (prop_oneof![3 => 96_u32..160, 1 => 60_u32..100], 20_u32..300),
        columns in prop::collection::vec((any::<prop::sample::Index>(), prop_oneof![3 => Just(0_u32), 1 => 1_u32..40]), 1..7),
        rows in 1_u32..9,
        gutter in (0_u32..20, 0_u32..20),
        turn in prop::sample::select(&Turn::ALL),
        output in output(),
        options in options(),
    ) {
        let shop = Shop::new();
        arts.iter().enumerate().for_each(|(nth, art)| _ = art.write(&shop, &name(nth)));
        let (width, height) = (tile.0 + gutter.0, tile.1 + gutter.1);
        let mut placements = Vec::new();
        for (row, (column, (art, lower))) in (0..rows).flat_map(|row| (0..).zip(&columns).map(move |column| (row, column))) {
            let copy = u32::try_from(placements.len()).unwrap() + 1;
            let place = rect(5 + column * width, row * height + lower, tile.0, tile.1);
            placements.push(Placement { turn, ..common::placement(&name(art.index(arts.len())), copy, place) });
        }
        let across = 700.max(5 + width * u32::try_from(columns.len()).unwrap());
        let layout = Layout { output, ..common::layout([((across, rows * height + 40), placements)]) };
        check(&shop, &Run::of_layout(&layout, shop.base()), options)?;
    }
}

fn sizing() -> impl Strategy<Value = Option<Sizing>> {
    let side = || (1_u32..90).prop_map(Length::px);
    prop::option::of(prop_oneof![
        side().prop_map(Sizing::Width),
        side().prop_map(Sizing::Longest),
        (side(), side()).prop_map(|(width, height)| Sizing::Fit(width, height)),
        (side(), side()).prop_map(|(width, height)| Sizing::Exact(width, height)),
        prop::sample::select(&[72_u32, 150, 299]).prop_map(|dpi| Sizing::Dpi(Dpi::new(dpi).unwrap())),
    ])
}

/// Another rule where an artwork's shape would make it larger than the media, or its size less than half a pixel.
fn fitting(size: Option<Sizing>, source: (u32, u32), dpi: u32) -> Option<Sizing> {
    match size {
        Some(Sizing::Dpi(at)) if 2 * dpi * source.0.max(source.1) < at.get() => None,
        Some(Sizing::Width(width)) if source.1 > 3 * source.0 => Some(Sizing::Longest(width)),
        other => other,
    }
}

fn turn_policy() -> impl Strategy<Value = TurnPolicy> {
    let turns = Turn::ALL.map(TurnPolicy::Fixed);
    prop_oneof![Just(TurnPolicy::Auto), Just(TurnPolicy::None), prop::sample::select(turns.to_vec())]
}

/// The printed sizes that are right, worked out in floating point: within half a pixel of the exact one, and at least one pixel.
fn is_size(found: PxSize, rule: Option<Sizing>, source: (u32, u32), dpi: u32) -> bool {
    let (found, source) = ((f64::from(found.width()), f64::from(found.height())), (f64::from(source.0), f64::from(source.1)));
    let px = |length: Length| f64::from(length.to_px(Dpi::new(dpi).unwrap()).unwrap());
    let near = |found: f64, exact: f64| (found - exact).abs() <= 0.5 + 1e-9 || (found == 1.0 && exact < 1.0);
    let by_width = |width: f64| found.0 == width && near(found.1, width * source.1 / source.0);
    let by_height = |height: f64| found.1 == height && near(found.0, height * source.0 / source.1);
    match rule {
        None => found == source,
        Some(Sizing::Width(width)) => by_width(px(width)),
        Some(Sizing::Longest(side)) => {
            if source.0 >= source.1 {
                by_width(px(side))
            } else {
                by_height(px(side))
            }
        }
        Some(Sizing::Fit(width, height)) => {
            (by_width(px(width)) && found.1 <= px(height)) || (by_height(px(height)) && found.0 <= px(width))
        }
        Some(Sizing::Exact(width, height)) => found == (px(width), px(height)),
        Some(Sizing::Dpi(at)) => {
            let scale = f64::from(dpi) / f64::from(at.get());
            near(found.0, source.0 * scale) && near(found.1, source.1 * scale)
        }
        Some(other) => panic!("{other:?} is not drawn here"),
    }
}

fn check_places(job: &Job, arts: &[[(u32, u32); 2]], layout: &Layout) -> Result<(), TestCaseError> {
    let px = |length: Length| length.to_px(job.dpi).unwrap();
    let (margin, gutter) = (job.media.margin, job.gutter);
    let mut seen = std::collections::BTreeSet::new();
    for part in &layout.parts {
        let size = part.size();
        prop_assert!(size.width() <= 400 && size.height() <= 330);
        let bottom = part.placements().iter().map(|placed| placed.rect.bottom()).max().unwrap() + px(margin.bottom);
        let right = part.placements().iter().map(|placed| placed.rect.right()).max().unwrap() + px(margin.right);
        let cropped = match job.output.crop {
            Crop::None => (400, 330),
            Crop::Length => (400, bottom),
            Crop::Content => (right, bottom),
        };
        prop_assert_eq!((size.width(), size.height()), cropped);
        for placed in part.placements() {
            let order = job.orders.iter().find(|order| order.id == placed.order).unwrap();
            let item = &order.items[placed.item as usize];
            prop_assert!(placed.copy >= 1 && placed.copy <= item.copies.get());
            prop_assert!(seen.insert((placed.order.clone(), placed.item, placed.copy)), "{} is placed twice", placed);
            prop_assert!(placed.rect.x() >= px(margin.left) && placed.rect.right() <= 400 - px(margin.right));
            prop_assert!(placed.rect.y() >= px(margin.top) && placed.rect.bottom() <= 330 - px(margin.bottom));
            prop_assert!(item.turn.allowed().contains(&placed.turn));
            prop_assert_eq!(placed.treatment, item.treatment);
            let nth: usize = item.artwork.trim_start_matches("art/").trim_end_matches(".png").parse().unwrap();
            let printed = placed.rect.size().turned(placed.turn);
            let source = arts[nth][usize::from(item.treatment.trim != Trim::None)];
            prop_assert!(is_size(printed, item.size, source, job.dpi.get()), "{:?} of {:?} became {}", item.size, source, printed);
            for other in part.placements().iter().filter(|other| !std::ptr::eq(*other, placed)) {
                let (a, b) = (placed.rect, other.rect);
                let apart = a.right() + px(gutter.x) <= b.x()
                    || b.right() + px(gutter.x) <= a.x()
                    || a.bottom() + px(gutter.y) <= b.y()
                    || b.bottom() + px(gutter.y) <= a.y();
                prop_assert!(apart, "{} is too close to {}", placed, other);
            }
        }
    }
    prop_assert_eq!(seen.len() as u64, job.copies());
    Ok(())
}

#[test]
fn the_oracle_notices_every_kind_of_fault() {
    let shop = Shop::new();
    shop.artwork("art/0.png", &draw(Style::Disc, 1, 40, 30));
    let placed = common::placement("art/0.png", 1, rect(3, 4, 60, 20));
    let layout = common::layout([((70, 30), vec![placed.clone()])]);
    let part = oracle::render(&layout, shop.base()).remove(0);
    Run::of_layout(&layout, shop.base()).render(&shop.path("out"), |_| {}).unwrap();
    let printed = read_part(&shop.path("out/Test part 1.png")).picture;
    assert_eq!(oracle::first_wrong(&part, &printed), None);
    let mut off = printed.clone();
    let centre = off.at(33, 14);
    off.set(33, 14, gangsheet::Rgba8 { r: centre.r ^ 1, ..centre });
    assert!(oracle::first_wrong(&part, &off).is_some());
    for other in [
        Placement { treatment: common::mirrored(), ..placed.clone() },
        Placement { turn: Turn::Cw180, ..placed.clone() },
        Placement { treatment: common::trimmed(), ..placed.clone() },
        Placement { rect: rect(4, 4, 60, 20), ..placed.clone() },
        Placement { rect: rect(3, 4, 60, 21), ..placed },
    ] {
        let layout = common::layout([((70, 30), vec![other.clone()])]);
        assert!(oracle::first_wrong(&oracle::render(&layout, shop.base()).remove(0), &printed).is_some(), "{other:?}");
    }
}
