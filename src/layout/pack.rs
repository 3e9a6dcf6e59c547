//! From a checked job to a layout: packing in, placements out.

use super::packing::{self, Blank, Film, Lot, PackedPart, Packing, PinnedSpot, Spot, Task};
use super::{Layout, Part, Placement};
use crate::budget::MemoryBudget;
use crate::cancel::Cancel;
use crate::error::{ErrorKind, Result};
use crate::geom::{PxRect, PxSize, Turn};
use crate::job::{Crop, Keep, TurnPolicy};
use crate::preflight::{CheckedItem, MediaPx, PinPx, Preflight};

/// Places every copy of a checked job by its rules: on as few parts as possible, then on as little film as the packing's effort finds; where
/// there is a choice of media, as cheaply as it finds.
///
/// The layout depends on the job and the options alone, not on the machine. Within a part, copies are listed from top to bottom, then from
/// left to right.
///
/// # Memory
///
/// [`packing_memory_bytes`](crate::packing_memory_bytes), twice where there are rules or several media, charged to `budget` while packing.
///
/// # Errors
///
/// [`ErrorKind::MemoryLimit`]; [`ErrorKind::Cancelled`] soon after `cancel` says so; [`ErrorKind::Layout`] when the margins leave nothing of the media, the job has too many copies, or a rule
/// leaves no place for an order, which it names.
/// [`Preflight`] has already refused items that do not fit.
pub fn pack(preflight: &Preflight, options: &Packing, budget: &MemoryBudget, cancel: &Cancel) -> Result<Layout> {
    let task = task(preflight);
    let copies = copies(&task);
    let _memory = budget.reserve(memory_bytes(&task), format_args!("the packing of {copies} copies"))?;
    let packed = packing::pack_task_unless_cancelled(&task, options, cancel)?;
    debug_assert!(packing::check_task(&task, &packed).is_ok(), "{:?}", packing::check_task(&task, &packed));
    let mut next_copy = vec![1; task.lots.len()];
    let parts = packed.into_iter().map(|packed| part(preflight, packed, &task, &mut next_copy)).collect::<Result<Vec<_>>>()?;
    Ok(Layout { name: preflight.name().to_owned(), dpi: preflight.dpi(), parts, output: preflight.output().clone() })
}

/// No layout of this job is shorter: a lower bound on the length of all parts together, margins included, in pixels.
///
/// # Errors
///
/// [`ErrorKind::Layout`] when the margins leave nothing of the media.
pub fn shortest_length(preflight: &Preflight) -> Result<u64> {
    let task = task(preflight);
    let blanks: Vec<Blank> = task.lots.iter().map(|lot| lot.blank).collect();
    let film = envelope(preflight.media());
    packing::length_lower_bound(&blanks, &film, packing::parts_lower_bound(&blanks, &film)?)
}

/// Film that holds whatever any of the media holds.
fn envelope(media: &[MediaPx]) -> MediaPx {
    let [first, others @ ..] = media else { return MediaPx::default() };
    others.iter().fold(*first, |all, one| {
        let inside = |media: &MediaPx| (media.width - media.left - media.right, media.max_length - media.top - media.bottom);
        let ((width, length), (other_width, other_length)) = (inside(&all), inside(one));
        let (top, bottom) = (all.top.min(one.top), all.bottom.min(one.bottom));
        let max_length = length.max(other_length) + top + bottom;
        MediaPx { width: width.max(other_width), max_length, left: 0, right: 0, top, bottom, ..all }
    })
}

/// The job as what is packed, by which rules, on what. There is one lot per item, at the same index.
pub(super) fn task(preflight: &Preflight) -> Task {
    let lot = |item: &CheckedItem| {
        let (size, turnable) = match item.turn {
            TurnPolicy::Auto => (item.size, true),
            TurnPolicy::None => (item.size, false),
            TurnPolicy::Fixed(turn) => (item.size.turned(turn), false),
        };
        let pin = |pin: &PinPx| PinnedSpot { part: pin.part as usize - 1, x: pin.x, y: pin.y, turned: turnable && pin.turn.swaps_sides() };
        let blank = Blank { size, copies: item.copies, turnable };
        let pinned = item.pinned.iter().map(pin).collect();
        Lot { blank, order: item.order.clone(), rank: item.rank, fill_up: item.fill_up, pinned }
    };
    let is_sheet = preflight.output().crop == Crop::None;
    let film = |(nth, &media): (usize, &MediaPx)| {
        let row_cost = preflight.prices().get(nth).map_or(media.width.into(), |price| price.of_row(media.width, preflight.dpi()));
        Film { media, row_cost, is_sheet }
    };
    let lots = preflight.items().iter().map(lot).collect();
    Task { lots, films: preflight.media().iter().enumerate().map(film).collect(), keep: preflight.keep(), cut: preflight.cut() }
}

pub(super) fn copies(task: &Task) -> u64 {
    task.lots.iter().map(|lot| u64::from(lot.blank.copies)).sum()
}

/// Bytes that packing a task takes: rules and a choice of film keep a second packing.
pub(super) fn memory_bytes(task: &Task) -> u64 {
    let lots = task.lots.iter().map(|lot| size_of::<Lot>() + size_of_val(lot.pinned.as_slice())).sum::<usize>() as u64;
    let has_rules = task.films.len() > 1 || task.keep != Keep::None || task.lots.iter().any(|lot| lot.fill_up || !lot.pinned.is_empty());
    // One packing for each film and one of all are compared.
    let compared = if task.films.len() > 1 { (task.films.len() as u64 + 1) * copies(task) * size_of::<Spot>() as u64 } else { 0 };
    lots + compared + packing::packing_memory_bytes(task.lots.len(), copies(task)) * if has_rules { 2 } else { 1 }
}

fn part(preflight: &Preflight, packed: PackedPart, task: &Task, next_copy: &mut [u32]) -> Result<Part> {
    let PackedPart { film, mut spots } = packed;
    let film = task.films[film].media;
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
        inner: item.inner,
        treatment: item.treatment,
    })
}
