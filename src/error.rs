//! The one error type of the crate.

use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::geom::PxSize;

/// What every fallible function of the crate returns.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong, and with which file, order, part or limit.
///
/// `Display` is one sentence for the person who ordered the print: what is wrong and what to do. A lower-level cause is not repeated
/// there but kept as [`source`](StdError::source), so that “disk full” stays recognisable.
#[derive(Debug)]
pub struct Error(Box<ErrorKind>);

impl Error {
    /// What went wrong, to match on.
    #[must_use]
    pub fn kind(&self) -> &ErrorKind {
        &self.0
    }

    /// What went wrong, by value.
    #[must_use]
    pub fn into_kind(self) -> ErrorKind {
        *self.0
    }

    /// An input or output failure at `path`; `action` completes “could not …”.
    pub(crate) fn io(action: &'static str, path: impl AsRef<Path>, source: io::Error) -> Self {
        ErrorKind::Io { action, path: path.as_ref().to_owned(), source }.into()
    }
}

impl From<ErrorKind> for Error {
    fn from(kind: ErrorKind) -> Self {
        Self(Box::new(kind))
    }
}

/// The kinds of [`Error`].
#[derive(Debug)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A text that is no [`Length`](crate::Length).
    InvalidLength {
        /// The text, cut after 60 characters.
        text: String,
    },
    /// A text that is no size of memory, such as `128MiB`.
    InvalidByteSize {
        /// The text, cut after 60 characters.
        text: String,
    },
    /// A resolution of 0 or above [`Dpi::MAX`](crate::Dpi::MAX).
    InvalidDpi {
        /// The value that was asked for.
        value: u64,
    },
    /// An image, part or length beyond [`MAX_SIDE_PX`](crate::MAX_SIDE_PX).
    TooLarge {
        /// The thing and its size.
        what: String,
    },
    /// A size of zero pixels.
    Empty {
        /// The thing and its size.
        what: String,
    },
    /// A job or layout file that does not say what it must.
    Document {
        /// The file, where there is one.
        file: Option<PathBuf>,
        /// Where in the file: `orders[2].items[0].size`. Empty for the document as a whole.
        at: String,
        /// The value that was found and what is expected.
        message: String,
    },
    /// An order was selected that the job does not have.
    UnknownOrder {
        /// The order that was asked for.
        id: String,
        /// Orders of the job with a similar id, the closest first.
        similar: Vec<String>,
    },
    /// The job cannot be printed: everything that preflight found, in the job's order, but at most [`Problem::MOST`].
    Preflight {
        /// At least one problem.
        problems: Vec<Problem>,
    },
    /// An artwork that cannot be read as an image.
    Artwork {
        /// The artwork's file.
        path: PathBuf,
        /// What is wrong with it and what to do.
        message: String,
        /// The decoder's own error, where there is one.
        source: Option<Box<dyn StdError + Send + Sync>>,
    },
    /// An artwork that asks for more than [`ArtworkLimits`](crate::ArtworkLimits) allow.
    ArtworkLimit {
        /// The artwork's file.
        path: PathBuf,
        /// What is beyond which limit and what to do.
        message: String,
    },
    /// The layout does not hold exactly what the job orders, or a placement breaks its rules.
    Layout {
        /// The part, counted from 1, where the trouble lies in one part.
        part: Option<u32>,
        /// What is wrong.
        message: String,
    },
    /// A rectangle larger than the film inside its margins, in each turn that is allowed.
    DoesNotFit {
        /// Index of the [`Blank`](crate::Blank).
        blank: usize,
        /// Its size before a turn.
        size: PxSize,
        /// Whether it might have been turned by 90°.
        turnable: bool,
        /// Printable width of the film.
        width_px: u32,
        /// Printable length of a part.
        length_px: u32,
    },
    /// An output that exists and was not to be overwritten.
    OutputExists {
        /// The file in the way.
        path: PathBuf,
    },
    /// The output folder is the one of another run that is still at work.
    FolderInUse {
        /// The folder.
        path: PathBuf,
    },
    /// An unfinished part that cannot be continued, because it does not come from this plan.
    NotResumable {
        /// The unfinished file.
        path: PathBuf,
        /// In what it differs.
        message: String,
    },
    /// The memory limit cannot hold the work.
    MemoryLimit {
        /// What the memory is for.
        what: String,
        /// Bytes that are needed in total, with what is held already. From a plan: the smallest limit that would do.
        needed_bytes: u64,
        /// The limit.
        limit_bytes: u64,
    },
    /// A disk has too little space left for the work.
    DiskSpace {
        /// The folder on it.
        folder: PathBuf,
        /// What would be written there.
        what: &'static str,
        /// Bytes that are needed.
        needed_bytes: u64,
        /// Bytes that are there.
        available_bytes: u64,
    },
    /// A disk turned out to be full, or its user's share used up, while something was written there. What is finished stays, and the
    /// unfinished part can be resumed.
    DiskFull {
        /// Completes “could not …”, such as `write`.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The folder on the disk.
        folder: PathBuf,
        /// About how many bytes the rest of the run needs there.
        needed_bytes: u64,
        /// Bytes that are there; 0 where the user's share is used up.
        available_bytes: u64,
        /// The operating system's answer.
        source: io::Error,
    },
    /// A folder lies in memory, where what is written to it would break the memory limit.
    FilesInMemory {
        /// The folder.
        folder: PathBuf,
        /// What would be written there.
        what: &'static str,
        /// Bytes of it.
        needed_bytes: u64,
    },
    /// A folder that was named is not there, or is none.
    NoFolder {
        /// What it is for.
        what: &'static str,
        /// The path that was given.
        path: PathBuf,
    },
    /// A finished part that is not what its layout and report say.
    NotProven {
        /// The part's file.
        path: PathBuf,
        /// What is wrong; where pixels differ, the copy and the place.
        message: String,
    },
    /// Reading or writing failed.
    Io {
        /// Completes “could not …”, such as `write`.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The operating system's answer.
        source: io::Error,
    },
    /// The run was [cancelled](crate::Cancel).
    Cancelled,
    /// A worker thread panicked: a fault of this crate.
    Panicked {
        /// The panic's message.
        message: String,
    },
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind() {
            ErrorKind::InvalidLength { text } => {
                write!(
                    f,
                    "{text:?} is no length: write a decimal number, not negative, with its unit, such as \"22in\", \"558.8mm\" or \"6600px\" (at most 9 decimals)"
                )
            }
            ErrorKind::InvalidByteSize { text } => {
                write!(f, "{text:?} is no size of memory: write a number with its unit, such as \"128MiB\", \"512MB\" or \"2G\"")
            }
            ErrorKind::InvalidDpi { value } => write!(f, "{value} DPI is out of range: use 1 to {}", crate::Dpi::MAX),
            ErrorKind::TooLarge { what } => {
                write!(f, "{what} is too large: PNG holds at most {} pixels a side; use a smaller length or resolution", crate::MAX_SIDE_PX)
            }
            ErrorKind::Empty { what } => write!(f, "{what} has no pixels: use a larger size or resolution"),
            ErrorKind::Document { file, at, message } => {
                if let Some(file) = file {
                    write!(f, "{}: ", file.display())?;
                }
                if !at.is_empty() {
                    write!(f, "{at}: ")?;
                }
                f.write_str(message)
            }
            ErrorKind::UnknownOrder { id, similar } => {
                write!(f, "there is no order {id:?} in the job")?;
                let similar: Vec<String> = similar.iter().map(|id| format!("{id:?}")).collect();
                if similar.is_empty() { Ok(()) } else { write!(f, "; did you mean {}?", similar.join(", ")) }
            }
            ErrorKind::Preflight { problems } => {
                match problems.len() {
                    1 => f.write_str("the job cannot be printed:")?,
                    Problem::MOST => write!(f, "the job cannot be printed, for {} reasons or more:", Problem::MOST)?,
                    n => write!(f, "the job cannot be printed, for {n} reasons:")?,
                }
                problems.iter().try_for_each(|problem| write!(f, "\n  {problem}"))
            }
            ErrorKind::Artwork { path, message, .. } | ErrorKind::ArtworkLimit { path, message } => {
                write!(f, "{}: {message}", path.display())
            }
            ErrorKind::Layout { part: Some(part), message } => write!(f, "layout, part {part}: {message}"),
            ErrorKind::Layout { part: None, message } => write!(f, "layout: {message}"),
            ErrorKind::DoesNotFit { blank, size, turnable, width_px, length_px } => write!(
                f,
                "rectangle {blank} of {size} does not fit the film's printable {width_px} × {length_px} px{}: use a smaller size or wider film",
                if *turnable { ", not even turned" } else { "" },
            ),
            ErrorKind::OutputExists { path } => {
                write!(f, "{} exists: use --resume to keep what is whole and go on, or --overwrite to replace it", path.display())
            }
            ErrorKind::FolderInUse { path } => {
                write!(f, "another run is writing into {}: wait until it ends, or choose another folder", path.display())
            }
            ErrorKind::NotResumable { path, message } => {
                write!(f, "{} cannot be resumed: {message}; use --overwrite to start again", path.display())
            }
            ErrorKind::MemoryLimit { what, needed_bytes, limit_bytes } => write!(
                f,
                "the memory limit of {} cannot hold {what}: use --max-memory {} or more",
                crate::budget::display_bytes(*limit_bytes),
                crate::budget::display_bytes(*needed_bytes),
            ),
            ErrorKind::DiskSpace { folder, what, needed_bytes, available_bytes } => write!(
                f,
                "the disk of {} has {} left and {what} need {}: free some space or choose another folder",
                folder.display(),
                crate::budget::display_bytes(*available_bytes),
                crate::budget::display_bytes(*needed_bytes),
            ),
            ErrorKind::DiskFull { action, path, folder, needed_bytes, available_bytes, .. } => write!(
                f,
                "could not {action} {}: the disk of {} has {} left and the rest of the run needs about {}: free some space and use --resume to go on",
                path.display(),
                folder.display(),
                crate::budget::display_bytes(*available_bytes),
                crate::budget::display_bytes(*needed_bytes),
            ),
            ErrorKind::FilesInMemory { folder, what, needed_bytes } => write!(
                f,
                "{} is a RAM disk, where {what} of {} would take memory beyond the limit: use a folder on a real disk, or a larger --max-memory",
                folder.display(),
                crate::budget::display_bytes(*needed_bytes),
            ),
            ErrorKind::NoFolder { what, path } => {
                write!(f, "there is no folder {} for {what}: make it, or correct the path", path.display())
            }
            ErrorKind::NotProven { path, message } => write!(f, "{} is not as printed: {message}", path.display()),
            ErrorKind::Io { action, path, .. } => write!(f, "could not {action} {}", path.display()),
            ErrorKind::Cancelled => f.write_str("cancelled; what is finished stays: use --resume to go on"),
            ErrorKind::Panicked { message } => write!(f, "a worker failed unexpectedly ({message}): please report this as a bug"),
        }
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self.kind() {
            ErrorKind::Io { source, .. } | ErrorKind::DiskFull { source, .. } => Some(source),
            ErrorKind::Artwork { source, .. } => source.as_deref().map(|source| source as _),
            _ => None,
        }
    }
}

