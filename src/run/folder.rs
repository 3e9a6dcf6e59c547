//! The folder that a run writes into: one run at a time, and nothing replaced that no run wrote.

use std::collections::HashMap;
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use tracing::warn;

use crate::cancel::Cancel;
use crate::encode::PngPart;
use crate::error::{Error, ErrorKind, Result};
use crate::job::Job;
use crate::plan::RenderPlan;
use crate::render::{Existing, refuse_existing, remove_if_there};
use crate::report::{PartReport, Report, check_hash};
use crate::system::sync_folder;

/// The output folder, which belongs to one run as long as this lives.
pub(super) struct OutputFolder<'a> {
    path: &'a Path,
    /// The folder and its parents as far as they were made for this run, the innermost first.
    made: Vec<PathBuf>,
    /// The lock on the folder, which ends with the process at the latest.
    _lock: Option<File>,
    /// Whether what is there is replaced.
    overwrites: bool,
    /// The report of an earlier run.
    earlier: Option<Report>,
}

impl<'a> OutputFolder<'a> {
    /// Makes the folder where it is not there, locks it, and looks at what an earlier run left. `names` are the parts' file names.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::FolderInUse`]; [`ErrorKind::OutputExists`] and [`ErrorKind::NotResumable`] as [`Existing`] says;
    /// [`ErrorKind::Layout`] when a part would replace an artwork; [`ErrorKind::Document`] when a document would replace a job;
    /// [`ErrorKind::Io`]. The folder is then as it was.
    pub(super) fn claim(path: &'a Path, plan: &RenderPlan, names: &[String], existing: Existing, memory_limit_bytes: u64) -> Result<Self> {
        let made = make(path)?;
        let mut folder = Self { path, made, _lock: None, overwrites: existing == Existing::Overwrite, earlier: None };
        folder._lock = lock(path)?;
        folder.refuse_inputs(plan, names)?;
        match existing {
            Existing::Refuse => {
                refuse_existing(&[folder.layout_path(), folder.report_path()])?;
                if let Some(path) = folder.unfinished()?.into_iter().next() {
                    return Err(ErrorKind::OutputExists { path }.into());
                }
            }
            Existing::Resume => {
                folder.read_earlier(memory_limit_bytes)?;
                folder.refuse_other_parts(names)?;
            }
            Existing::Overwrite => folder.read_earlier(memory_limit_bytes)?,
        }
        Ok(folder)
    }

    pub(super) fn layout_path(&self) -> PathBuf {
        self.path.join("layout.json")
    }

    pub(super) fn report_path(&self) -> PathBuf {
        self.path.join("report.json")
    }

    /// Takes back the earlier run's report, before its parts are replaced: also after a power cut it does not tell of them.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Io`].
    pub(super) fn retract_report(&self) -> Result<()> {
        let path = self.report_path();
        match fs::remove_file(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            removed => removed.and_then(|()| sync_folder(&path)).map_err(|source| Error::io("remove", &path, source)),
        }
    }

    /// Removes the earlier run's parts that have none of the `names`, unless they were changed since or are artwork of this run.
    pub(super) fn remove_stale(&self, plan: &RenderPlan, names: &[String], cancel: &Cancel) {
        let is_artwork = |path: &Path| path.canonicalize().is_ok_and(|real| plan.artworks().iter().any(|artwork| artwork.path == real));
        for path in self.unreported(names).into_iter().filter(|path| !is_artwork(path)) {
            remove_if_there(&path);
        }
        for part in self.earlier_parts().filter(|part| !names.contains(&part.file)) {
            let path = self.path.join(&part.file);
            if !path.exists() {
                continue;
            }
            if is_artwork(&path) || check_hash(&path, part, cancel).is_err() {
                warn!(path = %path.display(), "a part of the earlier run was changed since, or is artwork: it stays");
            } else {
                remove_if_there(&path);
            }
        }
    }

    /// Refuses to replace an artwork by something that is made of it.
    fn refuse_inputs(&self, plan: &RenderPlan, names: &[String]) -> Result<()> {
        // Artwork paths are real ones; an output that is not there yet is no artwork.
        let paths = names.iter().map(|name| self.path.join(name)).chain([self.layout_path(), self.report_path()]);
        let paths = paths.flat_map(|path| [PngPart::partial_path(&path), path]);
        let outputs: HashMap<PathBuf, PathBuf> = paths.filter_map(|path| Some((path.canonicalize().ok()?, path))).collect();
        match plan.artworks().iter().find_map(|artwork| outputs.get(&artwork.path)) {
            Some(output) => {
                let message = format!("its output {} would replace an artwork: choose another output folder or name", output.display());
                Err(ErrorKind::Layout { part: None, message }.into())
            }
            None => Ok(()),
        }
    }

