//! Resampling row by row, beside fast_image_resize on the whole image: bytes of the larger image per second.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use fast_image_resize::Resizer;
use fast_image_resize::images::{TypedImage, TypedImageRef};
use fast_image_resize::pixels::U8x4;
use gangsheet::{MemoryBudget, PxSize, Resample, Resampler, Rgba8};

/// A picture with soft and hard edges, partly transparent.
fn picture(size: PxSize) -> Vec<Rgba8> {
    let wave = |x: u32, y: u32| (x * x / 64 + y * 3).to_le_bytes()[0];
    let pixel = |x, y| Rgba8::new(wave(x, y), wave(y, x), wave(x + y, y), if wave(x / 4, y / 4) < 64 { 0 } else { 255 });
    (0..size.height()).flat_map(|y| (0..size.width()).map(move |x| pixel(x, y))).collect()
}

fn by_rows(pixels: &[Rgba8], source: PxSize, target: PxSize, out: &mut [Rgba8]) {
    let mut resampler = Resampler::new(source, target, Resample::default(), &MemoryBudget::new(u64::MAX)).expect("there is no limit");
    let mut rows = out.chunks_exact_mut(target.width() as usize);
    for row in pixels.chunks_exact(source.width() as usize) {
        resampler.push_row(row).expect("the rows of a whole image");
        while let Some(row) = resampler.next_row().expect("the rows of a whole image") {
            rows.next().expect("as many rows as the target has").copy_from_slice(row);
        }
    }
}

fn whole(pixels: &[Rgba8], source: PxSize, target: PxSize, out: &mut [Rgba8]) {
    let from = TypedImageRef::<U8x4>::from_buffer(source.width(), source.height(), bytemuck::cast_slice(pixels));
    let to = TypedImage::from_buffer(target.width(), target.height(), bytemuck::cast_slice_mut(out));
    let (from, mut to) = (from.expect("a whole image"), to.expect("a whole image"));
    Resizer::new().resize_typed(&from, &mut to, None).expect("both sizes are positive");
}

fn resample(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("resample");
    group.sample_size(20);
    for (source, target) in [(3000, 1200), (3000, 2400), (1000, 3000)] {
        let name = format!("{source} to {target} px");
        let (source, target) = (PxSize::new(source, source), PxSize::new(target, target));
        let (source, target) = (source.expect("a valid size"), target.expect("a valid size"));
        let pixels = picture(source);
        let mut out = vec![Rgba8::TRANSPARENT; usize::try_from(target.area()).expect("an image that fits in memory")];
        group.throughput(Throughput::Bytes(source.rgba_bytes().max(target.rgba_bytes())));
        group.bench_function(BenchmarkId::new("by rows", &name), |bencher| bencher.iter(|| by_rows(&pixels, source, target, &mut out)));
        group.bench_function(BenchmarkId::new("whole image", &name), |bencher| bencher.iter(|| whole(&pixels, source, target, &mut out)));
    }
}

criterion_group!(benches, resample);
criterion_main!(benches);
