//! The command line.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Print-ready gang sheets from orders, in bounded memory.
#[derive(Debug, Parser)]
#[command(version, arg_required_else_help = true, after_help = EXIT_CODES)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,

    /// How much the log on standard error tells: off, error, warn, info, debug or trace.
    /// Default: info, or warn while a progress bar is shown.
    #[arg(long, global = true, value_name = "LEVEL")]
    pub(crate) log_level: Option<tracing::level_filters::LevelFilter>,

    /// The form of the log.
    #[arg(long, global = true, value_enum, default_value_t)]
    pub(crate) log_format: LogFormat,

    /// How progress is shown on standard error: auto is a bar on a terminal, else JSON, one object a line.
    #[arg(long, global = true, value_enum, default_value_t)]
    pub(crate) progress: ProgressStyle,
}

const EXIT_CODES: &str = "\
Exit codes:
  0    every ordered copy is on a finished part
  1    input/output or internal failure; finished parts stay, the unfinished one can be resumed
  2    the job, layout or command line is invalid; nothing was written
  3    artwork is missing, damaged, too large for the media or refused by a check of the job; nothing was written
  4    finished, but bad artwork was left out; the report lists it
  5    a limit (memory, disk space) cannot hold this job; nothing was written
  130  interrupted or terminated; the run can be resumed

Example:
  gangsheet render job.json -o sheets --max-memory 128MiB";

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    #[default]
    Text,
    Json,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum ProgressStyle {
    #[default]
    Auto,
    Bar,
    Json,
    None,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Draw sample artwork and a job into DIR and render it into DIR/sheets: at least 2 parts
    #[command(after_help = "Example:\n  gangsheet demo demo")]
    Demo {
        /// A folder without such files; made when it is not there.
        #[arg(value_name = "DIR")]
        folder: PathBuf,
        #[command(flatten)]
        limits: Limits,
    },
    /// Pack and render a job, or render a layout, into print-ready parts
    #[command(after_help = "Examples:
  gangsheet render job.json -o sheets
  gangsheet render job.json -o sheets --orders 1001,1003 --max-memory 128MiB
  gangsheet render --layout layout.json -o sheets
  gangsheet render job.json -o sheets --resume
  gangsheet render orders.csv --width 22in --max-length 240in -o sheets
  gangsheet render art --width 22in --max-length 240in --dry-run")]
    Render(Box<Render>),
    /// Place the copies of a job and write the layout, without rendering
    #[command(after_help = "Examples:
  gangsheet pack job.json -o layout.json --effort high
  gangsheet pack job.json -o layout.json --explain
  gangsheet pack job.json -o layout.json --keep part --cut guillotine
  gangsheet pack job.json --compare 22in,24in,33in")]
    Pack {
        #[command(flatten)]
        source: JobSource,
        /// The layout file to write; an older one is replaced, anything else is not.
        #[arg(short, long, value_name = "LAYOUT.json", required_unless_present = "compare")]
        output: Option<PathBuf>,
        /// Print what each rule of the job costs in film, forbidden turns and the gutter included: each by packing again without it.
        #[arg(long)]
        explain: bool,
        /// Print how much film the job takes on media of these widths, separated by commas, otherwise like its own.
        #[arg(long, value_delimiter = ',', value_name = "WIDTHS", conflicts_with_all = ["output", "explain"])]
        compare: Vec<gangsheet::Length>,
        /// Print what was packed, what rules cost or the widths side by side as JSON on standard output.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        packing: PackingArgs,
        #[command(flatten)]
        rules: RuleArgs,
        #[command(flatten)]
        artwork: ArtworkArgs,
        #[command(flatten)]
        limits: Limits,
    },
    /// Check a job and its artwork: warnings and errors only, nothing is written
    #[command(
        after_help = "Examples:\n  gangsheet preflight job.json\n  gangsheet preflight job.json --max-memory 64MiB\n  gangsheet preflight job.json --deep --json"
    )]
    Preflight {
        #[command(flatten)]
        source: JobSource,
        #[command(flatten)]
        artwork: ArtworkArgs,
        #[command(flatten)]
        packing: PackingArgs,
        #[command(flatten)]
        rules: RuleArgs,
        #[command(flatten)]
        limits: Limits,
        /// Print the findings as JSON on standard output.
        #[arg(long)]
        json: bool,
    },
    /// Read every finished part back and prove it against the report, the layout and the artwork
    #[command(after_help = "Examples:\n  gangsheet verify sheets\n  gangsheet verify sheets --artwork-root art --json")]
    Verify {
        /// The output folder of a run.
        #[arg(value_name = "DIR")]
        folder: PathBuf,
        /// Read artwork from this folder only, whatever paths and symbolic links say.
        #[arg(long, value_name = "DIR")]
        artwork_root: Option<PathBuf>,
        /// The folder for temporary files. Default: the output folder.
        #[arg(long, value_name = "DIR")]
        temp_dir: Option<PathBuf>,
        /// Print what was proven, or what was not, as JSON on standard output. Other failures are told on standard error alone.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        limits: Limits,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Render {
    /// The job to print: a job.json; a CSV file with a line for each item (*.csv, *.tsv); or a folder of artwork whose names say sizes and
    /// copies, as "fox 10in x3.png".
    #[arg(value_name = "JOB", required_unless_present = "layout")]
    pub(crate) job: Option<PathBuf>,
    /// The folder for the parts, report.json and layout.json; made when it is not there.
    #[arg(short, long, value_name = "DIR", required_unless_present = "dry_run")]
    pub(crate) output: Option<PathBuf>,
    /// Print what is asked for, order by order, and nothing else: as job.json with --json. No artwork is read.
    #[arg(long, requires = "job", conflicts_with_all = ["layout", "resume", "overwrite"])]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) film: FilmArgs,
    #[command(flatten)]
    pub(crate) orders: OrderArgs,
    /// Place the copies as this layout says instead of packing them. Needs no job; with one, it must hold each copy exactly once.
    #[arg(long, value_name = "LAYOUT.json")]
    pub(crate) layout: Option<PathBuf>,
    /// Keep finished parts and go on in an unfinished one.
    #[arg(long, conflicts_with = "overwrite")]
    pub(crate) resume: bool,
    /// Replace outputs that are already there.
    #[arg(long)]
    pub(crate) overwrite: bool,
    /// The folder for temporary files. Default: the output folder.
    #[arg(long, value_name = "DIR")]
    pub(crate) temp_dir: Option<PathBuf>,
    /// Print the report on standard output.
    #[arg(long)]
    pub(crate) json: bool,
    /// Report what each rule of the job costs, forbidden turns and the gutter included: each by packing again without it.
    #[arg(long, requires = "job", conflicts_with = "layout")]
    pub(crate) explain: bool,
    #[command(flatten)]
    pub(crate) packing: PackingArgs,
    #[command(flatten)]
    pub(crate) rules: RuleArgs,
    #[command(flatten)]
    pub(crate) artwork: ArtworkArgs,
    #[command(flatten)]
    pub(crate) limits: Limits,
}

