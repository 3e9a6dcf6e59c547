//! The program as scripts see it: exit codes, messages, and what lies in the folders afterwards.
#![cfg(feature = "cli")]
#![allow(clippy::unwrap_used, clippy::cast_possible_truncation, reason = "a test may panic")]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::{Value, json};

fn gangsheet(folder: &Path, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gangsheet"));
    command.current_dir(folder).args(["--log-level", "warn", "--progress", "none"]).args(args).output().unwrap()
}

/// The exit code, standard output and standard error.
fn outcome(folder: &Path, args: &[&str]) -> (i32, String, String) {
    let output = gangsheet(folder, args);
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

fn write_png(path: &Path, width: u32, height: u32) {
    let mut encoder = png::Encoder::new(fs::File::create(path).unwrap(), width, height);
    encoder.set_color(png::ColorType::Rgba);
    let pixels: Vec<u8> = (0..width * height).flat_map(|at| [(at % 251) as u8, (at / 251) as u8, 7, 255]).collect();
    encoder.write_header().unwrap().write_image_data(&pixels).unwrap();
}

/// A folder with one artwork and a job of two orders, four copies in all, that needs two parts.
fn shop() -> (tempfile::TempDir, Value) {
    let folder = tempfile::tempdir().unwrap();
    write_png(&folder.path().join("fox.png"), 300, 200);
    let item = json!({ "artwork": "fox.png", "copies": 2, "turn": "none" });
    let job = json!({
        "version": 1, "name": "Shop", "dpi": 100, "media": { "width": "4in", "max_length": "5in" },
        "orders": [{ "id": "1001", "items": [item] }, { "id": "1002", "items": [item] }],
    });
    (folder, job)
}

fn write_job(folder: &Path, job: &Value) {
    fs::write(folder.join("job.json"), job.to_string()).unwrap();
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_job_becomes_parts_a_layout_and_a_report() {
    let (folder, job) = shop();
    let folder = folder.path();
    write_job(folder, &job);
    let (code, stdout, stderr) = outcome(folder, &["render", "job.json", "-o", "out", "--json", "--max-memory", "64MiB"]);
    assert_eq!(code, 0, "{stderr}");
    assert_eq!(names(&folder.join("out")), ["Shop part 1.png", "Shop part 2.png", "layout.json", "report.json"]);
    let printed: Value = serde_json::from_str(&stdout).unwrap();
    let written: Value = serde_json::from_slice(&fs::read(folder.join("out/report.json")).unwrap()).unwrap();
    assert_eq!(printed, written);
    assert_eq!((&printed["placed_copies"], &printed["parts"][1]["dpi"]), (&json!(4), &json!(100)));
    let (code, stdout, _) = outcome(folder, &["verify", "out"]);
    assert_eq!((code, stdout.as_str()), (0, "proven: 4 copies on 2 parts\n"));
    let proof = |expected| {
        let (code, stdout, _) = outcome(folder, &["verify", "out", "--json", "--temp-dir", ".", "--artwork-root", "."]);
        assert_eq!(code, expected);
        serde_json::from_str::<Value>(&stdout).unwrap()
    };
    assert_eq!(proof(0), json!({ "version": 1, "proven": true, "copies": 4, "parts": 2, "strays": [] }));
    fs::copy(folder.join("out/Shop part 1.png"), folder.join("out/Shop part 3.png")).unwrap();
    let refused = proof(1);
    assert_eq!((&refused["proven"], &refused["file"]), (&json!(false), &json!("out/Shop part 3.png")));
}

#[test]
fn a_layout_renders_again_to_the_same_bytes_without_its_job() {
    let (folder, job) = shop();
    let folder = folder.path();
    write_job(folder, &job);
    assert_eq!(outcome(folder, &["render", "job.json", "-o", "out"]).0, 0);
    assert_eq!(outcome(folder, &["pack", "job.json", "-o", "sub.json"]).0, 0);
    assert_eq!(outcome(folder, &["render", "--layout", "out/layout.json", "-o", "again"]).0, 0);
    assert_eq!(outcome(folder, &["render", "job.json", "--layout", "sub.json", "-o", "both"]).0, 0);
    for name in ["Shop part 1.png", "Shop part 2.png"] {
        let first = fs::read(folder.join("out").join(name)).unwrap();
        assert!(first == fs::read(folder.join("again").join(name)).unwrap(), "{name}");
        assert!(first == fs::read(folder.join("both").join(name)).unwrap(), "{name}");
    }
}

#[test]
fn a_csv_file_and_a_folder_are_jobs() {
    let (folder, _) = shop();
    let folder = folder.path();
    let film = ["--width", "4in", "--max-length", "5in", "--dpi", "100"];
    let run = |command: &[&str], film: &[&str]| outcome(folder, &[command, film].concat());
    fs::write(folder.join("Orders.CSV"), "order;artwork;copies;turn\r\n1001;fox.png;2;none\r\n1002;fox.png;2;none\r\n").unwrap();
    let job = run(&["render", "Orders.CSV", "--dry-run", "--json", "--name", "Shop"], &film);
    fs::write(folder.join("job.json"), &job.1).unwrap();
    let from_json = run(&["render", "job.json", "-o", "json"], &[]);
    let from_csv = run(&["render", "Orders.CSV", "-o", "csv", "--name", "Shop"], &film);
    assert_eq!((job.0, from_json.0, from_csv.0), (0, 0, 0), "{}{}{}", job.2, from_json.2, from_csv.2);
    for name in names(&folder.join("json")).iter().filter(|name| name.ends_with("png")) {
        assert_eq!(fs::read(folder.join("json").join(name)).unwrap(), fs::read(folder.join("csv").join(name)).unwrap());
    }
    assert_eq!(run(&["pack", "Orders.CSV", "-o", "layout.json"], &film).0, 0);
    let (code, told, _) = run(&["preflight", "Orders.CSV", "--orders", "1002"], &film);
    assert!(code == 0 && told.starts_with("2 copies can be printed"), "{told}");

    fs::create_dir(folder.join("art")).unwrap();
    fs::copy(folder.join("fox.png"), folder.join("art/fox 2in x3.png")).unwrap();
    let (code, told, _) = run(&["render", "art", "--dry-run"], &film);
    assert_eq!(
        (code, told.as_str()),
        (0, "order art\n  3 copies of fox 2in x3.png (fox), 2in wide\nart: 1 order, 3 copies, on film of 4in × 5in at 100 DPI\n")
    );
    assert_eq!(run(&["render", "art", "-o", "sheets"], &film).0, 0);
    assert_eq!(outcome(folder, &["verify", "sheets"]).0, 0);

    fs::write(folder.join("bad.csv"), "artwork,width\nfox.png,2in\nfox.png,2 inches\n").unwrap();
    for (command, film, expected) in [
        (
            ["render", "bad.csv", "-o", "out"],
            film.as_slice(),
            "error: bad.csv: line 3, column width: found string \"2 inches\", expected a length",
        ),
        (["render", "bad.csv", "-o", "out"], &[], "error: bad.csv: a CSV file does not say on what it is printed: add --width"),
        (["render", "art", "-o", "out"], &film[..2], "error: art: a folder does not say on what it is printed: add --max-length"),
        (["render", "job.json", "-o", "out"], &film, "error: job.json: a job file says its film itself"),
        (["render", "none.csv", "-o", "out"], &film, "error: could not read none.csv"),
        (["render", "art", "-o", "out"], &["--dpi", "0"], "--dpi"),
    ] {
        let (code, _, told) = run(&command, film);
        assert!(code == 2 && told.contains(expected) && !folder.join("out").exists(), "{expected}: {told}");
    }
}

#[test]
fn orders_are_selected_and_unknown_ones_named() {
    let (folder, job) = shop();
    let folder = folder.path();
    write_job(folder, &job);
    let (code, stdout, _) = outcome(folder, &["render", "job.json", "-o", "out", "--orders", "1002", "--json"]);
    let report: Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!((code, &report["ordered_copies"]), (0, &json!(2)));
    let (code, _, stderr) = outcome(folder, &["render", "job.json", "-o", "other", "--orders", "1003"]);
    assert!(code == 2 && stderr.contains("\"1003\"") && stderr.contains("1001"), "{stderr}");
    assert!(!folder.join("other").exists());
}

#[test]
fn an_order_whose_id_holds_commas_is_selected_as_a_whole() {
    let (folder, mut job) = shop();
    let folder = folder.path();
    job["orders"][1]["id"] = json!("1001, 1002");
    let mut third = job["orders"][0].clone();
    third["id"] = json!("1003");
    job["orders"].as_array_mut().unwrap().push(third);
    write_job(folder, &job);
    for (orders, copies) in [
        (&["--orders", "1001, 1002"][..], 2),
        (&["--orders", "1001, 1003"], 4),
        (&["--orders", "1001, 1002", "--orders", "1003"], 4),
        (&["--orders", "1001", "--orders", "1003,1001", "--orders", "1001, 1002"], 6),
    ] {
        let (code, stdout, stderr) = outcome(folder, &[&["pack", "job.json", "-o", "l.json", "--json"], orders].concat());
        let packed: Value = serde_json::from_str(&stdout).unwrap();
        assert_eq!((code, &packed["copies"]), (0, &json!(copies)), "{orders:?}: {stderr}");
    }
    assert_eq!(outcome(folder, &["pack", "job.json", "-o", "l.json", "--orders", "1001, 1004"]).0, 2);
}

#[test]
fn outputs_that_exist_are_kept_unless_asked() {
    let (folder, job) = shop();
    let folder = folder.path();
    write_job(folder, &job);
    assert_eq!(outcome(folder, &["render", "job.json", "-o", "out"]).0, 0);
    let part = folder.join("out/Shop part 1.png");
    let first = fs::read(&part).unwrap();
    let (code, _, stderr) = outcome(folder, &["render", "job.json", "-o", "out"]);
    assert!(code == 2 && stderr.contains("--resume") && stderr.contains("--overwrite"), "{stderr}");
    assert_eq!(outcome(folder, &["render", "job.json", "-o", "out", "--resume"]).0, 0);
    assert_eq!(outcome(folder, &["render", "job.json", "-o", "out", "--overwrite"]).0, 0);
    assert!(first == fs::read(&part).unwrap());
    // A part of which the end is missing goes on where it was whole; the finished one is kept.
    fs::write(folder.join("out/Shop part 1.png.partial"), &first[..first.len() - 40]).unwrap();
    fs::remove_file(&part).unwrap();
    let (code, stdout, stderr) = outcome(folder, &["render", "job.json", "-o", "out", "--resume", "--json"]);
    assert_eq!(code, 0, "{stderr}");
    assert!(first == fs::read(&part).unwrap());
    let report: Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!((&report["parts"][0]["resumed"], &report["parts"][1]["copies"]), (&json!(true), &json!(2)));
    // Another job is never mixed in.
    let mut other = job.clone();
    other["orders"][0]["items"][0]["mirror"] = json!(true);
    write_job(folder, &other);
    let (code, _, stderr) = outcome(folder, &["render", "job.json", "-o", "out", "--resume"]);
    assert!(code == 2 && stderr.contains("another plan"), "{stderr}");
    assert!(first == fs::read(&part).unwrap());
}

/// A change to the job, the exit code and what the message must say.
type BadJob = (fn(&mut Value), i32, &'static [&'static str]);

#[test]
fn bad_input_has_its_message_and_its_exit_code_and_leaves_nothing() {
    let cases: &[BadJob] = &[
        (|job| job["orders"][1]["items"][0]["artwork"] = json!("gone.png"), 3, &["order 1002", "item 0", "gone.png"]),
        (|job| job["orders"][0]["items"][0]["artwork"] = json!("cut.png"), 3, &["order 1001", "item 0", "cut.png"]),
        (|job| job["orders"][0]["items"][0]["artwork"] = json!("text.png"), 3, &["order 1001", "text.png", "PNG"]),
        (|job| job["orders"][0]["items"][0]["size"] = json!({ "width": "6in" }), 3, &["order 1001", "item 0", "fox.png"]),
        (|job| job["orders"][0]["items"][0]["copies"] = json!(0), 2, &["orders[0].items[0].copies"]),
        (|job| job["media"]["margin"] = json!("-1in"), 2, &["media.margin", "-1in"]),
        (|job| job["media"]["widht"] = json!("4in"), 2, &["media", "widht", "max_length"]),
        (|job| job["orders"][0]["items"][0]["copies"] = json!(2_147_483_648_u32), 2, &["10000000"]),
        (|job| job["orders"][0]["items"][0]["size"] = json!({ "width": 4 }), 2, &["orders[0].items[0].size"]),
        (|job| job["orders"][1]["id"] = json!("1001"), 2, &["orders[1]", "1001"]),
        (|job| job["version"] = json!(2), 2, &["version", "2"]),
        (|job| job["orders"][0]["items"][0]["size"] = json!({ "width": "0in" }), 2, &["orders[0].items[0].size.width", "0in"]),
        (|job| job["orders"][0]["items"][0]["size"] = json!(["1in"]), 2, &["orders[0].items[0].size", "sequence", "an object"]),
    ];
    for (nth, (change, expected, words)) in cases.iter().enumerate() {
        let (folder, mut job) = shop();
        let folder = folder.path();
        let png = fs::read(folder.join("fox.png")).unwrap();
        fs::write(folder.join("cut.png"), &png[..png.len() / 2]).unwrap();
        fs::write(folder.join("text.png"), "not an image").unwrap();
        change(&mut job);
        write_job(folder, &job);
        for command in [&["render", "job.json", "-o", "out"][..], &["preflight", "job.json"], &["pack", "job.json", "-o", "l.json"]] {
            let (code, _, stderr) = outcome(folder, command);
            assert_eq!(code, *expected, "case {nth}, {command:?}: {stderr}");
            assert!(words.iter().all(|word| stderr.replace(',', "").contains(&word.replace(',', ""))), "case {nth}: {stderr}");
        }
        assert_eq!(names(folder), ["cut.png", "fox.png", "job.json", "text.png"], "case {nth}");
    }
}

#[test]
fn all_problems_are_told_at_once() {
    let (folder, mut job) = shop();
    let folder = folder.path();
    job["orders"][0]["items"][0]["artwork"] = json!("gone.png");
    job["orders"][1]["items"][0]["size"] = json!({ "width": "6in" });
    write_job(folder, &job);
    let (code, _, stderr) = outcome(folder, &["preflight", "job.json"]);
    assert!(code == 3 && stderr.contains("gone.png") && stderr.contains("order 1002"), "{stderr}");
}

#[test]
fn a_limit_that_cannot_hold_the_job_is_told_before_anything_is_written() {
    let (folder, mut job) = shop();
    let folder = folder.path();
    write_png(&folder.join("wide.png"), 100_000, 4);
    job["orders"][0]["items"][0]["artwork"] = json!("wide.png");
    job["orders"][0]["items"][0]["size"] = json!({ "width": "4in" });
    write_job(folder, &job);
    let (code, _, stderr) = outcome(folder, &["render", "job.json", "-o", "out", "--max-memory", "17MiB"]);
    assert!(code == 5 && stderr.contains("17MiB") && stderr.contains("--max-memory"), "{stderr}");
    assert!(!folder.join("out").exists());
    let (code, _, stderr) = outcome(folder, &["preflight", "job.json", "--max-memory", "1MiB"]);
    assert!(code == 5, "{stderr}");
}

#[test]
fn bad_artwork_is_left_out_on_request_and_listed() {
    let (folder, mut job) = shop();
    let folder = folder.path();
    let mut png = fs::read(folder.join("fox.png")).unwrap();
    let middle = png.len() / 2;
    png[middle] ^= 1;
    fs::write(folder.join("damaged.png"), &png).unwrap();
    job["orders"][0]["items"][0]["artwork"] = json!("damaged.png");
    write_job(folder, &job);
    // Damage inside the pixel data shows only while it is decoded: nothing of the run remains.
    let (code, _, stderr) = outcome(folder, &["render", "job.json", "-o", "out"]);
    assert!(code == 3 && stderr.contains("damaged.png") && stderr.contains("order 1001, item 0"), "{stderr}");
    assert!(!folder.join("out").exists());
    assert_eq!(outcome(folder, &["preflight", "job.json"]).0, 0);
    let (code, stdout, _) = outcome(folder, &["preflight", "job.json", "--deep", "--json"]);
    let found: Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!((code, &found["problems"][0]["artwork"]), (3, &json!("damaged.png")));
    let (code, stdout, stderr) = outcome(folder, &["render", "job.json", "-o", "out", "--skip-bad-artwork", "--json"]);
    assert_eq!(code, 4, "{stderr}");
    let report: Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!((&report["ordered_copies"], &report["placed_copies"]), (&json!(4), &json!(2)));
    assert_eq!((&report["left_out"][0]["order"], &report["left_out"][0]["copies"]), (&json!("1001"), &json!(2)));

    // A layout of the good copies does not make the others forgotten.
    assert_eq!(outcome(folder, &["pack", "job.json", "-o", "good.json", "--skip-bad-artwork"]).0, 4);
    let placed = ["render", "job.json", "--layout", "good.json", "-o", "placed", "--skip-bad-artwork", "--json"];
    let (code, stdout, stderr) = outcome(folder, &placed);
    assert_eq!(code, 4, "{stderr}");
    let report: Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!((&report["ordered_copies"], &report["placed_copies"]), (&json!(4), &json!(2)));
    assert_eq!(report["left_out"][0]["artwork"], json!("damaged.png"));
}

#[test]
fn what_prints_badly_is_told_and_can_be_an_error() {
    let (folder, mut job) = shop();
    let folder = folder.path();
    // A disc with a hairline, at 100 DPI one pixel or 0.25 mm wide.
    let mut encoder = png::Encoder::new(fs::File::create(folder.join("fox.png")).unwrap(), 300, 200);
    encoder.set_color(png::ColorType::GrayscaleAlpha);
    let is_printed = |x: i32, y: i32| (x - 100).pow(2) + (y - 100).pow(2) < 2500 || ((100..250).contains(&x) && y == 100);
    let pixels = (0..200).flat_map(|y| (0..300).flat_map(move |x| [0, if is_printed(x, y) { 255 } else { 0 }]));
    encoder.write_header().unwrap().write_image_data(&pixels.collect::<Vec<u8>>()).unwrap();
    write_job(folder, &job);
    let (code, stdout, _) = outcome(folder, &["preflight", "job.json", "--json"]);
    let found: Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!((code, &found["warnings"]), (0, &json!([])));
    let (code, stdout, _) = outcome(folder, &["preflight", "job.json", "--deep", "--json"]);
    let found: Value = serde_json::from_str(&stdout).unwrap();
    let warning = &found["warnings"][0];
    assert_eq!((code, &warning["kind"], &warning["order"], &warning["item"]), (0, &json!("thin_lines"), &json!("1001"), &json!(0)));
    assert_eq!(warning["place"]["y"], json!("25.4mm"));
    assert_eq!(found["warnings"].as_array().unwrap().len(), 2);

    job["checks"] = json!({ "thin_lines": { "level": "error", "limit": "0.2mm" } });
    write_job(folder, &job);
    let (code, _, stderr) = outcome(folder, &["render", "job.json", "-o", "out"]);
    assert_eq!(code, 0, "{stderr}");
    fs::remove_dir_all(folder.join("out")).unwrap();
    job["checks"] = json!({ "thin_lines": "error" });
    write_job(folder, &job);
    let (code, _, stderr) = outcome(folder, &["render", "job.json", "-o", "out"]);
    assert!(code == 3 && stderr.contains("order 1001, item 0, fox.png: has lines as thin as 0.2"), "{stderr}");
    assert!(!folder.join("out").exists());
    job["checks"] = json!({ "thin_lines": { "limit": "1in" } });
    write_job(folder, &job);
    let (code, _, stderr) = outcome(folder, &["preflight", "job.json"]);
    assert!(code == 2 && stderr.contains("checks.thin_lines.limit: found \"1in\", expected at most \"10mm\""), "{stderr}");
}

#[test]
fn the_command_line_itself_is_checked() {
    let (folder, job) = shop();
    let folder = folder.path();
    write_job(folder, &job);
    for args in [
        &["render", "-o", "out"][..],
        &["render", "job.json"],
        &["render", "gone.json", "-o", "out"],
        &["render", "job.json", "-o", "out", "--max-memory", "12"],
        &["render", "job.json", "-o", "out", "--threads", "0"],
        &["render", "job.json", "-o", "out", "--resume", "--overwrite"],
        &["render", "job.json", "-o", "job.json"],
        &["render", "job.json", "-o", "out", "--temp-dir", "gone"],
        &["render", "job.json", "-o", "out", "--artwork-root", "gone"],
        &["pack", "job.json", "-o", "gone/layout.json"],
    ] {
        let (code, stdout, stderr) = outcome(folder, args);
        assert!(code == 2 && stdout.is_empty() && !stderr.is_empty(), "{args:?}: {code} {stderr}");
    }
    let (code, stdout, _) = outcome(folder, &["render", "--help"]);
    assert!(code == 0 && stdout.contains("gangsheet render job.json -o sheets"));
}

#[test]
fn the_log_and_the_progress_can_be_read_by_programs() {
    let (folder, job) = shop();
    let folder = folder.path();
    write_job(folder, &job);
    let args = ["--log-format", "json", "--log-level", "info", "--progress", "json", "render", "job.json", "-o", "out"];
    let output = Command::new(env!("CARGO_BIN_EXE_gangsheet")).current_dir(folder).args(args).output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    let lines: Vec<Value> = stderr.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let progress: Vec<&str> = lines.iter().filter_map(|line| line["progress"].as_str()).collect();
    assert_eq!((progress.first(), progress.last()), (Some(&"part_started"), Some(&"part_finished")));
    let messages: Vec<&str> = lines.iter().filter_map(|line| line["fields"]["message"].as_str()).collect();
    for told in ["starting part 1 of 2", "finished part 1 of 2", "looping on to part 2", "finished part 2 of 2", "all done"] {
        assert!(messages.iter().any(|message| message.contains(told)), "{told}: {messages:?}");
    }
}

#[test]
fn the_demo_makes_parts_that_can_be_proven() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let (code, _, stderr) = outcome(folder, &["demo", "demo"]);
    assert_eq!(code, 0, "{stderr}");
    assert!(names(&folder.join("demo/sheets")).len() >= 4, "{stderr}");
    assert_eq!(outcome(folder, &["verify", "demo/sheets"]).0, 0);
}

