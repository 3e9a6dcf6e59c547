//! One band, and whole runs, on the demo's artwork: raw bytes of the parts per second.

use std::fs;
use std::path::Path;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use gangsheet::{ArtworkStore, Cancel, Existing, Job, RenderPlan, Run, RunOptions, render_band};

fn demo_job(folder: &Path) -> Job {
    let path = gangsheet::write_demo(folder).expect("the demo is written into an empty folder");
    Job::read(&path).expect("the demo's job is valid")
}

fn raw_bytes(plan: &RenderPlan) -> u64 {
    plan.parts().iter().map(|part| part.size().rgba_bytes()).sum()
}

/// Compositing and encoding of one band, its artwork resident.
fn band(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let job = demo_job(folder.path());
    let prepared = Run::of_job(&job, folder.path()).prepare().expect("the demo can be printed");
    let plan = prepared.plan(1).expect("the default limit holds the demo");
    let store = ArtworkStore::new(prepared.budget.clone(), folder.path(), Cancel::default());
    let mut group = criterion.benchmark_group("band");
    for (part, index) in [(0, 0), (0, plan.parts()[0].bands().len() / 2)] {
        let band = &plan.parts()[part].bands()[index];
        let width = u64::from(plan.parts()[part].size().width());
        group.throughput(Throughput::Bytes(u64::from(band.rows().len()) * width * 4));
        group.bench_function(BenchmarkId::from_parameter(format!("part {}, rows {}", part + 1, band.rows())), |bencher| {
            bencher.iter(|| render_band(&plan, band, &store).expect("the demo's artwork is whole"));
        });
    }
}

/// The whole flow: preflight, packing, decoding, resampling, compositing, encoding, writing.
fn whole_run(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let job = demo_job(folder.path());
    let sheets = folder.path().join("sheets");
    fs::create_dir(&sheets).expect("a new folder");
    let plan = Run::of_job(&job, folder.path()).prepare().and_then(|prepared| prepared.plan(1)).expect("the demo can be printed");
    let mut group = criterion.benchmark_group("whole run");
    group.sample_size(10).throughput(Throughput::Bytes(raw_bytes(&plan)));
    for (threads, limit_mib) in [(1, 1024), (2, 1024), (2, 64)] {
        let options = RunOptions {
            threads: Some(threads),
            max_memory_bytes: Some(limit_mib << 20),
            existing: Existing::Overwrite,
            ..RunOptions::default()
        };
        let run = Run::of_job(&job, folder.path()).options(options);
        group.bench_function(BenchmarkId::from_parameter(format!("{threads} threads, {limit_mib} MiB")), |bencher| {
            bencher.iter(|| run.render(&sheets, |_| {}).expect("the demo can be printed"));
        });
    }
}

criterion_group!(benches, band, whole_run);
criterion_main!(benches);
