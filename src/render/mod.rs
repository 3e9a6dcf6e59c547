//! The work itself: parts rendered one after the other, their bands side by side.

mod band;
mod disk;
mod outputs;
mod runner;
mod store;
mod strip;

use std::path::{Path, PathBuf};
use std::time::Instant;

use serde::Serialize;
use tracing::{info, info_span, warn};

use self::band::Bench;
pub use self::band::render_band;
pub(crate) use self::disk::{check_output, check_ram_disk, check_spill};
pub use self::outputs::Existing;
use self::outputs::{Start, check_names};
pub(crate) use self::outputs::{refuse_existing, remove_if_there};
pub(crate) use self::runner::{Crew, cores};
pub use self::store::ArtworkStore;
pub(crate) use self::strip::Ground;
use crate::artwork::Residence;
use crate::budget::MemoryBudget;
use crate::cancel::Cancel;
use crate::encode::{PartFile, PngPart};
use crate::error::{ErrorKind, Result};
use crate::plan::{Band, RenderPlan};
use crate::system::SystemMemory;

/// How far a run is. Counts are over the current part unless they say otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "progress", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Progress {
    /// A part begins.
    PartStarted {
        /// The part, counted from 1.
        part: u32,
        /// Number of parts of the run.
        parts: u32,
        /// Rows of this part.
        rows: u32,
        /// Copies on this and all later parts.
        copies_left: u64,
    },
    /// So many rows are written.
    RowsWritten {
        /// The part, counted from 1.
        part: u32,
        /// Rows that are in the file.
        rows: u32,
    },
    /// A part is whole and has its final name.
    PartFinished {
        /// The part, counted from 1.
        part: u32,
        /// Size of its file in bytes.
        bytes: u64,
    },
}

/// Facts of a part that is whole.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RenderedPart {
    /// The finished file.
    pub file: PartFile,
    /// Whether an earlier run finished or began it, of which seconds, memory and temporary files do not tell.
    pub resumed: bool,
    /// Copies on it.
    pub copies: u64,
    /// Wall-clock seconds that it took; of a part that was found finished, the time of finding out.
    pub seconds: f64,
    /// Bytes of the budget that were held when it began.
    pub memory_before_bytes: u64,
    /// Bytes of the budget that were held when it ended.
    pub memory_after_bytes: u64,
    /// Resident set of the process in bytes when it began.
    pub resident_before_bytes: u64,
    /// Resident set of the process in bytes when it ended.
    pub resident_after_bytes: u64,
    /// Spill files made for it.
    pub spill_files_created: u64,
    /// Spill files removed by its end.
    pub spill_files_removed: u64,
    /// Bytes written to its spill files.
    pub spilled_bytes: u64,
    /// Artworks that were decoded for it and the parts before it and have colours that the parts cannot show.
    pub artworks_beyond_gamut: usize,
}

/// Renders the parts of a plan into a folder.
///
/// ```no_run
/// # fn plan() -> gangsheet::RenderPlan { unimplemented!() }
/// use gangsheet::{Existing, MemoryBudget, Renderer};
///
/// let plan = plan();
/// let names = ["sheet 1.png".to_owned()];
/// let parts = Renderer::new(MemoryBudget::new(128 << 20)).existing(Existing::Resume).render(&plan, "out".as_ref(), &names, |_| {})?;
/// # Ok::<(), gangsheet::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Renderer {
    budget: MemoryBudget,
    temp_dir: Option<PathBuf>,
    existing: Existing,
    cancel: Cancel,
}

impl Renderer {
    /// A renderer that takes its memory from `budget`, the one that the plan was made with.
    #[must_use]
    pub fn new(budget: MemoryBudget) -> Self {
        Self { budget, temp_dir: None, existing: Existing::default(), cancel: Cancel::default() }
    }

    /// The folder for spilled pixels. Default: the output folder.
    #[must_use]
    pub fn temp_dir(mut self, folder: impl Into<PathBuf>) -> Self {
        self.temp_dir = Some(folder.into());
        self
    }

    /// What to do when an output is already there. Default: refuse.
    #[must_use]
    pub fn existing(mut self, existing: Existing) -> Self {
        self.existing = existing;
        self
    }

    /// The handle that stops the run. Default: one that nobody holds.
    #[must_use]
    pub fn cancel(mut self, cancel: Cancel) -> Self {
        self.cancel = cancel;
        self
    }