#[test]
fn an_overwritten_run_leaves_no_stale_part() {
    let (folder, mut job) = shop();
    let folder = folder.path();
    write_job(folder, &job);
    assert_eq!(outcome(folder, &["render", "job.json", "-o", "out"]).0, 0);
    job["orders"].as_array_mut().unwrap().truncate(1);
    job["orders"][0]["items"][0]["copies"] = json!(1);
    write_job(folder, &job);
    assert_eq!(outcome(folder, &["render", "job.json", "-o", "out", "--overwrite"]).0, 0);
    assert_eq!(names(&folder.join("out")), ["Shop part 1.png", "layout.json", "report.json"]);
    assert_eq!(outcome(folder, &["verify", "out"]).0, 0);
    // An unfinished part of whatever name is in the way of a new run.
    fs::create_dir(folder.join("other")).unwrap();
    fs::write(folder.join("other/Monday part 1.png.partial"), "").unwrap();
    let (code, _, stderr) = outcome(folder, &["render", "job.json", "-o", "other"]);
    assert!(code == 2 && stderr.contains("Monday part 1.png.partial"), "{stderr}");
}

#[test]
fn an_overwrite_replaces_what_a_killed_run_left() {
    let (folder, mut job) = shop();
    let folder = folder.path();
    write_job(folder, &job);
    assert_eq!(outcome(folder, &["render", "job.json", "-o", "out"]).0, 0);
    let out = |name: &str| folder.join("out").join(name);
    // It was killed in its second part, before it could report. A picture of somebody else's stays.
    fs::rename(out("Shop part 2.png"), out("Shop part 2.png.partial")).unwrap();
    fs::remove_file(out("layout.json")).unwrap();
    fs::remove_file(out("report.json")).unwrap();
    fs::copy(folder.join("fox.png"), out("fox.png")).unwrap();
    job["name"] = json!("Other");
    job["orders"].as_array_mut().unwrap().truncate(1);
    write_job(folder, &job);
    let (code, _, stderr) = outcome(folder, &["render", "job.json", "-o", "out", "--overwrite"]);
    assert_eq!(code, 0, "{stderr}");
    assert_eq!(names(&folder.join("out")), ["Other part 1.png", "fox.png", "layout.json", "report.json"]);
}

