//! Filtering and compressing one band, beside the png crate, and what the layout says twice, with and without knowing it: raw bytes per second.

use std::io;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use gangsheet::{BandEncoder, Compression, Dpi, PartColor, PartHeader, PixelFormat, PngPart, PxSize, Repeat, Rgba8};

const WIDTH: u32 = 6600;
const ROWS: u32 = 80;

/// Soft colours under the noise of a camera.
fn photograph(x: u32, y: u32) -> Rgba8 {
    let mut noise = u64::from(y) << 32 | u64::from(x);
    // The finalizer of SplitMix64: neighbours have nothing in common.
    for multiplier in [0xbf58_476d_1ce4_e5b9, 0x94d0_49bb_1331_11eb] {
        noise = (noise ^ noise >> 30).wrapping_mul(multiplier);
    }
    let [.., a, b, c] = noise.to_le_bytes().map(|byte| u32::from(byte % 8));
    let shade = |value: u32| value.to_le_bytes()[0];
    Rgba8::new(shade(x / 40 + a), shade(y + b), shade((x + y) / 60 + c), 255)
}

/// Discs of one colour on nothing, with soft edges.
fn logo(x: u32, y: u32) -> Rgba8 {
    let (dx, dy) = ((x % 600).abs_diff(300), y.abs_diff(40) * 4);
    let distance = (dx * dx + dy * dy).isqrt();
    let alpha = u8::try_from(255_u32.saturating_sub(distance.saturating_sub(200) * 64).min(255)).expect("at most 255");
    if alpha == 0 { Rgba8::TRANSPARENT } else { Rgba8::new(200, 30, 60, alpha) }
}

/// As on a sheet: photographs, logos and the film between them.
fn mix(x: u32, y: u32) -> Rgba8 {
    match x / 1100 {
        0 | 3 => photograph(x, y),
        1 | 4 => logo(x, y),
        2 => nothing(x, y),
        _ => {
            if x % 1100 < 550 {
                photograph(x, y)
            } else {
                logo(x, y)
            }
        }
    }
}

/// From one copy to the next of those that lie side by side, and the width of each.
const PITCH: u32 = 1320;
const COPY: u32 = 1300;

fn copies(x: u32, y: u32) -> Rgba8 {
    if x % PITCH < COPY { photograph(x % PITCH, y) } else { Rgba8::TRANSPARENT }
}

fn nothing(_x: u32, _y: u32) -> Rgba8 {
    Rgba8::TRANSPARENT
}

fn band(pixel: impl Fn(u32, u32) -> Rgba8) -> Vec<u8> {
    let pixel = &pixel;
    let pixels: Vec<Rgba8> = (0..ROWS).flat_map(|y| (0..WIDTH).map(move |x| pixel(x, y))).collect();
    bytemuck::cast_slice(&pixels).to_vec()
}

fn by_the_png_crate(pixels: &[u8]) {
    let mut encoder = png::Encoder::new(io::sink(), WIDTH, ROWS);
    encoder.set_color(png::ColorType::Rgba);
    encoder.set_compression(png::Compression::Fast);
    let mut writer = encoder.write_header().expect("a sink takes everything");
    writer.write_image_data(pixels).expect("a sink takes everything");
}

fn fragment(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("fragment");
    group.sample_size(20);
    for (name, pixels) in [("photograph", band(photograph)), ("logos", band(logo)), ("mix", band(mix)), ("nothing", band(nothing))] {
        group.throughput(Throughput::Bytes(pixels.len() as u64));
        for compression in [Compression::Fast, Compression::Balanced, Compression::Small] {
            let mut encoder = BandEncoder::new(WIDTH, PixelFormat::Rgba8, compression);
            group.bench_function(BenchmarkId::new(format!("{compression:?}").to_lowercase(), name), |bencher| {
                bencher.iter(|| {
                    pixels.chunks_exact(WIDTH as usize * Rgba8::BYTES).for_each(|row| encoder.push_row(row));
                    encoder.finish()
                });
            });
        }
        group.bench_function(BenchmarkId::new("png crate, fast", name), |bencher| bencher.iter(|| by_the_png_crate(&pixels)));
    }
}

/// Each kind of repeat alone: as pixels like all others, and as what the layout knows them to be.
fn repeats(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("repeats");
    // The file grows with every append.
    group.sample_size(20).warm_up_time(Duration::from_millis(200)).measurement_time(Duration::from_secs(1));
    let pixels = band(copies);
    group.throughput(Throughput::Bytes(pixels.len() as u64));
    let rows = || pixels.chunks_exact(WIDTH as usize * Rgba8::BYTES);
    let mut encoder = BandEncoder::new(WIDTH, PixelFormat::Rgba8, Compression::Fast);
    group.bench_function("side by side, as pixels", |bencher| {
        bencher.iter(|| {
            rows().for_each(|row| encoder.push_row(row));
            encoder.finish()
        });
    });
    let known: Vec<Repeat> =
        (1..WIDTH / PITCH).map(|copy| Repeat { columns: copy * PITCH..copy * PITCH + COPY, distance: PITCH }).collect();
    group.bench_function("side by side, known", |bencher| {
        bencher.iter(|| {
            for row in rows() {
                let first = COPY as usize * Rgba8::BYTES;
                encoder.row_mut()[..first].copy_from_slice(&row[..first]);
                encoder.push(&known);
            }
            encoder.finish()
        });
    });

    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a temporary folder");
    let size = PxSize::new(WIDTH, ROWS).expect("a band's size");
    let header =
        PartHeader { size, dpi: Dpi::new(300).expect("300"), format: PixelFormat::Rgba8, color: PartColor::default(), digest: [0; 32] };
    let mut part = PngPart::create(&folder.path().join("part.png"), &header).expect("a new file");
    let mut write = |part: &mut PngPart| {
        rows().for_each(|row| encoder.push_row(row));
        part.append(&encoder.finish()).expect("the disk has room");
    };
    write(&mut part);
    group.bench_function("below one another, as pixels", |bencher| bencher.iter(|| write(&mut part)));
    group.bench_function("below one another, known", |bencher| bencher.iter(|| part.append_again(0).expect("the disk has room")));

    let empty = band(nothing);
    let empty = || empty.chunks_exact(WIDTH as usize * Rgba8::BYTES);
    group.bench_function("empty rows, as pixels", |bencher| {
        bencher.iter(|| {
            empty().for_each(|row| encoder.push_row(row));
            encoder.finish()
        });
    });
    group.bench_function("empty rows, known", |bencher| {
        bencher.iter(|| {
            encoder.push_empty_rows(ROWS);
            encoder.finish()
        });
    });
}

criterion_group!(benches, fragment, repeats);
criterion_main!(benches);
