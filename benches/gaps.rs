//! How far packings are from the shortest that there can be, on public instances: the mean gap of each set. Without a folder: how the time
//! grows with the number of copies.
//!
//! ```sh
//! cargo bench --bench gaps
//! cargo bench --bench gaps -- FOLDER [once|fast|normal|high] [upright]
//! ```
//!
//! `FOLDER/SET/NAME.json` holds `strip_width`, `bin_height` (null for an endless strip), `items` of `w`, `h`, `qty`, and with `_rot` for items
//! that may turn: `best_known`, whether that is `optimal`, and `lower_bound`.
#![expect(clippy::print_stdout, reason = "a table for people")]
#![expect(clippy::cast_precision_loss, reason = "means for people")]

mod orders;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use gangsheet::{Blank, Effort, MAX_SIDE_PX, MediaPx, Packing, PxSize, Spot, check_packing, pack_rectangles};
use orders::{FILM, orders};
use serde_json::Value;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let Some(folder) = arguments.first() else { return time_table() };
    let effort = match arguments.get(1).map(String::as_str) {
        Some("once") => Effort::Once,
        Some("fast") => Effort::Fast,
        Some("high") => Effort::High,
        _ => Effort::Normal,
    };
    let turnable = arguments.get(2).is_none_or(|argument| argument != "upright");
    let mut sets: BTreeMap<String, Set> = BTreeMap::new();
    for set in entries(Path::new(folder)) {
        let name = set.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        for path in entries(&set).into_iter().filter(|path| path.extension().is_some_and(|extension| extension == "json")) {
            let instance = Instance::read(&path, turnable);
            sets.entry(name.clone()).or_default().add(&instance, effort);
        }
    }
    println!("| set | instances | mean gap % | worst % | found | bound | mean s | longest s |\n|---|---|---|---|---|---|---|---|");
    for (name, Set { gaps, found, bound, time, longest }) in sets {
        let count = gaps.len() as f64;
        println!(
            "| {name} | {count} | {:.2} | {:.2} | {found} | {bound} | {:.3} | {:.3} |",
            gaps.iter().sum::<f64>() / count,
            gaps.iter().copied().fold(0.0, f64::max),
            time.as_secs_f64() / count,
            longest.as_secs_f64(),
        );
    }
}

/// Mixed designs of 1 to 12 in on 22 in film at 300 DPI, each ordered up to five times.
fn time_table() {
    println!("| copies | fast, s | film, px | normal, s | film, px |\n|---|---|---|---|---|");
    for copies in [10, 100, 1_000, 10_000, 100_000] {
        let blanks = orders(copies);
        let [fast, normal] = [Effort::Fast, Effort::Normal].map(|effort| {
            let started = Instant::now();
            let parts = pack_rectangles(&blanks, &FILM, &Packing::default().with_effort(effort)).expect("each design fits the film");
            let seconds = started.elapsed().as_secs_f64();
            check_packing(&blanks, &FILM, &parts).expect("a valid packing");
            (seconds, parts.iter().map(|part| u64::from(length(&blanks, part) + FILM.bottom)).sum::<u64>())
        });
        println!("| {copies} | {:.4} | {} | {:.3} | {} |", fast.0, fast.1, normal.0, normal.1);
    }
}

/// How far the copies of a part reach.
fn length(blanks: &[Blank], part: &[Spot]) -> u32 {
    let bottom = |spot: &Spot| {
        let size = blanks[spot.blank].size;
        spot.y + if spot.turned { size.width() } else { size.height() }
    };
    part.iter().map(bottom).max().unwrap_or(0)
}

/// In order of their names.
fn entries(folder: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()).collect();
    paths.sort();
    paths
}

struct Instance {
    film: MediaPx,
    blanks: Vec<Blank>,
    /// The optimum, or the best bound that is known: pixels of an endless strip, or parts.
    bound: u64,
    is_strip: bool,
}

impl Instance {
    fn read(path: &Path, turnable: bool) -> Self {
        let json: Value = serde_json::from_slice(&fs::read(path).expect("an instance")).expect("JSON");
        let px = |value: &Value| u32::try_from(value.as_u64().expect("a number")).expect("a side");
        let blank =
            |item: &Value| Blank { size: PxSize::new(px(&item["w"]), px(&item["h"])).expect("a size"), copies: px(&item["qty"]), turnable };
        let is_strip = json["bin_height"].is_null();
        let field = |name: &str| &json[if turnable { format!("{name}_rot") } else { name.to_owned() }];
        let known = if field("optimal") == true { field("best_known") } else { field("lower_bound") };
        Self {
            film: MediaPx {
                width: px(&json["strip_width"]),
                max_length: if is_strip { MAX_SIDE_PX } else { px(&json["bin_height"]) },
                left: 0,
                right: 0,
                top: 0,
                bottom: 0,
                gutter_x: 0,
                gutter_y: 0,
            },
            blanks: json["items"].as_array().expect("items").iter().map(blank).collect(),
            bound: known.as_u64().expect("a bound"),
            is_strip,
        }
    }

    /// What is to be as small as it can be.
    fn measure(&self, parts: &[Vec<Spot>]) -> u64 {
        if self.is_strip { parts.iter().map(|part| u64::from(length(&self.blanks, part))).sum() } else { parts.len() as u64 }
    }
}

#[derive(Default)]
struct Set {
    gaps: Vec<f64>,
    found: u64,
    bound: u64,
    time: Duration,
    longest: Duration,
}

impl Set {
    fn add(&mut self, instance: &Instance, effort: Effort) {
        let started = Instant::now();
        let parts = pack_rectangles(&instance.blanks, &instance.film, &Packing::default().with_effort(effort)).expect("a packing");
        let time = started.elapsed();
        check_packing(&instance.blanks, &instance.film, &parts).expect("a valid packing");
        let found = instance.measure(&parts);
        self.gaps.push((found as f64 / instance.bound as f64 - 1.0) * 100.0);
        self.found += found;
        self.bound += instance.bound;
        self.time += time;
        self.longest = self.longest.max(time);
    }
}
