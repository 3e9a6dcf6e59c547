//! The proof of finished parts: read back row by row and compared with what the artwork gives.

use std::fs::{self, File};
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use tracing::{info, warn};

use super::{PartReport, Report, hex};
use crate::artwork::{ArtworkLimits, ArtworkReader, ColorSpace, Probing, probe};
use crate::budget::{Buffer, MemoryBudget};
use crate::cancel::Cancel;
use crate::encode::{PartColor, PartHeader, PixelFormat, PngPart};
use crate::error::{Error, ErrorKind, Result};
use crate::layout::Layout;
use crate::pixel::Rgba8;
use crate::plan::{Band, RenderPlan};
use crate::preflight::{CheckedArtwork, PreflightOptions, WarningKind};
use crate::render::{ArtworkStore, Crew, Ground, check_spill, cores};

/// How [`verify`] goes about its work.
#[derive(Clone, Debug, Default)]
pub struct VerifyOptions {
    /// Threads that draw what is expected. Default: one per core.
    pub threads: Option<usize>,
    /// The folder for spilled pixels. Default: the folder of the parts.
    pub temp_dir: Option<PathBuf>,
    /// The folder that no artwork may lie outside of. Default: artwork may lie anywhere.
    pub artwork_root: Option<PathBuf>,
    /// The handle that stops the proof. Default: one that nobody holds.
    pub cancel: Cancel,
}

/// What [`verify`] proved.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Verified {
    /// Parts that were read back.
    pub parts: usize,
    /// Copies whose every pixel is what the artwork gives.
    pub copies: u64,
    /// Files of the folder that look like parts and are none, nor artwork of the layout: `.png` and `.partial` that another program made.
    pub strays: Vec<PathBuf>,
}

/// Proves the parts in `folder` against its `report.json`, its `layout.json` and the artwork.
///
/// Each part is read back in bands: its hash, size, resolution, all CRCs and the Adler-32 are checked, and every pixel is compared with what
/// decoding, resampling and compositing the artwork again gives; artwork printed pixel for pixel is thereby compared byte for byte. So every
/// copy is present, and nothing lies outside the placements. A part holds no other chunks than this program writes and nothing behind its
/// end, and no other part, finished or unfinished, lies in the folder.
///
/// # Memory
///
/// As [`MemoryPlan`](crate::MemoryPlan) says, and a decoder with a row of the part, from `budget`: no part is ever held whole.
///
/// # Errors
///
/// [`ErrorKind::NotProven`] names the file, and where pixels differ, the copy and the place. Otherwise those of reading the files and of
/// [`Layout::preflight`].
pub fn verify(folder: &Path, options: &VerifyOptions, budget: &MemoryBudget) -> Result<Verified> {
    let (cancel, temp_dir) = (&options.cancel, options.temp_dir.as_deref());
    if let Some(missing) = temp_dir.filter(|folder| !folder.is_dir()) {
        return Err(ErrorKind::NoFolder { what: "temporary files", path: missing.to_owned() }.into());
    }
    let temp_dir = temp_dir.unwrap_or(folder);
    let report = Report::read_within(&folder.join("report.json"), budget.limit_bytes())?;
    let layout = Layout::read_within(&folder.join("layout.json"), budget.limit_bytes())?;
    let _documents = budget.reserve(layout.memory_bytes(), "the layout")?;
    check_facts(&report, &layout).map_err(|message| not_proven(&folder.join("report.json"), message))?;
    // What was printed once is printed again, as far as it can be read if that was allowed.
    let allow_damaged = report.warnings.iter().any(|warning| warning.kind == WarningKind::Damaged);
    let artwork_root = options.artwork_root.clone();
    let preflight = PreflightOptions { artwork_root, limits: ArtworkLimits::NONE, allow_damaged, ..PreflightOptions::default() };
    let checked = layout.preflight(folder, &preflight, budget)?;
    let space = checked.color_space().clone();
    let artworks = checked.into_artworks();
    let strays = strays(folder, &report, &artworks)?;
    // What reading a part takes is not there for the plan.
    let reading_bytes = report.parts.iter().map(|part| PartRows::memory_bytes(folder, part, &space, budget)).max();
    let reading = budget.reserve(reading_bytes.unwrap_or(0), "the rows of a part")?;
    let plan = RenderPlan::without_repeats(layout, artworks, &space, options.threads.unwrap_or_else(cores).max(1), budget)?;
    drop(reading);
    check_spill(plan.memory(), temp_dir)?;
    let bands_in_flight = budget.reserve(plan.memory().fixed_bytes, "bands in flight")?.into_budget();
    let store = ArtworkStore::new(budget.clone(), temp_dir, cancel.clone()).in_order();
    for (index, part) in report.parts.iter().enumerate() {
        let path = part_path(folder, part)?;
        let mut rows = PartRows::open(&path, plan.parts()[index].header(), &space, budget)?;
        let crew = Crew { plan: &plan, store: &store, budget, cancel };
        let bands = 0..plan.parts()[index].bands().len();
        let expected = |(): &mut (), band: &Band| expected_rows(&plan, band, &store, &bands_in_flight);
        crew.run(
            index,
            bands,
            || (),
            expected,
            |band, expected| expected.iter().try_for_each(|expected| rows.compare(&plan, band, expected)),
        )?;
        rows.finish()?;
        // Last: where pixels differ, the copy says more than the hash.
        check_hash(&path, part, cancel)?;
        info!(part = part.part, file = %path.display(), copies = part.copies, "proven");
    }
    Ok(Verified { parts: report.parts.len(), copies: plan.layout().copies(), strays })
}

