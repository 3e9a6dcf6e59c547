//! How time grows: with the film's length where every design is another one, and with the copies of one design.
//!
//! ```sh
//! cargo bench --features cli --bench growth                       # a table
//! cargo bench --features cli --bench growth -- benches/growth.svg # and a plot
//! ```
#![allow(clippy::print_stdout, reason = "a table for people")]
#![allow(dead_code, reason = "a bench uses a part of the workloads")]

mod workloads;

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use workloads::{Workload, designs};

const LIMIT: &str = "128MiB";

/// Copies, a little more than an inch of film each.
const COPIES: [u32; 6] = [50, 60, 125, 250, 500, 1000];

fn main() {
    let plot = std::env::args().skip(1).find(|argument| argument.ends_with(".svg"));
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a temporary folder");
    println!("Seconds of whole runs at {LIMIT}, designs of 3000 × 3000 px printed at 1300 × 1300 px:\n");
    println!("| film | copies | as many designs | each | one design |\n|---|---|---|---|---|");
    let mut measured = Vec::new();
    for copies in COPIES {
        let different = seconds(&designs(folder.path(), copies, copies), folder.path());
        let one = seconds(&designs(folder.path(), copies, 1), folder.path());
        let each = different / f64::from(copies) * 1000.0;
        println!("| 22 × {copies} in | {copies} | {different:.2} s | {each:.1} ms | {one:.2} s |");
        measured.push((f64::from(copies), different, one));
    }
    if let Some(path) = plot {
        // Cargo runs benches in the package's folder.
        fs::write(&path, svg(&measured)).expect("the plot can be written");
    }
}

/// The shorter one of two runs of the program.
fn seconds(workload: &Workload, folder: &Path) -> f64 {
    let out = folder.join("out");
    let once = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_gangsheet"));
        command.args(["--log-level", "error", "--progress", "none", "render", "--max-memory", LIMIT, "--layout"]);
        let started = Instant::now();
        let output = command.arg(&workload.layout).arg("-o").arg(&out).output().expect("the program runs");
        let seconds = started.elapsed().as_secs_f64();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        fs::remove_dir_all(&out).expect("the outputs can be removed");
        seconds
    };
    once().min(once())
}

/// A plot of seconds over inches: both axes begin at zero.
fn svg(measured: &[(f64, f64, f64)]) -> String {
    const WIDTH: f64 = 640.0;
    const HEIGHT: f64 = 320.0;
    const EDGE: f64 = 48.0;
    let most = measured.iter().fold((0.0, 0.0), |most: (f64, f64), &(x, a, b)| (most.0.max(x), most.1.max(a).max(b)));
    let place = |x: f64, y: f64| (EDGE + x / most.0 * (WIDTH - 2.0 * EDGE), HEIGHT - EDGE - y / most.1 * (HEIGHT - 2.0 * EDGE));
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"{WIDTH}\" height=\"{HEIGHT}\" fill=\"#fff\"/>\n\
         <text x=\"{EDGE}\" y=\"24\">seconds over inches of 22 in film, 300 DPI, {LIMIT}, two cores</text>\n"
    );
    let (left, bottom) = place(0.0, 0.0);
    let (right, top) = place(most.0, most.1);
    let mut add = |line: std::fmt::Arguments<'_>| svg.write_fmt(line).expect("a string takes everything");
    add(format_args!("<path d=\"M{left:.0} {top:.0}V{bottom:.0}H{right:.0}\" fill=\"none\" stroke=\"#888\"/>\n"));
    for quarter in 1..=4 {
        let (inches, seconds) = (most.0 * f64::from(quarter) / 4.0, most.1 * f64::from(quarter) / 4.0);
        let (x, y) = place(inches, seconds);
        add(format_args!("<text x=\"{x:.0}\" y=\"{:.0}\" text-anchor=\"middle\">{inches:.0}</text>\n", bottom + 18.0));
        add(format_args!("<text x=\"{:.0}\" y=\"{:.0}\" text-anchor=\"end\">{seconds:.1}</text>\n", left - 6.0, y + 4.0));
    }
    type Column = fn(&(f64, f64, f64)) -> f64;
    let series: [(&str, &str, Column); 2] =
        [("every design another one", "#c2410c", |row| row.1), ("copies of one design", "#1d4ed8", |row| row.2)];
    for (nth, (name, colour, seconds)) in (1_u8..).zip(series) {
        let points: Vec<(f64, f64)> = measured.iter().map(|row| place(row.0, seconds(row))).collect();
        let line: Vec<String> = points.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
        add(format_args!("<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>\n", line.join(" ")));
        for (x, y) in points {
            add(format_args!("<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3\" fill=\"{colour}\"/>\n"));
        }
        add(format_args!("<text x=\"{:.0}\" y=\"{:.0}\" fill=\"{colour}\">{name}</text>\n", left + 16.0, top + 18.0 * f64::from(nth)));
    }
    svg.push_str("</svg>\n");
    svg
}
