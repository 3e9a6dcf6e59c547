//! What an artwork may ask of the program before it is refused.

use std::path::Path;
use std::time::Duration;

use crate::error::{Error, ErrorKind, Result};
use crate::geom::PxSize;
use crate::system::thread_time;

/// What an artwork may ask of the program before it is refused: files can be made that are small and keep a reader busy for hours.
///
/// Memory has its own limit, [`MemoryBudget`](crate::MemoryBudget).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ArtworkLimits {
    /// Pixels of one artwork. Default: 2²⁹, more than a film of 22 × 240 in at 300 DPI has.
    pub pixels: u64,
    /// Bytes of one artwork's metadata: texts, profiles, thumbnails. Default: 8 MiB.
    pub metadata_bytes: u64,
    /// Frames of an animation or pages of a document; only the first one is printed. Default: 10,000.
    pub frames: u32,
    /// Scans of a JPEG file, each of which goes over the whole picture; programs write about 10. Default: 32.
    pub scans: u32,
    /// Time that a processor may work to decode any artwork. What decodes a whole picture at once is interrupted as it reads on in the file;
    /// lossy WebP, whose work a pixel is bounded, is asked when it is done. Default: 10 s.
    pub decode_time: Duration,
    /// Time that it may work beside that for each million pixels. Default: 2 s, about a hundred times what it takes.
    pub decode_time_per_megapixel: Duration,
}

impl Default for ArtworkLimits {
    fn default() -> Self {
        Self {
            pixels: 1 << 29,
            metadata_bytes: 8 << 20,
            frames: 10_000,
            scans: 32,
            decode_time: Duration::from_secs(10),
            decode_time_per_megapixel: Duration::from_secs(2),
        }
    }
}

impl ArtworkLimits {
    /// No limit at all, for artwork that was printed before.
    pub(crate) const NONE: Self = Self {
        pixels: u64::MAX,
        metadata_bytes: u64::MAX,
        frames: u32::MAX,
        scans: u32::MAX,
        decode_time: Duration::MAX,
        decode_time_per_megapixel: Duration::MAX,
    };

    pub(super) fn check_size(&self, size: PxSize, path: &Path) -> Result<()> {
        if size.area() <= self.pixels {
            return Ok(());
        }
        let (found, limit) = (size.area().div_ceil(1_000_000), self.pixels / 1_000_000);
        Err(beyond(
            path,
            format!("its {size} are {found} million pixels, beyond the limit of {limit}: print it in pieces, or raise --max-megapixels"),
        ))
    }

    pub(super) fn check_metadata(&self, bytes: u64, path: &Path) -> Result<()> {
        if bytes <= self.metadata_bytes {
            return Ok(());
        }
        let limit = self.metadata_bytes;
        Err(beyond(
            path,
            format!("its metadata have more than {limit} bytes, the limit: export it without metadata, or raise --max-metadata"),
        ))
    }

    pub(super) fn check_frames(&self, frames: u32, path: &Path) -> Result<()> {
        if frames <= self.frames {
            return Ok(());
        }
        let limit = self.frames;
        Err(beyond(path, format!("it has more than {limit} frames or pages, the limit: export the first one alone, or raise --max-frames")))
    }

    pub(super) fn check_scans(&self, scans: u32, path: &Path) -> Result<()> {
        if scans <= self.scans {
            return Ok(());
        }
        let limit = self.scans;
        Err(beyond(path, format!("it comes in more than {limit} scans, the limit: export it as a baseline JPEG, or raise --max-scans")))
    }

    /// The time that decoding an artwork of this `size` may take, from now on.
    pub(super) fn deadline(&self, size: PxSize) -> Deadline {
        let megapixels = u32::try_from(size.area().div_ceil(1_000_000)).unwrap_or(u32::MAX);
        let limit = self.decode_time_per_megapixel.saturating_mul(megapixels).saturating_add(self.decode_time);
        let mut deadline = Deadline { limit, left: limit, at: Duration::ZERO };
        deadline.start();
        deadline
    }
}

/// The time that threads may work to decode an artwork.
#[derive(Clone, Copy, Debug)]
pub(super) struct Deadline {
    limit: Duration,
    /// What was left when a thread last began to work.
    left: Duration,
    /// The working thread's time when nothing is left.
    at: Duration,
}

impl Deadline {
    /// This thread works on it from now on.
    pub(super) fn start(&mut self) {
        self.at = thread_time().saturating_add(self.left);
    }

    /// This thread does so no more.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::ArtworkLimit`] for the artwork at `path`, where nothing is left.
    pub(super) fn stop(&mut self, path: &Path) -> Result<()> {
        self.left = self.at.saturating_sub(thread_time());
        if self.left.is_zero() { Err(self.exceeded(path)) } else { Ok(()) }
    }

    /// Asks while the thread works on it. Errors as for [`stop`](Self::stop).
    pub(super) fn check(&self, path: &Path) -> Result<()> {
        if self.is_over() { Err(self.exceeded(path)) } else { Ok(()) }
    }

    pub(super) fn is_over(&self) -> bool {
        thread_time() >= self.at
    }

    fn exceeded(&self, path: &Path) -> Error {
        let seconds = self.limit.as_secs();
        beyond(
            path,
            format!("decoding it takes more than {seconds} s, the limit for its size: export it again, or raise --max-decode-seconds"),
        )
    }
}

fn beyond(path: &Path, message: String) -> Error {
    ErrorKind::ArtworkLimit { path: path.to_owned(), message }.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_reaches_a_limit_passes_and_what_is_beyond_it_is_told() {
        let (limits, path) = (ArtworkLimits::default(), Path::new("fox.png"));
        let size = |width, height| PxSize::new(width, height).unwrap();
        limits.check_size(size(1 << 15, 1 << 14), path).unwrap();
        let taken = |seconds| {
            let mut deadline = limits.deadline(size(1000, 1000));
            deadline.left -= Duration::from_secs(seconds);
            deadline.start();
            deadline.check(path).and(deadline.stop(path))
        };
        taken(11).unwrap();
        for (refused, message) in [
            (
                limits.check_size(size(1 << 16, (1 << 15) + 1), path),
                "fox.png: its 65536 × 32769 px are 2148 million pixels, beyond the limit of 536: print it in pieces, or raise --max-megapixels",
            ),
            (limits.check_metadata((8 << 20) + 1, path), "more than 8388608 bytes, the limit"),
            (limits.check_frames(10_001, path), "more than 10000 frames"),
            (limits.check_scans(33, path), "more than 32 scans"),
            (taken(12), "more than 12 s, the limit"),
        ] {
            let error = refused.unwrap_err();
            assert!(matches!(error.kind(), ErrorKind::ArtworkLimit { .. }) && error.to_string().contains(message), "{error}");
            assert!(ArtworkLimits::NONE.check_size(size(crate::MAX_SIDE_PX, crate::MAX_SIDE_PX), path).is_ok());
        }
        let mut never = ArtworkLimits::NONE.deadline(size(1 << 30, 1 << 30));
        assert!(never.stop(path).is_ok() && !never.is_over());
    }
}