    /// Renders every part of `plan` into `folder`, which exists, under `names`, and reports progress on the calling thread.
    ///
    /// A part gets its name when it is whole, never before. After an error the parts that are finished stay, and the unfinished one can be
    /// resumed from its `.partial` file. While it runs, nothing else takes memory from the budget.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::OutputExists`] and [`ErrorKind::NotResumable`] as [`Existing`] says, and [`ErrorKind::Layout`] when `names` are not one
    /// plain and different file name for each part, before anything is written; then those of [`render_band`] and of writing. After
    /// [`ErrorKind::Artwork`] the parts that this run began are removed.
    pub fn render(&self, plan: &RenderPlan, folder: &Path, names: &[String], progress: impl FnMut(Progress)) -> Result<Vec<RenderedPart>> {
        check_names(names, plan.parts().len())?;
        let paths: Vec<PathBuf> = names.iter().map(|name| folder.join(name)).collect();
        if self.existing == Existing::Refuse {
            refuse_existing(&paths)?;
        }
        let starts = outputs::starts(plan, &paths, self.existing)?;
        let first_bands: Vec<usize> = starts.iter().zip(plan.parts()).map(|(start, part)| start.first_band(part)).collect();
        let resumed = if first_bands.iter().any(|&band| band > 0) { Some(plan.resumed_at(&first_bands, &self.budget)?) } else { None };
        let plan = resumed.as_ref().unwrap_or(plan);

        let memory = plan.memory();
        let _fixed = self.budget.reserve(memory.fixed_bytes, format_args!("{} bands in flight", memory.window))?;
        let store = ArtworkStore::new(self.budget.clone(), self.temp_dir.as_deref().unwrap_or(folder), self.cancel.clone()).in_order();
        let base_bytes = self.budget.held_bytes();
        let mut rendering = Rendering { renderer: self, plan, store, copies_left: plan.layout().copies(), progress };
        let mut rendered = Vec::with_capacity(paths.len());
        for (index, (path, start)) in paths.iter().zip(starts).enumerate() {
            let _span = info_span!("part", part = index + 1).entered();
            let begun_here = matches!(start, Start::New);
            let part = rendering.part(index, path, start).inspect_err(|error| {
                if matches!(error.kind(), ErrorKind::Artwork { .. } | ErrorKind::ArtworkLimit { .. }) {
                    withdraw(begun_here.then_some(path), &rendered);
                }
            });
            let part = part.map_err(|error| {
                let temp_dir = self.temp_dir.as_deref().unwrap_or(folder);
                let keeps_finished = self.existing == Existing::Resume;
                disk::told_if_full(error, plan, &paths[index..], keeps_finished, folder, temp_dir)
            })?;
            // Nothing outlives the part but what the next one uses too.
            let kept_bytes = rendering.store.resident_bytes();
            debug_assert_eq!(self.budget.held_bytes(), base_bytes + kept_bytes);
            debug_assert!(kept_bytes <= plan.kept_bytes(index));
            rendered.push(part);
        }
        Ok(rendered)
    }
}

/// A run through the parts.
struct Rendering<'a, P> {
    renderer: &'a Renderer,
    plan: &'a RenderPlan,
    store: ArtworkStore,
    copies_left: u64,
    progress: P,
}

