//! What the machine and the container leave to this process: memory used, available and limited, space on disks, and time that was worked.

use std::fs::{self, File};
use std::io;
#[cfg(target_os = "linux")]
use std::num::NonZeroU64;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sysinfo::{MemoryRefreshKind, Pid, ProcessRefreshKind, ProcessesToUpdate, System};

use crate::error::{Error, ErrorKind, Result};

/// A look at the memory of this process and of what it runs in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SystemMemory {
    /// Resident set of this process in bytes, mapped pages included.
    pub resident_bytes: u64,
    /// The largest resident set that this process ever had, in bytes, where the system tells; else [`resident_bytes`](Self::resident_bytes).
    pub peak_resident_bytes: u64,
    /// Bytes that this process could still take: the machine's available memory, or what its container's limit leaves if that is less.
    pub available_bytes: u64,
    /// The container's limit in bytes (cgroup v2 `memory.max` or v1 `memory.limit_in_bytes`), where there is one.
    pub container_limit_bytes: Option<u64>,
}

/// The default memory limit is never above this.
const LARGEST_DEFAULT_BYTES: u64 = 1 << 30;

impl SystemMemory {
    /// Asks the operating system.
    #[must_use]
    pub fn now() -> Self {
        let mut system = System::new();
        system.refresh_memory_specifics(MemoryRefreshKind::nothing().with_ram());
        let pid = Pid::from_u32(std::process::id());
        system.refresh_processes_specifics(ProcessesToUpdate::Some(&[pid]), false, ProcessRefreshKind::nothing().with_memory());
        let resident_bytes = system.process(pid).map_or(0, sysinfo::Process::memory);
        let container = container(Path::new("/proc/self/cgroup"), Path::new("/sys/fs/cgroup"));
        let left = container.map_or(u64::MAX, |container| container.left_bytes);
        Self {
            resident_bytes,
            peak_resident_bytes: peak_resident_bytes().unwrap_or(resident_bytes).max(resident_bytes),
            available_bytes: system.available_memory().min(left),
            container_limit_bytes: container.map(|container| container.limit_bytes),
        }
    }

    /// The memory limit of a run that is given none: half of the container's limit or of the available memory, whichever is less, and at
    /// most 1 GiB.
    #[must_use]
    pub fn default_limit_bytes(&self) -> u64 {
        let container = self.container_limit_bytes.unwrap_or(u64::MAX);
        (container.min(self.available_bytes) / 2).min(LARGEST_DEFAULT_BYTES)
    }
}

/// The high-water mark that Linux keeps: `VmHWM` in `/proc/self/status` (proc(5)).
fn peak_resident_bytes() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Container {
    limit_bytes: u64,
    left_bytes: u64,
}

/// The smallest memory limit among this process's control groups and their parents, and the least that one of them leaves (cgroups(7)).
/// Files that the kernel keeps in memory only for later do not count as used: it lets go of them first. Version 2 is in `root/GROUP/memory.max`,
/// version 1 in `root/memory/GROUP/memory.limit_in_bytes`. Inside a container the group's own path is often hidden and `root` is the group.
fn container(own_groups: &Path, root: &Path) -> Option<Container> {
    let groups = fs::read_to_string(own_groups).ok()?;
    groups
        .lines()
        .flat_map(|line| limits_of(line, root))
        .reduce(|a, b| Container { limit_bytes: a.limit_bytes.min(b.limit_bytes), left_bytes: a.left_bytes.min(b.left_bytes) })
}

