//! What is to be packed with rules: lots of orders, film to choose from, what must lie together and how it is cut.

use std::sync::Arc;

use super::{Blank, Spot};
use crate::job::{Cut, Keep};
use crate::preflight::MediaPx;

/// Copies to be packed by rules, and the film to choose from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Task {
    /// What is to be packed. Lots with the same order belong together.
    pub lots: Vec<Lot>,
    /// What each part may be printed on: at least one.
    pub films: Vec<Film>,
    /// Whether the copies of an order lie together.
    pub keep: Keep,
    /// How the parts are cut.
    pub cut: Cut,
}

/// A blank with what its order asks for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Lot {
    /// The rectangle and its copies, those that lie fixed included.
    pub blank: Blank,
    /// The order's id.
    pub order: Arc<str>,
    /// How early the order comes: no copy lies on an earlier part than one of a smaller rank. It does not hold for an order that is kept on
    /// the part where one of its copies lies fixed.
    pub rank: u32,
    /// Whether it only fills what others leave free: on a part with other copies it reaches no farther than they do. Ranks do not hold for
    /// it.
    pub fill_up: bool,
    /// Where some of the copies lie fixed. Neither ranks nor `fill_up` hold for these.
    pub pinned: Vec<PinnedSpot>,
}

impl Lot {
    /// A lot without rules.
    #[must_use]
    pub fn new(blank: Blank, order: impl Into<Arc<str>>) -> Self {
        Self { blank, order: order.into(), rank: 0, fill_up: false, pinned: Vec::new() }
    }
}

/// The fixed place of one copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PinnedSpot {
    /// The part, counted from 0.
    pub part: usize,
    /// Left edge in pixels from the part's left edge, margin included.
    pub x: u32,
    /// Upper edge in pixels from the part's upper edge, margin included.
    pub y: u32,
    /// Whether it lies turned by 90°.
    pub turned: bool,
}

/// A kind of film.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Film {
    /// Its size, margins and gutters.
    pub media: MediaPx,
    /// What a row of pixels costs, in a unit that is the same for all films of a task.
    pub row_cost: u128,
    /// Whether a part takes the whole length, however little of it is used.
    pub is_sheet: bool,
}

impl Film {
    /// A roll whose cost is its area.
    #[must_use]
    pub fn roll(media: MediaPx) -> Self {
        Self { media, row_cost: media.width.into(), is_sheet: false }
    }

    /// What a part costs whose copies reach `bottom` px from its upper edge.
    #[must_use]
    pub fn cost(&self, bottom: u64) -> u128 {
        let length = if self.is_sheet { self.media.max_length.into() } else { bottom + u64::from(self.media.bottom) };
        self.row_cost.saturating_mul(length.into())
    }
}

/// One part of a packed task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PackedPart {
    /// Index of its film.
    pub film: usize,
    /// The copies on it; `blank` is the index of the lot.
    pub spots: Vec<Spot>,
}

impl PackedPart {
    /// How far the copies reach from the part's upper edge, in pixels.
    #[must_use]
    pub fn bottom(&self, task: &Task) -> u64 {
        self.spots.iter().map(|spot| bottom(&task.lots[spot.blank], spot)).max().unwrap_or(0)
    }

    /// What the part costs.
    #[must_use]
    pub fn cost(&self, task: &Task) -> u128 {
        task.films[self.film].cost(self.bottom(task))
    }
}

/// How far a copy reaches from the part's upper edge.
pub(super) fn bottom(lot: &Lot, spot: &Spot) -> u64 {
    u64::from(spot.y) + u64::from(size(lot, spot.turned).1)
}

/// Width and height of a copy as it lies.
pub(super) fn size(lot: &Lot, turned: bool) -> (u32, u32) {
    let (width, height) = (lot.blank.size.width(), lot.blank.size.height());
    if turned { (height, width) } else { (width, height) }
}

/// The area that a copy claims with its gutter, in square pixels: no less on any film, in any turn that is allowed.
pub(super) fn claim(task: &Task, blank: &Blank) -> u128 {
    let clamped = task.films.iter().map(|film| gutters(&film.media)).reduce(|a, b| (a.0.min(b.0), a.1.min(b.1)));
    let (gutter_x, gutter_y) = clamped.unwrap_or_default();
    let (width, height) = (u128::from(blank.size.width()), u128::from(blank.size.height()));
    let upright = (width + gutter_x) * (height + gutter_y);
    if blank.turnable { upright.min((height + gutter_x) * (width + gutter_y)) } else { upright }
}

/// The area that copies with their gutters have room for inside the margins.
pub(super) fn room(media: &MediaPx) -> u128 {
    let (gutter_x, gutter_y) = gutters(media);
    media.printable().map_or(0, |inside| (u128::from(inside.width()) + gutter_x) * (u128::from(inside.height()) + gutter_y))
}

/// Gutters are no wider than what they are to keep apart.
fn gutters(media: &MediaPx) -> (u128, u128) {
    let inside = media.printable().map_or((0, 0), |inside| (inside.width(), inside.height()));
    (media.gutter_x.min(inside.0).into(), media.gutter_y.min(inside.1).into())
}
