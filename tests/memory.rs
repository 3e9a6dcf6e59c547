//! The memory limit as a contract, measured where it can be: what the allocator hands out stays inside what is reserved.
//!
//! Everything is in one test, since the allocator's figures are the whole process's.
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

mod common;

use common::{PLENTY, PngKind, Shop, Style, draw, layout, placement, png_bytes, rect, scene, smallest_limit_bytes};
use gangsheet::{Layout, PROCESS_BYTES, Placement, Progress, Report, Run, RunOptions, Turn};
use peak_alloc::PeakAlloc;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

/// What a run may hold that no reservation tells of: paths, the plan's small lists, threads' and the log's own.
const UNRESERVED_BYTES: usize = 1 << 20;

/// Renders; says how much more the allocator handed out at once, and how much more is handed out at the end of each part.
fn run(shop: &Shop, layout: &Layout, limit_bytes: u64, threads: usize) -> (Report, usize, Vec<usize>) {
    let out = shop.path("out");
    let options = RunOptions { max_memory_bytes: Some(limit_bytes), threads: Some(threads), ..RunOptions::default() };
    let run = Run::of_layout(layout, shop.base()).options(options);
    let before = ALLOCATOR.current_usage();
    let mut after_parts = Vec::with_capacity(layout.parts.len());
    ALLOCATOR.reset_peak_usage();
    let report = run.render(&out, |progress| {
        if matches!(progress, Progress::PartFinished { .. }) {
            after_parts.push(ALLOCATOR.current_usage().saturating_sub(before));
        }
    });
    let peak = ALLOCATOR.peak_usage() - before;
    std::fs::remove_dir_all(&out).unwrap();
    (report.unwrap(), peak, after_parts)
}

/// What is handed out at once stays inside what is reserved at once, under the smallest limit and larger ones.
fn assert_reserved(shop: &Shop, layout: &Layout) {
    let smallest = smallest_limit_bytes(&Run::of_layout(layout, shop.base()));
    for (limit_bytes, threads) in [(smallest, 1), (smallest, 4), (smallest + (4 << 20), 4), (PLENTY, 1), (PLENTY, 4)] {
        let (report, peak, _) = run(shop, layout, limit_bytes, threads);
        assert!(report.peak_reserved_bytes <= limit_bytes);
        let reserved = usize::try_from(report.peak_reserved_bytes - PROCESS_BYTES).unwrap();
        assert!(
            peak <= reserved + UNRESERVED_BYTES,
            "{peak} bytes at once, {reserved} reserved, {threads} threads, {limit_bytes}: {layout:?}"
        );
    }
}

/// Artwork to draw, and copies of it: which one, its size, where on the part, and its turn.
type Scatter = (Vec<(u32, u32, bool)>, Vec<(usize, (u32, u32), (u32, u32), Turn)>);

fn scatter() -> impl Strategy<Value = Scatter> {
    let art = (1_u32..600, 1_u32..600, any::<bool>());
    let side = || prop_oneof![3 => 1_u32..300, 1 => 300_u32..900];
    let copy = (any::<usize>(), (side(), side()), (0_u32..100, 0_u32..1100), prop::sample::select(&Turn::ALL));
    (prop::collection::vec(art, 1..4), prop::collection::vec(copy, 1..8))
}

fn scattered(shop: &Shop, (arts, copies): &Scatter) -> Layout {
    for (nth, &(width, height, interlaced)) in arts.iter().enumerate() {
        let picture = draw(Style::Gradient, nth as u64, width, height);
        shop.write(&format!("{nth}.png"), &png_bytes(&picture, PngKind::Rgba8, interlaced));
    }
    let copy = |(&(art, (width, height), (x, y), turn), copy)| Placement {
        turn,
        ..placement(&format!("{}.png", art % arts.len()), copy, rect(x, y, width, height))
    };
    layout([((1000, 2000), copies.iter().zip(1..).map(copy).collect())])
}

/// Artwork of every format that is not PNG, large enough that its decoder outweighs all else: names and sizes.
fn large_files(shop: &Shop) -> [(&'static str, (u32, u32)); 6] {
    let files =
        ["large/lossy.webp", "large/lossless.webp", "large/alpha.webp", "large/jpeg_tiles.tif", "large/fax.tif", "large/progressive.jpg"];
    files.map(|name| {
        let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name);
        shop.write(name, &std::fs::read(file).unwrap());
        (name, (1600, 1200))
    })
}

/// Bits, the lowest of each byte first.
#[derive(Default)]
struct Bits(Vec<bool>);

impl Bits {
    fn push(&mut self, value: u32, count: u32) {
        self.0.extend((0..count).map(|bit| value.unbounded_shr(bit) & 1 == 1));
    }

    /// A prefix code of one symbol (RFC 9649, section 3.7.2.1.1).
    fn push_single(&mut self, symbol: u32) {
        self.push(0b101, 3);
        self.push(symbol, 8);
    }

    fn bytes(&self) -> Vec<u8> {
        self.0.chunks(8).map(|bits| bits.iter().rev().fold(0, |byte, &bit| byte << 1 | u8::from(bit))).collect()
    }
}