fn limits_of(line: &str, root: &Path) -> Vec<Container> {
    let mut fields = line.splitn(3, ':').skip(1);
    let (Some(controllers), Some(group)) = (fields.next(), fields.next()) else { return Vec::new() };
    let (mount, limit, usage): (PathBuf, _, _) = match controllers {
        "" => (root.to_owned(), "memory.max", "memory.current"),
        listed if listed.split(',').any(|name| name == "memory") => (root.join("memory"), "memory.limit_in_bytes", "memory.usage_in_bytes"),
        _ => return Vec::new(),
    };
    let own = mount.join(group.trim_start_matches('/'));
    let read = |file: PathBuf| fs::read_to_string(file).ok()?.trim().parse::<u64>().ok();
    // Version 1 counts a group's children in figures of their own.
    let cache = |folder: &Path| {
        let figures = fs::read_to_string(folder.join("memory.stat")).ok()?;
        let of = |name: &str| figures.lines().find_map(|line| line.strip_prefix(name)?.trim().parse::<u64>().ok());
        of("total_inactive_file ").or_else(|| of("inactive_file "))
    };
    own.ancestors()
        .take_while(|folder| folder.starts_with(&mount))
        .filter_map(|folder| {
            // Version 1 says "no limit" with a number near 2⁶³.
            let limit_bytes = read(folder.join(limit)).filter(|&bytes| bytes < 1 << 60)?;
            let used_bytes = read(folder.join(usage)).unwrap_or(0).saturating_sub(cache(folder).unwrap_or(0));
            Some(Container { limit_bytes, left_bytes: limit_bytes.saturating_sub(used_bytes) })
        })
        .collect()
}

/// Whether a failure to read a file tells nothing about the file: the disk, the network or the process's own limits are at fault.
#[cfg(unix)]
pub(crate) fn is_machine_fault(error: &io::Error) -> bool {
    use rustix::io::Errno;
    const FAULTS: [Errno; 12] = [
        Errno::IO,
        Errno::MFILE,
        Errno::NFILE,
        Errno::NOMEM,
        Errno::NOSPC,
        Errno::DQUOT,
        Errno::ROFS,
        Errno::INTR,
        Errno::AGAIN,
        Errno::BUSY,
        Errno::STALE,
        Errno::TIMEDOUT,
    ];
    Errno::from_io_error(error).is_some_and(|error| FAULTS.contains(&error))
}

#[cfg(not(unix))]
pub(crate) fn is_machine_fault(error: &io::Error) -> bool {
    use io::ErrorKind as Kind;
    matches!(error.kind(), Kind::OutOfMemory | Kind::StorageFull | Kind::ResourceBusy | Kind::Interrupted | Kind::TimedOut)
}

/// Where the folder really lies: absolute, and `..` leads up from there. `what` it is for names it where it is not there.
///
/// # Errors
///
/// [`ErrorKind::NoFolder`], and [`ErrorKind::Io`] where the machine is to blame.
pub(crate) fn real_folder(folder: &Path, what: &'static str) -> Result<PathBuf> {
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    folder.canonicalize().map_err(|source| {
        if is_machine_fault(&source) {
            return Error::io("find", folder, source);
        }
        ErrorKind::NoFolder { what, path: folder.to_owned() }.into()
    })
}

/// Makes the name of the file at `path`, new or changed, as durable as its content. Systems other than Unix cannot open a folder as a
/// file; they keep a rename without being asked.
pub(crate) fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}

