//! Whole runs beside the sum of their floors: what the fastest libraries take, on one core, for decoding each artwork once, resampling each
//! size once, and filtering, deflating and checking each row once. And the encoder alone beside the png crate's, on the rows of the parts.
//!
//! ```sh
//! cargo bench --features cli --bench floors                         # the demo
//! cargo bench --features cli --bench floors -- wraps.json roll.json # layouts of your own
//! ```
#![allow(clippy::print_stdout, reason = "tables for people")]

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use fast_image_resize::Resizer;
use fast_image_resize::images::{TypedImage, TypedImageRef};
use fast_image_resize::pixels::U8x4;
use gangsheet::{BandEncoder, Compression, Layout, Part, PixelFormat, Report};

const LIMIT: &str = "128MiB";

/// Rows that are encoded as one band, or written in one go.
const BAND_ROWS: usize = 80;

fn main() {
    let mut layouts: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).filter(|path| path.exists()).collect();
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a temporary folder");
    if layouts.is_empty() {
        let job = gangsheet::write_demo(&folder.path().join("demo")).expect("the demo can be written");
        let packed = folder.path().join("demo/layout.json");
        run(&["pack".as_ref(), job.as_os_str(), "-o".as_ref(), packed.as_os_str()]);
        layouts.push(packed);
    }
    let measured: Vec<Measured> = layouts.iter().map(|layout| Measured::of(layout, &folder.path().join("out"))).collect();

    println!("CPU seconds of whole runs at {LIMIT}, beside floors on one core:\n");
    println!("| layout | decode | resample | deflate, CRC | sum of floors | the run | ratio |\n|---|---|---|---|---|---|---|");
    for Measured { name, decode, resample, deflate, run, .. } in &measured {
        let [decode, resample, deflate, run] = [decode, resample, deflate, run].map(Duration::as_secs_f64);
        let sum = decode + resample + deflate;
        println!("| {name} | {decode:.2} | {resample:.2} | {deflate:.2} | {sum:.2} | {run:.2} | {:.2} |", run / sum);
    }
    println!("\nThe rows of the parts, encoded one after the other on one core:\n");
    println!("| layout | pixels | fast | size | png crate, fast | size | fdeflate after Up | size |\n|---|---|---|---|---|---|---|---|");
    for Measured { name, raw_bytes, own, png_crate, fdeflate_bytes, deflate, .. } in &measured {
        let rate = |time: Duration| *raw_bytes as f64 / time.as_secs_f64() / 1e9;
        let size = |bytes: u64| bytes as f64 / 1e6;
        println!(
            "| {name} | {:.2} GB | {:.2} GB/s | {:.1} MB | {:.2} GB/s | {:.1} MB | {:.2} GB/s | {:.1} MB |",
            *raw_bytes as f64 / 1e9,
            rate(own.0),
            size(own.1),
            rate(png_crate.0),
            size(png_crate.1),
            rate(*deflate),
            size(*fdeflate_bytes),
        );
    }
}

struct Measured {
    name: String,
    decode: Duration,
    resample: Duration,
    /// Filtering by Up, deflating with fdeflate, and CRC-32.
    deflate: Duration,
    fdeflate_bytes: u64,
    /// Processor time of the program.
    run: Duration,
    raw_bytes: u64,
    /// Time and bytes.
    own: (Duration, u64),
    png_crate: (Duration, u64),
}

impl Measured {
    fn of(path: &Path, out: &Path) -> Self {
        let layout = Layout::read(path).expect("a layout");
        let base = path.parent().unwrap_or(Path::new("."));
        let (mut decode, mut resample) = (Duration::ZERO, Duration::ZERO);
        for (artwork, sizes) in sizes_by_artwork(&layout) {
            let (time, pixels) = timed(|| decoded(&base.join(&artwork)));
            decode += time;
            for size in sizes {
                resample += timed(|| resize(&pixels, size)).0;
            }
        }

        let before = children_time();
        run(&[
            "render".as_ref(),
            "--max-memory".as_ref(),
            LIMIT.as_ref(),
            "--layout".as_ref(),
            path.as_os_str(),
            "-o".as_ref(),
            out.as_os_str(),
        ]);
        let run = children_time() - before;
        let report = Report::read(&out.join("report.json")).expect("a finished run has a report");
        let mut measured = Self {
            name: path.file_stem().unwrap_or_default().to_string_lossy().into_owned(),
            decode,
            resample,
            deflate: Duration::ZERO,
            fdeflate_bytes: 0,
            run,
            raw_bytes: 0,
            own: (Duration::ZERO, 0),
            png_crate: (Duration::ZERO, 0),
        };
        for part in &report.parts {
            measured.encode(&out.join(&part.file));
        }
        fs::remove_dir_all(out).expect("the outputs can be removed");
        measured
    }