impl<P: FnMut(Progress)> Rendering<'_, P> {
    fn part(&mut self, index: usize, path: &Path, start: Start) -> Result<RenderedPart> {
        let part = &self.plan.parts()[index];
        let copies = self.plan.layout().parts[index].placements().len() as u64;
        let (started, before, held_before, spills_before) =
            (Instant::now(), SystemMemory::now(), self.renderer.budget.held_bytes(), self.store.spills());
        self.tell_start(index, copies, &before);
        let (number, parts, rows) = (number(index + 1), number(self.plan.parts().len()), part.size().height());
        (self.progress)(Progress::PartStarted { part: number, parts, rows, copies_left: self.copies_left });

        let resumed = !matches!(start, Start::New);
        let file = match start {
            Start::Finished(file) => {
                info!(file = %path.display(), "keeping the part that is already finished");
                remove_if_there(&PngPart::partial_path(path));
                file
            }
            Start::New => {
                let png = PngPart::create(path, part.header())?;
                png.reserve(disk::least_bytes(self.plan, index))?;
                self.bands(index, png, 0)?
            }
            Start::At(png, done) => {
                info!(bands_kept = done, bands = part.bands().len(), "going on with the unfinished part");
                self.bands(index, *png, done)?
            }
        };

        let (after, held_after, spills) =
            (SystemMemory::now(), self.renderer.budget.held_bytes(), self.store.spills().since(spills_before));
        let rendered = RenderedPart {
            file,
            resumed,
            copies,
            seconds: started.elapsed().as_secs_f64(),
            memory_before_bytes: held_before,
            memory_after_bytes: held_after,
            resident_before_bytes: before.resident_bytes,
            resident_after_bytes: after.resident_bytes,
            spill_files_created: spills.created,
            spill_files_removed: spills.removed,
            spilled_bytes: spills.bytes,
            artworks_beyond_gamut: self.store.artworks_beyond_gamut(),
        };
        self.copies_left -= copies;
        self.tell_end(index, &rendered, &after);
        (self.progress)(Progress::PartFinished { part: number, bytes: rendered.file.bytes });
        Ok(rendered)
    }

    /// Renders the bands of a part that are not in its file yet.
    fn bands(&mut self, index: usize, mut png: PngPart, done: usize) -> Result<PartFile> {
        let Self { renderer, plan, store, progress, .. } = self;
        let crew = Crew { plan, store, budget: &renderer.budget, cancel: &renderer.cancel };
        let bench = || Bench::new(plan, index);
        let work = |bench: &mut Bench, band: &Band| bench.render(plan, band, store);
        crew.run(index, done..plan.parts()[index].bands().len(), bench, work, |band, fragment| {
            match (fragment, band.like()) {
                (None, Some(earlier)) => png.append_again(earlier)?,
                (fragment, _) => fragment.iter().try_for_each(|fragment| png.append(fragment))?,
            }
            progress(Progress::RowsWritten { part: number(index + 1), rows: band.rows().end() });
            Ok(())
        })?;
        while store.drop_pages() {}
        png.finish()
    }

    fn tell_start(&self, index: usize, copies: u64, memory: &SystemMemory) {
        let (part, budget) = (&self.plan.parts()[index], &self.renderer.budget);
        info!(
            copies,
            copies_left = self.copies_left,
            bands = part.bands().len(),
            artworks = part.decodes().len(),
            resident_bytes = memory.resident_bytes,
            available_bytes = memory.available_bytes,
            container_limit_bytes = memory.container_limit_bytes,
            "starting part {} of {}: {}",
            index + 1,
            self.plan.parts().len(),
            part.size(),
        );
        if memory.available_bytes < budget.limit_bytes().saturating_sub(memory.resident_bytes) {
            warn!(
                available_bytes = memory.available_bytes,
                limit_bytes = budget.limit_bytes(),
                "little memory is left: this run may take more than there is; lower the memory limit"
            );
        }
        let held = |residence| part.to_hold(self.plan.rasters(), residence);
        let ((_, resident_bytes), (streams, _)) = (held(Residence::Resident), held(Residence::Streamed));
        let (spill_files, spill_bytes) = held(Residence::Spilled);
        info!(
            in_flight_bytes = self.plan.memory().fixed_bytes,
            resident_bytes,
            streams,
            largest_decode_bytes = part.decodes().iter().map(|decode| decode.bytes).max(),
            "about to reserve for part {}",
            index + 1
        );
        if spill_files > 0 {
            info!(spill_files, spill_bytes, folder = %self.store.temp_dir().display(), "about to spill for part {}", index + 1);
        }
    }

    fn tell_end(&self, index: usize, rendered: &RenderedPart, memory: &SystemMemory) {
        let RenderedPart { resident_before_bytes, resident_after_bytes, .. } = *rendered;
        info!(
            file = %rendered.file.path.display(),
            bytes = rendered.file.bytes,
            copies = rendered.copies,
            seconds = rendered.seconds,
            resident_before_bytes,
            resident_after_bytes,
            released_bytes = resident_before_bytes.saturating_sub(resident_after_bytes),
            held_bytes = rendered.memory_after_bytes,
            available_bytes = memory.available_bytes,
            spill_files_created = rendered.spill_files_created,
            spill_files_removed = rendered.spill_files_removed,
            "finished part {} of {}",
            index + 1,
            self.plan.parts().len()
        );
        if self.copies_left > 0 {
            info!(copies_left = self.copies_left, "looping on to part {}", index + 2);
        }
    }
}

/// Removes what this run wrote: with damaged artwork nothing of the job counts as printed. What an earlier run finished or began stays.
fn withdraw(begun_here: Option<&PathBuf>, rendered: &[RenderedPart]) {
    if let Some(path) = begun_here {
        remove_if_there(&PngPart::partial_path(path));
    }
    rendered.iter().filter(|part| !part.resumed).for_each(|part| remove_if_there(&part.file.path));
}

fn number(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}