/// A lossless WebP file of 16 × 16 px that is small beside its codes: `groups` of them, each of which makes tables of 68 KiB of 10 bytes.
fn webp_of_many_codes(groups: u32) -> Vec<u8> {
    let mut bits = Bits::default();
    bits.push(0x2f, 8);
    bits.push(15, 14);
    bits.push(15, 14);
    // Neither alpha nor a version nor transforms, but 2¹¹ cached colours, and groups for blocks of 4 × 4 px.
    bits.push(0, 5);
    bits.push(1 | 11 << 1 | 1 << 5, 9);
    // The picture of groups has no cache. All of its pixels, of no bits, name the last group.
    bits.push(0, 1);
    let last = groups - 1;
    [last & 0xff, last >> 8, 0, 0, 0].into_iter().for_each(|symbol| bits.push_single(symbol));
    for _ in 0..groups {
        // Green: 2¹¹ symbols, all of whose codes are of 11 bits, whose length is the only symbol of the code of lengths.
        bits.push(11 << 1, 5);
        bits.push(0, 42);
        bits.push(1, 3);
        bits.push(1 | 5 << 1 | 2046 << 4, 16);
        (0..4).for_each(|_| bits.push(1, 4));
    }
    (0..16 * 16).for_each(|_| bits.push(0, 11));
    let data = bits.bytes();
    let size = |bytes: usize| u32::try_from(bytes).unwrap().to_le_bytes();
    let padded = data.len().next_multiple_of(2);
    let mut file = [b"RIFF".as_slice(), &size(padded + 12), b"WEBPVP8L", &size(data.len()), &data].concat();
    file.resize(padded + 20, 0);
    file
}

/// Twelve large files of every format on three parts, under the smallest limit, which is far below what all of them hold at once.
fn many_whole_files(shop: &Shop) {
    let files = large_files(shop);
    let part = |part: u32| {
        let place = |nth: u32| {
            let (name, _) = files[(part + nth) as usize % files.len()];
            let copy = format!("{part}-{nth}-{}", name.replace('/', "-"));
            std::fs::copy(shop.base().join(name), shop.path(&copy)).unwrap();
            placement(&copy, 1, rect(nth * 250, 0, 200, 150))
        };
        ((1000, 150), (0..4).map(place).collect())
    };
    let sheet = layout((0..3).map(part).collect::<Vec<_>>());
    let smallest = smallest_limit_bytes(&Run::of_layout(&sheet, shop.base()));
    let (report, peak, _) = run(shop, &sheet, smallest, 2);
    let (frames, held) = (12 * 1600 * 1200 * 3, usize::try_from(smallest - PROCESS_BYTES).unwrap());
    assert!(report.placed_copies == 12 && peak <= held + UNRESERVED_BYTES && held < frames / 2, "{peak} of {held} bytes");
}

#[test]
fn what_is_allocated_is_reserved_and_nothing_is_kept_from_part_to_part() {
    let shop = Shop::new();
    // Files of every format, each small beside what decoding it holds.
    for (name, size) in large_files(&shop) {
        let place = |copy, turn: Turn, x| {
            let rect = if turn == Turn::None { rect(x, 0, size.0 / 4, size.1 / 4) } else { rect(x, 0, size.1 / 4, size.0 / 4) };
            Placement { turn, ..placement(name, copy, rect) }
        };
        assert_reserved(&shop, &layout([((1000, 500), vec![place(1, Turn::None, 0), place(2, Turn::Cw90, 500)])]));
    }

    shop.write("codes.webp", &webp_of_many_codes(600));
    let codes = layout([((100, 100), vec![placement("codes.webp", 1, rect(0, 0, 16, 16))])]);
    assert_reserved(&shop, &codes);
    let (report, peak, _) = run(&shop, &codes, PLENTY, 1);
    let reserved = usize::try_from(report.peak_reserved_bytes - PROCESS_BYTES).unwrap();
    assert!(peak > 40 << 20 && reserved < peak * 5 / 4, "{peak} of {reserved} bytes");

    many_whole_files(&shop);
    assert_reserved(&shop, &scene(&shop));

    let mut runner = TestRunner::new(Config { cases: 12, failure_persistence: None, ..Config::default() });
    let checked = runner.run(&scatter(), |scatter| {
        let shop = Shop::new();
        assert_reserved(&shop, &scattered(&shop, &scatter));
        Ok(())
    });
    checked.unwrap_or_else(|failure| panic!("{failure}"));

    // Twenty parts, each with two designs of its own, one of them turned.
    let parts = (0..20).map(|part| {
        let design = |nth: u32, x, turn| {
            let name = format!("{part}-{nth}.png");
            shop.artwork(&name, &draw(Style::Gradient, u64::from(part * 2 + nth), 400, 300));
            let size = if turn == Turn::None { (400, 300) } else { (300, 400) };
            Placement { turn, ..placement(&name, 1, rect(x, 0, size.0, size.1)) }
        };
        ((1000, 500), vec![design(0, 0, Turn::None), design(1, 500, Turn::Cw90)])
    });
    let layout = layout(parts.collect::<Vec<_>>());
    let (report, _, after_parts) = run(&shop, &layout, PLENTY, 2);
    assert!(report.parts.iter().all(|part| part.memory_after_bytes == report.parts[0].memory_before_bytes));
    let (least, most) = (after_parts.iter().min().unwrap(), after_parts.iter().max().unwrap());
    assert!(after_parts.len() == 20 && most - least < 64 << 10, "{after_parts:?}");
}
