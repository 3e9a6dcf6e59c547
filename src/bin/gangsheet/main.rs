//! The `gangsheet` program: each command is one call of the library.

mod args;
mod job;
mod pack;
mod progress;

use std::error::Error as StdError;
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;
use gangsheet::{
    Cancel, Error, ErrorKind, Existing, Job, Layout, LeftOut, MemoryPlan, Prepared, Problem, ProblemKind, Report, Run, RunOptions,
    Verified, VerifyOptions, Warning, verify, write_demo,
};
use serde::Serialize;
use tracing::Level;
use tracing::level_filters::LevelFilter;

use crate::args::{Cli, Command, Limits, LogFormat, ProgressStyle, Render};
use crate::job::{read_job, show};
use crate::pack::{Told, certificate, compare_widths, pack, price_line};
use crate::progress::Display;

/// The exit code of an interrupted program: 128 + SIGINT.
const INTERRUPTED: u8 = 130;

fn main() -> ExitCode {
    return_large_blocks();
    let cli = Cli::parse();
    start_log(&cli);
    let cancel = Cancel::default();
    cancel_on_signal(cancel.clone());
    survive_large_files();
    let voice = Voice(cli.log_format);
    run(cli.command, Display::new(cli.progress), voice, cancel).unwrap_or_else(|failure| {
        let mut message = failure.error.to_string();
        let mut source = failure.error.source();
        while let Some(cause) = source {
            message.push_str(&format!("\n  caused by: {cause}"));
            source = cause.source();
        }
        voice.tell(Level::ERROR, &message);
        ExitCode::from(failure.code)
    })
}

/// An error with the exit code that it ends the program with.
struct Failure {
    error: Error,
    code: u8,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let code = exit_code(error.kind());
        Self { error, code }
    }
}

fn exit_code(kind: &ErrorKind) -> u8 {
    match kind {
        ErrorKind::Preflight { problems } if problems.iter().all(|problem| problem.kind == ProblemKind::Job) => 2,
        ErrorKind::Preflight { .. } | ErrorKind::Artwork { .. } | ErrorKind::ArtworkLimit { .. } | ErrorKind::DoesNotFit { .. } => 3,
        ErrorKind::MemoryLimit { .. } | ErrorKind::DiskSpace { .. } | ErrorKind::FilesInMemory { .. } => 5,
        ErrorKind::Cancelled => INTERRUPTED,
        ErrorKind::Io { .. } | ErrorKind::DiskFull { .. } | ErrorKind::NotProven { .. } | ErrorKind::Panicked { .. } => 1,
        _ => 2,
    }
}