/// One thing that preflight found wrong, with its place in the job.
#[derive(Debug, Serialize)]
#[non_exhaustive]
pub struct Problem {
    /// The kind of problem.
    pub kind: ProblemKind,
    /// The order's id.
    pub order: String,
    /// The item's index in its order, counted from 0; `None` where the order as a whole is meant.
    pub item: Option<usize>,
    /// The artwork as the job writes it; empty where the order as a whole is meant.
    pub artwork: String,
    /// What is wrong and what to do.
    pub message: String,
}

impl Problem {
    /// The most problems that are told at once: nobody reads more, and they take memory.
    pub const MOST: usize = 1000;
}

/// The kinds of [`Problem`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ProblemKind {
    /// The job itself is wrong, such as an order id that occurs twice.
    Job,
    /// The artwork's file is missing.
    Missing,
    /// The artwork's file is there but cannot be read as an image.
    Unreadable,
    /// The item is larger than the media in every turn that it allows.
    TooLargeForMedia,
    /// The item is larger than its own canvas.
    TooLargeForCanvas,
    /// The artwork has no visible pixel, or none that its item leaves.
    FullyTransparent,
    /// The item's size is asked of the file's resolution tag, which the file does not have.
    NoResolution,
    /// The artwork or the resulting size is beyond a limit.
    Limit,
    /// The artwork has too few pixels to the printed inch. This and what follows are warnings that the job's checks make errors.
    EffectiveDpi,
    /// The artwork is enlarged too far.
    Upscaled,
    /// Too much of the artwork is semi-transparent.
    SemiTransparent,
    /// The artwork has an opaque background that was probably forgotten.
    OpaqueBackground,
    /// The artwork has lines that are too thin.
    ThinLines,
    /// The artwork has gaps that are too narrow.
    Gaps,
    /// The artwork has specks.
    Specks,
    /// The artwork touches the border of its picture.
    TouchesBorder,
    /// The artwork has inks, which a profile turns into colours.
    Inks,
    /// The artwork has inks without a profile that says what they look like.
    UnknownInks,
    /// The artwork has a colour profile that cannot be used.
    UnusedProfile,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Ids and paths are the customer's: what they hold must not look like a line of this program's.
        write!(f, "order {}", self.order.escape_debug())?;
        if let Some(item) = self.item {
            write!(f, ", item {item}, {}", self.artwork.escape_debug())?;
        }
        write!(f, ": {}", self.message)
    }
}