#[test]
fn an_interrupted_overwrite_goes_on_to_the_new_part() {
    let (folder, mut job) = shop();
    let folder = folder.path();
    write_job(folder, &job);
    assert_eq!(outcome(folder, &["render", "job.json", "-o", "old"]).0, 0);
    job["orders"][0]["items"][0]["mirror"] = json!(true);
    write_job(folder, &job);
    assert_eq!(outcome(folder, &["render", "job.json", "-o", "new"]).0, 0);
    let new = fs::read(folder.join("new/Shop part 1.png")).unwrap();
    // The first part was about to be replaced; the second one had not begun.
    fs::write(folder.join("old/Shop part 1.png.partial"), &new[..new.len() - 40]).unwrap();
    fs::remove_file(folder.join("old/Shop part 2.png")).unwrap();
    assert_eq!(outcome(folder, &["render", "job.json", "-o", "old", "--resume"]).0, 0);
    assert!(new == fs::read(folder.join("old/Shop part 1.png")).unwrap());
    assert_eq!(names(&folder.join("old")), names(&folder.join("new")));
    assert_eq!(outcome(folder, &["verify", "old"]).0, 0);
}

#[test]
fn a_part_of_another_plan_is_told_before_anything_is_changed() {
    let (folder, mut job) = shop();
    let folder = folder.path();
    write_job(folder, &job);
    assert_eq!(outcome(folder, &["render", "job.json", "-o", "out"]).0, 0);
    fs::remove_file(folder.join("out/Shop part 1.png")).unwrap();
    job["orders"][0]["items"][0]["mirror"] = json!(true);
    job["orders"][1]["items"][0]["mirror"] = json!(true);
    write_job(folder, &job);
    let before = names(&folder.join("out"));
    let (code, _, stderr) = outcome(folder, &["render", "job.json", "-o", "out", "--resume"]);
    assert!(code == 2 && stderr.contains("Shop part 2.png"), "{stderr}");
    assert_eq!(names(&folder.join("out")), before);
}

