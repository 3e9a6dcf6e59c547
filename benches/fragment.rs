//! Filtering and compressing one band, beside the png crate: raw bytes per second.

use std::io;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use gangsheet::{BandEncoder, Compression, PixelFormat, Rgba8};

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

criterion_group!(benches, fragment);
criterion_main!(benches);
