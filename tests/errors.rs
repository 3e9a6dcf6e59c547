//! Every kind of error and of problem, reached through the public interface: its fields, and a message that says where and what to do.
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

mod common;

use std::error::Error as _;
use std::fs;
use std::io;
use std::path::Path;
use std::time::Duration;

use common::png_file::png_bytes_with;
use common::profile::{jpeg_with_profile, press_profile};
use common::{PLENTY, Picture, PngKind, Shop, Style, draw, files_in, layout, placement, png_bytes, rect};
use gangsheet::{
    ArtworkLimits, Blank, Cancel, ColorSpace, Dpi, Error, ErrorKind, Existing, Item, Job, Layout, Length, MAX_SIDE_PX, Media, MediaPx,
    MemoryBudget, Order, PROCESS_BYTES, Packing, Part, Placement, PngPart, Preflight, PreflightOptions, Problem, ProblemKind, Progress,
    PxRect, PxSize, RenderPlan, Report, Rgba8, Rows, Run, RunOptions, Sizing, Turn, TurnPolicy, VerifyOptions, explain, pack,
    pack_rectangles, parse_bytes, verify,
};

/// The name of a kind, and how it is reached.
type Reached<T> = (&'static str, fn() -> T);

/// One test per kind: it makes the error, checks it, and hands it on, so that the list itself can be checked.
const ERROR_KINDS: [Reached<Error>; 24] = [
    ("InvalidLength", invalid_length),
    ("InvalidByteSize", invalid_byte_size),
    ("InvalidDpi", invalid_dpi),
    ("TooLarge", too_large),
    ("Empty", empty),
    ("Document", document),
    ("UnknownOrder", unknown_order),
    ("Preflight", preflight),
    ("Artwork", artwork),
    ("ArtworkLimit", artwork_limit),
    ("Layout", wrong_layout),
    ("DoesNotFit", does_not_fit),
    ("OutputExists", output_exists),
    ("FolderInUse", folder_in_use),
    ("NotResumable", not_resumable),
    ("MemoryLimit", memory_limit),
    ("DiskSpace", disk_space),
    ("DiskFull", disk_full),
    ("FilesInMemory", files_in_memory),
    ("NoFolder", no_folder),
    ("NotProven", not_proven),
    ("Io", input_and_output),
    ("Cancelled", cancelled),
    ("Panicked", panicked),
];

/// One test per kind of problem, in the same way.
const PROBLEM_KINDS: [Reached<Problem>; 19] = [
    ("Job", twice_the_same_order),
    ("Missing", missing),
    ("Unreadable", unreadable),
    ("TooLargeForMedia", too_large_for_media),
    ("TooLargeForCanvas", too_large_for_canvas),
    ("FullyTransparent", fully_transparent),
    ("NoResolution", no_resolution),
    ("Limit", limit),
    ("EffectiveDpi", || checked("effective_dpi", "fox.png", Some(Sizing::Width(Length::px(200))))),
    ("Upscaled", || checked("upscaled", "fox.png", Some(Sizing::Width(Length::px(44))))),
    ("SemiTransparent", || checked("semi_transparent", "veil.png", None)),
    ("OpaqueBackground", || checked("opaque_background", "page.png", None)),
    ("ThinLines", || checked("thin_lines", "line.png", None)),
    ("Gaps", || checked("gaps", "gap.png", None)),
    ("Specks", || checked("specks", "speck.png", None)),
    ("TouchesBorder", || checked("touches_border", "cut.png", None)),
    ("Inks", || checked("color_mode", "press.jpg", None)),
    ("UnknownInks", || checked("color_mode", "inks.jpg", None)),
    ("UnusedProfile", || checked("color_mode", "profile.png", None)),
];

/// The variants of an enum, read from the source: this file must not miss one that is added.
fn variants(of: &str) -> Vec<String> {
    let source = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/error.rs")).unwrap();
    let (_, body) = source.split_once(&format!("pub enum {of} {{\n")).unwrap();
    let (body, _) = body.split_once("\n}\n").unwrap();
    let lines = body.lines().filter_map(|line| line.strip_prefix("    "));
    let names = lines.filter(|line| line.starts_with(|c: char| c.is_ascii_uppercase()));
    names.map(|line| line.split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap().to_owned()).collect()
}

#[test]
fn every_kind_of_error_is_reached_and_says_what_it_must() {
    assert_eq!(variants("ErrorKind"), ERROR_KINDS.map(|(name, _)| name), "a kind of error without a test here");
    for (name, reach) in ERROR_KINDS {
        let error = reach();
        assert!(format!("{:?}", error.kind()).starts_with(name), "{name}: {error:?}");
        let message = error.to_string();
        assert!(message.len() < 2000 && !message.ends_with('.'), "{name}: {message}");
        // A cause is kept as the source and not repeated.
        if let Some(source) = error.source() {
            assert!(!message.contains(&source.to_string()), "{name}: {message}: {source}");
        }
    }
}

#[test]
fn every_kind_of_problem_is_reached_and_says_what_it_must() {
    assert_eq!(variants("ProblemKind"), PROBLEM_KINDS.map(|(name, _)| name), "a kind of problem without a test here");
    for (name, reach) in PROBLEM_KINDS {
        let problem = reach();
        assert_eq!(format!("{:?}", problem.kind), name);
        assert_eq!(problem.order, "1001");
        let message = problem.to_string();
        assert!(message.starts_with("order 1001"), "{message}");
        if let Some(item) = problem.item {
            assert!(message.starts_with(&format!("order 1001, item {item}, {}: ", problem.artwork)), "{message}");
        }
    }
}

#[test]
fn errors_go_where_errors_go() {
    fn is_an_error<E: std::error::Error + Send + Sync + 'static>() {}
    is_an_error::<Error>();
    assert!(size_of::<gangsheet::Result<()>>() <= 8, "an error weighs on every result");
}

/// Whether a message holds all of `words`.
#[track_caller]
fn says(error: &Error, words: &[&str]) {
    let message = error.to_string();
    words.iter().for_each(|word| assert!(message.contains(word), "{word:?} is missing in: {message}"));
}

fn invalid_length() -> Error {
    for text in ["", "3", "in", "-1in", "1 inch", "1e3px", "1.0000000001in", "9999999999mm", "+2in", "0x10px"] {
        let error = text.parse::<Length>().unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::InvalidLength { text: found } if found == text), "{error:?}");
    }
    let long = "7".repeat(1 << 20).parse::<Length>().unwrap_err();
    assert!(matches!(long.kind(), ErrorKind::InvalidLength { text } if text.len() == 60));
    let error = "2 in.".parse::<Length>().unwrap_err();
    says(&error, &["\"2 in.\"", "with its unit", "22in"]);
    error
}