#[test]
fn a_layout_of_another_resolution_does_not_place_a_job() {
    let (folder, mut job) = shop();
    let folder = folder.path();
    write_job(folder, &job);
    assert_eq!(outcome(folder, &["pack", "job.json", "-o", "layout.json"]).0, 0);
    job["dpi"] = json!(200);
    write_job(folder, &job);
    let (code, _, stderr) = outcome(folder, &["render", "job.json", "--layout", "layout.json", "-o", "out"]);
    assert!(code == 2 && stderr.contains("100 DPI"), "{stderr}");
}

#[test]
fn a_job_says_how_large_and_under_which_name_its_layout_is_printed() {
    let (folder, mut job) = shop();
    let folder = folder.path();
    write_job(folder, &job);
    assert_eq!(outcome(folder, &["pack", "job.json", "-o", "layout.json"]).0, 0);
    job["name"] = json!("Other");
    write_job(folder, &job);
    assert_eq!(outcome(folder, &["render", "job.json", "--layout", "layout.json", "-o", "out"]).0, 0);
    assert!(folder.join("out/Other part 1.png").is_file());
    job["media"]["width"] = json!("3.5in");
    write_job(folder, &job);
    let (code, _, stderr) = outcome(folder, &["render", "job.json", "--layout", "layout.json", "-o", "narrow"]);
    assert!(code == 2 && stderr.contains("350 × 500 px"), "{stderr}");
}