#[derive(Debug, Args)]
pub(crate) struct JobSource {
    /// The job: a job.json, a CSV file or a folder of artwork, as render takes it.
    #[arg(value_name = "JOB")]
    pub(crate) job: PathBuf,
    #[command(flatten)]
    pub(crate) film: FilmArgs,
    #[command(flatten)]
    pub(crate) orders: OrderArgs,
}

/// Which orders of a job are meant.
#[derive(Debug, Args)]
pub(crate) struct OrderArgs {
    /// Only these orders of the job, separated by commas; may be given several times. What is the id of an order as it stands, commas
    /// included, selects that one.
    #[arg(long, value_name = "IDS", requires = "job")]
    pub(crate) orders: Vec<String>,
}

/// What neither a CSV file nor a folder of artwork says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Args)]
#[command(next_help_heading = "For a CSV file or a folder of artwork")]
pub(crate) struct FilmArgs {
    /// Width of the film, margins included: 22in, 558.8mm.
    #[arg(long, value_name = "LENGTH")]
    pub(crate) width: Option<gangsheet::Length>,
    /// The longest part, margins included.
    #[arg(long, value_name = "LENGTH")]
    pub(crate) max_length: Option<gangsheet::Length>,
    /// The edge of the film that is not printed on. Default: 0in.
    #[arg(long, value_name = "LENGTH")]
    pub(crate) margin: Option<gangsheet::Length>,
    /// The clear distance between neighbours. Default: 0.125in.
    #[arg(long, value_name = "LENGTH")]
    pub(crate) gutter: Option<gangsheet::Length>,
    /// The resolution of the print in dots per inch. Default: 300.
    #[arg(long, value_name = "DPI", value_parser = parse_dpi)]
    pub(crate) dpi: Option<gangsheet::Dpi>,
    /// The job's name, with which parts' names begin. Default: that of the file or folder.
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,
}

fn parse_dpi(text: &str) -> Result<gangsheet::Dpi, String> {
    let dpi = text.parse::<u32>().map_err(|_| "expected a whole number of dots per inch".to_owned())?;
    gangsheet::Dpi::new(dpi).map_err(|error| error.to_string())
}

#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct PackingArgs {
    /// How long to look for a shorter layout.
    #[arg(long, value_enum, default_value_t)]
    pub(crate) effort: EffortArg,
}

/// Rules of the job that the command line sets. Those of single orders and items stand in the job.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct RuleArgs {
    /// Keep the copies of each order on one part, or in one block of film that no other order reaches into. Default: as the job says.
    #[arg(long, value_enum, requires = "job")]
    keep: Option<KeepArg>,
    /// Lay the parts out for cuts along any outline, or for shears: from edge to edge. Default: as the job says.
    #[arg(long, value_enum, requires = "job")]
    cut: Option<CutArg>,
}

