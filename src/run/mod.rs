//! The whole flow in one call: from a job or a layout to finished, reported parts.

mod folder;

use std::path::{Path, PathBuf};
use std::time::Instant;

use tracing::{info, warn};

use self::folder::OutputFolder;
use crate::budget::{MemoryBudget, PROCESS_BYTES, Reservation, SURVEY_BYTES};
use crate::cancel::Cancel;
use crate::error::{Error, ErrorKind, Result};
use crate::job::Job;
use crate::layout::{Layout, Packing, Part, RulePrice, explain, pack, rebased_output, shortest_length};
use crate::plan::RenderPlan;
use crate::preflight::{Preflight, PreflightOptions};
use crate::render::{Existing, Progress, Renderer, check_output, check_ram_disk, cores};
use crate::report::{Report, RunFacts, Seconds};
use crate::system::SystemMemory;

/// How a [`Run`] goes about its work.
#[derive(Clone, Debug, Default)]
pub struct RunOptions {
    /// The most memory that the whole process may take, in bytes. Default: half of the container's limit or of the machine's available
    /// memory, at most 1 GiB.
    pub max_memory_bytes: Option<u64>,
    /// Threads that render. Default: one per core.
    pub threads: Option<usize>,
    /// How hard to look for a shorter layout. Default: normal effort.
    pub packing: Packing,
    /// Whether the report tells what the rules of the job cost. Default: `false`.
    pub explain: bool,
    /// How artwork is found and checked. Default: any folder; bad artwork is an error.
    pub preflight: PreflightOptions,
    /// What to do when an output is already there. Default: refuse.
    pub existing: Existing,
    /// The folder for spilled pixels. Default: the output folder.
    pub temp_dir: Option<PathBuf>,
    /// The handle that stops the run. Default: one that nobody holds.
    pub cancel: Cancel,
}

/// One run of the whole flow: preflight, packing, planning, rendering, reporting.
///
/// ```no_run
/// use std::path::Path;
/// use gangsheet::{Job, Run};
///
/// let job = Job::read("shop/job.json".as_ref())?;
/// let report = Run::of_job(&job, Path::new("shop")).render(Path::new("sheets"), |_| {})?;
/// assert_eq!(report.placed_copies, report.ordered_copies);
/// # Ok::<(), gangsheet::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Run<'a> {
    source: Source<'a>,
    /// The folder that the relative artwork paths of what is rendered hold from.
    base: &'a Path,
    options: RunOptions,
}