#[test]
fn a_finished_part_that_was_damaged_is_rendered_again() {
    let (folder, job) = shop();
    let folder = folder.path();
    write_job(folder, &job);
    assert_eq!(outcome(folder, &["render", "job.json", "-o", "out"]).0, 0);
    let part = folder.join("out/Shop part 1.png");
    let whole = fs::read(&part).unwrap();
    for damaged in
        [[&whole[..300], &whole[whole.len() - 12..]].concat(), whole.iter().map(|&byte| if byte == 7 { 8 } else { byte }).collect()]
    {
        // The first bytes say which plan it is of.
        fs::write(&part, [&whole[..160], &damaged[160..]].concat()).unwrap();
        assert_eq!(outcome(folder, &["render", "job.json", "-o", "out", "--resume"]).0, 0);
        assert!(whole == fs::read(&part).unwrap());
    }
}

#[test]
fn an_overwrite_with_damaged_artwork_changes_nothing() {
    let (folder, mut job) = shop();
    let folder = folder.path();
    write_job(folder, &job);
    assert_eq!(outcome(folder, &["render", "job.json", "-o", "out"]).0, 0);
    let mut png = fs::read(folder.join("fox.png")).unwrap();
    let middle = png.len() / 2;
    png[middle] ^= 1;
    fs::write(folder.join("damaged.png"), &png).unwrap();
    job["orders"][1]["items"][0]["artwork"] = json!("damaged.png");
    write_job(folder, &job);
    let (code, _, stderr) = outcome(folder, &["render", "job.json", "-o", "out", "--overwrite"]);
    assert!(code == 3 && stderr.contains("damaged.png"), "{stderr}");
    assert_eq!(outcome(folder, &["verify", "out"]).0, 0);
}

