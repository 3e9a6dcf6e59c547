//! What a shop's backend sees of a job that cannot be printed: the kind of error, its place, and what to do.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::{Path, PathBuf};

use gangsheet::{ErrorKind, Job, MemoryBudget, Preflight, PreflightOptions, ProblemKind, Result};

const JOB: &str = r#"{
    "version": 1, "name": "NookTransfers", "dpi": 300,
    "media": { "width": "22in", "max_length": "240in", "margin": "0.25in" },
    "orders": [
        { "id": "1001", "items": [{ "artwork": "fox.png", "copies": 3 }] },
        { "id": "1002", "items": [{ "artwork": "fox.png", "size": { "width": "1in" } }] } ]
}"#;

/// A folder with a job and its artwork.
struct Shop(tempfile::TempDir);

impl Shop {
    fn new() -> Self {
        let shop = Self(tempfile::tempdir().unwrap());
        let mut encoder = png::Encoder::new(fs::File::create(shop.path("fox.png")).unwrap(), 40, 30);
        encoder.set_color(png::ColorType::Rgba);
        encoder.write_header().unwrap().write_image_data(&[255; 40 * 30 * 4]).unwrap();
        shop
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Writes the job with `from` replaced by `to`, and checks it like a print run.
    fn check(&self, from: &str, to: &str) -> Result<Preflight> {
        assert!(JOB.contains(from));
        fs::write(self.path("job.json"), JOB.replacen(from, to, 1)).unwrap();
        let job = Job::read(&self.path("job.json"))?;
        Preflight::new(&job, self.0.path(), &PreflightOptions::default(), &MemoryBudget::new(64 << 20))
    }
}

#[test]
fn the_job_itself_prints() {
    let checked = Shop::new().check("1001", "1001").unwrap();
    assert_eq!((checked.ordered_copies(), checked.items().len(), checked.artworks().len()), (4, 2, 1));
    assert_eq!(checked.items()[1].size.to_string(), "300 × 225 px");
    assert_eq!(
        checked.warnings()[0].message,
        "prints at 40 DPI, below 150, where pixels show: use an image with more pixels, best for 300 DPI, or print it no larger than 0.26 × 0.20 in"
    );
}

#[test]
fn a_wrong_job_is_refused_with_the_place_in_its_file() {
    let shop = Shop::new();
    for (from, to, expected) in [
        (
            r#""copies": 3"#,
            r#""copies": 0"#,
            "orders[0].items[0].copies: found integer `0`, expected a whole number of copies from 1 to 10000000",
        ),
        (r#""artwork": "fox.png""#, r#""artwork": """#, "orders[0].items[0].artwork: found an empty text, expected a path"),
        (
            r#""dpi": 300"#,
            r#""dpi": 300, "output": { "crop": null }"#,
            r#"output.crop: found null, expected "length" or "content" or "none""#,
        ),
        (
            r#""dpi": 300"#,
            r#""dpi": 300, "output": { "compression": "best" }"#,
            r#"output.compression: found string "best", expected "fast" or "balanced" or "small""#,
        ),
        (r#""copies": 3"#, r#""copies": 2147483648"#, "orders[0].items[0].copies: found integer `2147483648`, expected"),
        ("\"0.25in\"", "\"-0.25in\"", "media.margin: found string \"-0.25in\", expected a length with its unit"),
        ("copies", "copis", "orders[0].items[0].copis: unknown field `copis`, expected one of `artwork`, `size`, `canvas`, `copies`"),
        ("\"version\": 1", "\"version\": 2", "version: found integer `2`, expected 1, the version that this program reads"),
        ("\"1in\"", "\"1e-9in\"", "orders[1].items[0].size.width: found string \"1e-9in\", expected a length with its unit"),
    ] {
        let error = shop.check(from, to).unwrap_err();
        let ErrorKind::Document { file, at, message } = error.kind() else { panic!("{error:?}") };
        assert_eq!(file.as_deref(), Some(shop.path("job.json").as_path()));
        let said = format!("{at}: {message}");
        assert!(said.starts_with(expected), "{said}");
        assert_eq!(error.to_string(), format!("{}: {said}", shop.path("job.json").display()));
    }
}

#[test]
fn artwork_that_cannot_be_printed_is_refused_with_its_order_and_item() {
    let shop = Shop::new();
    fs::write(shop.path("note.png"), "a text").unwrap();
    let fox = fs::read(shop.path("fox.png")).unwrap();
    fs::write(shop.path("cut.png"), &fox[..fox.len() / 2]).unwrap();
    for (from, to, kind, expected) in [
        ("fox.png", "gone.png", ProblemKind::Missing, "order 1001, item 0, gone.png: there is no file "),
        ("fox.png", "cut.png", ProblemKind::Unreadable, "order 1001, item 0, cut.png: it ends too early"),
        ("fox.png", "note.png", ProblemKind::Unreadable, "order 1001, item 0, note.png: a text, not an image (PNG, JPEG, WebP or TIFF)"),
        (
            r#"{ "width": "1in" }"#,
            r#"{ "width": "22in" }, "turn": "none""#,
            ProblemKind::TooLargeForMedia,
            "order 1002, item 0, fox.png: its 6600 × 4950 px (22.00 × 16.50 in) do not fit the printable 6450 × 71850 px (21.50 × 239.50 in) of \
             the media upright: allow it to be turned",
        ),
        ("1002", "1001", ProblemKind::Job, "order 1001: orders[1] has the id of orders[0]"),
    ] {
        let error = shop.check(from, to).unwrap_err();
        let ErrorKind::Preflight { problems } = error.kind() else { panic!("{error:?}") };
        let [problem] = &problems[..] else { panic!("{error}") };
        assert_eq!(problem.kind, kind);
        assert!(problem.to_string().starts_with(expected), "{problem}");
        assert!(error.to_string().starts_with("the job cannot be printed:\n  order "), "{error}");
    }
}

#[test]
fn orders_are_selected_by_their_id() {
    let job = Job::from_json(JOB.as_bytes()).unwrap();
    assert_eq!(job.select(&["1002"]).unwrap().orders, job.orders[1..]);
    let error = job.select(&["1002", "1003"]).unwrap_err();
    assert_eq!(error.to_string(), "there is no order \"1003\" in the job; did you mean \"1001\", \"1002\"?");
}

#[test]
fn a_job_written_by_the_library_is_read_again() {
    let job = Job::from_json(JOB.as_bytes()).unwrap();
    let json = serde_json::to_string(&job).unwrap();
    assert!(json.starts_with(r#"{"version":1,"name":"NookTransfers","dpi":300,"#), "{json}");
    assert_eq!(Job::from_json(json.as_bytes()).unwrap(), job);
}

#[test]
fn hostile_jobs_end_in_a_named_error() {
    let shop = Shop::new();
    let path = shop.path("job.json");
    let read = |path: &Path| Job::read(path).unwrap_err().to_string();

    fs::File::create(&path).unwrap().set_len(1 << 30).unwrap();
    assert!(read(&path).contains("the file is larger than 256 MiB"));

    fs::write(&path, JOB.replace("\"fox.png\"", &format!("\"{}\"", "狐".repeat(1 << 20)))).unwrap();
    assert!(read(&path).len() < 1000);

    fs::write(&path, JOB.replace("\"22in\"", &"{\"a\":".repeat(1 << 20))).unwrap();
    assert!(read(&path).contains("media.width: found map, expected a length"));

    let items = "{\"artwork\":\"a\"},".repeat(1_000_000);
    fs::write(&path, JOB.replace("[{ \"artwork\": \"fox.png\", \"copies\": 3 }]", &format!("[{items}{{\"artwork\":\"a\"}}]"))).unwrap();
    assert!(read(&path).contains("found 250001 items so far, expected at most 250000 in a job"));
}