/// Files that look like parts although the report does not name them and they are no artwork.
///
/// # Errors
///
/// [`ErrorKind::NotProven`] where one of them is a part: a shop might print it.
fn strays(folder: &Path, report: &Report, artworks: &[CheckedArtwork]) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).and_then(|entries| entries.map(|entry| entry.map(|entry| entry.path())).collect());
    let mut strays: Vec<PathBuf> = entries.map_err(|source| Error::io("list the folder", folder, source))?;
    let looks_like_one = |path: &Path| {
        path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("png") || extension == "partial") && path.is_file()
    };
    let is_named = |path: &Path| report.parts.iter().any(|part| path.file_name() == Some(part.file.as_ref()));
    let is_artwork = |path: &Path| path.canonicalize().is_ok_and(|real| artworks.iter().any(|artwork| artwork.path == real));
    strays.retain(|path| looks_like_one(path) && !is_named(path) && !is_artwork(path));
    strays.sort_unstable();
    if let Some(part) = strays.iter().find(|path| PngPart::is_one(path)) {
        let message = "it is a part, finished or unfinished, that the report does not name: go on with --resume, or remove it".to_owned();
        return Err(not_proven(part, message));
    }
    for stray in &strays {
        warn!(file = %stray.display(), "it looks like a part, but this program did not make it");
    }
    Ok(strays)
}

/// Whether the report and the layout tell of the same parts; if not, in what they differ.
fn check_facts(report: &Report, layout: &Layout) -> Result<(), String> {
    if layout.parts.len() != report.parts.len() {
        return Err(format!("it lists {} parts where the layout has {}", report.parts.len(), layout.parts.len()));
    }
    if report.job != layout.name {
        return Err(format!("it is about the job {:?}, the layout about {:?}", report.job, layout.name));
    }
    for ((part, laid_out), number) in report.parts.iter().zip(&layout.parts).zip(1..) {
        let told = (part.part, part.width, part.length, part.dpi, part.copies);
        let (size, copies) = (laid_out.size(), laid_out.placements().len() as u64);
        let expected = (number, size.width(), size.height(), layout.dpi.get(), copies);
        if told != expected {
            let in_words = |(part, width, length, dpi, copies)| format!("part {part}: {width} × {length} px, {dpi} DPI, {copies} copies");
            return Err(format!("it tells of {} where the layout has {}", in_words(told), in_words(expected)));
        }
    }
    let left_out: u64 = report.left_out.iter().map(|left_out| u64::from(left_out.copies)).sum();
    if report.placed_copies != layout.copies() || report.placed_copies + left_out != report.ordered_copies {
        let Report { ordered_copies, placed_copies, .. } = report;
        return Err(format!(
            "of {ordered_copies} copies {placed_copies} are placed and {left_out} left out; the layout has {}",
            layout.copies()
        ));
    }
    Ok(())
}

/// The part's file, which must lie in the folder itself.
fn part_path(folder: &Path, part: &PartReport) -> Result<PathBuf> {
    let name = Path::new(&part.file);
    if name.file_name() == Some(name.as_os_str()) {
        return Ok(folder.join(name));
    }
    let message = format!("parts[{}].file is {:?}: expected the name of a file in the same folder", part.part.saturating_sub(1), part.file);
    Err(ErrorKind::NotProven { path: folder.join("report.json"), message }.into())
}

