//! What lies in the output folder before a run, and what becomes of it.

use std::collections::HashSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use tracing::warn;

use crate::encode::{PartFile, PngPart};
use crate::error::{Error, ErrorKind, Result};
use crate::plan::{PartPlan, RenderPlan};

/// What to do when an output is already there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Existing {
    /// Refuse to start, and change nothing. The default.
    #[default]
    Refuse,
    /// Keep finished parts of the same plan, and go on in an unfinished one after its last whole band.
    Resume,
    /// Replace it: a finished part by the new one once that is whole, an unfinished one at once.
    Overwrite,
}

/// Where each part begins. Every file that is there is looked at before anything is changed.
pub(super) fn starts(plan: &RenderPlan, paths: &[PathBuf], existing: Existing) -> Result<Vec<Start>> {
    let files = paths.iter().zip(plan.parts());
    if existing != Existing::Resume {
        if existing == Existing::Overwrite {
            paths.iter().for_each(|path| remove_if_there(&PngPart::partial_path(path)));
        }
        return Ok(files.map(|_| Start::New).collect());
    }
    let found = files.clone().map(|(path, part)| found(path, part)).collect::<Result<Vec<_>>>()?;
    let start = |(found, (path, part)): (Found, (&PathBuf, &PartPlan))| {
        let rows: Vec<u32> = part.bands().iter().map(|band| band.rows().len()).collect();
        match found {
            Found::Nothing => Ok(Start::New),
            Found::Unfinished => PngPart::resume(path, part.header(), &rows).map(|(png, bands)| Start::At(Box::new(png), bands)),
            Found::Finished => Ok(match PngPart::finished(path, part.header(), &rows)? {
                Some(file) => Start::Finished(file),
                None => {
                    warn!(file = %path.display(), "a finished part is damaged: it is rendered again");
                    remove_if_there(&PngPart::partial_path(path));
                    Start::New
                }
            }),
        }
    };
    found.into_iter().zip(files).map(start).collect()
}

/// Where the rendering of a part begins.
pub(super) enum Start {
    New,
    /// In its unfinished file, after so many bands.
    At(Box<PngPart>, usize),
    Finished(PartFile),
}

impl Start {
    pub(super) fn first_band(&self, part: &PartPlan) -> usize {
        match self {
            Self::New => 0,
            Self::At(_, band) => *band,
            Self::Finished(_) => part.bands().len(),
        }
    }
}

/// What an earlier run left of a part.
enum Found {
    Nothing,
    Unfinished,
    Finished,
}

/// An unfinished file of this plan goes before a finished one, which it was about to replace.
fn found(path: &Path, part: &PartPlan) -> Result<Found> {
    let partial = PngPart::partial_path(path);
    let refusal = |path: &Path| Err(ErrorKind::NotResumable { path: path.to_owned(), message: "it is no plain file".to_owned() }.into());
    // Opening a pipe would wait for its other end.
    if path.exists() && !path.is_file() {
        return refusal(path);
    }
    // What is written to is not somewhere else.
    if partial.symlink_metadata().is_ok_and(|found| !found.is_file()) {
        return refusal(&partial);
    }
    let unfinished = partial.exists().then(|| PngPart::check(&partial, part.header()));
    let finished = path.exists().then(|| PngPart::check(path, part.header()));
    match (unfinished, finished) {
        (Some(Ok(())), _) => Ok(Found::Unfinished),
        (_, Some(Ok(()))) => Ok(Found::Finished),
        (Some(Err(error)), _) | (None, Some(Err(error))) => Err(error),
        (None, None) => Ok(Found::Nothing),
    }
}

/// Whether `names` are one plain and different file name for each part.
pub(super) fn check_names(names: &[String], parts: usize) -> Result<()> {
    let refusal = |message: String| Err(ErrorKind::Layout { part: None, message }.into());
    if names.len() != parts {
        return refusal(format!("{} file names for {parts} parts", names.len()));
    }
    let mut seen = HashSet::new();
    for name in names {
        if Path::new(name).file_name() != Some(name.as_ref()) {
            return refusal(format!("{name:?} is no plain file name"));
        }
        if !seen.insert(name) {
            return refusal(format!("two parts have the file name {name:?}"));
        }
    }
    Ok(())
}

/// Removes a file that an earlier run, or this one before it failed, has left. That it cannot be removed is no reason to fail.
pub(crate) fn remove_if_there(path: &Path) {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => warn!(path = %path.display(), %error, "could not be removed"),
        _ => {}
    }
}

/// Refuses to go on where one of `paths` is there, whole or unfinished.
pub(crate) fn refuse_existing(paths: &[PathBuf]) -> Result<()> {
    let in_the_way = paths.iter().flat_map(|path| [path.clone(), PngPart::partial_path(path)]);
    for path in in_the_way {
        match path.try_exists() {
            Ok(false) => {}
            Ok(true) => return Err(ErrorKind::OutputExists { path }.into()),
            Err(source) => return Err(Error::io("look for", &path, source)),
        }
    }
    Ok(())
}