#[test]
fn an_artwork_is_never_replaced_by_its_part() {
    let (folder, mut job) = shop();
    let folder = folder.path();
    job["output"] = json!({ "name": "fox" });
    job["orders"].as_array_mut().unwrap().truncate(1);
    job["orders"][0]["items"][0]["copies"] = json!(1);
    write_job(folder, &job);
    let fox = fs::read(folder.join("fox.png")).unwrap();
    for option in ["--overwrite", "--resume"] {
        let (code, _, stderr) = outcome(folder, &["render", "job.json", "-o", ".", option]);
        assert!(code == 2 && stderr.contains("fox.png"), "{stderr}");
    }
    assert!(fox == fs::read(folder.join("fox.png")).unwrap());
}

#[test]
fn a_job_and_an_artwork_are_never_replaced() {
    let (folder, job) = shop();
    let folder = folder.path();
    write_job(folder, &job);
    assert_eq!(outcome(folder, &["render", "job.json", "-o", "out"]).0, 0);
    let written = fs::read(folder.join("job.json")).unwrap();
    for name in ["layout.json", "report.json"] {
        fs::copy(folder.join("job.json"), folder.join("out").join(name)).unwrap();
        for option in ["--overwrite", "--resume"] {
            let (code, _, stderr) = outcome(folder, &["render", "job.json", "-o", "out", option]);
            assert!(code == 2 && stderr.contains(name) && stderr.contains("move it away"), "{stderr}");
        }
        assert_eq!(fs::read(folder.join("out").join(name)).unwrap(), written);
        fs::remove_file(folder.join("out").join(name)).unwrap();
    }
    let fox = fs::read(folder.join("fox.png")).unwrap();
    fs::write(folder.join("note.txt"), "mine").unwrap();
    #[cfg(unix)]
    std::os::unix::fs::symlink("nowhere", folder.join("link")).unwrap();
    for name in ["job.json", "fox.png", "out", "note.txt", "link"] {
        if name == "link" && !cfg!(unix) {
            continue;
        }
        let (code, _, stderr) = outcome(folder, &["pack", "job.json", "-o", name]);
        assert!(code == 2 && stderr.contains(name) && stderr.contains("choose another name"), "{stderr}");
    }
    assert!(fox == fs::read(folder.join("fox.png")).unwrap() && written == fs::read(folder.join("job.json")).unwrap());
    assert_eq!(outcome(folder, &["pack", "job.json", "-o", "packed.json"]).0, 0);
    assert_eq!(outcome(folder, &["pack", "job.json", "-o", "packed.json"]).0, 0);
}