fn invalid_byte_size() -> Error {
    let error = parse_bytes("lots").unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::InvalidByteSize { text } if text == "lots"));
    says(&error, &["\"lots\"", "with its unit", "128MiB"]);
    error
}

fn invalid_dpi() -> Error {
    assert!(Dpi::new(Dpi::MAX).is_ok());
    let error = Dpi::new(Dpi::MAX + 1).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::InvalidDpi { value } if *value == u64::from(Dpi::MAX) + 1));
    says(&error, &["100001 DPI", "use 1 to 100000"]);
    assert!(matches!(Dpi::new(0).unwrap_err().kind(), ErrorKind::InvalidDpi { value: 0 }));
    error
}

fn too_large() -> Error {
    let size = |width, height| PxSize::new(width, height).unwrap();
    let rows = Rows::new(1, MAX_SIDE_PX + 1).unwrap_err();
    let rect = PxRect::new(1, 0, size(MAX_SIDE_PX, 1)).unwrap_err();
    let length = "999999999in".parse::<Length>().unwrap().to_px(Dpi::new(300).unwrap()).unwrap_err();
    for error in [&rows, &rect, &length] {
        assert!(matches!(error.kind(), ErrorKind::TooLarge { .. }), "{error:?}");
    }
    says(&length, &["999999999in at 300 DPI", "2147483647 pixels", "use a smaller"]);
    let error = PxSize::new(1, MAX_SIDE_PX + 1).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::TooLarge { what } if what == "1 × 2147483648 px"));
    error
}

fn empty() -> Error {
    let error = PxSize::new(0, 7).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Empty { what } if what == "0 × 7 px"));
    says(&error, &["0 × 7 px", "use a larger size or resolution"]);
    error
}

/// A job file with something that every part of the program would have to guess at.
fn document() -> Error {
    let shop = Shop::new();
    let job = r#"{"version": 1, "name": "N", "dpi": 300, "media": {"width": "22in", "max_length": "1m"}, "orders": []}"#;
    let path = shop.write("job.json", job.as_bytes());
    let error = Job::read(&path).unwrap_err();
    let ErrorKind::Document { file, at, message } = error.kind() else { panic!("{error:?}") };
    assert_eq!((file.as_deref(), at.as_str()), (Some(path.as_path()), "media.max_length"));
    assert!(message.contains("found string \"1m\", expected a length with its unit"), "{message}");
    says(&error, &[path.to_str().unwrap(), "media.max_length", "558.8mm"]);
    // Layouts and reports are read by the same rules.
    for (read, text, place) in [
        (
            &|path: &Path| Layout::read(path).map(|_| ()) as gangsheet::Result<()>,
            r#"{"version": 1, "name": "N", "dpi": 300, "prats": []}"#,
            "prats",
        ),
        (&|path: &Path| Report::read(path).map(|_| ()), r#"{"version": 2}"#, "version"),
    ] as [(&dyn Fn(&Path) -> gangsheet::Result<()>, &str, &str); 2]
    {
        let path = shop.write("other.json", text.as_bytes());
        let error = read(&path).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Document { file: Some(file), at, .. } if *file == path && at == place), "{error:?}");
    }
    // What only preflight can know, since it depends on all lengths together.
    let mut job = some_job(&shop, vec![Item::new("fox.png")]);
    job.media.margin.left = Length::px(2000);
    let error_of_all = Run::of_job(&job, shop.base()).render(&shop.path("out"), |_| {}).unwrap_err();
    assert!(matches!(error_of_all.kind(), ErrorKind::Document { at, .. } if at == "media"), "{error_of_all:?}");
    assert!(!shop.path("out").exists());
    error
}

/// A job of one order 1001; `fox.png` of 40 × 30 px is written.
fn some_job(shop: &Shop, items: Vec<Item>) -> Job {
    shop.artwork("fox.png", &draw(Style::Gradient, 1, 40, 30));
    let media = Media::new(Length::px(200), Length::px(300));
    Job::new("Test", Dpi::new(100).unwrap(), media, vec![Order::new("1001", items)])
}

fn unknown_order() -> Error {
    let shop = Shop::new();
    let job = some_job(&shop, vec![Item::new("fox.png")]);
    let error = job.select(&["1001", "1010"]).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::UnknownOrder { id, similar } if id == "1010" && similar == &["1001"]), "{error:?}");
    says(&error, &["\"1010\"", "did you mean \"1001\"?"]);
    error
}