/// Asks the file system to hold `bytes` for `file`, whose length stays as it is; what cannot be promised there is not.
#[cfg(target_os = "linux")]
pub(crate) fn reserve_space(file: &File, bytes: u64) -> io::Result<()> {
    use rustix::fs::{FallocateFlags, fallocate};
    use rustix::io::Errno;
    match fallocate(file, FallocateFlags::KEEP_SIZE, 0, bytes) {
        Err(Errno::OPNOTSUPP | Errno::NOSYS | Errno::INVAL | Errno::INTR) | Ok(()) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn reserve_space(_: &File, _: u64) -> io::Result<()> {
    Ok(())
}

/// Sets the disk to work on these bytes of a file without waiting for it. What the disk has not taken yet stays in memory, too.
#[cfg(target_os = "linux")]
pub(crate) fn start_write_back(file: &File, bytes: Range<u64>) {
    // It is a hint: what it does not do the next fsync does.
    let _ = rustix::fs::fadvise(file, bytes.start, NonZeroU64::new(bytes.end - bytes.start), rustix::fs::Advice::DontNeed);
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn start_write_back(_: &File, _: Range<u64>) {}

/// Lets go of what is in memory of a file that could not be brought to the disk, so that whoever reads it next reads what the disk holds:
/// the kernel takes those pages for written (fsync(2); Rebello et al., “Can Applications Recover from fsync Failures?”, 2020).
#[cfg(target_os = "linux")]
pub(crate) fn forget_cached(file: &File) {
    // It is a hint; there is nothing else to try.
    let _ = rustix::fs::fadvise(file, 0, None, rustix::fs::Advice::DontNeed);
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn forget_cached(_: &File) {}

/// The disk that a folder lies on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Disk {
    /// Bytes that this process may still write.
    pub(crate) available_bytes: u64,
    /// Whether what is written to it stays in memory: a RAM disk.
    pub(crate) is_memory: bool,
    /// Tells disks apart.
    device: u64,
}

impl Disk {
    /// Looks at the disk of `folder`, or of the nearest of its parents that is there; `None` where the system does not tell.
    pub(crate) fn of(folder: &Path) -> Option<Self> {
        let there = folder.ancestors().find(|folder| folder.exists()).unwrap_or(Path::new("."));
        disk(if there.as_os_str().is_empty() { Path::new(".") } else { there })
    }

    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.device == other.device
    }
}

#[cfg(unix)]
fn disk(folder: &Path) -> Option<Disk> {
    use std::os::unix::fs::MetadataExt;
    // What has no blocks at all, as /proc, is no disk.
    let space = rustix::fs::statvfs(folder).ok().filter(|space| space.f_blocks > 0)?;
    Some(Disk {
        available_bytes: space.f_bavail.saturating_mul(space.f_frsize),
        is_memory: is_memory(folder),
        device: fs::metadata(folder).ok()?.dev(),
    })
}

#[cfg(not(unix))]
fn disk(_: &Path) -> Option<Disk> {
    None
}

/// By the file system's magic number (statfs(2)): tmpfs or ramfs, or an overlay that writes to one, where this process sees it.
#[cfg(target_os = "linux")]
fn is_memory(folder: &Path) -> bool {
    const TMPFS_MAGIC: u64 = 0x0102_1994;
    const RAMFS_MAGIC: u64 = 0x8584_58f6;
    const OVERLAY_MAGIC: u64 = 0x794c_7630;
    // The type's width and sign differ between architectures; the magic numbers fit all.
    let magic = |folder: &Path| rustix::fs::statfs(folder).map_or(0, |disk| disk.f_type as u64 & u64::from(u32::MAX));
    match magic(folder) {
        TMPFS_MAGIC | RAMFS_MAGIC => true,
        OVERLAY_MAGIC => upper_folder(folder).is_some_and(|upper| [TMPFS_MAGIC, RAMFS_MAGIC].contains(&magic(&upper))),
        _ => false,
    }
}

/// Where an overlay writes to.
#[cfg(target_os = "linux")]
fn upper_folder(folder: &Path) -> Option<PathBuf> {
    use std::os::unix::fs::MetadataExt;
    let device = fs::metadata(folder).ok()?.dev();
    let device = format!("{}:{}", rustix::fs::major(device), rustix::fs::minor(device));
    upper_of(&fs::read_to_string("/proc/self/mountinfo").ok()?, &device)
}

/// The option `upperdir` of the overlay that is this device, among the `mounts` (proc_pid_mountinfo(5)).
#[cfg(target_os = "linux")]
fn upper_of(mounts: &str, device: &str) -> Option<PathBuf> {
    let mount = mounts.lines().find(|mount| mount.split(' ').nth(2) == Some(device))?;
    let options = mount.split(" - overlay ").nth(1)?.split(' ').nth(1)?;
    let upper = options.split(',').find_map(|option| option.strip_prefix("upperdir="))?;
    // A space is written so; paths with other special characters are not looked for.
    Some(upper.replace("\\040", " ").into())
}

#[cfg(all(unix, not(target_os = "linux")))]
fn is_memory(_: &Path) -> bool {
    false
}

/// Time that this thread has worked: that of a busy or a paused machine is not counted, where the system can tell them apart.
pub(crate) fn thread_time() -> Duration {
    #[cfg(unix)]
    {
        let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
        Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or(0))
    }
    #[cfg(not(unix))]
    {
        use std::sync::OnceLock;
        use std::time::Instant;
        static START: OnceLock<Instant> = OnceLock::new();
        START.get_or_init(Instant::now).elapsed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(root: &Path, file: &str, text: &str) {
        let file = root.join(file);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }

    #[test]
    fn the_tightest_group_counts_in_both_versions() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path();
        write(root, "own", "12:memory,hugetlb:/shop/web\n3:cpu:/\n0::/pod\n");
        assert_eq!(container(&root.join("own"), root), None);
        write(root, "memory/shop/web/memory.limit_in_bytes", "9223372036854771712\n");
        assert_eq!(container(&root.join("own"), root), None);
        write(root, "memory/shop/memory.limit_in_bytes", "500\n");
        write(root, "memory/shop/memory.usage_in_bytes", "100\n");
        assert_eq!(container(&root.join("own"), root), Some(Container { limit_bytes: 500, left_bytes: 400 }));
        write(root, "memory/shop/memory.stat", "inactive_file 1\ntotal_cache 70\ntotal_inactive_file 60\n");
        assert_eq!(container(&root.join("own"), root), Some(Container { limit_bytes: 500, left_bytes: 460 }));
        write(root, "pod/memory.max", "max\n");
        write(root, "memory.max", "300\n");
        assert_eq!(container(&root.join("own"), root), Some(Container { limit_bytes: 300, left_bytes: 300 }));
        write(root, "pod/memory.max", "1000\n");
        write(root, "pod/memory.current", "990\n");
        write(root, "pod/memory.stat", "anon 900\ninactive_file 10\n");
        assert_eq!(container(&root.join("own"), root), Some(Container { limit_bytes: 300, left_bytes: 20 }));
    }

    #[cfg(unix)]
    #[test]
    fn a_disk_is_that_of_the_nearest_folder_that_is_there() {
        let folder = tempfile::tempdir().unwrap();
        let disk = Disk::of(folder.path()).unwrap();
        assert!(disk.available_bytes > 0 && Disk::of(&folder.path().join("not/yet")).unwrap().is_same(&disk));
        assert!(Disk::of(Path::new("")).is_some());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_ram_disk_is_known_as_one() {
        let mounts = fs::read_to_string("/proc/mounts").unwrap();
        let fields = mounts.lines().map(|line| line.split(' ').collect::<Vec<_>>());
        for mount in fields.filter(|fields| ["tmpfs", "ext4"].contains(&fields[2]) && Path::new(fields[1]).is_dir()) {
            assert_eq!(Disk::of(Path::new(mount[1])).map(|disk| disk.is_memory), Some(mount[2] == "tmpfs"), "{mount:?}");
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn an_overlay_writes_to_its_upper_folder() {
        let mounts = "21 1 259:1 / / rw - ext4 /dev/vda rw\n\
                      90 21 0:45 / /mnt/my\\040job rw,relatime shared:3 - overlay none rw,lowerdir=/a,upperdir=/ram\\040disk/up,workdir=/w\n";
        assert_eq!(upper_of(mounts, "0:45"), Some("/ram disk/up".into()));
        assert_eq!((upper_of(mounts, "259:1"), upper_of(mounts, "0:4")), (None, None));
    }

    #[test]
    fn this_process_uses_memory() {
        let memory = SystemMemory::now();
        assert!(memory.resident_bytes > 0 && memory.peak_resident_bytes >= memory.resident_bytes && memory.available_bytes > 0);
        assert!(memory.default_limit_bytes() <= LARGEST_DEFAULT_BYTES);
    }
}