#[test]
fn a_stale_part_that_was_changed_or_is_artwork_stays() {
    let (folder, mut job) = shop();
    let folder = folder.path();
    job["output"] = json!({ "name": "Monday {part}" });
    write_job(folder, &job);
    assert_eq!(outcome(folder, &["render", "job.json", "-o", "out"]).0, 0);
    job["output"] = json!({ "name": "Tuesday {part}" });
    job["orders"][0]["items"][0]["artwork"] = json!("out/Monday 1.png");
    write_job(folder, &job);
    let mut second = fs::read(folder.join("out/Monday 2.png")).unwrap();
    second.push(0);
    fs::write(folder.join("out/Monday 2.png"), &second).unwrap();
    // An unfinished or finished part of another name is not of this job.
    let (code, _, stderr) = outcome(folder, &["render", "job.json", "-o", "out", "--resume"]);
    assert!(code == 2 && stderr.contains("report.json") && stderr.contains("Monday 1.png"), "{stderr}");
    let (code, _, stderr) = outcome(folder, &["render", "job.json", "-o", "out", "--overwrite"]);
    assert!(code == 0 && stderr.contains("Monday 1.png") && stderr.contains("Monday 2.png"), "{stderr}");
    assert!(second == fs::read(folder.join("out/Monday 2.png")).unwrap());
    // What lies there and is no part of this run is not to be printed with it; artwork may lie there.
    let (code, _, stderr) = outcome(folder, &["verify", "out"]);
    assert!(code == 1 && stderr.contains("Monday 2.png is not as printed: it is a part"), "{stderr}");
    fs::remove_file(folder.join("out/Monday 2.png")).unwrap();
    assert_eq!(outcome(folder, &["verify", "out"]).0, 0);
    fs::write(folder.join("out/Monday 3.png.partial"), "").unwrap();
    let (code, _, stderr) = outcome(folder, &["render", "job.json", "-o", "out", "--resume"]);
    assert!(code == 2 && stderr.contains("Monday 3.png.partial"), "{stderr}");
}

#[test]
fn damage_found_on_resuming_keeps_what_was_there() {
    let (folder, job) = shop();
    let folder = folder.path();
    write_job(folder, &job);
    assert_eq!(outcome(folder, &["render", "job.json", "-o", "out"]).0, 0);
    let part = fs::read(folder.join("out/Shop part 1.png")).unwrap();
    let cut = &part[..part.len() - 40];
    fs::remove_file(folder.join("out/Shop part 1.png")).unwrap();
    fs::remove_file(folder.join("out/Shop part 2.png")).unwrap();
    fs::write(folder.join("out/Shop part 1.png.partial"), cut).unwrap();
    // Damage that leaves the file's length and header alone, so that only decoding finds it.
    let mut fox = fs::read(folder.join("fox.png")).unwrap();
    let (times, middle) = (fs::metadata(folder.join("fox.png")).unwrap().modified().unwrap(), fox.len() / 2);
    fox[middle] ^= 1;
    fs::write(folder.join("fox.png"), &fox).unwrap();
    fs::File::options().write(true).open(folder.join("fox.png")).unwrap().set_modified(times).unwrap();
    let (code, _, stderr) = outcome(folder, &["render", "job.json", "-o", "out", "--resume"]);
    assert!(code == 3 && stderr.contains("fox.png"), "{code} {stderr}");
    // Up to its last whole band, that is.
    let kept = fs::read(folder.join("out/Shop part 1.png.partial")).unwrap();
    assert!(!kept.is_empty() && cut.starts_with(&kept));
}