/// Everything that is wrong is in one list, in the job's order, and nothing was written.
fn preflight() -> Error {
    let shop = Shop::new();
    shop.artwork("nothing.png", &common::Picture::new(9, 9, |_, _| Rgba8::new(255, 255, 255, 0)));
    shop.write("note.png", b"Dear printer, please find the fox attached.");
    let fox = png_bytes(&draw(Style::Disc, 1, 40, 30), PngKind::Rgba8, false);
    shop.write("cut.png", &fox[..fox.len() - 20]);
    let sized = |artwork: &str, size| Item { size: Some(size), ..Item::new(artwork) };
    let mut job = some_job(
        &shop,
        vec![
            Item::new("fox.png"),
            Item::new("gone.png"),
            Item::new("note.png"),
            Item::new("cut.png"),
            Item::new("nothing.png"),
            sized("fox.png", Sizing::Width(Length::px(400))),
            sized("fox.png", Sizing::Metadata),
            sized("fox.png", Sizing::Height("99999999in".parse().unwrap())),
        ],
    );
    job.orders.push(Order::new("1001", vec![Item::new("gone.png")]));
    let error = Run::of_job(&job, shop.base()).render(&shop.path("deep/out"), |_| {}).unwrap_err();
    let ErrorKind::Preflight { problems } = error.kind() else { panic!("{error:?}") };
    let found: Vec<_> = problems.iter().map(|problem| (problem.item, problem.artwork.as_str(), problem.kind)).collect();
    let expected = [
        (Some(1), "gone.png", ProblemKind::Missing),
        (Some(2), "note.png", ProblemKind::Unreadable),
        (Some(3), "cut.png", ProblemKind::Unreadable),
        (Some(4), "nothing.png", ProblemKind::FullyTransparent),
        (Some(5), "fox.png", ProblemKind::TooLargeForMedia),
        (Some(6), "fox.png", ProblemKind::NoResolution),
        (Some(7), "fox.png", ProblemKind::Limit),
        (None, "", ProblemKind::Job),
        (Some(0), "gone.png", ProblemKind::Missing),
    ];
    assert_eq!(found, expected);
    says(&error, &["for 9 reasons", "\n  order 1001, item 2, note.png: "]);
    assert!(!shop.path("deep").exists(), "something was written");
    // A folder that is there stays as it is.
    shop.write("out/mine.txt", b"mine");
    let again = RunOptions { existing: Existing::Overwrite, ..RunOptions::default() };
    assert!(Run::of_job(&job, shop.base()).options(again).render(&shop.path("out"), |_| {}).is_err());
    assert_eq!(files_in(&shop.path("out")).len(), 1);
    error
}

/// The one problem of a job with this item.
fn problem(shop: &Shop, item: Item) -> Problem {
    let job = some_job(shop, vec![Item::new("fox.png"), item]);
    the_problem(shop, &job)
}

/// What a job at 300 DPI is refused for, whose only check that is an error is this one. The artwork has what its name says and nothing else.
fn checked(check: &str, artwork: &str, size: Option<Sizing>) -> Problem {
    let shop = Shop::new();
    let ink = Rgba8::new(200, 30, 30, 255);
    let draw = |name: &str, pixel: &dyn Fn(u32, u32) -> Rgba8| {
        shop.artwork(name, &Picture::new(150, 150, pixel));
    };
    let inked = |is_inked: bool| if is_inked { ink } else { Rgba8::TRANSPARENT };
    draw("veil.png", &|_, _| Rgba8 { a: 128, ..ink });
    draw("page.png", &|x, y| if x.abs_diff(75) + y.abs_diff(75) < 40 { ink } else { Rgba8::new(255, 255, 255, 255) });
    draw("line.png", &|x, y| inked((20..130).contains(&x) && (70..73).contains(&y)));
    draw("gap.png", &|x, y| inked((20..130).contains(&y) && (20..130).contains(&x) && !(73..77).contains(&x)));
    draw("speck.png", &|x, y| inked((20..25).contains(&x) && (20..25).contains(&y)));
    draw("cut.png", &|x, y| inked(x + y.abs_diff(75) < 50));
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data");
    let inks = fs::read(data.join("jpeg/cmyk_adobe.jpg")).unwrap();
    shop.write("inks.jpg", &inks);
    shop.write("press.jpg", &jpeg_with_profile(&inks, &press_profile()));
    let profile = [b"name\0\0".as_slice(), b"no profile"].concat();
    shop.write("profile.png", &png_bytes_with(&Picture::new(30, 30, |_, _| ink), PngKind::Rgba8, false, &[(*b"iCCP", &profile)]));
    let mut job = some_job(&shop, vec![Item { size, ..Item::new(artwork) }]);
    (job.dpi, job.checks) = (Dpi::new(300).unwrap(), serde_json::from_value(serde_json::json!({ check: "error" })).unwrap());
    the_problem(&shop, &job)
}

