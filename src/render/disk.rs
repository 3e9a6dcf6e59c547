//! Whether the disks hold what will be written, as far as that is known before.

use std::path::Path;

use tracing::warn;

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

/// Makes sure that `folder` can take the plan's parts as well, where it may, and warns where it might not.
///
/// # Errors
///
/// Those of [`check_spill`].
pub(crate) fn check_output(plan: &MemoryPlan, folder: &Path, temp_dir: &Path) -> Result<()> {
    check_spill(plan, temp_dir)?;
    let Some(disk) = Disk::of(folder) else { return Ok(()) };
    let shared = Disk::of(temp_dir).is_some_and(|temp| temp.is_same(&disk));
    let available_bytes = disk.available_bytes.saturating_sub(if shared { plan.spill_peak_bytes } else { 0 });
    enough(folder, "the parts", plan.output_bytes / SMALLEST_PART, available_bytes)?;
    if available_bytes < plan.output_bytes {
        warn!(folder = %folder.display(), available_bytes, expected_bytes = plan.output_bytes, "the disk may be too small for the parts");
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
