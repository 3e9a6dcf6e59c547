//! Packing of mixed orders on 22 in film at 300 DPI: copies per second.

mod orders;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use gangsheet::{Effort, Packing, pack_rectangles};
use orders::{FILM, orders};

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