#[test]
fn what_rules_cost_and_what_other_widths_take_is_told() {
    let (folder, job) = shop();
    let folder = folder.path();
    write_job(folder, &job);
    // Two parts of 200 + 13 + 200 px; without the gutter of 0.125 in, of 400 px.
    let (code, stdout, stderr) = outcome(folder, &["pack", "job.json", "-o", "layout.json", "--explain"]);
    assert_eq!(code, 0, "{stderr}");
    assert!(stdout.contains("the gutter: 26 px of film (3.1 %)") && stdout.contains("turns that are forbidden: "), "{stdout}");
    assert!(stderr.contains("826 px of film; no packing can be shorter than"), "{stderr}");
    let (code, stdout, stderr) = outcome(folder, &["pack", "job.json", "--compare", "4in,7in,2in"]);
    assert_eq!(code, 0, "{stderr}");
    let rows: Vec<Vec<&str>> = stdout.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(rows[1][..3], ["4in", "2", "0.210"]);
    assert_eq!(rows[2][..3], ["7in", "1", "0.105"]);
    assert!(rows[3][0] == "2in" && stdout.contains("fox.png"), "{stdout}");
    assert_eq!(names(folder), ["fox.png", "job.json", "layout.json"]);
    let (code, _, _) = outcome(folder, &["pack", "job.json", "-o", "l.json", "--compare", "4in"]);
    assert_eq!(code, 2);
    // The same for programs.
    let json = |args: &[&str]| serde_json::from_str::<Value>(&outcome(folder, args).1).unwrap();
    let packed = json(&["pack", "job.json", "-o", "layout.json", "--explain", "--json"]);
    assert_eq!((&packed["copies"], &packed["parts"], &packed["length_px"]), (&json!(4), &json!(2), &json!(826)));
    let gutter =
        json!({ "rule": "gutter", "length_px": 826, "length_without_px": 800, "area_px": 826 * 400, "area_without_px": 800 * 400 });
    assert_eq!(packed["rules"][1], gutter);
    // And in the report, where it is asked for.
    let (code, stdout, stderr) = outcome(folder, &["render", "job.json", "-o", "out", "--explain"]);
    assert!(code == 0 && stdout.contains("the gutter: 26 px of film (3.1 %)"), "{stdout}{stderr}");
    let report: Value = serde_json::from_slice(&fs::read(folder.join("out/report.json")).unwrap()).unwrap();
    assert_eq!(report["rules"][1], gutter);
    assert_eq!(outcome(folder, &["verify", "out"]).0, 0);
    let widths = json(&["pack", "job.json", "--compare", "7in,2in", "--json"])["widths"].take();
    assert_eq!((&widths[0]["width"], &widths[0]["parts"], &widths[0]["length_px"]), (&json!("7in"), &json!(1), &json!(413)));
    assert!(widths[1]["message"].as_str().unwrap().contains("fox.png"), "{widths}");
}

#[test]
fn the_rules_of_a_job_hold_and_are_priced() {
    let (folder, mut job) = shop();
    let folder = folder.path();
    job["keep"] = json!("part");
    job["media"]["price"] = json!({ "per_m2": "10.00" });
    job["orders"][1]["due"] = json!("2026-12-01");
    job["orders"][0]["items"][0]["pinned"] = json!({ "part": 2, "x": "1in", "y": "0in" });
    write_job(folder, &job);
    let (code, stdout, stderr) = outcome(folder, &["render", "job.json", "-o", "out", "--json"]);
    assert_eq!(code, 0, "{stderr}");
    assert!(stderr.contains("no packing can be shorter than") && stderr.contains("the film costs 0.21"), "{stderr}");
    let layout: Value = serde_json::from_slice(&fs::read(folder.join("out/layout.json")).unwrap()).unwrap();
    let placed = |part: usize| {
        let placements = layout["parts"][part]["placements"].as_array().unwrap().iter();
        placements.map(|placement| (placement["order"].as_str().unwrap(), placement["x"].as_u64().unwrap())).collect::<Vec<_>>()
    };
    assert!(placed(0).iter().all(|&(order, _)| order == "1002"), "what is due comes first");
    assert_eq!(placed(1)[0], ("1001", 100), "what is pinned stays");
    // Two parts of 4 × 4.13 in are 0.0213 m²; both orders share them.
    let report: Value = serde_json::from_str(&stdout).unwrap();
    let half = |order: &str| json!({ "order": order, "cost": "0.11" });
    assert_eq!(report["cost"], json!({ "total": "0.21", "orders": [half("1002"), half("1001")] }));
    assert_eq!(outcome(folder, &["verify", "out"]).0, 0);

    let (_, stdout, _) = outcome(folder, &["pack", "job.json", "-o", "layout.json", "--explain"]);
    assert!(stdout.contains("orders that are kept together: 0.00 (0.0 %)") && stdout.contains("copies that are pinned"), "{stdout}");
    let (_, stdout, _) = outcome(folder, &["pack", "job.json", "--compare", "5in"]);
    assert!(stdout.contains("cost of order") && stdout.contains("1002"), "{stdout}");

    job["orders"][0]["items"][0]["pinned"] = json!([]);
    job["media"]["max_length"] = json!("4in");
    write_job(folder, &job);
    let (code, _, stderr) = outcome(folder, &["pack", "job.json", "-o", "layout.json"]);
    assert!(code == 2 && stderr.contains("order 1002 cannot be kept together"), "{stderr}");
    let (code, _, stderr) = outcome(folder, &["pack", "job.json", "-o", "layout.json", "--keep", "none", "--cut", "guillotine"]);
    assert_eq!(code, 0, "{stderr}");
    let (code, _, stderr) = outcome(folder, &["render", "job.json", "--layout", "layout.json", "-o", "laid", "--keep", "part"]);
    assert!(code == 2 && stderr.contains("--keep and --cut are for jobs that are packed"), "{stderr}");
    job["media"] = json!([job["media"], { "width": "7in", "max_length": "3in", "price": { "per_metre": "1.50" } }]);
    write_job(folder, &job);
    let (code, _, stderr) = outcome(folder, &["render", "job.json", "-o", "wide"]);
    assert_eq!(code, 0, "{stderr}");
    let report: Value = serde_json::from_slice(&fs::read(folder.join("wide/report.json")).unwrap()).unwrap();
    assert_eq!((&report["parts"][0]["width"], &report["parts"][1]["width"]), (&json!(700), &json!(700)));
    assert_eq!(outcome(folder, &["verify", "wide"]).0, 0);
}
