//! Facts of a finished run, for programs and for people; and the proof of its parts.

mod verify;

use std::path::Path;

use serde::{Deserialize, Serialize};

pub(crate) use self::verify::check_hash;
pub use self::verify::{Verified, VerifyOptions, verify};
use crate::error::{Error, Result};
use crate::job::{Document, Version, object, objects, read_document, write_document};
use crate::layout::{FilmCost, Layout, RulePrice};
use crate::preflight::{LeftOut, Trimmed, Warning};
use crate::render::RenderedPart;

/// What a run did: the content of `report.json`.
///
/// After [`Existing::Resume`](crate::Existing::Resume), copies, parts, left out items and warnings are those of all runs together; seconds,
/// memory, threads and temporary files are those of the last one.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a report: an object")]
#[non_exhaustive]
pub struct Report {
    version: Version,
    /// The job's name.
    pub job: String,
    /// Copies that the selected orders ask for.
    pub ordered_copies: u64,
    /// Copies that are on the finished parts.
    pub placed_copies: u64,
    /// What was ordered and is on no part, with the reason. Empty unless bad artwork was to be skipped.
    #[serde(deserialize_with = "objects")]
    pub left_out: Vec<LeftOut>,
    /// The memory limit of the run.
    pub max_memory_bytes: u64,
    /// The largest resident set of the process, mapped pages included.
    pub peak_rss_bytes: u64,
    /// The most bytes that were reserved from the limit at once.
    pub peak_reserved_bytes: u64,
    /// Bytes that were written to temporary files.
    pub spilled_bytes: u64,
    /// Threads that rendered: fewer than asked for where the memory limit holds no more.
    pub threads: usize,
    /// Wall-clock seconds by stage.
    #[serde(deserialize_with = "object")]
    pub seconds: Seconds,
    /// Placed area ÷ area of all parts, 0..=1 unless placements overlap.
    pub utilisation: f64,
    /// No layout of these copies on this media is shorter than this, in pixels over all parts.
    pub length_lower_bound_px: u64,
    /// By how much the parts together are longer than that, in per cent. At 0 no layout is shorter.
    #[serde(default)]
    pub above_lower_bound_percent: f64,
    /// Artworks whose colours were converted to those of the parts.
    #[serde(default)]
    pub converted_artworks: usize,
    /// Those of them, as far as the run decoded them, of which one visible pixel of a thousand or more was of a colour that the parts cannot
    /// show.
    #[serde(default)]
    pub out_of_gamut_artworks: usize,
    /// What the film costs, where the job gives its price.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<FilmCost>,
    /// What the rules of the job cost, where that was asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "objects")]
    pub rules: Vec<RulePrice>,
    /// The finished parts, in order.
    #[serde(deserialize_with = "objects")]
    pub parts: Vec<PartReport>,
    /// What was cut away of artwork.
    #[serde(default, deserialize_with = "objects", skip_serializing_if = "Vec::is_empty")]
    pub trimmed: Vec<Trimmed>,
    /// What preflight warned of.
    #[serde(deserialize_with = "objects")]
    pub warnings: Vec<Warning>,
}

/// Wall-clock seconds of a run.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object with seconds by stage")]
#[non_exhaustive]
pub struct Seconds {
    /// Checking the job and its artwork.
    pub preflight: f64,
    /// Packing.
    pub pack: f64,
    /// Rendering all parts.
    pub render: f64,
    /// The whole run.
    pub total: f64,
}

/// Facts of one finished part.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a part: an object")]
#[non_exhaustive]
pub struct PartReport {
    /// The part, counted from 1.
    pub part: u32,
    /// The file's name in the output folder.
    pub file: String,
    /// Width in pixels.
    pub width: u32,
    /// Length in pixels.
    pub length: u32,
    /// Resolution in dots per inch.
    pub dpi: u32,
    /// Size of the file.
    pub bytes: u64,
    /// SHA-256 of the file, in lower-case hexadecimal digits.
    pub sha256: String,
    /// Copies on the part.
    pub copies: u64,
    /// Whether an earlier run finished or began the part: its file and copies are the whole part's, its seconds, memory and temporary files
    /// those of the last run alone. Default: `false`.
    #[serde(default)]
    pub resumed: bool,
    /// Placed area ÷ part area.
    pub utilisation: f64,
    /// Wall-clock seconds that it took.
    pub seconds: f64,
    /// Bytes of the memory limit that were held when it began.
    pub memory_before_bytes: u64,
    /// Bytes of the memory limit that were held when it ended.
    pub memory_after_bytes: u64,
    /// Temporary files made for it.
    pub spill_files_created: u64,
    /// Temporary files removed by its end.
    pub spill_files_removed: u64,
}

