//! Jobs from files of every form: job.json, CSV, and folders of artwork.

use std::path::Path;

use gangsheet::{Dpi, Error, ErrorKind, Gutter, Item, Job, Margin, Media, RunOptions, Sizing};

use crate::args::FilmArgs;
use crate::{Failure, counted, or_invalid, print};

/// What film is printed at, where nothing else is said.
const DEFAULT_DPI: u32 = 300;

/// Reads a job and selects orders of it: all, when none are named. A text that is no order's id as it stands lists several.
pub(crate) fn read_job<'a>(path: &Path, orders: &'a [String], film: &FilmArgs, options: &RunOptions) -> Result<Job, Failure> {
    let job = read_whole_job(path, film, options.reading_limit_bytes())?;
    let is_order = |id: &str| job.orders.iter().any(|order| &*order.id == id);
    let ids = |text: &'a str| if is_order(text) { vec![text] } else { text.split(',').map(str::trim).collect() };
    let orders: Vec<&str> = orders.iter().flat_map(|text| ids(text)).collect();
    if orders.is_empty() { Ok(job) } else { Ok(job.select(&orders)?) }
}

fn read_whole_job(path: &Path, film: &FilmArgs, limit_bytes: u64) -> Result<Job, Failure> {
    let is_table = path.extension().is_some_and(|end| end.eq_ignore_ascii_case("csv") || end.eq_ignore_ascii_case("tsv"));
    if path.is_dir() {
        return or_invalid(form(path, film, "a folder")?.with_folder(path));
    }
    if is_table {
        return or_invalid(form(path, film, "a CSV file")?.with_csv_file(path, limit_bytes));
    }
    if *film != FilmArgs::default() {
        let message = "a job file says its film itself: leave out --width, --max-length, --margin, --gutter, --dpi and --name";
        return Err(refused(path, message).into());
    }
    or_invalid(Job::read_within(path, limit_bytes))
}

/// The job without orders that the command line describes. `path` is `what`, which says nothing of film.
fn form(path: &Path, film: &FilmArgs, what: &str) -> Result<Job, Error> {
    let missing =
        |option| refused(path, format!("{what} does not say on what it is printed: add {option}, as --width 22in --max-length 240in"));
    let width = film.width.ok_or_else(|| missing("--width"))?;
    let max_length = film.max_length.ok_or_else(|| missing("--max-length"))?;
    let media = Media { margin: film.margin.map_or_else(Margin::default, Margin::all), ..Media::new(width, max_length) };
    let name = match &film.name {
        Some(name) => name.clone(),
        None => path.canonicalize().ok().and_then(|path| Some(path.file_stem()?.display().to_string())).unwrap_or_default(),
    };
    let gutter = film.gutter.map_or_else(Gutter::default, Gutter::all);
    let dpi = film.dpi.map_or_else(|| Dpi::new(DEFAULT_DPI), Ok)?;
    Ok(Job { gutter, ..Job::new(name, dpi, media, Vec::new()) })
}

fn refused(path: &Path, message: impl Into<String>) -> Error {
    ErrorKind::Document { file: Some(path.to_owned()), at: String::new(), message: message.into() }.into()
}

/// Prints what a job asks for, a line for each item.
pub(crate) fn show(job: &Job) {
    for order in &job.orders {
        print(&format!("order {}", order.id));
        for item in &order.items {
            let name = item.name.as_deref().map(|name| format!(" ({name})")).unwrap_or_default();
            print(&format!("  {} of {}{name}, {}", counted(item.copies.get().into(), "copy", "copies"), item.artwork, size_in_words(item)));
        }
    }
    let (orders, copies) = (counted(job.orders.len() as u64, "order", "orders"), counted(job.copies(), "copy", "copies"));
    let Media { width, max_length, .. } = job.media;
    print(&format!("{}: {orders}, {copies}, on film of {width} × {max_length} at {} DPI", job.name, job.dpi));
}

fn size_in_words(item: &Item) -> String {
    match item.size {
        None => "pixel for pixel".to_owned(),
        Some(Sizing::Width(width)) => format!("{width} wide"),
        Some(Sizing::Height(height)) => format!("{height} high"),
        Some(Sizing::Longest(side)) => format!("{side} on its longer side"),
        Some(Sizing::Fit(width, height)) => format!("as large as fits into {width} × {height}"),
        Some(Sizing::Exact(width, height)) => format!("exactly {width} × {height}"),
        Some(Sizing::Dpi(dpi)) => format!("at {dpi} of its pixels per inch"),
        Some(Sizing::Metadata) => "as large as the file says".to_owned(),
    }
}