#[derive(Clone, Copy, Debug)]
enum Source<'a> {
    Job(&'a Job),
    Layout(&'a Layout),
    /// A job with its base folder, and the layout that places its copies.
    LaidOutJob(&'a Job, &'a Path, &'a Layout),
}

impl Source<'_> {
    fn memory_bytes(&self) -> u64 {
        match self {
            Self::Job(job) => job.memory_bytes(),
            Self::Layout(layout) => layout.memory_bytes(),
            Self::LaidOutJob(job, _, layout) => job.memory_bytes() + layout.memory_bytes(),
        }
    }
}

/// What is to be rendered: the results of the first stages, and the budget that the later ones take their memory from.
#[derive(Debug)]
#[non_exhaustive]
pub struct Prepared {
    /// The checked job; of a layout, its checked artwork with what its job orders, if there is one.
    pub preflight: Preflight,
    /// Where everything lies. Artwork paths hold from where those of the job or layout do.
    pub layout: Layout,
    /// No layout of these copies is shorter, in pixels over all parts.
    pub length_lower_bound_px: u64,
    /// The run's budget.
    pub budget: MemoryBudget,
    /// Held for the program itself, and for what it was given.
    charges: [Reservation; 2],
    seconds: Seconds,
}

impl Prepared {
    /// Plans the rendering by `threads` threads.
    ///
    /// # Errors
    ///
    /// Those of [`RenderPlan::new`].
    pub fn plan(&self, threads: usize) -> Result<RenderPlan> {
        let plan = |budget: &MemoryBudget| {
            let (artworks, space) = (self.preflight.artworks().to_vec(), self.preflight.color_space());
            RenderPlan::new(self.layout.clone(), artworks, space, threads, budget)
        };
        plan(&self.budget).map_err(|error| {
            surveyed(error, || {
                let budget = MemoryBudget::new(SURVEY_BYTES);
                let _held = budget.reserve(self.budget.held_bytes(), "the job")?;
                plan(&budget)
            })
        })
    }
}

/// A limit so small that an early stage fails on it is told what the whole run needs, as `survey` finds out within [`SURVEY_BYTES`].
fn surveyed(error: Error, survey: impl FnOnce() -> Result<RenderPlan>) -> Error {
    match *error.kind() {
        ErrorKind::MemoryLimit { needed_bytes, limit_bytes, .. } if limit_bytes < SURVEY_BYTES => {
            let found = survey().map_or_else(Error::into_kind, |plan| plan.refusal(limit_bytes).into_kind());
            match found {
                ErrorKind::MemoryLimit { what, needed_bytes: needed, .. } if needed > needed_bytes => {
                    ErrorKind::MemoryLimit { what, needed_bytes: needed, limit_bytes }.into()
                }
                _ => error,
            }
        }
        _ => error,
    }
}

impl RunOptions {
    /// The most memory that the whole process may take, in bytes, as given or by default.
    #[must_use]
    pub fn limit_bytes(&self) -> u64 {
        self.max_memory_bytes.unwrap_or_else(|| SystemMemory::now().default_limit_bytes())
    }

    /// The most memory, in bytes, that reading a job or layout may take: the limit, but so much that a run which it does not hold can say which
    /// limit would.
    #[must_use]
    pub fn reading_limit_bytes(&self) -> u64 {
        self.limit_bytes().max(SURVEY_BYTES)
    }

    /// The budget of a run: the memory limit, of which the program itself holds [`PROCESS_BYTES`] as long as the reservation lives.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::MemoryLimit`] when the limit is below that.
    pub fn budget(&self) -> Result<(MemoryBudget, Reservation)> {
        let limit_bytes = self.limit_bytes();
        if let Some(container_limit_bytes) = SystemMemory::now().container_limit_bytes.filter(|&container| container < limit_bytes) {
            warn!(
                limit_bytes,
                container_limit_bytes, "the memory limit is above the container's, which will end the program when it is reached"
            );
        }
        let budget = MemoryBudget::new(limit_bytes);
        let process = budget.reserve(PROCESS_BYTES, "the program itself")?;
        Ok((budget, process))
    }

    /// Threads that render: as many as asked for, or one per core.
    #[must_use]
    pub fn threads(&self) -> usize {
        self.threads.unwrap_or_else(cores).max(1)
    }
}

impl<'a> Run<'a> {
    /// A run of `job`, whose relative artwork paths hold from `base`.
    #[must_use]
    pub fn of_job(job: &'a Job, base: &'a Path) -> Self {
        Self { source: Source::Job(job), base, options: RunOptions::default() }
    }

    /// A run of a finished layout, whose relative artwork paths hold from `base`. Nothing is packed.
    #[must_use]
    pub fn of_layout(layout: &'a Layout, base: &'a Path) -> Self {
        Self { source: Source::Layout(layout), base, options: RunOptions::default() }
    }

    /// A run of `job` as `layout` places it, which must hold each copy exactly once. Each has its own base folder. Name and output are the
    /// job's.
    #[must_use]
    pub fn of_laid_out_job(job: &'a Job, job_base: &'a Path, layout: &'a Layout, layout_base: &'a Path) -> Self {
        Self { source: Source::LaidOutJob(job, job_base, layout), base: layout_base, options: RunOptions::default() }
    }

    /// How the run goes about its work. Default: [`RunOptions::default`].
    #[must_use]
    pub fn options(mut self, options: RunOptions) -> Self {
        self.options = options;
        self
    }

    /// Checks the artwork and places the copies. Nothing is written.
    ///
    /// # Errors
    ///
    /// Those of [`Preflight`], [`pack`] and [`Layout::check_against`], and [`ErrorKind::Cancelled`].
    pub fn prepare(&self) -> Result<Prepared> {
        self.prepare_with(self.options.preflight.clone())
    }

    fn prepare_with(&self, preflight: PreflightOptions) -> Result<Prepared> {
        self.prepare_within(preflight.clone()).map_err(|error| {
            surveyed(error, || {
                let options = RunOptions { max_memory_bytes: Some(SURVEY_BYTES), ..self.options.clone() };
                let threads = options.threads();
                self.clone().options(options).prepare_within(preflight)?.plan(threads)
            })
        })
    }

    /// The run's own handle stops the preflight, too.
    fn prepare_within(&self, options: PreflightOptions) -> Result<Prepared> {
        let options = &PreflightOptions { cancel: self.options.cancel.clone(), ..options };
        let (budget, process) = self.options.budget()?;
        let source = budget.reserve(self.source.memory_bytes(), "the job")?;
        let started = Instant::now();
        let of_layout = |layout: &Layout, options| layout.preflight(self.base, options, &budget);
        let (preflight, checked_seconds, layout, length_lower_bound_px) = match self.source {
            Source::Job(job) => {
                let preflight = Preflight::new(job, self.base, options, &budget)?;
                let checked_seconds = started.elapsed().as_secs_f64();
                let layout = pack(&preflight, &self.options.packing, &budget, &self.options.cancel)?;
                let bound = shortest_length(&preflight)?;
                (preflight, checked_seconds, layout, bound)
            }
            Source::Layout(layout) => {
                let preflight = of_layout(layout, options)?;
                let layout = layout.clone().without(preflight.left_out())?;
                let bound = layout.shortest_length_by_area();
                (preflight, started.elapsed().as_secs_f64(), layout, bound)
            }
            Source::LaidOutJob(job, job_base, layout) => {
                let ordered = Preflight::new(job, job_base, options, &budget)?;
                let output = rebased_output(&job.output, job_base, self.base)?;
                let layout = Layout { name: job.name.clone(), output, ..layout.clone() };
                // What the pixels tell was found for the job.
                let preflight = of_layout(&layout, &PreflightOptions { deep: false, ..options.clone() })?;
                let layout = layout.without(preflight.left_out())?;
                layout.check_against(self.base, &ordered)?;
                let bound = shortest_length(&ordered)?;
                (preflight.answering(ordered), started.elapsed().as_secs_f64(), layout, bound)
            }
        };
        self.options.cancel.check()?;
        let seconds = Seconds { preflight: checked_seconds, pack: started.elapsed().as_secs_f64() - checked_seconds, ..Seconds::default() };
        Ok(Prepared { preflight, layout, length_lower_bound_px, budget, charges: [process, source], seconds })
    }

    /// What the rules of the job cost, where that is asked for and the job is packed.
    fn rule_prices(&self, prepared: &Prepared) -> Result<Vec<RulePrice>> {
        match self.source {
            Source::Job(_) if self.options.explain => {
                explain(&prepared.preflight, &self.options.packing, &prepared.budget, &self.options.cancel)
            }
            _ => Ok(Vec::new()),
        }
    }

    /// Runs the whole flow: renders every part into `folder`, then writes `layout.json` and `report.json` beside them. The folder is made
    /// when it is not there.
    ///
    /// # Errors
    ///
    /// Those of [`prepare`](Self::prepare), [`RenderPlan::new`] and [`Renderer::render`], [`ErrorKind::FolderInUse`], [`ErrorKind::NoFolder`],
    /// [`ErrorKind::DiskSpace`] and
    /// [`ErrorKind::FilesInMemory`]. Before rendering starts nothing is written; after
    /// [`ErrorKind::Artwork`] everything that this run wrote is removed again.
    pub fn render(&self, folder: &Path, progress: impl FnMut(Progress)) -> Result<Report> {
        let started = Instant::now();
        // What is about to be replaced stays until the artwork is known to be whole.
        let read_to_end = self.options.preflight.read_to_end || (self.options.existing == Existing::Overwrite && folder.exists());
        let prepared = self.prepare_with(PreflightOptions { read_to_end, ..self.options.preflight.clone() })?;
        let rules = self.rule_prices(&prepared)?;
        let plan = prepared.plan(self.options.threads())?;
        let names = part_names(plan.layout());
        self.check_disks(&plan, folder, &names)?;
        let Prepared { preflight, length_lower_bound_px, budget, charges: _charges, mut seconds, .. } = prepared;
        let memory = plan.memory();
        info!(
            limit_bytes = budget.limit_bytes(),
            peak_bytes = memory.peak_bytes,
            spill_bytes = memory.spill_bytes,
            spill_peak_bytes = memory.spill_peak_bytes,
            output_bytes = memory.output_bytes,
            workers = memory.workers,
            window = memory.window,
            "planned {} copies on {} parts",
            plan.layout().copies(),
            names.len(),
        );

        self.options.cancel.check()?;
        let rendering = Instant::now();
        let output = OutputFolder::claim(folder, &plan, &names, self.options.existing, budget.limit_bytes())?;
        if self.options.existing == Existing::Overwrite {
            output.retract_report()?;
        }
        let mut renderer = Renderer::new(budget.clone()).existing(self.options.existing).cancel(self.options.cancel.clone());
        if let Some(temp_dir) = &self.options.temp_dir {
            renderer = renderer.temp_dir(temp_dir);
        }
        let rendered = renderer.render(&plan, folder, &names, progress).map_err(|error| with_its_order(error, &plan))?;
        seconds.render = rendering.elapsed().as_secs_f64();
        seconds.total = started.elapsed().as_secs_f64();

        let facts = RunFacts {
            ordered_copies: preflight.ordered_copies(),
            left_out: preflight.left_out().to_vec(),
            warnings: preflight.warnings().to_vec(),
            max_memory_bytes: budget.limit_bytes(),
            peak_rss_bytes: SystemMemory::now().peak_resident_bytes,
            peak_reserved_bytes: budget.high_water_bytes(),
            spilled_bytes: rendered.iter().map(|part| part.spilled_bytes).sum(),
            threads: plan.memory().workers,
            seconds,
            length_lower_bound_px,
            converted_artworks: preflight.artworks().iter().filter(|artwork| artwork.header.is_converted()).count(),
            trimmed: preflight.trimmed(),
            cost: plan.layout().film_cost(&preflight),
            rules,
        };
        let report = Report::new(plan.layout(), &names, &rendered, facts);
        plan.layout().rebased(self.base, folder)?.write(&output.layout_path())?;
        report.write(&output.report_path())?;
        output.remove_stale(&plan, &names, &self.options.cancel);
        info!(parts = report.parts.len(), copies = report.placed_copies, "all done");
        Ok(report)
    }
}

impl Run<'_> {
    /// Whether there is room for what the plan writes.
    fn check_disks(&self, plan: &RenderPlan, folder: &Path, names: &[String]) -> Result<()> {
        let temp_dir = self.options.temp_dir.as_deref();
        if let Some(missing) = temp_dir.filter(|folder| !folder.is_dir()) {
            return Err(ErrorKind::NoFolder { what: "temporary files", path: missing.to_owned() }.into());
        }
        check_ram_disk(plan.memory(), folder, self.options.limit_bytes())?;
        check_output(plan, folder, names, self.options.existing == Existing::Resume, temp_dir.unwrap_or(folder))
    }
}

/// An artwork that turns out to be damaged is told with the first order that prints it.
fn with_its_order(error: Error, plan: &RenderPlan) -> Error {
    match error.into_kind() {
        ErrorKind::Artwork { path, message, source } => {
            let artwork = plan.artworks().iter().find(|artwork| artwork.path == path);
            let mut placements = plan.layout().parts.iter().flat_map(Part::placements);
            let placement = artwork.and_then(|artwork| placements.find(|placement| placement.artwork == artwork.written));
            let message = placement.map_or(message.clone(), |placed| format!("{message} (order {}, item {})", placed.order, placed.item));
            ErrorKind::Artwork { path, message, source }.into()
        }
        kind => kind.into(),
    }
}

/// The parts' file names, without a folder.
fn part_names(layout: &Layout) -> Vec<String> {
    let parts = u32::try_from(layout.parts.len()).unwrap_or(u32::MAX);
    let date = today();
    (1..=parts).map(|part| format!("{}.png", layout.output.file_name(&layout.name, part, parts, &date))).collect()
}

/// The local date, such as `2026-01-31`.
fn today() -> String {
    jiff::Zoned::now().date().to_string()
}
