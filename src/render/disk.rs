//! Whether the disks hold what will be written, as far as that is known before.

use std::io;
use std::path::{Path, PathBuf};

use tracing::warn;

use crate::encode::PngPart;
use crate::error::{Error, ErrorKind, Result};
use crate::plan::{MemoryPlan, RenderPlan};
use crate::system::Disk;

/// Repeated copies compress together, to how little depends on where they lie. Space for less than this part of what is expected is too
/// little in any case.
const SMALLEST_PART: u64 = 4;

/// Bytes that a part needs in any case.
pub(super) fn least_bytes(plan: &RenderPlan, part: usize) -> u64 {
    plan.output_bytes(part) / SMALLEST_PART
}

/// About how many bytes the plan's last parts, at `paths`, still need, with what each unfinished file already has. Finished ones need none
/// where the run keeps them.
fn left_bytes(plan: &RenderPlan, paths: &[PathBuf], keeps_finished: bool) -> u64 {
    let length = |path: &Path| path.metadata().map(|file| file.len());
    let first = plan.parts().len() - paths.len();
    let left = paths.iter().enumerate().map(|(nth, path)| match length(path) {
        Ok(_) if keeps_finished && !PngPart::partial_path(path).exists() => 0,
        _ => plan.output_bytes(first + nth).saturating_sub(length(&PngPart::partial_path(path)).unwrap_or(0)),
    });
    left.fold(0, u64::saturating_add)
}

/// A disk that turns out to be full is told with how much is missing there for the plan's last parts, at `paths`, or for temporary files.
pub(super) fn told_if_full(
    error: Error,
    plan: &RenderPlan,
    paths: &[PathBuf],
    keeps_finished: bool,
    folder: &Path,
    temp_dir: &Path,
) -> Error {
    match error.into_kind() {
        ErrorKind::Io { action, path, source } if matches!(source.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded) => {
            let is_part = paths.iter().any(|part| path == *part || path == PngPart::partial_path(part));
            let (folder, needed_bytes) =
                if is_part { (folder, left_bytes(plan, paths, keeps_finished)) } else { (temp_dir, plan.memory().spill_peak_bytes) };
            // The system does not tell what is left of a share.
            let is_quota = source.kind() == io::ErrorKind::QuotaExceeded;
            let available_bytes = Disk::of(folder).filter(|_| !is_quota).map_or(0, |disk| disk.available_bytes);
            // What is needed is an estimate, but more than there is.
            let needed_bytes = needed_bytes.max(available_bytes.saturating_add(1));
            ErrorKind::DiskFull { action, path, folder: folder.to_owned(), needed_bytes, available_bytes, source }.into()
        }
        kind => kind.into(),
    }
}

/// Makes sure that `temp_dir` can take the plan's temporary files.
///
/// # Errors
///
/// [`ErrorKind::DiskSpace`] when its disk has too little space, and [`ErrorKind::FilesInMemory`] when it is no disk.
pub(crate) fn check_spill(plan: &MemoryPlan, temp_dir: &Path) -> Result<()> {
    let Some(disk) = Disk::of(temp_dir).filter(|_| plan.spill_peak_bytes > 0) else { return Ok(()) };
    if disk.is_memory {
        return Err(in_memory(temp_dir, "temporary files", plan.spill_peak_bytes));
    }
    enough(temp_dir, "temporary files", plan.spill_peak_bytes, disk.available_bytes)
}

/// Makes sure that the plan's parts and what it holds are inside the memory limit together, where `folder` is a RAM disk.
///
/// # Errors
///
/// [`ErrorKind::FilesInMemory`].
pub(crate) fn check_ram_disk(plan: &MemoryPlan, folder: &Path, limit_bytes: u64) -> Result<()> {
    let needed_bytes = plan.peak_bytes.saturating_add(plan.output_bytes);
    match Disk::of(folder) {
        Some(disk) if disk.is_memory && needed_bytes > limit_bytes => Err(in_memory(folder, "parts", plan.output_bytes)),
        _ => Ok(()),
    }
}

/// Makes sure that `folder` can take what the parts at `paths` still need as well, where it may, and warns where it might not. What is
/// there counts if the run `resumes`.
///
/// # Errors
///
/// Those of [`check_spill`].
pub(crate) fn check_output(plan: &RenderPlan, folder: &Path, names: &[String], resumes: bool, temp_dir: &Path) -> Result<()> {
    let (memory, paths) = (plan.memory(), names.iter().map(|name| folder.join(name)).collect::<Vec<_>>());
    check_spill(memory, temp_dir)?;
    let Some(disk) = Disk::of(folder) else { return Ok(()) };
    let shared = Disk::of(temp_dir).is_some_and(|temp| temp.is_same(&disk));
    let available_bytes = disk.available_bytes.saturating_sub(if shared { memory.spill_peak_bytes } else { 0 });
    let expected_bytes = if resumes { left_bytes(plan, &paths, true) } else { memory.output_bytes };
    enough(folder, "the parts", expected_bytes / SMALLEST_PART, available_bytes)?;
    if available_bytes < expected_bytes {
        warn!(folder = %folder.display(), available_bytes, expected_bytes, "the disk may be too small for the parts");
    }
    Ok(())
}

fn in_memory(folder: &Path, what: &'static str, needed_bytes: u64) -> Error {
    ErrorKind::FilesInMemory { folder: folder.to_owned(), what, needed_bytes }.into()
}

fn enough(folder: &Path, what: &'static str, needed_bytes: u64, available_bytes: u64) -> Result<()> {
    if needed_bytes <= available_bytes {
        return Ok(());
    }
    Err(ErrorKind::DiskSpace { folder: folder.to_owned(), what, needed_bytes, available_bytes }.into())
}