    /// Encodes the rows of a part again, in three ways.
    fn encode(&mut self, part: &Path) {
        let mut reader = png::Decoder::new(BufReader::new(File::open(part).expect("a part"))).read_info().expect("a PNG");
        let (color_type, width) = (reader.info().color_type, reader.info().width);
        let format = if color_type == png::ColorType::Rgba { PixelFormat::Rgba8 } else { PixelFormat::Rgb8 };
        let row_bytes = width as usize * format.bytes_per_pixel();
        let mut encoder = BandEncoder::new(width, format, Compression::Fast);
        let (mut rows, mut above) = (Vec::with_capacity(BAND_ROWS * row_bytes), vec![0; row_bytes]);
        loop {
            rows.clear();
            while rows.len() < BAND_ROWS * row_bytes {
                match reader.next_row().expect("a whole part") {
                    Some(row) => rows.extend_from_slice(row.data()),
                    None => break,
                }
            }
            if rows.is_empty() {
                break;
            }
            self.raw_bytes += rows.len() as u64;
            let (time, fragment) = timed(|| {
                rows.chunks_exact(row_bytes).for_each(|row| encoder.push_row(row));
                encoder.finish()
            });
            self.own = (self.own.0 + time, self.own.1 + fragment.bytes().len() as u64);
            let (time, bytes) = timed(|| by_the_png_crate(&rows, width, color_type));
            self.png_crate = (self.png_crate.0 + time, self.png_crate.1 + bytes);
            let (time, deflated) = timed(|| {
                let deflated = fdeflate::compress_to_vec(&filtered_up(&rows, &above));
                std::hint::black_box(crc32fast::hash(&deflated));
                deflated.len()
            });
            self.deflate += time;
            self.fdeflate_bytes += deflated as u64;
            above.copy_from_slice(&rows[rows.len() - row_bytes..]);
        }
    }
}

/// Bytes of a PNG of these rows alone.
fn by_the_png_crate(rows: &[u8], width: u32, color_type: png::ColorType) -> u64 {
    let row_bytes = width as usize * color_type.samples();
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, width, u32::try_from(rows.len() / row_bytes).expect("few rows"));
    encoder.set_color(color_type);
    encoder.set_compression(png::Compression::Fast);
    let mut writer = encoder.write_header().expect("memory takes everything");
    writer.write_image_data(rows).expect("memory takes everything");
    writer.finish().expect("memory takes everything");
    file.len() as u64
}

/// The rows with filter Up.
fn filtered_up(rows: &[u8], above: &[u8]) -> Vec<u8> {
    let mut filtered = Vec::with_capacity(rows.len() + BAND_ROWS);
    let before = std::iter::once(above).chain(rows.chunks_exact(above.len()));
    for (row, above) in rows.chunks_exact(above.len()).zip(before) {
        filtered.push(2);
        filtered.extend(row.iter().zip(above).map(|(value, above)| value.wrapping_sub(*above)));
    }
    filtered
}

/// The sizes before the turn that each artwork is printed at.
fn sizes_by_artwork(layout: &Layout) -> BTreeMap<String, Vec<(u32, u32)>> {
    let mut sizes: BTreeMap<String, Vec<(u32, u32)>> = BTreeMap::new();
    for placement in layout.parts.iter().flat_map(Part::placements) {
        let size = placement.rect.size().turned(placement.turn);
        let sizes = sizes.entry(placement.artwork.to_string()).or_default();
        if !sizes.contains(&(size.width(), size.height())) {
            sizes.push((size.width(), size.height()));
        }
    }
    sizes
}

struct Pixels {
    width: u32,
    height: u32,
    rgba: Vec<u8>,
}

fn decoded(path: &Path) -> Pixels {
    let mut decoder = png::Decoder::new(BufReader::new(File::open(path).expect("artwork")));
    decoder.set_transformations(png::Transformations::normalize_to_color8() | png::Transformations::ALPHA);
    let mut reader = decoder.read_info().expect("artwork in PNG");
    let mut rgba = vec![0; reader.output_buffer_size().expect("artwork that fits memory")];
    let frame = reader.next_frame(&mut rgba).expect("whole artwork");
    assert_eq!(frame.color_type, png::ColorType::Rgba, "artwork in colour");
    Pixels { width: frame.width, height: frame.height, rgba }
}

fn resize(pixels: &Pixels, (width, height): (u32, u32)) {
    if (pixels.width, pixels.height) == (width, height) {
        return;
    }
    let source = TypedImageRef::<U8x4>::from_buffer(pixels.width, pixels.height, &pixels.rgba).expect("whole pixels");
    let mut target = TypedImage::<U8x4>::new(width, height);
    Resizer::new().resize_typed(&source, &mut target, None).expect("sizes above zero");
    std::hint::black_box(&target);
}

fn timed<R>(work: impl FnOnce() -> R) -> (Duration, R) {
    let started = Instant::now();
    let result = work();
    (started.elapsed(), result)
}

fn run(arguments: &[&std::ffi::OsStr]) {
    let status =
        Command::new(env!("CARGO_BIN_EXE_gangsheet")).args(["--log-level", "error", "--progress", "none"]).args(arguments).status();
    assert!(status.expect("the program runs").success());
}

/// Processor time of all children that have ended, user and system: fields 16 and 17 of `/proc/self/stat`, in hundredths of a second.
fn children_time() -> Duration {
    let stat = fs::read_to_string("/proc/self/stat").expect("Linux's account of this process");
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let hundredths: u64 = fields[13..15].iter().map(|field| field.parse::<u64>().expect("a count of ticks")).sum();
    Duration::from_millis(hundredths * 10)
}