    /// Reads what an earlier run tells of itself. A job that has the name of a document is not to be replaced.
    fn read_earlier(&mut self, memory_limit_bytes: u64) -> Result<()> {
        let is_job = |path: &Path| Job::read_within(path, memory_limit_bytes).is_ok();
        for path in [self.layout_path(), self.report_path()] {
            let is_free = match path.symlink_metadata() {
                Ok(found) => found.is_file() && !is_job(&path),
                Err(error) if error.kind() == io::ErrorKind::NotFound => true,
                Err(source) => return Err(Error::io("look at", &path, source)),
            };
            if !is_free {
                let message = "no run has written it and none will replace it: move it away or choose another folder".to_owned();
                return Err(ErrorKind::Document { file: Some(path), at: String::new(), message }.into());
            }
        }
        self.earlier = Report::read_within(&self.report_path(), memory_limit_bytes).ok();
        Ok(())
    }

    /// Refuses to resume where parts of other names lie: they are of another job.
    fn refuse_other_parts(&self, names: &[String]) -> Result<()> {
        let documents = [self.layout_path(), self.report_path()];
        let own: Vec<PathBuf> =
            names.iter().map(|name| self.path.join(name)).chain(documents).map(|path| PngPart::partial_path(&path)).collect();
        let refusal = |path, message: String| Err(ErrorKind::NotResumable { path, message }.into());
        if let Some(path) = self.unfinished()?.into_iter().find(|path| !own.contains(path)) {
            return refusal(path, "it is no part of this job".to_owned());
        }
        match self.earlier_parts().find(|part| !names.contains(&part.file)) {
            Some(part) => refusal(self.report_path(), format!("it is of another job, with the part {:?}", part.file)),
            None => Ok(()),
        }
    }

    /// The parts of the earlier run that are plain files of this folder.
    fn earlier_parts(&self) -> impl Iterator<Item = &PartReport> {
        let parts = self.earlier.iter().flat_map(|report| &report.parts);
        parts.filter(|part| Path::new(&part.file).file_name() == Some(part.file.as_ref()))
    }

    /// What a killed run left of which no report tells, where it is to be replaced: unfinished parts and, without any report, finished ones.
    fn unreported(&self, names: &[String]) -> Vec<PathBuf> {
        let is_new = |path: &Path| path.file_name().is_some_and(|name| names.iter().any(|new| name == new.as_str()));
        let mut paths = if self.overwrites { self.files().unwrap_or_default() } else { Vec::new() };
        paths.retain(|path| (self.earlier.is_none() || is_unfinished(path)) && !is_new(path) && PngPart::is_one(path));
        paths
    }

    /// The unfinished files of any name, in the order of their names.
    fn unfinished(&self) -> Result<Vec<PathBuf>> {
        let mut paths = self.files()?;
        paths.retain(|path| is_unfinished(path));
        paths.sort_unstable();
        Ok(paths)
    }

    fn files(&self) -> Result<Vec<PathBuf>> {
        let paths = fs::read_dir(self.path).and_then(|entries| entries.map(|entry| entry.map(|entry| entry.path())).collect());
        paths.map_err(|source| Error::io("list the folder", self.path, source))
    }
}

impl Drop for OutputFolder<'_> {
    /// What was made for a run that wrote nothing goes again; a folder with something in it stays.
    fn drop(&mut self) {
        for folder in &self.made {
            if fs::remove_dir(folder).is_err() {
                return;
            }
        }
    }
}

fn is_unfinished(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "partial")
}

/// Makes the folder and its parents; returns those that were not there, the innermost first.
fn make(folder: &Path) -> Result<Vec<PathBuf>> {
    match fs::metadata(folder) {
        Ok(found) if found.is_dir() => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(source) if source.kind() != io::ErrorKind::NotADirectory => return Err(Error::io("look at", folder, source)),
        _ => return Err(ErrorKind::NoFolder { what: "the parts", path: folder.to_owned() }.into()),
    }
    let missing = |folder: &&Path| !folder.as_os_str().is_empty() && !folder.exists();
    let made = folder.ancestors().take_while(missing).map(Path::to_owned).collect();
    fs::create_dir_all(folder).map_err(|source| Error::io("create the folder", folder, source))?;
    Ok(made)
}

/// Locks the folder itself (flock(2)), so that no file is left behind and a killed run's lock is gone. Other systems than Unix cannot
/// open a folder; there, a second run stops at the first one's unfinished part.
fn lock(folder: &Path) -> Result<Option<File>> {
    if !cfg!(unix) {
        return Ok(None);
    }
    let file = File::open(folder).map_err(|source| Error::io("open the folder", folder, source))?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Err(ErrorKind::FolderInUse { path: folder.to_owned() }.into()),
        Err(TryLockError::Error(error)) => {
            warn!(folder = %folder.display(), %error, "the folder cannot be locked: make sure that no other run writes into it");
            Ok(None)
        }
    }
}