/// Whether the file at `path` is what the report says of it, byte for byte.
pub(crate) fn check_hash(path: &Path, part: &PartReport, cancel: &Cancel) -> Result<()> {
    let mut file = File::open(path).map_err(|source| Error::io("open", path, source))?;
    let mut hash = Sha256::new();
    let mut buffer = [0; 1 << 16];
    loop {
        cancel.check()?;
        match file.read(&mut buffer).map_err(|source| Error::io("read", path, source))? {
            0 => break,
            bytes => hash.update(&buffer[..bytes]),
        }
    }
    let found = hex(&hash.finalize());
    let bytes = file.metadata().map_err(|source| Error::io("read", path, source))?.len();
    if bytes != part.bytes {
        return Err(not_proven(path, format!("it has {bytes} bytes, the report says {}", part.bytes)));
    }
    if found == part.sha256 {
        return Ok(());
    }
    let message = format!("its SHA-256 is {found}, the report says {}: it was changed after it was finished", part.sha256);
    Err(ErrorKind::NotProven { path: path.to_owned(), message }.into())
}

/// A band's rows as the artwork gives them.
fn expected_rows(plan: &RenderPlan, band: &Band, store: &ArtworkStore, budget: &MemoryBudget) -> Result<Buffer<Rgba8>> {
    let (width, ground) = (plan.parts()[band.part()].size().width() as usize, Ground::of(plan, band));
    let mut expected = budget.buffer(band.rows().len() as usize * width, "a band of the part")?;
    let artwork = store.take(plan, band)?;
    let mut rows = expected.chunks_exact_mut(width);
    for strip in artwork.strips(band.rows(), ground) {
        for (y, row) in (strip.rows().start()..strip.rows().end()).zip(&mut rows) {
            ground.fill(row);
            strip.draw(y, row);
        }
    }
    store.put_back(artwork);
    Ok(expected)
}

/// The rows of a finished part, read from its file one after the other.
struct PartRows<'a> {
    path: &'a Path,
    reader: ArtworkReader,
    row: Buffer<Rgba8>,
    color: PartColor,
}

impl<'a> PartRows<'a> {
    /// Bytes that reading the part holds; of a file that cannot be read, which is told when it is opened, none.
    fn memory_bytes(folder: &Path, part: &PartReport, space: &ColorSpace, budget: &MemoryBudget) -> u64 {
        let probing = Probing { limits: &ArtworkLimits::NONE, space, budget };
        let header = part_path(folder, part).and_then(|path| probe(&path, &probing));
        header.map_or(0, |header| ArtworkReader::memory_bytes(&header) + u64::from(header.size.width()) * Rgba8::BYTES as u64)
    }

    /// Opens the file and checks what it says about itself. Rows come from the reader of artwork, which checks every checksum: the png
    /// crate's leaves out an Adler-32 that lies in a chunk of its own.
    fn open(path: &'a Path, header: &PartHeader, space: &ColorSpace, budget: &MemoryBudget) -> Result<Self> {
        let file = File::open(path).map_err(|source| Error::io("open", path, source))?;
        // This program's parts have no chunk before their pixels that needs as much.
        let mut decoder = png::Decoder::new_with_limits(BufReader::new(file), png::Limits { bytes: 1 << 16 });
        // It is compared byte by byte at the end.
        decoder.set_ignore_iccp_chunk(true);
        let info = decoder.read_info().map_err(|error| not_proven(path, format!("it is no whole PNG: {error}")))?;
        let (info, dpi) = (info.info(), header.dpi);
        let color_type = match header.format {
            PixelFormat::Rgba8 => png::ColorType::Rgba,
            PixelFormat::Rgb8 => png::ColorType::Rgb,
        };
        let (width, length) = (header.size.width(), header.size.height());
        if (info.width, info.height) != (width, length) {
            return Err(not_proven(path, format!("it is {} × {} px where the layout says {}", info.width, info.height, header.size)));
        }
        if (info.color_type, info.bit_depth, info.interlaced) != (color_type, png::BitDepth::Eight, false) {
            let (found, bits, channels) = (info.color_type.samples(), info.bit_depth as u8, color_type.samples());
            let rows = if info.interlaced { "interlaced rows" } else { "rows" };
            let message = format!("it has {rows} of {found} × {bits} bits a pixel where this program writes rows of {channels} × 8 bits");
            return Err(not_proven(path, message));
        }
        let density = info.pixel_dims.map(|dims| (dims.xppu, dims.yppu, dims.unit));
        if density != Some((dpi.per_metre(), dpi.per_metre(), png::Unit::Meter)) {
            let found = match density {
                Some((x, y, png::Unit::Meter)) if x == y => format!("{:.2} DPI", per_inch(x)),
                Some((x, y, png::Unit::Meter)) => format!("{:.2} DPI across and {:.2} down", per_inch(x), per_inch(y)),
                Some(_) => "a ratio without a unit".to_owned(),
                None => "missing".to_owned(),
            };
            return Err(not_proven(path, format!("its resolution is {found} where the layout says {dpi} DPI")));
        }
        let probed = probe(path, &Probing { limits: &ArtworkLimits::NONE, space, budget })
            .map_err(|error| not_proven(path, format!("it is no whole PNG: {}", reason(&error))))?;
        let reader = ArtworkReader::open(path, &probed, budget)?;
        Ok(Self { path, reader, row: budget.buffer(width as usize, "a row of the part")?, color: header.color.clone() })
    }