fn run(command: Command, mut display: Display, voice: Voice, cancel: Cancel) -> Result<ExitCode, Failure> {
    match command {
        Command::Demo { folder, limits } => {
            let job_path = write_demo(&folder)?;
            let job = Job::read(&job_path)?;
            let options = run_options(limits, cancel);
            let sheets = folder.join("sheets");
            let report = Run::of_job(&job, base_of(&job_path)).options(options).render(&sheets, |progress| display.show(progress))?;
            drop(display);
            voice.summarise(&report, &sheets, true);
        }
        Command::Render(args) => return render(*args, display, voice, cancel),
        Command::Pack { source, output, explain, compare, json, packing, rules, artwork, limits } => {
            let options = RunOptions { packing: packing.into(), preflight: artwork.into(), ..run_options(limits, cancel) };
            let job = rules.apply(read_job(&source.job, &source.orders.orders, &source.film, &options)?);
            return match output {
                Some(output) => pack(&job, &source.job, &output, Told { explained: explain, json }, options, voice),
                None => compare_widths(&job, &source.job, &compare, &options, json),
            };
        }
        Command::Preflight { source, artwork, packing, rules, limits, json } => {
            let options = RunOptions { packing: packing.into(), preflight: artwork.into(), ..run_options(limits, cancel) };
            let job = rules.apply(read_job(&source.job, &source.orders.orders, &source.film, &options)?);
            let threads = options.threads();
            let prepared = in_file(Run::of_job(&job, base_of(&source.job)).options(options).prepare(), &source.job);
            if let (true, Some(ErrorKind::Preflight { problems })) = (json, prepared.as_ref().err().map(Error::kind)) {
                print_json(&Refused { version: 1, problems });
            }
            let prepared = prepared?;
            let plan = prepared.plan(threads)?;
            let (warnings, left_out) = (prepared.preflight.warnings(), prepared.preflight.left_out());
            if json {
                print_json(&Findings {
                    version: 1,
                    warnings,
                    left_out,
                    limit_bytes: prepared.budget.limit_bytes(),
                    memory: *plan.memory(),
                });
            } else {
                voice.findings(warnings, left_out);
                let copies = counted(prepared.layout.copies(), "copy", "copies");
                print(&format!("{copies} can be printed, with {}", counted(warnings.len() as u64, "warning", "warnings")));
                print(&memory_line(prepared.budget.limit_bytes(), plan.memory()));
            }
            return Ok(success(left_out));
        }
        Command::Verify { folder, artwork_root, temp_dir, json, limits } => {
            let (budget, _process) = run_options(limits, cancel.clone()).budget()?;
            let options = VerifyOptions { threads: limits.threads.map(usize::from), temp_dir, artwork_root, cancel };
            let verified = verify(&folder, &options, &budget);
            if json {
                print_proof(&verified);
            }
            let Verified { copies, parts, .. } = verified?;
            if !json {
                print(&format!("proven: {} on {}", counted(copies, "copy", "copies"), counted(parts as u64, "part", "parts")));
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Whether both paths lead to the same folder, which is there.
fn is_the_same(one: &Path, other: &Path) -> bool {
    one.canonicalize().is_ok_and(|one| other.canonicalize().is_ok_and(|other| one == other))
}

fn render(args: Render, mut display: Display, voice: Voice, cancel: Cancel) -> Result<ExitCode, Failure> {
    if args.layout.is_some() && args.rules.are_given() {
        let message = "it places the copies already: --keep and --cut are for jobs that are packed".to_owned();
        return Err(Error::from(ErrorKind::Layout { part: None, message }).into());
    }
    let options = RunOptions {
        packing: args.packing.into(),
        explain: args.explain,
        preflight: args.artwork.into(),
        existing: existing(args.resume, args.overwrite),
        temp_dir: args.temp_dir,
        ..run_options(args.limits, cancel)
    };
    let job = args
        .job
        .as_deref()
        .map(|path| Ok::<_, Failure>((args.rules.apply(read_job(path, &args.orders.orders, &args.film, &options)?), base_of(path))))
        .transpose()?;
    if let (true, Some((job, _))) = (args.dry_run, &job) {
        if args.json {
            print_json(job)
        } else {
            show(job)
        }
        return Ok(ExitCode::SUCCESS);
    }
    // The command line has seen to it that there is one, and below a job or a layout.
    let Some(output) = args.output else { return Ok(ExitCode::from(2)) };
    if let Some(folder) = args.job.as_deref().filter(|job| job.is_dir() && is_the_same(job, &output)) {
        let message = "the parts would lie among the artwork, and be taken for it by the next run: choose another output folder".to_owned();
        return Err(Error::from(ErrorKind::Document { file: Some(folder.to_owned()), at: String::new(), message }).into());
    }
    let read_layout = |path| or_invalid(Layout::read_within(path, options.reading_limit_bytes()));
    let layout = args.layout.as_deref().map(|path| Ok::<_, Failure>((read_layout(path)?, base_of(path)))).transpose()?;
    let run = match (&job, &layout) {
        (Some((job, job_base)), Some((layout, base))) => Run::of_laid_out_job(job, job_base, layout, base),
        (Some((job, base)), None) => Run::of_job(job, base),
        (None, Some((layout, base))) => Run::of_layout(layout, base),
        (None, None) => return Ok(ExitCode::from(2)),
    };
    let report = run.options(options).render(&output, |progress| display.show(progress));
    let report = in_file(report, args.job.as_deref().or(args.layout.as_deref()).unwrap_or(Path::new("")))?;
    drop(display);
    voice.findings(&report.warnings, &report.left_out);
    voice.summarise(&report, &output, args.layout.is_none());
    if let (Some((job, _)), false) = (&job, args.json) {
        report.rules.iter().for_each(|price| print(&price_line(price, !job.more_media.is_empty(), job.dpi)));
    }
    if args.json {
        print_json(&report);
    }
    Ok(success(&report.left_out))
}

/// What `preflight --json` prints of a job that cannot be printed.
#[derive(Serialize)]
struct Refused<'a> {
    version: u32,
    problems: &'a [Problem],
}

/// What `preflight --json` prints of one that can.
#[derive(Serialize)]
struct Findings<'a> {
    version: u32,
    warnings: &'a [Warning],
    left_out: &'a [LeftOut],
    limit_bytes: u64,
    memory: MemoryPlan,
}

/// What `verify --json` prints.
#[derive(Serialize)]
#[serde(untagged)]
enum Proof<'a> {
    Proven { version: u32, proven: bool, copies: u64, parts: usize, strays: &'a [PathBuf] },
    NotProven { version: u32, proven: bool, file: &'a Path, message: &'a str },
}

fn print_proof(verified: &Result<Verified, Error>) {
    match verified {
        Ok(Verified { copies, parts, strays, .. }) => {
            print_json(&Proof::Proven { version: 1, proven: true, copies: *copies, parts: *parts, strays })
        }
        Err(error) => {
            if let ErrorKind::NotProven { path, message } = error.kind() {
                print_json(&Proof::NotProven { version: 1, proven: false, file: path, message });
            }
        }
    }
}

fn run_options(limits: Limits, cancel: Cancel) -> RunOptions {
    RunOptions { max_memory_bytes: limits.max_memory, threads: limits.threads.map(usize::from), cancel, ..RunOptions::default() }
}

fn existing(resume: bool, overwrite: bool) -> Existing {
    match (resume, overwrite) {
        (true, _) => Existing::Resume,
        (_, true) => Existing::Overwrite,
        _ => Existing::Refuse,
    }
}

/// A job or layout that is not there or may not be read is an invalid command line.
fn or_invalid<T>(read: Result<T, Error>) -> Result<T, Failure> {
    use io::ErrorKind::{InvalidFilename, IsADirectory, NotADirectory, NotFound, PermissionDenied};
    read.map_err(|error| match error.kind() {
        ErrorKind::Io { source, .. }
            if matches!(source.kind(), NotFound | PermissionDenied | NotADirectory | IsADirectory | InvalidFilename) =>
        {
            Failure { error, code: 2 }
        }
        _ => error.into(),
    })
}

/// A layout replaces another one and nothing else.
fn refuse_inputs(output: &Path, prepared: &Prepared) -> Result<(), Error> {
    let is_artwork = |real| prepared.preflight.artworks().iter().any(|artwork| artwork.path == real);
    // A link that leads nowhere is there too.
    let is_there = output.symlink_metadata().is_ok();
    if is_there && (!output.is_file() || output.canonicalize().is_ok_and(is_artwork) || Layout::read(output).is_err()) {
        let message = "it is no layout and will not be replaced: choose another name".to_owned();
        return Err(ErrorKind::Document { file: Some(output.to_owned()), at: String::new(), message }.into());
    }
    Ok(())
}

/// What is wrong with a job as a whole is wrong with the file that it was read from.
fn in_file<T>(outcome: Result<T, Error>, path: &Path) -> Result<T, Error> {
    outcome.map_err(|error| match error.into_kind() {
        ErrorKind::Document { file: None, at, message } => ErrorKind::Document { file: Some(path.to_owned()), at, message }.into(),
        kind => kind.into(),
    })
}

/// The folder that a file lies in; a folder of artwork is its own.
fn base_of(file: &Path) -> &Path {
    if file.is_dir() {
        return file;
    }
    file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// What the program itself says on standard error, beside the log and in its form.
#[derive(Clone, Copy)]
struct Voice(LogFormat);

impl Voice {
    fn tell(self, level: Level, message: &str) {
        let line = match (self.0, level) {
            (LogFormat::Json, _) => serde_json::json!({ "level": level.as_str(), "fields": { "message": message } }).to_string(),
            (LogFormat::Text, Level::ERROR) => format!("error: {message}"),
            (LogFormat::Text, Level::WARN) => format!("warning: {message}"),
            (LogFormat::Text, _) => message.to_owned(),
        };
        // A standard error that is closed does not change the exit code.
        let _ = writeln!(io::stderr(), "{line}");
    }

    fn findings(self, warnings: &[Warning], left_out: &[LeftOut]) {
        for Warning { order, item, artwork, message, .. } in warnings {
            self.tell(Level::WARN, &format!("order {order}, item {item} ({artwork}): {message}"));
        }
        for LeftOut { order, item, artwork, copies, reason, .. } in left_out {
            let copies = counted((*copies).into(), "copy", "copies");
            self.tell(Level::WARN, &format!("left out: {copies} of order {order}, item {item} ({artwork}): {reason}"));
        }
    }

    /// What came of a run. How short the film could be is known where it `was_packed`.
    fn summarise(self, report: &Report, folder: &Path, was_packed: bool) {
        for part in &report.parts {
            let path = folder.join(&part.file);
            let (width, length, copies, used, size) =
                (part.width, part.length, counted(part.copies, "copy", "copies"), part.utilisation * 100.0, megabytes(part.bytes));
            self.tell(Level::INFO, &format!("{}: {width} × {length} px, {copies}, {used:.0} % used, {size:.1} MB", path.display()));
        }
        let length_px = report.parts.iter().map(|part| u64::from(part.length)).sum();
        if was_packed {
            self.tell(Level::INFO, &certificate(report.placed_copies, report.parts.len(), length_px, report.length_lower_bound_px));
        }
        if let Some(cost) = &report.cost {
            self.tell(Level::INFO, &format!("the film costs {}", cost.total));
        }
        let (placed, ordered, parts) =
            (report.placed_copies, counted(report.ordered_copies, "copy", "copies"), counted(report.parts.len() as u64, "part", "parts"));
        let (seconds, memory) = (report.seconds.total, megabytes(report.peak_rss_bytes));
        self.tell(Level::INFO, &format!("{placed} of {ordered} on {parts} in {seconds:.1} s, at most {memory:.0} MB of memory"));
    }
}

/// Number and noun for people.
fn counted(number: u64, one: &str, more: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { more })
}

/// The exit code of a run that came to its end, with what it left out.
fn success(left_out: &[LeftOut]) -> ExitCode {
    ExitCode::from(if left_out.is_empty() { 0 } else { 4 })
}

fn memory_line(limit_bytes: u64, memory: &MemoryPlan) -> String {
    // Rounded up, so that a limit as shown is never too small.
    let mib = |bytes: u64| bytes.div_ceil(1 << 20);
    format!(
        "the memory limit of {} MiB holds it: {} MiB at the peak, {} MiB in temporary files, about {} MiB in parts; the smallest limit that would do is {} MiB",
        mib(limit_bytes),
        mib(memory.peak_bytes),
        mib(memory.spill_peak_bytes),
        mib(memory.output_bytes),
        mib(memory.smallest_limit_bytes)
    )
}

#[expect(clippy::cast_precision_loss, reason = "for people: a rounded number")]
fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

fn print_json(value: &impl Serialize) {
    if let Ok(json) = serde_json::to_string_pretty(value) {
        print(&json);
    }
}

/// A line of what was asked for, on standard output. A reader that went away does not change the exit code.
fn print(line: &str) {
    let _ = writeln!(io::stdout(), "{line}");
}

fn start_log(cli: &Cli) {
    let bar = match cli.progress {
        ProgressStyle::Bar => true,
        ProgressStyle::Auto => io::stderr().is_terminal(),
        ProgressStyle::Json | ProgressStyle::None => false,
    };
    let level = cli.log_level.unwrap_or(if bar { LevelFilter::WARN } else { LevelFilter::INFO });
    let log = tracing_subscriber::fmt().with_max_level(level).with_writer(io::stderr).with_ansi(io::stderr().is_terminal());
    // A standard error that is closed or full must not stop the print.
    let log = log.log_internal_errors(false);
    match cli.log_format {
        LogFormat::Text => log.with_target(false).init(),
        LogFormat::Json => log.json().init(),
    }
}

/// The first interrupt or termination signal stops the run at the next band, the second one ends the program.
fn cancel_on_signal(cancel: Cancel) {
    let handler = move || {
        if cancel.is_cancelled() {
            std::process::exit(INTERRUPTED.into());
        }
        cancel.cancel();
    };
    if let Err(error) = ctrlc::set_handler(handler) {
        tracing::warn!(%error, "interrupts will not leave a resumable state at once");
    }
}

/// Beyond the process's limit on the size of files, writing is to fail with an error that names the file, not to end the program.
fn survive_large_files() {
    #[cfg(unix)]
    if let Err(error) = signal_hook::flag::register(signal_hook::consts::SIGXFSZ, std::sync::Arc::default()) {
        tracing::warn!(%error, "a file that exceeds the limit on the size of files will end the program");
    }
}

/// Has the allocator give large blocks back to the system as soon as they are free. Else glibc learns from the first of them to keep tens of
/// megabytes, of which the memory limit knows nothing (mallopt(3), “dynamic mmap threshold”).
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[expect(unsafe_code, reason = "the C library's only way")]
fn return_large_blocks() {
    const LARGE_BYTES: libc::c_int = 1 << 20;
    // SAFETY: both parameters take any size, and there are no other threads yet.
    unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, LARGE_BYTES);
        libc::mallopt(libc::M_TRIM_THRESHOLD, LARGE_BYTES);
    }
}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
fn return_large_blocks() {}