fn the_problem(shop: &Shop, job: &Job) -> Problem {
    let error = Run::of_job(job, shop.base()).render(&shop.path("out"), |_| {}).unwrap_err();
    assert!(!shop.path("out").exists());
    match error.into_kind() {
        ErrorKind::Preflight { mut problems } if problems.len() == 1 => problems.remove(0),
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn advises(problem: &Problem, words: &[&str]) {
    words.iter().for_each(|word| assert!(problem.message.contains(word), "{word:?} is missing in: {}", problem.message));
}

fn twice_the_same_order() -> Problem {
    let shop = Shop::new();
    let mut job = some_job(&shop, vec![Item::new("fox.png")]);
    job.orders = vec![Order::new("7", vec![Item::new("fox.png")]), job.orders[0].clone(), job.orders[0].clone()];
    let problem = the_problem(&shop, &job);
    assert_eq!((problem.item, problem.artwork.as_str()), (None, ""));
    advises(&problem, &["orders[2]", "orders[1]", "give each order its own id"]);
    problem
}

fn missing() -> Problem {
    let shop = Shop::new();
    let problem = problem(&shop, Item::new("art/gone.png"));
    assert_eq!((problem.item, problem.artwork.as_str()), (Some(1), "art/gone.png"));
    advises(&problem, &[shop.path("art/gone.png").to_str().unwrap(), "upload it"]);
    problem
}

/// What is there but no image.
fn unreadable() -> Problem {
    let shop = Shop::new();
    fs::create_dir(shop.path("folder.png")).unwrap();
    shop.write("empty.png", b"");
    shop.write("photo.png", b"GIF89a......");
    let fox = png_bytes(&draw(Style::Disc, 1, 40, 30), PngKind::Rgba8, false);
    // Alpha is read before anything is packed, so damaged pixels are found there.
    let mut damaged = fox.clone();
    let middle = damaged.len() - 30;
    damaged[middle] ^= 1;
    shop.write("damaged.png", &damaged);
    let mut no_size = fox.clone();
    no_size[16..20].fill(0);
    shop.write("no size.png", &no_size);
    for (name, words) in [
        ("folder.png", &["folder.png", "folder or a device"][..]),
        ("empty.png", &["an empty file", "export it again"]),
        ("photo.png", &["GIF is not supported", "convert it to PNG"]),
        ("damaged.png", &["damaged", "upload it again"]),
        ("no size.png", &["IHDR", "upload it again"]),
    ] {
        let problem = problem(&shop, Item::new(name));
        assert_eq!((problem.kind, problem.artwork.as_str()), (ProblemKind::Unreadable, name), "{problem}");
        advises(&problem, words);
    }
    shop.write("cut.png", &fox[..fox.len() / 2]);
    let problem = problem(&shop, Item::new("cut.png"));
    advises(&problem, &["ends too early", "upload it again"]);
    problem
}

fn too_large_for_canvas() -> Problem {
    let shop = Shop::new();
    let on_canvas = |side| Item {
        size: Some(Sizing::Width(Length::px(100))),
        canvas: Some((Length::px(side), Length::px(100))),
        ..Item::new("fox.png")
    };
    Run::of_job(&some_job(&shop, vec![on_canvas(100)]), shop.base()).render(&shop.path("fitting"), |_| {}).unwrap();
    let problem = problem(&shop, on_canvas(99));
    advises(&problem, &["1.00 × 0.75 in", "its canvas of 0.99 × 1.00 in", "give it a larger canvas"]);
    problem
}

fn too_large_for_media() -> Problem {
    let shop = Shop::new();
    let wide = |turn| Item { size: Some(Sizing::Exact(Length::px(250), Length::px(100))), turn, ..Item::new("fox.png") };
    for (turn, advice) in [(TurnPolicy::None, "allow it to be turned"), (TurnPolicy::Fixed(Turn::Cw180), "turn it otherwise")] {
        let problem = problem(&shop, wide(turn));
        assert_eq!(problem.kind, ProblemKind::TooLargeForMedia);
        advises(&problem, &["250 × 100 px", "200 × 300 px", advice]);
    }
    Run::of_job(&some_job(&shop, vec![wide(TurnPolicy::Auto)]), shop.base()).render(&shop.path("turned"), |_| {}).unwrap();
    let problem = problem(&shop, Item { size: Some(Sizing::Longest(Length::px(301))), ..Item::new("fox.png") });
    advises(&problem, &["301 × 226 px (3.01 × 2.26 in)", "2.00 × 3.00 in", "in either turn", "print it smaller"]);
    problem
}

fn fully_transparent() -> Problem {
    let shop = Shop::new();
    shop.artwork("nothing.png", &common::Picture::new(5, 5, |_, _| Rgba8::new(1, 2, 3, 0)));
    let problem = problem(&shop, Item { treatment: common::trimmed(), ..Item::new("nothing.png") });
    advises(&problem, &["no visible pixel", "export it again"]);
    problem
}

fn no_resolution() -> Problem {
    let shop = Shop::new();
    let problem = problem(&shop, Item { size: Some(Sizing::Metadata), ..Item::new("fox.png") });
    advises(&problem, &["has none", "give a width, height or dpi"]);
    problem
}

fn limit() -> Problem {
    let shop = Shop::new();
    let problem = problem(&shop, Item { size: Some(Sizing::Width("30000000in".parse().unwrap())), ..Item::new("fox.png") });
    advises(&problem, &["30000000in", "use a smaller length"]);
    problem
}

/// How long an artwork takes is known only when it is decoded. Everything is taken back.
fn artwork_limit() -> Error {
    let shop = Shop::new();
    shop.write("art/slow.png", &png_bytes(&draw(Style::Gradient, 5, 90, 60), PngKind::Rgb8, false));
    let layout = layout([((100, 80), vec![placement("art/slow.png", 1, rect(0, 0, 90, 60))])]);
    let limits = ArtworkLimits { decode_time: Duration::ZERO, decode_time_per_megapixel: Duration::ZERO, ..ArtworkLimits::default() };
    let preflight = PreflightOptions { limits, ..PreflightOptions::default() };
    let options = RunOptions { preflight, ..RunOptions::default() };
    let error = Run::of_layout(&layout, shop.base()).options(options).render(&shop.path("out"), |_| {}).unwrap_err();
    says(&error, &["art/slow.png", "the limit for its size", "raise --max-decode-seconds"]);
    assert!(!shop.path("out").exists());
    error
}

/// A PNG without transparency is not read before rendering. Its damage is found then, and everything is taken back.
fn artwork() -> Error {
    let shop = Shop::new();
    let mut damaged = png_bytes(&draw(Style::Gradient, 5, 90, 60), PngKind::Rgb8, false);
    let middle = damaged.len() - 2000;
    damaged[middle] ^= 1;
    shop.write("art/damaged.png", &damaged);
    shop.artwork("art/fox.png", &draw(Style::Disc, 1, 40, 30));
    // The damage is on the second part: by then the first one is finished.
    let layout = layout([
        ((100, 50), vec![placement("art/fox.png", 1, rect(0, 0, 40, 30))]),
        ((100, 80), vec![placement("art/damaged.png", 1, rect(0, 0, 90, 60))]),
    ]);
    let out = shop.path("out");
    let mut finished = 0;
    let watch = |step: Progress| finished += usize::from(matches!(step, Progress::PartFinished { .. }));
    let error = Run::of_layout(&layout, shop.base()).render(&out, watch).unwrap_err();
    assert_eq!(finished, 1);
    let ErrorKind::Artwork { path, source, .. } = error.kind() else { panic!("{error:?}") };
    assert_eq!(*path, fs::canonicalize(shop.path("art/damaged.png")).unwrap());
    assert!(source.is_some() && error.source().is_some());
    says(&error, &["art/damaged.png", "pixels are damaged", "upload it again"]);
    assert!(!out.exists(), "{:?}", files_in(&out).keys());

    // What was there before stays, and nothing else.
    shop.write("out/mine.txt", b"mine");
    Run::of_layout(&layout, shop.base()).render(&out, |_| {}).unwrap_err();
    assert_eq!(files_in(&out).into_keys().collect::<Vec<_>>(), ["mine.txt"]);
    // The same file in a job that may leave it out.
    error
}

#[test]
fn bad_artwork_may_be_left_out() {
    let shop = Shop::new();
    let mut damaged = png_bytes(&draw(Style::Gradient, 5, 90, 60), PngKind::Rgb8, false);
    let middle = damaged.len() - 2000;
    damaged[middle] ^= 1;
    shop.write("damaged.png", &damaged);
    let two = |artwork: &str| Item { copies: 2.try_into().unwrap(), ..Item::new(artwork) };
    let mut job = some_job(&shop, vec![two("damaged.png"), two("fox.png"), two("gone.png")]);
    let skip = PreflightOptions { skip_bad_artwork: true, ..PreflightOptions::default() };
    let options = RunOptions { preflight: skip, ..RunOptions::default() };
    let out = shop.path("out");
    let report = Run::of_job(&job, shop.base()).options(options.clone()).render(&out, |_| {}).unwrap();
    assert_eq!((report.ordered_copies, report.placed_copies), (6, 2));
    let left_out: Vec<_> = report.left_out.iter().map(|item| (&*item.order, item.item, &*item.artwork, item.copies)).collect();
    assert_eq!(left_out, [("1001", 0, "damaged.png", 2), ("1001", 2, "gone.png", 2)]);
    assert!(report.left_out[0].reason.contains("upload it again") && report.left_out[1].reason.contains("gone.png"));
    assert_eq!(Layout::read(&out.join("layout.json")).unwrap().copies(), 2);
    verify(&out, &VerifyOptions::default(), &MemoryBudget::new(PLENTY)).unwrap();

    // What is wrong with the job itself is no reason to leave something out, and nothing at all is no print.
    job.orders[0].items[1].size = Some(Sizing::Width(Length::px(5000)));
    let refused = |job: &Job| match Run::of_job(job, shop.base())
        .options(options.clone())
        .render(&shop.path("no"), |_| {})
        .unwrap_err()
        .into_kind()
    {
        ErrorKind::Preflight { problems } => problems.iter().map(|problem| problem.kind).collect::<Vec<_>>(),
        other => panic!("{other:?}"),
    };
    assert_eq!(refused(&job), [ProblemKind::TooLargeForMedia]);
    job.orders[0].items.remove(1);
    assert_eq!(refused(&job), [ProblemKind::Unreadable, ProblemKind::Missing]);
}

/// Nobody reads files through a shop's upload form.
#[test]
fn artwork_outside_of_its_root_is_missing_whatever_is_there() {
    let shop = Shop::new();
    shop.artwork("inside/fox.png", &draw(Style::Disc, 1, 40, 30));
    shop.write("outside/secret.png", b"a secret");
    let options = PreflightOptions { artwork_root: Some(shop.path("inside")), ..PreflightOptions::default() };
    let check = |artwork: &str| {
        let job = some_job(&shop, vec![Item::new(artwork)]);
        Preflight::new(&job, &shop.path("inside"), &options, &MemoryBudget::new(PLENTY)).map_err(Error::into_kind)
    };
    check("fox.png").unwrap();
    check(shop.path("inside/fox.png").to_str().unwrap()).unwrap();
    let mut outside = vec!["../outside/secret.png".to_owned(), "../outside/nothing.png".to_owned(), "gone.png".to_owned()];
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(shop.path("outside/secret.png"), shop.path("inside/link.png")).unwrap();
        outside.push("link.png".to_owned());
    }
    let messages = outside.iter().map(|artwork| match check(artwork) {
        Err(ErrorKind::Preflight { problems }) if problems[0].kind == ProblemKind::Missing => problems[0].message.clone(),
        other => panic!("{artwork}: {other:?}"),
    });
    let messages: Vec<String> = messages.collect();
    assert!(messages.iter().all(|message| *message == messages[0]), "the messages tell what exists: {messages:?}");
}

/// A layout that does not hold what the job orders.
fn wrong_layout() -> Error {
    let shop = Shop::new();
    let copies = Item { copies: 2.try_into().unwrap(), turn: TurnPolicy::None, ..Item::new("fox.png") };
    let job = some_job(&shop, vec![copies]);
    shop.artwork("other.png", &draw(Style::Disc, 1, 40, 30));
    let placed = |copy, y| Placement { order: "1001".into(), ..placement("fox.png", copy, rect(0, y, 40, 30)) };
    let render_at = |dpi, placements: Vec<Placement>| {
        let layout = Layout { dpi, ..layout([((50, 40), vec![placed(1, 5)]), ((50, 100), placements)]) };
        Run::of_laid_out_job(&job, shop.base(), &layout, shop.base()).render(&shop.path("out"), |_| {})
    };
    let render = |placements| render_at(job.dpi, placements);
    render(vec![placed(2, 0)]).unwrap();
    fs::remove_dir_all(shop.path("out")).unwrap();
    let turned = Placement { rect: rect(0, 0, 30, 40), turn: Turn::Cw90, ..placed(2, 0) };
    for (placements, part, words) in [
        (vec![placed(2, 0), placed(2, 40)], Some(2), &["copy 2", "placed twice"][..]),
        (vec![placed(3, 0)], Some(2), &["copy 3", "copies 1 to 2"]),
        (vec![Placement { order: "1002".into(), ..placed(2, 0) }], Some(2), &["order 1002, item 0", "no such item"]),
        (vec![Placement { artwork: "other.png".into(), ..placed(2, 0) }], Some(2), &["other.png", "the job orders the artwork fox.png"]),
        (vec![Placement { rect: rect(0, 0, 40, 31), ..placed(2, 0) }], Some(2), &["40 × 31 px", "the job orders 40 × 30 px"]),
        (vec![Placement { treatment: common::mirrored(), ..placed(2, 0) }], Some(2), &["mirror"]),
        (vec![turned], Some(2), &["does not allow a turn of 90°"]),
        (vec![], None, &["order 1001, item 0: 1 of 2 copies are placed; copy 2 is missing"]),
    ] {
        let error = render(placements).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Layout { part: found, .. } if *found == part), "{error:?}");
        says(&error, words);
        assert!(!shop.path("out").exists());
    }
    let other_dpi = render_at(Dpi::new(300).unwrap(), vec![placed(2, 0)]).unwrap_err();
    assert!(matches!(other_dpi.kind(), ErrorKind::Layout { part: None, .. }));
    says(&other_dpi, &["300 DPI", "printed at 100"]);
    // Artwork that was never checked.
    let other = layout([((50, 40), vec![placed(1, 5)])]);
    let unchecked = RenderPlan::new(other, Vec::new(), &ColorSpace::default(), 1, &MemoryBudget::new(PLENTY)).unwrap_err();
    assert!(matches!(unchecked.kind(), ErrorKind::Layout { part: Some(1), .. }));
    let error = Part::new(PxSize::new(50, 50).unwrap(), vec![placed(1, 0), placed(7, 21)]).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Layout { part: None, .. }));
    says(&error, &["order 1001, item 0, copy 7 (fox.png)", "y 51", "outside its part of 50 × 50 px"]);
    error
}