    /// Reads the band's rows and compares them with the `expected` pixels.
    fn compare(&mut self, plan: &RenderPlan, band: &Band, expected: &[Rgba8]) -> Result<()> {
        let width = plan.parts()[band.part()].size().width() as usize;
        for (y, expected) in (band.rows().start()..band.rows().end()).zip(expected.chunks_exact(width)) {
            let read = self.reader.read_row(&mut self.row);
            read.map_err(|error| not_proven(self.path, format!("row {y} cannot be read: {}", reason(&error))))?;
            let mut pixels = (0..).zip(self.row.iter().zip(expected));
            if let Some((x, (&found, &expected))) = pixels.find(|(_, (found, expected))| found != expected) {
                return Err(not_proven(self.path, describe(plan, band, x, y, found, expected)));
            }
        }
        Ok(())
    }

    /// Reads to the end of the file: the last checksums and the closing chunk.
    fn finish(self) -> Result<()> {
        let finished = self.reader.finish();
        finished.map_err(|error| not_proven(self.path, format!("its end cannot be read: {}", reason(&error))))?;
        check_chunks(self.path, &self.color)
    }
}

/// Whether a PNG that is whole holds what this program writes and nothing else: other chunks may change how it is shown or printed.
fn check_chunks(path: &Path, color: &PartColor) -> Result<()> {
    let expected_color = color.chunk();
    let mut found_color = Vec::new();
    let read_error = |source| Error::io("read", path, source);
    let mut file = BufReader::new(File::open(path).map_err(read_error)?);
    let bytes = file.get_ref().metadata().map_err(read_error)?.len();
    let mut at = 8;
    loop {
        let mut start = [0; 8];
        file.seek(SeekFrom::Start(at)).and_then(|_| file.read_exact(&mut start)).map_err(read_error)?;
        let [a, b, c, d, kind @ ..] = start;
        if !PartHeader::CHUNKS.contains(&kind) {
            let message = format!("it holds a chunk {} at byte {at}, which this program does not write", kind.escape_ascii());
            return Err(not_proven(path, message));
        }
        let length = u64::from(u32::from_be_bytes([a, b, c, d]));
        if matches!(&kind, b"sRGB" | b"iCCP") {
            found_color.extend_from_slice(&start);
            file.by_ref().take(length.min(expected_color.len() as u64) + 4).read_to_end(&mut found_color).map_err(read_error)?;
        }
        at += 12 + length;
        if kind == *b"IEND" {
            break;
        }
    }
    if found_color != expected_color {
        return Err(not_proven(path, "what it says about its colours is not what the layout asks for".to_owned()));
    }
    if bytes == at { Ok(()) } else { Err(not_proven(path, format!("it goes on behind its end, from byte {at} to {bytes}"))) }
}

/// Pixels per inch of so many per metre.
fn per_inch(per_metre: u32) -> f64 {
    f64::from(per_metre) * 0.0254
}

/// What is wrong with a file, without its path and without the advice that is meant for artwork.
fn reason(error: &Error) -> String {
    match error.kind() {
        ErrorKind::Artwork { message, .. } => message.split(": ").next().unwrap_or(message).to_owned(),
        _ => error.to_string(),
    }
}

fn not_proven(path: &Path, message: String) -> Error {
    ErrorKind::NotProven { path: path.to_owned(), message }.into()
}

/// Names the copy that a wrong pixel belongs to: the topmost one there.
fn describe(plan: &RenderPlan, band: &Band, x: u32, y: u32, found: Rgba8, expected: Rgba8) -> String {
    let covering = plan.placements_of(band).map(|(_, placement)| placement).filter(|placement| placement.rect.contains(x, y)).last();
    let part = band.part() + 1;
    let pixels = format!(
        "found {:?}, expected {:?} (red, green, blue, alpha)",
        bytemuck::cast::<_, [u8; 4]>(found),
        bytemuck::cast::<_, [u8; 4]>(expected)
    );
    match covering {
        Some(placement) => {
            let (column, row) = (x - placement.rect.x(), y - placement.rect.y());
            format!("part {part}: {placement} is wrong at its column {column}, row {row} (x {x}, y {y} on the part): {pixels}")
        }
        None => format!("part {part}: there is something outside of all copies at x {x}, y {y}: {pixels}"),
    }
}
