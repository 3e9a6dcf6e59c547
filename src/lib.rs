//! Print-ready gang sheets from orders, in bounded memory.
//!
//! A *gang sheet* is one long film on which a print shop prints many customers' designs side by side. `gangsheet` turns a job (orders →
//! items → artwork files, physical sizes, copies) into print-ready PNG parts: packed on short rolls, each part composited in strips from
//! only the artwork that overlaps them, resampled to the target resolution and compressed band by band, with all memory inside a limit that
//! the user sets, whatever the sheet's size.
//!
//! ```
//! use std::path::Path;
//! use gangsheet::{Job, Run, RunOptions};
//!
//! # let folder = tempfile::tempdir()?;
//! # let folder = folder.path();
//! // Sample artwork and a job for it.
//! let job_file = gangsheet::write_demo(folder)?;
//! let job = Job::read(&job_file)?;
//!
//! let options = RunOptions { max_memory_bytes: Some(128 << 20), ..RunOptions::default() };
//! let report = Run::of_job(&job, folder).options(options).render(&folder.join("sheets"), |_progress| {})?;
//!
//! assert_eq!(report.placed_copies, report.ordered_copies);
//! for part in &report.parts {
//!     println!("{}: {} × {} px, {} copies", part.file, part.width, part.length, part.copies);
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # One flow, left to right
//!
//! ```text
//!  what was asked       in pixels, checked    where things go    who does what      the work               the result
//!    Job ──preflight──▶  Preflight ──pack──▶   Layout ──plan──▶   RenderPlan ──▶ band ──▶ Fragment ──▶  PNG part + Report
//!  inches, mm, DPI       integer pixels,       Parts of           Bands (rows),    strips composited,   appended in order,
//!  orders, copies        warnings, problems    Placements         rasters and      filtered, deflated   renamed when whole
//!                                                                 where they live  as one unit
//!                                                                     │
//!                                        ArtworkStore ◀───────────────┘  decode once per artwork, resample once per size:
//!                                        resident in RAM │ streamed, in step with the bands │ spilled to an unlinked file
//! ```
//!
//! [`Run`] is the flow in one call. Every stage is a value that can be inspected, saved or replaced:
//!
//! | stage | value | made by |
//! |---|---|---|
//! | what the customer asked for | [`Job`] | [`Job::read`], [`Job::with_csv_file`], [`Job::with_folder`], [`Job::select`] |
//! | checked artwork and sizes in pixels | [`Preflight`] | [`Preflight::new`], [`Layout::preflight`] |
//! | where each copy lies | [`Layout`] | [`pack`], [`Layout::read`] |
//! | bands, rasters, memory | [`RenderPlan`] | [`RenderPlan::new`], [`Prepared::plan`] |
//! | compressed rows | [`Fragment`] | [`render_band`] with an [`ArtworkStore`] |
//! | a finished part | [`PartFile`] | [`PngPart`], [`Renderer`] |
//! | facts and proof | [`Report`], [`Verified`] | [`Run::render`], [`verify`] |
//!
//! Physical units end in preflight: from there on every number is an integer pixel. Files are read and written at both ends; packing,
//! planning, compositing and compression are arithmetic on slices. **One function is the unit of work**: [`render_band`]. A thread, a
//! resumed run and another machine all call that one, and get the same bytes.
//!
//! # Rooms
//!
//! `src/` has one folder or file per stage; a file imports only from stages before its own, and the words.
//!
//! | room | what lives there |
//! |---|---|
//! | `geom` `pixel` `error` `budget` `cancel` `system` `simd` | the words: lengths, resolutions, pixel rectangles, pixels, the error type, the memory ledger, the way to stop, the machine's memory and disks, loops for its processor |
//! | `job` | `job.json`, CSV files and folders: orders, items, media, sizing rules, order selection, output options |
//! | `artwork` | headers, decoders behind one row reader, colours, visible rectangles, resampling by rows, turned rasters: resident, streamed or spilled |
//! | `preflight` | artwork opened once, physical → pixels, every problem and warning; lines, gaps and specks measured |
//! | `layout` | parts and placements, `layout.json`, packing, validity, lower bounds |
//! | `encode` | row filters, deflate, fragments, the PNG container, resuming |
//! | `plan` | bands, rasters and their residence, the plan's digest |
//! | `render` | the store, strips, bands, the runner |
//! | `report` | `report.json`, and the proof of finished parts |
//! | `run` | the whole flow in one call |
//! | `demo` | sample artwork and a job |
//!
//! # Memory
//!
//! Every buffer that grows with the input takes its bytes from one [`MemoryBudget`] before it is allocated. [`RenderPlan`] knows every
//! buffer's size before the first row is rendered; [`RenderPlan::memory`] gives the peak and the formula. If the limit cannot hold the work,
//! the error says so before anything is written, with the smallest limit that would do. [`PROCESS_BYTES`] of the limit are for the program
//! itself.
//!
//! From headers alone the plan chooses a [`Residence`] for every raster: *resident* over its life on the part while there is room, *streamed*
//! where it is drawn once and unturned, so that the decoder runs in step with the bands, else *spilled*: turned block by block into an
//! unlinked temporary file, from which each band reads its own rows into buffers of its own. Files are not mapped, so that the resident set is
//! what was reserved.
//!
//! # Work is done once
//!
//! One decode feeds all sizes and turns of an artwork. Copies of an item that lie side by side are drawn and compressed once: the others are
//! written as [`Repeat`]s, deflate's copies of what is so many columns to the left, without a search. Bands that hold the same rows of the
//! same rasters in the same columns as an earlier one ([`Band::like`]) are not rendered at all: [`PngPart::append_again`] copies the
//! fragment. Empty rows are counted, not drawn. [`verify`] relies on none of this: it draws every copy from its artwork.
//!
//! # Bytes depend on the plan only
//!
//! Never on the number of threads, the budget, where pixels live, timing or the machine. Bands are cut where the layout says, each one is
//! compressed on its own, and copies of an item are equal to the byte. Where colours are converted, tables are made with floating-point numbers,
//! which all processors of one architecture round alike.
//!
//! # Colours
//!
//! What a file says about its colours is believed. Its rows are converted to the [`ColorSpace`] of the parts as they are decoded, before
//! anything is done to them; from there on there is one space. Files whose colours are the parts' own are not touched.
//!
//! # Limits
//!
//! A side of a part has at most [`MAX_SIDE_PX`] pixels, PNG's own limit; a packing at most [`MAX_COPIES`] copies. Artwork is PNG, JPEG, WebP
//! or TIFF, told by content, 8 bits a channel in print. What one artwork may ask for has [`ArtworkLimits`].
//!
//! # Features
//!
//! - `parallel` (default): bands render on several threads.
//! - `jpeg`, `webp`, `tiff` (default): formats that artwork may have beside PNG. `tiff` brings `jpeg`, which lies inside some of its files.
//! - `cli`: the `gangsheet` program and its dependencies.

