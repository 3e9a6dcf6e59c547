//! The fingerprint of all that decides a part's bytes.

use std::collections::HashMap;

use sha2::{Digest, Sha256};

use super::RasterSpec;
use crate::artwork::ColorSpace;
use crate::job::OutputProfile;
use crate::layout::{Layout, Part};
use crate::preflight::CheckedArtwork;

/// Raised whenever a change of this crate gives the same plan other bytes.
const FORMAT: u64 = 3;

/// SHA-256 over everything that the bytes of `part` depend on: its geometry, the output options, and for each placement the rectangle, the
/// raster and the content of its artwork (not its path or date). An unfinished file continues only under the same digest.
pub(super) fn of_part(
    layout: &Layout,
    part: &Part,
    artworks: &[CheckedArtwork],
    space: &ColorSpace,
    specs: &[RasterSpec],
    raster_of: &[u32],
) -> [u8; 32] {
    let mut hash = Hash(Sha256::new());
    hash.number(FORMAT);
    hash.text(env!("CARGO_PKG_VERSION"));
    hash.text(&format!("{:?} {:?}", layout.output.background, layout.output.compression));
    hash.text(if layout.output.profile == OutputProfile::Untagged { "untagged" } else { "tagged" });
    hash.0.update(space.digest());
    hash.numbers([layout.dpi.get(), part.size().width(), part.size().height()]);
    // Each raster in full where it first occurs, later by that occurrence's number.
    let mut seen: HashMap<u32, u64> = HashMap::new();
    for (placement, &raster) in part.placements().iter().zip(raster_of) {
        hash.numbers([placement.rect.x(), placement.rect.y()]);
        let next = seen.len() as u64;
        let number = *seen.entry(raster).or_insert(next);
        hash.number(number);
        if number == next {
            let spec = &specs[raster as usize];
            hash.0.update(artworks[spec.artwork].header.fingerprint);
            hash.numbers([spec.size.width(), spec.size.height(), spec.turn.degrees(), spec.mirror.into()]);
            hash.numbers([spec.inner.width(), spec.inner.height()]);
            hash.text(&format!("{:?} {:?} {:?}", spec.crop, spec.resample, spec.alpha));
        }
    }
    hash.0.finalize().into()
}

struct Hash(Sha256);

impl Hash {
    fn number(&mut self, number: u64) {
        self.0.update(number.to_le_bytes());
    }

    fn numbers<const N: usize>(&mut self, numbers: [u32; N]) {
        numbers.into_iter().for_each(|number| self.number(number.into()));
    }

    fn text(&mut self, text: &str) {
        self.number(text.len() as u64);
        self.0.update(text);
    }
}
