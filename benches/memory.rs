//! Peak memory of whole runs of the program under small limits, beside the time that they take with plenty: the README's table.
//!
//! ```sh
//! cargo bench --features cli --bench memory                    # the workloads that are drawn here
//! cargo bench --features cli --bench memory -- wraps.json …    # layouts of your own, each at 64 MiB
//! ```
#![allow(clippy::print_stdout, reason = "a table for people")]

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use flate2::Compression as Level;
use flate2::write::ZlibEncoder;
use gangsheet::{
    BandEncoder, Compression, Dpi, Layout, Output, Part, PartHeader, PixelFormat, Placement, PngPart, PxRect, PxSize, Report, Turn,
};

/// What the times under a small limit are compared with.
const PLENTY_MIB: u64 = 1024;

/// Width of the film and length of a metre of it, more or less: 22 in and 40 in at 300 DPI.
const FILM_PX: u32 = 6600;

fn main() {
    let layouts: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).filter(|path| path.exists()).collect();
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a temporary folder");
    println!("| workload | limit | peak RSS | spilled | seconds | at {PLENTY_MIB} MiB |\n|---|---|---|---|---|---|");
    if layouts.is_empty() {
        let folder = folder.path();
        let film = designs(folder, "60 in, 60 designs of 3000 × 3000 px, half of them turned", 60);
        measure(&film, folder, 64, true);
        let film = designs(folder, "1000 in, 1,000 designs of 3000 × 3000 px, half of them turned", 1000);
        measure(&film, folder, 64, true);
        measure(&one(folder, Turn::None), folder, 48, false);
        measure(&one(folder, Turn::Cw90), folder, 64, false);
        measure(&interlaced(folder), folder, 128, false);
    }
    for path in layouts {
        measure(&Workload { name: path.display().to_string(), layout: path }, folder.path(), 64, true);
    }
}

/// A layout file with its artwork.
struct Workload {
    name: String,
    layout: PathBuf,
}

/// Prints the table's row of a workload.
fn measure(workload: &Workload, folder: &Path, limit_mib: u64, compare: bool) {
    let (report, seconds) = match run(workload, folder, limit_mib) {
        Ok(measured) => measured,
        Err(refusal) => return println!("| {} | {limit_mib} MiB | {refusal} | | | |", workload.name),
    };
    let with_plenty = if compare {
        let (_, plenty) = run(workload, folder, PLENTY_MIB).expect("what a small limit holds a large one does too");
        format!("{plenty:.2} s, × {:.2}", seconds / plenty)
    } else {
        String::new()
    };
    println!(
        "| {} | {limit_mib} MiB | {:.1} MiB | {:.0} MB | {seconds:.2} | {with_plenty} |",
        workload.name,
        report.peak_rss_bytes as f64 / f64::from(1 << 20),
        report.spilled_bytes as f64 / 1e6,
    );
}

/// Runs the program in a process of its own; its peak is what the system says of that process in the end.
fn run(workload: &Workload, folder: &Path, limit_mib: u64) -> Result<(Report, f64), String> {
    let out = folder.join("out");
    let started = Instant::now();
    let output = Command::new(env!("CARGO_BIN_EXE_gangsheet"))
        .args(["--log-level", "error", "--progress", "none", "render", "--max-memory", &format!("{limit_mib}MiB"), "--layout"])
        .arg(&workload.layout)
        .arg("-o")
        .arg(&out)
        .output()
        .expect("the program runs");
    let seconds = started.elapsed().as_secs_f64();
    if !output.status.success() {
        let message = String::from_utf8_lossy(&output.stderr).lines().next().unwrap_or_default().to_owned();
        return Err(format!("exit {}: {message}", output.status.code().unwrap_or_default()));
    }
    let report = Report::read(&out.join("report.json")).expect("a finished run has a report");
    fs::remove_dir_all(&out).expect("the outputs can be removed");
    Ok((report, seconds))
}

/// As many different designs on as many inches of film, five side by side.
fn designs(folder: &Path, name: &str, count: u32) -> Workload {
    const SIDE_PX: u32 = 1300;
    let placements = (0..count).map(|nth| {
        let artwork = format!("design {nth}.png");
        if !folder.join(&artwork).exists() {
            write_png(&folder.join(&artwork), size(3000, 3000), nth);
        }
        let turn = if nth % 2 == 0 { Turn::None } else { Turn::Cw90 };
        placement(artwork, rect(nth % 5 * (SIDE_PX + 20), nth / 5 * 1490, size(SIDE_PX, SIDE_PX)), turn)
    });
    let placements = placements.collect();
    write_layout(folder, name, size(FILM_PX, count * 300), placements)
}

