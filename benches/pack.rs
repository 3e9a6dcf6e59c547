//! Packing of mixed orders on 22 in film at 300 DPI: copies per second.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use gangsheet::{Blank, Effort, MediaPx, Packing, PxSize, pack_rectangles};

const FILM: MediaPx = MediaPx { width: 6600, max_length: 72_000, left: 75, right: 75, top: 75, bottom: 75, gutter_x: 38, gutter_y: 38 };

/// Designs of 1 to 12 in, each ordered up to five times: always the same.
fn orders(copies: u32) -> Vec<Blank> {
    let mut state = 1_u32;
    let mut next = |most: u32| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) % most
    };
    let mut blanks = Vec::new();
    let mut left = copies;
    while left > 0 {
        let size = PxSize::new(300 + next(3300), 300 + next(3300)).expect("sides of 1 to 12 in");
        let copies = left.min(1 + next(5));
        blanks.push(Blank { size, copies, turnable: true });
        left -= copies;
    }
    blanks
}

fn pack(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("pack");
    group.sample_size(10);
    for copies in [100, 1_000, 10_000] {
        let blanks = orders(copies);
        group.throughput(Throughput::Elements(copies.into()));
        for (name, effort) in [("fast", Effort::Fast), ("normal", Effort::Normal)] {
            group.bench_with_input(BenchmarkId::new(name, copies), &blanks, |bencher, blanks| {
                bencher
                    .iter(|| pack_rectangles(blanks, &FILM, &Packing::default().with_effort(effort)).expect("each design fits the film"));
            });
        }
    }
}

criterion_group!(benches, pack);
criterion_main!(benches);