fn does_not_fit() -> Error {
    let film = MediaPx { width: 100, max_length: 80, left: 5, right: 5, top: 0, bottom: 10, gutter_x: 3, gutter_y: 3 };
    let blank = |width, height, turnable| Blank { size: PxSize::new(width, height).unwrap(), copies: 1, turnable };
    let upright = pack_rectangles(&[blank(70, 90, false)], &film, &Packing::default()).unwrap_err();
    assert!(matches!(upright.kind(), ErrorKind::DoesNotFit { blank: 0, turnable: false, .. }));
    assert!(pack_rectangles(&[blank(70, 90, true)], &film, &Packing::default()).is_ok());
    let error = pack_rectangles(&[blank(9, 9, true), blank(91, 71, true)], &film, &Packing::default()).unwrap_err();
    let ErrorKind::DoesNotFit { blank: 1, size, turnable: true, width_px: 90, length_px: 70 } = error.kind() else { panic!("{error:?}") };
    assert_eq!(size.to_string(), "91 × 71 px");
    says(&error, &["rectangle 1", "91 × 71 px", "90 × 70 px", "not even turned", "use a smaller size or wider film"]);
    error
}

/// A shop with a layout of one part, which is rendered into `out`.
fn finished() -> (Shop, Layout) {
    let shop = Shop::new();
    shop.artwork("fox.png", &draw(Style::Disc, 1, 40, 30));
    let layout = layout([((50, 40), vec![placement("fox.png", 1, rect(5, 5, 40, 30))])]);
    Run::of_layout(&layout, shop.base()).render(&shop.path("out"), |_| {}).unwrap();
    (shop, layout)
}

