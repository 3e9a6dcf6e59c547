//! Where each copy lies on which part.
//!
//! A [`Layout`] is what [`pack`] makes of a checked job and what rendering starts from. It is plain data in integer pixels, can be saved
//! as `layout.json`, edited by hand or by another program, and rendered again without the job.

mod artwork;
mod check;
mod cost;
mod explain;
mod file;
mod pack;
mod packing;

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub use self::cost::{FilmCost, OrderCost};
pub use self::explain::{RuleKind, RulePrice, explain};
pub(crate) use self::file::rebased_output;
pub use self::pack::{pack, shortest_length};
pub use self::packing::{
    Blank, Effort, Film, Lot, MAX_COPIES, PackedPart, Packing, PinnedSpot, Spot, Task, Violation, check_packing, check_task,
    length_lower_bound, pack_rectangles, pack_task, packing_memory_bytes, parts_lower_bound,
};
use crate::error::{ErrorKind, Result};
use crate::geom::{Dpi, PxRect, PxSize, Turn};
use crate::job::{Output, Treatment};

/// All copies of a job, placed on parts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "file::LayoutFile", into = "file::LayoutFile")]
pub struct Layout {
    /// The job's name.
    pub name: String,
    /// The resolution that all pixels are counted in.
    pub dpi: Dpi,
    /// The parts in printing order; the first one is part 1.
    pub parts: Vec<Part>,
    /// How the parts are written.
    pub output: Output,
}

impl Layout {
    /// Number of copies on all parts.
    #[must_use]
    pub fn copies(&self) -> u64 {
        self.parts.iter().map(|part| part.placements.len() as u64).sum()
    }

    /// Bytes that the placements and their texts hold.
    pub(crate) fn memory_bytes(&self) -> u64 {
        let text = |text: &str| 2 * size_of::<usize>() + text.len();
        let placement = |placement: &Placement| (size_of::<Placement>() + text(&placement.order) + text(&placement.artwork)) as u64;
        self.parts.iter().flat_map(|part| &part.placements).map(placement).sum()
    }

    /// No layout of these copies on film of this width is shorter than this, in pixels over all parts: the placed area fills it wholly.
    #[must_use]
    pub fn shortest_length_by_area(&self) -> u64 {
        let width = self.parts.iter().map(|part| part.size.width()).max().map_or(1, u64::from);
        self.parts.iter().map(Part::placed_area).sum::<u64>().div_ceil(width)
    }

    /// Length of all parts together, in pixels.
    #[must_use]
    pub fn length_px(&self) -> u64 {
        self.parts.iter().map(|part| u64::from(part.size.height())).sum()
    }

    /// By how much all parts together are longer than a bound, in per cent.
    #[must_use]
    pub fn percent_above(&self, bound_px: u64) -> f64 {
        100.0 * ratio(self.length_px().saturating_sub(bound_px), bound_px)
    }

    /// Placed area ÷ area of the parts, 0..=1 unless placements overlap.
    #[must_use]
    pub fn utilisation(&self) -> f64 {
        let area: u64 = self.parts.iter().map(|part| part.size().area()).sum();
        let placed: u64 = self.parts.iter().map(Part::placed_area).sum();
        ratio(placed, area)
    }
}

/// One output file: one length of media.
///
/// # Guarantees
///
/// Every placement lies inside the part. Placements may overlap; a later one is composited over an earlier one.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    size: PxSize,
    placements: Vec<Placement>,
}

impl Part {
    /// A part of `size` (width × length) with its placements in drawing order.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Layout`] names the first placement that lies outside of the part.
    pub fn new(size: PxSize, placements: Vec<Placement>) -> Result<Self> {
        match placements.iter().find(|placement| !size.holds(placement.rect)) {
            None => Ok(Self { size, placements }),
            Some(outside) => Err(ErrorKind::Layout {
                part: None,
                message: format!("{outside} reaches x {}, y {}: outside its part of {size}", outside.rect.right(), outside.rect.bottom()),
            }
            .into()),
        }
    }

    /// Width and length in pixels.
    #[must_use]
    pub fn size(&self) -> PxSize {
        self.size
    }

    /// The placements in drawing order.
    #[must_use]
    pub fn placements(&self) -> &[Placement] {
        &self.placements
    }

    /// Placed area ÷ part area, 0..=1 unless placements overlap.
    #[must_use]
    pub fn utilisation(&self) -> f64 {
        ratio(self.placed_area(), self.size.area())
    }

    fn placed_area(&self) -> u64 {
        self.placements.iter().map(|placement| placement.rect.size().area()).sum()
    }
}

/// One copy of an item at a rectangle of a part.
#[derive(Clone, Debug, PartialEq)]
pub struct Placement {
    /// The order's id.
    pub order: Arc<str>,
    /// The item's index in its order, counted from 0.
    pub item: u32,
    /// The copy's number, counted from 1.
    pub copy: u32,
    /// The artwork's path as written: absolute, or relative to the layout's file.
    pub artwork: Arc<str>,
    /// Where the turned artwork lies on the part.
    pub rect: PxRect,
    /// How the artwork is turned, after it is mirrored.
    pub turn: Turn,
    /// The size of the artwork, before the turn, where it lies in the middle of a canvas that is the whole placement.
    pub inner: Option<PxSize>,
    /// What is done to the artwork's pixels.
    pub treatment: Treatment,
}

impl fmt::Display for Placement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "order {}, item {}, copy {} ({})", self.order, self.item, self.copy, self.artwork)
    }
}

#[expect(clippy::cast_precision_loss, reason = "a ratio for people: areas lose at most their last bits")]
fn ratio(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}
