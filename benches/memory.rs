//! Peak memory of whole runs of the program under small limits, beside the time that they take with plenty: the README's table.
//!
//! ```sh
//! cargo bench --features cli --bench memory                    # the workloads that are drawn here
//! cargo bench --features cli --bench memory -- wraps.json …    # layouts of your own, each at 64 MiB
//! ```
#![allow(clippy::print_stdout, reason = "a table for people")]

mod workloads;

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use flate2::Compression as Level;
use flate2::write::ZlibEncoder;
use gangsheet::{PxSize, Report, Turn};

use workloads::{FILM_PX, Workload, designs, draw, placement, rect, size, write_layout, write_png};

/// What the times under a small limit are compared with.
const PLENTY_MIB: u64 = 1024;

fn main() {
    let layouts: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).filter(|path| path.exists()).collect();
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a temporary folder");
    println!("| workload | limit | peak RSS | spilled | seconds | at {PLENTY_MIB} MiB |\n|---|---|---|---|---|---|");
    if layouts.is_empty() {
        let folder = folder.path();
        let film = designs(folder, 60, 60);
        measure(&film, folder, 64, true);
        let film = designs(folder, 1000, 1000);
        measure(&film, folder, 64, true);
        measure(&one(folder, Turn::None), folder, 48, false);
        measure(&one(folder, Turn::Cw90), folder, 64, false);
        measure(&interlaced(folder), folder, 128, false);
    }
    for path in layouts {
        measure(&Workload { name: path.display().to_string(), layout: path }, folder.path(), 64, true);
    }
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