fn output_exists() -> Error {
    let (shop, layout) = finished();
    let out = shop.path("out");
    let render = || Run::of_layout(&layout, shop.base()).render(&out, |_| {}).unwrap_err();
    let error = render();
    // Any of the outputs will do, be it finished or not.
    for name in ["Test part 1.png", "Test part 1.png.partial", "report.json", "layout.json"] {
        fs::remove_dir_all(&out).unwrap();
        let there = shop.write(&format!("out/{name}"), b"mine");
        let error = render();
        assert!(matches!(error.kind(), ErrorKind::OutputExists { path } if *path == there), "{error:?}");
        says(&error, &[name, "--resume", "--overwrite"]);
        assert_eq!(files_in(&out).into_iter().collect::<Vec<_>>(), [(name.to_owned(), b"mine".to_vec())]);
    }
    error
}

fn folder_in_use() -> Error {
    let (shop, layout) = finished();
    let out = shop.path("out");
    let before = files_in(&out);
    let other_run = fs::File::open(&out).unwrap();
    other_run.lock().unwrap();
    let render = |existing| {
        let options = RunOptions { existing, ..RunOptions::default() };
        Run::of_layout(&layout, shop.base()).options(options).render(&out, |_| {})
    };
    for existing in [Existing::Resume, Existing::Overwrite] {
        assert!(matches!(render(existing).unwrap_err().kind(), ErrorKind::FolderInUse { path } if *path == out));
    }
    let error = render(Existing::Refuse).unwrap_err();
    says(&error, &["another run", out.to_str().unwrap(), "choose another folder"]);
    assert_eq!(files_in(&out), before);
    drop(other_run);
    render(Existing::Resume).unwrap();
    error
}