#[cfg_attr(
    not(all(feature = "jpeg", feature = "webp", feature = "tiff")),
    allow(dead_code, reason = "some of what formats share is for those that this build leaves out")
)]
mod artwork;
mod budget;
mod cancel;
mod demo;
mod encode;
mod error;
mod geom;
mod job;
mod layout;
mod pixel;
mod plan;
mod preflight;
mod render;
mod report;
mod run;
mod simd;
mod system;

pub use crate::artwork::{ArtworkFormat, ArtworkHeader, ArtworkLimits, ColorMode, ColorSpace, Resampler, Residence};
pub use crate::budget::{Buffer, MemoryBudget, PROCESS_BYTES, Reservation, parse_bytes};
pub use crate::cancel::Cancel;
pub use crate::demo::write_demo;
pub use crate::encode::{BandEncoder, Fragment, PartColor, PartFile, PartHeader, PixelFormat, PngPart, Repeat};
pub use crate::error::{Error, ErrorKind, Problem, ProblemKind, Result};
pub use crate::geom::{Dpi, Length, MAX_SIDE_PX, PxRect, PxSize, Rows, Turn};
pub use crate::job::{
    AlphaRules, Amount, Area, Background, Check, Checks, Compression, Cost, Crop, Cut, Due, Gutter, Harden, Intent, Item, Job, Keep,
    Kernel, Knockout, Level, Margin, Media, NameTemplate, Order, Output, OutputProfile, Percent, Pin, Price, Resample, Sizing, Treatment,
    Trim, TurnPolicy,
};
pub use crate::layout::{
    Blank, Effort, Film, FilmCost, Layout, Lot, MAX_COPIES, OrderCost, PackedPart, Packing, Part, PinnedSpot, Placement, RuleKind,
    RulePrice, Spot, Task, Violation, check_packing, check_task, explain, length_lower_bound, pack, pack_rectangles, pack_task,
    packing_memory_bytes, parts_lower_bound, shortest_length,
};
pub use crate::pixel::Rgba8;
pub use crate::plan::{Band, Decode, DecodedRaster, MemoryPlan, PartPlan, RasterSpec, RenderPlan};
pub use crate::preflight::{
    CheckedArtwork, CheckedItem, LeftOut, MediaPx, PinPx, Place, Preflight, PreflightOptions, Trimmed, Warning, WarningKind,
};
pub use crate::render::{ArtworkStore, Existing, Progress, RenderedPart, Renderer, render_band};
pub use crate::report::{PartReport, Report, Seconds, Verified, VerifyOptions, verify};
pub use crate::run::{Prepared, Run, RunOptions};
pub use crate::system::SystemMemory;

/// The README's examples, compiled.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