/// One design that fills 22 × 240 in, pixel for pixel.
fn one(folder: &Path, turn: Turn) -> Workload {
    let film = size(FILM_PX, 72_000);
    let artwork = format!("film {}.png", turn.degrees());
    write_png(&folder.join(&artwork), film.turned(turn), 1);
    let name = format!("one design that fills 22 × 240 in, turned by {}°", turn.degrees());
    write_layout(folder, &name, film, vec![placement(artwork, rect(0, 0, film), turn)])
}

/// One interlaced design, pixel for pixel.
fn interlaced(folder: &Path) -> Workload {
    let film = size(9000, 9000);
    write_adam7(&folder.join("interlaced.png"), film).expect("artwork can be written");
    let placements = vec![placement("interlaced.png".to_owned(), rect(0, 0, film), Turn::None)];
    write_layout(folder, "one interlaced design of 9000 × 9000 px", film, placements)
}

fn size(width: u32, height: u32) -> PxSize {
    PxSize::new(width, height).expect("a size of some pixels")
}

fn rect(x: u32, y: u32, size: PxSize) -> PxRect {
    PxRect::new(x, y, size).expect("a rectangle on the film")
}

fn placement(artwork: String, rect: PxRect, turn: Turn) -> Placement {
    Placement { order: "1".into(), item: 0, copy: 1, artwork: artwork.into(), rect, turn, trim: false, mirror: false }
}

fn write_layout(folder: &Path, name: &str, size: PxSize, placements: Vec<Placement>) -> Workload {
    let part = Part::new(size, placements).expect("placements on the film");
    let layout = Layout { name: "Memory".to_owned(), dpi: Dpi::new(300).expect("300"), parts: vec![part], output: Output::default() };
    let path = folder.join("layout.json");
    layout.write(&path).expect("a layout can be written");
    Workload { name: name.to_owned(), layout: path }
}

/// Row `y` of the design `seed`: tiles, a gradient and a soft edge.
fn draw(row: &mut [[u8; 4]], y: u32, seed: u32) {
    for (x, pixel) in (0_u32..).zip(row.iter_mut()) {
        let tile = (x / 100 + y / 100 + seed) % 7;
        let [red, green, ..] = (x / 8 + y / 16 * seed).to_le_bytes();
        *pixel = [red, green, u8::try_from(tile * 36).unwrap_or(255), if tile == 0 { red } else { 255 }];
    }
}

/// Writes a design as the program itself writes parts, a band after the other.
fn write_png(path: &Path, size: PxSize, seed: u32) {
    let header = PartHeader { size, dpi: Dpi::new(300).expect("300"), format: PixelFormat::Rgba8, digest: [0; 32] };
    let mut png = PngPart::create(path, &header).expect("a new file");
    let mut encoder = BandEncoder::new(size.width(), PixelFormat::Rgba8, Compression::Fast);
    let mut row = vec![[0; 4]; size.width() as usize];
    for y in 0..size.height() {
        // Tiles and gradients change every sixteenth row.
        if y % 4 == 0 {
            draw(&mut row, y, seed);
        }
        encoder.push_row(row.as_flattened());
        if (y + 1) % 500 == 0 || y + 1 == size.height() {
            png.append(&encoder.finish()).expect("the disk has room");
        }
    }
    png.finish().expect("the disk has room");
}

/// Writes an interlaced PNG (PNG specification, sections 5 and 8.2), every row with filter None.
fn write_adam7(path: &Path, size: PxSize) -> io::Result<()> {
    let mut pixels = ZlibEncoder::new(Vec::new(), Level::fast());
    let mut row = vec![[0; 4]; size.width() as usize];
    for (x, y, across, down) in [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)] {
        for y in (y..size.height()).step_by(down) {
            draw(&mut row, y, 1);
            let pass: Vec<[u8; 4]> = row[x..].iter().step_by(across).copied().collect();
            pixels.write_all(&[0])?;
            pixels.write_all(pass.as_flattened())?;
        }
    }
    let header = [&size.width().to_be_bytes()[..], &size.height().to_be_bytes(), &[8, 6, 0, 0, 1]].concat();
    let mut file = File::create(path)?;
    file.write_all(b"\x89PNG\r\n\x1a\n")?;
    for (kind, data) in [(b"IHDR", header), (b"IDAT", pixels.finish()?), (b"IEND", Vec::new())] {
        let mut crc = crc32fast::Hasher::new();
        crc.update(kind);
        crc.update(&data);
        let length = u32::try_from(data.len()).map_err(io::Error::other)?.to_be_bytes();
        [&length[..], kind, &data, &crc.finalize().to_be_bytes()].iter().try_for_each(|bytes| file.write_all(bytes))?;
    }
    Ok(())
}