fn not_resumable() -> Error {
    let (shop, layout) = finished();
    let out = shop.path("out");
    let part = out.join("Test part 1.png");
    let resume = |layout: &Layout| {
        let options = RunOptions { existing: Existing::Resume, ..RunOptions::default() };
        Run::of_layout(layout, shop.base()).options(options).render(&out, |_| {})
    };
    resume(&layout).unwrap();
    // Other artwork of the same name, another resolution, another size, no PNG: finished or not.
    let moved = common::layout([((50, 40), vec![placement("fox.png", 1, rect(6, 5, 40, 30))])]);
    let finer = Layout { dpi: Dpi::new(600).unwrap(), ..layout.clone() };
    let longer = common::layout([((50, 41), layout.parts[0].placements().to_vec())]);
    let mut last = None;
    for unfinished in [false, true] {
        let there = if unfinished { PngPart::partial_path(&part) } else { part.clone() };
        if unfinished {
            fs::rename(&part, &there).unwrap();
        }
        let before = files_in(&out);
        for (layout, words) in [(&moved, "another plan"), (&finer, "pixels per metre"), (&longer, "50 × 40 pixels, the plan 50 × 41")] {
            let error = resume(layout).unwrap_err();
            assert!(matches!(error.kind(), ErrorKind::NotResumable { path, .. } if *path == there), "{error:?}");
            says(&error, &[there.to_str().unwrap(), words, "--overwrite"]);
            assert_eq!(files_in(&out), before, "something was changed");
            last = Some(error);
        }
        let whole = fs::read(&there).unwrap();
        fs::write(&there, "my notes").unwrap();
        assert!(matches!(resume(&layout).unwrap_err().kind(), ErrorKind::NotResumable { message, .. } if message.contains("no PNG")));
        fs::write(&there, whole).unwrap();
    }
    shop.artwork("fox.png", &draw(Style::Disc, 2, 40, 30));
    assert!(matches!(resume(&layout).unwrap_err().kind(), ErrorKind::NotResumable { message, .. } if message.contains("the artwork")));
    last.unwrap()
}

fn memory_limit() -> Error {
    let shop = Shop::new();
    shop.artwork("big.png", &draw(Style::Gradient, 1, 1500, 20));
    let layout = layout([((2000, 1000), vec![placement("big.png", 1, rect(0, 0, 900, 900))])]);
    let render = |limit| {
        let options = RunOptions { max_memory_bytes: Some(limit), ..RunOptions::default() };
        Run::of_layout(&layout, shop.base()).options(options).render(&shop.path("out"), |_| {})
    };
    let limit = PROCESS_BYTES + (2 << 20);
    let error = render(limit).unwrap_err();
    let ErrorKind::MemoryLimit { what, needed_bytes, limit_bytes } = error.kind() else { panic!("{error:?}") };
    assert!(what.contains("big.png") && *limit_bytes == limit && *needed_bytes > limit);
    let needed = format!("--max-memory {}MiB", needed_bytes.div_ceil(1 << 20));
    says(&error, &["the memory limit of 18MiB", "big.png", &needed]);
    assert!(!shop.path("out").exists());
    // However early a limit fails, it is told what the whole run needs.
    for less in [0, PROCESS_BYTES - 1, PROCESS_BYTES, PROCESS_BYTES + 4000] {
        let early = render(less).unwrap_err();
        assert!(
            matches!(early.kind(), ErrorKind::MemoryLimit { what, needed_bytes: needed, limit_bytes } if what.contains("big.png") && needed == needed_bytes && *limit_bytes == less),
            "{early}"
        );
    }
    // What the message displays will do.
    render(needed_bytes.div_ceil(1 << 20) << 20).unwrap();
    error
}

/// In detail in `verify.rs`.
/// A layout of one turned copy of `side` × `side` px, none of which stays in memory under a limit of `limit_bytes`.
fn spilling(shop: &Shop, side: u32, limit_bytes: u64, temp_dir: &Path) -> Error {
    shop.artwork("dot.png", &draw(Style::Gradient, 1, 2, 2));
    let placement = Placement { turn: Turn::Cw90, ..placement("dot.png", 1, rect(0, 0, side, side)) };
    let layout = layout([((side, side), vec![placement])]);
    let options = RunOptions { max_memory_bytes: Some(limit_bytes), temp_dir: Some(temp_dir.to_owned()), ..RunOptions::default() };
    let error = Run::of_layout(&layout, shop.base()).options(options).render(&shop.path("out"), |_| {}).unwrap_err();
    assert!(!shop.path("out").exists());
    error
}

fn disk_space() -> Error {
    let shop = Shop::new();
    // 16 TB of pixels.
    let error = spilling(&shop, 2_000_000, 8 << 30, shop.base());
    let ErrorKind::DiskSpace { folder, needed_bytes, available_bytes, .. } = error.kind() else { panic!("{error:?}") };
    assert!(folder == shop.base() && *needed_bytes >= 16_000_000_000_000 && available_bytes < needed_bytes);
    says(&error, &["the disk of", shop.base().to_str().unwrap(), "free some space"]);
    error
}

/// In `crash.rs`, where the system lets a test have a disk of its own.
fn disk_full() -> Error {
    let (path, folder) = (Path::new("out/a.png.partial").to_owned(), Path::new("out").to_owned());
    let source = io::ErrorKind::StorageFull.into();
    let kind = ErrorKind::DiskFull { action: "write", path, folder, needed_bytes: 7 << 20, available_bytes: 1 << 20, source };
    let error = Error::from(kind);
    says(&error, &["could not write out/a.png.partial", "the disk of out has 1MiB left", "needs about 7MiB", "--resume"]);
    assert_eq!(error.source().unwrap().downcast_ref::<io::Error>().map(io::Error::kind), Some(io::ErrorKind::StorageFull));
    error
}