/// Everything that a [`Report`] is made from, besides the layout and its rendered parts.
pub(crate) struct RunFacts {
    pub(crate) ordered_copies: u64,
    pub(crate) left_out: Vec<LeftOut>,
    pub(crate) warnings: Vec<Warning>,
    pub(crate) max_memory_bytes: u64,
    pub(crate) peak_rss_bytes: u64,
    pub(crate) peak_reserved_bytes: u64,
    pub(crate) spilled_bytes: u64,
    pub(crate) threads: usize,
    pub(crate) seconds: Seconds,
    pub(crate) length_lower_bound_px: u64,
    pub(crate) converted_artworks: usize,
    pub(crate) trimmed: Vec<Trimmed>,
    pub(crate) cost: Option<FilmCost>,
    pub(crate) rules: Vec<RulePrice>,
}

impl Report {
    pub(crate) fn new(layout: &Layout, names: &[String], rendered: &[RenderedPart], facts: RunFacts) -> Self {
        let parts = layout.parts.iter().zip(names).zip(rendered).zip(1..);
        let parts = parts.map(|(((part, name), rendered), number)| PartReport {
            part: number,
            file: name.clone(),
            width: part.size().width(),
            length: part.size().height(),
            dpi: layout.dpi.get(),
            bytes: rendered.file.bytes,
            sha256: hex(&rendered.file.sha256),
            copies: rendered.copies,
            resumed: rendered.resumed,
            utilisation: part.utilisation(),
            seconds: rendered.seconds,
            memory_before_bytes: rendered.memory_before_bytes,
            memory_after_bytes: rendered.memory_after_bytes,
            spill_files_created: rendered.spill_files_created,
            spill_files_removed: rendered.spill_files_removed,
        });
        Self {
            version: Version,
            job: layout.name.clone(),
            ordered_copies: facts.ordered_copies,
            placed_copies: rendered.iter().map(|part| part.copies).sum(),
            left_out: facts.left_out,
            max_memory_bytes: facts.max_memory_bytes,
            peak_rss_bytes: facts.peak_rss_bytes,
            peak_reserved_bytes: facts.peak_reserved_bytes,
            spilled_bytes: facts.spilled_bytes,
            threads: facts.threads,
            seconds: facts.seconds,
            utilisation: layout.utilisation(),
            length_lower_bound_px: facts.length_lower_bound_px,
            above_lower_bound_percent: layout.percent_above(facts.length_lower_bound_px),
            converted_artworks: facts.converted_artworks,
            out_of_gamut_artworks: rendered.last().map_or(0, |part| part.artworks_beyond_gamut),
            cost: facts.cost,
            rules: facts.rules,
            parts: parts.collect(),
            trimmed: facts.trimmed,
            warnings: facts.warnings,
        }
    }

    /// Reads a `report.json`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Io`](crate::ErrorKind::Io) and [`ErrorKind::Document`](crate::ErrorKind::Document).
    pub fn read(path: &Path) -> Result<Self> {
        Self::read_within(path, u64::MAX)
    }

    /// [Reads](Self::read) a report by a process that may take `memory_limit_bytes` in all.
    ///
    /// # Errors
    ///
    /// Those of [`read`](Self::read), and [`ErrorKind::MemoryLimit`](crate::ErrorKind::MemoryLimit) where the file is so large that
    /// reading it may take more.
    pub fn read_within(path: &Path, memory_limit_bytes: u64) -> Result<Self> {
        read_document(path, memory_limit_bytes)
    }

    /// Writes the report as a `report.json` at `path`, in whole or not at all.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Io`](crate::ErrorKind::Io).
    pub fn write(&self, path: &Path) -> Result<()> {
        let json = serde_json::to_vec_pretty(self).map_err(|error| Error::io("write", path, error.into()))?;
        write_document(path, &json)
    }
}

impl Document for Report {
    const MEMORY_PER_BYTE: u64 = 4;
}

/// `bytes` as lower-case hexadecimal digits.
fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
