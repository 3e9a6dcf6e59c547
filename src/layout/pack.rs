//! From a checked job to a layout: packing in, placements out.

use super::packing::{self, Blank, Packing, Spot};
use super::{Layout, Part, Placement};
use crate::budget::MemoryBudget;
use crate::cancel::Cancel;
use crate::error::{ErrorKind, Result};
use crate::geom::{PxRect, PxSize, Turn};
use crate::job::{Crop, TurnPolicy};
use crate::preflight::{CheckedItem, MediaPx, Preflight};

/// Places every copy of a checked job on as few parts as possible, then on as little film as the packing's effort finds.
///
/// The layout depends on the job and the options alone, not on the machine. Within a part, copies are listed from top to bottom, then from
/// left to right.
///
/// # Memory
///
/// [`packing_memory_bytes`](crate::packing_memory_bytes), charged to `budget` while packing.
///
/// # Errors
///
/// [`ErrorKind::MemoryLimit`]; [`ErrorKind::Cancelled`] soon after `cancel` says so; [`ErrorKind::Layout`] when the margins leave nothing of
/// the media or the job has too many copies.
/// [`Preflight`] has already refused items that do not fit.
pub fn pack(preflight: &Preflight, options: &Packing, budget: &MemoryBudget, cancel: &Cancel) -> Result<Layout> {
    let (blanks, film) = (blanks(preflight), preflight.media());
    let copies = blanks.iter().map(|blank| u64::from(blank.copies)).sum();
    let _memory = budget.reserve(packing::packing_memory_bytes(blanks.len(), copies), format_args!("the packing of {copies} copies"))?;
    let packed = packing::pack_unless_cancelled(&blanks, &film, options, cancel)?;
    debug_assert!(packing::check_packing(&blanks, &film, &packed).is_ok());
    let mut next_copy = vec![1; blanks.len()];
    let parts = packed.into_iter().map(|spots| part(preflight, spots, &film, &mut next_copy)).collect::<Result<Vec<_>>>()?;
    Ok(Layout { name: preflight.name().to_owned(), dpi: preflight.dpi(), parts, output: preflight.output().clone() })
}

/// No layout of this job is shorter: a lower bound on the length of all parts together, margins included, in pixels.
///
/// # Errors
///
/// [`ErrorKind::Layout`] when the margins leave nothing of the media.
pub fn shortest_length(preflight: &Preflight) -> Result<u64> {
    let (blanks, film) = (blanks(preflight), preflight.media());
    packing::length_lower_bound(&blanks, &film, packing::parts_lower_bound(&blanks, &film)?)
}

/// One blank per item, at the same index.
pub(super) fn blanks(preflight: &Preflight) -> Vec<Blank> {
    let blank = |item: &CheckedItem| match item.turn {
        TurnPolicy::Auto => Blank { size: item.size, copies: item.copies, turnable: true },
        TurnPolicy::None => Blank { size: item.size, copies: item.copies, turnable: false },
        TurnPolicy::Fixed(turn) => Blank { size: item.size.turned(turn), copies: item.copies, turnable: false },
    };
    preflight.items().iter().map(blank).collect()
}

fn part(preflight: &Preflight, mut spots: Vec<Spot>, film: &MediaPx, next_copy: &mut [u32]) -> Result<Part> {
    spots.sort_unstable_by_key(|spot| (spot.y, spot.x));
    let placements = spots.iter().map(|spot| {
        let copy = next_copy[spot.blank];
        next_copy[spot.blank] += 1;
        placement(preflight, spot, copy)
    });
    let placements = placements.collect::<Result<Vec<_>>>()?;
    let right = placements.iter().map(|placement| placement.rect.right()).max().unwrap_or(0);
    let bottom = placements.iter().map(|placement| placement.rect.bottom()).max().unwrap_or(0);
    let size = match preflight.output().crop {
        Crop::None => PxSize::new(film.width, film.max_length)?,
        Crop::Length => PxSize::new(film.width, bottom + film.bottom)?,
        Crop::Content => PxSize::new(right + film.right, bottom + film.bottom)?,
    };
    Part::new(size, placements)
}

fn placement(preflight: &Preflight, spot: &Spot, copy: u32) -> Result<Placement> {
    let item =
        preflight.items().get(spot.blank).ok_or_else(|| ErrorKind::Layout { part: None, message: format!("no item {}", spot.blank) })?;
    let turn = match item.turn {
        TurnPolicy::Fixed(turn) => turn,
        TurnPolicy::Auto if spot.turned => Turn::Cw90,
        TurnPolicy::Auto | TurnPolicy::None => Turn::None,
    };
    Ok(Placement {
        order: item.order.clone(),
        item: item.item,
        copy,
        artwork: preflight.artworks()[item.artwork].written.clone(),
        rect: PxRect::new(spot.x, spot.y, item.size.turned(turn))?,
        turn,
        trim: item.trim,
        mirror: item.mirror,
    })
}