fn files_in_memory() -> Error {
    // Most Linux systems have this RAM disk; the message is the same without.
    let ram_disk = Path::new("/dev/shm");
    let mounts = fs::read_to_string("/proc/mounts").unwrap_or_default();
    let error = if mounts.contains(" /dev/shm tmpfs ") {
        spilling(&Shop::new(), 4000, PROCESS_BYTES + (24 << 20), ram_disk)
    } else {
        ErrorKind::FilesInMemory { folder: ram_disk.to_owned(), what: "temporary files", needed_bytes: 1 }.into()
    };
    assert!(matches!(error.kind(), ErrorKind::FilesInMemory { folder, .. } if folder == ram_disk), "{error:?}");
    says(&error, &["/dev/shm is a RAM disk", "temporary files of", "--max-memory"]);
    error
}

fn not_proven() -> Error {
    let (shop, _) = finished();
    let part = shop.path("out/Test part 1.png");
    let mut bytes = fs::read(&part).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&part, bytes).unwrap();
    let error = verify(&shop.path("out"), &VerifyOptions::default(), &MemoryBudget::new(PLENTY)).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::NotProven { path, message } if *path == part && message.contains("cannot be read")));
    says(&error, &["Test part 1.png is not as printed"]);
    error
}

fn input_and_output() -> Error {
    let (shop, layout) = finished();
    for path in ["no.json", "out"] {
        let error = Job::read(&shop.path(path)).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Io { action: "read", path: found, .. } if *found == shop.path(path)), "{error:?}");
    }
    // No file system holds such a name.
    let error = Run::of_layout(&layout, shop.base()).render(&shop.path(&"out".repeat(100)), |_| {}).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Io { action: "look at", .. }), "{error:?}");
    assert!(error.source().unwrap().downcast_ref::<io::Error>().is_some(), "a full disk must stay recognisable");
    error
}

fn no_folder() -> Error {
    let (shop, layout) = finished();
    let on_a_file = Run::of_layout(&layout, shop.base()).render(&shop.path("fox.png"), |_| {}).unwrap_err();
    says(&on_a_file, &["there is no folder", "fox.png", "the parts"]);
    let below_a_file = Run::of_layout(&layout, shop.base()).render(&shop.path("fox.png/out"), |_| {}).unwrap_err();
    says(&below_a_file, &["there is no folder", "fox.png/out", "the parts"]);
    let preflight = PreflightOptions { artwork_root: Some(shop.path("no/art")), ..PreflightOptions::default() };
    let options = RunOptions { preflight, ..RunOptions::default() };
    let no_root = Run::of_layout(&layout, shop.base()).options(options).render(&shop.path("other"), |_| {}).unwrap_err();
    says(&no_root, &["there is no folder", "no/art", "artwork"]);
    // For temporary files, where they are needed.
    let scene = common::scene(&shop);
    let smallest = common::smallest_limit_bytes(&Run::of_layout(&scene, shop.base()));
    let temp_dir = shop.path("no/temp");
    let options = RunOptions { max_memory_bytes: Some(smallest), temp_dir: Some(temp_dir.clone()), ..RunOptions::default() };
    let error = Run::of_layout(&scene, shop.base()).options(options).render(&shop.path("scene"), |_| {}).unwrap_err();
    says(&error, &["there is no folder", temp_dir.to_str().unwrap(), "temporary files"]);
    error
}

/// In detail in `invariance.rs`.
fn cancelled() -> Error {
    let (shop, layout) = finished();
    let cancel = Cancel::default();
    cancel.cancel();
    let options = RunOptions { cancel: cancel.clone(), ..RunOptions::default() };
    let error = Run::of_layout(&layout, shop.base()).options(options).render(&shop.path("other"), |_| {}).unwrap_err();
    says(&error, &["cancelled", "--resume"]);
    let proof =
        verify(&shop.path("out"), &VerifyOptions { cancel: cancel.clone(), ..VerifyOptions::default() }, &MemoryBudget::new(PLENTY))
            .unwrap_err();
    assert!(matches!(proof.kind(), ErrorKind::Cancelled));
    let job = some_job(&shop, vec![Item::new("fox.png")]);
    let budget = MemoryBudget::new(PLENTY);
    let checked = Preflight::new(&job, shop.base(), &PreflightOptions::default(), &budget).unwrap();
    let packed = pack(&checked, &Packing::default(), &budget, &cancel).unwrap_err();
    let explained = explain(&checked, &Packing::default(), &budget, &cancel).unwrap_err();
    assert!(matches!((packed.kind(), explained.kind()), (ErrorKind::Cancelled, ErrorKind::Cancelled)));
    error
}

/// What panics while bands are worked on does not leave anybody waiting. The only code there that is not this crate's is the report of
/// progress.
fn panicked() -> Error {
    let (shop, layout) = finished();
    let boom = |step| assert!(!matches!(step, Progress::RowsWritten { .. }), "a lamp burst");
    let mut last = None;
    for threads in [1, 3] {
        let options = RunOptions { threads: Some(threads), ..RunOptions::default() };
        let out = shop.path(&format!("out {threads}"));
        let error = Run::of_layout(&layout, shop.base()).options(options).render(&out, boom).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Panicked { message } if message.contains("a lamp burst")), "{error:?}");
        last = Some(error);
    }
    let error = last.unwrap();
    says(&error, &["a lamp burst", "report this as a bug"]);
    error
}