impl RuleArgs {
    /// The job with these rules instead of its own.
    pub(crate) fn apply(self, job: gangsheet::Job) -> gangsheet::Job {
        let keep = self.keep.map(|keep| match keep {
            KeepArg::None => gangsheet::Keep::None,
            KeepArg::Part => gangsheet::Keep::Part,
            KeepArg::Block => gangsheet::Keep::Block,
        });
        let cut = self.cut.map(|cut| match cut {
            CutArg::Free => gangsheet::Cut::Free,
            CutArg::Guillotine => gangsheet::Cut::Guillotine,
        });
        gangsheet::Job { keep: keep.unwrap_or(job.keep), cut: cut.unwrap_or(job.cut), ..job }
    }

    /// Whether there are any.
    pub(crate) fn are_given(self) -> bool {
        self.keep.is_some() || self.cut.is_some()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum KeepArg {
    None,
    Part,
    Block,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum CutArg {
    Free,
    Guillotine,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum EffortArg {
    Fast,
    #[default]
    Normal,
    High,
}

impl From<PackingArgs> for gangsheet::Packing {
    fn from(args: PackingArgs) -> Self {
        Self::default().with_effort(match args.effort {
            EffortArg::Fast => gangsheet::Effort::Fast,
            EffortArg::Normal => gangsheet::Effort::Normal,
            EffortArg::High => gangsheet::Effort::High,
        })
    }
}

#[derive(Debug, Args)]
pub(crate) struct ArtworkArgs {
    /// Look at every artwork's pixels at their printed size, for damage, thin lines, narrow gaps, specks, semi-transparent areas, forgotten
    /// backgrounds and cut-off edges; `checks` of the job has their limits.
    #[arg(long)]
    pub(crate) deep: bool,
    /// Leave out items whose artwork is missing or damaged, and say so (exit code 4).
    #[arg(long)]
    pub(crate) skip_bad_artwork: bool,
    /// Print damaged artwork as far as it can be read, with a warning in the report.
    #[arg(long)]
    pub(crate) allow_damaged: bool,
    /// Read artwork from this folder only, whatever paths and symbolic links say.
    #[arg(long, value_name = "DIR")]
    pub(crate) artwork_root: Option<PathBuf>,
    /// Refuse artwork of more pixels, in millions. Default: 536.
    #[arg(long, value_name = "MEGAPIXELS")]
    pub(crate) max_megapixels: Option<u32>,
    /// Refuse artwork with more metadata: 8MiB, 100kB. Default: 8MiB.
    #[arg(long, value_name = "SIZE", value_parser = gangsheet::parse_bytes)]
    pub(crate) max_metadata: Option<u64>,
    /// Refuse artwork of more frames or pages; the first one is printed. Default: 10000.
    #[arg(long, value_name = "N")]
    pub(crate) max_frames: Option<u32>,
    /// Refuse a JPEG of more scans. Default: 32.
    #[arg(long, value_name = "N")]
    pub(crate) max_scans: Option<u32>,
    /// Give up artwork whose decoding takes a processor longer, beside 10 seconds for any artwork. Default: 2.
    #[arg(long, value_name = "SECONDS_PER_MEGAPIXEL")]
    pub(crate) max_decode_seconds: Option<u32>,
}

impl From<ArtworkArgs> for gangsheet::PreflightOptions {
    fn from(args: ArtworkArgs) -> Self {
        let default = gangsheet::ArtworkLimits::default();
        let limits = gangsheet::ArtworkLimits {
            pixels: args.max_megapixels.map_or(default.pixels, |millions| u64::from(millions) * 1_000_000),
            metadata_bytes: args.max_metadata.unwrap_or(default.metadata_bytes),
            frames: args.max_frames.unwrap_or(default.frames),
            scans: args.max_scans.unwrap_or(default.scans),
            decode_time_per_megapixel: args
                .max_decode_seconds
                .map_or(default.decode_time_per_megapixel, |seconds| Duration::from_secs(seconds.into())),
            ..default
        };
        Self {
            artwork_root: args.artwork_root,
            skip_bad_artwork: args.skip_bad_artwork,
            allow_damaged: args.allow_damaged,
            read_to_end: args.deep,
            deep: args.deep,
            limits,
            ..Self::default()
        }
    }
}

#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct Limits {
    /// The most memory that the process may take: 128MiB, 512MB (decimal), 2G (binary).
    /// Default: half of the container's limit or of the available memory, at most 1 GiB.
    #[arg(long, value_name = "SIZE", value_parser = gangsheet::parse_bytes)]
    pub(crate) max_memory: Option<u64>,
    /// Threads that work on pixels. Default: one per core.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) threads: Option<u16>,
}
